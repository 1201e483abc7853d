//! Calling back: the same entry, in another mode, with the same place.

use std::time::Duration;

use super::entry::{Entry, Holds, Mode, Stage};
use super::output::{LevelEvent, Note, Outcome, Output};
use super::settings::{CALLBACK_SETTLE, SHORTEST};
use super::{AgentId, Distributor, EntryId};

impl Distributor {
    pub(super) fn want_callback(&mut self, id: EntryId, out: &mut Vec<Output>) {
        // An agent who has picked up and is not yet joined to them is let go: the caller has chosen otherwise.
        let chooses = |entry: &Entry| entry.listens() || matches!(entry.stage, Stage::Connecting { .. });
        if !self.entries.get(&id).is_some_and(|entry| chooses(entry) && entry.mode != Mode::Callback) {
            return; // an agent came first
        }
        self.release_promised(id, out);
        self.count(id, LevelEvent::ToCallback, out);
        let freed = self.withdraw_all(id, out);
        let now = self.now;
        if let Some(entry) = self.entries.get_mut(&id) {
            (entry.mode, entry.mode_since) = (Mode::Callback, now);
            entry.stage = Stage::Resting { until: now + CALLBACK_SETTLE };
            (entry.said.speaking, entry.said.aside) = (None, false);
            entry.said.menu = false;
            let queue = entry.queue;
            self.note(queue, Note::CallbackWanted { entry: id }, out);
        }
        self.sync_entry(id);
        self.free(freed, out);
    }

    /// Has the caller called, on behalf of an agent.
    pub(super) fn call_back(&mut self, id: EntryId, agent: AgentId, holds: Holds, out: &mut Vec<Output>) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let Some(queue) = self.queues.get(&entry.queue) else { return };
        let until = self.now + queue.settings.callback.grace;
        entry.stage = Stage::Dialling { until, agent, holds };
        let attempt = entry.tries + 1;
        let waits = (holds == Holds::Line).then_some(agent);
        out.push(Output::CallBack { entry: id, agent: waits, attempt, until });
        if holds == Holds::Nothing
            && let Some(agent) = self.agents.get_mut(&agent)
        {
            agent.calls_back = Some(id);
        }
        self.sync_entry(id);
    }

    pub(super) fn callback_answered(&mut self, id: EntryId, out: &mut Vec<Output>) {
        let Some(entry) = self.entries.get_mut(&id) else {
            out.push(Output::CancelCallBack { entry: id });
            return;
        };
        if !matches!(entry.stage, Stage::Dialling { .. }) {
            if entry.mode == Mode::Callback {
                out.push(Output::CancelCallBack { entry: id }); // given up already
            }
            return;
        }
        entry.called_back = true;
        let (queue, attempt) = (entry.queue, entry.tries + 1);
        self.note(queue, Note::CalledBack { entry: id, attempt, answered: true }, out);
        self.on_the_line(id, out);
    }

    /// Who was away is on the line: with the agent who waits for them, or at their place.
    pub(super) fn on_the_line(&mut self, id: EntryId, out: &mut Vec<Output>) {
        let now = self.now;
        let Some(entry) = self.entries.get_mut(&id) else { return };
        (entry.mode, entry.mode_since) = (Mode::Resumed, now);
        entry.said.ended = entry.said.ended.map(|_| now);
        match entry.stage {
            Stage::Dialling { agent, holds: Holds::Line, .. } => {
                entry.stage = Stage::Connecting { agent };
                out.push(Output::Connect { entry: id, agent });
                self.sync_entry(id);
            }
            Stage::Dialling { agent, holds: Holds::Nothing, .. } => {
                entry.stage = Stage::Waiting;
                self.reoffer(id, out);
                self.unlink(agent, id, out);
            }
            Stage::Waiting | Stage::Resting { .. } | Stage::Dropped { .. } => {
                entry.stage = Stage::Waiting;
                self.reoffer(id, out);
            }
            Stage::Connecting { .. } => {}
        }
    }

    pub(super) fn callback_failed(&mut self, id: EntryId, out: &mut Vec<Output>) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let Stage::Dialling { agent, holds, .. } = entry.stage else { return };
        let Some(queue) = self.queues.get(&entry.queue) else { return };
        entry.tries += 1;
        let given_up = entry.tries >= queue.settings.callback.tries;
        entry.stage = Stage::Resting { until: self.now + queue.settings.callback.gap };
        let (queue, attempt) = (entry.queue, entry.tries);
        self.note(queue, Note::CalledBack { entry: id, attempt, answered: false }, out);
        if holds == Holds::Line {
            out.push(Output::Release { agent });
        }
        if given_up {
            self.end(id, Outcome::Failed, out);
        } else {
            self.sync_entry(id);
        }
        self.unlink(agent, id, out);
    }

    /// Lets a caller who is to be called back wait for a while, as if the attempt had never been.
    pub(super) fn postpone_callback(&mut self, id: EntryId, wait: Duration, out: &mut Vec<Output>) {
        let until = self.now + wait.max(SHORTEST);
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.mode == Mode::Callback) else { return };
        let before = entry.stage;
        if !matches!(before, Stage::Waiting | Stage::Resting { .. } | Stage::Dialling { .. }) {
            return;
        }
        entry.stage = Stage::Resting { until };
        let freed = self.withdraw_all(id, out);
        if let Stage::Dialling { agent, holds: Holds::Line, .. } = before {
            out.push(Output::Release { agent });
        }
        self.sync_entry(id);
        self.free(freed, out);
        if let Stage::Dialling { agent, .. } = before {
            self.unlink(agent, id, out);
        }
    }

    /// The attempt on an agent's behalf is over: they may have others called back.
    pub(super) fn unlink(&mut self, agent: AgentId, id: EntryId, out: &mut Vec<Output>) {
        if let Some(linked) = self.agents.get_mut(&agent)
            && linked.calls_back == Some(id)
        {
            linked.calls_back = None;
            self.seek_caller(agent, out);
        }
    }
}
