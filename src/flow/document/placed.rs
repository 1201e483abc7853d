//! Where things are written, for those who tell something of them when the files are closed.

use std::sync::Arc;

use super::diagnostic::{Page, Span};
use super::outline::Outline;
use super::scalar;
use super::tree::{Content, Entry};
use crate::flow::place::{Place, Written, WrittenFlow};
use crate::flow::session::Exit;
use crate::telephony::Digit;

/// Where a flow is written.
pub(super) fn flow(page: &Page<'_>, file: &Arc<str>, outline: &Outline<'_>) -> WrittenFlow {
    let always = outline.root.find("always").and_then(|always| always.value.table()).unwrap_or(&[]);
    let always = always.iter().filter_map(|entry| match scalar::keys(&entry.key)?.as_slice() {
        [key] => Some((*key, place(page, file, entry.place()))),
        _ => None,
    });
    WrittenFlow {
        name: place(page, file, outline.name_span),
        always: always.collect::<Vec<(Digit, Place)>>(),
        steps: outline.steps.iter().map(|step| written(page, file, step, &step.value)).collect(),
    }
}

/// Where a queue is written.
pub(super) fn queue(page: &Page<'_>, file: &Arc<str>, entry: &Entry) -> Written {
    let mut queue = written(page, file, entry, &entry.value);
    for way in entry.value.table().unwrap_or(&[]) {
        // The step stands deeper: `when_full: {go: step}`.
        if let (Some(go), Some((_, known))) =
            (way.value.find("go"), queue.settings.iter_mut().find(|(name, _)| **name == *way.key))
        {
            *known = place(page, file, go.place());
        }
    }
    if let Some(menu) = entry.value.find("while_waiting") {
        queue.settings.extend(choices(page, file, &menu.value));
    }
    queue
}

fn written(page: &Page<'_>, file: &Arc<str>, entry: &Entry, settings: &super::tree::Node) -> Written {
    let entries = settings.table().unwrap_or(&[]);
    let mut known: Vec<(Arc<str>, Place)> =
        entries.iter().map(|entry| (Arc::from(entry.key.as_str()), place(page, file, entry.place()))).collect();
    known.extend(choices(page, file, settings));
    Written { name: place(page, file, entry.key_span), settings: known }
}

/// The keys of choices, by the names of their exits.
fn choices(page: &Page<'_>, file: &Arc<str>, owner: &super::tree::Node) -> Vec<(Arc<str>, Place)> {
    let Some(Content::Table(entries)) = owner.find("choices").map(|entry| &entry.value.content) else {
        return Vec::new();
    };
    let choice = |entry: &Entry| {
        let keys = scalar::keys(&entry.key)?;
        Some((Exit::Choice(&keys).name(), place(page, file, entry.key_span)))
    };
    entries.iter().filter_map(choice).collect()
}

/// A place as it is kept.
pub(super) fn place(page: &Page<'_>, file: &Arc<str>, span: Span) -> Place {
    let (line, column) = page.line_and_column(span.start);
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Place {
        file: file.clone(),
        line: small(line),
        column: small(column),
        start: small(span.start),
        end: small(span.end),
    }
}
