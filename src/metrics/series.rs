//! Series that are there at zero before anything is counted. Those of a large set of flows are many: any thread can make
//! them, so that the one that acts for callers need not.

use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec};

use super::LOOKUP_OUTCOMES;
use super::surveys::{KnownQuestion, SurveyMetrics};
use super::tapes::MESSAGE_OUTCOMES;
use crate::journal::StepName;

/// A handle to what has series by names of the flows.
#[derive(Clone)]
pub struct Series {
    pub(super) entries: IntCounterVec,
    pub(super) exits: IntCounterVec,
    pub(super) missing: IntCounterVec,
    pub(super) runaways: IntCounterVec,
    pub(super) lookups: IntCounterVec,
    pub(super) lookup_seconds: HistogramVec,
    pub(super) resting: IntGaugeVec,
    pub(super) messages: IntCounterVec,
    pub(super) messages_waiting: IntGaugeVec,
    pub(super) surveys: SurveyMetrics,
}

impl Series {
    /// Makes the series of a step, before the first caller comes to it: with the ways in which it can be left and the
    /// languages in which it may miss a recording.
    pub fn know_step<'a>(
        &self,
        step: &StepName,
        exits: impl IntoIterator<Item = &'a str>,
        languages: impl IntoIterator<Item = &'a str>,
    ) {
        self.runaways.with_label_values(&[&*step.flow]);
        self.entries.with_label_values(&[&*step.flow, &*step.step]);
        for language in languages {
            self.missing.with_label_values(&[&*step.flow, &*step.step, language]);
        }
        for exit in exits {
            self.exits.with_label_values(&[&*step.flow, &*step.step, exit]);
        }
    }

    /// Makes the series of a mailbox.
    pub fn know_mailbox(&self, mailbox: &str) {
        for outcome in MESSAGE_OUTCOMES {
            self.messages.with_label_values(&[mailbox, outcome]);
        }
        for state in ["new", "heard"] {
            self.messages_waiting.with_label_values(&[mailbox, state]);
        }
    }

    /// Makes the series of a connector.
    pub fn know_connector(&self, connector: &str) {
        for outcome in LOOKUP_OUTCOMES {
            self.lookups.with_label_values(&[connector, outcome]);
        }
        self.lookup_seconds.with_label_values(&[connector]);
        self.resting.with_label_values(&[connector]);
    }

    /// Makes the series of a survey for callers of this queue; an empty name for who comes from none.
    pub fn know_survey<'a>(
        &self,
        step: &StepName,
        queue: &str,
        questions: impl IntoIterator<Item = KnownQuestion<'a>>,
    ) {
        self.surveys.know(step, queue, questions);
    }
}
