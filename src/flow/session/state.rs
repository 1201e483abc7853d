//! What a session is at, and what that means for keys, words and time.

use super::asking::Asking;
use super::callback::Arranging;
use super::lookup::LookingUp;
use super::queue::Waiting;
use super::record::Consenting;
use super::survey::Surveying;
use super::transfer::Transferring;
use super::voicemail::Leaving;
use crate::clock::Moment;

/// What a session is at.
#[derive(Debug)]
pub(super) enum State {
    /// Words that lead on to the next step.
    Speaking {
        /// No key cuts them short.
        must_hear: bool,
    },
    /// A menu or a question.
    Asking(Asking),
    /// A queue, or the conversation to which it led.
    Waiting(Waiting),
    /// The number on which the caller is to be called back.
    Arranging(Arranging),
    /// A message.
    Leaving(Leaving),
    /// Whether the call may be recorded.
    Consenting(Consenting),
    /// Another telephone, which rings, or the conversation to which that led.
    Transferring(Transferring),
    /// A web service is asked.
    LookingUp(LookingUp),
    /// An opinion.
    Surveying(Surveying),
    /// The last words; then the call ends.
    Parting,
    /// The call was ended.
    Ended,
}

impl State {
    /// When the session loses patience, if it waits for keys in silence.
    pub(super) fn deadline(&self) -> Option<Moment> {
        match self {
            State::Asking(asking) => asking.deadline(),
            State::Waiting(waiting) => waiting.deadline(),
            State::Arranging(arranging) => arranging.deadline(),
            State::Leaving(leaving) => leaving.deadline(),
            State::Consenting(consenting) => consenting.deadline(),
            State::LookingUp(looking) => looking.deadline(),
            State::Surveying(surveying) => surveying.deadline(),
            State::Speaking { .. } | State::Transferring(_) | State::Parting | State::Ended => None,
        }
    }

    /// Whether the caller's keys are awaited, be it while words are still being spoken.
    pub(super) fn awaits_keys(&self) -> bool {
        match self {
            State::Asking(_) => true,
            State::Waiting(waiting) => !waiting.is_connected(),
            State::Arranging(arranging) => arranging.asks(),
            State::Leaving(leaving) => leaving.asks(),
            State::Consenting(consenting) => consenting.asks(),
            State::Surveying(surveying) => surveying.asks(),
            State::Speaking { .. } | State::LookingUp(_) | State::Transferring(_) | State::Parting | State::Ended => {
                false
            }
        }
    }

    /// Whether something comes by itself while keys are awaited.
    pub(super) fn goes_on_by_itself(&self) -> bool {
        match self {
            State::Asking(asking) => asking.is_between_keys(),
            State::Waiting(waiting) => waiting.is_between_keys(),
            State::Arranging(arranging) => arranging.is_between_keys(),
            State::Surveying(surveying) => surveying.is_between_keys(),
            State::Leaving(leaving) => leaving.is_spoken(),
            State::Consenting(_)
            | State::Speaking { .. }
            | State::LookingUp(_)
            | State::Transferring(_)
            | State::Parting
            | State::Ended => false,
        }
    }

    /// Whether something is being played.
    pub(super) fn speaks(&self) -> bool {
        match self {
            State::Speaking { .. } | State::Parting | State::Transferring(Transferring::Speaking) => true,
            State::Asking(asking) => asking.speaks(),
            State::Waiting(waiting) => waiting.speaks(),
            State::Arranging(arranging) => arranging.speaks(),
            State::Leaving(leaving) => leaving.speaks(),
            State::Consenting(consenting) => consenting.speaks(),
            State::LookingUp(looking) => looking.speaks(),
            State::Surveying(surveying) => surveying.speaks(),
            State::Transferring(_) | State::Ended => false,
        }
    }
}
