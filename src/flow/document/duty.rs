//! What a queue means for its agents: how they rest after a missed offer, and what is whispered to who picks up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Reader;
use super::codes;
use super::diagnostic::{Diagnostic, Page, Severity, listed, shortened};
use super::scalar;
use super::section::Section;
use super::tree::{Content, Entry};
use crate::flow::mailbox;
use crate::flow::{AgentCode, FlowIndex, QueueSpec};

pub(super) const MISSED_KEYS: [&str; 3] = ["rest", "longest_rest", "pause_after"];
/// The longest rest after one miss.
const REST_MAX: Duration = Duration::from_secs(600);
/// The longest rest after many.
const REST_LONGEST_MAX: Duration = Duration::from_secs(3600);
/// Most misses that a pause can wait for.
const MISSES_MAX: u32 = 100;
/// The longest name of a queue that is whispered, in characters.
const SPOKEN_NAME_MAX: usize = 200;

/// `{rest: 5s, longest_rest: 60s, pause_after: 2}`.
pub(super) fn missed(section: &mut Section<'_, '_>, entry: &Entry, spec: &mut QueueSpec) {
    let second = Duration::from_secs(1);
    let entries = section.table(entry, "a table such as `{rest: 5s, pause_after: 2}`").unwrap_or(&[]);
    section.tell_unknown(entries, &MISSED_KEYS, "`missed`");
    if let Some(rest) = entry.value.find("rest") {
        spec.rest = section.length(rest, second..=REST_MAX).unwrap_or(spec.rest);
    }
    match entry.value.find("longest_rest") {
        None => spec.rest_longest = spec.rest_longest.max(spec.rest),
        Some(written) => {
            let longest = section.length(written, second..=REST_LONGEST_MAX);
            if longest.is_some_and(|longest| longest < spec.rest) {
                let rest = scalar::written_duration(spec.rest);
                let message = format!("agents rest for {rest} after the first miss already");
                let fault = section.page.error(codes::DURATION, written.place(), message);
                section.fault(fault.remedy(format!("write {rest} or more, or a shorter `rest`")));
            }
            spec.rest_longest = longest.unwrap_or(spec.rest_longest).max(spec.rest);
        }
    }
    match entry.value.find("pause_after") {
        None => {}
        Some(never) if never.value.text() == Some("never") => spec.misses_until_pause = None,
        Some(misses) => {
            let number = misses.value.text().and_then(|text| text.parse().ok());
            match number.filter(|number| (1..=MISSES_MAX).contains(number)) {
                Some(number) => spec.misses_until_pause = Some(number),
                None => {
                    let message = format!("`pause_after` is a number from 1 to {MISSES_MAX}, or `never`");
                    let fault = section.page.error(codes::WRONG_NUMBER, misses.place(), message);
                    section.fault(fault.meant(misses.value.text().unwrap_or(""), ["never"]));
                }
            }
        }
    }
}

/// Whether an agent who picks up is told the queue and the wait: `true`, or the queue's name as it is spoken.
pub(super) fn whispers(entry: &Entry) -> bool {
    entry.value.plain().and_then(scalar::truth).unwrap_or(!entry.value.is_nothing())
}

/// `yes` and its like, which are texts in YAML 1.2.
fn is_said_truth(text: &str) -> bool {
    ["yes", "no", "on", "off"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

impl Reader<'_> {
    /// Tells numbers and extensions that are codes of agents: who dials them means one thing.
    pub(super) fn tell_codes(&mut self, numbers: &BTreeMap<String, FlowIndex>) {
        let remedy =
            |whose: &str| format!("give {whose} another, or write another code below `codes` in `helpline.yaml`");
        for (number, flow) in numbers {
            let Some(code) = self.known.codes.find(number) else { continue };
            let outline = &self.outlines[usize::from(flow.0)];
            let entry = outline.root.find("numbers");
            let place = entry.and_then(|entry| match &entry.value.content {
                Content::List(items) => items.iter().find(|item| item.text() == Some(number)).map(|item| item.span),
                _ => Some(entry.place()),
            });
            let message = format!("`{number}` is the code by which agents ask for `{}`", key(code));
            let fault = self.pages[outline.page].error(codes::AGENT_CODE, place.unwrap_or(outline.name_span), message);
            let fault = fault.remedy(remedy("the flow"));
            self.faults.push(fault.consequence("nobody who dials it would come to this flow"));
        }
        for (agent, (file, place)) in self.agents.specs.iter().zip(&self.agents.places) {
            let Some(code) = self.known.codes.find(&agent.extension) else { continue };
            let message = format!("`{}` is the code by which agents ask for `{}`", agent.extension, key(code));
            let fault = self.pages[*file].error(codes::AGENT_CODE, *place, message);
            let fault = fault.remedy(remedy("the agent"));
            self.faults.push(fault.consequence("no agent who dials it would reach this one"));
        }
    }

    /// Notes the recordings of agents' names that there are: who hears a message of theirs is told the extension without.
    pub(super) fn note_names(&mut self) {
        let languages = self.agents.languages();
        for agent in &self.agents.specs {
            let name = mailbox::agent_recording(&agent.extension);
            for language in languages.iter().filter(|language| self.known.has(language, &name)) {
                self.recordings.ask(language, &name, &agent.name, None);
            }
        }
    }

    /// Tells hours that agents' codes switch and that there are not.
    pub(super) fn tell_switched_hours(&mut self) {
        let book = &self.values.hours;
        let unknown = |name: &&Arc<str>| book.names().all(|known| *known != ***name);
        let unknown: BTreeSet<Arc<str>> = self.known.codes.hours().filter(unknown).cloned().collect();
        let names: Vec<&str> = book.names().collect();
        for name in unknown {
            let message = format!("`codes` lets agents switch the hours `{}`, and there are none", shortened(&name));
            let fault = Diagnostic::of_file(codes::NO_SUCH_HOURS, Severity::Error, "", message);
            let remedy =
                format!("write other hours below `codes`, `hours` in `helpline.yaml`: {}", listed(names.clone()));
            let fault = if names.is_empty() { fault } else { fault.remedy(remedy) };
            self.faults.push(fault.consequence("agents who dial the code would hear that there are no such hours"));
        }
    }

    /// Notes the recordings of a queue's spoken name, in the languages of its agents.
    pub(super) fn whispered_name(&mut self, spec: &QueueSpec, queue: &Entry, page: &Page<'_>) {
        let Some(entry) = queue.value.find("whisper") else { return };
        let Some(texts) = self.spoken_names(spec, entry, page) else { return };
        let mut missing = Vec::new();
        for (language, text) in texts {
            let name = format!("queues/{}", spec.name);
            if !self.known.has(&language, &name) {
                missing.push((format!("`{}/{language}/{name}.wav`", self.known.folder), text.clone()));
            }
            self.recordings.ask(&language, &name, &text, None);
        }
        if let Some((file, text)) = missing.first() {
            let more = if missing.len() > 1 { format!(", and {} more", missing.len() - 1) } else { String::new() };
            let fault = page.warning(codes::NO_RECORDING, entry.place(), format!("{file} is not recorded{more}"));
            let consequence =
                format!("agents would not hear “{}”, only how long the caller has waited", shortened(text));
            self.faults.push(fault.consequence(consequence));
        }
    }

    /// The queue's name as it is spoken, in each language of its agents.
    fn spoken_names(&mut self, spec: &QueueSpec, entry: &Entry, page: &Page<'_>) -> Option<Vec<(Arc<str>, String)>> {
        let languages: BTreeSet<Arc<str>> =
            spec.agents.iter().filter_map(|(agent, _)| Some(self.agents.find(agent)?.language.clone())).collect();
        let mut section = Section { page, faults: &mut self.faults };
        let written = |text: &str| -> Option<String> {
            let text = text.trim();
            (!text.is_empty() && text.chars().count() <= SPOKEN_NAME_MAX).then(|| text.to_owned())
        };
        let too_long = |section: &mut Section<'_, '_>, entry: &Entry| {
            let message = format!("the spoken name of a queue has 1 to {SPOKEN_NAME_MAX} characters");
            let fault = section.page.error(codes::NAME, entry.place(), message);
            section.fault(fault);
        };
        match &entry.value.content {
            Content::Text { text, .. } => match entry.value.plain().and_then(scalar::truth) {
                Some(true) => Some(languages.into_iter().map(|language| (language, as_spoken(&spec.name))).collect()),
                Some(false) => None,
                // A word of other versions of YAML for a truth: nobody's queue is called so.
                None if entry.value.plain().is_some_and(is_said_truth) => {
                    section.truth(entry);
                    None
                }
                None => match written(text) {
                    Some(text) => Some(languages.into_iter().map(|language| (language, text.clone())).collect()),
                    None => {
                        too_long(&mut section, entry);
                        None
                    }
                },
            },
            Content::Table(entries) => {
                for entry in entries {
                    if !languages.contains(entry.key.as_str()) {
                        let known = languages.iter().map(|language| &**language);
                        let message = format!("no agent of `{}` hears `{}`", spec.name, shortened(&entry.key));
                        let fault = section.page.error(codes::NO_SUCH_LANGUAGE, entry.key_span, message);
                        let remedy = format!("they hear {}", listed(known.clone()).replace(" or ", " and "));
                        section.fault(fault.meant(&entry.key, known).or_remedy(&remedy));
                    } else if section
                        .text(entry, "the queue's name as it is spoken")
                        .is_some_and(|t| written(t).is_none())
                    {
                        too_long(&mut section, entry);
                    }
                }
                let text = |language: &str| {
                    let entry = entries.iter().find(|entry| entry.key == language)?;
                    written(entry.value.text()?)
                };
                let texts = languages.into_iter().map(|language| {
                    let text = text(&language).unwrap_or_else(|| as_spoken(&spec.name));
                    (language, text)
                });
                Some(texts.collect())
            }
            Content::Nothing | Content::List(_) => {
                section.wrong_shape(entry, "`true`, `false`, or the queue's name as it is spoken");
                None
            }
        }
    }
}

/// A code as the installation file names it.
fn key(code: &AgentCode) -> String {
    match code {
        AgentCode::Pause(Some(reason)) => format!("pause ({reason})"),
        code => code.name().to_owned(),
    }
}

/// "Technical help" for `technical_help`.
fn as_spoken(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}
