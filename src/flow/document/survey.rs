//! The step `survey`: questions, each with a scale and perhaps a text of its own.

use std::sync::Arc;

use super::codes;
use super::diagnostic::shortened;
use super::flow::FlowReader;
use super::tree::{Content, Entry};
use super::values;
use super::words::Said;
use crate::flow::{Scale, StepIndex, StepKind, Survey, SurveyQuestion};

/// How a question is answered.
pub(super) const SCALES: [(&str, Scale); 2] = [(Scale::Csat.word(), Scale::Csat), (Scale::Nps.word(), Scale::Nps)];
/// What the table of a question has: one of them.
pub(super) const QUESTION_KEYS: [&str; 2] = [Scale::Csat.word(), Scale::Nps.word()];
/// Questions that callers answer before they hang up.
const QUESTIONS_ANSWERED: usize = 5;
/// The name of a recording of a survey that is no question.
const THANKS: &str = "thanks";

impl FlowReader<'_, '_> {
    pub(super) fn survey(&mut self, index: StepIndex, step: &Entry, entry: &Entry) -> Option<StepKind> {
        let thanks = step.value.find(THANKS);
        let thanks = thanks.and_then(|entry| self.step_speech(index, step, entry, ".thanks"));
        let questions = match &entry.value.content {
            Content::Table(entries) if !entries.is_empty() => self.questions(index, step, entry, entries),
            Content::Table(_) | Content::Nothing => {
                let message = format!("`{}` asks nothing", shortened(&step.key));
                let fault = self.page.error(codes::SURVEY_LENGTH, entry.place(), message);
                self.fault(fault.remedy("write `survey: csat`, or name questions: `survey: {helped: csat}`"));
                return None;
            }
            Content::Text { .. } => {
                let scale = self.scale(entry)?;
                vec![SurveyQuestion { name: Arc::from(scale.word()), scale, speech: None }]
            }
            Content::List(_) => {
                self.wrong_shape(entry, "`csat`, `nps` or a table of questions such as `{helped: csat}`");
                return None;
            }
        };
        // Faults of all questions have been told.
        (!questions.is_empty()).then(|| StepKind::Survey(Box::new(Survey { questions, thanks })))
    }

    fn questions(&mut self, index: StepIndex, step: &Entry, survey: &Entry, entries: &[Entry]) -> Vec<SurveyQuestion> {
        let many = entries.len();
        if many > Survey::MOST_QUESTIONS {
            let message = format!("a survey has at most {} questions, and this has {many}", Survey::MOST_QUESTIONS);
            let fault = self.page.error(codes::TOO_LARGE, survey.key_span, message);
            self.fault(fault);
        } else if many > QUESTIONS_ANSWERED {
            let message = format!("`{}` asks {many} questions", shortened(&step.key));
            let fault = self.page.warning(codes::SURVEY_LENGTH, entries[QUESTIONS_ANSWERED].key_span, message);
            let fault = fault.remedy("ask the two or three of which something follows");
            self.fault(fault.consequence("most callers would hang up before the last"));
        }
        let entries = entries.iter().take(Survey::MOST_QUESTIONS);
        entries.filter_map(|question| self.survey_question(index, step, question)).collect()
    }

    /// `helped: csat`, `helped: {csat: How well did we help you?}`, or `csat: How well did we help you?`.
    fn survey_question(&mut self, index: StepIndex, step: &Entry, entry: &Entry) -> Option<SurveyQuestion> {
        let name = entry.key.as_str();
        let taken = (name == THANKS).then(|| "`thanks` is what is said after a survey".to_owned());
        if let Some(message) = values::name_fault(name).or(taken) {
            let fault = self.page.error(codes::NAME, entry.key_span, message);
            self.fault(fault.remedy("give the question another name"));
        }
        let by_name = Scale::ALL.into_iter().find(|scale| scale.word() == name);
        let scales = |entry: &Entry| {
            let entries = entry.value.table().unwrap_or(&[]);
            entries.iter().any(|entry| QUESTION_KEYS.contains(&entry.key.as_str()))
        };
        let (scale, text) = match (&entry.value.content, by_name) {
            (Content::Text { text, .. }, _) if QUESTION_KEYS.contains(&text.as_str()) => (self.scale(entry)?, None),
            (Content::Table(entries), _) if scales(entry) => {
                self.section().tell_unknown(entries, &QUESTION_KEYS, "a question of a survey");
                let mut found =
                    Scale::ALL.into_iter().filter_map(|scale| Some((scale, entry.value.find(scale.word())?)));
                let (scale, text) = found.next()?;
                if let Some((_, other)) = found.next() {
                    let message = format!("`{}` has two scales", shortened(name));
                    let fault = self.page.error(codes::SURVEY_QUESTION, other.key_span, message);
                    self.fault(fault.remedy("make two questions of it"));
                }
                (scale, Some(text))
            }
            (Content::Nothing, Some(scale)) => (scale, None),
            (Content::Text { .. } | Content::Table(_), Some(scale)) => (scale, Some(entry)),
            _ => {
                let message = format!("`{}` does not say how it is answered", shortened(name));
                let fault = self.page.error(codes::SURVEY_QUESTION, entry.place(), message);
                let remedy = match entry.value.text() {
                    Some(text) => format!("write `{}: {{csat: {}}}`", shortened(name), shortened(text)),
                    None => format!("write `{}: {{csat: ...}}`, or `nps`", shortened(name)),
                };
                self.fault(fault.remedy(remedy + ": 1 to 5 are keyed for `csat`, 0 to 10 for `nps`"));
                return None;
            }
        };
        let speech = text.filter(|text| !text.value.is_nothing()).map(|text| {
            let recording = format!("{}/{}.{name}", self.outline.name, step.key);
            let said = Said { recording, step: Some(index), place: &step.key, keys: None, key: name };
            self.speech(text, &said)
        });
        let speech = match speech {
            Some(speech) => Some(speech?),
            None => None,
        };
        Some(SurveyQuestion { name: Arc::from(name), scale, speech })
    }

    /// A word for a scale; anything else is told.
    fn scale(&mut self, entry: &Entry) -> Option<Scale> {
        let text = entry.value.text().unwrap_or("");
        let found = SCALES.iter().find(|(word, _)| *word == text).map(|(_, scale)| *scale);
        if found.is_none() {
            let message = format!("`{}` is no way to answer", shortened(text));
            let fault = self.page.error(codes::SURVEY_QUESTION, entry.value.span, message);
            let remedy = "write `csat` for 1 to 5, `nps` for 0 to 10, or a question: `{helped: {csat: ...}}`";
            self.fault(fault.meant(text, QUESTION_KEYS).or_remedy(remedy));
        }
        found
    }
}
