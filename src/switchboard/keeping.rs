//! When facts are told that are to outlive the process, and the beginning with those that have.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::kept::{Day, Fact, Kept, KeptPhone, KeptSwitch, promise_again};
use super::queues::{Booked, Promise};
use super::{Output, Switchboard};
use crate::acd::{self, EntryId, KeptStage};
use crate::clock::Moment;
use crate::flow::Switch;
use crate::telephony::{CallId, RegisteredPhone, SipCommand};

/// What changes is told at once, and then no sooner than after this: together, so that what is kept is always the state
/// of one moment.
pub const KEEP_GAP: Duration = Duration::from_millis(100);
/// That the process lives is told so often while anybody waits or works, if nothing else is: so much of a conversation
/// may be missing in the figures when it dies.
pub const ALIVE_GAP: Duration = Duration::from_secs(10);

/// Callbacks that rest for longer while Helpline closes down were put off for that reason.
const POSTPONED: Duration = Duration::from_secs(30 * 60);

/// When what was last told.
#[derive(Debug)]
pub(super) struct Keeping {
    told: Moment,
    /// Somebody waits or works, so that time matters.
    lively: bool,
    /// All is to be told again.
    all: bool,
    /// What is to be forgotten.
    gone: Vec<Fact>,
    /// Agents whose phones are others than were told last, as they were at that moment.
    phones: BTreeMap<Arc<str>, (Moment, Vec<RegisteredPhone>)>,
    /// Hours that somebody has switched, or that stand as they are written again.
    switched: BTreeMap<Arc<str>, Option<Switch>>,
}

impl Keeping {
    pub(super) fn since(now: Moment) -> Keeping {
        Keeping {
            told: now,
            lively: false,
            all: true,
            gone: Vec::new(),
            phones: BTreeMap::new(),
            switched: BTreeMap::new(),
        }
    }

    /// These are no more, and all else is to be told again.
    pub(super) fn forget(&mut self, gone: impl Iterator<Item = Fact>) {
        self.gone.extend(gone);
        self.all = true;
    }

    /// An agent's phones, as `sip` knows them.
    pub(super) fn phones_registered(&mut self, now: Moment, extension: &str, phones: Vec<RegisteredPhone>) {
        self.phones.insert(extension.into(), (now, phones));
    }

    /// Somebody has switched hours; `None`: they stand as they are written.
    pub(super) fn hours_switched(&mut self, hours: &Arc<str>, switch: Option<Switch>) {
        self.switched.insert(hours.clone(), switch);
    }
}

impl Switchboard {
    /// When [`Switchboard::keep`] has something to tell, if nothing happens before.
    pub fn keep_due(&self) -> Option<Moment> {
        let told = !self.keeping.phones.is_empty() || !self.keeping.switched.is_empty();
        let changed = self.keeping.all || told || self.queues.distributor.has_changed();
        // Who has called is told with what else is, or once in a while.
        let idle = self.keeping.lively || self.callers.have_changed();
        let gap = if changed { Some(KEEP_GAP) } else { idle.then_some(ALIVE_GAP) };
        gap.map(|gap| self.keeping.told + gap)
    }

    /// What is to be kept from now on, if that is due: the state of one moment, to be written whole or not at all.
    pub fn keep(&mut self, now: Moment) -> Vec<Fact> {
        if self.keep_due().is_some_and(|due| due <= now) { self.keep_now(now) } else { Vec::new() }
    }

    /// The same, due or not.
    pub fn keep_now(&mut self, now: Moment) -> Vec<Fact> {
        let day = Day(self.calendar);
        let closing = self.drain.is_some();
        let queues = &mut self.queues;
        let mut changes = queues.distributor.changes();
        if std::mem::take(&mut self.keeping.all) {
            changes.entries.extend(queues.book.keys());
            changes.agents.extend(queues.distributor.agents());
            changes.queues.extend(queues.distributor.queues());
        }
        let mut facts = std::mem::take(&mut self.keeping.gone);
        facts.reserve(changes.entries.len() + changes.agents.len() + changes.queues.len() + 1);
        for id in changes.entries {
            let mut kept = queues.distributor.kept_entry(id);
            if let Some(kept) = &mut kept
                && let KeptStage::Resting(until) = kept.stage
                && closing
                && until.since(now) > POSTPONED
            {
                // They rest because Helpline closes down: whoever goes on may call them at once.
                kept.stage = KeptStage::Resting(now);
            }
            let kept = kept.map(|kept| Box::new(queues.place_to_keep(day, kept)));
            facts.push(Fact::Place { entry: id.0, kept });
        }
        for id in changes.agents {
            let kept = queues.distributor.kept_agent(id).map(|kept| Box::new(queues.agent_to_keep(day, kept)));
            facts.push(Fact::Agent { extension: queues.extension(id), kept });
        }
        for id in changes.queues {
            let kept = queues.distributor.kept_queue(id).map(|kept| Box::new(queues.queue_to_keep(day, kept)));
            facts.push(Fact::Queue { name: queues.queue_name(id), kept });
        }
        for (extension, (at, phones)) in std::mem::take(&mut self.keeping.phones) {
            let kept = phones.iter().map(|phone| KeptPhone::of(day, at, phone)).collect();
            facts.push(Fact::Phones { extension, kept });
        }
        for (name, switch) in std::mem::take(&mut self.keeping.switched) {
            let kept = switch.map(|switch| KeptSwitch::of(&name, switch));
            facts.push(Fact::Hours { name, kept });
        }
        facts.extend(self.callers.changes());
        facts.push(Fact::Alive(day.time(now)));
        self.keeping.told = now;
        self.keeping.lively = queues.distributor.is_lively();
        facts
    }

    /// Goes on with what an earlier process has left, before the first input. Tells how many places are of queues that
    /// there are no more.
    pub(super) fn restore(&mut self, now: Moment, kept: &Kept, out: &mut Vec<Output>) -> usize {
        let day = Day(self.calendar);
        self.callers.restore(&kept.callers, day.time(now));
        self.restore_switches(now, &kept.switches);
        let queues = &mut self.queues;
        let alive = kept.alive.map_or(now, |alive| day.moment(alive));
        let mut known = acd::Kept { alive, ..acd::Kept::default() };
        known.queues = kept.queues.iter().map(|kept| queues.queue_again(day, kept)).collect();
        known.agents = kept.agents.iter().map(|kept| queues.agent_again(day, kept)).collect();
        known.entries = kept.places.iter().map(|kept| queues.place_again(day, kept)).collect();
        for (kept, agent) in kept.agents.iter().zip(&known.agents) {
            if kept.signed_off {
                queues.signed_off.insert(agent.agent);
            }
        }
        let there: Vec<acd::QueueId> = queues.distributor.queues().collect();
        let mut promises: BTreeMap<EntryId, Promise> = BTreeMap::new();
        for place in &kept.places {
            let next = self.next_call;
            if let Some(promise) = promise_again(&self.revision.flows, day, place, next) {
                self.next_call = CallId(next.0.wrapping_add(1));
                promises.insert(EntryId(place.entry), promise);
            }
        }
        let mut lost = 0;
        for entry in &known.entries {
            // No name of a place is used again, not even of one that nobody can take up.
            self.entries = self.entries.max(entry.entry.0);
            if there.contains(&entry.queue) {
                let promise = promises.remove(&entry.entry).map(Box::new);
                queues.book.insert(entry.entry, Booked { call: None, since: entry.place_time, promise });
            } else {
                lost += 1;
            }
        }
        let handled = known.agents.iter().filter_map(|agent| agent.handling).map(|handling| handling.entry.0);
        self.entries = self.entries.max(handled.max().unwrap_or(0));
        let phones: Vec<_> =
            kept.phones.iter().map(|(extension, phone)| (extension.to_string(), phone.again(day, now))).collect();
        if !phones.is_empty() {
            out.push(Output::Sip(SipCommand::RestorePhones(phones)));
        }
        let mut wanted = Vec::new();
        queues.distributor.restore(known, &mut wanted);
        self.deliver(now, wanted, out);
        self.run_errands(now, out);
        lost
    }
}
