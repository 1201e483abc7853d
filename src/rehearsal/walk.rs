//! The walk of a caller as a text: what happened, when, and where in the flow files it is written.

use std::fmt::Write as _;
use std::time::Duration;

use super::house::{House, UNWRITTEN};
use super::told::{Told, What, sentence};
use crate::clock::Moment;
use crate::journal::StepName;

/// Most lines of a walk: what came before is left out.
const LINES_MAX: usize = 60;
/// Where the place in a file begins, in characters.
const PLACES_BEGIN: usize = 34;

/// The walk from `began` on, a line for each thing that happened. `place_of` tells where a step is written.
pub fn written(house: &House, told: &[Told], began: Moment, place_of: &dyn Fn(&StepName) -> Option<String>) -> String {
    let mut lines = Vec::new();
    let mut keys: Option<(Moment, String)> = None;
    for told in told {
        if let What::Keyed(key) = told.what {
            keys.get_or_insert((told.at, String::new())).1.push(key.as_char());
            continue;
        }
        if let Some(line) = line(house, told, place_of) {
            if let Some((at, keys)) = keys.take() {
                lines.push((at, format!("   presses {keys}")));
            }
            lines.push((told.at, line));
        }
    }
    lines.extend(keys.map(|(at, keys)| (at, format!("   presses {keys}"))));
    let left_out = lines.len().saturating_sub(LINES_MAX);
    let mut text = String::new();
    if left_out > 0 {
        let _ = writeln!(text, "        ({left_out} lines before this are left out)");
    }
    for (at, line) in &lines[left_out..] {
        let _ = writeln!(text, "  {:>6}  {line}", clock(at.since(began)));
    }
    text
}

/// `0:04`, `12:30`, `1:00:05`.
pub(super) fn clock(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds / 3_600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

fn line(house: &House, told: &Told, place_of: &dyn Fn(&StepName) -> Option<String>) -> Option<String> {
    let prompt = |prompt: &crate::flow::PromptId| house.flows().prompt(*prompt);
    Some(match &told.what {
        What::Dialled(number) => format!("   calls {number}"),
        What::Refused(status) => format!("   is refused ({status})"),
        What::Entered(name) if &*name.step == UNWRITTEN => return None,
        What::Entered(name) => {
            let shown = format!("-> {}/{}", name.flow, name.step);
            match place_of(name) {
                Some(place) => format!("{shown:<PLACES_BEGIN$} {place}"),
                None => shown,
            }
        }
        What::Said { prompts, .. } => format!("   hears \"{}\"", sentence(prompts.iter().map(prompt))),
        What::Unspeakable(_) => "   something cannot be spoken and is left out".to_owned(),
        What::RanAway(_) => "   the flow goes in circles and is ended".to_owned(),
        What::Silence(length) => format!("   presses nothing for {} s", length.as_secs()),
        What::Asks(connector, Some(answer)) => format!("   {connector} is asked: {answer}"),
        What::Asks(connector, None) => format!("   {connector} is asked, and no answer is written"),
        What::Queued(queue) => format!("   waits in the queue {queue}"),
        What::Unqueued(queue, "answered") => format!("   waits in the queue {queue} no more"),
        What::Unqueued(queue, outcome) => format!("   waits in the queue {queue} no more: {outcome}"),
        What::Promised => "   keeps the place and is to be called back".to_owned(),
        What::Booked(queue) => format!("   has a place in the queue {queue} and is to be called back"),
        What::Answers(question, score) => format!("   answers {question} with {score}"),
        What::Rings(agent) => format!("   the phone of {agent} rings"),
        What::Talks(agent) => format!("   talks to {agent}"),
        What::AgentHangsUp(agent) => format!("   {agent} hangs up"),
        What::CalledBack => "   is called back".to_owned(),
        What::RingsNoMore => "   is called no more".to_owned(),
        What::PicksUp => "   picks up".to_owned(),
        What::HangsUp => "   hangs up".to_owned(),
        What::HungUpOn => "   the line hangs up".to_owned(),
        What::Left(..) | What::Place(_) | What::Quiet(_) | What::Keyed(_) | What::Over(_) => return None,
    })
}
