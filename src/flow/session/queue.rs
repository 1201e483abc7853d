//! `queue`: the caller waits for an agent; what is said meanwhile, and what keys do.

use crate::telephony::PhoneNumber;

/// Why a caller leaves a queue of their own accord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaveWhy {
    /// A key led to another step.
    ByKey,
    /// They hang up, and are called back when it is their turn.
    Callback {
        /// On this number: the caller's own, or one that they keyed: 3 to 15 digits.
        number: PhoneNumber,
    },
    /// They hung up.
    HungUp,
}

/// Why a caller's place in a queue is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unqueued {
    /// They have waited for too long.
    TimedOut,
    /// There was no room.
    Full,
    /// There is nobody to answer.
    NoAgents,
    /// Something broke.
    Failed,
}

/// What a waiting caller is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitingTalk {
    /// Their place.
    pub place: Option<SpokenPlace>,
    /// How long it takes.
    pub wait: Option<SpokenWaitMinutes>,
    /// Thanks for waiting.
    pub comfort: bool,
}

/// A place in line, as it is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpokenPlace {
    /// "You are next."
    Next,
    /// "You are number ... in line", 2 to 10.
    Number(u8),
    /// "There are more than ten callers ahead of you."
    MoreThanTen,
}

/// How long it takes, as it is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpokenWaitMinutes {
    /// "About ... minutes", 1 to 20.
    Minutes(u16),
    /// "More than twenty minutes."
    MoreThanTwenty,
}
