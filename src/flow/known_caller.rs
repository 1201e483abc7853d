//! What is known of a caller from earlier calls.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What is known of a caller from earlier calls, by their number; of one who withholds it nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownCaller {
    /// The extension of the agent who talked to them last.
    pub last_agent: Option<Arc<str>>,
    /// When they called last, before this call.
    pub last_call: Option<Timestamp>,
    /// When they called of late: the last two days at least, this call included, in order.
    pub calls: Arc<[Timestamp]>,
}

impl KnownCaller {
    /// How often they have called on the day of `now` in `zone`, this call included.
    pub fn calls_on_the_day(&self, now: Timestamp, zone: &TimeZone) -> u32 {
        let today = now.to_zoned(zone.clone()).date();
        let on_the_day = self.calls.iter().filter(|at| at.to_zoned(zone.clone()).date() == today);
        u32::try_from(on_the_day.count()).unwrap_or(u32::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_that_of_the_zone() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let zone = |name: &str| TimeZone::get(name).expect("it exists");
        let calls = ["2026-07-01T22:30:00Z", "2026-07-01T23:30:00Z", "2026-07-02T08:00:00Z"].map(at);
        let known = KnownCaller { calls: Arc::from(calls), ..KnownCaller::default() };
        let now = calls[2];
        assert_eq!(known.calls_on_the_day(now, &zone("UTC")), 1);
        assert_eq!(known.calls_on_the_day(now, &zone("Europe/London")), 2);
        assert_eq!(known.calls_on_the_day(now, &zone("Europe/Madrid")), 3);
        assert_eq!(KnownCaller::default().calls_on_the_day(now, &zone("UTC")), 1, "this call counts");
    }
}
