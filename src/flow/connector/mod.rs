//! Connectors: the web services that flows ask, as data. What a call knows becomes a request here, and what the service answers
//! becomes values; the asking itself is done elsewhere.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Speech, Target, Value};

mod answer;
mod host;
mod template;
#[cfg(test)]
mod tests;

pub use host::{HostPattern, is_private};
pub use template::{JsonTemplate, MAX_TEXT_VALUE, MAX_URL, TextPart, TextTemplate, Unrendered};

/// A connector's place in [`FlowSet::connectors`](super::FlowSet::connectors).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectorIndex(pub u16);

/// The largest answer that is read, in octets.
pub const MAX_ANSWER: usize = 256 * 1024;

/// A web service, and how it is asked.
#[derive(Clone, PartialEq)]
pub struct Connector {
    /// Its name.
    pub name: Arc<str>,
    /// How it is asked.
    pub method: Method,
    /// Where: scheme and host stand fast, and values can stand behind them.
    pub url: TextTemplate,
    /// What is sent besides. The values may be secrets: they are in no log and no file that Helpline writes.
    pub headers: Vec<(Arc<str>, Arc<str>)>,
    /// What is sent, as JSON.
    pub body: Option<JsonTemplate>,
    /// As long do callers wait for it at most, all tries together, 100 ms to 60 s.
    pub timeout: Duration,
    /// How often it is asked again when it fails quickly, 0 to 5; 0 where asking twice could do something twice.
    pub retries: u8,
    /// The hosts that may be asked, and to which it may redirect; that of the URL is the first.
    pub hosts: Vec<HostPattern>,
    /// It may be on this machine or in a private network.
    pub private: bool,
    /// The certificates of the authorities that alone are trusted to sign this service's own, in PEM (RFC 7468); `None`: those
    /// that the system trusts.
    pub authorities: Option<Arc<str>>,
    /// As many requests at once, 1 to 1,000; as many again wait.
    pub at_once: u16,
    /// When it is left alone; `None`: never.
    pub breaker: Option<BreakerSpec>,
    /// Where in the answer the record stands: keys of tables and places in lists.
    pub answer: Vec<Arc<str>>,
    /// What is taken from the record.
    pub fields: Vec<Field>,
}

/// When a service that fails is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSpec {
    /// After so many failures in a row, 1 to 1,000 ...
    pub failures: u32,
    /// ... it is not asked for so long, 1 s to 1 h; then one caller tries it.
    pub rest: Duration,
}

impl Default for BreakerSpec {
    fn default() -> BreakerSpec {
        BreakerSpec { failures: 5, rest: Duration::from_secs(30) }
    }
}

/// How a service is asked (RFC 9110 section 9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    #[default]
    Get,
    /// Does something.
    Post,
    /// Puts something in its place.
    Put,
    /// Changes something (RFC 5789).
    Patch,
    /// Removes something.
    Delete,
}

impl Method {
    /// All of them, as they are written.
    pub const ALL: [(&'static str, Method); 5] = [
        ("GET", Method::Get),
        ("POST", Method::Post),
        ("PUT", Method::Put),
        ("PATCH", Method::Patch),
        ("DELETE", Method::Delete),
    ];

    /// Whether asking twice does no more than asking once (RFC 9110 section 9.2.2).
    pub fn is_idempotent(self) -> bool {
        matches!(self, Method::Get | Method::Put | Method::Delete)
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        Method::ALL.iter().find(|(_, method)| *method == self).map_or("GET", |(name, _)| name)
    }
}

/// A value that an answer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name: `status` is `order.status` where a step saves the answer as `order`.
    pub name: Arc<str>,
    /// What it is.
    pub kind: FieldKind,
    /// Where it stands in the record: keys of tables and places in lists.
    pub path: Vec<Arc<str>>,
    /// An answer may lack it; then the value is not known.
    pub optional: bool,
    /// It is never spoken, shown or logged.
    pub secret: bool,
}

/// What a field is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A text: one of these words, where any are named.
    Text(Vec<Arc<str>>),
    /// Digits, with leading zeros kept.
    Digits,
    /// A decimal number.
    Number,
    /// An amount, with its currency or without.
    Money,
    /// A day: `2026-12-24`.
    Date,
    /// A point in time (RFC 3339), or a time of day such as `17:30`.
    Time,
    /// True or false.
    Bool,
}

impl FieldKind {
    /// As it is written.
    pub fn name(&self) -> &'static str {
        match self {
            FieldKind::Text(_) => "text",
            FieldKind::Digits => "digits",
            FieldKind::Number => "number",
            FieldKind::Money => "money",
            FieldKind::Date => "date",
            FieldKind::Time => "time",
            FieldKind::Bool => "bool",
        }
    }

    /// "a date" or the like.
    pub fn described(&self) -> &'static str {
        match self {
            FieldKind::Text(words) if words.is_empty() => "a text",
            FieldKind::Text(_) => "one of its words",
            FieldKind::Digits => "digits",
            FieldKind::Number => "a number",
            FieldKind::Money => "an amount of money",
            FieldKind::Date => "a date",
            FieldKind::Time => "a time",
            FieldKind::Bool => "true or false",
        }
    }
}

/// The step `lookup`.
#[derive(Clone, Debug, PartialEq)]
pub struct LookupSpec {
    /// Whom to ask.
    pub connector: ConnectorIndex,
    /// What stands behind the connector's URL.
    pub path: TextTemplate,
    /// The name under which the answer's fields are saved.
    pub save: Option<Arc<str>>,
    /// The way when there is an answer; without one, the step's `next`.
    pub found: Option<LookupWay>,
    /// The way when the service knows nothing.
    pub not_found: Option<LookupWay>,
    /// The way when the service could not be asked or made no sense.
    pub failed: Option<LookupWay>,
}

/// Where a lookup leads.
#[derive(Clone, Debug, PartialEq)]
pub struct LookupWay {
    /// What is said before.
    pub speech: Option<Speech>,
    /// Where to.
    pub target: Target,
    /// So often in one call and no more; then the way for what failed is taken.
    pub at_most: Option<u8>,
}

/// What a session wants to know of a service: all that is to be sent is in it.
#[derive(Clone, PartialEq)]
pub struct LookupRequest {
    /// Its name, which no other of this call has.
    pub lookup: u32,
    /// Whom to ask.
    pub connector: ConnectorIndex,
    /// Where.
    pub url: String,
    /// What to send: JSON.
    pub body: Option<String>,
    /// The zone of days and times that tell none.
    pub zone: jiff::tz::TimeZone,
}

// What callers keyed is in these.
impl fmt::Debug for LookupRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookupRequest")
            .field("lookup", &self.lookup)
            .field("connector", &self.connector)
            .finish_non_exhaustive()
    }
}

/// What came of asking a service.
#[derive(Clone, Debug, PartialEq)]
pub enum LookupAnswer {
    /// The fields of the answer, by their names.
    Found(Vec<(Arc<str>, Value)>),
    /// The service knows nothing.
    NotFound,
    /// It could not be asked, or made no sense.
    Failed(LookupFailure),
}

impl LookupAnswer {
    /// The word of a label or a record for it.
    pub const fn label(&self) -> &'static str {
        match self {
            LookupAnswer::Found(_) => "found",
            LookupAnswer::NotFound => "not_found",
            LookupAnswer::Failed(failure) => failure.label(),
        }
    }
}

/// Why a service could not be asked, or made no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LookupFailure {
    /// It took too long.
    TimedOut,
    /// It was not reached: name, connection or TLS failed, or broke off.
    Unreachable,
    /// It answered with a status that is none of success.
    Refused,
    /// It led to a host that may not be asked.
    NotAllowed,
    /// Its answer is too large, no JSON, or lacks something.
    Unreadable,
    /// Too many ask it already.
    Busy,
    /// It has failed too often, and is left alone.
    Resting,
    /// A value that is to be sent is not known, or cannot stand in an address.
    Unaskable,
}

impl LookupFailure {
    /// All of them.
    pub const ALL: [LookupFailure; 8] = [
        LookupFailure::TimedOut,
        LookupFailure::Unreachable,
        LookupFailure::Refused,
        LookupFailure::NotAllowed,
        LookupFailure::Unreadable,
        LookupFailure::Busy,
        LookupFailure::Resting,
        LookupFailure::Unaskable,
    ];

    /// The word of a label or a record for it.
    pub const fn label(self) -> &'static str {
        match self {
            LookupFailure::TimedOut => "timed_out",
            LookupFailure::Unreachable => "unreachable",
            LookupFailure::Refused => "refused",
            LookupFailure::NotAllowed => "not_allowed",
            LookupFailure::Unreadable => "unreadable",
            LookupFailure::Busy => "busy",
            LookupFailure::Resting => "resting",
            LookupFailure::Unaskable => "unaskable",
        }
    }
}

// Headers are secrets.
impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("name", &self.name)
            .field("method", &self.method)
            .field("timeout", &self.timeout)
            .field("retries", &self.retries)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}
