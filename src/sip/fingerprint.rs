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
    fn bounds_and_key_count() {
        let one = Fingerprinter::new(&mut fastrand::Rng::with_seed(1));
        let two = Fingerprinter::new(&mut fastrand::Rng::with_seed(2));
        assert_eq!(one.of(&[b"ab", b"c"]), one.of(&[b"ab", b"c"]));
        assert_ne!(one.of(&[b"ab", b"c"]), one.of(&[b"a", b"bc"]));
        assert_ne!(one.of(&[b"ab", b"c"]), two.of(&[b"ab", b"c"]));
    }
}
