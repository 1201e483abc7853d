//! One call's life, as a value: dialled, answered, keys pressed, hung up. Told what happens and when, it says what to do.

use std::sync::Arc;
use std::time::Duration;

use super::script::Press;
use crate::clock::Moment;
use crate::telephony::{Cause, Digit, Warning};

/// How long a call may ring before it is given up: timer C of RFC 3261 section 16.6.
pub const RING_MAX: Duration = Duration::from_secs(180);

/// What every caller of a run does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How long after the answer it hangs up.
    pub hold: Duration,
    /// What it keys.
    pub keys: Arc<[Press]>,
}

/// What the shell is to do for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Press this key.
    Press(Digit),
    /// End the call.
    HangUp,
}

/// How a call came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was answered, and we hung up.
    HungUp,
    /// It was answered, and the other side hung up.
    RemoteHungUp,
    /// It was answered and broke: the dialog, its session or its transport was lost, or there was no audio.
    Broken(Cause),
    /// A final response of 300 to 699.
    Refused(Refused),
    /// No response came in time, or it rang too long.
    NoAnswer,
    /// The INVITE could not be sent.
    Unreachable,
    /// The person at the terminal stopped it before an answer.
    Interrupted,
}

/// A refusal as it was received.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// 300 to 699.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The texts of its Warning, each with its code.
    pub warnings: Vec<String>,
}

impl Refused {
    /// A refusal of which only the status is known.
    pub fn status(status: u16) -> Refused {
        Refused { status, reason: String::new(), warnings: Vec::new() }
    }

    /// A warning that a refusal carried.
    pub fn warned(mut self, warning: Option<&Warning>) -> Refused {
        self.warnings.extend(warning.map(|warning| format!("{} {}", warning.code, warning.text)));
        self
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Dialling {
        since: Moment,
    },
    Talking {
        since: Moment,
        pressed: usize,
    },
    /// We have hung up and the end is not told yet.
    Leaving {
        answered: bool,
        gave_up: bool,
    },
    Over(Ending),
}

/// One call.
#[derive(Clone, Debug)]
pub struct Caller {
    state: State,
}

impl Caller {
    /// A call whose INVITE is sent at `now`.
    pub fn dial(now: Moment) -> Caller {
        Caller { state: State::Dialling { since: now } }
    }

    /// The other side answered; `false` when that is no news.
    pub fn answered(&mut self, now: Moment) -> bool {
        let fresh = matches!(self.state, State::Dialling { .. });
        if fresh {
            self.state = State::Talking { since: now, pressed: 0 };
        }
        fresh
    }

    /// The next thing that is due, until there is none.
    pub fn expire(&mut self, now: Moment, plan: &Plan) -> Option<Act> {
        match &mut self.state {
            State::Dialling { since } if now - *since >= RING_MAX => {
                self.state = State::Leaving { answered: false, gave_up: true };
                Some(Act::HangUp)
            }
            State::Talking { since, pressed } => {
                let talked = now - *since;
                if talked >= plan.hold {
                    self.state = State::Leaving { answered: true, gave_up: false };
                    return Some(Act::HangUp);
                }
                let press = plan.keys.get(*pressed).filter(|press| talked >= press.after)?;
                *pressed += 1;
                Some(Act::Press(press.digit))
            }
            State::Dialling { .. } | State::Leaving { .. } | State::Over(_) => None,
        }
    }

    /// The person at the terminal wants no more; tells whether there is something to hang up.
    pub fn interrupt(&mut self) -> Option<Act> {
        let answered = match self.state {
            State::Dialling { .. } => false,
            State::Talking { .. } => true,
            State::Leaving { .. } | State::Over(_) => return None,
        };
        self.state = State::Leaving { answered, gave_up: false };
        Some(Act::HangUp)
    }

    /// The call is over, with the refusal if that ended it. Only the first end counts.
    pub fn ended(&mut self, cause: Cause, refused: Option<Refused>) {
        let ending = match (&self.state, cause) {
            (State::Over(_), _) => return,
            (State::Leaving { answered: true, .. }, _) => Ending::HungUp,
            (State::Leaving { gave_up: true, .. }, _) => Ending::NoAnswer,
            (State::Leaving { .. }, _) => Ending::Interrupted,
            (State::Talking { .. }, Cause::RemoteHungUp) => Ending::RemoteHungUp,
            (State::Talking { .. }, cause) => Ending::Broken(cause),
            (State::Dialling { .. }, Cause::RefusedBy(status)) => {
                Ending::Refused(refused.unwrap_or_else(|| Refused::status(status)))
            }
            (State::Dialling { .. }, Cause::TransportFailed) => Ending::Unreachable,
            (State::Dialling { .. }, Cause::NoAnswer) => Ending::NoAnswer,
            (State::Dialling { .. }, cause) => Ending::Broken(cause),
        };
        self.state = State::Over(ending);
    }

    /// Whether it was answered and neither side has hung up.
    pub fn is_talking(&self) -> bool {
        matches!(self.state, State::Talking { .. })
    }

    /// How it ended, once it has.
    pub fn ending(&self) -> Option<&Ending> {
        match &self.state {
            State::Over(ending) => Some(ending),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::script;
    use super::*;

    enum Told {
        Answered,
        Interrupted,
        Ended(Cause),
    }
    use Told::*;

    /// Runs a call in virtual time: what it is told and when (ms), what it must have done and when, and its end.
    fn check(what: &str, keys: &str, hold_ms: u64, told: &[(u64, Told)], acts: &[(u64, &str)], ending: Option<Ending>) {
        let plan = Plan { hold: Duration::from_millis(hold_ms), keys: script::parse(keys).expect("keys") };
        let mut caller = Caller::dial(Moment::ZERO);
        let mut done = Vec::new();
        let show = |act: Act| match act {
            Act::Press(digit) => digit.to_string(),
            Act::HangUp => "hang up".to_owned(),
        };
        let mut told = told.iter().peekable();
        for ms in (0..200_000).step_by(20) {
            let now = Moment::from_millis(ms);
            while let Some((_, news)) = told.next_if(|(at, _)| *at <= ms) {
                match news {
                    Answered => drop(caller.answered(now)),
                    Interrupted => done.extend(caller.interrupt().map(|act| (ms, show(act)))),
                    Ended(cause) => caller.ended(*cause, None),
                }
            }
            while let Some(act) = caller.expire(now, &plan) {
                done.push((ms, show(act)));
            }
        }
        let done: Vec<(u64, &str)> = done.iter().map(|(at, act)| (*at, act.as_str())).collect();
        assert_eq!(done, acts, "{what}");
        assert_eq!(caller.ending(), ending.as_ref(), "{what}");
    }

    #[test]
    fn a_call_does_what_it_planned_until_it_ends() {
        let ours = Cause::LocalHungUp;
        let theirs = Cause::RemoteHungUp;
        let leaves = [(40, Answered), (10_100, Ended(ours))];
        check("holds", "", 10_000, &leaves, &[(10_040, "hang up")], Some(Ending::HungUp));
        check("keys", ",1#", 10_000, &leaves, &[(1_040, "1"), (1_240, "#"), (10_040, "hang up")], Some(Ending::HungUp));
        check("keys beyond the hold", ",,1", 1_000, &[(0, Answered)], &[(1_000, "hang up")], None);
        check("no hold at all", "1", 0, &[(20, Answered)], &[(20, "hang up")], None);
        check("they hang up", ",1", 10_000, &[(0, Answered), (500, Ended(theirs))], &[], Some(Ending::RemoteHungUp));
        let twice = [(0, Answered), (500, Ended(theirs)), (600, Ended(Cause::DialogLost))];
        check("one end", "", 10_000, &twice, &[], Some(Ending::RemoteHungUp));
        let crossed = [(0, Answered), (1_020, Ended(theirs))];
        check("both hang up", "", 1_000, &crossed, &[(1_000, "hang up")], Some(Ending::HungUp));
        let broken = Some(Ending::Broken(Cause::SessionExpired));
        check("it breaks", "", 10_000, &[(0, Answered), (500, Ended(Cause::SessionExpired))], &[], broken);
    }

    #[test]
    fn a_call_that_is_not_answered_ends_too() {
        let refused = Some(Ending::Refused(Refused::status(486)));
        check("refused", "1", 1_000, &[(100, Ended(Cause::RefusedBy(486)))], &[], refused);
        check("no response", "1", 1_000, &[(32_000, Ended(Cause::NoAnswer))], &[], Some(Ending::NoAnswer));
        check("not sent", "1", 1_000, &[(0, Ended(Cause::TransportFailed))], &[], Some(Ending::Unreachable));
        let cancelled = [(180_020, Ended(Cause::NoAnswer))];
        check("rings for ever", "1", 1_000, &cancelled, &[(180_000, "hang up")], Some(Ending::NoAnswer));
    }

    #[test]
    fn the_person_at_the_terminal_may_stop_it() {
        let cause = Cause::LocalHungUp;
        let early = [(100, Interrupted), (120, Ended(cause))];
        check("before the answer", "", 1_000, &early, &[(100, "hang up")], Some(Ending::Interrupted));
        let late = [(0, Answered), (100, Interrupted), (120, Interrupted), (140, Ended(cause))];
        check("after it", ",1", 9_000, &late, &[(100, "hang up")], Some(Ending::HungUp));
        let crossing = [(100, Interrupted), (120, Answered), (140, Ended(cause))];
        check("an answer that crosses", "", 1_000, &crossing, &[(100, "hang up")], Some(Ending::Interrupted));
    }
}
