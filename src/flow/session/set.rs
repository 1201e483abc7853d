//! `set`: values get names.

use std::sync::Arc;

use super::Session;
use super::turn::Turn;
use super::way::Next;
use crate::flow::Value;

impl Session {
    pub(super) fn enter_set(&mut self, turn: &Turn<'_>, values: &[(Arc<str>, Value)]) -> Next {
        for (name, value) in values {
            self.save(name, value.clone());
        }
        self.follow(turn)
    }
}
