//! The steps of a flow, each of one kind.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::agents::skill_name;
use super::codes;
use super::diagnostic::{Span, listed, shortened};
use super::flow::{FlowReader, no_callback};
use super::hours::no_such_hours;
use super::outline::find_flow;
use super::queues::no_such_queue;
use super::scalar;
use super::syntax;
use super::tree::{Content, Entry, Node};
use super::values::{self, Known, MAX_VALUE};
use super::wishes::only_value;
use super::words::Said;
use crate::flow::condition::Condition;
use crate::flow::{
    AgentSpec, LanguageIndex, Piece, QueueIndex, QueueWish, Speech, Step, StepIndex, StepKind, Target, Value,
};

/// A kind of step and the settings that it reads besides its own key.
pub(super) struct Kind {
    pub key: &'static str,
    pub settings: &'static [&'static str],
}

pub(super) const KINDS: [Kind; 17] = [
    Kind { key: "say", settings: &["must_hear", "next"] },
    Kind { key: "play", settings: &["must_hear", "next"] },
    Kind {
        key: "menu",
        settings: &["choices", "must_hear", "first_key", "between_keys", "tries", "no_input", "no_match", "otherwise"],
    },
    Kind {
        key: "collect",
        settings: &[
            "digits",
            "save",
            "next",
            "end_key",
            "confirm",
            "secret",
            "must_hear",
            "first_key",
            "between_keys",
            "tries",
            "no_input",
            "no_match",
            "otherwise",
        ],
    },
    Kind { key: "set", settings: &["next"] },
    Kind { key: "when", settings: &["then", "otherwise", "next"] },
    Kind { key: "hours", settings: &["open", "closed", "next"] },
    Kind { key: "lookup", settings: &["save", "found", "not_found", "failed", "next"] },
    Kind { key: "language", settings: &["next"] },
    Kind { key: "flow", settings: &["next"] },
    Kind { key: "queue", settings: &["skill", "skills", "priority", "prefer", "next"] },
    Kind { key: "callback", settings: &["skill", "skills", "priority", "otherwise", "next"] },
    Kind {
        key: "voicemail",
        settings: &["greeting", "longest", "shortest", "silence", "review", "mail", "failed", "next"],
    },
    Kind { key: "record", settings: &["next"] },
    Kind { key: "survey", settings: &["thanks", "next"] },
    Kind { key: "transfer", settings: &["ring", "announce", "busy", "no_answer", "failed", "otherwise", "next"] },
    Kind { key: "hangup", settings: &[] },
];

impl FlowReader<'_, '_> {
    /// Reads a step.
    pub fn step(&mut self, index: StepIndex, entry: &Entry) -> Step {
        let kind = self.kind(index, entry).unwrap_or(StepKind::HangUp { speech: None });
        let next = match &kind {
            StepKind::Menu(_) | StepKind::HangUp { .. } => None,
            _ => self.target_of(&entry.value, "next", &format!("callers who have been in `{}`", entry.key)),
        };
        self.tell_lacks(&shortened(&entry.key));
        Step { name: Arc::from(entry.key.as_str()), kind, next }
    }

    fn kind(&mut self, index: StepIndex, step: &Entry) -> Option<StepKind> {
        let Some(entries) = step.value.table() else {
            let message = format!(
                "a step is a table such as `say: ...`, and `{}` is {}",
                shortened(&step.key),
                step.value.described()
            );
            let missing = step.value.plain().and_then(syntax::without_space);
            self.fault(match missing {
                Some(key) => syntax::no_space(self.page, step.value.span.start, key),
                None => self.page.error(codes::WRONG_SHAPE, step.place(), message),
            });
            return None;
        };
        let found: Vec<(&Kind, &Entry)> = entries
            .iter()
            .filter_map(|entry| Some((KINDS.iter().find(|kind| kind.key == entry.key)?, entry)))
            .collect();
        let Some((kind, entry)) = found.first().copied() else {
            self.tell_no_kind(step, entries);
            return None;
        };
        if let Some((second, other)) = found.get(1) {
            let message = format!("`{}` has both `{}` and `{}`", shortened(&step.key), kind.key, second.key);
            let fault = self.page.error(codes::SEVERAL_KINDS, other.key_span, message);
            self.fault(fault.remedy("make two steps of it, and name the second in the first's `next`"));
        } else {
            self.tell_unread(step, kind, entries);
        }
        match kind.key {
            "say" => self.say(index, step, entry),
            "play" => self.play(index, step, entry),
            "menu" => self.menu(index, step, entry).map(StepKind::Menu),
            "collect" => self.collect(index, step, entry).map(StepKind::Collect),
            "set" => self.set(entry),
            "when" => self.when(step, entry),
            "hours" => self.hours(step, entry),
            "lookup" => self.lookup(index, step, entry),
            "language" => self.language(entry),
            "flow" => self.other_flow(entry),
            "queue" => self.queue(step, entry),
            "callback" => self.callback(step, entry),
            "voicemail" => self.voicemail(index, step, entry),
            "record" => self.record(index, step, entry),
            "survey" => self.survey(index, step, entry),
            "transfer" => self.transfer(index, step, entry),
            _ => self.hang_up(index, step, entry),
        }
    }

    fn tell_no_kind(&mut self, step: &Entry, entries: &[Entry]) {
        let kinds = KINDS.iter().map(|kind| kind.key);
        let settings: Vec<&str> = KINDS.iter().flat_map(|kind| kind.settings).copied().collect();
        let meant = entries.iter().find_map(|entry| {
            let near = super::diagnostic::nearest(&entry.key, kinds.clone())?;
            (!settings.contains(&entry.key.as_str())).then_some((entry, near))
        });
        let fault = match meant {
            Some((entry, near)) => {
                let message = format!("a step has no `{}`", shortened(&entry.key));
                self.page.error(codes::UNKNOWN_KEY, entry.key_span, message).remedy(format!("did you mean `{near}`?"))
            }
            None => {
                let message = format!("`{}` does nothing", shortened(&step.key));
                let fault = self.page.error(codes::NO_KIND, step.key_span, message);
                fault.remedy(format!("a step has one of {}", listed(kinds)))
            }
        };
        self.fault(fault);
    }

    fn tell_unread(&mut self, step: &Entry, kind: &Kind, entries: &[Entry]) {
        for entry in entries {
            let key = entry.key.as_str();
            if key == kind.key || kind.settings.contains(&key) {
                continue;
            }
            let elsewhere: Vec<&str> =
                KINDS.iter().filter(|kind| kind.settings.contains(&key)).map(|kind| kind.key).collect();
            let fault = if elsewhere.is_empty() {
                let message = format!("a `{}` step has no `{}`", kind.key, shortened(key));
                self.page.error(codes::UNKNOWN_KEY, entry.key_span, message).meant(key, kind.settings.iter().copied())
            } else {
                let message =
                    format!("nothing reads `{key}` in `{}`: a `{}` step has none", shortened(&step.key), kind.key);
                let fault = self.page.error(codes::UNREAD_KEY, entry.key_span, message);
                match (kind.key, key) {
                    ("menu", "next") => {
                        fault.remedy("choices say where to go, and `otherwise` where to go without one")
                    }
                    ("hangup", "next") => fault.remedy("nothing follows when the call has ended"),
                    _ => fault.remedy(format!("it belongs to {}", listed(elsewhere))),
                }
            };
            self.fault(fault);
        }
    }

    /// Where a setting leads.
    pub fn target_of(&mut self, step: &Node, key: &str, who: &str) -> Option<Target> {
        let entry = step.find(key)?;
        let name = self.text_of(entry, "the name of a step")?;
        self.target(name, entry.value.span, who)
    }

    /// A setting that is true or false; false where it is not written.
    pub fn truth_of(&mut self, step: &Node, key: &str) -> bool {
        step.find(key).and_then(|entry| self.section().truth(entry)).unwrap_or(false)
    }

    fn recording(&self, step: &Entry) -> String {
        format!("{}/{}", self.outline.name, step.key)
    }

    /// What a step says.
    pub fn step_speech(&mut self, index: StepIndex, step: &Entry, entry: &Entry, suffix: &str) -> Option<Speech> {
        let recording = format!("{}{suffix}", self.recording(step));
        self.speech(entry, &Said { recording, step: Some(index), place: &step.key, keys: None, key: &entry.key })
    }

    fn say(&mut self, index: StepIndex, step: &Entry, entry: &Entry) -> Option<StepKind> {
        let must_hear = self.truth_of(&step.value, "must_hear");
        let speech = self.step_speech(index, step, entry, "")?;
        Some(StepKind::Say { speech, must_hear })
    }

    fn play(&mut self, index: StepIndex, step: &Entry, entry: &Entry) -> Option<StepKind> {
        let must_hear = self.truth_of(&step.value, "must_hear");
        let name = self.text_of(entry, "the name of a recording")?;
        let bare = name.strip_suffix(".wav").unwrap_or(name);
        if !scalar::is_recording(name) || bare != name {
            let message = format!("`{}` is not the name of a recording", shortened(name));
            let fault = self.page.error(codes::RECORDING_NAME, entry.value.span, message);
            self.fault(if bare != name && scalar::is_recording(bare) {
                fault.remedy(format!("leave the ending away: `{bare}`"))
            } else {
                fault.remedy("names are words of letters, digits, `_`, `-` and `.`, with `/` between folders")
            });
            return None;
        }
        let outline = self.outline;
        let mut by_language = Vec::new();
        for language in &outline.languages {
            self.note_missing(language, name, "", entry.value.span);
            let id = self.reader.recordings.ask(language, name, "", Some((self.flow, index)));
            by_language.push(vec![Piece::Prompt(id)]);
        }
        Some(StepKind::Play { speech: Speech { by_language }, must_hear })
    }

    fn set(&mut self, entry: &Entry) -> Option<StepKind> {
        let Some(entries) = entry.value.table().filter(|entries| !entries.is_empty()) else {
            self.wrong_shape(entry, "a table of names and values");
            return None;
        };
        let mut set = Vec::new();
        for entry in entries {
            if let Some(message) = values::name_fault(&entry.key) {
                let fault = self.page.error(codes::NAME, entry.key_span, message);
                self.fault(fault);
            }
            let value = values::literal(&entry.value);
            let fault = match &value {
                None => Some(format!(
                    "`{}` takes a text, a number, `true` or `false`, and this is {}",
                    shortened(&entry.key),
                    entry.value.described()
                )),
                Some(Value::Text(text)) if text.len() > MAX_VALUE => {
                    Some(format!("a value has at most {MAX_VALUE} characters"))
                }
                Some(Value::Text(text)) if text.contains(['{', '}']) => {
                    Some("`set` takes fixed values, without placeholders".to_owned())
                }
                Some(Value::Text(text)) if text.contains(['/', '\\']) || text.chars().any(char::is_control) => {
                    Some("a value has no `/`, no `\\` and no line breaks".to_owned())
                }
                Some(_) => None,
            };
            if let Some(message) = fault {
                let fault = self.page.error(codes::WRONG_VALUE, entry.place(), message);
                self.fault(fault);
            }
            set.extend(value.map(|value| (Arc::from(entry.key.as_str()), value)));
        }
        Some(StepKind::Set(set))
    }

    fn when(&mut self, step: &Entry, entry: &Entry) -> Option<StepKind> {
        let condition = self.condition(entry);
        let then = self.target_of(&step.value, "then", &format!("callers for whom `{}` holds", step.key));
        if step.value.find("then").is_none() {
            let message = format!("`{}` does not say where to go when it holds", shortened(&step.key));
            let fault = self.page.error(codes::MISSING_KEY, entry.key_span, message);
            self.fault(fault.remedy("name a step: `then: ...`"));
        }
        let otherwise =
            self.target_of(&step.value, "otherwise", &format!("callers for whom `{}` does not hold", step.key));
        Some(StepKind::When { condition: condition?, then: then?, otherwise })
    }

    fn hours(&mut self, step: &Entry, entry: &Entry) -> Option<StepKind> {
        let open = self.target_of(&step.value, "open", "callers who come while it is open");
        let closed = self.target_of(&step.value, "closed", "callers who come while it is closed");
        if step.value.find("open").is_none() && step.value.find("closed").is_none() {
            let message = format!("`{}` goes the same way, open or closed", shortened(&step.key));
            let fault = self.page.error(codes::MISSING_KEY, entry.key_span, message);
            self.fault(fault.remedy("name steps: `open: ...` and `closed: ...`"));
        }
        let name = self.text_of(entry, "the name of hours")?;
        let Some(hours) = self.reader.values.hours.find(name) else {
            if !self.reader.faults.are_full() {
                let fault = no_such_hours(self.page, name, entry.value.span, &self.reader.values.hours);
                self.fault(fault.consequence("callers would have nowhere to go"));
            }
            return None;
        };
        Some(StepKind::Hours { hours, open, closed })
    }

    /// A condition, with its names and kinds checked.
    pub fn condition(&mut self, entry: &Entry) -> Option<Condition> {
        let text = match entry.value.text() {
            Some(text) if entry.value.plain().and_then(scalar::truth).is_none() => text,
            Some(_) => {
                let fault = self.page.error(codes::CONDITION, entry.place(), "this condition is always the same");
                self.fault(fault);
                return None;
            }
            None => {
                self.wrong_shape(entry, "a condition such as `tier is 'gold'`");
                return None;
            }
        };
        let condition = match Condition::parse(text) {
            Ok(condition) => condition,
            Err(fault) => {
                let place = self.place_in(&entry.value, fault.range);
                let told = self.page.error(codes::CONDITION, place, fault.message);
                self.fault(match fault.remedy {
                    Some(remedy) => told.remedy(remedy),
                    None => told,
                });
                return None;
            }
        };
        for (name, range) in condition.names() {
            let place = self.place_in(&entry.value, range);
            let fault = match self.reader.values.read(name) {
                Known::Set(_) | Known::BuiltIn(_) => continue,
                Known::Later => {
                    self.page.error(codes::NOT_AVAILABLE, place, format!("`{name}` is not available in this version"))
                }
                Known::Nothing => {
                    let fault = self.reader.values.no_such_value(self.page, name, place);
                    let fault = match name.contains('.') {
                        true => fault,
                        false => fault.or_remedy(&format!("a text stands in quotes: '{}'", shortened(name))),
                    };
                    fault.consequence("this would never hold")
                }
            };
            self.fault(fault);
        }
        for fault in condition.unlike(&|name| self.reader.values.kinds(name)) {
            let place = self.place_in(&entry.value, fault.range);
            let told =
                self.page.error(codes::CONDITION_TYPES, place, fault.message).consequence("this would never hold");
            self.fault(match fault.remedy {
                Some(remedy) => told.remedy(remedy),
                None => told,
            });
        }
        Some(condition)
    }

    fn language(&mut self, entry: &Entry) -> Option<StepKind> {
        let code = self.text_of(entry, "one of the flow's languages")?;
        let Some(position) = self.outline.languages.iter().position(|language| **language == *code) else {
            self.no_such_language(code, entry.value.span);
            return None;
        };
        Some(StepKind::Language(LanguageIndex(u8::try_from(position).expect("languages are limited"))))
    }

    fn other_flow(&mut self, entry: &Entry) -> Option<StepKind> {
        let name = self.text_of(entry, "the name of a flow")?;
        let Some(flow) = find_flow(self.reader.outlines, name) else {
            let fault =
                self.page.error(codes::NO_SUCH_FLOW, entry.value.span, format!("no flow named `{}`", shortened(name)));
            let names = self.reader.outlines.iter().map(|outline| &*outline.name);
            self.fault(fault.meant(name, names).consequence("callers would have nowhere to go"));
            return None;
        };
        Some(StepKind::Flow(flow))
    }

    fn queue(&mut self, step: &Entry, entry: &Entry) -> Option<StepKind> {
        let (queue, skills, priority, mut wish) = self.queue_asked(step, entry)?;
        wish.last_agent_for = step.value.find("prefer").and_then(|entry| self.prefer(entry));
        Some(StepKind::Queue { queue, skills, priority, wish })
    }

    fn callback(&mut self, step: &Entry, entry: &Entry) -> Option<StepKind> {
        let (queue, skills, priority, wish) = self.queue_asked(step, entry)?;
        let who = format!("callers who are not called back in `{}`", step.key);
        let otherwise = self.target_of(&step.value, "otherwise", &who);
        let has_address = self.reader.queues.specs[usize::from(queue.0)].callback.dial.is_some();
        if !has_address && self.reader.known.dial_plan.is_empty() {
            let fault = no_callback(self.page, entry.place());
            self.fault(fault.consequence("callers would hear that they cannot be called back"));
        }
        Some(StepKind::Callback { queue, skills, priority, wish, otherwise })
    }

    /// The queue that a step names, what the agent must know, and how urgent it is.
    fn queue_asked(&mut self, step: &Entry, entry: &Entry) -> Option<(QueueIndex, Vec<Arc<str>>, u8, QueueWish)> {
        let mut wish = QueueWish::default();
        let priority = step.value.find("priority").and_then(|priority| match only_value(&priority.value) {
            Some(name) => {
                wish.priority_of = self.priority_of(priority, name);
                None
            }
            None => self.section().number(priority, 0..=9),
        });
        let name = self.text_of(entry, "the name of a queue");
        let queue = name.and_then(|name| {
            let queue = self.reader.queues.name(name, self.flow);
            if queue.is_none() && !self.reader.faults.are_full() {
                self.fault(no_such_queue(self.page, name, entry.value.span, &self.reader.queues));
            }
            queue
        });
        let skills = self.skills(step, queue, &mut wish);
        let priority = priority.and_then(|priority| u8::try_from(priority).ok()).unwrap_or(0);
        Some((queue?, skills, priority, wish))
    }

    /// `skill: billing`, `skills: [billing, spanish]`: what the agent must know.
    fn skills(&mut self, step: &Entry, queue: Option<QueueIndex>, wish: &mut QueueWish) -> Vec<Arc<str>> {
        let mut skills: Vec<Arc<str>> = Vec::new();
        for entry in ["skill", "skills"].iter().filter_map(|key| step.value.find(key)) {
            let nodes = match &entry.value.content {
                Content::List(nodes) => nodes.as_slice(),
                _ => std::slice::from_ref(&entry.value),
            };
            for node in nodes {
                let Some(text) = node.text() else {
                    self.wrong_shape(entry, "the name of a skill, or a list of them");
                    continue;
                };
                if let Some(name) = only_value(node) {
                    wish.skills_of.extend(self.skill_of(node, name, queue));
                    continue;
                }
                let Some(skill) = skill_name(&mut self.section(), text, node.span) else { continue };
                if skills.contains(&skill) {
                    let message = format!("`{skill}` stands here twice");
                    let fault = self.page.error(codes::DUPLICATE_KEY, node.span, message);
                    self.fault(fault);
                } else if skills.len() == AgentSpec::MOST_SKILLS {
                    let message = format!("a caller asks for at most {} skills", AgentSpec::MOST_SKILLS);
                    let fault = self.page.error(codes::TOO_LARGE, entry.key_span, message);
                    self.fault(fault);
                    break;
                } else {
                    self.tell_unskilled(queue, &skill, node.span, false);
                    skills.push(skill);
                }
            }
        }
        skills
    }

    pub(super) fn tell_unskilled(&mut self, queue: Option<QueueIndex>, skill: &str, place: Span, by_value: bool) {
        let Some(queue) = queue else { return };
        let (agents, queue) = (&self.reader.agents, &self.reader.queues.specs[usize::from(queue.0)]);
        let skills = |extension: &str| agents.find(extension).into_iter().flat_map(|agent| &agent.skills);
        let known: BTreeSet<&str> =
            queue.agents.iter().flat_map(|(extension, _)| skills(extension)).map(|(skill, _)| &**skill).collect();
        // Of a queue without agents that is told already.
        if known.contains(skill) || queue.agents.is_empty() {
            return;
        }
        let message = format!("nobody who answers `{}` has the skill `{skill}`", queue.name);
        let fault = self.page.warning(codes::NO_SUCH_SKILL, place, message).meant(skill, known);
        let fault = fault.or_remedy(&format!("give it to an agent: `skills: [{skill}]`"));
        let consequence = match queue.relax_after {
            _ if by_value => "callers of this value would be answered by anybody",
            Some(_) => "callers would wait until the queue's `relax_after` for anybody to answer",
            None => "callers would wait, and nobody would answer",
        };
        self.fault(fault.consequence(consequence));
    }

    fn hang_up(&mut self, index: StepIndex, step: &Entry, entry: &Entry) -> Option<StepKind> {
        if let Content::Nothing = entry.value.content {
            return Some(StepKind::HangUp { speech: None });
        }
        let speech = self.step_speech(index, step, entry, "")?;
        Some(StepKind::HangUp { speech: Some(speech) })
    }
}
