//! One language as data: its phrases, and the rules by which numbers, money, days and times are joined from them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use super::pattern::{By, Fields, Token};
use super::plural::{OTHER, Plurals};
use super::{Amount, Day, Number, Phrases, Time};
use crate::flow::Currency;
use crate::flow::document::Span;

/// Most phrases in which one value is said: rules that want more are wrong.
pub(in crate::flow) const MOST_PHRASES: usize = 64;
/// Rules that are followed for one value at most.
const MOST_RULES: u32 = 1_000;

pub(in crate::flow) const NUMBER: Fields =
    Fields { numbers: &["number", "times", "rest", "round"], names: &[], said: &[], brackets: true };
pub(in crate::flow) const COUNTED: Fields = Fields { numbers: &["number"], names: &[], said: &[], brackets: false };
pub(in crate::flow) const NEGATIVE: Fields = Fields { numbers: &[], names: &[], said: &["number"], brackets: false };
pub(in crate::flow) const DECIMAL: Fields =
    Fields { numbers: &[], names: &[], said: &["whole", "decimals"], brackets: false };
pub(in crate::flow) const MONEY: Fields =
    Fields { numbers: &[], names: &[], said: &["units", "hundredths"], brackets: false };
pub(in crate::flow) const DURATION: Fields =
    Fields { numbers: &[], names: &[], said: &["larger", "smaller"], brackets: false };
pub(in crate::flow) const DAY: Fields =
    Fields { numbers: &["day", "year"], names: &["weekday", "month"], said: &[], brackets: false };
pub(in crate::flow) const TIME: Fields =
    Fields { numbers: &["hour", "next_hour", "minute"], names: &[], said: &[], brackets: false };
pub(in crate::flow) const DAY_TIME: Fields =
    Fields { numbers: &[], names: &[], said: &["day", "time"], brackets: false };

/// Weekdays as phrases name them, Monday first (ISO 8601).
pub(in crate::flow) const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// Months as phrases name them.
pub(in crate::flow) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// What lengths of time are counted in, the largest first, with their seconds.
pub(in crate::flow) const LENGTHS: [(&str, u64); 4] =
    [("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)];

/// A pattern and where it stands in its file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::flow) struct Pattern {
    pub tokens: Vec<Token>,
    pub span: Span,
}

/// A set of rules for whole numbers: each says the numbers from its own on to before the next.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flow) struct NumberSet {
    pub name: Arc<str>,
    pub span: Span,
    /// In order.
    pub rules: Vec<NumberRule>,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::flow) struct NumberRule {
    pub from: u64,
    /// What `{times}`, `{rest}` and `{round}` divide by, at least 1.
    pub size: u64,
    pub pattern: Pattern,
}

/// A number with what is counted, by plural category.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flow) struct Counted {
    pub name: Arc<str>,
    pub span: Span,
    pub patterns: [Option<Pattern>; OTHER + 1],
}

/// Amounts of money.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flow) struct Money {
    /// What units and hundredths of a currency are counted in.
    pub currencies: BTreeMap<Currency, (usize, usize)>,
    pub both: Pattern,
}

/// Days.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flow) struct Days {
    pub yesterday: Pattern,
    pub today: Pattern,
    pub tomorrow: Pattern,
    pub this_year: Pattern,
    pub other_year: Pattern,
    /// Of this day, told by its name; else as any day of this year.
    pub today_is: Option<Pattern>,
}

/// Times of day.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flow) struct Times {
    pub midnight: Option<Pattern>,
    pub noon: Option<Pattern>,
    /// By the minute of the hour from which on each holds, in order; the first is 0.
    pub minutes: Vec<(u8, Pattern)>,
}

/// How the keys of a choice are announced.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flow) struct ChoiceLine {
    /// Between the choice and its keys: `, press `.
    pub press: String,
    /// After the keys.
    pub end: String,
    /// The ten numerals, star and hash.
    pub keys: [String; 12],
}

/// A language.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Language {
    pub(in crate::flow) tag: Arc<str>,
    /// Names below `phrases/`, and texts.
    pub(in crate::flow) phrases: BTreeMap<Arc<str>, Arc<str>>,
    pub(in crate::flow) plurals: Plurals,
    pub(in crate::flow) choice: Option<ChoiceLine>,
    /// The first is that of plain numbers; without any no number can be said.
    pub(in crate::flow) sets: Vec<NumberSet>,
    pub(in crate::flow) negative: Option<Pattern>,
    pub(in crate::flow) decimal: Option<Pattern>,
    pub(in crate::flow) counted: Vec<Counted>,
    pub(in crate::flow) duration: Option<Pattern>,
    pub(in crate::flow) money: Option<Money>,
    pub(in crate::flow) days: Option<Days>,
    pub(in crate::flow) times: Option<Times>,
    /// A day and a time, and how the time is told beside a day where it is told otherwise.
    pub(in crate::flow) day_time: Option<(Pattern, Option<Times>)>,
    pub(in crate::flow) place: Option<Pattern>,
    pub(in crate::flow) wait: Option<Pattern>,
}

impl Language {
    /// The rules of this name.
    pub(in crate::flow) fn rules(&self, name: &str) -> Option<By> {
        let set = self.sets.iter().position(|set| &*set.name == name).map(By::Numbers);
        set.or_else(|| self.counted.iter().position(|counted| &*counted.name == name).map(By::Counted))
    }

    pub(super) fn number(&self, number: Number) -> Option<Phrases> {
        let mut said = self.said();
        said.number(0, number.whole)?;
        let mut phrases = said.phrases;
        if number.places > 0 {
            let mut decimals = Phrases::default();
            for place in (0..u32::from(number.places)).rev() {
                decimals.add(format!("digit/{}", number.fraction / 10_u64.pow(place) % 10).into());
            }
            phrases = self.joined(self.decimal.as_ref()?, &[("whole", &phrases), ("decimals", &decimals)])?;
        }
        self.signed(number.negative, phrases)
    }

    /// A whole number by these rules.
    pub(super) fn ruled(&self, by: By, number: u64) -> Option<Phrases> {
        let mut said = self.said();
        said.by(by, number)?;
        Some(said.phrases)
    }

    pub(super) fn money(&self, amount: Amount) -> Option<Phrases> {
        let money = self.money.as_ref()?;
        let (units, hundredths) = *money.currencies.get(&amount.currency)?;
        let units = self.ruled(By::Counted(units), amount.whole)?;
        let phrases = match (amount.whole, u64::from(amount.hundredths)) {
            (_, 0) => units,
            (0, few) => self.ruled(By::Counted(hundredths), few)?,
            (_, few) => {
                let hundredths = self.ruled(By::Counted(hundredths), few)?;
                self.joined(&money.both, &[("units", &units), ("hundredths", &hundredths)])?
            }
        };
        self.signed(amount.negative, phrases)
    }

    /// A length of time in its two largest units.
    pub(super) fn duration(&self, seconds: u64) -> Option<Phrases> {
        let count = |(name, size): (&str, u64), seconds: u64| {
            let by = By::Counted(self.counted.iter().position(|counted| &*counted.name == name)?);
            self.ruled(by, seconds / size)
        };
        let first = LENGTHS.iter().position(|(_, size)| seconds >= *size).unwrap_or(LENGTHS.len() - 1);
        let larger = count(LENGTHS[first], seconds)?;
        let rest = seconds % LENGTHS[first].1;
        let second = LENGTHS.get(first + 1).filter(|(_, size)| rest >= *size);
        let Some(second) = second else { return Some(larger) };
        let smaller = count(*second, rest)?;
        self.joined(self.duration.as_ref()?, &[("larger", &larger), ("smaller", &smaller)])
    }

    pub(super) fn day(&self, day: Day) -> Option<Phrases> {
        let days = self.days.as_ref()?;
        let (pattern, date) = match day {
            Day::Yesterday => (&days.yesterday, Date::ZERO),
            Day::Today => (&days.today, Date::ZERO),
            Day::Tomorrow => (&days.tomorrow, Date::ZERO),
            Day::ThisYear(date) => (&days.this_year, date),
            Day::OtherYear(date) => (&days.other_year, date),
            Day::Named(date) => (days.today_is.as_ref().unwrap_or(&days.this_year), date),
        };
        let about = About {
            numbers: &[("day", u64::from(date.day().unsigned_abs())), ("year", u64::from(date.year().unsigned_abs()))],
            names: &[
                ("weekday", WEEKDAYS[date.weekday().to_monday_zero_offset().unsigned_abs() as usize]),
                ("month", MONTHS[date.month().unsigned_abs() as usize - 1]),
            ],
            said: &[],
        };
        self.with(pattern, &about)
    }

    pub(super) fn time(&self, time: Time) -> Option<Phrases> {
        self.time_by(self.times.as_ref()?, time)
    }

    pub(super) fn day_time(&self, day: Day, time: Time) -> Option<Phrases> {
        let (both, times) = self.day_time.as_ref()?;
        let time = self.time_by(times.as_ref().or(self.times.as_ref())?, time)?;
        self.joined(both, &[("day", &self.day(day)?), ("time", &time)])
    }

    fn time_by(&self, times: &Times, time: Time) -> Option<Phrases> {
        let own = match (time.hour, time.minute) {
            (0, 0) => times.midnight.as_ref(),
            (12, 0) => times.noon.as_ref(),
            _ => None,
        };
        let by_minute =
            || times.minutes.iter().rev().find(|(from, _)| *from <= time.minute).map(|(_, pattern)| pattern);
        let hour = u64::from(time.hour);
        let numbers = [("hour", hour), ("next_hour", (hour + 1) % 24), ("minute", u64::from(time.minute))];
        self.with(own.or_else(by_minute)?, &About { numbers: &numbers, names: &[], said: &[] })
    }

    /// "You are number `number` in line."
    pub(super) fn place(&self, number: u64) -> Option<Phrases> {
        self.with(self.place.as_ref()?, &About { numbers: &[("number", number)], names: &[], said: &[] })
    }

    /// "You will wait about `minutes` minutes."
    pub(super) fn wait(&self, minutes: u64) -> Option<Phrases> {
        self.with(self.wait.as_ref()?, &About { numbers: &[("number", minutes)], names: &[], said: &[] })
    }

    fn signed(&self, negative: bool, phrases: Phrases) -> Option<Phrases> {
        match negative {
            true => self.joined(self.negative.as_ref()?, &[("number", &phrases)]),
            false => Some(phrases),
        }
    }

    fn joined(&self, pattern: &Pattern, said: &[(&'static str, &Phrases)]) -> Option<Phrases> {
        self.with(pattern, &About { numbers: &[], names: &[], said })
    }

    fn with(&self, pattern: &Pattern, about: &About<'_>) -> Option<Phrases> {
        let mut said = self.said();
        said.say(&pattern.tokens, about, 0)?;
        Some(said.phrases)
    }

    fn said(&self) -> Said<'_> {
        Said { language: self, phrases: Phrases::default(), followed: 0 }
    }
}

/// What the fields of a pattern stand for.
struct About<'a> {
    numbers: &'a [(&'static str, u64)],
    names: &'a [(&'static str, &'static str)],
    said: &'a [(&'static str, &'a Phrases)],
}

/// What has been said so far.
struct Said<'l> {
    language: &'l Language,
    phrases: Phrases,
    followed: u32,
}

impl Said<'_> {
    /// `home` is the set in which a number without rules of its own is said.
    fn say(&mut self, tokens: &[Token], about: &About<'_>, home: usize) -> Option<()> {
        let number = |field: &str| Some(about.numbers.iter().find(|(name, _)| *name == field)?.1);
        for token in tokens {
            match token {
                Token::Phrase(name) => self.phrases.add(name.clone()),
                Token::Series { before, field, after } => {
                    let name = about.names.iter().find(|(name, _)| name == field).map(|(_, name)| *name);
                    let name = match name {
                        Some(name) => format!("{before}{name}{after}"),
                        None => format!("{before}{}{after}", number(field)?),
                    };
                    self.phrases.add(name.into());
                }
                Token::Spoken { field, by } => match about.said.iter().find(|(name, _)| name == field) {
                    Some((_, phrases)) => self.phrases.0.extend_from_slice(&phrases.0),
                    None => self.by(by.unwrap_or(By::Numbers(home)), number(field)?)?,
                },
                Token::Either { with, without } => {
                    let tokens = if number("rest")? > 0 { with } else { without };
                    self.say(tokens, about, home)?;
                }
            }
        }
        (self.phrases.0.len() <= MOST_PHRASES).then_some(())
    }

    fn by(&mut self, by: By, number: u64) -> Option<()> {
        match by {
            By::Numbers(set) => self.number(set, number),
            By::Counted(counted) => {
                let language = self.language;
                let patterns = &language.counted.get(counted)?.patterns;
                let pattern = patterns[language.plurals.category(number)].as_ref().or(patterns[OTHER].as_ref())?;
                self.say(&pattern.tokens, &About { numbers: &[("number", number)], names: &[], said: &[] }, 0)
            }
        }
    }

    fn number(&mut self, set: usize, number: u64) -> Option<()> {
        self.followed += 1;
        if self.followed > MOST_RULES {
            return None;
        }
        let language = self.language;
        let rule = language.sets.get(set)?.rules.iter().rev().find(|rule| rule.from <= number)?;
        let rest = number % rule.size;
        let numbers = [("number", number), ("times", number / rule.size), ("rest", rest), ("round", number - rest)];
        self.say(&rule.pattern.tokens, &About { numbers: &numbers, names: &[], said: &[] }, set)
    }
}
