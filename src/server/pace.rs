//! The pace of the main loop under load: what comes within a short while is done in one turn.
//!
//! A turn that finds the processor's caches filled by others costs a multiple of one right after another, and most of its
//! price is the same for one message as for five. So turns that would follow each other closely are kept a little apart,
//! as network cards do with their interrupts; what comes after a quiet while is done at once.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use crate::clock::{Clock, Moment};

/// While turns come often, they begin at whole multiples of this: what a caller may wait for theirs. They are the media's
/// slots too, so that both are woken together where they share a processor.
pub const TURN_GAP: Duration = Duration::from_millis(2);
/// Turns come often when two begin within so long.
const OFTEN: Duration = Duration::from_millis(8);

/// Tells the loop's thread when to rest. Only this thread uses it; it is shared with the hooks of the runtime.
#[derive(Debug)]
pub struct Pace {
    clock: Clock,
    /// When the present turn began, in microseconds of the clock's time line.
    begun_us: AtomicU64,
    /// How long that was after the one before.
    apart_us: AtomicU64,
}

impl Pace {
    /// One for a loop that has done nothing yet.
    pub fn new(clock: Clock) -> Pace {
        Pace { clock, begun_us: AtomicU64::new(0), apart_us: AtomicU64::new(u64::MAX) }
    }

    /// The thread was woken: a turn begins.
    pub fn begin(&self) {
        let now = self.clock.now().as_micros();
        self.apart_us.store(now - self.begun_us.swap(now, Relaxed).min(now), Relaxed);
    }

    /// The thread has nothing to do: it rests, deaf, if more is likely to come soon.
    pub fn rest(&self) {
        let begun = Moment::from_micros(self.begun_us.load(Relaxed));
        let apart = Duration::from_micros(self.apart_us.load(Relaxed));
        if let Some(rest) = rest(apart, begun, self.clock.now()) {
            thread::sleep(rest);
        }
    }
}

/// How long to rest after a turn that began at `begun`, `apart` after the one before, and is over `now`.
fn rest(apart: Duration, begun: Moment, now: Moment) -> Option<Duration> {
    let rest = begun.next_multiple(TURN_GAP) - now;
    (apart <= OFTEN && !rest.is_zero()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_only_where_turns_come_often_and_are_short() {
        let us = Duration::from_micros;
        // (how long after the turn before it began, when it began, when it was over, how long to rest), in microseconds.
        let scenarios = [
            // After a quiet while the next is done at once.
            (1_000_000, 500, 600, None),
            (8_001, 2_000, 2_100, None),
            (8_000, 2_000, 2_100, Some(us(1_900))),
            (2_000, 2_000, 2_000, Some(us(2_000))),
            (2_000, 2_070, 2_500, Some(us(1_500))),
            // One that began in between is followed by one in its place.
            (700, 2_700, 2_800, Some(us(1_200))),
            (2_000, 2_000, 3_999, Some(us(1))),
            // A turn that took as long has let enough come.
            (2_000, 2_000, 4_000, None),
            (2_000, 2_000, 11_000, None),
        ];
        for (apart, begun, over, expected) in scenarios {
            let rest = rest(us(apart), Moment::from_micros(begun), Moment::from_micros(over));
            assert_eq!(rest, expected, "{apart} apart, from {begun} to {over}");
        }
    }
}
