//! A small house to call: a flow of every kind of waiting, recordings of every length, one of them missing, and two queues
//! with four agents.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use helpline::clock::Calendar;
use helpline::flow::connector::{HostPattern, Method, TextTemplate};
use helpline::flow::mailbox::Message;
use helpline::flow::{
    AgentSpec, CallbackOrder, CallbackSpec, Choice, Collect, Connector, ConnectorIndex, Consent, Flow, FlowIndex,
    FlowSet, FlowTarget, Languages, LookupSpec, LookupWay, Menu, Patience, Piece, Prompt, PromptId, QueueIndex,
    QueueSpec, QueueStrategy, QueueWish, Record, Scale, Speech, SpokenAs, Step, StepIndex, StepKind, Survey,
    SurveyQuestion, Target, TransferSpec, TransferTo, Voicemail,
};
use helpline::switchboard::{Revision, Settings, Switchboard};
use helpline::telephony::{
    CallId, Clip, Codec, DialPlan, Digit, InbandDigits, KeptTape, PhoneNumber, Sides, TapeId, TapeKind, TapeLabel,
    TransportKind, Trunk,
};

pub const AGENTS: [&str; 4] = ["1001", "1002", "1003", "1004"];
/// The length of hold music, in milliseconds.
pub const MUSIC: u64 = 7_000;

pub const NUMBER: &str = "1000";

pub fn calendar() -> Calendar {
    Calendar::starting_at("2026-12-18T08:00:00Z".parse().expect("a time"))
}

pub fn settings() -> Settings {
    Settings {
        ports: 20_000..=20_079,
        reactors: 2,
        calls_max: 30,
        codecs: vec![Codec::Pcmu, Codec::Pcma],
        inband_digits: InbandDigits::Auto,
        drain: Duration::from_secs(30),
        first_call: CallId(1),
        http_address: None,
    }
}

pub fn switchboard(settings: Settings, seed: u64) -> Switchboard {
    Switchboard::new(settings, calendar(), Arc::new(revision(0)), fastrand::Rng::with_seed(seed))
}

#[derive(Default)]
struct Recordings {
    prompts: Vec<Prompt>,
    clips: Vec<Option<Arc<Clip>>>,
    index: BTreeMap<(Arc<str>, Arc<str>), PromptId>,
}

impl Recordings {
    /// A recording of so many milliseconds; 0 for one that is missing.
    fn add(&mut self, name: &str, millis: usize) -> Piece {
        let id = PromptId(self.prompts.len() as u32);
        let (language, name): (Arc<str>, Arc<str>) = ("en".into(), name.into());
        self.index.insert((language.clone(), name.clone()), id);
        self.prompts.push(Prompt { name, language, text: "words".into(), step: None });
        let audio = vec![0xFF; millis * 8].into_boxed_slice();
        self.clips.push((millis > 0).then(|| Arc::new(Clip { pcmu: audio.clone(), pcma: audio })));
        Piece::Prompt(id)
    }

    fn speech(&mut self, name: &str, millis: usize) -> Speech {
        Speech { by_language: vec![vec![self.add(name, millis)]] }
    }
}

fn key(character: char) -> Digit {
    Digit::from_char(character).expect("a key")
}

fn patience() -> Patience {
    Patience {
        first_key: Duration::from_secs(5),
        between_keys: Duration::from_secs(4),
        tries: 3,
        no_input: None,
        no_match: None,
        otherwise: None,
    }
}

/// Those of even numbers know about bills.
fn agent(extension: &str) -> AgentSpec {
    let billing = ["1002", "1004"].contains(&extension);
    AgentSpec {
        language: "en".into(),
        extension: extension.into(),
        name: "Ada".into(),
        password: None,
        skills: if billing { vec![("billing".into(), 5)] } else { Vec::new() },
    }
}

/// 2 while waiting.
fn call_back() -> Choice {
    Choice { keys: vec![key('2')], speech: None, target: Target::Callback, when: None }
}

/// The only way out: numbers of two countries.
fn carrier() -> Trunk {
    Trunk {
        name: "carrier".into(),
        transport: TransportKind::Udp,
        host: "192.0.2.9".into(),
        port: 5060,
        from: Vec::new(),
        register: None,
        dial: vec!["+44".into(), "+34".into()],
    }
}

/// Two tiers, a survey after the conversation, choices while waiting (1: `bye`, 2: to be called back), and any agent after a minute.
fn support() -> QueueSpec {
    QueueSpec {
        home: Some(FlowIndex(0)),
        agents: vec![("1001".into(), 1), ("1002".into(), 1), ("1004".into(), 2)],
        while_waiting: vec![
            Choice { keys: vec![key('1')], speech: None, target: Target::Step(StepIndex(5)), when: None },
            call_back(),
        ],
        most_callers: 6,
        too_long: (Duration::from_secs(300), None),
        survey: Some(FlowTarget { flow: FlowIndex(0), target: Target::Step(StepIndex(12)) }),
        relax_after: Some(Duration::from_secs(60)),
        callback: CallbackSpec { tries: 2, gap: Duration::from_secs(60), ..CallbackSpec::default() },
        ..QueueSpec::usual("support")
    }
}

/// All ring at once; who finds nobody goes to `bye`; who is called back is there before the agent.
fn sales() -> QueueSpec {
    let bye = FlowTarget { flow: FlowIndex(0), target: Target::Step(StepIndex(5)) };
    QueueSpec {
        name: "sales".into(),
        agents: vec![("1003".into(), 1), ("1004".into(), 1), ("1001".into(), 1)],
        strategy: QueueStrategy::RingAll,
        whisper: true,
        wrap_up: Duration::ZERO,
        while_waiting: vec![call_back()],
        callback: CallbackSpec { order: CallbackOrder::CallerFirst, ..support().callback },
        no_agents: Some(bye),
        full: Some(bye),
        too_long: (Duration::from_secs(120), Some(bye)),
        survey: None,
        relax_after: None,
        ..support()
    }
}

/// A web service, and how long callers wait for it.
fn orders() -> Connector {
    Connector {
        name: "orders".into(),
        method: Method::Get,
        url: TextTemplate::fixed("https://shop.example.com/orders"),
        headers: Vec::new(),
        body: None,
        timeout: Duration::from_secs(10),
        retries: 0,
        hosts: vec![HostPattern::parse("shop.example.com").expect("a host")],
        private: false,
        authorities: None,
        at_once: 10,
        breaker: None,
        answer: Vec::new(),
        fields: Vec::new(),
    }
}

/// The steps of those who ask for an order: it is found, or a colleague knows (`pass`), or somebody outside (`out`).
fn asking(recordings: &mut Recordings) -> [(&'static str, StepKind, Option<u32>); 3] {
    let way = |step: u32| Some(LookupWay { speech: None, target: Target::Step(StepIndex(step)), at_most: None });
    let find = LookupSpec {
        connector: ConnectorIndex(0),
        path: TextTemplate::fixed(""),
        save: None,
        found: way(3),
        not_found: way(14),
        failed: way(15),
    };
    let pass = TransferSpec {
        to: TransferTo::Agent("1003".into()),
        ring: Duration::from_secs(10),
        announce: None,
        busy: Some(Target::Step(StepIndex(15))),
        no_answer: Some(Target::Step(StepIndex(7))),
        failed: None,
        otherwise: Some(Target::Step(StepIndex(15))),
    };
    let out = TransferSpec {
        to: TransferTo::Number("+442079460200".into()),
        ring: TransferSpec::RING,
        announce: Some(recordings.speech("main/out.announce", 1_400)),
        busy: None,
        no_answer: None,
        failed: None,
        otherwise: Some(Target::Step(StepIndex(5))),
    };
    [
        ("find", StepKind::Lookup(Box::new(find)), None),
        ("pass", StepKind::Transfer(Box::new(pass)), Some(1)),
        ("out", StepKind::Transfer(Box::new(out)), Some(1)),
    ]
}

/// `welcome`, `main` (1: `order`, 2: `silent`, 9: `bye`, 3: `support`, 4: `sales`, 5: `call_back`, 6: `message`, 7: `consent`, 8: `how_was_it`, 0: `find`), `order`, `told`, `silent` (its recording is missing), `bye`, the queues, `call_back`, `message`, `consent`, `pin`, `how_was_it`, `find`, `pass`, `out`.
pub fn revision(number: u32) -> Revision {
    let mut recordings = Recordings::default();
    for digit in 0..10 {
        recordings.add(&format!("phrases/digit/{digit}"), 400);
    }
    for (phrase, millis) in [("menu/no_input", 1_500), ("menu/no_match", 1_500), ("goodbye", 1_200)] {
        recordings.add(&format!("phrases/{phrase}"), millis);
    }
    for phrase in ["please_hold", "you_are_next", "number", "in_line", "more_than_ten", "thank_you_for_waiting"] {
        recordings.add(&format!("phrases/queue/{phrase}"), 900);
    }
    for phrase in ["number", "enter", "cannot", "ask", "promised", "booked", "impossible", "agent"] {
        recordings.add(&format!("phrases/queue/call_back_{phrase}"), 1_100);
    }
    recordings.add("phrases/queue/calling_back", 1_300);
    for phrase in ["lookup/one_moment", "lookup/still_looking", "lookup/failed"] {
        recordings.add(&format!("phrases/{phrase}"), 1_300);
    }
    for phrase in ["collect/no_input", "collect/too_short", "collect/too_long", "confirm/question"] {
        recordings.add(&format!("phrases/{phrase}"), 1_000);
    }
    for (phrase, _) in Languages::built_in().phrases("en").iter().filter(|(name, _)| name.starts_with("phrases/agent/"))
    {
        recordings.add(phrase, 700);
    }
    for (phrase, _) in
        Languages::built_in().phrases("en").iter().filter(|(name, _)| name.starts_with("phrases/voicemail/"))
    {
        recordings.add(phrase, 800);
    }
    recordings.add("phrases/record/yes_no", 1_200);
    for (phrase, _) in
        Languages::built_in().phrases("en").iter().filter(|(name, _)| name.starts_with("phrases/survey/"))
    {
        recordings.add(phrase, 900);
    }
    for number in 1..100 {
        recordings.add(&format!("phrases/number/{number}"), 300);
    }
    for (name, millis) in [("phrases/pause/lunch", 800), ("queues/sales", 500), ("phrases/digit/star", 400)] {
        recordings.add(name, millis);
    }
    let step = |name: &str, kind, next: Option<u32>| Step {
        name: name.into(),
        kind,
        next: next.map(|index| Target::Step(StepIndex(index))),
    };
    let mut choice = |keys: &str, to: u32| Choice {
        keys: keys.chars().map(key).collect(),
        speech: Some(recordings.speech(&format!("main/main.{keys}"), 1_800)),
        target: Target::Step(StepIndex(to)),
        when: None,
    };
    let mut choices = vec![choice("1", 2), choice("2", 4), choice("9", 5)];
    // Not announced: the queues, a message, the recording of the call, a survey, and what is looked up.
    choices.extend([('3', 6), ('4', 7), ('5', 8), ('6', 9), ('7', 10), ('8', 12), ('0', 13)].map(|(digit, to)| {
        Choice { keys: vec![key(digit)], speech: None, target: Target::Step(StepIndex(to)), when: None }
    }));
    let mut told = recordings.speech("main/told", 900);
    told.by_language[0].push(Piece::Value { name: "number".into(), format: SpokenAs::Digits });
    let collect = Collect {
        speech: recordings.speech("main/order", 3_000),
        must_hear: false,
        shortest: 4,
        longest: 8,
        end_key: Some(Digit::HASH),
        save: "number".into(),
        confirm: false,
        confirm_as: SpokenAs::Digits,
        secret: false,
        patience: patience(),
    };
    let pin = Collect {
        speech: recordings.speech("main/pin", 1_000),
        save: "pin".into(),
        secret: true,
        end_key: Some(Digit::HASH),
        ..collect.clone()
    };
    let voicemail = Voicemail {
        mailbox: "support".into(),
        greeting: Some(recordings.speech("main/message.greeting", 1_500)),
        longest: Duration::from_secs(60),
        shortest: Duration::from_secs(3),
        silence: Duration::from_secs(5),
        review: true,
        mail: Vec::new(),
        failed: Some(Target::Step(StepIndex(5))),
    };
    let survey = Survey {
        questions: vec![
            SurveyQuestion {
                name: "helped".into(),
                scale: Scale::Csat,
                speech: Some(recordings.speech("main/how_was_it.helped", 1_200)),
            },
            SurveyQuestion { name: "recommend".into(), scale: Scale::Nps, speech: None },
        ],
        thanks: None,
    };
    let consent = Record::Start {
        consent: Consent::Ask,
        prompt: Some(recordings.speech("main/consent", 1_500)),
        sides: Sides::Stereo,
        refused: None,
    };
    let menu =
        Menu { speech: Some(recordings.speech("main/main", 1_000)), choices, must_hear: false, patience: patience() };
    let welcome = recordings.speech(&format!("main/welcome{number}"), 2_000);
    let asking = asking(&mut recordings).map(|(name, kind, next)| step(name, kind, next));
    let mut steps = vec![
        step("welcome", StepKind::Say { speech: welcome, must_hear: number == 0 }, Some(1)),
        step("main", StepKind::Menu(menu), None),
        step("order", StepKind::Collect(collect), Some(3)),
        step("told", StepKind::Say { speech: told, must_hear: false }, Some(1)),
        step("silent", StepKind::Say { speech: recordings.speech("main/silent", 0), must_hear: false }, Some(1)),
        step("bye", StepKind::HangUp { speech: Some(recordings.speech("main/bye", 1_000)) }, None),
        step(
            "support",
            StepKind::Queue {
                queue: QueueIndex(0),
                skills: vec!["billing".into()],
                priority: 0,
                wish: QueueWish::default(),
            },
            Some(1),
        ),
        step(
            "sales",
            StepKind::Queue { queue: QueueIndex(1), skills: Vec::new(), priority: 1, wish: QueueWish::default() },
            None,
        ),
        step(
            "call_back",
            StepKind::Callback {
                queue: QueueIndex(0),
                skills: Vec::new(),
                priority: 0,
                wish: QueueWish::default(),
                otherwise: None,
            },
            Some(1),
        ),
        step("message", StepKind::Voicemail(Box::new(voicemail)), Some(1)),
        step("consent", StepKind::Record(Box::new(consent)), Some(11)),
        step("pin", StepKind::Collect(pin), Some(6)),
        step("how_was_it", StepKind::Survey(Box::new(survey)), Some(1)),
    ];
    steps.extend(asking);
    let flow = Flow {
        name: format!("main{number}").into(),
        languages: vec!["en".into()],
        time_zone: jiff::tz::TimeZone::UTC,
        currency: None,
        start: StepIndex(0),
        always: BTreeMap::from([(Digit::STAR, Target::Back), (Digit::HASH, Target::Again)]),
        steps,
    };
    let flows = FlowSet {
        languages: Languages::built_in(),
        flows: vec![flow],
        numbers: BTreeMap::from([(NUMBER.to_owned(), FlowIndex(0))]),
        prompts: recordings.prompts,
        prompt_index: recordings.index,
        queues: vec![support(), sales()],
        connectors: vec![Arc::new(orders())],
        agents: AGENTS.iter().map(|extension| agent(extension)).collect(),
        dial_plan: DialPlan::new(&[carrier()]),
        ..FlowSet::default()
    };
    let audio = vec![0x55; MUSIC as usize * 8].into_boxed_slice();
    let music = vec![Arc::new(Clip { pcmu: audio.clone(), pcma: audio })];
    Revision {
        number,
        flows: Arc::new(flows),
        clips: recordings.clips,
        music: BTreeMap::from([(None, music)]),
        accounts: Vec::new(),
        trunks: vec![carrier()],
    }
}

/// The same with the flows of another name and, in turn, nothing more, without the agent 1002, and with another queue in place
/// of `sales`.
pub fn changed(number: u32) -> Revision {
    let mut revision = revision(number);
    let flows = Arc::get_mut(&mut revision.flows).expect("nobody else has it yet");
    match number % 3 {
        1 => {
            flows.agents.retain(|agent| *agent.extension != *"1002");
            flows.queues.iter_mut().for_each(|queue| queue.agents.retain(|(agent, _)| **agent != *"1002"));
        }
        2 => {
            flows.queues[1].name = "trade".into();
            flows.queues[1].agents = vec![("1003".into(), 1)];
        }
        _ => {}
    }
    revision
}

/// A message that somebody left on another day.
pub fn message(number: u64, mailbox: &str, heard: bool) -> Message {
    let label = TapeLabel {
        mailbox: Some(mailbox.into()),
        call: "c1".to_owned(),
        caller: PhoneNumber::new("030"),
        caller_name: None,
        dialled: "1000".to_owned(),
        started: "2025-12-31T09:00:00Z".to_owned(),
        language: "en".into(),
        mail: Vec::new(),
    };
    let tape = KeptTape {
        name: TapeKind::Message.name(TapeId(number)),
        kind: TapeKind::Message,
        folder: "voicemail/support".into(),
        label,
        length: Duration::from_secs(2),
        octets: 32_044,
    };
    Message { tape, heard }
}
