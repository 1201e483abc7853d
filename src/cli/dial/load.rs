//! The run: one thread that dials, answers the signalling, and speaks and hears for every call at its own time.

use std::collections::BTreeMap;
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::caller::{Act, Caller, Ending, Plan, Refused};
use super::ear::Measured;
use super::mouth::KeyPath;
use super::reader::{Reader, Wall};
use super::statistics::Histogram;
use super::tape::Tape;
use super::target::Target;
use super::voice::{Voice, audio_reader};
use super::wire::{Brought, Wire};
use crate::clock::{Clock, Moment};
use crate::sip::message::{HeaderName, Message};
use crate::sip::{Output, Peer, Settings, UserAgent};
use crate::telephony::{
    Caller as Party, Cause, Clip, Codec, Digit, InbandDigits, LegId, LocalMedia, PhoneNumber, Refusal,
    SessionDescription, SipCommand, SipEvent, TICK, accept_answer, answer, offer,
};

/// Steps of a tick: the calls are spread over them.
const SLOTS: usize = 20;
/// Calls begun in one step, at most, so that those which talk are not kept waiting.
const DIALLED_PER_STEP: u64 = 50;
/// What is missed by more than this is not made up for: a burst of packets and of calls would be no fair load.
const LATE_MAX: Duration = Duration::from_millis(100);
/// Different endings that are told apart.
const ENDINGS_MAX: usize = 100;
/// How long the first INVITE is left alone before the other side is asked whether anybody listens: as long as until it is
/// sent again, so that who answers meets nothing but calls.
const SILENCE: Duration = Duration::from_millis(500);
/// How long the answers to the last BYEs are awaited.
const FAREWELL_MAX: Duration = Duration::from_secs(3);

/// How keys are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum KeysBy {
    /// Telephone-events in the audio stream (RFC 4733); tones where the other side takes none
    Rtp,
    /// SIP INFO with application/dtmf-relay
    Info,
    /// Tones in the audio
    Inband,
}

/// What a run is to do.
#[derive(Clone, Debug)]
pub struct Order {
    /// Who is called.
    pub target: Target,
    /// The caller's number in From; empty to withhold it.
    pub from: String,
    /// What each caller does.
    pub plan: Plan,
    /// How keys are sent.
    pub keys_by: KeysBy,
    /// What each caller says, once.
    pub recording: Option<Arc<Clip>>,
    /// Calls in all.
    pub calls: u64,
    /// Calls begun a second.
    pub rate: f64,
    /// Whether what the first call hears is kept.
    pub record: bool,
}

/// What the person at the terminal learns while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News<'a> {
    /// The other side rings.
    Ringing,
    /// It answered.
    Answered,
    /// It takes no telephone-events, and keys go as tones.
    Tones,
    /// A key goes out.
    Pressed(Digit),
    /// The call is over.
    Over(&'a Ending),
    /// A second has passed.
    Standing(Standing),
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Since the start.
    pub elapsed: Duration,
    /// Calls dialled.
    pub dialled: u64,
    /// Calls that talk.
    pub talking: u64,
    /// Calls that failed.
    pub failed: u64,
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// From the first INVITE to the end.
    pub elapsed: Duration,
    /// Calls dialled.
    pub attempted: u64,
    /// Calls answered.
    pub answered: u64,
    /// How calls ended, with how many did so.
    pub endings: Vec<(Ending, u64)>,
    /// From INVITE to its 200.
    pub setup: Histogram,
    /// Messages that we sent again because no answer came.
    pub retransmissions_sent: u64,
    /// 200s that the other side sent again because it saw no ACK.
    pub retransmissions_received: u64,
    /// What was heard.
    pub measured: Measured,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// Keys pressed.
    pub keys_pressed: u64,
    /// How late this program itself was, at each step.
    pub lateness: Histogram,
    /// Nobody listens at the target.
    pub nobody_listens: bool,
    /// Why it had to be given up.
    pub trouble: Option<String>,
    /// What the first call heard.
    pub tape: Option<Tape>,
}

struct Call {
    caller: Caller,
    voice: Voice,
    /// When its INVITE left, on the wall's time line.
    dialled: Moment,
    description: SessionDescription,
    answered: bool,
}

/// A run under way.
pub struct Load<'a> {
    order: &'a Order,
    /// 1: hang up everything and end; 2: end at once.
    stop: &'a AtomicUsize,
    tell: &'a mut dyn FnMut(News<'_>),
    clock: Clock,
    wall: Wall,
    wire: Wire,
    agent: UserAgent,
    outputs: Vec<Output>,
    calls: BTreeMap<LegId, Call>,
    /// The calls by the step of the tick in which they speak.
    slots: Vec<Vec<LegId>>,
    reader: Reader,
    rng: fastrand::Rng,
    /// Where everybody's RTCP goes: it is not read.
    rtcp: Option<UdpSocket>,
    /// The refusal that is being received.
    refused: Option<Refused>,
    talking: u64,
    /// When to ask whether anybody listens; `None` as soon as somebody was heard.
    ask_at: Option<Moment>,
    interrupted: bool,
    /// The time in which this program was kept from running, and which does not count.
    pauses: Duration,
    outcome: Outcome,
}

impl<'a> Load<'a> {
    /// Opens the sockets.
    ///
    /// # Errors
    /// As [`Wire::open`].
    pub fn open(order: &'a Order, stop: &'a AtomicUsize, tell: &'a mut dyn FnMut(News<'_>)) -> io::Result<Load<'a>> {
        let target = &order.target;
        let wire = Wire::open(target.transport, target.local, target.remote)?;
        let mut rng = fastrand::Rng::new();
        let port = wire.local().port();
        let settings =
            Settings { advertise: Some(target.local), udp_port: port, tcp_port: port, ..Settings::default() };
        let mut agent = UserAgent::new(settings, rng.u64(..));
        agent.learn_host(&target.host, target.remote.ip(), target.local);
        Ok(Load {
            order,
            stop,
            tell,
            clock: Clock::start(),
            wall: Wall::start(),
            wire,
            agent,
            outputs: Vec::new(),
            calls: BTreeMap::new(),
            slots: vec![Vec::new(); SLOTS],
            reader: audio_reader(),
            rng,
            rtcp: UdpSocket::bind((target.local, 0)).ok(),
            refused: None,
            talking: 0,
            ask_at: None,
            interrupted: false,
            pauses: Duration::ZERO,
            outcome: Outcome::default(),
        })
    }

    /// Runs until every call is over.
    pub fn run(mut self) -> Outcome {
        // A person's one call needs no fine steps, and its terminal should stay cool.
        let steps = if self.order.calls > 20 { SLOTS } else { 4 };
        let step_time = TICK / steps as u32;
        let start = self.clock.now();
        let mut planned = start;
        let mut next_second = start + Duration::from_secs(1);
        let mut farewell: Option<Moment> = None;
        for step in 0_usize.. {
            thread::sleep(planned - self.clock.now());
            let now = self.clock.now();
            self.outcome.lateness.record(now - planned);
            if now - planned > LATE_MAX {
                self.pauses += now - planned;
                planned = now;
            }
            planned += step_time;
            self.receive(now);
            self.agent.expire(now, &mut self.outputs);
            self.settle(now, now);
            self.attend(now);
            self.dial_due(now, (now - start).saturating_sub(self.pauses));
            for slot in (step % steps..SLOTS).step_by(steps) {
                self.tick(now, slot);
            }
            if now >= next_second {
                next_second += Duration::from_secs(1);
                self.tell_standing(now - start);
            }
            if self.is_done() {
                let since = *farewell.get_or_insert(now);
                let quiet = self.agent.census().closing == 0;
                if quiet || now - since >= FAREWELL_MAX || self.stop.load(Ordering::Relaxed) > 1 {
                    break;
                }
            }
        }
        self.finish(start)
    }

    fn finish(mut self, start: Moment) -> Outcome {
        let now = self.clock.now();
        for leg in self.calls.keys().copied().collect::<Vec<_>>() {
            self.over(leg, Cause::LocalHungUp);
        }
        self.agent.tell_tally(&mut self.outputs);
        self.settle(now, now);
        self.outcome.elapsed = now - start;
        self.outcome
    }

    fn is_done(&self) -> bool {
        self.calls.is_empty() && (self.interrupted || self.outcome.attempted >= self.order.calls)
    }

    /// Minds what the person at the terminal and the network have to say of the run as a whole.
    fn attend(&mut self, now: Moment) {
        if !self.interrupted && self.stop.load(Ordering::Relaxed) > 0 {
            self.interrupt(now);
        }
        if self.ask_at.take_if(|at| now >= *at).is_some() {
            self.wire.ask();
        }
        if !self.outcome.nobody_listens && self.outcome.answered == 0 && self.wire.is_refused() {
            self.outcome.nobody_listens = true;
            self.lose(now, self.peer());
            self.interrupt(now);
        }
    }

    /// Hangs up everything and dials no more.
    fn interrupt(&mut self, now: Moment) {
        self.interrupted = true;
        for leg in self.calls.keys().copied().collect::<Vec<_>>() {
            let act = self.calls.get_mut(&leg).and_then(|call| call.caller.interrupt());
            self.act(now, leg, act);
        }
    }

    /// The way that all INVITEs go.
    fn peer(&self) -> Peer {
        let target = &self.order.target;
        Peer { transport: target.transport, local: self.wire.local(), remote: target.remote, connection: None }
    }

    fn receive(&mut self, now: Moment) {
        let mut lost = Vec::new();
        let wall = self.wall;
        // The wire is taken apart from the rest while it is read, since what it brings is sent on at once.
        let mut brought: Vec<(Peer, Moment, Vec<u8>)> = Vec::new();
        self.wire.read(&wall, |piece| match piece {
            Brought::Message { from, at, bytes } => brought.push((from, at, bytes.to_vec())),
            Brought::Lost(peer) => lost.push(peer),
        });
        for (from, at, bytes) in brought {
            self.ask_at = None;
            self.refused = refusal_in(&bytes);
            self.agent.receive(now, from, &bytes, &mut self.outputs);
            self.count_repeated(&bytes);
            self.settle(now, at);
            self.refused = None;
        }
        for peer in lost {
            self.lose(now, peer);
        }
    }

    fn lose(&mut self, now: Moment, peer: Peer) {
        self.agent.transport_failed(now, peer, &mut self.outputs);
        self.settle(now, now);
    }

    /// A 200 to INVITE that brings an ACK and no news is one that came again.
    fn count_repeated(&mut self, bytes: &[u8]) {
        if bytes.starts_with(b"SIP/2.0 2") {
            let acked = self
                .outputs
                .iter()
                .any(|output| matches!(output, Output::Transmit { bytes, .. } if bytes.starts_with(b"ACK ")));
            let fresh = self.outputs.iter().any(|output| matches!(output, Output::Event(SipEvent::Answered { .. })));
            self.outcome.retransmissions_received += u64::from(acked && !fresh);
        }
    }

    /// Does what the user agent wants until it wants nothing more. `at` is when what brought this about arrived, on the
    /// wall's time line.
    fn settle(&mut self, now: Moment, at: Moment) {
        while !self.outputs.is_empty() {
            for output in std::mem::take(&mut self.outputs) {
                match output {
                    Output::Transmit { peer, bytes } => {
                        if !self.wire.send(&peer, &bytes) {
                            self.agent.transport_failed(now, peer, &mut self.outputs);
                        }
                    }
                    Output::Event(event) => self.hear_of(now, at, event),
                }
            }
        }
    }

    fn hear_of(&mut self, now: Moment, at: Moment, event: SipEvent) {
        match event {
            SipEvent::Answered { leg, answer, .. } => self.answered(now, at, leg, &answer),
            SipEvent::Ringing { leg, early } => {
                (self.tell)(News::Ringing);
                if let (Some(early), Some(call)) = (early, self.calls.get_mut(&leg)) {
                    agree(self.order, call, &early, &mut self.rng);
                }
            }
            SipEvent::Offered { leg, offer } => self.change(now, leg, offer.as_ref()),
            SipEvent::Ended { leg, cause } => self.over(leg, cause),
            SipEvent::Tally(tally) => self.outcome.retransmissions_sent += tally.retransmissions,
            SipEvent::Incoming(incoming) => {
                let reject = SipCommand::Reject { leg: incoming.leg, refusal: Refusal::status(486) };
                self.agent.handle(now, reject, &mut self.outputs);
            }
            SipEvent::Confirmed { .. }
            | SipEvent::Digit { .. }
            | SipEvent::TransferAsked { .. }
            | SipEvent::AgentReachable { .. }
            | SipEvent::AgentUnreachable { .. }
            | SipEvent::PhonesRegistered { .. }
            | SipEvent::TrunkUp { .. }
            | SipEvent::TrunkDown { .. } => {}
        }
    }

    /// Dials what is due by now.
    fn dial_due(&mut self, now: Moment, elapsed: Duration) {
        let due = (elapsed.as_secs_f64() * self.order.rate) as u64 + 1;
        let until = due.min(self.order.calls).min(self.outcome.attempted + DIALLED_PER_STEP);
        while !self.interrupted && self.outcome.attempted < until {
            if let Err(error) = self.dial(now) {
                self.outcome.trouble = Some(format!("no further call could be opened: {error}"));
                self.interrupt(now);
            }
        }
    }

    fn dial(&mut self, now: Moment) -> io::Result<()> {
        let count = self.outcome.attempted;
        let target = &self.order.target;
        let voice = Voice::open(target.local, self.order.record && count == 0)?;
        let mut description = offer(&local_media(self.order, &voice));
        let rtcp = self.rtcp.as_ref().and_then(|socket| Some(socket.local_addr().ok()?.port()));
        for line in &mut description.media {
            line.rtcp_port = rtcp;
            if self.order.keys_by == KeysBy::Inband {
                // Tones are looked for where no telephone-event was agreed.
                line.formats.retain(|format| !format.encoding.eq_ignore_ascii_case("telephone-event"));
            }
        }
        let leg = LegId::outbound(count);
        self.outcome.attempted += 1;
        if count == 0 {
            self.ask_at = Some(now + SILENCE);
        }
        let number = PhoneNumber::new(self.order.from.as_str());
        let dial = SipCommand::Dial {
            leg,
            uri: target.uri.clone(),
            caller: Party { number, name: None },
            offer: description.clone(),
        };
        let dialled = self.wall.now();
        let caller = Caller::dial(now);
        self.calls.insert(leg, Call { caller, voice, dialled, description, answered: false });
        self.slots[count as usize % SLOTS].push(leg);
        self.agent.handle(now, dial, &mut self.outputs);
        self.settle(now, dialled);
        Ok(())
    }

    fn answered(&mut self, now: Moment, at: Moment, leg: LegId, answer: &SessionDescription) {
        let Some(call) = self.calls.get_mut(&leg) else { return };
        if !call.caller.answered(now) {
            return;
        }
        call.answered = true;
        self.talking += 1;
        self.outcome.answered += 1;
        self.outcome.setup.record(at - call.dialled);
        (self.tell)(News::Answered);
        match agree(self.order, call, answer, &mut self.rng) {
            Some(KeyPath::Tones) if self.order.keys_by == KeysBy::Rtp && !self.order.plan.keys.is_empty() => {
                (self.tell)(News::Tones);
            }
            Some(_) => {}
            None => {
                let hang_up = SipCommand::HangUp { leg, cause: Cause::MediaFailed };
                self.agent.handle(now, hang_up, &mut self.outputs);
                return;
            }
        }
        self.expire(now, leg);
    }

    /// A re-INVITE or UPDATE.
    fn change(&mut self, now: Moment, leg: LegId, offered: Option<&SessionDescription>) {
        let Some(call) = self.calls.get_mut(&leg) else { return };
        let mut local = local_media(self.order, &call.voice);
        local.version = call.description.origin.version + 1;
        let command = match offered.map(|offered| answer(offered, &local)) {
            None => SipCommand::AcceptChange { leg, description: call.description.clone() },
            Some(Ok(agreed)) => {
                let tones = self.order.keys_by == KeysBy::Inband;
                call.voice.agree(&agreed.plan, tones, self.order.recording.as_ref(), &mut self.rng);
                call.description = agreed.description;
                SipCommand::AcceptChange { leg, description: call.description.clone() }
            }
            Some(Err(refused)) => {
                let refusal = Refusal { warning: Some(refused.0), ..Refusal::status(488) };
                SipCommand::RefuseChange { leg, refusal }
            }
        };
        self.agent.handle(now, command, &mut self.outputs);
    }

    /// One step: what its calls have heard, what they do, and their next packets.
    fn tick(&mut self, now: Moment, slot: usize) {
        let mut legs = std::mem::take(&mut self.slots[slot]);
        legs.retain(|leg| {
            let Some(call) = self.calls.get_mut(leg) else { return false };
            call.voice.hear(&mut self.reader, &self.wall, &mut self.outcome.measured);
            true
        });
        for leg in &legs {
            self.expire(now, *leg);
            let Some(call) = self.calls.get_mut(leg) else { continue };
            call.voice.speak(&self.wall, &mut self.outcome.measured);
        }
        // Calls that were dialled meanwhile stand there already.
        legs.append(&mut self.slots[slot]);
        self.slots[slot] = legs;
    }

    fn expire(&mut self, now: Moment, leg: LegId) {
        while let Some(act) = self.calls.get_mut(&leg).and_then(|call| call.caller.expire(now, &self.order.plan)) {
            self.act(now, leg, Some(act));
        }
    }

    fn act(&mut self, now: Moment, leg: LegId, act: Option<Act>) {
        match act {
            None => return,
            Some(Act::HangUp) => {
                let hang_up = SipCommand::HangUp { leg, cause: Cause::LocalHungUp };
                self.agent.handle(now, hang_up, &mut self.outputs);
            }
            Some(Act::Press(digit)) => {
                self.outcome.keys_pressed += 1;
                (self.tell)(News::Pressed(digit));
                let Some(call) = self.calls.get_mut(&leg) else { return };
                if self.order.keys_by == KeysBy::Info {
                    call.voice.pressed(self.wall.now(), &mut self.outcome.measured);
                    self.agent.handle(now, SipCommand::SendDigit { leg, digit }, &mut self.outputs);
                } else {
                    call.voice.press(digit);
                }
            }
        }
        self.settle(now, now);
    }

    fn over(&mut self, leg: LegId, cause: Cause) {
        let Some(mut call) = self.calls.remove(&leg) else { return };
        call.caller.ended(cause, self.refused.clone());
        self.talking -= u64::from(call.answered);
        self.outcome.packets_sent += call.voice.counts().0;
        let tape = call.voice.finish(&mut self.reader, &self.wall, &mut self.outcome.measured);
        self.outcome.tape = self.outcome.tape.take().or(tape);
        if let Some(ending) = call.caller.ending() {
            (self.tell)(News::Over(ending));
            let endings = &mut self.outcome.endings;
            let ending = match ending {
                // Texts that differ in every call do not make a list of them.
                Ending::Refused(refused) if endings.len() >= ENDINGS_MAX => {
                    &Ending::Refused(Refused::status(refused.status))
                }
                ending => ending,
            };
            match endings.iter_mut().find(|(known, _)| known == ending) {
                Some((_, count)) => *count += 1,
                None => endings.push((ending.clone(), 1)),
            }
        }
    }

    fn tell_standing(&mut self, elapsed: Duration) {
        let failed = self.outcome.endings.iter().filter(|(ending, _)| ending.is_failure()).map(|(_, count)| count);
        let standing =
            Standing { elapsed, dialled: self.outcome.attempted, talking: self.talking, failed: failed.sum() };
        (self.tell)(News::Standing(standing));
    }
}

/// Agrees on the audio of an answer; nothing when that cannot be.
fn agree(order: &Order, call: &mut Call, answer: &SessionDescription, rng: &mut fastrand::Rng) -> Option<KeyPath> {
    let plan = accept_answer(answer, &local_media(order, &call.voice)).ok()?;
    Some(call.voice.agree(&plan, order.keys_by == KeysBy::Inband, order.recording.as_ref(), rng))
}

fn local_media<'a>(order: &Order, voice: &Voice) -> LocalMedia<'a> {
    LocalMedia {
        address: order.target.local,
        port: voice.port(),
        session_id: u64::from(voice.port()),
        version: 1,
        codecs: &[Codec::Pcmu, Codec::Pcma],
        inband_digits: InbandDigits::Off,
    }
}

/// The refusal that a message is, if it is one.
fn refusal_in(bytes: &[u8]) -> Option<Refused> {
    let class = bytes.strip_prefix(b"SIP/2.0 ").and_then(|rest| rest.first());
    if !class.is_some_and(|class| (b'3'..=b'6').contains(class)) {
        return None;
    }
    let Ok(Message::Response(response)) = Message::parse(bytes) else { return None };
    let warnings = response.headers.all(&HeaderName::Warning).map(warning_text).collect();
    Some(Refused { status: response.status, reason: response.reason, warnings })
}

/// `305 host "text"` without the host, which says nothing to a person.
fn warning_text(value: &str) -> String {
    let mut parts = value.trim().splitn(3, ' ');
    let code = parts.next().unwrap_or("");
    let text = parts.nth(1).unwrap_or("").trim().trim_matches('"');
    format!("{code} {text}")
}
