//! What a stream sends and when: a packet for each turn without a gap, the keys of a bridge, and its RTCP.

use std::net::SocketAddr;

use crate::clock::Moment;
use crate::media::bridge::Voice;
use crate::media::control::Sending;
use crate::media::dtmf::keypad::Event;
use crate::media::rtp::{self, Header};
use crate::media::tone;
use crate::telephony::TICK;

use super::{Outgoing, PACKET_MAX, Stream, StreamEvent};

/// Our RTP time: it follows the clock whether or not anything is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct SendClock {
    /// `timestamp` was or is the time at `at`.
    at: Moment,
    timestamp: u32,
    /// When the next packet is due if it follows the last without a gap.
    next: Option<Moment>,
}

impl SendClock {
    /// One that begins `now` with this timestamp.
    pub(super) fn starting(now: Moment, timestamp: u32) -> SendClock {
        SendClock { at: now, timestamp, next: None }
    }

    fn timestamp_of(&self, now: Moment) -> u32 {
        self.timestamp.wrapping_add((now.since(self.at).as_micros() / 125) as u32)
    }
}

impl Stream {
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
}
