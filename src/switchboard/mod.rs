//! The one owner of all calls: it joins legs, audio and flows by their names and routes between them. It decides nothing
//! about menus, codecs or retransmissions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Calendar, Moment};
use crate::flow::{CallFacts, FlowSet};
use crate::journal::{JournalEntry, JournalEvent, Offered, Outcome, RefusalReason};
use crate::telephony::{
    CallId, Cause, Clip, Codec, DigitSource, InbandDigits, Incoming, LegId, MediaCommand, MediaEvent, Refusal,
    SipCommand, SipEvent,
};

mod audio;
mod call;
mod digits;
mod hold;
mod ports;

use audio::Audio;
pub use call::{ACKNOWLEDGE_MAX, CALL_MAX, CLOSE_MAX, HANG_UP_MAX, LINGER};
use call::{Call, Visit};
pub use hold::HOLD_MAX;
pub use ports::{PortPool, REST, REST_AFTER_FAILURE};

/// What is fixed for the life of the process.
#[derive(Clone, Debug)]
pub struct Settings {
    /// RTP takes the even ports of this range.
    pub ports: RangeInclusive<u16>,
    /// How many media reactors there are; at least 1. A port belongs to one of them for good.
    pub reactors: usize,
    /// `limits.calls`: as many calls at once.
    pub calls_max: usize,
    /// The codecs we take, most preferred first; never empty.
    pub codecs: Vec<Codec>,
    /// Whether tones are looked for in the audio.
    pub inband_digits: InbandDigits,
    /// How long calls in progress may go on when Helpline closes down.
    pub drain: Duration,
    /// The name of the first call. One that no earlier run has used keeps the records apart.
    pub first_call: CallId,
}

/// The flows and their recordings, loaded and checked together. A call keeps the revision with which it began.
#[derive(Debug, Default)]
pub struct Revision {
    /// One more with each reload.
    pub number: u32,
    /// The flows.
    pub flows: Arc<FlowSet>,
    /// The recording of each of [`FlowSet::prompts`], at the same place; `None` where it is missing.
    pub clips: Vec<Option<Arc<Clip>>>,
}

/// What the switchboard is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// By `sip`.
    Sip(SipEvent),
    /// By a media reactor.
    Media(MediaEvent),
    /// By whoever runs the place.
    Operator(OperatorCommand),
    /// The deadline has come.
    Expired,
    /// Somebody has set the time of day, or a while has passed since it was last told.
    Calendar(Calendar),
    /// New calls follow this.
    Revision(Arc<Revision>),
}

/// What an operator may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorCommand {
    /// Take no new calls; those in progress may go on for [`Settings::drain`].
    Drain,
    /// End this call.
    HangUp(CallId),
    /// End all calls, because Helpline closes down.
    HangUpAll,
}

/// What the switchboard wants done, in this order.
#[derive(Clone, Debug)]
pub enum Output {
    /// By `sip`.
    Sip(SipCommand),
    /// By a media reactor.
    Media {
        /// Which: below [`Settings::reactors`].
        reactor: usize,
        /// What.
        command: MediaCommand,
    },
    /// By whoever reads the journal.
    Journal(JournalEntry),
}

/// The state of the house, for those who only look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Calls in progress, those that are ending included.
    pub calls: usize,
    /// As many there may be.
    pub calls_max: usize,
    /// RTP ports that could be taken.
    pub ports_free: usize,
    /// Whether Helpline is closing down.
    pub draining: bool,
}

/// The one owner of all calls.
#[derive(Debug)]
pub struct Switchboard {
    settings: Settings,
    calendar: Calendar,
    revision: Arc<Revision>,
    random: fastrand::Rng,
    calls: BTreeMap<CallId, Box<Call>>,
    legs: BTreeMap<LegId, CallId>,
    /// The deadline of every call.
    deadlines: BTreeSet<(Moment, CallId)>,
    ports: PortPool,
    next_call: CallId,
    playbacks: u64,
    drain: Option<Drain>,
}

#[derive(Clone, Copy, Debug)]
struct Drain {
    /// When those still in progress are ended; `None` once that was done.
    until: Option<Moment>,
}

/// All that a call may use while it takes an input.
pub(crate) struct Turn<'a> {
    pub(crate) now: Moment,
    pub(crate) calendar: Calendar,
    pub(crate) settings: &'a Settings,
    pub(crate) playbacks: &'a mut u64,
    pub(crate) out: &'a mut Vec<Output>,
}

impl Turn<'_> {
    pub(crate) fn journal(&mut self, call: Option<CallId>, event: JournalEvent) {
        self.out.push(journal(self.now, call, event));
    }

    pub(crate) fn sip(&mut self, command: SipCommand) {
        self.out.push(Output::Sip(command));
    }

    /// To the reactor that `port` belongs to: it stays the same for the life of a leg.
    pub(crate) fn media(&mut self, port: u16, command: MediaCommand) {
        let reactor = usize::from(port / 2) % self.settings.reactors;
        self.out.push(Output::Media { reactor, command });
    }
}

impl Switchboard {
    /// An empty switchboard. `random` gives the session ids of descriptions.
    pub fn new(settings: Settings, calendar: Calendar, revision: Arc<Revision>, random: fastrand::Rng) -> Switchboard {
        assert!(settings.reactors > 0 && !settings.codecs.is_empty(), "a reactor and a codec are needed");
        let ports = PortPool::new(settings.ports.clone());
        Switchboard {
            next_call: settings.first_call,
            settings,
            calendar,
            revision,
            random,
            calls: BTreeMap::new(),
            legs: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            ports,
            playbacks: 0,
            drain: None,
        }
    }

    /// Takes one input at `now`, which is never before that of the last one.
    pub fn handle(&mut self, now: Moment, input: Input) -> Vec<Output> {
        let mut out = Vec::with_capacity(8);
        match input {
            Input::Sip(event) => self.signal(now, event, &mut out),
            Input::Media(event) => self.media(now, event, &mut out),
            Input::Operator(command) => self.operate(now, command, &mut out),
            Input::Expired => self.expire(now, &mut out),
            Input::Calendar(calendar) => self.calendar = calendar,
            Input::Revision(revision) => {
                out.push(journal(now, None, JournalEvent::Revised { revision: revision.number }));
                self.revision = revision;
            }
        }
        out
    }

    /// When to call with `Expired`, if nothing comes before.
    pub fn deadline(&self) -> Option<Moment> {
        let call = self.deadlines.first().map(|(moment, _)| *moment);
        let drain = self.drain.and_then(|drain| drain.until);
        call.into_iter().chain(drain).min()
    }

    /// Whether the time of calls in progress is over because Helpline closes down.
    pub fn drained(&self) -> bool {
        self.drain.is_some_and(|drain| drain.until.is_none())
    }

    /// The state of the house at `now`.
    pub fn snapshot(&mut self, now: Moment) -> Snapshot {
        Snapshot {
            calls: self.calls.len(),
            calls_max: self.settings.calls_max,
            ports_free: self.ports.available(now),
            draining: self.drain.is_some(),
        }
    }

    /// Panics when a promise is broken: every port is free, resting or owned once; every call has its leg and its
    /// deadline; there are no more calls than allowed.
    pub fn assert_consistent(&self) {
        self.ports.assert_consistent(self.calls.values().map(|call| call.port()));
        assert_eq!(self.legs.len(), self.calls.len(), "a leg without a call, or a call without a leg");
        for (leg, id) in &self.legs {
            assert_eq!(self.calls.get(id).map(|call| call.leg()), Some(*leg), "{leg} names no call of its own");
        }
        assert_eq!(self.deadlines.len(), self.calls.len(), "a call without a deadline");
        for (id, call) in &self.calls {
            assert!(self.deadlines.contains(&(call.deadline(), *id)), "{id} has another deadline");
            call.assert_consistent();
        }
        assert!(self.calls.len() <= self.settings.calls_max, "more calls than allowed");
    }

    fn signal(&mut self, now: Moment, event: SipEvent, out: &mut Vec<Output>) {
        let leg = match &event {
            SipEvent::Incoming(incoming) => incoming.leg,
            SipEvent::Confirmed { leg, .. }
            | SipEvent::Offered { leg, .. }
            | SipEvent::Digit { leg, .. }
            | SipEvent::Ringing { leg, .. }
            | SipEvent::Answered { leg, .. }
            | SipEvent::Ended { leg, .. } => *leg,
            SipEvent::Tally(_) => {
                if let SipEvent::Tally(tally) = event {
                    out.push(journal(now, None, JournalEvent::Sip(tally)));
                }
                return;
            }
        };
        if let SipEvent::Incoming(incoming) = event {
            if !self.legs.contains_key(&leg) {
                self.incoming(now, *incoming, out);
            }
            return;
        }
        self.with_leg(now, leg, out, |call, turn| match event {
            SipEvent::Confirmed { answer, .. } => call.confirmed(turn, answer),
            SipEvent::Offered { offer, .. } => call.offered(turn, offer),
            SipEvent::Digit { digit, .. } => call.digit(turn, digit, DigitSource::Info),
            SipEvent::Ended { cause, .. } => call.leg_ended(turn, cause),
            // Of legs that we dial; every leg here came in.
            SipEvent::Ringing { .. } | SipEvent::Answered { .. } => {}
            SipEvent::Incoming(_) | SipEvent::Tally(_) => unreachable!("taken above"),
        });
    }

    fn media(&mut self, now: Moment, event: MediaEvent, out: &mut Vec<Output>) {
        match event {
            MediaEvent::Digit { leg, digit, source } => {
                self.with_leg(now, leg, out, |call, turn| call.digit(turn, digit, source));
            }
            MediaEvent::PlaybackFinished { leg, playback } => {
                self.with_leg(now, leg, out, |call, turn| call.playback_finished(turn, playback));
            }
            MediaEvent::Silent { leg } => {
                self.with_leg(now, leg, out, |call, turn| call.hang_up(turn, Cause::MediaLost, Outcome::Failed));
            }
            MediaEvent::Failed { leg, reason } => {
                self.with_leg(now, leg, out, |call, turn| call.audio_failed(turn, reason));
            }
            MediaEvent::Closed { leg, report } => {
                self.with_leg(now, leg, out, |call, turn| call.audio_closed(turn, report));
            }
            MediaEvent::Tally(tally) => out.push(journal(now, None, JournalEvent::Media(tally))),
        }
    }

    fn operate(&mut self, now: Moment, command: OperatorCommand, out: &mut Vec<Output>) {
        match command {
            OperatorCommand::Drain => {
                if self.drain.is_none() {
                    let time = self.settings.drain;
                    self.drain = Some(Drain { until: Some(now + time) });
                    out.push(Output::Sip(SipCommand::Drain));
                    out.push(journal(now, None, JournalEvent::Draining { calls: self.calls.len(), time }));
                }
            }
            OperatorCommand::HangUp(call) => {
                self.with_call(now, call, out, |call, turn| {
                    call.hang_up(turn, Cause::LocalHungUp, Outcome::Operator);
                });
            }
            OperatorCommand::HangUpAll => {
                if self.drain.is_none() {
                    out.push(Output::Sip(SipCommand::Drain));
                }
                self.drain = Some(Drain { until: None });
                let calls: Vec<CallId> = self.calls.keys().copied().collect();
                for call in calls {
                    self.with_call(now, call, out, |call, turn| call.hang_up(turn, Cause::Drained, Outcome::Drained));
                }
            }
        }
    }

    fn expire(&mut self, now: Moment, out: &mut Vec<Output>) {
        if self.drain.and_then(|drain| drain.until).is_some_and(|until| until <= now) {
            self.operate(now, OperatorCommand::HangUpAll, out);
        }
        while let Some((moment, call)) = self.deadlines.first().copied()
            && moment <= now
        {
            self.with_call(now, call, out, |call, turn| call.expire(turn));
            let unmoved = self.deadlines.first() == Some(&(moment, call));
            assert!(!unmoved, "{call} does not act on its deadline");
        }
    }

    fn incoming(&mut self, now: Moment, incoming: Incoming, out: &mut Vec<Output>) {
        let leg = incoming.leg;
        let entry = self.revision.flows.for_number(&incoming.dialled);
        let flow = entry.map(|entry| self.revision.flows.flow(entry).name.clone());
        let offered = Box::new(Offered {
            caller: incoming.caller.clone(),
            dialled: incoming.dialled.clone(),
            flow,
            source: incoming.source,
            transport: incoming.transport,
            sip_call_id: incoming.sip_call_id.clone(),
        });
        let refused = |out: &mut Vec<Output>, offered, reason, refusal: Refusal| {
            let status = refusal.status;
            out.push(Output::Sip(SipCommand::Reject { leg, refusal }));
            out.push(journal(now, None, JournalEvent::Refused { offered, reason, status }));
        };
        let later = |after| Refusal { retry_after: Some(after), ..Refusal::status(503) };
        if self.drain.is_some() {
            return refused(out, offered, RefusalReason::Draining, later(self.settings.drain));
        }
        let Some(entry) = entry else {
            return refused(out, offered, RefusalReason::NoSuchNumber, Refusal::status(404));
        };
        if self.calls.len() >= self.settings.calls_max {
            return refused(out, offered, RefusalReason::CallsFull, later(RETRY_AFTER));
        }
        let Some(port) = self.ports.take(now) else {
            let wait = self.ports.next_free().map_or(RETRY_AFTER, |free| free.since(now));
            return refused(out, offered, RefusalReason::PortsFull, later(wait.max(Duration::from_secs(1))));
        };
        let session_id = self.random.u64(1..1 << 62);
        let audio = match Audio::open(incoming.offer.as_ref(), incoming.local, port, session_id, &self.settings) {
            Ok(audio) => audio,
            Err(warning) => {
                self.ports.give_back(port);
                let refusal = Refusal { warning: Some(warning), ..Refusal::status(488) };
                return refused(out, offered, RefusalReason::NotAcceptable, refusal);
            }
        };
        let id = self.next_call;
        self.next_call = CallId(id.0.wrapping_add(1));
        let facts = CallFacts { caller: incoming.caller, dialled: incoming.dialled };
        let mut turn =
            Turn { now, calendar: self.calendar, settings: &self.settings, playbacks: &mut self.playbacks, out };
        turn.journal(Some(id), JournalEvent::Offered(offered));
        let call = Call::answer(&mut turn, id, leg, audio, Visit { revision: self.revision.clone(), entry, facts });
        self.deadlines.insert((call.deadline(), id));
        self.legs.insert(leg, id);
        self.calls.insert(id, Box::new(call));
    }

    /// The one place where what names a leg that is gone is ignored.
    fn with_leg(&mut self, now: Moment, leg: LegId, out: &mut Vec<Output>, act: impl FnOnce(&mut Call, &mut Turn<'_>)) {
        if let Some(call) = self.legs.get(&leg).copied() {
            self.with_call(now, call, out, act);
        }
    }

    /// Lets a call act; its deadline is kept in order, and what it owned comes back when it is over.
    fn with_call(
        &mut self,
        now: Moment,
        id: CallId,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut Call, &mut Turn<'_>),
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let before = call.deadline();
        let mut turn =
            Turn { now, calendar: self.calendar, settings: &self.settings, playbacks: &mut self.playbacks, out };
        act(call, &mut turn);
        let after = call.deadline();
        if let Some(over) = call.over() {
            if over.port_is_sound {
                self.ports.release(now, call.port());
            } else {
                self.ports.release_failed(now, call.port());
            }
            self.deadlines.remove(&(before, id));
            self.legs.remove(&call.leg());
            self.calls.remove(&id);
        } else if before != after {
            self.deadlines.remove(&(before, id));
            self.deadlines.insert((after, id));
        }
    }
}

/// What a caller is told to wait when the house is full.
pub const RETRY_AFTER: Duration = Duration::from_secs(10);

fn journal(at: Moment, call: Option<CallId>, event: JournalEvent) -> Output {
    Output::Journal(JournalEntry { at, call, event })
}
