//! What one call hears: every packet counted, the gaps between them, and how soon a prompt follows a key.

use std::time::Duration;

use super::statistics::Histogram;
use crate::clock::Moment;
use crate::media::codecs;
use crate::media::rtp::Header;
use crate::telephony::Codec;

/// Packets that are remembered, to tell a duplicate from one that is late.
const WINDOW: u64 = 64;
/// A step in the sequence numbers beyond this is a stream that began anew (RFC 3550 section A.1, MAX_DROPOUT).
const JUMP_MAX: i32 = 3_000;
/// A talkspurt that comes after this much of nothing was preceded by a pause on purpose, which is no gap in the audio.
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// Without a marker, this long after it was first heard the sound is taken for the prompt.
const SOUND_SURE: Duration = Duration::from_millis(200);
/// A sample below this is silence, out of 32768: the noise of a prompt's lead-in is well below.
const SOUND_MIN: u16 = 256;

/// What the ears of all calls of a run have measured together.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// From one packet to the next that follows it.
    pub inter_arrival: Histogram,
    /// From a key's first packet to the first of the prompt that follows.
    pub key_to_prompt: Histogram,
    /// Prompts after a key that were known by their marker.
    pub by_marker: u64,
    /// Prompts after a key that were known by their sound alone.
    pub by_sound: u64,
    /// All that was counted.
    pub totals: Totals,
}

/// Packets of one stream or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// As the sequence numbers tell.
    pub expected: u64,
    /// Each counted once.
    pub received: u64,
    /// Received more than once.
    pub duplicated: u64,
    /// Received after one that was sent later.
    pub out_of_order: u64,
    /// Talkspurts after a pause.
    pub pauses: u64,
}

impl Totals {
    /// Packets that never arrived.
    pub fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.received)
    }

    fn add(&mut self, more: Totals) {
        self.expected += more.expected;
        self.received += more.received;
        self.duplicated += more.duplicated;
        self.out_of_order += more.out_of_order;
        self.pauses += more.pauses;
    }
}

/// One call's receiving side.
#[derive(Debug, Default)]
pub struct Ear {
    stream: Option<Stream>,
    counted: Totals,
    key: Option<Key>,
    silent: bool,
}

/// One synchronization source.
#[derive(Debug)]
struct Stream {
    ssrc: u32,
    first: u64,
    /// The highest sequence number, extended by the times it went round.
    highest: u64,
    /// Which of the `WINDOW` up to the highest were received, that one in the lowest bit.
    window: u64,
    at: Moment,
    timestamp: u32,
    samples: u32,
}

/// A key whose prompt is awaited.
#[derive(Debug)]
struct Key {
    at: Moment,
    /// It was silent at some time since the key.
    silent: bool,
    sound: Option<Moment>,
}

impl Ear {
    /// Hears a packet that came `at`; `codec` is nothing when it carries no audio, such as a telephone-event.
    pub fn receive(
        &mut self,
        at: Moment,
        header: &Header,
        codec: Option<Codec>,
        payload: &[u8],
        measured: &mut Measured,
    ) {
        let samples = payload.len() as u32;
        let arrival = match &mut self.stream {
            Some(stream) if stream.ssrc == header.ssrc => stream.receive(at, header, samples, &mut self.counted),
            _ => None,
        };
        let arrival = arrival.unwrap_or_else(|| {
            self.settle();
            self.stream = Some(Stream::begin(at, header, samples));
            self.counted.received += 1;
            Arrival::First
        });
        let begins = match arrival {
            Arrival::Next { gap, seamless } => {
                measured.inter_arrival.record(gap);
                // A marker after a step in time is that of a packet which the sender was late with.
                header.marker && seamless
            }
            Arrival::First | Arrival::AfterPause => header.marker,
            Arrival::Behind => return,
        };
        if let Some(codec) = codec {
            self.listen(at, begins, is_silent(codec, payload), measured);
        }
    }

    /// A key's first packet leaves at `at`.
    pub fn press(&mut self, at: Moment, measured: &mut Measured) {
        self.give_up_key(measured);
        self.key = Some(Key { at, silent: self.silent, sound: None });
    }

    /// Nothing more will be heard: adds what was counted.
    pub fn finish(&mut self, measured: &mut Measured) {
        self.give_up_key(measured);
        self.settle();
        measured.totals.add(std::mem::take(&mut self.counted));
    }

    /// What was counted so far, without what is still expected.
    pub fn received(&self) -> u64 {
        self.counted.received
    }

    fn settle(&mut self) {
        if let Some(stream) = self.stream.take() {
            self.counted.expected += stream.highest - stream.first + 1;
        }
    }

    /// Waits for the prompt that follows a key: told by the marker of its first packet, or else by the first sound after
    /// silence.
    fn listen(&mut self, at: Moment, begins: bool, silent: bool, measured: &mut Measured) {
        self.silent = silent;
        let Some(key) = &mut self.key else { return };
        if at < key.at {
            return;
        }
        if begins {
            measured.by_marker += 1;
            measured.key_to_prompt.record(at - key.at);
            self.key = None;
            return;
        }
        if self.silent {
            key.silent = true;
        } else if key.silent && key.sound.is_none() {
            key.sound = Some(at);
        }
        if key.sound.is_some_and(|sound| at - sound >= SOUND_SURE) {
            self.give_up_key(measured);
        }
    }

    /// No marker will tell: the sound counts, if there was one.
    fn give_up_key(&mut self, measured: &mut Measured) {
        if let Some(key) = self.key.take()
            && let Some(sound) = key.sound
        {
            measured.by_sound += 1;
            measured.key_to_prompt.record(sound - key.at);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    First,
    /// `seamless`: its time is where the packet before it ended.
    Next {
        gap: Duration,
        seamless: bool,
    },
    AfterPause,
    /// Late, or once more.
    Behind,
}

impl Stream {
    fn begin(at: Moment, header: &Header, samples: u32) -> Stream {
        // One round up, so that what is late can count below the first.
        let first = u64::from(header.sequence) + (1 << 16);
        Stream { ssrc: header.ssrc, first, highest: first, window: 1, at, timestamp: header.timestamp, samples }
    }

    /// Counts a packet; nothing when the stream began anew with it.
    fn receive(&mut self, at: Moment, header: &Header, samples: u32, totals: &mut Totals) -> Option<Arrival> {
        let step = i32::from(header.sequence.wrapping_sub(self.highest as u16) as i16);
        if step.abs() > JUMP_MAX {
            return None;
        }
        if step <= 0 {
            self.look_back(u64::from(step.unsigned_abs()), totals);
            return Some(Arrival::Behind);
        }
        let gap = at - self.at;
        let ahead = step as u64;
        self.window = if ahead < WINDOW { self.window << ahead | 1 } else { 1 };
        self.highest += ahead;
        let jumped = header.timestamp.wrapping_sub(self.timestamp) != self.samples.wrapping_mul(step as u32);
        (self.at, self.timestamp, self.samples) = (at, header.timestamp, samples);
        totals.received += 1;
        if header.marker && jumped && gap >= PAUSE_MIN {
            totals.pauses += 1;
            return Some(Arrival::AfterPause);
        }
        Some(Arrival::Next { gap, seamless: !jumped })
    }

    /// A packet that is no further than the highest.
    fn look_back(&mut self, distance: u64, totals: &mut Totals) {
        let bit = 1_u64.checked_shl(distance as u32).unwrap_or(0);
        if self.window & bit != 0 {
            totals.duplicated += 1;
            return;
        }
        self.window |= bit;
        self.first = self.first.min(self.highest - distance);
        totals.received += 1;
        totals.out_of_order += 1;
    }
}

fn is_silent(codec: Codec, payload: &[u8]) -> bool {
    payload.iter().all(|byte| codecs::decode(codec, *byte).unsigned_abs() < SOUND_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: [u8; 160] = [0x00; 160];
    const SILENCE: [u8; 160] = [0xff; 160];

    /// A packet of 20 ms: its number, when it comes in ms, and how it is marked.
    fn header(number: i32, marker: bool) -> Header {
        let timestamp = (number as u32).wrapping_mul(160);
        Header { marker, payload_type: 0, sequence: (number as u16).wrapping_add(65_530), timestamp, ssrc: 1 }
    }

    #[test]
    fn every_packet_is_counted_once() {
        let check = |numbers: &[i32], expected: u64, lost: u64, duplicated: u64, out_of_order: u64| {
            let (mut ear, mut measured) = (Ear::default(), Measured::default());
            for (n, number) in numbers.iter().enumerate() {
                let at = Moment::from_millis(20 * n as u64);
                ear.receive(at, &header(*number, false), Some(Codec::Pcmu), &SOUND, &mut measured);
            }
            ear.finish(&mut measured);
            let totals = measured.totals;
            let told = (totals.expected, totals.lost(), totals.duplicated, totals.out_of_order);
            assert_eq!(told, (expected, lost, duplicated, out_of_order), "{numbers:?}");
            assert_eq!(totals.received, expected - lost, "{numbers:?}");
        };
        check(&[], 0, 0, 0, 0);
        check(&[0], 1, 0, 0, 0);
        check(&(0..200).collect::<Vec<_>>(), 200, 0, 0, 0);
        check(&[0, 1, 3, 4], 5, 1, 0, 0);
        check(&[0, 1, 3, 2, 4], 5, 0, 0, 1);
        check(&[0, 1, 1, 2, 0], 3, 0, 2, 0);
        check(&[1, 0, 2], 3, 0, 0, 1);
        check(&[0, 100, 36, 37], 101, 97, 0, 2);
        check(&[0, 1, 10_000, 10_001], 4, 0, 0, 0);
    }

    #[test]
    fn gaps_are_those_between_packets_that_follow() {
        let (mut ear, mut measured) = (Ear::default(), Measured::default());
        for (number, ms) in [(0, 0), (1, 20), (2, 45), (4, 80), (3, 81), (5, 100)] {
            ear.receive(Moment::from_millis(ms), &header(number, false), Some(Codec::Pcmu), &SOUND, &mut measured);
        }
        // After a pause on purpose, with its marker and a step in time; and once more where time was not stepped.
        let mut later = header(6, true);
        later.timestamp += 16_000;
        ear.receive(Moment::from_millis(2_100), &later, Some(Codec::Pcmu), &SOUND, &mut measured);
        let mut last = header(7, true);
        last.timestamp += 16_000;
        ear.receive(Moment::from_millis(2_400), &last, Some(Codec::Pcmu), &SOUND, &mut measured);
        assert_eq!(measured.inter_arrival.count(), 5);
        assert_eq!(measured.inter_arrival.max(), Some(Duration::from_millis(300)));
        // The end of the place, 8 µs wide, that holds 35 ms.
        assert_eq!(measured.inter_arrival.percentile(0.8), Some(Duration::from_micros(35_007)));
        ear.finish(&mut measured);
        assert_eq!(measured.totals.pauses, 1);
    }

    /// What each packet of 20 ms is: silence `.`, sound `s`, sound with a marker `M`, silence with a marker `m`, sound
    /// with a marker after a step in time `J`, and a key just before `k`.
    fn check(what: &str, packets: &str, expected_ms: &[u64], marked: u64) {
        let (mut ear, mut measured) = (Ear::default(), Measured::default());
        let (mut number, mut stepped) = (0, 0);
        for kind in packets.chars() {
            if kind == 'k' {
                ear.press(Moment::from_millis(20 * number as u64), &mut measured);
                continue;
            }
            stepped += u32::from(kind == 'J') * 160;
            let mut header = header(number, matches!(kind, 'M' | 'm' | 'J'));
            header.timestamp = header.timestamp.wrapping_add(stepped);
            let payload = if matches!(kind, '.' | 'm') { &SILENCE } else { &SOUND };
            let at = Moment::from_millis(20 * number as u64 + 10);
            ear.receive(at, &header, Some(Codec::Pcmu), payload, &mut measured);
            number += 1;
        }
        ear.finish(&mut measured);
        let mut told = Histogram::default();
        expected_ms.iter().for_each(|ms| told.record(Duration::from_millis(*ms)));
        let shown =
            |histogram: &Histogram| (histogram.count(), histogram.percentile(0.5), histogram.max(), histogram.mean());
        assert_eq!(shown(&measured.key_to_prompt), shown(&told), "{what}");
        assert_eq!(measured.by_marker, marked, "{what}");
        assert_eq!(measured.by_sound, expected_ms.len() as u64 - marked, "{what}");
    }

    #[test]
    fn a_prompt_after_a_key_is_known_by_its_marker_or_its_sound() {
        check("barge-in, marked", "Mssskss.Mss", &[70], 1);
        check("a marked lead-in of silence", "Mss..k.m..sss", &[30], 1);
        check("no marker, in silence", "Mss..k.sssss", &[30], 0);
        check("no marker, through silence", "Mssks..ssssssssssssss", &[70], 0);
        check("no marker and no silence", "Mssksssssssssssssss", &[], 0);
        check("a late packet's marker", "Mss.k.J", &[30], 0);
        check("only the last of several keys", "Mss.k..k..k.Mss", &[30], 1);
        check("keys apart", "Mss.k.Msss.k..Mss", &[30, 50], 2);
        check("no key", "Mss..Mss", &[], 0);
        check("nothing follows", "Mss.k......", &[], 0);
    }
}
