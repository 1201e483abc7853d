//! The menu language: what operators write becomes a checked [`FlowSet`], and a [`Session`] walks one caller through it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::telephony::{DialPlan, Digit};

pub mod agent_talk;
pub mod call_test;
mod codes;
mod condition;
pub mod connector;
pub mod difference;
pub mod document;
pub mod graph;
pub mod hours;
mod known_caller;
pub mod mailbox;
mod messages;
pub mod place;
mod queue;
pub mod session;
pub mod speech;
mod survey;
mod transfer;
mod value;

pub use codes::{AgentCode, AgentCodes, MAX_CODE, MAX_CODES};
pub use condition::Condition;
pub use connector::{Connector, ConnectorIndex, LookupAnswer, LookupFailure, LookupRequest, LookupSpec, LookupWay};
pub use hours::{Hours, HoursIndex, Switch, Switches};
pub use known_caller::KnownCaller;
pub use messages::{Consent, Record, Voicemail};
pub use queue::{
    AgentSpec, CallbackOrder, CallbackSpec, CallbackWay, FlowTarget, QueueIndex, QueueSpec, QueueStanding,
    QueueStandings, QueueStrategy, QueueWish,
};
pub use session::{
    Action, CallFacts, FlowNote, LeaveWhy, Session, SessionInput, SpokenPlace, SpokenWaitMinutes, Unqueued, WaitingTalk,
};
pub use speech::Languages;
pub use survey::{Scale, Survey, SurveyOutcome, SurveyQuestion};
pub use transfer::{RING_RANGE, TransferSpec, TransferTo, Untransferred};
pub use value::Value;

/// A flow's place in its [`FlowSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowIndex(pub u16);

/// A step's place in its [`Flow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepIndex(pub u32);

/// A language's place in its flow's `languages`; 0 is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LanguageIndex(pub u8);

/// A recording's place in [`FlowSet::prompts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PromptId(pub u32);

/// The name of rules of speech, such as `ordinal`: its place in what [`Languages`] keep of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RulesName(pub u16);

/// Everything that was read and checked together: it never changes, and a call keeps the one that it started with.
#[derive(Clone, Debug, Default)]
pub struct FlowSet {
    /// The flows.
    pub flows: Vec<Flow>,
    /// Which flow answers which dialled number.
    pub numbers: BTreeMap<String, FlowIndex>,
    /// The flow that answers `any`.
    pub any: Option<FlowIndex>,
    /// Every recording that a flow can ask for, once.
    pub prompts: Vec<Prompt>,
    /// Where a recording stands in `prompts`, by language and name.
    pub prompt_index: BTreeMap<(Arc<str>, Arc<str>), PromptId>,
    /// The queues.
    pub queues: Vec<QueueSpec>,
    /// Those of them of which conditions or texts tell something, such as `queue.support.waiting`.
    pub watched: Vec<QueueIndex>,
    /// Those who answer, each extension once.
    pub agents: Vec<AgentSpec>,
    /// Which numbers may be called back, and by which trunk.
    pub dial_plan: DialPlan,
    /// The web services that can be asked, each name once.
    pub connectors: Vec<Arc<Connector>>,
    /// When what is open, each name once.
    pub hours: Vec<Hours>,
    /// What agents can dial to steer their working day.
    pub codes: AgentCodes,
    /// How values are spoken in each language.
    pub languages: Arc<Languages>,
    /// Where in the files all this is written.
    pub places: place::Places,
}

impl FlowSet {
    /// The flow that answers `dialled`.
    pub fn for_number(&self, dialled: &str) -> Option<FlowIndex> {
        self.numbers.get(dialled).copied().or(self.any)
    }

    /// The flow at `index`.
    pub fn flow(&self, index: FlowIndex) -> &Flow {
        &self.flows[usize::from(index.0)]
    }

    /// The recording at `id`.
    pub fn prompt(&self, id: PromptId) -> &Prompt {
        &self.prompts[id.0 as usize]
    }

    /// The queue at `index`.
    pub fn queue(&self, index: QueueIndex) -> &QueueSpec {
        &self.queues[usize::from(index.0)]
    }

    /// The connector at `index`.
    pub fn connector(&self, index: ConnectorIndex) -> &Arc<Connector> {
        &self.connectors[usize::from(index.0)]
    }

    /// The hours called `name`.
    pub fn find_hours(&self, name: &str) -> Option<&Hours> {
        self.hours.iter().find(|hours| &*hours.name == name)
    }

    /// The language and the name of every recording, in the order of [`FlowSet::prompts`].
    pub fn wanted_recordings(&self) -> Vec<(Arc<str>, Arc<str>)> {
        self.prompts.iter().map(|prompt| (prompt.language.clone(), prompt.name.clone())).collect()
    }

    /// The recording called `name` in `language`.
    pub fn find_prompt(&self, language: &Arc<str>, name: &str) -> Option<PromptId> {
        self.prompt_index.get(&(language.clone(), Arc::from(name))).copied()
    }
}

/// A recording: `prompts/<language>/<name>.wav`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The path below the language's folder, without `.wav`: `main/welcome`, `main/main.1`, `phrases/digit/7`.
    pub name: Arc<str>,
    /// `en`.
    pub language: Arc<str>,
    /// What is said in it. Empty for a recording played by name (`play`).
    pub text: Arc<str>,
    /// The flow and step that ask for it; `None` for a phrase.
    pub step: Option<(FlowIndex, StepIndex)>,
}

/// One flow, checked: every name in it leads somewhere.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Its name.
    pub name: Arc<str>,
    /// Its languages; never empty, the first is the default.
    pub languages: Vec<Arc<str>>,
    /// The zone in which days and times are spoken.
    pub time_zone: jiff::tz::TimeZone,
    /// The currency in which amounts of no other are spoken (ISO 4217).
    pub currency: Option<Currency>,
    /// Where a caller begins.
    pub start: StepIndex,
    /// The keys that work in every menu.
    pub always: BTreeMap<Digit, Target>,
    /// The steps, in the order in which they are written.
    pub steps: Vec<Step>,
}

impl Flow {
    /// The step at `index`.
    pub fn step(&self, index: StepIndex) -> &Step {
        &self.steps[index.0 as usize]
    }
}

/// A currency that can be spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Currency {
    /// Pounds and pence.
    Gbp,
    /// Dollars and cents.
    Usd,
    /// Euros and cents.
    Eur,
}

impl Currency {
    /// How amounts say of which currency they are, before or after the number.
    pub(crate) const MARKS: [(&'static str, Currency); 6] = [
        ("GBP", Currency::Gbp),
        ("£", Currency::Gbp),
        ("USD", Currency::Usd),
        ("$", Currency::Usd),
        ("EUR", Currency::Eur),
        ("€", Currency::Eur),
    ];

    /// Its code (ISO 4217).
    pub const fn code(self) -> &'static str {
        match self {
            Currency::Gbp => "GBP",
            Currency::Usd => "USD",
            Currency::Eur => "EUR",
        }
    }

    /// The currency of this code, in capitals or not.
    pub fn of_code(code: &str) -> Option<Currency> {
        [Currency::Gbp, Currency::Usd, Currency::Eur].into_iter().find(|known| known.code().eq_ignore_ascii_case(code))
    }
}

/// Where a caller goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// That step.
    Step(StepIndex),
    /// The menu or question that the caller is in, from its beginning.
    Again,
    /// The menu or question that the caller was in before.
    Back,
    /// Goodbye.
    HangUp,
    /// Being called back, with the place in line kept; only in what a queue offers while callers wait.
    Callback,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name.
    pub name: Arc<str>,
    /// What it does.
    pub kind: StepKind,
    /// What follows; without it the caller hears goodbye and the call ends.
    pub next: Option<Target>,
}

/// What a step does: exactly one thing.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// Speak.
    Say {
        /// What.
        speech: Speech,
        /// No key cuts it short.
        must_hear: bool,
    },
    /// Play a recording by name.
    Play {
        /// Which, in each of the flow's languages.
        speech: Speech,
        /// No key cuts it short.
        must_hear: bool,
    },
    /// Offer choices.
    Menu(Menu),
    /// Ask for digits.
    Collect(Collect),
    /// Give values names.
    Set(Vec<(Arc<str>, Value)>),
    /// Take one way or the other.
    When {
        /// Which.
        condition: Condition,
        /// The way when it holds.
        then: Target,
        /// The way when it does not; without it, the step's `next`.
        otherwise: Option<Target>,
    },
    /// Take the way for open or closed; without one, the step's `next`.
    Hours {
        /// Which hours.
        hours: HoursIndex,
        /// While they are open.
        open: Option<Target>,
        /// While they are closed.
        closed: Option<Target>,
    },
    /// Ask a web service, and take the way for its answer.
    Lookup(Box<LookupSpec>),
    /// Speak this language from now on.
    Language(LanguageIndex),
    /// Walk another flow, and come back to `next` when it ends.
    Flow(FlowIndex),
    /// Wait for an agent, and go on to `next` after the conversation.
    Queue {
        /// Where.
        queue: QueueIndex,
        /// What the agent must know, each once; at most [`AgentSpec::MOST_SKILLS`].
        skills: Vec<Arc<str>>,
        /// How urgent: a greater number goes first, 0 to 9.
        priority: u8,
        /// What of that only the call itself tells.
        wish: QueueWish,
    },
    /// Take a place in a queue and be called back when it is the caller's turn; then go on to `next`.
    Callback {
        /// Where.
        queue: QueueIndex,
        /// What the agent must know.
        skills: Vec<Arc<str>>,
        /// How urgent.
        priority: u8,
        /// What of that only the call itself tells.
        wish: QueueWish,
        /// Where callers go who are not called back; without it, the step's `next`.
        otherwise: Option<Target>,
    },
    /// Take a message for a mailbox.
    Voicemail(Box<Voicemail>),
    /// Record the call with the caller's consent, or no more.
    Record(Box<Record>),
    /// Ask for the caller's opinion.
    Survey(Box<Survey>),
    /// Pass the caller on, and go on to `next` after the conversation.
    Transfer(Box<TransferSpec>),
    /// Say the last words and hang up.
    HangUp {
        /// The last words.
        speech: Option<Speech>,
    },
}

impl StepKind {
    /// What an agent must know who is to be met by it, where the flow itself says so.
    pub fn skills(&self) -> &[Arc<str>] {
        match self {
            StepKind::Queue { skills, .. } | StepKind::Callback { skills, .. } => skills,
            _ => &[],
        }
    }
}

/// What is said, for each of the flow's languages in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Speech {
    /// The pieces, joined without a gap.
    pub by_language: Vec<Vec<Piece>>,
}

/// A part of what is said.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// A recording.
    Prompt(PromptId),
    /// A value, spoken from phrases.
    Value {
        /// Its name, such as `order_number` or `now`.
        name: Arc<str>,
        /// How it is spoken.
        format: SpokenAs,
    },
}

/// How a value is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpokenAs {
    /// Digit by digit.
    Digits,
    /// As a whole number or a decimal fraction.
    Number,
    /// As an amount of money.
    Money,
    /// As a day: "Friday, the 18th of December", or "today".
    Day,
    /// As a time of day.
    Time,
    /// As a day and a time of day: "tomorrow at nine A M".
    DayTime,
    /// As a length of time: "one hour and thirty minutes".
    Duration,
    /// As a whole number by rules of the language: "third", "five minutes".
    Ruled(RulesName),
    /// As a word that has a recording of its own: `phrases/word/<value>`.
    Word,
}

/// A menu.
#[derive(Clone, Debug)]
pub struct Menu {
    /// The question.
    pub speech: Option<Speech>,
    /// The choices, in the order in which they are spoken.
    pub choices: Vec<Choice>,
    /// No key cuts the question short; the choices can always be.
    pub must_hear: bool,
    /// Tries and what is said.
    pub patience: Patience,
}

/// A choice of a menu.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The keys: one, or several for an extension-like choice (`42`).
    pub keys: Vec<Digit>,
    /// Its whole spoken line ("For billing, press two."); `None` for a choice that is not announced.
    pub speech: Option<Speech>,
    /// Where it leads.
    pub target: Target,
    /// Silent and dead while this does not hold.
    pub when: Option<Condition>,
}

/// A question for digits.
#[derive(Clone, Debug)]
pub struct Collect {
    /// The question.
    pub speech: Speech,
    /// No key cuts the question short.
    pub must_hear: bool,
    /// Fewest digits, at least 1.
    pub shortest: u8,
    /// Most digits, at most 64; the answer is complete at once when they are reached.
    pub longest: u8,
    /// The key that ends the answer; `None` for no such key.
    pub end_key: Option<Digit>,
    /// The value's name.
    pub save: Arc<str>,
    /// Read the answer back and ask: 1 for right, 2 to enter it again.
    pub confirm: bool,
    /// How the answer is read back.
    pub confirm_as: SpokenAs,
    /// Never read back by itself, shown or logged.
    pub secret: bool,
    /// Tries and what is said.
    pub patience: Patience,
}

/// How long a menu or a question waits and how often it asks.
#[derive(Clone, Debug)]
pub struct Patience {
    /// How long to wait for the first key, after the last word.
    pub first_key: Duration,
    /// How long to wait between keys.
    pub between_keys: Duration,
    /// How often to ask in all when nothing comes, and, counted apart, when nothing fits; at least 1.
    pub tries: u8,
    /// Said when nothing came; else the phrase `menu/no_input` or `collect/no_input`.
    pub no_input: Option<Speech>,
    /// Said when nothing fits; else the phrase `menu/no_match`, `collect/too_short` or `collect/too_long`.
    pub no_match: Option<Speech>,
    /// Where to go when the tries are used up; else key 0's target in `always`, else goodbye.
    pub otherwise: Option<Target>,
}
