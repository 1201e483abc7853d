//! What an agent's phone costs: a REGISTER that is challenged, one that proves itself, and a probe with its answer, with a
//! thousand phones registered. Run it with `cargo bench --bench registrar`.

use std::time::Duration;

use helpline::clock::Moment;
use helpline::sip::digest::{Algorithm, Answer};
use helpline::sip::message::{HeaderName, Headers, Message};
use helpline::sip::{Output, Peer, Settings, UserAgent};
use helpline::telephony::{AgentAccount, AgentSecret, SipCommand, TransportKind};
use nix::time::{ClockId, clock_gettime};

const PHONES: u32 = 1_000;
const ROUNDS: u32 = 20;

/// CPU time of this thread: whatever else runs on the machine does not count.
fn cpu_time() -> Duration {
    Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Linux has this clock"))
}

fn extension(phone: u32) -> String {
    (1_000 + phone).to_string()
}

fn peer(phone: u32) -> Peer {
    let local = "192.0.2.1:5060".parse().expect("an address");
    let remote = format!("10.1.{}.{}:5060", phone / 250, 1 + phone % 250).parse().expect("an address");
    Peer { transport: TransportKind::Udp, local, remote, connection: None }
}

fn register(phone: u32, cseq: u32, challenges: Option<&Headers>) -> Vec<u8> {
    let (extension, address) = (extension(phone), peer(phone).remote);
    let authorization = challenges.map_or(String::new(), |challenges| {
        let (username, password, method) = (extension.as_str(), "a long secret", "REGISTER");
        let answer = Answer { username, password, method, uri: "sip:192.0.2.1", cnonce: "6b8b4567", count: 1 };
        let value = answer.to(challenges, &HeaderName::WwwAuthenticate).expect("we know it");
        format!("Authorization: {value}\r\n")
    });
    format!(
        "REGISTER sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP {address};rport;branch=z9hG4bK{phone}-{cseq}\r\n\
         From: <sip:{extension}@192.0.2.1>;tag=731e596d81b1d478\r\nTo: <sip:{extension}@192.0.2.1>\r\n\
         Call-ID: 700a1cce15fac31e-{phone}\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:{extension}@{address}>;expires=300\r\n\
         Max-Forwards: 70\r\nUser-Agent: softphone 5.2\r\nAllow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,INFO,REFER\r\n\
         {authorization}Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

fn main() {
    for algorithm in [Algorithm::Sha256, Algorithm::Md5] {
        let settings = Settings { digests: vec![algorithm], ..Settings::default() };
        let mut agent = UserAgent::new(settings, 1);
        let secret = AgentSecret::Password("a long secret".to_owned());
        let accounts =
            (0..PHONES).map(|phone| AgentAccount { extension: extension(phone), secret: secret.clone() }).collect();
        let mut out = Vec::new();
        agent.handle(Moment::ZERO, SipCommand::SetAgents(accounts), &mut out);
        let (mut asked, mut proven, mut probed, mut probes) = (Duration::ZERO, Duration::ZERO, Duration::ZERO, 0);
        for round in 0..ROUNDS {
            let start = Moment::from_millis(1_000) + Duration::from_secs(150) * round;
            for phone in 0..PHONES {
                let now = start + Duration::from_millis(1) * phone;
                let (from, first) = (peer(phone), register(phone, round * 2 + 1, None));
                out.clear();
                let before = cpu_time();
                agent.receive(now, from, &first, &mut out);
                asked += cpu_time() - before;
                let Some(Output::Transmit { bytes, .. }) = out.first() else { panic!("it is challenged") };
                let Ok(Message::Response(challenge)) = Message::parse(bytes) else { panic!("it is a response") };
                let second = register(phone, round * 2 + 2, Some(&challenge.headers));
                out.clear();
                let before = cpu_time();
                agent.receive(now, from, &second, &mut out);
                proven += cpu_time() - before;
                let Some(Output::Transmit { bytes, .. }) = out.first() else { panic!("it is answered") };
                assert!(bytes.starts_with(b"SIP/2.0 200"), "{}", String::from_utf8_lossy(bytes));
            }
            while let Some(due) = agent.deadline().filter(|due| *due < start + Duration::from_secs(140)) {
                out.clear();
                let before = cpu_time();
                agent.expire(due, &mut out);
                probed += cpu_time() - before;
                for output in std::mem::take(&mut out) {
                    let Output::Transmit { peer, bytes } = output else { continue };
                    let Ok(Message::Request(request)) = Message::parse(&bytes) else { panic!("it is a request") };
                    let mut answer = Vec::new();
                    request.response(200).to_bytes(&mut answer);
                    let before = cpu_time();
                    agent.receive(due, peer, &answer, &mut out);
                    probed += cpu_time() - before;
                    probes += 1;
                }
            }
        }
        let each = |spent: Duration, count: u32| spent.as_secs_f64() * 1e6 / f64::from(count);
        println!("{}: {:?}", algorithm.name(), agent.census());
        println!("  challenged {:6.2} us", each(asked, PHONES * ROUNDS));
        println!("  registered {:6.2} us", each(proven, PHONES * ROUNDS));
        println!(
            "  probed     {:6.2} us ({probes} probes, all that expires in between included)",
            each(probed, probes)
        );
    }
}
