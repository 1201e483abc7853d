//! `survey`: questions that are answered by a key or two. Nobody has to answer: star leaves a question out, silence goes on
//! without blame, and what was answered is kept, whatever way the caller goes.

use super::exit::Exit;
use super::queue::{BETWEEN_KEYS, FIRST_KEY};
use super::turn::Turn;
use super::way::Next;
use super::{Action, FlowNote, Session, State};
use crate::clock::Moment;
use crate::flow::{PromptId, Scale, StepKind, Survey, SurveyOutcome, SurveyQuestion};
use crate::telephony::Digit;

/// How often a question is asked of who presses nothing.
const ASKED: u8 = 2;
/// How many answers that there are not end a question.
const MISTAKES: u8 = 3;
/// After so many questions in a row to which nothing was pressed nobody is asked any more.
const SILENCES: u8 = 2;

/// A caller who is asked for their opinion.
pub(super) struct Surveying {
    at: At,
    /// The place of the question among those of the survey.
    question: u8,
    /// How often nothing came.
    unanswered: u8,
    /// How often something came that is no answer.
    mistaken: u8,
    /// The questions in a row, before this one, to which nothing came.
    silent: u8,
    /// How many were answered.
    answered: u8,
    /// One was left out.
    left_out: bool,
    /// A one was pressed, which may become a ten.
    one: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Nothing was said yet.
    Unasked,
    /// They hear the question; a key counts.
    Asking,
    /// Silence, until they press one.
    Awaiting { until: Moment },
    /// They are thanked.
    Thanking,
}

/// What a key means.
enum Verdict {
    /// This is the answer.
    Score(u8),
    /// It may have a second digit.
    More,
    /// The question is left out.
    LeaveOut,
    /// The question is to be heard again.
    Again,
    /// It is no answer.
    Wrong,
    /// It leads elsewhere.
    Leave(Next),
}

impl Surveying {
    fn new() -> Surveying {
        Surveying {
            at: At::Unasked,
            question: 0,
            unanswered: 0,
            mistaken: 0,
            silent: 0,
            answered: 0,
            left_out: false,
            one: false,
        }
    }

    pub(super) fn speaks(&self) -> bool {
        matches!(self.at, At::Asking | At::Thanking)
    }

    pub(super) fn asks(&self) -> bool {
        !matches!(self.at, At::Thanking)
    }

    pub(super) fn is_between_keys(&self) -> bool {
        self.one
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        match self.at {
            At::Awaiting { until } => Some(until),
            At::Unasked | At::Asking | At::Thanking => None,
        }
    }

    pub(super) fn assert_consistent(&self) {
        assert!(self.at != At::Unasked, "a question is spoken or waits");
        if self.at != At::Thanking {
            assert!(
                self.unanswered < ASKED && self.mistaken < MISTAKES && self.silent < SILENCES,
                "nobody is pestered"
            );
            assert!(self.answered <= self.question, "a question is answered once");
        }
        assert!(!self.one || self.deadline().is_some(), "between keys after the first");
    }

    fn outcome(&self, questions: usize) -> SurveyOutcome {
        match usize::from(self.answered) {
            0 if self.left_out => SurveyOutcome::Refused,
            0 => SurveyOutcome::Unanswered,
            all if all == questions => SurveyOutcome::Complete,
            _ => SurveyOutcome::Partial,
        }
    }
}

// Keys stay out of logs.
impl std::fmt::Debug for Surveying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Surveying: question {} at {:?}", self.question, self.at)
    }
}

impl Session {
    /// Who was asked in this call already is not asked again.
    pub(super) fn enter_survey(&mut self, turn: &mut Turn<'_>) -> Next {
        let here = (self.flow, self.step);
        if self.surveyed.contains(&here) {
            return self.follow(turn);
        }
        self.surveyed.push(here);
        turn.note(FlowNote::SurveyOffered { flow: self.flow, step: self.step });
        self.consider_score(turn, Surveying::new())
    }

    /// Takes the keys that have come, one after another, until a question awaits its answer.
    pub(super) fn consider_score(&mut self, turn: &mut Turn<'_>, mut surveying: Surveying) -> Next {
        if surveying.at == At::Thanking {
            return self.follow(turn);
        }
        while let Some(key) = self.ahead.pop_front() {
            self.steps = 0;
            surveying.silent = 0;
            match self.weigh_score(turn, &surveying, key) {
                Verdict::Score(score) => {
                    self.pass_over(turn, Digit::HASH, BETWEEN_KEYS);
                    self.note_score(turn, &mut surveying, score);
                    if !self.to_next_question(turn, &mut surveying) {
                        return self.end_survey(turn, surveying);
                    }
                }
                Verdict::LeaveOut => {
                    surveying.left_out = true;
                    if !self.to_next_question(turn, &mut surveying) {
                        return self.end_survey(turn, surveying);
                    }
                }
                Verdict::More => {
                    (surveying.one, surveying.at) = (true, At::Awaiting { until: turn.now + BETWEEN_KEYS });
                }
                Verdict::Again => return self.ask_opinion(turn, surveying, false),
                Verdict::Wrong => return self.no_such_score(turn, surveying),
                Verdict::Leave(next) => {
                    self.close_survey(turn, &surveying);
                    return next;
                }
            }
        }
        if surveying.at == At::Unasked {
            return self.ask_opinion(turn, surveying, false);
        }
        self.state = State::Surveying(surveying);
        Next::Stay
    }

    pub(super) fn survey_words_heard(&mut self, turn: &mut Turn<'_>, mut surveying: Surveying) -> Next {
        match surveying.at {
            At::Thanking => return self.follow(turn),
            At::Unasked | At::Asking => surveying.at = At::Awaiting { until: turn.now + FIRST_KEY },
            At::Awaiting { .. } => {}
        }
        self.state = State::Surveying(surveying);
        Next::Stay
    }

    /// Silence: what was keyed counts; else the question is asked once more, and then left alone.
    pub(super) fn survey_time_is_up(&mut self, turn: &mut Turn<'_>, mut surveying: Surveying) -> Next {
        if surveying.one {
            self.note_score(turn, &mut surveying, 1);
            return self.go_on_asking(turn, surveying);
        }
        surveying.unanswered += 1;
        if surveying.unanswered < ASKED {
            return self.ask_opinion(turn, surveying, false);
        }
        surveying.silent += 1;
        if surveying.silent >= SILENCES {
            return self.end_survey(turn, surveying);
        }
        self.go_on_asking(turn, surveying)
    }

    /// Whatever becomes of the caller, what they have answered is told.
    pub(super) fn abandon_survey(&self, turn: &mut Turn<'_>) {
        if let State::Surveying(surveying) = &self.state
            && surveying.asks()
        {
            self.close_survey(turn, surveying);
        }
    }

    /// Somebody else is asked from here on.
    pub fn take_survey(&mut self) -> Vec<Action> {
        match &mut self.state {
            State::Surveying(surveying) if surveying.asks() => {
                (surveying.answered, surveying.left_out) = (0, false);
                vec![Action::Note(FlowNote::SurveyOffered { flow: self.flow, step: self.step })]
            }
            _ => Vec::new(),
        }
    }

    fn weigh_score(&self, turn: &Turn<'_>, surveying: &Surveying, key: Digit) -> Verdict {
        let Some(question) = self.question(turn, surveying) else { return Verdict::LeaveOut };
        match (question.scale, key.numeral()) {
            _ if key == Digit::STAR => Verdict::LeaveOut,
            _ if key == Digit::HASH => match surveying.one {
                true => Verdict::Score(1),
                false => Verdict::Again,
            },
            (_, Some(0)) if surveying.one => Verdict::Score(10),
            _ if surveying.one => Verdict::Wrong,
            (Scale::Nps, Some(1)) => Verdict::More,
            (scale, Some(score)) if scale.scores().contains(&score) => Verdict::Score(score),
            _ => match self.everywhere(turn, key) {
                Some((exit, target)) => Verdict::Leave(Next::Leave { exit: exit.name(), to: Some(target) }),
                None => Verdict::Wrong,
            },
        }
    }

    /// It is no answer, and what was typed ahead was meant for something else: they are told what is one, and not for ever.
    fn no_such_score(&mut self, turn: &mut Turn<'_>, mut surveying: Surveying) -> Next {
        self.ahead.clear();
        surveying.mistaken += 1;
        match surveying.mistaken {
            MISTAKES.. => self.go_on_asking(turn, surveying),
            _ => self.ask_opinion(turn, surveying, true),
        }
    }

    /// Says the question, or after a mistake only how it is answered.
    fn ask_opinion(&mut self, turn: &mut Turn<'_>, mut surveying: Surveying, mistaken: bool) -> Next {
        (surveying.at, surveying.one) = (At::Asking, false);
        let mut words = Vec::new();
        if let Some(question) = self.question(turn, &surveying) {
            match &question.speech {
                _ if mistaken => self.add_phrase(turn, "phrases/survey/sorry", &mut words),
                Some(speech) => self.add_speech(turn, speech, &mut words),
                None => self.add_phrase(turn, question.scale.question(), &mut words),
            }
            self.add_phrase(turn, question.scale.instruction(), &mut words);
            if surveying.question == 0 || mistaken {
                self.add_phrase(turn, "phrases/survey/leave_out", &mut words);
            }
        }
        self.say_in_survey(turn, surveying, words)
    }

    fn go_on_asking(&mut self, turn: &mut Turn<'_>, mut surveying: Surveying) -> Next {
        match self.to_next_question(turn, &mut surveying) {
            true => self.ask_opinion(turn, surveying, false),
            false => self.end_survey(turn, surveying),
        }
    }

    /// Whether there is another question.
    fn to_next_question(&self, turn: &Turn<'_>, surveying: &mut Surveying) -> bool {
        *surveying = Surveying {
            at: At::Unasked,
            question: surveying.question + 1,
            unanswered: 0,
            mistaken: 0,
            one: false,
            ..*surveying
        };
        self.question(turn, surveying).is_some()
    }

    /// Nothing more is asked: who has answered something is thanked.
    fn end_survey(&mut self, turn: &mut Turn<'_>, mut surveying: Surveying) -> Next {
        self.close_survey(turn, &surveying);
        let to = turn.flows.flow(self.flow).step(self.step).next;
        if surveying.answered == 0 {
            let exit = if surveying.left_out { Exit::Refused } else { Exit::NoInput };
            return Next::Leave { exit: exit.name(), to };
        }
        if !self.ahead.is_empty() {
            return self.follow(turn);
        }
        let mut words = Vec::new();
        match self.survey(turn).and_then(|survey| survey.thanks.as_ref()) {
            Some(thanks) => self.add_speech(turn, thanks, &mut words),
            None => self.add_phrase(turn, "phrases/survey/thanks", &mut words),
        }
        surveying.at = At::Thanking;
        self.say_in_survey(turn, surveying, words)
    }

    fn say_in_survey(&mut self, turn: &mut Turn<'_>, surveying: Surveying, words: Vec<PromptId>) -> Next {
        if words.is_empty() {
            return self.survey_words_heard(turn, surveying);
        }
        self.play(turn, words);
        self.state = State::Surveying(surveying);
        Next::Stay
    }

    fn note_score(&self, turn: &mut Turn<'_>, surveying: &mut Surveying, score: u8) {
        surveying.answered += 1;
        let (flow, step, question) = (self.flow, self.step, surveying.question);
        turn.note(FlowNote::SurveyAnswered { flow, step, question, score });
    }

    fn close_survey(&self, turn: &mut Turn<'_>, surveying: &Surveying) {
        let questions = self.survey(turn).map_or(0, |survey| survey.questions.len());
        let outcome = surveying.outcome(questions);
        turn.note(FlowNote::SurveyEnded { flow: self.flow, step: self.step, outcome });
    }

    fn question<'a>(&self, turn: &Turn<'a>, surveying: &Surveying) -> Option<&'a SurveyQuestion> {
        self.survey(turn)?.questions.get(usize::from(surveying.question))
    }

    fn survey<'a>(&self, turn: &Turn<'a>) -> Option<&'a Survey> {
        match &turn.flows.flow(self.flow).step(self.step).kind {
            StepKind::Survey(survey) => Some(survey),
            _ => None,
        }
    }
}

/// The exits of a `survey` step besides those that all have in common.
pub(super) fn survey_exits() -> [Exit<'static>; 4] {
    [Exit::Next, Exit::Refused, Exit::NoInput, Exit::CallerHungUp]
}
