//! Walks as data: what a caller does (`>`) and what comes of it.
//!
//! `> 12` presses keys, `> .` lets what plays end, `> ~` lets the deadline come, `> wait 2s` lets time pass, `> gone` hangs up;
//! `> answer {...}` is what a web service says, `> answer not_found` and `> answer failed` too; what a queue tells is in `queues`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::*;
use super::queues;
use crate::clock::Calendar;
use crate::flow::document::{self, Known, Source};
use crate::flow::{LookupAnswer, LookupRequest, QueueStanding};
use crate::telephony::{DialPlan, PhoneNumber, TapeEnd, TapeReport, TransportKind, Trunk};

/// A Friday.
const CALLED_AT: &str = "2026-12-18T17:29:00Z";

pub(super) fn read(flow: &str) -> FlowSet {
    let sources: Vec<Source> = flow
        .split("\n---\n")
        .enumerate()
        .map(|(index, text)| Source { file: format!("flow{index}.yaml"), text: text.to_owned() })
        .collect();
    let reading = document::read(&sources, &Known { dial_plan: &plan(), ..Known::of(&BTreeSet::new()) });
    let faults: Vec<String> = reading.diagnostics.iter().map(|fault| fault.message.clone()).collect();
    reading.flows.unwrap_or_else(|| panic!("the flow has faults: {faults:#?}"))
}

/// A trunk that may call anybody in the United Kingdom.
pub(super) fn plan() -> DialPlan {
    DialPlan::new(&[Trunk {
        name: "carrier".into(),
        transport: TransportKind::Udp,
        host: "192.0.2.9".to_owned(),
        port: 5060,
        from: Vec::new(),
        register: None,
        dial: vec!["+44".to_owned(), "0".to_owned(), "1".to_owned()],
    }])
}

/// A call that writes down what happens.
pub(super) struct Walk {
    flows: Arc<FlowSet>,
    pub(super) session: Session,
    now: Moment,
    pub(super) written: Vec<String>,
    /// What was asked last of a web service.
    asked: Option<LookupRequest>,
}

impl Walk {
    pub(super) fn start(flows: FlowSet) -> Walk {
        Walk::start_with(flows, KnownCaller::default(), 0)
    }

    /// With what is known of the caller, and so many who wait in the queue `support`.
    pub(super) fn start_with(flows: FlowSet, known: KnownCaller, waiting: u32) -> Walk {
        let flows = Arc::new(flows);
        let caller = Caller { number: PhoneNumber::new("+442079460123"), name: None };
        let standing = QueueStanding { waiting, agents: 3, ready: 2, wait_minutes: None, longest_minutes: 6 };
        let standings = Arc::new(QueueStandings([("support".into(), standing)].into()));
        let facts = CallFacts { known, standings, ..CallFacts::of(caller, "1000") };
        let entry = flows.for_number("1000").expect("a flow answers");
        let (session, actions) = Session::start(Arc::clone(&flows), entry, facts, Moment::ZERO, wall(Moment::ZERO));
        let mut walk = Walk { flows, session, now: Moment::ZERO, written: Vec::new(), asked: None };
        walk.write(actions);
        walk
    }

    /// A value as it would be written.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let turn = Turn::new(&self.flows, self.now, wall(self.now));
        self.session.value(&turn, name)?.written()
    }

    pub(super) fn input(&mut self, input: SessionInput) {
        let actions = self.session.handle(self.now, wall(self.now), input);
        self.session.assert_consistent();
        self.write(actions);
    }

    fn write(&mut self, actions: Vec<Action>) {
        for action in actions {
            let line = match action {
                Action::Play(prompts) => {
                    let texts: Vec<&str> = prompts.iter().map(|prompt| &*self.flows.prompt(*prompt).text).collect();
                    format!("says {}", texts.join(" "))
                }
                Action::PlayWhole(prompts) => {
                    let texts: Vec<&str> = prompts.iter().map(|prompt| &*self.flows.prompt(*prompt).text).collect();
                    format!("says all of {}", texts.join(" "))
                }
                Action::TakeMessage { mailbox, .. } => format!("takes a message for {mailbox}"),
                Action::EndMessage => "ends the message".to_owned(),
                Action::HearMessage => "plays the message".to_owned(),
                Action::KeepMessage => "keeps the message".to_owned(),
                Action::DropMessage => "drops the message".to_owned(),
                Action::StartRecording { .. } => "records the call".to_owned(),
                Action::StopRecording => "records no more".to_owned(),
                Action::PauseRecording(true) => "pauses the recording".to_owned(),
                Action::PauseRecording(false) => "resumes the recording".to_owned(),
                Action::StopPlaying => "falls silent".to_owned(),
                Action::HangUp => "hangs up".to_owned(),
                Action::EnterQueue { queue, skills, priority, prefer } => {
                    let name = &self.flows.queue(queue).name;
                    let prefer = prefer.map(|(agent, length)| format!(", with {agent} for {} s", length.as_secs()));
                    let prefer = prefer.unwrap_or_default();
                    format!("waits in {name} for {skills:?} with priority {priority}{prefer}")
                }
                Action::LeaveQueue { why: LeaveWhy::Callback { number } } => {
                    format!("leaves the queue to be called back on {}", number.reveal())
                }
                Action::LeaveQueue { why } => format!("leaves the queue {why:?}"),
                Action::BookCallback { queue, number, .. } => {
                    format!("asks {} to call {} back", self.flows.queue(queue).name, number.reveal())
                }
                Action::Lookup(request) => {
                    let connector = self.flows.connector(request.connector);
                    let body = request.body.as_ref().map(|body| format!(" {body}")).unwrap_or_default();
                    let line = format!("asks {} {}{body}", connector.method.name(), request.url);
                    self.asked = Some(*request);
                    line
                }
                Action::CancelLookup { .. } => "asks no more".to_owned(),
                Action::Transfer { to, ring, announce } => {
                    let texts: Vec<&str> = announce.iter().map(|prompt| &*self.flows.prompt(*prompt).text).collect();
                    let hears =
                        if texts.is_empty() { String::new() } else { format!(" who hears {}", texts.join(" ")) };
                    format!("rings {} for {}s{hears}", to.name(), ring.as_secs())
                }
                Action::MenuOpened => "menu opened".to_owned(),
                Action::MenuClosed => "menu closed".to_owned(),
                Action::Note(FlowNote::StepEntered { .. }) => continue,
                Action::Note(FlowNote::StepLeft { flow, step, exit }) => format!("{}: {exit}", self.name(flow, step)),
                Action::Note(FlowNote::Unspeakable { flow, step }) => format!("{}: unspeakable", self.name(flow, step)),
                Action::Note(FlowNote::Unaskable { flow, step, value }) => {
                    format!("{}: cannot be asked without {value}", self.name(flow, step))
                }
                Action::Note(FlowNote::SurveyOffered { flow, step }) => format!("{}: offered", self.name(flow, step)),
                Action::Note(FlowNote::SurveyAnswered { flow, step, question, score }) => {
                    let StepKind::Survey(survey) = &self.flows.flow(flow).step(step).kind else { unreachable!() };
                    let question = &survey.questions[usize::from(question)].name;
                    format!("{}: {question} is {score}", self.name(flow, step))
                }
                Action::Note(FlowNote::SurveyEnded { flow, step, outcome }) => {
                    format!("{}: {}", self.name(flow, step), outcome.word())
                }
                Action::Note(FlowNote::RanAway { flow, step }) => format!("{}: ran away", self.name(flow, step)),
            };
            self.written.push(line);
        }
    }

    fn name(&self, flow: FlowIndex, step: StepIndex) -> String {
        self.flows.flow(flow).step(step).name.to_string()
    }

    pub(super) fn follow(&mut self, line: &str) {
        match line {
            "." => self.input(SessionInput::PlaybackFinished),
            "~" => {
                self.now = self.session.deadline().expect("a deadline to come");
                self.input(SessionInput::Expired);
            }
            "gone" => {
                let actions = self.session.abandon();
                self.write(actions);
            }
            "said" => self.input(ended(TapeEnd::Told, false)),
            "silent" => self.input(ended(TapeEnd::Silence, false)),
            "longest" => self.input(ended(TapeEnd::Longest, false)),
            "nothing" => self.input(ended(TapeEnd::Silence, true)),
            "lost" => self.input(SessionInput::MessageLost { kept: false }),
            "lost when kept" => self.input(SessionInput::MessageLost { kept: true }),
            "read" => self.input(SessionInput::MessageRead(true)),
            "unreadable" => self.input(SessionInput::MessageRead(false)),
            "unheard" => self.input(SessionInput::Unheard),
            _ if line.starts_with("answer ") => {
                let request = self.asked.clone().expect("something was asked");
                let connector = self.flows.connector(request.connector);
                let answer = match &line["answer ".len()..] {
                    "not_found" => LookupAnswer::NotFound,
                    "failed" => LookupAnswer::Failed(crate::flow::LookupFailure::Unreachable),
                    body => connector.read_answer(body, &request.zone).expect("it can be read"),
                };
                self.input(SessionInput::LookupAnswered { lookup: request.lookup, answer: Box::new(answer) });
            }
            _ if queues::input(line).is_some() => self.input(queues::input(line).expect("it is one")),
            _ => match line.strip_prefix("wait ") {
                Some(length) => {
                    let length: jiff::SignedDuration = length.parse().expect("a length of time");
                    self.now += length.unsigned_abs();
                    if self.session.deadline().is_some_and(|deadline| deadline <= self.now) {
                        self.input(SessionInput::Expired);
                    }
                }
                None => {
                    for key in line.chars() {
                        self.input(SessionInput::Digit(Digit::from_char(key).expect("a key")));
                    }
                }
            },
        }
    }
}

fn ended(end: TapeEnd, empty: bool) -> SessionInput {
    let length = Duration::from_secs(if empty { 0 } else { 9 });
    SessionInput::MessageEnded(TapeReport { end, length, empty, lost: Duration::ZERO })
}

fn wall(now: Moment) -> Timestamp {
    Calendar::starting_at(CALLED_AT.parse().expect("a time")).time_of(now)
}

/// Follows the lines of `script` that begin with `>` and compares everything with the whole of it.
pub(super) fn check(flow: &str, script: &str) {
    let expected: Vec<&str> = script.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut walk = Walk::start(read(flow));
    for line in &expected {
        if let Some(input) = line.strip_prefix("> ") {
            walk.written.push((*line).to_owned());
            walk.follow(input);
        }
    }
    assert_eq!(walk.written.join("\n"), expected.join("\n"), "for the script\n{}", expected.join("\n"));
}
