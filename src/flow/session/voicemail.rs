//! `voicemail`: a greeting, a tone, and what the caller says; then they may hear it and say it again. Whatever way they go,
//! what they have said is kept, unless they ask for another in its place.

use super::exit::Exit;
use super::queue::FIRST_KEY;
use super::turn::Turn;
use super::way::Next;
use super::{Action, Session, State};
use crate::clock::Moment;
use crate::flow::{PromptId, StepKind, Target, Voicemail};
use crate::telephony::{Digit, TapeEnd, TapeReport};
use std::time::Duration;

/// How often a caller may say nothing.
const TRIES: u8 = 3;
/// How often it is asked what becomes of a message; then it is kept.
const REVIEWS: u8 = 2;
/// The media ends a message; this is for the case that its word never comes.
const SPARE: Duration = Duration::from_secs(15);
/// How long a message may take to be read.
const READ_MAX: Duration = Duration::from_secs(5);

/// A caller who leaves a message.
#[derive(Debug)]
pub(super) struct Leaving {
    at: At,
    /// How often nothing was said.
    empty: u8,
}

#[derive(Clone, Copy, Debug)]
enum At {
    /// They hear what to do.
    Greeting,
    /// They hear the tone and speak.
    Speaking { until: Moment },
    /// They have pressed hash; how it ended is about to be told.
    Ending { until: Moment },
    /// They are asked what is to become of it; `until` when that has been heard.
    Reviewing { until: Option<Moment>, asked: u8 },
    /// It is about to be played to them.
    Fetching { until: Moment },
    /// They hear it.
    Hearing,
    /// What came of it; then the step is left so.
    Telling { exit: Exit<'static>, to: Option<Target> },
}

impl Leaving {
    pub(super) fn speaks(&self) -> bool {
        matches!(self.at, At::Greeting | At::Reviewing { until: None, .. } | At::Hearing | At::Telling { .. })
    }

    pub(super) fn asks(&self) -> bool {
        !matches!(self.at, At::Telling { .. })
    }

    /// Whether the caller speaks, or what they have said is fetched.
    pub(super) fn is_spoken(&self) -> bool {
        matches!(self.at, At::Speaking { .. } | At::Ending { .. } | At::Fetching { .. })
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        match self.at {
            At::Speaking { until } | At::Ending { until } | At::Fetching { until } => Some(until),
            At::Reviewing { until, .. } => until,
            At::Greeting | At::Hearing | At::Telling { .. } => None,
        }
    }

    pub(super) fn assert_consistent(&self) {
        assert!(self.empty < TRIES, "nothing is said no more often");
    }
}

impl Session {
    /// Keys that were typed ahead were not meant for a message.
    pub(super) fn enter_voicemail(&mut self, turn: &mut Turn<'_>) -> Next {
        self.ahead.clear();
        let Some(step) = self.voicemail(turn) else { return Next::Stay };
        let mut words = Vec::new();
        match &step.greeting {
            Some(greeting) => self.add_speech(turn, greeting, &mut words),
            None => self.add_phrase(turn, "phrases/voicemail/greeting", &mut words),
        }
        self.add_phrase(turn, "phrases/voicemail/instruction", &mut words);
        self.greet(turn, words, 0)
    }

    fn greet(&mut self, turn: &mut Turn<'_>, words: Vec<PromptId>, empty: u8) -> Next {
        if words.is_empty() {
            return self.take_message(turn, empty);
        }
        self.leave_message(turn, Leaving { at: At::Greeting, empty }, words)
    }

    fn take_message(&mut self, turn: &mut Turn<'_>, empty: u8) -> Next {
        let Some(step) = self.voicemail(turn) else { return Next::Stay };
        turn.actions.push(Action::TakeMessage {
            mailbox: step.mailbox.clone(),
            longest: step.longest,
            shortest: step.shortest,
            silence: step.silence,
            mail: step.mail.clone(),
        });
        let until = turn.now + step.longest + SPARE;
        self.state = State::Leaving(Leaving { at: At::Speaking { until }, empty });
        Next::Stay
    }

    pub(super) fn message_key(&mut self, turn: &mut Turn<'_>, leaving: Leaving, key: Digit) -> Next {
        let Leaving { at, empty } = leaving;
        self.state = State::Leaving(Leaving { at, empty });
        match at {
            At::Greeting if key == Digit::HASH => {
                self.steps = 0;
                self.take_message(turn, empty)
            }
            At::Speaking { .. } if key == Digit::HASH => {
                self.steps = 0;
                turn.actions.push(Action::EndMessage);
                self.state = State::Leaving(Leaving { at: At::Ending { until: turn.now + SPARE }, empty });
                Next::Stay
            }
            At::Greeting => self.message_way_out(turn, key, false),
            At::Reviewing { .. } | At::Fetching { .. } | At::Hearing => {
                self.steps = 0;
                match key.numeral() {
                    Some(1) => self.keep_message(turn),
                    Some(2) => {
                        turn.actions.push(Action::HearMessage);
                        let until = turn.now + READ_MAX;
                        self.state = State::Leaving(Leaving { at: At::Fetching { until }, empty });
                        Next::Stay
                    }
                    Some(3) => {
                        turn.actions.push(Action::DropMessage);
                        let mut words = Vec::new();
                        self.add_phrase(turn, "phrases/voicemail/instruction", &mut words);
                        self.greet(turn, words, empty)
                    }
                    _ if key == Digit::HASH => self.keep_message(turn),
                    _ => self.message_way_out(turn, key, true),
                }
            }
            At::Speaking { .. } | At::Ending { .. } | At::Telling { .. } => Next::Stay,
        }
    }

    /// A key that works everywhere works here, too; what was said is kept.
    fn message_way_out(&mut self, turn: &mut Turn<'_>, key: Digit, said: bool) -> Next {
        let Some((exit, target)) = self.everywhere(turn, key) else { return Next::Stay };
        if said {
            turn.actions.push(Action::KeepMessage);
        }
        Next::Leave { exit: exit.name(), to: Some(target) }
    }

    pub(super) fn message_words_heard(&mut self, turn: &mut Turn<'_>, leaving: Leaving) -> Next {
        let Leaving { at, empty } = leaving;
        match at {
            At::Greeting => return self.take_message(turn, empty),
            At::Hearing => return self.review_message(turn, empty, 0, &[]),
            At::Telling { exit, to } => return Next::Leave { exit: exit.name(), to },
            At::Reviewing { asked, .. } => {
                let at = At::Reviewing { until: Some(turn.now + FIRST_KEY), asked };
                self.state = State::Leaving(Leaving { at, empty });
            }
            At::Speaking { .. } | At::Ending { .. } | At::Fetching { .. } => self.state = State::Leaving(leaving),
        }
        Next::Stay
    }

    pub(super) fn message_time_is_up(&mut self, turn: &mut Turn<'_>, leaving: Leaving) -> Next {
        let Leaving { at, empty } = leaving;
        match at {
            // No word of the media: what there is, is kept.
            At::Speaking { .. } | At::Ending { .. } => {
                turn.actions.push(Action::EndMessage);
                turn.actions.push(Action::KeepMessage);
                self.message_failed(turn)
            }
            At::Reviewing { asked, .. } if asked + 1 < REVIEWS => self.review_message(turn, empty, asked + 1, &[]),
            At::Reviewing { .. } => self.keep_message(turn),
            At::Fetching { .. } => self.review_message(turn, empty, 0, &["phrases/voicemail/unreadable"]),
            At::Greeting | At::Hearing | At::Telling { .. } => {
                self.state = State::Leaving(leaving);
                Next::Stay
            }
        }
    }

    /// The message has ended, in whatever way.
    pub(super) fn message_ended(&mut self, turn: &mut Turn<'_>, report: TapeReport) -> Next {
        let State::Leaving(Leaving { at: At::Speaking { .. } | At::Ending { .. }, empty }) = self.state else {
            return Next::Stay;
        };
        let Some(step) = self.voicemail(turn) else { return Next::Stay };
        if report.empty {
            turn.actions.push(Action::DropMessage);
            let empty = empty + 1;
            if empty >= TRIES {
                let to = turn.flows.flow(self.flow).step(self.step).next;
                return Next::Leave { exit: Exit::NoInput.name(), to };
            }
            let mut words = Vec::new();
            for phrase in ["phrases/voicemail/nothing_heard", "phrases/voicemail/instruction"] {
                self.add_phrase(turn, phrase, &mut words);
            }
            return self.greet(turn, words, empty);
        }
        let before: &[&str] = match report.end {
            TapeEnd::Longest => &["phrases/voicemail/too_long"],
            TapeEnd::Told | TapeEnd::Silence | TapeEnd::Closed => &[],
        };
        if step.review {
            return self.review_message(turn, empty, 0, before);
        }
        self.keep_message_after(turn, before)
    }

    /// The message that the caller wants to hear is there, and plays; or cannot be read.
    pub(super) fn message_read(&mut self, turn: &mut Turn<'_>, plays: bool) -> Next {
        let State::Leaving(Leaving { at: At::Fetching { .. }, empty }) = self.state else { return Next::Stay };
        if !plays {
            return self.review_message(turn, empty, 0, &["phrases/voicemail/unreadable"]);
        }
        self.playing = true;
        self.state = State::Leaving(Leaving { at: At::Hearing, empty });
        Next::Stay
    }

    /// Whether the caller waits to hear the message.
    pub fn awaits_message(&self) -> bool {
        matches!(self.state, State::Leaving(Leaving { at: At::Fetching { .. }, .. }))
    }

    /// It cannot be written: the caller hears an apology and goes on to somebody.
    /// `kept`: it had ended, and was to be kept.
    pub(super) fn message_lost(&mut self, turn: &mut Turn<'_>, kept: bool) -> Next {
        match self.state {
            // They are being thanked for it.
            State::Leaving(Leaving { at: At::Telling { exit: Exit::Next, .. }, .. }) if kept => {
                self.message_failed(turn)
            }
            _ if kept => Next::Stay,
            // Of one that was dropped before nobody wants to know.
            State::Leaving(Leaving { at: At::Telling { .. } | At::Greeting, .. }) => Next::Stay,
            // What was written until then is kept.
            State::Leaving(_) => {
                turn.actions.push(Action::EndMessage);
                turn.actions.push(Action::KeepMessage);
                self.message_failed(turn)
            }
            _ => Next::Stay,
        }
    }

    fn message_failed(&mut self, turn: &mut Turn<'_>) -> Next {
        let flow = turn.flows.flow(self.flow);
        let operator = flow.always.get(&Digit::ALL[0]).copied();
        let failed = self.voicemail(turn).and_then(|step| step.failed);
        let to = failed.or(operator).or(flow.step(self.step).next);
        self.tell_message(turn, Exit::Failed, to, &["phrases/voicemail/failed"])
    }

    fn review_message(&mut self, turn: &mut Turn<'_>, empty: u8, asked: u8, before: &[&str]) -> Next {
        let mut words = Vec::new();
        for phrase in before.iter().chain(&["phrases/voicemail/review"]) {
            self.add_phrase(turn, phrase, &mut words);
        }
        let leaving = Leaving { at: At::Reviewing { until: None, asked }, empty };
        self.leave_message(turn, leaving, words)
    }

    fn keep_message(&mut self, turn: &mut Turn<'_>) -> Next {
        self.keep_message_after(turn, &[])
    }

    fn keep_message_after(&mut self, turn: &mut Turn<'_>, before: &[&str]) -> Next {
        turn.actions.push(Action::KeepMessage);
        let to = turn.flows.flow(self.flow).step(self.step).next;
        let phrases: Vec<&str> = before.iter().copied().chain(["phrases/voicemail/kept"]).collect();
        self.tell_message(turn, Exit::Next, to, &phrases)
    }

    fn tell_message(&mut self, turn: &mut Turn<'_>, exit: Exit<'static>, to: Option<Target>, phrases: &[&str]) -> Next {
        let mut words = Vec::new();
        for phrase in phrases {
            self.add_phrase(turn, phrase, &mut words);
        }
        self.leave_message(turn, Leaving { at: At::Telling { exit, to }, empty: 0 }, words)
    }

    fn leave_message(&mut self, turn: &mut Turn<'_>, leaving: Leaving, words: Vec<PromptId>) -> Next {
        if words.is_empty() {
            return self.message_words_heard(turn, leaving);
        }
        self.play(turn, words);
        self.state = State::Leaving(leaving);
        Next::Stay
    }

    fn voicemail<'a>(&self, turn: &Turn<'a>) -> Option<&'a Voicemail> {
        match &turn.flows.flow(self.flow).step(self.step).kind {
            StepKind::Voicemail(voicemail) => Some(voicemail),
            _ => None,
        }
    }
}

/// The exits of a `voicemail` step besides those that all have in common.
pub(super) fn voicemail_exits() -> [Exit<'static>; 4] {
    [Exit::Next, Exit::NoInput, Exit::Failed, Exit::CallerHungUp]
}
