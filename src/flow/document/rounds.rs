//! Ways out of a queue that lead straight back into it.

use std::collections::BTreeSet;

use super::{Reader, codes};
use crate::flow::{FlowSet, FlowTarget, QueueIndex, StepKind, Target};

impl Reader<'_> {
    /// Tells where callers who are sent out of a queue would be in it again without having been asked anything.
    pub(super) fn tell_rounds(&mut self, set: &FlowSet) {
        for (position, spec) in set.queues.iter().enumerate() {
            let queue = QueueIndex(u16::try_from(position).expect("queues are limited"));
            let ways = [
                ("when_full", spec.full, "is full", "the call would go in circles, and be ended"),
                (
                    "when_too_long",
                    spec.too_long.1,
                    "was too long to wait in",
                    "they would wait there as long once more, again and again",
                ),
                (
                    "when_no_agents",
                    spec.no_agents,
                    "has nobody to answer",
                    "the call would go in circles, and be ended",
                ),
            ];
            for (key, way, why, consequence) in ways {
                let Some(step) = way.and_then(|way| leads_to(set, way, queue)) else { continue };
                let (file, entry) = self.queues.written[position];
                let Some(way) = entry.value.find(key) else { continue };
                let place = way.value.find("go").map_or(way.key_span, |go| go.place());
                let message = format!("callers for whom `{}` {why} come back to it at the step `{step}`", spec.name);
                let fault = self.pages[file].warning(codes::QUEUE_ROUND, place, message);
                let fault = fault.remedy("send them to another queue, to be called back, or to a message");
                self.faults.push(fault.consequence(consequence));
            }
        }
    }
}

/// The step by which a way comes to `queue`, when nothing on it asks the caller or decides anything.
fn leads_to(set: &FlowSet, way: FlowTarget, queue: QueueIndex) -> Option<&str> {
    let flow = set.flow(way.flow);
    let mut seen = BTreeSet::new();
    let mut next = Some(way.target);
    while let Some(Target::Step(index)) =
        next.filter(|target| !matches!(target, Target::Step(step) if !seen.insert(step.0)))
    {
        let step = flow.step(index);
        match &step.kind {
            StepKind::Queue { queue: found, .. } if *found == queue => return Some(&step.name),
            StepKind::Say { .. } | StepKind::Play { .. } | StepKind::Set(_) | StepKind::Language(_) => next = step.next,
            _ => return None,
        }
    }
    None
}
