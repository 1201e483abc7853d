//! One agent: the one owner of what they are doing.

use std::sync::Arc;
use std::time::Duration;

use super::figures::AgentFigures;
use super::ids::{EntryId, OfferId, QueueId};
use super::output::{AgentState, PauseReason};
use super::settings::{QueueSettings, WRAP_UP_MAX};
use super::skill::Skills;
use super::strategy::{Rank, Record};
use crate::clock::Moment;

/// What the agent asked for, or was put in. During a call and its wrap-up it is what is to be afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Not at work.
    LoggedOut,
    /// Takes calls.
    Ready,
    /// Takes none, and why.
    Paused(PauseReason),
}

/// What the agent is busy with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Free,
    /// Their telephone rings.
    Ringing {
        offer: OfferId,
        entry: EntryId,
        until: Moment,
    },
    /// At least one leg lives.
    OnCall(OnCall),
    WrapUp(WrapUp),
}

/// The legs of an agent. At least one of `leg` and `direct` is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OnCall {
    /// That of the queue call.
    pub(super) leg: Option<QueueLeg>,
    /// Calls that no queue gave.
    pub(super) direct: u32,
    /// The queue call whose leg has ended while others live, or whose wrap-up they interrupted.
    pub(super) owed: Option<WrapUpOwed>,
}

/// The agent's leg of a queue call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QueueLeg {
    pub(super) call: Handling,
    pub(super) bridged: bool,
    pub(super) holding: bool,
    /// Since when talking or holding.
    pub(super) since: Moment,
}

/// What a queue call has taken of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handling {
    pub(super) entry: EntryId,
    pub(super) queue: QueueId,
    pub(super) talk: Duration,
    pub(super) hold: Duration,
    pub(super) wrap_up: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrapUpOwed {
    pub(super) call: Handling,
    pub(super) length: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrapUp {
    pub(super) call: Handling,
    pub(super) since: Moment,
    pub(super) until: Moment,
}

/// An agent's place in a queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Membership {
    pub(super) queue: QueueId,
    pub(super) tier: u8,
    pub(super) order: u32,
    /// Where they stand among its ready agents now.
    pub(super) rank: Option<Rank>,
}

#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub(super) skills: Arc<Skills>,
    pub(super) memberships: Vec<Membership>,
    pub(super) presence: Presence,
    pub(super) reachable: bool,
    pub(super) phase: Phase,
    /// Removed from the settings: goes when free.
    pub(super) leaving: bool,
    /// Missed offers in a row.
    pub(super) misses: u32,
    /// The gap after a miss: nothing is offered before.
    pub(super) rests_until: Option<Moment>,
    pub(super) record: Record,
    /// Calls in which they are told something, and for which nothing is offered to them meanwhile.
    pub(super) listens: u32,
    /// As it was last told.
    pub(super) state: AgentState,
    pub(super) state_since: Moment,
    /// Whether they were last counted as staff.
    pub(super) staff: bool,
    pub(super) figures: AgentFigures,
    /// The entry that is called back on their behalf while they go on.
    pub(super) calls_back: Option<EntryId>,
    pub(super) alarm: Option<Moment>,
}

impl Agent {
    pub(super) fn new(now: Moment, skills: Arc<Skills>) -> Agent {
        Agent {
            skills,
            memberships: Vec::new(),
            presence: Presence::LoggedOut,
            reachable: false,
            phase: Phase::Free,
            leaving: false,
            misses: 0,
            rests_until: None,
            listens: 0,
            record: Record { idle_since: now, calls: 0, talk: Duration::ZERO },
            state: AgentState::LoggedOut,
            state_since: now,
            staff: false,
            figures: AgentFigures::default(),
            calls_back: None,
            alarm: None,
        }
    }

    /// What they are doing, as everyone sees it.
    pub(super) fn shown(&self) -> AgentState {
        match &self.phase {
            Phase::Ringing { .. } => AgentState::Ringing,
            Phase::OnCall(call) if call.direct == 0 && call.leg.is_some_and(|leg| leg.holding) => AgentState::Holding,
            Phase::OnCall(_) => AgentState::Talking,
            Phase::WrapUp(_) => AgentState::WrapUp,
            Phase::Free => match self.presence {
                Presence::LoggedOut => AgentState::LoggedOut,
                _ if !self.reachable => AgentState::Unreachable,
                Presence::Paused(_) => AgentState::Paused,
                Presence::Ready => AgentState::Ready,
            },
        }
    }

    /// Whether they may be offered a caller now.
    pub(super) fn is_available(&self) -> bool {
        self.shown() == AgentState::Ready && self.rests_until.is_none() && self.listens == 0 && !self.leaving
    }

    /// Whether they count as staff of their queues (section 4): who will pause or log out after a call does not.
    pub(super) fn is_staff(&self) -> bool {
        self.presence == Presence::Ready && self.shown().is_staff() && !self.leaving
    }

    pub(super) fn next_alarm(&self) -> Option<Moment> {
        let phase = match &self.phase {
            Phase::Ringing { until, .. } => Some(*until),
            Phase::WrapUp(wrap_up) => Some(wrap_up.until),
            Phase::Free | Phase::OnCall(_) => None,
        };
        phase.into_iter().chain(self.rests_until).min()
    }

    /// Begins a working day: the strategies count from here.
    pub(super) fn log_in(&mut self, now: Moment) {
        self.presence = Presence::Ready;
        self.record = Record { idle_since: now, calls: 0, talk: Duration::ZERO };
        self.forget_misses();
    }

    /// What is left of the wrap-up of the last queue call, also of one that another call has interrupted.
    pub(super) fn wrap_up_left(&self, now: Moment) -> Option<Duration> {
        match &self.phase {
            Phase::WrapUp(wrap_up) => Some(wrap_up.until - now),
            Phase::OnCall(OnCall { leg: None, owed: Some(owed), .. }) => Some(owed.length),
            Phase::Free | Phase::Ringing { .. } | Phase::OnCall(_) => None,
        }
    }

    pub(super) fn forget_misses(&mut self) {
        self.misses = 0;
        self.rests_until = None;
    }

    /// An offer of a queue set up as `settings` was missed: the gap before the next, or a pause.
    pub(super) fn miss(&mut self, now: Moment, settings: &QueueSettings) {
        let doubled = settings.back_off.saturating_mul(1 << self.misses.min(16));
        self.misses += 1;
        self.rests_until = Some(now + doubled.min(settings.back_off_max));
        if settings.misses_until_pause.is_some_and(|limit| self.misses >= limit) && self.presence == Presence::Ready {
            self.presence = Presence::Paused(PauseReason::Missed);
            self.forget_misses();
        }
    }

    pub(super) fn why_paused(&self) -> Option<&PauseReason> {
        match &self.presence {
            Presence::Paused(reason) => Some(reason),
            Presence::LoggedOut | Presence::Ready => None,
        }
    }
}

impl Handling {
    pub(super) fn new(entry: EntryId, queue: QueueId) -> Handling {
        Handling { entry, queue, talk: Duration::ZERO, hold: Duration::ZERO, wrap_up: Duration::ZERO }
    }
}

impl QueueLeg {
    /// Adds the time since the last change, and begins another segment.
    pub(super) fn turn(&mut self, now: Moment, holding: bool) {
        let part = now - self.since;
        if self.holding {
            self.call.hold += part;
        } else {
            self.call.talk += part;
        }
        (self.since, self.holding) = (now, holding);
    }
}

impl WrapUpOwed {
    /// Makes it longer, up to [`WRAP_UP_MAX`] in all.
    pub(super) fn extend(&mut self, by: Duration) {
        let limit = WRAP_UP_MAX.saturating_sub(self.call.wrap_up);
        self.length = (self.length + by).min(limit.max(self.length));
    }
}

impl WrapUp {
    pub(super) fn begin(now: Moment, owed: WrapUpOwed) -> WrapUp {
        WrapUp { call: owed.call, since: now, until: now + owed.length }
    }

    /// What the call has taken when the wrap-up ends at `now`.
    pub(super) fn end(&self, now: Moment) -> Handling {
        Handling { wrap_up: self.call.wrap_up + (now - self.since), ..self.call }
    }

    pub(super) fn extend(&mut self, by: Duration) {
        let limit = self.since + WRAP_UP_MAX.saturating_sub(self.call.wrap_up);
        self.until = (self.until + by).min(limit.max(self.until));
    }
}
