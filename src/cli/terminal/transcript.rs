//! What happens to the caller, as it is printed.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::Telephone;
use crate::flow::PromptId;
use crate::journal::StepName;
use crate::rehearsal::{What, sentence};

/// How the transcript looks.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::cli) struct Look {
    /// Dim what is not heard.
    pub(in crate::cli) colour: bool,
    /// Tell every step.
    pub(in crate::cli) verbose: bool,
}

impl Telephone<'_> {
    /// Prints what has happened since the last time.
    pub(super) fn transcribe(&mut self) {
        let mut told = self.stage.take_told();
        // Who hangs up leaves the step first.
        told.sort_by_key(|told| matches!(told.what, What::HangsUp));
        for told in told {
            self.notebook.note(self.house, &told.what);
            match &told.what {
                What::Promised | What::Booked(_) => self.owed = true,
                What::Talks(_) | What::PicksUp => self.owed = false,
                _ => {}
            }
            match told.what {
                What::Said { prompts, .. } => self.hear(&prompts),
                What::Entered(step) if self.look.verbose => self.aside(&format!("-> {}", written(&step))),
                What::Left(step, exit) if self.look.verbose => self.aside(&format!("<- {} by {exit}", written(&step))),
                what => {
                    if let Some(told) = self.told(&what) {
                        self.aside(&told);
                    }
                }
            }
        }
    }

    /// What is told in brackets, if anything is.
    fn told(&self, what: &What) -> Option<String> {
        let name = |agent: &Arc<str>| self.stage.agent_name(agent);
        Some(match what {
            What::Refused(status) => format!("Nobody answers this number ({status})."),
            What::Quiet(length) => format!("Silence for {}.", seconds(*length)),
            What::Silence(length) => format!("Nothing is pressed for {}.", seconds(*length)),
            What::Asks(connector, Some(answer)) => format!("{connector} is asked: {answer}."),
            What::Asks(connector, None) => match self.stage.asked_service() {
                Some((asked, url)) => format!(
                    "{connector} is asked {} {url}; answer with :lookup {connector} {}",
                    asked.method.name(),
                    asked.example_answer()
                ),
                None => format!("{connector} is asked."),
            },
            What::Queued(queue) => format!("You wait in the queue {queue}."),
            What::Unqueued(queue, outcome) => match *outcome {
                "left_by_key" => "You leave the queue.".to_owned(),
                "timed_out" => format!("You have waited for too long in the queue {queue}."),
                "overflowed" => format!("The queue {queue} is full."),
                "no_agents" => format!("Nobody works for the queue {queue}."),
                _ => return None,
            },
            What::Promised => "You keep your place, and will be called back.".to_owned(),
            What::Booked(queue) => format!("You have a place in the queue {queue}, and will be called back."),
            What::Answers(question, score) => format!("You have answered {question} with {score}."),
            What::Rings(agent) => format!("The telephone of {} rings.", name(agent)),
            What::Talks(agent) => format!("You talk with {}.", name(agent)),
            What::AgentHangsUp(agent) => format!("{} hangs up.", name(agent)),
            What::CalledBack => "Your telephone rings.".to_owned(),
            What::RingsNoMore => "Your telephone rings no more.".to_owned(),
            What::PicksUp => "You pick up.".to_owned(),
            What::HangsUp => "You hang up.".to_owned(),
            What::HungUpOn => "Helpline hangs up.".to_owned(),
            What::Unspeakable(step) => {
                format!("Something in `{}` cannot be spoken and is left out.", written(step))
            }
            What::RanAway(step) => format!("The flow goes in circles at `{}` and is ended.", written(step)),
            What::Said { .. }
            | What::Dialled(_)
            | What::Entered(_)
            | What::Left(..)
            | What::Keyed(_)
            | What::Place(_)
            | What::Over(_) => return None,
        })
    }

    fn hear(&mut self, prompts: &[PromptId]) {
        let mut line = String::from("  ");
        let mut missing = false;
        let flows = Arc::clone(self.house.flows());
        let recorded = |prompt: &PromptId| self.house.is_recorded(*prompt);
        let mut runs = prompts.chunk_by(|a, b| recorded(a) == recorded(b)).peekable();
        while let Some(run) = runs.next() {
            let recorded = recorded(&run[0]);
            missing |= !recorded;
            let mut words = sentence(run.iter().map(|prompt| flows.prompt(*prompt)));
            if runs.peek().is_none() && words.ends_with(char::is_alphanumeric) {
                words.push('.');
            }
            let (start, end) = match (recorded, self.look.colour) {
                (true, _) => ("", ""),
                (false, true) => ("\x1b[2;3m", "\x1b[0m"),
                (false, false) => ("(", ")"),
            };
            let gap = if line.trim().is_empty() || words.starts_with(['.', ',', '?', '!']) { "" } else { " " };
            let _ = write!(line, "{gap}{start}{words}{end}");
        }
        if missing && !std::mem::replace(&mut self.explained, true) {
            let told = if self.look.colour { "dim" } else { "in parentheses" };
            self.aside(&format!("What is {told} has no recording."));
        }
        let _ = writeln!(self.printed, "{line}");
    }

    /// What the caller does not hear.
    pub(super) fn aside(&mut self, text: &str) {
        let (start, end) = if self.look.colour { ("\x1b[36m", "\x1b[0m") } else { ("", "") };
        let _ = writeln!(self.printed, "{start}[{text}]{end}");
    }
}

fn written(step: &StepName) -> String {
    format!("{}/{}", step.flow, step.step)
}

fn seconds(length: Duration) -> String {
    let tenths = length.as_millis() / 100;
    if tenths.is_multiple_of(10) { format!("{} s", tenths / 10) } else { format!("{}.{} s", tenths / 10, tenths % 10) }
}
