//! Where a caller goes from a step: on, back, again, out of a flow, or nowhere.

use std::sync::Arc;

use super::{LONGEST_WAY_BACK, Session};
use crate::flow::{Flow, FlowIndex, FlowSet, LanguageIndex, Step, StepIndex, StepKind, Target};

/// What a step has decided.
pub(super) enum Next {
    /// It waits for something.
    Stay,
    /// It is over.
    Leave {
        /// How.
        exit: Arc<str>,
        /// Where to; `None` when nothing follows.
        to: Option<Target>,
    },
}

/// Where to go on when a flow that was walked into ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Return {
    flow: FlowIndex,
    next: Option<Target>,
    /// The step that walked into it, for `again` and `back`.
    step: StepIndex,
}

/// A menu or question on the caller's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    flow: FlowIndex,
    step: StepIndex,
    /// How many flows had walked into this one.
    pub(super) depth: usize,
}

impl Session {
    /// The step where `to` leads, in the flow which is the present one afterwards; nothing when the call is over.
    pub(super) fn destination(&mut self, flows: &FlowSet, mut to: Option<Target>) -> Option<StepIndex> {
        loop {
            match to {
                Some(Target::Step(step)) => return Some(step),
                Some(Target::HangUp) => return None,
                Some(Target::Again) => return Some(self.again(flows)),
                Some(Target::Back) => return Some(self.back(flows)),
                None => {
                    let back = self.returns.pop()?;
                    self.speak_in(flows, back.flow);
                    self.step = back.step;
                    // What lies in the flow that ended is out of reach: its way home is gone.
                    let depth = self.returns.len();
                    self.trail.retain(|place| place.depth <= depth);
                    to = back.next;
                }
            }
        }
    }

    /// Walks into `flow`, to come back to what follows the present step.
    pub(super) fn descend(&mut self, flows: &FlowSet, flow: FlowIndex) {
        let next = flows.flow(self.flow).step(self.step).next;
        self.returns.push(Return { flow: self.flow, next, step: self.step });
        self.speak_in(flows, flow);
    }

    /// Remembers the present menu or question for `back`.
    pub(super) fn remember_place(&mut self) {
        let here = Place { flow: self.flow, step: self.step, depth: self.returns.len() };
        if self.trail.last() == Some(&here) {
            return;
        }
        if self.trail.len() == LONGEST_WAY_BACK {
            self.trail.remove(0);
        }
        self.trail.push(here);
    }

    /// Makes `flow` the present one, in the caller's language if it is spoken there.
    fn speak_in(&mut self, flows: &FlowSet, flow: FlowIndex) {
        self.flow = flow;
        self.language = language_in(flows.flow(flow), &self.tongue);
    }

    /// The menu or question that the caller is in or, from any other step, came from.
    fn again(&mut self, flows: &FlowSet) -> StepIndex {
        match self.trail.last() {
            _ if is_question(flows.flow(self.flow).step(self.step)) => self.step,
            Some(&place) => self.go_to(flows, place),
            None => flows.flow(self.flow).start,
        }
    }

    /// The menu or question before the one that the caller is in or, from any other step, the one before that step.
    fn back(&mut self, flows: &FlowSet) -> StepIndex {
        if is_question(flows.flow(self.flow).step(self.step)) && self.trail.len() > 1 {
            self.trail.pop();
            let before = self.trail[self.trail.len() - 1];
            return self.go_to(flows, before);
        }
        self.again(flows)
    }

    fn go_to(&mut self, flows: &FlowSet, place: Place) -> StepIndex {
        self.returns.truncate(place.depth);
        self.speak_in(flows, place.flow);
        place.step
    }
}

/// The place of `tongue` among the flow's languages; its default where it is not spoken.
fn language_in(flow: &Flow, tongue: &str) -> LanguageIndex {
    let place = flow.languages.iter().position(|language| &**language == tongue);
    LanguageIndex(place.and_then(|place| u8::try_from(place).ok()).unwrap_or(0))
}

fn is_question(step: &Step) -> bool {
    matches!(step.kind, StepKind::Menu(_) | StepKind::Collect(_))
}
