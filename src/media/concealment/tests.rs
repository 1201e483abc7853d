use std::path::Path;

use super::*;
use crate::media::prompts::read_8k;

/// What replaces a lost frame.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Nothing,
    /// The frame before, again.
    Repetition,
    Concealment,
}

/// The speech with some of its frames of 20 ms lost and replaced.
fn replaced(speech: &[i16], lost: &[bool], by: By) -> Vec<i16> {
    let mut concealment = Concealment::new();
    let mut out: Vec<i16> = Vec::new();
    for (frame, &lost) in speech.chunks(160).zip(lost) {
        let mut frame = frame.to_vec();
        let before = out.len();
        match (by, lost) {
            (By::Nothing, true) => frame.fill(0),
            (By::Repetition, true) => frame = out[before.saturating_sub(frame.len())..].to_vec(),
            (By::Concealment, true) => {
                if !concealment.is_active() {
                    let mut history = [0; HISTORY];
                    let known = before.min(HISTORY);
                    history[HISTORY - known..].copy_from_slice(&out[before - known..]);
                    concealment.begin(&history);
                }
                concealment.fill(&mut frame);
            }
            (By::Concealment, false) => {
                concealment.end(&mut frame);
            }
            (_, false) => {}
        }
        out.extend(frame);
    }
    out
}

/// The mean distance in dB of the spectra of both, in 16 bands of 20 ms blocks that overlap by half, over the blocks that a
/// loss touches; both are taken as no softer than a whisper.
fn spectral_distance(speech: &[i16], heard: &[i16], lost: &[bool]) -> f64 {
    let bands = |block: &[i16]| {
        let windowed: Vec<f64> = block
            .iter()
            .enumerate()
            .map(|(n, sample)| f64::from(*sample) * (std::f64::consts::PI * (n as f64 + 0.5) / 160.0).sin())
            .collect();
        (0..16).map(move |band| {
            let power: f64 = (1..=4)
                .map(|bin| {
                    let step = std::f64::consts::TAU * f64::from(band * 4 + bin) / 160.0;
                    let (mut re, mut im) = (0.0, 0.0);
                    for (n, sample) in windowed.iter().enumerate() {
                        re += sample * (step * n as f64).cos();
                        im += sample * (step * n as f64).sin();
                    }
                    re * re + im * im
                })
                .sum();
            10.0 * (power + 1e6).log10()
        })
    };
    let (mut sum, mut count) = (0.0, 0.0);
    for start in (0..speech.len() - 160).step_by(80) {
        let last = start + 159;
        if lost[start / 160] || lost[last / 160] {
            for (a, b) in bands(&speech[start..start + 160]).zip(bands(&heard[start..start + 160])) {
                sum += (a - b) * (a - b);
                count += 1.0;
            }
        }
    }
    (sum / f64::max(count, 1.0)).sqrt()
}

/// The mean ratio of signal to error in dB of the lost frames that hold speech, each within 35 dB of nothing.
fn segmental_snr(speech: &[i16], heard: &[i16], lost: &[bool]) -> f64 {
    let energy = |samples: &mut dyn Iterator<Item = f64>| samples.map(|sample| sample * sample).sum::<f64>();
    let mut ratios = Vec::new();
    for ((speech, heard), lost) in speech.chunks(160).zip(heard.chunks(160)).zip(lost) {
        let signal = energy(&mut speech.iter().map(|sample| f64::from(*sample)));
        if *lost && signal > 160.0 * 300.0 * 300.0 {
            let error = energy(&mut speech.iter().zip(heard).map(|(a, b)| f64::from(*a) - f64::from(*b)));
            ratios.push((10.0 * (signal / (error + 1.0)).log10()).clamp(-35.0, 35.0));
        }
    }
    ratios.iter().sum::<f64>() / ratios.len() as f64
}

fn speech() -> Vec<i16> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts/en");
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let mut speech = Vec::new();
    for day in days {
        speech.extend(read_8k(&folder.join(format!("phrases/day/{day}.wav"))).expect("a prompt of ours"));
    }
    speech.truncate(speech.len() / 160 * 160);
    speech
}

#[test]
fn lost_speech_is_replaced_better_than_by_nothing_or_by_the_frame_before() {
    let speech = speech();
    let frames = speech.len() / 160;
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("SEED={seed}");
    for (percent, burst) in [(5, 1), (10, 1), (5, 2)] {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut lost = vec![false; frames];
        for frame in 3..frames - burst {
            if rng.usize(..100) < percent {
                lost[frame..frame + burst].fill(true);
            }
        }
        let measure = |by| {
            let heard = replaced(&speech, &lost, by);
            let measured = (segmental_snr(&speech, &heard, &lost), spectral_distance(&speech, &heard, &lost));
            println!(
                "{percent} % in bursts of {burst}, {by:?}: SNR {:.1} dB, spectra {:.1} dB apart",
                measured.0, measured.1
            );
            measured
        };
        let [nothing, repetition, concealment] = [By::Nothing, By::Repetition, By::Concealment].map(measure);
        assert!(concealment.0 > repetition.0 + 1.0, "the waveform is nearer");
        assert!(concealment.1 < nothing.1 - 3.0, "the sound is nearer than silence");
        // A longer loss fades, as the appendix has it, which costs nearness and spares the ear.
        let fading = if burst > 1 { 1.0 } else { 0.0 };
        assert!(concealment.1 < repetition.1 + fading, "the sound is nearer than the frame before");
    }
}

#[test]
fn what_is_heard_whole_is_not_touched() {
    let mut frame: Vec<i16> = (0..160).map(|n| n * 7).collect();
    let before = frame.clone();
    assert_eq!(Concealment::new().end(&mut frame), 0);
    assert_eq!(frame, before);
}

/// A voice of a steady pitch, which may have any period that is looked for.
fn voice(period: f64, n: usize) -> i16 {
    let phase = n as f64 / period * std::f64::consts::TAU;
    ((phase.sin() + 0.5 * (2.0 * phase + 1.0).sin() + 0.3 * (3.0 * phase + 2.0).sin()) * 6_000.0) as i16
}

#[test]
fn a_steady_voice_goes_on_without_a_step() {
    for period in [40.0, 47.3, 64.0, 80.5, 99.9, 120.0] {
        let mut history = [0; HISTORY];
        history.iter_mut().enumerate().for_each(|(n, sample)| *sample = voice(period, n));
        let mut concealment = Concealment::new();
        concealment.begin(&history);
        let mut made = [0; 160];
        concealment.fill(&mut made);
        for (n, sample) in made[..80].iter().enumerate() {
            let error = (f64::from(*sample) - f64::from(voice(period, HISTORY + n))).abs();
            assert!(error < 2_200.0, "period {period}, sample {n}: {error}");
        }
        let mut heard: Vec<i16> = (0..160).map(|n| voice(period, HISTORY + 160 + n)).collect();
        concealment.end(&mut heard);
        let whole = [&history[HISTORY - 1..], &made[..], &heard[..]].concat();
        let steepest = (0..400).map(|n| (i32::from(voice(period, n + 1)) - i32::from(voice(period, n))).abs()).max();
        for (n, pair) in whole.windows(2).enumerate() {
            let step = (i32::from(pair[1]) - i32::from(pair[0])).abs();
            assert!(step <= steepest.expect("samples") * 3 / 2, "period {period}, sample {n}: {step}");
        }
    }
}

#[test]
fn a_long_loss_fades_to_silence() {
    let mut history = [0; HISTORY];
    history.iter_mut().enumerate().for_each(|(n, sample)| *sample = voice(64.0, n));
    let mut concealment = Concealment::new();
    concealment.begin(&history);
    let mut made = [0; 800];
    concealment.fill(&mut made);
    let power = |pace: usize| {
        let block = &made[pace * PACE..(pace + 1) * PACE];
        (block.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / PACE as f64).sqrt()
    };
    assert!(power(1) < power(0) && power(2) < power(1) && power(3) < power(2) && power(4) < power(3));
    assert!(power(5) > 0.0);
    assert!(made[SILENT_AFTER..].iter().all(|sample| *sample == 0));
    assert!(concealment.is_active());
    // It comes back by and by, over 10 ms.
    let mut heard = [10_000; 160];
    assert_eq!(concealment.end(&mut heard), OVERLAP_MAX);
    assert!(heard[0] < 500 && heard[OVERLAP_MAX..].iter().all(|sample| *sample == 10_000));
}

#[test]
fn nothing_overflows() {
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for _ in 0..200 {
        let mut history = [0; HISTORY];
        history.fill_with(|| if rng.bool() { i16::MAX } else { i16::MIN });
        let mut concealment = Concealment::new();
        concealment.begin(&history);
        let mut made = vec![0; rng.usize(1..600)];
        concealment.fill(&mut made);
        let mut heard = vec![i16::MIN; rng.usize(0..200)];
        concealment.end(&mut heard);
    }
}
