//! What callers say after the tone, in virtual time: they speak for as long as they wait, and what they say is kept or
//! dropped as reactors do it.

use std::time::Duration;

use crate::clock::Moment;
use crate::telephony::{MediaEvent, TapeEnd, TapeKind, TapeOrder, TapeReport};

/// The tape of a leg.
#[derive(Debug)]
pub(super) struct Tape {
    order: TapeOrder,
    since: Moment,
    ended: bool,
}

impl Tape {
    pub(super) fn begin(now: Moment, order: TapeOrder) -> Tape {
        Tape { order, since: now, ended: false }
    }

    /// When a message is as long as it may be, while it runs.
    pub(super) fn end(&self) -> Option<Moment> {
        let runs = !self.ended && self.order.kind == TapeKind::Message;
        runs.then(|| self.since + self.order.longest)
    }

    /// What is told when it ends; nothing when it has before.
    pub(super) fn finish(&mut self, now: Moment, leg: crate::telephony::LegId, end: TapeEnd) -> Option<MediaEvent> {
        if std::mem::replace(&mut self.ended, true) {
            return None;
        }
        let length = now.since(self.since).min(self.order.longest);
        let empty = length < self.order.shortest;
        let report = TapeReport { end, length, empty, lost: Duration::ZERO };
        Some(MediaEvent::TapeEnded { leg, tape: self.order.tape, report })
    }
}
