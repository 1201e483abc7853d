//! A call that Helpline makes: a caller who keeps a place in a queue is called back.

use std::sync::Arc;

use super::{Call, Phase, Visit};
use crate::clock::Moment;
use crate::flow::{QueueIndex, Session};
use crate::journal::{JournalEvent, Outcome};
use crate::switchboard::Turn;
use crate::switchboard::audio::{Audio, Stream};
use crate::switchboard::errand::Errand;
use crate::switchboard::leg::Leg;
use crate::switchboard::waiting::{Line, Place, Waiting};
use crate::telephony::{CallId, Cause, LegId, SessionDescription, SipCommand};

/// What awaits whom we call.
#[derive(Debug)]
pub(in crate::switchboard) struct Summons {
    /// Their place, which they still have.
    pub(in crate::switchboard) place: Place,
    pub(in crate::switchboard) queue: QueueIndex,
    /// The language that they speak.
    pub(in crate::switchboard) tongue: Arc<str>,
    /// Nobody waits for them yet: they are told why we call, and wait at their place.
    pub(in crate::switchboard) greet: bool,
    pub(in crate::switchboard) until: Moment,
    /// The agent who waits for them.
    pub(in crate::switchboard) beside: Option<LegId>,
}

impl Call {
    /// Opens the audio and dials.
    pub(in crate::switchboard) fn summon(
        turn: &mut Turn<'_>,
        id: CallId,
        (leg, audio, dial): (LegId, Audio, SipCommand),
        visit: Visit,
        summons: Summons,
    ) -> Call {
        turn.open(leg, audio.port, audio.plan().clone(), summons.beside);
        turn.sip(dial);
        let phase = Phase::Summoned { summons: Box::new(summons), facts: Box::new(visit.facts.clone()) };
        Call::new(turn, id, Leg::new(leg, audio, Stream::Open), visit, phase)
    }

    /// Whom we called has answered: they have their place again, and whoever waits for them is joined to them at once.
    pub(in crate::switchboard) fn party_answered(
        &mut self,
        turn: &mut Turn<'_>,
        answer: &SessionDescription,
        local: std::net::IpAddr,
    ) {
        if !matches!(self.phase, Phase::Summoned { .. }) {
            return; // `sip` ends what was answered too late.
        }
        self.leg.audio.reached_by(local);
        match self.leg.audio.accept(answer, turn.settings) {
            Ok(changed) => self.follow_plan(turn, changed),
            Err(_) => return self.hang_up(turn, Cause::MediaFailed, Outcome::Failed),
        }
        let ended = Phase::Over;
        let Phase::Summoned { summons, facts } = std::mem::replace(&mut self.phase, ended) else { return };
        let Summons { place, queue, tongue, greet, .. } = *summons;
        let entry = place.entry;
        turn.journal(Some(self.id), JournalEvent::Began);
        let (time, wall) = (self.leg.hold.flow_time(turn.now), turn.calendar.time_of(turn.now));
        let flows = self.revision.flows.clone();
        let (session, actions) = Session::called_back(flows, queue, (&tongue, greet), *facts, time, wall);
        self.phase = Phase::Walking { session: Box::new(session), playing: None };
        self.line = Line::Waiting(Waiting::new(turn.now, place));
        turn.errand(Errand::Reached { call: self.id, entry });
        self.act_on_all(turn, actions);
    }

    /// Gives up calling somebody, who has not answered, or has at this very moment: their place is not theirs to give up.
    pub(in crate::switchboard) fn give_up(&mut self, turn: &mut Turn<'_>) {
        if let Line::Waiting(_) = self.line {
            self.line = Line::None;
        }
        self.hang_up(turn, Cause::NoAnswer, Outcome::Unanswered);
    }

    /// The call came to nothing, or is about to.
    pub(super) fn not_reached(&self, turn: &mut Turn<'_>, cause: Cause) {
        if let Phase::Summoned { .. } = self.phase {
            turn.errand(Errand::NotReached { call: self.id, cause });
        }
    }
}
