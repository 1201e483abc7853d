//! Callers who are called back before an agent is rung for them: each on behalf of an agent, who has no second one called
//! and goes on meanwhile. Who that is nobody is told, so the model knows only who it may be.

use std::collections::{BTreeMap, BTreeSet};

use helpline::acd::*;
use helpline::clock::Moment;

use super::{Model, serves};

/// Calls under way to callers who keep a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempts {
    /// On behalf of one of these; `None` once one of them has taken another call, which may have been the one.
    under_way: BTreeMap<EntryId, Option<BTreeSet<AgentId>>>,
    /// When the last one ended on behalf of an agent, perhaps.
    ended: BTreeMap<AgentId, Moment>,
}

impl Attempts {
    pub(super) fn is_under_way(&self, entry: EntryId) -> bool {
        self.under_way.contains_key(&entry)
    }

    /// Whether one may be on behalf of this agent, or was until now.
    pub(super) fn may_have(&self, agent: AgentId, now: Moment) -> bool {
        let possible = self.under_way.values().any(|agents| agents.as_ref().is_none_or(|all| all.contains(&agent)));
        possible || self.ended.get(&agent).is_some_and(|ended| *ended >= now)
    }

    /// The attempt is over, if there is one.
    pub(super) fn end(&mut self, entry: EntryId, now: Moment) -> bool {
        let Some(agents) = self.under_way.remove(&entry) else { return false };
        self.ended.extend(agents.into_iter().flatten().map(|agent| (agent, now)));
        true
    }

    /// This agent has taken another call: nobody is called on their behalf any more.
    pub(super) fn forget_agent(&mut self, agent: AgentId) {
        for agents in self.under_way.values_mut() {
            if agents.as_ref().is_some_and(|all| all.contains(&agent)) {
                *agents = None;
            }
        }
    }

    /// Whether each attempt can be on behalf of an agent of its own.
    fn can_be_shared_out(&self) -> bool {
        let wishes: Vec<&BTreeSet<AgentId>> = self.under_way.values().flatten().collect();
        let mut given: BTreeMap<AgentId, usize> = BTreeMap::new();
        (0..wishes.len()).all(|wish| give(&wishes, wish, &mut given, &mut BTreeSet::new()))
    }
}

/// Finds an agent for a wish; whoever has them already may find another.
fn give(
    wishes: &[&BTreeSet<AgentId>],
    wish: usize,
    given: &mut BTreeMap<AgentId, usize>,
    asked: &mut BTreeSet<AgentId>,
) -> bool {
    wishes[wish].iter().any(|agent| {
        asked.insert(*agent) && given.get(agent).copied().is_none_or(|other| give(wishes, other, given, asked)) && {
            given.insert(*agent, wish);
            true
        }
    })
}

impl Model {
    /// Whether `id` may be called now.
    pub(super) fn check_call(&mut self, id: EntryId, attempt: u32) {
        self.see("callback of a caller first");
        let entry = &self.entries[&id];
        assert!(self.is_called_first(entry) && entry.waits && entry.offers == 0, "{id}: {entry:?}");
        assert!(!self.attempts.is_under_way(id), "{id} is called twice at once");
        assert!(entry.rests_until <= self.now, "{id} rests: {entry:?} at {}", self.now);
        assert_eq!(attempt, entry.tries + 1, "{entry:?}");
        let on_behalf = self.agents.iter().filter(|(agent_id, agent)| {
            let fits = agent.serves.contains_key(&entry.queue) && serves(&agent.skills, entry.wanted());
            self.available(agent)
                && fits
                && self.entries.keys().all(|other| {
                    let open = self.is_open(*other, **agent_id) && !self.is_called_first(&self.entries[other]);
                    !open || self.order(*other) >= self.order(id)
                })
        });
        let on_behalf: BTreeSet<AgentId> = on_behalf.map(|(agent, _)| *agent).collect();
        assert!(!on_behalf.is_empty(), "{id} is called, and nobody is free whose turn they are");
        self.attempts.under_way.insert(id, Some(on_behalf));
        assert!(self.attempts.can_be_shared_out(), "an agent has two callers called: {:?}", self.attempts);
    }

    /// Whoever's turn has come is called at once.
    pub(super) fn assert_called(&self) {
        for (id, entry) in self.entries.iter().filter(|(_, entry)| self.is_called_first(entry)) {
            for (agent_id, agent) in &self.agents {
                let free = self.available(agent) && agent.rests_until < self.now;
                let called = !self.is_open(*id, *agent_id) || self.attempts.may_have(*agent_id, self.now);
                assert!(!free || called, "{id} is not called for {agent_id}: {entry:?} at {}", self.now);
            }
        }
    }
}
