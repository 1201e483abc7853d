//! The queues of `helpline try`: the real distribution of callers, with agents who answer and talk by the clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::acd::{
    self, AgentCommand, AgentId, AgentSettings, Announcement, CallbackFirst, CallbackSettings, CallerLabel,
    Distributor, Entering, EntryId, Input, Leaving, Member, OfferId, Outcome, Output, Priority, QueueId, QueueSettings,
    Settings, SkillId, Skills, SpokenPlace, SpokenWait, Strategy, Target, Wants,
};
use crate::clock::Moment;
use crate::flow::{
    self, CallbackOrder, FlowSet, LeaveWhy, QueueIndex, QueueSpec, QueueStrategy, SessionInput, SpokenWaitMinutes,
    Unqueued, WaitingTalk,
};

/// How long an agent's telephone rings until it is picked up.
const RINGS: Duration = Duration::from_secs(5);
/// How long an agent talks.
const TALKS: Duration = Duration::from_secs(120);
/// The most callers who can stand before this one.
pub(super) const MOST_AHEAD: u32 = 1000;

/// What the caller or the reader of the transcript is told.
pub(super) enum Told {
    /// The caller's session.
    Session(SessionInput),
    /// The reader.
    Reader(String),
    /// The caller's telephone: they pick up, and wait at their place.
    CalledBack {
        /// Where.
        queue: QueueIndex,
        /// Nobody waits for them yet.
        greet: bool,
    },
}

/// Something that happens by the clock.
#[derive(Clone, Copy)]
enum Event {
    AgentAnswers(OfferId),
    ConversationEnds { agent: AgentId, entry: EntryId },
    CallerAnswers { greet: bool },
}

/// Every queue, and who answers.
pub(super) struct WaitingRoom {
    flows: Arc<FlowSet>,
    distributor: Distributor,
    skills: Vec<Arc<str>>,
    events: BTreeMap<(Moment, u64), Event>,
    told: Vec<Told>,
    /// Agents at work: the first so many.
    at_work: usize,
    /// Callers who enter a queue just before this one.
    ahead: u32,
    entries: u64,
    /// The caller's own entry.
    own: Option<EntryId>,
    /// The queue of that, or of the callback.
    queue: QueueIndex,
    /// The caller's entry while they are to be called back.
    promised: Option<EntryId>,
    /// Since when.
    since: Moment,
    /// The time of the place that they had, for the next queue.
    kept: Option<Moment>,
}

impl WaitingRoom {
    /// With every agent at work.
    pub(super) fn open(flows: &Arc<FlowSet>) -> WaitingRoom {
        let mut skills: Vec<Arc<str>> =
            flows.agents.iter().flat_map(|agent| &agent.skills).map(|(name, _)| name.clone()).collect();
        skills.sort();
        skills.dedup();
        let settings = settings(flows, &skills);
        let mut room = WaitingRoom {
            flows: Arc::clone(flows),
            distributor: Distributor::new(settings, fastrand::Rng::with_seed(0)),
            skills,
            events: BTreeMap::new(),
            told: Vec::new(),
            at_work: 0,
            ahead: 0,
            entries: 0,
            own: None,
            queue: QueueIndex(0),
            promised: None,
            since: Moment::ZERO,
            kept: None,
        };
        room.set_agents(Moment::ZERO, usize::MAX);
        room
    }

    /// Lets the first `count` agents work and sends the others home; how many work then.
    pub(super) fn set_agents(&mut self, now: Moment, count: usize) -> usize {
        self.at_work = count.min(self.flows.agents.len());
        for index in 0..self.flows.agents.len() {
            let agent = agent_id(index);
            if index < self.at_work {
                self.tell(now, Input::AgentReachable { agent });
                self.tell(now, Input::Agent { agent, command: AgentCommand::Ready });
            } else {
                self.tell(now, Input::Agent { agent, command: AgentCommand::LogOut });
            }
        }
        self.at_work
    }

    /// Lets `count` callers enter just before this one.
    pub(super) fn set_ahead(&mut self, count: u32) {
        self.ahead = count;
    }

    pub(super) fn enter(&mut self, now: Moment, queue: QueueIndex, skills: &[Arc<str>], priority: u8) {
        self.own = self.enter_as(now, queue, skills, priority, false);
    }

    /// Takes a place for the caller, who is to be called back; whether there is one.
    pub(super) fn book(&mut self, now: Moment, queue: QueueIndex, skills: &[Arc<str>], priority: u8) -> bool {
        self.promised = None;
        let entry = self.enter_as(now, queue, skills, priority, true);
        // One that has ended at once is gone again.
        self.promised = entry.filter(|entry| self.distributor.position(*entry).is_some());
        self.promised.is_some()
    }

    /// Whether the caller has hung up and is to be called back.
    pub(super) fn owes_a_call(&self) -> bool {
        self.promised.is_some()
    }

    /// The caller does not wait for it.
    pub(super) fn forget_call(&mut self) {
        self.promised = None;
    }

    fn enter_as(
        &mut self,
        now: Moment,
        queue: QueueIndex,
        skills: &[Arc<str>],
        priority: u8,
        callback: bool,
    ) -> Option<EntryId> {
        let wants = self.wants(queue, skills);
        self.queue = queue;
        self.expire(now);
        let enter = |room: &mut WaitingRoom| {
            room.entries += 1;
            let entry = EntryId(room.entries);
            let (queue, priority) = (QueueId(queue.0), Priority(priority));
            let label = CallerLabel(room.entries);
            let (wants, told) = (wants.clone(), acd::Told::default());
            (entry, Entering { entry, queue, priority, wants, place_time: None, label, told, callback: false })
        };
        for _ in 0..std::mem::take(&mut self.ahead) {
            let (_, entering) = enter(self);
            self.tell(now, Input::CallerEntered(entering));
        }
        let (entry, mut entering) = enter(self);
        entering.place_time = self.kept.take();
        entering.callback = callback;
        self.since = entering.place_time.unwrap_or(now);
        if !callback {
            self.own = Some(entry);
        }
        self.tell(now, Input::CallerEntered(entering));
        // Who could not stay was told so already.
        if callback { Some(entry) } else { self.own }
    }

    pub(super) fn leave(&mut self, now: Moment, why: &LeaveWhy) {
        let Some(entry) = self.own.take() else { return };
        self.promised = matches!(why, LeaveWhy::Callback { .. }).then_some(entry);
        self.kept = Some(self.since);
        self.tell(
            now,
            match why {
                LeaveWhy::ByKey => Input::CallerLeft { entry, why: Leaving::ByKey },
                LeaveWhy::HungUp => Input::CallerLeft { entry, why: Leaving::Abandoned },
                LeaveWhy::Callback { .. } => Input::CallbackWanted { entry },
            },
        );
    }

    pub(super) fn set_menu(&mut self, now: Moment, open: bool) {
        if let Some(entry) = self.own {
            self.tell(now, if open { Input::MenuOpened { entry } } else { Input::MenuClosed { entry } });
        }
    }

    /// What was said last is over, or cut short.
    pub(super) fn words_over(&mut self, now: Moment) {
        if let Some(entry) = self.own {
            self.tell(now, Input::AnnouncementFinished { entry });
        }
    }

    /// When something happens here by itself.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let event = self.events.keys().next().map(|(moment, _)| *moment);
        event.into_iter().chain(self.distributor.deadline()).min()
    }

    /// Lets happen what is due.
    pub(super) fn expire(&mut self, now: Moment) {
        while let Some(entry) = self.events.first_entry()
            && entry.key().0 <= now
        {
            match entry.remove() {
                Event::AgentAnswers(offer) => self.tell(now, Input::OfferAccepted { offer }),
                Event::CallerAnswers { greet } => {
                    let Some(entry) = self.promised.take() else { continue };
                    self.own = Some(entry);
                    self.told.push(Told::CalledBack { queue: self.queue, greet });
                    self.tell(now, Input::CallbackAnswered { entry });
                }
                Event::ConversationEnds { agent, entry } => {
                    self.tell(now, Input::AgentLegEnded { agent });
                    if self.own == Some(entry) {
                        self.own = None;
                        self.told.push(Told::Reader(format!("{} hangs up.", self.name(agent))));
                        self.told.push(Told::Session(SessionInput::Done));
                    }
                }
            }
        }
        self.tell(now, Input::Expired);
    }

    /// What is to be told since the last time.
    pub(super) fn take_told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    fn tell(&mut self, now: Moment, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut out = Vec::new();
            self.distributor.handle(now, input, &mut out);
            for output in out {
                inputs.extend(self.follow(now, output));
            }
        }
    }

    /// Does what the distribution wants, and tells what comes of it at once.
    fn follow(&mut self, now: Moment, output: Output) -> Option<Input> {
        match output {
            Output::Offer { offer, agent, entry, .. } => {
                self.schedule(now + RINGS, Event::AgentAnswers(offer));
                if self.own.or(self.promised) == Some(entry) {
                    self.told.push(Told::Reader(format!("The telephone of {} rings.", self.name(agent))));
                }
                None
            }
            Output::Connect { entry, agent } => {
                self.schedule(now + TALKS, Event::ConversationEnds { agent, entry });
                if self.own == Some(entry) {
                    self.told.push(Told::Session(SessionInput::Connected));
                    self.told.push(Told::Reader(format!("You talk with {}.", self.name(agent))));
                }
                Some(Input::Bridged { entry })
            }
            Output::Announce { entry, words } if self.own == Some(entry) => {
                self.told.push(Told::Session(SessionInput::Announce(talk(words))));
                None
            }
            Output::Announce { entry, .. } => Some(Input::AnnouncementFinished { entry }),
            Output::Ended { entry, .. } if self.promised == Some(entry) => {
                self.promised = None;
                None
            }
            Output::Ended { entry, outcome, .. } if self.own == Some(entry) => {
                let why = match outcome {
                    Outcome::TimedOut => Unqueued::TimedOut,
                    Outcome::Overflowed => Unqueued::Full,
                    Outcome::NoAgents => Unqueued::NoAgents,
                    Outcome::Failed => Unqueued::Failed,
                    // The entry is over, and the caller talks or has gone.
                    _ => return None,
                };
                self.own = None;
                self.told.push(Told::Session(SessionInput::Unqueued(why)));
                None
            }
            Output::Release { agent } => Some(Input::AgentLegEnded { agent }),
            Output::CallBack { entry, agent, .. } if self.promised == Some(entry) => {
                self.schedule(now + RINGS, Event::CallerAnswers { greet: agent.is_none() });
                self.told.push(Told::Reader("Your telephone rings.".to_owned()));
                None
            }
            Output::CallBack { entry, .. } => Some(Input::CallbackFailed { entry }),
            _ => None,
        }
    }

    fn schedule(&mut self, at: Moment, event: Event) {
        self.entries += 1;
        self.events.insert((at, self.entries), event);
    }

    fn name(&self, agent: AgentId) -> Arc<str> {
        usize::try_from(agent.0)
            .ok()
            .and_then(|agent| self.flows.agents.get(agent))
            .map_or_else(|| "somebody".into(), |agent| agent.name.clone())
    }

    fn wants(&self, queue: QueueIndex, skills: &[Arc<str>]) -> Wants {
        // A skill that nobody has is one beyond those that somebody has.
        let number = |name: &Arc<str>| self.skills.iter().position(|known| known == name).unwrap_or(self.skills.len());
        let at_first = Skills::new(skills.iter().map(|name| (skill_id(number(name)), 1)));
        let later = self.flows.queue(queue).relax_after.map(|after| (after, Skills::default()));
        Wants { at_first, later: later.into_iter().collect() }
    }
}

fn agent_id(index: usize) -> AgentId {
    AgentId(u32::try_from(index).expect("agents are limited"))
}

fn skill_id(index: usize) -> SkillId {
    SkillId(u16::try_from(index).unwrap_or(u16::MAX))
}

fn talk(words: Announcement) -> WaitingTalk {
    let place = match words.place {
        SpokenPlace::YouAreNext => Some(flow::SpokenPlace::Next),
        SpokenPlace::Number(number) => Some(flow::SpokenPlace::Number(number)),
        SpokenPlace::MoreThanTen => Some(flow::SpokenPlace::MoreThanTen),
        SpokenPlace::Comfort => None,
    };
    let wait = words.wait.map(|wait| match wait {
        SpokenWait::Minutes(minutes) => SpokenWaitMinutes::Minutes(u16::try_from(minutes).unwrap_or(u16::MAX)),
        SpokenWait::MoreThanTwenty => SpokenWaitMinutes::MoreThanTwenty,
    });
    WaitingTalk { place, wait, comfort: place.is_none(), aside: words.aside }
}

fn settings(flows: &FlowSet, skills: &[Arc<str>]) -> Settings {
    let queues = flows.queues.iter().enumerate().map(|(index, queue)| queue_settings(flows, index, queue));
    let agents = flows.agents.iter().enumerate().map(|(index, agent)| {
        let number = |name: &Arc<str>| skills.iter().position(|known| known == name);
        let known = agent.skills.iter().filter_map(|(name, level)| Some((skill_id(number(name)?), *level)));
        AgentSettings { agent: agent_id(index), skills: Skills::new(known) }
    });
    Settings { queues: queues.collect(), agents: agents.collect() }
}

fn queue_settings(flows: &FlowSet, index: usize, spec: &QueueSpec) -> QueueSettings {
    let mut queue = QueueSettings::new(QueueId(u16::try_from(index).expect("queues are limited")));
    let agent = |extension: &Arc<str>| flows.agents.iter().position(|agent| agent.extension == *extension);
    let members = spec
        .agents
        .iter()
        .filter_map(|(extension, tier)| Some(Member { agent: agent_id(agent(extension)?), tier: *tier }));
    queue.members = members.collect();
    queue.strategy = match spec.strategy {
        QueueStrategy::LongestIdle => Strategy::LongestIdle,
        QueueStrategy::RoundRobin => Strategy::RoundRobin,
        QueueStrategy::FewestCalls => Strategy::FewestCalls,
        QueueStrategy::LeastTalkTime => Strategy::LeastTalkTime,
        QueueStrategy::Random => Strategy::Random,
        QueueStrategy::RingAll => Strategy::RingAll,
        QueueStrategy::Linear => Strategy::Linear,
    };
    (queue.ring, queue.wrap_up) = (spec.ring, spec.wrap_up);
    queue.announce.position = spec.position_announced;
    queue.announce.wait = spec.wait_announced;
    queue.announce.first_after = spec.announce_first;
    queue.announce.repeat = spec.announce_repeat;
    queue.callback = CallbackSettings {
        first: match spec.callback.order {
            CallbackOrder::AgentFirst => CallbackFirst::Agent,
            CallbackOrder::CallerFirst => CallbackFirst::Caller,
        },
        grace: spec.callback.grace,
        tries: spec.callback.tries,
        gap: spec.callback.gap,
    };
    queue.wait_max = spec.too_long.0;
    queue.callers_max = usize::try_from(spec.most_callers).unwrap_or(usize::MAX);
    // Where callers go is the flow's matter; that they go is the queue's.
    queue.when_no_agents = spec.no_agents.map(|_| Target(0));
    queue
}
