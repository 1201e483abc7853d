//! The line of a queue: totally ordered, and it tells anyone's position in logarithmic time.

use std::cmp::{Ordering, Reverse};

use super::ids::{EntryId, Priority};
use crate::clock::Moment;

/// Where an entry stands: by priority, greater first, then by place time, then by entry. The order of these is the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The greater goes first.
    pub priority: Reverse<Priority>,
    /// The *original* time of entry.
    pub since: Moment,
    /// Whose place it is.
    pub entry: EntryId,
}

const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Node {
    place: Place,
    weight: u64,
    left: u32,
    right: u32,
    /// Of this node and all below it.
    count: u32,
}

/// A search tree whose nodes know how many are below them. The tree is a heap by weights that are hashes of the entries
/// (a treap), which keeps it shallow in whatever order callers come and go, and the same in every run.
#[derive(Clone, Debug)]
pub(super) struct Line {
    nodes: Vec<Node>,
    free: Vec<u32>,
    root: u32,
}

impl Line {
    pub(super) fn new() -> Line {
        Line { nodes: Vec::new(), free: Vec::new(), root: NONE }
    }

    pub(super) fn len(&self) -> usize {
        self.count(self.root) as usize
    }

    /// A place that is in the line already is not put in twice.
    pub(super) fn insert(&mut self, place: Place) {
        if self.contains(&place) {
            return;
        }
        let node = Node { place, weight: scramble(place.entry.0), left: NONE, right: NONE, count: 1 };
        let new = match self.free.pop() {
            Some(slot) => {
                self.nodes[slot as usize] = node;
                slot
            }
            None => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as u32
            }
        };
        let (before, after) = self.split(self.root, &place);
        let joined = self.merge(before, new);
        self.root = self.merge(joined, after);
    }

    pub(super) fn remove(&mut self, place: &Place) {
        if !self.contains(place) {
            return;
        }
        let mut at = self.root;
        let mut above = None;
        loop {
            let node = &mut self.nodes[at as usize];
            let order = place.cmp(&node.place);
            if order == Ordering::Equal {
                break;
            }
            node.count -= 1;
            above = Some((at, order));
            at = if order == Ordering::Less { node.left } else { node.right };
        }
        let (left, right) = (self.nodes[at as usize].left, self.nodes[at as usize].right);
        let joined = self.merge(left, right);
        match above {
            None => self.root = joined,
            Some((parent, Ordering::Less)) => self.nodes[parent as usize].left = joined,
            Some((parent, _)) => self.nodes[parent as usize].right = joined,
        }
        self.free.push(at);
    }

    pub(super) fn contains(&self, place: &Place) -> bool {
        let mut at = self.root;
        while at != NONE {
            let node = &self.nodes[at as usize];
            at = match place.cmp(&node.place) {
                Ordering::Equal => return true,
                Ordering::Less => node.left,
                Ordering::Greater => node.right,
            };
        }
        false
    }

    /// How many in the line stand before `place`, whether that is in it or not.
    pub(super) fn ahead_of(&self, place: &Place) -> usize {
        let (mut at, mut ahead) = (self.root, 0);
        while at != NONE {
            let node = &self.nodes[at as usize];
            if *place <= node.place {
                at = node.left;
            } else {
                ahead += 1 + self.count(node.left) as usize;
                at = node.right;
            }
        }
        ahead
    }

    /// The oldest place time. The oldest of each priority stands before all others of it.
    pub(super) fn oldest(&self) -> Option<Moment> {
        let mut oldest: Option<Moment> = None;
        let mut from = Place { priority: Reverse(Priority(u8::MAX)), since: Moment::ZERO, entry: EntryId(0) };
        while let Some(first) = self.first_from(&from) {
            oldest = Some(oldest.map_or(first.since, |oldest| oldest.min(first.since)));
            match first.priority.0.0.checked_sub(1) {
                Some(lower) => from.priority = Reverse(Priority(lower)),
                None => break,
            }
        }
        oldest
    }

    /// The first that does not stand before `place`.
    fn first_from(&self, place: &Place) -> Option<Place> {
        let (mut at, mut found) = (self.root, None);
        while at != NONE {
            let node = &self.nodes[at as usize];
            if *place <= node.place {
                found = Some(node.place);
                at = node.left;
            } else {
                at = node.right;
            }
        }
        found
    }

    /// From the front.
    pub(super) fn iter(&self) -> impl Iterator<Item = Place> + '_ {
        let mut open = Vec::new();
        let mut at = self.root;
        std::iter::from_fn(move || {
            while at != NONE {
                open.push(at);
                at = self.nodes[at as usize].left;
            }
            let node = &self.nodes[open.pop()? as usize];
            at = node.right;
            Some(node.place)
        })
    }

    fn count(&self, at: u32) -> u32 {
        if at == NONE { 0 } else { self.nodes[at as usize].count }
    }

    fn recount(&mut self, at: u32) {
        let (left, right) = (self.nodes[at as usize].left, self.nodes[at as usize].right);
        self.nodes[at as usize].count = 1 + self.count(left) + self.count(right);
    }

    /// Those below `at` that stand before `place`, and the others.
    fn split(&mut self, at: u32, place: &Place) -> (u32, u32) {
        if at == NONE {
            return (NONE, NONE);
        }
        if self.nodes[at as usize].place < *place {
            let (middle, after) = self.split(self.nodes[at as usize].right, place);
            self.nodes[at as usize].right = middle;
            self.recount(at);
            (at, after)
        } else {
            let (before, middle) = self.split(self.nodes[at as usize].left, place);
            self.nodes[at as usize].left = middle;
            self.recount(at);
            (before, at)
        }
    }

    /// All of `before` stand before all of `after`.
    fn merge(&mut self, before: u32, after: u32) -> u32 {
        if before == NONE || after == NONE {
            return if before == NONE { after } else { before };
        }
        if self.nodes[before as usize].weight > self.nodes[after as usize].weight {
            let right = self.merge(self.nodes[before as usize].right, after);
            self.nodes[before as usize].right = right;
            self.recount(before);
            before
        } else {
            let left = self.merge(before, self.nodes[after as usize].left);
            self.nodes[after as usize].left = left;
            self.recount(after);
            after
        }
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): numbers in a row become numbers without a pattern.
fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(priority: u8, since: u64, entry: u64) -> Place {
        Place { priority: Reverse(Priority(priority)), since: Moment::from_millis(since), entry: EntryId(entry) }
    }

    #[test]
    fn priority_goes_before_time_and_time_before_number() {
        let mut line = Line::new();
        for (priority, since, entry) in [(0, 5, 1), (0, 5, 0), (3, 9, 2), (0, 1, 3)] {
            line.insert(place(priority, since, entry));
        }
        let order: Vec<u64> = line.iter().map(|place| place.entry.0).collect();
        assert_eq!(order, [2, 3, 0, 1]);
    }

    #[test]
    fn a_long_line_stays_shallow() {
        let mut line = Line::new();
        (0..100_000).for_each(|n| line.insert(place(0, n, n)));
        fn depth(line: &Line, at: u32) -> usize {
            if at == NONE {
                return 0;
            }
            let node = &line.nodes[at as usize];
            1 + depth(line, node.left).max(depth(line, node.right))
        }
        assert!(depth(&line, line.root) < 60, "{}", depth(&line, line.root));
        (0..100_000).for_each(|n| line.remove(&place(0, n, n)));
        assert_eq!((line.len(), line.nodes.len()), (0, 100_000));
        line.insert(place(0, 0, 0));
        assert_eq!(line.nodes.len(), 100_000, "room that was freed is used again");
    }

    proptest! {
        #[test]
        fn positions_are_those_of_a_sorted_list(
            steps in prop::collection::vec((any::<bool>(), 0u8..3, 0u64..40, 0u64..12), 1..300)
        ) {
            let (mut line, mut model) = (Line::new(), Vec::new());
            for (enters, priority, since, entry) in steps {
                let place = place(priority, since, entry);
                if enters {
                    line.insert(place);
                    model.push(place);
                    model.sort();
                    model.dedup();
                } else {
                    line.remove(&place);
                    model.retain(|other| *other != place);
                }
                prop_assert_eq!(line.len(), model.len());
                prop_assert_eq!(line.ahead_of(&place), model.iter().filter(|other| **other < place).count());
                prop_assert_eq!(line.iter().collect::<Vec<_>>(), model.clone());
                prop_assert_eq!(line.oldest(), model.iter().map(|place| place.since).min());
            }
        }
    }
}
