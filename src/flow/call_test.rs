//! Call tests as data: what a caller does, what is to come of it, and the world in which it happens. They are read with the
//! flows and played by the room `rehearsal`.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;

use super::place::Place;
use super::{FlowIndex, LookupAnswer, QueueIndex, StepIndex, Value};
use crate::telephony::Digit;

/// The number that calls where a test names none: one of those that Ofcom keeps for fiction.
pub const CALLER: &str = "+442079460123";

/// One call test.
#[derive(Clone, Debug, PartialEq)]
pub struct CallTest {
    /// What it is called; no other test is called the same.
    pub name: Arc<str>,
    /// Where it stands.
    pub place: Place,
    /// The flow that answers.
    pub entry: FlowIndex,
    /// The number that is dialled.
    pub dialled: String,
    /// The number that calls; empty where it is withheld.
    pub from: String,
    /// When the call begins, in the flow's zone.
    pub at: DateTime,
    /// The language that the caller speaks, if not the flow's first.
    pub language: Option<Arc<str>>,
    /// The step where the call begins, if not the flow's first.
    pub start: Option<StepIndex>,
    /// Values that are set when it begins.
    pub values: Vec<(Arc<str>, Value)>,
    /// What was before it.
    pub history: History,
    /// How the world stands when it begins.
    pub world: Vec<Change>,
    /// What happens in it, in this order.
    pub script: Vec<Act>,
}

/// What was before a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The name that comes with the call.
    pub name: Option<Arc<str>>,
    /// When the caller called before, in the flow's zone, in order; the last one of them was their last call.
    pub calls: Vec<DateTime>,
    /// The extension of the agent who talked to them last.
    pub last_agent: Option<Arc<str>>,
    /// In so long agents were done with a call of these queues of late, on the average: talk, hold and wrap-up.
    pub handle_times: Vec<(QueueIndex, Duration)>,
}

/// One thing that happens in a call test, or is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// Where it stands.
    pub place: Place,
    /// What.
    pub deed: Deed,
    /// How long it is waited for, where something is waited for.
    pub within: Option<Duration>,
}

/// What happens, or is to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// The caller hears this, sooner or later.
    Hear(Heard),
    /// The caller hears this neither before nor after.
    NeverHear(Heard),
    /// The caller presses these keys, as soon as keys are awaited.
    Press(Vec<Digit>),
    /// Time passes.
    Wait(Duration),
    /// The caller says nothing until the line has something to say about it.
    SayNothing,
    /// The caller hangs up.
    HangUp,
    /// The caller, who is called back, picks up.
    PickUp,
    /// The line says goodbye and hangs up.
    Goodbye,
    /// An agent's phone rings for the caller, and is picked up at once.
    AgentAnswers,
    /// An agent's phone rings for the caller, and is refused at once.
    AgentRefuses,
    /// The agent to whom the caller talks hangs up.
    AgentHangsUp,
    /// All of these hold, sooner or later.
    Expect(Vec<Expectation>),
    /// These metrics have changed by so much since the call began.
    Metrics(Vec<MetricChange>),
    /// The world changes.
    Change(Change),
}

/// What is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Whatever is said in this step.
    Step(FlowIndex, StepIndex),
    /// These words, wherever.
    Words(String),
}

/// What is expected of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Where it stands.
    pub place: Place,
    /// What.
    pub wanted: Wanted,
}

/// What can be expected of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// The caller waits in this queue, or talks to the agent to whom it led; `None`: in no queue.
    Queue(Option<QueueIndex>),
    /// An agent with these skills is wanted, and no others.
    Skills(Vec<Arc<str>>),
    /// The place has this priority.
    Priority(u8),
    /// The true place in line, from 1.
    Place(u32),
    /// The caller talks to this agent; `None`: to whomever.
    Agent(Option<Arc<str>>),
    /// A step has passed the caller on to this extension, number or address, and they talk; `None`: to whomever.
    Transferred(Option<Arc<str>>),
    /// Whether the call is recorded, or was.
    Recorded(bool),
    /// The caller is in this step.
    Step(FlowIndex, StepIndex),
    /// This language is spoken.
    Language(Arc<str>),
    /// This was collected, or set; `None`: there is no such value.
    Value(Arc<str>, Option<String>),
    /// The wait, or the call, has ended so.
    Outcome(&'static str),
    /// This question of a survey was answered so; `None`: it was not answered.
    Survey(Arc<str>, Option<u8>),
    /// These places were spoken so far, in this order; [`BEYOND_TEN`] for "more than ten".
    Spoken(Vec<u32>),
}

/// "You are behind more than ten callers", as a place.
pub const BEYOND_TEN: u32 = 11;

/// How a metric is to have changed.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricChange {
    /// Where it stands.
    pub place: Place,
    /// Its name.
    pub name: String,
    /// Labels that are asked for; series with other labels beside them count too.
    pub labels: Vec<(String, String)>,
    /// By how much.
    pub by: f64,
}

/// A change of the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// An agent, or all of them, do this from now on.
    Agent(Option<Arc<str>>, Vec<Habit>),
    /// So many callers wait in a queue.
    Waiting {
        /// Where.
        queue: QueueIndex,
        /// How many.
        callers: u32,
        /// What they want an agent to know.
        skills: Vec<Arc<str>>,
        /// How urgent they are.
        priority: u8,
    },
    /// A web service answers so.
    Lookup(Stub),
    /// Hours are open or closed whatever is written; `None`: as written.
    Hours(Arc<str>, Option<bool>),
    /// A telephone outside of the house, by the number or the address by which a step calls it, does this from now on: how
    /// it takes calls, or that it is [`Habit::Unreachable`].
    Telephone(Arc<str>, Vec<Habit>),
}

/// What a web service answers in place of the real one, which no test asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Stub {
    /// The connector.
    pub connector: Arc<str>,
    /// What is asked for, after the connector's name in `lookup: orders/{order_number}`; `None`: whatever is.
    pub path: Option<String>,
    /// The answer.
    pub answer: LookupAnswer,
    /// How long it takes.
    pub after: Duration,
}

/// What an agent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Takes calls.
    Ready,
    /// Is logged out until so much later, and takes calls then.
    ReadyAfter(Duration),
    /// Talks about something else for so long, and takes calls then.
    Busy(Duration),
    /// Is logged out.
    LoggedOut,
    /// Is paused.
    Paused,
    /// Is at work, and the phone is not.
    Unreachable,
    /// Picks up after so long.
    AnswersAfter(Duration),
    /// Never picks up.
    Misses,
    /// Refuses each call.
    Refuses,
    /// Hangs up after so long.
    TalksFor(Duration),
}

impl Habit {
    /// Whether it is about how a telephone takes calls, and not about who is at work.
    pub fn is_of_telephone(self) -> bool {
        matches!(self, Habit::AnswersAfter(_) | Habit::Misses | Habit::Refuses | Habit::TalksFor(_))
    }
}
