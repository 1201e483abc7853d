//! `lookups:`: what web services answer in a call test.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json};

use super::TestReader;
use super::habits::LONGEST;
use crate::flow::call_test::{Change, Stub};
use crate::flow::document::codes;
use crate::flow::document::diagnostic::{listed, shortened};
use crate::flow::document::scalar;
use crate::flow::document::tree::{Content, Entry, Node};
use crate::flow::{LookupAnswer, LookupFailure, Value};

impl TestReader<'_, '_> {
    /// `lookups: {orders/123: {status: sent}, stock: not_found, prices: failed after 3s}`.
    pub(super) fn lookups(&mut self, entry: &Entry, changes: &mut Vec<Change>) {
        let begin = changes.len();
        for entry in self.section.table(entry, "a table such as `{orders/123: {status: sent}}`").unwrap_or(&[]) {
            let (name, path) = match entry.key.split_once('/') {
                Some((name, path)) => (name, Some(path.to_owned())),
                None => (entry.key.as_str(), None),
            };
            let Some(connector) = self.set.connectors.iter().find(|connector| &*connector.name == name).cloned() else {
                let names: Vec<&str> = self.set.connectors.iter().map(|connector| &*connector.name).collect();
                let message = format!("no connector named `{}`", shortened(name));
                let fault = self.section.page.error(codes::NO_SUCH_CONNECTOR, entry.key_span, message);
                let there = match names.is_empty() {
                    true => "there are no connectors".to_owned(),
                    false => format!("there are {}", listed(names.iter().copied().take(8)).replace(" or ", " and ")),
                };
                self.section.fault(fault.meant(name, names).or_remedy(&there));
                continue;
            };
            let mut after = Duration::ZERO;
            let answer = match &entry.value.content {
                Content::Text { text, .. } => {
                    let (word, time) = text.trim().split_once(" after ").unwrap_or((text.trim(), "0s"));
                    let time = scalar::duration(time).filter(|time| *time <= LONGEST);
                    match (word.replace(' ', "_").as_str(), time) {
                        ("not_found", Some(time)) => {
                            after = time;
                            Ok(LookupAnswer::NotFound)
                        }
                        ("failed", Some(time)) => {
                            after = time;
                            Ok(LookupAnswer::Failed(LookupFailure::Unreachable))
                        }
                        _ => Err(format!("`{}` is no answer", shortened(text))),
                    }
                }
                Content::Table(entries) => {
                    let slow = entries.iter().find(|entry| entry.key == "after");
                    if let Some(slow) = slow {
                        after = self.section.length(slow, Duration::ZERO..=LONGEST).unwrap_or_default();
                    }
                    let fields = entries.iter().filter(|entry| entry.key != "after");
                    let body: Map<String, Json> = fields.map(|entry| (entry.key.clone(), json(&entry.value))).collect();
                    connector.read_answer(&Json::Object(body).to_string(), &TimeZone::UTC)
                }
                Content::List(_) => connector.read_answer(&json(&entry.value).to_string(), &TimeZone::UTC),
                Content::Nothing => Err("no answer stands here".to_owned()),
            };
            match answer {
                Ok(answer) => {
                    changes.push(Change::Lookup(Stub { connector: connector.name.clone(), path, answer, after }))
                }
                Err(why) => {
                    let message = format!("`{name}` cannot answer that: {why}");
                    let remedy =
                        format!("write `{}`, `not_found`, `failed` or `failed after 3s`", connector.example_answer());
                    self.fault(codes::STUB, entry.place(), message, &remedy);
                }
            }
        }
        // The latest holds: what is said of one path comes after what is said of all, wherever it is written.
        changes[begin..].sort_by_key(|change| matches!(change, Change::Lookup(Stub { path: Some(_), .. })));
    }
}

/// What is written, as a service would send it.
fn json(node: &Node) -> Json {
    match &node.content {
        Content::Nothing => Json::Null,
        Content::List(nodes) => Json::Array(nodes.iter().map(json).collect()),
        Content::Table(entries) => {
            Json::Object(entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect())
        }
        Content::Text { text, quoted: true } => Json::String(text.clone()),
        Content::Text { text, quoted: false } => match (scalar::truth(text), scalar::number(text)) {
            (Some(truth), _) => Json::Bool(truth),
            (None, Some(Value::Number { .. })) => {
                serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.clone()))
            }
            _ => Json::String(text.clone()),
        },
    }
}
