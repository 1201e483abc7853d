//! Keys as tones in the audio: the eight frequencies of ITU-T Q.23, received after ITU-T Q.24.
//!
//! Every 4 ms the last 20 ms of audio are looked at through a sine window, as eight Fourier coefficients at the eight
//! frequencies. A block shows a key when the strongest frequency of the low group and that of the high group together
//! hold nearly all of its energy, which speech and music hardly ever do. How far the coefficients' phases turn from
//! one block to the next tells the true frequencies to within a few hertz, far closer than the width of the blocks. A
//! key is told when enough blocks in a row show it with steady levels at the right frequencies, and is over when its
//! tones have been away for as long as a pause between two presses.

use crate::telephony::Digit;

/// Samples looked at together: 20 ms.
const BLOCK: usize = 160;
/// Samples from one block to the next: 4 ms.
const HOP: usize = 32;
/// Blocks in a row that show the same key before it is told, counting those that it fills to three quarters: a tone of
/// 23 ms never has as many, one of 33 ms always (Q.24 wants 40 ms found and 20 to 24 ms refused).
const BLOCKS_TO_TELL: u32 = 6;
/// Blocks in a row without a key's tones before its next press is another one: interruptions up to 20 ms are bridged,
/// pauses from 36 ms are found (Q.24 wants 40 ms).
const BLOCKS_TO_RELEASE: u32 = 8;
/// The least share of a block's energy that the two tones hold. Noise 15 dB below them leaves 0.97; a block of which
/// the tones fill three quarters shows 0.8.
const SHARE_MIN: f32 = 0.8;
/// The same for the steady blocks, which lie within the tones: noise may be 9 dB below them.
const SHARE_MIN_STEADY: f32 = 0.88;
/// The same for the first block of a streak, when the true frequencies are not known yet.
const SHARE_MIN_FIRST: f32 = 0.5;
/// The greatest deviation of a tone from its frequency, as a ratio: Q.24 wants 1.5 % + 2 Hz accepted and 3.5 % refused.
const DEVIATION_MAX: f32 = 0.026;
/// The least amplitude of either tone that fills a block: -39 dBm0 (blocks at its edges may show 3 dB less), where a sine of 0 dBm0 has an amplitude of 22,828 (G.711, table 5:
/// full scale is +3.14 dBm0).
const AMPLITUDE_MIN: f32 = 256.0;
/// How much stronger the high group may be, as a ratio of powers: 8 dB (Q.24: 4 dB and more).
const TWIST_FORWARD_MAX: f32 = 6.31;
/// How much stronger the low group may be, as a ratio of powers: 10 dB (Q.24: 8 dB and more).
const TWIST_REVERSE_MAX: f32 = 10.0;
/// By how much the power of either tone may change from block to block, as a ratio: 0.8 dB.
const POWER_CHANGE_MAX: f32 = 1.2;
/// By how much the frequency of either tone may seem to change from block to block, in hertz.
const FREQUENCY_CHANGE_MAX_HZ: f32 = 8.0;
/// Blocks in a row that must be as steady as that, at the end of those that show the key.
const BLOCKS_STEADY: u32 = 3;
/// The share of its power at which a key that is held still counts as held: half the amplitude.
const HELD_POWER_MIN: f32 = 0.25;

/// The frequencies of Q.23 in hertz: the low group (rows), then the high group (columns).
const FREQUENCIES: [f32; 8] = [697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0];
const SAMPLE_RATE: f32 = 8_000.0;

/// RFC 4733 event codes by row and column.
const KEYS: [[u8; 4]; 4] = [[1, 2, 3, 12], [4, 5, 6, 13], [7, 8, 9, 14], [10, 0, 11, 15]];

/// Listens to the audio of one caller.
#[derive(Clone)]
pub struct ToneDetector {
    /// The last samples; those of the hop that is being filled are at the end.
    block: [f32; BLOCK],
    filled: usize,
    streak: Option<Streak>,
    held: Option<Held>,
    untold: Option<Digit>,
}

/// Blocks in a row that show the same key.
#[derive(Clone, Copy)]
struct Streak {
    pair: Pair,
    blocks: u32,
    steady: u32,
    last: [Tone; 2],
    before: [Tone; 2],
}

/// A key that was told and is still down.
#[derive(Clone, Copy)]
struct Held {
    pair: Pair,
    power: [f32; 2],
    blocks_without: u32,
}

/// One frequency of each group, as places in [`FREQUENCIES`].
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pair {
    low: usize,
    high: usize,
}

/// One tone in one block.
#[derive(Clone, Copy, Default)]
struct Tone {
    /// The Fourier coefficient.
    re: f32,
    im: f32,
    /// The squared amplitude, corrected for the deviation.
    power: f32,
    /// By how much it is too high, in hertz, as far as is known.
    deviation_hz: f32,
}

/// The Fourier coefficients of a block and the energy in it, all through the window.
struct Spectrum {
    re: [f32; 8],
    im: [f32; 8],
    energy: f32,
}

impl ToneDetector {
    /// A detector that has heard nothing.
    pub const fn new() -> ToneDetector {
        ToneDetector { block: [0.0; BLOCK], filled: 0, streak: None, held: None, untold: None }
    }

    /// Hears the next `samples`, at 8 kHz, in chunks of any length. Tells a key once a press, 30 to 36 ms after its
    /// tones began. At most one key is told a call; in the rare case of two (no pause between them, and a chunk of more
    /// than 20 ms) the second is told by the next call.
    pub fn hear(&mut self, samples: &[i16]) -> Option<Digit> {
        let mut told = self.untold.take();
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(HOP - self.filled));
            let start = BLOCK - HOP + self.filled;
            for (place, sample) in self.block[start..].iter_mut().zip(now) {
                *place = f32::from(*sample);
            }
            self.filled += now.len();
            rest = later;
            if self.filled == HOP {
                if let Some(digit) = self.look() {
                    if told.is_none() {
                        told = Some(digit);
                    } else {
                        self.untold = Some(digit);
                    }
                }
                self.block.copy_within(HOP.., 0);
                self.filled = 0;
            }
        }
        told
    }

    /// Whether a key that was told is still down.
    pub fn is_down(&self) -> bool {
        self.held.is_some()
    }

    /// Forgets all that was heard: a key that is down at present is told again.
    pub fn reset(&mut self) {
        *self = ToneDetector::new();
    }

    /// Looks at a full block.
    fn look(&mut self) -> Option<Digit> {
        let spectrum = spectrum(&self.block);
        self.watch_held(spectrum.as_ref());
        self.streak = spectrum.as_ref().and_then(|spectrum| next_in_streak(self.streak, spectrum));
        let streak = self.streak.filter(Streak::is_key)?;
        if self.held.is_some_and(|held| held.pair == streak.pair) {
            return None;
        }
        let power = streak.last.map(|tone| squared_amplitude(tone.re, tone.im));
        self.held = Some(Held { pair: streak.pair, power, blocks_without: 0 });
        let event = KEYS[streak.pair.low][streak.pair.high - 4];
        Some(Digit::from_event(event).expect("the table holds the codes 0 to 15"))
    }

    /// Releases the key that is held when its tones have been away for long enough.
    fn watch_held(&mut self, spectrum: Option<&Spectrum>) {
        let Some(held) = &mut self.held else { return };
        let present = spectrum.is_some_and(|spectrum| {
            spectrum.power(held.pair.low) >= HELD_POWER_MIN * held.power[0]
                && spectrum.power(held.pair.high) >= HELD_POWER_MIN * held.power[1]
        });
        held.blocks_without = if present { 0 } else { held.blocks_without + 1 };
        if held.blocks_without >= BLOCKS_TO_RELEASE {
            self.held = None;
        }
    }
}

impl Default for ToneDetector {
    fn default() -> ToneDetector {
        ToneDetector::new()
    }
}

impl Streak {
    /// Whether the blocks so far are a key: enough of them, steady, at the right frequencies.
    fn is_key(&self) -> bool {
        let [low, high] = self.last;
        let twist = high.power / low.power;
        self.blocks >= BLOCKS_TO_TELL
            && self.steady >= BLOCKS_STEADY
            && (1.0 / TWIST_REVERSE_MAX..=TWIST_FORWARD_MAX).contains(&twist)
            && self.deviates_little(0, self.pair.low)
            && self.deviates_little(1, self.pair.high)
    }

    /// Whether a tone's frequency is right, by the mean over two hops: the phases of a block that is not yet full of the
    /// tone are out of it by now.
    fn deviates_little(&self, tone: usize, place: usize) -> bool {
        let deviation_hz = (self.last[tone].deviation_hz + self.before[tone].deviation_hz) / 2.0;
        deviation_hz.abs() <= DEVIATION_MAX * FREQUENCIES[place]
    }

    /// The streak with one block more.
    fn and(self, next: [Tone; 2], share: f32) -> Streak {
        let steady =
            share >= SHARE_MIN_STEADY && self.last.iter().zip(&next).all(|(last, next)| next.is_steady_after(last));
        let steady = if steady { self.steady + 1 } else { 0 };
        Streak { pair: self.pair, blocks: self.blocks + 1, steady, last: next, before: self.last }
    }
}

impl Tone {
    fn is_steady_after(&self, before: &Tone) -> bool {
        (1.0 / POWER_CHANGE_MAX..=POWER_CHANGE_MAX).contains(&(self.power / before.power))
            && (self.deviation_hz - before.deviation_hz).abs() <= FREQUENCY_CHANGE_MAX_HZ
    }
}

/// The streak with one block more, when it shows the same key; else the first of a new streak, when it shows one at all.
fn next_in_streak(streak: Option<Streak>, spectrum: &Spectrum) -> Option<Streak> {
    let pair = Pair { low: spectrum.strongest(0..4), high: spectrum.strongest(4..8) };
    if let Some(streak) = streak.filter(|streak| streak.pair == pair) {
        let last = [spectrum.tone_after(pair.low, streak.last[0]), spectrum.tone_after(pair.high, streak.last[1])];
        let share = spectrum.share(last);
        if spectrum.hears(last) && share >= SHARE_MIN {
            return Some(streak.and(last, share));
        }
    }
    let first = [spectrum.tone(pair.low), spectrum.tone(pair.high)];
    (spectrum.hears(first) && spectrum.share(first) >= SHARE_MIN_FIRST).then_some(Streak {
        pair,
        blocks: 1,
        steady: 0,
        last: first,
        before: first,
    })
}

/// The spectrum of a block; none of one that is too quiet for any key.
fn spectrum(block: &[f32; BLOCK]) -> Option<Spectrum> {
    // Some lines carry a constant offset, which is no sound.
    let mean = sum_of(block, |sample| sample) / BLOCK as f32;
    let mut seen = [0.0; BLOCK];
    for (seen, (sample, weight)) in seen.iter_mut().zip(block.iter().zip(&WINDOW)) {
        *seen = (sample - mean) * weight;
    }
    let energy = sum_of(&seen, |sample| sample * sample);
    // Two tones of the least amplitude, of which half is in the block.
    if energy < AMPLITUDE_MIN * AMPLITUDE_MIN * WINDOW_ENERGY / 2.0 {
        return None;
    }
    // Seen from the middle, cosines are alike on both sides and sines opposite: fold, and half the work is left.
    let (early, late) = seen.split_at(BLOCK / 2);
    let mut re = [0.0; 8];
    let mut im = [0.0; 8];
    for ((before, after), (cosines, sines)) in early.iter().rev().zip(late).zip(&WAVES) {
        let (even, odd) = (after + before, after - before);
        for place in 0..8 {
            re[place] += even * cosines[place];
            im[place] -= odd * sines[place];
        }
    }
    Some(Spectrum { re, im, energy })
}

/// The sum over a block of what `each` makes of its samples, in eight parts side by side, which the processor adds at
/// once.
fn sum_of(block: &[f32; BLOCK], each: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0; 8];
    for samples in block.as_chunks::<8>().0 {
        for (sum, sample) in sums.iter_mut().zip(samples) {
            *sum += each(*sample);
        }
    }
    sums.iter().sum()
}

impl Spectrum {
    /// The squared amplitude of a tone exactly at a frequency.
    fn power(&self, place: usize) -> f32 {
        squared_amplitude(self.re[place], self.im[place])
    }

    fn strongest(&self, places: std::ops::Range<usize>) -> usize {
        let start = places.start;
        places.fold(start, |best, place| if self.power(place) > self.power(best) { place } else { best })
    }

    /// A tone of which nothing was known before.
    fn tone(&self, place: usize) -> Tone {
        Tone { re: self.re[place], im: self.im[place], power: self.power(place), deviation_hz: 0.0 }
    }

    /// A tone that was in the block before, too, so that its deviation shows.
    fn tone_after(&self, place: usize, before: Tone) -> Tone {
        let (re, im) = (self.re[place], self.im[place]);
        // How far the phase turned, less what the frequency itself turns in a hop.
        let (turn_re, turn_im) = (re * before.re + im * before.im, im * before.re - re * before.im);
        let (cos, sin) = HOP_TURNS[place];
        let turn = (turn_im * cos - turn_re * sin).atan2(turn_re * cos + turn_im * sin);
        let deviation_hz = turn * SAMPLE_RATE / (std::f32::consts::TAU * HOP as f32);
        // Beside its frequency a tone shows weaker. Beyond 60 Hz it is no key's, and the correction ends.
        let bins = deviation_hz.abs().min(60.0) * (BLOCK as f32 / SAMPLE_RATE);
        let response = sine_window_response(bins);
        Tone { re, im, power: self.power(place) / (response * response), deviation_hz }
    }

    /// Whether the tones are loud enough.
    fn hears(&self, tones: [Tone; 2]) -> bool {
        tones.iter().all(|tone| tone.power >= AMPLITUDE_MIN * AMPLITUDE_MIN / 2.0)
    }

    /// The tones' share of the block's energy; may exceed 1 by a little, where a deviation is taken for too large.
    fn share(&self, tones: [Tone; 2]) -> f32 {
        let [low, high] = tones.map(|tone| tone.power);
        (low + high) / 2.0 * WINDOW_ENERGY / self.energy
    }
}

/// The squared amplitude that a coefficient shows: through the window half the amplitude arrives times the window's sum.
fn squared_amplitude(re: f32, im: f32) -> f32 {
    (re * re + im * im) / (WINDOW_SUM * WINDOW_SUM / 4.0)
}

/// The amplitude at which a tone shows that is `bins` (of 1 / 20 ms) off: cos(π bins) / (1 - 4 bins²).
fn sine_window_response(bins: f32) -> f32 {
    let slope = 1.0 - 4.0 * bins * bins;
    if slope.abs() < 1e-3 {
        return std::f32::consts::FRAC_PI_4;
    }
    (std::f32::consts::PI * bins).cos() / slope
}

/// Half a period of a sine, which keeps the groups apart and yet uses the block well.
static WINDOW: [f32; BLOCK] = {
    let mut window = [0.0; BLOCK];
    let mut place = 0;
    while place < BLOCK {
        window[place] = sin((place as f64 + 0.5) / (2 * BLOCK) as f64) as f32;
        place += 1;
    }
    window
};

/// The sum of the window: 2 / π of its length.
const WINDOW_SUM: f32 = BLOCK as f32 * 2.0 / std::f32::consts::PI;
/// The sum of the window's squares: half its length.
const WINDOW_ENERGY: f32 = BLOCK as f32 / 2.0;

/// From the middle of the block outwards the cosines of the eight frequencies and their sines: side by side, so that one
/// instruction handles several.
static WAVES: [([f32; 8], [f32; 8]); BLOCK / 2] = {
    let mut waves = [([0.0; 8], [0.0; 8]); BLOCK / 2];
    let mut place = 0;
    while place < BLOCK / 2 {
        let mut frequency = 0;
        while frequency < 8 {
            let turns = FREQUENCIES[frequency] as f64 * (place as f64 + 0.5) / SAMPLE_RATE as f64;
            waves[place].0[frequency] = sin(turns + 0.25) as f32;
            waves[place].1[frequency] = sin(turns) as f32;
            frequency += 1;
        }
        place += 1;
    }
    waves
};

/// By how much each frequency turns in a hop: cosine and sine.
static HOP_TURNS: [(f32, f32); 8] = {
    let mut turns = [(0.0, 0.0); 8];
    let mut frequency = 0;
    while frequency < 8 {
        let turn = FREQUENCIES[frequency] as f64 * HOP as f64 / SAMPLE_RATE as f64;
        turns[frequency] = (sin(turn + 0.25) as f32, sin(turn) as f32);
        frequency += 1;
    }
    turns
};

/// The sine of an angle in whole turns, at compile time, where the library's cannot be called: Taylor's series up to the
/// 21st power, exact to 1e-12 within half a turn.
const fn sin(turns: f64) -> f64 {
    let mut part = turns - (turns as i64) as f64;
    if part > 0.5 {
        part -= 1.0;
    }
    let angle = part * std::f64::consts::TAU;
    let mut term = angle;
    let mut sum = angle;
    let mut power = 1;
    while power < 21 {
        term *= -angle * angle / ((power + 1) * (power + 2)) as f64;
        sum += term;
        power += 2;
    }
    sum
}

#[cfg(test)]
mod tests;
