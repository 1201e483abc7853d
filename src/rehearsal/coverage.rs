//! Which steps and ways out of them calls have walked, and which not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::flow::session::exits;
use crate::flow::{FlowIndex, FlowSet, StepIndex};
use crate::journal::StepName;

/// What calls have walked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    steps: BTreeSet<StepName>,
    exits: BTreeMap<StepName, BTreeSet<Arc<str>>>,
}

impl Walked {
    pub(super) fn entered(&mut self, step: &StepName) {
        if !self.steps.contains(step) {
            self.steps.insert(step.clone());
        }
    }

    pub(super) fn left(&mut self, step: &StepName, exit: &Arc<str>) {
        if !self.exits.get(step).is_some_and(|exits| exits.contains(exit)) {
            self.exits.entry(step.clone()).or_default().insert(exit.clone());
        }
    }

    /// Both together.
    pub fn join(&mut self, other: Walked) {
        self.steps.extend(other.steps);
        for (step, exits) in other.exits {
            self.exits.entry(step).or_default().extend(exits);
        }
    }
}

/// What no call walks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The flow and the step.
    pub step: (FlowIndex, StepIndex),
    /// The way out of it; `None` where the step itself is never entered.
    pub exit: Option<Arc<str>>,
}

/// How much of flows calls have walked. Ways out that are not the flow's are left out: that the caller hung up, and that
/// something broke. A key that works in every menu of a flow counts once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Steps that were walked, and all of them.
    pub steps: (usize, usize),
    /// Choices that were taken, keys that work everywhere among them, and all of them.
    pub choices: (usize, usize),
    /// Other ways out that were taken, and all of them.
    pub ways: (usize, usize),
    /// What was not walked, in the order of the flows.
    pub missing: Vec<Missing>,
}

impl Coverage {
    /// What of `flows` has been walked.
    pub fn of(flows: &FlowSet, walked: &Walked) -> Coverage {
        let mut coverage = Coverage::default();
        for (flow, index) in flows.flows.iter().zip(0_u16..) {
            let mut everywhere = BTreeSet::new();
            let names = |step: &Arc<str>| StepName { flow: flow.name.clone(), step: step.clone() };
            let taken_anywhere: BTreeSet<&Arc<str>> =
                walked.exits.iter().filter(|(step, _)| step.flow == flow.name).flat_map(|(_, exits)| exits).collect();
            for (step, place) in flow.steps.iter().zip(0_u32..) {
                let name = names(&step.name);
                let place = (FlowIndex(index), StepIndex(place));
                let entered = walked.steps.contains(&name);
                count(&mut coverage.steps, entered);
                if !entered {
                    coverage.missing.push(Missing { step: place, exit: None });
                }
                for exit in exits(flows, flow, step) {
                    if matches!(&*exit, "caller_hung_up" | "failed") {
                        continue;
                    }
                    let always = exit.starts_with("always ");
                    if always && !everywhere.insert(exit.clone()) {
                        continue;
                    }
                    let taken = match always {
                        true => taken_anywhere.contains(&exit),
                        false => walked.exits.get(&name).is_some_and(|taken| taken.contains(&exit)),
                    };
                    let is_choice = always || exit.starts_with("choice ");
                    count(if is_choice { &mut coverage.choices } else { &mut coverage.ways }, taken);
                    // What leads out of a step that is never entered goes without saying.
                    if !taken && (entered || always) {
                        coverage.missing.push(Missing { step: place, exit: Some(exit) });
                    }
                }
            }
        }
        coverage
    }

    /// Whether all was walked.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty()
    }
}

fn count((walked, all): &mut (usize, usize), is_walked: bool) {
    *walked += usize::from(is_walked);
    *all += 1;
}
