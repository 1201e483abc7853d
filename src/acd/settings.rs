//! How queues and agents are set up, with the defaults of the rules' section 2.

use std::time::Duration;

use super::ids::{AgentId, QueueId, Target};
use super::skill::Skills;

/// Section 2: ring time of one offer.
pub const RING: Duration = Duration::from_secs(20);
/// Section 2: gap before the same agent is offered again after a miss, ...
pub const BACK_OFF: Duration = Duration::from_secs(5);
/// ... doubling up to this.
pub const BACK_OFF_MAX: Duration = Duration::from_secs(60);
/// Section 2: missed offers in a row until an agent is paused.
pub const MISSES_UNTIL_PAUSE: u32 = 2;
/// Section 2: wrap-up.
pub const WRAP_UP: Duration = Duration::from_secs(15);
/// Section 2: service level, per cent ...
pub const SERVICE_LEVEL_PER_CENT: u8 = 80;
/// ... within this.
pub const SERVICE_LEVEL_WITHIN: Duration = Duration::from_secs(20);
/// Section 2: callback: how long the caller's telephone may ring in one attempt.
pub const CALLBACK_GRACE: Duration = Duration::from_secs(30);
/// Section 2: callback: attempts.
pub const CALLBACK_TRIES: u32 = 3;
/// Section 2: callback: between two attempts.
pub const CALLBACK_GAP: Duration = Duration::from_secs(600);
/// Section 2: first announcement, after entry.
pub const ANNOUNCE_FIRST: Duration = Duration::from_secs(20);
/// Section 2: repeat, after the end of the last.
pub const ANNOUNCE_REPEAT: Duration = Duration::from_secs(60);
/// Section 2: announcements are at least so far apart.
pub const ANNOUNCE_GAP: Duration = Duration::from_secs(20);
/// Section 2: maximum wait.
pub const WAIT_MAX: Duration = Duration::from_secs(15 * 60);
/// Section 2: maximum callers.
pub const CALLERS_MAX: usize = 100;
/// Section 2: resume window after a dropped call.
pub const RESUME_WINDOW: Duration = Duration::from_secs(180);
/// Section 2: who hangs up sooner has abandoned shortly.
pub const SHORT_ABANDON: Duration = Duration::from_secs(5);

/// A queue without agents for so long sends its callers on, so that a phone that re-registers empties no line.
pub const NO_AGENTS_AFTER: Duration = Duration::from_secs(30);
/// A caller for whom no telephone could be rung, by a fault on our side, is offered again after this.
pub const FAULT_REST: Duration = Duration::from_secs(1);
/// A wrap-up lasts no longer, however often it is extended.
pub const WRAP_UP_MAX: Duration = Duration::from_secs(30 * 60);
/// An announcement whose end is not told has ended by then.
pub const ANNOUNCEMENT_MAX: Duration = Duration::from_secs(60);
/// The line of a caller who has just chosen to be called back is still busy for a moment.
pub const CALLBACK_SETTLE: Duration = Duration::from_secs(5);
/// Who could not be called back for so long is given up: who asks on a Friday evening is called on Monday.
pub const CALLBACK_LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// As many dropped callers' places are kept at once, in all queues.
pub const DROPPED_MAX: usize = 10_000;
/// Waiting callers and callbacks of one queue, whatever is configured.
pub const CALLERS_LIMIT: usize = 100_000;
/// No offer, back-off, attempt or gap is shorter: nothing goes round in circles.
pub const SHORTEST: Duration = Duration::from_secs(1);

/// All queues and agents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Of a queue that is named twice the last counts.
    pub queues: Vec<QueueSettings>,
    /// Likewise.
    pub agents: Vec<AgentSettings>,
}

/// One agent.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentSettings {
    /// Who.
    pub agent: AgentId,
    /// What they know.
    pub skills: Skills,
}

/// An agent's place in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub agent: AgentId,
    /// Lower tiers are offered callers first.
    pub tier: u8,
}

/// How a queue chooses among the ready agents of the best tier and skills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Who has been ready for longest. A missed offer does not begin it anew.
    #[default]
    LongestIdle,
    /// The next after the last who was offered a caller, in the order of the members.
    RoundRobin,
    /// Who has taken the fewest calls since logging in, whatever the queue.
    FewestCalls,
    /// Who has talked (or held) the least since logging in, whatever the queue.
    LeastTalkTime,
    /// Anyone.
    Random,
    /// All at once, of all tiers; one wins.
    RingAll,
    /// The first of the lowest tier, in the order of the members.
    Linear,
}

/// Whose telephone rings first when a callback's turn has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallbackFirst {
    /// The agent's: the caller then meets somebody who waits for them.
    #[default]
    Agent,
    /// The caller's: the agent goes on meanwhile, and the caller, once there, stands at their old place.
    Caller,
}

/// How those who hung up are called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackSettings {
    /// Whose telephone rings first.
    pub first: CallbackFirst,
    /// How long the caller's telephone may ring in one attempt.
    pub grace: Duration,
    /// Attempts, at least one.
    pub tries: u32,
    /// Between two attempts.
    pub gap: Duration,
}

impl Default for CallbackSettings {
    fn default() -> CallbackSettings {
        CallbackSettings {
            first: CallbackFirst::Agent,
            grace: CALLBACK_GRACE,
            tries: CALLBACK_TRIES,
            gap: CALLBACK_GAP,
        }
    }
}

/// What waiting callers are told, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnnounceSettings {
    /// Whether their place is told.
    pub position: bool,
    /// Whether the estimated wait is told, where the rules' section 4 allows it.
    pub wait: bool,
    /// After entry.
    pub first_after: Duration,
    /// After the end of the last.
    pub repeat: Duration,
    /// At least, between the end of one and the beginning of the next.
    pub gap: Duration,
    /// From the end of whatever was said to a comfort message, unless an announcement comes within `gap` after it.
    pub comfort: Option<Duration>,
}

impl Default for AnnounceSettings {
    fn default() -> AnnounceSettings {
        AnnounceSettings {
            position: true,
            wait: true,
            first_after: ANNOUNCE_FIRST,
            repeat: ANNOUNCE_REPEAT,
            gap: ANNOUNCE_GAP,
            comfort: None,
        }
    }
}

/// What a queue promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelGoal {
    /// Of the callers, 0 to 100.
    pub per_cent: u8,
    /// The threshold T.
    pub within: Duration,
}

impl Default for LevelGoal {
    fn default() -> LevelGoal {
        LevelGoal { per_cent: SERVICE_LEVEL_PER_CENT, within: SERVICE_LEVEL_WITHIN }
    }
}

/// One queue.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueSettings {
    /// Which.
    pub queue: QueueId,
    /// Who serves it, in order. Unknown agents are passed over.
    pub members: Vec<Member>,
    /// How one of them is chosen.
    pub strategy: Strategy,
    /// Ring time of one offer.
    pub ring: Duration,
    /// The first gap after a miss; it doubles with each in a row.
    pub back_off: Duration,
    /// Up to this.
    pub back_off_max: Duration,
    /// Misses in a row until an agent is paused; `None`: never.
    pub misses_until_pause: Option<u32>,
    /// After a call of this queue.
    pub wrap_up: Duration,
    /// What is promised.
    pub service_goal: LevelGoal,
    /// What is said meanwhile.
    pub announce: AnnounceSettings,
    /// Longest wait on the line, since entry (or since the caller came back).
    pub wait_max: Duration,
    /// Waiting callers and callbacks, at most.
    pub callers_max: usize,
    /// A dropped caller's place is kept for so long.
    pub resume_window: Duration,
    /// Who hangs up sooner has abandoned shortly.
    pub short_abandon: Duration,
    /// How callers are called back.
    pub callback: CallbackSettings,
    /// Where callers go when the queue is full.
    pub when_full: Option<Target>,
    /// Where callers go after [`QueueSettings::wait_max`].
    pub when_too_long: Option<Target>,
    /// Where callers go when no agent is logged in, reachable and not paused; without it they wait.
    pub when_no_agents: Option<Target>,
    /// Those who wait already are sent there after so long without agents.
    pub no_agents_after: Duration,
}

impl QueueSettings {
    /// A queue with the defaults, which nobody serves.
    pub fn new(queue: QueueId) -> QueueSettings {
        QueueSettings {
            queue,
            members: Vec::new(),
            strategy: Strategy::default(),
            ring: RING,
            back_off: BACK_OFF,
            back_off_max: BACK_OFF_MAX,
            misses_until_pause: Some(MISSES_UNTIL_PAUSE),
            wrap_up: WRAP_UP,
            service_goal: LevelGoal::default(),
            announce: AnnounceSettings::default(),
            wait_max: WAIT_MAX,
            callers_max: CALLERS_MAX,
            resume_window: RESUME_WINDOW,
            short_abandon: SHORT_ABANDON,
            callback: CallbackSettings::default(),
            when_full: None,
            when_too_long: None,
            when_no_agents: None,
            no_agents_after: NO_AGENTS_AFTER,
        }
    }

    /// With everything inside its limits.
    pub(super) fn bounded(mut self) -> QueueSettings {
        self.ring = self.ring.max(SHORTEST);
        self.back_off = self.back_off.max(SHORTEST);
        self.back_off_max = self.back_off_max.max(self.back_off);
        self.wrap_up = self.wrap_up.min(WRAP_UP_MAX);
        self.callers_max = self.callers_max.min(CALLERS_LIMIT);
        self.callback.grace = self.callback.grace.max(SHORTEST);
        self.callback.gap = self.callback.gap.max(SHORTEST);
        self.callback.tries = self.callback.tries.max(1);
        self.announce.gap = self.announce.gap.max(SHORTEST);
        self.announce.comfort = self.announce.comfort.map(|comfort| comfort.max(SHORTEST));
        self.announce.repeat = self.announce.repeat.max(self.announce.gap);
        self.misses_until_pause = self.misses_until_pause.map(|misses| misses.max(1));
        self
    }
}
