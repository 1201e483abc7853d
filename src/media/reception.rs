//! What is measured of the audio that arrives: RFC 3550 appendices A.1 (sources), A.3 (losses) and A.8 (jitter).

use crate::clock::Moment;

/// A gap in the sequence up to this is a loss; a greater one is a sender that began anew, or nonsense (A.1).
const DROPOUT_MAX: u16 = 3_000;
/// How far behind the highest sequence number a packet may be and still count as late (A.1).
const MISORDER_MAX: u16 = 100;
/// A step in transit time greater than this, in samples, is the sender's clock being set, and no jitter: 2 s.
const TRANSIT_STEP_MAX: u32 = 16_000;

/// The measurement of one caller's audio, over all sources that it had.
#[derive(Clone, Debug, Default)]
pub struct Reception {
    source: Option<Source>,
    /// Another source that was heard once, and the sequence number that would prove it.
    candidate: Option<(u32, u16)>,
    /// Of the sources before.
    before: Totals,
}

/// Packets of a source, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Packets received, duplicates included.
    pub received: u64,
    /// Packets that never arrived.
    pub lost: u64,
}

#[derive(Clone, Debug)]
struct Source {
    ssrc: u32,
    base: u16,
    highest: u16,
    /// How often the sequence numbers went round, shifted left by 16.
    cycles: u32,
    /// The number that would prove that the sender began anew.
    restart: Option<u16>,
    received: u32,
    expected_before: u32,
    received_before: u32,
    transit: Option<u32>,
    /// In sixteenths of a sample.
    jitter: u32,
}

/// What a reception report says of a source (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The source.
    pub ssrc: u32,
    /// Lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Lost since the source began, less duplicates.
    pub cumulative_lost: i32,
    /// The highest sequence number with its cycles above.
    pub highest_sequence: u32,
    /// In samples.
    pub jitter: u32,
}

impl Reception {
    /// Counts a packet. `timestamp` is `None` where it says nothing of when the packet was sent: a telephone-event
    /// carries the beginning of its press. A new source counts from its second packet in sequence on.
    pub fn receive(&mut self, ssrc: u32, sequence: u16, timestamp: Option<u32>, arrival: Moment) {
        let verdict = match &mut self.source {
            None => {
                self.source = Some(Source::new(ssrc, sequence));
                Verdict::Counts
            }
            Some(source) if source.ssrc == ssrc => {
                self.candidate = None;
                source.follow(sequence)
            }
            Some(_) if self.candidate == Some((ssrc, sequence)) => Verdict::Proven,
            Some(_) => {
                self.candidate = Some((ssrc, sequence.wrapping_add(1)));
                Verdict::Doubtful
            }
        };
        match verdict {
            Verdict::Counts => {}
            Verdict::Doubtful => return,
            Verdict::Proven => {
                // Two packets in sequence proved it, and both count; the step from the source before counts as nothing.
                self.before = self.totals();
                self.candidate = None;
                let mut source = Source::new(ssrc, sequence.wrapping_sub(1));
                source.follow(sequence);
                self.source = Some(source);
            }
        }
        if let (Some(source), Some(timestamp)) = (&mut self.source, timestamp) {
            source.measure_jitter(timestamp, arrival);
        }
    }

    /// Packets of all sources so far.
    pub fn totals(&self) -> Totals {
        let Some(source) = &self.source else { return self.before };
        Totals {
            received: self.before.received + u64::from(source.received),
            lost: self.before.lost + source.lost().max(0) as u64,
        }
    }

    /// Interarrival jitter of the present source, in samples.
    pub fn jitter(&self) -> f64 {
        self.source.as_ref().map_or(0.0, |source| f64::from(source.jitter) / 16.0)
    }

    /// What to report of the present source; the next report's fraction counts from here.
    pub fn measure(&mut self) -> Option<Measured> {
        let source = self.source.as_mut()?;
        let expected = source.expected().wrapping_sub(source.expected_before);
        let received = source.received.wrapping_sub(source.received_before);
        source.expected_before = source.expected();
        source.received_before = source.received;
        let lost = expected.saturating_sub(received);
        Some(Measured {
            ssrc: source.ssrc,
            fraction_lost: (u64::from(lost) * 256).checked_div(u64::from(expected)).unwrap_or(0).min(255) as u8,
            cumulative_lost: source.lost().clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest_sequence: source.cycles | u32::from(source.highest),
            jitter: source.jitter >> 4,
        })
    }
}

/// What a sequence number says of its packet.
enum Verdict {
    Counts,
    /// It fits nothing, and does not count unless the next one follows it.
    Doubtful,
    /// It is the second in sequence of a source that begins.
    Proven,
}

impl Source {
    /// A source of which the packet `sequence` was received.
    fn new(ssrc: u32, sequence: u16) -> Source {
        Source {
            ssrc,
            base: sequence,
            highest: sequence,
            cycles: 0,
            restart: None,
            received: 1,
            expected_before: 0,
            received_before: 0,
            transit: None,
            jitter: 0,
        }
    }

    /// `update_seq` of A.1.
    fn follow(&mut self, sequence: u16) -> Verdict {
        let ahead = sequence.wrapping_sub(self.highest);
        if ahead < DROPOUT_MAX {
            if sequence < self.highest {
                self.cycles = self.cycles.wrapping_add(1 << 16);
            }
            self.highest = sequence;
        } else if ahead <= u16::MAX - MISORDER_MAX {
            if self.restart == Some(sequence) {
                return Verdict::Proven;
            }
            self.restart = Some(sequence.wrapping_add(1));
            return Verdict::Doubtful;
        }
        self.received = self.received.wrapping_add(1);
        Verdict::Counts
    }

    fn expected(&self) -> u32 {
        (self.cycles | u32::from(self.highest)).wrapping_sub(u32::from(self.base)).wrapping_add(1)
    }

    fn lost(&self) -> i64 {
        i64::from(self.expected()) - i64::from(self.received)
    }

    /// A.8, at 8,000 samples a second.
    fn measure_jitter(&mut self, timestamp: u32, arrival: Moment) {
        let transit = ((arrival.as_micros() / 125) as u32).wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let step = (transit.wrapping_sub(before) as i32).unsigned_abs();
            if step <= TRANSIT_STEP_MAX {
                self.jitter = self.jitter + step - ((self.jitter + 8) >> 4);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sequence numbers of one source, 20 ms apart, and what is counted: received, lost.
    fn check(what: &str, packets: impl IntoIterator<Item = (u32, u16)>, received: u64, lost: u64) -> Reception {
        let mut reception = Reception::default();
        for (n, (ssrc, sequence)) in packets.into_iter().enumerate() {
            let at = Moment::from_millis(20 * n as u64);
            reception.receive(ssrc, sequence, Some(n as u32 * 160), at);
        }
        assert_eq!(reception.totals(), Totals { received, lost }, "{what}");
        reception
    }

    fn of(sequences: &[u16]) -> impl Iterator<Item = (u32, u16)> {
        sequences.iter().map(|sequence| (1, *sequence))
    }

    #[test]
    fn losses_are_counted() {
        check("nothing", of(&[]), 0, 0);
        check("one", of(&[9]), 1, 0);
        check("in order", of(&[9, 10, 11]), 3, 0);
        check("a loss", of(&[9, 11, 12]), 3, 1);
        check("reordered", of(&[9, 11, 10, 12]), 4, 0);
        check("doubled", of(&[9, 9, 10]), 3, 0);
        check("around", of(&[65_534, 65_535, 0, 1]), 4, 0);
        check("around, with losses", of(&[65_533, 1, 2]), 3, 3);
        check("twice around", (0..140_000_u32).map(|n| (1, n as u16)), 140_000, 0);
        check("one stray", of(&[9, 10, 40_000, 11, 12]), 4, 0);
        check("began anew", of(&[9, 10, 12, 40_000, 40_001, 40_002]), 6, 1);
        check("began anew, and lost", of(&[9, 10, 40_000, 40_001, 40_003]), 5, 1);
        check("began anew below", of(&[40_000, 40_001, 9, 10, 12]), 5, 1);
    }

    #[test]
    fn another_source_counts_when_proven() {
        check("proven", [(1, 9), (1, 11), (2, 500), (2, 501), (2, 503)], 5, 2);
        check("strays", [(1, 9), (2, 500), (1, 10), (2, 501), (1, 11), (3, 7), (4, 8)], 3, 0);
    }

    #[test]
    fn reports_follow_a_3() {
        let mut reception = check("a quarter lost", of(&[9, 10, 12]), 3, 1);
        let measured = reception.measure().expect("a source");
        assert_eq!((measured.fraction_lost, measured.cumulative_lost), (64, 1));
        assert_eq!(measured.highest_sequence, 12);
        assert_eq!(reception.measure().expect("a source").fraction_lost, 0, "nothing since");
        let mut doubled = check("more than expected", of(&[9, 9, 9, 10]), 4, 0);
        let measured = doubled.measure().expect("a source");
        assert_eq!((measured.fraction_lost, measured.cumulative_lost), (0, -2));
        assert_eq!(Reception::default().measure(), None);
    }

    #[test]
    fn jitter_follows_a_8() {
        let jitter = |arrivals_ms: &mut dyn Iterator<Item = u64>| {
            let mut reception = Reception::default();
            for (n, at) in arrivals_ms.enumerate() {
                reception.receive(1, n as u16, Some(n as u32 * 160), Moment::from_millis(at));
            }
            reception.jitter()
        };
        assert_eq!(jitter(&mut (0..500).map(|n| n * 20)), 0.0);
        // Every other packet 5 ms (40 samples) late: the mean deviation is 40.
        let wobbling = jitter(&mut (0..500).map(|n| n * 20 + n % 2 * 5));
        assert!((wobbling - 40.0).abs() < 1.0, "{wobbling}");
        assert_eq!(jitter(&mut (0..500).map(|n| n * 20 + if n > 100 { 60_000 } else { 0 })), 0.0, "a clock set");
    }
}
