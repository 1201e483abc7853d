//! The promises of this room, checked.

use std::collections::BTreeMap;

use super::leg::Duty;
use super::{Alarm, Switchboard};
use crate::acd::AgentId;

impl Switchboard {
    /// Panics when a promise is broken: every port is free, resting or owned once; every call has its leg and its
    /// deadline; there are no more calls than allowed;
    /// every agent's leg too; a leg that is joined to a caller is the one that the caller talks to; a phone rings for a
    /// caller who waits, or for a call that dialled it or is passed on to it; the distributor knows of every leg of an
    /// agent; nothing is left undone; and the distributor's own promises hold.
    ///
    /// # Panics
    /// When one is broken.
    pub fn assert_consistent(&self) {
        let calls = self.calls.values().map(|call| call.port());
        self.ports.assert_consistent(calls.chain(self.agent_legs.values().map(|leg| leg.port())));
        assert_eq!(self.legs.len(), self.calls.len(), "a leg without a call, or a call without a leg");
        for (leg, id) in &self.legs {
            assert_eq!(self.calls.get(id).map(|call| call.leg()), Some(*leg), "{leg} names no call of its own");
        }
        let deadlines = self.calls.len() + self.agent_legs.len();
        assert_eq!(self.deadlines.len(), deadlines, "a call or an agent's leg without a deadline");
        for (id, call) in &self.calls {
            assert!(self.deadlines.contains(&(call.deadline(), Alarm::Call(*id))), "{id} has another deadline");
            call.assert_consistent();
            if let Some(entry) = call.entry() {
                let booked = self.queues.book.get(&entry).and_then(|booked| booked.call);
                assert_eq!(booked, Some(*id), "{id} waits as {entry}, who is another");
            }
            if let Some(leg) = call.talks_to() {
                let joined = self.agent_legs.get(&leg).and_then(|leg| leg.joined_to());
                assert_eq!(joined, Some(*id), "{id} talks to {leg}, which is joined to another");
            }
            if let Some(leg) = call.rings() {
                let rings = self.agent_legs.get(&leg).and_then(|leg| leg.rings_for());
                assert_eq!(rings, Some(*id), "{id} waits for {leg}, which rings for another");
            }
        }
        for (id, leg) in &self.agent_legs {
            assert!(self.deadlines.contains(&(leg.deadline(), Alarm::AgentLeg(*id))), "{id} has another deadline");
            leg.assert_consistent();
            assert_eq!(leg.id(), *id, "a leg is filed under another's name");
            if let Some(call) = leg.rings_for() {
                let waits = self.calls.get(&call).and_then(|call| call.rings());
                assert_eq!(waits, Some(*id), "{id} rings for {call}, which knows nothing of it");
            }
            if let Some(offer) = leg.offer() {
                assert_eq!(self.queues.ringing.get(&offer), Some(id), "{id} rings for an offer that knows it not");
            }
            if let Some(call) = leg.joined_to() {
                let to = self.calls.get(&call).and_then(|call| call.talks_to());
                assert_eq!(to, Some(*id), "{id} is joined to {call}, who does not talk to it");
                let caller = self.calls.get(&call).and_then(|call| self.placement.of(call.leg()));
                assert!(caller.is_some() && caller == self.placement.of(*id), "{id} and {call} are on two reactors");
            }
        }
        self.placement.assert_consistent(|leg| self.legs.contains_key(&leg) || self.agent_legs.contains_key(&leg));
        for (offer, leg) in &self.queues.ringing {
            let rings = self.agent_legs.get(leg).and_then(|leg| leg.offer());
            assert_eq!(rings, Some(*offer), "{leg} does not ring for {offer}");
        }
        for (entry, booked) in &self.queues.book {
            let Some(call) = booked.call.filter(|call| self.calls.contains_key(call)) else { continue };
            let own = self.calls.get(&call).and_then(|call| call.entry());
            assert!(
                own == Some(*entry) || self.queues.distributor.position(*entry).is_none(),
                "{entry} waits for nobody"
            );
        }
        for (call, entry) in &self.queues.attempts {
            let promise = self.queues.book.get(entry).and_then(|booked| booked.promise.as_ref());
            assert_eq!(promise.and_then(|promise| promise.attempt), Some(*call), "{call} calls nobody back");
            assert!(self.calls.contains_key(call), "{call} is gone and calls somebody back");
        }
        for (agent, leg) in &self.queues.lines {
            let holds = self.agent_legs.get(leg).is_some_and(|leg| leg.has_line() && leg.agent() == Some(*agent));
            assert!(holds, "{agent} is not on {leg}");
        }
        let whispering = self.agent_legs.values().filter(|leg| leg.whispers()).count();
        assert_eq!(whispering, self.queues.whispers.len(), "an agent is told about nobody, or about two callers");
        for (entry, (agent, leg)) in &self.queues.whispers {
            let whispers = self.agent_legs.get(leg).is_some_and(|leg| leg.whispers() && leg.agent() == Some(*agent));
            assert!(whispers, "{agent} is not told about {entry} on {leg}");
            let waits = self.queues.book.get(entry).and_then(|booked| self.calls.get(&booked.call?));
            assert_eq!(waits.and_then(|call| call.entry()), Some(*entry), "{agent} is told about {entry}, who is gone");
        }
        self.assert_duties();
        assert!(self.errands.is_empty(), "something was left undone");
        self.queues.distributor.assert_consistent();
        assert!(self.calls.len() <= self.settings.calls_max, "more calls than allowed");
    }

    /// Every leg of an agent is known to the distributor, and none that there is not.
    fn assert_duties(&self) {
        let mut legs: BTreeMap<AgentId, (u32, u32)> = BTreeMap::new();
        let mut listening: BTreeMap<AgentId, u32> = BTreeMap::new();
        let calls = self.calls.values().filter_map(|call| call.duty());
        for (agent, duty) in calls.chain(self.agent_legs.values().filter_map(|leg| leg.duty())) {
            let count = legs.entry(agent).or_default();
            match duty {
                Duty::Queue => count.0 += 1,
                Duty::Direct => count.1 += 1,
                Duty::Listening => *listening.entry(agent).or_default() += 1,
            }
        }
        legs.retain(|_, counted| *counted != (0, 0));
        for agent in self.queues.distributor.agents() {
            let (queue, direct) = self.queues.distributor.legs_of(agent);
            let counted = legs.remove(&agent).unwrap_or_default();
            assert_eq!(counted, (u32::from(queue), direct), "{agent}'s legs, of queue calls and others");
            let listens = self.queues.distributor.listens(agent);
            assert!(listens <= listening.get(&agent).copied().unwrap_or_default(), "{agent} listens to nothing");
        }
        assert!(legs.is_empty(), "legs of agents whom nobody knows: {legs:?}");
    }
}
