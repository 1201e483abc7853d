//! Loudness of recordings at 8 kHz: the active speech level of ITU-T P.56, and bringing all to the same.

/// The level to which every recording is brought, in dB below the overload of 16-bit samples (a full-scale square
/// wave), measured as active speech level: the nominal level of ITU-T P.800-series tests. It is -20 dBm0, as G.711 puts
/// 0 dBm0 at -6.15 dBov, near the mean of real callers; peaks of speech lie about 16 dB above it.
pub const TARGET_DBOV: f32 = -26.0;
/// The most by which a quiet recording is raised, in dB: beyond it one would raise its noise.
pub const GAIN_MAX_DB: f32 = 30.0;
/// The highest peak that leaves here, as a share of full scale: -0.6 dB, below where µ-law (32,124) and A-law (32,256)
/// end.
const PEAK_MAX: f32 = 0.93;
/// How far a peak is felt to either side when it is brought down, in samples: 5 ms, too slow to distort.
const LIMITER_REACH: usize = 40;
/// The power below which what is at the ends of a recording counts as silence, in dB below overload: 30 dB below
/// speech.
const SILENCE_DBOV: f32 = -56.0;
/// The pieces in which silence is looked for, in samples: 5 ms.
const PIECE: usize = 40;
/// Silence kept before the first sound, in samples: 30 ms.
pub const LEAD: usize = 240;
/// Silence kept after the last sound, in samples: 70 ms. With the lead of what follows, joined phrases lie 100 ms apart,
/// as words spoken with care.
pub const TAIL: usize = 560;
/// Samples over which a recording fades in and out: 5 ms.
const FADE: usize = 40;

/// The sample rate, in hertz.
const RATE: f32 = 8_000.0;

/// The active speech level in dBov by method B of ITU-T P.56: the mean power of the time in which there is speech.
/// Nothing is told of silence (below -80 dBov). `samples` are at 8 kHz, full scale -1 to 1.
pub fn active_level_dbov(samples: &[f32]) -> Option<f32> {
    /// Thresholds: 2^-15 to 2^-1 of full scale.
    const THRESHOLDS: usize = 15;
    /// Seconds of the envelope's smoothing.
    const SMOOTHING: f32 = 0.03;
    /// How long speech goes on after the envelope fell below a threshold, in samples: 0.2 s.
    const HANGOVER: u32 = 1_600;
    /// By how much the level lies above the threshold that it defines, in dB.
    const MARGIN_DB: f64 = 15.9;

    let keep = (-1.0 / (RATE * SMOOTHING)).exp();
    let (mut first, mut envelope) = (0.0_f32, 0.0_f32);
    let mut energy = 0.0_f64;
    let mut active = [0_u64; THRESHOLDS];
    let mut hangover = [HANGOVER; THRESHOLDS];
    for sample in samples {
        energy += f64::from(*sample) * f64::from(*sample);
        first = keep * first + (1.0 - keep) * sample.abs();
        envelope = keep * envelope + (1.0 - keep) * first;
        let mut threshold = 1.0 / 32_768.0;
        for (active, hangover) in active.iter_mut().zip(&mut hangover) {
            if envelope >= threshold {
                *active += 1;
                *hangover = 0;
            } else if *hangover < HANGOVER {
                *active += 1;
                *hangover += 1;
            }
            threshold *= 2.0;
        }
    }
    let mut last: Option<(f64, f64)> = None;
    for (place, active) in active.iter().enumerate() {
        if *active == 0 {
            break;
        }
        let level = 10.0 * (energy / *active as f64).log10();
        let threshold = 20.0 * 2.0_f64.powi(place as i32 - 15).log10();
        let above = level - threshold - MARGIN_DB;
        if above <= 0.0 {
            // Between the last threshold and this one, in a straight line.
            let level = match last {
                Some((last_level, last_above)) => last_level + (level - last_level) * last_above / (last_above - above),
                None => level,
            };
            return (level > -80.0).then_some(level as f32);
        }
        last = Some((level, above));
    }
    // A sound without pauses, such as a tone, is active all the time at every threshold below it.
    last.map(|(level, _)| level as f32).filter(|level| *level > -80.0)
}

/// The highest peak in dB of full scale; nothing of utter silence.
pub fn peak_dbfs(samples: &[f32]) -> Option<f32> {
    let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    (peak > 0.0).then(|| 20.0 * peak.log10())
}

/// Takes away a constant offset.
pub fn remove_offset(samples: &mut [f32]) {
    if samples.is_empty() {
        return;
    }
    let mean = (samples.iter().map(|sample| f64::from(*sample)).sum::<f64>() / samples.len() as f64) as f32;
    for sample in samples {
        *sample -= mean;
    }
}

/// Brings a recording to [`TARGET_DBOV`], its peaks below full scale. Silence stays as it is.
pub fn level(samples: &mut [f32]) {
    let Some(before) = active_level_dbov(samples) else { return };
    let gain = 10.0_f32.powf((TARGET_DBOV - before).min(GAIN_MAX_DB) / 20.0);
    for sample in samples.iter_mut() {
        *sample *= gain;
    }
    limit(samples);
}

/// Brings peaks down to [`PEAK_MAX`], each with a dip of the gain that begins and ends gently.
pub fn limit(samples: &mut [f32]) {
    if samples.iter().all(|sample| sample.abs() <= PEAK_MAX) {
        return;
    }
    let mut gains = vec![1.0_f32; samples.len()];
    for (place, sample) in samples.iter().enumerate() {
        if sample.abs() <= PEAK_MAX {
            continue;
        }
        let depth = 1.0 - PEAK_MAX / sample.abs();
        let start = place.saturating_sub(LIMITER_REACH);
        let end = (place + LIMITER_REACH + 1).min(gains.len());
        for (at, gain) in gains[start..end].iter_mut().enumerate() {
            let distance = (start + at).abs_diff(place) as f32 / LIMITER_REACH as f32;
            *gain = gain.min(1.0 - depth * (0.5 + 0.5 * (std::f32::consts::PI * distance).cos()));
        }
    }
    for (sample, gain) in samples.iter_mut().zip(&gains) {
        *sample *= gain;
    }
}

/// Cuts silence off both ends of a levelled recording, to [`LEAD`] and [`TAIL`]. Nothing is ever added, and a recording
/// that is nothing but silence stays as it is.
pub fn trim(samples: &mut Vec<f32>) {
    let threshold = 10.0_f32.powf(SILENCE_DBOV / 10.0);
    let sounds = |piece: &[f32]| piece.iter().map(|s| s * s).sum::<f32>() / piece.len() as f32 > threshold;
    let pieces = samples.chunks(PIECE);
    let count = pieces.len();
    let (Some(first), Some(last)) = (pieces.clone().position(sounds), pieces.rev().position(sounds)) else { return };
    let start = (first * PIECE).saturating_sub(LEAD);
    let end = ((count - last) * PIECE + TAIL).min(samples.len());
    samples.truncate(end);
    samples.drain(..start);
}

/// Lets a recording begin and end at nought, so that nothing clicks.
pub fn fade(samples: &mut [f32]) {
    let length = FADE.min(samples.len() / 2);
    for place in 0..length {
        let gain = 0.5 - 0.5 * (std::f32::consts::PI * (place as f32 + 0.5) / length as f32).cos();
        samples[place] *= gain;
        let end = samples.len() - 1 - place;
        samples[end] *= gain;
    }
}
