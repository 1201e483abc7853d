//! Queues whose callers are to be asked for their opinion, and are not.

use super::{Analysis, placed};
use crate::flow::document::codes;
use crate::flow::document::diagnostic::{Diagnostic, Faults, Severity};
use crate::flow::graph::{Goal, StepId};
use crate::flow::{QueueIndex, StepKind, Target};

pub(super) fn tell(analysis: &Analysis<'_>, faults: &mut Faults) {
    for (index, queue) in analysis.set.queues.iter().enumerate() {
        let Some(survey) = queue.survey else { continue };
        let from = match survey.target {
            Target::Step(step) => Some(StepId { flow: survey.flow, step }),
            Target::Again | Target::Back | Target::HangUp | Target::Callback => None,
        };
        if from.is_none_or(|from| !leads_to_survey(analysis, from)) {
            let index = QueueIndex(u16::try_from(index).expect("queues are limited"));
            faults.push(asks_nothing(analysis, index, from));
        }
    }
}

/// Whether who goes on from a step comes to a survey before they talk to somebody else.
fn leads_to_survey(analysis: &Analysis<'_>, from: StepId) -> bool {
    let (mut open, mut seen) = (vec![from], vec![false; analysis.graph.nodes.len()]);
    while let Some(at) = open.pop() {
        if matches!(analysis.set.flow(at.flow).step(at.step).kind, StepKind::Survey(_)) {
            return true;
        }
        if std::mem::replace(&mut seen[analysis.graph.position(at)], true) {
            continue;
        }
        let node = analysis.graph.node(at);
        let onward = node.exits.iter().filter(|_| !node.nature.person);
        open.extend(onward.filter_map(|exit| match exit.to {
            Goal::Step(to) => Some(to),
            _ => None,
        }));
    }
    false
}

fn asks_nothing(analysis: &Analysis<'_>, queue: QueueIndex, from: Option<StepId>) -> Diagnostic {
    let places = &analysis.set.places;
    let place = places.queue_setting(queue, "survey").or_else(|| places.queue(queue));
    let name = &analysis.set.queue(queue).name;
    let message = match from {
        Some(from) => format!("`{}` is no survey, and leads to none", analysis.name(from)),
        None => format!("the survey of `{name}` is no step"),
    };
    let fault = placed(place, codes::NO_SURVEY, Severity::Warning, message);
    let fault = fault.remedy("name a step that asks: `how_was_it: {survey: csat}`");
    fault.consequence(format!("callers whom `{name}` has helped would not be asked how it was"))
}
