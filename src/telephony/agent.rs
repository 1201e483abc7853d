//! Agents as signalling knows them: an extension, a secret, and what a call may tell their phones.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::TransportKind;

/// Headers of one call, at most.
const HEADERS_MAX: usize = 16;

/// Octets of one header's value, at most.
const VALUE_BYTES_MAX: usize = 512;

/// An agent who may register a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentAccount {
    /// The extension: the user part of the agent's address and the name to log in with.
    pub extension: String,
    /// What the phone has to know.
    pub secret: AgentSecret,
}

/// A secret, which no `Debug` shows.
#[derive(Clone, PartialEq, Eq)]
pub enum AgentSecret {
    /// The password itself.
    Password(String),
    /// `H(extension:realm:password)` in hexadecimal (RFC 7616 section 3.4.2), where the password itself is not kept.
    Hashes {
        /// By SHA-256.
        sha256: String,
        /// By MD5.
        md5: String,
    },
}

impl fmt::Debug for AgentSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgentSecret")
    }
}

/// A phone that an agent has registered: all that is needed to call it without a further REGISTER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredPhone {
    /// Its Contact, without `expires`.
    pub contact: String,
    /// The Route of what is sent to it (Path, RFC 3327), the next hop first.
    pub path: Vec<String>,
    /// What it registered by.
    pub transport: TransportKind,
    /// Our end of the way to it.
    pub local: SocketAddr,
    /// The other end. Of a stream, that of the one by which it registered.
    pub remote: SocketAddr,
    /// The Call-ID of its last REGISTER ...
    pub call_id: String,
    /// ... and its number.
    pub cseq: u32,
    /// Whether it answered when it was last asked; a phone that has just registered counts as one that does.
    pub answers: bool,
    /// The registration lasts for so long from now on.
    pub expires_in: Duration,
}

/// Why an agent can no longer be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unreachable {
    /// The phone took its registration back.
    Unregistered,
    /// The registration was not refreshed in time.
    Expired,
    /// The phone no longer answers.
    Silent,
    /// The connection that led to the phone is gone.
    Disconnected,
    /// The agent is no longer configured.
    Removed,
}

/// Headers that a call carries to an agent's phone, checked as they are added: only those that tell something about the
/// call, and none that could change where it goes.
///
/// A Call-Info with the unspecified address is told to each phone with the one by which that phone reaches us, which only
/// `sip` knows; one with a loopback address only to phones on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallHeaders(Vec<(String, String)>);

/// Why a header was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderRefused {
    /// Only P-Asserted-Identity, Alert-Info, Call-Info, Subject, Priority and `X-Helpline-*` are taken.
    #[error("the header {0} is not one that a call to an agent may carry")]
    Name(String),
    /// Longer than 512 octets, or with a control character.
    #[error("the value of the header {0} is too long or has control characters")]
    Value(String),
    /// More than 16.
    #[error("a call cannot carry more than {HEADERS_MAX} headers")]
    TooMany,
}

impl CallHeaders {
    /// None.
    pub const fn new() -> CallHeaders {
        CallHeaders(Vec::new())
    }

    /// Adds one.
    ///
    /// # Errors
    /// When the name is not on the list, the value could break out of its line, or there are too many.
    pub fn push(&mut self, name: &str, value: impl Into<String>) -> Result<(), HeaderRefused> {
        const PREFIX: &str = "X-Helpline-";
        let listed = ["P-Asserted-Identity", "Alert-Info", "Call-Info", "Subject", "Priority"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name));
        let ours = name.len() > PREFIX.len()
            && name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        let value = value.into();
        if !listed && !ours {
            Err(HeaderRefused::Name(name.to_owned()))
        } else if value.len() > VALUE_BYTES_MAX || value.chars().any(char::is_control) {
            Err(HeaderRefused::Value(name.to_owned()))
        } else if self.0.len() >= HEADERS_MAX {
            Err(HeaderRefused::TooMany)
        } else {
            self.0.push((name.to_owned(), value));
            Ok(())
        }
    }

    /// Name and value of each, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_headers_that_tell_of_the_call_are_taken() {
        let check = |name: &str, value: &str, taken: bool| {
            assert_eq!(CallHeaders::new().push(name, value).is_ok(), taken, "{name}: {value}");
        };
        check("P-Asserted-Identity", "\"Ada\" <sip:1001@192.0.2.1>", true);
        check("alert-info", "<http://127.0.0.1/bell>", true);
        check("X-Helpline-Queue", "support, first line", true);
        check("X-Helpline-Wait", "", true);
        check("X-Helpline-Data-order_number", "0123", true);
        check("X-Helpline-Data-größe", "4", false);
        check("X-Helpline-", "x", false);
        check("X-Helpline-A:B", "x", false);
        check("Route", "<sip:192.0.2.9;lr>", false);
        check("Via", "x", false);
        check("", "x", false);
        check("Subject", "a\r\nRoute: <sip:b>", false);
        check("Subject", &"x".repeat(513), false);
        let mut headers = CallHeaders::new();
        let taken = (0..20).filter(|_| headers.push("X-Helpline-Key", "5").is_ok()).count();
        assert_eq!((taken, headers.iter().count()), (16, 16));
    }

    #[test]
    fn a_secret_is_never_printed() {
        let account =
            AgentAccount { extension: "1001".to_owned(), secret: AgentSecret::Password("hunter2".to_owned()) };
        assert!(!format!("{account:?}").contains("hunter2"));
    }
}
