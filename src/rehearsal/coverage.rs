//! Which steps and ways out of them calls have walked, and which not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::failure::placed;
use crate::flow::FlowSet;
use crate::flow::document::{Diagnostic, Severity, codes};
use crate::flow::graph::{By, Graph, StepId};
use crate::flow::place::Place;
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

    /// Whether any step of a flow was left in this way.
    fn is_left_anywhere(&self, flow: &str, exit: &str) -> bool {
        self.exits.iter().any(|(step, exits)| *step.flow == *flow && exits.contains(exit))
    }

    /// Both together.
    pub fn join(&mut self, other: &Walked) {
        self.steps.extend(other.steps.iter().cloned());
        for (step, exits) in &other.exits {
            self.exits.entry(step.clone()).or_default().extend(exits.iter().cloned());
        }
    }
}

/// What no call walks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The flow and the step.
    pub step: StepId,
    /// The way out of it, and where that is written; `None` where the step itself is never entered.
    pub exit: Option<(Arc<str>, Option<Place>)>,
}

impl Missing {
    /// As it is told at `place`.
    pub fn diagnostic(&self, place: Option<&Place>, message: String) -> Diagnostic {
        let (code, severity) = (codes::NOT_WALKED, Severity::Warning);
        match place {
            Some(place) => placed(code, severity, place, message),
            None => Diagnostic::of_file(code, severity, "", message),
        }
    }
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
        let mut everywhere = BTreeSet::new();
        for node in Graph::of(flows).nodes {
            let flow = flows.flow(node.at.flow);
            let name = StepName { flow: flow.name.clone(), step: flow.step(node.at.step).name.clone() };
            let entered = walked.steps.contains(&name);
            count(&mut coverage.steps, entered);
            if !entered {
                coverage.missing.push(Missing { step: node.at, exit: None });
            }
            for exit in node.exits.into_iter().filter(|exit| exit.is_noted() && &*exit.name != "failed") {
                let always = matches!(exit.by, By::Always(_));
                if always && !everywhere.insert((node.at.flow, exit.name.clone())) {
                    continue;
                }
                let taken = match always {
                    true => walked.is_left_anywhere(&flow.name, &exit.name),
                    false => walked.exits.get(&name).is_some_and(|taken| taken.contains(&exit.name)),
                };
                let is_choice = matches!(exit.by, By::Always(_) | By::Keys(_));
                count(if is_choice { &mut coverage.choices } else { &mut coverage.ways }, taken);
                // What leads out of a step that is never entered goes without saying.
                if !taken && (entered || always) {
                    coverage.missing.push(Missing { step: node.at, exit: Some((exit.name, exit.place)) });
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
