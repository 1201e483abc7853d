//! Random flows and random callers: the promises hold after every input.

use fastrand::Rng;
use std::time::Duration;

use super::super::*;
use super::flows::random_set;
use crate::clock::Calendar;
use crate::flow::{LookupAnswer, SurveyOutcome, Untransferred};
use crate::telephony::{PhoneNumber, TapeEnd, TapeReport};

/// Inputs in one run; `INPUTS=5000000 cargo test` runs longer.
const INPUTS: u64 = 500_000;

/// A caller on the line, as the switchboard would have them, with a second book kept of what should be true.
struct Line {
    session: Session,
    now: Moment,
    calendar: Calendar,
    playing: bool,
    inside: bool,
    ended: bool,
    menu: bool,
    /// A message is being taken, or waits to be kept.
    message: bool,
    /// The caller has agreed to be recorded, and is.
    recorded: bool,
    /// All words of the last `PlayWhole` were heard, and a key pressed where one is asked for.
    told: bool,
    /// The lookup that is under way.
    asked: Option<u32>,
    /// The survey that is under way, with the questions that were answered; and those that were begun.
    survey: Option<(FlowIndex, StepIndex, Vec<u8>)>,
    surveyed: Vec<(FlowIndex, StepIndex)>,
}

impl Line {
    fn dial(flows: FlowSet) -> Line {
        let calendar = Calendar::starting_at("2026-12-18T17:29:00Z".parse().expect("a time"));
        let number = PhoneNumber::new(if flows.flows.len() > 2 { "" } else { "+442079460123" });
        let facts = CallFacts::of(Caller { number, name: None }, "1000");
        let (session, actions) =
            Session::start(Arc::new(flows), FlowIndex(0), facts, Moment::ZERO, calendar.time_of(Moment::ZERO));
        let mut line = Line {
            session,
            now: Moment::ZERO,
            calendar,
            playing: false,
            inside: false,
            ended: false,
            menu: false,
            message: false,
            recorded: false,
            told: false,
            asked: None,
            survey: None,
            surveyed: Vec::new(),
        };
        line.take(&actions);
        line
    }

    fn input(&mut self, input: SessionInput) -> Vec<Action> {
        let mut actions = self.session.handle(self.now, self.calendar.time_of(self.now), input);
        self.take(&actions);
        if actions.contains(&Action::HearMessage) {
            let plays = !self.now.as_micros().is_multiple_of(3);
            self.playing |= plays;
            actions.extend(self.input(SessionInput::MessageRead(plays)));
        }
        // The queue answers at once.
        let number = actions.iter().find_map(|action| match action {
            Action::BookCallback { number, .. } => Some(number.clone()),
            _ => None,
        });
        if let Some(number) = number {
            let booked = number.reveal().len() % 3 > 0;
            actions.extend(self.input(SessionInput::CallbackBooked(booked)));
        }
        actions
    }

    fn take(&mut self, actions: &[Action]) {
        let mut entered = 0;
        for action in actions {
            assert!(!self.ended, "nothing follows the end: {action:?}");
            match action {
                Action::Play(prompts) => {
                    assert!(!prompts.is_empty(), "nothing cannot be played");
                    for prompt in prompts {
                        let _ = self.session.flows.prompt(*prompt);
                    }
                    self.playing = true;
                }
                Action::PlayWhole(prompts) => {
                    assert!(!prompts.is_empty(), "nothing cannot be played");
                    (self.playing, self.told) = (true, false);
                }
                Action::TakeMessage { .. } => {
                    assert!(self.inside && !self.message, "a message belongs to a step, one at a time");
                    self.message = true;
                }
                Action::EndMessage | Action::HearMessage => assert!(self.message, "there is a message"),
                Action::KeepMessage | Action::DropMessage => {
                    assert!(std::mem::take(&mut self.message), "there is a message, and it is settled once");
                }
                Action::StartRecording { .. } => {
                    assert!(self.told && !self.recorded, "nobody is recorded who has not heard of it");
                    self.recorded = true;
                }
                Action::StopRecording => assert!(std::mem::take(&mut self.recorded), "it is recorded"),
                Action::PauseRecording(_) => {}
                Action::StopPlaying => {
                    assert!(self.playing, "silence cannot be stopped");
                    self.playing = false;
                }
                Action::HangUp => {
                    self.playing = false;
                    self.ended = true;
                }
                Action::EnterQueue { queue, .. } => {
                    let _ = self.session.flows.queue(*queue);
                    assert!(self.inside && !self.menu, "a queue belongs to a step");
                }
                Action::BookCallback { queue, number, .. } => {
                    assert!(self.inside, "a place belongs to a step");
                    let way = self.session.flows.way_to(*queue, number.reveal());
                    assert!(way.is_some(), "a number is promised that may not be called");
                }
                Action::LeaveQueue { why: LeaveWhy::Callback { number } } => {
                    assert!(self.inside && !self.menu, "what is open is closed first");
                    assert!(
                        number.reveal().starts_with(['+', '0', '2']),
                        "a number is promised that may not be called"
                    );
                }
                Action::LeaveQueue { .. } => assert!(self.inside && !self.menu, "what is open is closed first"),
                Action::MenuOpened => assert!(!std::mem::replace(&mut self.menu, true), "a menu is opened once"),
                Action::MenuClosed => assert!(std::mem::take(&mut self.menu), "a menu is closed once"),
                Action::Note(FlowNote::StepEntered { .. }) => {
                    assert!(!self.inside, "a step is left before the next is entered");
                    self.inside = true;
                    entered += 1;
                }
                Action::Note(FlowNote::StepLeft { exit, .. }) => {
                    assert!(self.inside && !exit.is_empty());
                    assert!(self.survey.is_none(), "a survey ends before its step");
                    self.inside = false;
                }
                Action::Lookup(request) => {
                    assert!(self.inside && self.asked.is_none(), "one service is asked at a time, by a step");
                    self.asked = Some(request.lookup);
                }
                Action::Transfer { .. } => assert!(self.inside, "a transfer belongs to a step"),
                Action::CancelLookup { lookup } => assert_eq!(self.asked.take(), Some(*lookup), "who asks lets go"),
                Action::Note(
                    note @ (FlowNote::SurveyOffered { .. }
                    | FlowNote::SurveyAnswered { .. }
                    | FlowNote::SurveyEnded { .. }),
                ) => self.take_survey(note),
                Action::Note(FlowNote::Unspeakable { .. } | FlowNote::RanAway { .. } | FlowNote::Unaskable { .. }) => {}
            }
        }
        assert!(entered <= usize::from(MOST_STEPS) * (MOST_KEYS_AHEAD + 1), "{entered} steps at once");
        self.session.assert_consistent();
        assert_eq!(self.session.has_ended(), self.ended);
        assert_eq!(self.session.playing, self.playing, "both books agree on what plays");
        assert_eq!(self.session.inside, self.inside);
        let told = self.session.is_queued() || self.session.is_transferring();
        assert!(told || !self.menu, "only who waits chooses meanwhile");
        assert!(
            told || self.ended
                || self.playing
                || self.session.deadline().is_some()
                || actions.iter().any(|action| matches!(action, Action::BookCallback { .. })),
            "the caller hears nothing for ever"
        );
        assert!(self.session.deadline().is_none_or(|deadline| deadline > self.now), "a deadline lies ahead");
    }

    /// Every survey is asked once and ends once; each question is answered once at most, and with a score that there is.
    fn take_survey(&mut self, note: &FlowNote) {
        match *note {
            FlowNote::SurveyOffered { flow, step } => {
                assert!(self.inside && self.survey.is_none(), "one survey at a time, and it belongs to a step");
                assert!(!self.surveyed.contains(&(flow, step)), "nobody is asked twice");
                self.surveyed.push((flow, step));
                self.survey = Some((flow, step, Vec::new()));
            }
            FlowNote::SurveyAnswered { flow, step, question, score } => {
                let (of, at, answered) = self.survey.as_mut().expect("there is a survey");
                assert_eq!((*of, *at), (flow, step), "the answer is one to this survey");
                assert!(answered.last().is_none_or(|last| *last < question), "a question is answered once, in order");
                answered.push(question);
                let StepKind::Survey(survey) = &self.session.flows.flow(flow).step(step).kind else {
                    panic!("it is a survey");
                };
                let scale = survey.questions[usize::from(question)].scale;
                assert!(scale.scores().contains(&score), "{score} is no answer");
            }
            FlowNote::SurveyEnded { flow, step, outcome } => {
                let (of, at, answered) = self.survey.take().expect("there is a survey");
                assert_eq!((of, at), (flow, step), "the end is that of this survey");
                let none = matches!(outcome, SurveyOutcome::Refused | SurveyOutcome::Unanswered);
                assert_eq!(answered.is_empty(), none, "{outcome:?} with {} answers", answered.len());
            }
            _ => {}
        }
    }

    /// Whether a numeral must be answered now: always, except by words that must be heard.
    fn answers(&self) -> bool {
        match &self.session.state {
            State::Speaking { must_hear } => !must_hear,
            State::Asking(asking) => !asking.must_be_heard(),
            State::Waiting(_)
            | State::Arranging(_)
            | State::LookingUp(_)
            | State::Leaving(_)
            | State::Consenting(_)
            | State::Surveying(_)
            | State::Transferring(_)
            | State::Parting
            | State::Ended => false,
        }
    }

    /// How many keys of an answer have been taken.
    fn keyed(&self) -> usize {
        match &self.session.state {
            State::Asking(asking) => asking.keyed.len(),
            _ => 0,
        }
    }

    /// A caller who does nothing: everything comes to an end.
    fn wait_to_the_end(&mut self) {
        for _ in 0..usize::from(MOST_STEPS) * 20 {
            if self.ended {
                return;
            }
            match self.session.deadline() {
                Some(deadline) => {
                    self.now = deadline;
                    self.input(SessionInput::Expired);
                }
                None if !self.playing && self.session.is_transferring() => {
                    self.input(SessionInput::NotTransferred(Untransferred::NoAnswer));
                    self.input(SessionInput::Done);
                }
                None if !self.playing => {
                    self.input(SessionInput::Unqueued(Unqueued::TimedOut));
                }
                None => {
                    self.now += Duration::from_secs(3);
                    (self.playing, self.told) = (false, true);
                    self.input(SessionInput::PlaybackFinished);
                }
            }
        }
        panic!("a silent caller is never let go: {:?}", self.session);
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_callers_do_the_promises_hold() {
    let seed = setting("SEED").unwrap_or(7);
    println!("SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let mut inputs = 0;
    while inputs < setting("INPUTS").unwrap_or(INPUTS) {
        let flows = random_set(&mut random);
        for _ in 0..random.u8(1..=8) {
            inputs += call(&mut random, flows.clone());
        }
    }
}

/// One call; how many inputs it took.
fn call(random: &mut Rng, flows: FlowSet) -> u64 {
    let mut line = Line::dial(flows);
    let length = random.u64(1..=200);
    let eager = random.u8(1..=9);
    for _ in 0..length {
        one_input(random, eager, &mut line);
    }
    if random.bool() {
        line.wait_to_the_end();
        let late = [
            SessionInput::Expired,
            SessionInput::PlaybackFinished,
            SessionInput::Digit(Digit::STAR),
            SessionInput::Connected,
            SessionInput::Unqueued(Unqueued::Full),
            SessionInput::Done,
            SessionInput::CallbackBooked(true),
            SessionInput::Unheard,
            SessionInput::MessageLost { kept: random.bool() },
            SessionInput::MessageRead(true),
            message_ended(random),
            SessionInput::NotTransferred(Untransferred::Busy),
            SessionInput::LookupAnswered { lookup: 1, answer: Box::new(LookupAnswer::NotFound) },
        ];
        for input in late {
            assert_eq!(line.input(input), [], "an ended session stays ended");
        }
    }
    let (waits, menu) = (line.session.is_queued() && !connected(&line.session), line.menu);
    let farewell = line.session.abandon();
    let asks = line.asked.is_some();
    let surveyed = usize::from(line.survey.is_some());
    let expected = usize::from(line.inside) + usize::from(waits) + usize::from(menu) + usize::from(asks) + surveyed;
    assert_eq!(farewell.len(), expected, "a step that is open is left, and a queue, a service, and a survey");
    line.session.assert_consistent();
    assert!(line.session.has_ended() && line.session.abandon().is_empty(), "a caller hangs up once");
    length
}

fn connected(session: &Session) -> bool {
    matches!(&session.state, State::Waiting(waiting) if waiting.is_connected())
}

/// What a queue may tell at any time; out of place it changes nothing.
fn told_by_queue(random: &mut Rng) -> SessionInput {
    match random.u8(..14) {
        12 => SessionInput::NotTransferred(Untransferred::Busy),
        13 => SessionInput::NotTransferred(Untransferred::Failed),
        0 => SessionInput::Connected,
        1 => SessionInput::WaitsAgain,
        2 => SessionInput::Done,
        3 => SessionInput::Unqueued(Unqueued::TimedOut),
        4 => SessionInput::Unqueued(Unqueued::Full),
        5 => SessionInput::Unqueued(Unqueued::NoAgents),
        6 => SessionInput::Unqueued(Unqueued::Failed),
        _ => {
            let places = [SpokenPlace::Next, SpokenPlace::Number(random.u8(..)), SpokenPlace::MoreThanTen];
            let waits = [SpokenWaitMinutes::Minutes(random.u16(..)), SpokenWaitMinutes::MoreThanTwenty];
            let place = random.choice(places).filter(|_| random.bool());
            let wait = random.choice(waits).filter(|_| random.bool());
            SessionInput::Announce(WaitingTalk { place, wait, comfort: random.bool(), aside: random.bool() })
        }
    }
}

pub(super) fn message_ended(random: &mut Rng) -> SessionInput {
    let end = random.choice([TapeEnd::Told, TapeEnd::Silence, TapeEnd::Longest]).expect("some");
    let (length, lost) = (Duration::from_secs(random.u64(..200)), Duration::ZERO);
    SessionInput::MessageEnded(TapeReport { end, length, empty: random.u8(..3) == 0, lost })
}

pub(super) fn random_answer(random: &mut Rng) -> Box<LookupAnswer> {
    Box::new(match random.u8(..3) {
        0 => LookupAnswer::Found(vec![("status".into(), Value::Text("gold".into()))]),
        1 => LookupAnswer::NotFound,
        _ => LookupAnswer::Failed(crate::flow::LookupFailure::TimedOut),
    })
}

fn one_input(random: &mut Rng, eager: u8, line: &mut Line) {
    let waits = |line: &Line| line.session.is_queued() || line.session.is_transferring();
    if random.u8(..if waits(line) { 3 } else { 40 }) == 0 {
        let (queued, input) = (waits(line), told_by_queue(random));
        let actions = line.input(input.clone());
        assert!(queued || actions.is_empty(), "{input:?} is out of place");
        return;
    }
    if random.u8(..if line.asked.is_some() { 3 } else { 40 }) == 0 {
        let late = random.u8(..8) == 0;
        let asked = line.asked.take_if(|_| !late);
        let lookup = asked.unwrap_or(random.u32(1_000..));
        let actions = line.input(SessionInput::LookupAnswered { lookup, answer: random_answer(random) });
        assert!(asked.is_some() || actions.is_empty(), "an answer to another question changes nothing");
        return;
    }
    let tells_of_message = random.u8(..if line.message { 6 } else { 60 }) == 0;
    if tells_of_message {
        let input = match random.u8(..8) {
            0 => SessionInput::MessageLost { kept: random.bool() },
            1 => SessionInput::MessageRead(false),
            _ => message_ended(random),
        };
        let leaves = matches!(line.session.state, State::Leaving(_));
        let actions = line.input(input.clone());
        assert!(leaves || actions.is_empty(), "{input:?} is out of place");
        return;
    }
    line.now += Duration::from_millis(random.u64(1..400));
    if line.session.deadline().is_some_and(|deadline| deadline <= line.now) {
        line.input(SessionInput::Expired);
    } else if random.u8(..10) < eager {
        let digit = Digit::ALL[if random.u8(..20) == 0 { random.usize(..16) } else { random.usize(..6) }];
        let (answers, before) = (line.answers(), (line.keyed(), line.session.deadline()));
        let actions = line.input(SessionInput::Digit(digit));
        let answered = !actions.is_empty() || (line.keyed(), line.session.deadline()) != before;
        assert!(!answers || digit.numeral().is_none() || answered, "a key is answered: {:?}", line.session);
    } else if line.playing && random.bool() {
        line.playing = false;
        let unheard = random.u8(..10) == 0;
        line.told |= !unheard;
        line.input(if unheard { SessionInput::Unheard } else { SessionInput::PlaybackFinished });
    } else if let Some(deadline) = line.session.deadline() {
        line.now = deadline;
        line.input(SessionInput::Expired);
    } else {
        // Neither is due: both change nothing.
        assert_eq!(line.input(SessionInput::Expired), []);
        if !line.playing {
            assert_eq!(line.input(SessionInput::PlaybackFinished), []);
        }
    }
}

#[test]
fn a_session_is_small() {
    assert!(size_of::<Session>() <= 512, "{} bytes", size_of::<Session>());
}
