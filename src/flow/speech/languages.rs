//! The languages that can be spoken: those that are built in, and those that an installation adds.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use super::Language;
use super::proof::prove;
use crate::flow::{RulesName, SpokenAs, agent_talk, document};
use crate::telephony::Digit;

/// The languages that are built in, each as its file stands there.
pub const BUILT_IN: [(&str, &str); 2] =
    [("en", include_str!("languages/en.yaml")), ("es", include_str!("languages/es.yaml"))];

/// Languages, by their tags (RFC 5646).
#[derive(Clone, Debug, PartialEq)]
pub struct Languages {
    list: Vec<Arc<Language>>,
    /// The names of rules that placeholders use.
    pub(super) names: Vec<Arc<str>>,
}

static BUILT: LazyLock<Arc<Languages>> = LazyLock::new(|| {
    let list = BUILT_IN.iter().map(|(tag, text)| Arc::new(document::built_in_language(tag, text))).collect();
    Arc::new(Languages { list, names: Vec::new() })
});

/// The sentences that Helpline says in every language, by the names of their phrases, with their English texts.
static SENTENCES: LazyLock<Vec<(Arc<str>, Arc<str>)>> = LazyLock::new(|| {
    let english = BUILT.find("en").expect("English is built in");
    let (_, said): (_, BTreeSet<String>) = prove(english);
    let by_rules = |name: &str| !name.starts_with("digit/") && said.contains(name);
    english
        .phrases
        .iter()
        .filter(|(name, _)| !by_rules(name))
        .map(|(name, text)| (name.clone(), text.clone()))
        .collect()
});

impl Default for Languages {
    fn default() -> Languages {
        Languages::clone(&BUILT)
    }
}

impl Languages {
    /// Those that are built in.
    pub fn built_in() -> Arc<Languages> {
        Arc::clone(&BUILT)
    }

    /// The sentences that Helpline says in every language, by the names of their phrases, with their English texts.
    pub(in crate::flow) fn sentences() -> &'static [(Arc<str>, Arc<str>)] {
        &SENTENCES
    }

    /// Adds a language, in place of one with the same tag.
    pub(in crate::flow) fn add(&mut self, language: Language) {
        self.list.retain(|other| other.tag != language.tag);
        self.list.push(Arc::new(language));
    }

    /// The language of a tag, or else of its primary subtag (RFC 5646, section 2.2.1): without a file of its own `en-GB` is
    /// spoken as `en`.
    pub(in crate::flow) fn find(&self, tag: &str) -> Option<&Language> {
        let primary = tag.split('-').next().unwrap_or(tag);
        let of = |wanted: &str| self.list.iter().find(|language| language.tag.eq_ignore_ascii_case(wanted));
        of(tag).or_else(|| of(primary)).map(AsRef::as_ref)
    }

    /// Every phrase of `language` with the text that is said in it, by the name of its recording without language and
    /// extension: `phrases/digit/7` says "seven". Of a language without a file these are the sentences, in English, to be
    /// said in that language.
    pub fn phrases(&self, language: &str) -> Vec<(String, String)> {
        let named = |name: &str, text: &str| (format!("phrases/{name}"), text.to_owned());
        let own = self.find(language).map(|language| &language.phrases);
        let lacking = Languages::sentences().iter().filter(|(name, _)| own.is_none_or(|own| !own.contains_key(name)));
        let lacking = lacking.map(|(name, text)| named(name, text));
        // Without rules for numbers nothing follows these.
        let lacking: Vec<_> = lacking.filter(|(name, _)| own.is_some() || !agent_talk::precedes_number(name)).collect();
        own.into_iter().flatten().map(|(name, text)| named(name, text)).chain(lacking).collect()
    }

    /// Whether a recording is a sentence for which `language` has no text of its own: what it is listed with is English.
    pub fn lacks_text(&self, language: &str, recording: &str) -> bool {
        let Some(name) = recording.strip_prefix("phrases/") else { return false };
        let sentence = Languages::sentences().iter().any(|(sentence, _)| &**sentence == name);
        sentence && self.find(language).is_none_or(|language| !language.phrases.contains_key(name))
    }

    /// The names of the rules of `language`.
    pub(in crate::flow) fn rules_of(&self, language: &str) -> Vec<String> {
        let Some(language) = self.find(language) else { return Vec::new() };
        let sets = language.sets.iter().map(|set| set.name.to_string());
        sets.chain(language.counted.iter().map(|counted| counted.name.to_string())).collect()
    }

    /// Whether a value can be said so in `language`.
    pub(in crate::flow) fn can(&self, language: &str, format: SpokenAs) -> bool {
        let with = |can: &dyn Fn(&Language) -> bool| self.find(language).is_some_and(can);
        match format {
            SpokenAs::Digits | SpokenAs::Word => true,
            SpokenAs::Number => with(&|language| !language.sets.is_empty()),
            SpokenAs::Money => with(&|language| language.money.is_some()),
            SpokenAs::Day => with(&|language| language.days.is_some()),
            SpokenAs::Time => with(&|language| language.times.is_some()),
            SpokenAs::DayTime => with(&|language| language.days.is_some() && language.day_time.is_some()),
            SpokenAs::Duration => with(&|language| language.duration.is_some()),
            SpokenAs::Ruled(rules) => with(&|language| language.rules(self.rules_name(rules)).is_some()),
        }
    }

    /// The name by which a placeholder finds rules in every language.
    pub(in crate::flow) fn name_rules(&mut self, name: &str) -> RulesName {
        let place = self.names.iter().position(|known| &**known == name).unwrap_or_else(|| {
            self.names.push(name.into());
            self.names.len() - 1
        });
        RulesName(u16::try_from(place).expect("rules are limited"))
    }

    /// The rest of the line of a choice with these keys: ", press two."; a language that does not say has none.
    pub(in crate::flow) fn keys_of_choice(&self, language: &str, keys: &[Digit]) -> Option<String> {
        let line = self.find(language)?.choice.as_ref()?;
        let spoken = |key: &Digit| match key.numeral() {
            Some(numeral) => line.keys[usize::from(numeral)].clone(),
            None if *key == Digit::STAR => line.keys[10].clone(),
            None if *key == Digit::HASH => line.keys[11].clone(),
            None => key.as_char().to_string(),
        };
        let keys: Vec<String> = keys.iter().map(spoken).collect();
        Some(format!("{}{}{}", line.press, keys.join(" "), line.end))
    }
}
