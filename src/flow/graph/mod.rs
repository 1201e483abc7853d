//! The flows as a graph: every step, every way out of it under the name that notes and metrics have for it, and where it
//! leads. Whatever reasons about flows without a caller (`check`, pictures, coverage) reads them here.
//!
//! Each kind of step declares its ways out in `exits.rs`, in one arm of one `match`: a new kind joins there.

mod exits;
mod onward;
mod paths;
mod questions;

use std::sync::Arc;

use super::place::Place;
use super::{FlowIndex, FlowSet, StepIndex};
use crate::telephony::Digit;

pub use onward::Onward;
pub use paths::{Stop, Way, Ways};

/// A step of one of the flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId {
    /// The flow.
    pub flow: FlowIndex,
    /// The step in it.
    pub step: StepIndex,
}

/// The flows as a graph.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Every step of every flow, in their order.
    pub nodes: Vec<Node>,
    /// Where calls begin.
    pub entries: Vec<Entry>,
    /// The place in `nodes` of each flow's first step.
    first: Vec<usize>,
    /// The place in `nodes` of the step with which each flow begins.
    starts: Vec<usize>,
}

/// A step with its ways out.
#[derive(Clone, Debug)]
pub struct Node {
    /// Which step.
    pub at: StepId,
    /// What it is to callers.
    pub nature: Nature,
    /// Every way out of it, but that the caller may hang up. Never empty.
    pub exits: Vec<Exit>,
}

/// What a step is to callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nature {
    /// It is a menu or a question: it waits for keys, and is what `again` and `back` mean.
    pub asks: bool,
    /// Somebody may answer here: it leads to a person.
    pub person: bool,
    /// Something is left with the house by which somebody gets back to the caller.
    pub message: bool,
    /// It ends the call, and is written to do so.
    pub ends: bool,
}

/// A way out of a step.
#[derive(Clone, Debug)]
pub struct Exit {
    /// The name in notes and metrics: `next`, `choice 1`, `always 0`, `no_input`, `found`. Each once in a step.
    pub name: Arc<str>,
    /// What makes a caller take it.
    pub by: By,
    /// Where it leads.
    pub to: Goal,
    /// It can be taken while all hours are open.
    pub while_open: bool,
    /// It can be taken while all hours are closed.
    pub while_closed: bool,
    /// Where it is written: the target, or the key of a choice; where nothing is, the step's name. `None` of flows that were
    /// not read from files.
    pub place: Option<Place>,
}

impl Exit {
    /// Whether leaving in this way is noted under its name: all but [`By::Return`] are.
    pub fn is_noted(&self) -> bool {
        self.by != By::Return
    }
}

/// What makes a caller leave a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Nothing: what the step does is done.
    Itself,
    /// How something turns out which the caller does not decide here: a condition, hours, a lookup.
    Outcome,
    /// These keys.
    Keys(Vec<Digit>),
    /// A key that works everywhere.
    Always(Digit),
    /// An answer that the caller has given: digits, a message, an opinion.
    Answer,
    /// Nothing was keyed, or nothing that fits, as often as was asked.
    Tries,
    /// A conversation that is over.
    Conversation,
    /// A wait that was too long.
    Wait,
    /// There was no room, nobody was there, or something broke.
    Refusal,
    /// The flow that the step walked into has ended. No note is made of it: the step was left by `flow` before.
    Return,
}

impl By {
    /// Whether the caller did something, or was talked to, or has waited: what callers cannot go round in circles by while
    /// they do nothing.
    pub fn takes_a_caller(&self) -> bool {
        match self {
            By::Keys(_) | By::Always(_) | By::Answer | By::Conversation | By::Wait => true,
            By::Itself | By::Outcome | By::Tries | By::Refusal | By::Return => false,
        }
    }
}

/// Where a way leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// That step.
    Step(StepId),
    /// The menu or question that the caller is in, or came from.
    Again,
    /// The one before that.
    Back,
    /// The flow ends: on to what follows the step that walked into it or, where none did, goodbye.
    End,
    /// Goodbye.
    HangUp,
    /// A promise to be called back, and goodbye.
    Callback,
}

/// Where calls begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What was dialled, or which queue agents send callers to.
    pub by: EntryBy,
    /// The first step.
    pub to: StepId,
}

/// What brings callers to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryBy {
    /// They dialled a number of this flow.
    Number(FlowIndex),
    /// Agents send callers into a queue, and this way leads out of it: `timed_out`, `choice 1`.
    Queue(super::QueueIndex, Arc<str>),
}

impl Graph {
    /// The graph of these flows.
    pub fn of(set: &FlowSet) -> Graph {
        let mut graph = Graph { nodes: Vec::new(), entries: Vec::new(), first: Vec::new(), starts: Vec::new() };
        for (flow, steps) in set.flows.iter().enumerate() {
            let flow = FlowIndex(u16::try_from(flow).expect("flows are limited"));
            graph.first.push(graph.nodes.len());
            graph.starts.push(graph.nodes.len() + steps.start.0 as usize);
            for step in 0..steps.steps.len() {
                let at = StepId { flow, step: StepIndex(u32::try_from(step).expect("steps are limited")) };
                graph.nodes.push(exits::node(set, at));
            }
        }
        let mut answered: Vec<FlowIndex> = set.numbers.values().copied().chain(set.any).collect();
        answered.sort_unstable();
        answered.dedup();
        for flow in answered.into_iter().filter(|flow| !set.flow(*flow).steps.is_empty()) {
            let to = StepId { flow, step: set.flow(flow).start };
            graph.entries.push(Entry { by: EntryBy::Number(flow), to });
        }
        graph.entries.extend(exits::entries_by_queues(set));
        graph
    }

    /// The place of a step in [`Graph::nodes`].
    pub fn position(&self, at: StepId) -> usize {
        self.first[usize::from(at.flow.0)] + at.step.0 as usize
    }

    /// A step.
    pub fn node(&self, at: StepId) -> &Node {
        &self.nodes[self.position(at)]
    }

    /// The steps of a flow.
    pub fn of_flow(&self, flow: FlowIndex) -> &[Node] {
        let flow = usize::from(flow.0);
        let end = self.first.get(flow + 1).copied().unwrap_or(self.nodes.len());
        &self.nodes[self.first[flow]..end]
    }
}

#[cfg(test)]
mod tests;
