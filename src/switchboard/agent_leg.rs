//! A leg to an agent's phone: it rings for one caller, is joined to them, and ends.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Turn;
use super::audio::{Audio, Stream};
use super::call::{CALL_MAX, CLOSE_MAX, HANG_UP_MAX};
use super::errand::Errand;
use super::leg::{Duty, Leg, Party};
use super::sent::{Whom, untransferred};
use crate::acd::{self, AgentId, OfferId, Refused};
use crate::clock::Moment;
use crate::flow::MAX_CODE;
use crate::journal::JournalEvent;
use crate::telephony::{
    CallHeaders, CallId, Caller, Cause, Clip, Digit, LegId, MediaCommand, PlaybackId, Refusal, SessionDescription,
    SipCommand, StreamReport,
};

/// The distributor stops an offer by itself; this is for the case that its word never comes.
const RING_SPARE: Duration = Duration::from_secs(5);

/// The reactor tells when a whisper has been heard; this is for the case that its word never comes, or that the agent's
/// side holds.
const WHISPER_SPARE: Duration = Duration::from_secs(2);

/// Keys that are so far apart make no code together.
const CODE_GAP: Duration = Duration::from_secs(4);

/// A leg to an agent's phone.
#[derive(Debug)]
pub(super) struct AgentLeg {
    leg: Leg,
    /// The caller for whom it rings or whom it is joined to.
    call: CallId,
    /// Whether that call has begun: who is to be called back has none yet in whose story anything could be told.
    begun: bool,
    dialled: Moment,
    /// The keys that they pressed last in the conversation.
    keyed: (Moment, String),
    /// What whoever answers is called in the journal.
    named: Arc<str>,
    /// What they hear before they hear the caller whom a flow passes on to them.
    announce: Vec<Arc<Clip>>,
    phase: Phase,
}

/// How far a leg has come.
#[derive(Debug)]
enum Phase {
    /// The phone rings.
    Ringing { why: Why, until: Moment },
    /// The agent has picked up; whoever wanted that is asked whether it still is.
    PickedUp,
    /// The agent waits for a caller who is called meanwhile, and hears this after the words that play.
    Expecting { playing: Option<PlaybackId>, music: Vec<Arc<Clip>>, until: Moment },
    /// The agent hears about the caller, who waits on.
    Whispering { playback: PlaybackId, until: Moment },
    /// Whoever a flow has rung hears something before the caller, who holds.
    Announcing { playback: PlaybackId, until: Moment },
    /// Agent and caller hear each other.
    Joined,
    /// `sip` is to end the leg.
    HangingUp { until: Moment },
    /// The leg is over; the reactor is to close its audio.
    Closing { until: Moment },
    /// Nothing is left but to give the port back.
    Over,
}

/// Why a phone rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The distributor offers a caller of a queue.
    Offer(OfferId),
    /// A colleague has dialled the extension.
    Direct,
    /// A caller is passed on to them.
    Passed,
    /// A flow passes a caller on to them.
    Sent,
}

/// Whom to ring, for whom and until when, and what to show them.
pub(super) struct Ring {
    pub(super) whom: Whom,
    pub(super) call: CallId,
    /// Whether the call has begun, rather than being one that is made when the phone is answered.
    pub(super) begun: bool,
    pub(super) why: Why,
    pub(super) until: Moment,
    pub(super) caller: Caller,
    pub(super) headers: CallHeaders,
    /// What is heard by who answers, before the caller is.
    pub(super) announce: Vec<Arc<Clip>>,
}

impl AgentLeg {
    /// Opens the audio, beside that of another leg where that is known, and dials.
    pub(super) fn dial(
        turn: &mut Turn<'_>,
        (id, audio, beside): (LegId, Audio, Option<LegId>),
        ring: Ring,
    ) -> AgentLeg {
        turn.open(id, audio.port, audio.plan().clone(), beside);
        let (named, caller, offer) = (ring.whom.name(), ring.caller, audio.description().clone());
        let (agent, dial) = match ring.whom {
            Whom::Agent(party) => {
                let (extension, headers) = (party.extension.to_string(), ring.headers);
                (Some(party), SipCommand::DialAgent { leg: id, extension, caller, offer, headers })
            }
            Whom::Number { number, trunk } => (None, SipCommand::DialTrunk { leg: id, trunk, number, caller, offer }),
            Whom::Address(uri) => (None, SipCommand::Dial { leg: id, uri: uri.to_string(), caller, offer }),
        };
        turn.sip(dial);
        let mut leg = Leg { agent, ..Leg::new(id, audio, Stream::Open) };
        let until = match ring.why {
            Why::Offer(_) => ring.until + RING_SPARE,
            Why::Direct | Why::Passed | Why::Sent => {
                leg.count_as_direct(turn);
                ring.until
            }
        };
        let phase = Phase::Ringing { why: ring.why, until };
        let (call, begun, announce) = (ring.call, ring.begun, ring.announce);
        AgentLeg { leg, call, begun, dialled: turn.now, keyed: Default::default(), named, announce, phase }
    }

    /// A leg that came from elsewhere: an agent at it talks to the caller of `call` from now on.
    pub(super) fn adopt(turn: &mut Turn<'_>, leg: Leg, call: CallId) -> AgentLeg {
        let named = leg.agent.as_ref().map(|party| party.extension.clone()).unwrap_or_default();
        AgentLeg {
            leg,
            call,
            begun: true,
            dialled: turn.now,
            keyed: Default::default(),
            named,
            announce: Vec::new(),
            phase: Phase::Joined,
        }
    }

    pub(super) fn leg_mut(&mut self) -> &mut Leg {
        &mut self.leg
    }

    pub(super) fn id(&self) -> LegId {
        self.leg.id
    }

    pub(super) fn port(&self) -> u16 {
        self.leg.audio.port
    }

    /// The agent whose phone it is, if it is one's.
    pub(super) fn agent(&self) -> Option<AgentId> {
        self.leg.agent()
    }

    /// The same, with the extension.
    pub(super) fn party(&self) -> Option<&Party> {
        self.leg.agent.as_ref()
    }

    /// As what the distributor counts it.
    pub(super) fn duty(&self) -> Option<(AgentId, Duty)> {
        Some((self.leg.agent()?, self.leg.duty?))
    }

    /// Whether the agent has picked up for a caller of a queue, and is on the line.
    pub(super) fn has_line(&self) -> bool {
        let on_line =
            matches!(self.phase, Phase::PickedUp | Phase::Expecting { .. } | Phase::Whispering { .. } | Phase::Joined);
        on_line && self.leg.duty == Some(Duty::Queue)
    }

    /// Whether the agent hears about the caller.
    pub(super) fn whispers(&self) -> bool {
        matches!(self.phase, Phase::Whispering { .. })
    }

    /// Whether the phone's call stands, and may be changed.
    fn stands(&self) -> bool {
        matches!(
            self.phase,
            Phase::Expecting { .. } | Phase::Whispering { .. } | Phase::Announcing { .. } | Phase::Joined
        )
    }

    /// The offer for which it rings, if it does.
    pub(super) fn offer(&self) -> Option<OfferId> {
        match self.phase {
            Phase::Ringing { why: Why::Offer(offer), .. } => Some(offer),
            _ => None,
        }
    }

    /// The call that has it rung, be it dialled or passed on, while it rings.
    pub(super) fn rings_for(&self) -> Option<CallId> {
        let rings = match self.phase {
            Phase::Ringing { why, .. } => !matches!(why, Why::Offer(_)),
            Phase::Announcing { .. } => true,
            _ => false,
        };
        rings.then_some(self.call)
    }

    /// The caller whom it is joined to, if it is.
    pub(super) fn joined_to(&self) -> Option<CallId> {
        matches!(self.phase, Phase::Joined).then_some(self.call)
    }

    /// When the leg must act if nothing comes before. There is always such a moment, so that no leg is forgotten.
    pub(super) fn deadline(&self) -> Moment {
        match self.phase {
            Phase::Ringing { until, .. }
            | Phase::Expecting { until, .. }
            | Phase::Whispering { until, .. }
            | Phase::Announcing { until, .. }
            | Phase::HangingUp { until, .. }
            | Phase::Closing { until } => until,
            Phase::Joined => {
                let last = self.dialled + CALL_MAX;
                self.leg.hold.limit().map_or(last, |limit| limit.min(last))
            }
            Phase::PickedUp | Phase::Over => self.dialled,
        }
    }

    /// When all is over: whether its port could be opened.
    pub(super) fn over(&self) -> Option<bool> {
        matches!(self.phase, Phase::Over).then_some(!matches!(self.leg.stream, Stream::Failed | Stream::Open))
    }

    /// Panics when a promise is broken.
    pub(super) fn assert_consistent(&self) {
        match (&self.phase, &self.leg.stream) {
            (
                Phase::Ringing { .. }
                | Phase::Expecting { .. }
                | Phase::Whispering { .. }
                | Phase::Announcing { .. }
                | Phase::Joined
                | Phase::Closing { .. },
                Stream::Open,
            ) => {}
            (Phase::HangingUp { .. }, _) => {}
            (phase, stream) => panic!("{} cannot be {phase:?} with its audio {stream:?}", self.leg.id),
        }
    }

    /// The phone has answered.
    pub(super) fn answered(&mut self, turn: &mut Turn<'_>, answer: &SessionDescription, local: IpAddr) {
        if !matches!(self.phase, Phase::Ringing { .. }) {
            return; // `sip` ends what was answered too late.
        }
        self.leg.audio.reached_by(local);
        match self.leg.audio.accept(answer, turn.settings) {
            Ok(changed) => {
                turn.errand(Errand::PickedUp { leg: self.leg.id });
                self.follow_plan(turn, changed);
            }
            Err(warning) => {
                self.failed(turn, warning.text);
                self.refuse(turn, Cause::RefusedBy(488));
                self.hang_up(turn, Cause::MediaFailed);
            }
        }
    }

    /// The phone tells that it rings.
    pub(super) fn rings(&self, turn: &mut Turn<'_>) {
        // A waiting caller hears music meanwhile, whatever the agent's side would have them hear.
        if let Some(call) = self.rings_for() {
            turn.errand(Errand::Rings { call, leg: self.leg.id });
        }
    }

    /// Whoever had it rung is asked: what becomes of the leg is in their hands now.
    pub(super) fn picked_up(&mut self) -> Option<(Why, CallId)> {
        let Phase::Ringing { why, .. } = self.phase else { return None };
        if let Why::Offer(_) = why {
            self.leg.duty = Some(Duty::Queue);
        }
        self.phase = Phase::PickedUp;
        Some((why, self.call))
    }

    /// The caller is called meanwhile: the agent hears words, and then music.
    pub(super) fn expect(&mut self, turn: &mut Turn<'_>, words: Vec<Arc<Clip>>, music: Vec<Arc<Clip>>, until: Moment) {
        if !matches!(self.phase, Phase::PickedUp) {
            return;
        }
        let playing = self.play(turn, words);
        self.begun = true;
        self.phase = Phase::Expecting { playing, music, until };
        if playing.is_none() {
            self.entertain_expecting(turn);
        }
    }

    fn entertain_expecting(&mut self, turn: &mut Turn<'_>) {
        if let Phase::Expecting { music, .. } = &mut self.phase {
            let clips = std::mem::take(music);
            if !clips.is_empty() {
                turn.media(MediaCommand::Music { leg: self.leg.id, clips, together: false });
            }
        }
    }

    fn play(&self, turn: &mut Turn<'_>, clips: Vec<Arc<Clip>>) -> Option<PlaybackId> {
        if clips.is_empty() {
            return None;
        }
        let playback = turn.playback();
        turn.media(MediaCommand::Play { leg: self.leg.id, playback, clips, repeat: false });
        Some(playback)
    }

    /// The call of the caller for whom it was picked up.
    pub(super) fn leads_to(&mut self, call: Option<CallId>) {
        if let Some(call) = call {
            (self.call, self.begun) = (call, true);
        }
    }

    /// The agent hears these before the caller. Tells whether they do.
    pub(super) fn whisper(&mut self, turn: &mut Turn<'_>, clips: Vec<Arc<Clip>>) -> bool {
        if !matches!(self.phase, Phase::PickedUp) || clips.is_empty() {
            return false;
        }
        let playback = turn.playback();
        let length: Duration = clips.iter().map(|clip| clip.duration()).sum();
        self.phase = Phase::Whispering { playback, until: turn.now + length + WHISPER_SPARE };
        turn.media(MediaCommand::Play { leg: self.leg.id, playback, clips, repeat: false });
        true
    }

    /// Whoever a flow has rung hears what is to be said to them. Tells whether they hear anything.
    pub(super) fn announce(&mut self, turn: &mut Turn<'_>) -> bool {
        if !matches!(self.phase, Phase::PickedUp) || self.announce.is_empty() {
            return false;
        }
        let clips = std::mem::take(&mut self.announce);
        let playback = turn.playback();
        let length: Duration = clips.iter().map(|clip| clip.duration()).sum();
        self.phase = Phase::Announcing { playback, until: turn.now + length + WHISPER_SPARE };
        turn.media(MediaCommand::Play { leg: self.leg.id, playback, clips, repeat: false });
        true
    }

    /// Whether they do.
    pub(super) fn hears_announcement(&self) -> bool {
        matches!(self.phase, Phase::Announcing { .. })
    }

    /// What whoever is at the other end is called in the journal.
    pub(super) fn named(&self) -> &Arc<str> {
        &self.named
    }

    /// The reactor has sent the last frame of a playback.
    pub(super) fn playback_finished(&mut self, turn: &mut Turn<'_>, finished: PlaybackId) {
        match &mut self.phase {
            Phase::Whispering { playback, .. } if *playback == finished => {
                turn.errand(Errand::Whispered { leg: self.leg.id });
            }
            Phase::Announcing { playback, .. } if *playback == finished => {
                turn.errand(Errand::Announced { leg: self.leg.id });
            }
            Phase::Expecting { playing, .. } if *playing == Some(finished) => {
                *playing = None;
                self.entertain_expecting(turn);
            }
            _ => {}
        }
    }

    /// Any key ends what the agent is told about the caller.
    pub(super) fn skip(&self, turn: &mut Turn<'_>) {
        if self.whispers() {
            turn.errand(Errand::Whispered { leg: self.leg.id });
        } else if self.hears_announcement() {
            turn.errand(Errand::Announced { leg: self.leg.id });
        }
    }

    /// The agent has pressed a key in the conversation: all of those that belong together.
    pub(super) fn keyed(&mut self, now: Moment, digit: Digit) -> &str {
        let (last, keys) = &mut self.keyed;
        if now.since(*last) > CODE_GAP || keys.len() >= MAX_CODE {
            keys.clear();
        }
        *last = now;
        keys.push(digit.as_char());
        keys
    }

    /// The caller was still there.
    pub(super) fn joined(&mut self, turn: &mut Turn<'_>) {
        if matches!(
            self.phase,
            Phase::PickedUp | Phase::Expecting { .. } | Phase::Whispering { .. } | Phase::Announcing { .. }
        ) {
            self.phase = Phase::Joined;
            self.tell_hold(turn);
        }
    }

    /// The caller whom it was joined to has given it to that of another call.
    pub(super) fn rejoin(&mut self, call: CallId) {
        if matches!(self.phase, Phase::Joined) {
            self.call = call;
        }
    }

    /// The phone is another call's from now on: of one that is passed on to it, or has taken the place of the one for
    /// which a queue has it rung, or has its agent told about.
    pub(super) fn ring_for(&mut self, call: CallId) {
        if self.is_rung_for(self.call) {
            self.call = call;
        }
        if let Phase::Ringing { why, .. } = &mut self.phase
            && *why == Why::Direct
        {
            *why = Why::Passed;
        }
    }

    /// Whether it rings for this call, for whatever reason, or its agent hears about the call's caller.
    pub(super) fn is_rung_for(&self, call: CallId) -> bool {
        matches!(self.phase, Phase::Ringing { .. } | Phase::Whispering { .. }) && self.call == call
    }

    /// Tells a conversation that has just begun that the agent's side holds it, where it does.
    pub(super) fn tell_hold(&self, turn: &mut Turn<'_>) {
        if matches!(self.phase, Phase::Joined) && self.leg.hold.limit().is_some() {
            turn.errand(Errand::AgentHolds { call: self.call, leg: self.leg.id, holding: true });
        }
    }

    /// Our re-INVITE, or our offer in a 200, was answered.
    pub(super) fn confirmed(&mut self, turn: &mut Turn<'_>, answer: Option<SessionDescription>) {
        if !self.stands() || !self.leg.audio.awaits_answer() {
            return;
        }
        match answer.map(|answer| self.leg.audio.accept(&answer, turn.settings)) {
            Some(Ok(changed)) => self.follow_plan(turn, changed),
            Some(Err(_)) | None => self.lost(turn, Cause::MediaFailed),
        }
    }

    /// The agent's side wants the audio otherwise: hold, resume, another address or codec.
    pub(super) fn offered(&mut self, turn: &mut Turn<'_>, offer: Option<SessionDescription>) {
        let leg = self.leg.id;
        if !self.stands() {
            return turn.sip(SipCommand::RefuseChange { leg, refusal: Refusal::status(481) });
        }
        match self.leg.audio.change(offer.as_ref(), turn.settings) {
            Ok(changed) => {
                turn.sip(SipCommand::AcceptChange { leg, description: self.leg.audio.description().clone() });
                self.follow_plan(turn, changed);
            }
            Err(warning) => {
                let refusal = Refusal { warning: Some(warning), ..Refusal::status(488) };
                turn.journal(Some(self.call), JournalEvent::ChangeRefused { status: refusal.status });
                turn.sip(SipCommand::RefuseChange { leg, refusal });
            }
        }
    }

    /// The caller pressed a key by INFO.
    pub(super) fn hears_key(&self, turn: &mut Turn<'_>, digit: Digit) {
        if matches!(self.phase, Phase::Joined) {
            self.leg.hears_key(turn, digit);
        }
    }

    /// The agent hears this while the caller holds, and the caller again when there is none.
    pub(super) fn entertain(&self, turn: &mut Turn<'_>, music: Option<Vec<Arc<Clip>>>) {
        if !matches!(self.phase, Phase::Joined) {
            return;
        }
        match music {
            None => turn.media(MediaCommand::Stop { leg: self.leg.id }),
            Some(clips) if !clips.is_empty() => {
                turn.media(MediaCommand::Music { leg: self.leg.id, clips, together: false });
            }
            Some(_) => {}
        }
    }

    /// Ends the leg because it is not wanted any more; nothing when it is ending already.
    pub(super) fn hang_up(&mut self, turn: &mut Turn<'_>, cause: Cause) {
        if matches!(self.phase, Phase::HangingUp { .. } | Phase::Closing { .. } | Phase::Over) {
            return;
        }
        turn.sip(SipCommand::HangUp { leg: self.leg.id, cause });
        self.phase = Phase::HangingUp { until: turn.now + HANG_UP_MAX };
    }

    /// The distributor knows nothing any more of what was picked up: nobody is to hear anything.
    pub(super) fn came_late(&mut self, turn: &mut Turn<'_>) {
        self.leg.duty = None;
        self.hang_up(turn, Cause::LocalHungUp);
    }

    /// The line to the agent was lost: the caller is to wait again.
    pub(super) fn lost(&mut self, turn: &mut Turn<'_>, cause: Cause) {
        match self.phase {
            Phase::Ringing { .. } | Phase::Announcing { .. } => self.refuse(turn, cause),
            Phase::Joined => turn.errand(Errand::AgentLeft { call: self.call, leg: self.leg.id, broken: true }),
            // The caller, who still waits, is to be offered to another now, and not when the phone has replied; and who is
            // called back is not to answer for nobody.
            Phase::Whispering { .. } | Phase::Expecting { .. } => self.leg.discharge(turn),
            _ => {}
        }
        self.hang_up(turn, cause);
    }

    /// The leg is over.
    pub(super) fn ended(&mut self, turn: &mut Turn<'_>, cause: Cause) {
        match &self.phase {
            Phase::Closing { .. } | Phase::Over => return,
            Phase::Ringing { .. } | Phase::Announcing { .. } => self.refuse(turn, cause),
            Phase::PickedUp | Phase::Expecting { .. } | Phase::Joined => {
                let broken = is_broken(cause);
                turn.errand(Errand::AgentLeft { call: self.call, leg: self.leg.id, broken });
            }
            // The caller waits on; the distributor hears that the leg has ended, and offers them to another.
            Phase::Whispering { .. } | Phase::HangingUp { .. } => {}
        }
        self.leg.discharge(turn);
        if matches!(self.leg.stream, Stream::Open) {
            turn.media(MediaCommand::Close { leg: self.leg.id });
            self.phase = Phase::Closing { until: turn.now + CLOSE_MAX };
        } else {
            self.phase = Phase::Over;
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
            self.failed(turn, reason);
            self.audio_gone(turn, Stream::Failed);
        }
    }

    fn audio_gone(&mut self, turn: &mut Turn<'_>, stream: Stream) {
        self.leg.stream = stream;
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
                self.refuse(turn, Cause::NoAnswer);
                self.hang_up(turn, Cause::NoAnswer);
            }
            Phase::Announcing { playback, .. } => {
                self.phase = Phase::Announcing { playback, until: turn.now + WHISPER_SPARE };
                turn.errand(Errand::Announced { leg: self.leg.id });
            }
            Phase::Whispering { playback, .. } => {
                self.phase = Phase::Whispering { playback, until: turn.now + WHISPER_SPARE };
                turn.errand(Errand::Whispered { leg: self.leg.id });
            }
            Phase::Joined => {
                turn.errand(Errand::AgentLeft { call: self.call, leg: self.leg.id, broken: false });
                self.hang_up(turn, Cause::LocalHungUp);
            }
            Phase::Expecting { .. } => self.lost(turn, Cause::LocalHungUp),
            Phase::HangingUp { .. } => self.ended(turn, Cause::DialogLost),
            Phase::Closing { .. } => self.phase = Phase::Over,
            Phase::PickedUp | Phase::Over => {}
        }
    }

    /// Tells whoever had it rung that it will not be answered.
    fn refuse(&self, turn: &mut Turn<'_>, cause: Cause) {
        let why = match self.phase {
            Phase::Ringing { why, .. } => why,
            Phase::Announcing { .. } => Why::Sent,
            _ => return,
        };
        match why {
            Why::Offer(offer) => {
                turn.errand(Errand::Distribute(acd::Input::OfferRefused { offer, reason: refusal(cause) }));
            }
            Why::Sent => {
                let (agent, status) = (self.named.clone(), status_of(cause));
                turn.journal(Some(self.call), JournalEvent::NotReached { agent, status });
                turn.errand(Errand::NotSent { call: self.call, leg: self.leg.id, why: untransferred(cause) });
            }
            Why::Direct | Why::Passed => {
                let (agent, status) = (self.named.clone(), status_of(cause));
                turn.journal(Some(self.call), JournalEvent::NotReached { agent, status });
                turn.errand(Errand::RingFailed { call: self.call, leg: self.leg.id, status });
            }
        }
    }

    fn failed(&self, turn: &mut Turn<'_>, reason: String) {
        let agent = self.named.clone();
        turn.journal(self.begun.then_some(self.call), JournalEvent::AgentLegFailed { agent, reason });
    }

    fn follow_plan(&mut self, turn: &mut Turn<'_>, changed: bool) {
        if changed {
            turn.media(MediaCommand::Change { leg: self.leg.id, plan: self.leg.audio.plan().clone() });
        }
        let held = !self.leg.audio.plan().direction.sends();
        if self.leg.hold.follow(turn.now, held) && matches!(self.phase, Phase::Joined) {
            turn.errand(Errand::AgentHolds { call: self.call, leg: self.leg.id, holding: held });
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
        Cause::MediaLost | Cause::MediaFailed => Refused::OurFault,
        _ => Refused::Failed,
    }
}

/// What a colleague's phone is told whose call, or whose transfer, ended so while the other's phone rang.
fn status_of(cause: Cause) -> u16 {
    match cause {
        Cause::RefusedBy(486 | 600) => 486,
        Cause::RefusedBy(300..=399 | 603) => 603,
        Cause::RefusedBy(488 | 606) | Cause::MediaFailed => 488,
        _ => 480,
    }
}

/// Whether a line that ends so was lost, rather than hung up.
fn is_broken(cause: Cause) -> bool {
    !matches!(cause, Cause::RemoteHungUp | Cause::LocalHungUp | Cause::Drained)
}
