//! Any sample rate to the telephone's 8 kHz.

use std::collections::BTreeMap;

use rubato::audioadapter_buffers::owned::InterleavedOwned;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

/// The telephone's sample rate, in hertz.
pub const TELEPHONE_RATE: u32 = 8_000;

/// The length of the anti-alias filter in samples of 8 kHz, rounded up to what the two rates allow: with this window the
/// band is flat to 3.8 kHz within 0.01 dB, and what lies above 4 kHz comes back more than 120 dB weaker.
const FILTER: usize = 512;

/// Converts to 8 kHz; keeps the filters that it has made, one a rate.
#[derive(Default)]
pub struct Converter {
    by_rate: BTreeMap<u32, Fft<f32>>,
}

impl Converter {
    /// One that has made no filter yet.
    pub fn new() -> Converter {
        Converter::default()
    }

    /// `samples` of `rate_hz` (8,000 to 48,000) at 8 kHz: as long as before to within one sample, and in time with them,
    /// the filter's delay being taken off.
    pub fn to_8k(&mut self, samples: Vec<f32>, rate_hz: u32) -> Vec<f32> {
        if rate_hz == TELEPHONE_RATE || samples.is_empty() {
            return samples;
        }
        let length = samples.len();
        let resampler = self.by_rate.entry(rate_hz).or_insert_with(|| filter(rate_hz));
        let source = InterleavedOwned::new_from(samples, 1, length).expect("one channel of this length");
        let result = resampler.process_all(&source, length, None).expect("the buffers are made to measure");
        result.take_data()
    }
}

fn filter(rate_hz: u32) -> Fft<f32> {
    let chunk = FILTER * rate_hz as usize / TELEPHONE_RATE as usize;
    Fft::new_custom(
        rate_hz as usize,
        TELEPHONE_RATE as usize,
        chunk,
        1,
        1,
        WindowFunction::BlackmanHarris2,
        FixedSync::Both,
    )
    .expect("both rates are above nought")
}
