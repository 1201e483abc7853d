//! `/api/v1/flows`: what new calls follow; and `/api/v1/reload`, `/rollback` and `/revisions`, by which that is changed.

use std::pin::Pin;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::busy;
use super::{View, problem, problem_with};
use crate::flow::{Flow, FlowSet};

/// What became of reading everything again.
#[derive(Clone, Debug)]
pub enum Reloaded {
    /// New calls follow it.
    Done {
        /// Its number: that of the last one when the flow files are the same.
        revision: u32,
        /// The earlier one that was wanted back.
        back_to: Option<u32>,
        /// What callers will notice, in words.
        changes: Vec<String>,
        /// What `check` warns of.
        warnings: Vec<Value>,
        /// What else whoever asked should know.
        notes: Vec<String>,
    },
    /// There are errors; all stays as it was.
    Faulty {
        /// For people.
        text: String,
        /// For programs.
        faults: Vec<Value>,
    },
    /// It could not be read; all stays as it was. The text is a sentence without a full stop.
    Failed(String),
    /// The revision that was wanted is not kept; all stays as it was.
    NotKept,
}

/// Has everything read again, or an earlier revision taken; `None` when too many wait for that.
pub type Reload = Arc<dyn Fn(Option<u32>) -> Pin<Box<dyn Future<Output = Option<Reloaded>> + Send>> + Send + Sync>;

/// A revision that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRevision {
    /// Its number.
    pub number: u32,
    /// When it began to be used.
    pub since: Timestamp,
    /// Why, in a word.
    pub why: &'static str,
    /// Of which earlier one it is the same.
    pub back_to: Option<u32>,
}

/// The revisions that are kept, the newest first. The error finishes a sentence.
pub type ListRevisions = Arc<dyn Fn() -> Result<Vec<KeptRevision>, String> + Send + Sync>;

/// Which revision is wanted back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Back {
    revision: u32,
}

pub(super) async fn flows(State(view): State<View>) -> Response {
    let (revision, flows) = in_use(&view);
    let items: Vec<Value> = flows.flows.iter().map(|flow| shown(&flows, flow, revision)).collect();
    Json(json!({"items": items, "next": null})).into_response()
}

pub(super) async fn one_flow(State(view): State<View>, Path(name): Path<String>) -> Response {
    let (revision, flows) = in_use(&view);
    let Some(flow) = flows.flows.iter().find(|flow| *flow.name == *name) else {
        return problem(StatusCode::NOT_FOUND, "there is no flow of this name");
    };
    let mut item = shown(&flows, flow, revision);
    let steps: Vec<&str> = flow.steps.iter().map(|step| &*step.name).collect();
    item["steps"] = json!(steps);
    Json(item).into_response()
}

pub(super) async fn revisions(State(view): State<View>) -> Response {
    let (in_use, _) = in_use(&view);
    match (view.revisions)() {
        Ok(kept) => {
            let items: Vec<Value> = kept
                .iter()
                .map(|kept| {
                    json!({
                        "revision": kept.number,
                        "since": kept.since.to_string(),
                        "why": kept.why,
                        "back_to": kept.back_to,
                        "in_use": kept.number == in_use,
                    })
                })
                .collect();
            Json(json!({"items": items, "next": null})).into_response()
        }
        Err(reason) => {
            problem(StatusCode::INTERNAL_SERVER_ERROR, &format!("the revisions that are kept cannot be read: {reason}"))
        }
    }
}

pub(super) async fn reload(State(view): State<View>) -> Response {
    answered(&view, None).await
}

/// The one before the one in use, unless the body names another.
pub(super) async fn roll_back(State(view): State<View>, body: Bytes) -> Response {
    let back = (!body.is_empty()).then(|| serde_json::from_slice(&body));
    let wanted = match back {
        Some(Ok(Back { revision })) => revision,
        Some(Err(_)) => {
            let detail = "an earlier revision is named by JSON such as {\"revision\": 12}";
            return problem(StatusCode::BAD_REQUEST, detail);
        }
        None => match (view.revisions)() {
            Ok(kept) => match before(&kept, in_use(&view).0) {
                Some(number) => number,
                None => return problem(StatusCode::NOT_FOUND, &no_earlier(&kept)),
            },
            Err(reason) => {
                let detail = format!("the revisions that are kept cannot be read: {reason}");
                return problem(StatusCode::INTERNAL_SERVER_ERROR, &detail);
            }
        },
    };
    answered(&view, Some(wanted)).await
}

/// The revision that was in use before the one that is: going back twice goes back by two. One that could not be kept comes
/// after all that are.
fn before(kept: &[KeptRevision], in_use: u32) -> Option<u32> {
    let newest = kept.first()?;
    let real = newest.back_to.unwrap_or(newest.number);
    if newest.number < in_use {
        return Some(real);
    }
    kept.iter().filter(|kept| kept.back_to.is_none()).map(|kept| kept.number).find(|number| *number < real)
}

/// The files may be what went wrong since: those of the one in use can be put back.
fn no_earlier(kept: &[KeptRevision]) -> String {
    match kept.first() {
        Some(newest) => format!(
            "there is no earlier revision; `helpline rollback {number}` puts back the files of revision {number}, which is in use",
            number = newest.number
        ),
        None => "no revision is kept".to_owned(),
    }
}

async fn answered(view: &View, back_to: Option<u32>) -> Response {
    match (view.reload)(back_to).await {
        None => busy(),
        Some(Reloaded::Done { revision, back_to, changes, warnings, notes }) => Json(json!({
            "revision": revision,
            "back_to": back_to,
            "changes": changes,
            "warnings": warnings,
            "notes": notes,
        }))
        .into_response(),
        Some(Reloaded::Faulty { text, faults }) => {
            let more = json!({"faults": faults, "report": text});
            problem_with(StatusCode::UNPROCESSABLE_ENTITY, "the files have faults, and all stays as it was", more)
        }
        Some(Reloaded::Failed(reason)) => {
            let detail = format!("all stays as it was: {reason}");
            problem(StatusCode::INTERNAL_SERVER_ERROR, &detail)
        }
        Some(Reloaded::NotKept) => problem(
            StatusCode::NOT_FOUND,
            "this revision is not kept; `helpline rollback --list` and GET /api/v1/revisions tell which are",
        ),
    }
}

fn in_use(view: &View) -> (u32, Arc<FlowSet>) {
    let snapshot = view.snapshot.borrow();
    snapshot.as_ref().map(|snapshot| (snapshot.revision, snapshot.flows.clone())).unwrap_or_default()
}

fn shown(flows: &FlowSet, flow: &Flow, revision: u32) -> Value {
    let answers = |index: crate::flow::FlowIndex| *flows.flow(index).name == *flow.name;
    let mut numbers: Vec<&str> =
        flows.numbers.iter().filter(|(_, index)| answers(**index)).map(|(number, _)| number.as_str()).collect();
    if flows.any.is_some_and(answers) {
        numbers.push("any");
    }
    json!({
        "name": flow.name,
        "numbers": numbers,
        "languages": flow.languages,
        "time_zone": flow.time_zone.iana_name(),
        "start": flow.steps.get(flow.start.0 as usize).map(|step| &step.name),
        "steps_count": flow.steps.len(),
        "revision": revision,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_twice_goes_back_by_two() {
        let kept = |number: u32, back_to| KeptRevision { number, since: Timestamp::UNIX_EPOCH, why: "api", back_to };
        let check = |list: &[(u32, Option<u32>)], expected| {
            let list: Vec<_> = list.iter().map(|(number, back_to)| kept(*number, *back_to)).collect();
            let newest = list.first().map_or(0, |newest| newest.number);
            assert_eq!(before(&list, newest), expected, "{list:?}");
        };
        check(&[], None);
        check(&[(1, None)], None);
        check(&[(3, None), (2, None), (1, None)], Some(2));
        check(&[(4, Some(2)), (3, None), (2, None), (1, None)], Some(1));
        check(&[(5, Some(1)), (4, Some(2)), (3, None), (2, None), (1, None)], None);
        check(&[(6, None), (5, Some(1)), (4, Some(2)), (3, None)], Some(3));
        // The one in use could not be kept.
        assert_eq!(before(&[kept(2, None), kept(1, None)], 3), Some(2));
    }
}
