//! What callers say after the tone, in virtual time: they speak for as long as they wait, until they say nothing any more, and what
//! they say is kept or dropped as reactors do it.

use std::time::Duration;

use crate::clock::Moment;
use crate::telephony::{MediaEvent, TapeEnd, TapeKind, TapeOrder, TapeReport};

/// The tape of a leg.
#[derive(Debug)]
pub(super) struct Tape {
    order: TapeOrder,
    since: Moment,
    /// From then on they say nothing.
    quiet: Option<Moment>,
    ended: bool,
}

impl Tape {
    pub(super) fn begin(now: Moment, order: TapeOrder) -> Tape {
        Tape { order, since: now, quiet: None, ended: false }
    }

    /// Whether a message is being left.
    pub(super) fn runs(&self) -> bool {
        !self.ended && self.order.kind == TapeKind::Message
    }

    /// They have said what they have to say.
    pub(super) fn fall_silent(&mut self, now: Moment) {
        self.quiet.get_or_insert(now);
    }

    /// When a message that runs ends by itself, and why: it is as long as it may be, or nothing was said for long enough.
    pub(super) fn end(&self) -> Option<(Moment, TapeEnd)> {
        let longest = (self.since + self.order.longest, TapeEnd::Longest);
        let silence = self.quiet.zip(self.order.silence).map(|(quiet, silence)| (quiet + silence, TapeEnd::Silence));
        let end = silence.filter(|(end, _)| *end < longest.0).unwrap_or(longest);
        self.runs().then_some(end)
    }

    /// What is told when it ends; nothing when it has before.
    pub(super) fn finish(&mut self, now: Moment, leg: crate::telephony::LegId, end: TapeEnd) -> Option<MediaEvent> {
        if std::mem::replace(&mut self.ended, true) {
            return None;
        }
        let spoken = self.quiet.map_or(now, |quiet| quiet.min(now));
        let length = spoken.since(self.since).min(self.order.longest);
        let empty = length < self.order.shortest;
        let report = TapeReport { end, length, empty, lost: Duration::ZERO };
        Some(MediaEvent::TapeEnded { leg, tape: self.order.tape, report })
    }
}
