//! The one who writes: what waits, in one transaction; again and again while the disk cannot be written.

use std::path::PathBuf;
use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Sqlite, Transaction};
use tracing::{info, warn};

use super::pending::{Batch, Spool};
use super::{Retention, StoreError, import, open_calls, read, remedy, schema, told};
use crate::journal::CallRecord;
use crate::switchboard::Kept;

/// Records that come within so long are written together.
pub const RECORDS_PAUSE: Duration = Duration::from_millis(200);
/// Two writings are at least so far apart.
const WRITE_GAP: Duration = Duration::from_millis(20);
/// After a failure it is tried again after this.
pub const RETRY: Duration = Duration::from_secs(1);
/// When Helpline ends and the disk cannot be written, it is tried so often.
const LAST_TRIES: u32 = 3;
/// Old records are looked for so often ...
const TIDY_GAP: Duration = Duration::from_secs(600);
/// ... and so many go at once, so that nobody waits for it.
const TIDY_AT_ONCE: i64 = 1_000;
/// While there are more to go, the next go after this.
const TIDY_AGAIN: Duration = Duration::from_secs(1);
/// Rows that one statement inserts, the most first.
const ROWS: [usize; 6] = [32, 16, 8, 4, 2, 1];
/// The last bits of a record's place in the order.
pub(super) const SEQ_BITS: u32 = 10;

pub(super) struct Writer {
    file: PathBuf,
    retention: Retention,
    spool: Arc<Spool>,
    connection: Option<SqliteConnection>,
    /// The statements that insert records and parties, for each of [`ROWS`].
    inserts: [(String, String); ROWS.len()],
    broken: bool,
    tidied: Option<Instant>,
    /// As many pages may the file have; 0 for no limit.
    #[cfg(test)]
    pub(super) pages_max: Arc<AtomicU32>,
}

/// A record as it is written.
pub(super) struct Row {
    pub(super) seq: i64,
    pub(super) outcome: String,
    pub(super) record: String,
    pub(super) parties: Vec<(&'static str, String)>,
}

impl Writer {
    pub(super) fn new(file: PathBuf, retention: Retention, spool: Arc<Spool>) -> Writer {
        let inserts = ROWS.map(|rows| {
            let values = vec!["(?, ?, ?)"; rows].join(", ");
            (
                format!("INSERT OR REPLACE INTO records VALUES {values}"),
                format!("INSERT OR REPLACE INTO parties VALUES {values}"),
            )
        });
        Writer {
            file,
            retention,
            spool,
            connection: None,
            inserts,
            broken: false,
            tidied: None,
            #[cfg(test)]
            pages_max: Arc::default(),
        }
    }

    /// Opens the file: what an earlier process has left, how many records an earlier version had, and how many calls were cut
    /// off.
    pub(super) async fn open(mut self) -> Result<(Writer, Kept, Vec<u8>, usize, usize), StoreError> {
        let mut connection = schema::open(&self.file).await?;
        let failed = |reason: sqlx::Error| StoreError::of(&self.file, &reason);
        let kept = read::kept(&mut connection).await.map_err(failed)?;
        let secret = read::secret(&mut connection).await.map_err(failed)?;
        self.connection = Some(connection);
        let imported = import::records(&mut self).await?;
        let cut_off = open_calls::end(&mut self, kept.alive).await?;
        Ok((self, kept, secret, imported, cut_off))
    }

    /// Writes until all is to end and nothing waits.
    pub(super) async fn run(mut self) {
        loop {
            self.tidy().await;
            let (batch, last) = self.spool.take(self.patience(), RECORDS_PAUSE);
            if last {
                return self.finish(batch).await;
            }
            if !batch.is_empty() {
                let failed = self.write_or_return(batch).await;
                self.spool.rest(if failed { RETRY } else { WRITE_GAP });
            }
        }
    }

    async fn finish(mut self, mut batch: Batch) {
        for _ in 0..LAST_TRIES {
            if batch.is_empty() || !self.write_or_return(batch).await {
                break;
            }
            std::thread::sleep(RETRY);
            batch = self.spool.take(Duration::ZERO, Duration::ZERO).0;
        }
        if let Some(connection) = self.connection.take() {
            // Closing folds the write-ahead log into the file; what fails then is done at the next start.
            let _ = connection.close().await;
        }
    }

    /// Writes a batch; gives it back to the spool when that fails.
    pub(super) async fn write_or_return(&mut self, batch: Batch) -> bool {
        match self.write(&batch).await {
            Ok(()) => {
                if std::mem::take(&mut self.broken) {
                    let lost = self.spool.records_lost();
                    info!(file = %self.file.display(), records_lost = lost, "the database is written again");
                }
                false
            }
            Err(reason) => {
                self.connection = None;
                if !std::mem::replace(&mut self.broken, true) {
                    let (remedy, reason) = (remedy(&reason), told(&reason));
                    warn!(
                        file = %self.file.display(),
                        reason,
                        remedy,
                        "the database cannot be written; calls go on, and it is tried again each second"
                    );
                }
                self.spool.put_back(batch);
                true
            }
        }
    }

    /// Writes a batch whole, or not at all.
    async fn write(&mut self, batch: &Batch) -> Result<(), sqlx::Error> {
        let so_far = batch.so_far.values().map(|record| open_calls::row(row(record)));
        let rows: Vec<Row> = so_far.chain(batch.records.iter().map(|record| row(record))).collect();
        self.connected().await?;
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let mut transaction = connection.begin().await?;
        for (entry, kept) in &batch.places {
            let entry = entry.cast_signed();
            let statement = match kept {
                Some(kept) => sqlx::query("INSERT OR REPLACE INTO places VALUES (?, ?)").bind(entry).bind(json(kept)),
                None => sqlx::query("DELETE FROM places WHERE entry = ?").bind(entry),
            };
            statement.execute(&mut *transaction).await?;
        }
        for (extension, kept) in &batch.agents {
            let statement = match kept {
                Some(kept) => {
                    sqlx::query("INSERT OR REPLACE INTO agents VALUES (?, ?)").bind(&**extension).bind(json(kept))
                }
                None => sqlx::query("DELETE FROM agents WHERE extension = ?").bind(&**extension),
            };
            statement.execute(&mut *transaction).await?;
        }
        for (name, kept) in &batch.queues {
            let statement = match kept {
                Some(kept) => sqlx::query("INSERT OR REPLACE INTO queues VALUES (?, ?)").bind(&**name).bind(json(kept)),
                None => sqlx::query("DELETE FROM queues WHERE name = ?").bind(&**name),
            };
            statement.execute(&mut *transaction).await?;
        }
        for (extension, kept) in &batch.phones {
            let statement = match &kept[..] {
                [] => sqlx::query("DELETE FROM phones WHERE extension = ?").bind(&**extension),
                kept => sqlx::query("INSERT OR REPLACE INTO phones VALUES (?, ?)").bind(&**extension).bind(json(&kept)),
            };
            statement.execute(&mut *transaction).await?;
        }
        for (label, kept) in &batch.callers {
            let label = label.cast_signed();
            let statement = match kept {
                Some(kept) => sqlx::query("INSERT OR REPLACE INTO callers VALUES (?, ?)").bind(label).bind(json(kept)),
                None => sqlx::query("DELETE FROM callers WHERE label = ?").bind(label),
            };
            statement.execute(&mut *transaction).await?;
        }
        for (hours, kept) in &batch.switches {
            let statement = match kept {
                Some(kept) => {
                    sqlx::query("INSERT OR REPLACE INTO switches VALUES (?, ?)").bind(&**hours).bind(json(kept))
                }
                None => sqlx::query("DELETE FROM switches WHERE hours = ?").bind(&**hours),
            };
            statement.execute(&mut *transaction).await?;
        }
        if let Some(alive) = batch.alive {
            let statement = sqlx::query("INSERT OR REPLACE INTO house VALUES ('alive', ?)").bind(alive.0);
            statement.execute(&mut *transaction).await?;
        }
        insert(&self.inserts, &mut transaction, &rows).await?;
        transaction.commit().await
    }

    /// Records of an earlier version's files.
    pub(super) async fn write_rows(&mut self, rows: &[Row]) -> Result<(), sqlx::Error> {
        self.connected().await?;
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let mut transaction = connection.begin().await?;
        insert(&self.inserts, &mut transaction, rows).await?;
        transaction.commit().await
    }

    /// Calls of which it was only written how far they had come: each its place in the order, and its record.
    pub(super) async fn open_calls(&mut self) -> Result<Vec<String>, sqlx::Error> {
        self.connected().await?;
        let Some(connection) = &mut self.connection else { return Ok(Vec::new()) };
        sqlx::query_scalar(open_calls::QUESTION).fetch_all(connection).await
    }

    pub(super) fn file(&self) -> &std::path::Path {
        &self.file
    }

    async fn connected(&mut self) -> Result<(), sqlx::Error> {
        if self.connection.is_none() {
            self.connection = Some(schema::connect(&self.file).await?);
        }
        #[cfg(test)]
        if let Some(connection) = &mut self.connection {
            let pages = self.pages_max.load(std::sync::atomic::Ordering::Relaxed);
            let pages = if pages == 0 { u32::MAX - 1 } else { pages };
            let limit = AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
            sqlx::raw_sql(limit).execute(connection).await?;
        }
        Ok(())
    }

    /// How long nothing needs to be done.
    fn patience(&self) -> Duration {
        self.tidied.map_or(Duration::ZERO, |tidied| TIDY_GAP.saturating_sub(tidied.elapsed()))
    }

    /// Removes some of the records that are too old, or too many.
    async fn tidy(&mut self) {
        if self.tidied.is_some_and(|tidied| tidied.elapsed() < TIDY_GAP) {
            return;
        }
        self.tidied = Some(Instant::now());
        match self.remove_old().await {
            Ok(true) => self.tidied = Instant::now().checked_sub(TIDY_GAP.saturating_sub(TIDY_AGAIN)),
            Ok(false) => {}
            Err(reason) => warn!(reason = told(&reason), "old records cannot be removed"),
        }
    }

    /// Whether more are to go.
    pub(super) async fn remove_old(&mut self) -> Result<bool, sqlx::Error> {
        let retention = self.retention;
        self.connected().await?;
        let Some(connection) = &mut self.connection else { return Ok(false) };
        let keep = jiff::SignedDuration::try_from(retention.records).unwrap_or(jiff::SignedDuration::MAX);
        let oldest = Timestamp::now().checked_sub(keep).unwrap_or(Timestamp::UNIX_EPOCH);
        let pages = schema::pragma(connection, "PRAGMA page_count").await?;
        let free = schema::pragma(connection, "PRAGMA freelist_count").await?;
        let page = schema::pragma(connection, "PRAGMA page_size").await?;
        let size = u64::try_from((pages - free) * page).unwrap_or(0);
        let before = if size > retention.size_max { i64::MAX } else { first_seq(oldest) };
        let mut transaction = connection.begin().await?;
        let last = "SELECT seq FROM records WHERE seq < ? ORDER BY seq LIMIT ?";
        let gone = sqlx::query_scalar::<_, i64>(last).bind(before).bind(TIDY_AT_ONCE).fetch_all(&mut *transaction);
        let gone = gone.await?;
        if let Some(last) = gone.last() {
            sqlx::query("DELETE FROM records WHERE seq <= ?").bind(last).execute(&mut *transaction).await?;
            sqlx::query("DELETE FROM parties WHERE seq <= ?").bind(last).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(gone.len() as i64 == TIDY_AT_ONCE || !gone.is_empty() && before == i64::MAX)
    }
}

async fn insert(
    inserts: &[(String, String); ROWS.len()],
    transaction: &mut Transaction<'_, Sqlite>,
    rows: &[Row],
) -> Result<(), sqlx::Error> {
    let mut rest = rows;
    for (count, (statement, _)) in ROWS.into_iter().zip(inserts) {
        while rest.len() >= count {
            let mut query = sqlx::query(AssertSqlSafe(&**statement));
            for Row { seq, outcome, record, .. } in &rest[..count] {
                query = query.bind(*seq).bind(&**outcome).bind(&**record);
            }
            query.execute(&mut **transaction).await?;
            rest = &rest[count..];
        }
    }
    let parties: Vec<_> =
        rows.iter().flat_map(|row| row.parties.iter().map(|(kind, name)| (*kind, &**name, row.seq))).collect();
    let mut rest = &parties[..];
    for (count, (_, statement)) in ROWS.into_iter().zip(inserts) {
        while rest.len() >= count {
            let mut query = sqlx::query(AssertSqlSafe(&**statement));
            for (kind, name, seq) in &rest[..count] {
                query = query.bind(*kind).bind(*name).bind(*seq);
            }
            query.execute(&mut **transaction).await?;
            rest = &rest[count..];
        }
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("it is plain data")
}

fn row(record: &CallRecord) -> Row {
    let started = record.started.parse().unwrap_or(Timestamp::UNIX_EPOCH);
    let mut parties: Vec<(&'static str, String)> = Vec::new();
    for conversation in &record.conversations {
        parties.push(("agent", conversation.agent.to_string()));
        parties.extend(conversation.queue.iter().map(|queue| ("queue", queue.to_string())));
    }
    parties.extend(record.waits.iter().map(|wait| ("queue", wait.queue.to_string())));
    parties.sort();
    parties.dedup();
    Row { seq: seq(started, &record.id), outcome: record.outcome.to_owned(), record: json(record), parties }
}

/// The place in the order of the call `id`, which began at `started`.
pub(super) fn seq(started: Timestamp, id: &str) -> i64 {
    let number = id.trim_start_matches(|letter: char| !letter.is_ascii_digit()).parse::<i64>().unwrap_or(0);
    first_seq(started) | number & ((1 << SEQ_BITS) - 1)
}

/// The first place in the order of all that began at `time`.
pub(super) fn first_seq(time: Timestamp) -> i64 {
    time.as_microsecond().clamp(0, i64::MAX >> SEQ_BITS) << SEQ_BITS
}
