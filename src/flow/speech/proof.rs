//! The proof that a language can say what it promises: every number up to [`LARGEST`], every day and every minute, in
//! phrases that it has.
//!
//! Rules are followed with ranges of numbers in place of numbers: what 21 to 29 leave when they are divided by ten is 1 to 9. So
//! all numbers are looked at in some hundred steps, and not ten million.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::LARGEST;
use super::language::{Language, MONTHS, MOST_PHRASES, NumberSet, Pattern, Times, WEEKDAYS};
use super::pattern::{By, Token};
use crate::flow::document::Span;

/// More phrases than these are no series that somebody would record.
const LONGEST_SERIES: u64 = 1_000;
/// Most ranges that are looked at: rules of a language that is spoken need a few hundred.
const MOST_RANGES: usize = 20_000;

/// What a language cannot say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::flow) struct Unproven {
    /// The rule.
    pub span: Span,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::flow) enum What {
    /// There is no such phrase.
    NoPhrase(String),
    /// The rules of this name have none for this number.
    NoRule(Arc<str>, u64),
    /// `{times}` or `{rest}` where nothing is divided.
    Undivided,
    /// Rules that lead back to themselves.
    Circle(Arc<str>),
    /// Too many phrases, or a series of too many.
    TooMuch,
}

/// The numbers from `low` to `high` that are `low` and a multiple of `step` more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    low: u64,
    high: u64,
    step: u64,
}

impl Range {
    fn of(low: u64, high: u64) -> Range {
        Range { low, high, step: 1 }
    }
}

/// Follows all rules of a language: what it cannot say, and the phrases that it does.
pub(in crate::flow) fn prove(language: &Language) -> (Vec<Unproven>, BTreeSet<String>) {
    let mut proof = Proof::new(language);
    proof.all();
    (proof.unproven.into_iter().collect(), proof.said)
}

struct Proof<'l> {
    language: &'l Language,
    unproven: BTreeSet<Unproven>,
    said: BTreeSet<String>,
    /// The most phrases of each set and range that was looked at; `None` while it is.
    known: BTreeMap<(usize, u64, u64), Option<usize>>,
}

/// The ranges and names of a pattern's fields.
struct Fields<'f> {
    numbers: &'f [(&'static str, Range)],
    names: &'f [(&'static str, &'static [&'static str])],
}

impl<'l> Proof<'l> {
    fn new(language: &'l Language) -> Proof<'l> {
        Proof { language, unproven: BTreeSet::new(), said: BTreeSet::new(), known: BTreeMap::new() }
    }

    fn all(&mut self) {
        let language = self.language;
        if let Some(plain) = language.sets.first() {
            self.set(0, Range::of(0, LARGEST), plain.span);
        }
        for (place, set) in language.sets.iter().enumerate() {
            // What others ask of it is looked at from there; by itself it must say what it has rules for.
            if let Some(first) = set.rules.first() {
                let high = if is_for_all(set) { LARGEST } else { first.from };
                self.set(place, Range::of(first.from, high), set.span);
            }
        }
        let number = [("number", Range::of(0, LARGEST))];
        for counted in &language.counted {
            for pattern in counted.patterns.iter().flatten() {
                self.pattern(pattern, &number, &[]);
            }
        }
        let joins = [&language.negative, &language.decimal, &language.duration];
        for pattern in joins.into_iter().flatten().chain(language.money.as_ref().map(|money| &money.both)) {
            self.pattern(pattern, &[], &[]);
        }
        let positions = [("number", Range::of(1, 10))];
        let minutes = [("number", Range::of(1, 20))];
        for (pattern, numbers) in [(&language.place, positions), (&language.wait, minutes)] {
            pattern.iter().for_each(|pattern| self.pattern(pattern, &numbers, &[]));
        }
        self.days();
        let own = language.day_time.as_ref().and_then(|(_, times)| times.as_ref());
        for times in language.times.iter().chain(own) {
            self.times(times);
        }
        if let Some((both, _)) = &language.day_time {
            self.pattern(both, &[], &[]);
        }
    }

    fn days(&mut self) {
        let Some(days) = &self.language.days else { return };
        let numbers = [("day", Range::of(1, 31)), ("year", Range::of(1, 9_999))];
        let names: [(&str, &[&str]); 2] = [("weekday", &WEEKDAYS), ("month", &MONTHS)];
        let near = [&days.yesterday, &days.today, &days.tomorrow];
        for pattern in near.into_iter().chain([&days.this_year, &days.other_year]).chain(&days.today_is) {
            self.pattern(pattern, &numbers, &names);
        }
    }

    fn times(&mut self, times: &Times) {
        let hours = [("hour", Range::of(0, 23)), ("next_hour", Range::of(0, 23))];
        let at = |minutes: Range| [hours[0], hours[1], ("minute", minutes)];
        for pattern in times.midnight.iter().chain(&times.noon) {
            self.pattern(pattern, &at(Range::of(0, 0)), &[]);
        }
        for (place, (from, pattern)) in times.minutes.iter().enumerate() {
            let next = times.minutes.get(place + 1).map_or(60, |(next, _)| *next);
            let minutes = Range::of(u64::from(*from), u64::from(next.max(from + 1)) - 1);
            self.pattern(pattern, &at(minutes), &[]);
        }
    }

    fn pattern(
        &mut self,
        pattern: &Pattern,
        numbers: &[(&'static str, Range)],
        names: &[(&'static str, &'static [&'static str])],
    ) {
        let most = self.tokens(&pattern.tokens, &Fields { numbers, names }, 0, pattern.span);
        if most > MOST_PHRASES {
            self.tell(pattern.span, What::TooMuch);
        }
    }

    fn tell(&mut self, span: Span, what: What) {
        self.unproven.insert(Unproven { span, what });
    }

    fn phrase(&mut self, name: String, span: Span) {
        if !self.language.phrases.contains_key(name.as_str()) {
            self.tell(span, What::NoPhrase(name.clone()));
        }
        self.said.insert(name);
    }

    /// The most phrases in which the tokens are said.
    fn tokens(&mut self, tokens: &[Token], fields: &Fields<'_>, home: usize, span: Span) -> usize {
        let mut most = 0_usize;
        for token in tokens {
            most = most.saturating_add(match token {
                Token::Phrase(name) => {
                    self.phrase(name.to_string(), span);
                    1
                }
                Token::Series { before, field, after } => {
                    self.series(before, field, after, fields, span);
                    1
                }
                Token::Spoken { field, by } => match fields.numbers.iter().find(|(name, _)| name == field) {
                    Some((_, range)) => self.by(by.unwrap_or(By::Numbers(home)), *range, span),
                    None => 0,
                },
                Token::Either { with, without } => self.either(with, without, fields, home, span),
            });
        }
        most
    }

    fn series(&mut self, before: &str, field: &str, after: &str, fields: &Fields<'_>, span: Span) {
        if let Some((_, names)) = fields.names.iter().find(|(name, _)| *name == field) {
            for name in *names {
                self.phrase(format!("{before}{name}{after}"), span);
            }
        }
        let Some((_, range)) = fields.numbers.iter().find(|(name, _)| *name == field) else { return };
        if (range.high - range.low) / range.step > LONGEST_SERIES {
            return self.tell(span, What::TooMuch);
        }
        let mut number = range.low;
        while number <= range.high {
            let name = format!("{before}{number}{after}");
            let lacks = !self.language.phrases.contains_key(name.as_str());
            self.phrase(name, span);
            // One is enough to be told of.
            if lacks {
                return;
            }
            number += range.step;
        }
    }

    fn either(&mut self, with: &[Token], without: &[Token], fields: &Fields<'_>, home: usize, span: Span) -> usize {
        let Some((_, rest)) = fields.numbers.iter().find(|(name, _)| *name == "rest") else { return 0 };
        let mut most = 0;
        if rest.high > 0 {
            let left = Range { low: rest.low.max(1), ..*rest };
            let numbers: Vec<_> = fields
                .numbers
                .iter()
                .map(|(name, range)| if *name == "rest" { (*name, left) } else { (*name, *range) })
                .collect();
            most = self.tokens(with, &Fields { numbers: &numbers, ..*fields }, home, span);
        }
        if rest.low == 0 {
            most = most.max(self.tokens(without, fields, home, span));
        }
        most
    }

    fn by(&mut self, by: By, range: Range, span: Span) -> usize {
        match by {
            By::Numbers(set) => self.set(set, range, span),
            By::Counted(counted) => {
                let language = self.language;
                let Some(counted) = language.counted.get(counted) else { return 0 };
                let fields = [("number", range)];
                let patterns = counted.patterns.iter().flatten();
                let fields = Fields { numbers: &fields, names: &[] };
                patterns.map(|pattern| self.tokens(&pattern.tokens, &fields, 0, pattern.span)).max().unwrap_or(0)
            }
        }
    }

    /// The most phrases in which numbers of a range are said by a set.
    fn set(&mut self, place: usize, range: Range, span: Span) -> usize {
        let Some(set) = self.language.sets.get(place) else { return 0 };
        match self.known.get(&(place, range.low, range.high)) {
            Some(Some(most)) => return *most,
            Some(None) => {
                self.tell(span, What::Circle(set.name.clone()));
                return 0;
            }
            None => {}
        }
        if self.known.len() >= MOST_RANGES {
            self.tell(span, What::TooMuch);
            return 0;
        }
        self.known.insert((place, range.low, range.high), None);
        if set.rules.first().is_none_or(|first| range.low < first.from) {
            self.tell(span, What::NoRule(set.name.clone(), range.low));
        }
        let mut most = 0;
        for (at, rule) in set.rules.iter().enumerate() {
            let next = set.rules.get(at + 1).map_or(u64::MAX, |next| next.from);
            let (low, high) = (range.low.max(rule.from), range.high.min(next - 1));
            if low > high {
                continue;
            }
            let rest = match low / rule.size == high / rule.size {
                true => Range::of(low % rule.size, high % rule.size),
                false => Range::of(0, rule.size - 1),
            };
            let round = Range { low: low - low % rule.size, high: high - high % rule.size, step: rule.size };
            if rule.size == 1 && divides(&rule.pattern.tokens) {
                self.tell(rule.pattern.span, What::Undivided);
                continue;
            }
            let times = Range::of(low / rule.size, high / rule.size);
            let numbers =
                [("number", Range { low, high, ..range }), ("times", times), ("rest", rest), ("round", round)];
            let fields = Fields { numbers: &numbers, names: &[] };
            most = most.max(self.tokens(&rule.pattern.tokens, &fields, place, rule.pattern.span));
        }
        if most > MOST_PHRASES {
            self.tell(set.span, What::TooMuch);
            most = MOST_PHRASES;
        }
        self.known.insert((place, range.low, range.high), Some(most));
        most
    }
}

/// Whether a set has an answer for every number: its last rule is no part of a series, as are the hours of a clock.
fn is_for_all(set: &NumberSet) -> bool {
    let is_series = |token: &Token| matches!(token, Token::Series { .. });
    set.rules.last().is_some_and(|last| !last.pattern.tokens.iter().any(is_series))
}

fn divides(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| match token {
        Token::Series { field, .. } | Token::Spoken { field, .. } => *field != "number",
        Token::Either { .. } => true,
        Token::Phrase(_) => false,
    })
}
