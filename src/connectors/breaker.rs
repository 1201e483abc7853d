//! When a service that fails is left alone, and when it is tried again.

use std::time::Duration;

use crate::clock::Moment;
use crate::flow::connector::BreakerSpec;

/// What is known of a service's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breaker {
    /// It is asked; so many of its last answers in a row were failures.
    Closed { failures: u32 },
    /// It is not asked until then; from then on by one caller at a time, as long as that fails.
    Open { until: Moment, trying: bool },
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker::Closed { failures: 0 }
    }
}

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It is not asked for so long.
    Rests(Duration),
    /// It answers again.
    Well,
}

impl Breaker {
    /// Whether the service may be asked; `Some(true)` when that tries whether it answers again.
    pub(super) fn admit(&mut self, now: Moment, spec: Option<&BreakerSpec>) -> Option<bool> {
        if spec.is_none() {
            return Some(false);
        }
        match self {
            Breaker::Closed { .. } => Some(false),
            Breaker::Open { until, trying } if *until <= now && !*trying => {
                *trying = true;
                Some(true)
            }
            Breaker::Open { .. } => None,
        }
    }

    /// Who tried it has hung up.
    pub(super) fn trial_cancelled(&mut self) {
        if let Breaker::Open { trying, .. } = self {
            *trying = false;
        }
    }

    /// The service has answered, or failed: `sick`.
    pub(super) fn tell(&mut self, now: Moment, spec: Option<&BreakerSpec>, sick: bool, trial: bool) -> Option<News> {
        let Some(spec) = spec else {
            let was_open = matches!(self, Breaker::Open { .. });
            *self = Breaker::default();
            return was_open.then_some(News::Well);
        };
        match (*self, sick) {
            (Breaker::Closed { .. }, false) => *self = Breaker::default(),
            (Breaker::Closed { failures }, true) if failures + 1 < spec.failures => {
                *self = Breaker::Closed { failures: failures + 1 };
            }
            (Breaker::Closed { .. }, true) => {
                *self = Breaker::Open { until: now + spec.rest, trying: false };
                return Some(News::Rests(spec.rest));
            }
            // One that was under way when it opened says as much as one that tries it.
            (Breaker::Open { .. }, false) => {
                *self = Breaker::default();
                return Some(News::Well);
            }
            (Breaker::Open { .. }, true) if trial => {
                *self = Breaker::Open { until: now + spec.rest, trying: false };
            }
            (Breaker::Open { .. }, true) => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_fails_is_left_alone_and_tried_again() {
        let spec = BreakerSpec { failures: 3, rest: Duration::from_secs(30) };
        let mut breaker = Breaker::default();
        let at = Moment::from_millis;
        let rests = Some(News::Rests(spec.rest));
        // What happens when (in seconds), and what comes of it.
        type Step = (u64, Result<(bool, bool), ()>, Option<Option<bool>>, Option<News>);
        let steps: [Step; 17] = [
            (0, Err(()), Some(Some(false)), None),
            (0, Ok((true, false)), None, None),
            (1, Ok((true, false)), None, None),
            (2, Ok((false, false)), None, None), // one success begins anew
            (3, Ok((true, false)), None, None),
            (4, Ok((true, false)), None, None),
            (5, Ok((true, false)), None, rests),
            (6, Err(()), Some(None), None),
            (7, Ok((true, false)), None, None), // it was under way
            (34, Err(()), Some(None), None),
            (35, Err(()), Some(Some(true)), None),
            (36, Err(()), Some(None), None), // one tries
            (37, Ok((true, true)), None, None),
            (66, Err(()), Some(None), None),
            (67, Err(()), Some(Some(true)), None),
            (68, Ok((false, true)), None, Some(News::Well)),
            (69, Err(()), Some(Some(false)), None),
        ];
        for (number, (second, told, admitted, news)) in steps.into_iter().enumerate() {
            let now = at(second * 1000);
            match told {
                Err(()) => assert_eq!(Some(breaker.admit(now, Some(&spec))), admitted, "step {number}"),
                Ok((sick, trial)) => assert_eq!(breaker.tell(now, Some(&spec), sick, trial), news, "step {number}"),
            }
        }
    }

    #[test]
    fn who_hangs_up_leaves_the_trial_to_the_next() {
        let spec = BreakerSpec { failures: 1, rest: Duration::from_secs(1) };
        let mut breaker = Breaker::default();
        assert!(breaker.tell(Moment::ZERO, Some(&spec), true, false).is_some());
        let later = Moment::from_millis(1000);
        assert_eq!(breaker.admit(later, Some(&spec)), Some(true));
        assert_eq!(breaker.admit(later, Some(&spec)), None);
        breaker.trial_cancelled();
        assert_eq!(breaker.admit(later, Some(&spec)), Some(true));
    }

    #[test]
    fn without_a_breaker_all_are_asked() {
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            assert_eq!(breaker.tell(Moment::ZERO, None, true, false), None);
            assert_eq!(breaker.admit(Moment::ZERO, None), Some(false));
        }
    }
}
