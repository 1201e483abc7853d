//! What went otherwise than a call test expects.

use crate::flow::document::{Code, Diagnostic, Severity, Span};
use crate::flow::place::Place;

/// A call test has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its stable name.
    pub code: Code,
    /// What in the test was not so.
    pub place: Place,
    /// What is wrong, in one line.
    pub message: String,
    /// What was expected, at the place.
    pub expected: String,
    /// The likely remedy, where one is known.
    pub remedy: Option<String>,
}

impl Failure {
    pub(super) fn new(
        code: Code,
        place: &Place,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) -> Box<Failure> {
        Box::new(Failure {
            code,
            place: place.clone(),
            message: message.into(),
            expected: expected.into(),
            remedy: None,
        })
    }

    pub(super) fn remedy(mut self: Box<Self>, remedy: impl Into<String>) -> Box<Failure> {
        self.remedy = Some(remedy.into());
        self
    }

    /// As it is told, in the file where the test stands.
    pub fn diagnostic(&self) -> Diagnostic {
        let told = placed(self.code, Severity::Error, &self.place, self.message.as_str()).label(self.expected.as_str());
        match &self.remedy {
            Some(remedy) => told.remedy(remedy.as_str()),
            None => told,
        }
    }
}

/// Something that is told at a place in a file.
pub(super) fn placed(code: Code, severity: Severity, place: &Place, message: impl Into<String>) -> Diagnostic {
    Diagnostic {
        span: Span::new(place.start as usize, place.end as usize),
        line: place.line as usize,
        column: place.column as usize,
        ..Diagnostic::of_file(code, severity, &*place.file, message)
    }
}
