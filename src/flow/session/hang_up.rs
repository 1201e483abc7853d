//! `hangup`, and every other end: last words, heard to their end, and the call is over.

use super::exit::Exit;
use super::turn::Turn;
use super::way::Next;
use super::{Action, FlowNote, Session, State};
use crate::flow::{PromptId, Speech};

impl Session {
    pub(super) fn enter_hang_up(&mut self, turn: &mut Turn<'_>, speech: Option<&Speech>) -> Next {
        let mut words = Vec::new();
        if let Some(speech) = speech {
            self.add_speech(turn, speech, &mut words);
        }
        self.part(turn, words)
    }

    /// Nothing follows.
    pub(super) fn say_goodbye(&mut self, turn: &mut Turn<'_>) -> Next {
        let mut words = Vec::new();
        self.add_phrase(turn, "phrases/system/goodbye", &mut words);
        self.part(turn, words)
    }

    /// The flow goes in circles: the caller is told that it is our fault.
    pub(super) fn run_away(&mut self, turn: &mut Turn<'_>) -> Next {
        turn.note(FlowNote::RanAway { flow: self.flow, step: self.step });
        let mut words = Vec::new();
        self.add_phrase(turn, "phrases/system/trouble", &mut words);
        self.part(turn, words)
    }

    /// The end of the call.
    pub(super) fn end(&mut self, turn: &mut Turn<'_>) {
        self.leave(turn, Exit::HangUp.name());
        self.playing = false;
        self.state = State::Ended;
        turn.actions.push(Action::HangUp);
    }

    fn part(&mut self, turn: &mut Turn<'_>, words: Vec<PromptId>) -> Next {
        if words.is_empty() {
            self.end(turn);
        } else {
            self.play(turn, words);
            self.state = State::Parting;
        }
        Next::Stay
    }
}
