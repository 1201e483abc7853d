//! The file of a tape: 16 bits, 8 kHz, one channel or two, with a header that is true after every write.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::media::codecs;
use crate::media::recorder::Block;
use crate::telephony::{Clip, Codec, PhoneNumber, Sides, TapeKind, TapeLabel, TapeOrder};

/// How the file of a tape ends that is not kept yet.
pub const PART: &str = ".part.wav";
/// Octets of a header.
pub(super) const HEADER: u64 = 44;
const RATE: u32 = 8_000;
/// Octets of a sample.
const SAMPLE: u64 = 2;
/// What the writer fills silence in by, in octets.
const SILENCE: [u8; 16_000] = [0; 16_000];
/// A tape is played no further than this: 30 min.
const CLIP_SAMPLES_MAX: usize = 30 * 60 * RATE as usize;

/// What stands beside a tape, as JSON: so a folder of tapes tells by itself what they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// `message` or `recording`.
    pub kind: String,
    /// The mailbox.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mailbox: Option<String>,
    /// The call.
    pub call: String,
    /// Who called.
    pub caller: String,
    /// The name that their side sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub caller_name: Option<String>,
    /// What they had dialled.
    pub dialled: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// The caller's language.
    pub language: String,
    /// To whom it is mailed.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub mail: Vec<String>,
}

impl Beside {
    fn of(order: &TapeOrder) -> Beside {
        let label = &order.label;
        Beside {
            kind: order.kind.word().to_owned(),
            mailbox: label.mailbox.as_ref().map(ToString::to_string),
            call: label.call.clone(),
            caller: label.caller.reveal().to_owned(),
            caller_name: label.caller_name.clone(),
            dialled: label.dialled.clone(),
            started: label.started.clone(),
            language: label.language.to_string(),
            mail: label.mail.iter().map(ToString::to_string).collect(),
        }
    }

    /// What it is of.
    pub fn kind(&self) -> TapeKind {
        if self.kind == TapeKind::Conversation.word() { TapeKind::Conversation } else { TapeKind::Message }
    }

    /// As a tape is labelled.
    pub fn label(&self) -> TapeLabel {
        TapeLabel {
            mailbox: self.mailbox.as_deref().map(Into::into),
            call: self.call.clone(),
            caller: PhoneNumber::new(&*self.caller),
            caller_name: self.caller_name.clone(),
            dialled: self.dialled.clone(),
            started: self.started.clone(),
            language: self.language.as_str().into(),
            mail: self.mail.iter().map(|to| to.as_str().into()).collect(),
        }
    }
}

/// A tape that is being written.
pub(super) struct TapeFile {
    file: File,
    /// `…/NAME.part.wav`.
    path: PathBuf,
    /// `…/NAME.wav`.
    last: PathBuf,
    beside: PathBuf,
    sides: Sides,
    /// Octets of audio that are written and that the header tells.
    written: u64,
    broken: bool,
    scratch: Vec<u8>,
}

impl TapeFile {
    pub(super) fn create(folder: &Path, order: &TapeOrder) -> io::Result<TapeFile> {
        let folder = folder.join(&*order.folder);
        fs::create_dir_all(&folder)?;
        let name = order.kind.name(order.tape);
        let beside = folder.join(format!("{name}.json"));
        let path = folder.join(format!("{name}{PART}"));
        let last = folder.join(format!("{name}.wav"));
        let json = serde_json::to_vec(&Beside::of(order)).map_err(io::Error::other)?;
        let created = private(&beside).and_then(|file| file.write_all_at(&json, 0)).and_then(|()| private(&path));
        let file = created.inspect_err(|_| {
            // What could not be begun leaves nothing behind.
            let _ = fs::remove_file(&beside);
            let _ = fs::remove_file(&path);
        })?;
        let scratch = Vec::new();
        let tape = TapeFile { file, path, last, beside, sides: order.sides, written: 0, broken: false, scratch };
        if let Err(reason) = tape.tell_length() {
            tape.remove();
            return Err(reason);
        }
        Ok(tape)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it could not be written to its end.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// How long it is.
    pub(super) fn length(&self) -> Duration {
        Duration::from_micros(self.written / (SAMPLE * u64::from(self.sides.channels())) * 125)
    }

    /// Adds a block, and the silence of what was lost before it.
    pub(super) fn write(&mut self, block: &Block) -> io::Result<()> {
        let written = self.add(block);
        self.broken = written.is_err();
        written
    }

    fn add(&mut self, block: &Block) -> io::Result<()> {
        let frame = SAMPLE * u64::from(self.sides.channels());
        self.add_silence(block.lost * frame)?;
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let sides = block.near[..block.length].iter().zip(&block.far[..block.length]);
        for (near, far) in sides {
            let near = codecs::decode(block.codec, *near);
            match self.sides {
                Sides::Caller => scratch.extend(near.to_le_bytes()),
                Sides::Mixed => {
                    scratch.extend(near.saturating_add(codecs::decode(block.codec, *far)).to_le_bytes());
                }
                Sides::Stereo => {
                    scratch.extend(near.to_le_bytes());
                    scratch.extend(codecs::decode(block.codec, *far).to_le_bytes());
                }
            }
        }
        let added = self.file.write_all_at(&scratch, HEADER + self.written);
        let length = scratch.len() as u64;
        self.scratch = scratch;
        added?;
        self.written += length;
        self.tell_length()
    }

    fn add_silence(&mut self, octets: u64) -> io::Result<()> {
        let mut left = octets;
        while left > 0 {
            let part = left.min(SILENCE.len() as u64);
            self.file.write_all_at(&SILENCE[..part as usize], HEADER + self.written)?;
            self.written += part;
            left -= part;
        }
        Ok(())
    }

    /// Cuts off what is beyond this length, or fills it up.
    pub(super) fn end_at(&mut self, length: Duration) -> io::Result<()> {
        let frame = SAMPLE * u64::from(self.sides.channels());
        let octets = length.as_micros() as u64 / 125 * frame;
        let ended = if octets > self.written {
            self.add_silence(octets - self.written)
        } else {
            self.written = octets;
            self.file.set_len(HEADER + octets)
        };
        let ended = ended.and_then(|()| self.tell_length());
        self.broken |= ended.is_err();
        ended
    }

    fn tell_length(&self) -> io::Result<()> {
        self.file.write_all_at(&header(self.sides.channels(), self.written), 0)
    }

    /// Puts it on the disk under its name; tells the length of the file.
    pub(super) fn keep(self) -> io::Result<u64> {
        // What a write that failed has left beyond the end is none of it.
        self.file.set_len(HEADER + self.written)?;
        self.file.sync_data()?;
        File::open(&self.beside)?.sync_data()?;
        fs::rename(&self.path, &self.last)?;
        if let Some(folder) = self.last.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(HEADER + self.written)
    }

    /// Forgets it.
    pub(super) fn remove(self) {
        // What cannot be removed now is at the next start.
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(&self.beside);
    }
}

/// A new file that only its owner reads: callers speak in it.
fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// The header of a WAV file with so many octets of audio.
pub(super) fn header(channels: u16, octets: u64) -> [u8; HEADER as usize] {
    let octets = u32::try_from(octets).unwrap_or(u32::MAX - 36);
    let frame = SAMPLE as u16 * channels;
    let mut header = [0; HEADER as usize];
    header[..4].copy_from_slice(b"RIFF");
    header[4..8].copy_from_slice(&(octets + 36).to_le_bytes());
    header[8..16].copy_from_slice(b"WAVEfmt ");
    header[16..20].copy_from_slice(&16_u32.to_le_bytes());
    header[20..22].copy_from_slice(&1_u16.to_le_bytes());
    header[22..24].copy_from_slice(&channels.to_le_bytes());
    header[24..28].copy_from_slice(&RATE.to_le_bytes());
    header[28..32].copy_from_slice(&(RATE * u32::from(frame)).to_le_bytes());
    header[32..34].copy_from_slice(&frame.to_le_bytes());
    header[34..36].copy_from_slice(&16_u16.to_le_bytes());
    header[36..40].copy_from_slice(b"data");
    header[40..44].copy_from_slice(&octets.to_le_bytes());
    header
}

/// The channels and the octets of audio of a header of ours; `None` when it is none.
pub(super) fn read_header(header: &[u8]) -> Option<(u16, u64)> {
    let header = header.get(..HEADER as usize)?;
    let right = header.starts_with(b"RIFF") && &header[8..16] == b"WAVEfmt " && &header[36..40] == b"data";
    let channels = u16::from_le_bytes([header[22], header[23]]);
    let octets = u32::from_le_bytes([header[40], header[41], header[42], header[43]]);
    (right && (1..=2).contains(&channels)).then_some((channels, u64::from(octets)))
}

/// A tape of one channel, to be played.
///
/// # Errors
/// It cannot be read, or is none of ours.
pub fn clip_of(path: &Path) -> io::Result<Clip> {
    let mut bytes = Vec::new();
    File::open(path)?.take(HEADER + CLIP_SAMPLES_MAX as u64 * SAMPLE).read_to_end(&mut bytes)?;
    let Some((1, octets)) = read_header(&bytes) else { return Err(io::Error::other("it is no tape of one channel")) };
    let audio = &bytes[HEADER as usize..];
    let audio = &audio[..audio.len().min(usize::try_from(octets).unwrap_or(usize::MAX))];
    let samples = || audio.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    let encoded = |codec| samples().map(|sample| codecs::encode(codec, sample)).collect();
    Ok(Clip { pcmu: encoded(Codec::Pcmu), pcma: encoded(Codec::Pcma) })
}
