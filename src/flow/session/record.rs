//! `record`: the caller is told that they are recorded, or asked whether they may be, and no key goes round that: the
//! recording begins only when all of the words were heard and, where it is asked, by the key that agrees.

use super::exit::Exit;
use super::queue::FIRST_KEY;
use super::turn::Turn;
use super::way::Next;
use super::{Action, FlowNote, Session, State};
use crate::clock::Moment;
use crate::flow::{Consent, PromptId, Record, StepKind};
use crate::telephony::{Digit, Sides};

/// How often it is asked; no answer is a no.
const TRIES: u8 = 3;

/// A caller whose consent is sought.
#[derive(Debug)]
pub(super) struct Consenting {
    at: At,
    asked: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// They hear that they are recorded, or the question: every word of it.
    MustHear { asks: bool },
    /// They hear which keys to press; a key counts.
    Choices,
    /// Silence, until they press one.
    Awaiting { until: Moment },
}

/// How a call stands with its recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Agreed {
    /// Nobody has asked.
    #[default]
    Unasked,
    /// It is recorded.
    Yes,
    /// The caller has said no: nobody asks again.
    No,
}

impl Consenting {
    pub(super) fn speaks(&self) -> bool {
        !matches!(self.at, At::Awaiting { .. })
    }

    pub(super) fn asks(&self) -> bool {
        !matches!(self.at, At::MustHear { .. })
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        match self.at {
            At::Awaiting { until } => Some(until),
            At::MustHear { .. } | At::Choices => None,
        }
    }
}

impl Session {
    pub(super) fn enter_record(&mut self, turn: &mut Turn<'_>, record: &Record) -> Next {
        match record {
            Record::Start { .. } if self.agreed == Agreed::Yes => self.follow(turn),
            Record::Start { .. } if self.agreed == Agreed::No => self.refuse_recording(turn),
            Record::Start { .. } => {
                self.ahead.clear();
                self.seek_consent(turn, 0)
            }
            Record::Stop => {
                if std::mem::take(&mut self.agreed) == Agreed::Yes {
                    turn.actions.push(Action::StopRecording);
                }
                self.follow(turn)
            }
            Record::Pause | Record::Resume => {
                turn.actions.push(Action::PauseRecording(matches!(record, Record::Pause)));
                self.follow(turn)
            }
        }
    }

    fn seek_consent(&mut self, turn: &mut Turn<'_>, asked: u8) -> Next {
        let Some((consent, _)) = self.consent(turn) else { return Next::Stay };
        let StepKind::Record(record) = &turn.flows.flow(self.flow).step(self.step).kind else { return Next::Stay };
        let Record::Start { prompt, .. } = &**record else { return Next::Stay };
        let asks = consent == Consent::Ask;
        let noted = turn.actions.len();
        let mut words = Vec::new();
        match (prompt, asks) {
            (Some(prompt), _) => self.add_speech(turn, prompt, &mut words),
            (None, true) => self.add_phrase(turn, "phrases/record/ask", &mut words),
            (None, false) => self.add_phrase(turn, "phrases/record/announce", &mut words),
        }
        let unspeakable =
            turn.actions[noted..].iter().any(|action| matches!(action, Action::Note(FlowNote::Unspeakable { .. })));
        if words.is_empty() || unspeakable {
            // What cannot be said whole was not heard.
            return self.refuse_recording(turn);
        }
        self.playing = true;
        turn.actions.push(Action::PlayWhole(words));
        self.state = State::Consenting(Consenting { at: At::MustHear { asks }, asked });
        Next::Stay
    }

    /// Keys count once the question has been heard.
    pub(super) fn consent_key(&mut self, turn: &mut Turn<'_>, consenting: Consenting, key: Digit) -> Next {
        if consenting.asks() {
            self.steps = 0;
            match key.numeral() {
                Some(1) => return self.begin_recording(turn),
                Some(2) => {
                    self.agreed = Agreed::No;
                    return self.refuse_recording(turn);
                }
                _ => {
                    if let Some((exit, target)) = self.everywhere(turn, key) {
                        return Next::Leave { exit: exit.name(), to: Some(target) };
                    }
                }
            }
        }
        self.state = State::Consenting(consenting);
        Next::Stay
    }

    pub(super) fn consent_words_heard(&mut self, turn: &mut Turn<'_>, consenting: Consenting) -> Next {
        let Consenting { at, asked } = consenting;
        let at = match at {
            At::MustHear { asks: false } => return self.begin_recording(turn),
            At::MustHear { asks: true } => {
                let mut words = Vec::new();
                self.add_phrase(turn, "phrases/record/yes_no", &mut words);
                if words.is_empty() {
                    At::Awaiting { until: turn.now + FIRST_KEY }
                } else {
                    self.say_choices(turn, words)
                }
            }
            At::Choices | At::Awaiting { .. } => At::Awaiting { until: turn.now + FIRST_KEY },
        };
        self.state = State::Consenting(Consenting { at, asked });
        Next::Stay
    }

    fn say_choices(&mut self, turn: &mut Turn<'_>, words: Vec<PromptId>) -> At {
        self.play(turn, words);
        At::Choices
    }

    /// Something of it has no recording, and nothing was played.
    pub(super) fn consent_unheard(&mut self, turn: &mut Turn<'_>, consenting: Consenting) -> Next {
        match consenting.at {
            At::MustHear { .. } => self.refuse_recording(turn),
            At::Choices | At::Awaiting { .. } => self.consent_words_heard(turn, consenting),
        }
    }

    pub(super) fn consent_time_is_up(&mut self, turn: &mut Turn<'_>, consenting: Consenting) -> Next {
        match consenting.asked + 1 {
            TRIES.. => self.refuse_recording(turn),
            again => self.seek_consent(turn, again),
        }
    }

    /// All was heard, and the caller agrees.
    fn begin_recording(&mut self, turn: &mut Turn<'_>) -> Next {
        let Some((_, sides)) = self.consent(turn) else { return Next::Stay };
        self.agreed = Agreed::Yes;
        turn.actions.push(Action::StartRecording { sides });
        self.follow(turn)
    }

    /// It goes on without.
    fn refuse_recording(&mut self, turn: &mut Turn<'_>) -> Next {
        let step = turn.flows.flow(self.flow).step(self.step);
        let refused = match &step.kind {
            StepKind::Record(record) => match &**record {
                Record::Start { refused, .. } => *refused,
                Record::Stop | Record::Pause | Record::Resume => None,
            },
            _ => None,
        };
        Next::Leave { exit: Exit::Refused.name(), to: refused.or(step.next) }
    }

    fn consent(&self, turn: &Turn<'_>) -> Option<(Consent, Sides)> {
        match &turn.flows.flow(self.flow).step(self.step).kind {
            StepKind::Record(record) => match &**record {
                Record::Start { consent, sides, .. } => Some((*consent, *sides)),
                Record::Stop | Record::Pause | Record::Resume => None,
            },
            _ => None,
        }
    }

    /// Whether the caller is asked for something that nobody else may hear.
    pub fn asks_secret(&self) -> bool {
        let step = self.flows.flow(self.flow).step(self.step);
        matches!(&self.state, State::Asking(_)) && matches!(&step.kind, StepKind::Collect(collect) if collect.secret)
    }
}

/// The exits of a `record` step besides those that all have in common.
pub(super) fn record_exits(record: &Record) -> Vec<Exit<'static>> {
    match record {
        Record::Start { .. } => vec![Exit::Next, Exit::Refused, Exit::CallerHungUp],
        Record::Stop | Record::Pause | Record::Resume => vec![Exit::Next],
    }
}
