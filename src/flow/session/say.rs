//! `say`: words, and on to the next step.

use super::turn::Turn;
use super::way::Next;
use super::{Session, State};
use crate::flow::Speech;

impl Session {
    /// Who has typed ahead has heard it before: unless it must be heard, it is skipped.
    pub(super) fn enter_say(&mut self, turn: &mut Turn<'_>, speech: &Speech, must_hear: bool) -> Next {
        if !must_hear && !self.ahead.is_empty() {
            return self.follow(turn);
        }
        let mut words = Vec::new();
        self.add_speech(turn, speech, &mut words);
        if words.is_empty() {
            return self.follow(turn);
        }
        self.play(turn, words);
        self.state = State::Speaking { must_hear };
        Next::Stay
    }
}
