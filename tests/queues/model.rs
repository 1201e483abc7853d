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
    strategies: BTreeMap<QueueId, Strategy>,
    /// Misses in a row that pause, callers at most, the longest wait, and where callers go then.
    limits: BTreeMap<QueueId, (Option<u32>, usize, Duration, Option<Target>)>,
    agents: BTreeMap<AgentId, ModelAgent>,
    entries: BTreeMap<EntryId, ModelEntry>,
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

    /// Whether `agent` may be offered to `id` now by the rules, when all that is known is the choice.
    fn check_offer(&mut self, agent_id: AgentId, id: EntryId) {
        self.see("offer");
        if self.entries[&id].callback {
            self.see("offer of a callback");
        }
        let (agent, entry) = (&self.agents[&agent_id], &self.entries[&id]);
        let queue = entry.queue;
        let strategy = self.strategies[&queue];
        assert!(self.available(agent), "{agent_id} is not available: {agent:?} at {}", self.now);
        assert!(entry.waits && (entry.offers == 0 || strategy == Strategy::RingAll), "{id} is rung for already");
        assert!(entry.rests_until <= self.now, "{id} rests: {entry:?} at {}", self.now);
        assert!(serves(&agent.skills, entry.wanted()), "{agent_id} does not know what {id} wants");
        // The first in line of all whom this agent may be given.
        for (other, candidate) in &self.entries {
            // Of two rests that end together one ends first.
            let open = candidate.waits
                && candidate.rests_until < self.now
                && (candidate.offers == 0 || self.strategies[&candidate.queue] == Strategy::RingAll)
                && agent.serves.contains_key(&candidate.queue)
                && serves(&agent.skills, candidate.wanted());
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
            Output::CallBack { entry, agent, attempt, .. } => {
                self.see("callback");
                let entry = self.entries.get_mut(entry).expect("it is known");
                assert!(entry.callback && agent.is_some(), "the agent waits on the line: {entry:?}");
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
        let (_, most, longest, target) = self.limits[&entry.queue];
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
                let limit = self.limits[queue].0;
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
                let entry = self.entries.get_mut(entry).expect("it is known");
                if !answered {
                    entry.tries += 1;
                    (entry.waits, entry.rests_until) = (true, now + GAP);
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

struct Run {
    distributor: Distributor,
    model: Model,
    random: fastrand::Rng,
    offered: BTreeMap<AgentId, OfferId>,
    connecting: Vec<EntryId>,
    /// Who is being called back, with the agent who waits for them.
    dialling: BTreeMap<EntryId, AgentId>,
    /// Who was sent on to another queue, with the time of their place.
    sent_on: Vec<(QueueId, Moment)>,
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
                    wants_calls: false,
                    listens: false,
                },
            );
        }
        let mut queues = Vec::new();
        let (mut strategies, mut limits) = (BTreeMap::new(), BTreeMap::new());
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
            let mut settings = QueueSettings::new(queue);
            settings.misses_until_pause = random.bool().then(|| random.u32(1..4));
            if random.bool() {
                (settings.callers_max, settings.wait_max) =
                    (random.usize(2..8), Duration::from_secs(random.u64(60..300)));
                // Only onwards, so that nobody goes round in circles.
                let next = (queue.0 < 2).then(|| Target(u32::from(queue.0) + 1));
                (settings.when_full, settings.when_too_long, settings.when_no_agents) = (next, next, next);
            }
            (settings.callback.first, settings.callback.gap) = (CallbackFirst::Agent, GAP);
            settings.callback.tries = 2;
            let target = settings.when_full;
            let limit = (settings.misses_until_pause, settings.callers_max, settings.wait_max, target);
            limits.insert(queue, limit);
            queues.push(QueueSettings { strategy, members, wrap_up: Duration::ZERO, ..settings });
        }
        let skills = |own: &[(u16, u8)]| Skills::new(own.iter().map(|(skill, level)| (SkillId(*skill), *level)));
        let settings = agents.iter().map(|(id, agent)| AgentSettings { agent: *id, skills: skills(&agent.skills) });
        let settings = Settings { queues, agents: settings.collect() };
        Run {
            distributor: Distributor::new(settings, fastrand::Rng::with_seed(seed)),
            model: Model {
                now: Moment::ZERO,
                strategies,
                limits,
                agents,
                entries: BTreeMap::new(),
                last: BTreeMap::new(),
                counts: BTreeMap::new(),
                talking: BTreeMap::new(),
                seen: BTreeMap::new(),
            },
            random,
            offered: BTreeMap::new(),
            connecting: Vec::new(),
            dialling: BTreeMap::new(),
            sent_on: Vec::new(),
            entries: 0,
            quiet: !seed.is_multiple_of(3),
        }
    }

    fn open(&mut self) {
        for agent in self.model.agents.keys().copied().collect::<Vec<_>>() {
            self.tell(Input::AgentReachable { agent });
            self.be_ready(agent);
        }
    }

    fn be_ready(&mut self, agent: AgentId) {
        let model = self.model.agents.get_mut(&agent).expect("it is known");
        (model.misses, model.rests_until, model.wants_calls) = (0, Moment::ZERO, true);
        if model.state == AgentState::LoggedOut {
            (model.calls, model.talk) = (0, Duration::ZERO);
        }
        self.tell(Input::Agent { agent, command: AgentCommand::Ready });
    }

    /// Everyone who rings picks up, and some calls end.
    fn work(&mut self) {
        for (_, offer) in std::mem::take(&mut self.offered) {
            self.tell(Input::OfferAccepted { offer });
        }
        for entry in self.dialling.keys().copied().collect::<Vec<_>>() {
            let answers = self.random.u32(..4) > 0;
            self.tell(if answers { Input::CallbackAnswered { entry } } else { Input::CallbackFailed { entry } });
        }
        while let Some(entry) = self.connecting.pop() {
            self.tell(Input::Bridged { entry });
        }
        for agent in self.model.agents.keys().copied().collect::<Vec<_>>() {
            if self.random.u32(..3) > 0 {
                self.end_leg(agent);
            }
        }
    }

    /// An agent's leg ends; sometimes because they have passed the caller on to a queue.
    fn end_leg(&mut self, agent: AgentId) {
        if self.dialling.values().any(|waits| *waits == agent) {
            return;
        }
        self.tell(Input::AgentLegEnded { agent });
        if let Some(place_time) = self.model.talking.remove(&agent)
            && self.random.u32(..4) == 0
        {
            self.model.see("transfer");
            let queue = QueueId(self.random.u16(..3));
            self.enter(queue, Some(place_time));
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
                Output::Connect { entry, .. } => {
                    self.dialling.remove(entry);
                    self.connecting.push(*entry);
                }
                Output::CallBack { entry, agent: Some(agent), .. } => {
                    self.dialling.insert(*entry, *agent);
                }
                Output::CancelCallBack { entry } | Output::Note(Note::CalledBack { entry, answered: false, .. }) => {
                    self.dialling.remove(entry);
                }
                Output::Ended { go: Some(Target(queue)), place_time, .. } => {
                    self.sent_on.push((QueueId(*queue as u16), *place_time));
                }
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
            self.model.now = due.max(self.model.now);
            self.tell(Input::Expired);
            self.send_on();
        }
        self.model.now = end;
    }

    /// Callers whom a queue has sent on enter the next one, with the time of their place.
    fn send_on(&mut self) {
        while let Some((queue, place_time)) = self.sent_on.pop() {
            self.enter(queue, Some(place_time));
        }
    }

    fn step(&mut self) {
        self.act();
        self.send_on();
    }

    fn act(&mut self) {
        let micros = self.random.u64(1..6_000_000);
        self.wait(micros);
        let agent = AgentId(self.random.u32(..self.model.agents.len() as u32));
        let entry = EntryId(self.random.u64(self.entries.saturating_sub(12)..=self.entries));
        let command = |command| Input::Agent { agent, command };
        let input = match self.random.u32(..24) {
            0..=3 => {
                if self.quiet {
                    self.work();
                }
                let queue = QueueId(self.random.u16(..3));
                let old = self.random.u64(..=self.model.now.as_micros());
                let place_time = (self.random.u32(..4) == 0).then(|| Moment::from_micros(old));
                return self.enter(queue, place_time);
            }
            4..=6 => match self.offered.get(&agent) {
                Some(offer) => Input::OfferAccepted { offer: *offer },
                None => return,
            },
            7 => match self.offered.get(&agent) {
                Some(offer) => {
                    let reasons =
                        [Refused::Busy, Refused::Declined, Refused::NoAnswer, Refused::Failed, Refused::OurFault];
                    Input::OfferRefused { offer: *offer, reason: reasons[self.random.usize(..reasons.len())] }
                }
                None => return,
            },
            8 | 9 => match self.connecting.pop() {
                Some(entry) => Input::Bridged { entry },
                None => return,
            },
            // Only after the bridge, so that the model needs no word for who was given back.
            10 | 11 if self.connecting.is_empty() => return self.end_leg(agent),
            12 => Input::CallerLeft { entry, why: Leaving::Abandoned },
            13 => Input::CallerLeft { entry, why: Leaving::ByKey },
            14 => Input::AgentReachable { agent },
            15 | 16 => return self.be_ready(agent),
            17 => {
                self.model.agents.get_mut(&agent).expect("it is known").wants_calls = false;
                self.model.see("pause");
                command(AgentCommand::Pause("lunch".into()))
            }
            18 if self.random.bool() => {
                self.model.agents.get_mut(&agent).expect("it is known").wants_calls = false;
                command(AgentCommand::LogOut)
            }
            19 => {
                // A code is dialled: nothing is offered until the answer has been heard.
                let model = self.model.agents.get_mut(&agent).expect("it is known");
                if model.state == AgentState::Ringing {
                    return;
                }
                model.listens = !model.listens;
                let listening = model.listens;
                Input::AgentListens { agent, listening }
            }
            20 | 21 => Input::CallbackWanted { entry },
            22 => match self.dialling.keys().next().copied() {
                Some(entry) => Input::CallbackAnswered { entry },
                None => return,
            },
            23 => match self.dialling.keys().next().copied() {
                Some(entry) => Input::CallbackFailed { entry },
                None => return,
            },
            _ => return,
        };
        self.tell(input);
    }

    fn enter(&mut self, queue: QueueId, place_time: Option<Moment>) {
        let random = &mut self.random;
        let id = EntryId(self.entries);
        self.entries += 1;
        let at_first: Vec<(u16, u8)> = match random.u32(..3) {
            0 => vec![(random.u16(..3), random.u8(1..4))],
            1 => vec![(0, 1), (random.u16(1..3), 1)],
            _ => Vec::new(),
        };
        let mut wants = vec![(Duration::ZERO, at_first)];
        if !wants[0].1.is_empty() && random.bool() {
            wants.push((Duration::from_secs(15), vec![wants[0].1[0]]));
            wants.push((Duration::from_secs(45), Vec::new()));
        }
        let priority = random.u8(..3) / 2;
        let now = self.model.now;
        self.model.entries.insert(
            id,
            ModelEntry {
                queue,
                priority,
                place_time: place_time.unwrap_or(now),
                entered: now,
                wants: wants.clone(),
                relaxed: 0,
                offers: 0,
                waits: true,
                callback: false,
                tries: 0,
                rests_until: Moment::ZERO,
                counted: false,
            },
        );
        let skills = |wants: &[(u16, u8)]| Skills::new(wants.iter().map(|(skill, level)| (SkillId(*skill), *level)));
        let later = wants[1..].iter().map(|(after, wants)| (*after, skills(wants))).collect();
        let wants = Wants { at_first: skills(&wants[0].1), later };
        self.tell(Input::CallerEntered(Entering {
            entry: id,
            queue,
            priority: Priority(priority),
            wants,
            place_time,
            label: CallerLabel(id.0),
            callback: false,
            told: Told::default(),
        }));
    }
}

#[test]
fn every_choice_is_that_of_the_slow_model() {
    let mut seen: BTreeMap<&'static str, u64> = BTreeMap::new();
    for seed in super::seeds(60) {
        println!("SEED={seed}");
        let mut run = Run::new(seed);
        run.open();
        for _ in 0..300 {
            run.step();
        }
        for (what, count) in run.model.seen {
            *seen.entry(what).or_default() += count;
        }
    }
    println!("{seen:?}");
    let all = [
        "offer",
        "offer of a callback",
        "callback",
        "our fault",
        "rang out",
        "paused by misses",
        "relaxed",
        "transfer",
        "pause",
        "answered",
        "callback",
        "overflowed",
        "timed_out",
        "no_agents",
        "failed",
    ];
    // A single seed, asked for by hand, need not have all of it.
    let single = std::env::var_os("SEED").is_some();
    for what in all {
        assert!(single || seen.get(what).is_some_and(|count| *count > 5), "{what} hardly happened: {seen:?}");
    }
}
