//! Who has called before: when, how often of late, and who talked to them last. Callers are known by the keyed labels of their
//! numbers, and no more of them are remembered than fit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kept::{Fact, WallTime};
use crate::flow::KnownCaller;

/// As many callers are remembered; then those are forgotten who have not called for longest.
pub const CALLERS_MAX: usize = 50_000;
/// Who has not called for so long is forgotten.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(400 * 86_400);
/// As many calls of each are known at most ...
const CALLS_MAX: usize = 32;
/// ... of the last two days, wherever a day begins, and a little more.
const OF_LATE_US: i64 = 50 * 3_600 * 1_000_000;

/// What is remembered of a caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCaller {
    /// Whose: a number that only [`Kept::seed`](super::Kept::seed) makes of a caller's.
    pub label: u64,
    /// When they called last.
    pub last_call: WallTime,
    /// Their calls of late, in order; the last one among them.
    pub calls: Vec<WallTime>,
    /// The extension of the agent who talked to them last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_agent: Option<Arc<str>>,
}

/// The callers who are remembered.
#[derive(Debug, Default)]
pub(super) struct Callers {
    known: BTreeMap<u64, KeptCaller>,
    /// By when they called last.
    by_age: BTreeSet<(WallTime, u64)>,
    changed: BTreeSet<u64>,
}

impl Callers {
    /// What an earlier process has left, at `now`.
    pub(super) fn restore(&mut self, kept: &[KeptCaller], now: WallTime) {
        let oldest = now.0.saturating_sub(i64::try_from(REMEMBERED_FOR.as_micros()).unwrap_or(i64::MAX));
        for caller in kept {
            if caller.last_call.0 < oldest {
                self.changed.insert(caller.label);
                continue;
            }
            self.by_age.insert((caller.last_call, caller.label));
            self.known.insert(caller.label, caller.clone());
        }
        self.make_room();
    }

    /// Somebody calls; what is known of them, with this call.
    pub(super) fn called(&mut self, label: u64, at: WallTime) -> KnownCaller {
        let before = self.known.get(&label).map(|caller| caller.last_call);
        let caller = self.known.entry(label).or_insert_with(|| KeptCaller {
            label,
            last_call: at,
            calls: Vec::new(),
            last_agent: None,
        });
        if let Some(before) = before {
            self.by_age.remove(&(before, label));
        }
        // Somebody may have set the clock back.
        caller.last_call = at;
        caller.calls.retain(|call| call.0 > at.0.saturating_sub(OF_LATE_US) && *call <= at);
        if caller.calls.len() == CALLS_MAX {
            caller.calls.remove(0);
        }
        caller.calls.push(at);
        let known = known(caller, before);
        self.by_age.insert((at, label));
        self.changed.insert(label);
        self.make_room();
        known
    }

    /// What is known of somebody whom we call.
    pub(super) fn of(&self, label: u64) -> KnownCaller {
        self.known.get(&label).map(|caller| known(caller, Some(caller.last_call))).unwrap_or_default()
    }

    /// An agent talks to them.
    pub(super) fn met(&mut self, label: u64, agent: &Arc<str>) {
        if let Some(caller) = self.known.get_mut(&label).filter(|caller| caller.last_agent.as_ref() != Some(agent)) {
            caller.last_agent = Some(agent.clone());
            self.changed.insert(label);
        }
    }

    /// Whether something is to be kept.
    pub(super) fn have_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// What is to be kept since the last time.
    pub(super) fn changes(&mut self) -> impl Iterator<Item = Fact> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|label| Fact::Caller { label, kept: self.known.get(&label).cloned().map(Box::new) })
    }

    fn make_room(&mut self) {
        while self.known.len() > CALLERS_MAX {
            let Some((_, oldest)) = self.by_age.pop_first() else { return };
            self.known.remove(&oldest);
            self.changed.insert(oldest);
        }
    }
}

fn known(caller: &KeptCaller, last_call: Option<WallTime>) -> KnownCaller {
    let time = |at: WallTime| Timestamp::from_microsecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
    KnownCaller {
        last_agent: caller.last_agent.clone(),
        last_call: last_call.map(time),
        calls: caller.calls.iter().map(|at| time(*at)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn at(hours: i64) -> WallTime {
        WallTime(1_800_000_000_000_000 + hours * HOUR)
    }

    #[test]
    fn a_caller_is_known_by_what_happened() {
        let mut callers = Callers::default();
        let first = callers.called(7, at(0));
        assert_eq!((first.last_call, first.last_agent, first.calls.len()), (None, None, 1));
        callers.met(7, &"1001".into());
        callers.met(8, &"1001".into());
        let second = callers.called(7, at(1));
        assert_eq!(second.last_call.map(Timestamp::as_microsecond), Some(at(0).0));
        assert_eq!((second.last_agent.as_deref(), second.calls.len()), (Some("1001"), 2));
        assert_eq!(callers.called(7, at(50)).calls.len(), 2, "what is two days ago is not of late");
        assert_eq!(callers.of(8), KnownCaller::default());
        let facts: Vec<Fact> = callers.changes().collect();
        assert!(matches!(&facts[..], [Fact::Caller { label: 7, kept: Some(kept) }] if kept.last_call == at(50)));
        assert!(!callers.have_changed());
        let mut later = Callers::default();
        let Fact::Caller { kept: Some(kept), .. } = &facts[0] else { panic!("it is kept") };
        later.restore(std::slice::from_ref(kept), at(60));
        assert_eq!(later.of(7).last_agent.as_deref(), Some("1001"));
        let mut too_late = Callers::default();
        too_late.restore(std::slice::from_ref(kept), at(24 * 500));
        assert_eq!(too_late.of(7), KnownCaller::default());
        assert!(matches!(too_late.changes().next(), Some(Fact::Caller { label: 7, kept: None })), "the row goes");
    }

    #[test]
    fn no_more_are_remembered_than_fit() {
        let mut callers = Callers::default();
        for caller in 0..CALLERS_MAX as u64 + 10 {
            callers.called(caller, WallTime(1_800_000_000_000_000 + caller as i64));
        }
        assert_eq!((callers.known.len(), callers.by_age.len()), (CALLERS_MAX, CALLERS_MAX));
        assert_eq!(callers.of(9), KnownCaller::default(), "the oldest are forgotten");
        for _ in 0..1_000 {
            callers.called(20, at(1));
        }
        assert_eq!(callers.of(20).calls.len(), CALLS_MAX);
    }

    #[test]
    fn a_clock_that_is_set_back_breaks_nothing() {
        let mut callers = Callers::default();
        callers.called(7, at(10));
        let known = callers.called(7, at(0));
        assert_eq!(known.calls.len(), 1);
        assert_eq!(callers.by_age.len(), 1);
    }
}
