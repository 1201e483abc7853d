//! Every recording that the flows can ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Known;
use super::codes;
use super::diagnostic::{Diagnostic, Faults, Severity, listed};
use crate::flow::agent_talk::{PAUSED, PAUSES, hours_recording, pause_recording, pause_text};
use crate::flow::{FlowIndex, Languages, Prompt, PromptId, StepIndex};

/// The recordings, each once.
#[derive(Debug, Default)]
pub(super) struct Recordings {
    pub prompts: Vec<Prompt>,
    pub index: BTreeMap<(Arc<str>, Arc<str>), PromptId>,
}

impl Recordings {
    /// The recording `name` in `language`, with what is said in it.
    pub fn ask(
        &mut self,
        language: &Arc<str>,
        name: &str,
        text: &str,
        step: Option<(FlowIndex, StepIndex)>,
    ) -> PromptId {
        let name: Arc<str> = Arc::from(name);
        let next = PromptId(u32::try_from(self.prompts.len()).expect("files and nodes are limited"));
        let id = *self.index.entry((language.clone(), name.clone())).or_insert(next);
        if id == next {
            self.prompts.push(Prompt { name, language: language.clone(), text: Arc::from(text), step });
        }
        id
    }

    /// Adds every phrase of the languages that the flows speak, those for agents where `agents` hear the language, and
    /// tells the missing ones once a language.
    pub fn add_phrases(
        &mut self,
        speech: &Languages,
        languages: &[Arc<str>],
        agents: &BTreeSet<Arc<str>>,
        known: &Known<'_>,
        faults: &mut Faults,
    ) {
        for language in languages {
            let mut missing = Vec::new();
            let mut phrases = speech.phrases(language);
            if agents.contains(language) {
                with_reasons(&mut phrases, known);
                phrases.extend(known.codes.hours().map(|hours| hours_recording(hours)));
            } else {
                phrases.retain(|(name, _)| !name.starts_with("phrases/agent/") && !name.starts_with(PAUSES));
            }
            let count = phrases.len();
            for (name, text) in phrases {
                if !known.has(language, &name) {
                    missing.push(name.clone());
                }
                self.ask(language, &name, &text, None);
            }
            if !missing.is_empty() {
                faults.push(phrases_missing(language, &missing, count, known));
            }
        }
    }
}

/// Of the reasons for a pause those that agents can dial; the language has a text for the usual ones.
fn with_reasons(phrases: &mut Vec<(String, String)>, known: &Known<'_>) {
    let (texts, mut others): (Vec<_>, Vec<_>) = phrases.drain(..).partition(|(name, _)| name.starts_with(PAUSES));
    let paused = others.iter().find(|(name, _)| name == PAUSED).map(|(_, text)| text.clone()).unwrap_or_default();
    for reason in known.codes.reasons() {
        let name = pause_recording(reason);
        let own = texts.iter().find(|(usual, _)| *usual == name).map(|(_, text)| text.clone());
        others.push((name, own.unwrap_or_else(|| pause_text(&paused, reason))));
    }
    *phrases = others;
}

fn phrases_missing(language: &str, missing: &[String], count: usize, known: &Known<'_>) -> Diagnostic {
    const NAMED: usize = 3;
    let files: Vec<String> =
        missing.iter().take(NAMED).map(|name| format!("{}/{language}/{name}.wav", known.folder)).collect();
    let named = listed(files.iter().map(String::as_str)).replace(" or ", " and ");
    let (those, rest) = match missing.len() {
        1 => (named, ""),
        few if few <= NAMED => (named, ""),
        _ => (files.iter().map(|file| format!("`{file}`")).collect::<Vec<_>>().join(", "), " and others"),
    };
    let message = match missing.len() {
        all if all == count => format!("none of the {count} phrases of `{language}` is recorded: {those}{rest}"),
        1 => format!("1 of the {count} phrases of `{language}` is not recorded: {those}"),
        many => format!("{many} of the {count} phrases of `{language}` are not recorded: {those}{rest}"),
    };
    Diagnostic::of_file(codes::NO_PHRASES, Severity::Warning, "", message)
        .remedy("`helpline prompts list` names them all")
        .consequence("callers would hear nothing in place of these words, and the flow would go on")
}
