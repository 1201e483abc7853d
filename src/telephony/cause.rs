//! Why a leg ended or was refused.

use std::time::Duration;

/// Why a leg is over, or is to be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The other side said BYE.
    RemoteHungUp,
    /// The other side said BYE, and that its network has lost who was on the line (RFC 3326).
    LineLost,
    /// Helpline said BYE: the flow was at its end, or an operator wished it.
    LocalHungUp,
    /// The caller gave up before an answer (CANCEL).
    Cancelled,
    /// Helpline refused the call with a final response.
    Refused,
    /// The party dialled refused with this status (300 to 699).
    RefusedBy(u16),
    /// The party dialled did not answer in time.
    NoAnswer,
    /// A 200 OK was never acknowledged (RFC 3261 section 13.3.1.4).
    NotAcknowledged,
    /// A request within the dialog had no answer, 408 or 481 (RFC 3261 section 12.2.1.2).
    DialogLost,
    /// The session was not refreshed in time (RFC 4028 section 10).
    SessionExpired,
    /// No RTP for as long as is allowed.
    MediaLost,
    /// The audio could not be opened.
    MediaFailed,
    /// The transport broke or could not reach the other side.
    TransportFailed,
    /// Helpline is closing down.
    Drained,
}

/// A final response that refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// 400 to 699.
    pub status: u16,
    /// The reason phrase; empty for the RFC's own.
    pub reason: String,
    /// Printed as Retry-After (RFC 3261 section 20.33), in whole seconds.
    pub retry_after: Option<Duration>,
    /// Printed as Warning (RFC 3261 section 20.43).
    pub warning: Option<Warning>,
}

impl Refusal {
    /// A refusal with the RFC's own reason phrase.
    pub fn status(status: u16) -> Refusal {
        Refusal { status, reason: String::new(), retry_after: None, warning: None }
    }
}

/// A warn-code of RFC 3261 section 20.43 with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// 300 to 399.
    pub code: u16,
    /// A text for people.
    pub text: String,
}
