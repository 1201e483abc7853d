//! What a dead process has left: tapes that were being recorded get their names, and all that are there are told.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use super::file::{Beside, HEADER, PART, header, read_header};
use crate::media::recorder::Level;
use crate::telephony::{KeptTape, TapeKind};

/// What is shorter holds nothing.
const LENGTH_LEAST: Duration = Duration::from_millis(100);
/// Samples that are looked at together: 20 ms.
const FRAME: usize = 160;

/// Looks through a folder of tapes below `data` and its folders: those that were never kept are, unless nothing was
/// said on them, and what belongs to none is removed. Tells every tape that is there. To be done while nothing records.
///
/// # Errors
/// A folder cannot be read. One that is not there holds nothing.
pub fn recover(data: &Path, folder: &str) -> io::Result<Vec<KeptTape>> {
    let mut tapes = Vec::new();
    let root = data.join(folder);
    for inner in entries(&root)? {
        if !inner.file_type()?.is_dir() {
            continue;
        }
        let Some(name) = inner.file_name().to_str().map(str::to_owned) else { continue };
        let below = format!("{folder}/{name}");
        for entry in entries(&inner.path())? {
            let Some(file) = entry.file_name().to_str().map(str::to_owned) else { continue };
            if let Some(name) = file.strip_suffix(".json") {
                tapes.extend(tape(&inner.path(), &below, name)?);
            }
        }
    }
    Ok(tapes)
}

fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(reason) => Err(reason),
    }
}

/// The tape `name` of a folder.
fn tape(folder: &Path, below: &str, name: &str) -> io::Result<Option<KeptTape>> {
    let (part, last) = (folder.join(format!("{name}{PART}")), folder.join(format!("{name}.wav")));
    let beside = folder.join(format!("{name}.json"));
    let Ok(known) = serde_json::from_slice::<Beside>(&fs::read(&beside)?) else {
        // It was being written, and nothing was recorded yet.
        if !last.exists() {
            let _ = fs::remove_file(&part);
            fs::remove_file(&beside)?;
        }
        return Ok(None);
    };
    if !last.exists() {
        let mended =
            mend(&part).and_then(|length| Ok((length, known.kind() == TapeKind::Message && is_silent(&part)?)));
        let (length, silent) = match mended {
            Ok(mended) => mended,
            Err(reason) if reason.kind() == io::ErrorKind::NotFound => (Duration::ZERO, true),
            Err(reason) => return Err(reason),
        };
        if silent || length < LENGTH_LEAST {
            let _ = fs::remove_file(&part);
            fs::remove_file(&beside)?;
            return Ok(None);
        }
        fs::rename(&part, &last)?;
    }
    let mut head = [0; HEADER as usize];
    File::open(&last)?.read_exact(&mut head).or_else(|reason| match reason.kind() {
        io::ErrorKind::UnexpectedEof => Ok(()),
        _ => Err(reason),
    })?;
    let Some((channels, octets)) = read_header(&head) else { return Ok(None) };
    let kind = known.kind();
    if kind.tape(name).is_none() {
        return Ok(None);
    }
    Ok(Some(KeptTape {
        name: name.to_owned(),
        kind,
        folder: below.into(),
        label: known.label(),
        length: Duration::from_micros(octets / (2 * u64::from(channels)) * 125),
        octets: octets + HEADER,
    }))
}

/// Whether nothing was said on a tape of one channel whose caller was cut off: as if they had hung up.
fn is_silent(part: &Path) -> io::Result<bool> {
    let file = File::open(part)?;
    let mut level = Level::default();
    let mut octets = [0; 2 * FRAME];
    let mut at = HEADER;
    while !level.has_speech() {
        match file.read_exact_at(&mut octets, at) {
            Ok(()) => {}
            Err(reason) if reason.kind() == io::ErrorKind::UnexpectedEof => return Ok(true),
            Err(reason) => return Err(reason),
        }
        at += octets.len() as u64;
        let samples: Vec<i16> = octets.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        level.hear_samples(&samples);
    }
    Ok(false)
}

/// Makes the header tell all that there is; how long that is.
fn mend(part: &Path) -> io::Result<Duration> {
    let file = OpenOptions::new().read(true).write(true).open(part)?;
    let length = file.metadata()?.len();
    let mut head = [0; HEADER as usize];
    if length < HEADER || file.read_exact_at(&mut head, 0).is_err() {
        return Ok(Duration::ZERO);
    }
    let Some((channels, _)) = read_header(&head) else { return Ok(Duration::ZERO) };
    let frame = 2 * u64::from(channels);
    let octets = (length - HEADER) / frame * frame;
    file.set_len(HEADER + octets)?;
    file.write_all_at(&header(channels, octets), 0)?;
    file.sync_data()?;
    Ok(Duration::from_micros(octets / frame * 125))
}
