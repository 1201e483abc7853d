//! The shell on real sockets, over 127.0.0.1.

use std::net::SocketAddr;

use helpline::clock::Clock;
use helpline::sip::transport::{Endpoints, Listener, run};
use helpline::sip::{Settings, UserAgent};
use helpline::telephony::{Caller, Cause, LegId, PhoneNumber, SipCommand, SipEvent, TransportKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::play::description;

pub struct Served {
    pub udp: SocketAddr,
    pub tcp: SocketAddr,
    pub commands: mpsc::Sender<SipCommand>,
    events: mpsc::Receiver<SipEvent>,
    task: JoinHandle<std::io::Result<()>>,
}

pub fn serve(address: &str, seed: u64) -> Served {
    let address: SocketAddr = address.parse().expect("an address");
    let listeners = [TransportKind::Udp, TransportKind::Tcp].map(|transport| Listener { transport, address });
    let endpoints = Endpoints::bind(&listeners).expect("free ports");
    let bound = endpoints.bound();
    let settings = Settings {
        udp_port: endpoints.port(TransportKind::Udp).expect("it is bound"),
        tcp_port: endpoints.port(TransportKind::Tcp).expect("it is bound"),
        ..Settings::default()
    };
    let (commands, orders) = mpsc::channel(64);
    let (teller, events) = mpsc::channel(64);
    let task = tokio::spawn(run(endpoints, UserAgent::new(settings, seed), Clock::start(), orders, teller));
    Served { udp: bound[0].address, tcp: bound[1].address, commands, events, task }
}

impl Served {
    pub async fn told(&mut self) -> SipEvent {
        loop {
            match self.events.recv().await.expect("it is served") {
                SipEvent::Tally(_) => {}
                event => return event,
            }
        }
    }

    pub async fn ask(&self, command: SipCommand) {
        self.commands.send(command).await.expect("it is served");
    }
}

/// A whole call between two of us; `to` is where the one that answers listens.
async fn call(bind: &str, uri: impl Fn(&Served) -> String) {
    let (mut dials, mut answers) = (serve(bind, 1), serve(bind, 2));
    let leg = LegId::outbound(1);
    let caller = Caller { number: PhoneNumber::new("2000"), name: None };
    dials.ask(SipCommand::Dial { leg, uri: uri(&answers), caller, offer: description() }).await;
    let SipEvent::Incoming(incoming) = answers.told().await else { panic!("a call comes") };
    assert!(incoming.local.is_loopback(), "{}", incoming.local);
    assert_eq!((incoming.dialled.as_str(), incoming.caller.number.reveal()), ("1000", "2000"));
    answers.ask(SipCommand::Ring { leg: incoming.leg }).await;
    answers.ask(SipCommand::Answer { leg: incoming.leg, description: description() }).await;
    assert!(matches!(dials.told().await, SipEvent::Ringing { .. }));
    assert!(matches!(dials.told().await, SipEvent::Answered { .. }));
    assert!(matches!(answers.told().await, SipEvent::Confirmed { answer: None, .. }));
    answers.ask(SipCommand::HangUp { leg: incoming.leg, cause: Cause::LocalHungUp }).await;
    assert!(matches!(answers.told().await, SipEvent::Ended { cause: Cause::LocalHungUp, .. }));
    assert!(matches!(dials.told().await, SipEvent::Ended { cause: Cause::RemoteHungUp, .. }));
    for served in [dials, answers] {
        drop(served.commands);
        served.task.await.expect("it does not panic").expect("its sockets were served");
    }
}

#[tokio::test]
async fn a_call_over_udp_and_tcp() {
    call("0.0.0.0:0", |to| format!("sip:1000@127.0.0.1:{}", to.udp.port())).await;
    call("0.0.0.0:0", |to| format!("sip:1000@127.0.0.1:{};transport=tcp", to.tcp.port())).await;
    call("127.0.0.1:0", |to| format!("sip:1000@localhost:{}", to.udp.port())).await;
}

#[tokio::test]
async fn a_call_over_ipv6() {
    call("[::]:0", |to| format!("sip:1000@[::1]:{}", to.udp.port())).await;
    call("[::1]:0", |to| format!("sip:1000@[::1]:{};transport=tcp", to.tcp.port())).await;
}

#[tokio::test]
async fn a_stream_is_cut_into_messages_and_kept_alive() {
    let served = serve("127.0.0.1:0", 3);
    let mut stream = TcpStream::connect(served.tcp).await.expect("it listens");
    stream.write_all(b"\r\n\r\n").await.expect("it is open");
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).await.expect("it answers");
    assert_eq!(&pong, b"\r\n");
    let options = |number: u32| {
        format!(
            "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{number}\r\nFrom: <sip:a@b>;tag=1\r\n\
             To: <sip:127.0.0.1>\r\nCall-ID: {number}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
    };
    let two = options(1) + &options(2);
    let (head, tail) = two.split_at(two.len() / 3);
    stream.write_all(head.as_bytes()).await.expect("it is open");
    stream.flush().await.expect("it is open");
    tokio::task::yield_now().await;
    stream.write_all(tail.as_bytes()).await.expect("it is open");
    let mut text = String::new();
    let mut buffer = [0; 4_096];
    while text.matches("SIP/2.0 200 OK").count() < 2 || !text.ends_with("\r\n\r\n") {
        let length = stream.read(&mut buffer).await.expect("it is open");
        assert!(length > 0, "closed after {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("it is open");
    assert_eq!(stream.read(&mut buffer).await.expect("it closes in order"), 0);
    drop(served.commands);
    served.task.await.expect("it does not panic").expect("its sockets were served");
}

#[tokio::test]
async fn what_is_too_long_for_a_stream_is_answered() {
    let served = serve("127.0.0.1:0", 5);
    let request = |number: u32, rest: &str| {
        format!(
            "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{number}\r\nFrom: <sip:a@b>;tag=1\r\n\
             To: <sip:127.0.0.1>\r\nCall-ID: {number}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n{rest}"
        )
    };
    // A body over the limit is left out, and the connection goes on.
    let mut stream = TcpStream::connect(served.tcp).await.expect("it listens");
    let long = request(1, "Content-Length: 1000000\r\n\r\n") + &"x".repeat(1_000_000);
    stream.write_all((long + &request(2, "Content-Length: 0\r\n\r\n")).as_bytes()).await.expect("it is read");
    let mut text = String::new();
    let mut buffer = [0; 4_096];
    while !(text.contains("CSeq: 1") && text.contains("Call-ID: 2") && text.ends_with("\r\n\r\n")) {
        let length = stream.read(&mut buffer).await.expect("it is open");
        assert!(length > 0, "closed after {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    assert!(text.starts_with("SIP/2.0 513 Message Too Large\r\n"), "{text}");
    assert!(text.contains("\r\n\r\nSIP/2.0 200 OK\r\n"), "{text}");
    // Where nobody knows what comes next, the answer is the last that is written.
    for (rest, status) in [
        (format!("Subject: {}", "x".repeat(100_000)), "513 Message Too Large"),
        ("\r\n".to_owned(), "400 Missing Content-Length"),
        ("Content-Length: 1\r\nl: 2\r\n\r\n".to_owned(), "400 Several Content-Length"),
    ] {
        let mut stream = TcpStream::connect(served.tcp).await.expect("it listens");
        stream.write_all(request(3, &rest).as_bytes()).await.expect("it is read");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it closes in order");
        assert!(answer.starts_with(&format!("SIP/2.0 {status}\r\n")), "{answer}");
        assert!(answer.contains("Call-ID: 3\r\n"), "{answer}");
    }
    drop(served.commands);
    served.task.await.expect("it does not panic").expect("its sockets were served");
}

#[tokio::test]
async fn a_call_to_nobody_fails() {
    let mut served = serve("127.0.0.1:0", 4);
    let dead = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    for (count, uri) in [format!("sip:1@{dead};transport=tcp"), "sip:1@name.invalid".to_owned()].into_iter().enumerate()
    {
        let leg = LegId::outbound(count as u64);
        served.ask(SipCommand::Dial { leg, uri, caller: Caller::default(), offer: description() }).await;
        assert_eq!(served.told().await, SipEvent::Ended { leg, cause: Cause::TransportFailed });
    }
}
