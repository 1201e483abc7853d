//! Bytes to messages.

use super::grammar::{cut_blank, find, is_blank, is_token, is_token_byte, trim};
use super::{Fault, HeaderName, Headers, Message, Method, NameAddr, ParseFault, Request, Response, Uri, reason_phrase};

/// The longest message that is read, in bytes: a UDP datagram's limit, and the same for streams.
pub const MESSAGE_BYTES_MAX: usize = 65_535;

/// The most header lines that a message may have; one with more is refused with 513.
pub const HEADER_LINES_MAX: usize = 256;

/// Headers that a message has at most once (RFC 3261 section 7.3.1), and whose second would leave open which is meant;
/// the first [`MANDATORY`] of them it must have (section 8.1.1).
const SINGLE: [&str; 13] = [
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Max-Forwards",
    "Content-Length",
    "Content-Type",
    "Expires",
    "Session-Expires",
    "RAck",
    "RSeq",
    "Refer-To",
    "Replaces",
];
const MANDATORY: usize = 4;

/// The place of a name in [`SINGLE`].
const fn single(name: &HeaderName) -> Option<usize> {
    Some(match name {
        HeaderName::From => 0,
        HeaderName::To => 1,
        HeaderName::CallId => 2,
        HeaderName::CSeq => 3,
        HeaderName::MaxForwards => 4,
        HeaderName::ContentLength => 5,
        HeaderName::ContentType => 6,
        HeaderName::Expires => 7,
        HeaderName::SessionExpires => 8,
        HeaderName::RAck => 9,
        HeaderName::RSeq => 10,
        HeaderName::ReferTo => 11,
        HeaderName::Replaces => 12,
        _ => return None,
    })
}

impl Message {
    /// Reads one whole message: a datagram, or what a [`super::Framer`] cut from a stream. What lies behind the body
    /// that Content-Length tells is ignored; without it, the body is all that is left.
    pub fn parse(datagram: &[u8]) -> Result<Message, Fault> {
        // Line breaks before a message are keep-alives that got stuck to it (RFC 3261 section 7.5).
        let start = datagram.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).ok_or(Fault::NotSip)?;
        let (line, rest) = take_line(&datagram[start..]).ok_or(Fault::NotSip)?;
        if line.len() >= 4 && line[..4].eq_ignore_ascii_case(b"SIP/") {
            if datagram.len() > MESSAGE_BYTES_MAX {
                return Err(Fault::TooLarge);
            }
            return response(line, rest).map(Message::Response);
        }
        let start_line = RequestLine::read(line).ok_or(Fault::NotSip)?;
        if datagram.len() > MESSAGE_BYTES_MAX {
            return Err(Fault::TooLarge);
        }
        request(start_line, rest).map(Message::Request)
    }
}

/// The request line, cut but not yet checked.
struct RequestLine<'a> {
    method: &'a str,
    uri: &'a str,
    version: &'a str,
    well_spaced: bool,
}

impl<'a> RequestLine<'a> {
    /// Nothing where no version stands at the end of the line: then the line is not SIP's.
    fn read(line: &'a [u8]) -> Option<RequestLine<'a>> {
        let text = match std::str::from_utf8(line) {
            Ok(text) => text,
            // A URI has no such bytes; the line is cut off before them, so that the rest can be answered.
            Err(error) => return RequestLine::read_broken(line, error.valid_up_to()),
        };
        let trimmed = trim(text);
        let (method, rest) = cut_blank(trimmed)?;
        let last = rest.bytes().rposition(is_blank)?;
        let (uri, version) = (&rest[..last], &rest[last + 1..]);
        if version.len() < 4 || !version.as_bytes()[..4].eq_ignore_ascii_case(b"SIP/") {
            return None;
        }
        let well_spaced = trimmed.len() == text.len() && !uri.bytes().any(is_blank) && find(text, b'\t').is_none();
        Some(RequestLine { method, uri, version, well_spaced })
    }

    fn read_broken(line: &'a [u8], valid: usize) -> Option<RequestLine<'a>> {
        let start = std::str::from_utf8(&line[..valid]).ok()?;
        let (method, uri) = start.split_once(' ')?;
        let sip_follows = line[valid..].windows(5).any(|window| window.eq_ignore_ascii_case(b" SIP/"));
        sip_follows.then_some(RequestLine { method, uri, version: "SIP/2.0", well_spaced: false })
    }
}

fn request(line: RequestLine<'_>, rest: &[u8]) -> Result<Request, Fault> {
    let mut fault = Verdict::default();
    if !line.version.eq_ignore_ascii_case("SIP/2.0") {
        fault.refuse(505, reason_phrase(505));
    }
    if !line.well_spaced {
        fault.refuse(400, "Bad Request-Line");
    }
    if !is_token(line.method) {
        fault.refuse(400, "Bad method");
    }
    let uri = Uri::parse(line.uri).unwrap_or_else(|_| {
        fault.refuse(400, "Bad Request-URI");
        Uri::opaque("", line.uri)
    });
    if uri.is_sip() && !uri.headers.is_empty() {
        // RFC 3261 section 19.1.1, table 1.
        fault.refuse(400, "Bad Request-URI");
    }
    let (headers, body) = headers(rest, &mut fault)?;
    let mut request = Request { method: Method::from_token(line.method), uri, headers, body: Vec::new() };
    if let Err(reason) = check_request(&mut request) {
        fault.refuse(400, &reason);
    }
    match body_of(&request.headers, body) {
        Ok(body) => request.body = body.to_vec(),
        Err(what) => fault.refuse(400, &what.to_string()),
    }
    match fault.0 {
        None => Ok(request),
        Some((status, reason)) => Err(Fault::BadRequest { request: Box::new(request), status, reason }),
    }
}

fn response(line: &[u8], rest: &[u8]) -> Result<Response, Fault> {
    // The phrase may be missing with its space, and may be of bytes that are no UTF-8.
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let version = parts.next().unwrap_or_default();
    let status = parts.next().unwrap_or_default().trim_ascii_end();
    let reason = parts.next().unwrap_or_default();
    let status = std::str::from_utf8(status).ok().filter(|text| text.len() == 3).and_then(|text| text.parse().ok());
    let status = status.filter(|status| (100..700).contains(status)).ok_or(Fault::BadResponse)?;
    if !version.eq_ignore_ascii_case(b"SIP/2.0") || reason.contains(&b'\r') {
        return Err(Fault::BadResponse);
    }
    let reason = match std::str::from_utf8(reason) {
        Ok(reason) => reason.to_owned(),
        Err(_) => reason.iter().copied().map(char::from).collect(),
    };
    let mut fault = Verdict::default();
    let (mut headers, body) = headers(rest, &mut fault)?;
    if fault.0.is_some() || check_common(&mut headers).is_err() {
        return Err(Fault::BadResponse);
    }
    let body = body_of(&headers, body).map_err(|_| Fault::BadResponse)?.to_vec();
    Ok(Response { status, reason, headers, body })
}

/// The first reason found to refuse a request.
#[derive(Default)]
struct Verdict(Option<(u16, String)>);

impl Verdict {
    fn refuse(&mut self, status: u16, reason: &str) {
        self.0.get_or_insert_with(|| (status, reason.to_owned()));
    }
}

/// One line without its end (CRLF or LF) and what follows it; nothing when there is no end of line.
fn take_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = &bytes[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), &bytes[end + 1..]))
}

/// The header lines and what follows the empty line behind them. A message that ends with its last header line, without
/// the empty one, is taken as whole: some phones send that.
fn headers<'a>(mut rest: &'a [u8], fault: &mut Verdict) -> Result<(Headers, &'a [u8]), Fault> {
    // Typical heads have a dozen lines.
    let mut headers = Headers::with_capacity(16, rest.len().min(4096));
    let mut folded = Vec::new();
    while !rest.is_empty() {
        let (mut line, after) = take_line(rest).ok_or(Fault::Incomplete)?;
        rest = after;
        if line.is_empty() {
            break;
        }
        // A line that begins with a blank goes on with the one before (RFC 3261 section 7.3.1).
        if matches!(rest.first(), Some(b' ' | b'\t')) {
            folded.clear();
            folded.extend_from_slice(line.trim_ascii_end());
            while matches!(rest.first(), Some(b' ' | b'\t')) {
                let (more, after) = take_line(rest).ok_or(Fault::Incomplete)?;
                rest = after;
                folded.push(b' ');
                folded.extend_from_slice(more.trim_ascii());
            }
            line = &folded;
        }
        if headers.len() == HEADER_LINES_MAX {
            fault.refuse(513, "Too Many Headers");
            continue;
        }
        if let Err(what) = header_line(line, &mut headers) {
            fault.refuse(400, &what.to_string());
        }
    }
    Ok((headers, rest))
}

fn header_line(line: &[u8], headers: &mut Headers) -> Result<(), ParseFault> {
    let fault = ParseFault { what: "header line" };
    let colon = line.iter().position(|byte| *byte == b':').ok_or(fault)?;
    let name = line[..colon].trim_ascii_end();
    if name.is_empty() || !name.iter().copied().all(is_token_byte) {
        return Err(fault);
    }
    let name = std::str::from_utf8(name).map_err(|_| fault)?;
    let value = line[colon + 1..].trim_ascii();
    if value.contains(&b'\r') {
        // Some would take it for the end of the line, and read another header behind it.
        return Err(fault);
    }
    headers.push_bytes(HeaderName::from_token(name), value);
    Ok(())
}

/// What requests and responses have in common: the headers that must be there, those that may be there once only, and
/// the form of those that everything depends on.
fn check_common(headers: &mut Headers) -> Result<(), String> {
    let mut seen = [false; SINGLE.len()];
    for (name, _) in headers.iter() {
        if let Some(place) = single(name)
            && std::mem::replace(&mut seen[place], true)
        {
            return Err(format!("Several {}", SINGLE[place]));
        }
    }
    if let Some(place) = seen[..MANDATORY].iter().position(|seen| !seen) {
        return Err(format!("Missing {}", SINGLE[place]));
    }
    if !headers.contains(&HeaderName::Via) {
        return Err("Missing Via".to_owned());
    }
    let mut check = || -> Result<(), ParseFault> {
        headers.check_via()?;
        headers.from()?;
        headers.to()?;
        headers.call_id()?;
        headers.cseq()?;
        headers.content_length()?;
        Ok(())
    };
    check().map_err(|fault| fault.to_string())
}

fn check_request(request: &mut Request) -> Result<(), String> {
    check_common(&mut request.headers)?;
    let headers = &request.headers;
    let check = || -> Result<bool, ParseFault> {
        let (_, method) = headers.cseq()?;
        headers.max_forwards()?;
        if !headers.contact_is_wildcard() {
            for value in headers.values(&HeaderName::Contact) {
                NameAddr::parse(value, "Contact")?;
            }
        }
        Ok(method == request.method)
    };
    match check() {
        Ok(true) => Ok(()),
        Ok(false) => Err("CSeq Of Another Method".to_owned()),
        Err(fault) => Err(fault.to_string()),
    }
}

/// The body within what follows the headers (RFC 3261 section 18.3).
fn body_of<'a>(headers: &Headers, rest: &'a [u8]) -> Result<&'a [u8], ParseFault> {
    match headers.content_length()? {
        None => Ok(rest),
        Some(length) => rest.get(..length).ok_or(ParseFault { what: "Content-Length" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_headers_have_their_places() {
        for (place, name) in SINGLE.iter().enumerate() {
            assert_eq!(single(&HeaderName::from_token(name)), Some(place), "{name}");
        }
    }

    const HEADERS: &str =
        "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\n";

    fn read(text: &str) -> Result<Message, Fault> {
        Message::parse(text.as_bytes())
    }

    /// An OPTIONS with more headers and a body.
    fn options(headers: &str, body: &str) -> String {
        format!("OPTIONS sip:c@d SIP/2.0\r\n{HEADERS}CSeq: 1 OPTIONS\r\n{headers}\r\n{body}")
    }

    fn refusal(text: &str) -> Option<(u16, String)> {
        match read(text) {
            Err(Fault::BadRequest { status, reason, .. }) => Some((status, reason)),
            _ => None,
        }
    }

    #[test]
    fn what_phones_send_is_read() {
        let check = |text: &str, body: &str| match read(text) {
            Ok(Message::Request(request)) => assert_eq!(request.body, body.as_bytes(), "{text}"),
            other => panic!("{text}: {other:?}"),
        };
        check(&options("", ""), "");
        check(&options("", "all that is left"), "all that is left");
        check(&options("Content-Length: 3\r\n", "all that is left"), "all");
        check(&options("", "bare\nlines").replace("\r\n", "\n"), "bare\nlines");
        check(&format!("\r\n\r\n{}", options("", "")), "");
        // No empty line behind the headers.
        let whole = options("", "");
        check(&whole[..whole.len() - 2], "");
        check(&options("", "").replace("OPTIONS sip:c@d SIP/2.0", "OPTIONS sip:c@d sip/2.0"), "");
        check(&options("X-Odd \t: a\r\nContact: *\r\nSubject: a\r\n\tb\r\n", ""), "");
    }

    #[test]
    fn what_would_do_harm_is_refused() {
        let check = |text: &str, status: u16, reason: &str| {
            assert_eq!(refusal(text), Some((status, reason.to_owned())), "{text}");
        };
        let whole = options("", "");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            let without: String =
                whole.split_inclusive("\r\n").filter(|line| !line.starts_with(&format!("{name}:"))).collect();
            check(&without, 400, &format!("Missing {name}"));
        }
        check(&options("t: <sip:e@f>\r\n", ""), 400, "Several To");
        check(&options("l: 0\r\nContent-Length: 0\r\n", ""), 400, "Several Content-Length");
        check(&options("l: 9\r\n", "short"), 400, "Bad Content-Length");
        check(&options("l: 1e3\r\n", ""), 400, "Bad Content-Length");
        check(&options("Max-Forwards: 256\r\n", ""), 400, "Bad Max-Forwards");
        check(&options("Contact: <sip:a@b\r\n", ""), 400, "Bad Contact");
        check(&options("no colon\r\n", ""), 400, "Bad header line");
        check(&options("b@d: name\r\n", ""), 400, "Bad header line");
        check(&options("X: a\rVia: b\r\n", ""), 400, "Bad header line");
        check(&whole.replace("1 OPTIONS", "1 INVITE"), 400, "CSeq Of Another Method");
        check(&whole.replace("1 OPTIONS", "4294967296 OPTIONS"), 400, "Bad CSeq");
        check(&whole.replace("<sip:c@d>", "<sip:c@>"), 400, "Bad To");
        check(&whole.replace(" sip:c@d ", " sip:c@d:x "), 400, "Bad Request-URI");
        check(&whole.replace(" sip:c@d ", "  sip:c@d "), 400, "Bad Request-Line");
        check(&whole.replace("SIP/2.0\r\n", "SIP/3.0\r\n"), 505, "Version Not Supported");
        check(&options(&"X: y\r\n".repeat(HEADER_LINES_MAX), ""), 513, "Too Many Headers");
    }

    #[test]
    fn what_is_no_message_is_told_apart() {
        let check = |bytes: &[u8], fault: &Fault| assert_eq!(Message::parse(bytes).as_ref(), Err(fault));
        check(b"", &Fault::NotSip);
        check(b"\r\n\r\n", &Fault::NotSip);
        check(b"\0\0\0\0", &Fault::NotSip);
        check(b"GET / HTTP/1.1\r\n\r\n", &Fault::NotSip);
        check(b"hello\r\n", &Fault::NotSip);
        check(b"OPTIONS sip:c@d SIP/2.0", &Fault::NotSip);
        check(b"OPTIONS sip:c@d SIP/2.0\r\nVia: x", &Fault::Incomplete);
        check(b"OPTIONS sip:c@d SIP/2.0\r\nVia: x\r\n y", &Fault::Incomplete);
        check(options("", &"x".repeat(MESSAGE_BYTES_MAX)).as_bytes(), &Fault::TooLarge);
        // Bytes that no URI has.
        let latin1: Vec<u8> = options("", "").replace("c@d SIP", "\u{1}@d SIP").into_bytes();
        let latin1: Vec<u8> = latin1.into_iter().map(|byte| if byte == 1 { 0xfc } else { byte }).collect();
        assert!(matches!(Message::parse(&latin1), Err(Fault::BadRequest { status: 400, .. })));
    }

    #[test]
    fn responses_are_read_or_dropped() {
        let response = |line: &str| read(&format!("{line}\r\n{HEADERS}CSeq: 1 OPTIONS\r\n\r\n"));
        let check = |line: &str, expected: Option<(u16, &str)>| match (response(line), expected) {
            (Ok(Message::Response(read)), Some((status, reason))) => {
                assert_eq!((read.status, read.reason.as_str()), (status, reason), "{line}");
            }
            (Err(fault), None) => assert_eq!(fault, Fault::BadResponse, "{line}"),
            (other, _) => panic!("{line}: {other:?}"),
        };
        check("SIP/2.0 200 OK", Some((200, "OK")));
        check("SIP/2.0 486 Busy Here", Some((486, "Busy Here")));
        check("SIP/2.0 100 ", Some((100, "")));
        check("SIP/2.0 100", Some((100, "")));
        check("SIP/2.0 99 x", None);
        check("SIP/2.0 700 x", None);
        check("SIP/2.0 +20 x", None);
        check("SIP/3.0 200 OK", None);
        check("SIP/2.0", None);
        assert_eq!(read("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\n\r\n"), Err(Fault::BadResponse));
    }

    #[test]
    fn a_response_takes_over_what_it_has_to() {
        let text = options("v: SIP/2.0/TCP i\r\nRecord-Route: <sip:p;lr>\r\nTimestamp: 5\r\n", "body");
        let text = text.replace("OPTIONS", "INVITE");
        let Ok(Message::Request(request)) = read(&text) else { panic!("{text}") };
        let check = |status: u16, more: &str| {
            let mut out = Vec::new();
            request.response(status).to_bytes(&mut out);
            let start = format!("SIP/2.0 {status} {}\r\n", reason_phrase(status));
            let via = "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n";
            let rest = HEADERS.trim_start_matches(via);
            let expected =
                format!("{start}{via}{rest}CSeq: 1 INVITE\r\nVia: SIP/2.0/TCP i\r\n{more}Content-Length: 0\r\n\r\n");
            assert_eq!(String::from_utf8_lossy(&out), expected);
        };
        check(100, "Timestamp: 5\r\n");
        check(180, "Record-Route: <sip:p;lr>\r\n");
        check(200, "Record-Route: <sip:p;lr>\r\n");
        check(486, "");
    }
}
