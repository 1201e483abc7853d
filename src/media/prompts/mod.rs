//! Recordings: found, read, brought to 8 kHz and the same loudness, and encoded once for every codec, before any call.

mod draft;
mod level;
mod resample;
mod shelf;
mod wav;

use std::fs::{self, File};
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::codecs;
use crate::telephony::{Clip, Codec};

pub use draft::{DRAFTS, draft_path, draft_text, keep_draft};
pub use level::{GAIN_MAX_DB, TARGET_DBOV};
pub use resample::Converter;
pub use shelf::{Heard, Shelf, print_of};
pub use wav::{RATE_MAX, RATE_MIN, Recording, SECONDS_MAX, decode_wav, write_wav};

/// Files that a folder is searched for, at most, and folders of hold music below each other.
const WAVS_MAX: usize = 5_000;
const MUSIC_DEPTH_MAX: usize = 4;

/// Why a recording cannot be used; the text goes on after the name of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptFault {
    /// The operating system's own words.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// The operating system's own words.
    #[error("cannot be written: {0}")]
    Unwritable(String),
    /// Not RIFF/WAVE, or its header contradicts itself.
    #[error("is not a WAV file")]
    NotWav,
    /// Compressed, or of a kind that is unknown.
    #[error(
        "is a WAV file of a compressed or unusual kind; plain samples (PCM, 8 to 32 bits, or 32-bit float) are wanted"
    )]
    Encoding,
    /// Neither mono nor stereo.
    #[error("has {0} channels; mono or stereo is wanted")]
    Channels(u16),
    /// Samples a second.
    #[error("is sampled at {0} Hz; 8 to 48 kHz is wanted")]
    Rate(u32),
    /// Bits a sample.
    #[error("has samples of {0} bits; 8 to 32 bits are wanted")]
    Bits(u16),
    /// The file ends before what its header promises.
    #[error("is cut short")]
    CutShort,
    /// No sample at all.
    #[error("is empty")]
    Empty,
    /// Longer than [`SECONDS_MAX`].
    #[error("is longer than 10 minutes")]
    TooLong,
}

/// What kind of recording it is: what happens to its ends differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Joined with others: silence at its ends is cut to a fixed measure.
    Prompt,
    /// Played round and round: as long as it is.
    Music,
}

/// Every recording that the flows want.
#[derive(Debug, Default)]
pub struct Library {
    /// One for each that was wanted, in that order; nothing where it is missing or faulty.
    pub clips: Vec<Option<Arc<Clip>>>,
    /// Places in `clips` where a draft is heard, for want of a recording.
    pub drafts: Vec<usize>,
    /// Places in `clips` without a file.
    pub missing: Vec<usize>,
    /// Files that are there and cannot be used.
    pub faults: Vec<(PathBuf, PromptFault)>,
}

impl Library {
    /// Loads `<folder>/<language>/<name>.wav` for each language and name that is wanted.
    pub fn load(folder: &Path, wanted: &[(Arc<str>, Arc<str>)]) -> Library {
        Shelf::default().library(folder, wanted)
    }
}

/// Where the recording `name` (such as `main/welcome` or `phrases/day/friday`) in a language lies.
pub fn recording_path(folder: &Path, language: &str, name: &str) -> PathBuf {
    folder.join(language).join(format!("{name}.wav"))
}

/// Hold music.
#[derive(Debug, Default)]
pub struct Music {
    /// In the order of the files' names.
    pub clips: Vec<Arc<Clip>>,
    /// Files that are there and cannot be used.
    pub faults: Vec<(PathBuf, PromptFault)>,
}

/// Loads one recording as a prompt.
///
/// # Errors
/// Every `PromptFault` but `Unwritable`.
pub fn load_clip(path: &Path) -> Result<Clip, PromptFault> {
    load_with(&mut Converter::new(), path, Kind::Prompt)
}

/// Reads a recording as it is, only mixed to one channel and brought to 8 kHz.
///
/// # Errors
/// As [`load_clip`].
pub fn read_8k(path: &Path) -> Result<Vec<i16>, PromptFault> {
    let recording = read(path)?;
    let mut samples = Converter::new().to_8k(recording.samples, recording.rate_hz);
    level::limit(&mut samples);
    Ok(samples.into_iter().map(linear).collect())
}

/// A recording made ready from the bytes of a WAV file, as [`load_clip`] does with a file.
///
/// # Errors
/// As [`load_clip`].
pub fn clip_from(reader: impl Read + Seek) -> Result<Clip, PromptFault> {
    Ok(prepared(&mut Converter::new(), decode_wav(reader)?, Kind::Prompt))
}

/// What is to be known of a recording before it is used.
#[derive(Clone, Debug, PartialEq)]
pub struct WavFacts {
    /// Samples a second.
    pub rate_hz: u32,
    /// Bits a sample.
    pub bits: u16,
    /// Whether the samples are floating-point numbers.
    pub float: bool,
    /// 1 or 2.
    pub channels: u16,
    /// How long it is, silence included.
    pub duration: Duration,
    /// The highest peak in dB of full scale; nothing of utter silence.
    pub peak_dbfs: Option<f32>,
    /// The active speech level (ITU-T P.56) in dBov; nothing of silence. It will be brought to [`TARGET_DBOV`].
    pub active_level_dbov: Option<f32>,
    /// Samples at full scale: many of them are a recording that was too loud.
    pub clipped: u64,
}

/// Samples at full scale from which on a recording counts as too loud: single ones are nobody's fault.
const CLIPPED_MIN: u64 = 16;

impl WavFacts {
    /// There is so little voice in it that it cannot be brought to the loudness of the others.
    pub fn is_too_quiet(&self) -> bool {
        self.active_level_dbov.is_none_or(|level| level < TARGET_DBOV - GAIN_MAX_DB)
    }

    /// It was recorded too loud, and crackles.
    pub fn is_clipped(&self) -> bool {
        self.clipped >= CLIPPED_MIN
    }
}

/// Looks at a recording.
///
/// # Errors
/// As [`load_clip`].
pub fn inspect(path: &Path) -> Result<WavFacts, PromptFault> {
    let recording = read(path)?;
    let duration = Duration::from_secs_f64(recording.samples.len() as f64 / f64::from(recording.rate_hz));
    let peak_dbfs = level::peak_dbfs(&recording.samples);
    let mut samples = Converter::new().to_8k(recording.samples, recording.rate_hz);
    level::remove_offset(&mut samples);
    Ok(WavFacts {
        rate_hz: recording.rate_hz,
        bits: recording.bits,
        float: recording.float,
        channels: recording.channels,
        duration,
        peak_dbfs,
        active_level_dbov: level::active_level_dbov(&samples),
        clipped: recording.clipped,
    })
}

fn read(path: &Path) -> Result<Recording, PromptFault> {
    let file = File::open(path).map_err(|error| PromptFault::Unreadable(error.to_string()))?;
    decode_wav(BufReader::with_capacity(1 << 16, file))
}

fn load_with(converter: &mut Converter, path: &Path, kind: Kind) -> Result<Clip, PromptFault> {
    Ok(prepared(converter, read(path)?, kind))
}

/// Everything between a file's samples and what is sent.
fn prepared(converter: &mut Converter, recording: Recording, kind: Kind) -> Clip {
    let mut samples = converter.to_8k(recording.samples, recording.rate_hz);
    level::remove_offset(&mut samples);
    level::level(&mut samples);
    if kind == Kind::Prompt {
        level::trim(&mut samples);
    }
    level::fade(&mut samples);
    let linear: Vec<i16> = samples.into_iter().map(linear).collect();
    let encoded = |codec| linear.iter().map(|sample| codecs::encode(codec, *sample)).collect();
    Clip { pcmu: encoded(Codec::Pcmu), pcma: encoded(Codec::Pcma) }
}

/// A sample of -1 to 1 in 16 bits.
fn linear(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

/// Every WAV below a folder, in the order of names, folders within it included.
fn find_wavs(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if found.len() >= WAVS_MAX {
            return;
        }
        if path.is_dir() {
            if depth > 0 {
                find_wavs(&path, depth - 1, found);
            }
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav")) {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests;
