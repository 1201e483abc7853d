//! Random sets of flows: every kind of step, every kind of target, and whatever the reader would let through.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use jiff::tz::TimeZone;

use crate::flow::connector::{Method, TextPart, TextTemplate};
use crate::flow::hours::{Hours, HoursIndex, Range};
use crate::flow::{
    Choice, Collect, Condition, Connector, ConnectorIndex, Consent, Currency, Flow, FlowIndex, FlowSet, FlowTarget,
    LanguageIndex, Languages, LookupSpec, LookupWay, Menu, Patience, Piece, Prompt, PromptId, QueueIndex, QueueSpec,
    QueueWish, Record, Scale, Speech, SpokenAs, Step, StepIndex, StepKind, Survey, SurveyQuestion, Target,
    TransferSpec, TransferTo, Value, Voicemail,
};
use crate::telephony::{DialPlan, Digit, Sides, TransportKind, Trunk};

const QUEUES: u16 = 3;
const NAMES: [&str; 11] = [
    "order",
    "order.status",
    "pin",
    "total",
    "day",
    "missing",
    "now",
    "caller.number",
    "call.number",
    "hours.office",
    "hours.office.next",
];
const FORMATS: [SpokenAs; 8] = [
    SpokenAs::Digits,
    SpokenAs::Number,
    SpokenAs::Money,
    SpokenAs::Day,
    SpokenAs::Time,
    SpokenAs::DayTime,
    SpokenAs::Word,
    SpokenAs::Duration,
];

/// A set of up to four flows that may walk into each other.
pub(super) fn random_set(random: &mut Rng) -> FlowSet {
    // Some lines can call nobody back, and no line everybody.
    let dial = ["+", "0", "2"].iter().filter(|_| random.u8(..4) > 0).map(|prefix| (*prefix).to_owned()).collect();
    let dial_plan = DialPlan::new(&[Trunk {
        name: "carrier".into(),
        transport: TransportKind::Udp,
        host: "192.0.2.9".to_owned(),
        port: 5060,
        from: Vec::new(),
        register: None,
        dial,
    }]);
    let mut set = FlowSet { dial_plan, ..FlowSet::default() };
    for language in ["en", "es"] {
        // One language has all phrases, the other hardly any.
        for (name, text) in Languages::built_in().phrases("en") {
            if language == "en" || random.u8(..10) == 0 {
                add_prompt(&mut set, language, &name, &text);
            }
        }
    }
    let flows = random.u16(1..=4);
    for index in 0..flows {
        let flow = random_flow(random, &mut set, index, flows);
        set.flows.push(flow);
    }
    for index in 0..QUEUES {
        let queue = random_queue(random, &mut set, index);
        set.queues.push(queue);
    }
    set.hours.push(Hours {
        name: "office".into(),
        zone: TimeZone::UTC,
        week: std::array::from_fn(|_| vec![Range { from: random.u16(..700), to: random.u16(700..1_440) }]),
        days: BTreeMap::new(),
    });
    set.connectors.push(Arc::new(Connector {
        name: "orders".into(),
        method: Method::Get,
        url: TextTemplate::fixed("https://shop.example.com/orders"),
        headers: Vec::new(),
        body: None,
        timeout: Duration::from_millis(random.u64(500..20_000)),
        retries: 1,
        hosts: Vec::new(),
        private: false,
        authorities: None,
        at_once: 20,
        breaker: None,
        answer: Vec::new(),
        fields: Vec::new(),
    }));
    set.any = Some(FlowIndex(0));
    set
}

/// A queue of one of the flows, or of none.
fn random_queue(random: &mut Rng, set: &mut FlowSet, index: u16) -> QueueSpec {
    let home = random.bool().then(|| random.usize(..set.flows.len()));
    let targets = |random: &mut Rng, set: &FlowSet| -> Option<FlowTarget> {
        let flow = home.filter(|_| random.bool())?;
        let steps = u32::try_from(set.flows[flow].steps.len()).expect("few steps");
        let target = match random.u8(..6) {
            0 => Target::Again,
            1 => Target::HangUp,
            _ => Target::Step(StepIndex(random.u32(..steps))),
        };
        Some(FlowTarget { flow: FlowIndex(u16::try_from(flow).expect("few flows")), target })
    };
    let mut choices = Vec::new();
    for _ in 0..random.usize(..=3) {
        let Some(FlowTarget { target, .. }) = targets(random, set) else { continue };
        let prompt = add_prompt(set, "en", &format!("random/{}", set.prompts.len()), "words");
        choices.push(Choice {
            keys: (0..random.usize(1..=2)).map(|_| Digit::ALL[random.usize(..6)]).collect(),
            speech: random.bool().then(|| Speech { by_language: vec![vec![Piece::Prompt(prompt)]] }),
            target: if random.u8(..3) == 0 { Target::Callback } else { target },
            when: random.bool().then(|| random_condition(random)),
        });
    }
    QueueSpec {
        home: home.map(|home| FlowIndex(u16::try_from(home).expect("few flows"))),
        while_waiting: choices,
        full: targets(random, set),
        too_long: (Duration::from_secs(60), targets(random, set)),
        no_agents: targets(random, set),
        survey: targets(random, set),
        ..QueueSpec::usual(&format!("queue{index}"))
    }
}

fn add_prompt(set: &mut FlowSet, language: &str, name: &str, text: &str) -> PromptId {
    let id = PromptId(u32::try_from(set.prompts.len()).expect("few prompts"));
    let (language, name): (Arc<str>, Arc<str>) = (language.into(), name.into());
    set.prompts.push(Prompt { name: name.clone(), language: language.clone(), text: text.into(), step: None });
    set.prompt_index.insert((language, name), id);
    id
}

/// What a flow's parts may refer to.
struct Bounds {
    flow: u16,
    flows: u16,
    steps: u32,
    languages: Vec<&'static str>,
}

fn random_flow(random: &mut Rng, set: &mut FlowSet, index: u16, flows: u16) -> Flow {
    let languages = match random.u8(..4) {
        0 => vec!["en", "es"],
        1 => vec!["es", "en"],
        2 => vec!["es"],
        _ => vec!["en"],
    };
    let bounds = Bounds { flow: index, flows, steps: random.u32(1..=12), languages };
    let mut always = BTreeMap::new();
    for digit in [Digit::STAR, Digit::HASH, Digit::ALL[0], Digit::ALL[9]] {
        if random.bool() {
            always.insert(digit, random_target(random, &bounds));
        }
    }
    let steps = (0..bounds.steps).map(|step| random_step(random, set, &bounds, step)).collect();
    Flow {
        name: format!("flow{index}").into(),
        languages: bounds.languages.iter().map(|&language| language.into()).collect(),
        time_zone: TimeZone::UTC,
        currency: random.bool().then_some(Currency::Gbp),
        start: StepIndex(random.u32(..bounds.steps)),
        always,
        steps,
    }
}

fn random_target(random: &mut Rng, bounds: &Bounds) -> Target {
    match random.u8(..20) {
        0 => Target::Again,
        1 | 2 => Target::Back,
        3 => Target::HangUp,
        _ => Target::Step(StepIndex(random.u32(..bounds.steps))),
    }
}

fn random_step(random: &mut Rng, set: &mut FlowSet, bounds: &Bounds, index: u32) -> Step {
    let must_hear = random.u8(..4) == 0;
    let kind = match random.u8(..27) {
        0..3 => StepKind::Say { speech: random_speech(random, set, bounds, 3), must_hear },
        3 => StepKind::Play { speech: random_speech(random, set, bounds, 1), must_hear },
        4..10 => StepKind::Menu(random_menu(random, set, bounds, must_hear)),
        10..14 => StepKind::Collect(random_collect(random, set, bounds, must_hear)),
        14 => StepKind::Set(vec![(random.choice(NAMES).expect("some").into(), random_value(random))]),
        15 => StepKind::When {
            condition: random_condition(random),
            then: random_target(random, bounds),
            otherwise: random.bool().then(|| random_target(random, bounds)),
        },
        19 => StepKind::Hours {
            hours: HoursIndex(0),
            open: (random.u8(..8) > 0).then(|| random_target(random, bounds)),
            closed: (random.u8(..8) > 0).then(|| random_target(random, bounds)),
        },
        18 => StepKind::Queue {
            queue: QueueIndex(random.u16(..QUEUES)),
            skills: vec!["billing".into()],
            priority: random.u8(..=9),
            wish: QueueWish {
                priority_of: random.bool().then(|| "total".into()),
                skills_of: vec!["day".into()],
                last_agent_for: random.bool().then_some(Duration::from_secs(30)),
            },
        },
        20 => StepKind::Callback {
            queue: QueueIndex(random.u16(..QUEUES)),
            skills: Vec::new(),
            priority: random.u8(..=9),
            wish: QueueWish::default(),
            otherwise: random.bool().then(|| random_target(random, bounds)),
        },
        21 | 22 => StepKind::Lookup(Box::new(LookupSpec {
            connector: ConnectorIndex(0),
            path: TextTemplate(vec![TextPart::Fixed("/".into()), TextPart::Value("order".into())]),
            save: random.bool().then(|| "order".into()),
            found: random_way(random, set, bounds),
            not_found: random_way(random, set, bounds),
            failed: random_way(random, set, bounds),
        })),
        23 => StepKind::Transfer(Box::new(TransferSpec {
            to: TransferTo::Agent("1001".into()),
            ring: TransferSpec::RING,
            announce: random.bool().then(|| random_speech(random, set, bounds, 2)),
            busy: random.bool().then(|| random_target(random, bounds)),
            no_answer: random.bool().then(|| random_target(random, bounds)),
            failed: None,
            otherwise: random.bool().then(|| random_target(random, bounds)),
        })),
        24 => StepKind::Voicemail(Box::new(Voicemail {
            mailbox: "support".into(),
            greeting: random.bool().then(|| random_speech(random, set, bounds, 2)),
            longest: Voicemail::LONGEST,
            shortest: Voicemail::SHORTEST,
            silence: Voicemail::SILENCE,
            review: random.bool(),
            mail: Vec::new(),
            failed: random.bool().then(|| random_target(random, bounds)),
        })),
        25 => StepKind::Record(Box::new(Record::Start {
            consent: if random.bool() { Consent::Ask } else { Consent::Announce },
            prompt: random.bool().then(|| random_speech(random, set, bounds, 2)),
            sides: Sides::Stereo,
            refused: random.bool().then(|| random_target(random, bounds)),
        })),
        26 => StepKind::Record(Box::new(match random.u8(..3) {
            0 => Record::Stop,
            1 => Record::Pause,
            _ => Record::Resume,
        })),
        17 if random.bool() => StepKind::Survey(Box::new(Survey {
            questions: (0..random.usize(1..=3))
                .map(|place| SurveyQuestion {
                    name: format!("question{place}").into(),
                    scale: random.choice(Scale::ALL).expect("some"),
                    speech: random.bool().then(|| random_speech(random, set, bounds, 2)),
                })
                .collect(),
            thanks: random.bool().then(|| random_speech(random, set, bounds, 2)),
        })),
        16 => StepKind::Language(LanguageIndex(random.u8(..u8::try_from(bounds.languages.len()).expect("few")))),
        17 if bounds.flows > 1 => StepKind::Flow(FlowIndex(random.u16(..bounds.flows))),
        _ => StepKind::HangUp { speech: random.bool().then(|| random_speech(random, set, bounds, 2)) },
    };
    let next = (random.u8(..8) > 0).then(|| random_target(random, bounds));
    Step { name: format!("flow{}_step{index}", bounds.flow).into(), kind, next }
}

fn random_way(random: &mut Rng, set: &mut FlowSet, bounds: &Bounds) -> Option<LookupWay> {
    let way = LookupWay {
        speech: random.bool().then(|| random_speech(random, set, bounds, 2)),
        target: random_target(random, bounds),
        at_most: random.bool().then(|| random.u8(1..=3)),
    };
    random.bool().then_some(way)
}

/// Up to `most` pieces; sometimes nothing at all.
fn random_speech(random: &mut Rng, set: &mut FlowSet, bounds: &Bounds, most: usize) -> Speech {
    let pieces = random.usize(..=most);
    let by_language = bounds.languages.iter().map(|language| {
        let piece = |_| match random.u8(..3) {
            0 => Piece::Value {
                name: random.choice(NAMES).expect("some").into(),
                format: random.choice(FORMATS).expect("some"),
            },
            _ => Piece::Prompt(add_prompt(set, language, &format!("random/{}", set.prompts.len()), "words")),
        };
        (0..pieces).map(piece).collect()
    });
    Speech { by_language: by_language.collect() }
}

fn random_menu(random: &mut Rng, set: &mut FlowSet, bounds: &Bounds, must_hear: bool) -> Menu {
    let choices = (0..random.usize(1..=5))
        .map(|_| Choice {
            keys: (0..random.usize(1..=3)).map(|_| Digit::ALL[random.usize(..6)]).collect(),
            speech: (random.u8(..4) > 0).then(|| random_speech(random, set, bounds, 1)),
            target: random_target(random, bounds),
            when: random.bool().then(|| random_condition(random)),
        })
        .collect();
    Menu {
        speech: random.bool().then(|| random_speech(random, set, bounds, 2)),
        choices,
        must_hear,
        patience: random_patience(random, set, bounds),
    }
}

fn random_collect(random: &mut Rng, set: &mut FlowSet, bounds: &Bounds, must_hear: bool) -> Collect {
    let shortest = random.u8(1..=4);
    Collect {
        speech: random_speech(random, set, bounds, 2),
        must_hear,
        shortest,
        longest: shortest + random.u8(..4),
        end_key: random.choice([Some(Digit::HASH), Some(Digit::STAR), None]).expect("some"),
        save: random.choice(["order", "pin"]).expect("some").into(),
        confirm: random.bool(),
        confirm_as: random.choice(FORMATS).expect("some"),
        secret: random.bool(),
        patience: random_patience(random, set, bounds),
    }
}

fn random_patience(random: &mut Rng, set: &mut FlowSet, bounds: &Bounds) -> Patience {
    Patience {
        first_key: Duration::from_secs(random.u64(1..=8)),
        between_keys: Duration::from_millis(random.u64(500..=5_000)),
        tries: random.u8(1..=4),
        no_input: random.bool().then(|| random_speech(random, set, bounds, 1)),
        no_match: random.bool().then(|| random_speech(random, set, bounds, 1)),
        otherwise: random.bool().then(|| random_target(random, bounds)),
    }
}

fn random_value(random: &mut Rng) -> Value {
    match random.u8(..4) {
        0 => Value::Number { units: random.i64(-10_000..10_000), places: random.u8(..=3) },
        1 => Value::Truth(random.bool()),
        2 => Value::Text(random.choice(["tomorrow", "17:30", "", "4711", "gold"]).expect("some").into()),
        _ => Value::Text("2026-12-24".into()),
    }
}

fn random_condition(random: &mut Rng) -> Condition {
    const CONDITIONS: [&str; 5] =
        ["order is '4711'", "total > 5", "not pin is empty", "caller.number starts with '+'", "day is day"];
    Condition::parse(random.choice(CONDITIONS).expect("some")).expect("the condition is right")
}
