//! Whole calls over the loopback, to a telephone made of the library's own user agent.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::AtomicBool;

use super::*;
use crate::clock::Clock;
use crate::media::dtmf::Keys;
use crate::media::rtp::{HEADER, Header, Packet};
use crate::sip::{Output, Peer, Settings, UserAgent};
use crate::telephony::{AudioPlan, Cause, InbandDigits, LocalMedia, Refusal, SipCommand, SipEvent, Warning, answer};

/// What the telephone that is called does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Answers, begins a prompt on every key, and waits for the end.
    Answers,
    /// Hangs up at the first key.
    HangsUp,
    /// Refuses with 488 and a Warning.
    Refuses,
}

/// One line of the telephone: its audio socket and what it has sent.
struct Line {
    socket: UdpSocket,
    plan: AudioPlan,
    sequence: u16,
    keys: Keys,
    heard: String,
}

impl Line {
    /// Sends a packet; `prompt` marks it and lets it sound.
    fn send(&mut self, prompt: bool) {
        let header = Header {
            marker: prompt,
            payload_type: self.plan.payload_type,
            sequence: self.sequence,
            timestamp: u32::from(self.sequence) * 160,
            ssrc: 7,
        };
        self.sequence += 1;
        let packet = [&header.print()[..], &[if prompt { 0x10 } else { 0xff }; 160]].concat();
        assert_eq!(packet.len(), HEADER + 160);
        self.socket.send_to(&packet, self.plan.remote.expect("an address")).expect("sent");
    }

    /// Hears the caller, and gives the keys that came.
    fn hear(&mut self, clock: &Clock) -> usize {
        let before = self.heard.len();
        let mut buffer = [0; 1_500];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            let packet = Packet::parse(&buffer[..length]).expect("RTP");
            let (now, heard) = (clock.now(), &mut self.heard);
            let mut tell = |digit: crate::telephony::Digit, _| heard.push(digit.as_char());
            if Some(packet.header.payload_type) == self.plan.telephone_event {
                self.keys.receive_event(now, &packet.header, packet.payload, &mut tell);
            } else {
                self.keys.receive_audio(now, &packet.header, self.plan.codec, packet.payload, &mut tell);
            }
        }
        self.heard.len() - before
    }
}

/// Answers until told to stop; gives the keys that it heard by either way.
fn telephone(socket: &UdpSocket, manner: Manner, done: &AtomicBool) -> String {
    let clock = Clock::start();
    let local = socket.local_addr().expect("bound");
    let settings = Settings { udp_port: local.port(), advertise: Some(local.ip()), ..Settings::default() };
    let mut agent = UserAgent::new(settings, 1);
    let (mut out, mut line, mut keys) = (Vec::new(), None::<(crate::telephony::LegId, Line)>, String::new());
    let mut buffer = [0; 65_535];
    let mut first = true;
    while !done.load(Ordering::Relaxed) {
        let now = clock.now();
        while let Ok((length, remote)) = socket.recv_from(&mut buffer) {
            let from = Peer { transport: TransportKind::Udp, local, remote, connection: None };
            assert!(!first || buffer.starts_with(b"INVITE "), "the first that anybody hears is a call");
            first = false;
            agent.receive(now, from, &buffer[..length], &mut out);
        }
        agent.expire(now, &mut out);
        let mut pressed = 0;
        while !out.is_empty() {
            for output in std::mem::take(&mut out) {
                match output {
                    Output::Transmit { peer, bytes } => drop(socket.send_to(&bytes, peer.remote)),
                    Output::Event(SipEvent::Incoming(incoming)) if manner == Manner::Refuses => {
                        let warning = Warning { code: 305, text: "Only whistling is spoken here".into() };
                        let refusal = Refusal { warning: Some(warning), ..Refusal::status(488) };
                        agent.handle(now, SipCommand::Reject { leg: incoming.leg, refusal }, &mut out);
                    }
                    Output::Event(SipEvent::Incoming(incoming)) => {
                        let socket = UdpSocket::bind((local.ip(), 0)).expect("a port");
                        socket.set_nonblocking(true).expect("set");
                        let media = LocalMedia {
                            address: local.ip(),
                            port: socket.local_addr().expect("bound").port(),
                            session_id: 1,
                            version: 1,
                            codecs: &[Codec::Pcmu],
                            inband_digits: InbandDigits::Auto,
                        };
                        let agreed = answer(&incoming.offer.expect("an offer"), &media).expect("agreed");
                        agent.handle(now, SipCommand::Ring { leg: incoming.leg }, &mut out);
                        let answer = SipCommand::Answer { leg: incoming.leg, description: agreed.description };
                        agent.handle(now, answer, &mut out);
                        let (keys, heard) = (Keys::new(agreed.plan.inband_digits), String::new());
                        line = Some((incoming.leg, Line { socket, plan: agreed.plan, sequence: 0, keys, heard }));
                    }
                    Output::Event(SipEvent::Digit { digit, .. }) => {
                        keys.push(digit.as_char());
                        pressed += 1;
                    }
                    Output::Event(SipEvent::Ended { .. }) => keys.extend(line.take().map(|(_, line)| line.heard)),
                    Output::Event(_) => {}
                }
            }
        }
        if let Some((leg, line)) = &mut line {
            pressed += line.hear(&clock);
            line.send(pressed > 0);
            if pressed > 0 && manner == Manner::HangsUp {
                agent.handle(now, SipCommand::HangUp { leg: *leg, cause: Cause::LocalHungUp }, &mut out);
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
    keys
}

/// Calls a telephone of a manner; gives the outcome, the keys that were heard, and all news.
fn call(manner: Manner, keys: &str, keys_by: KeysBy, hold_ms: u64, calls: u64) -> (Report, Outcome, String, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.set_nonblocking(true).expect("set");
    let order = order_to(socket.local_addr().expect("bound"), keys, keys_by, hold_ms, calls);
    let (done, stop) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut news = String::new();
    thread::scope(|scope| {
        let called = scope.spawn(|| telephone(&socket, manner, &done));
        let mut tell = |piece: News<'_>| match piece {
            News::Standing(_) => {}
            News::Over(ending) => news.push_str(&format!("{ending}.")),
            piece => news.push_str(&format!("{piece:?}.")),
        };
        let outcome = Load::open(&order, &stop, &mut tell).expect("sockets").run();
        done.store(true, Ordering::Relaxed);
        let heard = called.join().expect("the telephone ran");
        (Report::new(&order, &outcome), outcome, heard, news)
    })
}

fn order_to(remote: SocketAddr, keys: &str, keys_by: KeysBy, hold_ms: u64, calls: u64) -> Order {
    Order {
        target: Target::find(&format!("sip:1000@{remote}"), None).expect("found"),
        from: "1234".into(),
        plan: Plan { hold: Duration::from_millis(hold_ms), keys: script::parse(keys).expect("keys") },
        keys_by,
        recording: None,
        calls,
        rate: 100.0,
        record: true,
    }
}

#[test]
fn a_call_is_dialled_heard_keyed_and_hung_up() {
    let (report, outcome, heard, news) = call(Manner::Answers, "12#", KeysBy::Rtp, 1_000, 1);
    assert_eq!(heard, "12#");
    assert_eq!(news, "Ringing.Answered.Pressed(Digit(_)).Pressed(Digit(_)).Pressed(Digit(_)).hung up.");
    assert_eq!((report.calls.attempted, report.calls.answered, report.calls.failed), (1, 1, 0));
    assert_eq!((report.setup_ms.count, report.keys.pressed, report.keys.prompts_by_marker), (1, 3, 3));
    assert_eq!((report.rtp.lost, report.rtp.expected), (0, report.rtp.received));
    assert!(report.rtp.received > 0 && report.rtp.sent > 0, "{report}");
    let tape = outcome.tape.expect("it was recorded");
    assert_eq!(tape.samples().len() as u64, report.rtp.received * 160);
    assert!(tape.samples().iter().any(|sample| *sample != 0), "the prompts are not on the tape");
}

#[test]
fn keys_may_go_by_info() {
    let (report, _, heard, _) = call(Manner::Answers, "1*", KeysBy::Info, 600, 1);
    assert_eq!(heard, "1*");
    assert_eq!((report.keys.pressed, report.keys.prompts_by_marker), (2, 2));
}

#[test]
fn keys_may_go_as_tones() {
    let (report, _, heard, _) = call(Manner::Answers, "1#", KeysBy::Inband, 1_000, 1);
    assert_eq!(heard, "1#");
    assert_eq!(report.keys.pressed, 2);
}

#[test]
fn the_other_side_may_hang_up() {
    let (report, _, _, news) = call(Manner::HangsUp, "5", KeysBy::Rtp, 60_000, 1);
    assert!(news.ends_with("the other side hung up."), "{news}");
    assert_eq!((report.calls.failed, report.calls.ended_by_the_other_side), (0, 1));
}

#[test]
fn a_refusal_tells_its_reason_and_warning() {
    let (report, _, _, news) = call(Manner::Refuses, "", KeysBy::Rtp, 1_000, 3);
    let text = "488 Not Acceptable Here (warning 305 Only whistling is spoken here)";
    assert_eq!(news, format!("{text}.").repeat(3));
    assert_eq!((report.calls.attempted, report.calls.failed), (3, 3));
    assert_eq!(report.calls.failures.get(text), Some(&3), "{report}");
}

#[test]
fn nobody_who_listens_is_told_at_once() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let closed = socket.local_addr().expect("bound");
    drop(socket);
    let order = order_to(closed, "", KeysBy::Rtp, 60_000, 5);
    let (stop, mut tell) = (AtomicUsize::new(0), |_: News<'_>| {});
    let outcome = Load::open(&order, &stop, &mut tell).expect("sockets").run();
    assert!(outcome.nobody_listens);
    assert_eq!(outcome.answered, 0);
    let tcp = Target::find(&format!("sip:1000@{closed}"), Some(TransportKind::Tcp)).expect("found");
    let order = Order { target: tcp, ..order };
    let refused = Load::open(&order, &stop, &mut tell).map(drop).expect_err("nobody is there");
    assert!(nobody_listens(&refused), "{refused}");
}

#[test]
fn a_signal_hangs_up_and_the_report_stands() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.set_nonblocking(true).expect("set");
    let order = order_to(socket.local_addr().expect("bound"), "", KeysBy::Rtp, 3_600_000, 1);
    let (done, stop) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| telephone(&socket, Manner::Answers, &done));
        let mut tell = |news: News<'_>| {
            if news == News::Answered {
                stop.store(1, Ordering::Relaxed);
            }
        };
        let outcome = Load::open(&order, &stop, &mut tell).expect("sockets").run();
        done.store(true, Ordering::Relaxed);
        assert_eq!(outcome.endings, [(Ending::HungUp, 1)]);
    });
}

#[test]
fn times_are_read_as_people_write_them() {
    let check = |text: &str, expected_ms: Option<u64>| {
        assert_eq!(duration(text).ok(), expected_ms.map(Duration::from_millis), "{text}");
    };
    check("20s", Some(20_000));
    check("500ms", Some(500));
    check("1h30m", Some(5_400_000));
    check("7", Some(7_000));
    check("0", Some(0));
    check("1m30", None);
    check("", None);
    check("s", None);
    check("-1s", None);
    check("1.5s", None);
    check("25h", None);
    check("99999999999s", None);
}

#[test]
fn rates_are_within_reason() {
    for (text, expected) in [("1", true), ("0.5", true), ("1500", true), ("0", false), ("-1", false), ("x", false)] {
        assert_eq!(rate(text).is_ok(), expected, "{text}");
    }
    assert!(rate("NaN").is_err());
}
