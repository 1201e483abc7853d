//! Queues and agents, as operators set them up: the queue itself is run elsewhere, by these.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Choice, FlowIndex, FlowSet, Speech, Target};
use crate::telephony::is_number;

/// A queue's place in [`FlowSet::queues`](super::FlowSet::queues).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueIndex(pub u16);

/// Someone who answers.
#[derive(Clone, PartialEq, Eq)]
pub struct AgentSpec {
    /// What their telephone registers as, and is dialled by: 2 to 32 digits, letters, `.`, `_` or `-`.
    pub extension: Arc<str>,
    /// What they are called.
    pub name: Arc<str>,
    /// The telephone's password; without one, one is generated and kept.
    pub password: Option<Arc<str>>,
    /// What they know, with levels from 1 (a little) to 9 (best); at most [`Self::MOST_SKILLS`], each once.
    pub skills: Vec<(Arc<str>, u8)>,
    /// The language in which Helpline speaks to them.
    pub language: Arc<str>,
}

impl AgentSpec {
    /// Most skills of one agent.
    pub const MOST_SKILLS: usize = 32;
}

// The password is a secret.
impl fmt::Debug for AgentSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentSpec")
            .field("extension", &self.extension)
            .field("name", &self.name)
            .field("password", &self.password.as_ref().map(|_| "..."))
            .field("skills", &self.skills)
            .field("language", &self.language)
            .finish()
    }
}

/// How a queue chooses among the ready agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueueStrategy {
    /// Who has been ready for longest.
    #[default]
    LongestIdle,
    /// The next after the last.
    RoundRobin,
    /// Who has taken the fewest calls.
    FewestCalls,
    /// Who has talked the least.
    LeastTalkTime,
    /// Anyone.
    Random,
    /// All at once; one wins.
    RingAll,
    /// The first, in the order in which they are written.
    Linear,
}

/// Whose telephone rings first when a callback's turn has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallbackOrder {
    /// The agent's: the caller then meets somebody who waits for them.
    #[default]
    AgentFirst,
    /// The caller's: they wait at their old place for the next agent.
    CallerFirst,
}

/// How those who hung up are called back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackSpec {
    /// Whose telephone rings first.
    pub order: CallbackOrder,
    /// How long the caller's telephone rings, 10 s to 2 min.
    pub grace: Duration,
    /// How often they are called, 1 to 10.
    pub tries: u32,
    /// From one attempt to the next, 10 s to 24 h.
    pub gap: Duration,
    /// The SIP address that is called, with [`CallbackSpec::NUMBER`] in it; without it a trunk calls the number.
    pub dial: Option<Arc<str>>,
}

impl CallbackSpec {
    /// What stands for the number in [`CallbackSpec::dial`].
    pub const NUMBER: &str = "{number}";
}

impl Default for CallbackSpec {
    fn default() -> CallbackSpec {
        CallbackSpec {
            order: CallbackOrder::default(),
            grace: Duration::from_secs(30),
            tries: 3,
            gap: Duration::from_secs(600),
            dial: None,
        }
    }
}

/// How a number is called back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackWay {
    /// By this trunk.
    Trunk(Arc<str>),
    /// At this SIP address.
    Address(String),
}

/// What a step asks of a queue that only the call itself tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueWish {
    /// The value that tells how urgent it is: a number, of which 0 to 9 count.
    pub priority_of: Option<Arc<str>>,
    /// The values that name skills besides; one that names no skill of the queue's agents asks for none.
    pub skills_of: Vec<Arc<str>>,
    /// For so long only the agent who talked to the caller last will do, if they are at work; 1 s to 10 min.
    pub last_agent_for: Option<Duration>,
}

/// How a queue stands at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueStanding {
    /// Callers who wait, on the line or to be called back.
    pub waiting: u32,
    /// Agents who are logged in, reachable and not paused.
    pub agents: u32,
    /// Those of them who could take a call now.
    pub ready: u32,
    /// As long would a caller wait who came now, in whole minutes, rounded up; `None` where that is not known.
    pub wait_minutes: Option<u32>,
    /// As long has the first in line waited, in whole minutes.
    pub longest_minutes: u32,
}

/// How the queues stand of which flows tell something, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueStandings(pub BTreeMap<Arc<str>, QueueStanding>);

impl FlowSet {
    /// How callers of a queue are called back on this number; `None` where they may not be.
    pub fn way_to(&self, queue: QueueIndex, number: &str) -> Option<CallbackWay> {
        if !is_number(number) {
            return None;
        }
        match &self.queue(queue).callback.dial {
            Some(address) => Some(CallbackWay::Address(address.replace(CallbackSpec::NUMBER, number))),
            None => self.dial_plan.trunk_for(number).cloned().map(CallbackWay::Trunk),
        }
    }

    /// The skill of this name, if an agent of the queue has it.
    pub fn skill_in(&self, queue: QueueIndex, name: &str) -> Option<Arc<str>> {
        let members = &self.queue(queue).agents;
        let member = |agent: &&AgentSpec| members.iter().any(|(extension, _)| *extension == agent.extension);
        let mut skills = self.agents.iter().filter(member).flat_map(|agent| &agent.skills);
        skills.find(|(skill, _)| **skill == *name).map(|(skill, _)| skill.clone())
    }

    /// Whether callers of a queue can be called back at all, on whatever number.
    pub fn calls_back(&self, queue: QueueIndex) -> bool {
        self.queue(queue).callback.dial.is_some() || !self.dial_plan.is_empty()
    }
}

/// A line of callers and those who answer them.
#[derive(Clone, Debug)]
pub struct QueueSpec {
    /// Its name.
    pub name: Arc<str>,
    /// The flow whose steps and languages its settings mean; `None` where they name no step and say nothing.
    pub home: Option<FlowIndex>,
    /// Who answers, by extension, in order, with their tiers: those of tier 1 are offered callers first.
    pub agents: Vec<(Arc<str>, u8)>,
    /// How one of them is chosen.
    pub strategy: QueueStrategy,
    /// How long an agent's telephone rings, 1 s to 2 min.
    pub ring: Duration,
    /// An agent's pause after a call, at most 30 min.
    pub wrap_up: Duration,
    /// How long an agent who missed an offer is offered nothing, 1 s to 10 min; it doubles with each miss in a row ...
    pub rest: Duration,
    /// ... up to this, which is at most 1 h.
    pub rest_longest: Duration,
    /// So many misses in a row pause an agent, 1 to 100; `None`: never.
    pub misses_until_pause: Option<u32>,
    /// An agent who has picked up hears the queue's name and the wait before they hear the caller.
    pub whisper: bool,
    /// The folder of hold music below `prompts/music/`; without it all music there is.
    pub music: Option<Arc<str>>,
    /// All who wait hear the same moment of it, as of a radio; otherwise each begins at its beginning.
    pub music_together: bool,
    /// Callers are told their place.
    pub position_announced: bool,
    /// Callers are told how long it takes, where that is known.
    pub wait_announced: bool,
    /// From entry to the first announcement.
    pub announce_first: Duration,
    /// From the end of an announcement to the next.
    pub announce_repeat: Duration,
    /// What is said in turn where no place is told, and between the announcements; without any, thanks for waiting.
    pub comfort: Vec<Speech>,
    /// From the end of whatever was said last to the next of these, where no announcement comes first; `None`: only
    /// where no place is told.
    pub comfort_every: Option<Duration>,
    /// What agents' telephones are told to ring like (Alert-Info, RFC 3261 section 20.4), such as `<urn:alert:...>`.
    pub alert_info: Option<Arc<str>>,
    /// What callers can choose meanwhile; the only choices that may lead to [`Target::Callback`]. Their steps are those of `home`.
    pub while_waiting: Vec<Choice>,
    /// Most callers, callbacks among them, at least 1.
    pub most_callers: u32,
    /// Where who comes when the queue is full goes.
    pub full: Option<FlowTarget>,
    /// Longest wait, and where callers go then.
    pub too_long: (Duration, Option<FlowTarget>),
    /// Where callers go while no agent is there; without it they wait.
    pub no_agents: Option<FlowTarget>,
    /// Where callers go when an agent has hung up: to a survey, or to what leads to one; without it, to what follows the step.
    pub survey: Option<FlowTarget>,
    /// So many of a hundred callers are to be answered ...
    pub service_per_cent: u8,
    /// ... within this.
    pub service_within: Duration,
    /// Who hangs up sooner has not waited.
    pub short_abandon: Duration,
    /// Who was cut off and calls again within this has their place back.
    pub resume_window: Duration,
    /// After so long a wait any agent will do, whatever skills were asked for; `None`: never.
    pub relax_after: Option<Duration>,
    /// How those who hung up are called back.
    pub callback: CallbackSpec,
}

impl QueueSpec {
    /// A queue with the settings that stand where nothing is written, and nobody who answers.
    pub fn usual(name: &str) -> QueueSpec {
        QueueSpec {
            name: Arc::from(name),
            home: None,
            agents: Vec::new(),
            strategy: QueueStrategy::default(),
            ring: Duration::from_secs(20),
            wrap_up: Duration::from_secs(15),
            rest: Duration::from_secs(5),
            rest_longest: Duration::from_secs(60),
            misses_until_pause: Some(2),
            whisper: false,
            music: None,
            music_together: false,
            position_announced: true,
            wait_announced: true,
            announce_first: Duration::from_secs(20),
            announce_repeat: Duration::from_secs(60),
            comfort: Vec::new(),
            comfort_every: None,
            alert_info: None,
            while_waiting: Vec::new(),
            most_callers: 100,
            full: None,
            too_long: (Duration::from_secs(900), None),
            no_agents: None,
            survey: None,
            service_per_cent: 80,
            service_within: Duration::from_secs(20),
            short_abandon: Duration::from_secs(5),
            resume_window: Duration::from_secs(180),
            relax_after: None,
            callback: CallbackSpec::default(),
        }
    }
}

/// A target in a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowTarget {
    /// The flow whose steps are meant.
    pub flow: FlowIndex,
    /// Where.
    pub target: Target,
}
