//! A leg's RTCP: when to report, what the other side reports, and how long packets take there and back.

use std::net::SocketAddr;
use std::time::Duration;

use crate::clock::Moment;

use super::reception::{Measured, Reception};
use super::rtcp::{Block, Blocks, Compound, Malformed, Packet, SenderInfo, Writer};

/// The mean time between reports (RFC 3550 section 6.2: for two members the minimum counts).
const INTERVAL: Duration = Duration::from_secs(5);
/// A round trip beyond this is of a report that means nothing.
const ROUND_TRIP_MAX: u32 = 60 << 16;

/// What is known by RTCP of one leg.
#[derive(Clone, Debug)]
pub struct Control {
    /// Where the time line's beginning lies in NTP time, 32.32 fixed point.
    ntp_zero: u64,
    /// 96 random bits, written as the canonical name (RFC 7022 section 4.2).
    name: [u32; 3],
    /// When the next report is due; `None` before the first tick.
    due: Option<Moment>,
    packets_at_last: u64,
    /// Where the other side's reports come from, when any came.
    pub from: Option<SocketAddr>,
    /// The other side's last SR: the middle of its NTP time, and when it came.
    heard: Option<(u32, Moment)>,
    /// What the other side reported last.
    pub remote: Option<Block>,
    /// The last round trip, in 1/65536 s.
    pub round_trip: Option<u32>,
}

/// What a leg has sent so far.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    /// Our source.
    pub ssrc: u32,
    /// The RTP timestamp of now.
    pub timestamp: u32,
    /// RTP packets sent.
    pub packets: u64,
    /// Payload octets sent.
    pub octets: u64,
}

impl Control {
    /// Nothing heard or sent.
    pub fn new(ntp_zero: u64, rng: &mut fastrand::Rng) -> Control {
        Control {
            ntp_zero,
            name: [rng.u32(..), rng.u32(..), rng.u32(..)],
            due: None,
            packets_at_last: 0,
            from: None,
            heard: None,
            remote: None,
            round_trip: None,
        }
    }

    /// Whether a report is due, and if so, when the next one is: half to one and a half of the interval from now, so
    /// that the reports of many legs spread (section 6.3.1); half of that for the first.
    #[inline]
    pub fn is_due(&mut self, now: Moment, rng: &mut fastrand::Rng) -> bool {
        match self.due {
            Some(due) if now < due => false,
            due => {
                let interval = INTERVAL.mul_f64(0.5 + rng.f64());
                self.due = Some(now + if due.is_some() { interval } else { interval / 2 });
                due.is_some()
            }
        }
    }

    /// Writes a report, and BYE when it is the last; how many octets.
    pub fn write(
        &mut self,
        now: Moment,
        sending: Sending,
        reception: &mut Reception,
        last: bool,
        out: &mut [u8],
    ) -> usize {
        let block = reception.measure().map(|measured| self.block(now, &measured));
        let writer = if sending.packets > self.packets_at_last {
            let sent = SenderInfo {
                ntp: self.ntp(now),
                timestamp: sending.timestamp,
                packets: sending.packets as u32,
                octets: sending.octets as u32,
            };
            Writer::new(out).sender_report(sending.ssrc, &sent, block.as_ref())
        } else {
            Writer::new(out).receiver_report(sending.ssrc, block.as_ref())
        };
        self.packets_at_last = sending.packets;
        let writer = writer.name(sending.ssrc, &self.name());
        if last { writer.goodbye(sending.ssrc).finish() } else { writer.finish() }
    }

    fn block(&self, now: Moment, measured: &Measured) -> Block {
        let (last_report, delay) = match self.heard {
            Some((report, at)) => {
                (report, u32::try_from((now - at).as_micros() * 65_536 / 1_000_000).unwrap_or(u32::MAX))
            }
            None => (0, 0),
        };
        Block {
            ssrc: measured.ssrc,
            fraction_lost: measured.fraction_lost,
            cumulative_lost: measured.cumulative_lost,
            highest_sequence: measured.highest_sequence,
            jitter: measured.jitter,
            last_report,
            delay,
        }
    }

    fn name(&self) -> [u8; 24] {
        let mut name = [0; 24];
        for (place, letter) in name.iter_mut().enumerate() {
            let nibble = self.name[place / 8] >> (place % 8 * 4) & 0xf;
            *letter = b"0123456789abcdef"[nibble as usize];
        }
        name
    }

    fn ntp(&self, now: Moment) -> u64 {
        let micros = now.as_micros();
        let fraction = ((micros % 1_000_000) << 32) / 1_000_000;
        self.ntp_zero.wrapping_add((micros / 1_000_000) << 32 | fraction)
    }

    /// Hears a datagram from the other side. How many more of our packets than before it reports lost.
    pub fn receive(&mut self, arrival: Moment, ours: u32, bytes: &[u8]) -> Result<u64, Malformed> {
        let compound = Compound::parse(bytes)?;
        let lost_before = self.remote.map_or(0, |block| block.cumulative_lost);
        for packet in compound.packets() {
            match packet {
                Packet::SenderReport { sent, blocks, .. } => {
                    self.heard = Some(((sent.ntp >> 16) as u32, arrival));
                    self.reported(arrival, ours, blocks);
                }
                Packet::ReceiverReport { blocks, .. } => self.reported(arrival, ours, blocks),
                // A BYE ends nothing: SIP does.
                Packet::SourceDescription(_) | Packet::Goodbye { .. } | Packet::Other { .. } => {}
            }
        }
        let lost = self.remote.map_or(0, |block| block.cumulative_lost);
        Ok(u64::try_from(i64::from(lost) - i64::from(lost_before.max(0))).unwrap_or(0))
    }

    fn reported(&mut self, arrival: Moment, ours: u32, blocks: Blocks<'_>) {
        let Some(block) = blocks.about(ours) else { return };
        self.remote = Some(block);
        if block.last_report != 0 {
            // Section 6.4.1, figure 2: A - LSR - DLSR.
            let there_and_back =
                ((self.ntp(arrival) >> 16) as u32).wrapping_sub(block.last_report).wrapping_sub(block.delay);
            if there_and_back <= ROUND_TRIP_MAX {
                self.round_trip = Some(there_and_back);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sending(ssrc: u32, packets: u64) -> Sending {
        Sending { ssrc, timestamp: 160, packets, octets: packets * 160 }
    }

    #[test]
    fn round_trip_and_losses_come_from_reports() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut ours = Control::new(u64::MAX - 5, &mut rng); // the fraction of a second goes round
        let mut theirs = Control::new(77 << 32, &mut rng);
        let (mut heard_by_us, mut heard_by_them) = (Reception::default(), Reception::default());
        for sequence in [1, 2, 4, 5] {
            heard_by_them.receive(7, sequence, None, Moment::ZERO);
        }
        let mut out = [0; 128];
        let sent = Moment::from_millis(1_000);
        let length = ours.write(sent, sending(7, 5), &mut heard_by_us, false, &mut out);
        let arrived = Moment::from_millis(1_030);
        assert_eq!(theirs.receive(arrived, 9, &out[..length]), Ok(0));
        let answered = Moment::from_millis(3_030);
        let length = theirs.write(answered, sending(9, 0), &mut heard_by_them, true, &mut out);
        assert_eq!(ours.receive(Moment::from_millis(3_045), 7, &out[..length]), Ok(1));
        let round_trip_ms = f64::from(ours.round_trip.expect("measured")) / 65.536;
        assert!((round_trip_ms - 45.0).abs() < 0.1, "{round_trip_ms}");
        assert_eq!(ours.remote.expect("reported").fraction_lost, 51);
        assert_eq!(ours.receive(Moment::from_millis(3_045), 7, &out[..length]), Ok(0), "told once");
        assert_eq!(ours.receive(Moment::from_millis(3_045), 7, &[1, 2, 3]), Err(Malformed::Length));
    }

    #[test]
    fn reports_are_spread() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut control = Control::new(0, &mut rng);
        let mut at = Vec::new();
        for ms in (0..600_000).step_by(20) {
            if control.is_due(Moment::from_millis(ms), &mut rng) {
                at.push(ms);
            }
        }
        assert!((1_240..=3_780).contains(&at[0]), "{at:?}");
        assert!(at.windows(2).all(|pair| (2_480..=7_540).contains(&(pair[1] - pair[0]))), "{at:?}");
        assert!((100..150).contains(&at.len()), "{at:?}");
    }
}
