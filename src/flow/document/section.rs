//! The settings of a section: what each takes, and what is told of one that takes something else.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::codes;
use super::diagnostic::{Diagnostic, Faults, Page, listed, shortened};
use super::scalar;
use super::tree::{Content, Entry};

/// Reads settings of one file.
pub(super) struct Section<'r, 'a> {
    pub page: &'a Page<'a>,
    pub faults: &'r mut Faults,
}

impl Section<'_, '_> {
    pub fn fault(&mut self, diagnostic: Diagnostic) {
        self.faults.push(diagnostic);
    }

    pub fn wrong_shape(&mut self, entry: &Entry, wanted: &str) {
        let message = format!("`{}` takes {wanted}, and this is {}", shortened(&entry.key), entry.value.described());
        let fault = self.page.error(codes::WRONG_SHAPE, entry.place(), message);
        self.fault(fault);
    }

    /// The text of an entry; anything else is told.
    pub fn text<'n>(&mut self, entry: &'n Entry, wanted: &str) -> Option<&'n str> {
        let text = entry.value.text();
        if text.is_none() {
            self.wrong_shape(entry, wanted);
        }
        text
    }

    /// The entries of a table; nothing at all is an empty one.
    pub fn table<'n>(&mut self, entry: &'n Entry, wanted: &str) -> Option<&'n [Entry]> {
        match &entry.value.content {
            Content::Table(entries) => Some(entries),
            Content::Nothing => Some(&[]),
            _ => {
                self.wrong_shape(entry, wanted);
                None
            }
        }
    }

    /// Tells the keys that are none of `known`; `whose` is "a queue".
    pub fn tell_unknown(&mut self, entries: &[Entry], known: &[&str], whose: &str) {
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let message = format!("{whose} has no `{}`", shortened(&entry.key));
            let fault = self.page.error(codes::UNKNOWN_KEY, entry.key_span, message);
            let remedy = format!("it has {}", listed(known.iter().copied()).replace(" or ", " and "));
            self.fault(fault.meant(&entry.key, known.iter().copied()).or_remedy(&remedy));
        }
    }

    /// A length of time within its limits.
    pub fn length(&mut self, entry: &Entry, limits: RangeInclusive<Duration>) -> Option<Duration> {
        let text = self.text(entry, "a length of time such as `5s`")?;
        let fault = match scalar::duration(text) {
            Some(length) if limits.contains(&length) => return Some(length),
            Some(_) => {
                let (least, most) = (limits.start(), limits.end());
                let (least, most) = (scalar::written_duration(*least), scalar::written_duration(*most));
                let message = format!("`{}` lies between {least} and {most}", entry.key);
                self.page.error(codes::DURATION, entry.place(), message)
            }
            None => {
                let message = format!("`{}` is no length of time", shortened(text));
                let fault = self.page.error(codes::DURATION, entry.place(), message);
                if text.split(':').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
                    && let Some((first, rest)) = text.split_once(':')
                {
                    let remedy =
                        format!("write `{first}m{rest}s` or `{first}h{rest}m`: with a colon it is a time of day");
                    self.fault(fault.remedy(remedy));
                    return None;
                }
                match text.trim().bytes().all(|byte| byte.is_ascii_digit()) && !text.trim().is_empty() {
                    true => fault.remedy(format!("write the unit: `{}s`", text.trim())),
                    false => fault.remedy("write it like `20s`, `5m` or `1h30m`"),
                }
            }
        };
        self.fault(fault);
        None
    }

    /// A whole number within its limits.
    pub fn number(&mut self, entry: &Entry, limits: RangeInclusive<u32>) -> Option<u32> {
        let number = entry.value.text().and_then(|text| text.parse().ok()).filter(|number| limits.contains(number));
        if number.is_none() {
            let message =
                format!("`{}` is a number from {} to {}", shortened(&entry.key), limits.start(), limits.end());
            let fault = self.page.error(codes::WRONG_NUMBER, entry.place(), message);
            self.fault(fault);
        }
        number
    }

    /// True or false.
    pub fn truth(&mut self, entry: &Entry) -> Option<bool> {
        if let Some(truth) = entry.value.plain().and_then(scalar::truth) {
            return Some(truth);
        }
        let said = match (entry.value.text(), entry.value.plain()) {
            (Some(text), Some(_)) => format!("`{}`", shortened(text)),
            (Some(_), None) => "a text in quotes".to_owned(),
            (None, _) => entry.value.described().to_owned(),
        };
        let message = format!("`{}` is `true` or `false`, not {said}", shortened(&entry.key));
        let fault = self.page.error(codes::NOT_TRUTH, entry.place(), message);
        self.fault(match entry.value.text().unwrap_or("").to_lowercase().as_str() {
            "yes" | "on" | "true" | "1" => fault.remedy("write `true`"),
            "no" | "off" | "false" | "0" => fault.remedy("write `false`"),
            _ => fault,
        });
        None
    }

    /// One of `words`.
    pub fn word<T: Copy>(&mut self, entry: &Entry, words: &[(&str, T)]) -> Option<T> {
        let names = || words.iter().map(|(name, _)| *name);
        let found = entry.value.text().and_then(|text| words.iter().find(|(name, _)| *name == text));
        if found.is_none() {
            let message = format!("`{}` is {}", shortened(&entry.key), listed(names()));
            let fault = self.page.error(codes::WRONG_WORD, entry.place(), message);
            self.fault(fault.meant(entry.value.text().unwrap_or(""), names()));
        }
        found.map(|(_, meaning)| *meaning)
    }
}
