//! All deadlines of the user agent, in one order.

use std::collections::BTreeSet;

use crate::clock::Moment;

/// Deadlines of things named by `K`, each of which has one at most.
///
/// The thing itself keeps the moment that is set for it, so that moving or clearing it needs no search, and a thing that
/// is dropped without clearing its deadline shows in [`Deadlines::len`].
#[derive(Debug)]
pub(super) struct Deadlines<K> {
    ordered: BTreeSet<(Moment, K)>,
}

impl<K: Copy + Ord> Deadlines<K> {
    pub(super) fn new() -> Deadlines<K> {
        Deadlines { ordered: BTreeSet::new() }
    }

    /// Sets, moves or clears the deadline of `name`, of which `current` is what is set so far.
    pub(super) fn set(&mut self, name: K, current: &mut Option<Moment>, wanted: Option<Moment>) {
        if *current == wanted {
            return;
        }
        if let Some(old) = current.take() {
            self.ordered.remove(&(old, name));
        }
        if let Some(new) = wanted {
            self.ordered.insert((new, name));
            *current = Some(new);
        }
    }

    /// The earliest.
    pub(super) fn next(&self) -> Option<Moment> {
        self.ordered.first().map(|(moment, _)| *moment)
    }

    /// Takes out one that is due at `now`. Its owner must forget the moment that it keeps.
    pub(super) fn take_due(&mut self, now: Moment) -> Option<K> {
        if self.next()? > now {
            return None;
        }
        self.ordered.pop_first().map(|(_, name)| name)
    }

    /// How many are set.
    pub(super) fn len(&self) -> usize {
        self.ordered.len()
    }

    /// Whether `name` is set for `moment`.
    pub(super) fn contains(&self, name: K, moment: Moment) -> bool {
        self.ordered.contains(&(moment, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_has_one_deadline_and_they_come_in_order() {
        let at = Moment::from_millis;
        let mut deadlines = Deadlines::new();
        let (mut one, mut two) = (None, None);
        deadlines.set(1, &mut one, Some(at(30)));
        deadlines.set(2, &mut two, Some(at(20)));
        deadlines.set(1, &mut one, Some(at(10)));
        assert_eq!((deadlines.len(), deadlines.next()), (2, Some(at(10))));
        assert_eq!(deadlines.take_due(at(9)), None);
        assert_eq!(deadlines.take_due(at(25)), Some(1));
        assert_eq!(deadlines.take_due(at(25)), Some(2));
        assert_eq!((deadlines.len(), deadlines.next()), (0, None));
        let mut three = None;
        deadlines.set(3, &mut three, Some(at(40)));
        deadlines.set(3, &mut three, None);
        assert_eq!((deadlines.len(), three), (0, None));
    }
}
