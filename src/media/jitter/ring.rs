//! Half a second of samples, each in its place by its timestamp, and which of them arrived.

use crate::media::codecs;
use crate::telephony::Codec;

use super::{Run, ahead};

/// Samples that the ring holds: 512 ms, the past included.
pub const RING: usize = 4_096;

pub struct Ring {
    codec: Codec,
    bytes: [u8; RING],
    /// A bit a sample: whether it arrived.
    present: [u64; RING / 64],
    /// The end of the newest audio; what is beyond it is of long ago.
    newest: u32,
}

impl Ring {
    /// Silence, of which nothing arrived.
    pub fn new(codec: Codec, newest: u32) -> Ring {
        Ring { codec, bytes: [codecs::silence(codec); RING], present: [0; RING / 64], newest }
    }

    pub fn codec(&self) -> Codec {
        self.codec
    }

    pub fn newest(&self) -> u32 {
        self.newest
    }

    /// Puts a packet in its place. What lies between it and the newest before has not arrived: silence, but up to `taken`,
    /// where something was made up.
    pub fn store(&mut self, timestamp: u32, payload: &[u8], taken: Option<u32>) {
        let end = timestamp.wrapping_add(payload.len() as u32);
        let gap = ahead(timestamp, self.newest);
        if gap > 0 {
            let (from, gap) = (self.newest, (gap as usize).min(RING));
            self.mark(from, gap, false);
            let made_up = taken.map_or(0, |taken| ahead(taken, from).max(0) as usize).min(gap);
            let silence = codecs::silence(self.codec);
            self.write(from.wrapping_add(made_up as u32), gap - made_up, std::iter::repeat(silence));
        }
        if ahead(end, self.newest) > 0 {
            self.newest = end;
        } else if ahead(self.newest, timestamp) > RING as i32 {
            return; // of long ago
        }
        let start = timestamp as usize % RING;
        let first = payload.len().min(RING - start);
        self.bytes[start..start + first].copy_from_slice(&payload[..first]);
        self.bytes[..payload.len() - first].copy_from_slice(&payload[first..]);
        self.mark(timestamp, payload.len(), true);
    }

    /// Writes over `length` samples, without their having arrived.
    pub fn write(&mut self, from: u32, length: usize, bytes: impl Iterator<Item = u8>) {
        let start = from as usize % RING;
        let first = length.min(RING - start);
        let (low, high) = self.bytes.split_at_mut(start);
        for (place, byte) in high[..first].iter_mut().chain(&mut low[..length - first]).zip(bytes) {
            *place = byte;
        }
    }

    /// Sets the bits of `length` samples, a word at a time.
    fn mark(&mut self, from: u32, length: usize, arrived: bool) {
        let mut place = from as usize % RING;
        let mut left = length;
        while left > 0 {
            let bit = place % 64;
            let count = left.min(64 - bit);
            let mask = (u64::MAX >> (64 - count)) << bit;
            let word = &mut self.present[place / 64];
            *word = if arrived { *word | mask } else { *word & !mask };
            place = (place + count) % RING;
            left -= count;
        }
    }

    /// What is at `from`, as far as `most` samples.
    #[inline]
    pub fn run(&self, from: u32, most: usize) -> Run {
        let known = ahead(self.newest, from);
        if known <= 0 || known > RING as i32 {
            return Run::Missing(most);
        }
        let within = most.min(known as usize);
        let word_at = |place: usize| self.present[place / 64] >> (place % 64);
        let start = from as usize % RING;
        let heard = word_at(start) & 1 != 0;
        let mut length = 0;
        while length < within {
            let place = (start + length) % RING;
            let word = if heard { !word_at(place) } else { word_at(place) };
            let valid = 64 - place % 64;
            let same = (word.trailing_zeros() as usize).min(valid);
            length += same;
            if same < valid {
                break;
            }
        }
        match (heard, length < within) {
            (true, _) => Run::Heard(length.min(within)),
            (false, true) => Run::Missing(length),
            // What is missing up to the newest is missing beyond it as well.
            (false, false) => Run::Missing(most),
        }
    }

    /// Copies samples, wherever they come from.
    #[inline]
    pub fn copy(&self, from: u32, out: &mut [u8]) {
        let start = from as usize % RING;
        let first = out.len().min(RING - start);
        let (now, round) = out.split_at_mut(first);
        now.copy_from_slice(&self.bytes[start..start + first]);
        round.copy_from_slice(&self.bytes[..round.len()]);
    }

    /// One sample, decoded.
    pub fn sample(&self, timestamp: u32) -> i16 {
        codecs::decode(self.codec, self.bytes[timestamp as usize % RING])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_what_was_stored() {
        let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        println!("SEED={seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..300 {
            let start = rng.u32(..);
            let mut ring = Ring::new(Codec::Pcmu, start);
            // What each sample should be, of the last RING ones.
            let mut model: Vec<Option<u8>> = Vec::new();
            for _ in 0..rng.usize(1..60) {
                let at = (model.len() + rng.usize(..700)).saturating_sub(300);
                let payload: Vec<u8> = (0..rng.usize(1..500)).map(|_| rng.u8(..)).collect();
                ring.store(start.wrapping_add(at as u32), &payload, None);
                let long_ago = at + payload.len() <= model.len() && model.len() > RING + at;
                if !long_ago {
                    model.resize(model.len().max(at + payload.len()), None);
                    model[at..at + payload.len()].iter_mut().zip(payload).for_each(|(place, byte)| *place = Some(byte));
                }
            }
            let mut at = model.len().saturating_sub(RING);
            while at < model.len() {
                let most = rng.usize(1..400);
                let from = start.wrapping_add(at as u32);
                let heard = model[at].is_some();
                let same = model[at..].iter().take(most).take_while(|sample| sample.is_some() == heard).count();
                let length = match ring.run(from, most) {
                    Run::Heard(length) => {
                        assert!(heard);
                        let mut out = vec![0; length];
                        ring.copy(from, &mut out);
                        assert!(out.iter().zip(&model[at..]).all(|(byte, said)| Some(*byte) == *said));
                        length
                    }
                    Run::Missing(length) => {
                        assert!(!heard);
                        length
                    }
                };
                assert_eq!(length, same);
                at += length;
            }
            assert_eq!(ring.run(start.wrapping_add(model.len() as u32), 7), Run::Missing(7));
        }
    }
}
