//! `/api/v1/hours`: whether what is open, why, and when that changes; and a switch for it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::busy;
use super::{View, problem};
use crate::flow::hours::Why;
use crate::flow::{FlowSet, Hours, Switch, Switches};
use crate::switchboard::OperatorCommand;

const NO_SUCH_HOURS: &str = "there are no hours of this name";

/// What hours are switched by.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    state: String,
    until: Option<Timestamp>,
}

pub(super) async fn all(State(view): State<View>) -> Response {
    let (flows, switches) = known(&view);
    let now = Timestamp::now();
    let items: Vec<Value> = flows.hours.iter().map(|hours| shown(hours, &switches, now)).collect();
    Json(json!({"items": items, "next": null})).into_response()
}

pub(super) async fn one(State(view): State<View>, Path(name): Path<String>) -> Response {
    let (flows, switches) = known(&view);
    match flows.find_hours(&name) {
        Some(hours) => Json(shown(hours, &switches, Timestamp::now())).into_response(),
        None => problem(StatusCode::NOT_FOUND, NO_SUCH_HOURS),
    }
}

/// Opens or closes whatever is written: until the day ends in the hours' zone, or until the time given.
pub(super) async fn set_state(
    State(view): State<View>,
    Path(name): Path<String>,
    wanted: Result<Json<Wanted>, axum::extract::rejection::JsonRejection>,
) -> Response {
    let Wanted { state, until } = match wanted {
        Ok(Json(wanted)) => wanted,
        Err(wrong) => {
            // 400 for what is no JSON, 413 and 415 as they say, 422 for JSON that is not this.
            let detail = "hours are switched by JSON such as {\"state\": \"closed\", \"until\": \"2026-12-24T18:00:00Z\"}, sent as Content-Type: application/json";
            return problem(wrong.status(), detail);
        }
    };
    let (flows, _) = known(&view);
    let Some(hours) = flows.find_hours(&name) else { return problem(StatusCode::NOT_FOUND, NO_SUCH_HOURS) };
    let now = Timestamp::now();
    let until = until.unwrap_or_else(|| hours.end_of_day(now));
    let switch = match state.as_str() {
        "as_written" => None,
        "open" | "closed" if until <= now => {
            return problem(StatusCode::UNPROCESSABLE_ENTITY, "`until` is over already");
        }
        "open" => Some(Switch { open: true, until }),
        "closed" => Some(Switch { open: false, until }),
        _ => {
            let detail = "a state that can be set is `open`, `closed` or `as_written`";
            return problem(StatusCode::UNPROCESSABLE_ENTITY, detail);
        }
    };
    if (view.operate)(OperatorCommand::SwitchHours { name: hours.name.clone(), switch }) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        busy()
    }
}

fn known(view: &View) -> (Arc<FlowSet>, Arc<Switches>) {
    let snapshot = view.snapshot.borrow();
    snapshot.as_ref().map(|snapshot| (snapshot.flows.clone(), snapshot.switches.clone())).unwrap_or_default()
}

fn shown(hours: &Hours, switches: &Switches, now: Timestamp) -> Value {
    let switch = switches.of(&hours.name, now);
    let standing = hours.standing(now, switch);
    json!({
        "name": &*hours.name,
        "time_zone": hours.zone.iana_name(),
        "open": standing.open,
        "why": match standing.why {
            Why::Week => "week",
            Why::Holiday(_) => "holiday",
            Why::OtherTimes(_) => "except",
            Why::Switched => "switched",
        },
        "next": standing.next.map(|next| next.to_string()),
        "switched_until": switch.map(|switch| switch.until.to_string()),
    })
}
