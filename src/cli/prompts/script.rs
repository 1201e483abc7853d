//! What voice talents were given to read: a file beside the recordings, by which it is known that a script has changed since.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The file, in the folder of recordings.
const FILE: &str = "script.json";
/// The largest that is read.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The texts that were handed out, by language and name: `en/main/welcome`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Script {
    lines: BTreeMap<String, Line>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Line {
    /// The text that was last handed out.
    handed_out: String,
    /// The recording that was there then, by its SHA-256, and the text that it speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recording: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    speaks: Option<String>,
}

impl Script {
    /// What was handed out for the recordings in `folder`; nothing where that is not known.
    pub fn read(folder: &Path) -> Script {
        let path = folder.join(FILE);
        let small = fs::metadata(&path).is_ok_and(|file| file.len() <= FILE_BYTES_MAX);
        let text = small.then(|| fs::read_to_string(&path).ok()).flatten();
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// The text that the recording in `file` speaks, if that is known.
    pub fn spoken(&self, line: &str, file: &Path) -> Option<&str> {
        let line = self.lines.get(line)?;
        let same = line.recording.is_some() && digest(file) == line.recording;
        // Whoever recorded it since has read what was handed out.
        if same { line.speaks.as_deref() } else { Some(&line.handed_out) }
    }

    /// Notes that `text` is handed out for the recording in `file`.
    pub fn hand_out(&mut self, line: &str, file: &Path, text: &str) {
        let recording = digest(file);
        let speaks = match (&recording, self.lines.contains_key(line)) {
            (None, _) => None,
            (Some(_), true) => self.spoken(line, file).map(str::to_owned),
            // Of one that was there before anything was noted the best is believed.
            (Some(_), false) => Some(text.to_owned()),
        };
        self.lines.insert(line.to_owned(), Line { handed_out: text.to_owned(), recording, speaks });
    }

    /// Notes that the recording in `file` speaks `text`, whatever was noted.
    pub fn accept(&mut self, line: &str, file: &Path, text: &str) {
        let (handed_out, speaks) = (text.to_owned(), Some(text.to_owned()));
        self.lines.insert(line.to_owned(), Line { handed_out, recording: digest(file), speaks });
    }

    /// Keeps it, in one act.
    pub fn keep(&self, folder: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)? + "\n";
        let path: PathBuf = folder.join(FILE);
        if fs::read_to_string(&path).is_ok_and(|before| before == text) {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        let beside = folder.join(format!(".{FILE}.{}.new", std::process::id()));
        let put = fs::File::create(&beside)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&beside, &path));
        if put.is_err() {
            let _ = fs::remove_file(&beside);
        }
        put
    }
}

fn digest(file: &Path) -> Option<String> {
    let bytes = fs::read(file).ok()?;
    Some(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_script_is_known() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.wav");
        let record = |voice: &str| fs::write(&file, voice).expect("written");
        let mut script = Script::default();
        script.hand_out("en/a", &file, "Hello.");
        script.keep(folder.path()).expect("kept");
        assert_eq!(Script::read(folder.path()), script);
        record("take 1");
        assert_eq!(script.spoken("en/a", &file), Some("Hello."), "it was recorded from the sheet");
        script.hand_out("en/a", &file, "Hello there.");
        assert_eq!(script.spoken("en/a", &file), Some("Hello."), "it is still the old recording");
        record("take 2");
        assert_eq!(script.spoken("en/a", &file), Some("Hello there."));
        assert_eq!(script.spoken("en/b", &file), None);
        script.accept("en/a", &file, "Hello, you.");
        assert_eq!(script.spoken("en/a", &file), Some("Hello, you."));
        fs::write(folder.path().join(FILE), "{").expect("written");
        assert_eq!(Script::read(folder.path()), Script::default());
    }
}
