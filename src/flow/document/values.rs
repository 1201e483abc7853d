//! The values that flows set, ask for and speak: what is known of each before any call.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use super::codes;
use super::connectors::ConnectorBook;
use super::diagnostic::{Diagnostic, Faults, Page, Span, listed, shortened};
use super::hours::HoursBook;
use super::outline::Outline;
use super::scalar;
use super::tree::{Content, Node};
use crate::flow::condition::Kinds;
use crate::flow::connector::FieldKind;
use crate::flow::{SpokenAs, Value};

/// Longest text that `set` gives a name.
pub const MAX_VALUE: usize = 200;

/// A value that every call has.
pub(super) struct BuiltIn {
    pub name: &'static str,
    pub kinds: Kinds,
    /// How it can be spoken.
    pub formats: &'static [SpokenAs],
}

/// The values that every call has.
pub(super) const BUILT_IN: [BuiltIn; 9] = [
    BuiltIn { name: "caller.number", kinds: Kinds::TEXT, formats: &[SpokenAs::Digits] },
    BuiltIn { name: "caller.name", kinds: Kinds::TEXT, formats: &[] },
    BuiltIn { name: "call.number", kinds: Kinds::TEXT, formats: &[SpokenAs::Digits] },
    BuiltIn { name: "now", kinds: Kinds::TIME, formats: &[SpokenAs::Day, SpokenAs::Time, SpokenAs::DayTime] },
    BuiltIn { name: "today", kinds: Kinds::DATE, formats: &[SpokenAs::Day] },
    BuiltIn { name: "caller.last_agent", kinds: Kinds::TEXT, formats: &[SpokenAs::Digits] },
    BuiltIn {
        name: "caller.last_call",
        kinds: Kinds::TIME,
        formats: &[SpokenAs::Day, SpokenAs::DayTime, SpokenAs::Time],
    },
    BuiltIn { name: "caller.calls_today", kinds: Kinds::NUMBER, formats: &[SpokenAs::Number] },
    BuiltIn { name: "language", kinds: Kinds::TEXT, formats: &[] },
];

/// What every hours have: `hours.office` is true while they are open, `hours.office.next` is when that changes.
const OPEN: BuiltIn = BuiltIn { name: "", kinds: Kinds::TRUTH, formats: &[] };
const NEXT_CHANGE: BuiltIn =
    BuiltIn { name: "", kinds: Kinds::TIME, formats: &[SpokenAs::DayTime, SpokenAs::Day, SpokenAs::Time] };

/// What is told of every queue: `queue.support.waiting`.
const OF_QUEUE: BuiltIn = BuiltIn { name: "", kinds: Kinds::NUMBER, formats: &[SpokenAs::Number] };
const OF_QUEUES: [&str; 5] = ["waiting", "agents", "agents_ready", "estimated_wait", "longest_wait"];

/// Beginnings of values that belong to things which this version does not have.
const LATER: [&str; 2] = ["queues.", "agents."];

/// Words of the condition language, which name no value.
const TAKEN: [&str; 13] =
    ["and", "or", "not", "is", "in", "empty", "known", "unknown", "starts", "with", "true", "false", "null"];

/// What is known of a value that a flow sets.
#[derive(Debug)]
pub(super) struct SetValue {
    pub kinds: Kinds,
    /// A caller keys it.
    pub keyed: bool,
    /// It is a secret, at least in one place.
    pub secret: bool,
    /// What `set` gives it, or the words that a service can answer.
    pub literals: Vec<Value>,
    /// A service answers it, and this is what it is.
    pub answered: Option<FieldKind>,
    /// The file and the place where it is first set.
    first: (usize, Span),
    read: Cell<bool>,
}

/// What a name stands for.
pub(super) enum Known<'v> {
    Set(&'v SetValue),
    BuiltIn(&'static BuiltIn),
    /// Of something that this version does not have.
    Later,
    Nothing,
}

/// The values of all flows: they belong to the call, so one flow may set what another reads.
#[derive(Default)]
pub(super) struct Values {
    set: BTreeMap<String, SetValue>,
    /// The names under which answers are saved.
    records: BTreeSet<String>,
    /// The hours, which are values too: `hours.office`, `hours.office.next`.
    pub hours: HoursBook,
    /// The connectors, whose answers' fields are values too: `order.status`.
    pub connectors: ConnectorBook,
    of_hours: Vec<String>,
    /// The queues, and whether something of them is told.
    of_queues: Vec<(String, Cell<bool>)>,
}

impl Values {
    /// Finds every value that a step sets. Faults in them are told when the step itself is read.
    pub fn collect<'q>(
        outlines: &[Outline<'_>],
        hours: HoursBook,
        connectors: ConnectorBook,
        queues: impl Iterator<Item = &'q str>,
    ) -> Values {
        let of_hours = hours.names().flat_map(|name| [format!("hours.{name}"), format!("hours.{name}.next")]).collect();
        let of_queues = queues.map(|name| (name.to_owned(), Cell::new(false))).collect();
        let mut values = Values { hours, of_hours, of_queues, ..Values::default() };
        for outline in outlines {
            for step in &outline.steps {
                for entry in step.value.find("set").and_then(|set| set.value.table()).unwrap_or(&[]) {
                    let place = (outline.page, entry.key_span);
                    match literal(&entry.value) {
                        Some(value) => values.note(&entry.key, Kinds::of(&value), place).literals.push(value),
                        // It is told where the step is read; whoever reads the value is right to do so.
                        None => {
                            let any = Kinds::TEXT.with(Kinds::NUMBER).with(Kinds::TRUTH);
                            values.note(&entry.key, any, place).read.set(true);
                        }
                    }
                }
                if let Some(save) = step.value.find("save").filter(|_| step.value.find("collect").is_some())
                    && let Some(name) = save.value.text()
                {
                    let secret = step.value.find("secret").and_then(|secret| secret.value.plain());
                    let secret = secret.and_then(scalar::truth).unwrap_or(false);
                    let known = values.note(name, Kinds::TEXT, (outline.page, save.value.span));
                    known.keyed = true;
                    known.secret |= secret;
                }
            }
        }
        values.connectors = connectors;
        values.collect_answers(outlines);
        values
    }

    /// The fields that lookups save.
    fn collect_answers(&mut self, outlines: &[Outline<'_>]) {
        let connectors = std::mem::take(&mut self.connectors);
        for outline in outlines {
            for step in &outline.steps {
                let Some(connector) = step.value.find("lookup").and_then(|lookup| connectors.asked_by(lookup)) else {
                    continue;
                };
                let Some(save) = step.value.find("save") else { continue };
                let Some(name) = save.value.text() else { continue };
                self.records.insert(name.to_owned());
                for field in &connector.fields {
                    let whole = format!("{name}.{}", field.name);
                    let known = self.note(&whole, kinds_of(&field.kind), (outline.page, save.value.span));
                    known.secret |= field.secret;
                    if let FieldKind::Text(words) = &field.kind {
                        known.literals.extend(words.iter().map(|word| Value::Text(word.to_string())));
                    }
                    // Of two answers of one name that are unlike, the checks of kinds remain.
                    known.answered = Some(field.kind.clone());
                }
            }
        }
        self.connectors = connectors;
    }

    /// The places of the queues of which something is told.
    pub fn watched(&self) -> impl Iterator<Item = usize> {
        self.of_queues.iter().enumerate().filter(|(_, (_, watched))| watched.get()).map(|(place, _)| place)
    }

    /// What is told of a value that nothing sets.
    pub fn no_such_value(&self, page: &Page<'_>, name: &str, place: Span) -> Diagnostic {
        if let Some(of_queue) = name.strip_prefix("queue.") {
            let (queue, what) = of_queue.rsplit_once('.').unwrap_or((of_queue, ""));
            if let Some((known, _)) = self.of_queues.iter().find(|(known, _)| known == queue || known == of_queue) {
                let message = match known == queue {
                    true => format!("a queue has no `{}`", shortened(what)),
                    false => format!("`{}` is a whole queue, and not one value", shortened(name)),
                };
                let whole: Vec<String> = OF_QUEUES.iter().map(|what| format!("queue.{known}.{what}")).collect();
                let known = whole.iter().map(String::as_str);
                let fault = page.error(codes::NO_SUCH_VALUE, place, message).meant(name, known.clone());
                return fault.or_remedy(&format!("there are {}", listed(known).replace(" or ", " and ")));
            }
            let message = format!("no queue named `{}`", shortened(queue));
            let names = self.of_queues.iter().map(|(name, _)| name.as_str());
            return page.error(codes::NO_SUCH_QUEUE, place, message).meant(queue, names);
        }
        let (record, field) = name.split_once('.').map_or((name, None), |(record, field)| (record, Some(field)));
        if self.records.contains(record) {
            let beginning = format!("{record}.");
            let fields: Vec<&str> = self.set.keys().filter_map(|known| known.strip_prefix(&beginning)).collect();
            let whole: Vec<String> = fields.iter().map(|field| format!("{record}.{field}")).collect();
            let message = match field {
                Some(field) => format!("the answer `{record}` has no field `{}`", shortened(field)),
                None => format!("`{record}` is a whole answer, and not one value"),
            };
            let fault = page.error(codes::NO_SUCH_FIELD, place, message);
            let known = whole.iter().map(String::as_str);
            let remedy = format!("there are {}", listed(known.clone().take(8)).replace(" or ", " and "));
            let fault = if field.is_some() { fault.meant(name, known) } else { fault };
            return match whole.is_empty() {
                true => fault.or_remedy("write below the connector's `fields` what is taken from the answer"),
                false => fault.or_remedy(&remedy),
            };
        }
        page.error(codes::NO_SUCH_VALUE, place, format!("nothing sets `{}`", shortened(name))).meant(name, self.names())
    }

    fn note(&mut self, name: &str, kinds: Kinds, first: (usize, Span)) -> &mut SetValue {
        let value = self.set.entry(name.to_owned()).or_insert_with(|| SetValue {
            kinds,
            keyed: false,
            secret: false,
            literals: Vec::new(),
            answered: None,
            first,
            read: Cell::new(false),
        });
        value.kinds = value.kinds.with(kinds);
        value
    }

    /// What `name` stands for; from now on it counts as read.
    pub fn read(&self, name: &str) -> Known<'_> {
        if let Some(value) = self.set.get(name) {
            value.read.set(true);
            return Known::Set(value);
        }
        if let Some(of_hours) = name.strip_prefix("hours.") {
            let (hours, value) = match of_hours.strip_suffix(".next") {
                Some(hours) => (hours, &NEXT_CHANGE),
                None => (of_hours, &OPEN),
            };
            return self.hours.find(hours).map_or(Known::Nothing, |_| Known::BuiltIn(value));
        }
        if let Some((queue, what)) = name.strip_prefix("queue.").and_then(|name| name.rsplit_once('.')) {
            let queue = self.of_queues.iter().find(|(known, _)| known == queue);
            return match queue.filter(|_| OF_QUEUES.contains(&what)) {
                Some((_, watched)) => {
                    watched.set(true);
                    Known::BuiltIn(&OF_QUEUE)
                }
                None => Known::Nothing,
            };
        }
        match BUILT_IN.iter().find(|built_in| built_in.name == name) {
            Some(built_in) => Known::BuiltIn(built_in),
            None if LATER.iter().any(|beginning| name.starts_with(beginning)) => Known::Later,
            None => Known::Nothing,
        }
    }

    /// The kinds of `name`, if it is known.
    pub fn kinds(&self, name: &str) -> Option<Kinds> {
        match self.read(name) {
            Known::Set(value) => Some(value.kinds),
            Known::BuiltIn(built_in) => Some(built_in.kinds),
            Known::Later | Known::Nothing => None,
        }
    }

    /// Every name that can be read.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let built_in = BUILT_IN.iter().map(|built_in| built_in.name);
        self.set.keys().chain(&self.of_hours).map(String::as_str).chain(built_in)
    }

    /// Tells the values that nothing reads.
    pub fn tell_unused(&self, pages: &[Page<'_>], faults: &mut Faults) {
        let unused = self.set.iter().filter(|(name, value)| !value.read.get() && name_fault(name).is_none());
        for (name, value) in unused {
            let page = &pages[value.first.0];
            let message = format!("nothing reads `{name}`");
            let fault = page.warning(codes::UNUSED_VALUE, value.first.1, message);
            faults.push(
                fault.remedy(format!("speak it with `{{{name}|digits}}`, compare it in a `when`, or leave it away")),
            );
        }
    }
}

/// What a field of an answer can be.
fn kinds_of(field: &FieldKind) -> Kinds {
    match field {
        FieldKind::Text(_) | FieldKind::Digits => Kinds::TEXT,
        FieldKind::Number | FieldKind::Money => Kinds::NUMBER,
        FieldKind::Date => Kinds::DATE,
        FieldKind::Time => Kinds::TIME,
        FieldKind::Bool => Kinds::TRUTH,
    }
}

/// The value that a node of `set` stands for.
pub(super) fn literal(node: &Node) -> Option<Value> {
    match &node.content {
        Content::Text { text, quoted: true } => Some(Value::Text(text.clone())),
        Content::Text { text, quoted: false } => Some(match scalar::truth(text) {
            Some(truth) => Value::Truth(truth),
            None => scalar::number(text).unwrap_or_else(|| Value::Text(text.clone())),
        }),
        _ => None,
    }
}

/// What keeps `name` from being a value's name.
pub(super) fn name_fault(name: &str) -> Option<String> {
    if BUILT_IN.iter().any(|built_in| built_in.name == name) {
        return Some(format!("`{name}` is known of every call, and cannot be set"));
    }
    if TAKEN.contains(&name) {
        return Some(format!("`{name}` means something else in a condition, and cannot be the name of a value"));
    }
    (!scalar::is_value_name(name))
        .then(|| format!("`{name}` cannot be the name of a value: letters, digits and `_` can, a letter first"))
}
