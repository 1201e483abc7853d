//! `/api/v1/voicemail` and `/api/v1/recordings`: what callers left and what was recorded, listed, played, marked and
//! deleted.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde::Deserialize;
use serde_json::{Value, json};

use super::paging::{PAGE_MAX, PAGE_USUAL};
use super::{View, audio, problem};
use crate::flow::{FlowSet, StepKind};
use crate::journal::{StoredTape, TapePage, TapeQuery};
use crate::switchboard::{OperatorCommand, RecordingWish};
use crate::telephony::{KeptTape, TapeKind};

const VOICEMAIL: &str = "/api/v1/voicemail";
const RECORDINGS: &str = "/api/v1/recordings";

/// An answer of the shelf; the error finishes a sentence.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send>>;

/// Where messages and recordings stand.
pub trait Shelf: Send + Sync {
    /// The mailboxes that have messages, with how many are new and how many were heard.
    fn mailboxes(&self) -> Answer<Vec<(String, u32, u32)>>;
    /// Some of them, the newest first.
    fn page(&self, query: TapeQuery) -> Answer<TapePage>;
    /// One by its name.
    fn find(&self, kind: TapeKind, name: String) -> Answer<Option<StoredTape>>;
    /// Notes whether a message was heard, and gives it as it is then.
    fn set_heard(&self, tape: StoredTape, heard: bool) -> Answer<Option<StoredTape>>;
    /// Deletes one.
    fn remove(&self, tape: StoredTape) -> Answer<()>;
    /// Its file.
    fn path(&self, tape: &KeptTape) -> PathBuf;
}

type Refused = Box<Response>;

/// What is said of a message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    heard: bool,
}

/// What is wanted of a recording.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Steer {
    state: String,
}

/// What can be done with one message.
pub(super) fn message_routes() -> MethodRouter<View> {
    get(message).put(mark_message).delete(delete_message)
}

pub(super) async fn mailboxes(State(view): State<View>, uri: Uri) -> Response {
    let query = match Query::of(&uri, &[]) {
        Ok(query) => query,
        Err(refused) => return *refused,
    };
    let counts = match view.shelf.mailboxes().await {
        Ok(counts) => counts,
        Err(reason) => return unreadable(&reason),
    };
    let flows = view.snapshot.borrow().as_ref().map(|snapshot| snapshot.flows.clone()).unwrap_or_default();
    let mut known: BTreeMap<String, (u32, u32)> = used(&flows).map(|mailbox| (mailbox.to_owned(), (0, 0))).collect();
    known.extend(counts.into_iter().map(|(mailbox, new, old)| (mailbox, (new, old))));
    let after = |name: &String| query.after.as_ref().is_none_or(|after| name > after);
    let mut rest = known.iter().filter(|(name, _)| after(name));
    let items: Vec<Value> = rest
        .by_ref()
        .take(query.limit)
        .map(|(mailbox, (new, old))| {
            json!({"mailbox": mailbox, "new": new, "heard": old, "agents": flows.listeners(mailbox)})
        })
        .collect();
    let last = items.last().and_then(|item| item["mailbox"].as_str()).filter(|_| rest.next().is_some());
    let next = last.map(|last| format!("{VOICEMAIL}?limit={}&after={last}", query.limit));
    Json(json!({"items": items, "next": next})).into_response()
}

/// The mailboxes for which a flow takes messages.
fn used(flows: &FlowSet) -> impl Iterator<Item = &str> {
    flows.flows.iter().flat_map(|flow| &flow.steps).filter_map(|step| match &step.kind {
        StepKind::Voicemail(voicemail) => Some(&*voicemail.mailbox),
        _ => None,
    })
}

pub(super) async fn messages(State(view): State<View>, Path(mailbox): Path<String>, uri: Uri) -> Response {
    let query = match Query::of(&uri, &["heard"]) {
        Ok(query) => query,
        Err(refused) => return *refused,
    };
    let asked = TapeQuery { mailbox: Some(mailbox.clone()), ..query.tapes(TapeKind::Message) };
    let page = match view.shelf.page(asked).await {
        Ok(page) => page,
        Err(reason) => return unreadable(&reason),
    };
    if page.tapes.is_empty() && query.before.is_none() {
        let flows = view.snapshot.borrow().as_ref().map(|snapshot| snapshot.flows.clone()).unwrap_or_default();
        let known = !flows.listeners(&mailbox).is_empty() || used(&flows).any(|used| used == mailbox);
        let stored = view.shelf.mailboxes().await;
        if !known && stored.is_ok_and(|stored| stored.iter().all(|(name, ..)| *name != mailbox)) {
            return problem(StatusCode::NOT_FOUND, "there is no mailbox of this name; /api/v1/voicemail lists them");
        }
    }
    query.answer(&format!("{VOICEMAIL}/{mailbox}"), &page)
}

async fn message(State(view): State<View>, Path((mailbox, id)): Path<(String, String)>) -> Response {
    match find_message(&view, &mailbox, id).await {
        Ok(stored) => Json(shown(&stored)).into_response(),
        Err(refused) => *refused,
    }
}

pub(super) async fn message_audio(
    State(view): State<View>,
    Path((mailbox, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    match find_message(&view, &mailbox, id).await {
        Ok(stored) => audio::serve(&view.shelf.path(&stored.tape), &stored.tape.name, &headers).await,
        Err(refused) => *refused,
    }
}

/// `{"heard": true}`, or false where it is to count as new again.
async fn mark_message(
    State(view): State<View>,
    Path((mailbox, id)): Path<(String, String)>,
    wanted: Result<Json<Mark>, JsonRejection>,
) -> Response {
    let heard = match wanted {
        Ok(Json(Mark { heard })) => heard,
        Err(wrong) => {
            let detail =
                "a message is marked by JSON such as {\"heard\": true}, sent as Content-Type: application/json";
            return problem(wrong.status(), detail);
        }
    };
    let stored = match find_message(&view, &mailbox, id).await {
        Ok(stored) => stored,
        Err(refused) => return *refused,
    };
    match view.shelf.set_heard(stored, heard).await {
        Ok(Some(stored)) => Json(shown(&stored)).into_response(),
        Ok(None) => problem(StatusCode::NOT_FOUND, "the message was deleted meanwhile"),
        Err(reason) => problem(StatusCode::SERVICE_UNAVAILABLE, &format!("the message cannot be marked: {reason}")),
    }
}

async fn delete_message(State(view): State<View>, Path((mailbox, id)): Path<(String, String)>) -> Response {
    match find_message(&view, &mailbox, id).await {
        Ok(stored) => delete(&view, stored).await,
        Err(refused) => *refused,
    }
}

async fn find_message(view: &View, mailbox: &str, id: String) -> Result<StoredTape, Refused> {
    let found = view.shelf.find(TapeKind::Message, id).await.map_err(|reason| Box::new(unreadable(&reason)))?;
    found.filter(|stored| stored.tape.label.mailbox.as_deref() == Some(mailbox)).ok_or_else(|| {
        Box::new(problem(StatusCode::NOT_FOUND, "there is no message of this id in the mailbox; its list tells which"))
    })
}

pub(super) async fn recordings(State(view): State<View>, uri: Uri) -> Response {
    let query = match Query::of(&uri, &["call"]) {
        Ok(query) => query,
        Err(refused) => return *refused,
    };
    match view.shelf.page(query.tapes(TapeKind::Conversation)).await {
        Ok(page) => query.answer(RECORDINGS, &page),
        Err(reason) => unreadable(&reason),
    }
}

pub(super) async fn recording(State(view): State<View>, Path(id): Path<String>) -> Response {
    match find_recording(&view, id).await {
        Ok(stored) => Json(shown(&stored)).into_response(),
        Err(refused) => *refused,
    }
}

pub(super) async fn recording_audio(State(view): State<View>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    match find_recording(&view, id).await {
        Ok(stored) => audio::serve(&view.shelf.path(&stored.tape), &stored.tape.name, &headers).await,
        Err(refused) => *refused,
    }
}

pub(super) async fn delete_recording(State(view): State<View>, Path(id): Path<String>) -> Response {
    match find_recording(&view, id).await {
        Ok(stored) => delete(&view, stored).await,
        Err(refused) => *refused,
    }
}

async fn find_recording(view: &View, id: String) -> Result<StoredTape, Refused> {
    let found = view.shelf.find(TapeKind::Conversation, id).await.map_err(|reason| Box::new(unreadable(&reason)))?;
    found.ok_or_else(|| {
        Box::new(problem(StatusCode::NOT_FOUND, "there is no recording of this id; /api/v1/recordings lists them"))
    })
}

async fn delete(view: &View, stored: StoredTape) -> Response {
    match view.shelf.remove(stored).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(reason) => problem(StatusCode::SERVICE_UNAVAILABLE, &format!("it cannot be deleted: {reason}")),
    }
}

/// `{"state": "paused"}`, `recording` or `stopped`: what becomes of the recording of a call that is recorded.
pub(super) async fn steer_recording(
    State(view): State<View>,
    Path(id): Path<String>,
    wanted: Result<Json<Steer>, JsonRejection>,
) -> Response {
    let wish = match wanted.as_ref().map(|Json(wanted)| wanted.state.as_str()) {
        Ok("paused") => RecordingWish::Pause,
        Ok("recording") => RecordingWish::Resume,
        Ok("stopped") => RecordingWish::Stop,
        Ok(_) => {
            let detail = "a state that can be set is `paused`, `recording` or `stopped`";
            return problem(StatusCode::UNPROCESSABLE_ENTITY, detail);
        }
        Err(wrong) => {
            let detail = "a recording is steered by JSON such as {\"state\": \"paused\"}, sent as Content-Type: application/json";
            return problem(wrong.status(), detail);
        }
    };
    let seen = match super::calls::find(&view, &id).await {
        Ok(seen) => seen,
        Err(refused) => return *refused,
    };
    if seen.story.recording.is_none() {
        let told = "the call is not recorded; only its flow can begin that, with the caller's consent";
        return problem(StatusCode::CONFLICT, told);
    }
    if !(view.operate)(OperatorCommand::Recording { call: seen.story.call, wish }) {
        return super::ask::busy();
    }
    StatusCode::NO_CONTENT.into_response()
}

fn unreadable(reason: &str) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, &format!("they cannot be read: {reason}"))
}

/// A message or a recording as it is shown.
fn shown(stored: &StoredTape) -> Value {
    let StoredTape { tape, heard } = stored;
    let label = &tape.label;
    let address = match &label.mailbox {
        Some(mailbox) => format!("{VOICEMAIL}/{mailbox}/{}", tape.name),
        None => format!("{RECORDINGS}/{}", tape.name),
    };
    let mut shown = json!({
        "id": tape.name,
        "call": label.call,
        "caller": label.caller.reveal(),
        "caller_name": label.caller_name,
        "dialled": label.dialled,
        "language": label.language,
        "started": label.started,
        "duration": tape.length.as_secs_f64(),
        "octets": tape.octets,
        "audio": format!("{address}/audio"),
    });
    if let (Some(mailbox), Some(object)) = (&label.mailbox, shown.as_object_mut()) {
        object.insert("mailbox".to_owned(), json!(mailbox));
        object.insert("heard".to_owned(), json!(heard));
        object.insert("mail".to_owned(), json!(label.mail));
    }
    shown
}

/// Which part of a list is asked for.
struct Query {
    limit: usize,
    after: Option<String>,
    before: Option<u64>,
    heard: Option<bool>,
    call: Option<String>,
    /// The same again, for the address of the next part.
    others: String,
}

impl Query {
    fn of(uri: &Uri, more: &[&str]) -> Result<Query, Refused> {
        let mut query =
            Query { limit: PAGE_USUAL, after: None, before: None, heard: None, call: None, others: String::new() };
        let refused = |detail: &str| Box::new(problem(StatusCode::BAD_REQUEST, detail));
        for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
                    query.limit = limit.ok_or_else(|| refused(&format!("`limit` is a number from 1 to {PAGE_MAX}")))?;
                }
                "after" if !value.is_empty() => {
                    query.after = Some(value.to_owned());
                    query.before = value.get(1..).and_then(|number| number.parse().ok());
                }
                "heard" if more.contains(&"heard") => {
                    query.heard = Some(value.parse().map_err(|_| refused("`heard` is true or false"))?);
                    query.others += &format!("&heard={value}");
                }
                "call" if more.contains(&"call") && value.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                    query.call = Some(value.to_owned());
                    query.others += &format!("&call={value}");
                }
                _ => {
                    let known: Vec<&str> = ["limit", "after"].into_iter().chain(more.iter().copied()).collect();
                    return Err(refused(&format!("what can be asked of this list is {}", known.join(", "))));
                }
            }
        }
        Ok(query)
    }

    fn tapes(&self, kind: TapeKind) -> TapeQuery {
        let Query { limit, before, heard, call, .. } = self;
        TapeQuery { kind, mailbox: None, call: call.clone(), heard: *heard, before: *before, limit: *limit }
    }

    fn answer(&self, path: &str, page: &TapePage) -> Response {
        let items: Vec<Value> = page.tapes.iter().map(shown).collect();
        let last = page.tapes.last().filter(|_| page.next.is_some());
        let next = last.map(|last| format!("{path}?limit={}{}&after={}", self.limit, self.others, last.tape.name));
        Json(json!({"items": items, "next": next})).into_response()
    }
}
