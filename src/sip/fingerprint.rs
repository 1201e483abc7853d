//! Keyed fingerprints, by which transactions are found.

use std::hash::{DefaultHasher, Hasher};

/// Makes 128-bit fingerprints with a key of its own: two halves of SipHash, which is a pseudo-random function, so that
/// nobody outside can make two transactions share one.
#[derive(Clone, Debug)]
pub(super) struct Fingerprinter {
    halves: [DefaultHasher; 2],
}

impl Fingerprinter {
    pub(super) fn new(rng: &mut fastrand::Rng) -> Fingerprinter {
        Fingerprinter { halves: [(); 2].map(|()| keyed(rng)) }
    }

    /// The fingerprint of `parts`, whose bounds count.
    pub(super) fn of(&self, parts: &[&[u8]]) -> u128 {
        let [high, low] = self.halves.clone().map(|mut half| {
            for part in parts {
                half.write_usize(part.len());
                half.write(part);
            }
            half.finish()
        });
        u128::from(high) << 64 | u128::from(low)
    }
}

/// As many lists [`Fingerprinted`] is cut into: a few entries each at the most transactions that there may be.
const LISTS: usize = 4_096;

/// Things that are found by their fingerprints. These are spread evenly, and nobody outside can choose them, so a few of
/// their bits lead to a short list: finding, adding and removing touch two or three places in memory, where a tree's
/// are many and cold. Nothing is moved when it grows, and a list that is empty holds no memory.
#[derive(Debug)]
pub(super) struct Fingerprinted<T> {
    lists: Vec<Vec<(u128, T)>>,
    count: usize,
}

impl<T> Fingerprinted<T> {
    pub(super) fn new() -> Fingerprinted<T> {
        Fingerprinted { lists: (0..LISTS).map(|_| Vec::new()).collect(), count: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn get(&self, fingerprint: u128) -> Option<&T> {
        self.lists[list(fingerprint)].iter().find(|(known, _)| *known == fingerprint).map(|(_, thing)| thing)
    }

    pub(super) fn get_mut(&mut self, fingerprint: u128) -> Option<&mut T> {
        self.lists[list(fingerprint)].iter_mut().find(|(known, _)| *known == fingerprint).map(|(_, thing)| thing)
    }

    /// Puts `thing` in the place of what had this fingerprint.
    pub(super) fn insert(&mut self, fingerprint: u128, thing: T) {
        if let Some(known) = self.get_mut(fingerprint) {
            *known = thing;
        } else {
            self.lists[list(fingerprint)].push((fingerprint, thing));
            self.count += 1;
        }
    }

    pub(super) fn remove(&mut self, fingerprint: u128) -> Option<T> {
        let list = &mut self.lists[list(fingerprint)];
        let place = list.iter().position(|(known, _)| *known == fingerprint)?;
        let (_, thing) = list.swap_remove(place);
        if list.is_empty() {
            *list = Vec::new();
        }
        self.count -= 1;
        Some(thing)
    }

    /// All, in an order that follows from the fingerprints and from what was added and removed.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u128, &T)> {
        self.lists.iter().flatten().map(|(fingerprint, thing)| (*fingerprint, thing))
    }
}

fn list(fingerprint: u128) -> usize {
    // The remainder is below the number of lists.
    (fingerprint % LISTS as u128) as usize
}

fn keyed(rng: &mut fastrand::Rng) -> DefaultHasher {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(rng.u64(..));
    hasher.write_u64(rng.u64(..));
    hasher
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_by_fingerprint_is_what_a_map_finds() {
        use std::collections::BTreeMap;
        let mut rng = fastrand::Rng::with_seed(3);
        let (mut things, mut model) = (Fingerprinted::new(), BTreeMap::new());
        for step in 0..20_000_u32 {
            // Few of them, many in one list, so that they meet.
            let fingerprint = rng.u128(0..50) * 7 + (rng.u128(0..8) << 64);
            match rng.u8(0..4) {
                0 => assert_eq!(things.remove(fingerprint), model.remove(&fingerprint)),
                1 => {
                    things.insert(fingerprint, step);
                    model.insert(fingerprint, step);
                }
                2 => assert_eq!(things.get(fingerprint), model.get(&fingerprint)),
                _ => assert_eq!(things.get_mut(fingerprint), model.get_mut(&fingerprint)),
            }
            assert_eq!(things.len(), model.len());
        }
        assert_eq!(things.iter().map(|(key, thing)| (key, *thing)).collect::<BTreeMap<_, _>>(), model);
        for fingerprint in model.into_keys() {
            assert!(things.remove(fingerprint).is_some());
        }
        assert!(things.lists.iter().all(|list| list.capacity() == 0), "an empty list holds no memory");
    }

    #[test]
    fn bounds_and_key_count() {
        let one = Fingerprinter::new(&mut fastrand::Rng::with_seed(1));
        let two = Fingerprinter::new(&mut fastrand::Rng::with_seed(2));
        assert_eq!(one.of(&[b"ab", b"c"]), one.of(&[b"ab", b"c"]));
        assert_ne!(one.of(&[b"ab", b"c"]), one.of(&[b"a", b"bc"]));
        assert_ne!(one.of(&[b"ab", b"c"]), two.of(&[b"ab", b"c"]));
    }
}
