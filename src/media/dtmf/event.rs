//! Keys as telephone-events (RFC 4733): many packets a press, any of which may be lost, doubled or late.
//!
//! A press is known by its source, its timestamp and its event; never by the marker bit, and never by its end, so that
//! it may be told at the first of its packets that arrives.

use std::time::Duration;

use crate::clock::Moment;
use crate::media::rtp;
use crate::telephony::Digit;

/// How many presses are remembered, to know their late packets again.
const REMEMBERED: usize = 8;
/// How far behind the newest press a packet may be to count as late, in samples: 10 s. One further behind is of a sender
/// that began to count anew.
const LATE_MAX: u32 = 80_000;
/// The duration at which a long press goes on under a new timestamp (section 2.5.1.3).
const SEGMENT: u32 = 0xffff;
/// How far apart, in samples, the end of a segment and the next one's beginning may be: nothing but rounding.
const SEAM_MAX: u32 = 8;
/// Packets of one press of a sender that moves the timestamp with every packet are no further apart than this: the
/// 50 ms of section 2.5.1.2 and a network's jitter.
const CONTIGUOUS: Duration = Duration::from_millis(75);
/// … and no more packets apart than this, in sequence numbers: one of them may be lost.
const CONTIGUOUS_PACKETS: u16 = 2;
/// Events in one packet that are looked at (section 2.5.1.5).
const EVENTS_MAX: usize = 4;

/// The receiver of one caller's telephone-events.
#[derive(Clone, Debug, Default)]
pub struct EventReceiver {
    /// The last presses, round and round.
    known: [Option<Key>; REMEMBERED],
    next: usize,
    newest: Option<Press>,
}

/// What makes a press that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    ssrc: u32,
    timestamp: u32,
    event: u8,
}

/// The press that began last.
#[derive(Clone, Copy, Debug)]
struct Press {
    key: Key,
    /// The longest duration seen, in samples.
    duration: u32,
    ended: bool,
    sequence: u16,
    heard: Moment,
}

/// One event as a packet reports it (section 2.3).
#[derive(Clone, Copy, Debug)]
struct Reported {
    key: Key,
    duration: u32,
    ended: bool,
}

/// How far a press has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressed {
    /// The longest duration reported, in samples; of a press in segments (section 2.5.1.3), that of the last.
    pub duration: u32,
    /// Whether its end was reported.
    pub ended: bool,
}

impl EventReceiver {
    /// A receiver that has heard nothing.
    pub fn new() -> EventReceiver {
        EventReceiver::default()
    }

    /// Hears a packet of the agreed payload type. Tells a press, once, at the first of its packets; of several presses
    /// in one packet, which are those of a sender that repeats itself, each at most once and all in order, to `tell`.
    pub fn receive(&mut self, now: Moment, header: &rtp::Header, payload: &[u8], tell: &mut impl FnMut(Digit)) {
        let mut timestamp = header.timestamp;
        for block in payload.chunks_exact(4).take(EVENTS_MAX) {
            let duration = u32::from(u16::from_be_bytes([block[2], block[3]]));
            let ended = block[1] & 0x80 != 0;
            // Numbers above 15 are events of other kinds, such as a flash or a fax's tones.
            if let Ok(digit) = Digit::from_event(block[0]) {
                let key = Key { ssrc: header.ssrc, timestamp, event: digit.event() };
                if self.hear(now, header.sequence, Reported { key, duration, ended }) {
                    tell(digit);
                }
            }
            // The next event of the packet, if there is one, began where this one ended.
            if !ended || duration == 0 {
                break;
            }
            timestamp = timestamp.wrapping_add(duration);
        }
    }

    /// The press that began last.
    pub fn pressed(&self) -> Option<Pressed> {
        self.newest.map(|press| Pressed { duration: press.duration, ended: press.ended })
    }

    /// Whether this is a press not yet told.
    fn hear(&mut self, now: Moment, sequence: u16, reported: Reported) -> bool {
        let known = self.known.contains(&Some(reported.key));
        let Some(newest) = &mut self.newest else {
            self.begin(now, sequence, reported);
            return true;
        };
        if known {
            if newest.key == reported.key {
                newest.go_on(now, sequence, reported);
            }
            return false;
        }
        if newest.key.ssrc == reported.key.ssrc {
            let behind = newest.key.timestamp.wrapping_sub(reported.key.timestamp);
            if behind <= LATE_MAX {
                return false;
            }
            if newest.goes_on_as(reported) || newest.drifts_to(now, sequence, reported) {
                self.begin(now, sequence, reported);
                return false;
            }
        }
        self.begin(now, sequence, reported);
        true
    }

    fn begin(&mut self, now: Moment, sequence: u16, reported: Reported) {
        self.known[self.next] = Some(reported.key);
        self.next = (self.next + 1) % REMEMBERED;
        let Reported { key, duration, ended } = reported;
        self.newest = Some(Press { key, duration, ended, sequence, heard: now });
    }
}

impl Press {
    fn go_on(&mut self, now: Moment, sequence: u16, reported: Reported) {
        self.duration = self.duration.max(reported.duration);
        self.ended |= reported.ended;
        if sequence.wrapping_sub(self.sequence) < 0x8000 {
            self.sequence = sequence;
            self.heard = now;
        }
    }

    /// Whether `reported` is the next segment of this press, too long for one duration (section 2.5.1.3). A segment that
    /// goes on has no end, and the next begins where it left off; packets of it may be lost, so the timestamp decides.
    fn goes_on_as(&self, reported: Reported) -> bool {
        let ahead = reported.key.timestamp.wrapping_sub(self.key.timestamp);
        let seam = |length: u32| ahead.abs_diff(length) <= SEAM_MAX;
        // Senders that split at a shorter duration are known when the last packet before the seam arrived, and are not
        // taken for such when the press could as well be a new one: a key that was down for less than a second.
        self.key.event == reported.key.event
            && !self.ended
            && (seam(SEGMENT) || self.duration >= 8_000 && seam(self.duration))
    }

    /// Whether `reported` is the same press from a gateway that wrongly moves the timestamp with every packet: the same
    /// event, hard upon the last packet, growing on; or its end, repeated.
    fn drifts_to(&self, now: Moment, sequence: u16, reported: Reported) -> bool {
        let packets = sequence.wrapping_sub(self.sequence);
        let grows = !self.ended && reported.duration > self.duration && self.duration > 0;
        let repeats_its_end = self.ended && reported.ended && reported.duration == self.duration;
        self.key.event == reported.key.event
            && (1..=CONTIGUOUS_PACKETS).contains(&packets)
            && now.since(self.heard) <= CONTIGUOUS
            && (grows || repeats_its_end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One packet: milliseconds since the beginning, sequence, timestamp, event, end, duration.
    type Sent = (u64, u16, u32, u8, bool, u16);

    fn told(ssrc: u32, receiver: &mut EventReceiver, packets: &[Sent]) -> String {
        let mut told = String::new();
        for &(at, sequence, timestamp, event, end, duration) in packets {
            let [high, low] = duration.to_be_bytes();
            let payload = [event, u8::from(end) << 7 | 10, high, low];
            // The marker bit means nothing: it is set on every second packet here.
            let header = rtp::Header { marker: sequence % 2 == 0, payload_type: 101, sequence, timestamp, ssrc };
            receiver.receive(Moment::from_millis(at), &header, &payload, &mut |digit| told.push(digit.as_char()));
        }
        told
    }

    fn check(what: &str, packets: &[Sent], expected: &str) {
        assert_eq!(told(1, &mut EventReceiver::new(), packets), expected, "{what}");
    }

    #[test]
    fn each_press_is_told_once() {
        let whole = [
            (0, 1, 800, 5, false, 160),
            (20, 2, 800, 5, false, 320),
            (40, 3, 800, 5, true, 480),
            (40, 4, 800, 5, true, 480),
            (40, 5, 800, 5, true, 480),
        ];
        check("a whole press", &whole, "5");
        for lost in 0..whole.len() {
            let left: Vec<Sent> = whole.iter().enumerate().filter(|(i, _)| *i != lost).map(|(_, p)| *p).collect();
            check("any packet lost", &left, "5");
            check("only one packet left", &whole[lost..=lost], "5");
            check("doubled", &[&left[..], &left[..]].concat(), "5");
            let mut backwards = left.clone();
            backwards.reverse();
            check("backwards", &backwards, "5");
        }
        check("all ends lost, another key", &[(0, 1, 800, 5, false, 160), (200, 9, 2_400, 6, false, 160)], "56");
        check("all ends lost, the same key", &[(0, 1, 800, 5, false, 160), (200, 9, 2_400, 5, false, 160)], "55");
        check("the same key at once again", &[(0, 1, 800, 5, true, 480), (80, 5, 1_440, 5, false, 160)], "55");
        check("no duration yet", &[(0, 1, 800, 5, false, 0), (20, 2, 800, 5, false, 160)], "5");
        check(
            "all sixteen",
            &(0..16).map(|e| (u64::from(e), 1, u32::from(e) * 999, e, true, 9)).collect::<Vec<_>>(),
            "0123456789*#ABCD",
        );
        check("no keys", &[(0, 1, 800, 16, false, 160), (0, 2, 800, 255, true, 160), (20, 3, 990, 36, true, 160)], "");
    }

    #[test]
    fn late_packets_are_no_new_press() {
        let first = (0, 1, 800, 5, false, 160);
        let second = (100, 6, 1_600, 6, false, 160);
        check("the end of one before", &[first, second, (110, 5, 800, 5, true, 480)], "56");
        check("a whole press overtaken", &[second, first], "6");
        check(
            "around the end of time",
            &[(0, 1, u32::MAX - 10, 5, true, 160), (100, 9, 700, 6, true, 160), (101, 2, u32::MAX - 10, 5, true, 160)],
            "56",
        );
        check("the sender's clock began anew", &[(0, 1, 9_000_000, 5, true, 160), (900, 9, 700, 6, true, 160)], "56");
        let mut receiver = EventReceiver::new();
        assert_eq!(told(1, &mut receiver, &[first]), "5");
        assert_eq!(told(2, &mut receiver, &[first]), "5", "another source");
        assert_eq!(told(1, &mut receiver, &[first]), "", "a late one of the source before");
    }

    #[test]
    fn a_long_press_is_one() {
        let mut packets = Vec::new();
        for n in 0..2_000_u32 {
            let duration = (n + 1) * 160;
            let segment = duration / SEGMENT;
            let begins = 4_000 + segment * SEGMENT;
            packets.push((u64::from(n) * 20, n as u16, begins, 3, n == 1_999, (duration - segment * SEGMENT) as u16));
        }
        check("forty seconds", &packets, "3");
        let thinned: Vec<Sent> = packets.iter().copied().filter(|packet| packet.1 % 7 == 3).collect();
        check("forty seconds, most lost", &thinned, "3");
        let short = [(0, 1, 800, 5, false, 8_000), (50, 2, 8_800, 5, false, 400), (100, 3, 8_800, 5, true, 800)];
        check("segments of a second", &short, "5");
        let again = [(0, 1, 800, 5, true, 8_000), (50, 2, 8_800, 5, false, 400)];
        check("an ended one is over", &again, "55");
    }

    #[test]
    fn a_timestamp_that_moves_with_every_packet_is_one_press() {
        let mut packets: Vec<Sent> =
            (0..5).map(|n| (n * 20, n as u16, 800 + 160 * n as u32, 5, false, 160 * (n as u16 + 1))).collect();
        packets.extend((5..8).map(|n| (100, n as u16, 800 + 160 * n as u32, 5, true, 960)));
        check("such a gateway", &packets, "5");
        let one_lost: Vec<Sent> = packets.iter().copied().filter(|packet| packet.1 != 3).collect();
        check("and a loss", &one_lost, "5");
        let twice: Vec<Sent> = packets
            .iter()
            .copied()
            .chain(packets.iter().map(|p| (p.0 + 300, p.1 + 15, p.2 + 2_400, p.3, p.4, p.5)))
            .collect();
        check("pressed twice", &twice, "55");
    }

    #[test]
    fn several_events_in_one_packet() {
        let mut told = String::new();
        let mut receiver = EventReceiver::new();
        let header = rtp::Header { marker: false, payload_type: 101, sequence: 1, timestamp: 800, ssrc: 1 };
        let payload = [1, 0x8a, 1, 0x40, 2, 0x8a, 1, 0x40, 3, 0x0a, 0, 0xa0, 0, 0];
        for _ in 0..2 {
            receiver.receive(Moment::ZERO, &header, &payload, &mut |digit| told.push(digit.as_char()));
        }
        receiver.receive(Moment::ZERO, &header, &[9, 0, 0], &mut |digit| told.push(digit.as_char()));
        assert_eq!(told, "123");
    }

    /// Every press exactly once, in order, over a network that loses (but not a whole press), doubles and reorders.
    #[test]
    fn a_bad_network() {
        let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        println!("SEED={seed}");
        for run in 0..300 {
            let mut rng = fastrand::Rng::with_seed(seed.wrapping_mul(1_000).wrapping_add(run));
            let (mut packets, mut pressed) = (Vec::new(), String::new());
            let mut at = 0_u64;
            let mut sequence = rng.u16(..);
            let start = rng.u32(..);
            for _ in 0..rng.usize(1..30) {
                at += 20 * rng.u64(4..100);
                let digit = Digit::ALL[rng.usize(..16)];
                pressed.push(digit.as_char());
                let timestamp = start.wrapping_add(at as u32 * 8);
                sequence = sequence.wrapping_add(rng.u16(4..100));
                let updates = rng.u64(2..40);
                let survivor = rng.u64(..updates);
                for update in 0..updates + 2 {
                    let length = update.min(updates - 1) + 1;
                    let sent: Sent = (
                        at + update * 20,
                        sequence,
                        timestamp,
                        digit.event(),
                        update >= updates - 1,
                        length as u16 * 160,
                    );
                    sequence = sequence.wrapping_add(1);
                    if update == survivor || rng.u8(..100) > 30 {
                        let delay = rng.u64(..if update == survivor { 1 } else { 60 });
                        packets.push((sent.0 + delay, sent));
                        if rng.u8(..100) < 20 {
                            packets.push((sent.0 + delay + rng.u64(..400), sent));
                        }
                    }
                }
                at += updates * 20;
            }
            packets.sort_by_key(|(arrival, _)| *arrival);
            let arrived: Vec<Sent> = packets.iter().map(|&(arrival, p)| (arrival, p.1, p.2, p.3, p.4, p.5)).collect();
            assert_eq!(told(7, &mut EventReceiver::new(), &arrived), pressed, "run {run} of SEED={seed}");
        }
    }
}
