//! Nonces that carry their own time and seal, and the counts that were used with them.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{hexadecimal, same};
use crate::clock::Moment;

/// How long a nonce may be used; then the phone is given a new one with `stale=true`.
const LIFE: Duration = Duration::from_secs(300);

/// Nonces whose counts are remembered. When there are more, the oldest becomes stale.
const WINDOWS_MAX: usize = 10_000;

/// How far counts may come out of their order, as datagrams do.
const WINDOW: u32 = 64;

/// A nonce's number is that of the process that made it, above so many bits, and how many it had made before.
const COUNT_BITS: u32 = 40;

/// Octets of a block of SHA-256 (RFC 2104).
const BLOCK: usize = 64;

/// What a nonce is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sip) enum Use {
    /// It is ours, young enough, and its count is new.
    Fresh,
    /// It was ours, and is too old or was used with this count before.
    Stale,
    /// It never was ours.
    Foreign,
}

/// Makes nonces and judges them.
#[derive(Debug)]
pub(in crate::sip) struct Nonces {
    key: [u8; 32],
    made: u64,
    /// What was used, by the nonce's number.
    windows: BTreeMap<u64, Window>,
    /// All nonces up to this number are stale.
    floor: u64,
}

/// The counts that were used with one nonce.
#[derive(Debug)]
struct Window {
    made: Moment,
    highest: u32,
    /// Bit n stands for `highest - n`.
    used: u64,
}

impl Nonces {
    /// With a key that nobody outside can know: it follows from `secret`, so that the nonces of an earlier process with the
    /// same one are known to be ours. They are stale, since nobody knows any more which counts were used with them.
    pub(in crate::sip) fn new(secret: &[u8], rng: &mut fastrand::Rng) -> Nonces {
        let mut hash = Sha256::new();
        hash.update(secret);
        if secret.is_empty() {
            (0..4).for_each(|_| hash.update(rng.u64(..).to_be_bytes()));
        }
        let made = rng.u64(..) << COUNT_BITS;
        Nonces { key: hash.finalize().into(), made, windows: BTreeMap::new(), floor: made }
    }

    /// One more.
    pub(in crate::sip) fn make(&mut self, now: Moment) -> String {
        self.made += 1;
        self.write(self.made, now)
    }

    fn write(&self, number: u64, made: Moment) -> String {
        let text = format!("{number:016x}{:016x}", made.as_micros());
        let seal = hmac(&self.key, text.as_bytes());
        text + &hexadecimal(&seal[..16])
    }

    /// Its number and time, where it is one of ours.
    fn read(&self, nonce: &str) -> Option<(u64, Moment)> {
        let number = u64::from_str_radix(nonce.get(..16)?, 16).ok()?;
        let made = Moment::from_micros(u64::from_str_radix(nonce.get(16..32)?, 16).ok()?);
        same(&self.write(number, made), nonce).then_some((number, made))
    }

    /// Whether a nonce may be used with `count`, without using it.
    pub(in crate::sip) fn judge(&self, now: Moment, nonce: &str, count: u32) -> Use {
        let Some((number, made)) = self.read(nonce) else { return Use::Foreign };
        let of_another_process = number >> COUNT_BITS != self.made >> COUNT_BITS;
        if of_another_process || number <= self.floor || now.since(made) > LIFE || count == 0 {
            return Use::Stale;
        }
        match self.windows.get(&number) {
            Some(window) if !window.takes(count) => Use::Stale,
            _ => Use::Fresh,
        }
    }

    /// Notes that a nonce was used with `count` by someone who knows the password.
    pub(in crate::sip) fn spend(&mut self, now: Moment, nonce: &str, count: u32) {
        let Some((number, made)) = self.read(nonce) else { return };
        self.windows.entry(number).or_insert(Window { made, highest: 0, used: 0 }).take(count);
        while let Some(oldest) = self.windows.first_entry() {
            if now.since(oldest.get().made) <= LIFE {
                break;
            }
            oldest.remove();
        }
        while self.windows.len() > WINDOWS_MAX {
            // What is forgotten must not be used again.
            if let Some((oldest, _)) = self.windows.pop_first() {
                self.floor = self.floor.max(oldest);
            }
        }
    }

    /// How many are remembered.
    #[cfg(test)]
    fn remembered(&self) -> usize {
        self.windows.len()
    }
}

impl Window {
    fn takes(&self, count: u32) -> bool {
        match self.highest.checked_sub(count) {
            None => true,
            Some(behind) => behind < WINDOW && self.used & (1 << behind) == 0,
        }
    }

    fn take(&mut self, count: u32) {
        if let Some(ahead) = count.checked_sub(self.highest) {
            self.used = self.used.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = count;
        } else if self.highest - count < WINDOW {
            self.used |= 1 << (self.highest - count);
        }
    }
}

/// HMAC-SHA-256 (RFC 2104) with a key of one digest.
fn hmac(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    let padded = |pad: u8| {
        let mut block = [pad; BLOCK];
        for (place, octet) in block.iter_mut().zip(key) {
            *place ^= octet;
        }
        Sha256::new().chain_update(block)
    };
    let inner = padded(0x36).chain_update(text).finalize();
    padded(0x5c).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_millis(1_000);

    fn nonces() -> Nonces {
        Nonces::new(b"secret", &mut fastrand::Rng::with_seed(1))
    }

    #[test]
    fn the_seal_is_hmac() {
        // RFC 4231 section 4.2, whose key of 20 octets is filled up with zeros as RFC 2104 says.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        assert_eq!(hexadecimal(&hmac(&key, b"Hi There")), expected);
    }

    #[test]
    fn a_nonce_is_ours_and_young_or_it_is_nothing() {
        let mut nonces = nonces();
        let nonce = nonces.make(START);
        assert_ne!(nonces.make(START), nonce);
        assert_eq!(nonces.judge(START + LIFE, &nonce, 1), Use::Fresh);
        assert_eq!(nonces.judge(START + LIFE + Duration::from_micros(1), &nonce, 1), Use::Stale);
        assert_eq!(nonces.judge(START, &nonce, 0), Use::Stale);
        let mut other = Nonces::new(b"other", &mut fastrand::Rng::with_seed(1));
        assert_eq!(other.judge(START, &nonce, 1), Use::Foreign);
        assert_ne!(other.make(START), nonce);
        for place in 0..nonce.len() {
            let mut bytes = nonce.clone().into_bytes();
            bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
            let spoiled = String::from_utf8(bytes).expect("it is ASCII");
            assert_eq!(nonces.judge(START, &spoiled, 1), Use::Foreign, "{place}");
        }
        for text in ["", "0", "ä", &nonce[1..], &(nonce.clone() + "0"), &nonce.to_uppercase()] {
            assert_eq!(nonces.judge(START, text, 1), Use::Foreign, "{text}");
        }
    }

    #[test]
    fn the_nonces_of_an_earlier_process_are_stale_and_those_of_another_house_foreign() {
        let check = |secret: &[u8], seed: u64, expected: Use| {
            let mut earlier = Nonces::new(secret, &mut fastrand::Rng::with_seed(seed));
            let (first, second) = (earlier.make(START), earlier.make(START));
            let mut nonces = nonces();
            let ours = nonces.make(START);
            for nonce in [&first, &second] {
                assert_eq!(nonces.judge(START, nonce, 1), expected, "{seed}");
            }
            assert_eq!(nonces.judge(START, &ours, 1), Use::Fresh, "{seed}");
        };
        for seed in 2..20 {
            check(b"secret", seed, Use::Stale);
            check(b"other", seed, Use::Foreign);
            check(b"", seed, Use::Foreign);
        }
    }

    #[test]
    fn a_count_serves_once() {
        let mut nonces = nonces();
        let nonce = nonces.make(START);
        let mut check = |count: u32, expected: Use| {
            assert_eq!(nonces.judge(START, &nonce, count), expected, "{count}");
            if expected == Use::Fresh {
                nonces.spend(START, &nonce, count);
                assert_eq!(nonces.judge(START, &nonce, count), Use::Stale, "{count} again");
            }
        };
        for (count, expected) in [
            (1, Use::Fresh),
            (3, Use::Fresh),
            (2, Use::Fresh),
            (200, Use::Fresh),
            (136, Use::Stale),
            (137, Use::Fresh),
            (137, Use::Stale),
            (3, Use::Stale),
            (u32::MAX, Use::Fresh),
            (201, Use::Stale),
        ] {
            check(count, expected);
        }
    }

    #[test]
    fn what_is_forgotten_is_stale_and_memory_is_bounded() {
        let mut nonces = nonces();
        let made: Vec<String> = (0..=WINDOWS_MAX).map(|_| nonces.make(START)).collect();
        for nonce in &made {
            assert_eq!(nonces.judge(START, nonce, 1), Use::Fresh);
            nonces.spend(START, nonce, 1);
        }
        assert_eq!(nonces.remembered(), WINDOWS_MAX);
        assert_eq!(nonces.judge(START, &made[0], 2), Use::Stale);
        assert_eq!(nonces.judge(START, &made[1], 2), Use::Fresh);
        let later = START + LIFE * 2;
        let nonce = nonces.make(later);
        nonces.spend(later, &nonce, 1);
        assert_eq!(nonces.remembered(), 1);
    }
}
