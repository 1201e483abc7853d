//! What a story says of surveys.

use serde_json::{Value, json};

use super::Told;
use crate::journal::{SurveyEvent, SurveyNews};

pub(super) fn tell_survey(event: &SurveyEvent) -> Told {
    let place = |mut figures: Value| {
        if let Value::Object(figures) = &mut figures {
            figures.insert("flow".to_owned(), json!(event.step.flow));
            figures.insert("step".to_owned(), json!(event.step.step));
            figures.insert("queue".to_owned(), json!(event.queue));
            figures.insert("agent".to_owned(), json!(event.agent));
        }
        figures
    };
    match &event.news {
        SurveyNews::Offered => ("survey_offered", "Is asked for an opinion".to_owned(), place(json!({}))),
        SurveyNews::Answered { question, scale, score } => (
            "survey_answered",
            format!("Answers {question} with {score}"),
            place(json!({"question": question, "scale": scale, "score": score})),
        ),
        SurveyNews::Ended { outcome } => {
            ("survey_ended", format!("Is asked nothing more: {outcome}"), place(json!({"outcome": outcome})))
        }
    }
}
