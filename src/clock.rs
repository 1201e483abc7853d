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
}

/// The real clock, for the shells alone.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// A clock whose time line begins now.
    pub fn start() -> Clock {
        Clock { started: Instant::now() }
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        Moment::ZERO + self.started.elapsed()
    }

    /// The moment of an instant that the operating system told.
    pub fn moment(&self, instant: Instant) -> Moment {
        Moment::ZERO + instant.saturating_duration_since(self.started)
    }

    /// The operating system's instant for `moment`, to sleep until.
    pub fn instant(&self, moment: Moment) -> Instant {
        self.started + moment.since(Moment::ZERO)
    }

    /// The calendar that is true now. The system's time of day may be set while the process runs, so ask again from
    /// time to time.
    pub fn calendar(&self) -> Calendar {
        let elapsed = jiff::SignedDuration::try_from(self.started.elapsed()).unwrap_or(jiff::SignedDuration::MAX);
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
        assert_eq!(calendar.time_of(Moment::from_millis(60_000)).to_string(), "2026-12-18T17:30:00Z");
    }
}
