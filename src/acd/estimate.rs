//! The estimated wait: the rules' section 4, as arithmetic without state.

use std::time::Duration;

/// As many handled calls until the queue length estimator stands alone.
pub const SAMPLES_FULL: u32 = 30;
/// As many until there is an estimate at all.
pub const SAMPLES_LEAST: u32 = 10;
/// The 20th and 80th percentile of the normal distribution lie so many standard deviations from its mean.
pub const BAND_DEVIATIONS: f64 = 0.84;
/// A band whose ends are further apart says nothing.
pub const BAND_RATIO_MAX: f64 = 3.0;
/// Less is not spoken, and so much may always be promised again.
pub const SPOKEN_LEAST: Duration = Duration::from_secs(60);

/// All that an estimate is made from. It is journalled with each figure that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EstimateInputs {
    /// n: entries ahead.
    pub ahead: u32,
    /// a: ready eligible agents.
    pub available: u32,
    /// s: the queue's share of its staff, in agents.
    pub servers: f64,
    /// AHT: the mean of talk, hold and wrap-up over the last two hours, in seconds.
    pub handle_seconds: f64,
    /// Of how many calls.
    pub samples: u32,
    /// The wait of the last caller answered here within 15 min, in seconds.
    pub last_wait_seconds: Option<f64>,
    /// p: the share of entries that abandon, 0 to 1.
    pub abandon_share: f64,
}

/// How long it will take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Estimate {
    /// An agent is there: say nothing, connect.
    Now,
    /// Too little is known.
    Unknown,
    /// About so long.
    Wait(Band),
}

/// An expected wait and the range in which three of five waits will lie, in seconds; all finite and not negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// The mean.
    pub expected_seconds: f64,
    /// The 20th percentile.
    pub low_seconds: f64,
    /// The 80th percentile.
    pub high_seconds: f64,
}

/// A wait in words. What is said is rounded up, so it is a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpokenWait {
    /// "About ... minutes": 1 to 10, 15 or 20.
    Minutes(u32),
    /// "More than twenty minutes".
    MoreThanTwenty,
}

/// What the inputs amount to.
pub fn estimate(inputs: &EstimateInputs) -> Estimate {
    if inputs.available > inputs.ahead {
        return Estimate::Now;
    }
    let n = f64::from(inputs.ahead);
    let known = |value: f64| value.is_finite() && value > 0.0;
    if !known(inputs.servers) || !known(inputs.handle_seconds) || inputs.samples < SAMPLES_LEAST {
        return Estimate::Unknown;
    }
    let abandon = if inputs.abandon_share.is_finite() { inputs.abandon_share.clamp(0.0, 1.0) } else { 0.0 };
    let each = inputs.handle_seconds / inputs.servers;
    let queue_length = (n + 1.0 - f64::from(inputs.available)) * each * (1.0 - abandon * n / (n + 1.0));
    let expected = if inputs.samples >= SAMPLES_FULL {
        queue_length
    } else {
        match inputs.last_wait_seconds {
            Some(last) if last.is_finite() && last >= 0.0 => (queue_length + last) / 2.0,
            _ => return Estimate::Unknown,
        }
    };
    let spread = BAND_DEVIATIONS * each * (n + 1.0).sqrt();
    if !(expected + spread).is_finite() {
        return Estimate::Unknown;
    }
    Estimate::Wait(Band {
        expected_seconds: expected,
        low_seconds: (expected - spread).max(0.0),
        high_seconds: expected + spread,
    })
}

impl Band {
    /// What may be spoken of it: nothing when the band is too wide or the wait too short.
    pub fn spoken(&self) -> Option<SpokenWait> {
        let narrow = self.high_seconds <= BAND_RATIO_MAX * self.low_seconds;
        if !narrow || self.expected_seconds < SPOKEN_LEAST.as_secs_f64() {
            return None;
        }
        let minutes = self.expected_seconds / 60.0;
        Some(if minutes <= 10.0 {
            SpokenWait::Minutes(minutes.ceil() as u32)
        } else if minutes <= 20.0 {
            SpokenWait::Minutes((minutes / 5.0).ceil() as u32 * 5)
        } else {
            SpokenWait::MoreThanTwenty
        })
    }
}

impl SpokenWait {
    /// The longest wait that it promises; `None` when it promises no end.
    pub const fn promise(self) -> Option<Duration> {
        match self {
            SpokenWait::Minutes(minutes) => Some(Duration::from_secs(60 * minutes as u64)),
            SpokenWait::MoreThanTwenty => None,
        }
    }

    /// Whether it may be said `since` after `last` was: it never promises more than is left of that.
    pub fn may_follow(self, last: SpokenWait, since: Duration) -> bool {
        match (last.promise(), self.promise()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(last), Some(new)) => new <= last.saturating_sub(since).max(SPOKEN_LEAST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const USUAL: EstimateInputs = EstimateInputs {
        ahead: 3,
        available: 0,
        servers: 2.0,
        handle_seconds: 120.0,
        samples: 30,
        last_wait_seconds: None,
        abandon_share: 0.0,
    };

    fn expected(inputs: EstimateInputs) -> Option<f64> {
        match estimate(&inputs) {
            Estimate::Now => Some(0.0),
            Estimate::Unknown => None,
            Estimate::Wait(band) => Some(band.expected_seconds),
        }
    }

    #[test]
    fn the_formula_line_by_line() {
        let last = Some(100.0);
        for (inputs, seconds) in [
            (USUAL, Some(240.0)),
            (EstimateInputs { ahead: 0, ..USUAL }, Some(60.0)),
            (EstimateInputs { ahead: 0, available: 1, ..USUAL }, Some(0.0)),
            (EstimateInputs { ahead: 0, available: 1, samples: 0, ..USUAL }, Some(0.0)),
            (EstimateInputs { available: 1, ..USUAL }, Some(180.0)),
            (EstimateInputs { available: 3, ..USUAL }, Some(60.0)),
            (EstimateInputs { abandon_share: 0.4, ..USUAL }, Some(240.0 * 0.7)),
            (EstimateInputs { samples: 29, ..USUAL }, None),
            (EstimateInputs { samples: 29, last_wait_seconds: last, ..USUAL }, Some(170.0)),
            (EstimateInputs { samples: 10, last_wait_seconds: last, ..USUAL }, Some(170.0)),
            (EstimateInputs { samples: 9, last_wait_seconds: last, ..USUAL }, None),
            (EstimateInputs { servers: 0.0, ..USUAL }, None),
            (EstimateInputs { handle_seconds: 0.0, ..USUAL }, None),
            (EstimateInputs { handle_seconds: f64::NAN, ..USUAL }, None),
        ] {
            assert_eq!(expected(inputs), seconds, "{inputs:?}");
        }
        let Estimate::Wait(band) = estimate(&USUAL) else { panic!("it is known") };
        assert!((band.high_seconds - (240.0 + 0.84 * 120.0)).abs() < 1e-9, "{band:?}");
        assert!((band.low_seconds - (240.0 - 0.84 * 120.0)).abs() < 1e-9, "{band:?}");
    }

    #[test]
    fn what_is_spoken_is_rounded_up_and_never_vague() {
        let band = |low, expected, high| Band { low_seconds: low, expected_seconds: expected, high_seconds: high };
        for (band, spoken) in [
            (band(50.0, 59.9, 70.0), None),
            (band(50.0, 60.0, 70.0), Some(SpokenWait::Minutes(1))),
            (band(50.0, 60.1, 70.0), Some(SpokenWait::Minutes(2))),
            (band(50.0, 100.0, 150.0), Some(SpokenWait::Minutes(2))),
            (band(50.0, 100.0, 150.1), None),
            (band(0.0, 100.0, 150.0), None),
            (band(500.0, 600.0, 700.0), Some(SpokenWait::Minutes(10))),
            (band(500.0, 601.0, 700.0), Some(SpokenWait::Minutes(15))),
            (band(900.0, 1_200.0, 1_500.0), Some(SpokenWait::Minutes(20))),
            (band(900.0, 1_201.0, 1_500.0), Some(SpokenWait::MoreThanTwenty)),
        ] {
            assert_eq!(band.spoken(), spoken, "{band:?}");
        }
    }

    #[test]
    fn nothing_is_promised_beyond_the_last_promise() {
        use SpokenWait::{Minutes, MoreThanTwenty};
        for (last, since, new, may) in [
            (Minutes(4), 0, Minutes(4), true),
            (Minutes(4), 1, Minutes(4), false),
            (Minutes(4), 60, Minutes(3), true),
            (Minutes(4), 61, Minutes(3), false),
            (Minutes(4), 600, Minutes(1), true),
            (Minutes(4), 600, Minutes(2), false),
            (Minutes(4), 0, MoreThanTwenty, false),
            (MoreThanTwenty, 60, MoreThanTwenty, true),
            (MoreThanTwenty, 60, Minutes(20), true),
        ] {
            assert_eq!(new.may_follow(last, Duration::from_secs(since)), may, "{last:?} {since} s {new:?}");
        }
    }

    proptest! {
        #[test]
        fn monotone_in_n_and_antitone_in_s(
            ahead in 0u32..10_000, available in 0u32..20, servers in 0.01f64..500.0, handle in 0.1f64..7_200.0,
            samples in 0u32..60, last in prop::option::of(0.0f64..7_200.0), abandon in 0.0f64..=1.0,
            more_servers in 0.01f64..100.0,
        ) {
            let inputs = EstimateInputs {
                ahead, available, servers, handle_seconds: handle, samples, last_wait_seconds: last,
                abandon_share: abandon,
            };
            if let Some(wait) = expected(inputs) {
                prop_assert!(wait >= 0.0 && wait.is_finite());
                if let Some(behind) = expected(EstimateInputs { ahead: ahead + 1, ..inputs }) {
                    prop_assert!(behind >= wait * (1.0 - 1e-12), "{} then {}", wait, behind);
                }
                if let Some(faster) = expected(EstimateInputs { servers: servers + more_servers, ..inputs }) {
                    prop_assert!(faster <= wait * (1.0 + 1e-12), "{} then {}", wait, faster);
                }
            }
            if let Estimate::Wait(band) = estimate(&inputs) {
                prop_assert!(0.0 <= band.low_seconds && band.low_seconds <= band.expected_seconds);
                prop_assert!(band.expected_seconds <= band.high_seconds && band.high_seconds.is_finite());
            }
        }

        #[test]
        fn nothing_makes_it_nan(numbers in prop::array::uniform4(any::<f64>()), n in any::<u32>(), a in any::<u32>()) {
            let inputs = EstimateInputs {
                ahead: n, available: a, servers: numbers[0], handle_seconds: numbers[1], samples: 20,
                last_wait_seconds: Some(numbers[2]), abandon_share: numbers[3],
            };
            if let Estimate::Wait(band) = estimate(&inputs) {
                prop_assert!(band.low_seconds >= 0.0 && band.high_seconds.is_finite());
            }
        }
    }
}
