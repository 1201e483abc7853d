//! Whatever `check` accepts strands nobody: random flow files are read as an operator's would be, random callers walk them, and every
//! walk ends at a person, with a message or a promise, or with words and a goodbye. On the way they take no exit that the graph
//! does not know, which is what `check` reasons by.
//!
//! `WALKS=1000000 cargo test --release --lib nobody_is_stranded` walks a million; `SEED` repeats a run.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use fastrand::Rng;

use super::super::*;
use super::walks::plan;
use crate::clock::Calendar;
use crate::flow::Untransferred;
use crate::flow::document::{self, Code, Known, Source, codes};
use crate::flow::graph::{Goal, Graph, StepId};
use crate::telephony::PhoneNumber;

/// Walks of one run.
const WALKS: u64 = 6_000;
/// Walks through one set of flows.
const WALKS_A_SET: u64 = 40;
/// Inputs after which a caller does nothing any more, and inputs after which a walk has to be over.
const INPUTS_BY_THE_CALLER: usize = 60;
const MOST_INPUTS: usize = 3_000;

/// How a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Person,
    Message,
    Promise,
    Goodbye,
    /// An apology for going in circles, and goodbye.
    Apology,
}

/// A random set of files: every kind of step, every kind of target, written as an operator would.
fn random_files(random: &mut Rng) -> Vec<Source> {
    let flows = random.usize(1..=3);
    (0..flows).map(|flow| Source { file: format!("flow{flow}.yaml"), text: random_file(random, flow, flows) }).collect()
}

fn random_file(random: &mut Rng, flow: usize, flows: usize) -> String {
    let steps = random.usize(2..=9);
    let mut text = format!("flow: flow{flow}\ntime_zone: Europe/London\nstart: s0\n");
    if flow == 0 {
        text.push_str("numbers: [any]\n");
    }
    if random.bool() {
        let _ = writeln!(text, "always: {{0: {}, star: back}}", target(random, steps));
    }
    text.push_str("steps:\n");
    for step in 0..steps {
        let _ = writeln!(text, "  s{step}: {{{}}}", random_step(random, (flow, flows), steps, step));
    }
    if flow == 0 {
        text.push_str("hours: {office: {mon-fri: 09:00-17:30}}\nagents: {1001: {name: Ada}}\n");
        text.push_str("connectors: {orders: {url: 'https://shop.example.com'}}\nqueues:\n");
        let mut way = |key: &str| match random.bool() {
            true => format!(", {key}: {{go: {}}}", target(random, steps)),
            false => String::new(),
        };
        let ways = way("when_full") + &way("when_too_long") + &way("when_no_agents");
        let _ = writeln!(text, "  support: {{agents: [1001]{ways}}}");
    }
    text
}

fn target(random: &mut Rng, steps: usize) -> String {
    match random.u8(..14) {
        0 => "hangup".to_owned(),
        1 => "again".to_owned(),
        2 => "back".to_owned(),
        _ => format!("s{}", random.usize(..steps)),
    }
}

/// A setting that is there more often than not.
fn perhaps(random: &mut Rng, key: &str, steps: usize) -> String {
    match random.u8(..4) {
        0 => String::new(),
        _ => format!(", {key}: {}", target(random, steps)),
    }
}

fn random_step(random: &mut Rng, (flow, flows): (usize, usize), steps: usize, step: usize) -> String {
    let next = perhaps(random, "next", steps);
    match random.u8(..18) {
        13 => {
            let failed = perhaps(random, "failed", steps);
            format!("voicemail: support, review: {}{failed}{next}", random.bool())
        }
        14 => {
            let refused = perhaps(random, "refused", steps);
            let consent = random.choice(["ask", "announce"]).expect("some");
            match random.u8(..4) {
                0 => format!("record: stop{next}"),
                _ => format!("record: {{consent: {consent}{refused}}}{next}"),
            }
        }
        15 => format!("transfer: 1001{}{}{next}", perhaps(random, "busy", steps), perhaps(random, "otherwise", steps)),
        16 => {
            let (found, not_found) = (perhaps(random, "found", steps), perhaps(random, "not_found", steps));
            format!("lookup: orders{found}{not_found}{}{next}", perhaps(random, "failed", steps))
        }
        0..=2 => format!("say: Words {step}.{next}"),
        3..=5 => {
            let mut choices = Vec::new();
            for key in 1..=random.u8(1..=4) {
                let when = if random.u8(..4) == 0 { ", when: hours.office" } else { "" };
                choices.push(format!("{key}: {{say: Choice, go: {}{when}}}", target(random, steps)));
            }
            let otherwise = perhaps(random, "otherwise", steps);
            format!(
                "menu: Question {step}?, choices: {{{}}}, tries: {}{otherwise}",
                choices.join(", "),
                random.u8(1..=3)
            )
        }
        6 | 7 => {
            let otherwise = perhaps(random, "otherwise", steps);
            format!("collect: Number {step}?, save: number, digits: 2-4, confirm: {}{otherwise}{next}", random.bool())
        }
        8 => format!("set: {{number: '{}'}}{next}", random.u8(10..99)),
        9 => format!("when: number is empty or number is '12', then: {}{next}", target(random, steps)),
        10 => {
            let (open, closed) = (perhaps(random, "open", steps), target(random, steps));
            format!("hours: office, closed: {closed}{open}{next}")
        }
        11 if flow + 1 < flows => format!("flow: flow{}{next}", random.usize(flow + 1..flows)),
        11 => format!("callback: support{next}"),
        17 => format!("survey: {{a: csat, b: nps}}{next}"),
        12 if random.bool() => format!("queue: support{next}"),
        _ => format!("hangup: Goodbye {step}."),
    }
}

/// Walks to the end; with what was told of the flows, to compare.
fn walk(random: &mut Rng, flows: &Arc<FlowSet>, graph: &Graph) -> (End, bool) {
    let calendar = Calendar::starting_at("2026-12-18T17:29:00Z".parse().expect("a time"));
    let number = PhoneNumber::new(if random.bool() { "+442079460123" } else { "" });
    let facts = CallFacts::of(Caller { number, name: None }, "1000");
    let mut now = Moment::ZERO;
    let (mut session, actions) =
        Session::start(Arc::clone(flows), FlowIndex(0), facts, now, calendar.time_of(Moment::ZERO));
    let mut line = Line::default();
    let mut unqueued = false;
    let mut last = Vec::new();
    line.take(&actions, graph);
    let patience = random.usize(..INPUTS_BY_THE_CALLER);
    for inputs in 0..MOST_INPUTS {
        if let Some(end) = line.end {
            return (end, unqueued);
        }
        if std::mem::take(&mut line.kept) && random.bool() {
            return (End::Message, unqueued);
        }
        now += Duration::from_millis(random.u64(20..500));
        let asked = line.asked.take_if(|_| random.u8(..3) == 0);
        let input = match session.deadline() {
            _ if std::mem::take(&mut line.hears) => {
                line.playing = random.bool();
                SessionInput::MessageRead(line.playing)
            }
            _ if asked.is_some() => {
                let lookup = asked.expect("it is there");
                SessionInput::LookupAnswered { lookup, answer: super::random::random_answer(random) }
            }
            _ if line.speaks && random.u8(..4) == 0 => {
                line.speaks = false;
                match random.u8(..5) {
                    0 => SessionInput::MessageLost { kept: random.bool() },
                    _ => super::random::message_ended(random),
                }
            }
            _ if inputs < patience && random.u8(..3) > 0 => SessionInput::Digit(Digit::ALL[random.usize(..12)]),
            Some(deadline) => {
                now = now.max(deadline);
                SessionInput::Expired
            }
            None if line.playing => {
                line.playing = false;
                if random.u8(..10) == 0 { SessionInput::Unheard } else { SessionInput::PlaybackFinished }
            }
            None if session.is_transferring() => {
                unqueued = true;
                let ends = [Untransferred::Busy, Untransferred::NoAnswer, Untransferred::Failed];
                match random.u8(..3) {
                    0 => return (End::Person, unqueued),
                    _ => SessionInput::NotTransferred(random.choice(ends).expect("some")),
                }
            }
            None if session.is_queued() => {
                unqueued = true;
                // Without a way for it, callers wait while nobody is there.
                let nobody = flows.queue(QueueIndex(0)).no_agents.map_or(Unqueued::TimedOut, |_| Unqueued::NoAgents);
                let ends = [Unqueued::TimedOut, Unqueued::Full, nobody, Unqueued::Failed];
                match random.u8(..3) {
                    0 => return (End::Person, unqueued),
                    _ => SessionInput::Unqueued(random.choice(ends).expect("some")),
                }
            }
            None => SessionInput::CallbackBooked(random.bool()),
        };
        last.push(input.clone());
        let actions = session.handle(now, calendar.time_of(now), input);
        session.assert_consistent();
        line.take(&actions, graph);
    }
    panic!("a caller is stranded: {session:?}, after {:?}", &last[last.len() - 20..]);
}

/// What the caller's line is told.
#[derive(Debug, Default)]
struct Line {
    playing: bool,
    /// A message is being said.
    speaks: bool,
    /// It is to be played to the caller.
    hears: bool,
    /// A message has just been kept.
    kept: bool,
    /// The lookup that is under way.
    asked: Option<u32>,
    end: Option<End>,
    /// The step that was left, and by which exit.
    left: Option<(StepId, Arc<str>)>,
}

impl Line {
    fn take(&mut self, actions: &[Action], graph: &Graph) {
        for action in actions {
            match action {
                Action::Note(FlowNote::StepLeft { flow, step, exit }) => {
                    self.left = Some((StepId { flow: *flow, step: *step }, exit.clone()));
                }
                Action::Note(FlowNote::StepEntered { flow, step }) => {
                    self.enter(StepId { flow: *flow, step: *step }, graph);
                }
                Action::Play(_) | Action::PlayWhole(_) => self.playing = true,
                Action::StopPlaying => self.playing = false,
                Action::TakeMessage { .. } => self.speaks = true,
                Action::HearMessage => self.hears = true,
                Action::KeepMessage => (self.kept, self.speaks) = (true, false),
                Action::DropMessage => self.speaks = false,
                Action::Lookup(request) => self.asked = Some(request.lookup),
                Action::CancelLookup { .. } => self.asked = None,
                Action::Note(FlowNote::RanAway { .. }) => self.end = Some(End::Apology),
                Action::LeaveQueue { why: LeaveWhy::Callback { .. } } => self.end = Some(End::Promise),
                Action::HangUp => self.end = self.end.or(Some(End::Goodbye)),
                _ => {}
            }
        }
    }

    /// The step is one to which the graph leads from the one before.
    fn enter(&mut self, at: StepId, graph: &Graph) {
        let Some((left, exit)) = self.left.take() else { return };
        let mut exits = graph.node(left).exits.iter().filter(|known| known.name == exit);
        let leads = exits.any(|known| match known.to {
            Goal::Step(to) => to == at,
            Goal::Again | Goal::Back | Goal::End => true,
            Goal::HangUp | Goal::Callback => false,
        });
        assert!(leads, "`{exit}` of {left:?} leads to {at:?}, and the graph knows {:#?}", graph.node(left).exits);
    }
}

#[test]
fn nobody_is_stranded() {
    let setting = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let (seed, walks): (u64, u64) = (setting("SEED").unwrap_or(11), setting("WALKS").unwrap_or(WALKS));
    println!("SEED={seed} WALKS={walks}");
    let mut random = Rng::with_seed(seed);
    let (mut walked, mut sets, mut refused) = (0, 0_u64, 0_u64);
    let mut ends = std::collections::BTreeMap::new();
    let prompts = BTreeSet::new();
    let circles: [Code; 3] = [codes::ENDLESS, codes::SILENT_CIRCLE, codes::QUEUE_ROUND];
    while walked < walks {
        let sources = random_files(&mut random);
        let reading = document::read(&sources, &Known { dial_plan: &plan(), ..Known::of(&prompts) });
        sets += 1;
        let Some(flows) = reading.flows else {
            let errors = reading.diagnostics.iter().filter(|fault| fault.severity == document::Severity::Error);
            let told: Vec<_> = errors.map(|fault| fault.code).filter(|code| *code != codes::ENDLESS).collect();
            let about: Vec<_> =
                told.iter().filter(|code| ![codes::NO_SUCH_VALUE, codes::WRONG_SHAPE].contains(code)).collect();
            assert!(about.is_empty(), "the files are right but for circles: {told:?}\n{}", sources[0].text);
            refused += 1;
            continue;
        };
        let told_of_circles = reading.diagnostics.iter().any(|fault| circles.contains(&fault.code));
        let flows = Arc::new(flows);
        let graph = Graph::of(&flows);
        for _ in 0..WALKS_A_SET {
            let (end, unqueued) = walk(&mut random, &flows, &graph);
            // Who is sent out of a full queue again and again may go in circles; nobody else, unless it was told.
            assert!(
                end != End::Apology || told_of_circles || unqueued,
                "callers go in circles, and `check` has not told it:\n{}",
                sources.iter().map(|source| source.text.as_str()).collect::<Vec<_>>().join("---\n")
            );
            *ends.entry(end).or_insert(0_u64) += 1;
            walked += 1;
        }
    }
    println!("{sets} sets, {refused} refused; {walked} walks: {ends:?}");
    assert!(refused * 2 < sets, "most of what is written is accepted: {refused} of {sets} are not");
    assert!([End::Person, End::Message, End::Goodbye].iter().all(|end| ends.contains_key(end)), "{ends:?}");
}
