//! What happened on a day, in numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use helpline::journal::{JournalEvent, Outcome};
use helpline::telephony::CallId;

use super::World;

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) offered: u32,
    pub(super) ended: u32,
    pub(super) open: BTreeSet<CallId>,
    pub(super) outcomes: BTreeMap<Outcome, u32>,
    pub(super) refused: u32,
    pub(super) entered: u64,
    pub(super) left: u64,
    pub(super) keys: u64,
    pub(super) holds: u64,
    pub(super) inputs: u64,
    pub(super) queued: u32,
    pub(super) unqueued: BTreeMap<&'static str, u32>,
    pub(super) offers: BTreeMap<&'static str, u32>,
    pub(super) joined: u32,
    pub(super) parted: BTreeMap<&'static str, u32>,
    pub(super) agent_holds: u32,
    pub(super) announced: u32,
    pub(super) came_back: u32,
    pub(super) places_kept: u32,
    pub(super) called_back: u32,
    pub(super) codes: BTreeMap<&'static str, u32>,
    /// Agents who heard about a caller.
    pub(super) whispers: u32,
    pub(super) transfers: BTreeMap<(&'static str, &'static str), u32>,
    pub(super) dialling: u32,
    pub(super) not_reached: u32,
    /// Legs that moved from one reactor to the other.
    pub(super) handed_over: u32,
    /// What became of tapes.
    pub(super) tapes: BTreeMap<&'static str, u32>,
    /// What web services were asked.
    pub(super) asked: u32,
    /// What came of that.
    pub(super) looked_up: BTreeMap<&'static str, u32>,
    /// How callers left the steps that pass them on.
    pub(super) passed_on: BTreeMap<(Arc<str>, Arc<str>), u32>,
    /// What callers said of the call.
    pub(super) surveys: BTreeMap<&'static str, u32>,
}

impl World {
    pub(super) fn count(&mut self, call: Option<CallId>, event: &JournalEvent) {
        let tally = &mut self.tally;
        match event {
            JournalEvent::Offered(_) => {
                tally.offered += 1;
                assert!(tally.open.insert(call.expect("it has a name")), "{call:?} begins twice");
            }
            JournalEvent::Dialled(_) => {
                tally.offered += 1;
                tally.called_back += 1;
                assert!(tally.open.insert(call.expect("it has a name")), "{call:?} begins twice");
            }
            JournalEvent::Refused { .. } => tally.refused += 1,
            JournalEvent::Ended(ended) => {
                tally.ended += 1;
                assert!(tally.open.remove(&call.expect("it has a name")), "{call:?} ends twice");
                *tally.outcomes.entry(ended.outcome).or_default() += 1;
            }
            JournalEvent::StepEntered(_) => tally.entered += 1,
            JournalEvent::StepLeft { step, exit } => {
                tally.left += 1;
                let named = self.exits.get(&step.step).is_some_and(|exits| exits.contains(exit));
                assert!(named, "`{}` is left by `{exit}`, which is no exit of it", step.step);
                if matches!(&*step.step, "pass" | "out") {
                    *tally.passed_on.entry((step.step.clone(), exit.clone())).or_default() += 1;
                }
            }
            JournalEvent::Digit { .. } => tally.keys += 1,
            JournalEvent::Held => tally.holds += 1,
            JournalEvent::LookedUp(told) => *tally.looked_up.entry(told.outcome).or_default() += 1,
            JournalEvent::Tape(event) => self.tapes.told(event),
            event => tally.count_waiting(event),
        }
    }
}
