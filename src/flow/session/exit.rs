//! The names by which a step is left.

use std::sync::{Arc, LazyLock};

use super::callback::callback_exits;
use super::lookup::lookup_exits;
use super::queue::queue_exits;
use super::record::record_exits;
use super::survey::survey_exits;
use super::voicemail::voicemail_exits;
use crate::flow::{Consent, Flow, FlowSet, Record, Step, StepKind};
use crate::telephony::Digit;

/// How a step is left.
#[derive(Clone, Copy, Debug)]
pub(in crate::flow) enum Exit<'a> {
    /// To what follows it.
    Next,
    /// A condition held.
    Then,
    /// A condition did not hold.
    Otherwise,
    /// It was open.
    Open,
    /// It was closed.
    Closed,
    /// Into another flow.
    Flow,
    /// By these keys of a choice.
    Choice(&'a [Digit]),
    /// By a key that works everywhere.
    Always(Digit),
    /// Nothing came, as often as was asked.
    NoInput,
    /// Nothing fitted, as often as was asked.
    NoMatch,
    /// An agent answered, and the conversation is over.
    Answered,
    /// The wait was too long.
    TimedOut,
    /// The queue had no room.
    Full,
    /// Nobody was there to answer.
    NoAgents,
    /// Whoever was rung is busy, or declined.
    Busy,
    /// Whoever was rung did not answer.
    NoAnswer,
    /// A service knew what it was asked for.
    Found,
    /// It knew nothing.
    NotFound,
    /// Something broke.
    Failed,
    /// The caller is called back.
    Callback,
    /// The caller does not want to be recorded, or to answer.
    Refused,
    /// The flow ended the call.
    HangUp,
    /// The caller ended it.
    CallerHungUp,
}

/// The names that every flow has in common, made once.
struct Names {
    next: Arc<str>,
    then: Arc<str>,
    otherwise: Arc<str>,
    open: Arc<str>,
    closed: Arc<str>,
    flow: Arc<str>,
    choices: [Arc<str>; 16],
    always: [Arc<str>; 16],
    no_input: Arc<str>,
    no_match: Arc<str>,
    answered: Arc<str>,
    timed_out: Arc<str>,
    full: Arc<str>,
    no_agents: Arc<str>,
    busy: Arc<str>,
    no_answer: Arc<str>,
    found: Arc<str>,
    not_found: Arc<str>,
    failed: Arc<str>,
    callback: Arc<str>,
    refused: Arc<str>,
    hang_up: Arc<str>,
    caller_hung_up: Arc<str>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    next: "next".into(),
    then: "then".into(),
    otherwise: "otherwise".into(),
    open: "open".into(),
    closed: "closed".into(),
    flow: "flow".into(),
    choices: Digit::ALL.map(|digit| format!("choice {}", key_name(digit)).into()),
    always: Digit::ALL.map(|digit| format!("always {}", key_name(digit)).into()),
    no_input: "no_input".into(),
    no_match: "no_match".into(),
    answered: "answered".into(),
    timed_out: "timed_out".into(),
    full: "full".into(),
    no_agents: "no_agents".into(),
    busy: "busy".into(),
    no_answer: "no_answer".into(),
    found: "found".into(),
    not_found: "not_found".into(),
    failed: "failed".into(),
    callback: "callback".into(),
    refused: "refused".into(),
    hang_up: "hangup".into(),
    caller_hung_up: "caller_hung_up".into(),
});

impl Exit<'_> {
    /// The name in notes and metrics.
    pub(in crate::flow) fn name(self) -> Arc<str> {
        let names = &*NAMES;
        let name = match self {
            Exit::Next => &names.next,
            Exit::Then => &names.then,
            Exit::Otherwise => &names.otherwise,
            Exit::Open => &names.open,
            Exit::Closed => &names.closed,
            Exit::Flow => &names.flow,
            Exit::Choice([digit]) => &names.choices[usize::from(digit.event())],
            Exit::Choice(digits) => {
                return digits.iter().fold("choice ".to_owned(), |name, key| name + &key_name(*key)).into();
            }
            Exit::Always(digit) => &names.always[usize::from(digit.event())],
            Exit::NoInput => &names.no_input,
            Exit::NoMatch => &names.no_match,
            Exit::Answered => &names.answered,
            Exit::TimedOut => &names.timed_out,
            Exit::Full => &names.full,
            Exit::NoAgents => &names.no_agents,
            Exit::Busy => &names.busy,
            Exit::NoAnswer => &names.no_answer,
            Exit::Found => &names.found,
            Exit::NotFound => &names.not_found,
            Exit::Failed => &names.failed,
            Exit::Callback => &names.callback,
            Exit::Refused => &names.refused,
            Exit::HangUp => &names.hang_up,
            Exit::CallerHungUp => &names.caller_hung_up,
        };
        Arc::clone(name)
    }
}

/// Every way in which `step` of `flow`, one of `set`, can be left, as [`FlowNote::StepLeft`](super::FlowNote::StepLeft) will
/// name it.
pub fn exits(set: &FlowSet, flow: &Flow, step: &Step) -> Vec<Arc<str>> {
    let asked = [Exit::NoInput, Exit::NoMatch, Exit::CallerHungUp];
    let everywhere = flow.always.keys().map(|key| Exit::Always(*key));
    let mut exits: Vec<Exit<'_>> = Vec::new();
    match &step.kind {
        StepKind::Say { .. } | StepKind::Play { .. } => exits.extend([Exit::Next, Exit::CallerHungUp]),
        StepKind::Set(_) | StepKind::Language(_) => exits.push(Exit::Next),
        StepKind::Menu(menu) => {
            exits.extend(menu.choices.iter().map(|choice| Exit::Choice(&choice.keys)));
            exits.extend(everywhere.chain(asked));
        }
        StepKind::Collect(_) => exits.extend([Exit::Next].into_iter().chain(everywhere).chain(asked)),
        StepKind::When { otherwise: Some(_), .. } => exits.extend([Exit::Then, Exit::Otherwise]),
        StepKind::When { otherwise: None, .. } => exits.extend([Exit::Then, Exit::Next]),
        StepKind::Hours { .. } => exits.extend([Exit::Open, Exit::Closed]),
        StepKind::Queue { queue, .. } => exits.extend(queue_exits(set.queue(*queue))),
        StepKind::Transfer(_) => {
            exits.extend([Exit::Answered, Exit::Busy, Exit::NoAnswer, Exit::Failed, Exit::CallerHungUp])
        }
        StepKind::Callback { .. } => exits.extend(callback_exits().into_iter().chain(everywhere)),
        StepKind::Voicemail(_) => exits.extend(voicemail_exits().into_iter().chain(everywhere)),
        StepKind::Record(record) => {
            exits.extend(record_exits(record));
            if matches!(&**record, Record::Start { consent: Consent::Ask, .. }) {
                exits.extend(everywhere);
            }
        }
        StepKind::Survey(_) => exits.extend(survey_exits().into_iter().chain(everywhere)),
        StepKind::Lookup(_) => exits.extend(lookup_exits()),
        StepKind::Flow(_) => exits.push(Exit::Flow),
        StepKind::HangUp { .. } => exits.extend([Exit::HangUp, Exit::CallerHungUp]),
    }
    exits.into_iter().map(Exit::name).collect()
}

/// As in flow files: `7`, `star`, `hash`.
fn key_name(digit: Digit) -> String {
    match digit {
        Digit::STAR => "star".to_owned(),
        Digit::HASH => "hash".to_owned(),
        other => other.to_string(),
    }
}
