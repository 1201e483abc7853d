//! What survives the process: an embedded database in the data folder, written by a thread of its own so that no call
//! ever waits for the disk.

mod history;
mod import;
mod open_calls;
mod pending;
mod read;
mod schema;
mod shelf;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use history::History;
pub use pending::RECORDS_WAITING_MAX;
use pending::Spool;
pub use shelf::{Shelf, ToMail};
pub use writer::{RECORDS_PAUSE, RETRY};

use crate::journal::CallRecord;
use crate::switchboard::{Fact, Kept};

/// The file in the data folder; SQLite puts two more beside it while it is open.
pub const FILE: &str = "helpline.db";
/// Records are kept for so long, unless something else is set.
pub const RECORDS_KEPT: Duration = Duration::from_secs(400 * 86_400);
/// The database grows to this, in octets, unless something else is set; then the oldest records go.
pub const SIZE_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// How much of the past is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Older records go.
    pub records: Duration,
    /// In octets: when the database is larger, the oldest records go. What must survive is kept however large it is.
    pub size_max: u64,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { records: RECORDS_KEPT, size_max: SIZE_MAX }
    }
}

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made, the thread not started, ...
    #[error("{path}: {reason}", path = path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// A later Helpline has written it.
    #[error(
        "{file} was written by a newer Helpline (its tables have version {found}, this program knows {known}): run that one, or restore a backup from before",
        file = file.display()
    )]
    Newer {
        /// Which.
        file: PathBuf,
        /// Its version.
        found: usize,
        /// The newest that is known here.
        known: usize,
    },
    /// Another program's.
    #[error("{file} is another program's database: set `data` to a folder of Helpline's own", file = file.display())]
    NotOurs {
        /// Which.
        file: PathBuf,
    },
    /// Disk full, file damaged, ...
    #[error("{file}: {reason}: {remedy}", file = file.display())]
    Database {
        /// Which.
        file: PathBuf,
        /// What SQLite said.
        reason: String,
        /// What helps.
        remedy: &'static str,
    },
}

impl StoreError {
    fn of(file: &Path, reason: &sqlx::Error) -> StoreError {
        StoreError::Database { file: file.to_owned(), reason: told(reason), remedy: remedy(reason) }
    }
}

/// What SQLite says, without the wrapping.
fn told(reason: &sqlx::Error) -> String {
    reason.as_database_error().map_or_else(|| reason.to_string(), |database| database.message().to_owned())
}

/// What helps, by SQLite's result code (<https://sqlite.org/rescode.html>).
fn remedy(reason: &sqlx::Error) -> &'static str {
    let code = reason.as_database_error().and_then(|database| database.code()).and_then(|code| code.parse().ok());
    match code.map(|code: i32| code & 0xFF) {
        Some(13) => "make room on the disk",
        Some(3 | 8 | 14 | 23) => "let the user that Helpline runs as write to the folder and the file",
        Some(5 | 6) => "end the other program that has locked it",
        Some(11 | 26) => "it is damaged: stop Helpline, move it aside, and restore a backup",
        _ => "see that the disk is sound and has room",
    }
}

/// The way to the database: what is put here is written soon, whole or not at all, and nobody waits for it.
#[derive(Clone)]
pub struct Store {
    spool: Arc<Spool>,
}

/// The thread that writes; dropping it writes all that waits.
pub struct StoreThread {
    spool: Arc<Spool>,
    thread: Option<JoinHandle<()>>,
}

/// A database that is open.
pub struct Opened {
    /// To write.
    pub store: Store,
    /// Writes.
    pub thread: StoreThread,
    /// To read records.
    pub history: History,
    /// What an earlier process has left.
    pub kept: Kept,
    /// Random octets that nobody outside knows, the same as long as the database is.
    pub secret: Vec<u8>,
    /// Records that were taken from the files of an earlier version.
    pub imported: usize,
    /// Calls that went on when an earlier process died: they are on record now.
    pub cut_off: usize,
}

impl Store {
    /// Opens the database in `folder`, which is made if need be.
    ///
    /// # Errors
    /// It cannot be opened, is not ours, or too new.
    pub fn open(folder: &Path, retention: Retention) -> Result<Opened, StoreError> {
        let file = folder.join(FILE);
        private(folder, &file).map_err(|reason| StoreError::Folder { path: file.clone(), reason })?;
        let spool = Arc::new(Spool::default());
        let (told, opened) = sync_channel(1);
        let writer = writer::Writer::new(file.clone(), retention, spool.clone());
        let failed = |reason| StoreError::Folder { path: folder.to_owned(), reason };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        let run = move || {
            runtime.block_on(async move {
                match writer.open().await {
                    Ok((writer, kept, secret, imported, cut_off)) => {
                        // Whoever opened it waits for this.
                        let _ = told.send(Ok((kept, secret, imported, cut_off)));
                        writer.run().await;
                    }
                    Err(reason) => {
                        let _ = told.send(Err(reason));
                    }
                }
            });
        };
        let thread = thread::Builder::new().name("store".into()).spawn(run).map_err(failed)?;
        let broken = || failed(io::Error::other("the thread that writes has broken off"));
        let (kept, secret, imported, cut_off) = opened.recv().map_err(|_| broken())??;
        let store = Store { spool: spool.clone() };
        let history = History::of(file);
        let thread = StoreThread { spool, thread: Some(thread) };
        Ok(Opened { store, thread, history, kept, secret, imported, cut_off })
    }

    /// The state of one moment, after that of an earlier one.
    pub fn keep(&self, facts: Vec<Fact>) {
        if !facts.is_empty() {
            self.spool.keep(facts);
        }
    }

    /// A call that is over. When too many wait to be written, the oldest is lost.
    pub fn record(&self, record: Box<CallRecord>) {
        self.spool.record(record);
    }

    /// Calls that go on, as they stand; each before it is over. Should the process die, that is what is known of them.
    pub fn so_far(&self, records: Vec<CallRecord>) {
        if !records.is_empty() {
            self.spool.so_far(records);
        }
    }

    /// How often writing has failed.
    pub fn failures(&self) -> u64 {
        self.spool.failures()
    }

    /// Records that were lost because too many waited.
    pub fn records_lost(&self) -> u64 {
        self.spool.records_lost()
    }
}

impl Drop for StoreThread {
    /// Writes what waits.
    fn drop(&mut self) {
        self.spool.finish();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported there.
            let _ = thread.join();
        }
    }
}

/// Makes folder and file, readable by their owner only: callers' numbers are in it.
fn private(folder: &Path, file: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    OpenOptions::new().append(true).create(true).mode(0o600).open(file).map(|_| ())
}
