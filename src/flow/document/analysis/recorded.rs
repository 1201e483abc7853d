//! Recordings that nothing has begun, and people who are on one without having been told.

use std::cell::LazyCell;

use super::{Analysis, Severity, placed};
use crate::flow::document::codes;
use crate::flow::document::diagnostic::Faults;
use crate::flow::graph::{Exit, Node, Onward};
use crate::flow::{Record, StepKind, TransferTo};

pub(super) fn tell(analysis: &Analysis<'_>, faults: &mut Faults) {
    let (set, graph) = (analysis.set, analysis.graph);
    let step = |node: &Node| set.flow(node.at.flow).step(node.at.step);
    let record = |node: &Node| match &step(node).kind {
        StepKind::Record(record) => Some(&**record),
        _ => None,
    };
    let begins = |node: &Node| matches!(record(node), Some(Record::Start { .. }));
    // Where none begins, that is told already.
    if !graph.nodes.iter().any(begins) {
        return;
    }
    // Who does not agree goes on unrecorded, and nobody is recorded behind `record: stop`.
    let take = |node: &Node, exit: &Exit| match record(node) {
        Some(Record::Start { .. }) => &*exit.name == "next",
        Some(Record::Stop) => false,
        Some(Record::Pause | Record::Resume) | None => true,
    };
    let recorded = graph.onward(begins, take);
    let ways = LazyCell::new(|| graph.ways(|_, _| Some(1)));
    for node in &graph.nodes {
        match record(node) {
            Some(Record::Start { .. }) | None => {}
            Some(_) if recorded.reach(node.at) => {}
            Some(_) => {
                // Of a step that nobody comes to that is told already.
                let Some(way) = ways.to(node.at) else { continue };
                let place = set.places.setting(node.at, "record");
                let message = format!("on no way to `{}` has a recording begun", analysis.name(node.at));
                let fault = placed(place, codes::NOT_RECORDED, Severity::Warning, message);
                let fault = fault.remedy("begin one before: `record: {consent: ask}`");
                let fault = fault.consequence("this would do nothing");
                faults.push(fault.note(analysis.way_there(&way, node.at)));
            }
        }
        tell_untold(analysis, &recorded, node, faults);
    }
}

/// Tells transfers out of the house in which the other side is recorded, and hears nothing of it.
fn tell_untold(analysis: &Analysis<'_>, recorded: &Onward<'_>, node: &Node, faults: &mut Faults) {
    let StepKind::Transfer(transfer) = &analysis.set.flow(node.at.flow).step(node.at.step).kind else { return };
    if transfer.announce.is_some() || matches!(transfer.to, TransferTo::Agent(_)) {
        return;
    }
    let Some(way) = recorded.to(node.at) else { return };
    let place = analysis.set.places.setting(node.at, "transfer");
    let message = format!("whoever answers in `{}` would be recorded, and nobody tells them", analysis.name(node.at));
    let fault = placed(place, codes::UNTOLD, Severity::Warning, message);
    let fault =
        fault.remedy("tell them: `announce: This call is recorded.`, or lead over a step `record: stop` before");
    let fault = fault.consequence("somebody outside of the house would be recorded without their consent");
    faults.push(fault.note(format!("recorded on the way: {}", analysis.stops(&way, node.at))));
}
