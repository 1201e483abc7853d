//! When the packets of the last seconds came, and how late they must be taken for nearly all of them to be in time.

use super::{ahead, common_divisor};

/// Packets that are remembered: 5 s of 20 ms each.
const WINDOW: usize = 256;
/// One in so many packets may come too late, if it is much later than the others.
const TOO_LATE_ONE_IN: usize = 64;
/// While fewer packets than this were heard, what was known of the jitter before counts as well.
const KNOWN_AFTER: usize = 16;
/// The greatest delay on account of jitter, in samples: 200 ms.
pub const DELAY_MAX: i32 = 1_600;
/// Delays that are further apart than this, in samples, mean nothing: half an hour.
const APART_MAX: i32 = 1 << 24;

/// The arrivals of one source's packets.
pub struct Arrivals {
    all: [Arrival; WINDOW],
    /// How many were heard; twice the window at most.
    heard: usize,
    /// What is known of the jitter from before: the delay that it wants beyond the least, in samples.
    jitter: i32,
}

#[derive(Clone, Copy)]
struct Arrival {
    timestamp: u32,
    /// When it came less its timestamp: the network's delay, but for a constant.
    transit: u32,
}

impl Arrivals {
    /// None yet; `jitter` is what is known of it already.
    pub fn new(jitter: u32) -> Arrivals {
        let jitter = i32::try_from(jitter).unwrap_or(DELAY_MAX).min(DELAY_MAX);
        Arrivals { all: [Arrival { timestamp: 0, transit: 0 }; WINDOW], heard: 0, jitter }
    }

    /// Forgets when packets came, but not how far apart.
    pub fn clear(&mut self) {
        if let Some(jitter) = self.spread() {
            self.jitter = jitter;
        }
        self.heard = 0;
    }

    /// Forgets when packets came, and what the last ones said of their spread: they came after a pause.
    pub fn restart(&mut self) {
        self.heard = 0;
    }

    pub fn push(&mut self, timestamp: u32, at: u32) {
        self.all[self.heard % WINDOW] = Arrival { timestamp, transit: at.wrapping_sub(timestamp) };
        // The count goes round in such a way that a full window stays one.
        self.heard = if self.heard + 1 == 2 * WINDOW { WINDOW } else { self.heard + 1 };
    }

    fn known(&self) -> &[Arrival] {
        &self.all[..self.heard.min(WINDOW)]
    }

    /// How long the quickest packet waits when samples are taken `offset` after their timestamps.
    pub fn longest_wait(&self, offset: u32) -> Option<u32> {
        let longest = self.known().iter().map(|arrival| ahead(offset, arrival.transit)).max()?;
        Some(longest.max(0) as u32)
    }

    /// How much later than `reference` after their timestamps samples must be taken for nearly all packets, of `length`
    /// samples, to be there, when they are taken in frames that are cut at `origin`.
    pub fn needed(&self, reference: u32, origin: u32, frame: u32, length: u32) -> i32 {
        let known = self.known();
        let Some(highest) = known.len().checked_sub(1) else { return 0 };
        let mut lateness = [0; WINDOW];
        let mut least = i32::MAX;
        let is_new = known.len() < KNOWN_AFTER;
        let furthest = (frame - common_divisor(length, frame)) as i32;
        for (place, arrival) in lateness.iter_mut().zip(known) {
            let transit = ahead(arrival.transit, reference).clamp(-APART_MAX, APART_MAX);
            least = least.min(transit);
            // A packet is needed when the frame is taken in which it begins. At first not every place in a frame where
            // packets begin was seen.
            let after = || ahead(arrival.timestamp, origin).rem_euclid(frame as i32);
            *place = transit + if is_new { furthest } else { after() };
        }
        let excused = known.len() / TOO_LATE_ONE_IN;
        let (_, needed, _) = lateness[..known.len()].select_nth_unstable(highest - excused);
        let known_before = if is_new { least + self.jitter } else { i32::MIN };
        (*needed).max(known_before).min(least + DELAY_MAX)
    }

    /// The delay beyond the least that the packets known want, once enough are known.
    fn spread(&self) -> Option<i32> {
        let reference = self.known().first()?.transit;
        let least = self.known().iter().map(|arrival| ahead(arrival.transit, reference)).min()?;
        let wanted = self.needed(reference, 0, 1, 1);
        (self.known().len() >= KNOWN_AFTER).then(|| wanted.saturating_sub(least).clamp(0, DELAY_MAX))
    }
}
