//! What waits to be written: of each name the last only, so that it is bounded by what there is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::journal::CallRecord;
use crate::switchboard::{Fact, KeptAgent, KeptCaller, KeptPhone, KeptPlace, KeptQueue, KeptSwitch, WallTime};

/// As many records may wait while the disk cannot be written.
pub const RECORDS_WAITING_MAX: usize = 20_000;

/// What is to be written together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) places: BTreeMap<u64, Option<Box<KeptPlace>>>,
    pub(super) agents: BTreeMap<Arc<str>, Option<Box<KeptAgent>>>,
    pub(super) queues: BTreeMap<Arc<str>, Option<Box<KeptQueue>>>,
    /// Of an agent, all that are registered.
    pub(super) phones: BTreeMap<Arc<str>, Vec<KeptPhone>>,
    pub(super) callers: BTreeMap<u64, Option<Box<KeptCaller>>>,
    pub(super) switches: BTreeMap<Arc<str>, Option<KeptSwitch>>,
    pub(super) alive: Option<WallTime>,
    pub(super) records: VecDeque<Box<CallRecord>>,
    /// Of calls that go on, by their names.
    pub(super) so_far: BTreeMap<String, CallRecord>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        !self.has_facts() && !self.has_records()
    }

    fn has_records(&self) -> bool {
        !self.records.is_empty() || !self.so_far.is_empty()
    }

    fn has_facts(&self) -> bool {
        let nothing = self.places.is_empty() && self.agents.is_empty() && self.queues.is_empty();
        self.alive.is_some()
            || !(nothing && self.phones.is_empty() && self.callers.is_empty() && self.switches.is_empty())
    }

    fn take_fact(&mut self, fact: Fact) {
        match fact {
            Fact::Place { entry, kept } => drop(self.places.insert(entry, kept)),
            Fact::Agent { extension, kept } => drop(self.agents.insert(extension, kept)),
            Fact::Queue { name, kept } => drop(self.queues.insert(name, kept)),
            Fact::Phones { extension, kept } => drop(self.phones.insert(extension, kept)),
            Fact::Caller { label, kept } => drop(self.callers.insert(label, kept)),
            Fact::Hours { name, kept } => drop(self.switches.insert(name, kept)),
            Fact::Alive(at) => self.alive = Some(at),
        }
    }

    /// Puts what could not be written under what has come since; tells how many records are lost.
    fn put_under(&mut self, mut older: Batch) -> u64 {
        older.places.append(&mut self.places);
        older.agents.append(&mut self.agents);
        older.queues.append(&mut self.queues);
        older.phones.append(&mut self.phones);
        older.callers.append(&mut self.callers);
        older.switches.append(&mut self.switches);
        older.alive = self.alive.or(older.alive);
        older.records.append(&mut self.records);
        older.so_far.append(&mut self.so_far);
        // A call that is over does not go on.
        older.records.iter().for_each(|record| drop(older.so_far.remove(&record.id)));
        *self = older;
        let beyond = self.records.len().saturating_sub(RECORDS_WAITING_MAX);
        self.records.drain(..beyond);
        beyond as u64
    }
}

#[derive(Debug, Default)]
struct Waiting {
    batch: Batch,
    finish: bool,
}

/// Between those who put and the one who writes. The lock is held for moments only, never while the disk is at work.
#[derive(Debug, Default)]
pub(super) struct Spool {
    waiting: Mutex<Waiting>,
    news: Condvar,
    failures: AtomicU64,
    lost: AtomicU64,
}

impl Spool {
    pub(super) fn keep(&self, facts: Vec<Fact>) {
        let mut waiting = self.waiting();
        facts.into_iter().for_each(|fact| waiting.batch.take_fact(fact));
        drop(waiting);
        self.news.notify_one();
    }

    pub(super) fn record(&self, record: Box<CallRecord>) {
        let mut waiting = self.waiting();
        let first = !waiting.batch.has_records();
        waiting.batch.so_far.remove(&record.id);
        waiting.batch.records.push_back(record);
        if waiting.batch.records.len() > RECORDS_WAITING_MAX {
            waiting.batch.records.pop_front();
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        drop(waiting);
        // The others wait with the first.
        if first {
            self.news.notify_one();
        }
    }

    pub(super) fn so_far(&self, records: Vec<CallRecord>) {
        let mut waiting = self.waiting();
        let first = !waiting.batch.has_records();
        waiting.batch.so_far.extend(records.into_iter().map(|record| (record.id.clone(), record)));
        drop(waiting);
        if first {
            self.news.notify_one();
        }
    }

    pub(super) fn finish(&self) {
        self.waiting().finish = true;
        self.news.notify_one();
    }

    /// Waits for something to write, `patience` at most: facts are given at once, records alone after `pause`, so that
    /// many are written together. Tells too whether it is the last time.
    pub(super) fn take(&self, patience: Duration, pause: Duration) -> (Batch, bool) {
        let idle = |waiting: &mut Waiting| !waiting.finish && waiting.batch.is_empty();
        let waiting = self.waiting();
        let (waiting, _) =
            self.news.wait_timeout_while(waiting, patience, idle).unwrap_or_else(PoisonError::into_inner);
        let brief = |waiting: &mut Waiting| !waiting.finish && !waiting.batch.has_facts();
        let more = if waiting.batch.is_empty() { Duration::ZERO } else { pause };
        let (mut waiting, _) =
            self.news.wait_timeout_while(waiting, more, brief).unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut waiting.batch), waiting.finish)
    }

    /// Takes back what could not be written.
    pub(super) fn put_back(&self, batch: Batch) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let lost = self.waiting().batch.put_under(batch);
        self.lost.fetch_add(lost, Ordering::Relaxed);
    }

    /// Waits `patience`, or until all is to end; tells whether it is.
    pub(super) fn rest(&self, patience: Duration) -> bool {
        let waiting = self.waiting();
        let (waiting, _) = self
            .news
            .wait_timeout_while(waiting, patience, |waiting| !waiting.finish)
            .unwrap_or_else(PoisonError::into_inner);
        waiting.finish
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(super) fn records_lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
