//! A small house to call: a flow of every kind of waiting, recordings of every length, one of them missing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use helpline::clock::Calendar;
use helpline::flow::{
    Choice, Collect, Flow, FlowIndex, FlowSet, Menu, Patience, Piece, Prompt, PromptId, Speech, SpokenAs, Step,
    StepIndex, StepKind, Target,
};
use helpline::switchboard::{Revision, Settings, Switchboard};
use helpline::telephony::{CallId, Clip, Codec, Digit, InbandDigits};

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

/// `welcome`, `main` (1: `order`, 2: `silent`, 9: `bye`), `order`, `told`, `silent` (its recording is missing), `bye`.
pub fn revision(number: u32) -> Revision {
    let mut recordings = Recordings::default();
    for digit in 0..10 {
        recordings.add(&format!("phrases/digit/{digit}"), 400);
    }
    for (phrase, millis) in [("menu/no_input", 1_500), ("menu/no_match", 1_500), ("goodbye", 1_200)] {
        recordings.add(&format!("phrases/{phrase}"), millis);
    }
    for phrase in ["collect/no_input", "collect/too_short", "collect/too_long", "confirm/question"] {
        recordings.add(&format!("phrases/{phrase}"), 1_000);
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
    let choices = vec![choice("1", 2), choice("2", 4), choice("9", 5)];
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
    let menu =
        Menu { speech: Some(recordings.speech("main/main", 1_000)), choices, must_hear: false, patience: patience() };
    let welcome = recordings.speech(&format!("main/welcome{number}"), 2_000);
    let steps = vec![
        step("welcome", StepKind::Say { speech: welcome, must_hear: number == 0 }, Some(1)),
        step("main", StepKind::Menu(menu), None),
        step("order", StepKind::Collect(collect), Some(3)),
        step("told", StepKind::Say { speech: told, must_hear: false }, Some(1)),
        step("silent", StepKind::Say { speech: recordings.speech("main/silent", 0), must_hear: false }, Some(1)),
        step("bye", StepKind::HangUp { speech: Some(recordings.speech("main/bye", 1_000)) }, None),
    ];
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
        flows: vec![flow],
        numbers: BTreeMap::from([(NUMBER.to_owned(), FlowIndex(0))]),
        any: None,
        prompts: recordings.prompts,
        prompt_index: recordings.index,
    };
    Revision { number, flows: Arc::new(flows), clips: recordings.clips }
}
