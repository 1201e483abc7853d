//! What stands at the top of a flow file: numbers, languages, the time zone, the keys that always work.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::Reader;
use super::codes;
use super::diagnostic::{Diagnostic, Page, Span, listed, nearest, shortened};
use super::hours::no_such_zone;
use super::outline::{Outline, TARGET_WORDS};
use super::scalar;
use super::section::Section;
use super::tree::{Content, Entry, Node};
use super::words::Lacks;
use crate::flow::{Currency, Flow, FlowIndex, FlowSet, StepIndex, Target};
use crate::telephony::Digit;

pub(super) const CURRENCIES: [(&str, Currency); 3] =
    [("GBP", Currency::Gbp), ("USD", Currency::Usd), ("EUR", Currency::Eur)];

/// Reads one flow.
pub(super) struct FlowReader<'r, 'a> {
    pub reader: &'r mut Reader<'a>,
    pub outline: &'a Outline<'a>,
    pub page: &'a Page<'a>,
    pub flow: FlowIndex,
    pub has_currency: bool,
    pub has_time_zone: bool,
    pub lacks: Lacks,
    /// What is read is offered to callers who wait in a queue: they can be called back.
    pub while_waiting: bool,
    /// They can be called back.
    pub calls_back: bool,
}

impl<'r, 'a> FlowReader<'r, 'a> {
    pub fn new(reader: &'r mut Reader<'a>, outline: &'a Outline<'a>, flow: FlowIndex) -> FlowReader<'r, 'a> {
        let page = &reader.pages[outline.page];
        let has = |key: &str| outline.root.find(key).is_some();
        let (has_currency, has_time_zone) = (has("currency"), has("time_zone"));
        let lacks = Lacks::default();
        FlowReader {
            reader,
            outline,
            page,
            flow,
            has_currency,
            has_time_zone,
            lacks,
            while_waiting: false,
            calls_back: false,
        }
    }

    /// Reads the flow, and notes its numbers in `set`.
    pub fn read(mut self, set: &mut FlowSet) -> Flow {
        self.numbers(set);
        let time_zone = self.time_zone();
        let currency = self.currency();
        let start = self.start();
        let always = self.always();
        let outline = self.outline;
        let steps = outline.steps.iter().enumerate().map(|(position, entry)| {
            let index = StepIndex(u32::try_from(position).expect("nodes are limited"));
            self.step(index, entry)
        });
        let steps = steps.collect();
        Flow {
            name: outline.name.clone(),
            languages: outline.languages.clone(),
            time_zone,
            currency,
            start,
            always,
            steps,
        }
    }

    pub fn fault(&mut self, diagnostic: Diagnostic) {
        self.reader.faults.push(diagnostic);
    }

    fn numbers(&mut self, set: &mut FlowSet) {
        let Some(entry) = self.outline.root.find("numbers") else { return };
        let nodes = match &entry.value.content {
            Content::List(items) => items.as_slice(),
            Content::Nothing => &[],
            _ => std::slice::from_ref(&entry.value),
        };
        for node in nodes {
            let Some(number) = node.text().filter(|text| scalar::is_dialled(text)) else {
                let place = if node.is_nothing() { entry.key_span } else { node.span };
                let said = match node.text() {
                    Some("") => "an empty text".to_owned(),
                    Some(text) => format!("`{}`", shortened(text)),
                    None => node.described().to_owned(),
                };
                let fault = self.page.error(codes::NOT_A_NUMBER, place, format!("callers cannot dial {said}"));
                let bare: String =
                    node.text().unwrap_or("").chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
                self.fault(if scalar::is_dialled(&bare) { fault.remedy(format!("write `{bare}`")) } else { fault });
                continue;
            };
            if nearest(number, ["any"]).is_some() {
                let message = format!("only callers who dial the name `{number}` would come here");
                let fault = self.page.warning(codes::NOT_A_NUMBER, node.span, message);
                self.fault(fault.remedy("write `any` for every number that no other flow takes"));
            }
            let other = match number {
                "any" => set.any.replace(self.flow),
                _ => set.numbers.insert(number.to_owned(), self.flow),
            };
            if let Some(other) = other {
                let name = self.reader.outlines[usize::from(other.0)].name.clone();
                self.reader.outdone.push(other);
                let fault = if other == self.flow {
                    self.page.error(codes::DUPLICATE_NUMBER, node.span, format!("`{number}` stands here twice"))
                } else {
                    let message = format!("`{number}` is answered by the flow `{name}` already");
                    self.page
                        .error(codes::DUPLICATE_NUMBER, node.span, message)
                        .consequence("callers of this number would come to one of the flows, and not to the other")
                };
                self.fault(fault);
            }
        }
    }

    fn time_zone(&mut self) -> TimeZone {
        let Some(entry) = self.outline.root.find("time_zone") else { return TimeZone::UTC };
        let Some(name) = self.text_of(entry, "the name of a time zone") else { return TimeZone::UTC };
        TimeZone::get(name).unwrap_or_else(|_| {
            let fault = no_such_zone(self.page, entry.value.span, name);
            self.fault(fault);
            TimeZone::UTC
        })
    }

    fn currency(&mut self) -> Option<Currency> {
        let entry = self.outline.root.find("currency")?;
        let name = self.text_of(entry, "a currency such as `GBP`")?;
        let found = CURRENCIES.iter().find(|(code, _)| *code == name);
        if found.is_none() {
            let message = format!("`{}` is no currency that can be spoken", shortened(name));
            let known = format!("{} can", listed(CURRENCIES.iter().map(|(code, _)| *code)).replace(" or ", " and "));
            self.fault(
                self.page
                    .error(codes::CURRENCY, entry.value.span, message)
                    .meant(name, CURRENCIES.iter().map(|(code, _)| *code))
                    .or_remedy(&known),
            );
        }
        found.map(|(_, currency)| *currency)
    }

    fn start(&mut self) -> StepIndex {
        let first = StepIndex(0);
        let Some(entry) = self.outline.root.find("start") else {
            let fault = self.page.error(
                codes::MISSING_KEY,
                self.outline.name_span,
                format!("the flow `{}` has no `start`", self.outline.name),
            );
            let fault = match self.outline.steps.first() {
                Some(step) => fault.remedy(format!("name the step where callers begin: `start: {}`", step.key)),
                None => fault,
            };
            self.fault(fault.consequence("callers would not know where to begin"));
            return first;
        };
        let Some(name) = self.text_of(entry, "the name of a step") else { return first };
        // Without any step there is nothing to name; that is told already.
        if self.outline.steps.is_empty() {
            return first;
        }
        match self.target(name, entry.value.span, "every caller") {
            Some(Target::Step(step)) => step,
            Some(_) => {
                let fault = self.page.error(codes::NO_SUCH_STEP, entry.value.span, "a flow starts at a step");
                self.fault(fault);
                first
            }
            None => first,
        }
    }

    fn always(&mut self) -> BTreeMap<Digit, Target> {
        let mut always = BTreeMap::new();
        let Some(entry) = self.outline.root.find("always") else { return always };
        if entry.value.is_nothing() {
            return always;
        }
        let Some(entries) = entry.value.table() else {
            self.wrong_shape(entry, "a table of keys and steps");
            return always;
        };
        for entry in entries {
            let Some(keys) = self.keys(entry) else { continue };
            let [key] = keys.as_slice() else {
                let fault = self.page.error(codes::NOT_A_KEY, entry.key_span, "`always` takes single keys");
                self.fault(fault);
                continue;
            };
            let Some(name) = self.text_of(entry, "the name of a step") else { continue };
            let who = format!("callers who press {} in a menu", shown_key(*key));
            if let Some(target) = self.target(name, entry.value.span, &who)
                && always.insert(*key, target).is_some()
            {
                self.twice(entry);
            }
        }
        always
    }

    /// The keys that an entry stands for.
    pub fn keys(&mut self, entry: &Entry) -> Option<Vec<Digit>> {
        let keys = scalar::keys(&entry.key);
        if keys.is_none() {
            let message = format!("`{}` is no key of a telephone", shortened(&entry.key));
            let fault = self.page.error(codes::NOT_A_KEY, entry.key_span, message);
            self.fault(fault.meant(&entry.key, ["star", "hash"]).or_remedy("keys are 0 to 9, `star` and `hash`"));
        }
        keys
    }

    /// Tells a choice whose keys another has.
    pub fn twice(&mut self, entry: &Entry) {
        let message = format!("key {} stands here twice", entry.key);
        let fault = self.page.error(codes::DUPLICATE_CHOICE, entry.key_span, message);
        self.fault(fault.consequence("callers could reach only one of the two"));
    }

    /// The text of an entry; anything else is told.
    pub fn text_of<'n>(&mut self, entry: &'n Entry, wanted: &str) -> Option<&'n str> {
        self.section().text(entry, wanted)
    }

    pub fn wrong_shape(&mut self, entry: &Entry, wanted: &str) {
        self.section().wrong_shape(entry, wanted);
    }

    /// For settings that are read alike everywhere.
    pub fn section(&mut self) -> Section<'_, 'a> {
        Section { page: self.page, faults: &mut self.reader.faults }
    }

    /// Where `name` leads; `who` would have gone there.
    pub fn target(&mut self, name: &str, place: Span, who: &str) -> Option<Target> {
        if let Some(step) = self.outline.step_index.get(name) {
            return Some(Target::Step(*step));
        }
        match name {
            "again" => return Some(Target::Again),
            "back" => return Some(Target::Back),
            "hangup" => return Some(Target::HangUp),
            "callback" if self.while_waiting => {
                if !self.calls_back {
                    let fault = no_callback(self.page, place);
                    self.fault(fault.consequence("callers would not be offered it"));
                }
                return Some(Target::Callback);
            }
            "callback" => {
                let message = "`callback` keeps a place in line, and nobody has one here";
                let fault = self.page.error(codes::NOT_WAITING, place, message);
                self.fault(fault.remedy("offer it in a queue's `while_waiting`"));
                return None;
            }
            _ => {}
        }
        if self.reader.faults.are_full() {
            return None;
        }
        let known = self.outline.step_index.keys().copied().chain(TARGET_WORDS);
        let near = nearest(name, known);
        let fault = self.page.error(codes::NO_SUCH_STEP, place, format!("no step named `{}`", shortened(name)));
        let fault = fault.meant(name, near).consequence(format!("{who} would have nowhere to go"));
        self.fault(fault);
        // What else is wrong is told as if the slip had been mended.
        let meant = Target::Step(*self.outline.step_index.get(near?)?);
        self.reader.guessed += 1;
        Some(meant)
    }

    /// Where a part of a text stands in the file.
    pub fn place_in(&self, node: &Node, range: std::ops::Range<usize>) -> Span {
        place_in(self.page, node, range)
    }
}

/// What is told where nobody can be called back.
pub(super) fn no_callback(page: &Page<'_>, place: Span) -> Diagnostic {
    page.warning(codes::NO_CALLBACK, place, "no trunk may call anybody back")
        .remedy("allow a trunk of helpline.yaml to call: `dial: [\"+44\"]`")
}

/// Where a part of a node's text stands in the file; the whole node where escapes or folds hide it.
pub(super) fn place_in(page: &Page<'_>, node: &Node, range: std::ops::Range<usize>) -> Span {
    let (raw, text) = (page.at(node.span), node.text().unwrap_or(""));
    let offset = match raw {
        _ if raw == text => 0,
        _ if raw.len() >= 2 && raw.get(1..raw.len() - 1) == Some(text) => 1,
        _ => {
            let (Some(part), Some(before)) = (text.get(range.clone()), text.get(..range.start)) else {
                return node.span;
            };
            let nth = before.matches(part).count();
            return match raw.match_indices(part).nth(nth) {
                Some((at, _)) if !part.is_empty() => Span::new(node.span.start + at, node.span.start + at + part.len()),
                _ => node.span,
            };
        }
    };
    Span::new(node.span.start + offset + range.start, node.span.start + offset + range.end)
}

/// A key as it is shown to operators.
pub(super) fn shown_key(key: Digit) -> String {
    match key {
        Digit::STAR => "star".to_owned(),
        Digit::HASH => "hash".to_owned(),
        _ => key.as_char().to_string(),
    }
}
