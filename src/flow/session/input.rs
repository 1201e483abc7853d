//! What a session is told.

use std::sync::Arc;

use super::queue::{Unqueued, WaitingTalk};
use crate::flow::connector::LookupAnswer;
use crate::flow::{KnownCaller, QueueIndex, QueueStandings, Switches, Untransferred};
use crate::telephony::{Caller, Digit, TapeReport};

/// What is known of a call when it begins.
#[derive(Clone, Debug)]
pub struct CallFacts {
    /// `caller.number`, `caller.name`.
    pub caller: Caller,
    /// `call.number`: what was dialled.
    pub dialled: String,
    /// What hours people have switched by hand.
    pub switches: Arc<Switches>,
    /// What is known of the caller from earlier calls.
    pub known: KnownCaller,
    /// How queues stand.
    pub standings: Arc<QueueStandings>,
}

impl CallFacts {
    /// Of a caller of whom nothing else is known, while nothing is out of the ordinary.
    pub fn of(caller: Caller, dialled: impl Into<String>) -> CallFacts {
        CallFacts {
            caller,
            dialled: dialled.into(),
            switches: Arc::default(),
            known: KnownCaller::default(),
            standings: Arc::default(),
        }
    }
}

/// What a session is told.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionInput {
    /// A key.
    Digit(Digit),
    /// The last `Play` has been heard to its end (or had nothing that could be played).
    PlaybackFinished,
    /// Of the last `Play` nothing could be played, or of the last `PlayWhole` not all.
    Unheard,
    /// The deadline has come.
    Expired,
    /// Say this to the waiting caller. The answer is a [`Action::Play`], whose `PlaybackFinished` ends the announcement, as does
    /// whatever takes its place; without a `Play` there is nothing to be said, and it is over at once.
    Announce(WaitingTalk),
    /// An agent has answered: nothing is said and no key counts until another input comes.
    Connected,
    /// The agent's side broke, and the caller waits again.
    WaitsAgain,
    /// The caller's place in the queue is gone for good.
    Unqueued(Unqueued),
    /// The conversation with the agent is over, and the caller is still there.
    Done,
    /// The answer to [`Action::BookCallback`]: whether the caller has a place.
    CallbackBooked(bool),
    /// The message has ended: told once after each [`Action::TakeMessage`].
    MessageEnded(TapeReport),
    /// The message cannot be written.
    MessageLost {
        /// It had ended, and was to be kept.
        kept: bool,
    },
    /// The answer to [`Action::HearMessage`]: whether it plays. `PlaybackFinished` follows when it does.
    MessageRead(bool),
    /// The answer to [`Action::Lookup`]: one to another lookup than that which is awaited changes nothing.
    LookupAnswered {
        /// The name in the request.
        lookup: u32,
        /// What came of it.
        answer: Box<LookupAnswer>,
    },
    /// The agent has sent the caller into this queue, which lies in the session's flows: they wait again, and the step
    /// that led them to the agent is left.
    SentToQueue(QueueIndex),
    /// The answer to [`Action::Transfer`], unless it is `Connected`: nobody talks to the caller.
    NotTransferred(Untransferred),
}
