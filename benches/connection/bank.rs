//! A bank of telephones: callers and agents behind one port for signalling, each call with a port of its own for audio.
//!
//! Who speaks says a tone with marks in it, so that the other side can tell which sample it hears and when that was
//! said. All of it happens in one thread, in steps of a millisecond.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use helpline::clock::Clock;
use helpline::media::codecs;
use helpline::sip::digest::Answer;
use helpline::sip::message::{HeaderName, Headers, Message};
use helpline::sip::{Output, Peer, Settings, UserAgent};
use helpline::telephony::{
    Caller, Cause, Codec, InbandDigits, Incoming, LegId, LocalMedia, PhoneNumber, SessionDescription, SipCommand,
    SipEvent, TICK, TransportKind, accept_answer, answer, offer,
};

/// The password of all agents.
pub const PASSWORD: &str = "a long secret";
/// Between two REGISTERs: an office behind one address has 100 a second, and each takes two.
const REGISTER_EVERY: Duration = Duration::from_millis(25);
/// A mark, around the number of its packet, and where in the packet it stands.
const MARK: ([u8; 2], [u8; 2]) = ([0x2a, 0x15], [0x95, 0xaa]);
const MARK_AT: usize = 78;
const FRAME: usize = 160;

/// What the way from a caller to the server does to packets.
#[derive(Clone, Copy, Default)]
pub struct Network {
    /// Each comes later by up to so long, at random.
    pub later: Duration,
    /// So many of a hundred are lost.
    pub loss_percent: u32,
}

/// What was heard at one agent's telephone.
pub struct Heard {
    /// From the 200 OK to the first of the caller's audio, in ms.
    pub first_ms: Option<f64>,
    /// For each mark: from when it was said to when it was heard, in ms.
    pub delays_ms: Vec<f64>,
    /// The longest passage without the tone between the first mark and the last packet, in ms.
    pub gap_ms: f64,
}

pub struct Bank {
    socket: UdpSocket,
    local: SocketAddr,
    server: SocketAddr,
    agent: UserAgent,
    clock: Clock,
    out: Vec<Output>,
    legs: BTreeMap<LegId, Leg>,
    /// Agents whose telephones are to answer soon.
    ringing: Vec<(Instant, Box<Incoming>)>,
    /// When each packet of a caller was said, by the caller's number.
    said: BTreeMap<u64, Vec<Instant>>,
    heard: Vec<Heard>,
    network: Network,
    rng: fastrand::Rng,
    next_leg: u64,
    pub registered: usize,
    /// Calls that ended otherwise than by our wish.
    pub failed: usize,
    /// Every socket is looked at in every step, for exact times.
    pub exact: bool,
}

/// One side of a call.
struct Leg {
    socket: UdpSocket,
    remote: Option<SocketAddr>,
    /// The caller's own number, or that of the caller whom an agent hears.
    caller: u64,
    is_agent: bool,
    next: Instant,
    sequence: u16,
    /// Packets on their way through the network.
    travelling: Vec<(Instant, Vec<u8>)>,
    answered: Option<Instant>,
    ear: Ear,
}

/// What an agent's telephone makes of what comes.
#[derive(Default)]
struct Ear {
    first: Option<Instant>,
    delays_ms: Vec<f64>,
    /// The last octets of the packet before.
    tail: Vec<u8>,
    quiet: usize,
    longest_quiet: usize,
}

impl Bank {
    pub fn new(server: SocketAddr) -> Bank {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        socket.set_nonblocking(true).expect("set");
        let local = socket.local_addr().expect("bound");
        let settings = Settings {
            advertise: Some(local.ip()),
            udp_port: local.port(),
            calls: 10_000,
            calls_per_second: 10_000,
            ..Settings::default()
        };
        Bank {
            socket,
            local,
            server,
            agent: UserAgent::new(settings, 1),
            clock: Clock::start(),
            out: Vec::new(),
            legs: BTreeMap::new(),
            ringing: Vec::new(),
            said: BTreeMap::new(),
            heard: Vec::new(),
            network: Network::default(),
            rng: fastrand::Rng::with_seed(1),
            next_leg: 1,
            registered: 0,
            failed: 0,
            exact: true,
        }
    }

    /// Registers agents of these extensions, and waits until all are.
    pub fn register(&mut self, extensions: impl Iterator<Item = u32>) {
        let wanted = extensions.fold(self.registered, |wanted, extension| {
            self.send_register(extension, 1, None);
            self.run(REGISTER_EVERY);
            wanted + 1
        });
        while self.registered < wanted {
            self.run(Duration::from_millis(10));
        }
    }

    fn send_register(&self, extension: u32, cseq: u32, challenges: Option<&Headers>) {
        let (server, address, username) = (self.server, self.local, extension.to_string());
        let uri = format!("sip:{server}");
        let proof = challenges.map_or(String::new(), |challenges| {
            let (username, uri) = (username.as_str(), uri.as_str());
            let answer = Answer { username, password: PASSWORD, method: "REGISTER", uri, cnonce: "6b8b4567", count: 1 };
            let value = answer.to(challenges, &HeaderName::WwwAuthenticate).expect("the challenge is one of ours");
            format!("Authorization: {value}\r\n")
        });
        let request = format!(
            "REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bKr{extension}-{cseq}\r\nFrom: \
             <sip:{extension}@{server}>;tag=r{extension}\r\nTo: <sip:{extension}@{server}>\r\nCall-ID: reg-{extension}\r\n\
             CSeq: {cseq} REGISTER\r\nContact: <sip:{extension}@{address}>;expires=3600\r\nMax-Forwards: 70\r\n{proof}\
             Content-Length: 0\r\n\r\n"
        );
        self.socket.send_to(request.as_bytes(), server).expect("sent");
    }

    /// A caller of a number of their own dials.
    pub fn dial(&mut self, number: &str) -> LegId {
        let id = LegId::outbound(self.next_leg);
        let caller = self.next_leg;
        self.next_leg += 1;
        let socket = rtp_socket();
        let described = offer(&media(self.local, &socket));
        let leg = Leg {
            socket,
            remote: None,
            caller,
            is_agent: false,
            next: Instant::now(),
            sequence: 0,
            travelling: Vec::new(),
            answered: None,
            ear: Ear::default(),
        };
        self.legs.insert(id, leg);
        self.said.insert(caller, Vec::new());
        let from = Caller { number: PhoneNumber::new(caller.to_string()), name: None };
        let uri = format!("sip:{number}@{}", self.server);
        self.tell(SipCommand::Dial { leg: id, uri, caller: from, offer: described });
        id
    }

    /// All callers hang up; what the agents heard is given.
    pub fn hang_up(&mut self) -> Vec<Heard> {
        let callers: Vec<LegId> = self.legs.keys().copied().filter(|leg| leg.is_outbound()).collect();
        for leg in callers {
            self.tell(SipCommand::HangUp { leg, cause: Cause::LocalHungUp });
        }
        while !self.legs.is_empty() {
            self.run(Duration::from_millis(10));
        }
        self.said.clear();
        std::mem::take(&mut self.heard)
    }

    /// How callers' packets travel from now on.
    pub fn travel(&mut self, network: Network) {
        self.network = network;
    }

    /// How many agents talk.
    pub fn talking(&self) -> usize {
        self.legs.values().filter(|leg| leg.is_agent).count()
    }

    /// How many callers were answered by the server.
    pub fn answered(&self) -> usize {
        self.legs.values().filter(|leg| !leg.is_agent && leg.remote.is_some()).count()
    }

    /// Lets everything happen for so long.
    pub fn run(&mut self, time: Duration) {
        let end = Instant::now() + time;
        let mut next = Instant::now();
        while Instant::now() < end {
            self.signal();
            self.speak();
            next += Duration::from_millis(1);
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }

    fn tell(&mut self, command: SipCommand) {
        self.agent.handle(self.clock.now(), command, &mut self.out);
        self.follow();
    }

    fn signal(&mut self) {
        let mut buffer = [0; 4_096];
        while let Ok((length, remote)) = self.socket.recv_from(&mut buffer) {
            let bytes = &buffer[..length];
            if !self.hear_registrar(bytes) {
                let from = Peer { transport: TransportKind::Udp, local: self.local, remote, connection: None };
                self.agent.receive(self.clock.now(), from, bytes, &mut self.out);
            }
            self.follow();
        }
        self.agent.expire(self.clock.now(), &mut self.out);
        let now = Instant::now();
        let (due, later) = self.ringing.drain(..).partition(|(at, _)| *at <= now);
        self.ringing = later;
        for (_, call) in due {
            self.pick_up(&call);
        }
        self.follow();
    }

    /// Takes what answers a REGISTER.
    fn hear_registrar(&mut self, bytes: &[u8]) -> bool {
        if !bytes.starts_with(b"SIP/2.0") {
            return false;
        }
        let Ok(Message::Response(response)) = Message::parse(bytes) else { return false };
        let extension = response.headers.call_id().ok().and_then(|id| id.strip_prefix("reg-")?.parse().ok());
        let Some(extension) = extension else { return false };
        match response.status {
            401 => self.send_register(extension, 2, Some(&response.headers)),
            200 => self.registered += 1,
            status => panic!("the registrar says {status} to {extension}"),
        }
        true
    }

    fn follow(&mut self) {
        while !self.out.is_empty() {
            for output in std::mem::take(&mut self.out) {
                match output {
                    Output::Transmit { peer, bytes } => drop(self.socket.send_to(&bytes, peer.remote)),
                    Output::Event(event) => self.follow_event(event),
                }
            }
        }
    }

    fn follow_event(&mut self, event: SipEvent) {
        match event {
            SipEvent::Incoming(call) => {
                // People pick up when they please, and not when the server's beat would like it.
                let wait = Duration::from_micros(self.rng.u64(20_000..60_000));
                self.ringing.push((Instant::now() + wait, call));
            }
            SipEvent::Answered { leg, answer, .. } => {
                if let Some(call) = self.legs.get_mut(&leg) {
                    let plan = accept_answer(&answer, &media(self.local, &call.socket)).expect("PCMU is spoken");
                    call.remote = plan.remote;
                    call.next = Instant::now() + Duration::from_micros(self.rng.u64(..20_000));
                }
            }
            SipEvent::Ended { leg, cause } => {
                let Some(call) = self.legs.remove(&leg) else { return };
                if call.is_agent {
                    self.heard.push(call.heard());
                } else if cause != Cause::LocalHungUp {
                    self.failed += 1;
                }
            }
            _ => {}
        }
    }

    fn pick_up(&mut self, call: &Incoming) {
        let socket = rtp_socket();
        let offered: &SessionDescription = call.offer.as_ref().expect("the server offers");
        let agreed = answer(offered, &media(self.local, &socket)).expect("PCMU is spoken");
        let leg = Leg {
            socket,
            remote: agreed.plan.remote,
            caller: call.caller.number.reveal().parse().unwrap_or_default(),
            is_agent: true,
            next: Instant::now() + Duration::from_micros(self.rng.u64(..20_000)),
            sequence: 0,
            travelling: Vec::new(),
            answered: Some(Instant::now()),
            ear: Ear::default(),
        };
        self.legs.insert(call.leg, leg);
        self.tell(SipCommand::Answer { leg: call.leg, description: agreed.description });
    }

    fn speak(&mut self) {
        let now = Instant::now();
        for leg in self.legs.values_mut() {
            let Some(remote) = leg.remote else { continue };
            let due = now >= leg.next;
            if due {
                leg.next += TICK;
                let lost = !leg.is_agent && self.rng.u32(..100) < self.network.loss_percent;
                let later = if leg.is_agent { Duration::ZERO } else { self.network.later };
                let packet = leg.packet();
                if let Some(said) = self.said.get_mut(&leg.caller).filter(|_| !leg.is_agent) {
                    said.push(now);
                }
                if later.is_zero() && !lost {
                    let _ = leg.socket.send_to(&packet, remote);
                } else if !lost {
                    leg.travelling.push((now + later.mul_f64(self.rng.f64()), packet));
                }
            }
            let (arrive, travel) = leg.travelling.drain(..).partition(|(at, _)| *at <= now);
            leg.travelling = travel;
            for (_, packet) in arrive {
                let _ = leg.socket.send_to(&packet, remote);
            }
            if due || self.exact {
                leg.listen(self.said.get(&leg.caller).map_or(&[][..], |said| said));
            }
        }
    }
}

impl Leg {
    /// The next packet: a tone with a mark in it. Agents say a tone without marks.
    fn packet(&mut self) -> Vec<u8> {
        let timestamp = u32::from(self.sequence) * FRAME as u32;
        let mut packet = vec![0x80, 0];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(timestamp.to_be_bytes());
        packet.extend([0, 0, 0, 7]);
        packet.extend((0..FRAME as u32).map(|at| {
            let angle = f64::from((timestamp + at) % 8_000) * 400.0 * std::f64::consts::TAU / 8_000.0;
            codecs::encode(Codec::Pcmu, (angle.sin() * 8_000.0) as i16)
        }));
        if !self.is_agent {
            let [high, low] = self.sequence.to_be_bytes();
            let ([a, b], [c, d]) = MARK;
            packet[12 + MARK_AT..12 + MARK_AT + 6].copy_from_slice(&[a, b, high, low, c, d]);
        }
        self.sequence = self.sequence.wrapping_add(1);
        packet
    }

    fn listen(&mut self, said: &[Instant]) {
        let mut buffer = [0; 2_048];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            if self.is_agent && length > 12 && buffer[1] & 0x7f == 0 {
                self.ear.hear(&buffer[12..length], said);
            }
        }
    }

    fn heard(self) -> Heard {
        let first = self.ear.first.zip(self.answered);
        Heard {
            first_ms: first.map(|(first, answered)| first.duration_since(answered).as_secs_f64() * 1e3),
            delays_ms: self.ear.delays_ms,
            gap_ms: self.ear.longest_quiet as f64 / 8.0,
        }
    }
}

impl Ear {
    fn hear(&mut self, payload: &[u8], said: &[Instant]) {
        let now = Instant::now();
        let before = self.tail.len();
        self.tail.extend(payload);
        for (at, window) in self.tail.windows(6).enumerate() {
            let ([a, b], [c, d]) = MARK;
            if [window[0], window[1], window[4], window[5]] != [a, b, c, d] {
                continue;
            }
            let number = usize::from(u16::from_be_bytes([window[2], window[3]]));
            if let Some(when) = said.get(number) {
                self.first.get_or_insert(now);
                // Both are told from the beginnings of their packets.
                let into = (at as f64 - before as f64) / 8.0;
                let delay = now.duration_since(*when).as_secs_f64() * 1e3;
                self.delays_ms.push(delay + into - MARK_AT as f64 / 8.0);
            }
        }
        if self.first.is_some() {
            for byte in payload {
                let loud = codecs::decode(Codec::Pcmu, *byte).unsigned_abs() > 300;
                self.quiet = if loud { 0 } else { self.quiet + 1 };
                self.longest_quiet = self.longest_quiet.max(self.quiet);
            }
        }
        let keep = self.tail.len().saturating_sub(5);
        self.tail.drain(..keep);
    }
}

fn rtp_socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    socket.set_nonblocking(true).expect("set");
    socket
}

fn media(local: SocketAddr, socket: &UdpSocket) -> LocalMedia<'static> {
    LocalMedia {
        address: local.ip(),
        port: socket.local_addr().expect("bound").port(),
        session_id: 1,
        version: 1,
        codecs: &[Codec::Pcmu],
        inband_digits: InbandDigits::Off,
    }
}
