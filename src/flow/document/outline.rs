//! What every file holds, before any of it is read closely: the names that others may use.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::codes;
use super::diagnostic::{Faults, Page, Span, listed};
use super::scalar;
use super::tree::{Content, Entry, Node};
use crate::flow::{FlowIndex, StepIndex};

/// Most flows.
pub const MAX_FLOWS: usize = 1000;
/// Most steps of a flow.
pub const MAX_STEPS: usize = 2000;
/// Most languages of a flow.
pub const MAX_LANGUAGES: usize = 16;

/// The keys of a file.
pub(super) const FILE_KEYS: [&str; 13] = [
    "flow",
    "numbers",
    "languages",
    "time_zone",
    "currency",
    "start",
    "always",
    "steps",
    "queues",
    "agents",
    "hours",
    "connectors",
    "tests",
];
/// Those that a file can hold without a flow.
const FLOWLESS_KEYS: [&str; 5] = ["queues", "agents", "hours", "connectors", "tests"];
/// Words that stand where a step's name could, and so name no step.
pub(super) const TARGET_WORDS: [&str; 4] = ["again", "back", "hangup", "callback"];
/// Folders of recordings that belong to no flow.
const TAKEN_FLOW_NAMES: [&str; 3] = ["phrases", "music", "queues"];

/// The names of one flow.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    /// The file's place among the pages.
    pub page: usize,
    pub name: Arc<str>,
    pub name_span: Span,
    /// The whole file.
    pub root: &'a Node,
    pub languages: Vec<Arc<str>>,
    /// The steps, in the order in which they are written.
    pub steps: Vec<&'a Entry>,
    pub step_index: BTreeMap<&'a str, StepIndex>,
}

/// Reads the names of every file.
pub(super) fn outlines<'a>(pages: &[Page<'_>], trees: &'a [Option<Node>], faults: &mut Faults) -> Vec<Outline<'a>> {
    let mut outlines: Vec<Outline<'a>> = Vec::new();
    for (index, (page, tree)) in pages.iter().zip(trees).enumerate() {
        let Some(root) = tree else { continue };
        let Some(outline) = outline(page, index, root, faults) else { continue };
        if let Some(first) = outlines.iter().find(|other| other.name == outline.name) {
            let (line, _) = pages[first.page].line_and_column(first.name_span.start);
            faults.push(
                page.error(
                    codes::DUPLICATE_FLOW,
                    outline.name_span,
                    format!("there are two flows named `{}`", outline.name),
                )
                .label(format!("the first is in {}:{line}", pages[first.page].source.file))
                .remedy("give this one another name"),
            );
        }
        if outlines.len() == MAX_FLOWS {
            let message = format!("there are more than {MAX_FLOWS} flows");
            faults.push(page.error(codes::TOO_LARGE, outline.name_span, message));
            break;
        }
        outlines.push(outline);
    }
    outlines
}

/// The flow named `name`.
pub(super) fn find_flow(outlines: &[Outline<'_>], name: &str) -> Option<FlowIndex> {
    let position = outlines.iter().position(|outline| &*outline.name == name)?;
    Some(FlowIndex(u16::try_from(position).expect("flows are limited")))
}

fn outline<'a>(page: &Page<'_>, index: usize, root: &'a Node, faults: &mut Faults) -> Option<Outline<'a>> {
    let entries = match &root.content {
        Content::Table(entries) => entries,
        Content::Nothing => return None,
        _ => {
            let message =
                format!("a flow file is a table that begins with `flow: name`, and this is {}", root.described());
            faults.push(page.error(codes::WRONG_SHAPE, root.span, message));
            return None;
        }
    };
    for entry in entries {
        let key = entry.key.as_str();
        if !FILE_KEYS.contains(&key) {
            let fault = page.error(codes::UNKNOWN_KEY, entry.key_span, format!("a flow file has no `{key}`"));
            faults.push(
                fault
                    .meant(key, FILE_KEYS)
                    .or_remedy(&format!("it has {}", listed(FILE_KEYS).replace(" or ", " and "))),
            );
        }
    }
    let Some(flow) = root.find("flow") else {
        let of_a_flow = |key: &str| FILE_KEYS.contains(&key) && !FLOWLESS_KEYS.contains(&key);
        if let Some(first) = entries.iter().find(|entry| of_a_flow(&entry.key)) {
            let fault = page.error(codes::MISSING_KEY, first.key_span, "this flow has no name");
            faults.push(fault.remedy("begin the file with `flow: name`"));
        }
        return None;
    };
    let name = flow_name(page, flow, faults)?;
    let languages = languages(page, root, faults);
    let (steps, step_index) = steps(page, root, &name, flow, faults);
    Some(Outline { page: index, name: Arc::from(name), name_span: flow.place(), root, languages, steps, step_index })
}

fn flow_name(page: &Page<'_>, flow: &Entry, faults: &mut Faults) -> Option<String> {
    let Some(name) = flow.value.text() else {
        let message = format!("`flow` takes the flow's name, and this is {}", flow.value.described());
        faults.push(page.error(codes::WRONG_SHAPE, flow.place(), message));
        return None;
    };
    if !scalar::is_name(name) {
        faults.push(bad_name(page, flow.place(), "a flow", name));
    } else if TAKEN_FLOW_NAMES.contains(&name) {
        let message = format!("`{name}` is the folder of other recordings, and cannot be the name of a flow");
        faults.push(page.error(codes::NAME, flow.place(), message));
    }
    Some(name.to_owned())
}

pub(super) fn bad_name(page: &Page<'_>, place: Span, whose: &str, name: &str) -> super::Diagnostic {
    let message = format!("`{}` cannot be the name of {whose}", super::diagnostic::shortened(name));
    let fault = page.error(codes::NAME, place, message).label("letters, digits, `_` and `-` can stand in a name");
    match scalar::as_name(name) {
        near if scalar::is_name(&near) => fault.remedy(format!("write `{near}`")),
        _ => fault,
    }
}

fn languages(page: &Page<'_>, root: &Node, faults: &mut Faults) -> Vec<Arc<str>> {
    let mut languages: Vec<Arc<str>> = Vec::new();
    if let Some(entry) = root.find("languages") {
        let nodes = match &entry.value.content {
            Content::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        for node in nodes.iter().take(MAX_LANGUAGES + 1) {
            match node.text() {
                Some(code) if scalar::is_language(code) => {
                    if languages.iter().any(|other| &**other == code) {
                        faults.push(page.error(codes::DUPLICATE_KEY, node.span, format!("`{code}` stands here twice")));
                    } else {
                        languages.push(Arc::from(code));
                    }
                }
                _ => {
                    let place = if node.is_nothing() { entry.key_span } else { node.span };
                    let message = "this is not the code of a language";
                    let fault = page.error(codes::LANGUAGE_CODE, place, message);
                    faults.push(fault.remedy("codes look like `en`, `es` or `pt-BR`"));
                }
            }
        }
        if languages.len() > MAX_LANGUAGES {
            let message = format!("a flow has at most {MAX_LANGUAGES} languages");
            faults.push(page.error(codes::TOO_LARGE, entry.place(), message));
            languages.truncate(MAX_LANGUAGES);
        }
    }
    if languages.is_empty() {
        languages.push(Arc::from("en"));
    }
    languages
}

type Steps<'a> = (Vec<&'a Entry>, BTreeMap<&'a str, StepIndex>);

fn steps<'a>(page: &Page<'_>, root: &'a Node, flow: &str, name: &Entry, faults: &mut Faults) -> Steps<'a> {
    let (mut steps, mut index) = (Vec::new(), BTreeMap::new());
    let Some(entry) = root.find("steps") else {
        let fault = page.error(codes::MISSING_KEY, name.key_span, format!("the flow `{flow}` has no `steps`"));
        faults.push(fault.consequence("callers would hear nothing"));
        return (steps, index);
    };
    let Some(entries) = entry.value.table().filter(|entries| !entries.is_empty()) else {
        let message = match entry.value.content {
            Content::Nothing | Content::Table(_) => format!("the flow `{flow}` has no step"),
            _ => format!("`steps` takes a table of names and steps, and this is {}", entry.value.described()),
        };
        faults.push(page.error(codes::WRONG_SHAPE, entry.place(), message).consequence("callers would hear nothing"));
        return (steps, index);
    };
    if entries.len() > MAX_STEPS {
        let message = format!("a flow has at most {MAX_STEPS} steps, and this has {}", entries.len());
        let fault = page.error(codes::TOO_LARGE, entry.key_span, message);
        faults.push(fault.remedy("make several flows of it, and join them with `flow`"));
    }
    for step in entries.iter().take(MAX_STEPS) {
        let name = step.key.as_str();
        if TARGET_WORDS.contains(&name) {
            let message = format!("`{name}` has a meaning of its own, and cannot be the name of a step");
            faults.push(page.error(codes::NAME, step.key_span, message).remedy("give the step another name"));
        } else if !scalar::is_name(name) {
            faults.push(bad_name(page, step.key_span, "a step", name));
        }
        index.insert(name, StepIndex(u32::try_from(steps.len()).expect("nodes are limited")));
        steps.push(step);
    }
    (steps, index)
}
