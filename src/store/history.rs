//! Records of calls for those who ask: newest first, a page at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row};
use tokio::sync::Mutex;

use super::open_calls::GOES_ON;
use super::writer::first_seq;
use super::{FILE, StoreError, schema};
use crate::journal::{RecordPage, RecordQuery};

/// A way to read the records beside the one who writes: neither waits for the other.
#[derive(Clone)]
pub struct History {
    file: PathBuf,
    /// One question at a time.
    connection: Arc<Mutex<Option<SqliteConnection>>>,
}

impl History {
    /// Reads the database in `folder`.
    pub fn at(folder: &Path) -> History {
        History::of(folder.join(FILE))
    }

    pub(super) fn of(file: PathBuf) -> History {
        History { file, connection: Arc::default() }
    }

    /// The records that are asked for.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn page(&self, query: RecordQuery) -> Result<RecordPage, StoreError> {
        let mut connection = self.connection.lock().await;
        if connection.is_none() {
            *connection = Some(schema::look(&self.file).await.map_err(|reason| StoreError::of(&self.file, &reason))?);
        }
        let Some(open) = connection.as_mut() else { return Ok(RecordPage::default()) };
        match read(open, &query).await {
            Ok(page) => Ok(page),
            Err(reason) => {
                *connection = None;
                Err(StoreError::of(&self.file, &reason))
            }
        }
    }
}

async fn read(connection: &mut SqliteConnection, query: &RecordQuery) -> Result<RecordPage, sqlx::Error> {
    let RecordQuery { from, to, outcome, queue, agent, limit, before } = query;
    let first = from.map_or(0, first_seq);
    let end = to.map_or(i64::MAX, first_seq).min(before.unwrap_or(i64::MAX));
    let limit = (*limit).max(1);
    let parties = [("queue", queue), ("agent", agent)];
    let mut parties = parties.into_iter().filter_map(|(kind, name)| Some((kind, name.as_deref()?)));
    let (one, other) = (parties.next(), parties.next());
    // A CROSS JOIN keeps its order: those who are asked for lead, and only their records are looked at.
    let (from, key) = match one {
        Some(_) => ("parties CROSS JOIN records USING (seq)", "parties.seq"),
        None => ("records", "records.seq"),
    };
    let mut text = format!("SELECT {key}, record FROM {from} WHERE {key} >= ? AND {key} < ?");
    match outcome {
        // As a word of the statement, so that the index of rare outcomes is seen to serve.
        Some(outcome) => text += &format!(" AND outcome = '{}'", outcome.label()),
        None => text += &format!(" AND outcome <> '{GOES_ON}'"),
    }
    if one.is_some() {
        text += " AND kind = ? AND name = ?";
    }
    if other.is_some() {
        text += " AND EXISTS (SELECT 1 FROM parties AS other WHERE other.kind = ? AND other.name = ? \
                 AND other.seq = records.seq)";
    }
    text += &format!(" ORDER BY {key} DESC LIMIT ?");
    let mut statement = sqlx::query(AssertSqlSafe(text)).bind(first).bind(end);
    for (kind, name) in one.into_iter().chain(other) {
        statement = statement.bind(kind).bind(name);
    }
    // One more tells whether there are more.
    let rows = statement.bind(limit as i64 + 1).fetch_all(connection).await?;
    let more = rows.len() > limit;
    let mut page = RecordPage::default();
    for row in rows.iter().take(limit) {
        let seq: i64 = row.try_get(0)?;
        page.next = more.then_some(seq);
        page.records.push(row.try_get(1)?);
    }
    Ok(page)
}
