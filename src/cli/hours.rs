//! `helpline hours`: whether something is open at a time, why, and when that changes; and the calendar of a year.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use jiff::civil::{Date, Time, Weekday};
use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};

use super::listing::{Format, Secrets, flows_or_errors, print};
use super::report;
use crate::config::Installation;
use crate::flow::Hours;
use crate::flow::document::diagnostic::{listed, nearest};
use crate::flow::hours::{Range, Standing, WEEKDAYS, Why};

/// What `helpline hours` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The name of the hours; all of them without one
    pub name: Option<String>,
    /// At which time: `18:05`, `mon 18:05` or `2026-12-24 18:05`, in the hours' zone; now without one
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// The calendar of a year, the present one unless it is named: every day out of the ordinary, and every clock change
    #[arg(long, value_name = "YEAR", num_args = 0..=1, conflicts_with = "at", value_parser = year_number)]
    pub year: Option<Option<i16>>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Tells of the hours of the installation in `config`; the exit status is 1 when the flows have errors, 2 for hours or a
/// time that nobody knows.
///
/// # Errors
/// What is told could not be written.
pub fn run(arguments: &Arguments, config: &Path) -> anyhow::Result<ExitCode> {
    let Some((flows, _)) = flows_or_errors(Installation::load(config), Secrets::Spared)? else {
        return Ok(ExitCode::from(1));
    };
    let text = match told(&flows.hours, arguments) {
        Ok(text) => text,
        Err(misunderstood) => {
            return report::wrong_usage(&misunderstood.to_string());
        }
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// What was asked for and cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Misunderstood {
    #[error("no hours named `{0}`; {1}")]
    Name(String, String),
    #[error("`{0}` is no time: write it like 18:05, \"mon 18:05\" or \"2026-12-24 18:05\"")]
    Time(String),
    #[error("{0} is no year of the calendar: 1 to 9998 are")]
    Year(i16),
}

fn told(all: &[Hours], arguments: &Arguments) -> Result<String, Misunderstood> {
    let wanted: Vec<&Hours> = match &arguments.name {
        None => all.iter().collect(),
        Some(name) => {
            let hours = all.iter().find(|hours| *hours.name == **name);
            vec![hours.ok_or_else(|| Misunderstood::Name(name.clone(), known(all, name)))?]
        }
    };
    let mut items = Vec::new();
    let mut text = String::new();
    for hours in wanted {
        let now = Zoned::now().with_time_zone(hours.zone.clone());
        match arguments.year {
            Some(year) => {
                let year = year.unwrap_or(now.year());
                let first = Date::new(year, 1, 1).ok().filter(|first| (1..9_999).contains(&first.year()));
                let first = first.ok_or(Misunderstood::Year(year))?;
                calendar(hours, first, &mut text, &mut items);
            }
            None => {
                let at = match &arguments.at {
                    Some(text) => time_meant(&now, text).ok_or_else(|| Misunderstood::Time(text.clone()))?,
                    None => now,
                };
                standing(hours, &at, &mut text, &mut items);
            }
        }
    }
    if all.is_empty() {
        text.push_str("The flows have no `hours`.\n");
    }
    Ok(match arguments.format {
        Format::Human => text,
        Format::Json => format!("{:#}\n", json!({ "items": items })),
    })
}

fn known(all: &[Hours], name: &str) -> String {
    let names = || all.iter().map(|hours| &*hours.name);
    match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if all.is_empty() => "the flows have none".to_owned(),
        None => format!("there are {}", listed(names()).replace(" or ", " and ")),
    }
}

fn standing(hours: &Hours, at: &Zoned, text: &mut String, items: &mut Vec<Value>) {
    let Standing { open, why, next } = hours.standing(at.timestamp(), None);
    let next = next.map(|next| next.to_zoned(hours.zone.clone()));
    let state = if open { "open" } else { "closed" };
    let day = at.date();
    let reason = match why {
        Why::Holiday(date) => format!("{date} is a holiday"),
        Why::OtherTimes(date) => format!("{date} has times of its own: {}", ranges(hours.ranges(date))),
        Why::Week | Why::Switched => format!("{}: {}", at.strftime("%A"), ranges(hours.ranges(day))),
    };
    let change = match (&next, open) {
        (Some(next), true) => format!("closes {}", next.strftime("%A, %Y-%m-%d %H:%M")),
        (Some(next), false) => format!("opens {}", next.strftime("%A, %Y-%m-%d %H:%M")),
        (None, true) => "never closes".to_owned(),
        (None, false) => "does not open within 400 days".to_owned(),
    };
    let when = at.strftime("%A, %Y-%m-%d %H:%M %Z");
    let _ = writeln!(text, "{} is {state} on {when} ({reason}); {change}.", hours.name);
    items.push(json!({
        "name": &*hours.name,
        "time_zone": hours.zone.iana_name(),
        "at": at.timestamp().to_string(),
        "open": open,
        "why": match why {
            Why::Week => "week",
            Why::Holiday(_) => "holiday",
            Why::OtherTimes(_) => "except",
            Why::Switched => "switched",
        },
        "next": next.map(|next| next.timestamp().to_string()),
    }));
}

/// The week, and the days of a year on which it does not stand or the clocks change.
fn calendar(hours: &Hours, first: Date, text: &mut String, items: &mut Vec<Value>) {
    let year = first.year();
    let zone = hours.zone.iana_name().unwrap_or("UTC");
    let _ = writeln!(text, "{} in {year}, {zone}", hours.name);
    for ((name, _), times) in WEEKDAYS.iter().zip(&hours.week) {
        let _ = writeln!(text, "  {name}         {}", ranges(times));
    }
    let mut days = Vec::new();
    for date in first.series(jiff::Span::new().days(1)).take_while(|date| date.year() == year) {
        let own = hours.days.get(&date);
        let changed = clocks_change(hours, date);
        if own.is_none() && changed.is_none() {
            continue;
        }
        let kind = match own {
            Some(day) if day.holiday => "holiday",
            Some(_) => "except",
            None => "week",
        };
        let mut notes = Vec::new();
        notes.extend(own.filter(|day| day.holiday).map(|_| "holiday".to_owned()));
        notes.extend(changed.clone());
        let times = ranges(hours.ranges(date));
        let notes = if notes.is_empty() { String::new() } else { format!("  {}", notes.join(", ")) };
        let _ = writeln!(text, "  {date} {}  {times}{notes}", date.strftime("%a"));
        let times: Vec<String> = hours.ranges(date).iter().map(Range::to_string).collect();
        days.push(json!({ "date": date.to_string(), "kind": kind, "times": times, "clocks": changed }));
    }
    let week: serde_json::Map<String, Value> = WEEKDAYS
        .iter()
        .zip(&hours.week)
        .map(|((name, _), times)| ((*name).to_owned(), times.iter().map(Range::to_string).collect()))
        .collect();
    let zone = hours.zone.iana_name();
    items.push(json!({ "name": &*hours.name, "time_zone": zone, "year": year, "week": week, "days": days }));
}

/// How clocks change on a day, if they do.
fn clocks_change(hours: &Hours, date: Date) -> Option<String> {
    let (from, to) = (hours.moment(date, 0)?, hours.moment(date, crate::flow::hours::DAY)?);
    let offset = |at: jiff::Timestamp| hours.zone.to_offset(at);
    let (before, after) = (offset(from), offset(to));
    (before != after).then(|| format!("clocks change from UTC{before} to UTC{after}"))
}

fn ranges(ranges: &[Range]) -> String {
    match ranges {
        [] => "closed".to_owned(),
        ranges => ranges.iter().map(Range::to_string).collect::<Vec<_>>().join(", "),
    }
}

fn year_number(text: &str) -> Result<i16, &'static str> {
    text.parse().map_err(|_| "a year is a number, 1 to 9998")
}

/// `18:05`, `mon 18:05`, `2026-12-24 18:05`: the next one from `now`, in its zone; `2026-12-24T18:05` and, in a zone of its own,
/// `2026-12-24T18:05:00Z`, too.
pub(super) fn time_meant(now: &Zoned, text: &str) -> Option<Zoned> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment.to_zoned(now.time_zone().clone()));
    }
    let is_space = |c: char| c == 'T' || c.is_whitespace();
    let (day, time) = text.rsplit_once(is_space).unwrap_or(("", text));
    let padded = if time.find(':') == Some(1) { format!("0{time}") } else { time.to_owned() };
    let time: Time = padded.contains(':').then(|| padded.parse().ok())??;
    let date = match day.trim() {
        "" if time < now.time() => now.date().tomorrow().ok()?,
        "" | "today" => now.date(),
        "tomorrow" => now.date().tomorrow().ok()?,
        day => match weekday(day) {
            Some(weekday) if weekday == now.date().weekday() && time >= now.time() => now.date(),
            Some(weekday) => now.date().nth_weekday(1, weekday).ok()?,
            None => day.parse().ok()?,
        },
    };
    date.to_datetime(time).to_zoned(now.time_zone().clone()).ok()
}

/// `mon`, `Monday`.
fn weekday(text: &str) -> Option<Weekday> {
    let text = text.to_lowercase();
    let days = Weekday::Monday.cycle_forward().take(7);
    days.into_iter().find(|day| {
        let name = format!("{day:?}").to_lowercase();
        text.len() >= 3 && name.starts_with(&text)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::flow::hours::OtherDay;

    fn office() -> Hours {
        let work = Range { from: 9 * 60, to: 17 * 60 + 30 };
        let holiday = OtherDay { holiday: true, ranges: Vec::new() };
        let eve = OtherDay { holiday: false, ranges: vec![Range { from: 9 * 60, to: 12 * 60 }] };
        let day = |text: &str| text.parse().expect("a date");
        Hours {
            name: "office".into(),
            zone: TimeZone::get("Europe/London").expect("a zone"),
            week: std::array::from_fn(|day| if day < 5 { vec![work] } else { Vec::new() }),
            days: BTreeMap::from([(day("2026-12-25"), holiday), (day("2026-12-24"), eve)]),
        }
    }

    fn arguments(name: &str, at: Option<&str>, year: Option<Option<i16>>) -> Arguments {
        Arguments { name: Some(name.to_owned()), at: at.map(str::to_owned), year, format: Format::Human }
    }

    #[test]
    fn a_time_is_told() {
        let check = |at: &str, expected: &str| {
            assert_eq!(told(&[office()], &arguments("office", Some(at), None)).as_deref(), Ok(expected));
        };
        check(
            "2026-12-18 17:29",
            "office is open on Friday, 2026-12-18 17:29 GMT (Friday: 09:00-17:30); closes Friday, 2026-12-18 17:30.\n",
        );
        check(
            "2026-12-24 13:00",
            "office is closed on Thursday, 2026-12-24 13:00 GMT (2026-12-24 has times of its own: 09:00-12:00); opens Monday, 2026-12-28 09:00.\n",
        );
        check(
            "2026-12-25 13:00",
            "office is closed on Friday, 2026-12-25 13:00 GMT (2026-12-25 is a holiday); opens Monday, 2026-12-28 09:00.\n",
        );
    }

    #[test]
    fn a_year_is_told() {
        let text = told(&[office()], &arguments("office", None, Some(Some(2026)))).expect("it is right");
        let expected = "office in 2026, Europe/London
  mon         09:00-17:30
  tue         09:00-17:30
  wed         09:00-17:30
  thu         09:00-17:30
  fri         09:00-17:30
  sat         closed
  sun         closed
  2026-03-29 Sun  closed  clocks change from UTC+00 to UTC+01
  2026-10-25 Sun  closed  clocks change from UTC+01 to UTC+00
  2026-12-24 Thu  09:00-12:00
  2026-12-25 Fri  closed  holiday
";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_nobody_knows_is_told() {
        let wrong = |name: &str, at: Option<&str>, year| {
            told(&[office()], &arguments(name, at, year)).expect_err("it is wrong").to_string()
        };
        assert_eq!(wrong("ofice", None, None), "no hours named `ofice`; did you mean `office`?");
        assert_eq!(wrong("x", None, None), "no hours named `x`; there are `office`");
        assert_eq!(
            wrong("office", Some("25:00"), None),
            "`25:00` is no time: write it like 18:05, \"mon 18:05\" or \"2026-12-24 18:05\""
        );
        let meant = |text: &str| time_meant(&"2026-11-22T12:00[Europe/London]".parse().expect("a time"), text);
        let written = meant("2026-07-01 18:05");
        assert!(written.is_some());
        for text in ["2026-07-01T18:05", "2026-07-01T17:05:00Z", "2026-07-01T19:05:00+02:00"] {
            assert_eq!(meant(text), written, "{text}");
        }
        assert_eq!(wrong("office", None, Some(Some(-5))), "-5 is no year of the calendar: 1 to 9998 are");
    }
}
