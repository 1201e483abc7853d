//! What one call costs the SIP user agent: INVITE, 200, ACK, BYE, 200, at 1,500 calls a second of virtual time, so that
//! as many transactions are alive as there would be. Run it with `cargo bench --bench signaling`.

use std::time::Duration;

use helpline::clock::Moment;
use helpline::sip::{Output, Peer, Settings, UserAgent, sdp};
use helpline::telephony::{SessionDescription, SipCommand, SipEvent, TransportKind};
use nix::time::{ClockId, clock_gettime};

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
    spent: [Duration; 5],
}

const ACTS: [&str; 5] = ["INVITE", "answer", "ACK", "BYE", "expire"];

/// CPU time of this thread: whatever else runs on the machine does not count.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Linux has this clock");
    Duration::from(time)
}

impl Bench {
    /// Times one act of a whole batch, and gives what it put out.
    fn act<I>(
        &mut self,
        kind: usize,
        inputs: Vec<I>,
        mut act: impl FnMut(&mut UserAgent, Peer, I, &mut Vec<Output>),
    ) -> Vec<Output> {
        let mut out = Vec::with_capacity(inputs.len() * 2);
        let start = cpu_time();
        for input in inputs {
            act(&mut self.agent, self.peer, input, &mut out);
        }
        self.spent[kind] += cpu_time() - start;
        out
    }

    fn batch(&mut self, first: Moment, calls: std::ops::Range<u64>) {
        let at = |call: u64| first + Duration::from_secs(call) / CALLS_PER_SECOND as u32;
        let start = calls.start;
        let invites = calls.clone().map(|call| (at(call - start), request("INVITE", call, 1, "", SDP))).collect();
        let out = self.act(0, invites, |agent, peer, (now, bytes): (Moment, Vec<u8>), out| {
            agent.receive(now, peer, &bytes, out);
        });
        let now = at(calls.end - start);
        let answers = out.iter().filter_map(|output| match output {
            Output::Event(SipEvent::Incoming(incoming)) => {
                Some(SipCommand::Answer { leg: incoming.leg, description: self.answer.clone() })
            }
            _ => None,
        });
        let answers: Vec<_> = answers.collect();
        let out = self.act(1, answers, |agent, _, answer, out| agent.handle(now, answer, out));
        let tags: Vec<String> = out.iter().map(tag).collect();
        assert_eq!(tags.len() as u64, calls.end - calls.start, "every call is answered");
        let tagged = || calls.clone().zip(&tags);
        let acks = tagged().map(|(call, tag)| request("ACK", call, 1, tag, "")).collect();
        self.act(2, acks, |agent, peer, ack: Vec<u8>, out| agent.receive(now, peer, &ack, out));
        let byes = tagged().map(|(call, tag)| request("BYE", call, 2, tag, "")).collect();
        let out = self.act(3, byes, |agent, peer, bye: Vec<u8>, out| agent.receive(now, peer, &bye, out));
        assert_eq!(out.len(), tags.len() * 2, "200, and the end");
        // As often as the shell would.
        let turns = (0..100).map(|turn| now + Duration::from_micros(turn * 10)).collect();
        self.act(4, turns, |agent, _, now, out| agent.expire(now, out));
    }
}

fn tag(output: &Output) -> String {
    let Output::Transmit { bytes, .. } = output else { panic!("it is answered") };
    let text = String::from_utf8_lossy(bytes);
    let to = text.lines().find(|line| line.starts_with("To:")).expect("it has To");
    to[to.find(";tag=").expect("it has a tag")..].to_owned()
}

fn main() {
    let settings = Settings { calls: 100_000, calls_per_second: 1_000_000, ..Settings::default() };
    let local = "127.0.0.1:5060".parse().expect("an address");
    let remote = "127.0.0.1:5061".parse().expect("an address");
    let peer = Peer { transport: TransportKind::Udp, local, remote, connection: None };
    let answer = sdp::parse(SDP.as_bytes()).expect("it is well formed");
    let mut bench = Bench { agent: UserAgent::new(settings, 1), peer, answer, spent: [Duration::ZERO; 5] };
    for batch in 0..CALLS / BATCH {
        if batch == CALLS / BATCH / 3 {
            // All that lives for 32 s is alive by now: count from here.
            bench.spent = [Duration::ZERO; 5];
        }
        let first = Moment::ZERO + Duration::from_secs(batch * BATCH) / CALLS_PER_SECOND as u32;
        bench.batch(first, batch * BATCH..(batch + 1) * BATCH);
    }
    let counted = (CALLS / BATCH - CALLS / BATCH / 3) * BATCH;
    let each = |spent: Duration| spent.as_secs_f64() * 1e6 / counted as f64;
    println!("alive: {:?}", bench.agent.census());
    for (name, spent) in ACTS.into_iter().zip(bench.spent) {
        println!("{name:>8} {:6.2} us", each(spent));
    }
    println!("{:>8} {:6.2} us a call", "all", each(bench.spent.iter().sum::<Duration>()));
}
