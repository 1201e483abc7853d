//! `transfer`: another telephone rings while the caller hears music; then the two talk, or the flow goes on.

use super::exit::Exit;
use super::turn::Turn;
use super::way::Next;
use super::{Action, Session, State};
use crate::flow::{LanguageIndex, StepKind, TransferSpec, Untransferred};

/// A caller who is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transferring {
    /// The other telephone is rung, and the caller is asked to hold.
    Speaking,
    /// It rings, and the caller hears music.
    Holding,
    /// They talk.
    Connected,
}

impl Session {
    /// Keys that were typed ahead were not meant for whoever answers.
    pub(super) fn enter_transfer(&mut self, turn: &mut Turn<'_>, spec: &TransferSpec) -> Next {
        self.ahead.clear();
        let mut announce = Vec::new();
        if let Some(speech) = &spec.announce {
            // Whoever answers is of the house.
            self.add_speech_in(turn, speech, LanguageIndex(0), &mut announce);
        }
        turn.actions.push(Action::Transfer { to: spec.to.clone(), ring: spec.ring, announce });
        let mut words = Vec::new();
        self.add_phrase(turn, "phrases/queue/please_hold", &mut words);
        if words.is_empty() {
            self.state = State::Transferring(Transferring::Holding);
        } else {
            self.state = State::Transferring(Transferring::Speaking);
            self.play(turn, words);
        }
        Next::Stay
    }

    /// They talk.
    pub(super) fn transferred(&mut self) -> Next {
        self.steps = 0;
        self.state = State::Transferring(Transferring::Connected);
        Next::Stay
    }

    /// They do not: on to where the step says, else to what follows it, else an apology and goodbye.
    pub(super) fn not_transferred(&mut self, turn: &mut Turn<'_>, why: Untransferred) -> Next {
        if !matches!(self.state, State::Transferring(Transferring::Speaking | Transferring::Holding)) {
            return Next::Stay;
        }
        let step = turn.flows.flow(self.flow).step(self.step);
        let StepKind::Transfer(spec) = &step.kind else { return Next::Stay };
        let exit = match why {
            Untransferred::Busy => Exit::Busy,
            Untransferred::NoAnswer => Exit::NoAnswer,
            Untransferred::Failed => Exit::Failed,
        };
        let to = spec.way_for(why).or(step.next);
        if to.is_some() || !self.returns.is_empty() {
            return Next::Leave { exit: exit.name(), to };
        }
        self.leave(turn, exit.name());
        let mut words = Vec::new();
        self.add_phrase(turn, "phrases/queue/nobody_available", &mut words);
        self.add_phrase(turn, "phrases/system/goodbye", &mut words);
        self.part(turn, words)
    }

    /// What follows when the conversation is over.
    pub(super) fn transfer_over(&mut self, turn: &Turn<'_>) -> Next {
        Next::Leave { exit: Exit::Answered.name(), to: turn.flows.flow(self.flow).step(self.step).next }
    }
}
