//! How numbers, digits, money, days and times are joined from phrases: a language is one [`Grammar`] in a file of its own.

mod english;
mod read;

use std::borrow::Cow;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::session::{SpokenPlace, SpokenWaitMinutes};
use super::{Currency, SpokenAs, Value};

/// The largest amount that is spoken: beyond it nobody follows.
const LARGEST: u64 = 999_999_999_999;

/// Every phrase of `language` with the text that is said in it, by the name of its recording without language and
/// extension: `phrases/digit/7` says "seven". Empty for a language that cannot be spoken.
pub fn phrases(language: &str) -> Vec<(String, String)> {
    let Some(grammar) = grammar(language) else { return Vec::new() };
    let mut phrases = grammar.phrases();
    for (name, _) in &mut phrases {
        name.insert_str(0, "phrases/");
    }
    phrases
}

/// The languages that can be spoken, by their primary subtags (RFC 5646, section 2.2.1).
const GRAMMARS: &[(&str, &dyn Grammar)] = &[("en", &english::English)];

/// `en-GB` is spoken as `en`.
fn grammar(language: &str) -> Option<&'static dyn Grammar> {
    let primary = language.split('-').next().unwrap_or(language);
    GRAMMARS.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(primary)).map(|(_, grammar)| *grammar)
}

/// One language: its phrases, and how they are joined.
trait Grammar: Sync {
    /// Every phrase's name below `phrases/`, and its text.
    fn phrases(&self) -> Vec<(String, String)>;
    /// A number.
    fn number(&self, phrases: &mut Phrases, number: Number);
    /// An amount of money.
    fn money(&self, phrases: &mut Phrases, amount: Amount);
    /// A day.
    fn day(&self, phrases: &mut Phrases, day: Day);
    /// A time of day.
    fn time(&self, phrases: &mut Phrases, time: Time);
    /// A day and a time of it: "tomorrow at nine o'clock".
    fn day_time(&self, phrases: &mut Phrases, day: Day, time: Time);
    /// "You are number `number` in line."
    fn place(&self, phrases: &mut Phrases, number: u64);
    /// "`number` seconds.", in the plural that the language has for the number (CLDR plural rules).
    fn measured(&self, phrases: &mut Phrases, number: u64, what: Measured);
    /// "You will wait about `minutes` minutes", in the plural that the language has for the number (CLDR plural rules).
    fn minutes(&self, phrases: &mut Phrases, minutes: u64);
}

/// A decimal number: `whole` and `fraction` / 10^`places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Number {
    negative: bool,
    whole: u64,
    fraction: u64,
    places: u8,
}

/// An amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Amount {
    currency: Currency,
    negative: bool,
    whole: u64,
    hundredths: u8,
}

/// A day as it is told: near ones by their relation to today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    Yesterday,
    Today,
    Tomorrow,
    ThisYear(Date),
    OtherYear(Date),
}

/// A time of day, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Time {
    /// 0 to 23.
    hour: u8,
    /// 0 to 59.
    minute: u8,
}

/// The names of phrases below `phrases/`, in the order in which they are said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Phrases(Vec<Cow<'static, str>>);

impl Phrases {
    fn add(&mut self, name: &'static str) {
        self.0.push(Cow::Borrowed(name));
    }

    fn series(&mut self, folder: &str, number: u64) {
        self.0.push(Cow::Owned(format!("{folder}/{number}")));
    }

    fn name(&mut self, folder: &str, name: &str) {
        self.0.push(Cow::Owned(format!("{folder}/{}", name.to_lowercase())));
    }

    /// The names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Cow::as_ref)
    }
}

/// Where and when something is said.
#[derive(Clone, Debug)]
pub(super) struct Setting<'a> {
    /// The time of day.
    pub(super) wall: Timestamp,
    /// The zone in which days and times are told.
    pub(super) time_zone: &'a TimeZone,
    /// The currency of an amount that names none.
    pub(super) currency: Option<Currency>,
    /// Near days are "today", "tomorrow" and "yesterday"; otherwise, as in "today is ...", told by their names.
    pub(super) near_days: bool,
}

impl Setting<'_> {
    fn now(&self) -> Zoned {
        self.wall.to_zoned(self.time_zone.clone())
    }
}

/// The phrases in which `value` is said in `language`; nothing when it cannot be said as `format`.
pub(super) fn speak(language: &str, value: &Value, format: SpokenAs, setting: &Setting<'_>) -> Option<Phrases> {
    if let Value::Secret(_) = value {
        return None;
    }
    let mut phrases = Phrases::default();
    match format {
        SpokenAs::Digits => digits(&mut phrases, value)?,
        SpokenAs::Word => word(&mut phrases, value)?,
        SpokenAs::Number => grammar(language)?.number(&mut phrases, read::number(value)?),
        SpokenAs::Money => grammar(language)?.money(&mut phrases, read::amount(value, setting.currency)?),
        SpokenAs::Day => {
            let date = read::date(value, setting)?;
            grammar(language)?.day(&mut phrases, day_as_told(date, setting));
        }
        SpokenAs::Time => grammar(language)?.time(&mut phrases, read::time(value, setting)?),
        SpokenAs::DayTime => {
            let (date, time) = (read::date(value, setting)?, read::time(value, setting)?);
            grammar(language)?.day_time(&mut phrases, day_as_told(date, setting), time);
        }
    }
    Some(phrases)
}

/// The phrases in which a place in line is said; nothing where that takes a number and the language cannot say one.
pub(super) fn place(language: &str, place: SpokenPlace) -> Option<Phrases> {
    let mut phrases = Phrases::default();
    match place {
        SpokenPlace::Next => phrases.add("queue/you_are_next"),
        SpokenPlace::MoreThanTen => phrases.add("queue/more_than_ten"),
        SpokenPlace::Number(number) => grammar(language)?.place(&mut phrases, u64::from(number)),
    }
    Some(phrases)
}

/// The phrases in which an estimated wait is said; likewise.
pub(super) fn wait(language: &str, wait: SpokenWaitMinutes) -> Option<Phrases> {
    let mut phrases = Phrases::default();
    match wait {
        SpokenWaitMinutes::MoreThanTwenty => phrases.add("queue/more_than_twenty_minutes"),
        SpokenWaitMinutes::Minutes(minutes) => grammar(language)?.minutes(&mut phrases, u64::from(minutes)),
    }
    Some(phrases)
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measured {
    /// "five seconds."
    Seconds,
    /// "five minutes."
    Minutes,
    /// "five more seconds."
    MoreSeconds,
    /// "five more minutes."
    MoreMinutes,
    /// "five agents are before you."
    AgentsBefore,
}

/// The recordings in which so many of something are told; nothing where the language has no rules for numbers.
pub(super) fn measured(language: &str, number: u64, what: Measured) -> Option<Vec<String>> {
    let mut phrases = Phrases::default();
    grammar(language)?.measured(&mut phrases, number, what);
    Some(phrases.names().map(|name| format!("phrases/{name}")).collect())
}

/// The recordings in which keys are told one by one.
pub(super) fn keys(keys: &str) -> Vec<String> {
    let mut phrases = Phrases::default();
    let told = digits(&mut phrases, &Value::Text(keys.to_owned()));
    told.map_or_else(Vec::new, |()| phrases.names().map(|name| format!("phrases/{name}")).collect())
}

/// The recordings in which a whole number is told; nothing where it is none, or the language has no rules for numbers.
pub fn number_in(language: &str, number: &str) -> Option<Vec<String>> {
    let mut phrases = Phrases::default();
    let value = Value::Text(number.to_owned());
    grammar(language)?.number(&mut phrases, read::number(&value)?);
    Some(phrases.names().map(|name| format!("phrases/{name}")).collect())
}

/// The recordings in which a number is told digit by digit.
pub fn digits_of(number: &str) -> Vec<String> {
    keys(number)
}

/// Digits need no grammar: they are told one by one in every language.
fn digits(phrases: &mut Phrases, value: &Value) -> Option<()> {
    let text = read::text(value)?;
    for character in text.chars() {
        match character {
            '0'..='9' => phrases.series("digit", u64::from(character.to_digit(10)?)),
            '*' => phrases.add("digit/star"),
            '#' => phrases.add("digit/hash"),
            '+' => phrases.add("digit/plus"),
            ' ' | '-' | '(' | ')' => {}
            _ => return None,
        }
    }
    (!phrases.0.is_empty()).then_some(())
}

fn word(phrases: &mut Phrases, value: &Value) -> Option<()> {
    let text = read::text(value)?;
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    phrases.0.push(Cow::Owned(format!("word/{text}")));
    Some(())
}

fn day_as_told(date: Date, setting: &Setting<'_>) -> Day {
    let today = setting.now().date();
    if setting.near_days {
        if date == today {
            return Day::Today;
        }
        if today.tomorrow().is_ok_and(|tomorrow| date == tomorrow) {
            return Day::Tomorrow;
        }
        if today.yesterday().is_ok_and(|yesterday| date == yesterday) {
            return Day::Yesterday;
        }
    }
    if date.year() == today.year() { Day::ThisYear(date) } else { Day::OtherYear(date) }
}

#[cfg(test)]
mod tests;
