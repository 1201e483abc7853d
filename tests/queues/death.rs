//! The death of the process, at any moment: what was written is had again, as it was.

use std::collections::{BTreeMap, BTreeSet};

use helpline::acd::*;
use helpline::clock::Moment;

use crate::world::World;

/// What was written.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    at: Moment,
    entries: BTreeMap<EntryId, KeptEntry>,
    agents: BTreeMap<AgentId, KeptAgent>,
    queues: BTreeMap<QueueId, KeptQueue>,
}

impl Disk {
    /// Writes what has changed, whole or not at all.
    pub fn write(&mut self, now: Moment, distributor: &mut Distributor) {
        self.at = now;
        let Changes { entries, agents, queues } = distributor.changes();
        for entry in entries {
            replace(&mut self.entries, entry, distributor.kept_entry(entry));
        }
        for agent in agents {
            replace(&mut self.agents, agent, distributor.kept_agent(agent));
        }
        for queue in queues {
            replace(&mut self.queues, queue, distributor.kept_queue(queue));
        }
    }

    /// Writes everything for the first time.
    pub fn write_all(&mut self, now: Moment, distributor: &mut Distributor) {
        self.agents = distributor.agents().filter_map(|id| Some((id, distributor.kept_agent(id)?))).collect();
        self.queues = distributor.queues().filter_map(|id| Some((id, distributor.kept_queue(id)?))).collect();
        self.write(now, distributor);
    }

    fn kept(&self) -> Kept {
        Kept {
            alive: self.at,
            entries: self.entries.values().cloned().collect(),
            agents: self.agents.values().cloned().collect(),
            queues: self.queues.values().cloned().collect(),
        }
    }
}

fn replace<K: Ord, V>(all: &mut BTreeMap<K, V>, key: K, new: Option<V>) {
    match new {
        Some(new) => all.insert(key, new),
        None => all.remove(&key),
    };
}

/// In the order in which they are served.
fn line(entries: impl IntoIterator<Item = KeptEntry>) -> Vec<EntryId> {
    let mut entries: Vec<KeptEntry> = entries.into_iter().collect();
    entries.sort_by_key(|entry| (std::cmp::Reverse(entry.priority), entry.place_time, entry.entry));
    entries.into_iter().map(|entry| entry.entry).collect()
}

impl World {
    /// Another process takes over from the one that has just died.
    pub fn rise(&mut self) {
        *self.told.entry("died").or_default() += 1;
        let strict = self.random.bool();
        let mut disk = self.disk.take().expect("it is mortal");
        let died = self.now;
        if strict {
            disk.write(died, &mut self.distributor);
            self.assert_written(&disk);
        }
        if self.is_random(4) {
            self.current.queues.rotate_left(1);
        }
        let random = fastrand::Rng::with_seed(self.random.u64(..));
        let mut risen = Distributor::begun(self.now, self.current.clone(), random);
        risen.remember();
        let mut out = Vec::new();
        risen.restore(disk.kept(), &mut out);
        risen.assert_consistent();
        let over: BTreeSet<EntryId> =
            out.iter().filter_map(|o| if let Output::Ended { entry, .. } = o { Some(*entry) } else { None }).collect();
        if strict {
            self.assert_nothing_is_lost(&disk, &risen, &over);
        }
        assert!(
            !out.iter().any(|o| matches!(o, Output::Offer { .. } | Output::CallBack { .. } | Output::Connect { .. }))
        );
        self.distributor = risen;
        let on_the_line: Vec<EntryId> = disk
            .entries
            .values()
            .filter(|kept| {
                let risen = self.distributor.kept_entry(kept.entry);
                risen.is_some_and(|risen| matches!(risen.stage, KeptStage::Dropped(_)))
            })
            .map(|kept| kept.entry)
            .collect();
        // What was over after the last writing is over once more.
        let known: BTreeSet<EntryId> = disk.entries.keys().copied().collect();
        self.bring_back(&known);
        self.obey_all(out);
        self.begin_anew(&on_the_line, !strict);
        disk.write(self.now, &mut self.distributor);
        self.disk = Some(disk);
    }

    /// Everything that there is was written.
    fn assert_written(&self, disk: &Disk) {
        for entry in self.live() {
            assert_eq!(disk.entries.get(entry).cloned(), self.distributor.kept_entry(*entry), "at {}", self.now);
        }
        assert_eq!(disk.entries.len(), self.live().len());
        for agent in self.distributor.agents() {
            assert_eq!(disk.agents.get(&agent).cloned(), self.distributor.kept_agent(agent), "at {}", self.now);
        }
        for queue in self.distributor.queues() {
            let (written, true_one) = (disk.queues.get(&queue), self.distributor.kept_queue(queue));
            assert_eq!(written.map(|w| w.figures), true_one.as_ref().map(|t| t.figures), "{queue}");
            assert_eq!(written.map(|w| &w.past), true_one.as_ref().map(|t| &t.past), "{queue}");
        }
    }

    /// Places, states and figures are what they were.
    fn assert_nothing_is_lost(&mut self, disk: &Disk, risen: &Distributor, over: &BTreeSet<EntryId>) {
        let queues: BTreeSet<QueueId> = self.current.queues.iter().map(|queue| queue.queue).collect();
        for id in &queues {
            let Some(before) = disk.queues.get(id) else { continue };
            let after = risen.kept_queue(*id).expect("it is configured");
            let due = |kept: &&KeptEntry| kept.queue == *id && !over.contains(&kept.entry);
            let mine = disk.entries.values().filter(due).cloned();
            let found = disk.entries.values().filter(due).filter_map(|kept| risen.kept_entry(kept.entry));
            assert_eq!(line(mine), line(found), "{id}: the order of the line");
            assert_eq!(before.figures.entered, after.figures.entered, "{id}");
            let last = after.past.last().map(|piece| piece.since);
            assert!(after.past.len() <= before.past.len() + 1, "{id}: {last:?}");
            for piece in &after.past {
                let written = before.past.iter().find(|other| other.since == piece.since);
                let calls = written.map_or(0, |written| written.calls);
                let fresh = last == Some(piece.since);
                assert!(piece.calls >= calls && (fresh || piece.calls == calls), "{id}: {piece:?} {written:?}");
            }
        }
        let configured = |agent: &&KeptAgent| risen.kept_agent(agent.agent).is_some();
        for before in disk.agents.values().filter(configured) {
            let after = risen.kept_agent(before.agent).expect("it is configured");
            assert_eq!(before.presence, after.presence);
            assert_eq!((before.misses, before.calls), (after.misses, after.calls), "{:?}", before.agent);
            self.compare_wrap_up(before, &after);
            if let KeptPresence::Paused(reason) = &after.presence {
                let what = if *reason == PauseReason::Missed { "kept missed" } else { "kept by name" };
                for what in ["kept pause", what] {
                    *self.told.entry(what).or_default() += 1;
                }
            }
        }
        for kept in disk.entries.values() {
            let Some(after) = risen.kept_entry(kept.entry) else { continue };
            assert_eq!((kept.place_time, kept.priority, kept.label), (after.place_time, after.priority, after.label));
            assert_eq!((kept.tries, kept.position, kept.wait), (after.tries, after.position, after.wait));
            let awaits = after.mode == Mode::Callback;
            *self.told.entry(if awaits { "kept to be called" } else { "kept on the line" }).or_default() += 1;
            assert_eq!(awaits, kept.mode == Mode::Callback || kept.called_back && kept.mode == Mode::Resumed);
            assert!(risen.resumable(kept.queue, kept.label).is_some(), "{kept:?} cannot come back");
        }
    }

    fn compare_wrap_up(&mut self, before: &KeptAgent, after: &KeptAgent) {
        let until = |agent: &KeptAgent| match agent.handling.map(|handling| handling.phase) {
            Some(KeptPhase::WrapUp { until, .. }) => Some(until),
            _ => None,
        };
        if let Some(until_before) = until(before)
            && before.presence != KeptPresence::LoggedOut
            && self.current.queues.iter().any(|queue| Some(queue.queue) == before.handling.map(|h| h.queue))
        {
            assert_eq!(until(after), (until_before > self.now).then_some(until_before), "{:?}", before.agent);
            *self.told.entry("kept wrap-up").or_default() += 1;
        }
    }
}
