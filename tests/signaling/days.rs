//! Days of agents' phones over a bad network: they register, fall silent, come back, ring, answer, refuse and leave, all at
//! random, while they are called. `SEED=7 cargo test --test signaling days` repeats one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use helpline::clock::Moment;
use helpline::sip::digest::Answer;
use helpline::sip::message::{HeaderName, Message, Method, Request, Response};
use helpline::sip::{Census, Output, Peer, Settings, UserAgent, sdp};
use helpline::telephony::{
    AgentAccount, AgentSecret, CallHeaders, Caller, Cause, LegId, RegisteredPhone, SipCommand, SipEvent, TransportKind,
};

use crate::play::description;

const SEEDS: u64 = 40;
const AGENTS: usize = 4;
const PHONES: usize = 7;
const CALLS: u64 = 60;
const DAY_S: u64 = 2_000;
/// How long a phone that fell silent may still be thought to be there: the time to the next probe, and two probes.
const NOTICED_AFTER: Duration = Duration::from_secs(33 + 2 * 5 + 1);

#[derive(Debug)]
enum Event {
    /// To us, from this phone.
    Arrive(usize, Vec<u8>),
    /// To a phone.
    Deliver(usize, Vec<u8>),
    Command(SipCommand),
    /// A phone sends its REGISTER, with this interval.
    Register(usize, u64),
    /// A phone falls silent or comes back.
    Silence(usize, bool),
    /// We are killed, and begin again with the phones that were told last.
    Restart,
    /// A phone says this to the INVITE with this branch.
    Say(usize, String, u16),
    /// A phone repeats its 200 until the ACK comes.
    Repeat(usize, String, u32),
}

/// What a phone knows of one INVITE.
#[derive(Debug)]
struct Ringing {
    invite: Request,
    last: Option<Vec<u8>>,
    status: u16,
    acknowledged: bool,
    ended: bool,
}

struct Phone {
    extension: String,
    address: SocketAddr,
    silent: Option<Moment>,
    cseq: u32,
    interval: u64,
    calls: BTreeMap<String, Ringing>,
}

#[derive(Debug, Default)]
struct Story {
    answered: bool,
    ended: bool,
}

struct Day {
    rng: fastrand::Rng,
    now: Moment,
    agent: UserAgent,
    phones: Vec<Phone>,
    queue: BTreeMap<(Moment, u64), Event>,
    events: u64,
    stories: BTreeMap<LegId, Story>,
    reachable: BTreeSet<String>,
    accounts: Vec<AgentAccount>,
    /// Each agent's phones, and when they were told.
    registered: BTreeMap<String, (Moment, Vec<RegisteredPhone>)>,
    restarts: u64,
    /// In thousandths.
    loss: u64,
    repeats: u64,
    delay_ms: u64,
    /// Nobody falls silent, nothing is lost, and all of it is checked at the end.
    calm: bool,
}

impl Day {
    fn new(seed: u64) -> Day {
        let mut rng = fastrand::Rng::with_seed(seed);
        let calm = seed.is_multiple_of(4);
        let phones = (0..PHONES)
            .map(|index| Phone {
                extension: (1_001 + index % AGENTS).to_string(),
                address: format!("198.51.100.{}:5060", index + 1).parse().expect("an address"),
                silent: None,
                cseq: 0,
                interval: 0,
                calls: BTreeMap::new(),
            })
            .collect();
        Day {
            now: Moment::from_millis(1),
            agent: UserAgent::new(Settings::default(), seed),
            phones,
            queue: BTreeMap::new(),
            events: 0,
            stories: BTreeMap::new(),
            reachable: BTreeSet::new(),
            accounts: Vec::new(),
            registered: BTreeMap::new(),
            restarts: 0,
            loss: if calm { 0 } else { rng.u64(..300) },
            repeats: if calm { 0 } else { rng.u64(..300) },
            delay_ms: rng.u64(1..300),
            calm,
            rng,
        }
    }

    fn plan(&mut self, wait_ms: u64, event: Event) {
        self.events += 1;
        self.queue.insert((self.now + Duration::from_millis(wait_ms), self.events), event);
    }

    fn run(&mut self) {
        let accounts: Vec<AgentAccount> = (0..AGENTS)
            .map(|index| AgentAccount {
                extension: (1_001 + index).to_string(),
                secret: AgentSecret::Password("secret".to_owned()),
            })
            .collect();
        self.accounts = accounts.clone();
        self.plan(0, Event::Command(SipCommand::SetAgents(accounts)));
        if !self.calm {
            for _ in 0..self.rng.u64(..4) {
                let at = self.rng.u64(..DAY_S * 1_000);
                self.plan(at, Event::Restart);
            }
        }
        for phone in 0..PHONES {
            let interval = self.rng.u64(60..=300);
            let first = self.rng.u64(..10_000);
            self.plan(first, Event::Register(phone, interval));
            if !self.calm {
                let falls = self.rng.u64(..DAY_S * 1_000);
                let returns = falls + self.rng.u64(..300_000);
                self.plan(falls, Event::Silence(phone, true));
                self.plan(returns, Event::Silence(phone, false));
            }
        }
        for call in 1..=CALLS {
            let leg = LegId::outbound(call);
            let extension = (1_001 + self.rng.usize(..AGENTS)).to_string();
            let (caller, offer, headers) = (Caller::default(), description(), CallHeaders::new());
            let wait = 30_000 + self.rng.u64(..(DAY_S - 300) * 1_000);
            self.plan(wait, Event::Command(SipCommand::DialAgent { leg, extension, caller, offer, headers }));
            let within = [0, 3_000, 40_000][self.rng.usize(..3)];
            let end = wait + self.rng.u64(..=within);
            self.plan(end, Event::Command(SipCommand::HangUp { leg, cause: Cause::LocalHungUp }));
        }
        self.plan(DAY_S * 1_000, Event::Command(SipCommand::SetAgents(Vec::new())));
        let mut steps = 0_u64;
        while let Some(now) = self.next() {
            self.now = now;
            self.step();
            steps += 1;
            assert!(steps < 2_000_000, "the day never ends");
        }
    }

    fn next(&self) -> Option<Moment> {
        let event = self.queue.keys().next().map(|(moment, _)| *moment);
        self.agent.deadline().into_iter().chain(event).min()
    }

    fn step(&mut self) {
        let mut out = Vec::new();
        if self.queue.keys().next().is_some_and(|(moment, _)| *moment <= self.now) {
            let (_, event) = self.queue.pop_first().expect("it is not empty");
            match event {
                Event::Arrive(phone, bytes) => {
                    let remote = self.phones[phone].address;
                    let local = "192.0.2.1:5060".parse().expect("an address");
                    let peer = Peer { transport: TransportKind::Udp, local, remote, connection: None };
                    self.agent.receive(self.now, peer, &bytes, &mut out);
                }
                Event::Command(command) => {
                    if let SipCommand::DialAgent { leg, .. } = &command {
                        self.stories.insert(*leg, Story::default());
                    }
                    self.agent.handle(self.now, command, &mut out);
                }
                Event::Restart => self.restart(&mut out),
                Event::Deliver(phone, bytes) => self.deliver(phone, &bytes),
                Event::Register(phone, interval) => self.register(phone, interval),
                Event::Silence(phone, silent) => self.phones[phone].silent = silent.then_some(self.now),
                Event::Say(phone, branch, status) => self.say(phone, &branch, status),
                Event::Repeat(phone, branch, count) => self.repeat(phone, branch, count),
            }
        }
        self.agent.expire(self.now, &mut out);
        self.agent.assert_consistent();
        for output in out {
            match output {
                Output::Transmit { peer, bytes } => {
                    let phone = self.phones.iter().position(|phone| phone.address == peer.remote);
                    let phone = phone.unwrap_or_else(|| panic!("{} is nobody", peer.remote));
                    self.carry(bytes.to_vec(), |bytes| Event::Deliver(phone, bytes));
                }
                Output::Event(event) => self.hear(event),
            }
        }
        self.check_silent();
    }

    fn restart(&mut self, out: &mut Vec<Output>) {
        self.restarts += 1;
        self.agent = UserAgent::new(Settings::default(), self.rng.u64(..));
        self.stories.values_mut().for_each(|story| story.ended = true);
        self.reachable.clear();
        let mut phones = Vec::new();
        for (extension, (at, kept)) in std::mem::take(&mut self.registered) {
            for mut phone in kept {
                phone.expires_in = phone.expires_in.saturating_sub(self.now - at);
                phones.push((extension.clone(), phone));
            }
        }
        self.agent.handle(self.now, SipCommand::SetAgents(self.accounts.clone()), out);
        let before = out.len();
        let answering = phones.iter().filter(|(_, phone)| phone.answers && !phone.expires_in.is_zero());
        let expected: BTreeSet<String> = answering.map(|(extension, _)| extension.clone()).collect();
        self.agent.handle(self.now, SipCommand::RestorePhones(phones), out);
        let told = out[before..].iter().filter_map(|output| match output {
            Output::Event(SipEvent::AgentReachable { extension }) => Some(extension.clone()),
            _ => None,
        });
        assert_eq!(told.collect::<BTreeSet<_>>(), expected, "who had a phone has one again");
    }

    fn carry(&mut self, bytes: Vec<u8>, event: impl Fn(Vec<u8>) -> Event) {
        let lost = self.rng.u64(..1_000) < self.loss;
        let copies = if lost { 0 } else { 1 + usize::from(self.rng.u64(..1_000) < self.repeats) };
        for _ in 0..copies {
            let delay = if self.calm { 1 } else { self.rng.u64(..=self.delay_ms) };
            self.plan(delay, event(bytes.clone()));
        }
    }

    fn speak(&mut self, phone: usize, bytes: Vec<u8>) {
        if self.phones[phone].silent.is_none() {
            self.carry(bytes, |bytes| Event::Arrive(phone, bytes));
        }
    }

    /// What the switchboard is told.
    fn hear(&mut self, event: SipEvent) {
        match event {
            SipEvent::AgentReachable { extension } => {
                assert!(self.reachable.insert(extension.clone()), "{extension} was reachable before");
            }
            SipEvent::AgentUnreachable { extension, .. } => {
                assert!(self.reachable.remove(&extension), "{extension} was not reachable before");
            }
            SipEvent::PhonesRegistered { extension, phones } => {
                self.registered.insert(extension, (self.now, phones));
            }
            SipEvent::Ringing { leg, .. } | SipEvent::Answered { leg, .. } | SipEvent::Ended { leg, .. } => {
                let story = self.stories.get_mut(&leg).expect("it was dialled");
                assert!(!story.ended, "{leg} is told of after its end");
                match event {
                    SipEvent::Answered { .. } => {
                        assert!(!story.answered, "{leg} was answered twice");
                        story.answered = true;
                    }
                    SipEvent::Ended { .. } => story.ended = true,
                    _ => {}
                }
            }
            SipEvent::Tally(_) => {}
            other => panic!("{other:?}"),
        }
    }

    /// An agent all of whose phones have been silent for long is known not to be there.
    fn check_silent(&self) {
        for extension in &self.reachable {
            let heard = self.phones.iter().filter(|phone| phone.extension == *extension).any(|phone| {
                phone.silent.is_none_or(|since| self.now - since <= NOTICED_AFTER + Duration::from_secs(1))
            });
            assert!(heard, "at {} {extension} still counts as reachable", self.now);
        }
    }

    fn register(&mut self, phone: usize, interval: u64) {
        self.phones[phone].interval = interval;
        let again = interval * 500;
        if self.now < Moment::from_millis((DAY_S - 10) * 1_000) {
            self.plan(again, Event::Register(phone, interval));
            let bytes = self.register_bytes(phone, None);
            self.speak(phone, bytes);
        }
    }

    fn register_bytes(&mut self, index: usize, challenge: Option<&Response>) -> Vec<u8> {
        let branch = self.rng.u64(..);
        let phone = &mut self.phones[index];
        phone.cseq += 1;
        let (extension, address) = (&phone.extension, phone.address);
        let mut text = format!(
            "REGISTER sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bK{branch:x}\r\nFrom: <sip:{extension}@192.0.2.1>;tag=1\r\n\
             To: <sip:{extension}@192.0.2.1>\r\nCall-ID: {address}\r\nCSeq: {} REGISTER\r\nMax-Forwards: 70\r\n\
             Contact: <sip:{extension}@{address}>;expires={}\r\n",
            phone.cseq, phone.interval
        );
        if let Some(challenge) = challenge {
            let (username, password, method) = (extension.as_str(), "secret", "REGISTER");
            let answer = Answer { username, password, method, uri: "sip:192.0.2.1", cnonce: "1", count: 1 };
            let value =
                answer.to(&challenge.headers, &HeaderName::WwwAuthenticate).expect("we are asked for what we know");
            text.push_str(&format!("Authorization: {value}\r\n"));
        }
        text.push_str("Content-Length: 0\r\n\r\n");
        text.into_bytes()
    }

    /// What a phone does with what it gets.
    fn deliver(&mut self, index: usize, bytes: &[u8]) {
        if self.phones[index].silent.is_some() {
            return;
        }
        match Message::parse(bytes).expect("we write what can be read") {
            Message::Response(response) => {
                assert!(matches!(response.status, 200 | 401 | 500), "{}", String::from_utf8_lossy(bytes));
                let current = response.headers.cseq().expect("it has one").0 == self.phones[index].cseq;
                if response.status == 401 && current {
                    let bytes = self.register_bytes(index, Some(&response));
                    self.speak(index, bytes);
                }
            }
            Message::Request(request) => self.answer(index, request),
        }
    }

    fn answer(&mut self, index: usize, request: Request) {
        let branch = request.headers.via().expect("it has one").branch.expect("it has one");
        let call_id = request.headers.call_id().expect("it has one").to_owned();
        match request.method {
            Method::Invite => {
                if let Some(known) = self.phones[index].calls.get(&branch) {
                    if let Some(last) = known.last.clone() {
                        self.speak(index, last);
                    }
                    return;
                }
                let ringing = Ringing { invite: request, last: None, status: 100, acknowledged: false, ended: false };
                self.phones[index].calls.insert(branch.clone(), ringing);
                let mut wait = self.rng.u64(..400);
                if self.rng.bool() {
                    self.plan(wait, Event::Say(index, branch.clone(), 180));
                }
                wait += self.rng.u64(..8_000);
                let status = [200, 200, 200, 486, 603, 480, 0][self.rng.usize(..7)];
                if status != 0 {
                    self.plan(wait, Event::Say(index, branch, status));
                }
            }
            Method::Ack => {
                for call in self.phones[index].calls.values_mut() {
                    if call.invite.headers.call_id() == Ok(call_id.as_str()) && call.status >= 200 {
                        call.acknowledged = true;
                    }
                }
            }
            Method::Cancel => {
                let bytes = print(&response(&request, 200, index));
                self.speak(index, bytes);
                self.say(index, &branch, 487);
            }
            Method::Bye => {
                for call in self.phones[index].calls.values_mut() {
                    if call.invite.headers.call_id() == Ok(call_id.as_str()) {
                        call.ended = true;
                        call.acknowledged = true;
                    }
                }
                let bytes = print(&response(&request, 200, index));
                self.speak(index, bytes);
            }
            Method::Options => {
                let bytes = print(&response(&request, 200, index));
                self.speak(index, bytes);
            }
            other => panic!("{other}"),
        }
    }

    fn say(&mut self, index: usize, branch: &str, status: u16) {
        let address = self.phones[index].address;
        let Some(call) = self.phones[index].calls.get_mut(branch) else { return };
        if call.status >= 200 {
            return;
        }
        call.status = status;
        let mut said = response(&call.invite, status, index);
        said.headers.push(HeaderName::Contact, format!("<sip:phone@{address}>"));
        if status == 200 {
            said.headers.push(HeaderName::ContentType, "application/sdp");
            said.body = sdp::print(&description()).into_bytes();
        }
        let bytes = print(&said);
        call.last = Some(bytes.clone());
        self.speak(index, bytes);
        if status >= 200 {
            self.plan(500, Event::Repeat(index, branch.to_owned(), 1));
        }
    }

    fn repeat(&mut self, index: usize, branch: String, count: u32) {
        let Some(call) = self.phones[index].calls.get(&branch) else { return };
        if call.acknowledged || count > 10 {
            return;
        }
        if let Some(last) = call.last.clone() {
            self.speak(index, last);
        }
        self.plan((500_u64 << count.min(3)).min(4_000), Event::Repeat(index, branch, count + 1));
    }

    fn check_end(&self) {
        assert_eq!(self.stories.len() as u64, CALLS);
        for (leg, story) in &self.stories {
            assert!(story.ended, "{leg} never ended");
        }
        assert!(self.reachable.is_empty(), "{:?} outlive their accounts", self.reachable);
        assert_eq!(self.agent.census(), Census::default(), "something is left");
        if self.calm {
            assert!(self.stories.values().any(|story| story.answered), "nobody ever answered");
            for call in self.phones.iter().flat_map(|phone| phone.calls.values()) {
                // One that has said nothing at all cannot be told (RFC 3261 section 9.1).
                let over = call.ended || call.status >= 300 || call.status == 100;
                assert!(over, "a phone still believes in a call: {}", call.status);
                assert!(call.acknowledged || call.status < 200, "a phone got no ACK");
            }
        }
    }
}

fn response(request: &Request, status: u16, index: usize) -> Response {
    let mut response = request.response(status);
    let to = response.headers.get(&HeaderName::To).expect("it has To").to_owned();
    if !to.contains(";tag=") {
        response.headers.set(HeaderName::To, format!("{to};tag=phone{index}"));
    }
    response
}

fn print(response: &Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    response.to_bytes(&mut bytes);
    bytes
}

#[test]
fn phones_come_and_go_and_every_call_ends_once() {
    let seeds = match std::env::var("SEED") {
        Ok(seed) => {
            let seed: u64 = seed.parse().expect("SEED is a number");
            seed..seed + 1
        }
        Err(_) => 0..std::env::var("SEEDS").map_or(SEEDS, |seeds| seeds.parse().expect("SEEDS is a number")),
    };
    for seed in seeds {
        println!("SEED={seed}");
        let mut day = Day::new(seed);
        day.run();
        day.check_end();
    }
}
