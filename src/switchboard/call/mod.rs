//! One call: the caller's leg, its port, its walk through a flow, its place in a queue, and how far it has come.

mod direct;
mod line;
mod mailbox;
mod passing;
mod summons;
mod tape;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use super::audio::{Audio, Stream};
use super::digits::DigitOwner;
use super::errand::Errand;
use super::leg::{Duty, Leg, Party};
use super::lookup::Asking;
use super::waiting::{Kept, Line};
use super::{Revision, Turn};
use crate::acd::{AgentId, Leaving};
use crate::clock::Moment;
use crate::flow::{CallFacts, FlowIndex, FlowSet, KnownCaller, PromptId, QueueIndex, Session, SessionInput, StepIndex};
use crate::journal::{Ended, JournalEvent, Outcome};
use crate::telephony::{
    CallId, Caller, Cause, Digit, DigitSource, LegId, MediaCommand, PlaybackId, Refusal, SessionDescription,
    SipCommand, StreamReport, TapeId,
};
pub(super) use direct::Met;
pub(super) use line::Joining;
use mailbox::Hears;
pub(super) use summons::Summons;
use tape::{Recording, Taking};

/// `sip` gives up a 200 without an ACK after 32 s (64 × T1, RFC 3261 section 13.3.1.4); this is for the case that its
/// word never comes.
pub const ACKNOWLEDGE_MAX: Duration = Duration::from_secs(40);
/// `sip` gives up a BYE after 32 s likewise.
pub const HANG_UP_MAX: Duration = Duration::from_secs(40);
/// A reactor closes a leg within a tick.
pub const CLOSE_MAX: Duration = Duration::from_secs(5);
/// The last word is still in the caller's jitter buffer when its last frame has been sent.
pub const LINGER: Duration = Duration::from_millis(200);
/// As long may a call last.
pub const CALL_MAX: Duration = Duration::from_secs(12 * 3_600);

/// What a call is for: who calls, and what they meet.
pub(super) struct Visit {
    pub(super) revision: Arc<Revision>,
    pub(super) facts: CallFacts,
    /// The agent who calls, when it is one.
    pub(super) agent: Option<Party>,
}

/// Where a caller's walk begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// At the start of a flow.
    Flow(FlowIndex),
    /// In a queue, with this priority.
    Queue(QueueIndex, u8),
}

/// What a call that is answered at once begins with.
#[derive(Debug)]
pub(super) enum Beginning {
    /// The caller walks.
    Walk(Start),
    /// An agent has dialled a code, and hears these; the distributor knows already that they listen.
    Tell(Vec<PromptId>),
    /// An agent wants to hear their messages; likewise.
    Messages,
}

/// One caller's visit.
#[derive(Debug)]
pub(super) struct Call {
    id: CallId,
    leg: Leg,
    caller: Caller,
    revision: Arc<Revision>,
    offered: Moment,
    digits: DigitOwner,
    /// The step in which the caller is.
    place: Option<(FlowIndex, StepIndex)>,
    line: Line,
    /// The place that they had, for the next queue.
    kept: Option<Kept>,
    /// With whom they have talked last, and from which queue they came to that.
    talked: Option<Talked>,
    /// The message that they leave.
    taking: Option<Taking>,
    /// The message that they left last, while it may still turn out that it cannot be kept.
    left: Option<TapeId>,
    /// What is recorded of the call.
    recording: Option<Recording>,
    /// What is known of them from earlier calls.
    known: KnownCaller,
    /// A web service is asked on their behalf.
    pub(super) asking: Option<Asking>,
    phase: Phase,
}

/// A conversation that is over.
#[derive(Clone, Debug)]
struct Talked {
    /// The agent's extension.
    agent: Arc<str>,
    queue: Option<Arc<str>>,
}

/// How far a call has come.
#[derive(Debug)]
enum Phase {
    /// The phone rings that the caller, an agent, has dialled: there is no answer and no audio yet.
    Ringing,
    /// Helpline calls somebody back who has not answered yet.
    Summoned { summons: Box<Summons>, facts: Box<CallFacts> },
    /// 200 OK was sent; the caller hears silence until the ACK tells that they are ready to listen.
    Answered { beginning: Beginning, facts: Box<CallFacts>, until: Moment },
    /// The caller walks the flow.
    Walking { session: Box<Session>, playing: Option<PlaybackId> },
    /// The caller talks to somebody without a flow around it: when that is over, so is the call.
    Talking,
    /// An agent hears the answer to a code.
    Told { playing: PlaybackId, until: Moment },
    /// An agent hears their messages.
    Hearing(Box<Hears>),
    /// All is said, the last word on its way.
    Lingering { until: Moment },
    /// `sip` is to end the leg.
    HangingUp { outcome: Outcome, until: Moment },
    /// The leg is over; the reactor is to close its audio.
    Closing { ended: Parting, until: Moment },
    /// Nothing is left but to give the port back.
    Over,
}

/// How a leg ended.
#[derive(Clone, Copy, Debug)]
struct Parting {
    outcome: Outcome,
    cause: Cause,
    duration: Duration,
}

/// What a call that is over leaves behind.
pub(super) struct Over {
    /// Whether its port could be opened.
    pub(super) port_is_sound: bool,
}

impl Call {
    /// Opens the audio and answers, in one step.
    pub(super) fn answer(
        turn: &mut Turn<'_>,
        id: CallId,
        (leg, audio): (LegId, Audio),
        visit: Visit,
        beginning: Beginning,
    ) -> Call {
        let facts = Box::new(visit.facts.clone());
        let phase = Phase::Answered { beginning, facts, until: turn.now + ACKNOWLEDGE_MAX };
        let mut call = Call::new(turn, id, Leg::new(leg, audio, Stream::Unopened), visit, phase);
        call.say_answer(turn, None);
        call.mind_hold(turn);
        call
    }

    /// Waits for an answer of the phone that the caller has dialled.
    pub(super) fn ring(turn: &mut Turn<'_>, id: CallId, (leg, audio): (LegId, Audio), visit: Visit) -> Call {
        Call::new(turn, id, Leg::new(leg, audio, Stream::Unopened), visit, Phase::Ringing)
    }

    fn new(turn: &mut Turn<'_>, id: CallId, mut leg: Leg, visit: Visit, phase: Phase) -> Call {
        leg.agent = visit.agent;
        match &phase {
            Phase::Answered { beginning: Beginning::Tell(_) | Beginning::Messages, .. } => {
                leg.duty = Some(Duty::Listening)
            }
            _ => leg.count_as_direct(turn),
        }
        Call {
            id,
            leg,
            caller: visit.facts.caller,
            revision: visit.revision,
            offered: turn.now,
            digits: DigitOwner::default(),
            place: None,
            line: Line::None,
            kept: None,
            talked: None,
            taking: None,
            left: None,
            recording: None,
            known: visit.facts.known,
            asking: None,
            phase,
        }
    }

    /// 200 OK, with the audio opened, beside that of a leg that it will be joined with.
    fn say_answer(&mut self, turn: &mut Turn<'_>, beside: Option<LegId>) {
        let (leg, audio) = (self.leg.id, &self.leg.audio);
        turn.open(leg, audio.port, audio.plan().clone(), beside);
        turn.sip(SipCommand::Answer { leg, description: audio.description().clone() });
        let codec = (!audio.awaits_answer()).then_some(audio.plan().codec);
        turn.journal(Some(self.id), JournalEvent::Answered { codec, port: audio.port });
        self.leg.stream = Stream::Open;
    }

    pub(super) fn leg(&self) -> LegId {
        self.leg.id
    }

    /// The agent who calls, when it is one.
    pub(super) fn agent(&self) -> Option<AgentId> {
        self.leg.agent()
    }

    /// The same, with the extension.
    pub(super) fn party(&self) -> Option<&Party> {
        self.leg.agent.as_ref()
    }

    /// As what the distributor counts the caller's leg, when it is an agent's.
    pub(super) fn duty(&self) -> Option<(AgentId, Duty)> {
        Some((self.leg.agent()?, self.leg.duty?))
    }

    /// The flows of the call's own revision.
    pub(super) fn flows(&self) -> &Arc<FlowSet> {
        &self.revision.flows
    }

    pub(super) fn port(&self) -> u16 {
        self.leg.audio.port
    }

    /// When the call must act if nothing comes before. There is always such a moment, so that no call is forgotten.
    pub(super) fn deadline(&self) -> Moment {
        match &self.phase {
            Phase::Answered { until, .. }
            | Phase::Told { until, .. }
            | Phase::Lingering { until }
            | Phase::HangingUp { until, .. }
            | Phase::Closing { until, .. } => *until,
            Phase::Summoned { summons, .. } => summons.until,
            Phase::Ringing => self.offered + CALL_MAX,
            Phase::Talking => {
                let last = self.offered + CALL_MAX;
                self.leg.hold.limit().map_or(last, |limit| limit.min(last))
            }
            Phase::Walking { session, .. } => self.soonest(session.deadline()),
            Phase::Hearing(hears) => self.soonest(hears.listening().deadline()),
            Phase::Over => self.offered,
        }
    }

    /// The next deadline of a caller who is led by a flow or hears messages, of which the leg's hold stops the clock.
    fn soonest(&self, deadline: Option<Moment>) -> Moment {
        let last = self.offered + CALL_MAX;
        let own = match self.leg.hold.limit() {
            Some(limit) => Some(limit),
            None => deadline.map(|deadline| self.leg.hold.real_time(deadline)),
        };
        own.map_or(last, |own| own.min(last))
    }

    /// What is left when all is over.
    pub(super) fn over(&self) -> Option<Over> {
        matches!(self.phase, Phase::Over)
            .then_some(Over { port_is_sound: matches!(self.leg.stream, Stream::Closed(_) | Stream::Unopened) })
    }

    /// Panics when a promise is broken.
    pub(super) fn assert_consistent(&self) {
        match (&self.phase, &self.leg.stream) {
            (Phase::Walking { session, playing }, Stream::Open) => {
                session.assert_consistent();
                assert_eq!(session.is_looking_up(), self.asking.is_some(), "{} knows what is asked for it", self.id);
                self.assert_line(session.deadline().is_some(), playing.is_some());
            }
            (
                Phase::Summoned { .. }
                | Phase::Answered { .. }
                | Phase::Told { .. }
                | Phase::Hearing(_)
                | Phase::Lingering { .. }
                | Phase::Closing { .. },
                Stream::Open,
            ) => {}
            (Phase::Talking, Stream::Open) => {
                let talks = matches!(self.line, Line::Talking(_) | Line::Passed(_));
                assert!(talks, "{} talks to nobody: {:?}", self.id, self.line);
            }
            (Phase::Ringing, Stream::Unopened) => {
                assert!(matches!(self.line, Line::Dialled(_)), "{} waits for nobody: {:?}", self.id, self.line);
            }
            (Phase::HangingUp { .. }, _) => {}
            (phase, stream) => panic!("{} cannot be {phase:?} with its audio {stream:?}", self.id),
        }
        let idle = self.asking.is_none() || matches!(self.phase, Phase::Walking { .. });
        assert!(idle, "{} walks no more and something is asked for it", self.id);
        let walks = matches!(self.phase, Phase::Walking { .. } | Phase::Talking | Phase::Ringing);
        assert!(walks || matches!(self.line, Line::None), "{} waits or talks and is {:?}", self.id, self.phase);
    }

    /// Our 200 was acknowledged.
    pub(super) fn confirmed(&mut self, turn: &mut Turn<'_>, answer: Option<SessionDescription>) {
        if matches!(self.phase, Phase::Summoned { .. } | Phase::HangingUp { .. } | Phase::Closing { .. } | Phase::Over)
        {
            return;
        }
        if self.leg.audio.awaits_answer() {
            let accepted = answer.map(|answer| self.leg.audio.accept(&answer, turn.settings));
            match accepted {
                Some(Ok(changed)) => self.follow_plan(turn, changed),
                // The other side has broken off the negotiation; there is no audio to speak of.
                Some(Err(_)) | None => return self.hang_up(turn, Cause::MediaFailed, Outcome::Failed),
            }
        }
        self.begin(turn);
    }

    /// The caller's side wants the audio otherwise: hold, resume, another address or codec.
    pub(super) fn offered(&mut self, turn: &mut Turn<'_>, offer: Option<SessionDescription>) {
        let leg = self.leg.id;
        if matches!(self.phase, Phase::Summoned { .. } | Phase::HangingUp { .. } | Phase::Closing { .. } | Phase::Over)
        {
            return turn.sip(SipCommand::RefuseChange { leg, refusal: Refusal::status(481) });
        }
        match self.leg.audio.change(offer.as_ref(), turn.settings) {
            Ok(changed) => {
                turn.sip(SipCommand::AcceptChange { leg, description: self.leg.audio.description().clone() });
                self.follow_plan(turn, changed);
            }
            Err(warning) => {
                let refusal = Refusal { warning: Some(warning), ..Refusal::status(488) };
                turn.journal(Some(self.id), JournalEvent::ChangeRefused { status: refusal.status });
                turn.sip(SipCommand::RefuseChange { leg, refusal });
            }
        }
    }

    /// A key.
    pub(super) fn digit(&mut self, turn: &mut Turn<'_>, digit: Digit, source: DigitSource) {
        if matches!(self.phase, Phase::Answered { .. }) && !self.leg.audio.awaits_answer() {
            // Whoever presses keys listens: the ACK was lost or was overtaken.
            self.begin(turn);
        }
        if !matches!(self.phase, Phase::Walking { .. } | Phase::Hearing(_) | Phase::Talking) {
            return;
        }
        let events = self.leg.audio.plan().telephone_event.is_some();
        if !self.digits.counts(turn.now, digit, source, events) {
            return turn.journal(Some(self.id), JournalEvent::DigitRepeated { source });
        }
        turn.journal(Some(self.id), JournalEvent::Digit { source });
        if let Line::Talking(conversation) = &self.line {
            // What is in the audio goes over the bridge by itself.
            if source == DigitSource::Info {
                turn.errand(Errand::KeyForAgent { leg: conversation.leg, digit });
            }
            return;
        }
        if matches!(self.phase, Phase::Hearing(_)) {
            return self.mailbox_key(turn, digit);
        }
        self.walk(turn, SessionInput::Digit(digit));
    }

    /// The agent's side pressed a key by INFO.
    pub(super) fn hears_key(&self, turn: &mut Turn<'_>, digit: Digit) {
        if matches!(self.line, Line::Talking(_)) {
            self.leg.hears_key(turn, digit);
        }
    }

    /// The reactor has sent the last frame of a playback.
    pub(super) fn playback_finished(&mut self, turn: &mut Turn<'_>, finished: PlaybackId) {
        if let Phase::Walking { playing, .. } = &mut self.phase
            && *playing == Some(finished)
        {
            *playing = None;
            self.walk(turn, SessionInput::PlaybackFinished);
        } else if matches!(self.phase, Phase::Told { playing, .. } if playing == finished) {
            self.phase = Phase::Lingering { until: turn.now + LINGER };
        } else if matches!(&self.phase, Phase::Hearing(hears) if hears.finishes(finished)) {
            self.mailbox_heard(turn);
        }
    }

    /// Nothing was heard of the caller for as long as is allowed.
    pub(super) fn fell_silent(&mut self, turn: &mut Turn<'_>) {
        // Who never acknowledged the answer either was never there.
        let answered = matches!(self.phase, Phase::Answered { .. });
        let cause = if answered { Cause::NotAcknowledged } else { Cause::MediaLost };
        self.hang_up(turn, cause, Outcome::Failed);
    }

    /// The deadline has come.
    pub(super) fn expire(&mut self, turn: &mut Turn<'_>) {
        if turn.now < self.deadline() {
            return;
        }
        match &self.phase {
            Phase::Answered { .. } => self.hang_up(turn, Cause::NotAcknowledged, Outcome::Failed),
            Phase::Summoned { .. } => self.give_up(turn),
            Phase::Ringing | Phase::Talking => self.hang_up(turn, Cause::LocalHungUp, Outcome::Failed),
            Phase::Walking { .. } | Phase::Hearing(_) => {
                let held_too_long = self.leg.hold.limit().is_some_and(|limit| limit <= turn.now);
                if held_too_long || self.offered + CALL_MAX <= turn.now {
                    self.hang_up(turn, Cause::LocalHungUp, Outcome::Failed);
                } else if matches!(self.phase, Phase::Hearing(_)) {
                    self.mailbox_expired(turn);
                } else {
                    self.walk(turn, SessionInput::Expired);
                }
            }
            Phase::Told { .. } | Phase::Lingering { .. } => {
                self.hang_up(turn, Cause::LocalHungUp, Outcome::Completed);
            }
            Phase::HangingUp { .. } => self.leg_ended(turn, Cause::DialogLost),
            Phase::Closing { ended, .. } => {
                let ended = *ended;
                self.finish(turn, ended);
            }
            Phase::Over => {}
        }
    }

    /// Ends the leg, wherever it is; nothing when it is ending already.
    pub(super) fn hang_up(&mut self, turn: &mut Turn<'_>, cause: Cause, outcome: Outcome) {
        if matches!(self.phase, Phase::HangingUp { .. } | Phase::Closing { .. } | Phase::Over) {
            return;
        }
        self.not_reached(turn, cause);
        turn.journal(Some(self.id), JournalEvent::HungUp { cause });
        self.leave_flow(turn);
        match outcome {
            Outcome::Operator | Outcome::Drained => self.leave_line_by(turn, leaving(cause), outcome.label()),
            _ => self.leave_line(turn, leaving(cause)),
        }
        self.stop_playing(turn);
        turn.sip(SipCommand::HangUp { leg: self.leg.id, cause });
        self.phase = Phase::HangingUp { outcome, until: turn.now + HANG_UP_MAX };
    }

    /// The leg is over.
    pub(super) fn leg_ended(&mut self, turn: &mut Turn<'_>, cause: Cause) {
        let outcome = match &self.phase {
            Phase::Closing { .. } | Phase::Over => return,
            Phase::HangingUp { outcome, .. } => *outcome,
            Phase::Lingering { .. } => Outcome::Completed,
            Phase::Summoned { .. } => match cause {
                Cause::RefusedBy(_) | Cause::NoAnswer => Outcome::Unanswered,
                cause => outcome_of(cause),
            },
            Phase::Ringing
            | Phase::Answered { .. }
            | Phase::Told { .. }
            | Phase::Hearing(_)
            | Phase::Walking { .. }
            | Phase::Talking => outcome_of(cause),
        };
        self.not_reached(turn, cause);
        self.leave_flow(turn);
        self.leave_line(turn, leaving(cause));
        self.leg.discharge(turn);
        let ended = Parting { outcome, cause, duration: turn.now.since(self.offered) };
        if matches!(self.leg.stream, Stream::Open) {
            turn.media(MediaCommand::Close { leg: self.leg.id });
            self.phase = Phase::Closing { ended, until: turn.now + CLOSE_MAX };
        } else {
            self.finish(turn, ended);
        }
    }

    /// The reactor has closed the audio.
    pub(super) fn audio_closed(&mut self, turn: &mut Turn<'_>, report: StreamReport) {
        if matches!(self.leg.stream, Stream::Open) {
            self.audio_gone(turn, Stream::Closed(report));
        }
    }

    /// The reactor could not open the port.
    pub(super) fn audio_failed(&mut self, turn: &mut Turn<'_>, reason: String) {
        if matches!(self.leg.stream, Stream::Open) {
            turn.journal(Some(self.id), JournalEvent::AudioFailed { reason });
            self.audio_gone(turn, Stream::Failed);
        }
    }

    fn audio_gone(&mut self, turn: &mut Turn<'_>, stream: Stream) {
        self.leg.stream = stream;
        match &self.phase {
            Phase::Closing { ended, .. } => {
                let ended = *ended;
                self.finish(turn, ended);
            }
            _ => self.hang_up(turn, Cause::MediaFailed, Outcome::Failed),
        }
    }

    fn finish(&mut self, turn: &mut Turn<'_>, ended: Parting) {
        let report = match &self.leg.stream {
            Stream::Closed(report) => Some(*report),
            Stream::Unopened | Stream::Open | Stream::Failed => None,
        };
        let Parting { outcome, cause, duration } = ended;
        turn.journal(Some(self.id), JournalEvent::Ended(Box::new(Ended { outcome, cause, duration, report })));
        self.phase = Phase::Over;
    }

    fn follow_plan(&mut self, turn: &mut Turn<'_>, changed: bool) {
        if changed {
            let plan = self.leg.audio.plan().clone();
            turn.journal(Some(self.id), JournalEvent::AudioChanged { codec: plan.codec });
            turn.media(MediaCommand::Change { leg: self.leg.id, plan });
        }
        self.mind_hold(turn);
    }

    fn mind_hold(&mut self, turn: &mut Turn<'_>) {
        let held = !self.leg.audio.plan().direction.sends();
        if self.leg.hold.follow(turn.now, held) {
            turn.journal(Some(self.id), if held { JournalEvent::Held } else { JournalEvent::Resumed });
            self.caller_holds(turn, held);
        }
    }
}

/// How a caller leaves a queue whose leg ends so. Who hangs up has had enough; whose line was lost may come back.
fn leaving(cause: Cause) -> Leaving {
    match cause {
        Cause::RemoteHungUp | Cause::Cancelled => Leaving::Abandoned,
        Cause::NotAcknowledged
        | Cause::LineLost
        | Cause::DialogLost
        | Cause::SessionExpired
        | Cause::MediaLost
        | Cause::TransportFailed
        // Helpline goes, and will be back.
        | Cause::Drained => Leaving::Dropped,
        Cause::LocalHungUp
        | Cause::Refused
        | Cause::RefusedBy(_)
        | Cause::NoAnswer
        | Cause::MediaFailed => Leaving::Failed,
    }
}

fn outcome_of(cause: Cause) -> Outcome {
    match cause {
        Cause::RemoteHungUp => Outcome::HungUp,
        Cause::LocalHungUp => Outcome::Completed,
        Cause::Cancelled => Outcome::Cancelled,
        Cause::Refused => Outcome::Refused,
        Cause::Drained => Outcome::Drained,
        Cause::RefusedBy(_)
        | Cause::NoAnswer
        | Cause::NotAcknowledged
        | Cause::LineLost
        | Cause::DialogLost
        | Cause::SessionExpired
        | Cause::MediaLost
        | Cause::MediaFailed
        | Cause::TransportFailed => Outcome::Failed,
    }
}
