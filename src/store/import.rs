//! Records of an earlier version, which had a line of JSON for each in a file.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

use serde_json::Value;
use tracing::warn;

use super::StoreError;
use super::writer::{Row, Writer, seq};

/// The files, the older half first.
const FILES: [&str; 2] = ["records.1.jsonl", "records.jsonl"];
/// As many are written together.
const AT_ONCE: usize = 512;

/// Takes them into the database, once; the files are put aside as `….imported`. Tells how many there were.
pub(super) async fn records(writer: &mut Writer) -> Result<usize, StoreError> {
    let folder = writer.file().parent().unwrap_or(Path::new(".")).to_owned();
    let mut count = 0;
    for name in FILES {
        let path = folder.join(name);
        let failed = |reason| StoreError::Folder { path: path.clone(), reason };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(reason) if reason.kind() == ErrorKind::NotFound => continue,
            Err(reason) => return Err(failed(reason)),
        };
        let mut rows = Vec::with_capacity(AT_ONCE);
        let mut lines = BufReader::new(file).lines();
        loop {
            let line = lines.next().transpose().map_err(failed)?;
            let over = line.is_none();
            if let Some(line) = line {
                match row(line) {
                    Some(row) => rows.push(row),
                    None => warn!(file = %path.display(), "a line that is no record is left out"),
                }
            }
            if over || rows.len() == AT_ONCE {
                count += rows.len();
                let written = writer.write_rows(&rows).await;
                written.map_err(|reason| StoreError::of(writer.file(), &reason))?;
                rows.clear();
            }
            if over {
                break;
            }
        }
        fs::rename(&path, folder.join(format!("{name}.imported"))).map_err(failed)?;
    }
    Ok(count)
}

/// The row of a record that is known by its JSON alone.
pub(super) fn row(line: String) -> Option<Row> {
    let record: Value = serde_json::from_str(&line).ok()?;
    let text = |pointer: &str| record.pointer(pointer)?.as_str();
    let started = text("/started")?.parse().ok()?;
    let seq = seq(started, text("/id")?);
    let outcome = text("/outcome")?.to_owned();
    let mut parties = Vec::new();
    for conversation in record.pointer("/conversations").and_then(Value::as_array).into_iter().flatten() {
        for kind in ["agent", "queue"] {
            if let Some(name) = conversation.get(kind).and_then(Value::as_str) {
                parties.push((kind, name.to_owned()));
            }
        }
    }
    for wait in record.pointer("/waits").and_then(Value::as_array).into_iter().flatten() {
        parties.extend(wait.get("queue").and_then(Value::as_str).map(|name| ("queue", name.to_owned())));
    }
    Some(Row { seq, outcome, record: line, parties })
}
