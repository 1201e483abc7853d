//! What happens in a call test, one thing after another.

use std::sync::Arc;
use std::time::Duration;

use super::habits::LONGEST;
use super::{MAX_ACTS, TestReader};
use crate::flow::call_test::{Act, BEYOND_TEN, Deed, Expectation, Heard, MetricChange, Wanted};
use crate::flow::document::codes;
use crate::flow::document::diagnostic::{Diagnostic, Span, listed, shortened};
use crate::flow::document::scalar;
use crate::flow::document::tree::{Content, Entry, Node};
use crate::flow::{FlowIndex, StepIndex, StepKind};
use crate::telephony::Digit;

/// Most keys of one act.
const MOST_KEYS: usize = 64;

/// What stands alone.
pub(in crate::flow::document) const ALONE: [(&str, Deed); 7] = [
    ("say nothing", Deed::SayNothing),
    ("hang up", Deed::HangUp),
    ("pick up", Deed::PickUp),
    ("goodbye", Deed::Goodbye),
    ("agent answers", Deed::AgentAnswers),
    ("agent refuses", Deed::AgentRefuses),
    ("agent hangs up", Deed::AgentHangsUp),
];

/// What has something after it.
pub(in crate::flow::document) const ACT_KEYS: [&str; 14] = [
    "hear",
    "never_hear",
    "press",
    "wait",
    "answered",
    "expect",
    "spoken",
    "metrics",
    "agents",
    "telephones",
    "waiting",
    "hours",
    "lookups",
    "within",
];

/// What is heard, where there could be a doubt.
pub(in crate::flow::document) const HEAR_KEYS: [&str; 2] = ["step", "words"];
/// What can be expected.
pub(in crate::flow::document) const EXPECT_KEYS: [&str; 13] = [
    "queue",
    "skill",
    "priority",
    "place",
    "agent",
    "transferred",
    "recorded",
    "step",
    "language",
    "value",
    "survey",
    "outcome",
    "spoken",
];

/// How a wait or a call ends: the words of metrics and records.
pub(in crate::flow::document) const OUTCOMES: [&str; 17] = [
    "answered",
    "abandoned",
    "short_abandoned",
    "timed_out",
    "overflowed",
    "no_agents",
    "left_by_key",
    "callback",
    "failed",
    "completed",
    "hung_up",
    "cancelled",
    "refused",
    "operator",
    "drained",
    "transferred",
    "unanswered",
];

impl TestReader<'_, '_> {
    pub(super) fn script(&mut self, entry: &Entry, flow: FlowIndex) -> Vec<Act> {
        let Content::List(nodes) = &entry.value.content else {
            self.section.wrong_shape(entry, "a list of what happens, such as `[hear: welcome, press: 2]`");
            return Vec::new();
        };
        if nodes.len() > MAX_ACTS {
            let message = format!("at most {MAX_ACTS} things happen in a call test, and here are {}", nodes.len());
            self.fault(codes::TOO_LARGE, entry.key_span, message, "make several tests of it");
        }
        let mut script = Vec::new();
        for node in nodes.iter().take(MAX_ACTS) {
            self.act(node, flow, &mut script);
        }
        script
    }

    fn act(&mut self, node: &Node, flow: FlowIndex, script: &mut Vec<Act>) {
        match &node.content {
            Content::Text { text, .. } => {
                let plain = plain(text);
                match ALONE.iter().find(|(name, _)| *name == plain) {
                    Some((_, deed)) => {
                        script.push(Act { place: self.place(node.span), deed: deed.clone(), within: None })
                    }
                    None if plain == "answered" => script.push(self.whoever(node.span)),
                    None => self.no_such_act(node.span, text),
                }
            }
            Content::Table(entries) => self.act_of(node, entries, flow, script),
            _ => {
                let message =
                    format!("what happens is written like `press: 2` or `hang up`, and this is {}", node.described());
                self.fault(codes::WRONG_SHAPE, node.span, message, "");
            }
        }
    }

    /// An agent, whoever it is, has answered.
    fn whoever(&self, span: Span) -> Act {
        let place = self.place(span);
        let wanted = Expectation { place: place.clone(), wanted: Wanted::Agent(None) };
        Act { place, deed: Deed::Expect(vec![wanted]), within: None }
    }

    fn no_such_act(&mut self, span: Span, text: &str) {
        let page = self.section.page;
        let message = format!("`{}` is nothing that happens in a call", shortened(text));
        let names = || ALONE.iter().map(|(name, _)| *name).chain(ACT_KEYS.into_iter().filter(|name| *name != "within"));
        let fault = page.error(codes::NO_SUCH_ACT, span, message);
        let begins = names().find(|name| text.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', ':'])));
        self.section.fault(match begins.filter(|name| ACT_KEYS.contains(name)) {
            Some(name) => {
                fault.remedy(format!("write `{name}: {}`", text[name.len()..].trim_start_matches([' ', ':']).trim()))
            }
            None => {
                let all = format!("there is {}", listed(names()).replace(" or ", " and "));
                fault.meant(&plain(text), names()).or_remedy(&all)
            }
        });
    }

    fn act_of(&mut self, node: &Node, entries: &[Entry], flow: FlowIndex, script: &mut Vec<Act>) {
        let within = node.find("within");
        let within = within.and_then(|within| self.section.length(within, Duration::ZERO..=LONGEST));
        let mut deeds = entries.iter().filter(|entry| entry.key != "within");
        let Some(entry) = deeds.next() else {
            self.fault(codes::MISSING_KEY, node.span, "nothing happens here".to_owned(), "write what does: `press: 2`");
            return;
        };
        if let Some(other) = deeds.next() {
            let message = format!("`{}` and `{}` stand in one entry", shortened(&entry.key), shortened(&other.key));
            self.fault(
                codes::SEVERAL_ACTS,
                other.key_span,
                message,
                "begin each thing that happens with a `-` of its own",
            );
        }
        let place = self.place(entry.place());
        let mut add = |deed: Deed| script.push(Act { place: place.clone(), deed, within });
        match entry.key.replace(' ', "_").as_str() {
            "hear" => self.heard(entry, flow).map(Deed::Hear).into_iter().for_each(&mut add),
            "never_hear" => self.heard(entry, flow).map(Deed::NeverHear).into_iter().for_each(&mut add),
            "press" => self.keys(entry).map(Deed::Press).into_iter().for_each(&mut add),
            "wait" => {
                let length = self.section.length(entry, Duration::from_millis(1)..=LONGEST);
                length.map(Deed::Wait).into_iter().for_each(&mut add);
            }
            "say" if entry.value.text() == Some("nothing") => add(Deed::SayNothing),
            "expect" => add(Deed::Expect(self.expectations(entry, flow))),
            "answered" => {
                let place = self.place(entry.place());
                let agent = match entry.value.is_nothing() {
                    true => Some(Wanted::Agent(None)),
                    false => self.agent(entry),
                };
                add(Deed::Expect(agent.map(|wanted| Expectation { place, wanted }).into_iter().collect()));
            }
            "spoken" => {
                let place = self.place(entry.place());
                let spoken = self.spoken(entry).map(|wanted| Expectation { place, wanted });
                add(Deed::Expect(spoken.into_iter().collect()));
            }
            "metrics" => add(Deed::Metrics(self.metrics(entry))),
            "agents" | "telephones" | "waiting" | "hours" | "lookups" => {
                let mut changes = Vec::new();
                self.changes(entry, &mut changes);
                changes.into_iter().map(Deed::Change).for_each(&mut add);
            }
            _ => match ALONE.iter().find(|(name, _)| *name == plain(&entry.key)) {
                Some((_, deed)) if entry.value.is_nothing() => add(deed.clone()),
                Some((name, _)) => self.section.fault(self.section.page.error(
                    codes::WRONG_SHAPE,
                    entry.place(),
                    format!("`{name}` stands alone"),
                )),
                None => self.no_such_act(entry.key_span, &entry.key),
            },
        }
    }

    /// `hear: welcome` is a step, everything else words; `hear: {words: welcome}` and `hear: {step: welcome}` leave no doubt.
    fn heard(&mut self, entry: &Entry, flow: FlowIndex) -> Option<Heard> {
        if let Some(entries) = entry.value.table() {
            self.section.tell_unknown(entries, &HEAR_KEYS, &format!("`{}`", entry.key));
            if let Some(step) = entry.value.find("step") {
                let text = self.section.text(step, "the name of a step")?;
                return self.step(step.place(), text, flow).map(|(flow, step)| Heard::Step(flow, step));
            }
            let words = entry.value.find("words")?;
            return self.words(words);
        }
        let text = self.section.text(entry, "a step, or words that are said")?.trim();
        if let Some((flow, step)) = self.names.step(text, flow) {
            return Some(Heard::Step(flow, step));
        }
        if text.contains(char::is_whitespace) || self.names.is_spoken(text) && !super::names::words(text).is_empty() {
            return self.words(entry);
        }
        let near = self.names.near_step(text, flow).or_else(|| self.names.near_word(text).map(str::to_owned));
        let message = format!("`{}` is no step, and no recording says it", shortened(text));
        let fault = self.section.page.error(codes::NEVER_SAID, entry.place(), message);
        self.section.fault(match near {
            Some(near) => fault.remedy(format!("did you mean `{near}`?")),
            None => fault,
        });
        None
    }

    fn words(&mut self, entry: &Entry) -> Option<Heard> {
        let text = self.section.text(entry, "words that are said")?;
        if super::names::words(text).is_empty() {
            self.fault(codes::NEVER_SAID, entry.place(), "there is no word here".to_owned(), "");
            return None;
        }
        Some(Heard::Words(text.split_whitespace().collect::<Vec<_>>().join(" ")))
    }

    /// `2`, `1234#`, `1 2 3`, `star`, `hash`.
    fn keys(&mut self, entry: &Entry) -> Option<Vec<Digit>> {
        if entry.value.is_nothing() {
            let fault = self.section.page.error(codes::NOT_A_KEY, entry.key_span, "no key is pressed");
            self.section.fault(fault.remedy("to YAML `#` begins a comment: write `press: hash`, or `press: \"#\"`"));
            return None;
        }
        let text = self.section.text(entry, "the keys that are pressed")?;
        let mut keys = Vec::new();
        for part in text.split([' ', ',', '-']).filter(|part| !part.is_empty()) {
            let read = match scalar::keys(part) {
                Some(keys) => Some(keys),
                None => part.chars().map(|key| Digit::from_char(key).ok()).collect(),
            };
            let Some(read) = read else {
                let fault = self.section.page.error(
                    codes::NOT_A_KEY,
                    entry.place(),
                    format!("`{}` are no keys", shortened(part)),
                );
                self.section.fault(fault.remedy("keys are `0` to `9`, `*` (`star`) and `#` (`hash`)"));
                return None;
            };
            keys.extend(read);
        }
        if keys.is_empty() || keys.len() > MOST_KEYS {
            self.fault(codes::NOT_A_KEY, entry.place(), format!("1 to {MOST_KEYS} keys are pressed at a time"), "");
            return None;
        }
        Some(keys)
    }

    fn expectations(&mut self, entry: &Entry, flow: FlowIndex) -> Vec<Expectation> {
        let entries = self.section.table(entry, "a table such as `{queue: support}`").unwrap_or(&[]);
        let mut found = Vec::new();
        for entry in entries {
            let place = self.place(entry.place());
            let wanted = match entry.key.as_str() {
                "queue" => match entry.value.text() {
                    Some("none") => Some(Wanted::Queue(None)),
                    _ => self
                        .section
                        .text(entry, "the name of a queue")
                        .and_then(|name| self.queue(entry.place(), name))
                        .map(|queue| Wanted::Queue(Some(queue))),
                },
                "skill" | "skills" => Some(Wanted::Skills(self.skills(entry))),
                "priority" => {
                    self.section.number(entry, 0..=9).and_then(|number| u8::try_from(number).ok()).map(Wanted::Priority)
                }
                "place" => self.section.number(entry, 1..=super::world::MOST_WAITING + 1).map(Wanted::Place),
                "agent" => self.agent(entry),
                "transferred" => self.transferred(entry),
                "recorded" => self.section.truth(entry).map(Wanted::Recorded),
                "step" => {
                    let step = self
                        .section
                        .text(entry, "the name of a step")
                        .and_then(|name| self.step(entry.place(), name, flow));
                    step.map(|(flow, step): (FlowIndex, StepIndex)| Wanted::Step(flow, step))
                }
                "language" => {
                    let languages: Vec<Arc<str>> =
                        self.set.flows.iter().flat_map(|flow| flow.languages.iter().cloned()).collect();
                    self.language(entry, &languages).map(Wanted::Language)
                }
                "value" | "values" => {
                    self.expected_values(entry, &mut found);
                    None
                }
                "survey" => {
                    self.expected_answers(entry, &mut found);
                    None
                }
                "outcome" => self.outcome(entry),
                "spoken" => self.spoken(entry),
                _ => {
                    let fault = self.section.page.error(
                        codes::UNKNOWN_KEY,
                        entry.key_span,
                        format!("nothing can be expected of `{}`", shortened(&entry.key)),
                    );
                    let all = format!("there is {}", listed(EXPECT_KEYS).replace(" or ", " and "));
                    self.section.fault(fault.meant(&entry.key, EXPECT_KEYS).or_remedy(&all));
                    None
                }
            };
            found.extend(wanted.map(|wanted| Expectation { place, wanted }));
        }
        found
    }

    /// An agent's extension, or a telephone to which a step passes callers on.
    fn agent(&mut self, entry: &Entry) -> Option<Wanted> {
        let text = self.section.text(entry, "an agent's extension")?;
        if matches!(text, "any" | "somebody") {
            return Some(Wanted::Agent(None));
        }
        let agent = self.set.agents.iter().find(|agent| *agent.extension == *text).map(|agent| &agent.extension);
        let found = agent.or_else(|| self.set.telephones().find(|name| ***name == *text)).cloned();
        if found.is_none() {
            self.no_such_agent(text, entry.place());
        }
        found.map(|agent| Wanted::Agent(Some(agent)))
    }

    /// Whom a step calls: an agent's extension, or a telephone's number or address.
    fn transferred(&mut self, entry: &Entry) -> Option<Wanted> {
        let text = self.section.text(entry, "an extension, a number or an address")?;
        if matches!(text, "any" | "somebody") {
            return Some(Wanted::Transferred(None));
        }
        let agent = self.set.agents.iter().find(|agent| *agent.extension == *text).map(|agent| agent.extension.clone());
        let found = agent.or_else(|| self.telephone(text, entry.place()));
        found.map(|name| Wanted::Transferred(Some(name)))
    }

    fn expected_values(&mut self, entry: &Entry, found: &mut Vec<Expectation>) {
        for entry in self.section.table(entry, "a table such as `{order_number: 1234}`").unwrap_or(&[]) {
            let place = self.place(entry.place());
            let value = match &entry.value.content {
                Content::Text { text, .. } => Some(text.clone()),
                Content::Nothing => None,
                _ => {
                    self.section.wrong_shape(entry, "a text or a number");
                    continue;
                }
            };
            found.push(Expectation { place, wanted: Wanted::Value(Arc::from(entry.key.as_str()), value) });
        }
    }

    /// `{helped: 4}`; nothing for a question that is not answered.
    fn expected_answers(&mut self, entry: &Entry, found: &mut Vec<Expectation>) {
        let steps = self.set.flows.iter().flat_map(|flow| &flow.steps);
        let surveys = steps.filter_map(|step| match &step.kind {
            StepKind::Survey(survey) => Some(&survey.questions),
            _ => None,
        });
        let known: Vec<Arc<str>> = surveys.flatten().map(|question| question.name.clone()).collect();
        for entry in self.section.table(entry, "a table such as `{helped: 4}`").unwrap_or(&[]) {
            let place = self.place(entry.place());
            let Some(question) = known.iter().find(|question| ***question == *entry.key) else {
                let message = format!("no survey asks `{}`", shortened(&entry.key));
                let fault = self.section.page.error(codes::SURVEY_QUESTION, entry.key_span, message);
                self.section.fault(fault.meant(&entry.key, known.iter().map(|question| &**question)));
                continue;
            };
            let score = match entry.value.is_nothing() {
                true => None,
                false => match self.section.number(entry, 0..=10).and_then(|score| u8::try_from(score).ok()) {
                    Some(score) => Some(score),
                    None => continue,
                },
            };
            found.push(Expectation { place, wanted: Wanted::Survey(question.clone(), score) });
        }
    }

    fn outcome(&mut self, entry: &Entry) -> Option<Wanted> {
        let text = self.section.text(entry, "how the wait or the call ended")?.replace(' ', "_");
        let known = OUTCOMES.into_iter();
        let found = known.clone().find(|word| **word == text);
        if found.is_none() {
            let message = format!("no wait and no call ends as `{}`", shortened(&text));
            let fault = self.section.page.error(codes::OUTCOME, entry.place(), message);
            let all = format!("they end as {}", listed(known.clone()));
            self.section.fault(fault.meant(&text, known).or_remedy(&all));
        }
        found.map(Wanted::Outcome)
    }

    /// `[5, 4, 4, 2]`; `next` is 1, and `more than ten` a place of its own.
    fn spoken(&mut self, entry: &Entry) -> Option<Wanted> {
        let nodes = match &entry.value.content {
            Content::List(nodes) => nodes.as_slice(),
            Content::Nothing => &[],
            _ => std::slice::from_ref(&entry.value),
        };
        let mut places = Vec::new();
        for node in nodes {
            let text = node.text().unwrap_or("");
            let place = match plain(text).as_str() {
                "next" => Some(1),
                "more than ten" => Some(BEYOND_TEN),
                number => number.parse().ok().filter(|number| (1..=10).contains(number)),
            };
            let Some(place) = place else {
                let span = if node.is_nothing() { entry.key_span } else { node.span };
                let message = format!(
                    "`{}` is no place that is spoken",
                    shortened(if text.is_empty() { node.described() } else { text })
                );
                self.fault(codes::WRONG_NUMBER, span, message, "they are `1` (`next`) to `10`, and `more than ten`");
                return None;
            };
            places.push(place);
        }
        Some(Wanted::Spoken(places))
    }

    fn metrics(&mut self, entry: &Entry) -> Vec<MetricChange> {
        let mut found = Vec::new();
        for entry in self
            .section
            .table(entry, "a table such as `helpline_queue_entered_total{queue=\"support\"}: +1`")
            .unwrap_or(&[])
        {
            let place = self.place(entry.key_span);
            let by = entry.value.text().and_then(|text| match text {
                "unchanged" => Some(0.0),
                text => text.parse::<f64>().ok().filter(|by| by.is_finite()),
            });
            let Some((name, labels)) = series(&entry.key) else {
                let fault = self.not_a_metric(entry);
                self.section.fault(fault);
                continue;
            };
            match by {
                Some(by) => found.push(MetricChange { place, name, labels, by }),
                None => {
                    let message = format!(
                        "`{}` is no change of a metric",
                        shortened(entry.value.text().unwrap_or(entry.value.described()))
                    );
                    self.fault(
                        codes::WRONG_NUMBER,
                        entry.place(),
                        message,
                        "write by how much: `+1`, `-1` or `unchanged`",
                    );
                }
            }
        }
        found
    }

    fn not_a_metric(&self, entry: &Entry) -> Diagnostic {
        let message = format!("`{}` is not the name of a metric", shortened(&entry.key));
        let fault = self.section.page.error(codes::METRIC_NAME, entry.key_span, message);
        fault.remedy("write it as /metrics does: `helpline_queue_entered_total{queue=\"support\"}`")
    }
}

/// `name{label="value",...}`; quotes may be missing.
fn series(text: &str) -> Option<(String, Vec<(String, String)>)> {
    let (name, labels) = match text.split_once('{') {
        Some((name, rest)) => (name.trim(), rest.trim().strip_suffix('}')?),
        None => (text.trim(), ""),
    };
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name(name) {
        return None;
    }
    let mut found = Vec::new();
    for label in labels.split(',').map(str::trim).filter(|label| !label.is_empty()) {
        let (name, value) = label.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        if !is_name(name.trim()) {
            return None;
        }
        found.push((name.trim().to_owned(), value.to_owned()));
    }
    Some((name.to_owned(), found))
}

/// As it is compared: `hang_up` is `hang up`.
fn plain(text: &str) -> String {
    text.replace('_', " ").split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_read_as_they_are_exposed() {
        let check = |text: &str, expected: Option<(&str, &[(&str, &str)])>| {
            let expected = expected.map(|(name, labels)| {
                (
                    name.to_owned(),
                    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
                )
            });
            assert_eq!(series(text), expected, "{text}");
        };
        check("a_total", Some(("a_total", &[])));
        check("a_total{}", Some(("a_total", &[])));
        check(
            "a_total{queue=\"support\",outcome=answered}",
            Some(("a_total", &[("queue", "support"), ("outcome", "answered")])),
        );
        check("a_total{queue=\"support\"", None);
        check("a total", None);
        check("a_total{queue}", None);
        check("", None);
    }
}
