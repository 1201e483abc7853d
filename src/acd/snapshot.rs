//! What those see who only look.

use std::time::Duration;

use super::Distributor;
use super::agent::{Phase, Presence};
use super::entry::{Mode, Stage};
use super::estimate::{Estimate, estimate};
use super::figures::{AgentFigures, QueueFigures};
use super::filing::position;
use super::ids::{AgentId, CallerLabel, EntryId, QueueId};
use super::output::{AgentState, PauseReason};
use super::settings::LevelGoal;
use super::why::WhyNoCalls;
use crate::clock::Moment;

/// A queue at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueueSnapshot {
    /// Callers who wait on the line.
    pub callers_waiting: usize,
    /// Callers who wait to be called back.
    pub callbacks_waiting: usize,
    /// Since the oldest place time of all who wait.
    pub longest_wait: Option<Duration>,
    /// Of a caller who entered now.
    pub estimate: Estimate,
    /// Members in each state, in the order of [`AgentState::ALL`].
    pub agents: [u32; AgentState::ALL.len()],
    /// What the queue has done so far.
    pub figures: QueueFigures,
    /// What it is to reach.
    pub service_goal: LevelGoal,
    /// Removed from the settings, and going when its last caller has.
    pub draining: bool,
}

/// A place in a line at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceSnapshot {
    /// From 1: true, not as it was spoken.
    pub position: u32,
    /// Whose.
    pub entry: EntryId,
    /// Since the place time.
    pub wait: Duration,
    /// How they wait.
    pub mode: Mode,
    /// Whether an agent's telephone rings for them.
    pub ringing: bool,
}

/// An agent at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentSnapshot {
    /// What they are doing ...
    pub state: AgentState,
    /// ... for how long.
    pub since: Duration,
    /// Why, when paused.
    pub reason: Option<PauseReason>,
    /// What they asked for, or were put in: what holds once a call and its wrap-up are over.
    pub presence: Presence,
    /// Whether their telephone can be called.
    pub reachable: bool,
    /// What is left of their wrap-up.
    pub wrap_up_left: Option<Duration>,
    /// Queue calls taken since logging in.
    pub calls: u64,
    /// Talk and hold of them, together.
    pub talk: Duration,
    /// Time in each state, the present one included.
    pub figures: AgentFigures,
    /// The entry that they ring for or talk to.
    pub entry: Option<EntryId>,
    /// The queues that they serve.
    pub queues: Vec<QueueId>,
    /// Why no call comes.
    pub why: WhyNoCalls,
}

impl Distributor {
    /// The queues that there are.
    pub fn queues(&self) -> impl Iterator<Item = QueueId> + '_ {
        self.queues.keys().copied()
    }

    /// The agents that there are.
    pub fn agents(&self) -> impl Iterator<Item = AgentId> + '_ {
        self.agents.keys().copied()
    }

    /// A queue at `now`; `None` when there is none of this name.
    pub fn queue(&self, now: Moment, id: QueueId) -> Option<QueueSnapshot> {
        let queue = self.queues.get(&id)?;
        let inputs = queue.estimate_inputs(now, queue.line.len(), queue.ready.len());
        let oldest = queue.line.oldest();
        Some(QueueSnapshot {
            callers_waiting: queue.listeners,
            callbacks_waiting: queue.callbacks,
            longest_wait: oldest.map(|since| now - since),
            estimate: estimate(&inputs),
            agents: queue.states,
            figures: queue.figures,
            service_goal: queue.settings.service_goal,
            draining: queue.draining,
        })
    }

    /// Those who wait, from the front, at `now`. Taking the first of them costs little however long the line is.
    pub fn places(&self, now: Moment, id: QueueId) -> impl Iterator<Item = PlaceSnapshot> + '_ {
        let line = self.queues.get(&id).into_iter().flat_map(|queue| queue.line.iter());
        line.enumerate().filter_map(move |(ahead, place)| {
            let entry = self.entries.get(&place.entry)?;
            Some(PlaceSnapshot {
                position: position(ahead),
                entry: place.entry,
                wait: now - place.since,
                mode: entry.mode,
                ringing: !entry.offers.is_empty(),
            })
        })
    }

    /// The true position of an entry that waits, from 1, in logarithmic time.
    pub fn position(&self, id: EntryId) -> Option<u32> {
        let entry = self.entries.get(&id).filter(|entry| entry.waits())?;
        Some(position(self.queues.get(&entry.queue)?.line.ahead_of(&entry.place)))
    }

    /// The entry of a caller who was dropped or waits to be called back, and who may take up their place again with
    /// `CallerResumed`.
    pub fn resumable(&self, queue: QueueId, label: CallerLabel) -> Option<EntryId> {
        self.absent.get(&(queue, label)).copied()
    }

    /// The entry of a caller who was dropped in a queue to which they had brought their place time, and that time: who was
    /// sent on from queue to queue and calls again comes by the first of them, and is not to begin there anew.
    pub fn brought(&self, label: CallerLabel) -> Option<(EntryId, Moment)> {
        let ids = self.queues.keys().filter_map(|queue| self.absent.get(&(*queue, label)));
        let dropped = ids
            .filter_map(|id| self.entries.get(id))
            .filter(|entry| matches!(entry.stage, Stage::Dropped { .. }) && entry.place.since < entry.entered);
        dropped.map(|entry| (entry.id(), entry.place.since)).min_by_key(|(id, since)| (*since, *id))
    }

    /// An agent at `now`; `None` when there is none of this name.
    pub fn agent(&self, now: Moment, id: AgentId) -> Option<AgentSnapshot> {
        let agent = self.agents.get(&id)?;
        let since = now - agent.state_since;
        let mut figures = agent.figures;
        figures.spend(agent.state, since);
        let entry = match &agent.phase {
            Phase::Ringing { entry, .. } => Some(*entry),
            Phase::OnCall(call) => call.leg.map(|leg| leg.call.entry),
            Phase::Free | Phase::WrapUp(_) => None,
        };
        Some(AgentSnapshot {
            state: agent.state,
            since,
            reason: agent.why_paused().cloned(),
            presence: agent.presence.clone(),
            reachable: agent.reachable,
            wrap_up_left: agent.wrap_up_left(now),
            calls: agent.record.calls,
            talk: agent.record.talk,
            figures,
            entry,
            queues: agent.memberships.iter().map(|membership| membership.queue).collect(),
            why: self.why_no_calls(now, id)?,
        })
    }
}
