//! What one call sends: a packet each 20 ms, of a recording, of silence, or of a key.

use std::collections::VecDeque;
use std::f32::consts::TAU;
use std::sync::Arc;

use crate::media::codecs;
use crate::media::rtp::{HEADER, Header};
use crate::telephony::{Clip, Codec, Digit};

/// Samples in a packet: 20 ms.
const FRAME: usize = 160;
/// Octets in the longest packet.
pub const PACKET_MAX: usize = HEADER + FRAME;
/// Packets that tell of a key while it is down: 20, 40, 60 and 80 ms of it.
const DOWN: u16 = 4;
/// Packets that tell of its end at 100 ms, of which any may be lost (RFC 4733 section 2.5.1.4).
const ENDS: u16 = 3;
/// Ticks of a tone in the audio: 100 ms.
const TONE: u16 = 5;
/// Ticks of audio, at least, between two keys: 60 ms.
const GAP: u16 = 3;
/// -10 dBm0 as RFC 4733 section 2.3.4 tells it, for the other side to show.
const VOLUME: u8 = 10;
/// The amplitude of each of a tone's two frequencies: -9 dBm0 or so, as telephones send them (ITU-T Q.23).
const AMPLITUDE: f32 = 8_000.0;

/// How keys travel in the audio stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPath {
    /// As telephone-events of this payload type (RFC 4733).
    Events(u8),
    /// As tones (ITU-T Q.23).
    Tones,
}

/// What was put into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Octets.
    pub length: usize,
    /// It is the first packet of a key.
    pub key: bool,
}

#[derive(Clone, Copy, Debug)]
enum Doing {
    /// Sending audio; that many ticks until a key may begin.
    Speaking {
        gap: u16,
    },
    Event {
        digit: Digit,
        began: u32,
        packets: u16,
    },
    Tone {
        digit: Digit,
        ticks: u16,
    },
}

/// One call's sending side.
#[derive(Debug)]
pub struct Mouth {
    codec: Codec,
    payload_type: u8,
    path: KeyPath,
    recording: Option<Arc<Clip>>,
    place: usize,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    keys: VecDeque<Digit>,
    doing: Doing,
    first: bool,
    sent: u64,
}

impl Mouth {
    /// A mouth that sends `codec` as `payload_type` and says `recording` once, or nothing.
    pub fn new(
        codec: Codec,
        payload_type: u8,
        path: KeyPath,
        recording: Option<Arc<Clip>>,
        rng: &mut fastrand::Rng,
    ) -> Mouth {
        Mouth {
            codec,
            payload_type,
            path,
            recording,
            place: 0,
            ssrc: rng.u32(..),
            sequence: rng.u16(..),
            timestamp: rng.u32(..),
            keys: VecDeque::new(),
            doing: Doing::Speaking { gap: 0 },
            first: true,
            sent: 0,
        }
    }

    /// Presses a key as soon as the one before is up.
    pub fn press(&mut self, digit: Digit) {
        self.keys.push_back(digit);
    }

    /// Speaks otherwise from now on, as agreed anew.
    pub fn change(&mut self, codec: Codec, payload_type: u8) {
        (self.codec, self.payload_type) = (codec, payload_type);
    }

    /// Packets sent so far.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// The packet of this tick. To be called every 20 ms.
    pub fn tick(&mut self, out: &mut [u8; PACKET_MAX]) -> Sent {
        let key = self.begin_key();
        let sent = match self.doing {
            Doing::Speaking { gap } => {
                self.doing = Doing::Speaking { gap: gap.saturating_sub(1) };
                self.speak(out)
            }
            Doing::Event { digit, began, packets } => self.event(digit, began, packets, out),
            Doing::Tone { digit, ticks } => self.tone(digit, ticks, out),
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        self.sent += 1;
        Sent { length: sent, key }
    }

    /// Begins the next key, where nothing stands against it.
    fn begin_key(&mut self) -> bool {
        let Doing::Speaking { gap: 0 } = self.doing else { return false };
        let Some(digit) = self.keys.pop_front() else { return false };
        self.doing = match self.path {
            KeyPath::Events(_) => Doing::Event { digit, began: self.timestamp, packets: 0 },
            KeyPath::Tones => Doing::Tone { digit, ticks: 0 },
        };
        true
    }

    fn speak(&mut self, out: &mut [u8; PACKET_MAX]) -> usize {
        let audio = self.recording.as_ref().map_or(&[][..], |clip| clip.encoded(self.codec));
        let rest = &audio[self.place.min(audio.len())..];
        let length = rest.len().min(FRAME);
        out[HEADER..][..length].copy_from_slice(&rest[..length]);
        out[HEADER + length..].fill(codecs::silence(self.codec));
        self.place += length;
        let marker = std::mem::take(&mut self.first);
        self.head(marker, self.payload_type, self.timestamp, out);
        PACKET_MAX
    }

    /// One packet of an event: all have the timestamp of its beginning (RFC 4733 section 2.5.1.2).
    fn event(&mut self, digit: Digit, began: u32, packets: u16, out: &mut [u8; PACKET_MAX]) -> usize {
        let KeyPath::Events(payload_type) = self.path else { return self.speak(out) };
        let end = packets >= DOWN;
        let duration = (packets.min(DOWN) + 1) * FRAME as u16;
        let [high, low] = duration.to_be_bytes();
        out[HEADER..][..4].copy_from_slice(&[digit.event(), u8::from(end) << 7 | VOLUME, high, low]);
        self.head(packets == 0, payload_type, began, out);
        self.doing = if packets + 1 == DOWN + ENDS {
            Doing::Speaking { gap: GAP }
        } else {
            Doing::Event { digit, began, packets: packets + 1 }
        };
        HEADER + 4
    }

    fn tone(&mut self, digit: Digit, ticks: u16, out: &mut [u8; PACKET_MAX]) -> usize {
        let (low, high) = frequencies(digit);
        for (at, byte) in out[HEADER..].iter_mut().enumerate() {
            let seconds = (usize::from(ticks) * FRAME + at) as f32 / 8_000.0;
            let sample = AMPLITUDE * ((TAU * low * seconds).sin() + (TAU * high * seconds).sin());
            *byte = codecs::encode(self.codec, sample as i16);
        }
        let marker = std::mem::take(&mut self.first);
        self.head(marker, self.payload_type, self.timestamp, out);
        self.doing =
            if ticks + 1 == TONE { Doing::Speaking { gap: GAP } } else { Doing::Tone { digit, ticks: ticks + 1 } };
        PACKET_MAX
    }

    fn head(&self, marker: bool, payload_type: u8, timestamp: u32, out: &mut [u8; PACKET_MAX]) {
        let header = Header { marker, payload_type, sequence: self.sequence, timestamp, ssrc: self.ssrc };
        out[..HEADER].copy_from_slice(&header.print());
    }
}

/// The two frequencies of a key in Hz (ITU-T Q.23).
fn frequencies(digit: Digit) -> (f32, f32) {
    const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
    const COLUMNS: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
    let place = "123A456B789C*0#D".find(digit.as_char()).unwrap_or(0);
    (ROWS[place / 4], COLUMNS[place % 4])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::media::dtmf::Keys;
    use crate::media::rtp::Packet;

    fn mouth(path: KeyPath, recording: Option<Arc<Clip>>) -> Mouth {
        Mouth::new(Codec::Pcmu, 0, path, recording, &mut fastrand::Rng::with_seed(1))
    }

    /// Presses keys and gives every packet, with whether it was told to be the first of a key.
    fn packets(mouth: &mut Mouth, keys: &str, ticks: usize) -> Vec<(Vec<u8>, bool)> {
        keys.chars().for_each(|key| mouth.press(Digit::from_char(key).expect("a key")));
        let mut out = [0; PACKET_MAX];
        (0..ticks)
            .map(|_| {
                let sent = mouth.tick(&mut out);
                (out[..sent.length].to_vec(), sent.key)
            })
            .collect()
    }

    #[test]
    fn a_key_is_an_event_with_its_packets_paced() {
        let sent = packets(&mut mouth(KeyPath::Events(101), None), "5", 11);
        let first = Packet::parse(&sent[0].0).expect("RTP").header;
        for (n, (bytes, key)) in sent.iter().enumerate() {
            let packet = Packet::parse(bytes).expect("RTP");
            assert_eq!(*key, n == 0);
            assert_eq!(packet.header.sequence, first.sequence.wrapping_add(n as u16));
            if n < 7 {
                let duration = 160 * (n.min(4) as u16 + 1);
                let expected = [5, if n < 4 { 10 } else { 0x8a }, (duration >> 8) as u8, duration as u8];
                assert_eq!(packet.payload, expected, "packet {n}");
                assert_eq!(packet.header.timestamp, first.timestamp, "packet {n}");
                assert_eq!((packet.header.payload_type, packet.header.marker), (101, n == 0), "packet {n}");
            } else {
                assert_eq!(packet.payload, [0xff; 160], "packet {n}");
                assert_eq!(packet.header.timestamp, first.timestamp.wrapping_add(160 * n as u32), "packet {n}");
            }
        }
    }

    #[test]
    fn keys_are_heard_as_they_were_pressed() {
        for (path, inband) in [(KeyPath::Events(101), false), (KeyPath::Tones, true)] {
            let mut heard = String::new();
            let mut keys = Keys::new(inband);
            for (n, (bytes, _)) in packets(&mut mouth(path, None), "1199#*D0", 110).iter().enumerate() {
                let now = Moment::from_millis(20 * n as u64);
                let packet = Packet::parse(bytes).expect("RTP");
                let mut tell = |digit: Digit, _| heard.push(digit.as_char());
                match packet.header.payload_type {
                    101 => keys.receive_event(now, &packet.header, packet.payload, &mut tell),
                    _ => keys.receive_audio(now, &packet.header, Codec::Pcmu, packet.payload, &mut tell),
                }
            }
            assert_eq!(heard, "1199#*D0", "{path:?}");
        }
    }

    #[test]
    fn a_recording_is_said_once_and_waits_while_a_key_is_down() {
        let clip = Clip { pcmu: (0..200).map(|n| n as u8).collect(), pcma: Box::new([0xd5; 200]) };
        let mut mouth = mouth(KeyPath::Events(101), Some(Arc::new(clip)));
        let first = packets(&mut mouth, "", 1);
        assert_eq!(first[0].0[HEADER..], (0..160).collect::<Vec<u8>>());
        let rest = packets(&mut mouth, "1", 9);
        assert_eq!(rest[7].0[HEADER..][..41], [&(160..200).collect::<Vec<u8>>()[..], &[0xff]].concat());
        assert_eq!(rest[8].0[HEADER..], [0xff; 160]);
        assert_eq!(mouth.sent(), 10);
    }
}
