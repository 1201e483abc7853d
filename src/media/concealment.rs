//! Hides lost audio after the manner of ITU-T G.711 Appendix I: the last pitch periods heard go on, ever softer.
//!
//! Other than the appendix it delays nothing: what was heard before the loss is already sent, so the beginning is made
//! smooth in the substitute alone, and audio that arrives whole is never touched.

/// Samples of the past that a substitute is made of: three of the longest periods, and a quarter of one to overlap.
pub const HISTORY: usize = 3 * PITCH_MAX + PITCH_MAX / 4;

/// The magnitude of silence: A-law has no nought.
const SILENCE: i16 = 8;
/// The shortest and the longest period, in samples: voices of 200 to 66 Hz, and multiples of the periods of higher ones.
const PITCH_MIN: usize = 40;
const PITCH_MAX: usize = 120;
/// Samples compared to find the period: 20 ms.
const COMPARED: usize = 160;
/// The pace at which the substitute changes: 10 ms.
const PACE: usize = 80;
/// Periods that are repeated, from the third pace of a loss on; more than one, lest it buzz.
const PERIODS_MAX: usize = 3;
/// After so many samples the substitute is silence: 60 ms.
pub const SILENT_AFTER: usize = 6 * PACE;
/// How much longer, for each pace lost, the substitute and what is heard again overlap: 4 ms.
const OVERLAP_GROWTH: usize = 32;
/// The longest overlap: 10 ms.
pub const OVERLAP_MAX: usize = 80;

/// The substitute for what is lost at present.
#[derive(Clone, Debug)]
pub struct Concealment {
    history: [f32; HISTORY],
    pitch: usize,
    /// Samples made since the loss began.
    made: usize,
    voice: Reading,
    /// Before the last change of periods, while it fades away.
    before: Option<(Reading, usize)>,
    /// By how much the last sample heard was above the one a period earlier.
    step: f32,
    active: bool,
    /// There was nothing but silence before.
    silent: bool,
}

/// Goes round in the last periods of the past.
#[derive(Clone, Copy, Debug)]
struct Reading {
    periods: usize,
    place: usize,
}

impl Concealment {
    /// Nothing is lost.
    pub const fn new() -> Concealment {
        Concealment {
            history: [0.0; HISTORY],
            pitch: PITCH_MIN,
            made: 0,
            voice: Reading { periods: 1, place: 0 },
            before: None,
            step: 0.0,
            active: false,
            silent: false,
        }
    }

    /// Whether something is lost at present.
    #[inline]
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Audio is missing from here on; `history` is what was heard last.
    pub fn begin(&mut self, history: &[i16; HISTORY]) {
        for (place, sample) in self.history.iter_mut().zip(history) {
            *place = f32::from(*sample);
        }
        self.silent = history.iter().all(|sample| (-SILENCE..=SILENCE).contains(sample));
        self.pitch = if self.silent { PITCH_MIN } else { pitch(&self.history) };
        self.step = self.history[HISTORY - 1] - self.history[HISTORY - 1 - self.pitch];
        self.made = 0;
        self.voice = Reading { periods: 1, place: 0 };
        self.before = None;
        self.active = true;
    }

    /// Fills `out` with what may have been said.
    pub fn fill(&mut self, out: &mut [i16]) {
        for sample in out {
            *sample = self.next() as i16;
        }
    }

    /// Audio is heard again: fades over to it in the first samples of `heard`, at most [`OVERLAP_MAX`]. The others stay as
    /// they are. How many were changed.
    pub fn end(&mut self, heard: &mut [i16]) -> usize {
        if !self.active {
            return 0;
        }
        self.active = false;
        if self.silent {
            return 0; // silence needs no transition: a first word begins as it was said
        }
        let paces = self.made.div_ceil(PACE).max(1);
        let overlap = (self.pitch / 4 + OVERLAP_GROWTH * (paces - 1)).min(OVERLAP_MAX).min(heard.len());
        for (place, sample) in heard[..overlap].iter_mut().enumerate() {
            let weight = (place + 1) as f32 / (overlap + 1) as f32;
            *sample = (f32::from(*sample) * weight + self.next() * (1.0 - weight)) as i16;
        }
        overlap
    }

    /// Forgets the loss: what comes next has nothing to do with it.
    pub fn reset(&mut self) {
        self.active = false;
    }

    fn next(&mut self) -> f32 {
        if self.silent || self.made >= SILENT_AFTER {
            return 0.0;
        }
        if self.made > 0 && self.made.is_multiple_of(PACE) && self.voice.periods < PERIODS_MAX {
            self.before = Some((self.voice, 0));
            self.voice.periods += 1;
        }
        let quarter = self.pitch / 4;
        let mut sample = self.voice.next(&self.history, self.pitch);
        if let Some((before, faded)) = &mut self.before {
            *faded += 1;
            let weight = *faded as f32 / (quarter + 1) as f32;
            sample = sample * weight + before.next(&self.history, self.pitch) * (1.0 - weight);
        }
        self.before.take_if(|(_, faded)| *faded == quarter);
        if self.made < quarter {
            // No step where the last period meets the one that repeats it.
            sample += self.step * (1.0 - (self.made + 1) as f32 / (quarter + 1) as f32);
        }
        let softer = self.made.saturating_sub(PACE) as f32 / (SILENT_AFTER - PACE) as f32;
        self.made += 1;
        sample.clamp(-32_768.0, 32_767.0) * (1.0 - softer)
    }
}

impl Default for Concealment {
    fn default() -> Concealment {
        Concealment::new()
    }
}

impl Reading {
    /// The next sample; near the end of the last period it fades over to what preceded the first one, so that going
    /// round makes no step.
    fn next(&mut self, history: &[f32; HISTORY], pitch: usize) -> f32 {
        let length = self.periods * pitch;
        let quarter = pitch / 4;
        let start = HISTORY - length;
        let mut sample = history[start + self.place];
        if let Some(over) = (self.place + quarter).checked_sub(length) {
            let weight = (over + 1) as f32 / (quarter + 1) as f32;
            sample = sample * (1.0 - weight) + history[start - quarter + over] * weight;
        }
        self.place = (self.place + 1) % length;
        sample
    }
}

/// The period at which the past is most like itself: first at every other sample, then in between.
fn pitch(history: &[f32; HISTORY]) -> usize {
    let best_of = |lags: std::ops::RangeInclusive<usize>, step: usize| {
        let mut best = (f32::MIN, *lags.start());
        for lag in lags.step_by(step) {
            let likeness = likeness(history, lag, step);
            if likeness > best.0 {
                best = (likeness, lag);
            }
        }
        best.1
    };
    let coarse = best_of(PITCH_MIN..=PITCH_MAX, 2);
    best_of(coarse.saturating_sub(1).max(PITCH_MIN)..=(coarse + 1).min(PITCH_MAX), 1)
}

/// How much the last 20 ms are like those `lag` samples earlier, looking at every `step`th: their correlation over the
/// root of the earlier ones' energy.
fn likeness(history: &[f32; HISTORY], lag: usize, step: usize) -> f32 {
    let recent = &history[HISTORY - COMPARED..];
    let earlier = &history[HISTORY - COMPARED - lag..HISTORY - lag];
    let (mut product, mut energy) = (0.0, 1.0);
    for (a, b) in recent.iter().zip(earlier).step_by(step) {
        product += a * b;
        energy += b * b;
    }
    product / energy.sqrt()
}

#[cfg(test)]
mod tests;
