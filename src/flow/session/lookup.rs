//! `lookup`: a web service is asked, the caller is comforted when it takes long, and its answer decides where they go.
//!
//! Keys that are pressed meanwhile are kept for what comes after an answer; where there is none they meant something that
//! does not come, and are forgotten. No way out is left open: without one that is written the caller is told, and comes to a person
//! or to goodbye.

use std::sync::Arc;
use std::time::Duration;

use super::exit::Exit;
use super::turn::Turn;
use super::way::Next;
use super::{Action, FlowNote, Session, State};
use crate::clock::Moment;
use crate::flow::connector::{LookupAnswer, LookupFailure, LookupRequest, LookupSpec, LookupWay, Unrendered};
use crate::flow::{FlowIndex, PromptId, StepIndex, StepKind, Target};
use crate::telephony::Digit;

/// Callers hear that it takes a moment when it takes longer than this.
pub const COMFORT_AFTER: Duration = Duration::from_secs(1);
/// From the end of what they heard to the next time.
pub const COMFORT_AGAIN: Duration = Duration::from_secs(8);
/// Whoever asks tells when the time of the connector is over; this is for the case that they do not.
pub const LOOKUP_SPARE: Duration = Duration::from_secs(2);

/// A lookup that is under way, or whose outcome is told.
pub(super) struct LookingUp {
    /// Its name.
    lookup: u32,
    /// Then it is over, whether it is answered or not.
    limit: Moment,
    /// How often the caller was comforted.
    comforted: u32,
    at: At,
}

enum At {
    /// Silence, until something is said.
    Silent { until: Moment },
    /// "One moment, please."
    Comforting,
    /// The same, and the answer is here: nobody's first word is cut off.
    Answered(Box<LookupAnswer>),
    /// What came of it; then the step is left like this.
    Telling { exit: Exit<'static>, to: Option<Target> },
}

/// How often a way out of a lookup was taken: by step and by the first letter of its name.
pub(super) type WaysTaken = Vec<(FlowIndex, StepIndex, Outcome, u8)>;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Found,
    NotFound,
    Failed,
}

impl Outcome {
    fn exit(self) -> Exit<'static> {
        match self {
            Outcome::Found => Exit::Found,
            Outcome::NotFound => Exit::NotFound,
            Outcome::Failed => Exit::Failed,
        }
    }
}

impl LookingUp {
    pub(super) fn speaks(&self) -> bool {
        !matches!(self.at, At::Silent { .. })
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        match self.at {
            At::Silent { until } => Some(until.min(self.limit)),
            At::Comforting | At::Answered(_) | At::Telling { .. } => None,
        }
    }

    /// Its name, while the answer is awaited.
    pub(super) fn awaited(&self) -> Option<u32> {
        matches!(self.at, At::Silent { .. } | At::Comforting).then_some(self.lookup)
    }
}

// What was answered stays out of logs.
impl std::fmt::Debug for LookingUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.at {
            At::Silent { .. } => "LookingUp: silent",
            At::Comforting => "LookingUp: comforting",
            At::Answered(_) => "LookingUp: answered",
            At::Telling { .. } => "LookingUp: telling what came of it",
        })
    }
}

impl Session {
    pub(super) fn enter_lookup(&mut self, turn: &mut Turn<'_>, spec: &LookupSpec) -> Next {
        self.lookups += 1;
        let request = match self.request(turn, spec) {
            Ok(request) => request,
            Err(unrendered) => {
                let value = unrendered.value().clone();
                turn.note(FlowNote::Unaskable { flow: self.flow, step: self.step, value });
                return self.settle_lookup(turn, &LookupAnswer::Failed(LookupFailure::Unaskable));
            }
        };
        let limit = turn.now + turn.flows.connector(spec.connector).timeout + LOOKUP_SPARE;
        turn.actions.push(Action::Lookup(Box::new(request)));
        let at = At::Silent { until: turn.now + COMFORT_AFTER };
        self.state = State::LookingUp(LookingUp { lookup: self.lookups, limit, comforted: 0, at });
        Next::Stay
    }

    /// The service was asked, and this came of it.
    pub(super) fn lookup_answered(&mut self, turn: &mut Turn<'_>, lookup: u32, answer: Box<LookupAnswer>) -> Next {
        match &mut self.state {
            State::LookingUp(looking) if looking.awaited() == Some(lookup) => {
                if matches!(looking.at, At::Comforting) && self.ahead.is_empty() {
                    looking.at = At::Answered(answer);
                    return Next::Stay;
                }
                self.settle_lookup(turn, &answer)
            }
            _ => Next::Stay,
        }
    }

    /// A key: it is kept, and cuts short what need not be heard any more.
    pub(super) fn looking_up_key(&mut self, turn: &mut Turn<'_>, looking: LookingUp) -> Next {
        match looking.at {
            At::Answered(answer) => self.settle_lookup(turn, &answer),
            At::Telling { exit, to } => Next::Leave { exit: exit.name(), to },
            at @ (At::Silent { .. } | At::Comforting) => {
                self.state = State::LookingUp(LookingUp { at, ..looking });
                Next::Stay
            }
        }
    }

    pub(super) fn looking_up_words_heard(&mut self, turn: &mut Turn<'_>, looking: LookingUp) -> Next {
        match looking.at {
            At::Answered(answer) => self.settle_lookup(turn, &answer),
            At::Telling { exit, to } => Next::Leave { exit: exit.name(), to },
            At::Comforting if turn.now >= looking.limit => self.give_up_lookup(turn, &looking),
            At::Silent { .. } | At::Comforting => {
                let at = At::Silent { until: turn.now + COMFORT_AGAIN };
                self.state = State::LookingUp(LookingUp { at, ..looking });
                Next::Stay
            }
        }
    }

    /// The silence has lasted long enough, or all of it.
    pub(super) fn looking_up_time_is_up(&mut self, turn: &mut Turn<'_>, mut looking: LookingUp) -> Next {
        if turn.now >= looking.limit {
            return self.give_up_lookup(turn, &looking);
        }
        let phrase = match looking.comforted {
            0 => "phrases/lookup/one_moment",
            _ => "phrases/lookup/still_looking",
        };
        looking.comforted += 1;
        let mut words = Vec::new();
        self.add_phrase(turn, phrase, &mut words);
        looking.at = match words.is_empty() {
            true => At::Silent { until: turn.now + COMFORT_AGAIN },
            false => {
                self.play(turn, words);
                At::Comforting
            }
        };
        self.state = State::LookingUp(looking);
        Next::Stay
    }

    /// The caller has hung up: nobody wants to know any more.
    pub(super) fn abandon_lookup(&self, turn: &mut Turn<'_>) {
        if let State::LookingUp(looking) = &self.state
            && let Some(lookup) = looking.awaited()
        {
            turn.actions.push(Action::CancelLookup { lookup });
        }
    }

    fn give_up_lookup(&mut self, turn: &mut Turn<'_>, looking: &LookingUp) -> Next {
        turn.actions.push(Action::CancelLookup { lookup: looking.lookup });
        self.settle_lookup(turn, &LookupAnswer::Failed(LookupFailure::TimedOut))
    }

    fn request(&self, turn: &Turn<'_>, spec: &LookupSpec) -> Result<LookupRequest, Unrendered> {
        let connector = turn.flows.connector(spec.connector);
        let values = |name: &str| self.value(turn, name).map(std::borrow::Cow::into_owned);
        let mut url = String::new();
        connector.url.render_url(&values, &mut url)?;
        spec.path.render_url(&values, &mut url)?;
        let body = connector.body.as_ref().map(|body| body.render(&values)).transpose()?;
        Ok(LookupRequest {
            lookup: self.lookups,
            connector: spec.connector,
            url,
            body: body.map(|body| body.to_string()),
            zone: turn.flows.flow(self.flow).time_zone.clone(),
        })
    }

    /// Saves what was answered, and takes the way for it.
    fn settle_lookup(&mut self, turn: &mut Turn<'_>, answer: &LookupAnswer) -> Next {
        let StepKind::Lookup(spec) = &turn.flows.flow(self.flow).step(self.step).kind else {
            unreachable!("only lookups are answered")
        };
        if let Some(save) = &spec.save {
            self.save_record(save, answer);
        }
        let outcome = match answer {
            LookupAnswer::Found(_) => Outcome::Found,
            LookupAnswer::NotFound => Outcome::NotFound,
            LookupAnswer::Failed(_) => Outcome::Failed,
        };
        if outcome != Outcome::Found {
            self.ahead.clear();
        }
        let mut words = Vec::new();
        let (outcome, way) = self.lookup_way(spec, outcome);
        let to = match way {
            Some(Some(way)) => {
                if let Some(speech) = way.speech.as_ref().filter(|_| self.ahead.is_empty()) {
                    self.add_speech(turn, speech, &mut words);
                }
                Some(way.target)
            }
            Some(None) => turn.flows.flow(self.flow).step(self.step).next,
            None => {
                self.add_phrase(turn, "phrases/lookup/failed", &mut words);
                turn.flows.flow(self.flow).always.get(&Digit::ALL[0]).copied().or(Some(Target::HangUp))
            }
        };
        self.tell_lookup(turn, outcome.exit(), to, words)
    }

    /// How the step is left for an outcome, and the way that is written for it; `Some(None)` for what follows the step,
    /// `None` where nothing is written. A way that is used up makes the outcome a failure.
    fn lookup_way<'s>(&mut self, spec: &'s LookupSpec, outcome: Outcome) -> (Outcome, Option<Option<&'s LookupWay>>) {
        let written = match outcome {
            Outcome::Found => &spec.found,
            Outcome::NotFound => &spec.not_found,
            Outcome::Failed => &spec.failed,
        };
        match (written, outcome) {
            (Some(way), _) if self.may_take(outcome, way.at_most) => (outcome, Some(Some(way))),
            (None, Outcome::Found) => (outcome, Some(None)),
            (_, Outcome::Failed) => (outcome, None),
            (Some(_), Outcome::Found | Outcome::NotFound) => self.lookup_way(spec, Outcome::Failed),
            (None, Outcome::NotFound) => (outcome, self.lookup_way(spec, Outcome::Failed).1),
        }
    }

    /// Whether a way of the present step may be taken once more; it is counted.
    fn may_take(&mut self, outcome: Outcome, at_most: Option<u8>) -> bool {
        let Some(at_most) = at_most else { return true };
        let (flow, step) = (self.flow, self.step);
        let known = self.ways_taken.iter_mut().find(|(f, s, o, _)| (*f, *s, *o) == (flow, step, outcome));
        match known {
            Some((.., count)) if *count >= at_most => false,
            Some((.., count)) => {
                *count += 1;
                true
            }
            None => {
                self.ways_taken.push((flow, step, outcome, 1));
                at_most > 0
            }
        }
    }

    fn tell_lookup(
        &mut self,
        turn: &mut Turn<'_>,
        exit: Exit<'static>,
        to: Option<Target>,
        words: Vec<PromptId>,
    ) -> Next {
        if words.is_empty() {
            return Next::Leave { exit: exit.name(), to };
        }
        self.play(turn, words);
        let at = At::Telling { exit, to };
        self.state = State::LookingUp(LookingUp { lookup: self.lookups, limit: turn.now, comforted: 0, at });
        Next::Stay
    }

    /// The fields of an answer, in place of those of an earlier one.
    fn save_record(&mut self, save: &str, answer: &LookupAnswer) {
        self.values.retain(|(name, _)| name.strip_prefix(save).is_none_or(|field| !field.starts_with('.')));
        if let LookupAnswer::Found(fields) = answer {
            for (field, value) in fields {
                self.values.push((Arc::from(format!("{save}.{field}")), value.clone()));
            }
        }
    }
}

/// The exits of a `lookup` step.
pub(super) fn lookup_exits() -> [Exit<'static>; 4] {
    [Exit::Found, Exit::NotFound, Exit::Failed, Exit::CallerHungUp]
}
