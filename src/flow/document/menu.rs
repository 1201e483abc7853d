//! Menus and questions, and the patience that both have with callers.

use std::sync::Arc;
use std::time::Duration;

use super::codes;
use super::diagnostic::{listed, shortened};
use super::flow::{FlowReader, shown_key};
use super::scalar;
use super::tree::{Content, Entry, Node};
use super::values;
use super::words::Said;
use crate::flow::{Choice, Collect, Menu, Patience, Speech, SpokenAs, StepIndex, Target};
use crate::telephony::Digit;

/// The keys of a choice in its long form.
pub(super) const CHOICE_KEYS: [&str; 3] = ["say", "go", "when"];
/// Most choices of a menu: nobody hears more.
pub const MAX_CHOICES: usize = 100;
/// How long to wait for the first key where the flow does not say.
pub const FIRST_KEY: Duration = Duration::from_secs(5);
/// How long to wait between keys where the flow does not say.
pub const BETWEEN_KEYS: Duration = Duration::from_secs(4);
/// The shortest time in which a caller could press a key.
pub const SHORTEST_WAIT: Duration = Duration::from_millis(200);
/// The longest that a line waits for a key.
pub const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// How often to ask where the flow does not say.
pub const TRIES: u8 = 3;
/// The most often.
pub const MOST_TRIES: u8 = 20;

impl FlowReader<'_, '_> {
    pub(super) fn menu(&mut self, index: StepIndex, step: &Entry, entry: &Entry) -> Option<Menu> {
        let must_hear = self.truth_of(&step.value, "must_hear");
        let speech = match entry.value.content {
            Content::Nothing => None,
            _ => Some(self.step_speech(index, step, entry, "").unwrap_or_default()),
        };
        let choices = self.choices(index, step, entry);
        let patience = self.patience(index, step);
        Some(Menu { speech, choices, must_hear, patience })
    }

    /// The `choices` of a queue's `while_waiting`.
    pub(super) fn choices_while_waiting(&mut self, queue: &Entry, choices: &Entry) -> Vec<Choice> {
        self.while_waiting = true;
        self.listed_choices(None, queue, choices)
    }

    fn choices(&mut self, index: StepIndex, step: &Entry, menu: &Entry) -> Vec<Choice> {
        let Some(entry) = step.value.find("choices") else {
            let message = format!("the menu `{}` has no `choices`", shortened(&step.key));
            let fault = self.page.error(codes::NO_CHOICES, menu.key_span, message);
            self.fault(fault.consequence("callers could press nothing"));
            return Vec::new();
        };
        self.listed_choices(Some(index), step, entry)
    }

    /// The choices of a menu or, without a step, of a queue.
    fn listed_choices(&mut self, index: Option<StepIndex>, owner: &Entry, entry: &Entry) -> Vec<Choice> {
        let entries = match &entry.value.content {
            Content::Table(entries) if !entries.is_empty() => entries,
            Content::Nothing | Content::Table(_) => {
                let message = format!("`{}` offers no choice", shortened(&owner.key));
                let fault = self.page.error(codes::NO_CHOICES, entry.place(), message);
                self.fault(fault.consequence("callers could press nothing"));
                return Vec::new();
            }
            _ => {
                self.wrong_shape(entry, "a table of keys and choices");
                return Vec::new();
            }
        };
        let mut choices: Vec<Choice> = Vec::new();
        let mut written: Vec<(Vec<Digit>, &Entry)> = Vec::new();
        if entries.len() > MAX_CHOICES {
            let message = format!("a menu has at most {MAX_CHOICES} choices, and this has {}", entries.len());
            let fault = self.page.error(codes::TOO_LARGE, entry.key_span, message);
            self.fault(fault);
        }
        for entry in entries.iter().take(MAX_CHOICES) {
            let keys = self.keys(entry);
            // A choice with a wrong key is read all the same, for its other faults.
            let choice = self.choice(index, owner, entry, keys.as_deref().unwrap_or(&[]));
            let Some(keys) = keys else { continue };
            if written.iter().any(|(other, _)| *other == keys) {
                self.twice(entry);
                continue;
            }
            written.push((keys.clone(), entry));
            choices.extend(choice.map(|(speech, target, when)| Choice { keys, speech, target, when }));
        }
        self.tell_ambiguous(owner, &written);
        choices
    }

    fn tell_ambiguous(&mut self, step: &Entry, written: &[(Vec<Digit>, &Entry)]) {
        for (keys, entry) in written {
            let Some((_, longer)) =
                written.iter().find(|(other, _)| other.len() > keys.len() && other.starts_with(keys))
            else {
                continue;
            };
            let (short, long) = (shown_keys(keys), shortened(&longer.key));
            let message = format!("{short} is the beginning of {long}");
            let fault = self.page.warning(codes::AMBIGUOUS_CHOICE, entry.key_span, message);
            let wait = step.value.find("between_keys").and_then(|entry| entry.value.text()).and_then(scalar::duration);
            let wait = scalar::written_duration(wait.unwrap_or(BETWEEN_KEYS));
            self.fault(
                fault.consequence(format!(
                    "callers who press {short} in `{}` would wait {wait} for another key",
                    step.key
                )),
            );
        }
    }

    fn choice(&mut self, index: Option<StepIndex>, owner: &Entry, entry: &Entry, keys: &[Digit]) -> Option<Announced> {
        let folder = if index.is_some() { &*self.outline.name } else { "queues" };
        let recording = format!("{folder}/{}.{}", owner.key, scalar::keys_in_name(keys));
        let said = Said { recording, step: index, place: &owner.key, keys: Some(keys), key: &entry.key };
        let shown = if keys.is_empty() { shortened(&entry.key) } else { shown_keys(keys) };
        let who = format!("callers who press {shown} in `{}`", owner.key);
        match &entry.value.content {
            Content::Text { text, .. } => {
                let Some(arrow) = text.rfind("->") else {
                    self.tell_no_arrow(entry, text, &who);
                    return None;
                };
                let line = text[..arrow].trim();
                let speech = match line {
                    "" => None,
                    _ => {
                        let start = text.find(line).unwrap_or(0);
                        Some(self.speech_of_part(&entry.value, start..start + line.len(), &said)?)
                    }
                };
                let name = text[arrow + 2..].trim();
                let start = arrow + 2 + (text[arrow + 2..].len() - text[arrow + 2..].trim_start().len());
                let range = if name.is_empty() { arrow..arrow + 2 } else { start..start + name.len() };
                let place = self.place_in(&entry.value, range);
                if name.is_empty() {
                    let fault = self.page.error(codes::NO_ARROW, place, "no step is named after `->`");
                    self.fault(fault.consequence(format!("{who} would have nowhere to go")));
                    return None;
                }
                Some((speech, self.target(name, place, &who)?, None))
            }
            Content::Table(entries) => self.long_choice(entry, entries, &said, &who),
            _ => {
                self.wrong_shape(entry, "a text such as `For billing -> billing`");
                None
            }
        }
    }

    fn tell_no_arrow(&mut self, entry: &Entry, text: &str, who: &str) {
        let fault = self.page.error(codes::NO_ARROW, entry.place(), "this choice does not say where it leads");
        let remedy = match self.outline.step_index.contains_key(text) {
            true => format!("write what callers hear before it: `For ... -> {text}`"),
            false => format!("name the step after an arrow: `{} -> step`", shortened(text)),
        };
        self.fault(fault.remedy(remedy).consequence(format!("{who} would have nowhere to go")));
    }

    fn long_choice(&mut self, choice: &Entry, entries: &[Entry], said: &Said<'_>, who: &str) -> Option<Announced> {
        for entry in entries.iter().filter(|entry| !CHOICE_KEYS.contains(&entry.key.as_str())) {
            let fault = self.page.error(
                codes::UNKNOWN_KEY,
                entry.key_span,
                format!("a choice has no `{}`", shortened(&entry.key)),
            );
            let known = format!("it has {}", listed(CHOICE_KEYS).replace(" or ", " and "));
            self.fault(fault.meant(&entry.key, CHOICE_KEYS).or_remedy(&known));
        }
        let speech = choice.value.find("say").map(|say| self.speech(say, said).unwrap_or_default());
        let when = choice.value.find("when").map(|when| self.condition(when));
        let Some(go) = choice.value.find("go") else {
            let fault = self.page.error(codes::NO_ARROW, choice.key_span, "this choice does not say where it leads");
            self.fault(fault.remedy("name the step: `go: ...`").consequence(format!("{who} would have nowhere to go")));
            return None;
        };
        let name = self.text_of(go, "the name of a step")?;
        let target = self.target(name, go.value.span, who)?;
        Some((speech, target, when.flatten()))
    }

    pub(super) fn collect(&mut self, index: StepIndex, step: &Entry, entry: &Entry) -> Option<Collect> {
        let must_hear = self.truth_of(&step.value, "must_hear");
        let secret = self.truth_of(&step.value, "secret");
        let speech = self.step_speech(index, step, entry, "");
        let (shortest, longest) = self.digits(&step.value);
        let end_key = self.end_key(&step.value);
        let (confirm, confirm_as) = self.confirm(&step.value);
        if confirm && secret {
            let place = step.value.find("confirm").map_or(step.key_span, Entry::place);
            let fault = self.page.error(codes::SECRET_SPOKEN, place, "a secret would be read back");
            self.fault(fault.remedy("leave `confirm` away, or `secret`"));
        }
        let save = self.save(step, entry);
        let patience = self.patience(index, step);
        Some(Collect {
            speech: speech?,
            must_hear,
            shortest,
            longest,
            end_key,
            save: save?,
            confirm,
            confirm_as,
            secret,
            patience,
        })
    }

    fn save(&mut self, step: &Entry, entry: &Entry) -> Option<Arc<str>> {
        let Some(save) = step.value.find("save") else {
            let message = format!("what callers key in `{}` is not kept", shortened(&step.key));
            let fault = self.page.error(codes::MISSING_KEY, entry.key_span, message);
            self.fault(fault.remedy("give it a name: `save: order_number`"));
            return None;
        };
        let name = self.text_of(save, "the name of a value")?;
        if let Some(message) = values::name_fault(name) {
            let fault = self.page.error(codes::NAME, save.place(), message);
            self.fault(fault);
        }
        Some(Arc::from(name))
    }

    fn digits(&mut self, step: &Node) -> (u8, u8) {
        let all = (1, scalar::MAX_DIGITS);
        let Some(entry) = step.find("digits") else { return all };
        let Some(text) = self.text_of(entry, "a number of digits such as `4` or `6-8`") else { return all };
        scalar::digit_range(text).unwrap_or_else(|| {
            let message = format!("`{}` is no number of digits", shortened(text));
            let fault = self.page.error(codes::DIGIT_RANGE, entry.place(), message);
            let remedy = match text.split_once('-').map(|(from, to)| format!("{}-{}", to.trim(), from.trim())) {
                Some(turned) if scalar::digit_range(&turned).is_some() => format!("write `{turned}`"),
                _ => format!("write a number from 1 to {}, or two such as `6-8`", scalar::MAX_DIGITS),
            };
            self.fault(fault.remedy(remedy));
            all
        })
    }

    fn end_key(&mut self, step: &Node) -> Option<Digit> {
        let Some(entry) = step.find("end_key") else { return Some(Digit::HASH) };
        match entry.value.text() {
            Some("hash" | "#") => Some(Digit::HASH),
            Some("star" | "*") => Some(Digit::STAR),
            Some("none") => None,
            _ => {
                let said = entry.value.text().unwrap_or("");
                let fault = self.page.error(codes::WRONG_WORD, entry.place(), "`end_key` is `hash`, `star` or `none`");
                self.fault(fault.meant(said, ["hash", "star", "none"]));
                None
            }
        }
    }

    fn confirm(&mut self, step: &Node) -> (bool, SpokenAs) {
        let Some(entry) = step.find("confirm") else { return (false, SpokenAs::Digits) };
        match entry.value.text() {
            Some("digits") => (true, SpokenAs::Digits),
            Some("number") => (true, SpokenAs::Number),
            Some(text) if entry.value.plain().and_then(scalar::truth).is_none() => {
                let message = "`confirm` is `true`, `false`, `digits` or `number`";
                let fault = self.page.error(codes::WRONG_WORD, entry.place(), message);
                let meant = match text.to_lowercase().as_str() {
                    "yes" | "on" | "true" => fault.remedy("write `true`"),
                    "no" | "off" | "false" => fault.remedy("write `false`"),
                    _ => fault.meant(text, ["digits", "number"]),
                };
                self.fault(meant);
                (false, SpokenAs::Digits)
            }
            _ => (self.truth_of(step, "confirm"), SpokenAs::Digits),
        }
    }

    fn patience(&mut self, index: StepIndex, step: &Entry) -> Patience {
        let first_key = self.wait(&step.value, "first_key", FIRST_KEY);
        let between_keys = self.wait(&step.value, "between_keys", BETWEEN_KEYS);
        let tries = self.tries(&step.value);
        let no_input = self.complaint(index, step, "no_input");
        let no_match = self.complaint(index, step, "no_match");
        let who = format!("callers who run out of tries in `{}`", step.key);
        let otherwise = self.target_of(&step.value, "otherwise", &who);
        Patience { first_key, between_keys, tries, no_input, no_match, otherwise }
    }

    fn complaint(&mut self, index: StepIndex, step: &Entry, key: &str) -> Option<Speech> {
        let entry = step.value.find(key)?;
        Some(self.step_speech(index, step, entry, &format!(".{key}")).unwrap_or_default())
    }

    fn wait(&mut self, step: &Node, key: &str, default: Duration) -> Duration {
        let Some(entry) = step.find(key) else { return default };
        self.section().length(entry, SHORTEST_WAIT..=LONGEST_WAIT).unwrap_or(default)
    }

    fn tries(&mut self, step: &Node) -> u8 {
        let Some(entry) = step.find("tries") else { return TRIES };
        let tries =
            entry.value.text().and_then(|text| text.parse().ok()).filter(|tries| (1..=MOST_TRIES).contains(tries));
        tries.unwrap_or_else(|| {
            let message = format!("`tries` is a number from 1 to {MOST_TRIES}");
            let fault = self.page.error(codes::WRONG_NUMBER, entry.place(), message);
            self.fault(fault);
            TRIES
        })
    }
}

/// A choice without its keys: its line, where it leads, and when.
type Announced = (Option<Speech>, Target, Option<crate::flow::Condition>);

fn shown_keys(keys: &[Digit]) -> String {
    keys.iter().map(|key| shown_key(*key)).collect::<Vec<_>>().join(" ")
}
