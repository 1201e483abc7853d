//! SIP messages: bytes to a checked [`Message`] and back (RFC 3261 sections 7, 20 and 25).
//!
//! Reading is forgiving where phones need it (bare LF, folded lines, compact names, blanks around separators, Latin-1 in
//! free text, a missing reason phrase or Content-Length) and strict where a wrong guess would do harm: headers that are
//! missing or there twice, numbers that overflow, a CSeq of another method, a body shorter than it claims to be.

mod fields;
mod framing;
mod grammar;
mod header_name;
mod headers;
mod method;
mod name_addr;
mod parameters;
mod parse;
mod print;
mod status;
mod uri;
mod via;

pub use fields::{MediaType, Refresher, list_values};
pub use framing::{Framed, Framer};
pub(super) use grammar::write_address;
pub use header_name::HeaderName;
pub use headers::Headers;
pub use method::Method;
pub use name_addr::NameAddr;
pub use parameters::{PARAMETERS_MAX, Parameters};
pub use parse::{HEADER_LINES_MAX, MESSAGE_BYTES_MAX};
pub use status::reason_phrase;
pub(super) use uri::decoded;
pub use uri::{Host, Scheme, Uri};
pub use via::{BRANCH_COOKIE, Via};

/// A request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The Request-URI.
    pub uri: Uri,
    /// The headers. Content-Length is as it was received; printing writes its own.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 100 to 699.
    pub status: u16,
    /// The reason phrase; when empty, printing writes the RFC's own.
    pub reason: String,
    /// The headers. Content-Length is as it was received; printing writes its own.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

/// What could not be read, as the end of a reason phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Bad {what}")]
pub struct ParseFault {
    /// The header or the part, such as `CSeq`.
    pub what: &'static str,
}

/// Why bytes are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing that SIP would know, such as a keep-alive: to be dropped without a word.
    #[error("the bytes are not SIP")]
    NotSip,
    /// The bytes end before the headers do.
    #[error("the message ends within its headers")]
    Incomplete,
    /// Longer than [`MESSAGE_BYTES_MAX`].
    #[error("the message is longer than {MESSAGE_BYTES_MAX} bytes")]
    TooLarge,
    /// A request that is to be refused, when it is no ACK.
    #[error("the request is refused with {status} {reason}")]
    BadRequest {
        /// As far as it could be read: enough to answer where Via, From, To, Call-ID and CSeq are there.
        request: Box<Request>,
        /// 400, 505 or 513.
        status: u16,
        /// The reason phrase.
        reason: String,
    },
    /// A response that makes no sense: to be dropped.
    #[error("the response is malformed")]
    BadResponse,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: Method, uri: Uri) -> Request {
        Request { method, uri, headers: Headers::new(), body: Vec::new() }
    }

    /// A response to this request with what RFC 3261 section 8.2.6.2 says it takes over: Via, From, To, Call-ID and CSeq,
    /// Record-Route where the response may make a dialog (section 12.1.1), and a 100's Timestamp. It adds no tag.
    pub fn response(&self, status: u16) -> Response {
        use HeaderName as Name;
        const ALWAYS: [HeaderName; 5] = [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq];
        const DIALOG: [HeaderName; 6] = [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq, Name::RecordRoute];
        const TRYING: [HeaderName; 6] = [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq, Name::Timestamp];
        // Room for the tag, Contact, Allow, Supported and a body's headers.
        let mut headers = Headers::with_capacity(16, 1024);
        let makes_dialog = matches!(self.method, Method::Invite | Method::Subscribe | Method::Refer | Method::Notify);
        match status {
            100 => headers.copy_from(&self.headers, &TRYING),
            101..=299 if makes_dialog => headers.copy_from(&self.headers, &DIALOG),
            _ => headers.copy_from(&self.headers, &ALWAYS),
        }
        Response { status, reason: reason_phrase(status).to_owned(), headers, body: Vec::new() }
    }
}

impl Message {
    /// The headers of either.
    pub fn headers(&self) -> &Headers {
        match self {
            Message::Request(request) => &request.headers,
            Message::Response(response) => &response.headers,
        }
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Message {
        Message::Request(request)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Message {
        Message::Response(response)
    }
}
