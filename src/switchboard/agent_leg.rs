//! A leg to an agent's phone: it rings for one caller, is joined to them, and ends.

use std::sync::Arc;
use std::time::Duration;

use super::Turn;
use super::audio::{Audio, Stream};
use super::call::{CALL_MAX, CLOSE_MAX, HANG_UP_MAX};
use super::errand::Errand;
use super::hold::Hold;
use crate::acd::{self, AgentId, OfferId, Refused};
use crate::clock::Moment;
use crate::journal::JournalEvent;
use crate::telephony::{
    CallHeaders, CallId, Caller, Cause, Clip, Digit, LegId, MediaCommand, Refusal, SessionDescription, SipCommand,
    StreamReport,
};

/// The distributor stops an offer by itself; this is for the case that its word never comes.
const RING_SPARE: Duration = Duration::from_secs(5);

/// A leg to an agent's phone.
#[derive(Debug)]
pub(super) struct AgentLeg {
    id: LegId,
    agent: AgentId,
    extension: Arc<str>,
    /// The caller for whom it rings or whom it is joined to.
    call: CallId,
    audio: Audio,
    stream: Stream,
    hold: Hold,
    dialled: Moment,
    phase: Phase,
}

/// How far a leg has come.
#[derive(Debug)]
enum Phase {
    /// The phone rings.
    Ringing { offer: OfferId, until: Moment },
    /// The agent has picked up; the distributor is asked whether that is still wanted.
    PickedUp,
    /// Agent and caller hear each other.
    Joined,
    /// `sip` is to end the leg.
    HangingUp { was: Was, until: Moment },
    /// The leg is over; the reactor is to close its audio.
    Closing { until: Moment },
    /// Nothing is left but to give the port back.
    Over,
}

/// What the distributor has yet to hear of a leg that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Was {
    /// Nothing: the offer is over.
    Offered,
    /// That the agent's leg has ended.
    Joined,
}

/// Whom to ring, and what to show them.
pub(super) struct Ring {
    pub(super) agent: AgentId,
    pub(super) extension: Arc<str>,
    pub(super) call: CallId,
    pub(super) offer: OfferId,
    pub(super) until: Moment,
    pub(super) caller: Caller,
    pub(super) headers: CallHeaders,
}

impl AgentLeg {
    /// Opens the audio and dials.
    pub(super) fn dial(turn: &mut Turn<'_>, id: LegId, audio: Audio, ring: Ring) -> AgentLeg {
        turn.media(audio.port, MediaCommand::Open { leg: id, port: audio.port, plan: audio.plan().clone() });
        turn.sip(SipCommand::DialAgent {
            leg: id,
            extension: ring.extension.to_string(),
            caller: ring.caller,
            offer: audio.description().clone(),
            headers: ring.headers,
        });
        AgentLeg {
            id,
            agent: ring.agent,
            extension: ring.extension,
            call: ring.call,
            audio,
            stream: Stream::Open,
            hold: Hold::default(),
            dialled: turn.now,
            phase: Phase::Ringing { offer: ring.offer, until: ring.until + RING_SPARE },
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.audio.port
    }

    pub(super) fn agent(&self) -> AgentId {
        self.agent
    }

    /// Whether the agent has picked up, and is on the line.
    pub(super) fn has_line(&self) -> bool {
        matches!(self.phase, Phase::PickedUp | Phase::Joined)
    }

    /// The offer for which it rings, if it does.
    pub(super) fn offer(&self) -> Option<OfferId> {
        match self.phase {
            Phase::Ringing { offer, .. } => Some(offer),
            _ => None,
        }
    }

    /// The caller whom it is joined to, if it is.
    pub(super) fn joined_to(&self) -> Option<CallId> {
        matches!(self.phase, Phase::Joined).then_some(self.call)
    }

    /// When the leg must act if nothing comes before. There is always such a moment, so that no leg is forgotten.
    pub(super) fn deadline(&self) -> Moment {
        match self.phase {
            Phase::Ringing { until, .. } | Phase::HangingUp { until, .. } | Phase::Closing { until } => until,
            Phase::Joined => {
                let last = self.dialled + CALL_MAX;
                self.hold.limit().map_or(last, |limit| limit.min(last))
            }
            Phase::PickedUp | Phase::Over => self.dialled,
        }
    }

    /// When all is over: whether its port could be opened.
    pub(super) fn over(&self) -> Option<bool> {
        matches!(self.phase, Phase::Over).then_some(!matches!(self.stream, Stream::Failed | Stream::Open))
    }

    /// Panics when a promise is broken.
    pub(super) fn assert_consistent(&self) {
        match (&self.phase, &self.stream) {
            (Phase::Ringing { .. } | Phase::Joined | Phase::Closing { .. }, Stream::Open) => {}
            (Phase::HangingUp { .. }, _) => {}
            (phase, stream) => panic!("{} cannot be {phase:?} with its audio {stream:?}", self.id),
        }
    }

    /// The phone has answered.
    pub(super) fn answered(&mut self, turn: &mut Turn<'_>, answer: &SessionDescription) {
        if !matches!(self.phase, Phase::Ringing { .. }) {
            return; // `sip` ends what was answered too late.
        }
        match self.audio.accept(answer, turn.settings) {
            Ok(changed) => {
                turn.errand(Errand::PickedUp { leg: self.id });
                self.follow_plan(turn, changed);
            }
            Err(warning) => {
                self.failed(turn, warning.text);
                self.refuse(turn, Refused::Failed);
                self.hang_up(turn, Cause::MediaFailed);
            }
        }
    }

    /// The distributor is asked: the offer is in its hands now.
    pub(super) fn picked_up(&mut self) -> Option<OfferId> {
        let offer = self.offer()?;
        self.phase = Phase::PickedUp;
        Some(offer)
    }

    /// The caller was still there.
    pub(super) fn joined(&mut self, turn: &mut Turn<'_>) {
        if matches!(self.phase, Phase::PickedUp) {
            self.phase = Phase::Joined;
            if self.hold.limit().is_some() {
                turn.errand(Errand::AgentHolds { call: self.call, leg: self.id, holding: true });
            }
        }
    }

    /// Our re-INVITE, or our offer in a 200, was answered.
    pub(super) fn confirmed(&mut self, turn: &mut Turn<'_>, answer: Option<SessionDescription>) {
        if !matches!(self.phase, Phase::Joined) || !self.audio.awaits_answer() {
            return;
        }
        match answer.map(|answer| self.audio.accept(&answer, turn.settings)) {
            Some(Ok(changed)) => self.follow_plan(turn, changed),
            Some(Err(_)) | None => self.lost(turn, Cause::MediaFailed),
        }
    }

    /// The agent's side wants the audio otherwise: hold, resume, another address or codec.
    pub(super) fn offered(&mut self, turn: &mut Turn<'_>, offer: Option<SessionDescription>) {
        let leg = self.id;
        if !matches!(self.phase, Phase::Joined) {
            return turn.sip(SipCommand::RefuseChange { leg, refusal: Refusal::status(481) });
        }
        match self.audio.change(offer.as_ref(), turn.settings) {
            Ok(changed) => {
                turn.sip(SipCommand::AcceptChange { leg, description: self.audio.description().clone() });
                self.follow_plan(turn, changed);
            }
            Err(warning) => {
                let refusal = Refusal { warning: Some(warning), ..Refusal::status(488) };
                turn.journal(Some(self.call), JournalEvent::ChangeRefused { status: refusal.status });
                turn.sip(SipCommand::RefuseChange { leg, refusal });
            }
        }
    }

    /// A key by INFO; those in the audio go over the bridge by themselves.
    pub(super) fn digit(&self, turn: &mut Turn<'_>, to: LegId, digit: Digit) {
        if matches!(self.phase, Phase::Joined) {
            turn.sip(SipCommand::SendDigit { leg: to, digit });
        }
    }

    /// The agent hears this while the caller holds, and the caller again when there is none.
    pub(super) fn entertain(&self, turn: &mut Turn<'_>, music: Option<Vec<Arc<Clip>>>) {
        if !matches!(self.phase, Phase::Joined) {
            return;
        }
        match music {
            None => turn.media(self.audio.port, MediaCommand::Stop { leg: self.id }),
            Some(clips) if !clips.is_empty() => {
                turn.media(self.audio.port, MediaCommand::Music { leg: self.id, clips, together: false });
            }
            Some(_) => {}
        }
    }

    /// Ends the leg because it is not wanted any more; nothing when it is ending already.
    pub(super) fn hang_up(&mut self, turn: &mut Turn<'_>, cause: Cause) {
        let was = match self.phase {
            Phase::Ringing { .. } => Was::Offered,
            Phase::PickedUp | Phase::Joined => Was::Joined,
            Phase::HangingUp { .. } | Phase::Closing { .. } | Phase::Over => return,
        };
        turn.sip(SipCommand::HangUp { leg: self.id, cause });
        self.phase = Phase::HangingUp { was, until: turn.now + HANG_UP_MAX };
    }

    /// The distributor knows nothing any more of what was picked up: nobody is to hear anything.
    pub(super) fn came_late(&mut self, turn: &mut Turn<'_>) {
        self.hang_up(turn, Cause::LocalHungUp);
        if let Phase::HangingUp { was, .. } = &mut self.phase {
            *was = Was::Offered;
        }
    }

    /// The line to the agent was lost: the caller is to wait again.
    pub(super) fn lost(&mut self, turn: &mut Turn<'_>, cause: Cause) {
        match self.phase {
            Phase::Ringing { .. } => self.refuse(turn, Refused::OurFault),
            Phase::Joined => turn.errand(Errand::AgentLeft { call: self.call, leg: self.id, broken: true }),
            _ => {}
        }
        self.hang_up(turn, cause);
    }

    /// The leg is over.
    pub(super) fn ended(&mut self, turn: &mut Turn<'_>, cause: Cause) {
        let left = acd::Input::AgentLegEnded { agent: self.agent };
        match &self.phase {
            Phase::Closing { .. } | Phase::Over => return,
            Phase::Ringing { .. } => self.refuse(turn, refusal(cause)),
            Phase::PickedUp | Phase::Joined => {
                let broken = is_broken(cause);
                turn.errand(Errand::AgentLeft { call: self.call, leg: self.id, broken });
                turn.errand(Errand::Distribute(left));
            }
            Phase::HangingUp { was: Was::Joined, .. } => turn.errand(Errand::Distribute(left)),
            Phase::HangingUp { was: Was::Offered, .. } => {}
        }
        if matches!(self.stream, Stream::Open) {
            turn.media(self.audio.port, MediaCommand::Close { leg: self.id });
            self.phase = Phase::Closing { until: turn.now + CLOSE_MAX };
        } else {
            self.phase = Phase::Over;
        }
    }

    /// The reactor has closed the audio.
    pub(super) fn audio_closed(&mut self, turn: &mut Turn<'_>, report: StreamReport) {
        if matches!(self.stream, Stream::Open) {
            self.audio_gone(turn, Stream::Closed(report));
        }
    }

    /// The reactor could not open the port.
    pub(super) fn audio_failed(&mut self, turn: &mut Turn<'_>, reason: String) {
        if matches!(self.stream, Stream::Open) {
            self.failed(turn, reason);
            self.audio_gone(turn, Stream::Failed);
        }
    }

    fn audio_gone(&mut self, turn: &mut Turn<'_>, stream: Stream) {
        self.stream = stream;
        match self.phase {
            Phase::Closing { .. } => self.phase = Phase::Over,
            _ => self.lost(turn, Cause::MediaFailed),
        }
    }

    /// The deadline has come.
    pub(super) fn expire(&mut self, turn: &mut Turn<'_>) {
        if turn.now < self.deadline() {
            return;
        }
        match self.phase {
            Phase::Ringing { .. } => {
                self.refuse(turn, Refused::NoAnswer);
                self.hang_up(turn, Cause::NoAnswer);
            }
            Phase::Joined => {
                turn.errand(Errand::AgentLeft { call: self.call, leg: self.id, broken: false });
                self.hang_up(turn, Cause::LocalHungUp);
            }
            Phase::HangingUp { .. } => self.ended(turn, Cause::DialogLost),
            Phase::Closing { .. } => self.phase = Phase::Over,
            Phase::PickedUp | Phase::Over => {}
        }
    }

    fn refuse(&self, turn: &mut Turn<'_>, reason: Refused) {
        if let Some(offer) = self.offer() {
            turn.errand(Errand::Distribute(acd::Input::OfferRefused { offer, reason }));
        }
    }

    fn failed(&self, turn: &mut Turn<'_>, reason: String) {
        let agent = self.extension.clone();
        turn.journal(Some(self.call), JournalEvent::AgentLegFailed { agent, reason });
    }

    fn follow_plan(&mut self, turn: &mut Turn<'_>, changed: bool) {
        if changed {
            turn.media(self.audio.port, MediaCommand::Change { leg: self.id, plan: self.audio.plan().clone() });
        }
        let held = !self.audio.plan().direction.sends();
        if self.hold.follow(turn.now, held) && matches!(self.phase, Phase::Joined) {
            turn.errand(Errand::AgentHolds { call: self.call, leg: self.id, holding: held });
        }
    }
}

/// How an agent did not answer whose leg ended so while it rang.
fn refusal(cause: Cause) -> Refused {
    match cause {
        Cause::RefusedBy(486 | 600) => Refused::Busy,
        Cause::RefusedBy(408 | 487) | Cause::NoAnswer => Refused::NoAnswer,
        // A phone that forwards (3xx) has been told by its agent to do so; nobody is dialled whom it names.
        Cause::RefusedBy(300..=399 | 603) => Refused::Declined,
        _ => Refused::Failed,
    }
}

/// Whether a line that ends so was lost, rather than hung up.
fn is_broken(cause: Cause) -> bool {
    !matches!(cause, Cause::RemoteHungUp | Cause::LocalHungUp | Cause::Drained)
}
