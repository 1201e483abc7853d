//! Surveys: what callers are asked of a call, and on which scale they answer.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Speech;

/// A step that asks callers for their opinion.
#[derive(Clone, Debug)]
pub struct Survey {
    /// What is asked, in this order: 1 to [`Survey::MOST_QUESTIONS`].
    pub questions: Vec<SurveyQuestion>,
    /// What is said to who has answered something; else the phrase `survey/thanks`.
    pub thanks: Option<Speech>,
}

impl Survey {
    /// Questions of one survey.
    pub const MOST_QUESTIONS: usize = 10;
}

/// A question of a survey.
#[derive(Clone, Debug)]
pub struct SurveyQuestion {
    /// Its name in records and metrics; each once in a survey.
    pub name: Arc<str>,
    /// How it is answered.
    pub scale: Scale,
    /// The question; else the scale's own phrase. How it is answered is said after it in any case.
    pub speech: Option<Speech>,
}

/// How a question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scale {
    /// Customer satisfaction, 1 to 5: who gives 4 or 5 is content.
    Csat,
    /// Net promoter score, 0 to 10: 9 and 10 promote, 0 to 6 detract.
    Nps,
}

impl Scale {
    /// All of them.
    pub const ALL: [Scale; 2] = [Scale::Csat, Scale::Nps];

    /// Its word in flow files, records and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Scale::Csat => "csat",
            Scale::Nps => "nps",
        }
    }

    /// The answers.
    pub const fn scores(self) -> RangeInclusive<u8> {
        match self {
            Scale::Csat => 1..=5,
            Scale::Nps => 0..=10,
        }
    }

    /// The question of a language's own.
    pub const fn question(self) -> &'static str {
        match self {
            Scale::Csat => "phrases/survey/csat",
            Scale::Nps => "phrases/survey/nps",
        }
    }

    /// How it is answered, in words.
    pub const fn instruction(self) -> &'static str {
        match self {
            Scale::Csat => "phrases/survey/csat_keys",
            Scale::Nps => "phrases/survey/nps_keys",
        }
    }
}

/// How a survey went for one caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SurveyOutcome {
    /// Every question was answered.
    Complete,
    /// Some of them were.
    Partial,
    /// None was, and the caller has left one out.
    Refused,
    /// None was.
    Unanswered,
}

impl SurveyOutcome {
    /// All of them.
    pub const ALL: [SurveyOutcome; 4] =
        [SurveyOutcome::Complete, SurveyOutcome::Partial, SurveyOutcome::Refused, SurveyOutcome::Unanswered];

    /// Its word in records and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            SurveyOutcome::Complete => "complete",
            SurveyOutcome::Partial => "partial",
            SurveyOutcome::Refused => "refused",
            SurveyOutcome::Unanswered => "unanswered",
        }
    }
}
