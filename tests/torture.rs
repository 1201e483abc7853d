//! The torture messages of RFC 4475: each is read, or refused in the way that the RFC wants. The messages and what has to
//! come of them are in `tests/data/torture`, for other tests too.

use std::fs;
use std::path::{Path, PathBuf};

use helpline::sip::message::{
    Fault, Framed, Framer, HeaderName, MESSAGE_BYTES_MAX, Message, Method, Request, reason_phrase,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/torture")
}

/// One line of `cases.txt`.
struct Case {
    name: String,
    reader: String,
    bytes: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let table = fs::read_to_string(folder().join("cases.txt")).expect("the table is readable");
    table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let mut columns = line.split_whitespace();
            let (Some(name), Some(_section), Some(reader), Some(_answer)) =
                (columns.next(), columns.next(), columns.next(), columns.next())
            else {
                panic!("a line of cases.txt has too few columns: {line}");
            };
            let bytes = fs::read(folder().join(format!("{name}.dat"))).expect("the message is readable");
            Case { name: name.to_owned(), reader: reader.to_owned(), bytes }
        })
        .collect()
}

fn message(name: &str) -> Vec<u8> {
    fs::read(folder().join(format!("{name}.dat"))).expect("the message is readable")
}

fn request(name: &str) -> Request {
    match Message::parse(&message(name)) {
        Ok(Message::Request(request)) => request,
        other => panic!("{name}: {other:?}"),
    }
}

fn verdict(read: &Result<Message, Fault>) -> String {
    match read {
        Ok(Message::Request(_)) => "request".to_owned(),
        Ok(Message::Response(_)) => "response".to_owned(),
        Err(Fault::BadRequest { status, .. }) => status.to_string(),
        Err(Fault::BadResponse) => "dropped".to_owned(),
        Err(other) => format!("{other:?}"),
    }
}

#[test]
fn every_message_has_a_case() {
    let mut files: Vec<String> = fs::read_dir(folder())
        .expect("the folder is readable")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("plain names"))
        .filter_map(|name| name.strip_suffix(".dat").map(str::to_owned))
        .collect();
    files.sort();
    let mut named: Vec<String> = cases().into_iter().map(|case| case.name).collect();
    named.sort();
    assert_eq!(files, named);
    assert_eq!(files.len(), 49);
}

#[test]
fn every_message_is_read_or_refused_as_rfc_4475_wants() {
    for case in cases() {
        let read = Message::parse(&case.bytes);
        assert_eq!(verdict(&read), case.reader, "{}: {read:?}", case.name);
        // What is read and printed means the same when it is read again.
        if let Ok(read) = read {
            let mut printed = Vec::new();
            read.to_bytes(&mut printed);
            let again = Message::parse(&printed);
            assert_eq!(comparable(again.expect("it was read before")), comparable(read), "{}", case.name);
        }
    }
}

/// Content-Length is the printer's own and stands last, and an empty reason phrase is printed as the RFC's.
fn comparable(mut message: Message) -> Message {
    match &mut message {
        Message::Request(request) => {
            request.headers.remove(&HeaderName::ContentLength);
        }
        Message::Response(response) => {
            response.headers.remove(&HeaderName::ContentLength);
            if response.reason.is_empty() {
                response.reason = reason_phrase(response.status).to_owned();
            }
        }
    }
    message
}

#[test]
fn what_is_refused_can_be_answered() {
    for case in cases() {
        let Err(Fault::BadRequest { request, status, reason }) = Message::parse(&case.bytes) else {
            continue;
        };
        let mut response = request.response(status);
        assert!(!reason.is_empty(), "{}", case.name);
        response.reason = reason;
        for name in [HeaderName::Via, HeaderName::CSeq] {
            assert!(response.headers.contains(&name), "{}: {name}", case.name);
        }
        let mut printed = Vec::new();
        response.to_bytes(&mut printed);
        let start = format!("SIP/2.0 {status} ");
        assert!(printed.starts_with(start.as_bytes()), "{}", case.name);
    }
}

#[test]
fn a_stream_cuts_the_same_messages_however_it_is_read() {
    // Those with one Content-Length that is true may come by a stream.
    let fit: Vec<Vec<u8>> = cases()
        .into_iter()
        .filter(|case| matches!(case.reader.as_str(), "request" | "response"))
        .filter(|case| !matches!(case.name.as_str(), "inv2543" | "dblreq"))
        .map(|case| case.bytes)
        .collect();
    let stream = fit.concat();
    for step in [1, 2, 3, 7, 100, 1000, stream.len()] {
        let mut framer = Framer::new(MESSAGE_BYTES_MAX);
        let mut cut = Vec::new();
        for piece in stream.chunks(step) {
            framer.push(piece);
            for framed in &mut framer {
                match framed {
                    Framed::Message(bytes) => cut.push(bytes),
                    other => panic!("{other:?} after {} messages", cut.len()),
                }
            }
        }
        assert!(cut == fit, "read {step} bytes at a time");
        assert!(framer.is_empty());
    }
}

#[test]
fn a_short_tortuous_invite() {
    let request = request("wsinv");
    assert_eq!(request.method, Method::Invite);
    assert_eq!(request.uri.to_string(), "sip:vivekg@chair-dnrc.example.com;unknownparam");
    let headers = &request.headers;
    assert_eq!(headers.to().expect("well formed").tag(), Some("1918181833n"));
    let from = headers.from().expect("well formed");
    assert_eq!(from.display.as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(from.tag(), Some("98asjd8"));
    assert_eq!(from.uri.to_string(), "sip:jdrosen@example.com");
    assert_eq!(headers.max_forwards(), Ok(Some(68)));
    assert_eq!(headers.cseq(), Ok((9, Method::Invite)));
    let vias: Vec<String> =
        headers.vias().map(|via| helpline::sip::message::Via::parse(via).expect("well formed").to_string()).collect();
    assert_eq!(
        vias,
        [
            "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw",
            "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8",
            "SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239",
        ]
    );
    assert_eq!(headers.get(&HeaderName::Subject), Some(""));
    let new_fangled = HeaderName::Other("NEWFANGLEDheader".into());
    assert_eq!(headers.get(&new_fangled), Some("newfangled value continued newfangled value"));
    let contacts = headers.contacts().expect("well formed");
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0].display.as_deref(), Some("Quoted string \"\""));
    assert_eq!(contacts[0].parameters.as_str(), ";newparam=newvalue;secondparam;q=0.33");
    let routes = headers.routes(&HeaderName::Route).expect("well formed");
    assert!(routes[0].uri.lr());
    assert_eq!(request.body.len(), 150);
}

#[test]
fn unusual_characters_keep_their_places() {
    let read = request("intmeth");
    assert_eq!(read.method.as_str(), "!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(read.method.known_name(), "OTHER");
    assert_eq!(read.uri.user.as_deref(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
    assert_eq!(read.uri.password.as_deref(), Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
    let to = read.headers.to().expect("well formed");
    assert_eq!(to.display.as_deref(), Some("BEL:\x07 NUL:\0 DEL:\x7f"));
    assert_eq!(read.headers.from().expect("well formed").tag(), Some("_token~1'+`*%!-."));

    assert_eq!(request("esc01").uri.user_decoded(), "sips:user@example.com");
    assert_eq!(request("semiuri").uri.user.as_deref(), Some("user;par=u%40example.net"));
    let read = request("escnull");
    assert_eq!(read.headers.contacts().expect("well formed")[1].uri.user_decoded(), "\0\0");
    let read = request("esc02");
    assert_eq!(read.method.as_str(), "RE%47IST%45R");
    assert_eq!(read.headers.contacts().expect("well formed").len(), 2);

    assert_eq!(request("longreq").headers.vias().count(), 34);
    let read = request("dblreq");
    assert_eq!((read.method, read.body.len()), (Method::Register, 0));
    assert_eq!(request("mpart01").body.len(), 553);
    let read = request("cparam01").headers.contacts().expect("well formed").remove(0);
    assert!(read.parameters.contains("unknownparam") && read.uri.parameters.is_empty());
    let read = request("cparam02").headers.contacts().expect("well formed").remove(0);
    assert!(read.uri.parameters.contains("unknownparam") && read.parameters.is_empty());
    let Ok(Message::Response(read)) = Message::parse(&message("unreason")) else {
        panic!("a response");
    };
    assert_eq!(read.reason, "= 2**3 * 5**2 но сто девяносто девять - простое");
}
