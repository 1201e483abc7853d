//! The promises of this room, checked.

use super::agent::{OnCall, Phase};
use super::entry::{Holds, Mode, Pool, Stage};
use super::output::{AgentState, Outcome};
use super::settings::{DROPPED_MAX, Strategy};
use super::{AgentId, Alarm, Distributor};

impl Distributor {
    /// The promises that hold after every input (section 6 among them): an agent rings for exactly one waiting caller;
    /// nobody waits beside a ready eligible agent; no agent is stuck; lines, ready agents, staff and deadlines are what
    /// follows from entries and agents; every entry is accounted for.
    ///
    /// # Panics
    /// When one is broken.
    pub fn assert_consistent(&self) {
        self.assert_offers();
        self.assert_agents();
        self.assert_entries();
        self.assert_queues();
        self.assert_nobody_waits_in_vain();
        self.assert_alarms();
        assert!(self.touched.is_empty(), "a turn was not settled");
    }

    /// What is known of an agent's legs: whether that of a queue call lives, and how many others do. For whoever owns the
    /// legs, to compare.
    pub fn legs_of(&self, agent: AgentId) -> (bool, u32) {
        match self.agents.get(&agent).map(|agent| &agent.phase) {
            Some(Phase::OnCall(call)) => (call.leg.is_some(), call.direct),
            _ => (false, 0),
        }
    }

    /// In how many calls an agent is told something. Likewise.
    pub fn listens(&self, agent: AgentId) -> u32 {
        self.agents.get(&agent).map_or(0, |agent| agent.listens)
    }

    fn assert_offers(&self) {
        for (id, offer) in &self.offers {
            let agent = self.agents.get(&offer.agent).expect("an offer rings an agent that there is");
            let rings = matches!(agent.phase, Phase::Ringing { offer, .. } if offer == *id);
            assert!(rings, "{id} rings {}, who knows nothing of it: {:?}", offer.agent, agent.phase);
            let entry = self.entries.get(&offer.entry).expect("an offer is for an entry that there is");
            assert!(entry.offers.contains(id) && entry.stage == Stage::Waiting, "{id} is for nobody who waits");
            assert!(agent.skills.fit(entry.wanted()).is_some(), "{id} rings {} in vain: skills lack", offer.agent);
            assert!(agent.memberships.iter().any(|membership| membership.queue == entry.queue), "a stranger rings");
        }
        let ringing = self.agents.values().filter(|agent| matches!(agent.phase, Phase::Ringing { .. })).count();
        assert_eq!(ringing, self.offers.len(), "agents ring for nobody");
        let rung = self.entries.values().map(|entry| entry.offers.len()).sum::<usize>();
        assert_eq!(rung, self.offers.len(), "callers have offers that are none");
    }

    fn assert_agents(&self) {
        for (id, agent) in &self.agents {
            assert_eq!(agent.state, agent.shown(), "{id}: the state that was told is the state");
            let lives = match &agent.phase {
                Phase::OnCall(OnCall { leg, direct, .. }) => leg.is_some() || *direct > 0,
                Phase::Ringing { .. } | Phase::WrapUp(_) => agent.alarm.is_some_and(|alarm| alarm > self.now),
                Phase::Free => true,
            };
            assert!(lives, "{id} is stuck: neither leg nor deadline in {:?}", agent.phase);
            let at_rest = matches!(
                agent.state,
                AgentState::Ready | AgentState::LoggedOut | AgentState::Unreachable | AgentState::Paused
            );
            assert_eq!(at_rest, agent.phase == Phase::Free, "{id}: {:?} in {:?}", agent.state, agent.phase);
            assert!(!(agent.leaving && agent.phase == Phase::Free), "{id} was removed, is free, and is still here");
            if let Phase::OnCall(OnCall { leg: Some(leg), .. }) = &agent.phase
                && let Some(entry) = self.entries.get(&leg.call.entry)
            {
                let with = match entry.stage {
                    Stage::Connecting { agent } | Stage::Dialling { agent, holds: Holds::Line, .. } => Some(agent),
                    _ => None,
                };
                assert!(with.is_none_or(|with| with == *id) || !leg.bridged, "{id} talks to another's caller");
            }
            if let Some(entry) = agent.calls_back {
                let stage = self.entries.get(&entry).map(|entry| entry.stage);
                let dials = matches!(stage, Some(Stage::Dialling { agent, holds: Holds::Nothing, .. }) if agent == *id);
                assert!(dials, "{id} waits for a callback that is none: {stage:?}");
            }
            for membership in &agent.memberships {
                let queue = self.queues.get(&membership.queue).expect("memberships are of queues that there are");
                assert_eq!(membership.rank.is_some(), agent.is_available(), "{id} is ready and not among the ready");
                assert!(membership.rank.is_none_or(|rank| queue.ready.contains_key(&rank)), "{id} is not among them");
            }
        }
    }

    fn assert_entries(&self) {
        let mut dropped = 0;
        for (id, entry) in &self.entries {
            let queue = self.queues.get(&entry.queue).expect("an entry is in a queue that there is");
            assert_eq!(*id, entry.id());
            assert_eq!(entry.in_line, entry.waits().then_some(entry.mode), "{id} is counted as another");
            assert_eq!(queue.line.contains(&entry.place), entry.waits(), "{id} is in line exactly while it waits");
            assert_eq!(entry.pool, entry.belongs(&queue.settings), "{id} is filed elsewhere");
            assert!(entry.offers.len() <= 1 || queue.settings.strategy == Strategy::RingAll || !self.rings_once(entry));
            assert!(entry.offers.is_empty() || entry.stage == Stage::Waiting, "{id} is rung for and does not wait");
            if let Stage::Connecting { agent } | Stage::Dialling { agent, holds: Holds::Line, .. } = entry.stage {
                let leg = self.agents.get(&agent).and_then(|agent| match &agent.phase {
                    Phase::OnCall(call) => call.leg,
                    _ => None,
                });
                assert_eq!(leg.map(|leg| leg.call.entry), Some(*id), "{id} is promised to {agent}, who is elsewhere");
            }
            let has_end = entry.alarm.is_some() || matches!(entry.stage, Stage::Connecting { .. });
            assert!(has_end, "{id} waits for ever");
            assert!(entry.said.speaking.is_none() || entry.listens(), "{id} is spoken to and cannot hear");
            dropped += usize::from(matches!(entry.stage, Stage::Dropped { .. }));
        }
        assert_eq!(dropped, self.dropped, "places of dropped callers are miscounted");
        assert!(self.dropped <= DROPPED_MAX);
        for id in self.absent.values() {
            let entry = self.entries.get(id).expect("who may come back has an entry");
            assert!(entry.mode == Mode::Callback || matches!(entry.stage, Stage::Dropped { .. }), "{id} is not away");
        }
    }

    /// Several offers for one entry may be left over from when the strategy was another.
    fn rings_once(&self, entry: &super::Entry) -> bool {
        entry.offers.iter().all(|offer| self.offers.contains_key(offer)) && entry.pool.is_some()
    }

    fn assert_queues(&self) {
        for (id, queue) in &self.queues {
            let own = || self.entries.values().filter(|entry| entry.queue == *id);
            assert_eq!(queue.entries, own().count(), "{id}: entries");
            assert_eq!(queue.line.len(), own().filter(|entry| entry.waits()).count(), "{id}: the line");
            assert_eq!(queue.line.len(), queue.listeners + queue.callbacks, "{id}: listeners and callbacks");
            assert!(!(queue.draining && queue.is_idle()), "{id} has drained and is still here");
            let ended = queue.figures.ended();
            assert_eq!(queue.figures.entered, ended + queue.entries as u64, "{id}: an entry is lost or counted twice");
            let counts = &queue.figures.service;
            let counted = counts.total() + counts.short_abandoned + counts.left + counts.to_callback;
            let open = own().filter(|entry| !entry.counted).count() as u64;
            assert_eq!(counted + open, queue.figures.entered, "{id}: an entry counts once");
            let answered = queue.figures.outcome(Outcome::Answered) + queue.figures.outcome(Outcome::Callback);
            assert!(queue.figures.handled <= answered, "{id}: more calls were handled than answered");
            let members = || self.agents.values().filter(|a| a.memberships.iter().any(|own| own.queue == *id));
            for state in AgentState::ALL {
                let count = members().filter(|agent| agent.state == state).count();
                assert_eq!(queue.states[state as usize] as usize, count, "{id}: agents {}", state.name());
            }
            let servers: f64 =
                members().filter(|agent| agent.is_staff()).map(|agent| 1.0 / agent.memberships.len() as f64).sum();
            assert!((servers - queue.servers()).abs() < 1e-9, "{id}: s is {} and not {servers}", queue.servers());
            assert_eq!(queue.ready.len(), members().filter(|agent| agent.is_available()).count(), "{id}: the ready");
        }
    }

    fn assert_nobody_waits_in_vain(&self) {
        for (agent_id, agent) in self.agents.iter().filter(|(_, agent)| agent.is_available()) {
            for membership in &agent.memberships {
                let queue = &self.queues[&membership.queue];
                for (wanted, wanting) in &queue.wanting {
                    if agent.skills.fit(wanted).is_some() {
                        let first = wanting.open.first().map(|place| place.entry);
                        assert_eq!(first, None, "waits in {} beside {agent_id}, who is ready", membership.queue);
                        let called = agent.calls_back.is_some() || wanting.to_call.is_empty();
                        assert!(called, "a callback waits in {} beside {agent_id}, who is ready", membership.queue);
                    }
                }
            }
        }
        for (id, entry) in self.entries.iter().filter(|(_, entry)| entry.pool.is_some()) {
            let wanting = self.queues[&entry.queue].wanting.get(entry.wanted()).expect("it is filed by what is wanted");
            let filed = match entry.pool {
                Some(Pool::Open) => wanting.open.contains(&entry.place),
                _ => wanting.to_call.contains(&entry.place),
            };
            assert!(filed, "{id} is not found among those who want the same");
        }
        for (id, queue) in &self.queues {
            let filed: usize = queue.wanting.values().map(|wanting| wanting.open.len() + wanting.to_call.len()).sum();
            let pooled = self.entries.values().filter(|entry| entry.queue == *id && entry.pool.is_some()).count();
            assert_eq!(filed, pooled, "{id}: somebody is filed who is not there");
        }
    }

    fn assert_alarms(&self) {
        assert!(self.deadline().is_none_or(|deadline| deadline > self.now), "what is due was not done");
        let entries = self.entries.iter().filter_map(|(id, entry)| Some((entry.alarm?, Alarm::Entry(*id))));
        let agents = self.agents.iter().filter_map(|(id, agent)| Some((agent.alarm?, Alarm::Agent(*id))));
        let queues = self.queues.iter().filter_map(|(id, queue)| Some((queue.alarm?, Alarm::Queue(*id))));
        let mut count = 0;
        for alarm in entries.chain(agents).chain(queues) {
            assert!(self.alarms.contains(&alarm), "a deadline is not kept: {alarm:?}");
            count += 1;
        }
        assert_eq!(count, self.alarms.len(), "a deadline belongs to nobody");
        for (id, agent) in &self.agents {
            assert_eq!(agent.alarm, agent.next_alarm(), "{id} has another deadline");
        }
        for (id, entry) in &self.entries {
            let queue = &self.queues[&entry.queue];
            let next = entry.next_alarm(&queue.settings, || super::filing::position(queue.line.ahead_of(&entry.place)));
            // Who was pushed back from the front may have a look too early: nothing is said then.
            let early = entry.alarm.is_some() && entry.alarm < next;
            assert!(entry.alarm == next || early, "{id} has another deadline");
        }
        for (id, queue) in &self.queues {
            assert_eq!(queue.alarm, queue.next_alarm(), "{id} has another deadline");
            assert_eq!(queue.deserted.is_some(), queue.is_deserted(), "{id}: whether there are agents");
        }
    }
}
