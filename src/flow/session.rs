//! One caller's place in a flow.

use std::sync::Arc;

use jiff::Timestamp;

use super::{FlowIndex, FlowSet, PromptId, StepIndex};
use crate::clock::Moment;
use crate::telephony::{Caller, Digit};

/// One caller's place in a flow.
#[derive(Debug)]
pub struct Session {}

/// What is known of a call when it begins.
#[derive(Clone, Debug)]
pub struct CallFacts {
    /// `caller.number`, `caller.name`.
    pub caller: Caller,
    /// `call.number`: what was dialled.
    pub dialled: String,
}

/// What a session is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionInput {
    /// A key.
    Digit(Digit),
    /// The last `Play` has been heard to its end (or had nothing that could be played).
    PlaybackFinished,
    /// The deadline has come.
    Expired,
}

/// What a session wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Play these, one after another, in place of whatever is playing; `PlaybackFinished` is awaited.
    Play(Vec<PromptId>),
    /// Fall silent.
    StopPlaying,
    /// End the call.
    HangUp,
    /// For the journal.
    Note(FlowNote),
}

/// What happened in a flow.
#[derive(Clone, Debug, PartialEq)]
pub enum FlowNote {
    /// A caller came to a step.
    StepEntered {
        /// The flow.
        flow: FlowIndex,
        /// The step.
        step: StepIndex,
    },
    /// A caller left a step.
    StepLeft {
        /// The flow.
        flow: FlowIndex,
        /// The step.
        step: StepIndex,
        /// How: `next`, `choice 1`, `always 0`, `no_input`, `no_match`, `hangup`, ...: bounded by what is written.
        exit: Arc<str>,
    },
    /// A phrase or word that a value needed has no recording in this language.
    Unspeakable {
        /// The flow.
        flow: FlowIndex,
        /// The step.
        step: StepIndex,
    },
    /// More than 100 steps without the caller's input: ended politely.
    RanAway {
        /// The flow.
        flow: FlowIndex,
        /// The step.
        step: StepIndex,
    },
}

impl Session {
    /// A session at the start of `entry`.
    pub fn start(
        flows: Arc<FlowSet>,
        entry: FlowIndex,
        facts: CallFacts,
        now: Moment,
        wall: Timestamp,
    ) -> (Session, Vec<Action>) {
        let _ = (flows, entry, facts, now, wall);
        todo!("being written")
    }

    /// Takes an input; `wall` is the time of day at `now`.
    pub fn handle(&mut self, now: Moment, wall: Timestamp, input: SessionInput) -> Vec<Action> {
        let _ = (now, wall, input);
        todo!("being written")
    }

    /// When to call with `Expired`, if nothing comes before.
    pub fn deadline(&self) -> Option<Moment> {
        None
    }
}
