//! What menus and questions have in common: they are spoken, wait for keys, lose patience, and ask again.

use super::exit::Exit;
use super::turn::Turn;
use super::way::Next;
use super::{Session, State};
use crate::clock::Moment;
use crate::flow::{Patience, PromptId, Speech, Step, StepKind, Target};
use crate::telephony::Digit;

/// A menu or question that is being asked.
pub(super) struct Asking {
    pub(super) about: About,
    phase: Phase,
    /// The keys so far.
    pub(super) keyed: Vec<Digit>,
    /// How often nothing came.
    unanswered: u8,
    /// How often nothing fitted.
    unmatched: u8,
}

/// What is asked.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum About {
    /// One of a menu's choices.
    Choice,
    /// Digits.
    Digits,
    /// Whether these digits are right.
    Confirmation(String),
}

/// How far the asking has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing was said yet.
    Unasked,
    /// Words that must be heard; keys are kept for later.
    MustHear,
    /// Those are over; what follows them is said next.
    MustHeard,
    /// Words that a key cuts short.
    Speaking,
    /// Silence, before the first key.
    FirstKey { until: Moment },
    /// Silence, between keys.
    NextKey { until: Moment },
}

/// What a key means.
pub(super) enum Verdict {
    /// More keys can come.
    Wait,
    /// It is no key of this question.
    Ignored,
    /// The step is over.
    Leave(Next),
    /// Nothing fits; this phrase says so unless the flow has words of its own.
    Wrong(&'static str),
    /// The digits are to be read back.
    Confirm(String),
    /// The caller wants to enter the digits again.
    Anew,
}

/// A step's menu or question, as the asking needs it.
struct Question<'a> {
    speech: Option<&'a Speech>,
    must_hear: bool,
    patience: &'a Patience,
}

impl Asking {
    pub(super) fn new(about: About) -> Asking {
        Asking { about, phase: Phase::Unasked, keyed: Vec::new(), unanswered: 0, unmatched: 0 }
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        match self.phase {
            Phase::FirstKey { until } | Phase::NextKey { until } => Some(until),
            Phase::Unasked | Phase::MustHear | Phase::MustHeard | Phase::Speaking => None,
        }
    }

    pub(super) fn is_between_keys(&self) -> bool {
        matches!(self.phase, Phase::NextKey { .. })
    }

    pub(super) fn speaks(&self) -> bool {
        matches!(self.phase, Phase::MustHear | Phase::Speaking)
    }

    /// Whether keys are kept for later.
    pub(super) fn must_be_heard(&self) -> bool {
        self.phase == Phase::MustHear
    }

    pub(super) fn assert_consistent(&self) {
        assert!(!matches!(self.phase, Phase::Unasked | Phase::MustHeard), "a question speaks or waits");
        let between_keys = matches!(self.phase, Phase::NextKey { .. });
        assert_eq!(between_keys, !self.keyed.is_empty(), "between keys exactly after the first");
    }
}

// The keys and the answer stay out of logs.
impl std::fmt::Debug for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} after {} without keys, {} without match", self.phase, self.unanswered, self.unmatched)
    }
}

impl Session {
    /// Asks from the beginning, after `apology`. Who has typed the answer ahead hears nothing of it.
    pub(super) fn ask(&mut self, turn: &mut Turn<'_>, mut asking: Asking, apology: Vec<PromptId>) -> Next {
        let question = question(turn.flows.flow(self.flow).step(self.step), &asking.about);
        asking.keyed.clear();
        asking.phase = Phase::Unasked;
        if !question.must_hear && !self.ahead.is_empty() {
            return self.consider(turn, asking);
        }
        let mut words = apology;
        if let Some(speech) = question.speech {
            self.add_speech(turn, speech, &mut words);
        }
        asking.phase = Phase::MustHear;
        if !question.must_hear {
            self.add_rest(turn, &asking.about, &mut words);
            asking.phase = Phase::Speaking;
        }
        self.say_or_go_on(turn, asking, words)
    }

    /// The words of a question have been heard.
    pub(super) fn words_heard(&mut self, turn: &mut Turn<'_>, mut asking: Asking) -> Next {
        match asking.phase {
            Phase::MustHear | Phase::MustHeard => {
                asking.phase = Phase::MustHeard;
                return self.consider(turn, asking);
            }
            Phase::Unasked | Phase::Speaking => self.await_first_key(turn, &mut asking),
            Phase::FirstKey { .. } | Phase::NextKey { .. } => {}
        }
        self.state = State::Asking(asking);
        Next::Stay
    }

    /// Takes the keys that have come, one after another, until the question is answered.
    pub(super) fn consider(&mut self, turn: &mut Turn<'_>, mut asking: Asking) -> Next {
        if asking.must_be_heard() {
            self.state = State::Asking(asking);
            return Next::Stay;
        }
        while let Some(key) = self.ahead.pop_front() {
            self.steps = 0;
            let verdict = match &asking.about {
                About::Choice => self.weigh_choice(turn, &mut asking.keyed, key),
                About::Digits => self.weigh_digit(turn, &mut asking.keyed, key),
                About::Confirmation(answer) => self.weigh_confirmation(turn, answer, key),
            };
            match verdict {
                Verdict::Wait | Verdict::Ignored => {}
                Verdict::Leave(next) => return next,
                Verdict::Wrong(phrase) => return self.nothing_fits(turn, asking, phrase),
                Verdict::Confirm(answer) => {
                    return self.ask(turn, Asking::new(About::Confirmation(answer)), Vec::new());
                }
                Verdict::Anew => return self.ask(turn, Asking::new(About::Digits), Vec::new()),
            }
        }
        self.await_more(turn, asking)
    }

    /// The keys so far decide nothing.
    fn await_more(&mut self, turn: &mut Turn<'_>, mut asking: Asking) -> Next {
        if !asking.keyed.is_empty() {
            let question = question(turn.flows.flow(self.flow).step(self.step), &asking.about);
            asking.phase = Phase::NextKey { until: turn.now + question.patience.between_keys };
        } else if asking.phase == Phase::Unasked {
            return self.ask(turn, asking, Vec::new());
        } else if asking.phase == Phase::MustHeard {
            let mut words = Vec::new();
            self.add_rest(turn, &asking.about, &mut words);
            asking.phase = Phase::Speaking;
            return self.say_or_go_on(turn, asking, words);
        }
        self.state = State::Asking(asking);
        Next::Stay
    }

    /// The deadline has come.
    pub(super) fn time_is_up(&mut self, turn: &mut Turn<'_>, mut asking: Asking) -> Next {
        if !asking.keyed.is_empty() {
            let verdict = match &asking.about {
                About::Choice => self.settle_choice(turn, &asking.keyed),
                About::Digits => self.settle_digits(turn, &asking.keyed),
                About::Confirmation(_) => Verdict::Ignored,
            };
            return match verdict {
                Verdict::Leave(next) => next,
                Verdict::Confirm(answer) => self.ask(turn, Asking::new(About::Confirmation(answer)), Vec::new()),
                Verdict::Wrong(phrase) => self.nothing_fits(turn, asking, phrase),
                Verdict::Wait | Verdict::Ignored | Verdict::Anew => self.ask(turn, asking, Vec::new()),
            };
        }
        let question = question(turn.flows.flow(self.flow).step(self.step), &asking.about);
        asking.unanswered += 1;
        if asking.unanswered >= question.patience.tries {
            return self.give_up(turn, question.patience, Exit::NoInput);
        }
        let (own, phrase) = match asking.about {
            About::Choice => (question.patience.no_input.as_ref(), "phrases/menu/no_input"),
            About::Digits => (question.patience.no_input.as_ref(), "phrases/collect/no_input"),
            About::Confirmation(_) => (None, "phrases/menu/no_input"),
        };
        self.apologise(turn, asking, own, phrase)
    }

    /// The keys fit nothing: whatever was typed ahead was meant for something else.
    fn nothing_fits(&mut self, turn: &mut Turn<'_>, mut asking: Asking, phrase: &'static str) -> Next {
        self.ahead.clear();
        let question = question(turn.flows.flow(self.flow).step(self.step), &asking.about);
        asking.unmatched += 1;
        if asking.unmatched >= question.patience.tries {
            return self.give_up(turn, question.patience, Exit::NoMatch);
        }
        let own = match asking.about {
            About::Choice | About::Digits => question.patience.no_match.as_ref(),
            About::Confirmation(_) => None,
        };
        self.apologise(turn, asking, own, phrase)
    }

    fn apologise(&mut self, turn: &mut Turn<'_>, asking: Asking, own: Option<&Speech>, phrase: &str) -> Next {
        let mut apology = Vec::new();
        match own {
            Some(speech) => self.add_speech(turn, speech, &mut apology),
            None => self.add_phrase(turn, phrase, &mut apology),
        }
        self.ask(turn, asking, apology)
    }

    /// Everything was tried: `otherwise`, else where key 0 leads, else goodbye.
    fn give_up(&mut self, turn: &Turn<'_>, patience: &Patience, exit: Exit<'_>) -> Next {
        let operator = turn.flows.flow(self.flow).always.get(&Digit::ALL[0]).copied();
        Next::Leave { exit: exit.name(), to: patience.otherwise.or(operator).or(Some(Target::HangUp)) }
    }

    /// What a question says after its first words: a menu's choices, an answer that is read back.
    fn add_rest(&self, turn: &mut Turn<'_>, about: &About, words: &mut Vec<PromptId>) {
        match about {
            About::Choice => self.add_choices(turn, words),
            About::Digits => {}
            About::Confirmation(answer) => self.add_read_back(turn, answer, words),
        }
    }

    fn say_or_go_on(&mut self, turn: &mut Turn<'_>, asking: Asking, words: Vec<PromptId>) -> Next {
        if words.is_empty() {
            return self.words_heard(turn, asking);
        }
        self.play(turn, words);
        self.state = State::Asking(asking);
        Next::Stay
    }

    fn await_first_key(&self, turn: &Turn<'_>, asking: &mut Asking) {
        let question = question(turn.flows.flow(self.flow).step(self.step), &asking.about);
        asking.phase = Phase::FirstKey { until: turn.now + question.patience.first_key };
    }
}

/// What `step` asks: asking goes on only in menus and questions.
fn question<'a>(step: &'a Step, about: &About) -> Question<'a> {
    match (&step.kind, about) {
        (StepKind::Collect(collect), About::Confirmation(_)) => {
            Question { speech: None, must_hear: false, patience: &collect.patience }
        }
        (StepKind::Collect(collect), _) => {
            Question { speech: Some(&collect.speech), must_hear: collect.must_hear, patience: &collect.patience }
        }
        (StepKind::Menu(menu), _) => {
            Question { speech: menu.speech.as_ref(), must_hear: menu.must_hear, patience: &menu.patience }
        }
        _ => unreachable!("only menus and questions are asked"),
    }
}
