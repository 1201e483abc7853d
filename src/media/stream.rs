//! One leg's audio, without its sockets: told what arrives and when, asked on every tick what to send.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::telephony::{
    AudioPlan, Clip, Digit, DigitSource, PlaybackId, StreamReport, TICK, TapeEnd, TapeId, TapeOrder, TapeReport,
};

use super::bridge::Voice;
use super::control::{Control, Sending};
use super::dtmf::Keys;
use super::dtmf::keypad::Event;
use super::player::Player;
use super::reception::Reception;
use super::recorder::Recorder;
use super::remote::Remote;
use super::rtp::{self, Header, Packet};
use super::tone;

/// The largest packet that is sent: 60 ms of G.711.
pub const PACKET_MAX: usize = rtp::HEADER + 480;

/// Comfort noise (RFC 3389) under its static payload type: many phones send it without having agreed on it.
const COMFORT_NOISE: u8 = 13;

/// What a stream tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEvent {
    /// A key was pressed.
    Digit(Digit, DigitSource),
    /// The last word of a playback has been heard: its last packet was sent, and its time is over.
    PlaybackFinished(PlaybackId),
    /// Nothing arrived for as long as is allowed.
    Silent,
}

/// A packet to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its octets in the buffer.
    pub length: usize,
    /// Where to.
    pub to: SocketAddr,
}

/// What all streams of a process have in common.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How long a leg may be silent.
    pub silence: Duration,
    /// Where the time line's beginning lies in NTP time (seconds since 1900), 32.32 fixed point.
    pub ntp_zero: u64,
}

/// One leg's audio.
///
/// While it may send and knows where to, it sends without a gap: what is played, and silence otherwise, since NATs,
/// recorders and phones expect a steady flow from the answer on. While it may not, what is played waits. Bridged, it sends
/// what the other leg says, unless something is played to it.
pub struct Stream {
    plan: AudioPlan,
    packet_time: Duration,
    remote: Remote,
    clock: SendClock,
    ssrc: u32,
    sequence: u16,
    packets_sent: u64,
    octets_sent: u64,
    player: Player,
    /// Something new begins, a playback or the voice of another leg, or audio goes on after a key: the next packet's marker says so.
    talkspurt: bool,
    finishing: Option<(PlaybackId, Moment)>,
    reception: Reception,
    keys: Keys,
    /// What this leg says, while it is bridged.
    voice: Option<Box<Voice>>,
    /// What the leg said that this one was bridged with, while the end of a key is left to send.
    parted: Option<Box<Voice>>,
    /// What is recorded of it.
    recorder: Option<Box<Recorder>>,
    heard: Moment,
    silent: bool,
    silence: Duration,
    lost_told: u64,
    control: Control,
    rng: fastrand::Rng,
}

/// Our RTP time: it follows the clock whether or not anything is sent.
#[derive(Clone, Copy, Debug)]
struct SendClock {
    /// `timestamp` was or is the time at `at`.
    at: Moment,
    timestamp: u32,
    /// When the next packet is due if it follows the last without a gap.
    next: Option<Moment>,
}

impl SendClock {
    fn timestamp_of(&self, now: Moment) -> u32 {
        self.timestamp.wrapping_add((now.since(self.at).as_micros() / 125) as u32)
    }
}

impl Stream {
    /// A stream that begins `now`. `seed` gives the random beginnings that RFC 3550 section 5.1 asks for.
    pub fn new(now: Moment, plan: AudioPlan, terms: Terms, seed: u64) -> Stream {
        let mut rng = fastrand::Rng::with_seed(seed);
        Stream {
            packet_time: packet_time(&plan),
            remote: Remote::new(plan.remote),
            clock: SendClock { at: now, timestamp: rng.u32(..), next: None },
            ssrc: rng.u32(..),
            // Its top bit clear, so that it goes round late: a kindness to old receivers (RFC 3711 section 3.3.1).
            sequence: rng.u16(..0x8000),
            packets_sent: 0,
            octets_sent: 0,
            player: Player::default(),
            talkspurt: false,
            finishing: None,
            reception: Reception::default(),
            keys: Keys::new(plan.inband_digits),
            voice: None,
            parted: None,
            recorder: None,
            heard: now,
            silent: false,
            silence: terms.silence,
            lost_told: 0,
            control: Control::new(terms.ntp_zero, &mut rng),
            rng,
            plan,
        }
    }

    /// The agreement in force.
    pub fn plan(&self) -> &AudioPlan {
        &self.plan
    }

    /// Where packets go at present.
    pub fn target(&self) -> Option<SocketAddr> {
        self.remote.target()
    }

    /// The agreement has changed.
    pub fn change(&mut self, now: Moment, plan: AudioPlan) {
        if plan.remote != self.plan.remote {
            self.control.from = None;
        }
        self.remote.change(now, plan.remote);
        self.keys.change(plan.inband_digits, plan.telephone_event.is_some());
        if let Some(voice) = &mut self.voice {
            voice.set_codec(plan.codec);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.set_codec(plan.codec);
        }
        self.packet_time = packet_time(&plan);
        // A leg that is taken off hold has the whole time to be heard again.
        self.heard = now;
        self.silent = false;
        self.plan = plan;
    }

    /// Plays `clips` in place of whatever is playing.
    pub fn play(&mut self, playback: PlaybackId, clips: Vec<Arc<Clip>>, repeat: bool) {
        self.finishing = None;
        self.talkspurt = true;
        self.player.play(playback, clips, repeat);
        self.tone_over();
    }

    /// Plays hold music in place of whatever is playing.
    pub fn music(&mut self, clips: Vec<Arc<Clip>>, together: bool) {
        self.finishing = None;
        self.talkspurt = true;
        self.player.music(clips, together);
        self.tone_over();
    }

    /// Falls silent.
    pub fn stop(&mut self) {
        self.finishing = None;
        self.player.stop();
        self.tone_over();
    }

    /// Records what is said from now on, or from the end of the tone that is played first, in place of whatever is playing.
    /// What was recorded before is to be taken first.
    pub fn record(&mut self, order: &TapeOrder) {
        if order.tone {
            self.play(tone::PLAYBACK, vec![tone::clip()], false);
        }
        let (jitter, seed) = (self.jitter(), self.rng.u64(..));
        self.recorder = Some(Box::new(Recorder::new(order, self.plan.codec, jitter, seed)));
    }

    /// What is recorded of it, if anything is.
    #[inline]
    pub fn recorder(&mut self) -> Option<&mut Recorder> {
        self.recorder.as_deref_mut()
    }

    /// The tape is no longer the stream's.
    pub fn take_recorder(&mut self) -> Option<Box<Recorder>> {
        self.recorder.take()
    }

    /// Records silence in place of what is said, or no more.
    pub fn mute(&mut self, tape: TapeId, muted: bool) {
        let (codec, jitter, seed) = (self.plan.codec, self.jitter(), self.rng.u64(..));
        if let Some(recorder) = self.recorder.as_deref_mut().filter(|recorder| recorder.tape() == tape) {
            recorder.mute(muted, codec, jitter, seed);
        }
    }

    /// Ends the tape; `None` when there is none of this name, or it has ended before.
    pub fn end_tape(&mut self, tape: TapeId, end: TapeEnd) -> Option<TapeReport> {
        self.recorder.as_deref_mut().filter(|recorder| recorder.tape() == tape)?.end(end)
    }

    /// Records one turn: asked after each, with the packet that was sent in it. Tells how the tape has ended, when it has.
    pub fn record_turn(&mut self, now: Moment, sent: Option<&[u8]>) -> Option<TapeReport> {
        let recorder = self.recorder.as_deref_mut()?;
        let audio = sent.filter(|packet| packet.get(1).is_some_and(|kind| kind & 0x7f == self.plan.payload_type));
        let far = audio.and_then(|packet| packet.get(rtp::HEADER..)).map(|payload| (self.plan.codec, payload));
        recorder.turn(now, far)
    }

    /// Nothing is in the way of a tape that was to begin after its tone.
    fn tone_over(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.begin();
        }
    }

    /// RFC 3550's jitter is a mean deviation: three times that holds nearly all packets.
    fn jitter(&self) -> u32 {
        (self.reception.jitter() * 3.0) as u32
    }

    /// Bridged from now on: what is heard waits to be sent by another leg, and what is playing stops.
    pub fn bridge(&mut self) {
        self.stop();
        self.parted = None;
        self.talkspurt = true;
        let jitter = self.jitter();
        let mut voice = Voice::new(self.plan.codec, jitter, self.rng.u64(..));
        if self.keys.tone_is_down() {
            voice.withhold_tone();
        }
        self.voice = Some(Box::new(voice));
    }

    /// No longer bridged: what the leg has said is over.
    pub fn unbridge(&mut self) -> Option<Box<Voice>> {
        self.voice.take()
    }

    /// The leg that this one was bridged with says no more. A key that is being sent still has its end, without which
    /// the other side would hear it go on.
    pub fn part(&mut self, voice: Option<Box<Voice>>) {
        let hears_events = self.plan.telephone_event.is_some();
        self.parted = voice.and_then(|mut voice| (hears_events && voice.finish()).then_some(voice));
    }

    /// What the leg says, while it is bridged.
    #[inline]
    pub fn voice(&mut self) -> Option<&mut Voice> {
        self.voice.as_deref_mut()
    }

    /// Whether a packet was to be sent before `now`, and was not.
    pub fn is_overdue(&self, now: Moment) -> bool {
        self.clock.next.is_some_and(|next| next < now)
    }

    /// From now on the stream is asked at `turn` and whole ticks after it: what follows without a gap is sent at the
    /// nearest of these, up to half a tick earlier or later than it was to be.
    pub fn shift(&mut self, turn: Moment) {
        let Some(next) = self.clock.next else { return };
        let tick = TICK.as_micros() as u64;
        let ticks = (next.since(turn).as_micros() as u64 + tick / 2) / tick;
        let timestamp = self.clock.timestamp_of(next);
        let next = turn + TICK * ticks as u32;
        self.clock = SendClock { at: next, timestamp, next: Some(next) };
    }

    /// Hears a datagram from the RTP port; `false` when it was dropped: malformed, or from a stranger.
    pub fn receive(
        &mut self,
        arrival: Moment,
        from: SocketAddr,
        bytes: &[u8],
        tell: &mut impl FnMut(StreamEvent),
    ) -> bool {
        if rtp::is_control(bytes) {
            return self.receive_control(arrival, from, bytes).is_some();
        }
        let Ok(packet) = Packet::parse(bytes) else { return false };
        let header = packet.header;
        let is_event = Some(header.payload_type) == self.plan.telephone_event;
        let is_audio = header.payload_type == self.plan.payload_type;
        // The caller's packets count whatever is in them, but only what was agreed shows who the caller is.
        let is_agreed = is_event || is_audio || header.payload_type == COMFORT_NOISE;
        if !(is_agreed || self.remote.is_locked_on(from)) || !self.remote.admit(arrival, from, &header) {
            return false;
        }
        self.heard = self.heard.max(arrival);
        self.silent = false;
        self.reception.receive(header.ssrc, header.sequence, (!is_event).then_some(header.timestamp), arrival);
        // On hold, what the other side says is not heard.
        let mut voice = self.voice.as_deref_mut().filter(|_| self.plan.direction.receives());
        let recorder = self.recorder.as_deref_mut().filter(|_| self.plan.direction.receives());
        let mut tell_digit = |digit, source| {
            if let Some(voice) = &mut voice {
                voice.press(arrival, digit, source);
            }
            tell(StreamEvent::Digit(digit, source));
        };
        if is_event {
            self.keys.receive_event(arrival, &header, packet.payload, &mut tell_digit);
            if let Some(voice) = voice {
                voice.follow_event(arrival, self.keys.pressed());
            }
        } else if is_audio {
            self.keys.receive_audio(arrival, &header, self.plan.codec, packet.payload, &mut tell_digit);
            if let Some(voice) = voice {
                voice.receive(arrival, &header, packet.payload, self.keys.tone_is_down());
            }
            if let Some(recorder) = recorder {
                recorder.receive(arrival, &header, packet.payload);
            }
        } else if header.payload_type == COMFORT_NOISE {
            if let Some(voice) = voice {
                voice.receive_noise(&header, packet.payload);
            }
            if let Some(recorder) = recorder {
                recorder.receive_noise(&header, packet.payload);
            }
        }
        true
    }

    /// Hears a datagram from the RTCP port. How many more of our packets than before it reports lost; `None` when it was
    /// dropped.
    pub fn receive_control(&mut self, arrival: Moment, from: SocketAddr, bytes: &[u8]) -> Option<u64> {
        if self.remote.target().map(|target| target.ip()) != Some(from.ip()) {
            return None;
        }
        let lost = self.control.receive(arrival, self.ssrc, bytes).ok()?;
        self.control.from = Some(from);
        self.heard = self.heard.max(arrival);
        self.silent = false;
        Some(lost)
    }

    /// What to send now, into `out`. Asked every [`AudioPlan::packet_ms`] or more often; asked late, it sends one packet,
    /// whose timestamp says so, and what is played goes on where it was.
    pub fn tick(
        &mut self,
        now: Moment,
        out: &mut [u8; PACKET_MAX],
        tell: &mut impl FnMut(StreamEvent),
    ) -> Option<Outgoing> {
        self.tick_bridged(now, None, out, tell)
    }

    /// As [`Stream::tick`], with what the leg that this one is bridged with says. [`Stream::tick_again`] is to be asked
    /// after it.
    pub fn tick_bridged(
        &mut self,
        now: Moment,
        far: Option<&mut Voice>,
        out: &mut [u8; PACKET_MAX],
        tell: &mut impl FnMut(StreamEvent),
    ) -> Option<Outgoing> {
        if let Some((playback, _)) = self.finishing.take_if(|(_, at)| now >= *at) {
            match playback {
                tone::PLAYBACK => self.tone_over(),
                playback => tell(StreamEvent::PlaybackFinished(playback)),
            }
        }
        let target = self.remote.target();
        // A caller who holds us may send music or nothing, as they please.
        let expected = self.plan.direction.receives() && self.plan.direction.sends();
        if !self.silent && target.is_some() && expected && now - self.heard >= self.silence {
            self.silent = true;
            tell(StreamEvent::Silent);
        }
        let Some(to) = target.filter(|_| self.plan.direction.sends()) else {
            self.clock.next = None;
            if let Some(far) = far {
                far.keypad(now, false).clear();
            }
            return None;
        };
        let follows = match self.clock.next {
            Some(next) if now < next => return None,
            Some(next) => now - next < self.packet_time / 2,
            None => false,
        };
        let length = match far {
            Some(far) => self.send_bridged(now, follows, far, out),
            None => match self.send_parted(now, follows, out) {
                Some(length) => length,
                None => self.send(now, follows, None, out),
            },
        };
        Some(Outgoing { length, to })
    }

    /// Sends what is left of a key when the bridge is over, each packet in the place of one of audio.
    #[inline]
    fn send_parted(&mut self, now: Moment, follows: bool, out: &mut [u8; PACKET_MAX]) -> Option<usize> {
        let mut parted = self.parted.take()?;
        let payload_is_agreed = self.plan.telephone_event.is_some();
        let samples = self.packet_samples() as u32;
        let keypad = parted.keypad(now, true);
        if !payload_is_agreed || keypad.is_idle() {
            return None;
        }
        if !keypad.is_sounding() {
            keypad.rest(samples);
        }
        let mut event = None;
        if keypad.is_sounding() {
            let begins = self.take_turn(now, follows);
            event = keypad.event(self.clock.timestamp_of(begins), samples);
            // It is repeated in place of what follows.
            let _ = keypad.end_again();
        } else if let Some(again) = keypad.end_again() {
            self.take_turn(now, follows);
            event = Some(again);
        }
        self.parted = Some(parted);
        self.talkspurt = true;
        event.map(|event| self.write_event(event, out))
    }

    /// Sends what the other leg says or keys, unless something is played.
    fn send_bridged(&mut self, now: Moment, follows: bool, far: &mut Voice, out: &mut [u8; PACKET_MAX]) -> usize {
        let hears_events = self.plan.telephone_event.is_some();
        let keypad = far.keypad(now, hears_events);
        let samples = self.packet_samples() as u32;
        if self.player.is_playing() {
            // An event that was begun has its end first.
            if hears_events {
                keypad.cut();
            } else {
                keypad.clear();
            }
            if !keypad.is_sounding() {
                keypad.rest(samples);
                return self.send(now, follows, None, out);
            }
        }
        if !keypad.is_sounding() {
            keypad.rest(samples);
        } else if hears_events {
            let begins = self.take_turn(now, follows);
            if let Some(event) = keypad.event(self.clock.timestamp_of(begins), samples) {
                self.talkspurt = true;
                return self.write_event(event, out);
            }
        }
        self.send(now, follows, Some(far), out)
    }

    /// The end of a key that was sent, once more: asked after each packet that was sent.
    #[inline]
    pub fn tick_again(&mut self, far: &mut Voice, out: &mut [u8; PACKET_MAX]) -> Option<Outgoing> {
        let event = far.end_again().filter(|_| self.plan.telephone_event.is_some())?;
        let to = self.remote.target()?;
        Some(Outgoing { length: self.write_event(event, out), to })
    }

    fn packet_samples(&self) -> usize {
        self.packet_time.as_millis() as usize * 8
    }

    /// The next packet is sent now. Where it begins: small lateness is not told, since packets that follow each other have
    /// timestamps that do.
    fn take_turn(&mut self, now: Moment, follows: bool) -> Moment {
        let begins = self.clock.next.filter(|_| follows).unwrap_or(now);
        let timestamp = self.clock.timestamp_of(begins);
        self.clock = SendClock { at: begins, timestamp, next: Some(begins + self.packet_time) };
        begins
    }

    /// Sends the audio that begins now. A packet that follows a gap or a key, or begins a playback or a bridge, begins a
    /// talkspurt, and says so by its marker (RFC 3551 section 4.1).
    fn send(&mut self, now: Moment, follows: bool, far: Option<&mut Voice>, out: &mut [u8; PACKET_MAX]) -> usize {
        let begins = self.take_turn(now, follows);
        let header = Header {
            marker: !follows | std::mem::take(&mut self.talkspurt),
            payload_type: self.plan.payload_type,
            sequence: self.sequence,
            timestamp: self.clock.timestamp,
            ssrc: self.ssrc,
        };
        let octets = self.packet_samples();
        let (head, rest) = out.split_at_mut(rtp::HEADER);
        head.copy_from_slice(&header.print());
        let payload = &mut rest[..octets];
        match far {
            Some(far) => {
                far.say(now, self.plan.codec, payload);
                // What the bridge cut off fades out below its first words.
                self.player.fade(self.plan.codec, payload);
            }
            None => {
                self.player.align(begins.as_micros() / 125, follows);
                if let Some(playback) = self.player.fill(self.plan.codec, payload) {
                    self.finishing = Some((playback, begins + self.packet_time));
                }
            }
        }
        self.count(octets)
    }

    fn write_event(&mut self, event: Event, out: &mut [u8; PACKET_MAX]) -> usize {
        let header = Header {
            marker: event.begins,
            payload_type: self.plan.telephone_event.unwrap_or(self.plan.payload_type),
            sequence: self.sequence,
            timestamp: event.timestamp,
            ssrc: self.ssrc,
        };
        let (head, rest) = out.split_at_mut(rtp::HEADER);
        head.copy_from_slice(&header.print());
        rest[..event.payload.len()].copy_from_slice(&event.payload);
        self.count(event.payload.len())
    }

    /// Counts a packet of so many octets; the length of the whole.
    fn count(&mut self, octets: usize) -> usize {
        self.sequence = self.sequence.wrapping_add(1);
        self.packets_sent += 1;
        self.octets_sent += octets as u64;
        rtp::HEADER + octets
    }

    /// An RTCP report, when one is due: about every 5 s.
    #[inline]
    pub fn tick_control(&mut self, now: Moment, out: &mut [u8]) -> Option<Outgoing> {
        if self.control.is_due(now, &mut self.rng) { self.send_control(now, false, out) } else { None }
    }

    /// The last RTCP report, with BYE.
    pub fn close(&mut self, now: Moment, out: &mut [u8]) -> Option<Outgoing> {
        self.send_control(now, true, out)
    }

    fn send_control(&mut self, now: Moment, last: bool, out: &mut [u8]) -> Option<Outgoing> {
        let to = self.control_target()?;
        let sending = Sending {
            ssrc: self.ssrc,
            timestamp: self.clock.timestamp_of(now),
            packets: self.packets_sent,
            octets: self.octets_sent,
        };
        Some(Outgoing { length: self.control.write(now, sending, &mut self.reception, last, out), to })
    }

    /// Where RTCP goes: to where the other side's comes from, else as agreed, else beside the RTP.
    fn control_target(&self) -> Option<SocketAddr> {
        let beside = |mut address: SocketAddr| {
            address.set_port(address.port().checked_add(1)?);
            Some(address)
        };
        let agreed = self.plan.remote_rtcp.filter(|_| !self.remote.moved());
        self.control.from.or(agreed).or_else(|| beside(self.remote.target()?))
    }

    /// How many more of the caller's packets are lost than when last asked.
    pub fn take_lost(&mut self) -> u64 {
        let lost = self.reception.totals().lost;
        let more = lost.saturating_sub(self.lost_told);
        self.lost_told = self.lost_told.max(lost);
        more
    }

    /// What was measured so far.
    pub fn report(&self) -> StreamReport {
        let totals = self.reception.totals();
        StreamReport {
            packets_sent: self.packets_sent,
            packets_received: totals.received,
            packets_lost: totals.lost,
            jitter_ms: self.reception.jitter() / 8.0,
            remote_loss: self.control.remote.map(|block| f64::from(block.fraction_lost) / 256.0),
            remote_jitter_ms: self.control.remote.map(|block| f64::from(block.jitter) / 8.0),
            round_trip_ms: self.control.round_trip.map(|round_trip| f64::from(round_trip) / 65.536),
        }
    }
}

/// The time of one packet; one that is not a length that we send counts as 20 ms.
fn packet_time(plan: &AudioPlan) -> Duration {
    Duration::from_millis(if matches!(plan.packet_ms, 10 | 20 | 40 | 60) { u64::from(plan.packet_ms) } else { 20 })
}

/// In place of a network, for tests and trials: `to` hears at once what `from`, whose address is given, sends `now`.
/// Whether something was sent.
pub fn pass(
    now: Moment,
    from: &mut Stream,
    address: SocketAddr,
    to: &mut Stream,
    tell: &mut impl FnMut(StreamEvent),
) -> bool {
    let mut packet = [0; PACKET_MAX];
    let sent = from.tick(now, &mut packet, &mut |_| ());
    if let Some(sent) = sent {
        to.receive(now, address, &packet[..sent.length], tell);
    }
    if let Some(report) = from.tick_control(now, &mut packet) {
        to.receive_control(now, address, &packet[..report.length]);
    }
    sent.is_some()
}

#[cfg(test)]
mod tests;
