//! Brings ready agents and waiting callers together: whoever is free looks for the other at once.

use super::agent::{Handling, OnCall, Phase, QueueLeg};
use super::entry::{Holds, Mode, Pool, Stage};
use super::input::Refused;
use super::output::{Note, OfferResult, Outcome, Output};
use super::settings::{FAULT_REST, Strategy};
use super::{AgentId, Distributor, EntryId, Offer, OfferId};

impl Distributor {
    /// A caller who may be offered looks for an agent.
    pub(super) fn seek_agent(&mut self, id: EntryId, out: &mut Vec<Output>) {
        let Some(entry) = self.entries.get(&id) else { return };
        let Some(queue) = self.queues.get(&entry.queue) else { return };
        let (strategy, last) = (queue.settings.strategy, queue.last_offered);
        match entry.pool {
            None => {}
            Some(Pool::ToCall) => {
                let may_call = |agent: AgentId| self.agents.get(&agent).is_some_and(|agent| agent.calls_back.is_none());
                let chosen = strategy.choose(&queue.ready, entry.wanted(), last, &mut self.random, may_call);
                if let Some(rank) = chosen {
                    self.call_back(id, rank.agent, Holds::Nothing, out);
                }
            }
            Some(Pool::Open) if strategy == Strategy::RingAll => {
                let fits = queue.ready.iter().filter(|(_, skills)| skills.fit(entry.wanted()).is_some());
                let all: Vec<AgentId> = fits.map(|(rank, _)| rank.agent).collect();
                for agent in all {
                    self.offer(agent, id, out);
                }
            }
            Some(Pool::Open) => {
                let chosen = strategy.choose(&queue.ready, entry.wanted(), last, &mut self.random, |_| true);
                if let Some(rank) = chosen {
                    self.offer(rank.agent, id, out);
                }
            }
        }
    }

    /// An agent who is available looks for the first caller of all their queues.
    pub(super) fn seek_caller(&mut self, id: AgentId, out: &mut Vec<Output>) {
        loop {
            let Some(agent) = self.agents.get(&id).filter(|agent| agent.is_available()) else { return };
            let may_call = agent.calls_back.is_none();
            let queues = agent.memberships.iter().filter_map(|membership| self.queues.get(&membership.queue));
            let found = queues.filter_map(|queue| queue.first_for(&agent.skills, may_call));
            match found.min_by_key(|(place, _)| *place) {
                None => return,
                // The agent goes on meanwhile, so the next caller is looked for at once.
                Some((place, Pool::ToCall)) => self.call_back(place.entry, id, Holds::Nothing, out),
                Some((place, Pool::Open)) => return self.offer(id, place.entry, out),
            }
        }
    }

    fn offer(&mut self, agent_id: AgentId, entry_id: EntryId, out: &mut Vec<Output>) {
        let Some(entry) = self.entries.get_mut(&entry_id) else { return };
        let Some(agent) = self.agents.get_mut(&agent_id) else { return };
        let Some(queue) = self.queues.get_mut(&entry.queue) else { return };
        let offer = OfferId(self.next_offer);
        self.next_offer += 1;
        let until = self.now + queue.settings.ring;
        if let Some(membership) = agent.memberships.iter().find(|membership| membership.queue == entry.queue) {
            queue.last_offered = Some(membership.order);
        }
        agent.phase = Phase::Ringing { offer, entry: entry_id, until };
        entry.offers.push(offer);
        let (queue, callback) = (entry.queue, entry.mode == Mode::Callback);
        self.offers.insert(offer, Offer { agent: agent_id, entry: entry_id, queue });
        out.push(Output::Offer { offer, agent: agent_id, entry: entry_id, until, callback });
        self.note(queue, Note::Offered { queue, entry: entry_id, agent: agent_id, offer }, out);
        self.sync_agent(agent_id, out);
        self.sync_entry(entry_id);
    }

    /// Takes an offer away from both; whoever asks for it brings both up to date.
    fn end_offer(&mut self, id: OfferId, result: OfferResult, out: &mut Vec<Output>) -> Option<Offer> {
        let offer = self.offers.remove(&id)?;
        if let Some(entry) = self.entries.get_mut(&offer.entry) {
            entry.offers.retain(|other| *other != id);
        }
        if let Some(agent) = self.agents.get_mut(&offer.agent) {
            agent.phase = Phase::Free;
        }
        if result == OfferResult::Withdrawn {
            out.push(Output::Withdraw { offer: id, agent: offer.agent });
        }
        let Offer { agent, entry, queue } = offer;
        self.note(queue, Note::OfferEnded { queue, entry, agent, offer: id, result }, out);
        Some(offer)
    }

    /// Stops ringing for an entry: the agents who are free then, not yet brought up to date.
    pub(super) fn withdraw_all(&mut self, id: EntryId, out: &mut Vec<Output>) -> Vec<AgentId> {
        let offers = self.entries.get_mut(&id).map(|entry| std::mem::take(&mut entry.offers)).unwrap_or_default();
        offers
            .into_iter()
            .filter_map(|offer| self.end_offer(offer, OfferResult::Withdrawn, out))
            .map(|offer| offer.agent)
            .collect()
    }

    /// Stops ringing an agent, whose state has changed or is about to: the entry looks for another once both are up to
    /// date.
    pub(super) fn withdraw_from(&mut self, id: AgentId, out: &mut Vec<Output>) -> Option<EntryId> {
        let Phase::Ringing { offer, .. } = self.agents.get(&id)?.phase else { return None };
        self.end_offer(offer, OfferResult::Withdrawn, out).map(|offer| offer.entry)
    }

    /// Agents who are free again look for callers.
    pub(super) fn free(&mut self, agents: Vec<AgentId>, out: &mut Vec<Output>) {
        for agent in &agents {
            self.sync_agent(*agent, out);
        }
        for agent in agents {
            self.leave_if_removed(agent);
            self.seek_caller(agent, out);
        }
    }

    /// An entry that is rung for no more, or has changed, looks for an agent.
    pub(super) fn reoffer(&mut self, id: EntryId, out: &mut Vec<Output>) {
        self.sync_entry(id);
        self.seek_agent(id, out);
    }

    pub(super) fn refuse(&mut self, id: OfferId, reason: Refused, out: &mut Vec<Output>) {
        let Some(offer) = self.end_offer(id, OfferResult::Refused(reason), out) else { return };
        if reason == Refused::OurFault {
            // What could not be rung for this caller can for others; and for this one a little later.
            if let Some(entry) = self.entries.get_mut(&offer.entry) {
                entry.rests_until = Some(self.now + FAULT_REST);
            }
            self.sync_entry(offer.entry);
            return self.free(vec![offer.agent], out);
        }
        self.missed(offer.agent, offer.queue);
        self.sync_agent(offer.agent, out);
        self.reoffer(offer.entry, out);
    }

    /// It has rung for long enough.
    pub(super) fn rang_out(&mut self, id: OfferId, out: &mut Vec<Output>) {
        if let Some(offer) = self.offers.get(&id) {
            out.push(Output::Withdraw { offer: id, agent: offer.agent });
            self.refuse(id, Refused::NoAnswer, out);
        }
    }

    pub(super) fn missed(&mut self, agent: AgentId, queue: super::QueueId) {
        if let (Some(agent), Some(queue)) = (self.agents.get_mut(&agent), self.queues.get(&queue)) {
            agent.miss(self.now, &queue.settings);
        }
    }

    pub(super) fn accept(&mut self, id: OfferId, out: &mut Vec<Output>) {
        let Some(offer) = self.end_offer(id, OfferResult::Accepted, out) else {
            out.push(Output::LateAccept { offer: id });
            return;
        };
        let now = self.now;
        if let Some(agent) = self.agents.get_mut(&offer.agent) {
            agent.forget_misses();
            let call = Handling::new(offer.entry, offer.queue);
            let leg = QueueLeg { call, bridged: false, holding: false, since: now };
            agent.phase = Phase::OnCall(OnCall { leg: Some(leg), ..OnCall::default() });
            agent.calls_back = None;
        }
        let others = if let Some(entry) = self.entries.get_mut(&offer.entry)
            && entry.mode != Mode::Callback
        {
            entry.stage = Stage::Connecting { agent: offer.agent };
            entry.said.hush(now);
            out.push(Output::Connect { entry: offer.entry, agent: offer.agent });
            self.withdraw_all(offer.entry, out)
        } else {
            let others = self.withdraw_all(offer.entry, out);
            self.call_back(offer.entry, offer.agent, Holds::Line, out);
            others
        };
        self.sync_agent(offer.agent, out);
        self.sync_entry(offer.entry);
        self.free(others, out);
    }

    pub(super) fn bridged(&mut self, id: EntryId, out: &mut Vec<Output>) {
        let Some(entry) = self.entries.get(&id) else { return };
        let Stage::Connecting { agent } = entry.stage else { return };
        let outcome = if entry.called_back { Outcome::Callback } else { Outcome::Answered };
        self.remember_agent(agent);
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.record.calls += 1;
            if let Phase::OnCall(OnCall { leg: Some(leg), .. }) = &mut agent.phase {
                leg.bridged = true;
            }
        }
        self.end(id, outcome, out);
    }
}
