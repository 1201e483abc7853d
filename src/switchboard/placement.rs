//! On which reactor the audio of each leg is: legs that hear each other are on one, so that a bridge is a swap of frames
//! inside one thread.

use std::collections::BTreeMap;

use super::{Output, Turn};
use crate::telephony::{AudioPlan, LegId, MediaCommand};

/// The reactor of each leg whose audio was opened.
#[derive(Debug)]
pub(super) struct Placement {
    /// As many legs each has; there is one at least.
    legs: Vec<usize>,
    at: BTreeMap<LegId, usize>,
}

impl Placement {
    pub(super) fn new(reactors: usize) -> Placement {
        Placement { legs: vec![0; reactors], at: BTreeMap::new() }
    }

    /// Where a leg is, if it is anywhere.
    pub(super) fn of(&self, leg: LegId) -> Option<usize> {
        self.at.get(&leg).copied()
    }

    /// A new leg: `beside` another, whom it will hear, or where there are the fewest.
    fn put(&mut self, leg: LegId, beside: Option<LegId>) -> usize {
        let emptiest = || (0..self.legs.len()).min_by_key(|reactor| self.legs[*reactor]).unwrap_or(0);
        let reactor = beside.and_then(|other| self.of(other)).unwrap_or_else(emptiest);
        self.set(leg, reactor);
        reactor
    }

    fn set(&mut self, leg: LegId, reactor: usize) {
        self.forget(leg);
        self.legs[reactor] += 1;
        self.at.insert(leg, reactor);
    }

    /// A leg is over.
    pub(super) fn forget(&mut self, leg: LegId) {
        if let Some(reactor) = self.at.remove(&leg) {
            self.legs[reactor] -= 1;
        }
    }

    /// Panics unless every leg that is somewhere is one that `exists`, and all are counted.
    pub(super) fn assert_consistent(&self, exists: impl Fn(LegId) -> bool) {
        let mut counted = vec![0; self.legs.len()];
        for (leg, reactor) in &self.at {
            assert!(exists(*leg), "{leg} is over, and somewhere");
            counted[*reactor] += 1;
        }
        assert_eq!(counted, self.legs, "the legs of each reactor");
    }
}

impl Turn<'_> {
    /// Opens the audio of a leg, `beside` that of another where it will be joined with that.
    pub(crate) fn open(&mut self, leg: LegId, port: u16, plan: AudioPlan, beside: Option<LegId>) {
        let reactor = self.placement.put(leg, beside);
        self.out.push(Output::Media { reactor, command: MediaCommand::Open { leg, port, plan } });
    }

    /// To the reactor on which the leg is. One whose audio was never opened has none to do anything with.
    pub(crate) fn media(&mut self, command: MediaCommand) {
        if let Some(reactor) = self.placement.of(command.leg()) {
            self.out.push(Output::Media { reactor, command });
        }
    }

    /// Lets two legs hear each other: where they are on two reactors, the other one moves to that of the leg.
    pub(crate) fn bridge(&mut self, leg: LegId, with: LegId) {
        if let (Some(to), Some(from)) = (self.placement.of(leg), self.placement.of(with))
            && to != from
        {
            self.placement.set(with, to);
            self.out.push(Output::HandOver { leg: with, from, to });
        }
        self.media(MediaCommand::Bridge { leg, with });
    }
}
