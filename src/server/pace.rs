//! The pace of the main loop under load: what comes within a short while is done in one turn.
//!
//! A turn that finds the processor's caches filled by others costs a multiple of one right after another, and most of its
//! price is the same for one message as for five. So turns that would follow each other closely are kept a little apart,
//! as network cards do with their interrupts; what comes after a quiet while is done at once.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// While turns come often, one begins so long after the one before: what a caller may wait for it. As long as a slot of
/// the media, which come as often with what they have to tell.
pub const TURN_GAP: Duration = Duration::from_millis(2);
/// Turns come often when two begin within so long.
const OFTEN: Duration = Duration::from_millis(8);

/// Tells the loop's thread when to rest. Only this thread uses it; it is shared with the hooks of the runtime.
#[derive(Debug)]
pub struct Pace {
    epoch: Instant,
    /// When the present turn began, in microseconds since the epoch.
    begun_us: AtomicU64,
    /// How long that was after the one before.
    apart_us: AtomicU64,
}

impl Pace {
    /// One for a loop that has done nothing yet.
    pub fn new() -> Pace {
        Pace { epoch: Instant::now(), begun_us: AtomicU64::new(0), apart_us: AtomicU64::new(u64::MAX) }
    }

    /// The thread was woken: a turn begins.
    pub fn begin(&self) {
        let now = self.now_us();
        self.apart_us.store(now - self.begun_us.swap(now, Relaxed).min(now), Relaxed);
    }

    /// The thread has nothing to do: it rests, deaf, if more is likely to come soon.
    pub fn rest(&self) {
        let spent = Duration::from_micros(self.now_us() - self.begun_us.load(Relaxed));
        let apart = Duration::from_micros(self.apart_us.load(Relaxed));
        if let Some(rest) = rest(apart, spent) {
            thread::sleep(rest);
        }
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Default for Pace {
    fn default() -> Pace {
        Pace::new()
    }
}

/// How long to rest after a turn that began `apart` after the one before and took `spent`.
fn rest(apart: Duration, spent: Duration) -> Option<Duration> {
    let rest = TURN_GAP.checked_sub(spent).filter(|rest| !rest.is_zero())?;
    (apart <= OFTEN).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_only_where_turns_come_often_and_are_short() {
        let us = Duration::from_micros;
        let scenarios = [
            // After a quiet while the next is done at once.
            (us(1_000_000), us(100), None),
            (us(8_001), us(100), None),
            (us(8_000), us(100), Some(us(1_900))),
            (us(2_000), us(0), Some(us(2_000))),
            (us(2_000), us(1_999), Some(us(1))),
            // A turn that took as long has let enough come.
            (us(2_000), us(2_000), None),
            (us(2_000), us(9_000), None),
        ];
        for (apart, spent, expected) in scenarios {
            assert_eq!(rest(apart, spent), expected, "{apart:?} apart, {spent:?} spent");
        }
    }
}
