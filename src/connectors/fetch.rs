//! One lookup over HTTP: tries, redirects within the allowed hosts, and whatever may be wrong with an answer.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, Response, StatusCode, Url, redirect};

use crate::flow::connector::{HostPattern, MAX_ANSWER, Method, is_private};
use crate::flow::{Connector, LookupAnswer, LookupFailure};
use crate::switchboard::Ask;

/// As often may a service lead elsewhere.
const REDIRECTS_MAX: u32 = 3;
/// The first pause before it is asked again, doubled each time, and half or one and a half of it by chance.
const PAUSE: Duration = Duration::from_millis(100);
/// A connection that nobody needs is kept for so long.
const IDLE: Duration = Duration::from_secs(30);
/// As many of them for each host.
const IDLE_MAX: usize = 8;

/// As many ways to the network are kept.
const WAYS_MAX: usize = 64;

/// What came of it.
pub(super) struct Fetched {
    pub(super) answer: LookupAnswer,
    /// How often it was asked.
    pub(super) tries: u8,
    /// What is known of a failure.
    pub(super) why: Option<String>,
    /// The service itself fails, whoever asks.
    pub(super) sick: bool,
}

impl Fetched {
    /// The time was over.
    pub(super) fn late(limit: Duration) -> Fetched {
        let why = Some(format!("no answer within {} s", limit.as_secs_f64()));
        Fetched { answer: LookupAnswer::Failed(LookupFailure::TimedOut), tries: 0, why, sick: true }
    }
}

/// Why a try failed.
struct Failed {
    failure: LookupFailure,
    why: String,
    /// The service itself fails, whoever asks.
    sick: bool,
    /// Another try may do better.
    again: bool,
    /// But not before so long (RFC 9110 section 10.2.3).
    after: Option<Duration>,
}

impl Failed {
    fn new(failure: LookupFailure, why: impl Into<String>) -> Failed {
        Failed { failure, why: why.into(), sick: false, again: false, after: None }
    }
}

/// The ways to the network, each made when it is first needed: whether it leads to private networks, and who vouches for
/// those on it.
#[derive(Default)]
pub(super) struct Clients(Mutex<BTreeMap<Way, Client>>);

type Way = (bool, Option<Arc<str>>);

impl Clients {
    /// The way that a connector takes; the error finishes a sentence.
    fn client(&self, connector: &Connector) -> Result<Client, String> {
        let way = (connector.private, connector.authorities.clone());
        // Making one that broke off has left nothing.
        let mut ways = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = ways.get(&way) {
            return Ok(client.clone());
        }
        if ways.len() >= WAYS_MAX {
            // Those of earlier revisions among them; what is under way keeps its own.
            ways.clear();
        }
        let client = client(connector.private, connector.authorities.as_deref())?;
        Ok(ways.entry(way).or_insert(client).clone())
    }
}

fn client(private: bool, authorities: Option<&str>) -> Result<Client, String> {
    // One that is installed already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .http1_only()
        .user_agent(concat!("Helpline/", env!("CARGO_PKG_VERSION")))
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_MAX)
        .dns_resolver(Arc::new(Names { private }));
    let unusable = |reason: reqwest::Error| format!("the certificates of its `ca` cannot be used: {}", told(&reason));
    match authorities {
        Some(pem) => {
            let authorities = Certificate::from_pem_bundle(pem.as_bytes()).map_err(unusable)?;
            builder.tls_certs_only(authorities).build().map_err(unusable)
        }
        None => {
            builder.build().map_err(|reason| format!("no certificates of authorities are found: {}", told(&reason)))
        }
    }
}

/// Asks, as often as is allowed while it fails quickly.
pub(super) async fn fetch(clients: &Clients, ask: &Ask) -> Fetched {
    let connector = &*ask.connector;
    let began = Instant::now();
    let mut tries = 0;
    loop {
        tries += 1;
        let Failed { failure, mut why, sick, again, after } = match once(clients, ask).await {
            Ok(answer) => return Fetched { answer, tries, why: None, sick: false },
            Err(failed) => failed,
        };
        let pause = (PAUSE * 2_u32.pow(u32::from(tries) - 1)).mul_f64(0.5 + fastrand::f64());
        let pause = pause.max(after.unwrap_or_default());
        // Nobody is kept waiting for a try for which there is no time.
        let in_time = began.elapsed() + pause < connector.timeout;
        if again && tries <= connector.retries && in_time {
            tokio::time::sleep(pause).await;
            continue;
        }
        if let Some(after) = after {
            why += &format!(", and wants to be left alone for {} s", after.as_secs());
        }
        return Fetched { answer: LookupAnswer::Failed(failure), tries, why: Some(why), sick };
    }
}

async fn once(clients: &Clients, ask: &Ask) -> Result<LookupAnswer, Failed> {
    let connector = &*ask.connector;
    let client = clients.client(connector).map_err(|why| Failed::new(LookupFailure::Unreachable, why))?;
    let mut url: Url =
        ask.request.url.parse().map_err(|_| Failed::new(LookupFailure::Unaskable, "this makes no address"))?;
    let first = url.origin();
    let secure = url.scheme() == "https";
    let mut method = method(connector.method);
    let mut body = ask.request.body.clone();
    for _ in 0..=REDIRECTS_MAX {
        allowed(connector, &url, secure)?;
        let mut request =
            client.request(method.clone(), url.clone()).headers(headers(connector, url.origin() == first));
        if let Some(body) = &body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.clone());
        }
        let answer = request.send().await.map_err(|reason| broken(&reason))?;
        let Some(next) = redirected(&answer, &url) else {
            return read(connector, ask, answer).await;
        };
        url = next?;
        // RFC 9110 section 15.4: of all but 307 and 308 what follows is read.
        if !matches!(answer.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
            (method, body) = (reqwest::Method::GET, None);
        }
    }
    Err(Failed::new(LookupFailure::NotAllowed, format!("it leads elsewhere more than {REDIRECTS_MAX} times")))
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

/// Secrets go to the service for which they are meant, and nowhere else.
fn headers(connector: &Connector, at_home: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if at_home {
        for (name, value) in &connector.headers {
            let name = HeaderName::try_from(&**name);
            if let (Ok(name), Ok(mut value)) = (name, HeaderValue::try_from(&**value)) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
    }
    headers
}

/// Whether a URL may be asked.
fn allowed(connector: &Connector, url: &Url, secure: bool) -> Result<(), Failed> {
    let host = url.host_str().unwrap_or("").trim_start_matches('[').trim_end_matches(']');
    let refused = |why: String| Err(Failed::new(LookupFailure::NotAllowed, why));
    if !matches!(url.scheme(), "https" | "http") || secure && url.scheme() != "https" {
        return refused("it leads to an address without encryption".to_owned());
    }
    if !connector.hosts.iter().any(|pattern: &HostPattern| pattern.fits(host)) {
        return refused("it leads to a host that is none of its `hosts`".to_owned());
    }
    match host.parse::<IpAddr>() {
        Ok(address) if is_private(address) && !connector.private => refused(NEAR.to_owned()),
        _ => Ok(()),
    }
}

/// Where an answer leads, when it leads elsewhere.
fn redirected(answer: &Response, from: &Url) -> Option<Result<Url, Failed>> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).and_then(|to| from.join(to).ok());
    Some(to.ok_or_else(|| Failed::new(LookupFailure::Refused, "it leads elsewhere and does not say where")))
}

/// What an answer says.
async fn read(connector: &Connector, ask: &Ask, mut answer: Response) -> Result<LookupAnswer, Failed> {
    let status = answer.status();
    match status.as_u16() {
        404 | 410 | 204 | 205 => return Ok(LookupAnswer::NotFound),
        200..=299 => {}
        code => {
            let sick = status.is_server_error() || code == 429;
            let again = matches!(code, 429 | 502 | 503 | 504);
            let why = format!("it answered with the status {code}");
            let after = if again { left_alone(answer.headers()) } else { None };
            return Err(Failed { failure: LookupFailure::Refused, why, sick, again, after });
        }
    }
    let too_large = || Failed::new(LookupFailure::Unreadable, format!("its answer has more than {MAX_ANSWER} octets"));
    let packed = answer.headers().get(header::CONTENT_ENCODING).and_then(|packed| packed.to_str().ok()).map(shown_type);
    if let Some(packed) = packed.filter(|packed| !packed.is_empty() && packed != "identity") {
        let why = format!("its answer is packed ({packed}), which was not asked for");
        return Err(Failed::new(LookupFailure::Unreadable, why));
    }
    if answer.content_length().is_some_and(|length| length > MAX_ANSWER as u64) {
        return Err(too_large());
    }
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(shown_type);
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|reason| broken(&reason))? {
        if body.len() + piece.len() > MAX_ANSWER {
            return Err(too_large());
        }
        body.extend_from_slice(&piece);
    }
    let unreadable = |why: &str| {
        let kind = kind.as_deref().unwrap_or("nothing about its type");
        Failed::new(LookupFailure::Unreadable, format!("its answer says {kind}: {why}"))
    };
    let text = std::str::from_utf8(&body).map_err(|_| unreadable("it is no text"))?;
    connector.read_answer(text, &ask.request.zone).map_err(|why| unreadable(&why))
}

/// How long a service wants to be left alone: seconds, or until a day and time.
fn left_alone(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let seconds = until.as_second().saturating_sub(jiff::Timestamp::now().as_second());
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// A content type without what could stand behind it.
fn shown_type(kind: &str) -> String {
    let kind = kind.split(';').next().unwrap_or("").trim();
    kind.chars().filter(|c| c.is_ascii_alphanumeric() || "/+-.".contains(*c)).take(64).collect()
}

/// A connection that failed, or broke off.
fn broken(reason: &reqwest::Error) -> Failed {
    let near = chain(reason).any(|reason| reason.is::<Near>());
    if near {
        return Failed::new(LookupFailure::NotAllowed, NEAR);
    }
    Failed { sick: true, again: true, ..Failed::new(LookupFailure::Unreachable, told(reason)) }
}

/// The innermost reason: the outer ones name the address, in which a caller's value may stand.
fn told(reason: &reqwest::Error) -> String {
    let inner = chain(reason).last().map(ToString::to_string).filter(|told| !told.is_empty());
    let without = if reason.is_builder() { "they make no sense" } else { "the connection failed" };
    let inner = inner.unwrap_or_else(|| without.to_owned());
    inner.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

type Reason = dyn std::error::Error + 'static;

fn chain<'a>(reason: &'a reqwest::Error) -> impl Iterator<Item = &'a Reason> {
    std::iter::successors(reason.source(), |reason: &&'a Reason| (*reason).source())
}

const NEAR: &str =
    "its host is on this machine or in a private network, and the connector does not say `private: true`";

/// A name that leads to this machine or into a private network, where that is not meant.
#[derive(Debug, thiserror::Error)]
#[error("{NEAR}")]
struct Near;

/// Resolves names; what lies near is left out, unless it may be asked.
struct Names {
    private: bool,
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let some = !found.is_empty();
            let open: Vec<SocketAddr> = found.into_iter().filter(|at| private || !is_private(at.ip())).collect();
            if some && open.is_empty() {
                return Err(Near.into());
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}
