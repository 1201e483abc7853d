//! `fields:` of a connector: what is taken from an answer, and what it is.

use std::sync::Arc;

use super::codes;
use super::diagnostic::shortened;
use super::scalar;
use super::section::Section;
use super::tree::{Content, Entry, Node};
use crate::flow::connector::{Field, FieldKind};

/// Most fields of a connector.
const MOST_FIELDS: usize = 100;
/// Most words that a text can be.
const MOST_WORDS: usize = 200;
/// Deepest place in an answer.
const DEEPEST: usize = 16;

pub(super) const KEYS: [&str; 5] = ["type", "one_of", "from", "optional", "secret"];
pub(super) const KINDS: [&str; 7] = ["text", "digits", "number", "money", "date", "time", "bool"];

/// `{status: [sent, paid], date: date, total: {type: money, from: sum.gross}}`.
pub(super) fn fields(section: &mut Section<'_, '_>, entry: &Entry) -> Vec<Field> {
    let entries = section.table(entry, "a table of names and types").unwrap_or(&[]);
    if entries.len() > MOST_FIELDS {
        let message = format!("a connector has at most {MOST_FIELDS} fields");
        let fault = section.page.error(codes::TOO_LARGE, entry.key_span, message);
        section.fault(fault);
    }
    entries.iter().take(MOST_FIELDS).filter_map(|entry| field(section, entry)).collect()
}

fn field(section: &mut Section<'_, '_>, entry: &Entry) -> Option<Field> {
    if !scalar::is_value_name(&entry.key) {
        let message = format!("`{}` cannot be the name of a field", shortened(&entry.key));
        let fault = section.page.error(codes::NAME, entry.key_span, message);
        let fault = fault.label("letters, digits and `_` can stand in it, a letter first");
        section.fault(fault.remedy(format!(
            "write `{}: {{type: text, from: {}}}`",
            scalar::as_name(&entry.key),
            shortened(&entry.key)
        )));
        return None;
    }
    let name: Arc<str> = Arc::from(entry.key.as_str());
    let plain = |kind| Field { name: name.clone(), kind, path: vec![name.clone()], optional: false, secret: false };
    match &entry.value.content {
        Content::Text { .. } => kind(section, entry).map(plain),
        Content::List(items) => words(section, entry, items).map(|words| plain(FieldKind::Text(words))),
        Content::Table(entries) => {
            section.tell_unknown(entries, &KEYS, "a field");
            let find = |key: &str| entry.value.find(key);
            let written = find("type").map(|entry| kind(section, entry));
            let one_of = find("one_of").and_then(|entry| match &entry.value.content {
                Content::List(items) => words(section, entry, items),
                _ => {
                    section.wrong_shape(entry, "a list of words");
                    None
                }
            });
            let kind = match (written, one_of) {
                (None | Some(Some(FieldKind::Text(_))), Some(words)) => FieldKind::Text(words),
                (Some(Some(kind)), None) => kind,
                (None, None) if find("one_of").is_none() => {
                    let fault = section.page.error(codes::FIELD, entry.key_span, format!("`{name}` has no `type`"));
                    section.fault(fault.remedy(format!("it is one of {}", KINDS.join(", "))));
                    return None;
                }
                (Some(Some(kind)), Some(_)) => {
                    let place = find("one_of").map_or(entry.key_span, |entry| entry.key_span);
                    let message = format!("only a text is one of several words, and this is {}", kind.described());
                    let fault = section.page.error(codes::FIELD, place, message);
                    section.fault(fault);
                    kind
                }
                _ => return None,
            };
            let path = find("from").and_then(|entry| path(section, entry)).unwrap_or_else(|| vec![name.clone()]);
            let mut truth = |key: &str| find(key).and_then(|entry| section.truth(entry)).unwrap_or(false);
            Some(Field { name: name.clone(), kind, path, optional: truth("optional"), secret: truth("secret") })
        }
        Content::Nothing => {
            let fault = section.page.error(codes::FIELD, entry.key_span, format!("`{name}` has no `type`"));
            section.fault(fault.remedy(format!("it is one of {}", KINDS.join(", "))));
            None
        }
    }
}

fn kind(section: &mut Section<'_, '_>, entry: &Entry) -> Option<FieldKind> {
    let text = section.text(entry, "the type of a field")?;
    match text {
        "text" => Some(FieldKind::Text(Vec::new())),
        "digits" => Some(FieldKind::Digits),
        "number" => Some(FieldKind::Number),
        "money" => Some(FieldKind::Money),
        "date" => Some(FieldKind::Date),
        "time" => Some(FieldKind::Time),
        "bool" => Some(FieldKind::Bool),
        _ => {
            let message = format!("no field is of the type `{}`", shortened(text));
            let fault = section.page.error(codes::FIELD, entry.place(), message).meant(text, KINDS);
            section.fault(fault.or_remedy(&format!("types are {}", KINDS.join(", "))));
            None
        }
    }
}

fn words(section: &mut Section<'_, '_>, entry: &Entry, items: &[Node]) -> Option<Vec<Arc<str>>> {
    let mut words: Vec<Arc<str>> = Vec::new();
    for item in items.iter().take(MOST_WORDS) {
        let fits = |text: &&str| !text.trim().is_empty() && text.len() <= 64 && !text.contains(['/', '\\']);
        match item.text().filter(fits) {
            Some(text) => words.push(Arc::from(text.trim())),
            None => {
                let place = if item.is_nothing() { entry.key_span } else { item.span };
                let message = "a word has 1 to 64 letters, without `/` and `\\`";
                let fault = section.page.error(codes::FIELD, place, message);
                section.fault(fault.consequence("it could have no recording"));
            }
        }
    }
    if words.is_empty() && items.is_empty() {
        let message = format!("`{}` can be nothing at all", shortened(&entry.key));
        let fault = section.page.error(codes::FIELD, entry.place(), message);
        section.fault(fault.remedy("name its words, or write `text`"));
    }
    (!words.is_empty()).then_some(words)
}

/// `results.0`: keys of tables and places in lists.
pub(super) fn path(section: &mut Section<'_, '_>, entry: &Entry) -> Option<Vec<Arc<str>>> {
    let text = section.text(entry, "a place in the answer such as `results.0`")?;
    let path: Vec<Arc<str>> = text.split('.').map(|key| Arc::from(key.trim())).collect();
    if path.len() > DEEPEST || path.iter().any(|key| key.is_empty()) {
        let message = format!("`{}` is no place in an answer", shortened(text));
        let fault = section.page.error(codes::FIELD, entry.place(), message);
        section.fault(fault.remedy("write keys and places in lists with dots between them: `results.0.status`"));
        return None;
    }
    Some(path)
}
