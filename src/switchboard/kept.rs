//! What outlives the process, as it is written: with names instead of numbers and times of day instead of moments.

mod translation;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::callers::KeptCaller;
use crate::clock::{Calendar, Moment};
use crate::telephony::PhoneNumber;
pub(super) use translation::promise_again;

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
    /// Hours that people have switched by hand.
    Hours {
        /// Which.
        name: Arc<str>,
        /// `None` when they stand as they are written.
        kept: Option<KeptSwitch>,
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
    /// Hours that people have switched by hand.
    pub switches: Vec<KeptSwitch>,
}

/// Of FNV-1a with 64 bits.
pub(super) const FNV_PRIME: u64 = 0x0000_0100_0000_01B3;

/// The label of a caller's number that is told, for a [`Kept::seed`].
pub fn label_of(seed: u64, caller: &PhoneNumber) -> u64 {
    // FNV-1a, begun where nobody knows, so that nobody can make two numbers meet.
    caller.reveal().bytes().fold(seed, |label, byte| (label ^ u64::from(byte)).wrapping_mul(FNV_PRIME))
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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

/// Hours that somebody has switched by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSwitch {
    /// Which.
    pub hours: Arc<str>,
    /// Open or closed.
    pub open: bool,
    /// Until then.
    pub until: WallTime,
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
