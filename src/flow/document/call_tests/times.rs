//! When a call test takes place.

use jiff::civil::{Date, DateTime, Time, Weekday, date};

use crate::flow::document::codes;
use crate::flow::document::diagnostic::shortened;
use crate::flow::document::section::Section;
use crate::flow::document::tree::Entry;

/// A Monday on which no clock changes: the day of tests that name none, so that a test means the same on every day.
const MONDAY: Date = date(2026, 1, 5);
/// When a test takes place that does not say when.
pub(super) const USUAL: DateTime = MONDAY.at(10, 0, 0, 0);

/// `2026-12-18 17:29`, `2026-12-18` (10:00), `fri 17:29`, `17:29`.
pub(super) fn at(section: &mut Section<'_, '_>, entry: &Entry) -> Option<DateTime> {
    let text = section.text(entry, "a time such as `2026-12-18 17:29`")?;
    let read = time(text);
    if read.is_none() {
        let message = format!("`{}` is no time", shortened(text));
        let fault = section.page.error(codes::TEST_TIME, entry.place(), message);
        section.fault(fault.remedy("write it like `2026-12-18 17:29`, `fri 17:29` or `17:29`"));
    }
    read
}

fn time(text: &str) -> Option<DateTime> {
    let text = text.trim();
    let (day, clock) = match text.split_once([' ', 'T']) {
        Some((day, clock)) => (Some(day), Some(clock.trim())),
        None if text.contains(':') => (None, Some(text)),
        None => (Some(text), None),
    };
    let date = match day {
        None => MONDAY,
        Some(day) => weekday(day).or_else(|| (day.len() == 10).then(|| day.parse().ok())?)?,
    };
    let Some(clock) = clock else { return Some(date.to_datetime(USUAL.time())) };
    let padded = if clock.find(':') == Some(1) { format!("0{clock}") } else { clock.to_owned() };
    let time: Time = padded.contains(':').then(|| padded.parse().ok())??;
    Some(date.to_datetime(time))
}

/// `fri`, `friday`: that day of the week of [`MONDAY`].
fn weekday(text: &str) -> Option<Date> {
    let text = text.to_lowercase();
    let days = Weekday::Monday.cycle_forward().take(7);
    let ahead =
        days.into_iter().position(|day| text.len() >= 3 && format!("{day:?}").to_lowercase().starts_with(&text));
    MONDAY.checked_add(jiff::Span::new().days(i64::try_from(ahead?).ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, expected) in [
            ("2026-12-18 17:29", Some("2026-12-18T17:29:00")),
            ("2026-12-18", Some("2026-12-18T10:00:00")),
            ("2026-12-18T09:05:30", Some("2026-12-18T09:05:30")),
            ("fri 17:29", Some("2026-01-09T17:29:00")),
            ("Sunday", Some("2026-01-11T10:00:00")),
            ("9:00", Some("2026-01-05T09:00:00")),
            ("mon 24:00", None),
            ("2026-02-30 10:00", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(time(text).map(|time| time.to_string()).as_deref(), expected, "{text}");
        }
    }
}
