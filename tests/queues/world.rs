//! Random callers, agents, telephones and faults around a distributor, in virtual time, from a seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use helpline::acd::*;
use helpline::clock::Moment;

use crate::death::Disk;

/// What will happen.
#[derive(Clone, Debug)]
enum Event {
    Arrival,
    Tell(Input),
    /// The agent's leg of this call ends, if it is still that call.
    HangUp(AgentId, u64),
    /// The caller loses patience, in one way or another.
    Impatience(EntryId),
    /// The process dies and is started again.
    Death,
    /// The agent does something.
    Whim(AgentId),
    Reload,
}

/// What a caller has been told.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    number: Option<u8>,
    wait: Option<(Moment, SpokenWait)>,
    speaking: bool,
}

pub struct World {
    pub distributor: Distributor,
    pub now: Moment,
    pub(crate) random: fastrand::Rng,
    settings: Settings,
    /// As they are since the last reload.
    pub(crate) current: Settings,
    pub(crate) disk: Option<Disk>,
    events: BTreeMap<(Moment, u64), Event>,
    sequence: u64,
    entries: u64,
    calls_left: u64,
    gap: f64,
    heard: BTreeMap<EntryId, Heard>,
    ringing: BTreeMap<AgentId, (OfferId, EntryId)>,
    /// What is to be told when all that is wanted is done.
    inbox: VecDeque<Input>,
    obeys: bool,
    /// Each leg by a number of its own, so that a late hang-up ends no other.
    legs: BTreeMap<AgentId, (u64, EntryId)>,
    direct: BTreeMap<AgentId, u32>,
    live: BTreeSet<EntryId>,
    pub inputs: u64,
    pub told: BTreeMap<&'static str, u64>,
    journal: DefaultHasher,
    check_each: u64,
}

const QUEUES: u16 = 4;
const SKILLS: u16 = 3;

impl World {
    pub fn new(seed: u64, calls: u64, check_each: u64) -> World {
        let mut random = fastrand::Rng::with_seed(seed);
        let agents = random.u32(1..=12);
        let settings = random_settings(&mut random, agents);
        let distributor = Distributor::new(settings.clone(), fastrand::Rng::with_seed(seed ^ 0x5eed));
        let gap = f64::from(random.u32(3..60)) / f64::from(agents).sqrt();
        let mut world = World {
            distributor,
            now: Moment::ZERO,
            random,
            current: settings.clone(),
            settings,
            disk: None,
            events: BTreeMap::new(),
            sequence: 0,
            entries: 0,
            calls_left: calls,
            gap,
            heard: BTreeMap::new(),
            ringing: BTreeMap::new(),
            inbox: VecDeque::new(),
            obeys: false,
            legs: BTreeMap::new(),
            direct: BTreeMap::new(),
            live: BTreeSet::new(),
            inputs: 0,
            told: BTreeMap::new(),
            journal: DefaultHasher::new(),
            check_each,
        };
        for agent in (0..agents).map(AgentId) {
            world.later(0.0, Event::Tell(Input::AgentReachable { agent }));
            let at = world.random.f64() * 300.0;
            world.later(at, Event::Tell(Input::Agent { agent, command: AgentCommand::Ready }));
            world.later(at + 100.0, Event::Whim(agent));
        }
        world.later(1.0, Event::Arrival);
        world.later(1_000.0, Event::Reload);
        world
    }

    /// Until every call has come and gone; the journal's fingerprint.
    pub fn run(&mut self) -> u64 {
        loop {
            let event = self.events.keys().next().map(|(moment, _)| *moment);
            let Some(next) = event.into_iter().chain(self.distributor.deadline()).min() else { break };
            self.now = self.now.max(next);
            assert!(self.now < Moment::ZERO + Duration::from_secs(400 * 86_400), "somebody waits for ever");
            if event == Some(next) {
                let (_, event) = self.events.pop_first().expect("it was seen");
                self.happen(event);
            } else {
                self.tell(Input::Expired);
                let next = self.distributor.deadline();
                assert!(
                    next.is_none_or(|next| next > self.now),
                    "what was due at {} is still to do: {:?} {:#?}",
                    self.now,
                    next,
                    self.distributor
                );
            }
            if self.calls_left == 0 && self.live.is_empty() {
                break;
            }
        }
        self.distributor.assert_consistent();
        for queue in self.distributor.queues() {
            let snapshot = self.distributor.queue(self.now, queue).expect("it is there");
            assert_eq!((snapshot.callers_waiting, snapshot.callbacks_waiting), (0, 0), "{queue}");
            assert_eq!(snapshot.figures.entered, snapshot.figures.ended());
        }
        self.journal.finish()
    }

    /// The same day in a house whose process dies now and then.
    pub fn mortal(seed: u64, calls: u64) -> World {
        let mut world = World::new(seed, calls, 1);
        world.distributor.remember();
        let mut disk = Disk::default();
        disk.write_all(world.now, &mut world.distributor);
        world.disk = Some(disk);
        world.later(400.0, Event::Death);
        world
    }

    fn die(&mut self) {
        if self.calls_left == 0 {
            return;
        }
        let next = 100.0 + self.random.f64() * 2_000.0;
        self.later(next, Event::Death);
        let down = self.random.f64() * if self.random.bool() { 3.0 } else { 4_000.0 };
        self.now += Duration::from_secs_f64(down);
        self.rise();
    }

    /// What was on its way to the dead process never comes; callers dial again and telephones register again.
    pub(crate) fn begin_anew(&mut self, came_back: &[EntryId], gone: bool) {
        self.events.retain(|_, event| !matches!(event, Event::Tell(_) | Event::HangUp(..)));
        self.ringing.clear();
        self.legs.clear();
        self.direct.clear();
        self.live.retain(|entry| self.distributor.kept_entry(*entry).is_some());
        if gone {
            // What they were told last was not written yet.
            self.heard.clear();
        }
        self.heard.values_mut().for_each(|heard| heard.speaking = false);
        for entry in came_back.iter().copied() {
            if self.random.u32(..3) > 0 {
                let seconds = self.random.f64() * 200.0;
                self.later(seconds, Event::Tell(Input::CallerResumed { entry }));
            }
        }
        for agent in (0..self.settings.agents.len() as u32).map(AgentId) {
            let seconds = self.random.f64() * 30.0;
            self.later(seconds, Event::Tell(Input::AgentReachable { agent }));
        }
    }

    /// What the restored distributor wanted at once.
    pub(crate) fn obey_all(&mut self, out: Vec<Output>) {
        out.into_iter().for_each(|output| self.obey(output));
    }

    /// Entries that were written live, whatever became of them since.
    pub(crate) fn bring_back(&mut self, written: &BTreeSet<EntryId>) {
        self.live = written.clone();
    }

    pub(crate) fn live(&self) -> &BTreeSet<EntryId> {
        &self.live
    }

    pub(crate) fn is_random(&mut self, one_in: u32) -> bool {
        self.random.u32(..one_in) == 0
    }

    fn later(&mut self, seconds: f64, event: Event) {
        self.sequence += 1;
        self.events.insert((self.now + Duration::from_secs_f64(seconds), self.sequence), event);
    }

    /// All that was wanted is done before the next input, as the distributor demands of whoever runs it.
    fn tell(&mut self, input: Input) {
        self.inbox.push_back(input);
        if !std::mem::replace(&mut self.obeys, true) {
            while let Some(input) = self.inbox.pop_front() {
                self.take(input);
            }
            self.obeys = false;
        }
    }

    fn take(&mut self, input: Input) {
        let mut out = Vec::new();
        self.inputs += 1;
        match &input {
            Input::AnnouncementFinished { entry } => {
                if let Some(heard) = self.heard.get_mut(entry) {
                    heard.speaking = false;
                }
            }
            Input::AgentLegEnded { agent } => {
                self.legs.remove(agent);
            }
            _ => {}
        }
        let shown = format!("{input:?}");
        self.distributor.handle(self.now, input, &mut out);
        if self.inputs.is_multiple_of(self.check_each) {
            let checked =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.distributor.assert_consistent()));
            assert!(checked.is_ok(), "after {shown} at {}: {out:#?}", self.now);
        }
        self.now.as_micros().hash(&mut self.journal);
        if let Some(disk) = &mut self.disk
            && self.random.u32(..4) == 0
        {
            disk.write(self.now, &mut self.distributor);
        }
        for output in out {
            if self.check_each == 1 {
                format!("{output:?}").hash(&mut self.journal);
            } else {
                std::mem::discriminant(&output).hash(&mut self.journal);
            }
            self.obey(output);
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.told.entry(what).or_default() += 1;
    }

    fn obey(&mut self, output: Output) {
        match output {
            Output::Offer { offer, agent, entry, until, .. } => self.ring(offer, agent, entry, until),
            Output::Withdraw { offer, agent } => {
                self.count("withdrawn");
                assert_eq!(self.ringing.remove(&agent).map(|(offer, _)| offer), Some(offer), "it rang for another");
                if self.random.u32(..10) == 0 {
                    self.later(0.05, Event::Tell(Input::OfferAccepted { offer }));
                }
            }
            Output::LateAccept { offer } => {
                self.count("late accept");
                assert!(self.ringing.values().all(|(other, _)| *other != offer), "it was not late");
            }
            Output::Connect { entry, agent } => self.connect(entry, agent),
            Output::Release { agent } => {
                self.count("released");
                if let Some((leg, _)) = self.legs.get(&agent).copied() {
                    self.later(0.1, Event::HangUp(agent, leg));
                }
            }
            Output::CallBack { entry, agent, attempt, .. } => {
                self.count("called back");
                assert!((1..=3).contains(&attempt));
                let seconds = self.random.f64() * 35.0;
                match self.random.u32(..4) {
                    0 => {}
                    1 => self.later(seconds, Event::Tell(Input::CallbackFailed { entry })),
                    _ => self.later(seconds, Event::Tell(Input::CallbackAnswered { entry })),
                }
                if let Some(agent) = agent {
                    self.legs.entry(agent).or_insert((self.sequence, entry));
                }
            }
            Output::CancelCallBack { .. } => self.count("callback cancelled"),
            Output::Announce { entry, words } => self.hear(entry, words),
            Output::Ended { entry, outcome, go, place_time } => {
                self.count(outcome.name());
                assert!(self.live.remove(&entry), "{entry} ended twice");
                self.heard.remove(&entry);
                if let Some(Target(queue)) = go {
                    self.enter(QueueId(queue as u16), Some(place_time));
                }
            }
            Output::Note(Note::OfferEnded { agent, result, .. }) if result != OfferResult::Withdrawn => {
                self.ringing.remove(&agent);
            }
            Output::Note(_) => {}
        }
    }

    fn ring(&mut self, offer: OfferId, agent: AgentId, entry: EntryId, until: Moment) {
        self.count("offered");
        assert!(until > self.now);
        assert!(self.ringing.insert(agent, (offer, entry)).is_none(), "{agent} rings twice");
        assert!(!self.legs.contains_key(&agent) && self.direct.get(&agent).is_none_or(|n| *n == 0), "{agent} is busy");
        let seconds = 1.0 + self.random.f64() * 24.0;
        let reason = match self.random.u32(..20) {
            0 => Refused::Declined,
            1 => Refused::Busy,
            2 => Refused::Failed,
            3 => Refused::OurFault,
            4 => return, // it rings out
            _ => return self.later(seconds.min(25.0) * 0.5, Event::Tell(Input::OfferAccepted { offer })),
        };
        self.later(seconds * 0.2, Event::Tell(Input::OfferRefused { offer, reason }));
    }

    fn connect(&mut self, entry: EntryId, agent: AgentId) {
        self.count("connected");
        self.sequence += 1;
        let leg = self.sequence;
        self.legs.insert(agent, (leg, entry));
        let talk = 5.0 - 120.0 * (1.0 - self.random.f64()).ln();
        match self.random.u32(..20) {
            0 => self.later(0.5, Event::HangUp(agent, leg)),
            1 => {
                self.later(0.5, Event::Tell(Input::CallerLeft { entry, why: Leaving::Abandoned }));
                self.later(0.6, Event::HangUp(agent, leg));
            }
            2 => {
                self.later(0.5, Event::Tell(Input::CallerLeft { entry, why: Leaving::Dropped }));
                self.later(0.6, Event::HangUp(agent, leg));
                self.later(30.0, Event::Tell(Input::CallerResumed { entry }));
            }
            kind => {
                self.later(0.3, Event::Tell(Input::Bridged { entry }));
                if kind < 6 {
                    self.later(talk * 0.3, Event::Tell(Input::AgentHolds { agent, holding: true }));
                    self.later(talk * 0.6, Event::Tell(Input::AgentHolds { agent, holding: false }));
                }
                self.later(talk, Event::HangUp(agent, leg));
            }
        }
    }

    fn hear(&mut self, entry: EntryId, words: Announcement) {
        self.count("announced");
        let now = self.now;
        assert!(self.ringing.values().all(|(_, rung)| *rung != entry), "{entry} is rung for and spoken to");
        let heard = self.heard.entry(entry).or_default();
        heard.speaking = true;
        let number = match words.place {
            SpokenPlace::YouAreNext => Some(1),
            SpokenPlace::Number(number) => Some(number),
            SpokenPlace::MoreThanTen => Some(11),
            SpokenPlace::Comfort => None,
        };
        if let Some(number) = number {
            assert!(heard.number.is_none_or(|last| number <= last), "{entry} heard {:?}, then {number}", heard.number);
            heard.number = Some(number);
        }
        if let Some(wait) = words.wait {
            if let Some(last) = heard.wait {
                crate::calibration::assert_no_longer(last, (now, wait));
            }
            heard.wait = Some((now, wait));
            self.count("wait spoken");
        }
        if self.random.u32(..200) > 0 {
            let seconds = 2.0 + self.random.f64() * 5.0;
            self.later(seconds, Event::Tell(Input::AnnouncementFinished { entry }));
        }
    }

    fn enter(&mut self, queue: QueueId, place_time: Option<Moment>) {
        let entry = EntryId(self.entries);
        self.entries += 1;
        let skills = |random: &mut fastrand::Rng| {
            let count = random.usize(..3);
            Skills::new((0..count).map(|_| (SkillId(random.u16(..SKILLS)), random.u8(1..4))))
        };
        let at_first = if self.random.bool() { Skills::default() } else { skills(&mut self.random) };
        let later = if at_first.is_empty() || self.random.bool() {
            Vec::new()
        } else {
            vec![(Duration::from_secs(30), skills(&mut self.random)), (Duration::from_secs(90), Skills::default())]
        };
        let priority = Priority(if self.random.u32(..8) == 0 { self.random.u8(1..4) } else { 0 });
        self.live.insert(entry);
        let label = CallerLabel(self.random.u64(..500));
        let wants = Wants { at_first, later };
        self.tell(Input::CallerEntered(Entering {
            entry,
            queue,
            priority,
            wants,
            place_time,
            label,
            told: Told::default(),
            callback: false,
        }));
        let patience = -400.0 * (1.0 - self.random.f64()).ln();
        self.later(patience, Event::Impatience(entry));
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrival => {
                if self.calls_left > 0 {
                    self.calls_left -= 1;
                    let queue = QueueId(self.random.u16(..QUEUES));
                    self.enter(queue, None);
                    let gap = -self.gap * (1.0 - self.random.f64()).ln();
                    self.later(gap, Event::Arrival);
                }
            }
            Event::Tell(input) => self.tell(input),
            Event::HangUp(agent, leg) => {
                if self.legs.get(&agent).is_some_and(|(own, _)| *own == leg) {
                    self.tell(Input::AgentLegEnded { agent });
                }
            }
            Event::Impatience(entry) => self.lose_patience(entry),
            Event::Death => self.die(),
            Event::Whim(agent) => self.have_a_whim(agent),
            Event::Reload => self.reload(),
        }
    }

    fn lose_patience(&mut self, entry: EntryId) {
        match self.random.u32(..12) {
            0..=4 => self.tell(Input::CallerLeft { entry, why: Leaving::Abandoned }),
            5 => self.tell(Input::CallerLeft { entry, why: Leaving::ByKey }),
            6 => self.tell(Input::CallerLeft { entry, why: Leaving::Failed }),
            7 | 8 => {
                self.tell(Input::CallerLeft { entry, why: Leaving::Dropped });
                let seconds = self.random.f64() * 300.0;
                self.later(seconds, Event::Tell(Input::CallerResumed { entry }));
            }
            9 => {
                self.tell(Input::MenuOpened { entry });
                self.later(9.0, Event::Tell(Input::CallbackWanted { entry }));
                self.later(10.0, Event::Tell(Input::MenuClosed { entry }));
            }
            _ => {
                self.tell(Input::CallbackWanted { entry });
                if self.random.u32(..4) == 0 {
                    let seconds = self.random.f64() * 600.0;
                    self.later(seconds, Event::Tell(Input::CallerResumed { entry }));
                }
            }
        }
    }

    fn have_a_whim(&mut self, agent: AgentId) {
        let again = 60.0 + self.random.f64() * 240.0;
        self.later(again, Event::Whim(agent));
        let command = |command| Event::Tell(Input::Agent { agent, command });
        match self.random.u32(..12) {
            0 => {
                self.tell(Input::AgentUnreachable { agent });
                let seconds = self.random.f64() * 60.0;
                self.later(seconds, Event::Tell(Input::AgentReachable { agent }));
            }
            1 => {
                self.tell(Input::Agent { agent, command: AgentCommand::Pause(Arc::from("lunch")) });
                self.later(50.0, command(AgentCommand::Ready));
            }
            2 => {
                self.tell(Input::Agent { agent, command: AgentCommand::LogOut });
                self.later(55.0, command(AgentCommand::Ready));
            }
            3 => self.tell(Input::Agent { agent, command: AgentCommand::EndWrapUp }),
            4 => self.tell(Input::Agent { agent, command: AgentCommand::ExtendWrapUp(Duration::from_secs(20)) }),
            // Who was removed is not known to be in a call.
            5 if self.distributor.agent(self.now, agent).is_some() => {
                *self.direct.entry(agent).or_default() += 1;
                self.tell(Input::DirectCallBegan { agent });
            }
            6 => self.tell(Input::AgentLegEnded { agent: AgentId(999) }),
            7 => {
                let offer = OfferId(self.random.u64(..1_000_000));
                if self.ringing.values().all(|(rung, _)| *rung != offer) {
                    self.tell(Input::OfferRefused { offer, reason: Refused::Busy });
                }
            }
            _ => self.tell(Input::Agent { agent, command: AgentCommand::Ready }),
        }
        if let Some(count) = self.direct.get(&agent).copied().filter(|count| *count > 0 && self.random.bool()) {
            self.direct.insert(agent, count - 1);
            self.tell(Input::DirectCallEnded { agent });
        }
    }

    fn reload(&mut self) {
        if self.calls_left == 0 {
            return;
        }
        let mut settings = random_settings(&mut self.random, self.settings.agents.len() as u32);
        if self.random.bool() {
            // A queue and an agent are gone, and come back with the next reload.
            let gone = self.random.usize(..settings.queues.len());
            settings.queues.remove(gone);
            settings.agents.pop();
        }
        self.current = settings.clone();
        self.tell(Input::Reconfigured(Box::new(settings)));
        self.later(1_500.0, Event::Reload);
        for agent in 0..self.settings.agents.len() as u32 {
            self.later(1.0, Event::Tell(Input::AgentReachable { agent: AgentId(agent) }));
            self.later(2.0, Event::Tell(Input::Agent { agent: AgentId(agent), command: AgentCommand::Ready }));
        }
    }
}

fn random_settings(random: &mut fastrand::Rng, agents: u32) -> Settings {
    let strategies = [
        Strategy::LongestIdle,
        Strategy::RoundRobin,
        Strategy::FewestCalls,
        Strategy::LeastTalkTime,
        Strategy::Random,
        Strategy::RingAll,
        Strategy::Linear,
    ];
    let queues = (0..QUEUES)
        .map(|queue| {
            let mut settings = QueueSettings::new(QueueId(queue));
            settings.strategy = strategies[random.usize(..strategies.len())];
            settings.members = (0..agents)
                .filter_map(|agent| {
                    let serves = random.u32(..3) > 0;
                    serves.then(|| Member { agent: AgentId(agent), tier: random.u8(..3) })
                })
                .collect();
            random.shuffle(&mut settings.members);
            settings.callers_max = random.usize(5..60);
            settings.wait_max = Duration::from_secs(random.u64(60..900));
            settings.callback.first = if random.bool() { CallbackFirst::Agent } else { CallbackFirst::Caller };
            // Only onwards, so that nobody goes round in circles.
            let next = (queue + 1 < QUEUES && random.bool()).then(|| Target(u32::from(queue) + 1));
            (settings.when_full, settings.when_too_long, settings.when_no_agents) = (next, next, next);
            settings
        })
        .collect();
    let agents = (0..agents)
        .map(|agent| AgentSettings {
            agent: AgentId(agent),
            skills: Skills::new((0..SKILLS).map(|skill| (SkillId(skill), random.u8(..5)))),
        })
        .collect();
    Settings { queues, agents }
}
