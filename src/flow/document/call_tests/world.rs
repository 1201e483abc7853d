//! How the world stands in a call test: agents, callers who wait, hours that are switched.

use std::sync::Arc;

use super::TestReader;
use super::habits::{self, EXAMPLES, TELEPHONE_EXAMPLES};
use crate::flow::call_test::{Change, Habit};
use crate::flow::document::codes;
use crate::flow::document::diagnostic::{Span, listed, nearest, shortened};
use crate::flow::document::tree::{Content, Entry, Node};
use crate::flow::{AgentSpec, FlowSet, QueueIndex};

/// What is told of those who wait.
pub(in crate::flow::document) const WAITING_KEYS: [&str; 3] = ["callers", "skill", "priority"];

/// Who does something, and how that is read.
struct Who {
    name: &'static str,
    read: fn(&str) -> Result<Vec<Habit>, &str>,
    examples: &'static [&'static str],
}

const AGENTS: Who = Who { name: "agent", read: habits::habits, examples: &EXAMPLES };
const TELEPHONES: Who = Who { name: "telephone", read: habits::telephone_habits, examples: &TELEPHONE_EXAMPLES };

/// Most callers who wait in a queue when a test begins.
pub(super) const MOST_WAITING: u32 = 1_000;

impl TestReader<'_, '_> {
    /// `agents: {1001: busy for 6m, 1002: logged out}`, or `agents: logged out` for all of them.
    pub(super) fn agents(&mut self, entry: &Entry, changes: &mut Vec<Change>) {
        let Some(entries) = entry.value.table() else {
            if let Some(habits) = self.habits(&entry.value, entry.key_span, &AGENTS) {
                changes.push(Change::Agent(None, habits));
            }
            return;
        };
        for entry in entries {
            let agent = self.set.agents.iter().find(|agent| *agent.extension == *entry.key);
            let Some(agent) = agent.map(|agent| agent.extension.clone()) else {
                self.no_such_agent(&entry.key, entry.key_span);
                continue;
            };
            if let Some(habits) = self.habits(&entry.value, entry.key_span, &AGENTS) {
                changes.push(Change::Agent(Some(agent), habits));
            }
        }
    }

    /// `telephones: {"+442079460000": busy, "sip:reception@192.0.2.7": answers after 3s}`.
    pub(super) fn telephones(&mut self, entry: &Entry, changes: &mut Vec<Change>) {
        for entry in self.section.table(entry, "a table such as `{\"+442079460000\": busy}`").unwrap_or(&[]) {
            let Some(name) = self.telephone(&entry.key, entry.key_span) else { continue };
            if let Some(habits) = self.habits(&entry.value, entry.key_span, &TELEPHONES) {
                changes.push(Change::Telephone(name, habits));
            }
        }
    }

    /// The number or the address, if a step calls it.
    pub(super) fn telephone(&mut self, name: &str, span: Span) -> Option<Arc<str>> {
        let called: Vec<Arc<str>> = self.set.telephones().cloned().collect();
        let found = called.iter().find(|called| ***called == *name).cloned();
        if found.is_none() {
            let message = format!("`{}` is no telephone to which a step passes callers on", shortened(name));
            let fault = self.section.page.error(codes::NO_SUCH_TELEPHONE, span, message);
            let there = if self.set.agents.iter().any(|agent| *agent.extension == *name) {
                "it is an agent's: write `agents`".to_owned()
            } else if called.is_empty() {
                "no step passes callers on to a number or an address".to_owned()
            } else {
                format!("steps pass them on to {}", listed(called.iter().take(8).map(|name| &**name)))
            };
            self.section.fault(fault.meant(name, called.iter().map(|name| &**name)).or_remedy(&there));
        }
        found
    }

    /// What is told of an extension that nobody has.
    pub(super) fn no_such_agent(&mut self, name: &str, span: Span) {
        let page = self.section.page;
        let fault = if habits::habit(name).is_some() {
            let message = format!("`{}` stands here as an extension", shortened(name));
            let fault = page.error(codes::NO_SUCH_AGENT, span, message);
            fault.remedy("within braces a comma begins a new entry: write `1001: [ready, answers after 3s]`")
        } else {
            let fault =
                page.error(codes::NO_SUCH_AGENT, span, format!("no agent has the extension `{}`", shortened(name)));
            let known = |agent: &AgentSpec| agent.extension.clone();
            let known: Vec<Arc<str>> = self.set.agents.iter().map(known).collect();
            let remedy = match known.is_empty() {
                true => "there are no agents".to_owned(),
                false => {
                    format!("there are {}", listed(known.iter().take(8).map(|name| &**name)).replace(" or ", " and "))
                }
            };
            fault.meant(name, known.iter().map(|name| &**name)).or_remedy(&remedy)
        };
        self.section.fault(fault);
    }

    fn habits(&mut self, node: &Node, key: Span, who: &Who) -> Option<Vec<Habit>> {
        let phrases = match &node.content {
            Content::List(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut found = Vec::new();
        for node in phrases {
            let place = if node.is_nothing() { key } else { node.span };
            match node.text().map(who.read) {
                Some(Ok(habits)) => found.extend(habits),
                other => {
                    let phrase = match other {
                        Some(Err(phrase)) => phrase,
                        _ => node.described(),
                    };
                    let message = format!("no {} does `{}`", who.name, shortened(phrase));
                    let fault = self.section.page.error(codes::HABIT, place, message);
                    let examples = || who.examples.iter().copied();
                    let all = format!("{}s do {}", who.name, listed(examples()));
                    self.section.fault(fault.meant(phrase, examples()).or_remedy(&all));
                    return None;
                }
            }
        }
        Some(found)
    }

    /// `waiting: {support: 4}`, or with more: `waiting: {support: {callers: 4, skill: billing, priority: 2}}`.
    pub(super) fn waiting(&mut self, entry: &Entry, changes: &mut Vec<Change>) {
        for entry in self.section.table(entry, "a table such as `{support: 4}`").unwrap_or(&[]) {
            let Some(queue) = self.queue(entry.key_span, &entry.key) else { continue };
            let limits = 0..=MOST_WAITING;
            let (callers, skills, priority) = match entry.value.table() {
                None => (self.section.number(entry, limits), Vec::new(), 0),
                Some(entries) => {
                    self.section.tell_unknown(entries, &WAITING_KEYS, "those who wait");
                    let callers = entry.value.find("callers");
                    if callers.is_none() {
                        let message = "this does not tell how many wait".to_owned();
                        self.fault(codes::MISSING_KEY, entry.key_span, message, "add `callers: 4`");
                    }
                    let callers = callers.and_then(|callers| self.section.number(callers, limits));
                    let skills = entry.value.find("skill").map(|skill| self.skills(skill)).unwrap_or_default();
                    let priority = entry.value.find("priority");
                    let priority = priority.and_then(|priority| self.section.number(priority, 0..=9)).unwrap_or(0);
                    (callers, skills, u8::try_from(priority).expect("it is at most 9"))
                }
            };
            if let Some(callers) = callers {
                changes.push(Change::Waiting { queue, callers, skills, priority });
            }
        }
    }

    /// The queue of a name.
    pub(super) fn queue(&mut self, span: Span, name: &str) -> Option<QueueIndex> {
        let found = queue_named(self.set, name);
        if found.is_none() {
            let names: Vec<&str> = self.set.queues.iter().map(|queue| &*queue.name).collect();
            let fault =
                self.section.page.error(codes::NO_SUCH_QUEUE, span, format!("no queue named `{}`", shortened(name)));
            let there = match names.is_empty() {
                true => "there are no queues".to_owned(),
                false => format!("there are {}", listed(names.iter().copied().take(8)).replace(" or ", " and ")),
            };
            self.section.fault(fault.meant(name, names).or_remedy(&there));
        }
        found
    }

    /// A skill, or a list of them; each is one that some agent has or some step asks for.
    pub(super) fn skills(&mut self, entry: &Entry) -> Vec<Arc<str>> {
        let nodes = match &entry.value.content {
            Content::List(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        let mut skills: Vec<Arc<str>> = Vec::new();
        for node in nodes {
            let Some(name) = node.text() else {
                self.section.wrong_shape(entry, "a skill, or a list of skills");
                continue;
            };
            if name == "none" {
                continue;
            }
            let had = || self.set.agents.iter().flat_map(|agent| &agent.skills).map(|(name, _)| &**name);
            let steps = || self.set.flows.iter().flat_map(|flow| &flow.steps);
            let known = || had().chain(steps().flat_map(|step| step.kind.skills()).map(|name| &**name));
            match known().any(|known| known == name) {
                true => skills.push(Arc::from(name)),
                false => {
                    let fault = self.section.page.error(
                        codes::NO_SUCH_SKILL,
                        node.span,
                        format!("nobody has the skill `{}`, and no step asks for it", shortened(name)),
                    );
                    let near = nearest(name, known()).map(|near| format!("did you mean `{near}`?"));
                    self.section.fault(match near {
                        Some(near) => fault.remedy(near),
                        None => fault,
                    });
                }
            }
        }
        skills.sort();
        skills.dedup();
        skills
    }

    /// `hours: {office: closed}`.
    pub(super) fn hours(&mut self, entry: &Entry, changes: &mut Vec<Change>) {
        for entry in self.section.table(entry, "a table such as `{office: closed}`").unwrap_or(&[]) {
            let Some(hours) = self.set.find_hours(&entry.key) else {
                let names: Vec<&str> = self.set.hours.iter().map(|hours| &*hours.name).collect();
                let message = format!("no hours named `{}`", shortened(&entry.key));
                let fault = self.section.page.error(codes::NO_SUCH_HOURS, entry.key_span, message);
                let there = match names.is_empty() {
                    true => "there are no hours".to_owned(),
                    false => format!("there are {}", listed(names.iter().copied().take(8)).replace(" or ", " and ")),
                };
                self.section.fault(fault.meant(&entry.key, names).or_remedy(&there));
                continue;
            };
            let words = [("open", Some(true)), ("closed", Some(false)), ("as written", None)];
            if let Some(switch) = self.section.word(entry, &words) {
                changes.push(Change::Hours(hours.name.clone(), switch));
            }
        }
    }
}

/// The queue of this name.
pub(crate) fn queue_named(set: &FlowSet, name: &str) -> Option<QueueIndex> {
    let place = set.queues.iter().position(|queue| &*queue.name == name)?;
    u16::try_from(place).ok().map(QueueIndex)
}
