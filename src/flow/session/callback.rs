//! `callback`: a place in a queue without waiting on the line. The number is read back and confirmed, and the caller is
//! called when it is their turn.

use std::sync::Arc;

use super::exit::Exit;
use super::queue::{BETWEEN_KEYS, FIRST_KEY};
use super::turn::Turn;
use super::way::Next;
use super::{Action, FlowNote, Session, State};
use crate::clock::Moment;
use crate::flow::{PromptId, QueueIndex, SpokenAs, StepKind, Target, Value};
use crate::telephony::{Digit, NUMBER_DIGITS_MAX, NUMBER_DIGITS_MIN, PhoneNumber, is_number};

/// How often the caller is asked in all, when nothing comes or the number is none that we may call.
const TRIES: u8 = 3;

/// A caller who says on which number they are to be called back.
pub(super) struct Arranging {
    at: At,
    /// How often they were asked without an answer.
    asked: u8,
}

enum At {
    /// "We will call you back on ...": `until` when it has been heard.
    Confirming { number: String, until: Option<Moment> },
    /// The number on which to call back; likewise.
    Entering { digits: String, until: Option<Moment> },
    /// The queue is asked whether it has room.
    Booking,
    /// What came of it; then the step is left like this.
    Telling { exit: Exit<'static>, to: Option<Target> },
}

impl Arranging {
    pub(super) fn speaks(&self) -> bool {
        matches!(self.at, At::Confirming { until: None, .. } | At::Entering { until: None, .. } | At::Telling { .. })
    }

    pub(super) fn asks(&self) -> bool {
        matches!(self.at, At::Confirming { .. } | At::Entering { .. })
    }

    pub(super) fn is_between_keys(&self) -> bool {
        matches!(&self.at, At::Entering { digits, .. } if !digits.is_empty())
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        match self.at {
            At::Confirming { until, .. } | At::Entering { until, .. } => until,
            At::Booking | At::Telling { .. } => None,
        }
    }

    pub(super) fn assert_consistent(&self) {
        assert!(self.asked < TRIES, "it is asked no more often");
        match &self.at {
            At::Entering { digits, .. } => assert!(digits.len() < NUMBER_DIGITS_MAX, "a long number is complete"),
            At::Confirming { number, .. } => assert!(is_number(number), "a number can be called"),
            At::Booking | At::Telling { .. } => {}
        }
    }
}

// Keys and numbers stay out of logs.
impl std::fmt::Debug for Arranging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.at {
            At::Confirming { .. } => "Arranging: confirming a number",
            At::Entering { .. } => "Arranging: entering a number",
            At::Booking => "Arranging: asking the queue",
            At::Telling { .. } => "Arranging: telling what came of it",
        })
    }
}

impl Session {
    /// Keys that were typed ahead were not meant for a number: nobody is called by a slip.
    pub(super) fn enter_callback(&mut self, turn: &mut Turn<'_>, queue: QueueIndex) -> Next {
        self.ahead.clear();
        if !turn.flows.calls_back(queue) {
            return self.tell_callback(turn, Exit::Failed, "phrases/queue/call_back_impossible");
        }
        let own = self.caller.number.reveal().to_owned();
        if turn.flows.way_to(queue, &own).is_some() {
            self.confirm_callback(turn, own, 0)
        } else {
            self.ask_callback_number(turn, &[], 0)
        }
    }

    pub(super) fn arranging_key(&mut self, turn: &mut Turn<'_>, arranging: Arranging, key: Digit) -> Next {
        let Arranging { at, asked } = arranging;
        match (at, key.numeral()) {
            (At::Confirming { number, .. }, Some(1)) => return self.book_callback(turn, number),
            (At::Confirming { .. }, Some(2)) => return self.ask_callback_number(turn, &[], asked),
            (At::Entering { mut digits, .. }, Some(_)) => {
                digits.push(key.as_char());
                if digits.len() == NUMBER_DIGITS_MAX {
                    return self.weigh_callback_number(turn, digits, asked);
                }
                // Whoever keys has heard enough.
                self.state = State::Arranging(Arranging {
                    at: At::Entering { digits, until: Some(turn.now + BETWEEN_KEYS) },
                    asked,
                });
            }
            (At::Entering { digits, .. }, None) if key == Digit::HASH && digits.len() >= NUMBER_DIGITS_MIN => {
                return self.weigh_callback_number(turn, digits, asked);
            }
            (at @ (At::Confirming { .. } | At::Entering { .. }), _) => {
                self.state = State::Arranging(Arranging { at, asked });
                if let Some((exit, target)) = self.everywhere(turn, key) {
                    return Next::Leave { exit: exit.name(), to: Some(target) };
                }
            }
            (at @ (At::Booking | At::Telling { .. }), _) => self.state = State::Arranging(Arranging { at, asked }),
        }
        Next::Stay
    }

    pub(super) fn arranging_words_heard(&mut self, turn: &mut Turn<'_>, mut arranging: Arranging) -> Next {
        match &mut arranging.at {
            At::Telling { exit, to } => return Next::Leave { exit: exit.name(), to: *to },
            At::Confirming { until, .. } | At::Entering { until, .. } => *until = Some(turn.now + FIRST_KEY),
            At::Booking => {}
        }
        self.state = State::Arranging(arranging);
        Next::Stay
    }

    /// Silence: what was keyed counts if it can; else they are asked again, and not for ever.
    pub(super) fn arranging_time_is_up(&mut self, turn: &mut Turn<'_>, arranging: Arranging) -> Next {
        let Arranging { at, asked } = arranging;
        let again = asked + 1;
        match at {
            At::Entering { digits, .. } if digits.len() >= NUMBER_DIGITS_MIN => {
                self.weigh_callback_number(turn, digits, asked)
            }
            _ if again >= TRIES => self.give_up_callback(turn),
            At::Confirming { number, .. } => self.confirm_callback(turn, number, again),
            At::Entering { .. } => self.ask_callback_number(turn, &[], again),
            at @ (At::Booking | At::Telling { .. }) => {
                self.state = State::Arranging(Arranging { at, asked });
                Next::Stay
            }
        }
    }

    /// The queue has answered: the caller has a place in it, or not.
    pub(super) fn callback_booked(&mut self, turn: &mut Turn<'_>, booked: bool) -> Next {
        if !matches!(&self.state, State::Arranging(Arranging { at: At::Booking, .. })) {
            return Next::Stay;
        }
        match booked {
            true => self.tell_callback(turn, Exit::Callback, "phrases/queue/call_back_booked"),
            false => self.tell_callback(turn, Exit::Full, "phrases/queue/call_back_impossible"),
        }
    }

    fn confirm_callback(&mut self, turn: &mut Turn<'_>, number: String, asked: u8) -> Next {
        let mut words = Vec::new();
        self.add_phrase(turn, "phrases/queue/call_back_number", &mut words);
        if !self.add_value(turn, &Value::Text(number.clone()), SpokenAs::Digits, true, &mut words) {
            turn.note(FlowNote::Unspeakable { flow: self.flow, step: self.step });
        }
        self.add_phrase(turn, "phrases/collect/confirm", &mut words);
        self.arrange(turn, Arranging { at: At::Confirming { number, until: None }, asked }, words)
    }

    fn ask_callback_number(&mut self, turn: &mut Turn<'_>, before: &[&str], asked: u8) -> Next {
        let mut words = Vec::new();
        for phrase in before.iter().chain(&["phrases/queue/call_back_ask"]) {
            self.add_phrase(turn, phrase, &mut words);
        }
        self.arrange(turn, Arranging { at: At::Entering { digits: String::new(), until: None }, asked }, words)
    }

    /// A number that we may not call is told before anybody relies on it.
    fn weigh_callback_number(&mut self, turn: &mut Turn<'_>, digits: String, asked: u8) -> Next {
        let allowed = self.callback_queue(turn).is_some_and(|queue| turn.flows.way_to(queue, &digits).is_some());
        if allowed {
            return self.confirm_callback(turn, digits, asked);
        }
        match asked + 1 {
            TRIES.. => self.give_up_callback(turn),
            again => self.ask_callback_number(turn, &["phrases/queue/call_back_cannot"], again),
        }
    }

    fn book_callback(&mut self, turn: &mut Turn<'_>, number: String) -> Next {
        let StepKind::Callback { queue, skills, priority, wish, .. } = &turn.flows.flow(self.flow).step(self.step).kind
        else {
            return Next::Stay;
        };
        self.steps = 0;
        let (skills, priority) = self.wished(turn, *queue, (skills, *priority), wish);
        turn.actions.push(Action::BookCallback { queue: *queue, skills, priority, number: PhoneNumber::new(number) });
        self.state = State::Arranging(Arranging { at: At::Booking, asked: 0 });
        Next::Stay
    }

    fn give_up_callback(&mut self, turn: &mut Turn<'_>) -> Next {
        let to = self.without_callback(turn);
        Next::Leave { exit: Exit::NoInput.name(), to }
    }

    /// Says what came of it and leaves the step.
    fn tell_callback(&mut self, turn: &mut Turn<'_>, exit: Exit<'static>, phrase: &str) -> Next {
        let to = match exit {
            Exit::Callback => turn.flows.flow(self.flow).step(self.step).next,
            _ => self.without_callback(turn),
        };
        let mut words = Vec::new();
        self.add_phrase(turn, phrase, &mut words);
        self.arrange(turn, Arranging { at: At::Telling { exit, to }, asked: 0 }, words)
    }

    /// Where callers go who are not called back.
    fn without_callback(&self, turn: &Turn<'_>) -> Option<Target> {
        let step = turn.flows.flow(self.flow).step(self.step);
        match &step.kind {
            StepKind::Callback { otherwise: Some(otherwise), .. } => Some(*otherwise),
            _ => step.next,
        }
    }

    fn arrange(&mut self, turn: &mut Turn<'_>, arranging: Arranging, words: Vec<PromptId>) -> Next {
        if words.is_empty() {
            return self.arranging_words_heard(turn, arranging);
        }
        self.play(turn, words);
        self.state = State::Arranging(arranging);
        Next::Stay
    }

    fn callback_queue(&self, turn: &Turn<'_>) -> Option<QueueIndex> {
        match &turn.flows.flow(self.flow).step(self.step).kind {
            StepKind::Callback { queue, .. } => Some(*queue),
            _ => None,
        }
    }
}

/// The exits of a `callback` step besides those that all have in common.
pub(super) fn callback_exits() -> [Exit<'static>; 5] {
    [Exit::Callback, Exit::Full, Exit::Failed, Exit::NoInput, Exit::CallerHungUp]
}

/// What a callback is promised with.
impl Session {
    /// The language that the caller speaks, whether or not the present flow does.
    pub fn tongue(&self) -> &Arc<str> {
        &self.tongue
    }

    /// The number that was dialled.
    pub fn dialled(&self) -> &str {
        &self.dialled
    }
}
