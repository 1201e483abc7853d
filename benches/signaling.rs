//! What one call costs the SIP user agent: INVITE, 200, ACK, BYE, 200, at 1,500 calls a second of virtual time, so that
//! as many transactions are alive as there would be. Run it with `cargo bench --bench signaling`.

use std::time::{Duration, Instant};

use helpline::clock::Moment;
use helpline::sip::{Output, Peer, Settings, UserAgent, sdp};
use helpline::telephony::{SessionDescription, SipCommand, SipEvent, TransportKind};

const CALLS: u64 = 150_000;
const BATCH: u64 = 1_000;
const CALLS_PER_SECOND: u64 = 1_500;

const SDP: &str = "v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 6000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-16\r\n";

fn request(method: &str, call: u64, cseq: u32, tag: &str, body: &str) -> Vec<u8> {
    let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:1000@127.0.0.1:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bK-{call}-{method};rport\r\n\
         From: sipp <sip:sipp@127.0.0.1:5061>;tag=sipp{call}\r\nTo: <sip:1000@127.0.0.1:5060>{tag}\r\n\
         Call-ID: {call}-20184@127.0.0.1\r\nCSeq: {cseq} {method}\r\nContact: <sip:sipp@127.0.0.1:5061>\r\n\
         Max-Forwards: 70\r\nSubject: Performance Test\r\nSupported: timer\r\n{content}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

struct Bench {
    agent: UserAgent,
    peer: Peer,
    answer: SessionDescription,
    out: Vec<Output>,
    spent: [Duration; 4],
}

impl Bench {
    /// Times one act, and gives what it put out.
    fn act(&mut self, kind: usize, act: impl FnOnce(&mut UserAgent, Peer, &mut Vec<Output>)) -> Vec<Output> {
        let start = Instant::now();
        act(&mut self.agent, self.peer, &mut self.out);
        self.spent[kind] += start.elapsed();
        std::mem::take(&mut self.out)
    }

    fn call(&mut self, now: Moment, call: u64) {
        let invite = request("INVITE", call, 1, "", SDP);
        let out = self.act(0, |agent, peer, out| agent.receive(now, peer, &invite, out));
        let leg = out.iter().find_map(|output| match output {
            Output::Event(SipEvent::Incoming(incoming)) => Some(incoming.leg),
            _ => None,
        });
        let answer = SipCommand::Answer { leg: leg.expect("the call comes in"), description: self.answer.clone() };
        let out = self.act(1, |agent, _, out| agent.handle(now, answer, out));
        let Some(Output::Transmit { bytes, .. }) = out.first() else { panic!("it is answered") };
        let text = String::from_utf8_lossy(bytes);
        let to = text.lines().find(|line| line.starts_with("To:")).expect("it has To");
        let tag = to[to.find(";tag=").expect("it has a tag")..].to_owned();
        let ack = request("ACK", call, 1, &tag, "");
        self.act(2, |agent, peer, out| agent.receive(now, peer, &ack, out));
        let bye = request("BYE", call, 2, &tag, "");
        let out = self.act(3, |agent, peer, out| agent.receive(now, peer, &bye, out));
        assert!(out.len() == 2, "200, and the end");
    }
}

fn main() {
    let settings = Settings { calls: 100_000, calls_per_second: 1_000_000, ..Settings::default() };
    let local = "127.0.0.1:5060".parse().expect("an address");
    let remote = "127.0.0.1:5061".parse().expect("an address");
    let peer = Peer { transport: TransportKind::Udp, local, remote, connection: None };
    let mut bench = Bench {
        agent: UserAgent::new(settings, 1),
        peer,
        answer: sdp::parse(SDP.as_bytes()).expect("it is well formed"),
        out: Vec::new(),
        spent: [Duration::ZERO; 4],
    };
    let mut expiring = Duration::ZERO;
    let mut now = Moment::ZERO;
    for call in 0..CALLS {
        if call == CALLS / 3 {
            // All that lives for 32 s is alive by now: count from here.
            (bench.spent, expiring) = ([Duration::ZERO; 4], Duration::ZERO);
        }
        now += Duration::from_secs(1) / CALLS_PER_SECOND as u32;
        bench.call(now, call);
        if call % (BATCH / 100) == 0 {
            let start = Instant::now();
            bench.agent.expire(now, &mut bench.out);
            expiring += start.elapsed();
            bench.out.clear();
        }
    }
    let counted = CALLS - CALLS / 3;
    let each = |spent: Duration| spent.as_secs_f64() * 1e6 / counted as f64;
    println!("alive: {:?}", bench.agent.census());
    for (name, spent) in ["INVITE", "answer", "ACK", "BYE"].into_iter().zip(bench.spent) {
        println!("{name:>8} {:6.2} us", each(spent));
    }
    println!("{:>8} {:6.2} us", "expire", each(expiring));
    println!("{:>8} {:6.2} us a call", "all", each(bench.spent.iter().sum::<Duration>() + expiring));
}
