//! One leg's audio, without its sockets: told what arrives and when, asked on every tick what to send.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::telephony::{
    AudioPlan, Clip, Digit, DigitSource, PlaybackId, StreamReport, TapeEnd, TapeId, TapeOrder, TapeReport,
};

use super::bridge::Voice;
use super::control::Control;
use super::dtmf::Keys;
use super::player::Player;
use super::reception::Reception;
use super::recorder::Recorder;
use super::remote::Remote;
use super::rtp::{self, Packet};
use super::tone;

mod sending;

use sending::SendClock;

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

impl Stream {
    /// A stream that begins `now`. `seed` gives the random beginnings that RFC 3550 section 5.1 asks for.
    pub fn new(now: Moment, plan: AudioPlan, terms: Terms, seed: u64) -> Stream {
        let mut rng = fastrand::Rng::with_seed(seed);
        Stream {
            packet_time: packet_time(&plan),
            remote: Remote::new(plan.remote),
            clock: SendClock::starting(now, rng.u32(..)),
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
