use std::f32::consts::TAU;
use std::io::Cursor;

use hound::{SampleFormat, WavSpec, WavWriter};

use super::*;
use crate::media::dtmf::inband::ToneDetector;

/// A WAV file in memory with `frames` frames of what `signal` gives for a moment in seconds and a channel.
fn wav(spec: WavSpec, frames: u32, signal: impl Fn(f32, u16) -> f32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut bytes, spec).expect("a spec that hound can write");
    for frame in 0..frames {
        for channel in 0..spec.channels {
            let sample = signal(frame as f32 / spec.sample_rate as f32, channel);
            match spec.sample_format {
                SampleFormat::Float => writer.write_sample(sample).expect("memory takes it"),
                SampleFormat::Int => {
                    let top = (1_i64 << (spec.bits_per_sample - 1)) as f64;
                    let whole = (f64::from(sample) * top).round().clamp(-top, top - 1.0);
                    writer.write_sample(whole as i32).expect("memory takes it");
                }
            }
        }
    }
    writer.finalize().expect("memory takes it");
    bytes.into_inner()
}

const fn spec(rate: u32, bits: u16, channels: u16) -> WavSpec {
    let sample_format = if bits == 0 { SampleFormat::Float } else { SampleFormat::Int };
    WavSpec { channels, sample_rate: rate, bits_per_sample: if bits == 0 { 32 } else { bits }, sample_format }
}

fn tone(hz: f32, amplitude: f32) -> impl Fn(f32, u16) -> f32 {
    move |time, _| amplitude * (TAU * hz * time).sin()
}

/// The amplitude of a frequency in the middle half of samples at 8 kHz.
fn amplitude(samples: &[f32], hz: f64) -> f64 {
    let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
    let (mut re, mut im, mut weights) = (0.0, 0.0, 0.0);
    for (place, sample) in middle.iter().enumerate() {
        let at = (place as f64 + 0.5) / middle.len() as f64;
        let weight = 0.5 - 0.5 * (std::f64::consts::TAU * at).cos();
        let angle = std::f64::consts::TAU * hz * place as f64 / 8_000.0;
        re += weight * f64::from(*sample) * angle.cos();
        im += weight * f64::from(*sample) * angle.sin();
        weights += weight;
    }
    2.0 * (re * re + im * im).sqrt() / weights
}

const RATES: [u32; 8] = [11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

#[test]
fn the_voice_band_passes_unchanged_and_nothing_folds_back() {
    for rate in RATES {
        let mut converter = Converter::new();
        let mut through = |hz: f32| {
            // Whole hertz for one second: the angle is exact in f64 and not nearly so in f32.
            let angle = |n: u32| std::f64::consts::TAU * f64::from(hz) * f64::from(n) / f64::from(rate);
            converter.to_8k((0..rate).map(|n| (0.5 * angle(n).sin()) as f32).collect(), rate)
        };
        for hz in [60.0, 300.0, 1_000.0, 2_000.0, 3_000.0, 3_400.0, 3_600.0, 3_700.0, 3_800.0] {
            let change_db = 20.0 * (amplitude(&through(hz), f64::from(hz)) / 0.5).log10();
            assert!(change_db.abs() < 0.01, "{hz} Hz of {rate}: {change_db:.3} dB");
        }
        for hz in (4_010..rate / 2).step_by(370) {
            let result = through(hz as f32);
            let rest = level::peak_dbfs(&result[1_000..7_000]).unwrap_or(-200.0) + 6.0;
            assert!(rest < -120.0, "{hz} Hz of {rate} comes back at {rest:.1} dB");
        }
    }
}

#[test]
fn resampling_keeps_time_and_length() {
    for rate in RATES {
        // A narrow pulse at a quarter of a second, in half a second.
        let centre = rate as f32 / 4.0;
        let width = rate as f32 / 2_000.0;
        let pulse = (0..rate / 2).map(|n| (-((n as f32 - centre) / width).powi(2)).exp()).collect();
        let result = Converter::new().to_8k(pulse, rate);
        assert!(result.len().abs_diff(4_000) <= 1, "{rate}: {}", result.len());
        let peak = (0..result.len()).max_by(|a, b| result[*a].total_cmp(&result[*b])).expect("it has samples");
        assert!(peak.abs_diff(2_000) <= 1, "{rate}: the pulse came at {peak}");
    }
}

#[test]
fn every_kind_of_wav_gives_the_same_audio() {
    let reference = clip_from(Cursor::new(wav(spec(8_000, 16, 1), 8_000, tone(440.0, 0.3)))).expect("plain");
    for rate in [8_000, 11_025, 16_000, 44_100, 48_000] {
        for bits in [8, 16, 24, 32, 0] {
            for channels in [1, 2] {
                let bytes = wav(spec(rate, bits, channels), rate, tone(440.0, 0.3));
                let recording = decode_wav(Cursor::new(&bytes)).expect("a kind that is wanted");
                assert_eq!((recording.channels, recording.rate_hz), (channels, rate));
                let clip = clip_from(Cursor::new(&bytes)).expect("a kind that is wanted");
                assert!(clip.pcmu.len().abs_diff(8_000) <= 1);
                assert_eq!(clip.pcma.len(), clip.pcmu.len());
                // The middle, away from the edges, where only 8 bits leave a noise of their own.
                let worst = (400..7_600)
                    .map(|n| {
                        let linear = |clip: &Clip| i32::from(codecs::decode(Codec::Pcmu, clip.pcmu[n]));
                        (linear(&clip) - linear(&reference)).abs()
                    })
                    .max();
                let allowed = if bits == 8 { 200 } else { 140 };
                assert!(worst <= Some(allowed), "{rate} Hz, {bits} bits, {channels} channels: {worst:?}");
            }
        }
    }
}

#[test]
fn faults_speak_to_operators() {
    let check = |bytes: &[u8], expected: &str| match decode_wav(Cursor::new(bytes)) {
        Err(fault) => assert_eq!(fault.to_string(), expected),
        Ok(_) => panic!("read, though it {expected}"),
    };
    let good = wav(spec(8_000, 16, 1), 800, tone(440.0, 0.3));
    check(b"", "is cut short");
    check(b"Not a WAV file at all, but some other text.", "is not a WAV file");
    check(&good[..good.len() - 101], "is cut short");
    check(&wav(spec(8_000, 16, 3), 800, tone(440.0, 0.3)), "has 3 channels; mono or stereo is wanted");
    check(&wav(spec(96_000, 16, 1), 800, tone(440.0, 0.3)), "is sampled at 96000 Hz; 8 to 48 kHz is wanted");
    check(&wav(spec(6_000, 16, 1), 800, tone(440.0, 0.3)), "is sampled at 6000 Hz; 8 to 48 kHz is wanted");
    check(&wav(spec(8_000, 16, 1), 0, tone(440.0, 0.3)), "is empty");
    check(&wav(spec(8_000, 8, 1), 8_000 * 601, |_, _| 0.0), "is longer than 10 minutes");
    let mut compressed = good.clone();
    compressed[20] = 7;
    check(
        &compressed,
        "is a WAV file of a compressed or unusual kind; plain samples (PCM, 8 to 32 bits, or 32-bit float) are wanted",
    );
}

#[test]
fn damaged_files_are_faults_and_never_panic() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let originals = [
        wav(spec(8_000, 16, 1), 200, tone(440.0, 0.3)),
        wav(spec(44_100, 24, 2), 200, tone(440.0, 0.3)),
        wav(spec(16_000, 0, 1), 200, tone(440.0, 0.3)),
        wav(spec(8_000, 8, 1), 200, tone(440.0, 0.3)),
    ];
    let mut read = 0;
    for _ in 0..20_000 {
        let mut bytes = random.choice(&originals).expect("four").clone();
        for _ in 0..random.usize(1..6) {
            let place = random.usize(0..70);
            bytes[place] = if random.bool() { random.u8(..) } else { *random.choice(&[0, 1, 255, 128]).expect("four") };
        }
        bytes.truncate(if random.bool() { random.usize(0..bytes.len()) } else { bytes.len() });
        read += usize::from(decode_wav(Cursor::new(&bytes)).is_ok());
    }
    assert!(read > 100, "the damage leaves some files whole: {read}");
}

#[test]
fn all_loudnesses_become_one() {
    for (amplitude, offset) in [(0.9, 0.0), (0.3, 0.05), (0.03, -0.02), (0.005, 0.0)] {
        // Bursts of tone with pauses, as speech has.
        let speech = move |time: f32, _| {
            let on = time % 0.5 < 0.35;
            offset + if on { amplitude * (TAU * 500.0 * time).sin() } else { 0.0 }
        };
        let clip = clip_from(Cursor::new(wav(spec(16_000, 16, 1), 48_000, speech))).expect("plain");
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let samples: Vec<f32> =
                clip.encoded(codec).iter().map(|byte| f32::from(codecs::decode(codec, *byte)) / 32_768.0).collect();
            let level = level::active_level_dbov(&samples).expect("it is heard");
            assert!((level - TARGET_DBOV).abs() < 0.5, "{amplitude}: {level}");
            let mean = samples.iter().sum::<f32>() / samples.len() as f32;
            assert!(mean.abs() < 0.001, "{offset}: {mean}");
        }
    }
}

#[test]
fn the_active_level_leaves_pauses_out() {
    let level_of = |on: f32| {
        let samples: Vec<f32> = (0..80_000)
            .map(|n| {
                let time = n as f32 / 8_000.0;
                if time % 2.0 < on { 0.1 * (TAU * 500.0 * time).sin() } else { 0.0 }
            })
            .collect();
        level::active_level_dbov(&samples).expect("it is heard")
    };
    // A sine of amplitude 0.1 is -23 dBov.
    assert!((level_of(2.0) + 23.0).abs() < 0.1, "{}", level_of(2.0));
    // With pauses the hangover of 0.2 s counts, and no more.
    let expected = -23.0 + 10.0 * (1.0_f32 / 1.3).log10();
    assert!((level_of(1.0) - expected).abs() < 0.5, "{} and {expected}", level_of(1.0));
    assert_eq!(level::active_level_dbov(&[0.0; 8_000]), None);
    assert_eq!(level::active_level_dbov(&[]), None);
}

#[test]
fn peaks_are_brought_down_gently() {
    let mut samples: Vec<f32> = (0..8_000).map(|n| 0.2 * (TAU * n as f32 / 80.0).sin()).collect();
    samples[4_000] = 3.0;
    let before = samples.clone();
    level::limit(&mut samples);
    assert!(level::peak_dbfs(&samples) < Some(-0.5));
    assert_eq!(samples[..3_950], before[..3_950]);
    assert_eq!(samples[4_050..], before[4_050..]);
}

#[test]
fn silence_at_the_ends_is_cut_to_measure() {
    let check = |lead: usize, sound: usize, tail: usize, expected: usize| {
        let mut samples = vec![0.0_f32; lead];
        samples.extend((0..sound).map(|n| 0.1 * (TAU * n as f32 / 8.0 + 1.0).sin()));
        samples.extend(vec![0.0; tail]);
        level::trim(&mut samples);
        assert_eq!(samples.len(), expected, "{lead} {sound} {tail}");
    };
    check(8_000, 4_000, 8_000, level::LEAD + 4_000 + level::TAIL);
    check(0, 4_000, 0, 4_000);
    check(80, 4_000, 120, 4_200);
    check(8_000, 0, 0, 8_000);
    check(0, 0, 0, 0);
}

#[test]
fn recordings_begin_and_end_at_nought() {
    let clip = clip_from(Cursor::new(wav(spec(8_000, 16, 1), 4_001, |_, _| 0.0))).expect("silence is a recording");
    assert_eq!(clip.pcmu.len(), 4_001);
    assert!(clip.pcma.iter().all(|byte| *byte == codecs::silence(Codec::Pcma)));
    let clip = clip_from(Cursor::new(wav(spec(48_000, 24, 2), 24_000, tone(300.0, 0.5)))).expect("plain");
    for end in [clip.pcmu[0], clip.pcmu[clip.pcmu.len() - 1]] {
        assert!(codecs::decode(Codec::Pcmu, end).abs() < 16);
    }
    let steps = clip.pcmu.windows(2).map(|pair| {
        (i32::from(codecs::decode(Codec::Pcmu, pair[0])) - i32::from(codecs::decode(Codec::Pcmu, pair[1]))).abs()
    });
    // A sine of 300 Hz at this level rises by at most 546 a sample, and µ-law adds half a step at each end.
    assert!(steps.max() < Some(700));
}

#[test]
fn a_library_knows_what_is_missing_and_what_is_faulty() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |path: &str| folder.path().join(path);
    fs::create_dir_all(at("en/phrases/day")).expect("a folder");
    fs::create_dir_all(at("music/calm")).expect("a folder");
    let sound: Vec<i16> = (0..4_000).map(|n| (3_000.0 * (n as f32 * 0.3).sin()) as i16).collect();
    for path in ["en/phrases/day/friday.wav", "music/calm/b.wav", "music/calm/a.WAV", "music/z.wav"] {
        write_wav(&at(path), &sound).expect("written");
    }
    fs::write(at("en/broken.wav"), "no sound").expect("written");
    let wanted: Vec<(Arc<str>, Arc<str>)> =
        ["broken", "phrases/day/friday", "absent"].map(|name| ("en".into(), name.into())).to_vec();
    let library = Library::load(folder.path(), &wanted);
    assert_eq!(library.clips.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(library.missing, [2]);
    assert_eq!(library.faults, [(at("en/broken.wav"), PromptFault::NotWav)]);
    assert_eq!(read_8k(&at("music/z.wav")).expect("as it was written"), sound);
    let mut shelf = Shelf::default();
    assert_eq!(shelf.music(folder.path(), None).clips.len(), 3);
    assert_eq!(shelf.music(folder.path(), Some("calm")).clips.len(), 2);
    assert_eq!(shelf.music(folder.path(), Some("loud")).clips.len(), 0);
    let facts = inspect(&at("music/z.wav")).expect("plain");
    assert_eq!((facts.rate_hz, facts.bits, facts.channels, facts.clipped), (8_000, 16, 1, 0));
    assert_eq!(facts.duration, Duration::from_millis(500));
    assert!(facts.peak_dbfs.is_some_and(|peak| (peak + 20.8).abs() < 0.1), "{facts:?}");
    assert!(load_clip(&at("en/none.wav")).is_err_and(|fault| matches!(fault, PromptFault::Unreadable(_))));
}

#[test]
fn our_own_recordings_are_sound_and_hold_no_key() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let mut paths = Vec::new();
    find_wavs(&folder, 8, &mut paths);
    assert!(!paths.is_empty(), "no recording lies below {}", folder.display());
    for path in &paths {
        let clip = load_clip(path).unwrap_or_else(|fault| panic!("{} {fault}", path.display()));
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let samples: Vec<i16> = clip.encoded(codec).iter().map(|byte| codecs::decode(codec, *byte)).collect();
            let mut detector = ToneDetector::new();
            let told = samples.chunks(160).find_map(|frame| detector.hear(frame));
            assert!(told.is_none(), "{} is taken for {}", path.display(), told.map_or(' ', |digit| digit.as_char()));
            let floating: Vec<f32> = samples.iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
            let level = level::active_level_dbov(&floating).expect("it is heard");
            assert!((level - TARGET_DBOV).abs() < 2.0, "{} lies at {level} dBov", path.display());
        }
    }
}
