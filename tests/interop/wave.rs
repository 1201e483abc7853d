//! Recordings: tones to say, and finding what was said and played in what was heard.

use std::fmt;
use std::path::Path;

use helpline::media::prompts;

use crate::house;

/// The rate of all recordings here, in samples a second.
pub const RATE: usize = 8_000;
/// As much as a packet carries.
const FRAME: usize = RATE / 50;

/// Writes `seconds` of a quiet tone, which is no key's.
pub fn write_tone(path: &Path, hertz: f64, seconds: usize) {
    let step = hertz * std::f64::consts::TAU / RATE as f64;
    let tone: Vec<i16> = (0..seconds * RATE).map(|n| ((n as f64 * step).sin() * 2_000.0) as i16).collect();
    prompts::write_wav(path, &tone).expect("the voice is written");
}

/// The samples of a mono WAV of 16 bits.
pub fn samples(path: &Path) -> Vec<i16> {
    let mut reader = hound::WavReader::open(path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    assert_eq!(reader.spec().channels, 1, "{} is not mono", path.display());
    assert_eq!(reader.spec().sample_rate, 8_000, "{} is not at 8 kHz", path.display());
    // A program that was ended may have left the length in the header unset: what can be read counts.
    reader.samples::<i16>().map_while(Result::ok).collect()
}

/// Where in `heard` the passage `played` begins, and how many of its samples are the very same there.
pub fn locate(played: &[i16], heard: &[i16]) -> Option<(usize, usize)> {
    let probe_at = loudest(played, 400)?;
    let probe = &played[probe_at..probe_at + 400];
    let found = heard
        .windows(probe.len())
        .enumerate()
        .min_by_key(|(_, window)| {
            window.iter().zip(probe).map(|(a, b)| i64::from(*a).abs_diff(i64::from(*b))).sum::<u64>()
        })
        .map(|(position, _)| position)?;
    let begin = found.checked_sub(probe_at)?;
    let same = heard[begin..].iter().zip(played).filter(|(a, b)| a == b).count();
    Some((begin, same))
}

/// Where the `length` loudest samples in a row begin.
fn loudest(samples: &[i16], length: usize) -> Option<usize> {
    (0..samples.len().checked_sub(length)?)
        .step_by(40)
        .max_by_key(|start| samples[*start..start + length].iter().map(|s| u64::from(s.unsigned_abs())).sum::<u64>())
}

/// The energy of `block` that lies at `hertz` (Goertzel's algorithm), and all of it.
fn energy(block: &[i16], hertz: f64) -> (f64, f64) {
    let coefficient = 2.0 * (hertz * std::f64::consts::TAU / RATE as f64).cos();
    let (mut one, mut two, mut all) = (0.0, 0.0, 0.0);
    for sample in block {
        (one, two) = (f64::from(*sample) + coefficient * one - two, one);
        all += f64::from(*sample).powi(2);
    }
    ((one * one + two * two - coefficient * one * two) * 2.0 / block.len() as f64, all)
}

/// What sounds for a while.
#[derive(Clone, Copy, PartialEq)]
pub enum Sound {
    /// A tone of so many hertz, and little else.
    Tone(f64),
    /// Anything else that is heard.
    Other,
    Silence,
}

impl fmt::Debug for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sound::Tone(hertz) => write!(f, "{hertz} Hz"),
            Sound::Other => f.write_str("something else"),
            Sound::Silence => f.write_str("silence"),
        }
    }
}

/// A passage of a recording in which one thing sounds.
#[derive(Clone, Copy)]
pub struct Passage {
    pub sound: Sound,
    /// In samples.
    pub start: usize,
    pub length: usize,
}

impl Passage {
    /// How long it is.
    pub fn seconds(&self) -> f64 {
        self.length as f64 / RATE as f64
    }
}

impl fmt::Debug for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} for {:.1} s", self.sound, self.seconds())
    }
}

/// Tells `heard` apart into passages of the tones of `hertz` and whatever else there is. What lasts less than `brief`
/// seconds is left out.
pub fn passages(heard: &[i16], hertz: &[f64], brief: f64) -> Vec<Passage> {
    // Blocks of 50 ms: bins of 20 Hz.
    const BLOCK: usize = RATE / 20;
    let sounds = heard.chunks_exact(BLOCK).map(|block| {
        let (_, all) = energy(block, 0.0);
        if all < BLOCK as f64 * 100.0_f64.powi(2) {
            return Sound::Silence;
        }
        let tone = hertz.iter().find(|hertz| energy(block, **hertz).0 > 0.9 * all);
        tone.map_or(Sound::Other, |hertz| Sound::Tone(*hertz))
    });
    let mut passages: Vec<Passage> = Vec::new();
    for (number, sound) in sounds.enumerate() {
        match passages.last_mut() {
            Some(last) if last.sound == sound => last.length += BLOCK,
            _ => passages.push(Passage { sound, start: number * BLOCK, length: BLOCK }),
        }
    }
    passages.retain(|passage| passage.seconds() >= brief);
    // What was parted by something brief is one again.
    passages.dedup_by(|next, last| {
        let same = next.sound == last.sound;
        if same {
            last.length = next.start + next.length - last.start;
        }
        same
    });
    passages
}

/// How like each other the loudest half second of `said` and its like in `heard` are, 0 to 1: what comes over a line may be coded,
/// levelled and smoothed over on its way, and is the same words all the same. Once in it, a phone's jitter buffer may have
/// put in a frame or two, where one came late, or left some out.
pub fn likeness(said: &[i16], heard: &[i16]) -> f64 {
    let length = (RATE / 2).min(said.len());
    let Some(start) = loudest(said, length) else { return 0.0 };
    let probe: Vec<f64> = said[start..start + length].iter().map(|sample| f64::from(*sample)).collect();
    let power = probe.iter().map(|sample| sample * sample).sum::<f64>();
    let alike = |window: &[i16], step: usize| {
        let (mut both, mut all) = (0.0, 0.0);
        for (one, other) in window.iter().zip(&probe).step_by(step) {
            both += f64::from(*one) * other;
            all += f64::from(*one) * f64::from(*one);
        }
        both / (all * power / step as f64).sqrt().max(1.0)
    };
    // First roughly, everywhere; then the best places in full.
    let mut places: Vec<(f64, usize)> =
        heard.windows(length).enumerate().map(|(place, window)| (alike(window, 8), place)).collect();
    places.sort_by(|one, other| other.0.total_cmp(&one.0));
    places.truncate(20);
    let places = places.iter().map(|(_, place)| *place);
    let moved = |place: usize| {
        [-2, -1, 1, 2].into_iter().filter_map(move |frames| place.checked_add_signed(frames * FRAME as isize))
    };
    // The place is that of the longer part: of the one before what was put in, or of the one after.
    places
        .flat_map(|place| moved(place).flat_map(move |other| [(place, other), (other, place)]))
        .filter_map(|(head, tail)| Some((heard.get(head..head + length)?, heard.get(tail..tail + length)?)))
        .map(|(head, tail)| joined(&probe, power, head, tail))
        .fold(0.0, f64::max)
}

/// How like `probe`, whose energy is `power`, the beginning of `head` and the rest of `tail` are, wherever the one best ends
/// and the other begins: at the ends too.
fn joined(probe: &[f64], power: f64, head: &[i16], tail: &[i16]) -> f64 {
    let product = |one: &i16, other: &f64| (f64::from(*one) * other, f64::from(*one) * f64::from(*one));
    let (mut both, mut all) = tail
        .iter()
        .zip(probe)
        .map(|(one, other)| product(one, other))
        .fold((0.0, 0.0), |sum, next| (sum.0 + next.0, sum.1 + next.1));
    let mut best = both / (all * power).sqrt().max(1.0);
    for ((before, after), other) in head.iter().zip(tail).zip(probe) {
        let (now, then) = (product(before, other), product(after, other));
        both += now.0 - then.0;
        all += now.1 - then.1;
        best = best.max(both / (all * power).sqrt().max(1.0));
    }
    best
}

/// Where in `all` the samples of `part` stand, every one of them.
pub fn find(part: &[i16], all: &[i16]) -> Option<usize> {
    all.windows(part.len()).position(|window| window == part)
}

#[test]
fn a_passage_is_found_where_it_is() {
    let played: Vec<i16> = (0..2_000_i32).map(|n| ((n * n * 7) % 6_000 - 3_000) as i16).collect();
    let mut heard = vec![0; 1_234];
    heard.extend(&played);
    heard.extend([5; 300]);
    assert_eq!(locate(&played, &heard), Some((1_234, 2_000)));
    heard[1_500] ^= 64;
    assert_eq!(locate(&played, &heard), Some((1_234, 1_999)));
}

#[test]
fn words_are_the_same_where_a_frame_was_put_in_or_left_out_and_others_are_not() {
    let phrase = |name: &str| house::recording(&format!("en/phrases/{name}"));
    let names = ["pause/lunch", "agent/paused", "agent/ready", "agent/logged_out", "agent/to_take_calls"];
    for said in names.map(phrase) {
        let loudest = loudest(&said, RATE / 2).expect("it is longer than that");
        let silence = vec![0; RATE / 3];
        for at in [loudest, loudest + RATE / 8, loudest + RATE / 4, loudest + RATE / 3] {
            let (before, after) = said.split_at(at);
            let concealed: Vec<i16> = before[before.len().saturating_sub(FRAME)..].iter().map(|s| s / 2).collect();
            for heard in [[&silence, before, &concealed, after].concat(), [&silence, before, &after[FRAME..]].concat()]
            {
                let likeness = likeness(&said, &heard);
                assert!(likeness > 0.9, "{likeness:.2} at {at}");
            }
        }
    }
    for one in names {
        for other in names.iter().filter(|other| **other != one) {
            let likeness = likeness(&phrase(one), &phrase(other));
            assert!(likeness < 0.6, "{one} and {other}: {likeness:.2}");
        }
    }
}

#[test]
fn passages_are_told_apart() {
    let tone = |hertz: f64, seconds: usize| {
        (0..seconds * RATE).map(move |n| ((n as f64 * hertz * std::f64::consts::TAU / 8_000.0).sin() * 2_000.0) as i16)
    };
    let noise = (0..RATE).map(|n| ((n * n * 7) % 6_000) as i16 - 3_000);
    let mut heard = vec![0; RATE];
    heard.extend(tone(500.0, 2));
    heard.extend(noise);
    heard.extend(tone(500.0, 1).zip(tone(700.0, 1)).map(|(one, two)| one + two));
    heard.extend(tone(700.0, 1));
    let told: Vec<(Sound, f64)> =
        passages(&heard, &[500.0, 700.0], 0.2).iter().map(|passage| (passage.sound, passage.seconds())).collect();
    let expected = [(Sound::Silence, 1.0), (Sound::Tone(500.0), 2.0), (Sound::Other, 2.0), (Sound::Tone(700.0), 1.0)];
    assert_eq!(told, expected);
    assert_eq!(find(&heard[9_000..9_100], &heard[8_500..]), Some(4));
}
