//! Calls that go on: of those it stands among the records how far they have come, in case that the process dies. Nobody
//! is shown these rows; the record of a call that is over takes the place of its row, and the next process ends those that are left.

use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::warn;

use super::StoreError;
use super::import;
use super::writer::{Row, Writer};
use crate::journal::PROCESS_LOST;
use crate::switchboard::WallTime;

/// In the place of an outcome.
pub(super) const GOES_ON: &str = "goes_on";
/// What is left of them; as words, so that the index of rare outcomes serves.
pub(super) const QUESTION: &str =
    "SELECT record FROM records WHERE outcome = 'goes_on' AND outcome NOT IN ('hung_up', 'completed')";

/// The row of a call that goes on. Its queues and agents find it when it is over.
pub(super) fn row(row: Row) -> Row {
    Row { outcome: GOES_ON.to_owned(), parties: Vec::new(), ..row }
}

/// Ends the records of those calls that went on when the last process died; `alive` is when it last said that it lived.
/// Tells how many there are.
pub(super) async fn end(writer: &mut Writer, alive: Option<WallTime>) -> Result<usize, StoreError> {
    let left = writer.open_calls().await.map_err(|reason| StoreError::of(writer.file(), &reason))?;
    let rows: Vec<Row> = left.iter().filter_map(|text| ended(text, alive)).collect();
    if rows.len() < left.len() {
        warn!(count = left.len() - rows.len(), "calls that were cut off cannot be read and have no record");
    }
    writer.write_rows(&rows).await.map_err(|reason| StoreError::of(writer.file(), &reason))?;
    Ok(rows.len())
}

/// The record of a call that was cut off: it went on for as long as is known.
fn ended(text: &str, alive: Option<WallTime>) -> Option<Row> {
    let mut record: Value = serde_json::from_str(text).ok()?;
    let started: Timestamp = record.get("started")?.as_str()?.parse().ok()?;
    let known = record.get("duration_seconds")?.as_f64()?;
    let lived = alive.map_or(0.0, |alive| (alive.0 - started.as_microsecond()) as f64 / 1e6);
    let duration = known.max(lived);
    record["duration_seconds"] = json!(duration);
    record["cause"] = json!(PROCESS_LOST);
    if let Some(last) = record.get_mut("conversations").and_then(Value::as_array_mut).and_then(|all| all.last_mut())
        && last.get("ended_by").is_none()
        && let Some(began) = last.get("began_seconds").and_then(Value::as_f64)
    {
        last["talk_seconds"] = json!((duration - began).max(0.0));
        last["ended_by"] = json!("broken");
    }
    import::row(record.to_string())
}
