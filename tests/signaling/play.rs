//! Plays a scenario, written as text, against one user agent in virtual time.
//!
//! | line | means |
//! |---|---|
//! | `-> INVITE offer \| Require: 100rel` | the phone sends a request; see [`Play::request`] for its words |
//! | `-> 200 answer` | the phone answers the last request that it got |
//! | `<- 200 offer \| Require: timer` | the next thing that the phone gets, with what it must hold; `to=` where it goes |
//! | `<- none` | the phone gets nothing more |
//! | `! answer` | a command of the switchboard |
//! | `* ended Cancelled` | the next thing that the switchboard is told |
//! | `* none` | it is told nothing more |
//! | `wait 500` | milliseconds pass |
//! | `await 500` | as many at most, until the phone gets something |
//! | `at 198.51.100.8:5060` | what the phone sends from now on comes from there; a second address is ours by which it comes |
//! | `lost` | the phone's stream breaks |
//! | `restart 500` | the process is killed, and another begins after so many milliseconds |

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use helpline::clock::Moment;
use helpline::sip::digest::Answer;
use helpline::sip::message::{HeaderName, Headers, Message, Method, Request, Response};
use helpline::sip::{Census, ConnectionId, Output, Peer, Settings, UserAgent, sdp};
use helpline::telephony::{
    AgentAccount, AgentSecret, CallHeaders, Caller, Cause, LegId, Login, Network, PhoneNumber, Refusal,
    RegisteredPhone, SessionDescription, SipCommand, SipEvent, SipTally, TransportKind, Trunk, Warning,
};

const OURS: &str = "192.0.2.1:5060";
const PHONE: &str = "198.51.100.7:5060";

/// A description for offers and answers.
pub fn description() -> SessionDescription {
    let text = b"v=0\r\no=- 7 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";
    sdp::parse(text).expect("it is well formed")
}

/// Panics with the scenario's text unless `script` plays as written, and unless nothing is left behind at its end.
pub fn check(script: &str) {
    check_with(script, TransportKind::Udp, Settings::default());
}

/// The same over TCP.
pub fn check_tcp(script: &str) {
    check_with(script, TransportKind::Tcp, Settings::default());
}

/// The same with settings.
pub fn check_with(script: &str, transport: TransportKind, settings: Settings) {
    let mut play = Play::new(transport, settings);
    for (number, line) in script.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Err(what) = play.line(line) {
            panic!("line {}: {line}\n{what}\nin\n{script}", number + 1);
        }
        play.agent.assert_consistent();
    }
    play.finish(script);
}

struct Play {
    agent: UserAgent,
    settings: Settings,
    /// What the next process is given: the agents, and their phones as they were then.
    accounts: Vec<AgentAccount>,
    phones: BTreeMap<String, (Moment, Vec<RegisteredPhone>)>,
    now: Moment,
    peer: Peer,
    got: VecDeque<(Peer, Vec<u8>)>,
    told: VecDeque<SipEvent>,
    tally: SipTally,
    leg: Option<LegId>,
    local_tag: Option<String>,
    cseq: u32,
    invite_cseq: u32,
    branches: u32,
    last_branch: String,
    invite_branch: String,
    last_request: Option<Request>,
    /// All INVITEs that phones got, for `of=`.
    invites: Vec<Request>,
    /// The challenges of the last 401.
    challenges: Headers,
    call_id: String,
    rseq: String,
}

impl Play {
    fn new(transport: TransportKind, settings: Settings) -> Play {
        let connection = (transport == TransportKind::Tcp).then_some(ConnectionId(1));
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        Play {
            agent: UserAgent::new(settings.clone(), 1),
            settings,
            accounts: Vec::new(),
            phones: BTreeMap::new(),
            now: Moment::from_millis(10_000),
            peer: Peer { transport, local: address(OURS), remote: address(PHONE), connection },
            got: VecDeque::new(),
            told: VecDeque::new(),
            tally: SipTally::default(),
            leg: None,
            local_tag: None,
            cseq: 0,
            invite_cseq: 0,
            branches: 0,
            last_branch: String::new(),
            invite_branch: String::new(),
            last_request: None,
            invites: Vec::new(),
            challenges: Headers::new(),
            call_id: "scenario@198.51.100.7".to_owned(),
            rseq: String::new(),
        }
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        match mark {
            "->" => self.send(rest),
            "<-" => self.expect_message(rest)?,
            "!" => self.command(rest),
            "*" => self.expect_event(rest)?,
            "wait" => self.wait(Duration::from_millis(rest.parse().expect("milliseconds"))),
            "await" => self.wait_until(Duration::from_millis(rest.parse().expect("milliseconds")), true),
            "at" => {
                let (remote, local) = rest.split_once(' ').unwrap_or((rest, OURS));
                self.peer.remote = remote.parse().expect("an address");
                self.peer.local = local.parse().expect("an address");
            }
            "lost" => {
                let mut out = Vec::new();
                self.agent.connection_closed(self.now, ConnectionId(1), &mut out);
                self.peer.connection = None;
                self.take(out);
            }
            "restart" => self.restart(Duration::from_millis(rest.parse().expect("milliseconds"))),
            "tally" => self.expect_tally(rest)?,
            _ => return Err("no such line".to_owned()),
        }
        Ok(())
    }

    fn restart(&mut self, pause: Duration) {
        self.agent = UserAgent::new(self.settings.clone(), self.now.as_micros());
        self.now += pause;
        self.peer.connection = None;
        let (mut out, mut phones) = (Vec::new(), Vec::new());
        for (extension, (at, kept)) in std::mem::take(&mut self.phones) {
            for mut phone in kept {
                phone.expires_in = phone.expires_in.saturating_sub(self.now - at);
                phones.push((extension.clone(), phone));
            }
        }
        self.agent.handle(self.now, SipCommand::SetAgents(self.accounts.clone()), &mut out);
        self.agent.handle(self.now, SipCommand::RestorePhones(phones), &mut out);
        self.take(out);
    }

    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Transmit { peer, bytes } => {
                    let inbound = self.leg.is_none_or(|leg| !leg.is_outbound());
                    if inbound && self.peer.reliable() {
                        assert_eq!(peer.connection, self.peer.connection, "the stream that stands is used");
                    }
                    self.got.push_back((peer, bytes.to_vec()));
                }
                Output::Event(SipEvent::Tally(tally)) => {
                    for (key, count) in tally.requests {
                        *self.tally.requests.entry(key).or_default() += count;
                    }
                    for (key, count) in tally.rejected {
                        *self.tally.rejected.entry(key).or_default() += count;
                    }
                    self.tally.retransmissions += tally.retransmissions;
                }
                Output::Event(SipEvent::PhonesRegistered { extension, phones }) => {
                    self.phones.insert(extension, (self.now, phones));
                }
                Output::Event(event) => {
                    if let SipEvent::Incoming(incoming) = &event {
                        self.leg = Some(incoming.leg);
                    }
                    self.told.push_back(event);
                }
            }
        }
    }

    fn wait(&mut self, length: Duration) {
        self.wait_until(length, false);
    }

    fn wait_until(&mut self, length: Duration, something: bool) {
        let end = self.now + length;
        let mut rounds = 0;
        while let Some(deadline) = self.agent.deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            let mut out = Vec::new();
            self.agent.expire(self.now, &mut out);
            self.take(out);
            self.agent.assert_consistent();
            if something && !self.got.is_empty() {
                return;
            }
            rounds += 1;
            assert!(rounds < 100_000, "the deadlines never end");
        }
        self.now = end;
    }

    fn receive(&mut self, bytes: &[u8]) {
        let mut out = Vec::new();
        self.agent.receive(self.now, self.peer, bytes, &mut out);
        self.take(out);
    }

    fn send(&mut self, line: &str) {
        let mut parts = line.split(" | ");
        let words: Vec<&str> = parts.next().unwrap_or("").split_whitespace().collect();
        let headers: Vec<&str> = parts.collect();
        let bytes = match words[0].parse::<u16>() {
            Ok(status) => self.response(status, &words[1..], &headers),
            Err(_) if words[0] == "raw" => headers[0].replace("\\n", "\r\n").into_bytes(),
            Err(_) => self.request(&words, &headers),
        };
        self.receive(&bytes);
    }

    /// A request. Words: `from=` and `to=` are users at our address; `auth=USER:PASSWORD` answers the last 401, with
    /// `md5`, `nc=`, `digest-uri=`; `in` puts it into the dialog; `offer` gives it a description; `again` repeats the last branch,
    /// `invite` the INVITE's branch and CSeq; `via=` is the Via's sent-by with parameters; `cseq=`, `branch=`, `uri=`, `body=`, `call=`, `tag=`, `totag=`.
    fn request(&mut self, words: &[&str], headers: &[&str]) -> Vec<u8> {
        let method = words[0];
        let flag = |name: &str| words.contains(&name);
        let word =
            |name: &str| words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned);
        let of_invite = flag("invite") || method == "ACK" || method == "CANCEL";
        if !flag("again") && !of_invite {
            self.cseq += 1;
            self.branches += 1;
            self.last_branch = format!("z9hG4bK-{}", self.branches);
        }
        if method == "INVITE" {
            self.invite_cseq = self.cseq;
            self.invite_branch = self.last_branch.clone();
        }
        let mut branch = word("branch")
            .unwrap_or_else(|| if of_invite { self.invite_branch.clone() } else { self.last_branch.clone() });
        if method == "ACK" && !flag("refused") {
            branch.push_str("-ack");
        }
        let number = if of_invite { self.invite_cseq } else { self.cseq };
        let number = word("cseq").and_then(|cseq| cseq.parse().ok()).unwrap_or(number);
        let in_dialog = flag("in") || method == "ACK";
        let to_tag = word("totag").or_else(|| self.local_tag.clone().filter(|_| in_dialog));
        let uri = word("uri").unwrap_or_else(|| "sip:1000@192.0.2.1".to_owned());
        let transport = self.peer.transport;
        let via = word("via").unwrap_or_else(|| PHONE.to_owned());
        let mut text = format!("{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{transport} {via};branch={branch}\r\n");
        let from_tag = word("tag").unwrap_or_else(|| "phone".to_owned());
        let from = word("from").map_or("+442079460123@198.51.100.7".to_owned(), |user| format!("{user}@192.0.2.1"));
        text.push_str(&format!("From: \"A. Caller\" <sip:{from}>;tag={from_tag}\r\n"));
        text.push_str(&format!("To: <sip:{}@192.0.2.1>", word("to").unwrap_or_else(|| "1000".to_owned())));
        if let Some(tag) = to_tag {
            text.push_str(&format!(";tag={tag}"));
        }
        let call_id = word("call").unwrap_or_else(|| self.call_id.clone());
        text.push_str(&format!("\r\nCall-ID: {call_id}\r\nCSeq: {number} {method}\r\n"));
        let has = |name: &str| headers.iter().any(|header| header.starts_with(name));
        if !has("Max-Forwards") {
            text.push_str("Max-Forwards: 70\r\n");
        }
        if let Some(account) = word("auth") {
            let (username, password) = account.split_once(':').expect("USER:PASSWORD");
            let mut challenges = self.challenges.clone();
            if flag("md5") {
                let md5 = self.challenges.all(&HeaderName::WwwAuthenticate).find(|one| one.contains("MD5"));
                challenges.set(HeaderName::WwwAuthenticate, md5.expect("MD5 is offered"));
            }
            let count = word("nc").map_or(1, |nc| nc.parse().expect("a count"));
            let digest_uri = word("digest-uri").unwrap_or_else(|| uri.clone());
            let answer = Answer { username, password, method, uri: &digest_uri, cnonce: "0a4f113b", count };
            let value = answer.to(&challenges, &HeaderName::WwwAuthenticate).expect("a 401 came before");
            text.push_str(&format!("Authorization: {value}\r\n"));
        }
        if !has("Contact") && !flag("query") {
            let parameter = if transport == TransportKind::Tcp { ";transport=tcp" } else { "" };
            text.push_str(&format!("Contact: <sip:caller@{PHONE}{parameter}>\r\n"));
        }
        for header in headers {
            let tag = self.local_tag.as_deref().unwrap_or("");
            let header = header
                .replace("{localtag}", tag)
                .replace("{rseq}", &self.rseq)
                .replace("{cseq}", &self.invite_cseq.to_string());
            text.push_str(&format!("{header}\r\n"));
        }
        let body = if flag("offer") { sdp::print(&description()) } else { word("body").unwrap_or_default() };
        let body = body.replace('~', " ").replace("\\n", "\r\n");
        if flag("offer") {
            text.push_str("Content-Type: application/sdp\r\n");
        }
        format!("{text}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    fn response(&mut self, status: u16, words: &[&str], headers: &[&str]) -> Vec<u8> {
        let picked = words.iter().find_map(|word| word.strip_prefix("of=")?.parse::<usize>().ok());
        let request = picked.map_or(self.last_request.as_ref(), |number| self.invites.get(number - 1));
        let request = request.expect("a request came before");
        let mut response: Response = request.response(status);
        let tag = words.iter().find_map(|word| word.strip_prefix("tag=")).unwrap_or("phone");
        let to = response.headers.get(&HeaderName::To).expect("it has To").to_owned();
        if status > 100 && !to.contains(";tag=") {
            response.headers.set(HeaderName::To, format!("{to};tag={tag}"));
        }
        if !headers.iter().any(|header| header.starts_with("Contact")) {
            response.headers.push(HeaderName::Contact, format!("<sip:callee@{PHONE}>"));
        }
        for header in headers {
            let (name, value) = header.split_once(": ").expect("a header");
            response.headers.push(HeaderName::from_token(name), value);
        }
        if words.contains(&"answer") {
            response.headers.push(HeaderName::ContentType, "application/sdp");
            response.body = sdp::print(&description()).into_bytes();
        }
        let mut bytes = Vec::new();
        response.to_bytes(&mut bytes);
        bytes
    }

    fn command(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let leg = self.leg.unwrap_or(LegId::inbound(999));
        let status = || words[1].parse().expect("a status");
        let command = match words[0] {
            "ring" => SipCommand::Ring { leg },
            "answer" => SipCommand::Answer { leg, description: description() },
            "reject" if words[1] == "488" => {
                let warning = Some(Warning { code: 305, text: "no \"codec\"".to_owned() });
                SipCommand::Reject { leg, refusal: Refusal { warning, ..Refusal::status(488) } }
            }
            "reject" => SipCommand::Reject { leg, refusal: Refusal::status(status()) },
            "accept" => SipCommand::AcceptChange { leg, description: description() },
            "refuse" => SipCommand::RefuseChange { leg, refusal: Refusal::status(status()) },
            "hangup" => SipCommand::HangUp { leg, cause: Cause::LocalHungUp },
            "unheard" => SipCommand::HangUp { leg, cause: Cause::NotAcknowledged },
            "drain" => SipCommand::Drain,
            "progress" => SipCommand::TransferProgress { leg, status: status() },
            "agents" => SipCommand::SetAgents(
                words[1..]
                    .iter()
                    .map(|account| {
                        let (extension, password) = account.split_once(':').expect("EXTENSION:PASSWORD");
                        let secret = AgentSecret::Password(password.to_owned());
                        AgentAccount { extension: extension.to_owned(), secret }
                    })
                    .collect(),
            ),
            "dial-agent" => {
                let leg = LegId::outbound(1);
                self.leg = Some(leg);
                let caller = Caller { number: PhoneNumber::new("+442079460123"), name: Some("Ada".to_owned()) };
                let mut headers = CallHeaders::new();
                headers.push("X-Helpline-Queue", "support").expect("it may go");
                let extension = words[1].to_owned();
                SipCommand::DialAgent { leg, extension, caller, offer: description(), headers }
            }
            "dial" => {
                let leg = LegId::outbound(1);
                self.leg = Some(leg);
                self.agent.learn_host("198.51.100.7", "198.51.100.7".parse::<IpAddr>().unwrap(), self.peer.local.ip());
                let caller = Caller { number: PhoneNumber::new("2000"), name: Some("Help \"line\"".to_owned()) };
                SipCommand::Dial { leg, uri: words[1].to_owned(), caller, offer: description() }
            }
            "trunk" => SipCommand::SetTrunks(vec![trunk(&words[1..])]),
            "trunk-lost" => SipCommand::SetTrunks(Vec::new()),
            "dial-trunk" => {
                let leg = LegId::outbound(1);
                self.leg = Some(leg);
                let caller = Caller { number: PhoneNumber::new("+442079460000"), name: None };
                let number = PhoneNumber::new(words[1]);
                SipCommand::DialTrunk { leg, trunk: "carrier".into(), number, caller, offer: description() }
            }
            "find" => {
                let found = words.get(1).map(|address| (address.parse().expect("an address"), self.peer.local.ip()));
                let mut out = Vec::new();
                self.agent.learn_trunk(self.now, "carrier.example", found, &mut out);
                return self.take(out);
            }
            other => panic!("no such command: {other}"),
        };
        if let SipCommand::SetAgents(accounts) = &command {
            self.accounts = accounts.clone();
        }
        let mut out = Vec::new();
        self.agent.handle(self.now, command, &mut out);
        self.take(out);
    }

    fn expect_message(&mut self, line: &str) -> Result<(), String> {
        let mut parts = line.split(" | ");
        let words: Vec<&str> = parts.next().unwrap_or("").split_whitespace().collect();
        if words[0] == "none" {
            return match self.got.front() {
                None => Ok(()),
                Some((_, bytes)) => Err(format!("the phone got\n{}", String::from_utf8_lossy(bytes))),
            };
        }
        let (peer, bytes) = self.got.pop_front().ok_or("the phone got nothing")?;
        let wanted = words.iter().find_map(|word| word.strip_prefix("to=")).unwrap_or(PHONE);
        if peer.remote.to_string() != wanted {
            return Err(format!("it went to {}", peer.remote));
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let failed = |what: &str| Err(format!("{what}; the phone got\n{text}"));
        let message = Message::parse(&bytes).map_err(|fault| format!("{fault:?}: {text}"))?;
        // A second reader, which is not ours; it cannot read an IPv6 reference.
        if !text.contains("[2001:db8:") {
            rsip::SipMessage::try_from(bytes.as_slice()).map_err(|fault| format!("rsip: {fault}: {text}"))?;
        }
        match &message {
            Message::Request(request) if request.method.as_str() != words[0] => return failed("another method"),
            Message::Response(response) if response.status.to_string() != words[0] => return failed("another status"),
            Message::Response(response)
                if words.contains(&"cancel") && response.headers.cseq().map(|cseq| cseq.1) != Ok(Method::Cancel) =>
            {
                return failed("not of the CANCEL");
            }
            _ => {}
        }
        let body = match &message {
            Message::Request(request) => &request.body,
            Message::Response(response) => &response.body,
        };
        if words.contains(&"sdp") != (!body.is_empty() && sdp::parse(body).is_ok()) {
            return failed("a body is missing or too much");
        }
        for part in parts {
            let (absent, part) = part.strip_prefix("no ").map_or((false, part), |part| (true, part));
            if text.lines().any(|line| line.contains(part)) == absent {
                return failed(part);
            }
        }
        match message {
            Message::Request(request) => {
                if request.method == Method::Invite || request.method == Method::Bye {
                    self.local_tag = request.headers.from().ok().and_then(|from| from.tag().map(str::to_owned));
                    self.call_id = request.headers.call_id().expect("it has one").to_owned();
                }
                if request.method == Method::Invite {
                    self.invites.push(request.clone());
                }
                if request.method != Method::Ack && request.method != Method::Cancel || words.contains(&"remember") {
                    self.last_request = Some(request);
                }
            }
            Message::Response(response) => {
                if response.status == 401 {
                    self.challenges = response.headers.clone();
                }
                if let Some(rseq) = response.headers.get(&HeaderName::RSeq) {
                    self.rseq = rseq.to_owned();
                }
                let ours = response.headers.call_id() == Ok(self.call_id.as_str());
                if ours && response.headers.cseq().map(|cseq| cseq.1) == Ok(Method::Invite) {
                    let tag = response.headers.to().ok().and_then(|to| to.tag().map(str::to_owned));
                    self.local_tag = tag.or(self.local_tag.take());
                }
            }
        }
        Ok(())
    }

    fn expect_event(&mut self, line: &str) -> Result<(), String> {
        if line == "none" {
            return if self.told.is_empty() {
                Ok(())
            } else {
                Err(format!("the switchboard was told {:?}", self.told))
            };
        }
        let event = self.told.pop_front().ok_or("the switchboard was told nothing")?;
        let with = |description: bool| if description { " sdp" } else { "" };
        let shown = match &event {
            SipEvent::Incoming(incoming) => {
                let number = incoming.caller.number.reveal();
                let agent = incoming.agent.as_ref().map_or(String::new(), |agent| format!(" agent {agent}"));
                let replaces = incoming.replaces.map_or(String::new(), |leg| format!(" replaces {leg}"));
                let offer = with(incoming.offer.is_some());
                let trunk = incoming.trunk.as_ref().map_or(String::new(), |trunk| format!(" by {trunk}"));
                format!("incoming {} from {number}{offer}{agent}{replaces}{trunk}", incoming.dialled)
            }
            SipEvent::Confirmed { answer, .. } => format!("confirmed{}", with(answer.is_some())),
            SipEvent::Offered { offer, .. } => format!("offered{}", with(offer.is_some())),
            SipEvent::Digit { digit, .. } => format!("digit {digit}"),
            SipEvent::Ringing { early, .. } => format!("ringing{}", with(early.is_some())),
            SipEvent::Answered { local, .. } if OURS.starts_with(&local.to_string()) => "answered".to_owned(),
            SipEvent::Answered { local, .. } => format!("answered by {local}"),
            SipEvent::Ended { cause, .. } => format!("ended {cause:?}"),
            SipEvent::TransferAsked { transfer, .. } => {
                let replaces = transfer.replaces.map_or(String::new(), |leg| format!(" replaces {leg}"));
                format!("transfer {}{replaces}", transfer.target)
            }
            SipEvent::AgentReachable { extension } => format!("reachable {extension}"),
            SipEvent::AgentUnreachable { extension, why } => format!("unreachable {extension} {why:?}"),
            SipEvent::PhonesRegistered { .. } => "phones".to_owned(),
            SipEvent::TrunkUp { trunk } => format!("up {trunk}"),
            SipEvent::TrunkDown { trunk, why } => format!("down {trunk} {why:?}"),
            SipEvent::Tally(_) => "tally".to_owned(),
        };
        if shown.starts_with(line) && (line.starts_with("incoming") || shown == line) {
            Ok(())
        } else {
            Err(format!("the switchboard was told: {shown}"))
        }
    }

    /// `tally INVITE 200 1` or `tally merged 1`, after a second in which it is told.
    fn expect_tally(&mut self, line: &str) -> Result<(), String> {
        self.wait(Duration::from_secs(1));
        let words: Vec<&str> = line.split_whitespace().collect();
        let count = match words[..] {
            [method, status, _] => {
                let status: u16 = status.parse().expect("a status");
                self.tally
                    .requests
                    .iter()
                    .filter(|((one, code), _)| *one == method && *code == status)
                    .map(|one| *one.1)
                    .sum()
            }
            [reason, _] => self.tally.rejected.get(reason).copied().unwrap_or(0),
            _ => panic!("tally METHOD STATUS COUNT, or tally REASON COUNT"),
        };
        let expected: u64 = words.last().and_then(|word| word.parse().ok()).expect("a count");
        if count == expected { Ok(()) } else { Err(format!("the count is {count}: {:?}", self.tally)) }
    }

    /// Nothing may be left unsaid, and after a quiet time nothing may be left at all.
    fn finish(&mut self, script: &str) {
        let shown: Vec<_> = self.got.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect();
        assert!(shown.is_empty(), "the phone got more in\n{script}\n{}", shown.join("\n"));
        assert!(self.told.is_empty(), "the switchboard was told more in\n{script}\n{:?}", self.told);
        if let Some(leg) = self.leg {
            let mut out = Vec::new();
            self.agent.handle(self.now, SipCommand::HangUp { leg, cause: Cause::LocalHungUp }, &mut out);
        }
        let mut out = Vec::new();
        self.agent.handle(self.now, SipCommand::SetAgents(Vec::new()), &mut out);
        self.agent.handle(self.now, SipCommand::SetTrunks(Vec::new()), &mut out);
        self.wait(Duration::from_secs(300));
        assert_eq!(self.agent.census(), Census::default(), "something is left after\n{script}");
    }
}

/// The trunk `carrier` at `carrier.example`: `user=NAME:PASSWORD` registers, `dial=` and `from=` are lists.
fn trunk(words: &[&str]) -> Trunk {
    let word = |name: &str| words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let list = |name: &str| word(name).map(|list| list.split(',').collect()).unwrap_or_else(Vec::new);
    let login = word("user").map(|account| account.split_once(':').expect("NAME:PASSWORD"));
    Trunk {
        name: "carrier".into(),
        transport: TransportKind::Udp,
        host: "carrier.example".to_owned(),
        port: 5060,
        from: list("from").iter().map(|network| Network::parse(network).expect("a network")).collect(),
        register: login.map(|(user, password)| Login { user: user.to_owned(), password: password.to_owned() }),
        dial: list("dial").iter().map(|prefix| (*prefix).to_owned()).collect(),
    }
}
