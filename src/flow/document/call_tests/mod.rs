//! `tests:`: call tests beside the flows. They are read last, when all is known that they name.

pub(super) mod acts;
mod habits;
pub(super) mod history;
mod lookups;
mod names;
mod times;
pub(super) mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use habits::{EXAMPLES as HABIT_EXAMPLES, TELEPHONE_EXAMPLES, habits, telephone_habits};
pub(crate) use history::HANDLE_TIMES;
pub(crate) use names::words;

use super::codes;
use super::diagnostic::{Faults, Page, Span, listed, shortened};
use super::outline::Outline;
use super::placed;
use super::section::Section;
use super::tree::{Content, Entry, Node};
use super::values;
use crate::flow::call_test::{CALLER, CallTest, Change, Deed};
use crate::flow::place::Place;
use crate::flow::{FlowIndex, FlowSet, StepIndex, Value};
use names::Names;

/// Most call tests.
pub const MAX_TESTS: usize = 10_000;
/// Most things that happen in one.
pub const MAX_ACTS: usize = 500;
/// Longest name of one, in characters.
pub const MAX_TEST_NAME: usize = 200;

pub(in crate::flow::document) const KEYS: [&str; 16] = [
    "test",
    "at",
    "from",
    "caller",
    "number",
    "flow",
    "start",
    "language",
    "values",
    "agents",
    "telephones",
    "handle_time",
    "waiting",
    "hours",
    "lookups",
    "call",
];

/// Reads the call tests of every file. `set` is what the flows came to, be it with faults.
pub(super) fn read(
    pages: &[Page<'_>],
    trees: &[Option<Node>],
    outlines: &[Outline<'_>],
    set: &FlowSet,
    faults: &mut Faults,
) -> Vec<CallTest> {
    let mut tests: Vec<CallTest> = Vec::new();
    let mut taken: BTreeMap<Arc<str>, (usize, Span)> = BTreeMap::new();
    let names = Names::of(set);
    for (file, (page, tree)) in pages.iter().zip(trees).enumerate() {
        let Some(entry) = tree.as_ref().and_then(|root| root.find("tests")) else { continue };
        let own = outlines.iter().position(|outline| outline.page == file);
        let own = own.and_then(|place| u16::try_from(place).ok()).map(FlowIndex);
        let mut reader = TestReader { section: Section { page, faults }, set, names: &names };
        let nodes = match &entry.value.content {
            Content::List(nodes) => nodes.as_slice(),
            Content::Nothing => &[],
            _ => {
                reader.section.wrong_shape(entry, "a list of call tests, each of which begins with `- test: name`");
                &[]
            }
        };
        for node in nodes {
            if tests.len() == MAX_TESTS {
                let message = format!("there are more than {MAX_TESTS} call tests");
                reader.fault(codes::TOO_LARGE, node.span, message, "");
                return tests;
            }
            let Some(test) = reader.test(node, own) else { continue };
            if let Some((first, span)) = taken.get(&test.name) {
                let (line, _) = pages[*first].line_and_column(span.start);
                let message = format!("there are two call tests named `{}`", shortened(&test.name));
                let fault = page.error(codes::TEST_NAME, span_of(&test.place), message);
                let fault = fault.label(format!("the first is in {}:{line}", pages[*first].source.file));
                reader.section.fault(fault.remedy("give this one another name"));
            } else {
                taken.insert(test.name.clone(), (file, span_of(&test.place)));
            }
            tests.push(test);
        }
    }
    tests
}

/// Reads the tests of one file.
struct TestReader<'r, 'a> {
    section: Section<'r, 'a>,
    set: &'r FlowSet,
    names: &'r Names<'r>,
}

impl TestReader<'_, '_> {
    fn place(&self, span: Span) -> Place {
        placed::place(self.section.page, &self.section.page.file, span)
    }

    fn fault(&mut self, code: super::Code, span: Span, message: String, remedy: &str) {
        let fault = self.section.page.error(code, span, message);
        self.section.fault(if remedy.is_empty() { fault } else { fault.remedy(remedy) });
    }

    fn test(&mut self, node: &Node, own: Option<FlowIndex>) -> Option<CallTest> {
        let Some(entries) = node.table() else {
            let message =
                format!("a call test is a table that begins with `test: name`, and this is {}", node.described());
            self.fault(codes::WRONG_SHAPE, node.span, message, "");
            return None;
        };
        self.section.tell_unknown(entries, &KEYS, "a call test");
        let (name, name_span) = self.name(node, entries)?;
        let (entry, dialled) = self.entry(node, own, name_span)?;
        let flow = self.set.flow(entry);
        let at = match node.find("at") {
            Some(at) => times::at(&mut self.section, at),
            None => Some(times::USUAL),
        };
        let from = node.find("from").and_then(|from| self.from(from));
        let history = self.history(node, from.as_deref(), at);
        let language = node.find("language").and_then(|entry| self.language(entry, &flow.languages));
        let start = node.find("start").and_then(|start| self.step(start.place(), start.value.text()?, entry));
        let start = start.filter(|(of, _)| *of == entry).map(|(_, step)| step);
        let mut world = Vec::new();
        for entry in entries {
            self.changes(entry, &mut world);
        }
        let values = node.find("values").map(|values| self.values(values)).unwrap_or_default();
        let script = match node.find("call") {
            Some(call) => self.script(call, entry),
            None => {
                let message = format!("the call test `{}` has no `call`", shortened(&name));
                self.fault(codes::MISSING_KEY, name_span, message, "write what happens in it: `call: [hear: welcome]`");
                Vec::new()
            }
        };
        let expects = |deed: &Deed| {
            let expected = matches!(deed, Deed::Hear(_) | Deed::NeverHear(_) | Deed::Expect(_) | Deed::Metrics(_));
            expected || matches!(deed, Deed::Goodbye | Deed::AgentAnswers | Deed::PickUp)
        };
        if !script.is_empty() && !script.iter().any(|act| expects(&act.deed)) {
            let message = format!("nothing is expected in the call test `{}`", shortened(&name));
            let fault = self.section.page.warning(codes::EMPTY_TEST, name_span, message);
            self.section
                .fault(fault.remedy("add what the caller is to hear, or an `expect`: otherwise it can never fail"));
        }
        Some(CallTest {
            name: name.into(),
            place: self.place(name_span),
            entry,
            dialled,
            from: from.unwrap_or_else(|| CALLER.to_owned()),
            at: at.unwrap_or_default(),
            language,
            start,
            values,
            history,
            world,
            script,
        })
    }

    fn name(&mut self, node: &Node, entries: &[Entry]) -> Option<(String, Span)> {
        let Some(entry) = node.find("test") else {
            let place = entries.first().map_or(node.span, |entry| entry.key_span);
            self.fault(codes::TEST_NAME, place, "this call test has no name".to_owned(), "begin it with `test: name`");
            return None;
        };
        let text = self.section.text(entry, "the test's name")?;
        let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() || name.chars().count() > MAX_TEST_NAME {
            let message = format!("the name of a call test has 1 to {MAX_TEST_NAME} characters");
            self.fault(codes::TEST_NAME, entry.place(), message, "");
            return None;
        }
        Some((name, entry.place()))
    }

    /// The flow that is called, and by which number.
    fn entry(&mut self, node: &Node, own: Option<FlowIndex>, name: Span) -> Option<(FlowIndex, String)> {
        if let Some(number) = node.find("number") {
            let text = self.section.text(number, "a number that callers dial")?;
            if let Some(flow) = self.set.for_number(text) {
                if let Some(other) = node.find("flow") {
                    let message = "a call test has `number` or `flow`, not both".to_owned();
                    self.fault(codes::UNREAD_KEY, other.key_span, message, "the number tells which flow answers");
                }
                return Some((flow, text.to_owned()));
            }
            let numbers: Vec<&str> = self.set.numbers.keys().map(String::as_str).collect();
            let fault = self.section.page.error(
                codes::NOBODY_ANSWERS,
                number.place(),
                format!("no flow answers `{}`", shortened(text)),
            );
            self.section.fault(fault.meant(text, numbers).or_remedy("a flow answers the numbers of its `numbers`"));
            return None;
        }
        let flow = match node.find("flow") {
            Some(entry) => {
                let text = self.section.text(entry, "the name of a flow")?;
                let Some(flow) = self.names.flow(text) else {
                    let fault = self.section.page.error(
                        codes::NO_SUCH_FLOW,
                        entry.place(),
                        format!("no flow named `{}`", shortened(text)),
                    );
                    self.section.fault(fault.meant(text, self.set.flows.iter().map(|flow| &*flow.name)));
                    return None;
                };
                flow
            }
            None => match own.or_else(|| self.set.numbers.values().next().copied()).or(self.set.any) {
                Some(flow) => flow,
                None if self.set.flows.is_empty() => return None,
                None => {
                    let message = "this call test does not tell whom it calls".to_owned();
                    self.fault(codes::MISSING_KEY, name, message, "add `flow: name`, or `number: 1000`");
                    return None;
                }
            },
        };
        let number = self.set.numbers.iter().find(|(_, answered)| **answered == flow).map(|(number, _)| number.clone());
        Some((flow, number.unwrap_or_else(|| self.set.flow(flow).name.to_string())))
    }

    fn from(&mut self, entry: &Entry) -> Option<String> {
        let text = self.section.text(entry, "the number that calls")?;
        let plain = text.strip_prefix('+').unwrap_or(text);
        let fits = (1..=32).contains(&plain.len()) && plain.bytes().all(|byte| byte.is_ascii_digit());
        if fits || matches!(text, "anonymous" | "withheld") {
            return Some(if fits { text.to_owned() } else { String::new() });
        }
        let message = format!("`{}` is no number that could call", shortened(text));
        self.fault(codes::NOT_A_NUMBER, entry.place(), message, "write it like `+442079460123`, or `withheld`");
        None
    }

    fn language(&mut self, entry: &Entry, spoken: &[Arc<str>]) -> Option<Arc<str>> {
        let text = self.section.text(entry, "a language of the flow")?;
        let found = spoken.iter().find(|language| &***language == text).cloned();
        if found.is_none() {
            let message = format!("the flow does not speak `{}`", shortened(text));
            let speaks =
                format!("it speaks {}", listed(spoken.iter().map(|language| &**language)).replace(" or ", " and "));
            self.fault(codes::NO_SUCH_LANGUAGE, entry.place(), message, &speaks);
        }
        found
    }

    fn values(&mut self, entry: &Entry) -> Vec<(Arc<str>, Value)> {
        let mut found = Vec::new();
        for entry in self.section.table(entry, "a table of names and values").unwrap_or(&[]) {
            if let Some(message) = values::name_fault(&entry.key) {
                self.fault(codes::NAME, entry.key_span, message, "");
            }
            match values::literal(&entry.value) {
                Some(value) => found.push((Arc::from(entry.key.as_str()), value)),
                None => {
                    let message = format!(
                        "`{}` takes a text or a number, and this is {}",
                        shortened(&entry.key),
                        entry.value.described()
                    );
                    self.fault(codes::WRONG_VALUE, entry.place(), message, "");
                }
            }
        }
        found
    }

    /// The step that `text` means: one of the called flow, `flow/step`, or one that only one flow has.
    fn step(&mut self, span: Span, text: &str, entry: FlowIndex) -> Option<(FlowIndex, StepIndex)> {
        let found = self.names.step(text, entry);
        if found.is_none() {
            let near = self.names.near_step(text, entry);
            let fault =
                self.section.page.error(codes::NO_SUCH_STEP, span, format!("no step named `{}`", shortened(text)));
            self.section.fault(match near {
                Some(near) => fault.remedy(format!("did you mean `{near}`?")),
                None => fault,
            });
        }
        found
    }
}

fn span_of(place: &Place) -> Span {
    Span::new(place.start as usize, place.end as usize)
}

impl TestReader<'_, '_> {
    /// The changes of the world that an entry tells, if it is about that.
    fn changes(&mut self, entry: &Entry, changes: &mut Vec<Change>) {
        match entry.key.as_str() {
            "agents" => self.agents(entry, changes),
            "telephones" => self.telephones(entry, changes),
            "waiting" => self.waiting(entry, changes),
            "hours" => self.hours(entry, changes),
            "lookups" => self.lookups(entry, changes),
            _ => {}
        }
    }
}
