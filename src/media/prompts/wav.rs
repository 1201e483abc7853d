//! WAV files, read into one channel of floating-point samples whatever is in them, and written.

use std::io::{Read, Seek};
use std::path::Path;

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use super::PromptFault;

/// The longest recording: at 48 kHz it takes 110 MiB while it is read.
pub const SECONDS_MAX: u32 = 600;
/// The lowest sample rate, in hertz.
pub const RATE_MIN: u32 = 8_000;
/// The highest sample rate, in hertz.
pub const RATE_MAX: u32 = 48_000;
/// Room that is made on the word of a header alone, in samples; more grows as it is really read.
const TRUSTED_SAMPLES: usize = 1 << 16;

/// What was in a WAV file.
pub struct Recording {
    /// Samples a second.
    pub rate_hz: u32,
    /// Bits a sample.
    pub bits: u16,
    /// Whether the samples were floating-point numbers.
    pub float: bool,
    /// 1 or 2.
    pub channels: u16,
    /// Both channels' mean, full scale being -1 to 1; floating-point recordings may lie beyond.
    pub samples: Vec<f32>,
    /// Samples of any channel at full scale or beyond.
    pub clipped: u64,
}

/// Reads a WAV file: 8 to 48 kHz, 8 to 32 bits, or 32-bit floating point, mono or stereo.
pub fn decode_wav(reader: impl Read + Seek) -> Result<Recording, PromptFault> {
    let mut reader = WavReader::new(reader).map_err(fault_of)?;
    let spec = reader.spec();
    if !(1..=2).contains(&spec.channels) {
        return Err(PromptFault::Channels(spec.channels));
    }
    if !(RATE_MIN..=RATE_MAX).contains(&spec.sample_rate) {
        return Err(PromptFault::Rate(spec.sample_rate));
    }
    if !(8..=32).contains(&spec.bits_per_sample) {
        return Err(PromptFault::Bits(spec.bits_per_sample));
    }
    if reader.duration() == 0 {
        return Err(PromptFault::Empty);
    }
    if reader.duration() > SECONDS_MAX * spec.sample_rate {
        return Err(PromptFault::TooLong);
    }
    let frames = reader.duration() as usize;
    let mut mix = Mix::new(spec.channels, frames);
    let float = spec.sample_format == SampleFormat::Float;
    if float {
        for sample in reader.samples::<f32>() {
            let sample = sample.map_err(fault_of)?;
            // A number that is none would spread over the whole recording.
            let sample = if sample.is_finite() { sample.clamp(-1e3, 1e3) } else { 0.0 };
            mix.add(sample, sample.abs() > 1.0);
        }
    } else {
        let top = (1_i64 << (spec.bits_per_sample - 1)) as f32;
        let (least, most) = (-(1_i64 << (spec.bits_per_sample - 1)), (1_i64 << (spec.bits_per_sample - 1)) - 1);
        for sample in reader.samples::<i32>() {
            let sample = sample.map_err(fault_of)?;
            let at_the_end = i64::from(sample) <= least || i64::from(sample) >= most;
            mix.add(sample as f32 / top, at_the_end);
        }
    }
    Ok(Recording {
        rate_hz: spec.sample_rate,
        bits: spec.bits_per_sample,
        float,
        channels: spec.channels,
        samples: mix.mono,
        clipped: mix.clipped,
    })
}

/// Writes `samples` at 8 kHz as a WAV file of 16 bits, mono.
///
/// # Errors
/// `PromptFault::Unwritable` with what the operating system said.
pub fn write_wav(path: &Path, samples: &[i16]) -> Result<(), PromptFault> {
    let spec = WavSpec { channels: 1, sample_rate: 8_000, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let write = || -> Result<(), hound::Error> {
        let mut writer = WavWriter::create(path, spec)?;
        for sample in samples {
            writer.write_sample(*sample)?;
        }
        writer.finalize()
    };
    write().map_err(|error| PromptFault::Unwritable(error.to_string()))
}

/// The channels on their way into one.
struct Mix {
    channels: u16,
    mono: Vec<f32>,
    left: Option<f32>,
    clipped: u64,
}

impl Mix {
    fn new(channels: u16, frames: usize) -> Mix {
        Mix { channels, mono: Vec::with_capacity(frames.min(TRUSTED_SAMPLES)), left: None, clipped: 0 }
    }

    #[inline]
    fn add(&mut self, sample: f32, clipped: bool) {
        self.clipped += u64::from(clipped);
        if self.channels == 1 {
            self.mono.push(sample);
        } else if let Some(left) = self.left.take() {
            self.mono.push((left + sample) / 2.0);
        } else {
            self.left = Some(sample);
        }
    }
}

fn fault_of(error: hound::Error) -> PromptFault {
    match error {
        hound::Error::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => PromptFault::CutShort,
        // hound's own word for a file that ends within a sample or within its header.
        hound::Error::IoError(error) if error.to_string().contains("enough bytes") => PromptFault::CutShort,
        hound::Error::IoError(error) => PromptFault::Unreadable(error.to_string()),
        hound::Error::FormatError(_) => PromptFault::NotWav,
        hound::Error::Unsupported | hound::Error::InvalidSampleFormat | hound::Error::TooWide => PromptFault::Encoding,
        hound::Error::UnfinishedSample => PromptFault::CutShort,
    }
}
