//! `play`: a recording by its name, heard like words.

use super::Session;
use super::turn::Turn;
use super::way::Next;
use crate::flow::Speech;

impl Session {
    pub(super) fn enter_play(&mut self, turn: &mut Turn<'_>, recording: &Speech, must_hear: bool) -> Next {
        self.enter_say(turn, recording, must_hear)
    }
}
