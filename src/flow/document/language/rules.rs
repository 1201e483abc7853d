//! The rules of a language file: how numbers, money, days and times are joined from phrases.

use std::collections::BTreeMap;

use super::super::codes;
use super::super::diagnostic::{Span, nearest, shortened};
use super::super::flow::place_in;
use super::super::section::Section;
use super::super::tree::{Entry, Node};
use crate::flow::Currency;
use crate::flow::speech::{
    self, COUNTED, Counted, DAY, DAY_TIME, DECIMAL, DURATION, Days, Fields, LARGEST, Language, MONEY, Money, NEGATIVE,
    NUMBER, NumberRule, NumberSet, Pattern, TIME, Times,
};

/// Most sets of rules, and rules of a set.
const MOST_SETS: usize = 100;
const MOST_RULES: usize = 1_000;

pub(in super::super) const QUEUE_KEYS: [&str; 2] = ["place", "wait"];
pub(in super::super) const MONEY_KEYS: [&str; 4] = ["GBP", "USD", "EUR", "both"];
pub(in super::super) const CURRENCY_KEYS: [&str; 2] = ["units", "hundredths"];
pub(in super::super) const DAY_KEYS: [&str; 6] =
    ["yesterday", "today", "tomorrow", "this_year", "other_year", "today_is"];
pub(in super::super) const DAY_TIME_KEYS: [&str; 2] = ["both", "time"];

/// The set in which plain numbers are said.
const PLAIN: &str = "cardinal";

/// Reads all rules; first the names of sets, which rules name.
pub(super) fn read(section: &mut Section<'_, '_>, root: &Node, language: &mut Language) {
    let sets = named(section, root, "numbers", "a table of names and rules");
    let counted = named(section, root, "counted", "a table of what is counted");
    for entry in &sets {
        let (name, span) = (entry.key.as_str().into(), entry.key_span);
        let set = NumberSet { name, span, rules: Vec::new() };
        match &*entry.key {
            PLAIN => language.sets.insert(0, set),
            _ => language.sets.push(set),
        }
    }
    if let Some(first) = sets.first().filter(|_| language.sets.iter().all(|set| &*set.name != PLAIN)) {
        let message = format!("`numbers` has no `{PLAIN}`");
        let fault = section.page.error(codes::MISSING_KEY, first.key_span, message);
        section.fault(fault.remedy(format!("call the rules of plain numbers `{PLAIN}`")));
    }
    for entry in &counted {
        let (name, span) = (entry.key.as_str().into(), entry.key_span);
        if language.rules(&entry.key).is_some() {
            let message = format!("`{}` is the name of number rules too", shortened(&entry.key));
            let fault = section.page.error(codes::NAME, entry.key_span, message);
            section.fault(fault.remedy("give one of them another name"));
        }
        language.counted.push(Counted { name, span, patterns: Default::default() });
    }
    for entry in sets {
        let rules = number_rules(section, entry, language);
        let set = language.sets.iter_mut().find(|set| *set.name == *entry.key);
        set.expect("it was put there").rules = rules;
    }
    for (place, entry) in counted.into_iter().enumerate() {
        language.counted[place].patterns = categories(section, entry, language);
    }
    let one = |section: &mut Section<'_, '_>, key: &str, fields: &Fields, language: &Language| {
        root.find(key).and_then(|entry| pattern(section, entry, fields, language))
    };
    language.negative = one(section, "negative", &NEGATIVE, language);
    language.decimal = one(section, "decimal", &DECIMAL, language);
    language.duration = one(section, "duration", &DURATION, language);
    tell_lengths(section, root, language);
    language.money = root.find("money").and_then(|entry| money(section, entry, language));
    language.days = root.find("day").and_then(|entry| days(section, entry, language));
    language.times = root.find("time").and_then(|entry| times(section, entry, language));
    language.day_time = root.find("day_time").and_then(|entry| day_time(section, entry, language));
    if let Some(queue) = root.find("queue") {
        let entries = section.table(queue, "a table with `place` and `wait`").unwrap_or(&[]);
        section.tell_unknown(entries, &QUEUE_KEYS, "`queue`");
        let mut of = |key| queue.value.find(key).and_then(|entry| pattern(section, entry, &COUNTED, language));
        (language.place, language.wait) = (of("place"), of("wait"));
    }
}

fn named<'n>(section: &mut Section<'_, '_>, root: &'n Node, key: &str, wanted: &str) -> Vec<&'n Entry> {
    let Some(entry) = root.find(key) else { return Vec::new() };
    let entries = section.table(entry, wanted).unwrap_or(&[]);
    if entries.len() > MOST_SETS {
        let message = format!("`{key}` has at most {MOST_SETS} names");
        let fault = section.page.error(codes::TOO_LARGE, entry.key_span, message);
        section.fault(fault);
    }
    let good = |entry: &&Entry| {
        let is_name = super::scalar::is_value_name(&entry.key);
        if !is_name {
            let message = format!("`{}` cannot be the name of rules", shortened(&entry.key));
            let fault = section.page.error(codes::NAME, entry.key_span, message);
            section.fault(fault.label("letters, digits and `_` can stand in a name, a letter first"));
        }
        is_name
    };
    entries.iter().take(MOST_SETS).filter(good).collect()
}

/// `100: ...` or `60/20: ...`: from which number on, and what it divides by.
fn number_rules(section: &mut Section<'_, '_>, set: &Entry, language: &Language) -> Vec<NumberRule> {
    let mut rules: Vec<NumberRule> = Vec::new();
    for entry in section.table(set, "a table of numbers and rules").unwrap_or(&[]).iter().take(MOST_RULES) {
        let (from, size) = match entry.key.split_once('/') {
            Some((from, size)) => (whole(from), whole(size)),
            None => (whole(&entry.key), whole(&entry.key).map(usual_size)),
        };
        let (Some(from), Some(size)) = (from, size.filter(|size| *size > 0)) else {
            let message = format!("`{}` is not the number from which on a rule holds", shortened(&entry.key));
            let fault = section.page.error(codes::SPEECH_RULE, entry.key_span, message);
            section.fault(fault.remedy("write it like `100`, or like `60/20` where it divides by another number"));
            continue;
        };
        // A rule that divides by more than its number has nothing to count, and never gets smaller.
        if size > from.max(1) {
            let message = format!("a rule from {from} on cannot divide by {size}");
            let fault = section.page.error(codes::SPEECH_RULE, entry.key_span, message);
            section.fault(fault);
            continue;
        }
        if rules.iter().any(|rule| rule.from == from) {
            let message = format!("two rules begin with {from}");
            let fault = section.page.error(codes::DUPLICATE_KEY, entry.key_span, message);
            section.fault(fault);
            continue;
        }
        if let Some(pattern) = pattern(section, entry, &NUMBER, language) {
            rules.push(NumberRule { from, size, pattern });
        }
    }
    rules.sort_by_key(|rule| rule.from);
    rules
}

fn whole(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?.filter(|number| *number <= LARGEST)
}

/// The largest power of ten that a number is not below.
fn usual_size(number: u64) -> u64 {
    let mut size = 1;
    while number / size >= 10 {
        size *= 10;
    }
    size
}

type Categories = [Option<Pattern>; speech::CATEGORIES.len()];

fn categories(section: &mut Section<'_, '_>, counted: &Entry, language: &Language) -> Categories {
    let entries = section.table(counted, "a table such as `{one: ..., other: ...}`").unwrap_or(&[]);
    section.tell_unknown(entries, &speech::CATEGORIES, "what is counted");
    let used: Vec<usize> = language.plurals.used().collect();
    let mut patterns = Categories::default();
    for entry in entries {
        let Some(category) = speech::CATEGORIES.iter().position(|name| *name == entry.key) else { continue };
        // What the language has that this one is like may well be more than this one needs.
        if !used.contains(&category) && entry.key_span != Span::default() {
            let message = format!("`plurals` has no rule for `{}`, and nothing is ever said so", entry.key);
            let fault = section.page.error(codes::UNREAD_KEY, entry.key_span, message);
            section.fault(fault);
        }
        patterns[category] = pattern(section, entry, &COUNTED, language);
    }
    if counted.value.find("other").is_none() {
        let message = format!("`{}` has no `other`", shortened(&counted.key));
        let fault = section.page.error(codes::MISSING_KEY, counted.key_span, message);
        section.fault(fault.remedy("say what stands for all numbers that no other category takes"));
    }
    patterns
}

/// A length of time is told in what is counted.
fn tell_lengths(section: &mut Section<'_, '_>, root: &Node, language: &Language) {
    let Some(entry) = root.find("duration") else { return };
    for (name, _) in speech::LENGTHS {
        if !language.counted.iter().any(|counted| &*counted.name == name) {
            let message = format!("lengths of time are told in `{name}`, which `counted` lacks");
            let fault = section.page.error(codes::NO_SUCH_RULES, entry.key_span, message);
            section.fault(fault.remedy(format!("write `{name}: {{one: ..., other: ...}}` below `counted`")));
        }
    }
}

fn money(section: &mut Section<'_, '_>, entry: &Entry, language: &Language) -> Option<Money> {
    const CURRENCIES: [(&str, Currency); 3] = [("GBP", Currency::Gbp), ("USD", Currency::Usd), ("EUR", Currency::Eur)];
    let entries = section.table(entry, "a table of currencies")?;
    section.tell_unknown(entries, &MONEY_KEYS, "`money`");
    let mut currencies = BTreeMap::new();
    for (name, currency) in CURRENCIES {
        let Some(written) = entry.value.find(name) else {
            let fault = section.page.error(codes::MISSING_KEY, entry.key_span, format!("`money` has no `{name}`"));
            section.fault(fault.remedy(format!("write `{name}: {{units: ..., hundredths: ...}}`")));
            continue;
        };
        let parts = section.table(written, "a table with `units` and `hundredths`").unwrap_or(&[]);
        section.tell_unknown(parts, &CURRENCY_KEYS, &format!("`{name}`"));
        let mut of = |key: &str| {
            let Some(part) = written.value.find(key) else {
                let message = format!("`{name}` has no `{key}`");
                let fault = section.page.error(codes::MISSING_KEY, written.key_span, message);
                section.fault(fault.remedy("name what it is counted in, of `counted`"));
                return None;
            };
            let text = section.text(part, "a name of `counted`")?;
            let found = language.counted.iter().position(|counted| &*counted.name == text);
            if found.is_none() {
                let message = format!("`counted` has no `{}`", shortened(text));
                let fault = section.page.error(codes::NO_SUCH_RULES, part.place(), message);
                section.fault(fault.meant(text, language.counted.iter().map(|counted| &*counted.name)));
            }
            found
        };
        if let (Some(units), Some(hundredths)) = (of("units"), of("hundredths")) {
            currencies.insert(currency, (units, hundredths));
        }
    }
    let both = required(section, entry, "both", &MONEY, language)?;
    Some(Money { currencies, both })
}

fn days(section: &mut Section<'_, '_>, entry: &Entry, language: &Language) -> Option<Days> {
    let entries = section.table(entry, "a table of days")?;
    section.tell_unknown(entries, &DAY_KEYS, "`day`");
    let mut of = |key| required(section, entry, key, &DAY, language);
    let [yesterday, today, tomorrow, this_year, other_year] =
        [of("yesterday"), of("today"), of("tomorrow"), of("this_year"), of("other_year")];
    let today_is = entry.value.find("today_is").and_then(|entry| pattern(section, entry, &DAY, language));
    Some(Days {
        yesterday: yesterday?,
        today: today?,
        tomorrow: tomorrow?,
        this_year: this_year?,
        other_year: other_year?,
        today_is,
    })
}

fn times(section: &mut Section<'_, '_>, entry: &Entry, language: &Language) -> Option<Times> {
    let mut times = Times { midnight: None, noon: None, minutes: Vec::new() };
    for rule in section.table(entry, "a table of minutes and rules")? {
        let Some(pattern) = pattern(section, rule, &TIME, language) else { continue };
        match rule.key.as_str() {
            "midnight" => times.midnight = Some(pattern),
            "noon" => times.noon = Some(pattern),
            key => match whole(key).and_then(|minute| u8::try_from(minute).ok()).filter(|minute| *minute < 60) {
                Some(minute) => times.minutes.push((minute, pattern)),
                None => {
                    let message = format!("`{}` is no minute from which on a rule holds", shortened(key));
                    let fault = section.page.error(codes::SPEECH_RULE, rule.key_span, message);
                    section.fault(fault.remedy("write a minute from 0 to 59, `midnight` or `noon`"));
                }
            },
        }
    }
    times.minutes.sort_by_key(|(from, _)| *from);
    if times.minutes.first().is_none_or(|(from, _)| *from > 0) {
        let message = format!("`{}` does not say the full hour", shortened(&entry.key));
        let fault = section.page.error(codes::MISSING_KEY, entry.key_span, message);
        section.fault(fault.remedy("give it a rule from minute 0 on"));
        return None;
    }
    Some(times)
}

fn day_time(section: &mut Section<'_, '_>, entry: &Entry, language: &Language) -> Option<(Pattern, Option<Times>)> {
    if entry.value.table().is_none() {
        return Some((pattern(section, entry, &DAY_TIME, language)?, None));
    }
    section.tell_unknown(entry.value.table().unwrap_or(&[]), &DAY_TIME_KEYS, "`day_time`");
    let own = entry.value.find("time").and_then(|entry| times(section, entry, language));
    Some((required(section, entry, "both", &DAY_TIME, language)?, own))
}

fn required(
    section: &mut Section<'_, '_>,
    owner: &Entry,
    key: &str,
    fields: &Fields,
    language: &Language,
) -> Option<Pattern> {
    let Some(entry) = owner.value.find(key) else {
        let message = format!("`{}` has no `{key}`", shortened(&owner.key));
        let fault = section.page.error(codes::MISSING_KEY, owner.key_span, message);
        section.fault(fault);
        return None;
    };
    pattern(section, entry, fields, language)
}

fn pattern(section: &mut Section<'_, '_>, entry: &Entry, fields: &Fields, language: &Language) -> Option<Pattern> {
    let text = section.text(entry, "phrases and values, such as `\"{times} number/hundred\"`")?;
    match speech::parse_pattern(text, fields, &|name| language.rules(name)) {
        Ok(tokens) => Some(Pattern { tokens, span: entry.value.span }),
        Err(fault) => {
            let place = match entry.value.span == Span::default() {
                true => entry.value.span,
                false => place_in(section.page, &entry.value, fault.range),
            };
            let code = if fault.unknown_rules { codes::NO_SUCH_RULES } else { codes::SPEECH_RULE };
            let told = section.page.error(code, place, fault.message.clone());
            let wrong = fault.message.rsplit('`').nth(1).unwrap_or("");
            let names = language.sets.iter().map(|set| &*set.name);
            let names = names.chain(language.counted.iter().map(|counted| &*counted.name));
            let near = nearest(wrong, names).filter(|_| fault.unknown_rules);
            section.fault(match near {
                Some(near) => told.remedy(format!("did you mean `{near}`?")),
                None => told,
            });
            None
        }
    }
}
