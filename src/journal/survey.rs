//! What callers think of a call, as they were asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::StepName;

/// As many surveys are recorded of one call.
pub const SURVEYS_RECORDED_MAX: usize = 20;

/// Something happened with a survey.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyEvent {
    /// The step that asks.
    pub step: StepName,
    /// The queue in which the caller had waited for the conversation before it, where there was one.
    pub queue: Option<Arc<str>>,
    /// The extension of the agent with whom it was.
    pub agent: Option<Arc<str>>,
    /// What.
    pub news: SurveyNews,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum SurveyNews {
    /// The caller is asked.
    Offered,
    /// They have answered a question.
    Answered {
        /// Its name.
        question: Arc<str>,
        /// How it is answered: `csat` or `nps`.
        scale: &'static str,
        /// 1 to 5, or 0 to 10.
        score: u8,
    },
    /// They are asked nothing more.
    Ended {
        /// `complete`, `partial`, `refused` or `unanswered`.
        outcome: &'static str,
    },
}

/// A survey that the caller was asked to answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordedSurvey {
    /// The flow.
    pub flow: Arc<str>,
    /// The step.
    pub step: Arc<str>,
    /// The queue of the conversation before it, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Arc<str>>,
    /// The extension of the agent with whom that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Arc<str>>,
    /// When it began, in seconds from the INVITE.
    pub began_seconds: f64,
    /// `complete`, `partial`, `refused` or `unanswered`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
    /// The answers by the names of their questions.
    pub answers: BTreeMap<Arc<str>, u8>,
}

impl RecordedSurvey {
    /// Adds an event that came this long after the INVITE to what is recorded of the call's surveys: what does not belong to an open
    /// one is passed over.
    pub(super) fn note(surveys: &mut Vec<RecordedSurvey>, began: Duration, event: &SurveyEvent) {
        let has_room = surveys.len() < SURVEYS_RECORDED_MAX;
        let open = surveys
            .iter_mut()
            .rev()
            .find(|open| open.outcome.is_none() && open.step == event.step.step && open.flow == event.step.flow);
        match (&event.news, open) {
            (SurveyNews::Offered, _) if has_room => surveys.push(RecordedSurvey {
                flow: event.step.flow.clone(),
                step: event.step.step.clone(),
                queue: event.queue.clone(),
                agent: event.agent.clone(),
                began_seconds: began.as_secs_f64(),
                outcome: None,
                answers: BTreeMap::new(),
            }),
            (SurveyNews::Answered { question, score, .. }, Some(open)) => {
                open.answers.insert(question.clone(), *score);
            }
            (SurveyNews::Ended { outcome }, Some(open)) => open.outcome = Some(*outcome),
            _ => {}
        }
    }
}
