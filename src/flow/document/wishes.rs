//! What a step asks of a queue by values: `priority: "{customer.tier}"`, `skill: "{customer.language}"`, and
//! `prefer: last_agent for 30s`.

use std::sync::Arc;
use std::time::Duration;

use super::codes;
use super::diagnostic::{Span, shortened};
use super::flow::FlowReader;
use super::scalar;
use super::tree::{Entry, Node};
use super::values::Known;
use crate::flow::condition::Kinds;
use crate::flow::connector::FieldKind;
use crate::flow::{QueueIndex, Value};

/// For so long can a step prefer an agent.
const SHORTEST_PREFERENCE: Duration = Duration::from_secs(1);
const LONGEST_PREFERENCE: Duration = Duration::from_secs(600);

/// The name in a text that is one value and nothing else: `{customer.tier}`.
pub(super) fn only_value(node: &Node) -> Option<&str> {
    let name = node.text()?.trim().strip_prefix('{')?.strip_suffix('}')?;
    (!name.contains(['{', '}'])).then_some(name.trim())
}

impl FlowReader<'_, '_> {
    /// The value that tells how urgent a call is: a number, or digits.
    pub(super) fn priority_of(&mut self, entry: &Entry, name: &str) -> Option<Arc<str>> {
        let place = self.name_in(&entry.value, name);
        self.wished_value(name, place)?;
        let (fits, wrong) = match self.reader.values.read(name) {
            Known::Set(value) => {
                let wrong =
                    value.literals.iter().find(|value| value.whole_number().is_none_or(|n| !(0..=9).contains(&n)));
                let text = matches!(value.answered, Some(FieldKind::Text(_) | FieldKind::Money));
                (value.kinds.meets(Kinds::NUMBER.with(Kinds::TEXT)) && !text, wrong.and_then(Value::written))
            }
            Known::BuiltIn(built_in) => (built_in.kinds.meets(Kinds::NUMBER), None),
            Known::Untold | Known::Nothing => return None,
        };
        if fits && wrong.is_none() {
            return Some(Arc::from(name));
        }
        let message = match wrong {
            Some(wrong) => format!("`{name}` can be `{}`, and a priority is a number from 0 to 9", shortened(&wrong)),
            None => format!("`{name}` is no number, and a priority is one from 0 to 9"),
        };
        let fault = self.page.error(codes::PRIORITY_VALUE, place, message);
        self.fault(fault.consequence("these callers would wait with the priority 0"));
        None
    }

    /// The value that names a skill.
    pub(super) fn skill_of(&mut self, node: &Node, name: &str, queue: Option<QueueIndex>) -> Option<Arc<str>> {
        let place = self.name_in(node, name);
        self.wished_value(name, place)?;
        let (text, words) = match self.reader.values.read(name) {
            Known::Set(value) => (
                value.kinds.meets(Kinds::TEXT) && !value.keyed,
                value.literals.iter().filter_map(Value::written).collect::<Vec<String>>(),
            ),
            // The language of the caller may well be a skill.
            Known::BuiltIn(built_in) => (built_in.name == "language", Vec::new()),
            Known::Untold | Known::Nothing => return None,
        };
        if !text {
            let message = format!("`{name}` can name no skill");
            let fault = self.page.error(codes::SKILL_VALUE, place, message);
            self.fault(fault.remedy("a skill is named by a text that a step sets or a service answers"));
            return None;
        }
        for word in words {
            self.tell_unskilled(queue, &word, place, true);
        }
        Some(Arc::from(name))
    }

    /// `last_agent for 30s`.
    pub(super) fn prefer(&mut self, entry: &Entry) -> Option<Duration> {
        let text = self.text_of(entry, "`last_agent for 30s`")?;
        let (who, length) = text.split_once(" for ").map_or((text, None), |(who, length)| (who, Some(length)));
        if who.trim() != "last_agent" {
            let message = format!("nobody is preferred by `{}`", shortened(who));
            let fault = self.page.error(codes::WRONG_WORD, entry.place(), message);
            self.fault(fault.meant(who.trim(), ["last_agent"]).or_remedy("write `last_agent for 30s`"));
            return None;
        }
        let fits = |length: &Duration| (SHORTEST_PREFERENCE..=LONGEST_PREFERENCE).contains(length);
        let length = length.and_then(|length| scalar::duration(length.trim())).filter(fits);
        if length.is_none() {
            let message = "`prefer` says for how long, between 1s and 10m";
            let fault = self.page.error(codes::DURATION, entry.place(), message);
            self.fault(fault.remedy("write `last_agent for 30s`"));
        }
        length
    }

    /// Tells a value that is not known, or a secret.
    fn wished_value(&mut self, name: &str, place: Span) -> Option<()> {
        let fault = match self.reader.values.read(name) {
            Known::Set(value) if value.secret => {
                let message = format!("`{name}` is a secret, and agents would see what follows from it");
                self.page.error(codes::SECRET_SPOKEN, place, message).remedy("use another value")
            }
            Known::Set(_) | Known::BuiltIn(_) => return Some(()),
            Known::Untold => return None,
            Known::Nothing => self
                .reader
                .values
                .no_such_value(self.page, name, place)
                .consequence("it would change nothing for any caller"),
        };
        self.fault(fault);
        None
    }

    fn name_in(&self, node: &Node, name: &str) -> Span {
        let start = node.text().and_then(|text| text.find(name)).unwrap_or(0);
        self.place_in(node, start..start + name.len())
    }
}
