//! One leg as the switchboard knows it, whoever is at its other end: a caller, or an agent's phone.

use std::sync::Arc;

use super::Turn;
use super::audio::{Audio, Stream};
use super::errand::Errand;
use super::hold::Hold;
use crate::acd::{self, AgentId};
use crate::telephony::{Digit, LegId, MediaCommand, SipCommand};

/// One leg. Calls and agents' legs have one each, and may exchange them: who called becomes who is called.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) id: LegId,
    pub(super) audio: Audio,
    pub(super) stream: Stream,
    pub(super) hold: Hold,
    /// The agent whose phone it leads to, when it is one's.
    pub(super) agent: Option<Party>,
    /// As what the distributor counts it, until it is told that the leg has ended.
    pub(super) duty: Option<Duty>,
}

/// An agent, by number and by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Party {
    pub(super) agent: AgentId,
    pub(super) extension: Arc<str>,
}

/// As what an agent's leg counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// The leg of the call that a queue gave.
    Queue,
    /// That of a call of their own.
    Direct,
    /// That of a call in which Helpline tells them something.
    Listening,
}

impl Leg {
    pub(super) fn new(id: LegId, audio: Audio, stream: Stream) -> Leg {
        Leg { id, audio, stream, hold: Hold::default(), agent: None, duty: None }
    }

    /// The agent at the other end, if there is one.
    pub(super) fn agent(&self) -> Option<AgentId> {
        self.agent.as_ref().map(|party| party.agent)
    }

    /// The agent is in a call that no queue gave, from now until the leg has ended.
    pub(super) fn count_as_direct(&mut self, turn: &mut Turn<'_>) {
        if let Some(agent) = self.agent() {
            self.duty = Some(Duty::Direct);
            // Before all else: whoever was to be offered to this agent looks for another, and not for the colleague whom
            // the agent has just dialled.
            turn.errand_first(Errand::Distribute(acd::Input::DirectCallBegan { agent }));
        }
    }

    /// The other side of the conversation pressed a key otherwise than in its audio: this one hears of it as it has
    /// agreed to, as a telephone-event, or else by INFO.
    pub(super) fn hears_key(&self, turn: &mut Turn<'_>, digit: Digit) {
        let leg = self.id;
        if self.audio.plan().telephone_event.is_some() {
            turn.media(MediaCommand::Press { leg, digit });
        } else {
            turn.sip(SipCommand::SendDigit { leg, digit });
        }
    }

    /// The leg has ended: the distributor hears so, once.
    pub(super) fn discharge(&mut self, turn: &mut Turn<'_>) {
        let (Some(agent), Some(duty)) = (self.agent(), self.duty.take()) else { return };
        turn.errand(Errand::Distribute(match duty {
            Duty::Queue => acd::Input::AgentLegEnded { agent },
            Duty::Direct => acd::Input::DirectCallEnded { agent },
            Duty::Listening => acd::Input::AgentListens { agent, listening: false },
        }));
    }
}
