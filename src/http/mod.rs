//! What programs ask over HTTP: whether the process lives, whether it takes calls, its metrics, and its queues and
//! agents. It runs on a thread of its own and looks at a snapshot, so that no request can delay a call; what an operator
//! wants goes into the switchboard's inbox like everything else.

mod connection;
mod explanation;
mod queues;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use tokio::sync::{oneshot, watch};
use tracing::warn;

use crate::metrics::Exposition;
use crate::switchboard::{OperatorCommand, Snapshot};
pub use connection::CONNECTIONS_MAX;
use connection::Limited;

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
}

/// The way to the switchboard's inbox.
pub type Operate = Arc<dyn Fn(OperatorCommand) -> bool + Send + Sync>;

/// Why HTTP cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is taken, not ours, or not allowed.
    #[error("HTTP cannot listen on {address}: {reason}")]
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
        .route("/api/v1/queues", get(queues::queues))
        .route("/api/v1/queues/{name}", get(queues::one_queue))
        .route("/api/v1/agents", get(queues::agents))
        .route("/api/v1/agents/{extension}", get(queues::one_agent))
        .route("/api/v1/agents/{extension}/state", put(queues::set_state))
        .fallback(async || problem(StatusCode::NOT_FOUND, "nothing is found here"))
        .method_not_allowed_fallback(async || problem(StatusCode::METHOD_NOT_ALLOWED, "this is not understood here"))
        .layer(middleware::from_fn_with_state(view.clone(), admit))
        .with_state(view)
}

async fn metrics(State(view): State<View>) -> Response {
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

/// Why no call would be taken now.
fn unready(snapshot: Option<&Snapshot>) -> Option<&'static str> {
    match snapshot {
        None => Some("Helpline is starting"),
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

/// RFC 9457.
fn problem(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let body = Json(serde_json::json!({"title": title, "status": status.as_u16(), "detail": detail}));
    let content_type = HeaderValue::from_static("application/problem+json");
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::metrics::Metrics;

    fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = std::net::TcpStream::connect(address).expect("it listens");
        write!(stream, "{request}\r\nHost: a\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    fn check(token: Option<&str>, snapshot: Option<Snapshot>, request: &str, status: &str, contains: &str) {
        let (_sender, receiver) = watch::channel(snapshot);
        let view = View {
            exposition: Metrics::new(crate::clock::Clock::start()).exposition(),
            snapshot: receiver,
            token: token.map(Arc::from),
            operate: Arc::new(|_| true),
        };
        let http = start("127.0.0.1:0".parse().expect("an address"), view).expect("a free port");
        let answer = ask(http.address, request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        assert!(answer.contains(contains), "{request}: {answer}");
    }

    #[test]
    fn each_path_answers() {
        let fine = Some(Snapshot { calls: 1, agent_legs: 0, calls_max: 2, ports_free: 1, ..Snapshot::default() });
        check(None, fine.clone(), "GET /healthz HTTP/1.1", "200", "ok");
        check(None, None, "GET /healthz HTTP/1.1", "200", "ok");
        check(None, fine.clone(), "GET /readyz HTTP/1.1", "200", "ready");
        check(None, fine.clone(), "GET /metrics HTTP/1.1", "200", "helpline_calls_active 0");
        check(None, fine.clone(), "GET /nothing HTTP/1.1", "404", "application/problem+json");
        check(None, fine.clone(), "POST /metrics HTTP/1.1", "405", "application/problem+json");
    }

    #[test]
    fn queues_and_agents_are_shown_and_agents_are_set() {
        use crate::acd::{AgentFigures, AgentSnapshot, AgentState, PauseReason, Presence, WhyNoCalls};
        use crate::switchboard::{self, AgentView};
        let snapshot = AgentSnapshot {
            state: AgentState::Paused,
            since: std::time::Duration::from_secs(5),
            reason: Some(PauseReason::Missed),
            presence: Presence::Paused(PauseReason::Missed),
            reachable: true,
            wrap_up_left: None,
            queues: Vec::new(),
            calls: 3,
            talk: std::time::Duration::ZERO,
            figures: AgentFigures::default(),
            entry: None,
            why: WhyNoCalls::Paused,
        };
        let agent = AgentView {
            extension: "1001".into(),
            name: "Ada".into(),
            snapshot,
            queues: vec!["support".into()],
            lacking: Vec::new(),
            call: None,
        };
        let house = switchboard::View { agents: vec![agent], ..switchboard::View::default() };
        let some = Some(Snapshot { view: Arc::new(house), ..Snapshot::default() });
        let get = |path: &str| format!("GET /api/v1/{path} HTTP/1.1");
        check(None, some.clone(), &get("queues"), "200", "{\"items\":[],\"next\":null}");
        check(None, some.clone(), &get("queues/support"), "404", "no queue");
        check(None, some.clone(), &get("agents"), "200", "\"state\":\"paused\"");
        check(None, some.clone(), &get("agents/1001"), "200", "\"reason\":\"missed\"");
        check(None, some.clone(), &get("agents/1002"), "404", "no agent");
        check(None, some.clone(), "DELETE /api/v1/agents HTTP/1.1", "405", "problem+json");
        check(Some("secret"), some.clone(), &get("agents"), "401", "token");
        for (extension, body, status) in [
            ("1001", r#"{"state": "ready"}"#, "204"),
            ("1001", r#"{"state": "logged_out"}"#, "204"),
            ("1001", r#"{"state": "paused", "reason": "lunch"}"#, "204"),
            ("1001", r#"{"state": "paused"}"#, "422"),
            ("1001", r#"{"state": "talking"}"#, "422"),
            ("1001", r#"{"state": "ready", "until": 3}"#, "422"),
            ("1001", "ready", "422"),
            ("1002", r#"{"state": "ready"}"#, "404"),
        ] {
            let (sender, receiver) = std::sync::mpsc::channel();
            let (_keep, snapshot) = watch::channel(some.clone());
            let view = View {
                exposition: Metrics::new(crate::clock::Clock::start()).exposition(),
                snapshot,
                token: None,
                operate: Arc::new(move |command| sender.send(command).is_ok()),
            };
            let http = start("127.0.0.1:0".parse().expect("an address"), view).expect("a free port");
            let mut stream = std::net::TcpStream::connect(http.address).expect("it listens");
            let length = body.len();
            write!(
                stream,
                "PUT /api/v1/agents/{extension}/state HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
                 Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            )
            .expect("it reads");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("it answers");
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{body}: {answer}");
            assert_eq!(receiver.try_recv().is_ok(), status == "204", "{body}");
        }
    }

    #[test]
    fn not_ready_says_why() {
        let full = Snapshot { calls: 2, agent_legs: 0, calls_max: 2, ports_free: 1, ..Snapshot::default() };
        let draining = Snapshot { calls: 0, draining: true, ..full.clone() };
        let portless = Snapshot { calls: 1, ports_free: 0, ..full.clone() };
        check(None, None, "GET /readyz HTTP/1.1", "503", "starting");
        check(None, Some(full), "GET /readyz HTTP/1.1", "503", "limits.calls");
        check(None, Some(draining), "GET /readyz HTTP/1.1", "503", "closing down");
        check(None, Some(portless), "GET /readyz HTTP/1.1", "503", "RTP port");
    }

    #[test]
    fn a_token_is_asked_for() {
        let path = "GET /metrics HTTP/1.1";
        let with = |authorization: &str| format!("{path}\r\nAuthorization: {authorization}");
        check(Some("secret"), None, path, "401", "www-authenticate: Bearer");
        check(Some("secret"), None, &with("Bearer secreT"), "401", "token");
        check(Some("secret"), None, &with("Bearer secret1"), "401", "token");
        check(Some("secret"), None, &with("Basic secret"), "401", "token");
        check(Some("secret"), None, &with("bearer secret"), "200", "helpline_build_info");
        check(Some("secret"), None, "GET /healthz HTTP/1.1", "200", "ok");
    }

    #[test]
    fn nobody_else_reads_without_a_token() {
        let (_sender, receiver) = watch::channel(None);
        let view = View {
            exposition: Metrics::new(crate::clock::Clock::start()).exposition(),
            snapshot: receiver,
            token: None,
            operate: Arc::new(|_| true),
        };
        let refused = start("0.0.0.0:0".parse().expect("an address"), view).err();
        assert!(matches!(refused, Some(HttpError::TokenWanted(_))));
    }
}
