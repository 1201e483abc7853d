//! The torture messages of RFC 4475, and what a user agent answers to each.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use helpline::clock::Moment;
use helpline::sip::message::Message;
use helpline::sip::{Output, Peer, Settings, UserAgent};
use helpline::telephony::{Refusal, SipCommand, SipEvent, TransportKind};

fn peer() -> Peer {
    let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
    let (local, remote) = (address("192.0.2.1:5060"), address("198.51.100.7:40000"));
    Peer { transport: TransportKind::Udp, local, remote, connection: None }
}

/// The status that is answered; a call that comes in is refused with 404.
fn answered(bytes: &[u8]) -> Option<u16> {
    let mut agent = UserAgent::new(Settings::default(), 1);
    let now = Moment::from_millis(1);
    let mut out = Vec::new();
    agent.receive(now, peer(), bytes, &mut out);
    agent.assert_consistent();
    let leg = out.iter().find_map(|output| match output {
        Output::Event(SipEvent::Incoming(incoming)) => Some(incoming.leg),
        _ => None,
    });
    if let Some(leg) = leg {
        agent.handle(now, SipCommand::Reject { leg, refusal: Refusal::status(404) }, &mut out);
    }
    out.iter().find_map(|output| match output {
        Output::Transmit { bytes, .. } => {
            let text = String::from_utf8_lossy(bytes);
            text.split(' ').nth(1).and_then(|status| status.parse().ok())
        }
        Output::Event(_) => None,
    })
}

#[test]
fn every_message_is_answered_as_rfc_4475_wants() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/torture");
    let table = fs::read_to_string(folder.join("cases.txt")).expect("the table is readable");
    let mut count = 0;
    for line in table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let mut columns = line.split_whitespace();
        let name = columns.next().expect("a name");
        let wanted = columns.nth(2).expect("an answer");
        let bytes = fs::read(folder.join(format!("{name}.dat"))).expect("the message is readable");
        let status = answered(&bytes);
        let right = match (wanted, status) {
            ("none", None) => true,
            ("any", Some(status)) => status != 400,
            (wanted, Some(status)) => wanted.split(',').any(|one| one == status.to_string()),
            (_, None) => false,
        };
        assert!(right, "{name}: {wanted} is wanted, and {status:?} came");
        count += 1;
    }
    assert_eq!(count, 49);
}

/// No octet that is wrong or missing in a message may make the user agent panic, or leave it inconsistent.
#[test]
fn spoiled_messages_do_no_harm() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/torture");
    let mut rng = fastrand::Rng::with_seed(4_475);
    let mut agent = UserAgent::new(Settings { calls: 1_000_000, ..Settings::default() }, 2);
    let mut out = Vec::new();
    let mut now = Moment::ZERO;
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("it is readable").map(|one| one.expect("a file").path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "dat")) {
        let whole = fs::read(file).expect("it is readable");
        for _ in 0..200 {
            let mut bytes = whole.clone();
            for _ in 0..rng.usize(1..4) {
                let place = rng.usize(..bytes.len());
                match rng.u8(..3) {
                    0 => bytes[place] = rng.u8(..),
                    1 => bytes.truncate(place.max(1)),
                    _ => bytes.insert(place, *rng.choice(b"\r\n;,:<>\"@ \0").expect("not empty")),
                }
            }
            now += std::time::Duration::from_millis(20);
            agent.receive(now, peer(), &bytes, &mut out);
            agent.expire(now, &mut out);
            if let Ok(Message::Request(request)) = Message::parse(&bytes) {
                // What is read can be answered, and the answer can be read.
                let mut printed = Vec::new();
                request.response(200).to_bytes(&mut printed);
                assert!(Message::parse(&printed).is_ok(), "{}", String::from_utf8_lossy(&bytes));
            }
            out.clear();
        }
        agent.assert_consistent();
    }
}
