//! What outlives the process, with names instead of numbers and times of day instead of moments: facts on their way to
//! where they are kept, and back from there.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::callers::KeptCaller;
use super::queues::{Promise, Queues};
use super::waiting::Place;
use crate::acd::{
    self, AgentFigures, AgentState, CallerLabel, EntryId, KeptPhase, KeptPresence, KeptStage, LevelCounts, Mode,
    Outcome, PastPiece, PauseReason, Priority, QueueFigures, Skills, SpokenWait, Wants,
};
use crate::clock::{Calendar, Moment};
use crate::flow::FlowSet;
use crate::telephony::{CallId, Caller, PhoneNumber, RegisteredPhone, TransportKind};

/// One thing to be kept: it takes the place of what was kept under the same name, or removes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A caller's place in a queue.
    Place {
        /// Its name, which no other has had.
        entry: u64,
        /// `None` when it is over.
        kept: Option<Box<KeptPlace>>,
    },
    /// An agent.
    Agent {
        /// Their name.
        extension: Arc<str>,
        /// `None` when there is none any more.
        kept: Option<Box<KeptAgent>>,
    },
    /// A queue.
    Queue {
        /// Its name.
        name: Arc<str>,
        /// `None` when it is no more.
        kept: Option<Box<KeptQueue>>,
    },
    /// The phones that an agent has registered; none removes what was kept.
    Phones {
        /// The agent's name.
        extension: Arc<str>,
        /// All of them.
        kept: Vec<KeptPhone>,
    },
    /// A caller who has called before.
    Caller {
        /// Whose.
        label: u64,
        /// `None` when they are forgotten.
        kept: Option<Box<KeptCaller>>,
    },
    /// The process lived at this time.
    Alive(WallTime),
}

/// All that an earlier process has left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// Of the labels of callers' numbers: the same number has the same label as long as this is the same.
    pub seed: u64,
    /// When it was last known to live.
    pub alive: Option<WallTime>,
    /// The callers' places.
    pub places: Vec<KeptPlace>,
    /// The agents.
    pub agents: Vec<KeptAgent>,
    /// The queues.
    pub queues: Vec<KeptQueue>,
    /// Those who have called before.
    pub callers: Vec<KeptCaller>,
    /// Agents' phones, with the agent's name.
    pub phones: Vec<(Arc<str>, KeptPhone)>,
}

/// A time of day, in microseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime(pub i64);

/// Skills with their levels.
pub type KeptSkills = Vec<(Arc<str>, u8)>;

/// A caller's place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptPlace {
    /// Its name.
    pub entry: u64,
    /// The queue.
    pub queue: Arc<str>,
    /// Whose: a number that only [`Kept::seed`] makes of a caller's.
    pub label: u64,
    /// How urgent.
    pub priority: u8,
    /// The time of the place.
    pub place_time: WallTime,
    /// When they entered this queue.
    pub entered: WallTime,
    /// `holding`, `callback` or `resumed`.
    pub mode: KeptMode,
    /// Since when so.
    pub mode_since: WallTime,
    /// How far they have come.
    pub stage: KeptPlaceStage,
    /// What the agent must know, with the least level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: KeptSkills,
    /// What instead, after so many microseconds since the time of the place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<(u64, KeptSkills)>,
    /// How often that has happened.
    #[serde(default)]
    pub relaxed: usize,
    /// Whether they count already for the service level.
    pub counted: bool,
    /// The least position that they were told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// When the last announcement ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced: Option<WallTime>,
    /// When they were told how many minutes it takes; 0 for more than twenty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<(WallTime, u32)>,
    /// The same, for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_wait: Option<(WallTime, u32)>,
    /// Attempts to call back that have failed.
    #[serde(default)]
    pub tries: u32,
    /// Whether they are on the line because they were called back.
    #[serde(default)]
    pub called_back: bool,
    /// What was promised to who is to be called back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<KeptPromise>,
}

/// What is needed to call somebody back.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptPromise {
    /// On this number.
    pub number: String,
    /// Their name, as their side sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What they had dialled.
    pub dialled: String,
    /// The language that they speak.
    pub language: Arc<str>,
}

// A caller's number.
impl fmt::Debug for KeptPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptPromise")
    }
}

/// How a caller waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptMode {
    /// On the line, since they entered.
    Holding,
    /// Hung up, to be called back.
    Callback,
    /// On the line again.
    Resumed,
}

/// How far a caller has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptPlaceStage {
    /// They wait.
    Waiting,
    /// They are not to be called back before this.
    Resting(WallTime),
    /// They are being called back.
    Dialling,
    /// The line was lost then.
    Dropped(WallTime),
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptAgent {
    /// Their name.
    pub extension: Arc<str>,
    /// What they asked for.
    pub presence: KeptWish,
    /// Whether they have logged out, rather than never having logged in.
    #[serde(default)]
    pub signed_off: bool,
    /// Offers missed in a row.
    #[serde(default)]
    pub misses: u32,
    /// Nothing is offered before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests_until: Option<WallTime>,
    /// Since when they have been idle.
    pub idle_since: WallTime,
    /// Queue calls since they logged in.
    pub calls: u64,
    /// Talk and hold of those, in microseconds.
    pub talk: u64,
    /// What they did ...
    pub state: Arc<str>,
    /// ... since when.
    pub state_since: WallTime,
    /// The time in each state before, in microseconds.
    pub spent: BTreeMap<Arc<str>, u64>,
    /// The call that they have not finished with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handling: Option<KeptCall>,
}

/// What an agent asked for, or was put in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptWish {
    /// Not at work.
    LoggedOut,
    /// Takes calls.
    Ready,
    /// Takes none, for this reason.
    Paused(Arc<str>),
    /// Takes none: too many were missed.
    Missed,
}

/// A call that an agent has not finished with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptCall {
    /// The caller's place.
    pub entry: u64,
    /// The queue.
    pub queue: Arc<str>,
    /// In conversation, in microseconds.
    pub talk: u64,
    /// Held, likewise.
    pub hold: u64,
    /// Wrap-up, likewise.
    #[serde(default)]
    pub wrap_up: u64,
    /// How far it has come.
    pub phase: KeptCallPhase,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptCallPhase {
    /// They talk, since then.
    Talking(WallTime),
    /// It is held, since then.
    Holding(WallTime),
    /// A wrap-up of so many microseconds is owed.
    Owed(u64),
    /// The wrap-up, from and to.
    WrapUp(WallTime, WallTime),
}

/// A queue's figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptQueue {
    /// Its name.
    pub name: Arc<str>,
    /// Entries by how they ended.
    pub outcomes: BTreeMap<Arc<str>, u64>,
    /// How they counted for the service level.
    pub service: BTreeMap<Arc<str>, u64>,
    /// Wait of those who were answered, in microseconds.
    pub answered_wait: u64,
    /// Calls that agents have finished with.
    pub handled: u64,
    /// In those, in microseconds.
    pub talk: u64,
    /// Likewise.
    pub hold: u64,
    /// Likewise.
    pub wrap_up: u64,
    /// The agent who was offered a caller last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_offered: Option<Arc<str>>,
    /// The recent past: when a piece began, handle time in microseconds, calls handled, answered, abandoned.
    #[serde(default)]
    pub past: Vec<(WallTime, u64, u32, u32, u32)>,
    /// When the last caller was answered, and their wait in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_answered: Option<(WallTime, u64)>,
}

/// A phone that an agent has registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPhone {
    /// Its Contact.
    pub contact: String,
    /// The Route of what is sent to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// `udp` or `tcp`.
    pub transport: KeptTransport,
    /// Our end of the way to it.
    pub local: SocketAddr,
    /// The other.
    pub remote: SocketAddr,
    /// The Call-ID of its registration ...
    pub call_id: String,
    /// ... and the number of its last request.
    pub cseq: u32,
    /// Whether it answered when it was last asked.
    pub answers: bool,
    /// When the registration ends.
    pub expires: WallTime,
}

/// What a phone registered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptTransport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
}

impl KeptPhone {
    /// As it was at `at`.
    pub(super) fn of(day: Day, at: Moment, phone: &RegisteredPhone) -> KeptPhone {
        KeptPhone {
            contact: phone.contact.clone(),
            path: phone.path.clone(),
            transport: match phone.transport {
                TransportKind::Udp => KeptTransport::Udp,
                TransportKind::Tcp => KeptTransport::Tcp,
            },
            local: phone.local,
            remote: phone.remote,
            call_id: phone.call_id.clone(),
            cseq: phone.cseq,
            answers: phone.answers,
            expires: day.time(at + phone.expires_in),
        }
    }

    /// The phone again. One whose registration has ended meanwhile is told too, so that it is no longer kept.
    pub(super) fn again(&self, day: Day, now: Moment) -> RegisteredPhone {
        RegisteredPhone {
            contact: self.contact.clone(),
            path: self.path.clone(),
            transport: match self.transport {
                KeptTransport::Udp => TransportKind::Udp,
                KeptTransport::Tcp => TransportKind::Tcp,
            },
            local: self.local,
            remote: self.remote,
            call_id: self.call_id.clone(),
            cseq: self.cseq,
            answers: self.answers,
            expires_in: day.moment(self.expires).since(now),
        }
    }
}

/// Between moments and times of day.
#[derive(Clone, Copy)]
pub(super) struct Day(pub(super) Calendar);

impl Day {
    pub(super) fn time(self, moment: Moment) -> WallTime {
        WallTime(self.0.time_of(moment).as_microsecond())
    }

    pub(super) fn moment(self, time: WallTime) -> Moment {
        self.0.moment_of(Timestamp::from_microsecond(time.0).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

fn promise_to_keep(promise: &Promise) -> KeptPromise {
    KeptPromise {
        number: promise.number.reveal().to_owned(),
        name: promise.caller.name.clone(),
        dialled: promise.dialled.clone(),
        language: promise.tongue.clone(),
    }
}

/// The promise that came with a place, if there was one and its queue is there. `next` names the call that keeps it.
pub(super) fn promise_again(flows: &FlowSet, day: Day, kept: &KeptPlace, next: CallId) -> Option<Promise> {
    let promise = kept.promise.as_ref()?;
    let spec = flows.queues.iter().find(|queue| queue.name == kept.queue)?;
    let number = PhoneNumber::new(promise.number.clone());
    let place = Place {
        entry: EntryId(kept.entry),
        queue: kept.queue.clone(),
        music: spec.music.clone(),
        together: spec.music_together,
        alert_info: spec.alert_info.clone(),
        skills: kept.skills.iter().map(|(skill, _)| skill.clone()).collect(),
        relax_after: spec.relax_after,
        prefer: None,
        priority: kept.priority,
        since: Some(day.moment(kept.place_time)),
        told: acd::Told::default(),
        kept_for: spec.resume_window,
    };
    let caller = Caller { number: number.clone(), name: promise.name.clone() };
    let (dialled, tongue) = (promise.dialled.clone(), promise.language.clone());
    Some(Promise { place, caller, number, dialled, tongue, of: None, next, attempt: None })
}

impl Queues {
    pub(super) fn place_to_keep(&self, day: Day, kept: acd::KeptEntry) -> KeptPlace {
        let skills = |skills: &Skills| skills.levels().map(|(skill, level)| (self.skill_name(skill), level)).collect();
        let wait = |(at, wait): (Moment, SpokenWait)| {
            let minutes = if let SpokenWait::Minutes(minutes) = wait { minutes } else { 0 };
            (day.time(at), minutes)
        };
        KeptPlace {
            entry: kept.entry.0,
            queue: self.queue_name(kept.queue),
            label: kept.label.0,
            priority: kept.priority.0,
            place_time: day.time(kept.place_time),
            entered: day.time(kept.entered),
            mode: match kept.mode {
                Mode::Holding => KeptMode::Holding,
                Mode::Callback => KeptMode::Callback,
                Mode::Resumed => KeptMode::Resumed,
            },
            mode_since: day.time(kept.mode_since),
            stage: match kept.stage {
                KeptStage::Waiting => KeptPlaceStage::Waiting,
                KeptStage::Resting(until) => KeptPlaceStage::Resting(day.time(until)),
                KeptStage::Dialling => KeptPlaceStage::Dialling,
                KeptStage::Dropped(at) => KeptPlaceStage::Dropped(day.time(at)),
            },
            skills: skills(&kept.wants.at_first),
            later: kept.wants.later.iter().map(|(after, wanted)| (micros(*after), skills(wanted))).collect(),
            relaxed: kept.relaxed,
            counted: kept.counted,
            position: kept.position,
            announced: kept.announced.map(|moment| day.time(moment)),
            wait: kept.wait.map(wait),
            first_wait: kept.first_wait.map(wait),
            tries: kept.tries,
            called_back: kept.called_back,
            promise: self.book.get(&kept.entry).and_then(|booked| booked.promise.as_deref()).map(promise_to_keep),
        }
    }

    pub(super) fn place_again(&mut self, day: Day, kept: &KeptPlace) -> acd::KeptEntry {
        let wait = |(at, minutes): (WallTime, u32)| {
            let wait = if minutes == 0 { SpokenWait::MoreThanTwenty } else { SpokenWait::Minutes(minutes) };
            (day.moment(at), wait)
        };
        let at_first = self.skills_again(&kept.skills);
        let later = kept.later.iter();
        let later = later.map(|(after, wanted)| (Duration::from_micros(*after), self.skills_again(wanted))).collect();
        acd::KeptEntry {
            entry: EntryId(kept.entry),
            queue: self.queue_of(&kept.queue),
            label: CallerLabel(kept.label),
            priority: Priority(kept.priority),
            place_time: day.moment(kept.place_time),
            entered: day.moment(kept.entered),
            mode: match kept.mode {
                KeptMode::Holding => Mode::Holding,
                KeptMode::Callback => Mode::Callback,
                KeptMode::Resumed => Mode::Resumed,
            },
            mode_since: day.moment(kept.mode_since),
            stage: match kept.stage {
                KeptPlaceStage::Waiting => KeptStage::Waiting,
                KeptPlaceStage::Resting(until) => KeptStage::Resting(day.moment(until)),
                KeptPlaceStage::Dialling => KeptStage::Dialling,
                KeptPlaceStage::Dropped(at) => KeptStage::Dropped(day.moment(at)),
            },
            wants: Wants { at_first, later },
            relaxed: kept.relaxed,
            counted: kept.counted,
            position: kept.position,
            announced: kept.announced.map(|time| day.moment(time)),
            wait: kept.wait.map(wait),
            first_wait: kept.first_wait.map(wait),
            tries: kept.tries,
            called_back: kept.called_back,
        }
    }

    fn skills_again(&mut self, kept: &[(Arc<str>, u8)]) -> Skills {
        Skills::new(kept.iter().map(|(skill, level)| (self.skill_of(skill), *level)))
    }

    pub(super) fn agent_to_keep(&self, day: Day, kept: acd::KeptAgent) -> KeptAgent {
        let spent = AgentState::ALL.into_iter().map(|state| (state.name().into(), micros(kept.figures.spent(state))));
        KeptAgent {
            extension: self.extension(kept.agent),
            presence: match kept.presence {
                KeptPresence::LoggedOut => KeptWish::LoggedOut,
                KeptPresence::Ready => KeptWish::Ready,
                KeptPresence::Paused(PauseReason::Said(reason)) => KeptWish::Paused(reason),
                KeptPresence::Paused(PauseReason::Missed) => KeptWish::Missed,
            },
            signed_off: self.signed_off.contains(&kept.agent),
            misses: kept.misses,
            rests_until: kept.rests_until.map(|until| day.time(until)),
            idle_since: day.time(kept.idle_since),
            calls: kept.calls,
            talk: micros(kept.talk),
            state: kept.state.name().into(),
            state_since: day.time(kept.state_since),
            spent: spent.filter(|(_, time)| *time > 0).collect(),
            handling: kept.handling.map(|call| KeptCall {
                entry: call.entry.0,
                queue: self.queue_name(call.queue),
                talk: micros(call.talk),
                hold: micros(call.hold),
                wrap_up: micros(call.wrap_up),
                phase: match call.phase {
                    KeptPhase::Talking(since) => KeptCallPhase::Talking(day.time(since)),
                    KeptPhase::Holding(since) => KeptCallPhase::Holding(day.time(since)),
                    KeptPhase::Owed(length) => KeptCallPhase::Owed(micros(length)),
                    KeptPhase::WrapUp { since, until } => KeptCallPhase::WrapUp(day.time(since), day.time(until)),
                },
            }),
        }
    }

    pub(super) fn agent_again(&mut self, day: Day, kept: &KeptAgent) -> acd::KeptAgent {
        let state = |name: &str| AgentState::ALL.into_iter().find(|state| state.name() == name);
        let mut figures = AgentFigures::default();
        for (name, spent) in &kept.spent {
            if let Some(state) = state(name) {
                figures.spend(state, Duration::from_micros(*spent));
            }
        }
        acd::KeptAgent {
            agent: self.agent_of(&kept.extension),
            presence: match &kept.presence {
                KeptWish::LoggedOut => KeptPresence::LoggedOut,
                KeptWish::Ready => KeptPresence::Ready,
                KeptWish::Paused(reason) => KeptPresence::Paused(PauseReason::Said(reason.clone())),
                KeptWish::Missed => KeptPresence::Paused(PauseReason::Missed),
            },
            misses: kept.misses,
            rests_until: kept.rests_until.map(|until| day.moment(until)),
            idle_since: day.moment(kept.idle_since),
            calls: kept.calls,
            talk: Duration::from_micros(kept.talk),
            state: state(&kept.state).unwrap_or(AgentState::LoggedOut),
            state_since: day.moment(kept.state_since),
            figures,
            handling: kept.handling.as_ref().map(|call| acd::KeptHandling {
                entry: EntryId(call.entry),
                queue: self.queue_of(&call.queue),
                talk: Duration::from_micros(call.talk),
                hold: Duration::from_micros(call.hold),
                wrap_up: Duration::from_micros(call.wrap_up),
                phase: match call.phase {
                    KeptCallPhase::Talking(since) => KeptPhase::Talking(day.moment(since)),
                    KeptCallPhase::Holding(since) => KeptPhase::Holding(day.moment(since)),
                    KeptCallPhase::Owed(length) => KeptPhase::Owed(Duration::from_micros(length)),
                    KeptCallPhase::WrapUp(since, until) => {
                        KeptPhase::WrapUp { since: day.moment(since), until: day.moment(until) }
                    }
                },
            }),
        }
    }

    pub(super) fn queue_to_keep(&self, day: Day, kept: acd::KeptQueue) -> KeptQueue {
        let figures = kept.figures;
        let outcomes = Outcome::ALL.into_iter().map(|outcome| (outcome.name().into(), figures.outcome(outcome)));
        let past = kept.past.into_iter().map(|PastPiece { since, handled, calls, answered, abandoned }| {
            (day.time(since), micros(handled), calls, answered, abandoned)
        });
        KeptQueue {
            name: self.queue_name(kept.queue),
            outcomes: outcomes.filter(|(_, count)| *count > 0).collect(),
            service: levels(&figures.service),
            answered_wait: micros(figures.answered_wait),
            handled: figures.handled,
            talk: micros(figures.talk),
            hold: micros(figures.hold),
            wrap_up: micros(figures.wrap_up),
            last_offered: kept.last_offered.map(|agent| self.extension(agent)),
            past: past.collect(),
            last_answered: kept.last_answered.map(|(at, wait)| (day.time(at), micros(wait))),
        }
    }

    pub(super) fn queue_again(&mut self, day: Day, kept: &KeptQueue) -> acd::KeptQueue {
        let mut figures = QueueFigures {
            service: levels_again(&kept.service),
            answered_wait: Duration::from_micros(kept.answered_wait),
            handled: kept.handled,
            talk: Duration::from_micros(kept.talk),
            hold: Duration::from_micros(kept.hold),
            wrap_up: Duration::from_micros(kept.wrap_up),
            ..QueueFigures::default()
        };
        for outcome in Outcome::ALL {
            figures.outcomes[outcome as usize] = kept.outcomes.get(outcome.name()).copied().unwrap_or(0);
        }
        figures.entered = figures.ended();
        let past = kept.past.iter().map(|(since, handled, calls, answered, abandoned)| PastPiece {
            since: day.moment(*since),
            handled: Duration::from_micros(*handled),
            calls: *calls,
            answered: *answered,
            abandoned: *abandoned,
        });
        acd::KeptQueue {
            queue: self.queue_of(&kept.name),
            figures,
            last_offered: kept.last_offered.as_ref().map(|extension| self.agent_of(extension)),
            past: past.collect(),
            last_answered: kept.last_answered.map(|(at, wait)| (day.moment(at), Duration::from_micros(wait))),
        }
    }
}

fn levels(counts: &LevelCounts) -> BTreeMap<Arc<str>, u64> {
    let LevelCounts { answered, abandoned, taken_out, late, short_abandoned, left, to_callback } = *counts;
    [
        ("answered", answered),
        ("abandoned", abandoned),
        ("taken_out", taken_out),
        ("late", late),
        ("short_abandoned", short_abandoned),
        ("left", left),
        ("to_callback", to_callback),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(name, count)| (name.into(), count))
    .collect()
}

fn levels_again(kept: &BTreeMap<Arc<str>, u64>) -> LevelCounts {
    let count = |name: &str| kept.get(name).copied().unwrap_or(0);
    LevelCounts {
        answered: count("answered"),
        abandoned: count("abandoned"),
        taken_out: count("taken_out"),
        late: count("late"),
        short_abandoned: count("short_abandoned"),
        left: count("left"),
        to_callback: count("to_callback"),
    }
}
