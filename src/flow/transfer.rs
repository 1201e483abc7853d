//! `transfer`: the caller is passed on to somebody outside of every queue.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::{FlowSet, Speech, StepKind, Target};

/// As long the other telephone may be rung.
pub const RING_RANGE: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(180);

/// To whom callers are passed on, and what becomes of them otherwise.
#[derive(Clone, Debug)]
pub struct TransferSpec {
    /// To whom.
    pub to: TransferTo,
    /// As long their telephone rings, within [`RING_RANGE`].
    pub ring: Duration,
    /// What they hear before the caller is joined to them; any key ends it.
    pub announce: Option<Speech>,
    /// Where callers go when the other is busy, or declines; without it `otherwise`.
    pub busy: Option<Target>,
    /// Where they go when nobody answers; likewise.
    pub no_answer: Option<Target>,
    /// Where they go when the other cannot be reached at all; likewise.
    pub failed: Option<Target>,
    /// Where they go when nothing else is said; without it, the step's `next`.
    pub otherwise: Option<Target>,
}

impl TransferSpec {
    /// As long a telephone rings where nothing is written.
    pub const RING: Duration = Duration::from_secs(30);

    /// Where callers go who were not connected; `None` for the step's `next`.
    pub fn way_for(&self, why: Untransferred) -> Option<Target> {
        let own = match why {
            Untransferred::Busy => self.busy,
            Untransferred::NoAnswer => self.no_answer,
            Untransferred::Failed => self.failed,
        };
        own.or(self.otherwise)
    }
}

impl FlowSet {
    /// The telephones outside of the house to which steps pass callers on: numbers and addresses, as they are written,
    /// each once.
    pub fn telephones(&self) -> impl Iterator<Item = &Arc<str>> {
        let steps = self.flows.iter().flat_map(|flow| &flow.steps);
        let called = steps.filter_map(|step| match &step.kind {
            StepKind::Transfer(spec) if !matches!(spec.to, TransferTo::Agent(_)) => Some(spec.to.name()),
            _ => None,
        });
        called.collect::<BTreeSet<_>>().into_iter()
    }

    /// The extensions of the agents to whom steps pass callers on.
    pub fn transferred_to(&self) -> impl Iterator<Item = &str> {
        self.flows.iter().flat_map(|flow| &flow.steps).filter_map(|step| match &step.kind {
            StepKind::Transfer(spec) => match &spec.to {
                TransferTo::Agent(extension) => Some(&**extension),
                _ => None,
            },
            _ => None,
        })
    }
}

/// To whom a caller is passed on.
#[derive(Clone, PartialEq, Eq)]
pub enum TransferTo {
    /// An agent, by extension.
    Agent(Arc<str>),
    /// A number that a trunk may call.
    Number(Arc<str>),
    /// A SIP address.
    Address(Arc<str>),
}

impl TransferTo {
    /// What is dialled.
    pub fn name(&self) -> &Arc<str> {
        match self {
            TransferTo::Agent(name) | TransferTo::Number(name) | TransferTo::Address(name) => name,
        }
    }
}

impl fmt::Debug for TransferTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a caller was not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Untransferred {
    /// The other talks to somebody, or declined.
    Busy,
    /// Nobody answered in time.
    NoAnswer,
    /// They cannot be reached: there is no such telephone, the trunk is down, ...
    Failed,
}
