//! The step `lookup`: which connector it asks, what it saves, and where its ways out lead.

use std::sync::Arc;

use super::analysis::Sender;
use super::codes;
use super::connectors::{self, name_and_path, no_such_connector};
use super::diagnostic::shortened;
use super::flow::FlowReader;
use super::tree::{Content, Entry};
use super::values;
use crate::flow::connector::TextTemplate;
use crate::flow::graph::StepId;
use crate::flow::{LookupSpec, LookupWay, StepIndex, StepKind};

/// The keys of a way out.
pub(super) const WAY_KEYS: [&str; 3] = ["say", "go", "at_most"];
/// Names that values of every call begin with.
const TAKEN: [&str; 7] = ["caller", "call", "hours", "queue", "queues", "agents", "now"];

impl FlowReader<'_, '_> {
    pub(super) fn lookup(&mut self, index: StepIndex, step: &Entry, entry: &Entry) -> Option<StepKind> {
        let found = self.lookup_way(index, step, "found", "callers for whom it is found");
        let not_found = self.lookup_way(index, step, "not_found", "callers for whom it is not found");
        let failed = self.lookup_way(index, step, "failed", "callers for whom it fails");
        let save = step.value.find("save").and_then(|save| self.lookup_save(save));
        let text = self.text_of(entry, "the name of a connector, such as `orders/{order_number}`")?;
        let (name, path) = name_and_path(text);
        let place = self.place_in(&entry.value, 0..name.len());
        let Some((connector, spec)) = self.reader.values.connectors.find(name) else {
            if !self.reader.faults.are_full() {
                let fault = no_such_connector(self.page, name, place, &self.reader.values.connectors);
                self.fault(fault);
            }
            return None;
        };
        let (has_fields, has_query) = (!spec.fields.is_empty(), spec.url.has_query());
        if let Some(save) = step.value.find("save").filter(|_| !has_fields) {
            let message = format!("the connector `{}` has no `fields` that could be saved", shortened(name));
            let fault = self.page.error(codes::NO_SUCH_FIELD, save.key_span, message);
            self.fault(fault.remedy("write there what is taken from the answer: `fields: {status: text}`"));
        }
        let mut names = Vec::new();
        let path = match path {
            "" => Some(TextTemplate::default()),
            _ if has_query => {
                let place = self.place_in(&entry.value, name.len()..text.len());
                let message =
                    format!("the `url` of `{}` ends in a query: nothing can stand behind it", shortened(name));
                let fault = self.page.error(codes::CONNECTOR_URL, place, message);
                self.fault(fault.remedy("write the values into the `url` itself"));
                None
            }
            path => connectors::template(&mut self.section(), &entry.value, path, name.len(), &mut names),
        };
        for (name, place, in_url) in names {
            if let Some(fault) = connectors::told_of_sent(self.page, &self.reader.values, (&name, place), in_url) {
                self.reader.keep_sent(fault, name, Sender::Step(StepId { flow: self.flow, step: index }));
            }
        }
        Some(StepKind::Lookup(Box::new(LookupSpec { connector, path: path?, save, found, not_found, failed })))
    }

    fn lookup_save(&mut self, save: &Entry) -> Option<Arc<str>> {
        let name = self.text_of(save, "a name for the answer")?;
        let message = match values::name_fault(name) {
            Some(message) => Some(message),
            None if TAKEN.contains(&name) => Some(format!("`{name}` is known of every call, and cannot be set")),
            None => None,
        };
        match message {
            Some(message) => {
                let fault = self.page.error(codes::NAME, save.place(), message);
                self.fault(fault);
                None
            }
            None => Some(Arc::from(name)),
        }
    }

    /// `found: told`, or `not_found: {say: ..., go: order, at_most: 2}`.
    fn lookup_way(&mut self, index: StepIndex, step: &Entry, key: &str, who: &str) -> Option<LookupWay> {
        let entry = step.value.find(key)?;
        let who = format!("{who} in `{}`", shortened(&step.key));
        let Content::Table(entries) = &entry.value.content else {
            let name = self.text_of(entry, "the name of a step, or a table with `say` and `go`")?;
            let target = self.target(name, entry.value.span, &who)?;
            return Some(LookupWay { speech: None, target, at_most: None });
        };
        self.section().tell_unknown(entries, &WAY_KEYS, &format!("`{key}`"));
        let speech = entry.value.find("say").and_then(|say| self.step_speech(index, step, say, &format!(".{key}")));
        let at_most = entry.value.find("at_most").and_then(|entry| self.section().number(entry, 1..=100));
        let Some(go) = entry.value.find("go") else {
            let message = format!("`{key}` does not say where to go");
            let fault = self.page.error(codes::MISSING_KEY, entry.key_span, message);
            self.fault(fault.remedy("name a step: `go: ...`").consequence(format!("{who} would have nowhere to go")));
            return None;
        };
        let name = self.text_of(go, "the name of a step")?;
        let target = self.target(name, go.value.span, &who)?;
        Some(LookupWay { speech, target, at_most: at_most.and_then(|most| u8::try_from(most).ok()) })
    }
}
