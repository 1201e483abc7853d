//! What a value means when it is to be spoken: text is read as the number, amount, day or time that it spells.

use std::borrow::Cow;

use jiff::civil;
use jiff::{Timestamp, Zoned};

use super::{Amount, LARGEST, Number, Setting, Time};
use crate::flow::document::scalar;
use crate::flow::{Currency, Value};

/// The most places after the point: more cannot be held by [`Value::Number`] either.
const MOST_PLACES: usize = 9;

/// The value as it is written; nothing for a time, which has no one spelling.
pub(super) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Number { .. } | Value::Money { .. } => Some(Cow::Owned(value.written()?)),
        Value::Truth(true) => Some(Cow::Borrowed("yes")),
        Value::Truth(false) => Some(Cow::Borrowed("no")),
        Value::Date(_) | Value::Time(_) | Value::Secret(_) => None,
    }
}

/// `105`, `-3.50`, `0042`.
pub(super) fn number(value: &Value) -> Option<Number> {
    if let Value::Truth(_) = value {
        return None;
    }
    let text = text(value)?;
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let numerals = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let ends_in_point = text.ends_with('.');
    if whole.is_empty() || ends_in_point || !numerals(whole) || !numerals(fraction) || fraction.len() > MOST_PLACES {
        return None;
    }
    let whole: u64 = whole.parse().ok().filter(|&whole| whole <= LARGEST)?;
    let places = u8::try_from(fraction.len()).ok()?;
    let fraction = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    Some(Number { negative: negative && (whole > 0 || fraction > 0), whole, fraction, places })
}

/// A length of time in seconds: `90`, `1h30m`.
pub(super) fn seconds(value: &Value) -> Option<u64> {
    match number(value) {
        Some(number) if number.negative => None,
        Some(number) => Some(number.whole),
        None => scalar::duration(&text(value)?).map(|length| length.as_secs()).filter(|seconds| *seconds <= LARGEST),
    }
}

/// `24.5`, `24.50 EUR`, `GBP 24`, `$3.99`; the third place after the point is rounded.
pub(super) fn amount(value: &Value, currency: Option<Currency>) -> Option<Amount> {
    let written = text(value)?;
    let written = written.trim();
    let marked = Currency::MARKS.iter().find_map(|(mark, currency)| {
        let rest = written.strip_prefix(mark).or_else(|| written.strip_suffix(mark))?;
        Some((Value::Text(rest.trim().to_owned()), *currency))
    });
    let (number, currency) = match marked {
        Some((rest, currency)) => (number(&rest)?, currency),
        None => (number(value)?, currency?),
    };
    let scale = 10_u64.pow(u32::from(number.places));
    let hundredths = number.whole * 100 + (number.fraction * 100 + scale / 2) / scale;
    Some(Amount {
        currency,
        negative: number.negative && hundredths > 0,
        whole: hundredths / 100,
        hundredths: u8::try_from(hundredths % 100).ok()?,
    })
}

/// `2026-12-24`, `tomorrow`, `2026-12-24T10:00:00Z`, `now`.
pub(super) fn date(value: &Value, setting: &Setting<'_>) -> Option<civil::Date> {
    let text = match value {
        Value::Time(time) => return Some(time.to_zoned(setting.time_zone.clone()).date()),
        Value::Date(date) => return Some(*date),
        Value::Text(text) => text.trim(),
        _ => return None,
    };
    match text {
        "today" | "now" => Some(setting.now().date()),
        "tomorrow" => setting.now().date().tomorrow().ok(),
        "yesterday" => setting.now().date().yesterday().ok(),
        _ => match point_in_time(text, setting) {
            Some(time) => Some(time.date()),
            None => text.parse().ok(),
        },
    }
}

/// `17:30`, `2026-12-24T17:30:00Z`, `now`.
pub(super) fn time(value: &Value, setting: &Setting<'_>) -> Option<Time> {
    let text = match value {
        Value::Time(time) => return Some(to_the_minute(time.to_zoned(setting.time_zone.clone()).time())),
        Value::Text(text) => text.trim(),
        _ => return None,
    };
    if text == "now" {
        return Some(to_the_minute(setting.now().time()));
    }
    if let Some(time) = point_in_time(text, setting) {
        return Some(to_the_minute(time.time()));
    }
    // A date alone says nothing of a time, though it would be read as midnight.
    if !text.contains(':') {
        return None;
    }
    let padded = if text.find(':') == Some(1) { Cow::Owned(format!("0{text}")) } else { Cow::Borrowed(text) };
    let time = padded.parse().or_else(|_| padded.parse().map(|time: civil::DateTime| time.time())).ok()?;
    Some(to_the_minute(time))
}

/// A time with its offset from UTC (RFC 3339), told in the flow's zone.
fn point_in_time(text: &str, setting: &Setting<'_>) -> Option<Zoned> {
    let time: Timestamp = text.parse().ok()?;
    Some(time.to_zoned(setting.time_zone.clone()))
}

fn to_the_minute(time: civil::Time) -> Time {
    Time { hour: time.hour().unsigned_abs(), minute: time.minute().unsigned_abs() }
}
