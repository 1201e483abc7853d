//! Every path over a socket, as programs ask.

mod api;
mod description;
mod hours;
mod tapes;

use std::io::{Read, Write};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::acd::{
    AgentFigures, AgentSnapshot, AgentState, EntryId, Estimate, LevelGoal, Mode, PauseReason, PlaceSnapshot, Presence,
    QueueFigures, QueueSnapshot, WhyNoCalls,
};
use crate::journal::{JournalEntry, JournalEvent, Offered, QueueEvent, Stories, TapeEvent};
use crate::metrics::Metrics;
use crate::switchboard::{self, AgentView, CallPlace, PlaceView, QueueView};
use crate::telephony::{CallId, Caller, Codec, PhoneNumber, TransportKind};

/// An answer, taken apart.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|wrong| panic!("{wrong}: {}", self.body))
    }
}

/// A server with a house that stands still.
struct House {
    http: HttpThread,
    commands: Arc<Mutex<Vec<OperatorCommand>>>,
    _snapshot: watch::Sender<Option<Snapshot>>,
}

impl House {
    fn new(token: Option<&str>, snapshot: Option<Snapshot>, stories: Stories) -> House {
        let (sender, receiver) = watch::channel(snapshot);
        let commands: Arc<Mutex<Vec<OperatorCommand>>> = Arc::default();
        let told = commands.clone();
        let clock = Clock::start();
        let ask = move |Asked { question, answer }: Asked| {
            let seen = |story: &Arc<crate::journal::Story>| Seen {
                story: story.clone(),
                place: (story.state == crate::journal::CallState::Waiting).then(|| CallPlace {
                    queue: "support".into(),
                    position: 1,
                    since: story.since,
                    skills: Vec::new(),
                    priority: 0,
                }),
            };
            let seen = match question {
                Question::Calls { after, count } => stories.open_after(after).take(count).map(seen).collect(),
                Question::Call(call) => stories.find(call).into_iter().map(seen).collect(),
                // Nothing becomes younger in a house that stands still.
                Question::Standing => return false,
            };
            answer.send(seen).is_ok()
        };
        let view = View {
            token: token.map(Arc::from),
            operate: Arc::new(move |command| {
                told.lock().expect("nobody panics with it").push(command);
                true
            }),
            records: Arc::new(|_| Box::pin(std::future::ready(Ok(crate::journal::RecordPage::default())))),
            shelf: Arc::new(tapes::shelf()),
            reload: Arc::new(|back_to| Box::pin(std::future::ready(Some(reloaded(back_to))))),
            desk: Desk::new(Arc::new(ask)),
            ..idle(clock, receiver)
        };
        let http = start("127.0.0.1:0".parse().expect("an address"), view).expect("a free port");
        House { http, commands, _snapshot: sender }
    }

    /// One with two calls in progress, one that has ended, a queue and an agent.
    fn furnished() -> House {
        House::new(None, Some(furnished()), stories())
    }

    fn ask(&self, request: &str) -> Answer {
        self.send(request, &[], "")
    }

    fn send(&self, request: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = std::net::TcpStream::connect(self.http.address).expect("it listens");
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        write!(stream, "{request} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}{length}\r\n{body}")
            .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn commands(&self) -> Vec<OperatorCommand> {
        std::mem::take(&mut *self.commands.lock().expect("nobody panics with it"))
    }
}

fn furnished() -> Snapshot {
    let agent = AgentSnapshot {
        state: AgentState::Paused,
        since: Duration::from_secs(5),
        reason: Some(PauseReason::Missed),
        presence: Presence::Paused(PauseReason::Missed),
        reachable: true,
        wrap_up_left: None,
        queues: Vec::new(),
        calls: 3,
        talk: Duration::ZERO,
        figures: AgentFigures::default(),
        entry: None,
        why: WhyNoCalls::Paused,
    };
    let queue = QueueSnapshot {
        callers_waiting: 1,
        callbacks_waiting: 0,
        longest_wait: Some(Duration::from_secs(7)),
        estimate: Estimate::Unknown,
        agents: [0, 0, 0, 0, 0, 0, 0, 1],
        figures: QueueFigures::default(),
        service_goal: LevelGoal { per_cent: 80, within: Duration::from_secs(20) },
        draining: false,
    };
    let place = PlaceSnapshot {
        position: 1,
        entry: EntryId(1),
        wait: Duration::from_secs(7),
        mode: Mode::Holding,
        ringing: false,
    };
    let house = switchboard::View {
        at: Moment::ZERO,
        queues: vec![QueueView {
            name: "support".into(),
            snapshot: queue,
            places: vec![PlaceView { snapshot: place, call: Some(CallId(8)) }],
        }],
        agents: vec![AgentView {
            extension: "1001".into(),
            name: "Ada".into(),
            snapshot: agent,
            queues: vec!["support".into()],
            lacking: Vec::new(),
            call: None,
        }],
    };
    let flows = hours::flows();
    Snapshot { calls: 1, calls_max: 2, ports_free: 1, revision: 8, view: Arc::new(house), flows, ..Snapshot::default() }
}

/// The call c7 talks and is held, c8 waits, and c6 has ended.
fn stories() -> Stories {
    let mut stories = Stories::default();
    let offered = || {
        JournalEvent::Offered(Box::new(Offered {
            caller: Caller { number: PhoneNumber::new("+442079460123"), name: Some("Jo".into()) },
            dialled: "1000".into(),
            flow: Some("main".into()),
            source: "192.0.2.7:5060".parse().expect("an address"),
            transport: TransportKind::Udp,
            sip_call_id: "a@b".into(),
        }))
    };
    for (call, second, event) in told(offered) {
        stories.fold(JournalEntry { at: Moment::from_millis(second * 1_000), call: Some(CallId(call)), event });
    }
    stories
}

fn told(offered: impl Fn() -> JournalEvent) -> Vec<(u64, u64, JournalEvent)> {
    use crate::journal::{Ended, Joined, Outcome, Parted, StepName};
    use crate::telephony::{Cause, DigitSource, StreamReport};
    let step = || StepName { flow: "main".into(), step: "main".into() };
    let queue = |event| JournalEvent::Queue(Box::new(event));
    let entered = || QueueEvent::Entered { queue: "support".into(), priority: 2, brought: Duration::ZERO };
    let spoken = QueueEvent::SpokenWait {
        queue: "support".into(),
        ahead: 2,
        available: 0,
        servers: 1.5,
        handle_seconds: 90.0,
        samples: 31,
        last_wait_seconds: Some(140.0),
        abandon_share: 0.1,
        expected_seconds: 170.0,
        promised: Some(Duration::from_secs(180)),
    };
    let joined = || {
        let (agent, queue, from) = ("1001".into(), Some("support".into()), None);
        JournalEvent::Joined(Box::new(Joined { agent, queue, waited: Duration::from_secs(4), from }))
    };
    let (agent, left_queue) = ("1001".into(), Some("support".into()));
    let (talk, hold) = (Duration::from_secs(2), Duration::from_secs(1));
    let parted = JournalEvent::Parted(Box::new(Parted { agent, queue: left_queue, talk, hold, by: "caller" }));
    let ended = Ended {
        outcome: Outcome::HungUp,
        cause: Cause::RemoteHungUp,
        duration: Duration::from_secs(9),
        report: Some(StreamReport::default()),
    };
    vec![
        (6, 0, offered()),
        (6, 0, JournalEvent::Answered { codec: Some(Codec::Pcmu), port: 16_384 }),
        (6, 1, JournalEvent::Began),
        (6, 1, JournalEvent::StepEntered(step())),
        (6, 2, JournalEvent::Digit { source: DigitSource::Rtp }),
        (6, 2, JournalEvent::StepLeft { step: step(), exit: "choice 5".into() }),
        (
            6,
            2,
            JournalEvent::PromptMissing { step: step(), language: "en".into(), prompt: Some("phrases/digit/5".into()) },
        ),
        (6, 2, queue(entered())),
        (6, 3, queue(spoken)),
        (6, 6, joined()),
        (6, 9, parted),
        (6, 9, JournalEvent::Ended(Box::new(ended))),
        (7, 10, offered()),
        (7, 10, JournalEvent::Answered { codec: Some(Codec::Pcma), port: 16_386 }),
        (7, 11, JournalEvent::Began),
        (7, 12, queue(entered())),
        (7, 16, joined()),
        (7, 26, JournalEvent::AgentHeld { holding: true }),
        (8, 20, offered()),
        (8, 21, JournalEvent::Began),
        (8, 21, JournalEvent::StepEntered(step())),
        (8, 22, queue(entered())),
        (8, 23, JournalEvent::Tape(Box::new(TapeEvent::RecordingBegan { name: "r18".to_owned() }))),
    ]
}

fn check(token: Option<&str>, snapshot: Option<Snapshot>, request: &str, status: u16, contains: &str) {
    let house = House::new(token, snapshot, Stories::default());
    let (request, header) = request.split_once("\r\n").unwrap_or((request, ""));
    let headers: Vec<(&str, &str)> = header.split_once(": ").into_iter().collect();
    let answer = house.send(request, &headers, "");
    assert_eq!(answer.status, status, "{request}: {}", answer.head);
    assert!(format!("{}\n{}", answer.head, answer.body).contains(contains), "{request}: {}", answer.body);
}

#[test]
fn each_path_answers() {
    let fine = Some(Snapshot { calls: 1, agent_legs: 0, calls_max: 2, ports_free: 1, ..Snapshot::default() });
    check(None, fine.clone(), "GET /healthz", 200, "ok");
    check(None, None, "GET /healthz", 200, "ok");
    check(None, fine.clone(), "GET /readyz", 200, "ready");
    check(None, fine.clone(), "GET /metrics", 200, "helpline_calls_active 0");
    check(None, fine.clone(), "GET /nothing", 404, "application/problem+json");
    check(None, fine.clone(), "POST /metrics", 405, "application/problem+json");
}

#[test]
fn not_ready_says_why() {
    let full = Snapshot { calls: 2, agent_legs: 0, calls_max: 2, ports_free: 1, ..Snapshot::default() };
    let draining = Snapshot { calls: 0, draining: true, ..full.clone() };
    let portless = Snapshot { calls: 1, ports_free: 0, ..full.clone() };
    for request in ["GET /readyz", "GET /api/v1/queues", "GET /api/v1/hours/office", "PUT /api/v1/hours/office/state"] {
        check(None, None, request, 503, "starting");
    }
    check(None, Some(full), "GET /readyz", 503, "limits.calls");
    check(None, Some(draining), "GET /readyz", 503, "closing down");
    check(None, Some(portless), "GET /readyz", 503, "RTP port");
}

#[test]
fn a_token_is_asked_for() {
    let with = |request: &str, authorization: &str| format!("{request}\r\nAuthorization: {authorization}");
    for request in [
        "GET /metrics",
        "GET /readyz",
        "GET /api/openapi.json",
        "GET /api/v1/calls",
        "GET /api/v1/calls/c1",
        "DELETE /api/v1/calls/c1",
        "GET /api/v1/queues",
        "GET /api/v1/agents",
        "PUT /api/v1/agents/1001/state",
        "GET /nothing",
    ] {
        check(Some("secret"), None, request, 401, "www-authenticate: Bearer");
        check(Some("secret"), None, &with(request, "Bearer secreT"), 401, "token");
    }
    let path = "GET /metrics";
    check(Some("secret"), None, &with(path, "Bearer secret1"), 401, "token");
    check(Some("secret"), None, &with(path, "Basic secret"), 401, "token");
    check(Some("secret"), None, &with(path, "bearer secret"), 200, "helpline_build_info");
    check(Some("secret"), None, "GET /healthz", 200, "ok");
}

/// A house in which nothing is had, and nobody takes letters.
fn idle(clock: Clock, snapshot: watch::Receiver<Option<Snapshot>>) -> View {
    View {
        exposition: Metrics::new(clock).exposition(),
        snapshot,
        token: None,
        operate: Arc::new(|_| false),
        records: Arc::new(|_| Box::pin(std::future::ready(Ok(crate::journal::RecordPage::default())))),
        reload: Arc::new(|_| Box::pin(std::future::ready(None))),
        revisions: Arc::new(|| {
            let since = jiff::Timestamp::UNIX_EPOCH;
            let kept = |number, back_to| KeptRevision { number, since, why: "api", back_to };
            Ok(vec![kept(8, Some(6)), kept(7, None), kept(6, None), kept(5, None)])
        }),
        desk: Desk::new(Arc::new(|_| false)),
        shelf: Arc::new(tapes::shelf()),
        clock,
    }
}

/// What becomes of a reload, and of the way back to a revision: 5 is sound, 6 has faults, and no other is kept.
fn reloaded(back_to: Option<u32>) -> Reloaded {
    match back_to {
        None | Some(5) => Reloaded::Done {
            revision: 9,
            back_to,
            changes: vec!["callers pressing 2 in `main` will now reach `order` instead of `help`".to_owned()],
            warnings: Vec::new(),
            notes: Vec::new(),
        },
        Some(6) => {
            Reloaded::Faulty { text: "error[HL0207]".to_owned(), faults: vec![serde_json::json!({"code": "HL0207"})] }
        }
        Some(7) => Reloaded::Failed("the disk is gone".to_owned()),
        Some(_) => Reloaded::NotKept,
    }
}

#[test]
fn nobody_else_reads_without_a_token() {
    let (_sender, receiver) = watch::channel(None);
    let clock = Clock::start();
    let view = idle(clock, receiver);
    let refused = start("0.0.0.0:0".parse().expect("an address"), view).err();
    assert!(matches!(refused, Some(HttpError::TokenWanted(_))));
}

#[test]
fn who_looks_sees_what_has_come_before() {
    let clock = Clock::start();
    let (sender, receiver) = watch::channel(Some(furnished()));
    let desk = move |Asked { question, answer }: Asked| {
        assert_eq!(question, Question::Standing);
        // The desk has read all letters, and takes the next view when the last one is old enough.
        answer.send(Vec::new()).expect("somebody waits for it");
        let sender = sender.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(30));
            sender.send_modify(|snapshot| {
                let snapshot = snapshot.as_mut().expect("the house is open");
                let mut view = switchboard::View { at: clock.now(), ..(*snapshot.view).clone() };
                view.agents[0].snapshot.state = AgentState::Ready;
                snapshot.view = Arc::new(view);
            });
        });
        true
    };
    let view = View { desk: Desk::new(Arc::new(desk)), ..idle(clock, receiver) };
    let http = start("127.0.0.1:0".parse().expect("an address"), view).expect("a free port");
    let house = House { http, commands: Arc::default(), _snapshot: watch::channel(None).0 };
    let answer = house.ask("GET /api/v1/agents/1001");
    assert_eq!((answer.status, &answer.json()["state"]), (200, &serde_json::json!("ready")), "{}", answer.body);
    assert_eq!(house.ask("GET /metrics").status, 200);
}

#[test]
fn a_taken_address_is_told_with_its_remedy() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    let (_sender, receiver) = watch::channel(None);
    let fault = start(address, idle(Clock::start(), receiver)).err().expect("somebody listens there");
    let expected = "address already in use: another program serves there; stop it, or choose another `http.listen`";
    assert_eq!(fault.to_string(), format!("HTTP cannot listen on {address}: {expected}"));
}
