//! Joins two legs: what one says is heard by the other, with the network's jitter and losses evened out, in the other's
//! codec; and the keys that it presses are pressed again, as the other agreed to hear them.

use std::time::Duration;

use crate::clock::Moment;
use crate::telephony::{Codec, Digit, DigitSource};

use super::codecs;
use super::concealment::{Concealment, HISTORY, OVERLAP_MAX};
use super::dtmf::event::Pressed;
use super::dtmf::keypad::{Event, Keypad, Length};
use super::jitter::{Change, FADE, JitterBuffer, Patience, Run};
use super::rtp::Header;

/// Samples made up at a time: 20 ms.
const CHUNK: usize = 160;
/// A key of which nothing was heard for so long is up: three packets of 50 ms (RFC 4733 section 2.5.2.2).
const KEY_LOST: Duration = Duration::from_millis(150);
/// As long is a key pressed of which nothing but the press was told, in samples: 100 ms.
const TAP: u32 = 800;
/// The level of comfort noise when a packet does not say it, in dB below the overload point.
const NOISE_LEVEL: u8 = 60;

/// What one leg says, on its way to the leg that it is bridged with.
pub struct Voice {
    jitter: JitterBuffer,
    concealment: Concealment,
    noise: Option<Noise>,
    down: Option<Down>,
    /// A key is down in the audio that was pressed before the bridge, and meant for us: nothing is passed on until it is up.
    withheld: bool,
    keypad: Keypad,
    /// Whether the other leg hears telephone-events.
    hears_events: bool,
    rng: fastrand::Rng,
}

/// Comfort noise in place of audio that is not sent (RFC 3389).
#[derive(Clone, Copy)]
struct Noise {
    from: u32,
    amplitude: f32,
}

/// A key that is down.
#[derive(Clone, Copy)]
struct Down {
    source: DigitSource,
    heard: Moment,
}

impl Voice {
    /// A leg that is bridged from now on. `jitter`: what is known of its network, in samples, as for
    /// [`JitterBuffer::new`].
    pub fn new(codec: Codec, jitter: u32, seed: u64) -> Voice {
        Voice::with(codec, jitter, Patience::TALK, seed)
    }

    /// One that is written down, and heard by nobody meanwhile.
    pub fn taped(codec: Codec, jitter: u32, seed: u64) -> Voice {
        Voice::with(codec, jitter, Patience::TAPE, seed)
    }

    fn with(codec: Codec, jitter: u32, patience: Patience, seed: u64) -> Voice {
        Voice {
            jitter: JitterBuffer::new(codec, jitter, patience),
            concealment: Concealment::new(),
            noise: None,
            down: None,
            withheld: false,
            keypad: Keypad::default(),
            hears_events: false,
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    /// The leg's codec, by a new agreement.
    pub fn set_codec(&mut self, codec: Codec) {
        if codec != self.jitter.codec() {
            self.jitter.set_codec(codec);
            self.concealment.reset();
            self.noise = None;
        }
    }

    /// How long the voice waits on account of jitter, in samples, as [`JitterBuffer::delay`] says.
    pub fn delay(&self) -> Option<u32> {
        self.jitter.delay()
    }

    /// The key whose tones were told is still down, and not for the other leg.
    pub fn withhold_tone(&mut self) {
        self.withheld = true;
    }

    /// Hears a packet of audio, and whether a key whose tones were told is still down in it.
    #[inline]
    pub fn receive(&mut self, arrival: Moment, header: &Header, payload: &[u8], tone_is_down: bool) {
        self.withheld &= tone_is_down;
        if self.withheld {
            return;
        }
        self.jitter.receive(arrival, header, payload);
        if let Some(down) = &mut self.down
            && down.source == DigitSource::Inband
        {
            down.heard = arrival;
            if !tone_is_down {
                self.release(Length::TillNow);
            }
        }
    }

    /// Hears that no audio follows but noise (RFC 3389 section 3: the first octet is its level).
    pub fn receive_noise(&mut self, header: &Header, payload: &[u8]) {
        let level = payload.first().map_or(NOISE_LEVEL, |level| level & 0x7f);
        // Of even distribution, whose root mean square is its amplitude over the root of three.
        let amplitude = 32_768.0 * 3.0_f32.sqrt() * 10.0_f32.powf(f32::from(level) / -20.0);
        self.noise = Some(Noise { from: header.timestamp, amplitude: amplitude.min(32_767.0) });
    }

    /// A key was told. One that is heard as tones needs nothing where the other leg hears tones too: the voice carries it.
    pub fn press(&mut self, now: Moment, digit: Digit, source: DigitSource) {
        self.release(Length::TillNow);
        if source == DigitSource::Inband && !self.hears_events {
            return;
        }
        self.down = Some(Down { source, heard: now });
        self.keypad.press(digit);
    }

    /// A key was told otherwise than in the audio: it is pressed for as long as people do.
    pub fn tap(&mut self, digit: Digit) {
        self.release(Length::TillNow);
        self.keypad.press(digit);
        self.keypad.release(Length::Samples(TAP));
    }

    /// The bridge is over: the key that is being sent to the other leg ends now. Whether something of it is left to send.
    pub fn finish(&mut self) -> bool {
        self.down = None;
        self.keypad.cut();
        !self.keypad.is_idle()
    }

    /// A telephone-event came, after which the last press stands as told.
    pub fn follow_event(&mut self, now: Moment, pressed: Option<Pressed>) {
        let Some(down) = self.down.as_mut().filter(|down| down.source == DigitSource::Rtp) else { return };
        down.heard = now;
        if let Some(Pressed { duration, ended: true }) = pressed {
            self.release(Length::Samples(duration));
        }
    }

    fn release(&mut self, length: Length) {
        if self.down.take().is_some() {
            self.keypad.release(length);
        }
    }

    /// The keys that are to be sent to the other leg `now`, which hears telephone-events or not.
    #[inline]
    pub fn keypad(&mut self, now: Moment, hears_events: bool) -> &mut Keypad {
        if self.down.is_some_and(|down| now.since(down.heard) > KEY_LOST) {
            self.release(Length::TillNow);
        }
        self.hears_events = hears_events;
        &mut self.keypad
    }

    /// The end of the last key once more, when it is to be sent again.
    #[inline]
    pub fn end_again(&mut self) -> Option<Event> {
        self.keypad.end_again()
    }

    /// Fills the payload of a packet in `codec` that is sent `now`: with the tones of a key, or with the voice.
    #[inline]
    pub fn say(&mut self, now: Moment, codec: Codec, out: &mut [u8]) {
        if !(self.keypad.is_sounding() && self.keypad.tone(codec, out)) {
            self.fill(now, codec, out);
        }
    }

    /// What has arrived and was not said yet: how many samples of `out` it fills.
    pub fn take_rest(&mut self, codec: Codec, out: &mut [u8]) -> usize {
        let length = self.jitter.waiting().min(out.len());
        self.fill_on(codec, &mut out[..length]);
        length
    }

    fn fill(&mut self, now: Moment, codec: Codec, out: &mut [u8]) {
        let step = self.jitter.step(now, out.len());
        if step.skipped {
            self.concealment.reset();
        }
        let is_plain = step.change == Change::None && !self.concealment.is_active() && self.noise.is_none();
        if is_plain && self.jitter.run(out.len()) == Run::Heard(out.len()) {
            return self.pass_on(codec, out);
        }
        let filled = match step.change {
            Change::None => 0,
            Change::Insert(samples) => {
                let samples = samples.min(out.len());
                self.insert(codec, &mut out[..samples]);
                samples
            }
            Change::Cut(samples) => self.cut(samples, codec, out),
        };
        self.fill_on(codec, &mut out[filled..]);
    }

    /// Fills with what comes next, be it heard or made up.
    fn fill_on(&mut self, codec: Codec, out: &mut [u8]) {
        let mut filled = 0;
        while filled < out.len() {
            match self.jitter.run(out.len() - filled) {
                Run::Heard(samples) => {
                    self.resume(codec, &mut out[filled..filled + samples]);
                    filled += samples;
                }
                Run::Missing(samples) => {
                    let samples = samples.min(CHUNK);
                    self.conceal(codec, &mut out[filled..filled + samples]);
                    filled += samples;
                }
            }
        }
    }

    /// What was heard, as it is.
    fn pass_on(&mut self, codec: Codec, out: &mut [u8]) {
        self.jitter.take(out);
        let from = self.jitter.codec();
        if from != codec {
            for byte in out {
                *byte = codecs::transcode(from, codec, *byte);
            }
        }
    }

    /// What was heard, after a loss perhaps.
    fn resume(&mut self, codec: Codec, out: &mut [u8]) {
        let from = self.jitter.codec();
        if self.noise.is_some_and(|noise| self.jitter.position().wrapping_sub(noise.from) as i32 >= 0) {
            self.noise = None;
        }
        if !self.concealment.is_active() {
            return self.pass_on(codec, out);
        }
        let mut heard = [0; OVERLAP_MAX];
        let overlap = out.len().min(OVERLAP_MAX);
        let mut bytes = [0; OVERLAP_MAX];
        self.jitter.peek(0, &mut bytes);
        for (sample, byte) in heard.iter_mut().zip(bytes) {
            *sample = codecs::decode(from, byte);
        }
        let changed = self.concealment.end(&mut heard[..overlap]);
        self.pass_on(codec, out);
        for (byte, sample) in out.iter_mut().zip(&heard[..changed]) {
            *byte = codecs::encode(codec, *sample);
        }
    }

    /// What is missing, made up.
    fn conceal(&mut self, codec: Codec, out: &mut [u8]) {
        let mut made_up = [0; CHUNK];
        let made_up = &mut made_up[..out.len()];
        match self.noise {
            Some(noise) if self.jitter.position().wrapping_sub(noise.from) as i32 >= 0 => {
                self.concealment.reset();
                for sample in &mut *made_up {
                    *sample = ((self.rng.f32() * 2.0 - 1.0) * noise.amplitude) as i16;
                }
            }
            _ => {
                self.begin_concealment();
                self.concealment.fill(made_up);
            }
        }
        self.jitter.pass(made_up);
        encode(codec, made_up, out);
    }

    /// More than was said, so that later packets are in time.
    fn insert(&mut self, codec: Codec, out: &mut [u8]) {
        self.begin_concealment();
        for out in out.chunks_mut(CHUNK) {
            let mut made_up = [0; CHUNK];
            let made_up = &mut made_up[..out.len()];
            self.concealment.fill(made_up);
            encode(codec, made_up, out);
        }
    }

    fn begin_concealment(&mut self) {
        if !self.concealment.is_active() {
            let mut history = [0; HISTORY];
            self.jitter.history(&mut history);
            self.concealment.begin(&history);
        }
    }

    /// Less than was said: fades from before the cut to what is behind it. How many samples that fills.
    fn cut(&mut self, samples: usize, codec: Codec, out: &mut [u8]) -> usize {
        let from = self.jitter.codec();
        let length = FADE.min(out.len());
        let (mut before, mut behind) = ([0; FADE], [0; FADE]);
        self.jitter.peek(0, &mut before);
        self.jitter.peek(samples, &mut behind);
        for (place, byte) in out[..length].iter_mut().enumerate() {
            let weight = (place + 1) as f32 / (length + 1) as f32;
            let [before, behind] = [before, behind].map(|bytes| f32::from(codecs::decode(from, bytes[place])));
            *byte = codecs::encode(codec, (before * (1.0 - weight) + behind * weight) as i16);
        }
        self.jitter.advance(samples + length);
        length
    }
}

fn encode(codec: Codec, samples: &[i16], out: &mut [u8]) {
    for (byte, sample) in out.iter_mut().zip(samples) {
        *byte = codecs::encode(codec, *sample);
    }
}

#[cfg(test)]
mod tests;
