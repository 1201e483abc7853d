//! What the distributor wants done, and what it tells the journal.

use std::sync::Arc;
use std::time::Duration;

use super::estimate::{Band, EstimateInputs, SpokenWait};
use super::ids::{AgentId, CallerLabel, EntryId, OfferId, Priority, QueueId, Target};
use super::input::Refused;
use crate::clock::Moment;

/// What the distributor wants done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Ring the agent. Accepted or refused comes back with the same `offer`.
    Offer {
        /// Its name.
        offer: OfferId,
        /// Whom to ring.
        agent: AgentId,
        /// For whom.
        entry: EntryId,
        /// The distributor withdraws it then by itself.
        until: Moment,
        /// The caller is not on the line and will be called once the agent has picked up.
        callback: bool,
    },
    /// Stop ringing: nobody there must answer to silence.
    Withdraw {
        /// Which.
        offer: OfferId,
        /// Whose telephone rings.
        agent: AgentId,
    },
    /// An offer was accepted that is no more: hang up, let nobody hear anything.
    LateAccept {
        /// Which.
        offer: OfferId,
    },
    /// Cut all waiting audio and bridge; `Bridged` is awaited.
    Connect {
        /// Whom.
        entry: EntryId,
        /// To whom.
        agent: AgentId,
    },
    /// End the agent's leg: the caller was not reached, or has gone before the bridge. `AgentLegEnded` is awaited.
    Release {
        /// Whose.
        agent: AgentId,
    },
    /// Call the caller back.
    CallBack {
        /// Whom.
        entry: EntryId,
        /// The agent who holds the line for them, if any.
        agent: Option<AgentId>,
        /// Counted from 1.
        attempt: u32,
        /// The distributor gives it up then by itself.
        until: Moment,
    },
    /// End the attempt to call back, or what has become of it.
    CancelCallBack {
        /// To whom.
        entry: EntryId,
    },
    /// Say this to the caller; `AnnouncementFinished` is awaited.
    Announce {
        /// To whom.
        entry: EntryId,
        /// What.
        words: Announcement,
    },
    /// The entry is over.
    Ended {
        /// Which.
        entry: EntryId,
        /// How.
        outcome: Outcome,
        /// Where the caller goes, if they are still there and something is configured.
        go: Option<Target>,
        /// To take along where the place is kept.
        place_time: Moment,
    },
    /// For the journal.
    Note(Note),
}

/// What a waiting caller hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Their place.
    pub place: SpokenPlace,
    /// And how long it takes.
    pub wait: Option<SpokenWait>,
    /// A comfort message between two announcements.
    pub aside: bool,
}

/// A place in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpokenPlace {
    /// "You are next."
    YouAreNext,
    /// "You are number ... in line": 2 to 10.
    Number(u8),
    /// "There are more than ten callers ahead of you."
    MoreThanTen,
    /// No number: thank you for waiting.
    Comfort,
}

/// How an entry ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Bridged to an agent.
    Answered,
    /// They hung up, or were dropped and did not come back.
    Abandoned,
    /// They hung up almost at once.
    ShortAbandoned,
    /// They waited too long.
    TimedOut,
    /// The queue was full.
    Overflowed,
    /// Nobody was there to answer.
    NoAgents,
    /// They chose to go elsewhere.
    LeftByKey,
    /// They were called back and bridged to an agent.
    Callback,
    /// It went wrong, or they could not be called back.
    Failed,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 9] = [
        Outcome::Answered,
        Outcome::Abandoned,
        Outcome::ShortAbandoned,
        Outcome::TimedOut,
        Outcome::Overflowed,
        Outcome::NoAgents,
        Outcome::LeftByKey,
        Outcome::Callback,
        Outcome::Failed,
    ];

    /// As the rules' section 1 writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Answered => "answered",
            Outcome::Abandoned => "abandoned",
            Outcome::ShortAbandoned => "short_abandoned",
            Outcome::TimedOut => "timed_out",
            Outcome::Overflowed => "overflowed",
            Outcome::NoAgents => "no_agents",
            Outcome::LeftByKey => "left_by_key",
            Outcome::Callback => "callback",
            Outcome::Failed => "failed",
        }
    }
}

/// What an agent is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentState {
    /// Not at work.
    LoggedOut,
    /// At work, but the telephone is not.
    Unreachable,
    /// Takes calls.
    Ready,
    /// Their telephone rings for a queue.
    Ringing,
    /// In a call.
    Talking,
    /// In a call that is held.
    Holding,
    /// Finishing what the last call began.
    WrapUp,
    /// At work, but takes no calls.
    Paused,
}

impl AgentState {
    /// All of them.
    pub const ALL: [AgentState; 8] = [
        AgentState::LoggedOut,
        AgentState::Unreachable,
        AgentState::Ready,
        AgentState::Ringing,
        AgentState::Talking,
        AgentState::Holding,
        AgentState::WrapUp,
        AgentState::Paused,
    ];

    /// As the rules' section 1 writes it.
    pub const fn name(self) -> &'static str {
        match self {
            AgentState::LoggedOut => "logged_out",
            AgentState::Unreachable => "unreachable",
            AgentState::Ready => "ready",
            AgentState::Ringing => "ringing",
            AgentState::Talking => "talking",
            AgentState::Holding => "holding",
            AgentState::WrapUp => "wrap_up",
            AgentState::Paused => "paused",
        }
    }

    /// Whether the agent counts as staff of their queues: not logged out, unreachable or paused (section 4).
    pub const fn is_staff(self) -> bool {
        !matches!(self, AgentState::LoggedOut | AgentState::Unreachable | AgentState::Paused)
    }
}

/// Why an agent is paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PauseReason {
    /// Too many offers in a row were missed.
    Missed,
    /// As the agent or an operator said.
    Said(Arc<str>),
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferResult {
    /// The agent picked up.
    Accepted,
    /// The agent did not.
    Refused(Refused),
    /// We stopped ringing: another won, the caller left, or the agent did.
    Withdrawn,
}

/// How an entry counts for the service level, once (section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LevelEvent {
    /// A: answered within the threshold.
    Answered,
    /// B: abandoned within the threshold, and not shortly.
    Abandoned,
    /// X: taken out by the system within the threshold.
    TakenOut,
    /// L: the threshold passed while they waited.
    Late,
    /// Outside: abandoned shortly.
    ShortAbandoned,
    /// Outside: went elsewhere by their own choice.
    Left,
    /// Outside: chose to be called back.
    ToCallback,
}

/// What happened, for the journal. Figures are folds over these.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// Somebody entered a queue.
    Entered {
        /// Where.
        queue: QueueId,
        /// As what.
        entry: EntryId,
        /// Who.
        label: CallerLabel,
        /// How urgent.
        priority: Priority,
        /// The time whose place they have.
        place_time: Moment,
    },
    /// An entry is over.
    Ended {
        /// Where.
        queue: QueueId,
        /// Which.
        entry: EntryId,
        /// How.
        outcome: Outcome,
        /// Since entry; of dropped callers until they were dropped.
        wait: Duration,
        /// Who answered.
        agent: Option<AgentId>,
        /// Of who was answered: the first wait that was spoken, and how long it took from then.
        estimate: Option<(SpokenWait, Duration)>,
    },
    /// An entry counts for the service level.
    Counted {
        /// Where.
        queue: QueueId,
        /// Which.
        entry: EntryId,
        /// As what.
        event: LevelEvent,
    },
    /// An agent's telephone is to ring.
    Offered {
        /// Where.
        queue: QueueId,
        /// For whom.
        entry: EntryId,
        /// Who.
        agent: AgentId,
        /// The offer.
        offer: OfferId,
    },
    /// An offer is over.
    OfferEnded {
        /// Where.
        queue: QueueId,
        /// For whom.
        entry: EntryId,
        /// Who.
        agent: AgentId,
        /// The offer.
        offer: OfferId,
        /// How.
        result: OfferResult,
    },
    /// An agent has finished a call, wrap-up included.
    Handled {
        /// Where.
        queue: QueueId,
        /// Whose.
        entry: EntryId,
        /// Who.
        agent: AgentId,
        /// In conversation, from the agent's picking up.
        talk: Duration,
        /// Held.
        hold: Duration,
        /// Afterwards.
        wrap_up: Duration,
    },
    /// An agent's state has changed.
    AgentState {
        /// Who.
        agent: AgentId,
        /// From this ...
        from: AgentState,
        /// ... after so long ...
        spent: Duration,
        /// ... to this.
        to: AgentState,
        /// Why, when paused.
        reason: Option<PauseReason>,
    },
    /// A place was spoken.
    SpokenPlace {
        /// Whose.
        entry: EntryId,
        /// Where.
        queue: QueueId,
        /// The true position, from 1.
        position: u32,
        /// What was said.
        spoken: SpokenPlace,
    },
    /// A wait was spoken, and where it came from.
    SpokenWait {
        /// Whose.
        entry: EntryId,
        /// Where.
        queue: QueueId,
        /// From these.
        inputs: EstimateInputs,
        /// Came this.
        band: Band,
        /// And this was said.
        spoken: SpokenWait,
    },
    /// A caller wants less than before.
    Relaxed {
        /// Who.
        entry: EntryId,
        /// From 1.
        stage: usize,
    },
    /// A caller has hung up and keeps the place.
    CallbackWanted {
        /// Who.
        entry: EntryId,
    },
    /// An attempt to call back is over.
    CalledBack {
        /// Who.
        entry: EntryId,
        /// From 1.
        attempt: u32,
        /// Whether they answered.
        answered: bool,
    },
    /// A caller's line was lost.
    Dropped {
        /// Who.
        entry: EntryId,
    },
    /// They are back, at their place.
    Resumed {
        /// Who.
        entry: EntryId,
    },
}
