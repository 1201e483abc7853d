//! What holds while one input is taken.

use jiff::Timestamp;

use super::{Action, FlowNote};
use crate::clock::Moment;
use crate::flow::FlowSet;

/// The flows, the time, and what has been decided so far.
pub(super) struct Turn<'a> {
    pub(super) flows: &'a FlowSet,
    pub(super) now: Moment,
    pub(super) wall: Timestamp,
    pub(super) actions: Vec<Action>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(flows: &'a FlowSet, now: Moment, wall: Timestamp) -> Turn<'a> {
        Turn { flows, now, wall, actions: Vec::new() }
    }

    pub(super) fn note(&mut self, note: FlowNote) {
        self.actions.push(Action::Note(note));
    }
}
