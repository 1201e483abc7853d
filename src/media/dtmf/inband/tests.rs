use std::f64::consts::TAU;

use super::*;
use crate::media::codecs;
use crate::telephony::Codec;

/// The amplitude of a sine of 0 dBm0 (G.711 table 5: full scale is +3.14 dBm0).
const DBM0: f64 = 22_828.0;

/// One press as Q.24 describes it, and what is around it.
#[derive(Clone, Copy)]
struct Press {
    on_ms: f64,
    off_ms: f64,
    /// Level of the low group in dBm0, and by how much the high group is stronger.
    level: f64,
    twist: f64,
    /// Deviation of either frequency as a ratio.
    low_off: f64,
    high_off: f64,
    /// White noise below the tones, in dB; none for infinity.
    noise_below: f64,
}

const PLAIN: Press = Press {
    on_ms: 40.0,
    off_ms: 40.0,
    level: -10.0,
    twist: 0.0,
    low_off: 0.0,
    high_off: 0.0,
    noise_below: f64::INFINITY,
};

fn seeded(case: u64) -> fastrand::Rng {
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    println!("SEED={seed}");
    fastrand::Rng::with_seed(seed ^ case << 32)
}

fn gauss(random: &mut fastrand::Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (TAU * random.f64()).cos()
}

fn decibels(level: f64) -> f64 {
    10.0_f64.powf(level / 20.0)
}

fn frequencies_of(digit: Digit) -> (f64, f64) {
    for (low, row) in KEYS.iter().enumerate() {
        if let Some(high) = row.iter().position(|event| *event == digit.event()) {
            return (f64::from(FREQUENCIES[low]), f64::from(FREQUENCIES[4 + high]));
        }
    }
    unreachable!("sixteen keys")
}

fn silence(audio: &mut Vec<f64>, ms: f64) {
    audio.resize(audio.len() + (ms * 8.0) as usize, 0.0);
}

fn tones(audio: &mut Vec<f64>, digit: Digit, press: Press, random: &mut fastrand::Rng) {
    let (low, high) = frequencies_of(digit);
    let (low, high) = (low * (1.0 + press.low_off), high * (1.0 + press.high_off));
    let (low_phase, high_phase) = (TAU * random.f64(), TAU * random.f64());
    for place in 0..(press.on_ms * 8.0) as usize {
        let time = place as f64 / 8_000.0;
        audio.push(
            DBM0 * decibels(press.level) * (TAU * low * time + low_phase).sin()
                + DBM0 * decibels(press.level + press.twist) * (TAU * high * time + high_phase).sin(),
        );
    }
}

/// What is told of audio that has gone through G.711, in chunks of `chunk` samples.
fn told(audio: &[f64], chunk: usize) -> String {
    let samples: Vec<i16> = audio
        .iter()
        .map(|sample| codecs::decode(Codec::Pcma, codecs::encode(Codec::Pcma, sample.round() as i16)))
        .collect();
    let mut detector = ToneDetector::new();
    samples.chunks(chunk).filter_map(|samples| detector.hear(samples)).map(Digit::as_char).collect()
}

/// All sixteen keys pressed in a row, each twice, at positions that drift against the blocks.
fn keyed(press: Press, case: u64) -> (String, String) {
    let mut random = seeded(case);
    let (mut audio, mut expected) = (Vec::new(), String::new());
    silence(&mut audio, 50.0 + 4.0 * random.f64());
    for digit in Digit::ALL {
        for _ in 0..2 {
            tones(&mut audio, digit, press, &mut random);
            silence(&mut audio, press.off_ms + random.f64());
            expected.push(digit.as_char());
        }
    }
    if press.noise_below.is_finite() {
        let rms = DBM0 * decibels(press.level - press.noise_below);
        for sample in &mut audio {
            *sample += rms * gauss(&mut random);
        }
    }
    silence(&mut audio, 50.0);
    let heard = told(&audio, [160, 80, 33, 480, 240][case as usize % 5]);
    (heard, expected)
}

#[test]
fn every_key_that_q24_wants_found_is_found() {
    let found = [
        PLAIN,
        Press { on_ms: 35.0, off_ms: 45.0, ..PLAIN },
        Press { on_ms: 50.0, off_ms: 50.0, ..PLAIN },
        Press { on_ms: 500.0, off_ms: 40.0, ..PLAIN },
        Press { level: -3.0, ..PLAIN },
        Press { level: -25.0, ..PLAIN },
        Press { level: -36.0, ..PLAIN },
        Press { twist: 4.0, ..PLAIN },
        Press { twist: 6.0, ..PLAIN },
        Press { twist: -8.0, ..PLAIN },
        Press { twist: -9.0, ..PLAIN },
        Press { twist: -8.0, level: -28.0, ..PLAIN },
        Press { low_off: 0.015, high_off: 0.015, ..PLAIN },
        Press { low_off: -0.015, high_off: -0.015, ..PLAIN },
        Press { low_off: 0.018, high_off: -0.018, ..PLAIN },
        Press { low_off: -0.018, high_off: 0.018, ..PLAIN },
        Press { low_off: -0.015, high_off: 0.015, twist: 4.0, ..PLAIN },
        Press { low_off: 0.015, high_off: -0.015, twist: -8.0, ..PLAIN },
        Press { noise_below: 20.0, ..PLAIN },
        Press { noise_below: 15.0, ..PLAIN },
        Press { noise_below: 15.0, low_off: 0.015, high_off: 0.015, ..PLAIN },
        Press { noise_below: 15.0, level: -30.0, ..PLAIN },
        Press { noise_below: 12.0, on_ms: 60.0, off_ms: 60.0, ..PLAIN },
    ];
    for (place, press) in found.iter().enumerate() {
        for round in 0..5 {
            let (heard, expected) = keyed(*press, place as u64 * 5 + round);
            assert_eq!(heard, expected, "case {place}, round {round}");
        }
    }
}

#[test]
fn what_q24_wants_refused_is_refused() {
    let refused = [
        Press { on_ms: 10.0, ..PLAIN },
        Press { on_ms: 20.0, ..PLAIN },
        Press { on_ms: 23.0, ..PLAIN },
        Press { on_ms: 100.0, low_off: 0.035, ..PLAIN },
        Press { on_ms: 100.0, low_off: -0.035, ..PLAIN },
        Press { on_ms: 100.0, high_off: 0.035, ..PLAIN },
        Press { on_ms: 100.0, high_off: -0.035, ..PLAIN },
        Press { on_ms: 100.0, low_off: 0.035, high_off: 0.035, noise_below: 20.0, ..PLAIN },
        Press { on_ms: 100.0, twist: 12.0, ..PLAIN },
        Press { on_ms: 100.0, twist: -14.0, ..PLAIN },
        Press { on_ms: 100.0, twist: -60.0, ..PLAIN },
        Press { on_ms: 100.0, level: -55.0, ..PLAIN },
        Press { on_ms: 100.0, noise_below: 0.0, ..PLAIN },
    ];
    for (place, press) in refused.iter().enumerate() {
        for round in 0..5 {
            let (heard, _) = keyed(*press, place as u64 * 5 + round);
            assert_eq!(heard, "", "case {place}, round {round}");
        }
    }
}

#[test]
fn a_gap_within_a_press_does_not_double_it_and_a_pause_does() {
    for (gap_ms, presses) in [(2.0, 1), (5.0, 1), (10.0, 1), (20.0, 1), (36.0, 2), (40.0, 2), (100.0, 2)] {
        for digit in Digit::ALL {
            let mut random = seeded(gap_ms as u64);
            let mut audio = Vec::new();
            silence(&mut audio, 50.0 + 4.0 * random.f64());
            let press = Press { on_ms: 60.0, ..PLAIN };
            tones(&mut audio, digit, press, &mut random);
            silence(&mut audio, gap_ms);
            tones(&mut audio, digit, press, &mut random);
            silence(&mut audio, 100.0);
            assert_eq!(told(&audio, 160), digit.as_char().to_string().repeat(presses), "a gap of {gap_ms} ms");
        }
    }
}

#[test]
fn a_key_is_told_within_40_ms_and_once_however_long_it_lasts() {
    for digit in Digit::ALL {
        for start in (400..560).step_by(7) {
            let mut random = seeded(start);
            let mut audio = vec![0.0; start as usize];
            tones(&mut audio, digit, Press { on_ms: 3_000.0, ..PLAIN }, &mut random);
            let soon = start as usize + 36 * 8;
            assert_eq!(told(&audio[..start as usize + 23 * 8], 8), "");
            assert_eq!(told(&audio[..soon], 8), digit.as_char().to_string(), "from {start}");
            assert_eq!(told(&audio, 160), digit.as_char().to_string(), "from {start}");
        }
    }
}

#[test]
fn keys_without_a_pause_between_them_are_each_told() {
    let mut random = seeded(0);
    let mut audio = Vec::new();
    for digit in Digit::ALL {
        tones(&mut audio, digit, Press { on_ms: 70.0, ..PLAIN }, &mut random);
    }
    silence(&mut audio, 60.0);
    for chunk in [1, 160, 480] {
        assert_eq!(told(&audio, chunk), "0123456789*#ABCD", "chunks of {chunk}");
    }
}

#[test]
fn a_line_may_be_offset_hum_and_click() {
    let mut random = seeded(0);
    let mut audio = Vec::new();
    silence(&mut audio, 50.0);
    for digit in Digit::ALL {
        tones(&mut audio, digit, Press { on_ms: 100.0, ..PLAIN }, &mut random);
        silence(&mut audio, 100.0);
    }
    for (place, sample) in audio.iter_mut().enumerate() {
        *sample += 900.0 + DBM0 * decibels(-30.0) * (TAU * 50.0 * place as f64 / 8_000.0).sin();
    }
    // A click of a millisecond every 173 ms or so.
    for start in (0..audio.len()).step_by(1_387) {
        for sample in audio.iter_mut().skip(start).take(8) {
            *sample += 9_000.0 * (random.f64() - 0.5);
        }
    }
    assert_eq!(told(&audio, 160), "0123456789*#ABCD");
}

#[test]
fn resetting_forgets_the_key_that_is_down() {
    let mut random = seeded(0);
    let mut audio = Vec::new();
    tones(&mut audio, Digit::STAR, PLAIN, &mut random);
    let samples: Vec<i16> = audio.iter().map(|sample| *sample as i16).collect();
    let mut detector = ToneDetector::new();
    assert_eq!(detector.hear(&samples), Some(Digit::STAR));
    assert_eq!(detector.hear(&samples), None);
    detector.reset();
    assert_eq!(detector.hear(&samples), Some(Digit::STAR));
}

/// A vowel: the harmonics of a voice that glides from `from` to `to` hertz, shaped by three formants that move, too.
fn vowel(audio: &mut Vec<f64>, from: f64, to: f64, formants: [[f64; 3]; 2], seconds: f64) {
    let count = (seconds * 8_000.0) as usize;
    let mut phase = 0.0;
    for place in 0..count {
        let along = place as f64 / count as f64;
        let pitch = from + (to - from) * along;
        phase += TAU * pitch / 8_000.0;
        let mut sample = 0.0;
        for harmonic in 1..=(3_600.0 / pitch) as u32 {
            let hz = pitch * f64::from(harmonic);
            let gain: f64 = (0..3)
                .map(|number| {
                    let centre = formants[0][number] + (formants[1][number] - formants[0][number]) * along;
                    // Resonances of 80, 120 and 160 Hz between their half-power points.
                    decibels(-6.0 * number as f64)
                        / (1.0 + ((hz - centre) / (40.0 + 20.0 * number as f64)).powi(2)).sqrt()
                })
                .sum();
            sample += gain * (phase * f64::from(harmonic)).sin();
        }
        audio.push(7_000.0 * sample);
    }
}

#[test]
fn voices_music_and_the_tones_of_the_network_are_no_keys() {
    let check = |what: &str, audio: &[f64]| {
        let limited: Vec<f64> = audio.iter().map(|sample| sample.clamp(-32_000.0, 32_000.0)).collect();
        assert_eq!(told(&limited, 160), "", "{what}");
    };
    let mut random = seeded(0);
    let vowels = [
        [730.0, 1_090.0, 2_440.0],
        [270.0, 2_290.0, 3_010.0],
        [300.0, 870.0, 2_240.0],
        [530.0, 1_840.0, 2_480.0],
        [660.0, 1_720.0, 2_410.0],
        [570.0, 840.0, 2_410.0],
        [640.0, 1_190.0, 2_390.0],
        // The first two formants upon a row and a column.
        [697.0, 1_209.0, 2_500.0],
        [770.0, 1_336.0, 2_500.0],
        [852.0, 1_477.0, 2_600.0],
        [941.0, 1_336.0, 2_600.0],
    ];
    let mut audio = Vec::new();
    for from in vowels {
        for _ in 0..20 {
            let to = *random.choice(&vowels).expect("there are some");
            let (low, high) = (80.0 + 320.0 * random.f64(), 80.0 + 320.0 * random.f64());
            vowel(&mut audio, low, high, [from, to], 0.2 + 0.4 * random.f64());
        }
    }
    check("speech", &audio);

    let chord = |hertz: &[f64], seconds: f64| -> Vec<f64> {
        let sample = |place: f64| hertz.iter().map(|hz| 5_000.0 * (TAU * hz * place / 8_000.0).sin()).sum();
        (0..(seconds * 8_000.0) as u32).map(|place| sample(f64::from(place))).collect()
    };
    let mut music = Vec::new();
    for note in 0..60 {
        let root = 110.0 * 2.0_f64.powf(f64::from(note) / 12.0);
        for steps in [[0.0, 4.0, 7.0], [0.0, 3.0, 7.0], [0.0, 5.0, 9.0]] {
            music.extend(chord(&steps.map(|step| root * 2.0_f64.powf(step / 12.0)), 0.15));
        }
    }
    check("music", &music);
    for (what, hertz) in [
        ("American dial tone", &[350.0, 440.0][..]),
        ("American ringing", &[440.0, 480.0]),
        ("American busy", &[480.0, 620.0]),
        ("European tone", &[425.0]),
        ("special information, low", &[950.0]),
        ("special information, middle", &[1_400.0]),
        ("MF 8", &[900.0, 1_500.0]),
        ("one row alone", &[941.0]),
        ("two rows", &[697.0, 941.0]),
        ("a row, a column, and a voice", &[697.0, 1_209.0, 400.0]),
        ("fax", &[1_100.0]),
        ("answer tone", &[2_100.0]),
    ] {
        check(what, &chord(hertz, 2.0));
    }
    let noise: Vec<f64> = (0..400_000).map(|_| 4_000.0 * gauss(&mut random)).collect();
    check("noise", &noise);
}

#[test]
fn the_tables_are_exact() {
    for turns in [0.0, 0.1, 0.25, 0.49, 0.5, 0.51, 0.75, 1.0, 17.3] {
        assert!((sin(turns) - (TAU * turns).sin()).abs() < 1e-9, "{turns}");
    }
    assert!((WINDOW.iter().sum::<f32>() - WINDOW_SUM).abs() < 0.01);
    assert!((WINDOW.iter().map(|weight| weight * weight).sum::<f32>() - WINDOW_ENERGY).abs() < 0.01);
}
