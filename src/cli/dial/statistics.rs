//! Percentiles of a great many durations in a bounded room.

use std::time::Duration;

/// Steps in each doubling: a place is at most 1/4096 of its value wide.
const STEPS: usize = 1 << STEP_BITS;
const STEP_BITS: u32 = 12;
/// Doublings above the exact ones: up to 2^33 µs, more than two hours; what is longer counts as that.
const DOUBLINGS: usize = 21;

/// Durations in whole microseconds, counted in places that are exact up to 8 ms and a four-thousandth of the value wide
/// beyond. Takes a fixed 0.7 MB however many are recorded.
#[derive(Clone, Debug)]
pub struct Histogram {
    places: Vec<u64>,
    count: u64,
    sum_us: u64,
    max_us: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { places: vec![0; STEPS * (DOUBLINGS + 1)], count: 0, sum_us: 0, max_us: 0 }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&mut self, length: Duration) {
        let us = u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
        let place = place_of(us).min(self.places.len() - 1);
        self.places[place] += 1;
        self.count += 1;
        self.sum_us = self.sum_us.saturating_add(us);
        self.max_us = self.max_us.max(us);
    }

    /// How many were recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    pub fn max(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_micros(self.max_us))
    }

    /// The arithmetic mean.
    pub fn mean(&self) -> Option<Duration> {
        self.sum_us.checked_div(self.count).map(Duration::from_micros)
    }

    /// The least duration that `share` (0 to 1) of all do not exceed (the nearest-rank percentile), rounded up to the
    /// end of its place and never above the longest. Nothing when none was recorded.
    pub fn percentile(&self, share: f64) -> Option<Duration> {
        if self.count == 0 {
            return None;
        }
        let rank = ((share * self.count as f64).ceil() as u64).clamp(1, self.count);
        let mut seen = 0;
        for (place, count) in self.places.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Some(Duration::from_micros(end_of(place).min(self.max_us)));
            }
        }
        self.max()
    }
}

/// The first `STEPS` places are a microsecond wide, the next `STEPS` too, then two, four, and so on.
fn place_of(us: u64) -> usize {
    let doublings = (u64::BITS - us.leading_zeros()).saturating_sub(STEP_BITS + 1);
    (us >> doublings) as usize + STEPS * doublings as usize
}

/// The longest duration, in microseconds, that a place counts.
fn end_of(place: usize) -> u64 {
    let doublings = (place / STEPS).saturating_sub(1);
    let step = (place - STEPS * doublings) as u64;
    ((step + 1) << doublings) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(us: u64) -> Duration {
        Duration::from_micros(us)
    }

    #[test]
    fn every_duration_has_one_place_and_places_are_narrow() {
        let mut before = 0;
        for length in (0..5_000).chain((5_000..4_000_000_000).step_by(999_983)) {
            let place = place_of(length);
            assert!(place >= before, "{length} comes before what is shorter");
            before = place;
            let end = end_of(place);
            assert!(end >= length && end - length <= length / STEPS as u64, "{length} is told as {end}");
            assert_eq!(place_of(end), place, "{length}");
        }
    }

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let check = |lengths: &[u64], share: f64, expected: u64| {
            let mut histogram = Histogram::default();
            lengths.iter().for_each(|length| histogram.record(us(*length)));
            assert_eq!(histogram.percentile(share), Some(us(expected)), "{share} of {lengths:?}");
        };
        check(&[7], 0.5, 7);
        check(&[7], 0.0, 7);
        check(&[1, 2, 3, 4], 0.5, 2);
        check(&[4, 1, 3, 2], 0.75, 3);
        check(&[1, 2, 3, 4], 0.76, 4);
        check(&(1..=1_000).collect::<Vec<_>>(), 0.99, 990);
        check(&(1..=1_000).collect::<Vec<_>>(), 0.999, 999);
        check(&(1..=1_000).collect::<Vec<_>>(), 1.0, 1_000);
        check(&[1, 1_000_003], 1.0, 1_000_003);
        check(&[20_000, 20_001, 20_002, 30_000], 0.5, 20_003);
    }

    #[test]
    fn nothing_recorded_has_no_percentile() {
        let empty = Histogram::default();
        assert_eq!((empty.percentile(0.5), empty.max(), empty.mean(), empty.count()), (None, None, None, 0));
    }

    #[test]
    fn what_is_beyond_all_places_counts_in_the_last() {
        let mut histogram = Histogram::default();
        histogram.record(Duration::MAX);
        histogram.record(us(10));
        assert_eq!(histogram.count(), 2);
        assert_eq!(histogram.percentile(0.5), Some(us(10)));
        assert_eq!(histogram.max(), Some(us(u64::MAX)));
    }
}
