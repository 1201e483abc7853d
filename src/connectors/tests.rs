//! Real services on real sockets: good ones, slow ones, broken ones, lying ones, and none at all.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use super::*;
use crate::flow::connector::{BreakerSpec, Field, FieldKind, HostPattern, Method, TextTemplate};
use crate::flow::{ConnectorIndex, LookupRequest};

/// A service: what it does with each request, which it is given whole, and with the how-manieth.
fn serve(act: impl Fn(&str, &mut TcpStream, usize) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let act = Arc::new(act);
    let count = Arc::new(AtomicUsize::new(0));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (act, count) = (act.clone(), count.clone());
            thread::spawn(move || {
                let mut stream = stream.expect("somebody connects");
                // One request a connection, so that each is told apart.
                let request = read_request(&mut stream);
                if !request.is_empty() {
                    act(&request, &mut stream, count.fetch_add(1, Ordering::SeqCst));
                }
            });
        }
    });
    port
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 1024];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return text,
            // A handshake of TLS (RFC 8446 section 5.1), which is no request.
            Ok(_) if bytes.is_empty() && piece[0] == 22 => return "TLS".to_owned(),
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
    }
}

fn answer(stream: &mut TcpStream, head: &str, body: &str) {
    let length = body.len();
    // Whoever asked may be gone.
    let _ = write!(stream, "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
}

const JSON: &str = "200 OK\r\nContent-Type: application/json";
const SENT: &str = r#"{"status": "sent"}"#;

fn status() -> Vec<Field> {
    let kind = FieldKind::Text(vec!["sent".into(), "paid".into()]);
    vec![Field { name: "status".into(), kind, path: vec!["status".into()], optional: false, secret: false }]
}

fn connector(name: &str) -> Connector {
    Connector {
        name: name.into(),
        method: Method::Get,
        url: TextTemplate::default(),
        headers: vec![("authorization".into(), "Bearer s3cret".into())],
        body: None,
        timeout: Duration::from_secs(20),
        retries: 0,
        hosts: vec![HostPattern::parse("127.0.0.1").expect("a host")],
        private: true,
        authorities: None,
        at_once: 20,
        breaker: None,
        answer: Vec::new(),
        fields: status(),
    }
}

/// The thread, and what it tells.
struct House {
    connectors: Connectors,
    told: Receiver<Input>,
    asked: u32,
}

impl House {
    fn open() -> House {
        let (tell, told): (Sender<Input>, _) = channel();
        let tell = move |input| tell.send(input).map_err(|refused| Box::new(refused.0));
        let connectors = Connectors::start(Clock::start(), Arc::new(tell)).expect("a thread can be had");
        House { connectors, told, asked: 0 }
    }

    fn ask(&mut self, connector: &Arc<Connector>, url: &str) -> u32 {
        self.asked += 1;
        let body = connector.body.as_ref().map(|_| r#"{"n":"4711"}"#.to_owned());
        let (lookup, zone) = (self.asked, TimeZone::UTC);
        let request = LookupRequest { lookup, connector: ConnectorIndex(0), url: url.to_owned(), body, zone };
        let ask = Ask { call: CallId(7), connector: connector.clone(), request };
        self.connectors.ask(ask).expect("there is room");
        self.asked
    }

    fn answer(&self) -> Answered {
        match self.told.recv().expect("the thread lives") {
            Input::Answered(answered) => {
                let why = answered.why.clone().unwrap_or_default();
                assert!(!why.contains("4711") && !why.contains("s3cret"), "a log learns too much: {why}");
                *answered
            }
            other => panic!("{other:?} is no answer"),
        }
    }

    /// Asks, and what comes of it: the word for it and what is told of it.
    fn asked(&mut self, connector: Connector, url: &str) -> (String, Answered) {
        let lookup = self.ask(&Arc::new(connector), url);
        let answered = self.answer();
        assert_eq!((answered.call, answered.lookup), (CallId(7), lookup));
        (format!("{} {}", answered.answer.label(), answered.why.as_deref().unwrap_or("")), answered)
    }
}

/// What the service does for each path.
fn behave(path: &str, stream: &mut TcpStream) {
    let say = |stream: &mut TcpStream, text: &str| drop(stream.write_all(text.as_bytes()));
    match path {
        "/ok" => answer(stream, JSON, SENT),
        "/untyped" => answer(stream, "200 OK", SENT),
        "/missing" => answer(stream, "404 Not Found", "{}"),
        "/gone" => answer(stream, "410 Gone", ""),
        "/empty" => answer(stream, JSON, ""),
        "/none" => answer(stream, "204 No Content", ""),
        "/nothing" => answer(stream, JSON, "[]"),
        "/broken" => answer(stream, "500 Internal Server Error", "oops"),
        "/denied" => answer(stream, "401 Unauthorized", "oops"),
        "/html" => answer(stream, "200 OK\r\nContent-Type: text/html; charset=utf-8", "<html>"),
        "/lying" => answer(stream, JSON, "<html>4711</html>"),
        "/fields" => answer(stream, JSON, r#"{"status": "code 4711"}"#),
        "/other" => answer(stream, JSON, r#"{"state": "sent"}"#),
        "/binary" => drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe")),
        "/packed" => answer(stream, &format!("{JSON}\r\nContent-Encoding: gzip"), SENT),
        "/half" => say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"status\":"),
        "/huge" => answer(stream, JSON, &" ".repeat(crate::flow::connector::MAX_ANSWER + 1)),
        "/endless" => {
            say(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            let piece = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
            while stream.write_all(piece.as_bytes()).is_ok() {}
        }
        "/trickle" => {
            say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
            while stream.write_all(b" ").is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        }
        "/slow" => while_they_wait(stream),
        "/close" => {}
        "/garbage" => say(stream, "SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        "/redirect" => answer(stream, "302 Found\r\nLocation: /ok", ""),
        "/away" => answer(stream, "302 Found\r\nLocation: http://evil.example/?n=4711", ""),
        "/file" => answer(stream, "302 Found\r\nLocation: file:///etc/passwd", ""),
        "/round" => answer(stream, "302 Found\r\nLocation: /round", ""),
        "/nowhere" => answer(stream, "302 Found", ""),
        other => panic!("nobody asks for {other}"),
    }
}

/// Says nothing until they are gone.
fn while_they_wait(stream: &mut TcpStream) {
    let mut byte = [0];
    let _ = stream.read(&mut byte);
}

#[test]
fn whatever_a_service_does_the_caller_has_an_outcome() {
    let port = serve(|request, stream, _| {
        let path = request.split(' ').nth(1).unwrap_or("");
        behave(path.split('?').next().unwrap_or(""), stream);
    });
    let mut house = House::open();
    for (path, expected) in [
        ("ok", "found "),
        ("untyped", "found "),
        ("missing", "not_found "),
        ("gone", "not_found "),
        ("empty", "not_found "),
        ("none", "not_found "),
        ("nothing", "not_found "),
        ("broken", "refused it answered with the status 500"),
        ("denied", "refused it answered with the status 401"),
        ("html", "unreadable its answer says text/html: it is no JSON in line 1, column 1"),
        ("lying", "unreadable its answer says application/json: it is no JSON in line 1, column 1"),
        (
            "fields",
            "unreadable its answer says application/json: its field `status` is not one of its words: it is a text like `aaaa 9999`",
        ),
        ("other", "unreadable its answer says application/json: it has no field `status`"),
        ("binary", "unreadable its answer says nothing about its type: it is no text"),
        ("packed", "unreadable its answer is packed (gzip), which was not asked for"),
        ("half", "unreachable "),
        ("huge", "unreadable its answer has more than 262144 octets"),
        ("endless", "unreadable its answer has more than 262144 octets"),
        ("trickle", "timed_out no answer within 0.4 s"),
        ("slow", "timed_out no answer within 0.4 s"),
        ("close", "unreachable "),
        ("garbage", "unreachable "),
        ("redirect", "found "),
        ("away", "not_allowed it leads to a host that is none of its `hosts`"),
        ("file", "not_allowed it leads to an address without encryption"),
        ("round", "not_allowed it leads elsewhere more than 3 times"),
        ("nowhere", "refused it leads elsewhere and does not say where"),
    ] {
        let hurried = matches!(path, "trickle" | "slow");
        let timeout = Duration::from_millis(if hurried { 400 } else { 20_000 });
        let asked = Connector { timeout, ..connector("orders") };
        let (told, answered) = house.asked(asked, &format!("http://127.0.0.1:{port}/{path}?n=4711"));
        let fits = if expected == "unreachable " { told.len() > expected.len() } else { told == expected };
        assert!(fits && told.starts_with(expected), "{path}: {told}");
        assert!(!hurried || answered.took >= timeout, "{path} is not given up early");
    }
}

#[test]
fn who_is_not_there_cannot_be_asked() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = free.local_addr().expect("it is bound").port();
    drop(free);
    let plain = serve(|_, stream, _| answer(stream, JSON, SENT));
    let mut house = House::open();
    let host = |host: &str, private: bool| Connector {
        hosts: vec![HostPattern::parse(host).expect("a host")],
        private,
        ..connector("orders")
    };
    for (asked, url, expected) in [
        (host("127.0.0.1", true), format!("http://127.0.0.1:{port}/?n=4711"), "unreachable "),
        (host("no-such-host.invalid", true), "http://no-such-host.invalid/?n=4711".to_owned(), "unreachable "),
        // TLS with somebody who speaks none.
        (host("127.0.0.1", true), format!("https://127.0.0.1:{plain}/?n=4711"), "unreachable "),
        // Near ones, where that is not meant: by address and by a name.
        (
            host("127.0.0.1", false),
            format!("http://127.0.0.1:{plain}/?n=4711"),
            "not_allowed its host is on this machine",
        ),
        (
            host("localhost", false),
            format!("http://localhost:{plain}/?n=4711"),
            "not_allowed its host is on this machine",
        ),
        (host("shop.example", true), format!("http://127.0.0.1:{plain}/?n=4711"), "not_allowed it leads to a host"),
    ] {
        let (told, _) = house.asked(asked, &url);
        assert!(told.starts_with(expected) && told.len() > expected.len(), "{url}: {told}");
    }
}

#[test]
fn what_fails_quickly_is_asked_again_where_that_does_nothing_twice() {
    let port = serve(|_, stream, count| match count % 3 {
        0 => answer(stream, "503 Service Unavailable", ""),
        1 => {}
        _ => answer(stream, JSON, SENT),
    });
    let url = format!("http://127.0.0.1:{port}/");
    let mut house = House::open();
    let (told, answered) = house.asked(Connector { retries: 2, ..connector("orders") }, &url);
    assert_eq!((told.as_str(), answered.tries), ("found ", 3));
    let (told, answered) = house.asked(connector("orders"), &url);
    assert_eq!((told.as_str(), answered.tries), ("refused it answered with the status 503", 1));
}

#[test]
fn who_wants_to_be_left_alone_is() {
    let port = serve(|request, stream, count| match request.split(' ').nth(1) {
        Some("/soon") if count == 0 => answer(stream, "429 Too Many Requests\r\nRetry-After: 1", ""),
        Some("/later") => answer(stream, "503 Service Unavailable\r\nRetry-After: 60", ""),
        Some("/once") => answer(stream, "503 Service Unavailable\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT", ""),
        _ => answer(stream, JSON, SENT),
    });
    let mut house = House::open();
    let patient = || Connector { retries: 1, ..connector("orders") };
    let (told, answered) = house.asked(patient(), &format!("http://127.0.0.1:{port}/soon"));
    assert_eq!((told.as_str(), answered.tries), ("found ", 2));
    assert!(answered.took >= Duration::from_secs(1), "{:?}", answered.took);
    // Later than the caller waits: they are not kept waiting for it.
    let (told, answered) = house.asked(patient(), &format!("http://127.0.0.1:{port}/later"));
    let expected = "refused it answered with the status 503, and wants to be left alone for 60 s";
    assert_eq!((told.as_str(), answered.tries), (expected, 1));
    let (_, answered) = house.asked(patient(), &format!("http://127.0.0.1:{port}/once"));
    assert_eq!(answered.tries, 2, "that time is over");
}

#[test]
fn authorities_that_are_none_are_told() {
    let mut house = House::open();
    let broken = "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n";
    let asked = Connector { authorities: Some(broken.into()), ..connector("orders") };
    let (told, _) = house.asked(asked, "https://127.0.0.1:1/");
    assert!(told.starts_with("unreachable the certificates of its `ca` cannot be used: "), "{told}");
    assert!(!told.contains("the connection failed"), "{told}");
}

#[test]
fn secrets_and_bodies_go_where_they_are_meant_and_nowhere_else() {
    let (heard, hears) = channel();
    let other = serve(move |request, stream, _| {
        heard.send(request.to_owned()).expect("the test listens");
        answer(stream, JSON, SENT);
    });
    let (told, tells) = channel();
    let port = serve(move |request, stream, _| {
        told.send(request.to_owned()).expect("the test listens");
        answer(stream, &format!("302 Found\r\nLocation: http://127.0.0.1:{other}/there"), "");
    });
    let body = Some(crate::flow::connector::JsonTemplate::Fixed(serde_json::Value::Null));
    let mut house = House::open();
    let posted = Connector { method: Method::Post, body, ..connector("orders") };
    let (outcome, _) = house.asked(posted, &format!("http://127.0.0.1:{port}/here"));
    assert_eq!(outcome, "found ");
    let (first, second) = (tells.recv().expect("it was asked"), hears.recv().expect("it was asked"));
    assert!(first.starts_with("POST /here HTTP/1.1\r\n") && first.ends_with(r#"{"n":"4711"}"#), "{first}");
    assert!(
        first.contains("authorization: Bearer s3cret") && first.contains("content-type: application/json"),
        "{first}"
    );
    assert!(second.starts_with("GET /there HTTP/1.1\r\n") && !second.contains("s3cret"), "{second}");
    assert!(!second.contains("4711"), "{second}");
}

#[test]
fn who_hangs_up_is_asked_for_no_more() {
    let (gone, goes) = channel();
    let slow = serve(move |_, stream, _| {
        gone.send("asked").expect("the test listens");
        while_they_wait(stream);
        gone.send("gone").expect("the test listens");
    });
    let quick = serve(|_, stream, _| answer(stream, JSON, SENT));
    let mut house = House::open();
    let asked = Arc::new(Connector { at_once: 1, ..connector("orders") });
    let lookup = house.ask(&asked, &format!("http://127.0.0.1:{slow}/"));
    assert_eq!(goes.recv(), Ok("asked"));
    house.connectors.cancel(CallId(7), lookup);
    assert_eq!(goes.recv(), Ok("gone"), "the connection is closed");
    // Its room is free again, and nothing is told of it.
    let next = house.ask(&asked, &format!("http://127.0.0.1:{quick}/"));
    assert_eq!(house.answer().lookup, next);
}

#[test]
fn a_slow_service_holds_up_nobody_but_those_who_ask_it() {
    let slow = serve(|_, stream, _| while_they_wait(stream));
    let quick = serve(|_, stream, _| answer(stream, JSON, SENT));
    let mut house = House::open();
    let stuck = Arc::new(Connector { at_once: 1, ..connector("stuck") });
    let lookups: Vec<u32> = (0..3).map(|_| house.ask(&stuck, &format!("http://127.0.0.1:{slow}/"))).collect();
    let third = house.answer();
    assert_eq!((third.lookup, third.answer.label(), third.tries), (lookups[2], "busy", 0));
    let next = house.ask(&Arc::new(connector("orders")), &format!("http://127.0.0.1:{quick}/"));
    let answered = house.answer();
    assert_eq!((answered.lookup, answered.answer.label()), (next, "found"));
}

#[test]
fn a_service_that_fails_is_left_alone_and_tried_again_also_after_a_reload() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let port = serve(move |_, stream, count| {
        counted.fetch_add(1, Ordering::SeqCst);
        match count {
            0 | 1 => answer(stream, "500 Internal Server Error", ""),
            _ => answer(stream, JSON, SENT),
        }
    });
    let url = format!("http://127.0.0.1:{port}/");
    let rest = Duration::from_millis(300);
    let fragile = || Connector { breaker: Some(BreakerSpec { failures: 2, rest }), ..connector("orders") };
    let mut house = House::open();
    assert!(house.asked(fragile(), &url).0.starts_with("refused"));
    assert!(house.asked(fragile(), &url).0.starts_with("refused"));
    let opened = Instant::now();
    let news = house.told.recv().expect("the thread lives");
    assert!(matches!(&news, Input::Connector { name, rests: Some(told) } if &**name == "orders" && *told == rest));
    // A reload has made a new connector of the same name: it is left alone all the same.
    let (told, answered) = house.asked(fragile(), &url);
    assert_eq!((told.as_str(), answered.tries), ("resting it has failed too often, and is left alone for a while", 0));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    thread::sleep(rest.saturating_sub(opened.elapsed()) + Duration::from_millis(20));
    assert_eq!(house.asked(fragile(), &url).0, "found ");
    assert!(matches!(house.told.recv(), Ok(Input::Connector { rests: None, .. })), "it answers again");
}
