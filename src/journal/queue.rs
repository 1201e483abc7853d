//! What happens in queues and to agents, told with names. Words such as outcomes and states are those of the queue
//! rules' section 1, so that a label is the same wherever it is met.

use std::sync::Arc;
use std::time::Duration;

/// What happened in a queue or to an agent.
#[derive(Clone, Debug, PartialEq)]
pub enum QueueEvent {
    /// A caller entered a queue.
    Entered {
        /// Where.
        queue: Arc<str>,
        /// How urgent.
        priority: u8,
        /// How much of the wait was brought along from an earlier place.
        brought: Duration,
    },
    /// A caller's place is gone.
    Left {
        /// Where.
        queue: Arc<str>,
        /// How: `answered`, `abandoned`, ...
        outcome: &'static str,
        /// Since they entered.
        wait: Duration,
        /// Who answered.
        agent: Option<Arc<str>>,
        /// Of who was answered: the first wait that was promised, where it had an end, and how long it took from then.
        promised: Option<(Duration, Duration)>,
    },
    /// A caller counts for the service level.
    Counted {
        /// Where.
        queue: Arc<str>,
        /// As what: `answered`, `abandoned`, `taken_out`, `late`, `short_abandoned`, `left`, `to_callback`.
        event: &'static str,
    },
    /// An agent's telephone is to ring.
    Offered {
        /// For a caller of this queue.
        queue: Arc<str>,
        /// Whose.
        agent: Arc<str>,
    },
    /// It rings no more.
    OfferEnded {
        /// For a caller of this queue.
        queue: Arc<str>,
        /// Whose.
        agent: Arc<str>,
        /// How: `accepted`, `declined`, `busy`, `no_answer`, `failed`, `our_fault`, `withdrawn`.
        result: &'static str,
    },
    /// An agent has finished with a call, wrap-up included.
    Handled {
        /// Of this queue.
        queue: Arc<str>,
        /// Who.
        agent: Arc<str>,
        /// In conversation.
        talk: Duration,
        /// Held.
        hold: Duration,
        /// Afterwards.
        wrap_up: Duration,
    },
    /// An agent does something else now.
    AgentState {
        /// Who.
        agent: Arc<str>,
        /// From this ...
        from: &'static str,
        /// ... after so long ...
        spent: Duration,
        /// ... to this.
        to: &'static str,
        /// Why, when paused.
        reason: Option<Arc<str>>,
    },
    /// A caller was told their place.
    SpokenPlace {
        /// Where.
        queue: Arc<str>,
        /// The true one, from 1.
        position: u32,
        /// The place that was said; 0 when no number was.
        spoken: u32,
    },
    /// A caller was told how long it takes, from these.
    SpokenWait {
        /// Where.
        queue: Arc<str>,
        /// Callers ahead.
        ahead: u32,
        /// Ready agents.
        available: u32,
        /// The queue's share of its staff, in agents.
        servers: f64,
        /// The mean handle time, in seconds.
        handle_seconds: f64,
        /// Of how many calls.
        samples: u32,
        /// The wait of the last caller answered here within 15 min, in seconds.
        last_wait_seconds: Option<f64>,
        /// The share of entries that abandon, 0 to 1.
        abandon_share: f64,
        /// What was expected, in seconds.
        expected_seconds: f64,
        /// What was promised; `None` for more than twenty minutes.
        promised: Option<Duration>,
    },
    /// A caller wants less of the agent than before.
    Relaxed {
        /// How often, from 1.
        stage: usize,
    },
    /// A caller has hung up and keeps the place.
    CallbackWanted,
    /// An attempt to call back is over.
    CalledBack {
        /// From 1.
        attempt: u32,
        /// Whether they answered.
        answered: bool,
    },
    /// A caller's line was lost; the place is kept for a while.
    Dropped,
    /// They are back, at their place.
    CameBack,
    /// A caller whom an agent has passed on has the place in which the agent waited.
    PlaceTaken {
        /// Where.
        queue: Arc<str>,
    },
}

/// A caller and an agent hear each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// The agent's extension.
    pub agent: Arc<str>,
    /// The queue that brought them together; `None` where one dialled the other, or was passed on.
    pub queue: Option<Arc<str>>,
    /// From the place time to the agent's picking up; zero where there was no place.
    pub waited: Duration,
    /// The extension of the agent who passed the caller on, if one did.
    pub from: Option<Arc<str>>,
}

/// They do no more.
#[derive(Clone, Debug, PartialEq)]
pub struct Parted {
    /// The agent's extension.
    pub agent: Arc<str>,
    /// The queue in which the caller had waited, if they had.
    pub queue: Option<Arc<str>>,
    /// In conversation.
    pub talk: Duration,
    /// Held by either side.
    pub hold: Duration,
    /// Who or what ended it: `caller`, `agent`, `transferred`, `operator`, `drained` or `broken`.
    pub by: &'static str,
}
