//! The figures of surveys: how many answered what.

use prometheus::{IntCounterVec, Opts, Registry};

use super::registered;
use crate::journal::{StepName, SurveyEvent, SurveyNews};

/// How a survey goes, as the label `outcome` has it.
const OUTCOMES: [&str; 4] = ["complete", "partial", "refused", "unanswered"];

#[derive(Clone)]
pub(super) struct SurveyMetrics {
    surveys: IntCounterVec,
    answers: IntCounterVec,
}

/// A question that can be asked, for its series to be there from the start.
#[derive(Clone, Copy, Debug)]
pub struct KnownQuestion<'a> {
    /// Its name.
    pub question: &'a str,
    /// `csat` or `nps`.
    pub scale: &'static str,
    /// The least and the greatest answer.
    pub scores: (u8, u8),
}

impl SurveyMetrics {
    pub(super) fn new(registry: &Registry) -> SurveyMetrics {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels).expect("the name is right");
            registered(registry, counters)
        };
        SurveyMetrics {
            surveys: counters(
                "helpline_surveys_total",
                "Callers who were asked for their opinion, by how it went.",
                &["flow", "step", "queue", "outcome"],
            ),
            answers: counters(
                "helpline_survey_answers_total",
                "Answers to questions of surveys: csat has scores from 1 to 5, nps from 0 to 10.",
                &["flow", "step", "queue", "question", "scale", "score"],
            ),
        }
    }

    /// Makes the series of a survey at zero, for callers of this queue, or of none.
    pub(super) fn know<'a>(
        &self,
        step: &StepName,
        queue: &str,
        questions: impl IntoIterator<Item = KnownQuestion<'a>>,
    ) {
        for outcome in OUTCOMES {
            self.surveys.with_label_values(&[&*step.flow, &*step.step, queue, outcome]);
        }
        for KnownQuestion { question, scale, scores: (least, most) } in questions {
            for score in least..=most {
                self.answers.with_label_values(&[&*step.flow, &*step.step, queue, question, scale, &score.to_string()]);
            }
        }
    }

    pub(super) fn fold(&self, event: &SurveyEvent) {
        let (flow, step, queue) = (&*event.step.flow, &*event.step.step, event.queue.as_deref().unwrap_or(""));
        match &event.news {
            SurveyNews::Offered => {}
            SurveyNews::Answered { question, scale, score } => {
                self.answers.with_label_values(&[flow, step, queue, &**question, *scale, &score.to_string()]).inc();
            }
            SurveyNews::Ended { outcome } => self.surveys.with_label_values(&[flow, step, queue, *outcome]).inc(),
        }
    }
}
