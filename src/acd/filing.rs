//! Keeps what is derived in step with what is: lines, pools, ready agents, staff and deadlines follow from the state of
//! entries and agents, and are brought up to date here and nowhere else.

use std::collections::BTreeSet;

use super::entry::{Mode, Stage};
use super::output::{AgentState, Note, Output};
use super::strategy::Rank;
use super::{AgentId, Alarm, Distributor, EntryId, QueueId};
use crate::clock::Moment;

/// As many at the front of a line hear of an improvement at once.
const TOLD_AT_ONCE: usize = 10;

impl Distributor {
    /// Files an entry where its state says it belongs, and sets its deadline.
    pub(super) fn sync_entry(&mut self, id: EntryId) {
        self.remember_entry(id);
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let Some(queue) = self.queues.get_mut(&entry.queue) else { return };
        let in_line = entry.waits().then_some(entry.mode);
        if in_line != entry.in_line {
            match entry.in_line {
                Some(Mode::Callback) => queue.callbacks -= 1,
                Some(Mode::Holding | Mode::Resumed) => queue.listeners -= 1,
                None => queue.line.insert(entry.place),
            }
            match in_line {
                Some(Mode::Callback) => queue.callbacks += 1,
                Some(Mode::Holding | Mode::Resumed) => queue.listeners += 1,
                None => queue.line.remove(&entry.place),
            }
            entry.in_line = in_line;
            touch(&mut self.touched, entry.queue);
        }
        let pool = entry.belongs(&queue.settings);
        if pool != entry.pool {
            if let Some(old) = entry.pool {
                queue.unfile(old, entry.wants.stage(entry.relaxed), &entry.place);
            }
            if let Some(new) = pool {
                queue.file(new, entry.wants.stage(entry.relaxed), entry.place);
            }
            entry.pool = pool;
        }
        let key = (entry.queue, entry.label);
        if entry.mode == Mode::Callback || matches!(entry.stage, Stage::Dropped { .. }) {
            self.absent.insert(key, id);
        } else if self.absent.get(&key) == Some(&id) {
            self.absent.remove(&key);
        }
        self.arm_entry(id);
    }

    /// Sets an entry's deadline, which depends on its position.
    fn arm_entry(&mut self, id: EntryId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let Some(queue) = self.queues.get(&entry.queue) else { return };
        let place = entry.place;
        let next = entry.next_alarm(&queue.settings, || position(queue.line.ahead_of(&place)));
        arm(&mut self.alarms, &mut entry.alarm, next, Alarm::Entry(id));
    }

    /// Takes what wants `relaxed` stages off its pool; [`Distributor::sync_entry`] files it again.
    pub(super) fn relax(&mut self, id: EntryId, out: &mut Vec<Output>) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let Some(queue) = self.queues.get_mut(&entry.queue) else { return };
        if let Some(pool) = entry.pool.take() {
            queue.unfile(pool, entry.wants.stage(entry.relaxed), &entry.place);
        }
        entry.relaxed += 1;
        let (queue, stage) = (entry.queue, entry.relaxed);
        self.note(queue, Note::Relaxed { entry: id, stage }, out);
    }

    /// Takes an entry out of everything.
    pub(super) fn forget_entry(&mut self, id: EntryId) {
        self.remember_entry(id);
        let Some(mut entry) = self.entries.remove(&id) else { return };
        arm(&mut self.alarms, &mut entry.alarm, None, Alarm::Entry(id));
        if matches!(entry.stage, Stage::Dropped { .. }) {
            self.dropped -= 1;
        }
        let key = (entry.queue, entry.label);
        if self.absent.get(&key) == Some(&id) {
            self.absent.remove(&key);
        }
        let Some(queue) = self.queues.get_mut(&entry.queue) else { return };
        if let Some(pool) = entry.pool {
            queue.unfile(pool, entry.wants.stage(entry.relaxed), &entry.place);
        }
        match entry.in_line {
            Some(Mode::Callback) => queue.callbacks -= 1,
            Some(Mode::Holding | Mode::Resumed) => queue.listeners -= 1,
            None => {}
        }
        queue.line.remove(&entry.place);
        queue.entries -= 1;
        touch(&mut self.touched, entry.queue);
    }

    /// Tells a change of an agent's state, and puts the agent among the ready of their queues or takes them out.
    pub(super) fn sync_agent(&mut self, id: AgentId, out: &mut Vec<Output>) {
        self.remember_agent(id);
        let now = self.now;
        let Some(agent) = self.agents.get_mut(&id) else { return };
        let (from, to) = (agent.state, agent.shown());
        let mut told = None;
        if from != to {
            let spent = now - agent.state_since;
            agent.figures.spend(from, spent);
            if to == AgentState::Ready && from != AgentState::Ringing {
                agent.record.idle_since = now;
            }
            (agent.state, agent.state_since) = (to, now);
            let reason = (to == AgentState::Paused).then(|| agent.why_paused().cloned()).flatten();
            told = Some(Note::AgentState { agent: id, from, spent, to, reason });
        }
        let staff = agent.is_staff();
        let restaffed = std::mem::replace(&mut agent.staff, staff) != staff;
        let (available, serves) = (agent.is_available(), agent.memberships.len());
        for membership in &mut agent.memberships {
            let Some(queue) = self.queues.get_mut(&membership.queue) else { continue };
            if from != to {
                queue.states[from as usize] -= 1;
                queue.states[to as usize] += 1;
            }
            if restaffed {
                queue.count_staff(serves, staff);
                touch(&mut self.touched, membership.queue);
            }
            let rank = available.then(|| Rank {
                tier: membership.tier,
                merit: queue.settings.strategy.merit(&agent.record),
                order: membership.order,
                agent: id,
            });
            if rank != membership.rank {
                if let Some(old) = membership.rank {
                    queue.ready.remove(&old);
                }
                if let Some(new) = rank {
                    queue.ready.insert(new, agent.skills.clone());
                }
                membership.rank = rank;
            }
        }
        let next = agent.next_alarm();
        arm(&mut self.alarms, &mut agent.alarm, next, Alarm::Agent(id));
        out.extend(told.map(Output::Note));
    }

    /// Takes an agent who is free out of everything.
    pub(super) fn forget_agent(&mut self, id: AgentId) {
        self.remember_agent(id);
        let Some(mut agent) = self.agents.remove(&id) else { return };
        arm(&mut self.alarms, &mut agent.alarm, None, Alarm::Agent(id));
        for membership in &agent.memberships {
            let Some(queue) = self.queues.get_mut(&membership.queue) else { continue };
            queue.states[agent.state as usize] -= 1;
            if agent.staff {
                queue.count_staff(agent.memberships.len(), false);
            }
            if let Some(rank) = membership.rank {
                queue.ready.remove(&rank);
            }
            touch(&mut self.touched, membership.queue);
        }
    }

    pub(super) fn touch(&mut self, queue: QueueId) {
        touch(&mut self.touched, queue);
    }

    /// After a turn: what the front of each line is to hear, whether a queue has lost its agents, and whether a queue
    /// that was removed has drained.
    pub(super) fn settle(&mut self) {
        while let Some(id) = self.touched.pop() {
            let Some(queue) = self.queues.get_mut(&id) else { continue };
            if queue.draining && queue.is_idle() {
                self.forget_queue(id);
                continue;
            }
            let since = queue.deserted.unwrap_or(self.now);
            queue.deserted = queue.is_deserted().then_some(since);
            let next = queue.next_alarm();
            arm(&mut self.alarms, &mut queue.alarm, next, Alarm::Queue(id));
            let mut front = [None; TOLD_AT_ONCE];
            for (slot, place) in front.iter_mut().zip(queue.line.iter()) {
                *slot = Some(place.entry);
            }
            for entry in front.into_iter().flatten() {
                self.arm_entry(entry);
            }
        }
    }

    fn forget_queue(&mut self, id: QueueId) {
        self.remember_figures(id);
        let Some(mut queue) = self.queues.remove(&id) else { return };
        arm(&mut self.alarms, &mut queue.alarm, None, Alarm::Queue(id));
        for agent in self.agents.values_mut().filter(|agent| agent.memberships.iter().any(|own| own.queue == id)) {
            let before = agent.memberships.len();
            agent.memberships.retain(|membership| membership.queue != id);
            for membership in agent.memberships.iter().filter(|_| agent.staff) {
                if let Some(queue) = self.queues.get_mut(&membership.queue) {
                    queue.count_staff(before, false);
                    queue.count_staff(before - 1, true);
                }
            }
        }
    }
}

/// The position of who has `ahead` before them: positions count from 1.
pub(super) fn position(ahead: usize) -> u32 {
    u32::try_from(ahead).unwrap_or(u32::MAX).saturating_add(1)
}

fn touch(touched: &mut Vec<QueueId>, queue: QueueId) {
    if !touched.contains(&queue) {
        touched.push(queue);
    }
}

fn arm(alarms: &mut BTreeSet<(Moment, Alarm)>, armed: &mut Option<Moment>, next: Option<Moment>, alarm: Alarm) {
    if *armed != next {
        if let Some(old) = armed.take() {
            alarms.remove(&(old, alarm));
        }
        if let Some(new) = next {
            alarms.insert((new, alarm));
        }
        *armed = next;
    }
}
