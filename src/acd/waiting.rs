//! A caller's way through a queue: entering, hearing their place, leaving, being dropped and coming back.

use super::entry::{Entry, Holds, Mode, Stage};
use super::estimate::{Estimate, estimate};
use super::filing::position;
use super::input::{Entering, Leaving};
use super::output::{Announcement, LevelEvent, Note, Outcome, Output, SpokenPlace};
use super::settings::DROPPED_MAX;
use super::{Distributor, EntryId, QueueId, SpokenWait};

impl Distributor {
    pub(super) fn enter(&mut self, entering: Entering, out: &mut Vec<Output>) {
        let (id, queue_id, label, callback) = (entering.entry, entering.queue, entering.label, entering.callback);
        if self.entries.contains_key(&id) {
            return;
        }
        let entry = Entry::new(self.now, entering);
        let Some(queue) = self.queues.get_mut(&queue_id) else {
            let place_time = entry.place.since;
            out.push(Output::Ended { entry: id, outcome: Outcome::Failed, go: None, place_time });
            return;
        };
        let full = queue.line.len() >= queue.settings.callers_max;
        let deserted = !callback && queue.is_deserted() && queue.settings.when_no_agents.is_some();
        queue.entries += 1;
        let note = Note::Entered {
            queue: queue_id,
            entry: id,
            label,
            priority: entry.place.priority.0,
            place_time: entry.place.since,
        };
        self.entries.insert(id, entry);
        self.note(queue_id, note, out);
        if full || deserted {
            self.end(id, if full { Outcome::Overflowed } else { Outcome::NoAgents }, out);
        } else if callback {
            self.want_callback(id, out);
        } else {
            self.reoffer(id, out);
        }
    }

    pub(super) fn leave(&mut self, id: EntryId, why: Leaving, out: &mut Vec<Output>) {
        let Some(entry) = self.entries.get(&id) else { return };
        let keeps = |queue: &super::Queue| !queue.settings.resume_window.is_zero();
        match why {
            Leaving::Dropped if matches!(entry.stage, Stage::Dropped { .. }) || entry.mode == Mode::Callback => {}
            Leaving::Dropped if self.dropped < DROPPED_MAX && self.queues.get(&entry.queue).is_some_and(keeps) => {
                self.drop_caller(id, out);
            }
            Leaving::Abandoned | Leaving::Dropped => {
                let outcome = self.abandonment(id);
                self.end(id, outcome, out);
            }
            Leaving::ByKey => self.end(id, Outcome::LeftByKey, out),
            Leaving::Failed => self.end(id, Outcome::Failed, out),
        }
    }

    /// Whether who hangs up (or was dropped) now does so shortly.
    pub(super) fn abandonment(&self, id: EntryId) -> Outcome {
        let Some(entry) = self.entries.get(&id) else { return Outcome::Abandoned };
        let short = self
            .queues
            .get(&entry.queue)
            .is_some_and(|queue| entry.mode == Mode::Holding && self.waited(entry) < queue.settings.short_abandon);
        if short { Outcome::ShortAbandoned } else { Outcome::Abandoned }
    }

    /// Since entry; who was dropped has waited until then.
    fn waited(&self, entry: &Entry) -> std::time::Duration {
        let end = if let Stage::Dropped { at, .. } = entry.stage { at } else { self.now };
        end - entry.entered
    }

    fn drop_caller(&mut self, id: EntryId, out: &mut Vec<Output>) {
        let outcome = self.abandonment(id);
        self.count(id, service_event(outcome), out);
        let freed = self.withdraw_all(id, out);
        self.release_promised(id, out);
        let now = self.now;
        if let Some(entry) = self.entries.get_mut(&id)
            && let Some(queue) = self.queues.get(&entry.queue)
        {
            entry.stage = Stage::Dropped { at: now, until: now + queue.settings.resume_window };
            entry.said.hush(now);
            entry.said.menu = false;
            self.dropped += 1;
            let queue = entry.queue;
            self.note(queue, Note::Dropped { entry: id }, out);
        }
        self.sync_entry(id);
        self.free(freed, out);
    }

    pub(super) fn resume(&mut self, id: EntryId, out: &mut Vec<Output>) {
        let Some(entry) = self.entries.get(&id) else { return };
        let (stage, queue) = (entry.stage, entry.queue);
        let dropped = matches!(stage, Stage::Dropped { .. });
        if !dropped && entry.mode != Mode::Callback {
            return;
        }
        if dropped {
            self.dropped -= 1;
        }
        if matches!(stage, Stage::Dialling { .. }) {
            out.push(Output::CancelCallBack { entry: id });
        }
        self.note(queue, Note::Resumed { entry: id }, out);
        self.on_the_line(id, out);
    }

    /// Counts an entry for the service level, if it was not counted before.
    pub(super) fn count(&mut self, id: EntryId, event: LevelEvent, out: &mut Vec<Output>) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if !std::mem::replace(&mut entry.counted, true) {
            let queue = entry.queue;
            self.note(queue, Note::Counted { queue, entry: id, event }, out);
        }
    }

    /// Ends an entry: it is told, counted and forgotten, and whoever rang for it is free.
    pub(super) fn end(&mut self, id: EntryId, outcome: Outcome, out: &mut Vec<Output>) {
        let freed = self.withdraw_all(id, out);
        self.count(id, service_event(outcome), out);
        let Some(entry) = self.entries.get(&id) else { return };
        let (queue_id, stage, place_time) = (entry.queue, entry.stage, entry.place.since);
        let go = self.queues.get(&queue_id).and_then(|queue| match outcome {
            Outcome::Overflowed => queue.settings.when_full,
            Outcome::TimedOut => queue.settings.when_too_long,
            Outcome::NoAgents => queue.settings.when_no_agents,
            _ => None,
        });
        let answered = matches!(outcome, Outcome::Answered | Outcome::Callback);
        let agent = match stage {
            Stage::Connecting { agent } if answered => Some(agent),
            _ => None,
        };
        if agent.is_none() {
            self.release_promised(id, out);
        }
        let Some(entry) = self.entries.get(&id) else { return };
        let estimate = entry.said.first_wait.filter(|_| answered).map(|(at, spoken)| (spoken, self.now - at));
        let wait = self.waited(entry);
        let linked = if let Stage::Dialling { agent, holds, .. } = stage {
            out.push(Output::CancelCallBack { entry: id });
            if holds == Holds::Line {
                out.push(Output::Release { agent });
            }
            Some(agent)
        } else {
            None
        };
        out.push(Output::Ended { entry: id, outcome, go, place_time });
        self.note(queue_id, Note::Ended { queue: queue_id, entry: id, outcome, wait, agent, estimate }, out);
        self.forget_entry(id);
        self.free(freed, out);
        if let Some(agent) = linked {
            self.unlink(agent, id, out);
        }
    }

    /// The caller goes away before the bridge: the agent who has picked up for them is let go.
    pub(super) fn release_promised(&mut self, id: EntryId, out: &mut Vec<Output>) {
        if let Some(Stage::Connecting { agent }) = self.entries.get(&id).map(|entry| entry.stage) {
            out.push(Output::Release { agent });
        }
    }

    pub(super) fn entry_alarm(&mut self, id: EntryId, out: &mut Vec<Output>) {
        let now = self.now;
        let due = |moment: Option<crate::clock::Moment>| moment.is_some_and(|moment| moment <= now);
        let Some(entry) = self.entries.get(&id) else { return };
        let Some(queue) = self.queues.get(&entry.queue) else { return };
        let settings = &queue.settings;
        let front = || position(queue.line.ahead_of(&entry.place));
        let (gives_up, stage_ends) = (due(entry.gives_up_at(settings)), due(entry.stage_ends_at()));
        let (relaxes, speaks) = (due(entry.relaxes_at()), due(entry.speaks_at(settings, front)));
        let (mode, stage, rested) = (entry.mode, entry.stage, due(entry.rests_until));
        if !entry.counted && entry.late_at(settings) <= now {
            self.count(id, LevelEvent::Late, out);
        }
        if gives_up {
            let outcome = if mode == Mode::Callback { Outcome::Failed } else { Outcome::TimedOut };
            return self.end(id, outcome, out);
        }
        if rested {
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.rests_until = None;
            }
            self.reoffer(id, out);
        } else if relaxes {
            self.relax(id, out);
            let freed = self.withdraw_strangers(id, out);
            self.reoffer(id, out);
            self.free(freed, out);
        } else if stage_ends {
            self.stage_ended(id, stage, out);
        } else if speaks {
            self.speak(id, out);
        }
        self.sync_entry(id);
    }

    fn stage_ended(&mut self, id: EntryId, stage: Stage, out: &mut Vec<Output>) {
        match stage {
            Stage::Resting { .. } => {
                if let Some(entry) = self.entries.get_mut(&id) {
                    entry.stage = Stage::Waiting;
                }
                self.reoffer(id, out);
            }
            Stage::Dialling { .. } => {
                out.push(Output::CancelCallBack { entry: id });
                self.callback_failed(id, out);
            }
            Stage::Dropped { .. } => {
                let outcome = self.abandonment(id);
                self.end(id, outcome, out);
            }
            Stage::Waiting | Stage::Connecting { .. } => {}
        }
    }

    /// Announces what is due, or takes an announcement whose end was never told as ended.
    fn speak(&mut self, id: EntryId, out: &mut Vec<Output>) {
        let now = self.now;
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if entry.said.hush(now) {
            return;
        }
        let Some(queue) = self.queues.get(&entry.queue) else { return };
        let queue_id = entry.queue;
        let ahead = queue.line.ahead_of(&entry.place);
        let position = position(ahead);
        if entry.announces_at(&queue.settings, || position).is_none_or(|at| at > now) {
            (entry.said.speaking, entry.said.aside) = (Some(now), true);
            let words = Announcement { place: SpokenPlace::Comfort, wait: None, aside: true };
            return out.push(Output::Announce { entry: id, words });
        }
        let worse = entry.said.position.is_some_and(|least| position > least);
        entry.said.position = Some(entry.said.position.map_or(position, |least| least.min(position)));
        let announce = queue.settings.announce;
        let place = if worse || !announce.position { SpokenPlace::Comfort } else { SpokenPlace::of(position) };
        let mut told = None;
        if announce.wait && !(worse && announce.position) {
            let wanted = entry.wants.stage(entry.relaxed);
            let available = queue.ready.values().filter(|skills| skills.fit(wanted).is_some()).count();
            let inputs = queue.estimate_inputs(now, ahead, available);
            let may = |spoken: &SpokenWait| entry.said.wait.is_none_or(|(at, last)| spoken.may_follow(last, now - at));
            if let Estimate::Wait(band) = estimate(&inputs)
                && let Some(spoken) = band.spoken().filter(may)
            {
                entry.said.wait = Some((now, spoken));
                entry.said.first_wait.get_or_insert((now, spoken));
                told = Some(Note::SpokenWait { entry: id, queue: queue_id, inputs, band, spoken });
            }
        }
        entry.said.speaking = Some(now);
        let wait = if let Some(Note::SpokenWait { spoken, .. }) = &told { Some(*spoken) } else { None };
        out.push(Output::Announce { entry: id, words: Announcement { place, wait, aside: false } });
        out.push(Output::Note(Note::SpokenPlace { entry: id, queue: queue_id, position, spoken: place }));
        out.extend(told.map(Output::Note));
    }

    pub(super) fn announcement_finished(&mut self, id: EntryId) {
        let now = self.now;
        if self.entries.get_mut(&id).is_some_and(|entry| entry.said.hush(now)) {
            self.sync_entry(id);
        }
    }

    pub(super) fn set_menu(&mut self, id: EntryId, open: bool) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.said.menu = open;
            self.sync_entry(id);
        }
    }

    /// Nobody is there to answer, and has not been for a while: those on the line are sent on.
    pub(super) fn queue_alarm(&mut self, id: QueueId, out: &mut Vec<Output>) {
        let Some(queue) = self.queues.get(&id) else { return };
        let all: Vec<EntryId> = queue.line.iter().map(|place| place.entry).collect();
        for entry in all {
            if self.entries.get(&entry).is_some_and(|entry| entry.mode != Mode::Callback) {
                self.end(entry, Outcome::NoAgents, out);
            }
        }
        self.touch(id);
    }
}

/// As what an entry counts that ends so before its threshold has passed.
pub(super) fn service_event(outcome: Outcome) -> LevelEvent {
    match outcome {
        Outcome::Answered | Outcome::Callback => LevelEvent::Answered,
        Outcome::Abandoned => LevelEvent::Abandoned,
        Outcome::ShortAbandoned => LevelEvent::ShortAbandoned,
        Outcome::TimedOut | Outcome::Overflowed | Outcome::NoAgents | Outcome::Failed => LevelEvent::TakenOut,
        Outcome::LeftByKey => LevelEvent::Left,
    }
}
