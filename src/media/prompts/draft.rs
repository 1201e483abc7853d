//! Drafts: recordings that a program speaks until a person does. They stand in `drafts/<language>/` beside the recordings, and
//! each holds the text that it speaks, as a comment of its WAV file.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavSpec, WavWriter};

use super::PromptFault;
use super::wav::decode_wav;

/// The folder of drafts, beside those of the languages.
pub const DRAFTS: &str = "drafts";
/// What the comment of a draft begins with.
const MARK: &str = "Helpline draft: ";
/// The largest draft that is read: ten minutes at 48 kHz.
const DRAFT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Where the draft of a recording lies.
pub fn draft_path(folder: &Path, language: &str, name: &str) -> PathBuf {
    super::recording_path(&folder.join(DRAFTS), language, name)
}

/// The text that a draft speaks; nothing where there is no draft, or it is somebody's recording.
pub fn draft_text(path: &Path) -> Option<String> {
    let small = fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() <= DRAFT_BYTES_MAX);
    let bytes = small.then(|| fs::read(path).ok())??;
    for (name, body) in chunks(&bytes) {
        let Some(list) = body.strip_prefix(b"INFO").filter(|_| name == b"LIST") else { continue };
        for (name, body) in Chunks(list) {
            let text = String::from_utf8_lossy(body);
            if let Some(text) = text.trim_end_matches('\0').strip_prefix(MARK).filter(|_| name == b"ICMT") {
                return Some(text.to_owned());
            }
        }
    }
    None
}

/// Keeps what a program has spoken as the draft of `text`: checked, in one channel of 16 bits, and put in its place in one act.
///
/// # Errors
/// It is no recording that could be used, or it cannot be written.
pub fn keep_draft(path: &Path, spoken: &[u8], text: &str) -> Result<(), PromptFault> {
    let mut spoken = spoken.to_vec();
    mend_lengths(&mut spoken);
    let recording = decode_wav(Cursor::new(spoken))?;
    let rate_hz = recording.rate_hz;
    let unwritable = |error: std::io::Error| PromptFault::Unwritable(error.to_string());
    let spec = WavSpec { channels: 1, sample_rate: rate_hz, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut bytes = Cursor::new(Vec::new());
    let written = (|| {
        let mut writer = WavWriter::new(&mut bytes, spec)?;
        for sample in &recording.samples {
            writer.write_sample((sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16)?;
        }
        writer.finalize()
    })();
    written.map_err(|error| PromptFault::Unwritable(error.to_string()))?;
    let bytes = marked(bytes.into_inner(), text);
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(unwritable)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = folder.join(format!(".{name}.{}.new", std::process::id()));
    let put = fs::File::create(&beside)
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if put.is_err() {
        // The failure is told, not what it left behind.
        let _ = fs::remove_file(&beside);
    }
    put.map_err(unwritable)
}

/// With the text that it speaks, as a chunk at its end (RIFF, `LIST` of `INFO`).
fn marked(mut bytes: Vec<u8>, text: &str) -> Vec<u8> {
    let mut comment = format!("{MARK}{text}\0").into_bytes();
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let comment_length = length(comment.len());
    if comment.len() % 2 == 1 {
        comment.push(0);
    }
    bytes.extend(b"LIST");
    bytes.extend(length(4 + 8 + comment.len()));
    bytes.extend(b"INFOICMT");
    bytes.extend(comment_length);
    bytes.extend(comment);
    let all = length(bytes.len() - 8);
    bytes[4..8].copy_from_slice(&all);
    bytes
}

/// What a program writes to its standard output cannot tell its length beforehand: what is there is meant.
fn mend_lengths(bytes: &mut [u8]) {
    let mut at = 12;
    while let Some(head) = bytes.get(at..at + 8) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let there = bytes.len() - at - 8;
        if length > there {
            let block =
                bytes.get(32..34).map_or(1, |block| usize::from(u16::from_le_bytes([block[0], block[1]]))).max(1);
            let whole = u32::try_from(there - there % block).unwrap_or(u32::MAX).to_le_bytes();
            bytes[at + 4..at + 8].copy_from_slice(&whole);
            return;
        }
        at += 8 + length + length % 2;
    }
}

/// The chunks of a RIFF file of kind WAVE.
fn chunks(bytes: &[u8]) -> Chunks<'_> {
    let is_wave = bytes.get(..4) == Some(b"RIFF") && bytes.get(8..12) == Some(b"WAVE");
    Chunks(if is_wave { &bytes[12..] } else { &[] })
}

struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let (head, rest) = self.0.split_at_checked(8)?;
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let body = &rest[..length.min(rest.len())];
        self.0 = rest.get(length.saturating_add(length % 2)..).unwrap_or(&[]);
        Some((&head[..4], body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::prompts::write_wav;

    #[test]
    fn a_draft_tells_what_it_speaks() {
        let folder = tempfile::tempdir().expect("a folder");
        let recording = folder.path().join("a.wav");
        write_wav(&recording, &[1000, -1000].repeat(900)).expect("written");
        assert_eq!(draft_text(&recording), None, "that is somebody's recording");
        let spoken = fs::read(&recording).expect("it is there");
        for text in ["Hello.", "Größe, “quoted”!", ""] {
            let draft = draft_path(folder.path(), "en", "main/welcome");
            keep_draft(&draft, &spoken, text).expect("it can be used");
            assert_eq!(draft_text(&draft).as_deref(), Some(text));
            let kept = decode_wav(Cursor::new(fs::read(&draft).expect("it is there"))).expect("it is a recording");
            assert_eq!((kept.samples.len(), kept.rate_hz), (1800, 8000));
        }
    }

    #[test]
    fn lengths_that_nobody_knew_are_mended() {
        let folder = tempfile::tempdir().expect("a folder");
        let recording = folder.path().join("a.wav");
        write_wav(&recording, &[1000, -1000].repeat(100)).expect("written");
        let mut spoken = fs::read(&recording).expect("it is there");
        spoken[40..44].copy_from_slice(&0x7fff_f000_u32.to_le_bytes());
        keep_draft(&folder.path().join("b.wav"), &spoken, "x").expect("what is there is meant");
        for wrong in [&b""[..], b"RIFF", b"not a recording at all", &spoken[..44]] {
            assert!(keep_draft(&folder.path().join("c.wav"), wrong, "x").is_err());
        }
        assert!(!folder.path().join("c.wav").exists());
    }

    #[test]
    fn whatever_stands_there_is_read_or_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.wav");
        let mut random = fastrand::Rng::with_seed(7);
        let good = marked(b"RIFF\0\0\0\0WAVE".to_vec(), "text");
        for _ in 0..300 {
            let mut bytes = good.clone();
            let at = random.usize(0..bytes.len());
            bytes[at] = random.u8(..);
            bytes.truncate(random.usize(0..=bytes.len()));
            fs::write(&path, &bytes).expect("written");
            let _ = draft_text(&path);
        }
    }
}
