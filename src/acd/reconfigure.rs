//! A reload is a diff: settings change, state and figures stay, and what was removed drains.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::agent::{Agent, Membership};
use super::output::Output;
use super::queue::Queue;
use super::settings::{AgentSettings, QueueSettings, Settings};
use super::{AgentId, Distributor, EntryId, QueueId};

impl Distributor {
    pub(super) fn reconfigure(&mut self, settings: Settings, out: &mut Vec<Output>) {
        self.set_up_queues(settings.queues);
        self.set_up_agents(settings.agents);
        self.join_queues();
        let entries: Vec<EntryId> = self.entries.keys().copied().collect();
        for id in entries {
            self.withdraw_strangers(id, out);
            self.sync_entry(id);
        }
        for id in self.agents.keys().copied().collect::<Vec<_>>() {
            self.sync_agent(id, out);
            self.leave_if_removed(id);
        }
        self.match_all(out);
        let queues: Vec<QueueId> = self.queues.keys().copied().collect();
        for id in queues {
            self.remember_figures(id);
            self.touch(id);
        }
    }

    fn set_up_queues(&mut self, settings: Vec<QueueSettings>) {
        let mut wanted: BTreeMap<QueueId, QueueSettings> =
            settings.into_iter().map(|settings| (settings.queue, settings.bounded())).collect();
        for (id, queue) in &mut self.queues {
            queue.draining = true;
            if let Some(settings) = wanted.remove(id) {
                let members = &queue.settings.members;
                let last = queue.last_offered.and_then(|last| members.get(last as usize)).map(|last| last.agent);
                let place = |agent: AgentId| settings.members.iter().position(|member| member.agent == agent);
                queue.last_offered = last.and_then(place).map(|place| place as u32);
                queue.draining = false;
                queue.settings = settings;
            }
        }
        self.queues.extend(wanted.into_iter().map(|(id, settings)| (id, Queue::new(settings))));
    }

    fn set_up_agents(&mut self, settings: Vec<AgentSettings>) {
        let mut wanted: BTreeMap<AgentId, Arc<_>> =
            settings.into_iter().map(|settings| (settings.agent, Arc::new(settings.skills))).collect();
        for (id, agent) in &mut self.agents {
            agent.leaving = true;
            if let Some(skills) = wanted.remove(id) {
                agent.leaving = false;
                agent.skills = skills;
            }
        }
        let now = self.now;
        self.agents.extend(wanted.into_iter().map(|(id, skills)| (id, Agent::new(now, skills))));
    }

    /// Counts anew who serves which queue; nobody is among the ready until they are brought up to date.
    fn join_queues(&mut self) {
        for agent in self.agents.values_mut() {
            agent.memberships.clear();
        }
        for (id, queue) in &mut self.queues {
            queue.forget_agents();
            for (order, member) in queue.settings.members.iter().enumerate() {
                let Some(agent) = self.agents.get_mut(&member.agent).filter(|agent| !agent.leaving) else { continue };
                if agent.memberships.last().is_none_or(|last| last.queue != *id) {
                    let order = order as u32;
                    agent.memberships.push(Membership { queue: *id, tier: member.tier, order, rank: None });
                }
            }
        }
        for agent in self.agents.values_mut() {
            agent.staff = agent.is_staff();
            for membership in &agent.memberships {
                let queue = self.queues.get_mut(&membership.queue).expect("memberships are of queues that there are");
                queue.states[agent.state as usize] += 1;
                if agent.staff {
                    queue.count_staff(agent.memberships.len(), true);
                }
            }
        }
    }

    /// Stops ringing agents who serve the queue no more, or lack what the caller wants now: those who are free then, not
    /// yet brought up to date.
    pub(super) fn withdraw_strangers(&mut self, id: EntryId, out: &mut Vec<Output>) -> Vec<AgentId> {
        let Some(entry) = self.entries.get(&id) else { return Vec::new() };
        let strange = |agent: &Agent| {
            let serves = agent.memberships.iter().any(|membership| membership.queue == entry.queue);
            !serves || agent.skills.fit(entry.wanted()).is_none()
        };
        let rung = entry.offers.iter().filter_map(|offer| self.offers.get(offer)).map(|offer| offer.agent);
        let strangers: Vec<AgentId> = rung.filter(|id| self.agents.get(id).is_some_and(strange)).collect();
        for agent in &strangers {
            self.withdraw_from(*agent, out);
        }
        strangers
    }

    /// Everyone who may be offered looks for an agent, in the order of the lines.
    fn match_all(&mut self, out: &mut Vec<Output>) {
        let mut waiting: Vec<_> = self.queues.values().flat_map(|queue| queue.line.iter()).collect();
        waiting.sort();
        for place in waiting {
            self.seek_agent(place.entry, out);
        }
    }
}
