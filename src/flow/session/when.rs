//! `when`: one way or the other.

use std::borrow::Cow;

use super::Session;
use super::exit::Exit;
use super::turn::Turn;
use super::way::Next;
use crate::flow::{Condition, Target};

impl Session {
    pub(super) fn enter_when(
        &mut self,
        turn: &Turn<'_>,
        condition: &Condition,
        then: Target,
        otherwise: Option<Target>,
    ) -> Next {
        if self.holds(turn, condition) {
            return Next::Leave { exit: Exit::Then.name(), to: Some(then) };
        }
        match otherwise {
            Some(_) => Next::Leave { exit: Exit::Otherwise.name(), to: otherwise },
            None => self.follow(turn),
        }
    }

    pub(super) fn holds(&self, turn: &Turn<'_>, condition: &Condition) -> bool {
        condition.evaluate(&|name| self.value(turn, name).map(Cow::into_owned))
    }
}
