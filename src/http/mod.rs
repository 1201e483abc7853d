//! What programs ask over HTTP: whether the process lives, whether it takes calls, its metrics, its calls, queues and
//! agents. It runs on a thread of its own and looks at a snapshot, so that no request can delay a call; what an operator
//! wants goes into the switchboard's inbox like everything else.

mod ask;
mod audio;
mod calls;
mod connection;
mod explanation;
mod flows;
mod hours;
mod paging;
mod queues;
mod records;
mod story;
mod tapes;

use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tracing::warn;

use crate::clock::{Calendar, Clock, Moment};
use crate::journal::{RecordPage, RecordQuery};
use crate::metrics::Exposition;
use crate::switchboard::{OperatorCommand, Snapshot};
pub use ask::{Ask, Asked, Desk, QUESTIONS_MAX, Question, Seen};
pub use connection::CONNECTIONS_MAX;
use connection::Limited;
pub use flows::{KeptRevision, ListRevisions, Reload, Reloaded};
pub use tapes::{Answer, Shelf};

/// What HTTP looks at.
#[derive(Clone)]
pub struct View {
    /// The metrics.
    pub exposition: Exposition,
    /// The state of the house; `None` until it takes calls.
    pub snapshot: watch::Receiver<Option<Snapshot>>,
    /// Required as a bearer token (RFC 6750), when there is one.
    pub token: Option<Arc<str>>,
    /// Tells the switchboard what an operator wants; false when its inbox is full.
    pub operate: Operate,
    /// Finds records of calls.
    pub records: FindRecords,
    /// Messages and recordings.
    pub shelf: Arc<dyn Shelf>,
    /// Has everything read again.
    pub reload: Reload,
    /// The revisions of the flows that are kept.
    pub revisions: ListRevisions,
    /// Tells what the desk alone knows.
    pub desk: Desk,
    /// The clock of the process.
    pub clock: Clock,
}

/// The way to the switchboard's inbox.
pub type Operate = Arc<dyn Fn(OperatorCommand) -> bool + Send + Sync>;

/// The way to the records of calls. The error finishes a sentence.
pub type FindRecords = Arc<dyn Fn(RecordQuery) -> FoundRecords + Send + Sync>;
/// What becomes of it.
pub type FoundRecords = Pin<Box<dyn Future<Output = Result<RecordPage, String>> + Send>>;

/// Why HTTP cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is taken, not ours, or not allowed.
    #[error("HTTP cannot listen on {address}: {}", explain(.reason))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        reason: std::io::Error,
    },
    /// Others than this machine could read everything.
    #[error("HTTP on {0} would be open to everybody who reaches it: give it a `token`, or let it listen on 127.0.0.1")]
    TokenWanted(SocketAddr),
    /// The thread could not be started.
    #[error("the HTTP thread cannot be started: {0}")]
    Thread(std::io::Error),
}

fn explain(reason: &std::io::Error) -> String {
    match reason.kind() {
        std::io::ErrorKind::AddrInUse => {
            "address already in use: another program serves there; stop it, or choose another `http.listen`".to_owned()
        }
        std::io::ErrorKind::PermissionDenied => "permission denied: ports below 1024 need a privilege".to_owned(),
        std::io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        _ => reason.to_string(),
    }
}

/// So long is a view of queues and agents waited for: several times as long as it takes.
const VIEW_PATIENCE: Duration = Duration::from_secs(1);

/// A request's body is no longer than this, in octets.
const BODY_MAX: usize = 16 * 1024;

/// The description of `/api/v1` (OpenAPI 3.1).
const OPENAPI: &str = include_str!("openapi.json");

/// The HTTP thread; it ends when this is dropped.
pub struct HttpThread {
    /// Where it listens.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for HttpThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported there and is no reason to fail here.
            let _ = thread.join();
        }
    }
}

/// Serves HTTP on `address` from a thread of its own.
pub fn start(address: SocketAddr, view: View) -> Result<HttpThread, HttpError> {
    if view.token.is_none() && !address.ip().is_loopback() {
        return Err(HttpError::TokenWanted(address));
    }
    let listen = |reason| HttpError::Listen { address, reason };
    let listener = TcpListener::bind(address).map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    let bound = listener.local_addr().map_err(listen)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(HttpError::Thread)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serve = async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::select! {
            served = axum::serve(Limited::new(listener), router(view)).into_future() => served,
            _ = stopped => Ok(()),
        }
    };
    let run = move || {
        if let Err(reason) = runtime.block_on(serve) {
            warn!(%reason, "HTTP is no longer served");
        }
    };
    let thread = thread::Builder::new().name("http".into()).spawn(run).map_err(HttpError::Thread)?;
    Ok(HttpThread { address: bound, stop: Some(stop), thread: Some(thread) })
}

/// The paths.
pub fn router(view: View) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], OPENAPI)))
        .route("/api/v1/calls", get(calls::calls))
        .route("/api/v1/calls/{id}", get(calls::one_call).delete(calls::hang_up))
        .route("/api/v1/calls/{id}/recording", put(tapes::steer_recording))
        .route("/api/v1/voicemail", get(tapes::mailboxes))
        .route("/api/v1/voicemail/{mailbox}", get(tapes::messages))
        .route("/api/v1/voicemail/{mailbox}/{message}", tapes::message_routes())
        .route("/api/v1/voicemail/{mailbox}/{message}/audio", get(tapes::message_audio))
        .route("/api/v1/recordings", get(tapes::recordings))
        .route("/api/v1/recordings/{recording}", get(tapes::recording).delete(tapes::delete_recording))
        .route("/api/v1/recordings/{recording}/audio", get(tapes::recording_audio))
        .route("/api/v1/flows", get(flows::flows))
        .route("/api/v1/flows/{flow}", get(flows::one_flow))
        .route("/api/v1/revisions", get(flows::revisions))
        .route("/api/v1/reload", post(flows::reload))
        .route("/api/v1/rollback", post(flows::roll_back))
        .route("/api/v1/queues", get(queues::queues))
        .route("/api/v1/queues/{name}", get(queues::one_queue))
        .route("/api/v1/records", get(records::records))
        .route("/api/v1/agents", get(queues::agents))
        .route("/api/v1/agents/{extension}", get(queues::one_agent))
        .route("/api/v1/agents/{extension}/state", put(queues::set_state))
        .route("/api/v1/hours", get(hours::all))
        .route("/api/v1/hours/{hours}", get(hours::one))
        .route("/api/v1/hours/{hours}/state", put(hours::set_state))
        .fallback(async || {
            problem(StatusCode::NOT_FOUND, "nothing is found here; /api/openapi.json tells what is found where")
        })
        .method_not_allowed_fallback(async || {
            problem(StatusCode::METHOD_NOT_ALLOWED, "the header Allow tells what can be done here")
        })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(view.clone(), admit))
        .with_state(view)
}

impl View {
    /// Whether anything is known of the house, which soon is so after the start.
    async fn has_begun(&self) -> bool {
        let mut snapshot = self.snapshot.clone();
        let known = timeout(VIEW_PATIENCE, snapshot.wait_for(Option::is_some)).await;
        matches!(known, Ok(Ok(_)))
    }

    /// Waits for a view of queues and agents that is no older than this moment, and for the metrics to be the same age:
    /// whoever sets a state and reads it finds it set, and no gauge tells of what is over.
    ///
    /// A desk that is too busy for that leaves us with what it said last.
    async fn settle(&self) {
        let asked = self.clock.now();
        // While the house opens, nobody answers.
        if self.snapshot.borrow().is_none() || self.desk.ask(Question::Standing).await.is_err() {
            return;
        }
        let mut snapshot = self.snapshot.clone();
        let young = snapshot.wait_for(|seen| seen.as_ref().is_some_and(|seen| seen.view.at >= asked));
        // The house may close meanwhile, or be busier than it was.
        drop(timeout(VIEW_PATIENCE, young).await);
    }
}

async fn metrics(State(view): State<View>) -> Response {
    view.settle().await;
    let content_type = HeaderValue::from_static(Exposition::CONTENT_TYPE);
    ([(header::CONTENT_TYPE, content_type)], view.exposition.text()).into_response()
}

async fn ready(State(view): State<View>) -> Response {
    let why = unready(view.snapshot.borrow().as_ref());
    match why {
        None => "ready\n".into_response(),
        Some(why) => problem(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

/// Nothing is known yet.
const STARTING: &str = "Helpline is starting";

/// Why no call would be taken now.
fn unready(snapshot: Option<&Snapshot>) -> Option<&'static str> {
    match snapshot {
        None => Some(STARTING),
        Some(snapshot) if snapshot.draining => Some("Helpline is closing down and takes no new calls"),
        Some(snapshot) if snapshot.calls >= snapshot.calls_max => {
            Some("there are as many calls as limits.calls allows")
        }
        Some(snapshot) if snapshot.ports_free == 0 => Some("no RTP port is free"),
        Some(_) => None,
    }
}

async fn admit(State(view): State<View>, request: Request, next: Next) -> Response {
    match &view.token {
        // Whoever asks whether the process lives learns nothing else, and seldom holds a token.
        Some(token) if request.uri().path() != "/healthz" && !holds(request.headers(), token) => {
            let mut refused = problem(StatusCode::UNAUTHORIZED, "a bearer token is required here");
            refused.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            refused
        }
        // Where there is nothing to be told yet, that is not to be taken for a house without queues or hours.
        _ if request.uri().path().starts_with("/api/v1/") && !view.has_begun().await => {
            let mut starting = problem(StatusCode::SERVICE_UNAVAILABLE, STARTING);
            starting.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            starting
        }
        _ => next.run(request).await,
    }
}

fn holds(headers: &HeaderMap, token: &str) -> bool {
    let Some(given) = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes) else { return false };
    let Some((scheme, given)) = given.split_at_checked("Bearer ".len()) else { return false };
    // As long for a wrong byte at the beginning as at the end: the time tells nothing of the token.
    let differing = given.iter().zip(token.as_bytes()).fold(0, |sum, (one, other)| sum | (one ^ other));
    scheme.eq_ignore_ascii_case(b"Bearer ") && given.len() == token.len() && differing == 0
}

/// A time as RFC 3339 writes it, to the millisecond: no two answers tell the time of one event differently because the
/// clocks of the system drift by less.
fn time(calendar: Calendar, at: Moment) -> String {
    format!("{:.3}", calendar.time_of(at))
}

/// RFC 9457.
fn problem(status: StatusCode, detail: &str) -> Response {
    problem_with(status, detail, serde_json::json!({}))
}

/// The same with members of our own (RFC 9457 section 3.2).
fn problem_with(status: StatusCode, detail: &str, more: serde_json::Value) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let mut body = serde_json::json!({"title": title, "status": status.as_u16(), "detail": detail});
    if let (Some(body), serde_json::Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    let body = Json(body);
    let content_type = HeaderValue::from_static("application/problem+json");
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

#[cfg(test)]
mod tests;
