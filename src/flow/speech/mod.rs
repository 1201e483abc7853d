//! How numbers, digits, money, days and times are joined from phrases: a language is a file of data, in `languages/` or beside
//! an installation's recordings.

mod language;
mod languages;
mod pattern;
mod plural;
mod proof;
mod read;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

pub use self::language::Language;
pub use self::languages::{BUILT_IN, Languages};

pub(super) use self::language::{
    COUNTED, ChoiceLine, Counted, DAY, DAY_TIME, DECIMAL, DURATION, Days, LENGTHS, MONEY, Money, NEGATIVE, NUMBER,
    NumberRule, NumberSet, Pattern, TIME, Times,
};
pub(super) use self::pattern::{Fields, is_phrase, parse as parse_pattern};
pub(super) use self::plural::{CATEGORIES, Rule as PluralRule};
pub(super) use self::proof::{What, prove};

use super::session::{SpokenPlace, SpokenWaitMinutes};
use super::{Currency, RulesName, SpokenAs, Value};

/// The largest amount that is spoken: beyond it nobody follows.
pub(in crate::flow) const LARGEST: u64 = 999_999_999_999;

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
    /// Today, by its name: "today is Friday ...".
    Named(Date),
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
pub(super) struct Phrases(Vec<Arc<str>>);

impl Phrases {
    fn add(&mut self, name: Arc<str>) {
        self.0.push(name);
    }

    /// The names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    fn recordings(&self) -> Vec<String> {
        self.names().map(|name| format!("phrases/{name}")).collect()
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

impl Languages {
    /// The recordings in which a whole number is told; nothing where it is none, or the language has no rules for numbers.
    pub fn number_in(&self, language: &str, number: &str) -> Option<Vec<String>> {
        let number = read::number(&Value::Text(number.to_owned()))?;
        Some(self.find(language)?.number(number)?.recordings())
    }

    /// The phrases in which `value` is said in `language`; nothing when it cannot be said as `format`.
    pub(super) fn speak(
        &self,
        language: &str,
        value: &Value,
        format: SpokenAs,
        setting: &Setting<'_>,
    ) -> Option<Phrases> {
        if let Value::Secret(_) = value {
            return None;
        }
        match format {
            SpokenAs::Digits => return digits(value),
            SpokenAs::Word => return word(value),
            _ => {}
        }
        let language = self.find(language)?;
        match format {
            SpokenAs::Digits | SpokenAs::Word => None,
            SpokenAs::Number => language.number(read::number(value)?),
            SpokenAs::Money => language.money(read::amount(value, setting.currency)?),
            SpokenAs::Day => language.day(day_as_told(read::date(value, setting)?, setting)),
            SpokenAs::Time => language.time(read::time(value, setting)?),
            SpokenAs::DayTime => {
                let (date, time) = (read::date(value, setting)?, read::time(value, setting)?);
                language.day_time(day_as_told(date, setting), time)
            }
            SpokenAs::Duration => language.duration(read::seconds(value)?),
            SpokenAs::Ruled(rules) => {
                let number = read::number(value)?;
                match language.rules(self.rules_name(rules)) {
                    Some(by) if number.places == 0 && !number.negative => language.ruled(by, number.whole),
                    // What cannot be counted is told as a number, which is better than nothing.
                    _ => language.number(number),
                }
            }
        }
    }

    /// The phrases in which a place in line is said; nothing where that takes a number and the language cannot say one.
    pub(super) fn place(&self, language: &str, place: SpokenPlace) -> Option<Phrases> {
        match place {
            SpokenPlace::Next => Some(Phrases(vec!["queue/you_are_next".into()])),
            SpokenPlace::MoreThanTen => Some(Phrases(vec!["queue/more_than_ten".into()])),
            SpokenPlace::Number(number) => self.find(language)?.place(u64::from(number)),
        }
    }

    /// The phrases in which an estimated wait is said; likewise.
    pub(super) fn wait(&self, language: &str, wait: SpokenWaitMinutes) -> Option<Phrases> {
        match wait {
            SpokenWaitMinutes::MoreThanTwenty => Some(Phrases(vec!["queue/more_than_twenty_minutes".into()])),
            SpokenWaitMinutes::Minutes(minutes) => self.find(language)?.wait(u64::from(minutes)),
        }
    }

    /// The recordings in which so many of something are told; nothing where the language has no rules for it.
    pub(super) fn measured(&self, language: &str, number: u64, what: Measured) -> Option<Vec<String>> {
        let language = self.find(language)?;
        language.ruled(language.rules(what.rules())?, number).map(|phrases| phrases.recordings())
    }

    /// The rules that a placeholder names.
    pub(super) fn rules_name(&self, name: RulesName) -> &str {
        self.names.get(usize::from(name.0)).map_or("", AsRef::as_ref)
    }
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
    /// "You have five new messages."
    NewMessages,
    /// "You have five messages that were heard before."
    HeardMessages,
}

impl Measured {
    /// All of them.
    pub(super) const ALL: [Measured; 7] = [
        Measured::Seconds,
        Measured::Minutes,
        Measured::MoreSeconds,
        Measured::MoreMinutes,
        Measured::AgentsBefore,
        Measured::NewMessages,
        Measured::HeardMessages,
    ];

    /// The rules that a language has for it, in its `counted`.
    pub(super) const fn rules(self) -> &'static str {
        match self {
            Measured::Seconds => "last_seconds",
            Measured::Minutes => "last_minutes",
            Measured::MoreSeconds => "more_seconds",
            Measured::MoreMinutes => "more_minutes",
            Measured::AgentsBefore => "agents_before",
            Measured::NewMessages => "new_messages",
            Measured::HeardMessages => "heard_messages",
        }
    }
}

/// The recordings in which keys are told one by one.
pub(super) fn keys(keys: &str) -> Vec<String> {
    digits(&Value::Text(keys.to_owned())).map_or_else(Vec::new, |phrases| phrases.recordings())
}

/// The recordings in which a number is told digit by digit.
pub fn digits_of(number: &str) -> Vec<String> {
    keys(number)
}

/// Digits need no rules: they are told one by one in every language.
fn digits(value: &Value) -> Option<Phrases> {
    let text = read::text(value)?;
    let mut phrases = Phrases::default();
    for character in text.chars() {
        phrases.add(match character {
            '0'..='9' => format!("digit/{character}").into(),
            '*' => "digit/star".into(),
            '#' => "digit/hash".into(),
            '+' => "digit/plus".into(),
            ' ' | '-' | '(' | ')' => continue,
            _ => return None,
        });
    }
    (!phrases.0.is_empty()).then_some(phrases)
}

fn word(value: &Value) -> Option<Phrases> {
    let text: Cow<'_, str> = read::text(value)?;
    let text = text.trim();
    (!text.is_empty()).then(|| Phrases(vec![format!("word/{text}").into()]))
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
    match date {
        _ if date == today => Day::Named(date),
        _ if date.year() == today.year() => Day::ThisYear(date),
        _ => Day::OtherYear(date),
    }
}

#[cfg(test)]
mod tests;
