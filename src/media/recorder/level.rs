//! Whether somebody speaks: louder than the noise of the line, whatever that is, and for longer than a click.

use crate::media::codecs;
use crate::telephony::Codec;

/// What is softer is never speech: about -50 dB of the loudest.
const SOFT: f32 = 100.0;
/// What is louder always is: about -34 dB.
const LOUD: f32 = 650.0;
/// Speech is so much louder than the noise: 10 dB.
const ABOVE_NOISE: f32 = 3.0;
/// What is loud for a shorter time is a click, in samples: 60 ms.
const CLICK: u64 = 480;
/// Less speech than this is none, in samples: 200 ms.
const SPEECH_LEAST: u64 = 1_600;

/// What was heard so far.
#[derive(Debug)]
pub(in crate::media) struct Level {
    /// The mean magnitude of the noise.
    noise: f32,
    /// Samples for which it has been loud.
    loud: u64,
    /// Samples in which somebody spoke.
    speech: u64,
    /// Samples since.
    silent: u64,
}

impl Default for Level {
    fn default() -> Level {
        Level { noise: 60.0, loud: 0, speech: 0, silent: 0 }
    }
}

impl Level {
    /// Hears a frame as it came.
    pub(in crate::media) fn hear(&mut self, codec: Codec, frame: &[u8]) {
        let sum = frame.iter().map(|byte| u64::from(codecs::decode(codec, *byte).unsigned_abs())).sum();
        self.take(sum, frame.len());
    }

    /// Hears a frame of samples.
    pub(in crate::media) fn hear_samples(&mut self, frame: &[i16]) {
        self.take(frame.iter().map(|sample| u64::from(sample.unsigned_abs())).sum(), frame.len());
    }

    /// Nothing was heard for so many samples.
    pub(in crate::media) fn hear_nothing(&mut self, samples: u64) {
        self.loud = 0;
        self.silent += samples;
    }

    fn take(&mut self, sum: u64, length: usize) {
        let mean = sum as f32 / length.max(1) as f32;
        let length = length as u64;
        self.silent += length;
        if mean > (self.noise * ABOVE_NOISE).clamp(SOFT, LOUD) {
            let before = self.loud;
            self.loud += length;
            if self.loud >= CLICK {
                // When it is known to be no click, its beginning was speech too.
                self.speech += if before < CLICK { self.loud } else { length };
                self.silent = 0;
            }
        } else {
            self.loud = 0;
        }
        // Down at once, up by some 2 dB a second.
        self.noise = if mean < self.noise { self.noise + (mean - self.noise) * 0.3 } else { self.noise * 1.004 + 0.05 };
        self.noise = self.noise.min(LOUD);
    }

    /// Whether anything was said at all.
    pub(in crate::media) fn has_speech(&self) -> bool {
        self.speech >= SPEECH_LEAST
    }

    /// Samples since somebody spoke last.
    pub(in crate::media) fn silent(&self) -> u64 {
        self.silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 ms of a voice, or of a quiet line.
    fn frame(voice: bool) -> [i16; 160] {
        std::array::from_fn(|n| if voice { (n as i16 % 40 - 20) * 200 } else { n as i16 % 3 })
    }

    fn hears(frames: impl IntoIterator<Item = bool>) -> Level {
        let mut level = Level::default();
        frames.into_iter().for_each(|voice| level.hear_samples(&frame(voice)));
        level
    }

    #[test]
    fn a_short_word_is_speech_and_clicks_are_none() {
        let quiet = || std::iter::repeat_n(false, 50);
        assert!(hears(quiet().chain([true; 10]).chain(quiet())).has_speech());
        assert!(!hears(quiet().chain([true; 9]).chain(quiet())).has_speech());
        // A handset that is put down, again and again.
        assert!(!hears((0..500).map(|n| n % 10 < 2)).has_speech());
        assert!(!hears(quiet()).has_speech());
    }

    #[test]
    fn silence_is_counted_from_the_last_word() {
        let level = hears([true; 20].into_iter().chain([false; 30]).chain([true, true]).chain([false; 8]));
        assert_eq!(level.silent(), 40 * 160, "a click is silence");
        let mut level = hears([true; 20]);
        assert_eq!(level.silent(), 0);
        level.hear_nothing(800);
        assert_eq!(level.silent(), 800);
    }
}
