//! Legs that go from one reactor to another, whole: sockets, stream and what of their tape is on its way to be written.
//!
//! The one to which a leg goes is told so before the one that has it, so that nothing overtakes the leg: what is wanted of
//! it meanwhile, and of whoever is to be joined with it, waits until it is there. A reactor never waits for another.

use std::sync::mpsc::SyncSender;

use crate::media::tapes::Job;
use crate::telephony::{LegId, MediaCommand};

use super::Order;
use super::legs::Leg;

/// All that goes with a leg.
pub(super) struct Luggage {
    pub leg: Leg,
    /// What the thread that writes tapes had no room for yet.
    pub jobs: Vec<Job>,
}

/// The legs of one reactor that come and go.
#[derive(Default)]
pub(super) struct Passage {
    /// Those that another reactor is to hand over.
    awaited: Vec<LegId>,
    /// What is to be done when they are there, in this order.
    waiting: Vec<Order>,
    /// Those that go, where there was no room in the other's inbox.
    leaving: Vec<(LegId, SyncSender<Order>)>,
}

impl Passage {
    /// A leg is on its way here.
    pub fn await_leg(&mut self, leg: LegId) {
        self.awaited.push(leg);
    }

    /// What is to be done now: not what concerns a leg that is on its way, nor what concerns another of which something
    /// waits already.
    #[inline]
    pub fn admit(&mut self, order: Order) -> Option<Order> {
        if self.awaited.is_empty() {
            return Some(order);
        }
        let concerned = order.legs();
        let is_concerned = |leg: &LegId| concerned.contains(&Some(*leg));
        let waits = self.awaited.iter().any(is_concerned)
            || self.waiting.iter().flat_map(Order::legs).flatten().any(|leg| is_concerned(&leg));
        if !waits {
            return Some(order);
        }
        self.waiting.push(order);
        None
    }

    /// A leg is here, or will never be: what has waited is to be looked at again.
    pub fn arrived(&mut self, leg: LegId) -> Vec<Order> {
        if let Some(place) = self.awaited.iter().position(|awaited| *awaited == leg) {
            self.awaited.remove(place);
        }
        std::mem::take(&mut self.waiting)
    }

    /// A leg is to go as soon as there is room for it.
    pub fn leave(&mut self, leg: LegId, to: SyncSender<Order>) {
        self.leaving.push((leg, to));
    }

    /// Those that are to go.
    pub fn take_leaving(&mut self) -> Vec<(LegId, SyncSender<Order>)> {
        std::mem::take(&mut self.leaving)
    }
}

impl Order {
    /// The legs that it concerns, while they may be on their way. What comes with a leg is not about one that is awaited.
    fn legs(&self) -> [Option<LegId>; 2] {
        match self {
            Order::Command(MediaCommand::Bridge { leg, with }) => [Some(*leg), Some(*with)],
            Order::Command(command) => [Some(command.leg()), None],
            Order::Await(leg) | Order::HandOver { leg, .. } => [Some(*leg), None],
            Order::Arrive { .. } | Order::Stop => [None, None],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMES: LegId = LegId::inbound(1);
    const HERE: LegId = LegId::inbound(2);
    const OTHER: LegId = LegId::inbound(3);

    fn stop(leg: LegId) -> Order {
        Order::Command(MediaCommand::Stop { leg })
    }

    fn named(orders: &[Order]) -> Vec<[Option<LegId>; 2]> {
        orders.iter().map(Order::legs).collect()
    }

    #[test]
    fn what_concerns_a_leg_that_comes_waits_for_it_and_nothing_else_does() {
        let mut passage = Passage::default();
        assert!(passage.admit(stop(COMES)).is_some(), "nothing is awaited");
        passage.await_leg(COMES);
        assert!(passage.admit(stop(HERE)).is_some());
        assert!(passage.admit(Order::Command(MediaCommand::Bridge { leg: HERE, with: COMES })).is_none());
        // Whoever is to be joined with it does the one after the other.
        assert!(passage.admit(stop(HERE)).is_none());
        assert!(passage.admit(stop(OTHER)).is_some());
        assert!(passage.admit(stop(COMES)).is_none());
        assert!(passage.admit(Order::Arrive { leg: COMES, luggage: None }).is_some());
        let waited = named(&passage.arrived(COMES));
        assert_eq!(waited, [[Some(HERE), Some(COMES)], [Some(HERE), None], [Some(COMES), None]]);
        assert!(passage.admit(stop(COMES)).is_some(), "it is here");
    }

    #[test]
    fn a_leg_that_comes_to_go_on_and_to_come_again_does_so_in_this_order() {
        let mut passage = Passage::default();
        let (to, _inbox) = std::sync::mpsc::sync_channel(1);
        passage.await_leg(COMES);
        assert!(passage.admit(Order::HandOver { leg: COMES, to }).is_none());
        assert!(passage.admit(Order::Await(COMES)).is_none());
        assert!(passage.admit(stop(COMES)).is_none());
        let mut waited = passage.arrived(COMES).into_iter();
        assert!(matches!(waited.next().and_then(|order| passage.admit(order)), Some(Order::HandOver { .. })));
        assert!(matches!(waited.next().and_then(|order| passage.admit(order)), Some(Order::Await(COMES))));
        passage.await_leg(COMES);
        assert!(waited.next().and_then(|order| passage.admit(order)).is_none(), "it is on its way again");
        assert_eq!(named(&passage.arrived(COMES)), [[Some(COMES), None]]);
    }
}
