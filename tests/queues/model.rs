//! The distributor beside a slow model of the rules: who is chosen, who is first, where everyone stands, and how entries
//! count. The model keeps plain lists, and is brought up to date by the notes alone.

use std::collections::BTreeMap;
use std::time::Duration;

use helpline::acd::*;
use helpline::clock::Moment;

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
}

#[derive(Clone, Debug)]
struct ModelEntry {
    queue: QueueId,
    priority: u8,
    place_time: Moment,
    entered: Moment,
    wants: Vec<(u16, u8)>,
    offers: usize,
    waits: bool,
    counted: bool,
}

struct Model {
    now: Moment,
    strategies: BTreeMap<QueueId, Strategy>,
    agents: BTreeMap<AgentId, ModelAgent>,
    entries: BTreeMap<EntryId, ModelEntry>,
    last: BTreeMap<QueueId, usize>,
    counts: BTreeMap<QueueId, [u64; 5]>,
    offers: u64,
}

const WITHIN: Duration = Duration::from_secs(20);

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
        agent.state == AgentState::Ready && agent.rests_until <= self.now
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

    /// Whether `agent` may be offered to `id` now by the rules, when all that is known is the choice.
    fn check_offer(&mut self, agent_id: AgentId, id: EntryId) {
        self.offers += 1;
        let (agent, entry) = (&self.agents[&agent_id], &self.entries[&id]);
        let queue = entry.queue;
        let strategy = self.strategies[&queue];
        assert!(self.available(agent), "{agent_id} is not available: {agent:?} at {}", self.now);
        assert!(entry.waits && (entry.offers == 0 || strategy == Strategy::RingAll), "{id} is rung for already");
        assert!(serves(&agent.skills, &entry.wants), "{agent_id} does not know what {id} wants");
        // The first in line of all whom this agent may be given.
        for (other, candidate) in &self.entries {
            let open = candidate.waits
                && (candidate.offers == 0 || self.strategies[&candidate.queue] == Strategy::RingAll)
                && agent.serves.contains_key(&candidate.queue)
                && serves(&agent.skills, &candidate.wants);
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
                (tier, std::cmp::Reverse(levels(&agent.skills, &entry.wants)), merit, order)
            };
            let chosen = rank(agent_id, agent);
            for (other_id, other) in &self.agents {
                if self.available(other) && other.serves.contains_key(&queue) && serves(&other.skills, &entry.wants) {
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
            Output::Note(note) => self.note(note),
            _ => {}
        }
    }

    fn note(&mut self, note: &Note) {
        let now = self.now;
        match note {
            Note::OfferEnded { entry, agent, result, .. } => {
                if let Some(entry) = self.entries.get_mut(entry) {
                    entry.offers -= 1;
                }
                let agent = self.agents.get_mut(agent).expect("it is known");
                match result {
                    OfferResult::Accepted => agent.misses = 0,
                    OfferResult::Refused(_) => {
                        agent.rests_until = now + Duration::from_secs((5 << agent.misses).min(60));
                        agent.misses += 1;
                    }
                    OfferResult::Withdrawn => {}
                }
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
                self.entries.remove(entry);
                if let Some(agent) = agent.filter(|_| *outcome == Outcome::Answered) {
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

struct Run {
    distributor: Distributor,
    model: Model,
    random: fastrand::Rng,
    offered: BTreeMap<AgentId, OfferId>,
    connecting: Vec<EntryId>,
    entries: u64,
    /// Agents wait for callers rather than callers for agents: only then is there a choice.
    quiet: bool,
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut random = fastrand::Rng::with_seed(seed);
        let count = random.u32(1..9);
        let all = [
            Strategy::LongestIdle,
            Strategy::RoundRobin,
            Strategy::FewestCalls,
            Strategy::LeastTalkTime,
            Strategy::Random,
            Strategy::RingAll,
            Strategy::Linear,
        ];
        let mut agents: BTreeMap<AgentId, ModelAgent> = BTreeMap::new();
        for agent in 0..count {
            let skills = (0..3).map(|skill| (skill, random.u8(..4))).filter(|(_, level)| *level > 0).collect();
            agents.insert(
                AgentId(agent),
                ModelAgent {
                    skills,
                    serves: BTreeMap::new(),
                    state: AgentState::LoggedOut,
                    idle_since: Moment::ZERO,
                    rests_until: Moment::ZERO,
                    misses: 0,
                    calls: 0,
                    talk: Duration::ZERO,
                },
            );
        }
        let mut queues = Vec::new();
        let mut strategies = BTreeMap::new();
        for queue in (0..3).map(QueueId) {
            let strategy = all[random.usize(..all.len())];
            strategies.insert(queue, strategy);
            let mut who: Vec<u32> = (0..count).filter(|_| random.u32(..4) > 0).collect();
            random.shuffle(&mut who);
            let members: Vec<Member> =
                who.iter().map(|agent| Member { agent: AgentId(*agent), tier: random.u8(..3) }).collect();
            for (order, member) in members.iter().enumerate() {
                let agent = agents.get_mut(&member.agent).expect("it was made");
                agent.serves.insert(queue, (member.tier, order));
            }
            let settings = QueueSettings::new(queue);
            let misses_until_pause = None;
            queues.push(QueueSettings { strategy, members, wrap_up: Duration::ZERO, misses_until_pause, ..settings });
        }
        let skills = |own: &[(u16, u8)]| Skills::new(own.iter().map(|(skill, level)| (SkillId(*skill), *level)));
        let settings = agents.iter().map(|(id, agent)| AgentSettings { agent: *id, skills: skills(&agent.skills) });
        let settings = Settings { queues, agents: settings.collect() };
        Run {
            distributor: Distributor::new(settings, fastrand::Rng::with_seed(seed)),
            model: Model {
                now: Moment::ZERO,
                strategies,
                agents,
                entries: BTreeMap::new(),
                last: BTreeMap::new(),
                counts: BTreeMap::new(),
                offers: 0,
            },
            random,
            offered: BTreeMap::new(),
            connecting: Vec::new(),
            entries: 0,
            quiet: !seed.is_multiple_of(3),
        }
    }

    fn open(&mut self) {
        for agent in self.model.agents.keys().copied().collect::<Vec<_>>() {
            self.tell(Input::AgentReachable { agent });
            self.tell(Input::Agent { agent, command: AgentCommand::Ready });
        }
    }

    /// Everyone who rings picks up, and some calls end.
    fn work(&mut self) {
        for (_, offer) in std::mem::take(&mut self.offered) {
            self.tell(Input::OfferAccepted { offer });
        }
        while let Some(entry) = self.connecting.pop() {
            self.tell(Input::Bridged { entry });
        }
        for agent in self.model.agents.keys().copied().collect::<Vec<_>>() {
            if self.random.u32(..3) > 0 {
                self.tell(Input::AgentLegEnded { agent });
            }
        }
    }

    fn tell(&mut self, input: Input) {
        let mut out = Vec::new();
        let now = self.model.now;
        self.distributor.handle(now, input, &mut out);
        for output in &out {
            self.model.take(output);
            match output {
                Output::Offer { offer, agent, .. } => {
                    self.offered.insert(*agent, *offer);
                }
                Output::Connect { entry, .. } => self.connecting.push(*entry),
                _ => {}
            }
        }
        let ids: Vec<EntryId> = self.model.entries.keys().copied().collect();
        for id in &ids {
            self.model.count(*id, None);
            let position = self.model.entries[id].waits.then(|| self.model.position(*id));
            assert_eq!(self.distributor.position(*id), position, "{id}");
        }
        for queue in (0..3).map(QueueId) {
            let counts = self.distributor.queue(now, queue).expect("it is there").figures.service;
            let outside = counts.short_abandoned + counts.left + counts.to_callback;
            let real = [counts.answered, counts.abandoned, counts.taken_out, counts.late, outside];
            assert_eq!(real, self.model.counts.get(&queue).copied().unwrap_or_default(), "{queue} at {now}");
            let oldest =
                self.model.entries.values().filter(|e| e.queue == queue && e.waits).map(|e| e.place_time).min();
            let longest = self.distributor.queue(now, queue).expect("it is there").longest_wait;
            assert_eq!(longest, oldest.map(|oldest| now - oldest), "{queue}");
        }
    }

    /// Time passes, deadline by deadline.
    fn wait(&mut self, micros: u64) {
        let end = self.model.now + Duration::from_micros(micros);
        while let Some(due) = self.distributor.deadline().filter(|due| *due <= end) {
            self.model.now = due;
            self.tell(Input::Expired);
        }
        self.model.now = end;
    }

    fn step(&mut self) {
        let micros = self.random.u64(1..6_000_000);
        self.wait(micros);
        let agent = AgentId(self.random.u32(..self.model.agents.len() as u32));
        let entry = EntryId(self.random.u64(self.entries.saturating_sub(12)..=self.entries));
        let command = |command| Input::Agent { agent, command };
        let input = match self.random.u32(..16) {
            0..=3 => {
                if self.quiet {
                    self.work();
                }
                return self.enter();
            }
            4..=6 => match self.offered.get(&agent) {
                Some(offer) => Input::OfferAccepted { offer: *offer },
                None => return,
            },
            7 => match self.offered.get(&agent) {
                Some(offer) => Input::OfferRefused { offer: *offer, reason: Refused::Busy },
                None => return,
            },
            8 | 9 => match self.connecting.pop() {
                Some(entry) => Input::Bridged { entry },
                None => return,
            },
            // Only after the bridge, so that the model needs no word for who was given back.
            10 | 11 if self.connecting.is_empty() => Input::AgentLegEnded { agent },
            12 => Input::CallerLeft { entry, why: Leaving::Abandoned },
            13 => Input::CallerLeft { entry, why: Leaving::ByKey },
            14 => Input::AgentReachable { agent },
            15 => {
                let model = self.model.agents.get_mut(&agent).expect("it is known");
                (model.misses, model.rests_until) = (0, Moment::ZERO);
                if model.state == AgentState::LoggedOut {
                    (model.calls, model.talk) = (0, Duration::ZERO);
                }
                command(AgentCommand::Ready)
            }
            _ => return,
        };
        self.tell(input);
    }

    fn enter(&mut self) {
        let random = &mut self.random;
        let (id, queue) = (EntryId(self.entries), QueueId(random.u16(..3)));
        self.entries += 1;
        let wants: Vec<(u16, u8)> = match random.u32(..3) {
            0 => vec![(random.u16(..3), random.u8(1..4))],
            1 => vec![(0, 1), (random.u16(1..3), 1)],
            _ => Vec::new(),
        };
        let priority = random.u8(..3) / 2;
        let place_time = (random.u32(..4) == 0).then(|| Moment::from_micros(random.u64(..=self.model.now.as_micros())));
        let now = self.model.now;
        self.model.entries.insert(
            id,
            ModelEntry {
                queue,
                priority,
                place_time: place_time.unwrap_or(now),
                entered: now,
                wants: wants.clone(),
                offers: 0,
                waits: true,
                counted: false,
            },
        );
        let at_first = Skills::new(wants.iter().map(|(skill, level)| (SkillId(*skill), *level)));
        self.tell(Input::CallerEntered(Entering {
            entry: id,
            queue,
            priority: Priority(priority),
            wants: Wants { at_first, later: Vec::new() },
            place_time,
            label: CallerLabel(id.0),
            callback: false,
            told: Told::default(),
        }));
    }
}

#[test]
fn every_choice_is_that_of_the_slow_model() {
    let mut offers = 0;
    for seed in super::seeds(60) {
        println!("SEED={seed}");
        let mut run = Run::new(seed);
        run.open();
        for _ in 0..300 {
            run.step();
        }
        offers += run.model.offers;
    }
    assert!(offers > 20, "nothing was offered");
}
