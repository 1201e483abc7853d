//! The database file: how it is opened, and which version of its tables it has.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use super::StoreError;

/// The tables, version by version: each changes those of the one before.
const MIGRATIONS: [&str; 5] = [
    include_str!("migrations/1.sql"),
    include_str!("migrations/2.sql"),
    include_str!("migrations/3.sql"),
    include_str!("migrations/4.sql"),
    include_str!("migrations/5.sql"),
];
/// Marks the file as ours (`PRAGMA application_id`): "Help".
const APPLICATION: i64 = 0x4865_6C70;
/// Another program that makes a copy, say, may hold the file so long.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// Opens the file to write, made if it is not there, and brings its tables up to date.
pub(super) async fn open(file: &Path) -> Result<SqliteConnection, StoreError> {
    let mut connection = connect(file).await.map_err(|reason| StoreError::of(file, &reason))?;
    migrate(file, &mut connection).await?;
    Ok(connection)
}

/// The same of a file whose tables are known to be up to date.
pub(super) async fn connect(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    // With a write-ahead log a commit is one write to the system, which is there when the process is killed; the disk
    // itself is waited for now and then, and a power cut costs the last moments and nothing before.
    let options = options(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    options.connect().await
}

/// Opens the file to read.
pub(super) async fn look(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    options(file).read_only(true).connect().await
}

fn options(file: &Path) -> SqliteConnectOptions {
    let name = |_| "database".to_owned();
    SqliteConnectOptions::new().filename(file).busy_timeout(BUSY_MAX).thread_name(name).disable_statement_logging()
}

async fn migrate(file: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let failed = |reason: sqlx::Error| StoreError::of(file, &reason);
    let version = pragma(connection, "PRAGMA user_version").await.map_err(failed)?;
    let application = pragma(connection, "PRAGMA application_id").await.map_err(failed)?;
    let tables = pragma(connection, "SELECT count(*) FROM sqlite_schema").await.map_err(failed)?;
    if application != APPLICATION && (application != 0 || version != 0 || tables != 0) {
        return Err(StoreError::NotOurs { file: file.to_owned() });
    }
    let known = MIGRATIONS.len();
    let found = usize::try_from(version).unwrap_or(usize::MAX);
    if found > known {
        return Err(StoreError::Newer { file: file.to_owned(), found, known });
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(found) {
        let mut transaction = connection.begin().await.map_err(failed)?;
        sqlx::raw_sql(*migration).execute(&mut *transaction).await.map_err(failed)?;
        let mark = format!("PRAGMA user_version = {}; PRAGMA application_id = {APPLICATION}", index + 1);
        sqlx::raw_sql(AssertSqlSafe(mark)).execute(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
    }
    Ok(())
}

/// The number that a question without arguments has for an answer.
pub(super) async fn pragma(connection: &mut SqliteConnection, question: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query(question).fetch_one(connection).await?.try_get(0)
}
