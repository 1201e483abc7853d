//! `agents:`: who answers, by extension.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Known;
use super::codes;
use super::diagnostic::{Faults, Page, Span, listed, shortened};
use super::environment;
use super::flow::place_in;
use super::outline::Outline;
use super::scalar;
use super::section::Section;
use super::tree::{Content, Entry, Node};
use crate::flow::AgentSpec;

/// Most agents.
pub const MAX_AGENTS: usize = 10_000;
/// Longest name of an agent, in characters.
pub const MAX_AGENT_NAME: usize = 64;
/// Longest password, in bytes.
pub const MAX_PASSWORD: usize = 128;
/// How well somebody knows what is written without a level.
pub const USUAL_LEVEL: u8 = 5;
/// The best.
pub const BEST_LEVEL: u8 = 9;

pub(super) const KEYS: [&str; 4] = ["name", "password", "skills", "language"];
/// What agents hear where there is no flow whose language it could be.
const USUAL_LANGUAGE: &str = "en";

/// The agents of all files, and where each is written.
#[derive(Debug, Default)]
pub(super) struct Agents {
    pub specs: Vec<AgentSpec>,
    /// The file and the place of each.
    pub places: Vec<(usize, Span)>,
    index: BTreeMap<Arc<str>, usize>,
    /// What agents can hear: the languages of all flows, the first flow's first one before all.
    languages: Vec<Arc<str>>,
}

impl Agents {
    /// Reads the agents of every file.
    pub fn read(
        pages: &[Page<'_>],
        trees: &[Option<Node>],
        outlines: &[Outline<'_>],
        known: &Known<'_>,
        faults: &mut Faults,
    ) -> Agents {
        let languages = outlines.iter().flat_map(|outline| outline.languages.iter().cloned()).collect();
        let mut agents = Agents { languages, ..Agents::default() };
        for (index, (page, tree)) in pages.iter().zip(trees).enumerate() {
            let Some(entry) = tree.as_ref().and_then(|root| root.find("agents")) else { continue };
            let mut section = Section { page, faults };
            for agent in section.table(entry, "a table of extensions and agents").unwrap_or(&[]) {
                agents.add(pages, &mut section, (index, agent), known);
            }
        }
        agents
    }

    /// The languages in which agents are spoken to.
    pub fn languages(&self) -> BTreeSet<Arc<str>> {
        self.specs.iter().map(|agent| agent.language.clone()).collect()
    }

    /// The agent with this extension.
    pub fn find(&self, extension: &str) -> Option<&AgentSpec> {
        self.index.get(extension).map(|place| &self.specs[*place])
    }

    fn add(
        &mut self,
        pages: &[Page<'_>],
        section: &mut Section<'_, '_>,
        (file, entry): (usize, &Entry),
        known: &Known<'_>,
    ) {
        let page = section.page;
        let extension = entry.key.as_str();
        if !is_extension(extension) {
            let message = format!("`{}` cannot be an extension", shortened(extension));
            let fault = page.error(codes::EXTENSION, entry.key_span, message);
            section.fault(fault.remedy("an extension has 2 to 32 digits, letters, `.`, `_` or `-`"));
        }
        if let Some(first) = self.index.get(extension) {
            let (first_file, span) = self.places[*first];
            let first_page = &pages[first_file];
            let (line, _) = first_page.line_and_column(span.start);
            let message = format!("there are two agents with the extension `{}`", shortened(extension));
            let fault = page.error(codes::DUPLICATE_AGENT, entry.key_span, message);
            return section.fault(fault.label(format!("the first is in {}:{line}", first_page.source.file)));
        }
        if self.specs.len() == MAX_AGENTS {
            let message = format!("there are more than {MAX_AGENTS} agents");
            let fault = page.error(codes::TOO_LARGE, entry.key_span, message);
            return section.fault(fault);
        }
        let agent = agent(section, entry, &self.languages, known);
        self.index.insert(agent.extension.clone(), self.specs.len());
        self.specs.push(agent);
        self.places.push((file, entry.key_span));
    }
}

fn agent(section: &mut Section<'_, '_>, entry: &Entry, languages: &[Arc<str>], known: &Known<'_>) -> AgentSpec {
    let extension: Arc<str> = Arc::from(entry.key.as_str());
    let entries = section.table(entry, "a table such as `{name: Ada}`").unwrap_or(&[]);
    section.tell_unknown(entries, &KEYS, "an agent");
    let name = entry.value.find("name").and_then(|name| agent_name(section, name));
    let password = entry.value.find("password").and_then(|password| agent_password(section, password, known));
    let skills = entry.value.find("skills").map(|skills| agent_skills(section, skills)).unwrap_or_default();
    let language = entry.value.find("language").and_then(|language| agent_language(section, language, languages));
    let language = language.or_else(|| languages.first().cloned()).unwrap_or_else(|| Arc::from(USUAL_LANGUAGE));
    AgentSpec { name: name.unwrap_or_else(|| extension.clone()), extension, password, skills, language }
}

/// One of the languages that a flow speaks: what agents hear is recorded in those.
fn agent_language(section: &mut Section<'_, '_>, entry: &Entry, languages: &[Arc<str>]) -> Option<Arc<str>> {
    let code = section.text(entry, "a language such as `en`")?;
    let found = languages.iter().find(|language| ***language == *code).cloned();
    if found.is_none() {
        let known: BTreeSet<&str> = languages.iter().map(|language| &**language).collect();
        let message = format!("no flow speaks `{}`", shortened(code));
        let fault = section.page.error(codes::NO_SUCH_LANGUAGE, entry.place(), message);
        let remedy = format!("they speak {}", listed(known.iter().copied()).replace(" or ", " and "));
        let fault = fault.meant(code, known).or_remedy(&remedy);
        section.fault(fault.consequence("this agent would not understand what they are told"));
    }
    found
}

fn agent_name(section: &mut Section<'_, '_>, entry: &Entry) -> Option<Arc<str>> {
    let name = section.text(entry, "a name")?.trim();
    if name.is_empty() || name.chars().count() > MAX_AGENT_NAME || name.chars().any(char::is_control) {
        let message = format!("an agent's name has 1 to {MAX_AGENT_NAME} characters, in one line");
        let fault = section.page.error(codes::NAME, entry.place(), message);
        section.fault(fault);
        return None;
    }
    Some(Arc::from(name))
}

/// An empty password is none: one is generated then.
fn agent_password(section: &mut Section<'_, '_>, entry: &Entry, known: &Known<'_>) -> Option<Arc<str>> {
    let text = section.text(entry, "a password, best as `\"${NAME}\"` from the environment")?;
    let password = match environment::expand(text, known.environment) {
        Ok(password) => password,
        Err(fault) => {
            let place = place_in(section.page, &entry.value, fault.range);
            let told = section.page.error(codes::ENVIRONMENT, place, fault.message).remedy(fault.remedy);
            section.fault(told.consequence("this agent's telephone could not register"));
            return None;
        }
    };
    if password.len() > MAX_PASSWORD || password.chars().any(char::is_control) {
        let message = format!("a password has at most {MAX_PASSWORD} characters, in one line");
        let fault = section.page.error(codes::WRONG_VALUE, entry.place(), message);
        section.fault(fault);
        return None;
    }
    (!password.is_empty()).then(|| Arc::from(password))
}

/// `[billing, {spanish: 9}]` or `{billing: 5, spanish: 9}`.
fn agent_skills(section: &mut Section<'_, '_>, entry: &Entry) -> Vec<(Arc<str>, u8)> {
    let mut skills: Vec<(Arc<str>, u8)> = Vec::new();
    for (name, span, level) in ranked(section, entry, "a list of skills", u32::from(BEST_LEVEL)) {
        if let Some(name) = skill_name(section, name, span) {
            if skills.iter().any(|(known, _)| *known == name) {
                let fault = section.page.error(codes::DUPLICATE_KEY, span, format!("`{name}` stands here twice"));
                section.fault(fault);
            } else if skills.len() == AgentSpec::MOST_SKILLS {
                let message = format!("an agent has at most {} skills", AgentSpec::MOST_SKILLS);
                let fault = section.page.error(codes::TOO_LARGE, entry.key_span, message);
                section.fault(fault);
                break;
            } else {
                skills.push((name, level.unwrap_or(USUAL_LEVEL)));
            }
        }
    }
    skills
}

/// The name of a skill; anything else is told.
pub(super) fn skill_name(section: &mut Section<'_, '_>, name: &str, span: Span) -> Option<Arc<str>> {
    if scalar::is_name(name) {
        return Some(Arc::from(name));
    }
    let message = format!("`{}` cannot be the name of a skill", shortened(name));
    let fault = section.page.error(codes::NAME, span, message);
    section.fault(match scalar::as_name(name) {
        near if scalar::is_name(&near) => fault.remedy(format!("write `{near}`")),
        _ => fault,
    });
    None
}

/// Names with numbers from 1 to 9 or without: `a`, `[a, {b: 2}]` or `{a: 1, b: 2}`.
pub(super) fn ranked<'n>(
    section: &mut Section<'_, '_>,
    entry: &'n Entry,
    wanted: &str,
    most: u32,
) -> Vec<(&'n str, Span, Option<u8>)> {
    let nodes = match &entry.value.content {
        Content::List(nodes) => nodes.as_slice(),
        Content::Nothing => &[],
        Content::Text { .. } | Content::Table(_) => std::slice::from_ref(&entry.value),
    };
    let mut found = Vec::new();
    for node in nodes {
        match &node.content {
            Content::Text { text, .. } => found.push((text.as_str(), node.span, None)),
            Content::Table(entries) => {
                for entry in entries {
                    let number = section.number(entry, 1..=most).and_then(|number| u8::try_from(number).ok());
                    found.push((entry.key.as_str(), entry.key_span, number));
                }
            }
            Content::Nothing | Content::List(_) => {
                let message = format!("`{}` takes {wanted}, and in it is {}", entry.key, node.described());
                let place = if node.is_nothing() { entry.key_span } else { node.span };
                let fault = section.page.error(codes::WRONG_SHAPE, place, message);
                section.fault(fault);
            }
        }
    }
    found
}

pub(super) fn is_extension(text: &str) -> bool {
    (2..=32).contains(&text.len())
        && text != "any"
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}
