//! What has happened and is not written down yet: while much happens, log, metrics, records and stories are written together.
//!
//! They are code and memory of their own, which the processor has to fetch each time. Where turns of the main loop come
//! often, what they cost is mostly that, so it is paid once for several turns.

use std::time::Duration;
use std::vec::Drain;

use crate::clock::Moment;
use crate::journal::JournalEntry;

/// While entries come often, they are read so long after the first of them at the latest.
const GAP: Duration = Duration::from_millis(20);
/// They come often when some come within so long after others.
const OFTEN: Duration = Duration::from_millis(8);
/// As many wait; then all are read, however young.
const WAITING_MAX: usize = 512;

/// Entries that wait to be read, each with when it was acted upon.
#[derive(Debug, Default)]
pub struct Unread {
    entries: Vec<(JournalEntry, Moment)>,
    due: Option<Moment>,
    /// When entries last came.
    came: Moment,
}

impl Unread {
    /// Takes what was acted upon by `now`. After a quiet while it is due at once.
    pub fn take(&mut self, entries: &mut Vec<JournalEntry>, now: Moment) {
        let gap = if now.since(self.came) <= OFTEN { GAP } else { Duration::ZERO };
        self.came = now;
        let due = now + gap;
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
        self.entries.extend(entries.drain(..).map(|entry| (entry, now)));
    }

    /// When [`Unread::due`] is to be asked next.
    pub fn deadline(&self) -> Option<Moment> {
        self.due
    }

    /// All that wait, when they are to be read by `now`; none before.
    pub fn due(&mut self, now: Moment) -> Drain<'_, (JournalEntry, Moment)> {
        if self.due.is_none_or(|due| due > now) && self.entries.len() < WAITING_MAX {
            return self.entries.drain(..0);
        }
        self.all()
    }

    /// All that wait.
    pub fn all(&mut self) -> Drain<'_, (JournalEntry, Moment)> {
        self.due = None;
        self.entries.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::JournalEvent;

    fn at(ms: u64) -> Moment {
        Moment::from_millis(ms)
    }

    /// Puts an entry at each of `come`; the milliseconds at which entries are read, each with how many.
    fn read(come: &[u64]) -> Vec<(u64, usize)> {
        let mut unread = Unread::default();
        let mut read = Vec::new();
        for ms in 1_000..2_000 {
            if come.contains(&ms) {
                unread.take(&mut vec![JournalEntry { at: at(ms), call: None, event: JournalEvent::Began }], at(ms));
            }
            if unread.deadline().is_some_and(|due| due <= at(ms)) {
                read.push((ms, unread.due(at(ms)).count()));
                assert_eq!(unread.deadline(), None);
            }
            assert_eq!(unread.due(at(ms)).count(), 0, "none before");
        }
        read
    }

    #[test]
    fn what_comes_often_is_read_together() {
        assert_eq!(read(&[1_000]), [(1_000, 1)], "after a quiet while at once");
        assert_eq!(read(&[1_000, 1_009, 1_018]), [(1_000, 1), (1_009, 1), (1_018, 1)]);
        assert_eq!(read(&[1_000, 1_008]), [(1_000, 1), (1_028, 1)], "and nothing is left");
        let often: Vec<u64> = (1_000..1_100).step_by(2).collect();
        assert_eq!(read(&often), [(1_000, 1), (1_022, 11), (1_044, 11), (1_066, 11), (1_088, 11), (1_110, 5)]);
        // What comes after a quiet while takes with it what still waits.
        assert_eq!(read(&[1_000, 1_004, 1_015]), [(1_000, 1), (1_015, 2)]);
    }

    #[test]
    fn no_more_wait_than_may() {
        let mut unread = Unread::default();
        let entries = |count| vec![JournalEntry { at: at(1), call: None, event: JournalEvent::Began }; count];
        unread.take(&mut entries(1), at(1_000));
        assert_eq!(unread.all().count(), 1);
        unread.take(&mut entries(WAITING_MAX - 1), at(1_001));
        assert_eq!(unread.due(at(1_001)).count(), 0);
        unread.take(&mut entries(1), at(1_001));
        let read: Vec<(JournalEntry, Moment)> = unread.due(at(1_002)).collect();
        assert_eq!(read.len(), WAITING_MAX);
        assert!(read.iter().all(|(_, acted)| *acted == at(1_001)), "they tell when they were acted upon");
    }
}
