//! `/api/v1/queues` and `/api/v1/agents`: what the snapshot's view holds, as JSON, and an agent's state to be set.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::busy;
use super::{View, explanation, problem, time};
use crate::acd::{
    AgentCommand, AgentState, Estimate, LevelFormula, Mode, Outcome, PauseReason, Presence, QueueSnapshot,
};
use crate::clock::{Calendar, Moment};
use crate::switchboard::{self, AgentView, OperatorCommand, PlaceView, QueueView};

/// The longest reason of a pause, in characters.
const REASON_MAX: usize = 64;

pub(super) async fn queues(State(view): State<View>) -> Response {
    let seen = seen(&view).await;
    list(seen.queues.iter().map(queue))
}

pub(super) async fn one_queue(State(view): State<View>, Path(name): Path<String>) -> Response {
    match seen(&view).await.queues.iter().find(|queue| *queue.name == *name) {
        Some(found) => Json(queue(found)).into_response(),
        None => problem(StatusCode::NOT_FOUND, "there is no queue of this name"),
    }
}

pub(super) async fn agents(State(view): State<View>) -> Response {
    let (seen, calendar) = (seen(&view).await, view.clock.calendar());
    list(seen.agents.iter().map(|one| agent(one, seen.at, calendar)))
}

pub(super) async fn one_agent(State(view): State<View>, Path(extension): Path<String>) -> Response {
    let seen = seen(&view).await;
    match seen.agents.iter().find(|agent| *agent.extension == *extension) {
        Some(found) => Json(agent(found, seen.at, view.clock.calendar())).into_response(),
        None => problem(StatusCode::NOT_FOUND, NO_SUCH_AGENT),
    }
}

const NO_SUCH_AGENT: &str = "there is no agent of this extension";

/// What an agent's state is set by.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    state: String,
    reason: Option<String>,
}

/// Lets an agent be ready, pause or log out. In a call it takes effect when that ends.
pub(super) async fn set_state(
    State(view): State<View>,
    Path(extension): Path<String>,
    wanted: Result<Json<Wanted>, axum::extract::rejection::JsonRejection>,
) -> Response {
    let Wanted { state, reason } = match wanted {
        Ok(Json(wanted)) => wanted,
        Err(wrong) => {
            // 400 for what is no JSON, 413 and 415 as they say, 422 for JSON that is not this.
            let detail = "a state is set by JSON such as {\"state\": \"paused\", \"reason\": \"lunch\"}, sent as Content-Type: application/json";
            return problem(wrong.status(), detail);
        }
    };
    if !last_seen(&view).agents.iter().any(|agent| *agent.extension == *extension) {
        return problem(StatusCode::NOT_FOUND, NO_SUCH_AGENT);
    }
    // As with the code for a pause, a reason need not be given.
    let reason = reason.as_deref().map_or(switchboard::PLAIN_PAUSE, str::trim);
    let command = match state.as_str() {
        "ready" => AgentCommand::Ready,
        "logged_out" => AgentCommand::LogOut,
        "paused" if reason.is_empty() => {
            return problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                "a `reason` says something, such as \"lunch\"; without one it is \"paused\"",
            );
        }
        "paused" if reason.chars().count() > REASON_MAX || reason.chars().any(char::is_control) => {
            return problem(StatusCode::UNPROCESSABLE_ENTITY, "a `reason` is a text of 64 characters at most");
        }
        "paused" => AgentCommand::Pause(reason.into()),
        _ => {
            let detail = "a state that can be set is `ready`, `paused` or `logged_out`";
            return problem(StatusCode::UNPROCESSABLE_ENTITY, detail);
        }
    };
    let extension: Arc<str> = extension.into();
    if (view.operate)(OperatorCommand::Agent { extension, command }) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        busy()
    }
}

/// Queues and agents as they stand now: all that was posted before is in it.
async fn seen(view: &View) -> Arc<switchboard::View> {
    view.settle().await;
    last_seen(view)
}

fn last_seen(view: &View) -> Arc<switchboard::View> {
    view.snapshot.borrow().as_ref().map(|snapshot| snapshot.view.clone()).unwrap_or_default()
}

fn list(items: impl Iterator<Item = Value>) -> Response {
    Json(json!({"items": items.collect::<Vec<_>>(), "next": null})).into_response()
}

fn queue(queue: &QueueView) -> Value {
    let QueueSnapshot { figures, service_goal, .. } = queue.snapshot;
    let states = AgentState::ALL.map(AgentState::name).into_iter().zip(queue.snapshot.agents);
    let left = Outcome::ALL.map(|outcome| (outcome.name(), figures.outcome(outcome)));
    let levels = LevelFormula::ALL.map(|formula| (formula.name(), figures.service.ratio(formula)));
    json!({
        "name": queue.name,
        "callers_waiting": queue.snapshot.callers_waiting,
        "callbacks_waiting": queue.snapshot.callbacks_waiting,
        "longest_wait": queue.snapshot.longest_wait.map(|wait| wait.as_secs_f64()),
        "estimated_wait": match queue.snapshot.estimate {
            Estimate::Now => Some(0.0),
            Estimate::Unknown => None,
            Estimate::Wait(band) => Some(band.expected_seconds),
        },
        "agents": states.map(|(state, count)| (state.to_owned(), json!(count))).collect::<serde_json::Map<_, _>>(),
        "entered": figures.entered,
        "left": left.map(|(outcome, count)| (outcome.to_owned(), json!(count))).into_iter().collect::<serde_json::Map<_, _>>(),
        "service_level": {
            "goal_per_cent": service_goal.per_cent,
            "goal_within": service_goal.within.as_secs_f64(),
            "ratio": levels.map(|(formula, level)| (formula.to_owned(), json!(level))).into_iter().collect::<serde_json::Map<_, _>>(),
        },
        "answer_speed": figures.answer_speed().map(|time| time.as_secs_f64()),
        "handle_time": figures.handle_time().map(|time| time.as_secs_f64()),
        "abandonment": figures.abandonment(),
        "draining": queue.snapshot.draining,
        "line": queue.places.iter().map(place).collect::<Vec<_>>(),
    })
}

/// The moment so long before `now`.
fn ago(now: Moment, length: Duration) -> Moment {
    Moment::ZERO + now.since(Moment::ZERO + length)
}

fn place(place: &PlaceView) -> Value {
    json!({
        "position": place.snapshot.position,
        "call": place.call.map(|call| call.to_string()),
        "wait": place.snapshot.wait.as_secs_f64(),
        "mode": match place.snapshot.mode {
            Mode::Holding => "holding",
            Mode::Callback => "callback",
            Mode::Resumed => "resumed",
        },
        "ringing": place.snapshot.ringing,
    })
}

fn agent(agent: &AgentView, at: Moment, calendar: Calendar) -> Value {
    let snapshot = &agent.snapshot;
    let reason = snapshot.reason.as_ref().map(|reason| match reason {
        PauseReason::Missed => "missed",
        PauseReason::Said(reason) => reason,
    });
    json!({
        "extension": agent.extension,
        "name": agent.name,
        "state": snapshot.state.name(),
        "since": time(calendar, ago(at, snapshot.since)),
        "for": snapshot.since.as_secs_f64(),
        "reason": reason,
        "call": agent.call.map(|call| call.to_string()),
        "calls": snapshot.calls,
        "talk": snapshot.talk.as_secs_f64(),
        "occupancy": snapshot.figures.occupancy(),
        "afterwards": afterwards(&snapshot.presence, snapshot.state),
        "wrap_up": snapshot.wrap_up_left.map(|left| left.as_secs_f64()),
        "queues": agent.queues,
        "why_no_calls": explanation::word(&snapshot.why),
        "lacking_skills": agent.lacking,
        "explanation": explanation::reason(agent),
        "remedy": explanation::remedy(agent),
    })
}

/// What an agent will be once the call and its wrap-up are over, where they have asked for it already.
fn afterwards(presence: &Presence, state: AgentState) -> Option<&'static str> {
    let busy = matches!(state, AgentState::Ringing | AgentState::Talking | AgentState::Holding | AgentState::WrapUp);
    match presence {
        _ if !busy => None,
        Presence::Ready => None,
        Presence::Paused(_) => Some("paused"),
        Presence::LoggedOut => Some("logged_out"),
    }
}
