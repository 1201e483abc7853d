//! Random flows and random callers: the promises hold after every input.

use fastrand::Rng;
use std::time::Duration;

use super::super::*;
use super::flows::random_set;
use crate::clock::Calendar;

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
}

impl Line {
    fn dial(flows: FlowSet) -> Line {
        let calendar = Calendar::starting_at("2026-12-18T17:29:00Z".parse().expect("a time"));
        let facts = CallFacts { caller: Caller::default(), dialled: "1000".into() };
        let (session, actions) =
            Session::start(Arc::new(flows), FlowIndex(0), facts, Moment::ZERO, calendar.time_of(Moment::ZERO));
        let mut line = Line { session, now: Moment::ZERO, calendar, playing: false, inside: false, ended: false };
        line.take(&actions);
        line
    }

    fn input(&mut self, input: SessionInput) -> Vec<Action> {
        let actions = self.session.handle(self.now, self.calendar.time_of(self.now), input);
        self.take(&actions);
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
                Action::StopPlaying => {
                    assert!(self.playing, "silence cannot be stopped");
                    self.playing = false;
                }
                Action::HangUp => {
                    self.playing = false;
                    self.ended = true;
                }
                Action::Note(FlowNote::StepEntered { .. }) => {
                    assert!(!self.inside, "a step is left before the next is entered");
                    self.inside = true;
                    entered += 1;
                }
                Action::Note(FlowNote::StepLeft { exit, .. }) => {
                    assert!(self.inside && !exit.is_empty());
                    self.inside = false;
                }
                Action::Note(FlowNote::Unspeakable { .. } | FlowNote::RanAway { .. }) => {}
            }
        }
        assert!(entered <= usize::from(MOST_STEPS) * (MOST_KEYS_AHEAD + 1), "{entered} steps at once");
        self.session.assert_consistent();
        assert_eq!(self.session.has_ended(), self.ended);
        assert_eq!(self.session.playing, self.playing, "both books agree on what plays");
        assert_eq!(self.session.inside, self.inside);
        assert!(self.ended || self.playing || self.session.deadline().is_some(), "the caller hears nothing for ever");
        assert!(self.session.deadline().is_none_or(|deadline| deadline > self.now), "a deadline lies ahead");
    }

    /// Whether a numeral must be answered now: always, except by words that must be heard.
    fn answers(&self) -> bool {
        match &self.session.state {
            State::Speaking { must_hear } => !must_hear,
            State::Asking(asking) => !asking.must_be_heard(),
            State::Parting | State::Ended => false,
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
                None => {
                    self.now += Duration::from_secs(3);
                    self.playing = false;
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
        let late = [SessionInput::Expired, SessionInput::PlaybackFinished, SessionInput::Digit(Digit::STAR)];
        for input in late {
            assert_eq!(line.input(input), [], "an ended session stays ended");
        }
    }
    let farewell = line.session.abandon();
    assert_eq!(farewell.len(), usize::from(line.inside), "a step that is open is left");
    line.session.assert_consistent();
    assert!(line.session.has_ended() && line.session.abandon().is_empty(), "a caller hangs up once");
    length
}

fn one_input(random: &mut Rng, eager: u8, line: &mut Line) {
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
        line.input(SessionInput::PlaybackFinished);
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
