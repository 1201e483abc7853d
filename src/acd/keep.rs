//! What must be known to go on after the process has died, and going on with it. Lines and legs die with the process;
//! places, states and figures do not.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use super::Distributor;
use super::agent::{Handling, Phase, Presence, WrapUp, WrapUpOwed};
use super::entry::{Entry, Mode, Stage};
use super::estimate::SpokenWait;
use super::figures::{AgentFigures, QueueFigures};
use super::ids::{AgentId, CallerLabel, EntryId, Priority, QueueId};
use super::input::{Entering, Told};
use super::output::{Note, Output, PauseReason};
use super::queue::PastPiece;
use super::settings::DROPPED_MAX;
use super::skill::Wants;
use super::waiting::service_event;
use crate::clock::Moment;

/// Whose state is no longer what was last asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Entries that have changed, or are over.
    pub entries: BTreeSet<EntryId>,
    /// Agents who have, or are gone.
    pub agents: BTreeSet<AgentId>,
    /// Queues whose figures have.
    pub queues: BTreeSet<QueueId>,
}

impl Changes {
    /// Whether all is as it was.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.agents.is_empty() && self.queues.is_empty()
    }
}

/// An entry, as it is to be had again.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptEntry {
    /// Which.
    pub entry: EntryId,
    /// Where.
    pub queue: QueueId,
    /// Whose.
    pub label: CallerLabel,
    /// How urgent.
    pub priority: Priority,
    /// The time of the place.
    pub place_time: Moment,
    /// The clock of the wait began then.
    pub entered: Moment,
    /// How they wait.
    pub mode: Mode,
    /// Since when so.
    pub mode_since: Moment,
    /// How far they have come.
    pub stage: KeptStage,
    /// What the agent must know.
    pub wants: Wants,
    /// How often that has relaxed.
    pub relaxed: usize,
    /// Whether they count already for the service level.
    pub counted: bool,
    /// The least position that they were told.
    pub position: Option<u32>,
    /// When the last announcement ended.
    pub announced: Option<Moment>,
    /// The last wait that they were told.
    pub wait: Option<(Moment, SpokenWait)>,
    /// And the first.
    pub first_wait: Option<(Moment, SpokenWait)>,
    /// Attempts to call back that have failed.
    pub tries: u32,
    /// Whether they are on the line because they were called back.
    pub called_back: bool,
}

/// How far an entry had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptStage {
    /// It waited, was rung for, or was about to be bridged: on the line, or to be called back.
    Waiting,
    /// It was not to be called back before this.
    Resting(Moment),
    /// It was being called back.
    Dialling,
    /// The line had been lost then.
    Dropped(Moment),
}

/// An agent, as they are to be had again.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptAgent {
    /// Who.
    pub agent: AgentId,
    /// What they asked for, or were put in.
    pub presence: KeptPresence,
    /// Offers missed in a row.
    pub misses: u32,
    /// Nothing is offered before this.
    pub rests_until: Option<Moment>,
    /// Since when they have been idle.
    pub idle_since: Moment,
    /// Queue calls taken since they logged in.
    pub calls: u64,
    /// Talk and hold of those, together.
    pub talk: Duration,
    /// What they did ...
    pub state: super::AgentState,
    /// ... since when. The time in it is not in the figures yet.
    pub state_since: Moment,
    /// The time in each state before.
    pub figures: AgentFigures,
    /// The queue call that they had, or that their wrap-up belongs to.
    pub handling: Option<KeptHandling>,
}

/// What an agent asked for, or was put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptPresence {
    /// Not at work.
    LoggedOut,
    /// Takes calls.
    Ready,
    /// Takes none for now.
    Paused(PauseReason),
}

/// A queue call that an agent was bridged to and that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptHandling {
    /// The caller's entry.
    pub entry: EntryId,
    /// Of this queue.
    pub queue: QueueId,
    /// In conversation so far.
    pub talk: Duration,
    /// Held so far.
    pub hold: Duration,
    /// Wrap-up so far, where that was interrupted.
    pub wrap_up: Duration,
    /// How far.
    pub phase: KeptPhase,
}

/// How far a queue call had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptPhase {
    /// They talked since then, which is not in the figures yet.
    Talking(Moment),
    /// It was held, likewise.
    Holding(Moment),
    /// The leg had ended, and a wrap-up of this length was owed when another call should end.
    Owed(Duration),
    /// The wrap-up was on.
    WrapUp {
        /// Since when.
        since: Moment,
        /// Until when.
        until: Moment,
    },
}

/// A queue's figures and recent past, as they are to be had again.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptQueue {
    /// Which.
    pub queue: QueueId,
    /// What it has done so far.
    pub figures: QueueFigures,
    /// The member who was offered a caller last.
    pub last_offered: Option<AgentId>,
    /// The last two hours, in pieces.
    pub past: Vec<PastPiece>,
    /// When the last caller was answered, and their wait.
    pub last_answered: Option<(Moment, Duration)>,
}

/// All that is left of an earlier process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// It was last known to live then.
    pub alive: Moment,
    /// The entries, in whatever order.
    pub entries: Vec<KeptEntry>,
    /// The agents.
    pub agents: Vec<KeptAgent>,
    /// The queues.
    pub queues: Vec<KeptQueue>,
}

impl Distributor {
    /// From now on it is remembered what changes, until [`Distributor::changes`] is asked.
    pub fn remember(&mut self) {
        self.changes.get_or_insert_default();
    }

    /// What has changed since this was last asked.
    pub fn changes(&mut self) -> Changes {
        self.changes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Whether anything has changed since [`Distributor::changes`] was last asked.
    pub fn has_changed(&self) -> bool {
        self.changes.as_ref().is_some_and(|changes| !changes.is_empty())
    }

    /// Whether anybody waits, or is at work.
    pub fn is_lively(&self) -> bool {
        let rests =
            |agent: &super::Agent| matches!(agent.state, super::AgentState::LoggedOut | super::AgentState::Unreachable);
        !self.entries.is_empty() || !self.agents.values().all(rests)
    }

    pub(super) fn remember_entry(&mut self, id: EntryId) {
        if let Some(changes) = &mut self.changes {
            changes.entries.insert(id);
        }
    }

    pub(super) fn remember_agent(&mut self, id: AgentId) {
        if let Some(changes) = &mut self.changes {
            changes.agents.insert(id);
        }
    }

    pub(super) fn remember_figures(&mut self, id: QueueId) {
        if let Some(changes) = &mut self.changes {
            changes.queues.insert(id);
        }
    }

    /// An entry as it is to be had again; `None` when it is over.
    pub fn kept_entry(&self, id: EntryId) -> Option<KeptEntry> {
        let entry = self.entries.get(&id)?;
        Some(KeptEntry {
            entry: id,
            queue: entry.queue,
            label: entry.label,
            priority: entry.place.priority.0,
            place_time: entry.place.since,
            entered: entry.entered,
            mode: entry.mode,
            mode_since: entry.mode_since,
            stage: match entry.stage {
                Stage::Waiting | Stage::Connecting { .. } => KeptStage::Waiting,
                Stage::Resting { until } => KeptStage::Resting(until),
                Stage::Dialling { .. } => KeptStage::Dialling,
                Stage::Dropped { at, .. } => KeptStage::Dropped(at),
            },
            wants: entry.wants.clone(),
            relaxed: entry.relaxed,
            counted: entry.counted,
            position: entry.said.position,
            announced: entry.said.ended,
            wait: entry.said.wait,
            first_wait: entry.said.first_wait,
            tries: entry.tries,
            called_back: entry.called_back,
        })
    }

    /// An agent as they are to be had again; `None` when there is none.
    pub fn kept_agent(&self, id: AgentId) -> Option<KeptAgent> {
        let agent = self.agents.get(&id)?;
        Some(KeptAgent {
            agent: id,
            presence: match &agent.presence {
                Presence::LoggedOut => KeptPresence::LoggedOut,
                Presence::Ready => KeptPresence::Ready,
                Presence::Paused(reason) => KeptPresence::Paused(reason.clone()),
            },
            misses: agent.misses,
            rests_until: agent.rests_until,
            idle_since: agent.record.idle_since,
            calls: agent.record.calls,
            talk: agent.record.talk,
            state: agent.state,
            state_since: agent.state_since,
            figures: agent.figures,
            handling: kept_handling(&agent.phase),
        })
    }

    /// A queue as it is to be had again; `None` when there is none.
    pub fn kept_queue(&self, id: QueueId) -> Option<KeptQueue> {
        let queue = self.queues.get(&id)?;
        let member = |order: u32| queue.settings.members.get(order as usize).map(|member| member.agent);
        Some(KeptQueue {
            queue: id,
            figures: queue.figures,
            last_offered: queue.last_offered.and_then(member),
            past: queue.past.pieces(),
            last_answered: queue.past.last_answered,
        })
    }

    /// Goes on with what an earlier process left, before anything else has happened. What is of queues or agents that
    /// are no more is left out. No telephone is reachable yet; the lines of all who waited are lost, so they may take
    /// up their places for as long as after any other loss; a callback that was under way is made again once the
    /// caller's telephone has stopped ringing, and is not counted as tried; a conversation that was on has ended, and
    /// its wrap-up begins. All that was kept counts as changed, so that what was left out is forgotten for good.
    pub fn restore(&mut self, kept: Kept, out: &mut Vec<Output>) {
        let alive = kept.alive.min(self.now);
        for queue in kept.queues {
            self.remember_figures(queue.queue);
            self.restore_queue(queue);
        }
        for agent in kept.agents {
            self.remember_agent(agent.agent);
            self.restore_agent(agent, alive, out);
        }
        let mut entries = kept.entries;
        entries.sort_by_key(|entry| (Reverse(entry.priority), entry.place_time, entry.entry));
        for entry in entries {
            self.remember_entry(entry.entry);
            self.restore_entry(entry, alive, out);
        }
        for queue in self.queues.values_mut() {
            queue.figures.entered = queue.figures.ended() + queue.entries as u64;
        }
        self.settle();
        self.expire(out);
    }

    fn restore_queue(&mut self, kept: KeptQueue) {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(&kept.queue) else { return };
        let order = |agent| queue.settings.members.iter().position(|member| member.agent == agent);
        queue.last_offered = kept.last_offered.and_then(order).map(|order| order as u32);
        queue.figures = kept.figures;
        queue.past.restore(now, kept.past, kept.last_answered);
    }

    fn restore_agent(&mut self, kept: KeptAgent, alive: Moment, out: &mut Vec<Output>) {
        let now = self.now;
        let Some(agent) = self.agents.get_mut(&kept.agent) else {
            return self.finish_for(&kept, alive, out);
        };
        agent.presence = match kept.presence {
            KeptPresence::LoggedOut => Presence::LoggedOut,
            KeptPresence::Ready => Presence::Ready,
            KeptPresence::Paused(reason) => Presence::Paused(reason),
        };
        agent.misses = kept.misses;
        agent.rests_until = kept.rests_until.filter(|until| *until > now);
        agent.record.idle_since = kept.idle_since.min(now);
        agent.record.calls = kept.calls;
        agent.record.talk = kept.talk;
        agent.figures = kept.figures;
        agent.figures.spend(kept.state, alive - kept.state_since);
        if let Some(handling) = kept.handling.filter(|handling| self.queues.contains_key(&handling.queue)) {
            self.restore_handling(kept.agent, handling, alive, out);
        }
        self.sync_agent(kept.agent, out);
        // The time between the two processes is nobody's.
        if let Some(agent) = self.agents.get_mut(&kept.agent) {
            agent.state_since = now;
        }
    }

    fn restore_handling(&mut self, id: AgentId, kept: KeptHandling, alive: Moment, out: &mut Vec<Output>) {
        let now = self.now;
        let length = self.queues.get(&kept.queue).map_or(Duration::ZERO, |queue| queue.settings.wrap_up);
        let call = kept.ended_by(alive);
        let wrap_up = match kept.phase {
            KeptPhase::Talking(_) | KeptPhase::Holding(_) => WrapUp::begin(now, WrapUpOwed { call, length }),
            KeptPhase::Owed(length) => WrapUp::begin(now, WrapUpOwed { call, length }),
            KeptPhase::WrapUp { since, until } => WrapUp { call, since: since.min(now), until },
        };
        let Some(agent) = self.agents.get_mut(&id) else { return };
        if let KeptPhase::Talking(_) | KeptPhase::Holding(_) = kept.phase {
            agent.record.talk += call.talk + call.hold;
        }
        if wrap_up.until > now && agent.presence != Presence::LoggedOut {
            agent.phase = Phase::WrapUp(wrap_up);
        } else {
            self.note_handled(id, wrap_up.end(wrap_up.until.min(now)), out);
        }
    }

    /// The agent is no more, but the call that they had was taken.
    fn finish_for(&mut self, kept: &KeptAgent, alive: Moment, out: &mut Vec<Output>) {
        let Some(handling) = kept.handling.filter(|handling| self.queues.contains_key(&handling.queue)) else { return };
        self.note_handled(kept.agent, handling.ended_by(alive), out);
    }

    fn note_handled(&mut self, agent: AgentId, call: Handling, out: &mut Vec<Output>) {
        let Handling { entry, queue, talk, hold, wrap_up } = call;
        self.note(queue, Note::Handled { queue, entry, agent, talk, hold, wrap_up }, out);
    }

    fn restore_entry(&mut self, kept: KeptEntry, alive: Moment, out: &mut Vec<Output>) {
        let now = self.now;
        let (id, queue_id) = (kept.entry, kept.queue);
        let Some(queue) = self.queues.get_mut(&queue_id).filter(|_| !self.entries.contains_key(&id)) else { return };
        // Who was called back and has met nobody is called back again; who had dialled in may dial in again.
        let by_callback = kept.mode == Mode::Callback || kept.called_back && kept.mode == Mode::Resumed;
        let stage = match kept.stage {
            KeptStage::Resting(until) if by_callback => {
                Stage::Resting { until: until.min(now + queue.settings.callback.gap) }
            }
            KeptStage::Waiting if kept.mode == Mode::Callback => Stage::Waiting,
            _ if by_callback => Stage::Resting { until: now + queue.settings.callback.grace },
            KeptStage::Dropped(at) => Stage::Dropped { at: at.min(alive), until: now + queue.settings.resume_window },
            _ => Stage::Dropped { at: alive.max(kept.entered), until: now + queue.settings.resume_window },
        };
        queue.entries += 1;
        let is_dropped = matches!(stage, Stage::Dropped { .. });
        let told = is_dropped && !matches!(kept.stage, KeptStage::Dropped(_));
        let entering = Entering {
            entry: id,
            queue: queue_id,
            priority: kept.priority,
            wants: kept.wants,
            place_time: Some(kept.place_time),
            label: kept.label,
            told: Told { position: kept.position, wait: kept.wait },
            callback: false,
        };
        let mut entry = Entry::new(now, entering);
        entry.entered = kept.entered.min(now);
        entry.mode = if by_callback { Mode::Callback } else { kept.mode };
        entry.mode_since = kept.mode_since.min(now);
        entry.stage = stage;
        entry.relaxed = kept.relaxed.min(entry.wants.later.len());
        entry.counted = kept.counted;
        entry.said.ended = kept.announced.map(|moment| moment.min(now));
        entry.said.first_wait = kept.first_wait;
        entry.tries = kept.tries;
        entry.called_back = kept.called_back && !by_callback;
        self.entries.insert(id, entry);
        if is_dropped {
            self.dropped += 1;
            let outcome = self.abandonment(id);
            self.count(id, service_event(outcome), out);
            if self.dropped > DROPPED_MAX {
                return self.end(id, outcome, out);
            }
            if told {
                self.note(queue_id, Note::Dropped { entry: id }, out);
            }
        }
        self.reoffer(id, out);
    }
}

impl KeptHandling {
    /// What the call has taken when it was cut off at `alive`.
    fn ended_by(&self, alive: Moment) -> Handling {
        let KeptHandling { entry, queue, mut talk, mut hold, wrap_up, phase } = *self;
        match phase {
            KeptPhase::Talking(since) => talk += alive - since,
            KeptPhase::Holding(since) => hold += alive - since,
            KeptPhase::Owed(_) | KeptPhase::WrapUp { .. } => {}
        }
        Handling { entry, queue, talk, hold, wrap_up }
    }
}

fn kept_handling(phase: &Phase) -> Option<KeptHandling> {
    let (call, phase) = match phase {
        Phase::Free | Phase::Ringing { .. } => return None,
        Phase::WrapUp(WrapUp { call, since, until }) => (*call, KeptPhase::WrapUp { since: *since, until: *until }),
        Phase::OnCall(on_call) => match (on_call.leg.filter(|leg| leg.bridged), on_call.owed) {
            (Some(leg), _) if leg.holding => (leg.call, KeptPhase::Holding(leg.since)),
            (Some(leg), _) => (leg.call, KeptPhase::Talking(leg.since)),
            (None, Some(owed)) => (owed.call, KeptPhase::Owed(owed.length)),
            (None, None) => return None,
        },
    };
    let Handling { entry, queue, talk, hold, wrap_up } = call;
    Some(KeptHandling { entry, queue, talk, hold, wrap_up, phase })
}
