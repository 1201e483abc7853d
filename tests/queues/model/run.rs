//! The distributor beside the slow model, told the same: everybody acts at random, from a seed.

use std::collections::BTreeMap;
use std::time::Duration;

use helpline::acd::*;
use helpline::clock::Moment;

use super::attempts::Attempts;
use super::{GAP, Model, ModelAgent, ModelEntry, Rules};

struct Run {
    distributor: Distributor,
    model: Model,
    random: fastrand::Rng,
    offered: BTreeMap<AgentId, OfferId>,
    connecting: Vec<EntryId>,
    /// Who is being called back, with the agent who waits for them, if one does.
    dialling: BTreeMap<EntryId, Option<AgentId>>,
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
        let mut rules = BTreeMap::new();
        for queue in (0..3).map(QueueId) {
            let strategy = all[random.usize(..all.len())];
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
            let first = if random.bool() { CallbackFirst::Agent } else { CallbackFirst::Caller };
            (settings.callback.first, settings.callback.gap, settings.callback.tries) = (first, GAP, 2);
            let QueueSettings { misses_until_pause, callers_max, wait_max, when_full: go, .. } = settings;
            rules.insert(queue, Rules { strategy, misses_until_pause, callers_max, wait_max, go, first });
            queues.push(QueueSettings { strategy, members, wrap_up: Duration::ZERO, ..settings });
        }
        let skills = |own: &[(u16, u8)]| Skills::new(own.iter().map(|(skill, level)| (SkillId(*skill), *level)));
        let settings = agents.iter().map(|(id, agent)| AgentSettings { agent: *id, skills: skills(&agent.skills) });
        let settings = Settings { queues, agents: settings.collect() };
        Run {
            distributor: Distributor::new(settings, fastrand::Rng::with_seed(seed)),
            model: Model {
                now: Moment::ZERO,
                rules,
                agents,
                entries: BTreeMap::new(),
                attempts: Attempts::default(),
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
        if self.dialling.values().any(|waits| *waits == Some(agent)) {
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
                Output::CallBack { entry, agent, .. } => {
                    self.dialling.insert(*entry, *agent);
                }
                Output::CancelCallBack { entry } | Output::Note(Note::CalledBack { entry, .. }) => {
                    self.dialling.remove(entry);
                }
                Output::Ended { go: Some(Target(queue)), place_time, .. } => {
                    self.sent_on.push((QueueId(*queue as u16), *place_time));
                }
                _ => {}
            }
        }
        self.model.assert_called();
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
    for seed in crate::seeds(60) {
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
        "callback of a caller first",
        "reached before an agent was rung",
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
