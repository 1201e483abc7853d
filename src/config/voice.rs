//! `text_to_speech:`: the program that speaks drafts of recordings.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::settings::Reader;
use crate::flow::document::diagnostic::shortened;
use crate::flow::document::tree::{Content, Node};
use crate::flow::document::{codes, scalar};

pub(super) const KEYS: [&str; 4] = ["command", "voices", "at_once", "timeout"];
/// Most words of a command.
const WORDS_MAX: usize = 64;
/// How many may speak at once.
const AT_ONCE: RangeInclusive<u32> = 1..=32;
/// How long one recording may take.
const PATIENCE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);

/// The program that speaks drafts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextToSpeech {
    /// Its name and what it takes; `{text}`, `{file}`, `{voice}` and `{language}` stand for what they name. Without `{text}` it
    /// reads the text from its standard input, without `{file}` it writes the recording to its standard output. Never empty.
    pub command: Vec<String>,
    /// The voice of a language; without one the language's code.
    pub voices: BTreeMap<String, String>,
    /// How many run at once, 1 to 32; `None`: as many as there are processors, 4 at most.
    pub at_once: Option<u32>,
    /// How long one may take, 1 s to 10 min.
    pub timeout: Duration,
}

impl Default for TextToSpeech {
    fn default() -> TextToSpeech {
        let command = ["espeak-ng", "-v", "{voice}", "-s", "150", "-w", "{file}", "--", "{text}"];
        TextToSpeech {
            command: command.map(str::to_owned).to_vec(),
            voices: BTreeMap::new(),
            at_once: None,
            timeout: Duration::from_secs(60),
        }
    }
}

impl TextToSpeech {
    /// The voice that speaks a language.
    pub fn voice(&self, language: &str) -> String {
        self.voices.get(language).cloned().unwrap_or_else(|| language.to_ascii_lowercase())
    }
}

impl Reader<'_> {
    pub(super) fn text_to_speech(&mut self, root: &Node) -> TextToSpeech {
        let mut speech = TextToSpeech::default();
        let Some(section) = self.section(root, "text_to_speech", &KEYS) else { return speech };
        if let Some(entry) = section.find("command") {
            let words: Vec<String> = match &entry.value.content {
                Content::Text { .. } => {
                    let text = self.text(entry, "a command").unwrap_or_default();
                    text.split_whitespace().map(str::to_owned).collect()
                }
                Content::List(items) => {
                    items.iter().filter_map(|node| self.text_of_node(node, entry, "the words of a command")).collect()
                }
                _ => Vec::new(),
            };
            if words.is_empty() || words.len() > WORDS_MAX || words[0].is_empty() {
                let message = format!("`command` is a list of 1 to {WORDS_MAX} words, the program's name first");
                self.error(codes::WRONG_SHAPE, entry, message, "write `[espeak-ng, -w, \"{file}\", \"{text}\"]`");
            } else {
                speech.command = words;
            }
        }
        if let Some(entry) = section.find("voices") {
            let entries = match &entry.value.content {
                Content::Table(entries) => entries.as_slice(),
                Content::Nothing => &[],
                _ => {
                    let message =
                        format!("`voices` takes languages and voices, and this is {}", entry.value.described());
                    self.error(codes::WRONG_SHAPE, entry, message, "write `{en: en-gb}`");
                    &[]
                }
            };
            for entry in entries {
                if !scalar::is_language(&entry.key) {
                    let message = format!("`{}` is not the code of a language", shortened(&entry.key));
                    let fault = self.page.error(codes::LANGUAGE_CODE, entry.key_span, message);
                    self.faults.push(fault.remedy("codes look like `en`, `es` or `pt-BR`"));
                } else if let Some(voice) = self.text(entry, "the name of a voice") {
                    speech.voices.insert(entry.key.clone(), voice);
                }
            }
        }
        if let Some(entry) = section.find("at_once")
            && let Some(text) = self.text(entry, "a number")
        {
            speech.at_once = text.parse().ok().filter(|number| AT_ONCE.contains(number));
            if speech.at_once.is_none() {
                let message = format!("`at_once` is a number from {} to {}", AT_ONCE.start(), AT_ONCE.end());
                self.error(codes::WRONG_NUMBER, entry, message, "");
            }
        }
        if let Some(entry) = section.find("timeout")
            && let Some(text) = self.text(entry, "a length of time such as `60s`")
        {
            match scalar::duration(&text).filter(|timeout| PATIENCE.contains(timeout)) {
                Some(timeout) => speech.timeout = timeout,
                None => {
                    let message = format!("`{}` is no length of time from 1s to 10m", shortened(&text));
                    self.error(codes::DURATION, entry, message, "write it like `60s`");
                }
            }
        }
        speech
    }
}
