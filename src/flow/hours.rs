//! Opening hours: weekly times in a zone of their own, holidays and other days out of the ordinary, and a switch that
//! people can throw.
//!
//! All is reckoned in moments: of each day the ranges are turned into moments by the rules of the zone (RFC 5545 section
//! 3.3.5: a time that a clock change skips is reckoned as if the clock had not been changed yet, and of one that comes
//! twice the first is meant). So a place that is open from 01:30 on a night without that half hour opens at the same moment as
//! it would have.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Hours in [`FlowSet::hours`](super::FlowSet::hours).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoursIndex(pub u16);

/// Most ranges of one day.
pub const MOST_RANGES: usize = 8;
/// The next change is looked for so many days ahead; what changes later is said not to change.
pub const DAYS_AHEAD: i32 = 400;
/// Minutes of a day.
pub const DAY: u16 = 24 * 60;

/// When something is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    /// The name.
    pub name: Arc<str>,
    /// The zone in which the times are meant.
    pub zone: TimeZone,
    /// The ranges of each day of the week, Monday first: in order, and none meets another.
    pub week: [Vec<Range>; 7],
    /// Days on which other ranges stand than the week's; none at all for a holiday.
    pub days: BTreeMap<Date, OtherDay>,
}

/// A day out of the ordinary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherDay {
    /// Whether it is written as a holiday.
    pub holiday: bool,
    /// When it is open all the same.
    pub ranges: Vec<Range>,
}

/// From one time of day to another, in minutes after midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The first minute, below [`DAY`].
    pub from: u16,
    /// The minute after the last: more than `from`, at most 24 hours after it. Beyond [`DAY`] it lies on the next day.
    pub to: u16,
}

/// What somebody has switched by hand, in place of what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    /// Open or closed.
    pub open: bool,
    /// Until then; afterwards what is written stands again.
    pub until: Timestamp,
}

/// What people have switched, by the name of the hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switches(pub BTreeMap<Arc<str>, Switch>);

impl Switches {
    /// What was switched of `name` and still stands at `at`.
    pub fn of(&self, name: &str, at: Timestamp) -> Option<Switch> {
        self.0.get(name).copied().filter(|switch| at < switch.until)
    }
}

/// How it stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Open or closed.
    pub open: bool,
    /// Why.
    pub why: Why,
    /// When that changes; nothing where it does not within [`DAYS_AHEAD`].
    pub next: Option<Timestamp>,
}

/// Why something is open or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The week's times say so.
    Week,
    /// It is a holiday.
    Holiday(Date),
    /// The day has times of its own.
    OtherTimes(Date),
    /// Somebody has switched it.
    Switched,
}

impl Hours {
    /// How it stands at `at`.
    pub fn standing(&self, at: Timestamp, switch: Option<Switch>) -> Standing {
        match switch.filter(|switch| at < switch.until) {
            Some(switch) => {
                let after = self.written(switch.until);
                let next = if after.open == switch.open { after.next } else { Some(switch.until) };
                Standing { open: switch.open, why: Why::Switched, next }
            }
            None => self.written(at),
        }
    }

    /// How it stands at `at` by what is written alone.
    fn written(&self, at: Timestamp) -> Standing {
        let today = at.to_zoned(self.zone.clone()).date();
        let spans = self.spans_from(today);
        let mut next = None;
        let mut within = None;
        for (date, from, to) in spans {
            match within {
                // What touches goes on.
                Some(_) if next.is_some_and(|next| from <= next) => next = next.max(Some(to)),
                Some(_) => break,
                None if to <= at => {}
                None if from <= at => {
                    within = Some(date);
                    next = Some(to);
                }
                None => {
                    next = Some(from);
                    break;
                }
            }
        }
        let last = today.checked_add(DAYS_AHEAD.days()).unwrap_or(Date::MAX);
        let next = next.filter(|next| next.to_zoned(self.zone.clone()).date() < last);
        let day = within.unwrap_or(today);
        let why = match self.days.get(&day) {
            Some(OtherDay { holiday: true, .. }) => Why::Holiday(day),
            Some(_) => Why::OtherTimes(day),
            None => Why::Week,
        };
        Standing { open: within.is_some(), why, next }
    }

    /// Every span of time from the day before `first` on, with the day to which it belongs, in their order.
    fn spans_from(&self, first: Date) -> impl Iterator<Item = (Date, Timestamp, Timestamp)> {
        let begin = first.checked_sub(1.day()).unwrap_or(first);
        (0..DAYS_AHEAD + 2).filter_map(move |ahead| begin.checked_add(ahead.days()).ok()).flat_map(move |date| {
            let ranges = self.ranges(date).iter();
            // A clock change can leave nothing of a range.
            let moments =
                ranges.filter_map(move |range| Some((self.moment(date, range.from)?, self.moment(date, range.to)?)));
            moments.filter(|(from, to)| from < to).map(move |(from, to)| (date, from, to))
        })
    }

    /// The ranges that begin on `date`.
    pub fn ranges(&self, date: Date) -> &[Range] {
        match self.days.get(&date) {
            Some(day) => &day.ranges,
            None => &self.week[usize::from(date.weekday().to_monday_zero_offset().unsigned_abs())],
        }
    }

    /// The moment so many minutes after midnight of `date`, as clocks show it.
    pub fn moment(&self, date: Date, minutes: u16) -> Option<Timestamp> {
        let days = i32::from(minutes / DAY);
        let minutes = minutes % DAY;
        let time = Time::new((minutes / 60) as i8, (minutes % 60) as i8, 0, 0).ok()?;
        let civil = date.checked_add(days.days()).ok()?.to_datetime(time);
        Some(self.zone.to_ambiguous_zoned(civil).compatible().ok()?.timestamp())
    }

    /// Whether clocks never show, or show twice, the time so many minutes after midnight of `date`.
    pub fn is_odd(&self, date: Date, minutes: u16) -> bool {
        let days = i32::from(minutes / DAY);
        let minutes = minutes % DAY;
        let time = Time::new((minutes / 60) as i8, (minutes % 60) as i8, 0, 0);
        let civil = time.and_then(|time| Ok(date.checked_add(days.days())?.to_datetime(time)));
        civil.is_ok_and(|civil| self.zone.to_ambiguous_zoned(civil).is_ambiguous())
    }

    /// The end of the day in which `at` lies: midnight, as clocks there show it.
    pub fn end_of_day(&self, at: Timestamp) -> Timestamp {
        self.moment(at.to_zoned(self.zone.clone()).date(), DAY).unwrap_or(at)
    }

    /// Whether it opens on `first` or at any time after it, by what is written.
    pub fn opens_from(&self, first: Date) -> bool {
        let other_days = || self.days.range(first..).any(|(_, day)| !day.ranges.is_empty());
        self.week.iter().any(|ranges| !ranges.is_empty()) || other_days()
    }
}

/// The days of the week as they are written, Monday first.
pub const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let to = if self.to == DAY { DAY } else { self.to % DAY };
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, to / 60, to % 60)
    }
}

#[cfg(test)]
mod tests;
