//! Where in the files things are written, kept beside the flows, so that whoever tells something of a step can say where
//! it stands.

use std::fmt;
use std::sync::Arc;

use super::graph::StepId;
use super::{FlowIndex, QueueIndex};
use crate::telephony::Digit;

/// A place in a file; it is shown as `flows/main.yaml:34:31`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The path of the file, as it is shown.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The first byte, from the beginning of the file.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Where something with settings is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its name.
    pub name: Place,
    /// What stands after each of its settings; of a choice the key, by the name of its exit (`choice 1`).
    pub settings: Vec<(Arc<str>, Place)>,
}

impl Written {
    /// What stands after a setting.
    pub fn setting(&self, key: &str) -> Option<&Place> {
        self.settings.iter().find(|(name, _)| &**name == key).map(|(_, place)| place)
    }
}

/// Where a flow is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFlow {
    /// Its name.
    pub name: Place,
    /// The keys that work in every menu.
    pub always: Vec<(Digit, Place)>,
    /// The steps, in their order.
    pub steps: Vec<Written>,
}

/// Where everything is written; empty for flows that were not read from files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// By [`FlowIndex`].
    pub flows: Vec<WrittenFlow>,
    /// By [`QueueIndex`].
    pub queues: Vec<Written>,
}

impl Places {
    /// Where a flow's name stands.
    pub fn flow(&self, flow: FlowIndex) -> Option<&Place> {
        Some(&self.flows.get(usize::from(flow.0))?.name)
    }

    /// Where a key stands that works in every menu of a flow.
    pub fn always(&self, flow: FlowIndex, key: Digit) -> Option<&Place> {
        let always = &self.flows.get(usize::from(flow.0))?.always;
        always.iter().find(|(written, _)| *written == key).map(|(_, place)| place)
    }

    /// Where a step's name stands.
    pub fn step(&self, at: StepId) -> Option<&Place> {
        self.written_step(at).map(|written| &written.name)
    }

    /// What stands after a step's setting such as `next`, or the key of its `choice 1`.
    pub fn setting(&self, at: StepId, key: &str) -> Option<&Place> {
        self.written_step(at)?.setting(key)
    }

    /// Where a queue's name stands.
    pub fn queue(&self, queue: QueueIndex) -> Option<&Place> {
        Some(&self.queues.get(usize::from(queue.0))?.name)
    }

    /// What stands after a queue's setting such as `when_full`, or the key of the `choice 1` that it offers while callers wait.
    pub fn queue_setting(&self, queue: QueueIndex, key: &str) -> Option<&Place> {
        self.queues.get(usize::from(queue.0))?.setting(key)
    }

    fn written_step(&self, at: StepId) -> Option<&Written> {
        self.flows.get(usize::from(at.flow.0))?.steps.get(at.step.0 as usize)
    }
}
