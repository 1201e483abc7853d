//! The RTP ports, handed out as numbers: a call is answered in one step, without asking the media side.

use std::collections::{BTreeSet, VecDeque};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::clock::Moment;

/// A used port rests so long before it is handed out again: packets of the call before are then no longer under way.
pub const REST: Duration = Duration::from_secs(5);

/// A port that could not be opened rests so long: somebody else holds it.
pub const REST_AFTER_FAILURE: Duration = Duration::from_secs(60);

/// Room for so many resting ports is kept when none rests; what a burst of calls took beyond it is given back.
const RESTING_KEPT: usize = 256;

/// The even ports of a range; the odd one above each is RTCP's (RFC 3550 section 11).
#[derive(Debug)]
pub struct PortPool {
    range: RangeInclusive<u16>,
    /// The longest unused is handed out first.
    free: VecDeque<u16>,
    /// Ports of ended calls, in the order in which they will be free.
    resting: VecDeque<(Moment, u16)>,
    /// Ports that could not be opened, likewise.
    failed: VecDeque<(Moment, u16)>,
    size: usize,
}

impl PortPool {
    /// All even ports of `range` whose odd neighbour is in it too.
    pub fn new(range: RangeInclusive<u16>) -> PortPool {
        let free: VecDeque<u16> =
            range.clone().filter(|port| port % 2 == 0 && *port != 0 && *port < *range.end()).collect();
        let size = free.len();
        PortPool { range, free, resting: VecDeque::new(), failed: VecDeque::new(), size }
    }

    /// A port that is free, or `None` when the house is full.
    pub fn take(&mut self, now: Moment) -> Option<u16> {
        self.wake(now);
        self.free.pop_front()
    }

    /// Takes back a port that was taken and never used.
    pub fn give_back(&mut self, port: u16) {
        self.free.push_front(port);
    }

    /// Takes back a port that was used.
    pub fn release(&mut self, now: Moment, port: u16) {
        self.resting.push_back((now + REST, port));
    }

    /// Takes back a port that could not be opened.
    pub fn release_failed(&mut self, now: Moment, port: u16) {
        self.failed.push_back((now + REST_AFTER_FAILURE, port));
    }

    /// How many ports could be taken at `now`.
    pub fn available(&mut self, now: Moment) -> usize {
        self.wake(now);
        self.free.len()
    }

    /// When the next port that rests will be free.
    pub fn next_free(&self) -> Option<Moment> {
        let until = |queue: &VecDeque<(Moment, u16)>| queue.front().map(|(until, _)| *until);
        until(&self.resting).into_iter().chain(until(&self.failed)).min()
    }

    /// Panics unless every port is exactly once free, resting, or one of `owned`.
    pub fn assert_consistent(&self, owned: impl Iterator<Item = u16>) {
        let resting = self.resting.iter().chain(&self.failed).map(|(_, port)| *port);
        let mut seen = BTreeSet::new();
        for port in self.free.iter().copied().chain(resting).chain(owned) {
            assert!(port % 2 == 0 && self.range.contains(&port), "port {port} is not of the pool");
            assert!(seen.insert(port), "port {port} is in two places");
        }
        assert_eq!(seen.len(), self.size, "a port is lost");
    }

    fn wake(&mut self, now: Moment) {
        for queue in [&mut self.resting, &mut self.failed] {
            while let Some((_, port)) = queue.pop_front_if(|(until, _)| *until <= now) {
                self.free.push_back(port);
            }
            if queue.is_empty() && queue.capacity() > RESTING_KEPT {
                *queue = VecDeque::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_even_ports_with_a_neighbour_are_handed_out() {
        for (range, expected) in [
            (10_000..=10_003, vec![10_000, 10_002]),
            (10_001..=10_004, vec![10_002]),
            (10_000..=10_000, vec![]),
            (65_532..=65_535, vec![65_532, 65_534]),
        ] {
            let mut pool = PortPool::new(range.clone());
            let mut taken = Vec::new();
            while let Some(port) = pool.take(Moment::ZERO) {
                taken.push(port);
            }
            assert_eq!(taken, expected, "{range:?}");
        }
    }

    #[test]
    fn a_used_port_rests_and_a_failed_one_rests_longer() {
        let mut pool = PortPool::new(10_000..=10_003);
        let (first, second) = (pool.take(Moment::ZERO).expect("free"), pool.take(Moment::ZERO).expect("free"));
        assert_eq!(pool.take(Moment::ZERO), None);
        pool.release(Moment::ZERO, first);
        pool.release_failed(Moment::ZERO, second);
        assert_eq!(pool.next_free(), Some(Moment::from_millis(5_000)));
        for (millis, available) in [(0, 0), (4_999, 0), (5_000, 1), (59_999, 1), (60_000, 2)] {
            assert_eq!(pool.available(Moment::from_millis(millis)), available, "{millis} ms");
        }
        assert_eq!(pool.take(Moment::from_millis(60_000)), Some(first));
        pool.assert_consistent([first].into_iter());
    }
}
