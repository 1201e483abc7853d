//! Time as a value: the pure rooms are told what time it is and never ask.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A point on the process's own time line, in whole microseconds since the process (or the simulation) began. It never
/// runs backwards and knows nothing of the time of day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The beginning of the time line.
    pub const ZERO: Moment = Moment(0);

    /// The moment `micros` microseconds after the beginning.
    pub const fn from_micros(micros: u64) -> Moment {
        Moment(micros)
    }

    /// The moment `millis` milliseconds after the beginning.
    pub const fn from_millis(millis: u64) -> Moment {
        Moment(millis * 1_000)
    }

    /// Microseconds since the beginning.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The first whole multiple of `step` since the beginning that is not before this moment.
    pub const fn round_up(self, step: Duration) -> Moment {
        Moment(self.0.next_multiple_of(step.as_micros() as u64))
    }

    /// The first whole multiple of `step` since the beginning that is after this moment.
    pub const fn next_multiple(self, step: Duration) -> Moment {
        let step = step.as_micros() as u64;
        Moment((self.0 / step + 1) * step)
    }

    /// How long ago `earlier` was; nothing when it is yet to come.
    pub const fn since(self, earlier: Moment) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;
    fn add(self, length: Duration) -> Moment {
        let micros = u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
        Moment(self.0.saturating_add(micros))
    }
}

impl AddAssign<Duration> for Moment {
    fn add_assign(&mut self, length: Duration) {
        *self = *self + length;
    }
}

impl Sub for Moment {
    type Output = Duration;
    fn sub(self, earlier: Moment) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// Where the time line lies in the calendar: the time of day at [`Moment::ZERO`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    origin: Timestamp,
}

impl Calendar {
    /// A calendar in which the time line began at `origin`.
    pub const fn starting_at(origin: Timestamp) -> Calendar {
        Calendar { origin }
    }

    /// The time of day, in UTC, at `moment`.
    pub fn time_of(&self, moment: Moment) -> Timestamp {
        let micros = i64::try_from(moment.as_micros()).unwrap_or(i64::MAX);
        self.origin.checked_add(jiff::SignedDuration::from_micros(micros)).unwrap_or(Timestamp::MAX)
    }

    /// The moment at which it was, or will be, `time`; the beginning of the time line for what was before that.
    pub fn moment_of(&self, time: Timestamp) -> Moment {
        let since = time.duration_since(self.origin).as_micros();
        Moment(u64::try_from(since.max(0)).unwrap_or(u64::MAX))
    }
}

/// The real clock, for the shells alone.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    /// The moment at which it was started.
    first: Moment,
}

impl Clock {
    /// A clock whose time line begins now.
    pub fn start() -> Clock {
        Clock { started: Instant::now(), first: Moment::ZERO }
    }

    /// A clock whose time line began with the year 1970, as far as the system's time of day is right now: so there are
    /// moments for what an earlier process has seen.
    pub fn start_with_a_past() -> Clock {
        let since_1970 = Calendar::starting_at(Timestamp::UNIX_EPOCH).moment_of(Timestamp::now());
        Clock { started: Instant::now(), first: since_1970 }
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        self.first + self.started.elapsed()
    }

    /// The moment of an instant that the operating system told.
    pub fn moment(&self, instant: Instant) -> Moment {
        self.first + instant.saturating_duration_since(self.started)
    }

    /// The operating system's instant for `moment`, to sleep until.
    pub fn instant(&self, moment: Moment) -> Instant {
        self.started + moment.since(self.first)
    }

    /// The calendar that is true now. The system's time of day may be set while the process runs, so ask again from
    /// time to time.
    pub fn calendar(&self) -> Calendar {
        let micros = i64::try_from(self.now().as_micros()).unwrap_or(i64::MAX);
        let elapsed = jiff::SignedDuration::from_micros(micros);
        Calendar { origin: Timestamp::now().checked_sub(elapsed).unwrap_or(Timestamp::MIN) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_never_runs_backwards() {
        let early = Moment::from_millis(1);
        let late = early + Duration::from_millis(20);
        assert_eq!(late - early, Duration::from_millis(20));
        assert_eq!(early - late, Duration::ZERO);
        assert_eq!(late.to_string(), "0.021000s");
    }

    #[test]
    fn the_calendar_places_a_moment_in_the_day() {
        let calendar = Calendar::starting_at("2026-12-18T17:29:00Z".parse().expect("a valid time"));
        let at = calendar.time_of(Moment::from_millis(60_000));
        assert_eq!(at.to_string(), "2026-12-18T17:30:00Z");
        assert_eq!(calendar.moment_of(at), Moment::from_millis(60_000));
        assert_eq!(calendar.moment_of(Timestamp::UNIX_EPOCH), Moment::ZERO);
    }

    #[test]
    fn a_clock_with_a_past_tells_the_time_of_day_in_its_moments() {
        let clock = Clock::start_with_a_past();
        let now = clock.now();
        let apart = clock.calendar().time_of(now).duration_since(Timestamp::UNIX_EPOCH).as_micros();
        assert!(apart.abs_diff(i128::from(now.as_micros())) < 60_000_000, "{apart} and {now}");
        assert_eq!(clock.moment(clock.instant(now)).since(now), Duration::ZERO);
        assert!(clock.instant(Moment::ZERO) <= clock.instant(now), "what is long past is due at once");
    }
}
