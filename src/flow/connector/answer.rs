//! What a service answers: JSON becomes values, or the fault is told without telling what was in it.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde_json::Value as Json;

use super::{Connector, Field, FieldKind, LookupAnswer};
use crate::flow::document::scalar;
use crate::flow::{Currency, Value};

/// Longest text that is taken from an answer, in characters.
const MAX_TEXT: usize = 200;
/// As much is shown of what was answered.
const SHOWN: usize = 24;

impl Connector {
    /// What the body of an answer says; `Err` tells what is wrong with it, and nothing of what it says: letters are told as `a` and
    /// digits as `9`. Days and times without a zone are those of `zone`.
    pub fn read_answer(&self, body: &str, zone: &TimeZone) -> Result<LookupAnswer, String> {
        if body.trim().is_empty() {
            return Ok(LookupAnswer::NotFound);
        }
        let json: Json = serde_json::from_str(body).map_err(|reason| {
            let place = format!("line {}, column {}", reason.line(), reason.column());
            if reason.is_eof() {
                format!("its JSON breaks off in {place}")
            } else {
                format!("it is no JSON in {place}")
            }
        })?;
        let Some(record) = find(&json, &self.answer) else { return Ok(LookupAnswer::NotFound) };
        if is_empty(record) {
            return Ok(LookupAnswer::NotFound);
        }
        let mut values = Vec::with_capacity(self.fields.len());
        for field in &self.fields {
            match find(record, &field.path).filter(|json| !json.is_null()) {
                Some(json) => {
                    let value = field.value(json, zone).ok_or_else(|| {
                        let shape = if field.secret { described(json) } else { shape(json) };
                        format!("its field `{}` is not {}: it is {shape}", field.name, field.kind.described())
                    })?;
                    values.push((field.name.clone(), value));
                }
                None if field.optional => {}
                None => return Err(format!("it has no field `{}`", field.path.join("."))),
            }
        }
        Ok(LookupAnswer::Found(values))
    }
}

impl Connector {
    /// An answer as it could be, for people who try the flow.
    pub fn example_answer(&self) -> String {
        let mut record = Json::Object(serde_json::Map::new());
        for field in &self.fields {
            put(&mut record, &field.path, field.example());
        }
        let mut whole = Json::Null;
        match self.answer.is_empty() {
            true => whole = record,
            false => put(&mut whole, &self.answer, record),
        }
        if self.fields.is_empty() { r#"{"ok": true}"#.to_owned() } else { whole.to_string() }
    }
}

/// Puts something where `path` leads, with the tables and lists on the way.
fn put(json: &mut Json, path: &[Arc<str>], what: Json) {
    let Some((key, rest)) = path.split_first() else {
        *json = what;
        return;
    };
    if let Ok(place) = key.parse::<usize>()
        && place < 100
        && !json.is_object()
    {
        if !json.is_array() {
            *json = Json::Array(Vec::new());
        }
        if let Json::Array(items) = json {
            while items.len() <= place {
                items.push(Json::Null);
            }
            put(&mut items[place], rest, what);
        }
        return;
    }
    if !json.is_object() {
        *json = Json::Object(serde_json::Map::new());
    }
    if let Json::Object(entries) = json {
        put(entries.entry(key.to_string()).or_insert(Json::Null), rest, what);
    }
}

impl Field {
    fn example(&self) -> Json {
        match &self.kind {
            FieldKind::Text(words) => words.first().map_or("text", |word| word).into(),
            FieldKind::Digits => "4711".into(),
            FieldKind::Number => 5.into(),
            FieldKind::Money => "24.50 GBP".into(),
            FieldKind::Date => "2026-12-24".into(),
            FieldKind::Time => "2026-12-24T17:30:00Z".into(),
            FieldKind::Bool => true.into(),
        }
    }

    fn value(&self, json: &Json, zone: &TimeZone) -> Option<Value> {
        let value = match &self.kind {
            FieldKind::Text(words) => {
                text(json).filter(|text| words.is_empty() || words.iter().any(|word| **word == **text))
            }
            FieldKind::Digits => digits(json),
            FieldKind::Number => return number(json).map(|value| self.kept(value)),
            FieldKind::Money => return money(json).map(|value| self.kept(value)),
            FieldKind::Date => return date(json, zone).map(|date| self.kept(Value::Date(date))),
            FieldKind::Time => return time(json, zone).map(|value| self.kept(value)),
            FieldKind::Bool => return truth(json).map(|truth| self.kept(Value::Truth(truth))),
        };
        value.map(|text| self.kept(Value::Text(text)))
    }

    fn kept(&self, value: Value) -> Value {
        match value.written() {
            Some(written) if self.secret => Value::Secret(written),
            _ => value,
        }
    }
}

/// What stands at `path`.
fn find<'j>(json: &'j Json, path: &[Arc<str>]) -> Option<&'j Json> {
    path.iter().try_fold(json, |json, key| match json {
        Json::Array(items) => items.get(key.parse::<usize>().ok()?),
        Json::Object(entries) => entries.get(&**key),
        _ => None,
    })
}

fn is_empty(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(entries) => entries.is_empty(),
        Json::Bool(_) | Json::Number(_) => false,
    }
}

/// In one line, without what could lead a terminal or a header astray.
fn text(json: &Json) -> Option<String> {
    let text = match json {
        Json::String(text) => text.trim().to_owned(),
        Json::Number(number) => number.to_string(),
        _ => return None,
    };
    (text.chars().count() <= MAX_TEXT && !text.chars().any(char::is_control)).then_some(text)
}

fn digits(json: &Json) -> Option<String> {
    let text = match json {
        Json::Number(number) => number.as_u64()?.to_string(),
        _ => text(json)?,
    };
    let bare: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
    let numerals = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#');
    (!bare.is_empty() && bare.strip_prefix('+').unwrap_or(&bare).chars().all(numerals)).then_some(bare)
}

fn number(json: &Json) -> Option<Value> {
    let text = match json {
        Json::Number(number) => number.to_string(),
        _ => text(json)?,
    };
    decimal(&text)
}

/// A decimal as people and programs write it: `24.50`, `-3`, `+4`, `007`; of more places than 9 the rest is left away.
fn decimal(text: &str) -> Option<Value> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let numerals = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !numerals(whole) || !numerals(fraction) || rest.ends_with('.') {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let fraction = &fraction[..fraction.len().min(9)];
    scalar::number(&if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// `24.50`, `"24.50 EUR"`, `"€24.50"`, `{"amount": "24.50", "currency": "EUR"}`.
fn money(json: &Json) -> Option<Value> {
    const AMOUNTS: [&str; 2] = ["amount", "value"];
    if let Json::Object(entries) = json {
        let amount = number(AMOUNTS.iter().find_map(|key| entries.get(*key))?)?;
        let currency = match entries.get("currency") {
            Some(code) => Some(Currency::of_code(code.as_str()?)?),
            None => None,
        };
        return amount_of(amount, currency);
    }
    if let Json::Number(_) = json {
        return amount_of(number(json)?, None);
    }
    let text = text(json)?;
    let marked = Currency::MARKS.iter().find_map(|(mark, currency)| {
        let rest = text.strip_prefix(mark).or_else(|| text.strip_suffix(mark))?;
        Some((rest.trim(), Some(*currency)))
    });
    let (rest, currency) = marked.unwrap_or((&text, None));
    amount_of(decimal(rest)?, currency)
}

fn amount_of(amount: Value, currency: Option<Currency>) -> Option<Value> {
    match amount {
        Value::Number { units, places } => Some(Value::Money { units, places, currency }),
        _ => None,
    }
}

/// `2026-12-24`, or the day of a point in time.
fn date(json: &Json, zone: &TimeZone) -> Option<Date> {
    let text = text(json)?;
    if text.len() == "2026-12-24".len() {
        return text.parse().ok();
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.to_zoned(zone.clone()).date());
    }
    text.parse::<DateTime>().ok().map(|time| time.date())
}

/// `2026-12-24T17:30:00Z`, `2026-12-24T17:30` in `zone`, seconds since 1970, or `17:30`.
fn time(json: &Json, zone: &TimeZone) -> Option<Value> {
    if let Json::Number(number) = json {
        let seconds = number.as_i64()?;
        return Timestamp::from_second(seconds).ok().map(Value::Time);
    }
    let text = text(json)?;
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(Value::Time(time));
    }
    if text.len() > "00:00:00".len() {
        let local = text.parse::<DateTime>().ok()?;
        return local.to_zoned(zone.clone()).ok().map(|time| Value::Time(time.timestamp()));
    }
    let padded = if text.find(':') == Some(1) { format!("0{text}") } else { text };
    (padded.contains(':') && padded.parse::<Time>().is_ok()).then_some(Value::Text(padded))
}

fn truth(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(truth) => Some(*truth),
        Json::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        },
        Json::Number(number) => match number.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        _ => None,
    }
}

/// "a text" or the like.
fn described(json: &Json) -> String {
    match json {
        Json::Null => "nothing",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a table",
    }
    .to_owned()
}

/// How a text or a number is written, without saying what: `99/99/9999`.
fn shape(json: &Json) -> String {
    let text = match json {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        other => return described(other),
    };
    let masked = |letter: char| match letter {
        '0'..='9' => '9',
        letter if letter.is_alphabetic() => 'a',
        letter if letter.is_control() => ' ',
        letter => letter,
    };
    let shown: String = text.chars().take(SHOWN).map(masked).collect();
    let rest = if text.chars().count() > SHOWN { "…" } else { "" };
    format!("{} like `{shown}{rest}`", described(json))
}
