//! A slow model of the rules: who is chosen, who is first, where everyone stands, and how entries count. It keeps plain
//! lists, and is brought up to date by the notes alone.

use std::collections::BTreeMap;
use std::time::Duration;

use helpline::acd::*;
use helpline::clock::Moment;

mod attempts;
mod run;

use attempts::Attempts;

/// What is set for a queue.
#[derive(Clone, Copy)]
struct Rules {
    strategy: Strategy,
    misses_until_pause: Option<u32>,
    callers_max: usize,
    wait_max: Duration,
    /// Where callers go who may not wait, or no longer.
    go: Option<Target>,
    /// Who is called first when a caller is called back.
    first: CallbackFirst,
}

#[derive(Clone, Debug)]
struct ModelAgent {
    skills: Vec<(u16, u8)>,
    /// By queue: tier and order.
    serves: BTreeMap<QueueId, (u8, usize)>,
    state: AgentState,
    idle_since: Moment,
    rests_until: Moment,
    misses: u32,
    calls: u64,
    talk: Duration,
    /// What they asked for last.
    wants_calls: bool,
    /// Helpline tells them something by telephone.
    listens: bool,
}

#[derive(Clone, Debug)]
struct ModelEntry {
    queue: QueueId,
    priority: u8,
    place_time: Moment,
    entered: Moment,
    /// At first, and after so long since the time of the place.
    wants: Vec<(Duration, Vec<(u16, u8)>)>,
    relaxed: usize,
    offers: usize,
    waits: bool,
    /// They are to be called back.
    callback: bool,
    tries: u32,
    /// Nobody is rung for them before.
    rests_until: Moment,
    counted: bool,
}

impl ModelEntry {
    fn wanted(&self) -> &[(u16, u8)] {
        &self.wants[self.relaxed].1
    }
}

struct Model {
    now: Moment,
    rules: BTreeMap<QueueId, Rules>,
    agents: BTreeMap<AgentId, ModelAgent>,
    entries: BTreeMap<EntryId, ModelEntry>,
    attempts: Attempts,
    last: BTreeMap<QueueId, usize>,
    counts: BTreeMap<QueueId, [u64; 5]>,
    /// The time of the place of those who talk to each agent.
    talking: BTreeMap<AgentId, Moment>,
    /// What has happened, so that all of it has.
    seen: BTreeMap<&'static str, u64>,
}

const WITHIN: Duration = Duration::from_secs(20);
const GAP: Duration = Duration::from_secs(40);
const FAULT_REST: Duration = Duration::from_secs(1);
const CALLBACK_SETTLE: Duration = Duration::from_secs(5);

fn serves(own: &[(u16, u8)], wanted: &[(u16, u8)]) -> bool {
    wanted.iter().all(|(skill, least)| own.iter().any(|(known, level)| known == skill && level >= least))
}

fn levels(own: &[(u16, u8)], wanted: &[(u16, u8)]) -> u32 {
    own.iter()
        .filter(|(skill, _)| wanted.iter().any(|(want, _)| want == skill))
        .map(|(_, level)| u32::from(*level))
        .sum()
}

impl Model {
    fn available(&self, agent: &ModelAgent) -> bool {
        agent.state == AgentState::Ready && agent.rests_until <= self.now && !agent.listens
    }

    fn see(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    /// Section 3: priority descending, place time ascending, entry ascending.
    fn order(&self, id: EntryId) -> (std::cmp::Reverse<u8>, Moment, EntryId) {
        let entry = &self.entries[&id];
        (std::cmp::Reverse(entry.priority), entry.place_time, id)
    }

    fn position(&self, id: EntryId) -> u32 {
        let queue = self.entries[&id].queue;
        let ahead = |(other, entry): &(&EntryId, &ModelEntry)| {
            entry.queue == queue && entry.waits && self.order(**other) < self.order(id)
        };
        1 + self.entries.iter().filter(ahead).count() as u32
    }

    /// Whether an entry could be given to an agent who is free.
    fn is_open(&self, id: EntryId, agent: AgentId) -> bool {
        let (entry, agent) = (&self.entries[&id], &self.agents[&agent]);
        // Of two rests that end together one ends first.
        entry.waits
            && entry.rests_until < self.now
            && (entry.offers == 0 || self.rules[&entry.queue].strategy == Strategy::RingAll)
            && !self.attempts.is_under_way(id)
            && agent.serves.contains_key(&entry.queue)
            && serves(&agent.skills, entry.wanted())
    }

    /// Whether a caller is to be called before an agent is rung for them.
    fn is_called_first(&self, entry: &ModelEntry) -> bool {
        entry.callback && self.rules[&entry.queue].first == CallbackFirst::Caller
    }

    /// Whether `agent` may be offered to `id` now by the rules, when all that is known is the choice.
    fn check_offer(&mut self, agent_id: AgentId, id: EntryId) {
        self.see("offer");
        if self.entries[&id].callback {
            self.see("offer of a callback");
        }
        let (agent, entry) = (&self.agents[&agent_id], &self.entries[&id]);
        assert!(!self.is_called_first(entry), "{id} is to be called before anyone is rung for them");
        let queue = entry.queue;
        let strategy = self.rules[&queue].strategy;
        assert!(self.available(agent), "{agent_id} is not available: {agent:?} at {}", self.now);
        assert!(entry.waits && (entry.offers == 0 || strategy == Strategy::RingAll), "{id} is rung for already");
        assert!(entry.rests_until <= self.now, "{id} rests: {entry:?} at {}", self.now);
        assert!(serves(&agent.skills, entry.wanted()), "{agent_id} does not know what {id} wants");
        // The first in line of all whom this agent may be given.
        for (other, candidate) in &self.entries {
            let open = self.is_open(*other, agent_id)
                && (!self.is_called_first(candidate) || !self.attempts.may_have(agent_id, self.now));
            assert!(!open || self.order(*other) >= self.order(id), "{agent_id} rings for {id} before {other}");
        }
        // And the best of all agents whom this caller may be given.
        if strategy != Strategy::RingAll {
            let rank = |id: AgentId, agent: &ModelAgent| {
                let (tier, order) = agent.serves[&queue];
                let merit = match strategy {
                    Strategy::LongestIdle => agent.idle_since.as_micros(),
                    Strategy::FewestCalls => agent.calls,
                    Strategy::LeastTalkTime => agent.talk.as_micros() as u64,
                    Strategy::RoundRobin => u64::from(self.last.get(&queue).is_some_and(|last| order <= *last)),
                    _ => 0,
                };
                let order = if strategy == Strategy::Random { (0, AgentId(0)) } else { (order, id) };
                (tier, std::cmp::Reverse(levels(&agent.skills, entry.wanted())), merit, order)
            };
            let chosen = rank(agent_id, agent);
            for (other_id, other) in &self.agents {
                let free = self.available(other) && (other.rests_until < self.now || *other_id == agent_id);
                if free && other.serves.contains_key(&queue) && serves(&other.skills, entry.wanted()) {
                    let better = rank(*other_id, other);
                    assert!(better >= chosen, "{strategy:?}: {other_id} {better:?} before {agent_id} {chosen:?}");
                }
            }
        }
        self.last.insert(queue, agent.serves[&queue].1);
    }

    fn take(&mut self, output: &Output) {
        match output {
            Output::Offer { agent, entry, .. } => {
                self.check_offer(*agent, *entry);
                self.entries.get_mut(entry).expect("it is known").offers += 1;
            }
            Output::Connect { entry, .. } => self.entries.get_mut(entry).expect("it is known").waits = false,
            Output::CallBack { entry, agent: None, attempt, .. } => self.check_call(*entry, *attempt),
            Output::CallBack { entry, agent: Some(_), attempt, .. } => {
                self.see("callback");
                let entry = self.entries.get_mut(entry).expect("it is known");
                assert!(entry.callback, "{entry:?}");
                assert_eq!(*attempt, entry.tries + 1, "{entry:?}");
                entry.waits = false;
            }
            Output::Ended { entry, outcome, go, place_time } => self.check_end(*entry, *outcome, *go, *place_time),
            Output::Note(note) => self.note(note),
            _ => {}
        }
    }

    /// Why an entry is over, and where the caller goes with the time of the place.
    fn check_end(&mut self, id: EntryId, outcome: Outcome, go: Option<Target>, place_time: Moment) {
        let entry = &self.entries[&id];
        let Rules { callers_max: most, wait_max: longest, go: target, .. } = self.rules[&entry.queue];
        assert_eq!(place_time, entry.place_time, "{id} loses the time of the place");
        let here = |other: &&ModelEntry| other.queue == entry.queue;
        match outcome {
            Outcome::Overflowed => {
                let others = self.entries.values().filter(here).filter(|other| other.waits).count() - 1;
                assert!(others >= most, "{id} is sent away by {others} of {most}");
            }
            Outcome::TimedOut => {
                assert!(!entry.callback && self.now - entry.entered >= longest, "{id} is sent away too soon");
            }
            Outcome::NoAgents => {
                let serving = self.agents.values().filter(|agent| agent.serves.contains_key(&entry.queue));
                let there = serving.filter(|agent| self.available(agent)).count();
                assert_eq!(there, 0, "{id} is sent away although somebody is there");
            }
            Outcome::Failed => assert!(entry.callback && entry.tries >= 2, "{id} failed: {entry:?}"),
            _ => {}
        }
        let expected = matches!(outcome, Outcome::Overflowed | Outcome::TimedOut | Outcome::NoAgents);
        assert_eq!(go, target.filter(|_| expected), "{id} goes elsewhere after {outcome:?}");
        self.see(outcome.name());
    }

    fn note(&mut self, note: &Note) {
        let now = self.now;
        match note {
            Note::OfferEnded { queue, entry, agent, result, .. } => {
                if let Some(entry) = self.entries.get_mut(entry) {
                    entry.offers -= 1;
                }
                if *result == OfferResult::Accepted {
                    self.attempts.forget_agent(*agent);
                }
                let limit = self.rules[queue].misses_until_pause;
                let agent = self.agents.get_mut(agent).expect("it is known");
                match result {
                    OfferResult::Accepted => (agent.misses, agent.rests_until) = (0, Moment::ZERO),
                    OfferResult::Refused(Refused::OurFault) => {
                        if let Some(entry) = self.entries.get_mut(entry) {
                            entry.rests_until = now + FAULT_REST;
                        }
                        self.see("our fault");
                    }
                    OfferResult::Refused(reason) => {
                        agent.rests_until = now + Duration::from_secs((5 << agent.misses).min(60));
                        agent.misses += 1;
                        let paused = limit.is_some_and(|limit| agent.misses >= limit) && agent.wants_calls;
                        if paused {
                            (agent.misses, agent.rests_until, agent.wants_calls) = (0, Moment::ZERO, false);
                        }
                        if *reason == Refused::NoAnswer {
                            self.see("rang out");
                        }
                        if paused {
                            self.see("paused by misses");
                        }
                    }
                    OfferResult::Withdrawn => {}
                }
            }
            Note::CallbackWanted { entry } => {
                self.count(*entry, Some(Outcome::LeftByKey));
                let entry = self.entries.get_mut(entry).expect("it is known");
                (entry.callback, entry.waits, entry.rests_until) = (true, true, now + CALLBACK_SETTLE);
            }
            Note::CalledBack { entry, answered, .. } => {
                let called_first = self.attempts.end(*entry, now);
                let entry = self.entries.get_mut(entry).expect("it is known");
                if !answered {
                    entry.tries += 1;
                    (entry.waits, entry.rests_until) = (true, now + GAP);
                } else if called_first {
                    // They are on the line at their place, as any other.
                    (entry.callback, entry.rests_until) = (false, Moment::ZERO);
                    self.see("reached before an agent was rung");
                }
            }
            Note::Relaxed { entry, stage, .. } => {
                let entry = self.entries.get_mut(entry).expect("it is known");
                entry.relaxed = *stage;
                assert!(now >= entry.place_time + entry.wants[*stage].0, "{entry:?} wants less too soon");
                self.see("relaxed");
            }
            Note::AgentState { agent, from, to, .. } => {
                let agent = self.agents.get_mut(agent).expect("it is known");
                agent.state = *to;
                if *to == AgentState::Ready && *from != AgentState::Ringing {
                    agent.idle_since = now;
                }
            }
            Note::Ended { entry, outcome, agent, .. } => {
                self.count(*entry, Some(*outcome));
                self.attempts.end(*entry, now);
                let ended = self.entries.remove(entry).expect("it is known");
                let answered = matches!(outcome, Outcome::Answered | Outcome::Callback);
                if let Some(agent) = agent.filter(|_| answered) {
                    self.talking.insert(agent, ended.place_time);
                    self.agents.get_mut(&agent).expect("it is known").calls += 1;
                }
            }
            // Talk is known when the leg ends; without wrap-up that is the same moment.
            Note::Handled { agent, talk, hold, .. } => {
                self.agents.get_mut(agent).expect("it is known").talk += *talk + *hold;
            }
            _ => {}
        }
    }

    /// Section 5, once for each entry: A, B, X, L, and outside.
    fn count(&mut self, id: EntryId, outcome: Option<Outcome>) {
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| !entry.counted) else { return };
        let wait = self.now - entry.entered;
        let event = match outcome {
            _ if wait > WITHIN => 3,
            None => return,
            Some(Outcome::Answered) => 0,
            Some(Outcome::Abandoned) => 1,
            Some(Outcome::TimedOut | Outcome::Overflowed | Outcome::NoAgents | Outcome::Failed) => 2,
            Some(Outcome::ShortAbandoned | Outcome::LeftByKey | Outcome::Callback) => 4,
        };
        entry.counted = true;
        self.counts.entry(entry.queue).or_default()[event] += 1;
    }
}
