//! Keys that are sent: as telephone-events (RFC 4733) where they were agreed, as tones (ITU-T Q.23) where not.

use std::f32::consts::TAU;

use crate::media::codecs;
use crate::telephony::{Codec, Digit};

/// Presses that may wait.
const WAITING_MAX: usize = 16;
/// A press is made at least so long, in samples: 60 ms, where Q.24 asks receivers for 40 ms.
const PRESS_MIN: u32 = 480;
/// A press is cut off after this, in samples: 8 s, before a duration of 16 bits goes round.
const PRESS_MAX: u32 = 64_000;
/// Between two presses, in samples: 60 ms, where Q.24 asks for 40 ms.
const PAUSE: u32 = 480;
/// The end of an event is sent three times (section 2.5.1.4).
const ENDS_AGAIN: u8 = 2;
/// The level of an event, in dB below 0 dBm0 (section 2.3.4): that of tones that we make.
const VOLUME: u8 = 8;
/// Octets of one event.
pub const EVENT: usize = 4;

/// Amplitudes of the low and the high group: -10 and -8 dBm0, where a sine of full scale has 3.14 dBm0 (G.711). The higher
/// tone is the stronger, since lines weaken it more.
const AMPLITUDES: [f32; 2] = [7_080.0, 8_910.0];
const SAMPLE_RATE: f32 = 8_000.0;

/// The frequencies of a key in hertz, low and high (Q.23).
fn frequencies(digit: Digit) -> [f32; 2] {
    const LOW: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
    const HIGH: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
    let (row, column) = match digit.event() {
        0 => (3, 1),
        10 => (3, 0),
        11 => (3, 2),
        numeral @ 1..=9 => ((numeral - 1) / 3, (numeral - 1) % 3),
        letter => (letter.saturating_sub(12).min(3), 3),
    };
    [LOW[usize::from(row)], HIGH[usize::from(column)]]
}

/// The keys of one leg, on their way out.
#[derive(Clone, Debug, Default)]
pub struct Keypad {
    waiting: [Option<Press>; WAITING_MAX],
    sounding: Option<Sounding>,
    /// Samples of pause left after the last press.
    pause: u32,
    /// The last event's end, while it is to be sent again.
    ended: Option<Ended>,
}

#[derive(Clone, Copy, Debug)]
struct Press {
    digit: Digit,
    /// How long it was, once that is known.
    length: Option<Length>,
}

/// How long a press is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many samples.
    Samples(u32),
    /// As long as it has sounded by now.
    TillNow,
}

#[derive(Clone, Copy, Debug)]
struct Sounding {
    press: Press,
    /// The RTP timestamp of its beginning.
    timestamp: u32,
    /// Samples sent so far.
    sent: u32,
    /// Of the two tones, in turns.
    phases: [f32; 2],
}

#[derive(Clone, Copy, Debug)]
struct Ended {
    /// It was sent with the packet that is being sent.
    is_new: bool,
    timestamp: u32,
    payload: [u8; EVENT],
    again: u8,
}

/// A telephone-event to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whether it is a press's first.
    pub begins: bool,
    /// The RTP timestamp, that of the beginning of the press.
    pub timestamp: u32,
    /// The RTP payload.
    pub payload: [u8; EVENT],
}

impl Keypad {
    /// A key goes down. More than [`WAITING_MAX`] that wait are not sent.
    pub fn press(&mut self, digit: Digit) {
        if let Some(place) = self.waiting.iter_mut().find(|place| place.is_none()) {
            *place = Some(Press { digit, length: None });
        }
    }

    /// The key that went down last is up.
    pub fn release(&mut self, length: Length) {
        let newest = self.waiting.iter_mut().rev().flatten().next();
        if let Some(press) = newest.or(self.sounding.as_mut().map(|sounding| &mut sounding.press))
            && press.length.is_none()
        {
            press.length = Some(length);
        }
    }

    /// Whether a key is to be sent in place of audio now.
    #[inline]
    pub fn is_sounding(&self) -> bool {
        self.sounding.is_some() || self.pause == 0 && self.ended.is_none() && self.waiting[0].is_some()
    }

    /// Whether nothing is left to send.
    pub fn is_idle(&self) -> bool {
        self.sounding.is_none() && self.pause == 0 && self.ended.is_none() && self.waiting[0].is_none()
    }

    /// A packet of audio of so many samples is sent instead.
    pub fn rest(&mut self, samples: u32) {
        self.pause = self.pause.saturating_sub(samples);
    }

    /// The next event of a packet of so many samples that begins at `timestamp`.
    pub fn event(&mut self, timestamp: u32, samples: u32) -> Option<Event> {
        let sounding = self.sound(timestamp)?;
        let before = sounding.sent;
        let begins = before == 0;
        sounding.sent += samples;
        let end = sounding.end();
        // A duration never goes back, even if the other side counted less (a press in segments, section 2.5.1.3).
        let duration = end.unwrap_or(sounding.sent).max(before).min(PRESS_MAX);
        let [high, low] = (duration as u16).to_be_bytes();
        let flags = if end.is_some() { 0x80 | VOLUME } else { VOLUME };
        let event =
            Event { begins, timestamp: sounding.timestamp, payload: [sounding.press.digit.event(), flags, high, low] };
        if end.is_some() {
            self.finish();
            self.ended =
                Some(Ended { is_new: true, timestamp: event.timestamp, payload: event.payload, again: ENDS_AGAIN });
        }
        Some(event)
    }

    /// The end of the last event once more, asked after each packet, but not after the event itself.
    pub fn end_again(&mut self) -> Option<Event> {
        let ended = self.ended.as_mut()?;
        if std::mem::take(&mut ended.is_new) {
            return None;
        }
        ended.again -= 1;
        let event = Event { begins: false, timestamp: ended.timestamp, payload: ended.payload };
        self.ended.take_if(|ended| ended.again == 0);
        Some(event)
    }

    /// Fills a packet with the key's tones; `false` when none sounds.
    pub fn tone(&mut self, codec: Codec, payload: &mut [u8]) -> bool {
        let Some(sounding) = self.sound(0) else { return false };
        let steps = frequencies(sounding.press.digit).map(|frequency| frequency / SAMPLE_RATE);
        for byte in &mut *payload {
            let mut sample = 0.0;
            for ((phase, step), amplitude) in sounding.phases.iter_mut().zip(steps).zip(AMPLITUDES) {
                sample += (*phase * TAU).sin() * amplitude;
                *phase = (*phase + step).fract();
            }
            *byte = codecs::encode(codec, sample as i16);
        }
        sounding.sent += payload.len() as u32;
        if sounding.end().is_some() {
            self.finish();
        }
        true
    }

    /// The key that sounds ends as soon as it may, and those that wait are not sent.
    pub fn cut(&mut self) {
        self.waiting = Default::default();
        self.release(Length::TillNow);
    }

    /// Forgets all keys: what is agreed has changed, or nothing may be sent.
    pub fn clear(&mut self) {
        *self = Keypad::default();
    }

    /// The press that sounds, or the next one, if it is its turn.
    fn sound(&mut self, timestamp: u32) -> Option<&mut Sounding> {
        if self.sounding.is_none() && self.is_sounding() {
            let press = self.waiting[0].take()?;
            self.waiting.rotate_left(1);
            self.sounding = Some(Sounding { press, timestamp, sent: 0, phases: [0.0; 2] });
        }
        self.sounding.as_mut()
    }

    fn finish(&mut self) {
        self.sounding = None;
        self.pause = PAUSE;
    }
}

impl Sounding {
    /// How long the press is, when all of it is sent.
    fn end(&self) -> Option<u32> {
        let length = match self.press.length {
            Some(Length::Samples(samples)) => samples.clamp(PRESS_MIN, PRESS_MAX),
            Some(Length::TillNow) => self.sent.clamp(PRESS_MIN, PRESS_MAX),
            None => PRESS_MAX,
        };
        (self.sent >= length).then_some(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::dtmf::inband::ToneDetector;

    fn key(character: char) -> Digit {
        Digit::from_char(character).expect("a key")
    }

    /// The packets of 20 ms that a keypad sends: `-` for audio, and events with their durations, in capitals at the end.
    fn sent(keypad: &mut Keypad, packets: u32, mut each: impl FnMut(u32, &mut Keypad)) -> Vec<String> {
        let mut sent = Vec::new();
        for packet in 0..packets {
            each(packet, keypad);
            let told = |event: Event| {
                let [code, flags, high, low] = event.payload;
                let end = if flags & 0x80 != 0 { "E" } else { "" };
                let digit = Digit::from_event(code).expect("a key").as_char();
                let begins = if event.begins { "M" } else { "" };
                format!("{begins}{digit}@{}+{}{end}", event.timestamp / 160, u16::from_be_bytes([high, low]))
            };
            let timestamp = packet * 160;
            if keypad.is_sounding() {
                sent.extend(keypad.event(timestamp, 160).map(told));
            } else {
                keypad.rest(160);
                sent.push("-".to_owned());
            }
            sent.extend(keypad.end_again().map(told));
        }
        sent
    }

    #[test]
    fn a_press_has_its_length_and_three_ends() {
        let mut keypad = Keypad::default();
        let packets = sent(&mut keypad, 9, |packet, keypad| match packet {
            1 => keypad.press(key('5')),
            4 => keypad.release(Length::Samples(600)),
            _ => {}
        });
        let expected = ["-", "M5@1+160", "5@1+320", "5@1+480", "5@1+600E", "-", "5@1+600E", "-", "5@1+600E", "-", "-"];
        assert_eq!(packets, expected);
        assert!(keypad.is_idle());
    }

    #[test]
    fn short_presses_are_made_long_enough_and_long_ones_are_cut_off() {
        let mut keypad = Keypad::default();
        keypad.press(key('1'));
        keypad.release(Length::Samples(80));
        keypad.press(key('1'));
        keypad.release(Length::TillNow);
        let packets = sent(&mut keypad, 12, |_, _| ());
        let events: Vec<_> = packets.iter().filter(|packet| *packet != "-").cloned().collect();
        assert_eq!(events[..3], ["M1@0+160", "1@0+320", "1@0+480E"]);
        assert_eq!(packets[3..9], ["-", "1@0+480E", "-", "1@0+480E", "-", "M1@6+160"]);
        let mut keypad = Keypad::default();
        keypad.press(key('#'));
        let packets = sent(&mut keypad, 420, |_, _| ());
        assert_eq!(packets.iter().filter(|packet| packet.ends_with("+64000E")).count(), 3);
        assert!(keypad.is_idle());
    }

    #[test]
    fn too_many_presses_are_not_sent() {
        let mut keypad = Keypad::default();
        for _ in 0..100 {
            keypad.press(key('7'));
            keypad.release(Length::Samples(160));
        }
        let packets = sent(&mut keypad, 1_000, |_, _| ());
        assert_eq!(packets.iter().filter(|packet| packet.starts_with('M')).count(), WAITING_MAX);
    }

    #[test]
    fn the_tones_of_every_key_are_heard_as_that_key() {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let mut keypad = Keypad::default();
            let mut detector = ToneDetector::new();
            let mut heard = Vec::new();
            for digit in Digit::ALL {
                keypad.press(digit);
                keypad.release(Length::Samples(480));
                for _ in 0..6 {
                    let mut payload = [codecs::silence(codec); 160];
                    if !keypad.tone(codec, &mut payload) {
                        keypad.rest(160);
                    }
                    let samples = payload.map(|byte| codecs::decode(codec, byte));
                    heard.extend(detector.hear(&samples));
                }
            }
            assert_eq!(heard, Digit::ALL);
        }
    }
}
