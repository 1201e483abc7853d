//! Responses as this user agent writes them.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::sip::dialog::tag_of;
use crate::sip::message::{HeaderName, Headers, Request, Response};
use crate::sip::sdp;
use crate::telephony::{Refusal, SessionDescription};

/// The methods that we take.
pub(super) const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, PRACK, REFER, SUBSCRIBE";

/// The extensions that we know, as Supported prints them and as Require is checked against.
pub(super) const SUPPORTED: [&str; 4] = ["100rel", "timer", "replaces", "norefersub"];

/// What we take in the body of INFO.
const ACCEPT_INFO: &str = "application/dtmf-relay, application/dtmf";

/// A response that refuses, before it is written.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: u16,
    reason: String,
    headers: Vec<(HeaderName, String)>,
}

impl Refused {
    pub(super) fn status(status: u16) -> Refused {
        Refused { status, reason: String::new(), headers: Vec::new() }
    }

    pub(super) fn with(mut self, name: HeaderName, value: impl Into<String>) -> Refused {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn because(mut self, reason: impl Into<String>) -> Refused {
        self.reason = reason.into();
        self
    }

    /// 503: come back in `seconds`.
    pub(super) fn unavailable(seconds: u64) -> Refused {
        Refused::status(503).with(HeaderName::RetryAfter, seconds.to_string())
    }

    /// 405 with what would be allowed.
    pub(super) fn method_not_allowed() -> Refused {
        Refused::status(405).with(HeaderName::Allow, ALLOW)
    }

    /// 415 with what would be taken.
    pub(super) fn unsupported_media_type(accept: &str) -> Refused {
        Refused::status(415).with(HeaderName::Accept, accept)
    }

    /// 415 to an INFO.
    pub(super) fn unsupported_info() -> Refused {
        Refused::unsupported_media_type(ACCEPT_INFO)
    }

    /// As the switchboard decided.
    pub(super) fn from_switchboard(refusal: &Refusal) -> Refused {
        // A final response that does not refuse would leave the transaction in a state that no one knows.
        let status = if (300..700).contains(&refusal.status) { refusal.status } else { 500 };
        let mut refused = Refused::status(status).because(refusal.reason.as_str());
        if let Some(after) = refusal.retry_after {
            refused = refused.with(HeaderName::RetryAfter, after.as_secs().to_string());
        }
        if let Some(warning) = &refusal.warning {
            let text = warning.text.replace(['\\', '"'], "'");
            refused = refused.with(HeaderName::Warning, format!("{} helpline \"{text}\"", warning.code));
        }
        refused
    }

    /// The response itself.
    pub(super) fn response(self, request: &Request, tag: &str, product: &str) -> Response {
        let mut response = respond(request, self.status, tag, product);
        if !self.reason.is_empty() {
            response.reason = self.reason;
        }
        for (name, value) in self.headers {
            response.headers.push(name, value);
        }
        response
    }
}

/// A response with our tag in To, where the request has none.
pub(super) fn respond(request: &Request, status: u16, tag: &str, product: &str) -> Response {
    let mut response = request.response(status);
    if status > 100 {
        set_to_tag(&mut response.headers, tag);
    }
    response.headers.push(HeaderName::Server, product);
    response
}

fn set_to_tag(headers: &mut Headers, tag: &str) {
    let Some(to) = headers.get(&HeaderName::To).filter(|to| tag_of(to).is_none()) else { return };
    let to = format!("{to};tag={tag}");
    headers.set(HeaderName::To, to);
}

/// Says what we can, in responses and requests that make or change a session.
pub(super) fn say_abilities(headers: &mut Headers, contact: &str) {
    headers.push(HeaderName::Contact, contact);
    headers.push(HeaderName::Allow, ALLOW);
    headers.push(HeaderName::Supported, SUPPORTED.join(", "));
}

/// Adds a session description as the body.
pub(super) fn describe(headers: &mut Headers, body: &mut Vec<u8>, description: &str) {
    if description.is_empty() {
        return;
    }
    headers.push(HeaderName::ContentType, "application/sdp");
    *body = description.as_bytes().to_vec();
}

/// Refuses what could not take our session description (RFC 3261 section 20.1: no Accept at all takes one).
pub(super) fn check_accept(headers: &Headers) -> Result<(), Refused> {
    let takes = |value: &str| {
        let kind = value.split(';').next().unwrap_or("").trim();
        ["application/sdp", "application/*", "*/*"].iter().any(|ours| kind.eq_ignore_ascii_case(ours))
    };
    if !headers.contains(&HeaderName::Accept) || headers.values(&HeaderName::Accept).any(takes) {
        Ok(())
    } else {
        Err(Refused::status(406))
    }
}

/// The session description of a message; refused where the body is something else or cannot be read.
pub(super) fn session_description(headers: &Headers, body: &[u8]) -> Result<Option<SessionDescription>, Refused> {
    if body.is_empty() {
        return Ok(None);
    }
    let encoded =
        headers.get(&HeaderName::ContentEncoding).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity"));
    if encoded {
        let refused = Refused::unsupported_media_type("application/sdp");
        return Err(refused.with(HeaderName::AcceptEncoding, "identity"));
    }
    match headers.content_type() {
        Some(kind) if kind.is("application", "sdp") => {}
        Some(kind) if kind.kind == "multipart" => {
            let part = kind.parameters.text("boundary").and_then(|boundary| sdp_part(body, &boundary));
            let part = part.ok_or_else(|| Refused::unsupported_media_type("application/sdp"))?;
            return read(part).map(Some);
        }
        _ if is_optional(headers) => return Ok(None),
        _ => return Err(Refused::unsupported_media_type("application/sdp")),
    }
    read(body).map(Some)
}

fn read(text: &[u8]) -> Result<SessionDescription, Refused> {
    sdp::parse(text).map_err(|fault| Refused::status(400).because(format!("The session description {fault}")))
}

/// Whether the body may be ignored (RFC 3261 section 20.11).
fn is_optional(headers: &Headers) -> bool {
    let Some(disposition) = headers.get(&HeaderName::ContentDisposition) else { return false };
    disposition.split(';').skip(1).any(|parameter| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            name.trim().eq_ignore_ascii_case("handling") && value.trim().eq_ignore_ascii_case("optional")
        })
    })
}

/// The session description among the parts of a multipart body (RFC 2046 section 5.1, RFC 5621).
fn sdp_part<'a>(body: &'a [u8], boundary: &str) -> Option<&'a [u8]> {
    let text = std::str::from_utf8(body).ok()?;
    let delimiter = format!("--{boundary}");
    text.split(delimiter.as_str()).skip(1).take(8).find_map(|part| {
        let (head, content) = part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n"))?;
        let is_sdp = head.lines().any(|line| {
            line.split_once(':').is_some_and(|(name, value)| {
                let value = value.split(';').next().unwrap_or("").trim();
                (name.trim().eq_ignore_ascii_case("content-type") || name.trim().eq_ignore_ascii_case("c"))
                    && value.eq_ignore_ascii_case("application/sdp")
            })
        });
        is_sdp.then_some(content.as_bytes())
    })
}

/// The description with our address where it has the unspecified one: who is called from no call in progress is described
/// before anybody knows the way there.
pub(super) fn at_home(description: &SessionDescription, ours: IpAddr) -> Cow<'_, SessionDescription> {
    let unspecified = |address: &IpAddr| address.is_unspecified();
    let nowhere = description.connection.as_ref().is_some_and(unspecified)
        || description.media.iter().any(|media| media.connection.as_ref().is_some_and(unspecified));
    if !nowhere {
        return Cow::Borrowed(description);
    }
    let mut description = description.clone();
    let media = description.media.iter_mut().map(|media| &mut media.connection);
    for connection in media.chain([&mut description.connection]) {
        if connection.as_ref().is_some_and(unspecified) {
            *connection = Some(ours);
        }
    }
    if description.origin.address.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified()) {
        description.origin.address = ours.to_string();
    }
    Cow::Owned(description)
}
