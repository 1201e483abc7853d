//! Two user agents call each other over a network that loses, delays, repeats, reorders and spoils what they say, while
//! both sides hang up at any moment. `SEED=7 cargo test --test signaling` repeats one run, `SEEDS=5000` makes more of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use helpline::clock::Moment;
use helpline::sip::message::Message;
use helpline::sip::{Census, ConnectionId, Output, Peer, Settings, UserAgent};
use helpline::telephony::{
    Caller, Cause, LegId, PhoneNumber, Refusal, SessionDescription, SipCommand, SipEvent, TransportKind,
};

use crate::play::description;

const SEEDS: u64 = 60;
const CALLS: u64 = 40;

/// What the network of one run does.
#[derive(Clone, Debug)]
struct Weather {
    transport: TransportKind,
    /// In thousandths.
    loss: u64,
    repeats: u64,
    spoils: u64,
    delay_ms: u64,
    /// Takes UPDATE out of Allow, so that sessions are refreshed by re-INVITE.
    no_update: bool,
    /// Nobody hangs up before the call has stood for a while.
    patient: bool,
    /// Nothing arrives at all in this part of the run, in seconds.
    outage: Option<(u64, u64)>,
}

impl Weather {
    fn of_seed(seed: u64, rng: &mut fastrand::Rng) -> Weather {
        let calm = seed.is_multiple_of(6);
        let tcp = seed % 5 == 4;
        Weather {
            transport: if tcp { TransportKind::Tcp } else { TransportKind::Udp },
            loss: if calm || tcp { 0 } else { rng.u64(..400) },
            repeats: if calm || tcp { 0 } else { rng.u64(..300) },
            spoils: if !calm && !tcp && seed % 7 == 3 { 30 } else { 0 },
            delay_ms: if tcp { 1 } else { rng.u64(1..800) },
            no_update: rng.bool(),
            patient: calm,
            outage: (!calm && seed % 4 == 1).then(|| (rng.u64(5..20), rng.u64(20..80))),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Dials,
    Answers,
}

#[derive(Debug)]
enum Event {
    Arrive(Side, Peer, Vec<u8>),
    Command(Side, SipCommand),
}

/// What one side was told of one leg.
#[derive(Debug, Default)]
struct Story {
    ended: bool,
    stood: bool,
}

struct Run {
    weather: Weather,
    rng: fastrand::Rng,
    now: Moment,
    agents: BTreeMap<Side, UserAgent>,
    queue: BTreeMap<(Moment, u64), Event>,
    events: u64,
    stories: BTreeMap<(Side, LegId), Story>,
    incoming: BTreeSet<String>,
    offer: SessionDescription,
}

fn address(side: Side) -> SocketAddr {
    match side {
        Side::Dials => "192.0.2.1:5060",
        Side::Answers => "192.0.2.2:5060",
    }
    .parse()
    .expect("an address")
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut rng = fastrand::Rng::with_seed(seed);
        let weather = Weather::of_seed(seed, &mut rng);
        let agent = |side| {
            let settings = Settings {
                advertise: Some(address(side).ip()),
                session_expires: 90,
                calls_per_second: 1_000,
                ..Settings::default()
            };
            (side, UserAgent::new(settings, seed))
        };
        Run {
            weather,
            rng,
            now: Moment::ZERO,
            agents: [agent(Side::Dials), agent(Side::Answers)].into(),
            queue: BTreeMap::new(),
            events: 0,
            stories: BTreeMap::new(),
            incoming: BTreeSet::new(),
            offer: description(),
        }
    }

    fn plan(&mut self, wait_ms: u64, event: Event) {
        self.events += 1;
        self.queue.insert((self.now + Duration::from_millis(wait_ms), self.events), event);
    }

    fn plan_hang_up(&mut self, side: Side, leg: LegId, within_ms: u64) {
        let wait = if self.weather.patient { 100_000 } else { 0 } + self.rng.u64(..=within_ms);
        self.plan(wait, Event::Command(side, SipCommand::HangUp { leg, cause: Cause::LocalHungUp }));
    }

    fn run(&mut self) {
        for call in 1..=CALLS {
            let leg = LegId::outbound(call);
            let caller = Caller { number: PhoneNumber::new(call.to_string()), name: None };
            let transport = if self.weather.transport == TransportKind::Tcp { ";transport=tcp" } else { "" };
            let uri = format!("sip:{call}@{}{transport}", address(Side::Answers));
            let wait = self.rng.u64(..20_000);
            let dial = SipCommand::Dial { leg, uri, caller, offer: self.offer.clone() };
            self.plan(wait, Event::Command(Side::Dials, dial));
            // Some the moment that they dial, some during the first messages, some later than sessions live.
            let within = [0, 2_000, 200_000][self.rng.usize(..3)];
            self.plan_hang_up(Side::Dials, leg, wait + within);
            self.plan_hang_up(Side::Dials, leg, 400_000);
            self.plan(600_000, Event::Command(Side::Dials, SipCommand::HangUp { leg, cause: Cause::LocalHungUp }));
        }
        let mut steps = 0_u64;
        while let Some(now) = self.next() {
            self.now = now;
            self.step();
            steps += 1;
            assert!(steps < 1_000_000, "the run never ends");
        }
    }

    fn next(&self) -> Option<Moment> {
        let deadline = self.agents.values().filter_map(UserAgent::deadline).min();
        let event = self.queue.keys().next().map(|(moment, _)| *moment);
        deadline.into_iter().chain(event).min()
    }

    fn step(&mut self) {
        let now = self.now;
        let mut told = Vec::new();
        if self.queue.keys().next().is_some_and(|(moment, _)| *moment <= now) {
            let (_, event) = self.queue.pop_first().expect("it is not empty");
            let mut out = Vec::new();
            let side = match event {
                Event::Arrive(side, from, bytes) => {
                    self.agents.get_mut(&side).expect("both").receive(now, from, &bytes, &mut out);
                    side
                }
                Event::Command(side, command) => {
                    if let SipCommand::Dial { leg, .. } = &command {
                        self.stories.insert((side, *leg), Story::default());
                    }
                    self.agents.get_mut(&side).expect("both").handle(now, command, &mut out);
                    side
                }
            };
            told.push((side, out));
        }
        for (side, agent) in &mut self.agents {
            let mut out = Vec::new();
            agent.expire(now, &mut out);
            agent.assert_consistent();
            told.push((*side, out));
        }
        for (side, out) in told {
            for output in out {
                match output {
                    Output::Transmit { peer, bytes } => self.carry(side, peer, &bytes),
                    Output::Event(event) => self.hear(side, event),
                }
            }
        }
    }

    /// The network.
    fn carry(&mut self, from: Side, peer: Peer, bytes: &[u8]) {
        let parsed = Message::parse(bytes);
        // The answer to what was spoiled repeats what it could not read.
        assert!(
            parsed.is_ok() || self.weather.spoils > 0,
            "we wrote what we cannot read: {parsed:?}\n{}",
            String::from_utf8_lossy(bytes)
        );
        let to = if from == Side::Dials { Side::Answers } else { Side::Dials };
        if self.weather.spoils == 0 {
            assert_eq!(peer.remote.ip(), address(to).ip(), "{}", String::from_utf8_lossy(bytes));
        }
        let second = self.now.as_micros() / 1_000_000;
        let out = self.weather.outage.is_some_and(|(start, end)| (start..end).contains(&second));
        let thousandth = |rng: &mut fastrand::Rng| rng.u64(..1_000);
        let copies = if out || thousandth(&mut self.rng) < self.weather.loss {
            0
        } else {
            1 + usize::from(thousandth(&mut self.rng) < self.weather.repeats)
        };
        for _ in 0..copies {
            let mut bytes = bytes.to_vec();
            if self.weather.no_update {
                bytes = String::from_utf8_lossy(&bytes).replace("OPTIONS, UPDATE, INFO", "OPTIONS, INFO").into_bytes();
            }
            if thousandth(&mut self.rng) < self.weather.spoils {
                let place = self.rng.usize(..bytes.len());
                bytes[place] ^= 1 << self.rng.u8(..8);
            }
            let arrived = Peer {
                transport: peer.transport,
                local: address(to),
                remote: address(from),
                connection: (peer.transport == TransportKind::Tcp).then_some(ConnectionId(1)),
            };
            // A stream keeps the order.
            let delay = if arrived.reliable() { 1 } else { self.rng.u64(..=self.weather.delay_ms) };
            self.plan(delay, Event::Arrive(to, arrived, bytes));
        }
    }

    /// Both switchboards.
    fn hear(&mut self, side: Side, event: SipEvent) {
        match event {
            SipEvent::Incoming(incoming) => {
                assert_eq!(side, Side::Answers);
                let known = self.stories.insert((side, incoming.leg), Story::default());
                assert!(known.is_none(), "a leg's name was used twice");
                let fresh = self.incoming.insert(incoming.sip_call_id.clone());
                assert!(fresh || self.weather.spoils > 0, "a call came twice: {}", incoming.sip_call_id);
                self.welcome(incoming.leg);
            }
            SipEvent::Offered { leg, .. } => {
                self.expect_alive(side, leg);
                let command = if self.rng.u8(..4) == 0 && !self.weather.patient {
                    SipCommand::RefuseChange { leg, refusal: Refusal::status(488) }
                } else {
                    SipCommand::AcceptChange { leg, description: self.offer.clone() }
                };
                let wait = [0, 300][self.rng.usize(..2)];
                self.plan(wait, Event::Command(side, command));
            }
            SipEvent::Confirmed { leg, .. } | SipEvent::Answered { leg, .. } => {
                self.expect_alive(side, leg);
                self.stories.get_mut(&(side, leg)).expect("expect_alive found it").stood = true;
            }
            SipEvent::Ringing { leg, .. } | SipEvent::Digit { leg, .. } => self.expect_alive(side, leg),
            SipEvent::Ended { leg, .. } => {
                self.expect_alive(side, leg);
                self.stories.get_mut(&(side, leg)).expect("expect_alive found it").ended = true;
            }
            SipEvent::Tally(_)
            | SipEvent::TransferAsked { .. }
            | SipEvent::AgentReachable { .. }
            | SipEvent::AgentUnreachable { .. }
            | SipEvent::PhonesRegistered { .. }
            | SipEvent::TrunkUp { .. }
            | SipEvent::TrunkDown { .. } => {}
        }
    }

    /// What the answering side does with a new call.
    fn welcome(&mut self, leg: LegId) {
        let mut wait = 0;
        if self.rng.bool() {
            wait += self.rng.u64(..1_000);
            self.plan(wait, Event::Command(Side::Answers, SipCommand::Ring { leg }));
        }
        wait += [0, 0, 100, 3_000][self.rng.usize(..4)];
        if self.rng.u8(..8) == 0 && !self.weather.patient {
            let reject = SipCommand::Reject { leg, refusal: Refusal::status(486) };
            self.plan(wait, Event::Command(Side::Answers, reject));
        } else {
            let answer = SipCommand::Answer { leg, description: self.offer.clone() };
            self.plan(wait, Event::Command(Side::Answers, answer));
        }
        if self.rng.bool() {
            let within = [5_000, 100_000][self.rng.usize(..2)];
            self.plan_hang_up(Side::Answers, leg, within);
        }
    }

    fn expect_alive(&self, side: Side, leg: LegId) {
        let story = self.stories.get(&(side, leg));
        assert!(story.is_some_and(|story| !story.ended), "{side:?} was told of {leg}, which is over or unknown");
    }

    fn check_end(&self) {
        for ((side, leg), story) in &self.stories {
            assert!(story.ended, "{side:?} was never told the end of {leg}");
            assert!(story.stood || !self.weather.patient, "{leg} never stood on {side:?} in fine weather");
        }
        for (side, agent) in &self.agents {
            assert_eq!(agent.census(), Census::default(), "{side:?} has something left");
        }
        let dialled = self.stories.keys().filter(|(side, _)| *side == Side::Dials).count() as u64;
        assert_eq!(dialled, CALLS);
    }
}

#[test]
fn every_call_ends_once_and_leaves_nothing() {
    let seeds = match std::env::var("SEED") {
        Ok(seed) => {
            let seed: u64 = seed.parse().expect("SEED is a number");
            seed..seed + 1
        }
        Err(_) => 0..std::env::var("SEEDS").map_or(SEEDS, |seeds| seeds.parse().expect("SEEDS is a number")),
    };
    for seed in seeds {
        let mut run = Run::new(seed);
        println!("SEED={seed} {:?}", run.weather);
        run.run();
        run.check_end();
    }
}
