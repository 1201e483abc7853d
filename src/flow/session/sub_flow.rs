//! `flow`: another flow, with its own keys and languages, and back to `next` when it ends.

use super::exit::Exit;
use super::turn::Turn;
use super::way::Next;
use super::{DEEPEST_FLOW, Session};
use crate::flow::{FlowIndex, Target};

impl Session {
    pub(super) fn enter_flow(&mut self, turn: &mut Turn<'_>, flow: FlowIndex) -> Next {
        if self.returns.len() >= DEEPEST_FLOW {
            return self.run_away(turn);
        }
        // The step is left before its flow is, so that the note names both rightly.
        self.leave(turn, Exit::Flow.name());
        self.descend(turn.flows, flow);
        Next::Leave { exit: Exit::Flow.name(), to: Some(Target::Step(turn.flows.flow(flow).start)) }
    }
}
