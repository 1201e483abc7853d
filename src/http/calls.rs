//! `/api/v1/calls`: the calls in progress, one call's whole story, and hanging up.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::ask::{Question, Seen, busy};
use super::paging::Page;
use super::{View, problem, story, time};
use crate::clock::{Calendar, Moment};
use crate::journal::{CallState, STORIES_ENDED_MAX, Story};
use crate::switchboard::OperatorCommand;
use crate::telephony::{CallId, Codec};

const PATH: &str = "/api/v1/calls";

pub(super) async fn calls(State(view): State<View>, uri: Uri) -> Response {
    let page = match Page::of(&uri) {
        Ok(page) => page,
        Err(refused) => return *refused,
    };
    let after = match page.after.as_deref().map(call_id) {
        None => None,
        Some(Some(call)) => Some(call),
        Some(None) => return problem(StatusCode::BAD_REQUEST, "`after` is the `id` of a call, such as c1766000000000"),
    };
    // One more than is shown tells whether there is another part.
    let mut seen = match view.desk.ask(Question::Calls { after, count: page.limit + 1 }).await {
        Ok(seen) => seen,
        Err(busy) => return *busy,
    };
    let more = seen.len() > page.limit;
    seen.truncate(page.limit);
    let last = seen.last().filter(|_| more).map(|seen| seen.story.call.to_string());
    let (now, calendar) = (view.clock.now(), view.clock.calendar());
    let items = seen.iter().map(|seen| Value::Object(summary(seen, now, calendar))).collect();
    page.answer(PATH, items, last)
}

pub(super) async fn one_call(State(view): State<View>, Path(id): Path<String>) -> Response {
    match find(&view, &id).await {
        Ok(seen) => {
            let (now, calendar) = (view.clock.now(), view.clock.calendar());
            let mut call = summary(&seen, now, calendar);
            call.extend(story::told(&seen.story, now, calendar));
            Json(Value::Object(call)).into_response()
        }
        Err(refused) => *refused,
    }
}

pub(super) async fn hang_up(State(view): State<View>, Path(id): Path<String>) -> Response {
    match find(&view, &id).await {
        Ok(seen) if seen.story.state == CallState::Ended => {
            problem(StatusCode::NOT_FOUND, "this call has ended; GET its address for how")
        }
        Ok(seen) if (view.operate)(OperatorCommand::HangUp(seen.story.call)) => StatusCode::NO_CONTENT.into_response(),
        Ok(_) => busy(),
        Err(refused) => *refused,
    }
}

pub(super) async fn find(view: &View, id: &str) -> Result<Seen, Box<Response>> {
    if let Some(call) = call_id(id)
        && let Some(seen) = view.desk.ask(Question::Call(call)).await?.pop()
    {
        return Ok(seen);
    }
    let detail = format!(
        "no call of this id is in progress or among the last {STORIES_ENDED_MAX} that ended here; \
         /api/v1/calls lists those in progress, /api/v1/records those that are over"
    );
    Err(Box::new(problem(StatusCode::NOT_FOUND, &detail)))
}

/// The call of an `id`, written as we write it.
fn call_id(id: &str) -> Option<CallId> {
    let call = CallId(id.strip_prefix('c')?.parse().ok()?);
    (call.to_string() == id).then_some(call)
}

/// A call as the list shows it.
fn summary(seen: &Seen, now: Moment, calendar: Calendar) -> Map<String, Value> {
    let story = &seen.story;
    let Story { origin, step, state, .. } = &**story;
    let (offered, outbound) = (origin.offered(), origin.outbound());
    let first_flow = offered.and_then(|offered| offered.flow.as_ref());
    let flow = step.as_ref().map(|step| &step.flow).or(first_flow);
    let place = seen.place.as_ref();
    let ended = story.events().last().filter(|_| *state == CallState::Ended).map(|event| event.at);
    let call = json!({
        "id": story.call.to_string(),
        "direction": if outbound.is_some() { "outbound" } else { "inbound" },
        "caller": origin.caller().number.reveal(),
        "caller_name": origin.caller().name,
        "dialled": origin.dialled(),
        "callback_of": outbound.and_then(|call| call.callback_of).map(|call| call.to_string()),
        "trunk": outbound.and_then(|call| call.trunk.as_ref()),
        "flow": flow,
        "step": step.as_ref().map(|step| &step.step),
        "state": state.name(),
        "since": time(calendar, story.since),
        "queue": place.map(|place| &place.queue).or(story.queue.as_ref()),
        "position": place.map(|place| place.position),
        "wait": place.map(|place| now.since(place.since).as_secs_f64()),
        "agent": story.agent,
        "ringing": story.rings,
        "recording": story.recording.as_ref().map(|(name, paused)| {
            json!({"id": name, "state": if *paused { "paused" } else { "recording" }})
        }),
        "codec": story.codec.map(Codec::encoding),
        "source": offered.map(|offered| offered.source.to_string()),
        "transport": offered.map(|offered| offered.transport.to_string()),
        "started": time(calendar, story.began),
        "duration": ended.unwrap_or(now).since(story.began).as_secs_f64(),
    });
    match call {
        Value::Object(call) => call,
        _ => Map::new(),
    }
}
