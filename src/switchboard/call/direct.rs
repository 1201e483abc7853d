//! A call's dealings with agents whom no queue gave: one whom the caller has dialled, and one to whom they are passed on.

use std::sync::Arc;
use std::time::Duration;

use super::{Call, Phase, Talked};
use crate::acd::AgentId;
use crate::flow::{SessionInput, Untransferred};
use crate::journal::{Joined, JournalEvent, Outcome};
use crate::switchboard::Turn;
use crate::switchboard::agent_leg::AgentLeg;
use crate::switchboard::errand::Errand;
use crate::switchboard::leg::Duty;
use crate::switchboard::waiting::{Conversation, Line, Passed, Place};
use crate::telephony::{Cause, LegId, MediaCommand, Refusal, SipCommand};

/// An agent's leg that was answered, or that takes another's place.
pub(in crate::switchboard) struct Met {
    /// Its leg.
    pub(in crate::switchboard) leg: LegId,
    /// What whoever is there is called.
    named: Arc<str>,
    /// The agent, where the distributor counts the leg as that of a call that a queue gave.
    counted: Option<AgentId>,
    /// Who passed the caller on, by extension.
    from: Option<Arc<str>>,
}

impl Met {
    /// Whoever is at this leg.
    pub(in crate::switchboard) fn at(leg: &AgentLeg, from: Option<Arc<str>>) -> Met {
        let counted = leg.duty().and_then(|(agent, duty)| (duty == Duty::Queue).then_some(agent));
        Met { leg: leg.id(), named: leg.named().clone(), counted, from }
    }
}

impl Call {
    /// The leg that rings for the caller without a queue: dialled, or to take the place of the agent.
    pub(in crate::switchboard) fn rings(&self) -> Option<LegId> {
        match &self.line {
            Line::Dialled(leg) => Some(*leg),
            Line::Talking(conversation) => conversation.target,
            Line::Passed(passed) => Some(passed.target),
            Line::Sent { leg, .. } => Some(*leg),
            Line::None | Line::Waiting(_) => None,
        }
    }

    /// This phone is to ring for the caller, who has dialled it.
    pub(in crate::switchboard) fn dials(&mut self, leg: LegId) {
        if matches!(self.phase, Phase::Ringing) {
            self.line = Line::Dialled(leg);
        }
    }

    /// The phone rings.
    pub(in crate::switchboard) fn rung(&mut self, turn: &mut Turn<'_>, leg: LegId) {
        match &self.line {
            Line::Dialled(dialled) if *dialled == leg => turn.sip(SipCommand::Ring { leg: self.leg.id }),
            Line::Talking(conversation) if conversation.target == Some(leg) => {
                turn.sip(SipCommand::TransferProgress { leg: conversation.leg, status: 180 });
            }
            _ => {}
        }
    }

    /// The phone will not be answered: who dialled it is told so; who was passed on stays with the agent who is still
    /// there, or waits again where they came from.
    pub(in crate::switchboard) fn ring_failed(&mut self, turn: &mut Turn<'_>, leg: LegId, status: u16) {
        match std::mem::take(&mut self.line) {
            Line::Dialled(dialled) if dialled == leg => self.reject(turn, status),
            Line::Talking(mut conversation) if conversation.target == Some(leg) => {
                conversation.target = None;
                turn.sip(SipCommand::TransferProgress { leg: conversation.leg, status });
                if !conversation.is_held_by_agent() {
                    turn.media(MediaCommand::Stop { leg: self.leg.id });
                }
                self.line = Line::Talking(conversation);
            }
            Line::Passed(passed) if passed.target == leg => self.go_on(turn, passed.place, true),
            other => self.line = other,
        }
    }

    /// Refuses the call, which was not answered yet.
    pub(in crate::switchboard) fn reject(&mut self, turn: &mut Turn<'_>, status: u16) {
        if matches!(self.phase, Phase::Ringing) {
            turn.sip(SipCommand::Reject { leg: self.leg.id, refusal: Refusal::status(status) });
            self.line = Line::None;
            self.phase = Phase::HangingUp { outcome: Outcome::Refused, until: turn.now + super::HANG_UP_MAX };
        }
    }

    /// The phone that rang for the caller was answered. Tells whether they are still there.
    pub(in crate::switchboard) fn met(&mut self, turn: &mut Turn<'_>, with: Met) -> bool {
        match std::mem::take(&mut self.line) {
            Line::Dialled(leg) if leg == with.leg => {
                self.say_answer(turn, Some(leg));
                self.phase = Phase::Talking;
                self.join(turn, with, None);
                self.mind_hold(turn);
            }
            Line::Talking(conversation) if conversation.target == Some(with.leg) => {
                let old = conversation.leg;
                turn.sip(SipCommand::TransferProgress { leg: old, status: 200 });
                let from = Some(conversation.extension.clone());
                let place = self.take_leave(turn, *conversation, "transferred");
                turn.errand(Errand::Release { leg: old });
                self.join(turn, Met { from, ..with }, place);
            }
            Line::Passed(passed) if passed.target == with.leg => {
                self.join(turn, Met { from: Some(passed.by.clone()), ..with }, passed.place);
            }
            Line::Sent { leg, .. } if leg == with.leg => {
                // The bridge takes the place of whatever plays.
                if let Phase::Walking { playing, .. } = &mut self.phase {
                    *playing = None;
                }
                self.join(turn, with, None);
                self.walk(turn, SessionInput::Connected);
            }
            other => {
                self.line = other;
                return false;
            }
        }
        true
    }

    /// Lets the caller and an agent hear each other.
    pub(super) fn join(&mut self, turn: &mut Turn<'_>, with: Met, place: Option<Place>) {
        turn.bridge(self.leg.id, with.leg);
        let joined = Joined { agent: with.named.clone(), queue: None, waited: Duration::ZERO, from: with.from };
        turn.journal(Some(self.id), JournalEvent::Joined(Box::new(joined)));
        self.line = Line::Talking(Box::new(Conversation::new(turn.now, place, with.leg, with.counted, with.named)));
        if self.leg.hold.limit().is_some() {
            self.caller_holds(turn, true);
        }
    }

    /// Ends a conversation, not what comes after it. The place that the caller had comes back.
    pub(super) fn take_leave(
        &mut self,
        turn: &mut Turn<'_>,
        conversation: Conversation,
        by: &'static str,
    ) -> Option<Place> {
        let place = conversation.place.clone();
        let parted = conversation.part(turn.now, by);
        self.talked = Some(Talked { agent: parted.agent.clone(), queue: parted.queue.clone() });
        turn.journal(Some(self.id), JournalEvent::Parted(Box::new(parted)));
        turn.media(MediaCommand::Unbridge { leg: self.leg.id });
        place
    }

    /// Nobody talks to the caller any more: they wait again where the line was lost and a queue had brought them here,
    /// else the flow goes on, or, where there is none, the call is over.
    pub(super) fn go_on(&mut self, turn: &mut Turn<'_>, place: Option<Place>, lost: bool) {
        match place.filter(|_| lost) {
            Some(place) if matches!(self.phase, Phase::Walking { .. }) => {
                let place = Place { entry: turn.entry(), ..place };
                self.wait(turn, place);
                self.walk(turn, SessionInput::WaitsAgain);
            }
            _ if matches!(self.phase, Phase::Walking { .. }) => self.walk(turn, SessionInput::Done),
            _ => {
                let outcome = if lost { Outcome::Failed } else { Outcome::Completed };
                self.hang_up(turn, Cause::LocalHungUp, outcome);
            }
        }
    }

    /// Whether the caller's flow may have somebody rung for them.
    pub(in crate::switchboard) fn may_be_sent(&self) -> bool {
        let wants = matches!(&self.phase, Phase::Walking { session, .. } if session.is_transferring());
        wants && matches!(self.line, Line::None)
    }

    /// What the caller had dialled.
    pub(in crate::switchboard) fn dialled_number(&self) -> &str {
        match &self.phase {
            Phase::Walking { session, .. } => session.dialled(),
            _ => "",
        }
    }

    /// This phone rings for the caller: they hear music where nothing is said.
    pub(in crate::switchboard) fn sent(&mut self, turn: &mut Turn<'_>, leg: LegId) {
        self.line = Line::Sent { leg, music: false };
        self.mind_line(turn);
    }

    /// Nobody could be rung.
    pub(in crate::switchboard) fn not_sent(&mut self, turn: &mut Turn<'_>, why: Untransferred) {
        self.walk(turn, SessionInput::NotTransferred(why));
    }

    /// The phone that rang for the caller's flow will not be answered, or whoever answered is gone before they were joined.
    pub(in crate::switchboard) fn sending_failed(&mut self, turn: &mut Turn<'_>, leg: LegId, why: Untransferred) {
        if matches!(self.line, Line::Sent { leg: rings, .. } if rings == leg) {
            self.stop_music(turn);
            self.line = Line::None;
            self.walk(turn, SessionInput::NotTransferred(why));
        }
    }

    /// The agent who talked to the caller has gone while another phone rings for them.
    pub(super) fn stay_passed(&mut self, target: LegId, by: Arc<str>, place: Option<Place>) {
        self.line = Line::Passed(Box::new(Passed { target, by, place }));
    }
}
