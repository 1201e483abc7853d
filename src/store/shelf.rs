//! Messages and recordings: what there is, in the database, and their files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row};
use tokio::sync::Mutex;

use super::{FILE, StoreError, schema};
use crate::flow::mailbox::Message;
use crate::journal::{StoredTape, TapePage, TapeQuery};
use crate::telephony::{KeptTape, PhoneNumber, TapeKind, TapeLabel};

const COLUMNS: &str = "name, kind, mailbox, call, folder, started, length_us, octets, heard, facts";

/// The shelf on which tapes stand. Each of its holders has a connection of its own: none waits for calls, and no call for
/// it.
#[derive(Clone)]
pub struct Shelf {
    data: PathBuf,
    connection: Arc<Mutex<Option<SqliteConnection>>>,
}

/// What is known of a tape beside what is asked for.
#[derive(Serialize, Deserialize)]
struct Facts {
    caller: String,
    caller_name: Option<String>,
    dialled: String,
    language: String,
    mail: Vec<String>,
}

/// A message that is to be mailed.
#[derive(Clone, Debug, PartialEq)]
pub struct ToMail {
    /// Which.
    pub tape: StoredTape,
    /// To whom.
    pub to: Vec<String>,
    /// How often it was tried.
    pub tries: u32,
}

impl Shelf {
    /// That of a data folder whose database was opened by [`Store::open`](super::Store::open).
    pub fn at(data: &Path) -> Shelf {
        Shelf { data: data.to_owned(), connection: Arc::default() }
    }

    /// The path of a tape.
    pub fn path(&self, tape: &KeptTape) -> PathBuf {
        self.data.join(tape.file())
    }

    /// Puts a tape there; one that is there already stays as it is.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn put(&self, tape: &KeptTape) -> Result<(), StoreError> {
        let label = &tape.label;
        let facts = Facts {
            caller: label.caller.reveal().to_owned(),
            caller_name: label.caller_name.clone(),
            dialled: label.dialled.clone(),
            language: label.language.to_string(),
            mail: label.mail.iter().map(ToString::to_string).collect(),
        };
        let mail = (!facts.mail.is_empty()).then(|| json(&facts.mail));
        let number = tape.kind.tape(&tape.name).map_or(0, |tape| tape.0);
        let started = label.started.parse().unwrap_or(Timestamp::UNIX_EPOCH).as_microsecond();
        self.with(async |connection| {
            sqlx::query(
                "INSERT OR IGNORE INTO tapes (name, number, kind, mailbox, call, folder, started, length_us, octets, \
                 facts, mail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(&tape.name)
            .bind(number.cast_signed())
            .bind(tape.kind.word())
            .bind(label.mailbox.as_deref())
            .bind(&label.call)
            .bind(&*tape.folder)
            .bind(started)
            .bind(i64::try_from(tape.length.as_micros()).unwrap_or(i64::MAX))
            .bind(tape.octets.cast_signed())
            .bind(json(&facts))
            .bind(&mail)
            .execute(connection)
            .await
            .map(drop)
        })
        .await
    }

    /// How many messages wait in each mailbox that has any: its name, those that nobody has heard, and the others.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn mailboxes(&self) -> Result<Vec<(String, u32, u32)>, StoreError> {
        let rows = self
            .with(async |connection| {
                sqlx::query(
                    "SELECT mailbox, count(*) - count(heard), count(heard) FROM tapes WHERE mailbox IS NOT NULL \
                     GROUP BY mailbox ORDER BY mailbox",
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        let count = |row: &SqliteRow, place| u32::try_from(row.get::<i64, _>(place)).unwrap_or(u32::MAX);
        Ok(rows.iter().map(|row| (row.get(0), count(row, 1), count(row, 2))).collect())
    }

    /// How many messages wait in a mailbox: those that nobody has heard, and the others.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn count(&self, mailbox: &str) -> Result<(u32, u32), StoreError> {
        let row = self
            .with(async |connection| {
                sqlx::query("SELECT count(*) - count(heard), count(heard) FROM tapes WHERE mailbox = ?")
                    .bind(mailbox)
                    .fetch_one(connection)
                    .await
            })
            .await?;
        let count = |place| u32::try_from(row.get::<i64, _>(place)).unwrap_or(u32::MAX);
        Ok((count(0), count(1)))
    }

    /// The tapes that are asked for, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn page(&self, query: &TapeQuery) -> Result<TapePage, StoreError> {
        let TapeQuery { kind, mailbox, call, heard, before, limit } = query;
        let mut text = format!("SELECT {COLUMNS}, number FROM tapes WHERE kind = ? AND number < ?");
        for (asked, condition) in [(mailbox.is_some(), " AND mailbox = ?"), (call.is_some(), " AND call = ?")] {
            if asked {
                text += condition;
            }
        }
        text += match heard {
            Some(true) => " AND heard IS NOT NULL",
            Some(false) => " AND heard IS NULL",
            None => "",
        };
        text += " ORDER BY number DESC LIMIT ?";
        let limit = (*limit).max(1);
        let before = before.map_or(i64::MAX, u64::cast_signed);
        let rows = self
            .with(async |connection| {
                let mut statement = sqlx::query(AssertSqlSafe(&*text)).bind(kind.word()).bind(before);
                for name in [mailbox, call].into_iter().flatten() {
                    statement = statement.bind(name);
                }
                statement.bind(limit as i64 + 1).fetch_all(connection).await
            })
            .await?;
        let more = rows.len() > limit;
        let next = rows.get(limit.wrapping_sub(1)).filter(|_| more).map(|row| row.get::<i64, _>(10).cast_unsigned());
        Ok(TapePage { tapes: rows.iter().take(limit).map(stored).collect(), next })
    }

    /// The messages that wait in these mailboxes: those that nobody has heard, and then the others, each the oldest first; of
    /// both the newest `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn waiting(&self, mailboxes: &[Arc<str>], limit: usize) -> Result<Vec<Message>, StoreError> {
        let mut messages = Vec::new();
        for heard in [false, true] {
            let mut found = Vec::new();
            for mailbox in mailboxes {
                let query = TapeQuery {
                    kind: TapeKind::Message,
                    mailbox: Some(mailbox.to_string()),
                    call: None,
                    heard: Some(heard),
                    before: None,
                    limit,
                };
                found.extend(self.page(&query).await?.tapes);
            }
            found.sort_by_key(|stored| stored.tape.kind.tape(&stored.tape.name));
            let beyond = found.len().saturating_sub(limit);
            messages.extend(found.drain(beyond..).map(|StoredTape { tape, .. }| Message { tape, heard }));
        }
        Ok(messages)
    }

    /// A tape by its name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn find(&self, kind: TapeKind, name: &str) -> Result<Option<StoredTape>, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM tapes WHERE kind = ? AND name = ?");
        let row = self
            .with(async |connection| {
                sqlx::query(AssertSqlSafe(&*text)).bind(kind.word()).bind(name).fetch_optional(connection).await
            })
            .await?;
        Ok(row.as_ref().map(stored))
    }

    /// A message was heard, or counts as new again.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_heard(&self, name: &str, heard: Option<String>) -> Result<(), StoreError> {
        self.with(async |connection| {
            // The first time counts.
            let text = match heard {
                Some(_) => "UPDATE tapes SET heard = coalesce(heard, ?) WHERE name = ?",
                None => "UPDATE tapes SET heard = ? WHERE name = ?",
            };
            sqlx::query(text).bind(&heard).bind(name).execute(connection).await.map(drop)
        })
        .await
    }

    /// A tape is no more.
    ///
    /// # Errors
    /// The database cannot be written, or the file not removed.
    pub async fn remove(&self, tape: &KeptTape) -> Result<(), StoreError> {
        // First what stands beside it: by that it would be found again.
        for file in [tape.beside(), tape.file()] {
            let path = self.data.join(file);
            match fs::remove_file(&path) {
                Err(reason) if reason.kind() != io::ErrorKind::NotFound => {
                    return Err(StoreError::Folder { path, reason });
                }
                _ => {}
            }
        }
        self.forget(&tape.name).await
    }

    async fn forget(&self, name: &str) -> Result<(), StoreError> {
        self.with(async |connection| {
            sqlx::query("DELETE FROM tapes WHERE name = ?").bind(name).execute(connection).await.map(drop)
        })
        .await
    }

    /// Some of those of a kind that are older than `keep` at `now`, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn older(
        &self,
        kind: TapeKind,
        now: Timestamp,
        keep: Duration,
        limit: usize,
    ) -> Result<Vec<StoredTape>, StoreError> {
        let keep = jiff::SignedDuration::try_from(keep).unwrap_or(jiff::SignedDuration::MAX);
        let before = now.checked_sub(keep).unwrap_or(Timestamp::UNIX_EPOCH).as_microsecond();
        let text = format!("SELECT {COLUMNS} FROM tapes WHERE kind = ? AND started < ? ORDER BY number LIMIT ?");
        let rows = self
            .with(async |connection| {
                sqlx::query(AssertSqlSafe(&*text))
                    .bind(kind.word())
                    .bind(before)
                    .bind(limit as i64)
                    .fetch_all(connection)
                    .await
            })
            .await?;
        Ok(rows.iter().map(stored).collect())
    }

    /// Forgets the tapes whose files are gone; tells how many.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn forget_lost(&self) -> Result<usize, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM tapes");
        let rows = self.with(async |connection| sqlx::query(AssertSqlSafe(&*text)).fetch_all(connection).await).await?;
        let mut lost = 0;
        for stored in rows.iter().map(stored) {
            if !self.path(&stored.tape).exists() {
                self.forget(&stored.tape.name).await?;
                lost += 1;
            }
        }
        Ok(lost)
    }

    /// The next message that is to be mailed, and when: at once, or later.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn to_mail(&self) -> Result<Option<(Timestamp, ToMail)>, StoreError> {
        let text = format!(
            "SELECT {COLUMNS}, mail, mail_tries, mail_due FROM tapes WHERE mail IS NOT NULL ORDER BY mail_due LIMIT 1"
        );
        let row =
            self.with(async |connection| sqlx::query(AssertSqlSafe(&*text)).fetch_optional(connection).await).await?;
        Ok(row.as_ref().map(|row| {
            let to = serde_json::from_str(&row.get::<String, _>(10)).unwrap_or_default();
            let tries = u32::try_from(row.get::<i64, _>(11)).unwrap_or(u32::MAX);
            let due = Timestamp::from_microsecond(row.get(12)).unwrap_or(Timestamp::UNIX_EPOCH);
            (due, ToMail { tape: stored(row), to, tries })
        }))
    }

    /// A message was mailed, or is tried no more.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn mailed(&self, name: &str) -> Result<(), StoreError> {
        self.with(async |connection| {
            sqlx::query("UPDATE tapes SET mail = NULL WHERE name = ?").bind(name).execute(connection).await.map(drop)
        })
        .await
    }

    /// A message could not be mailed, and is tried again.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn mail_again(&self, name: &str, tries: u32, due: Timestamp) -> Result<(), StoreError> {
        self.with(async |connection| {
            sqlx::query("UPDATE tapes SET mail_tries = ?, mail_due = ? WHERE name = ?")
                .bind(i64::from(tries))
                .bind(due.as_microsecond())
                .bind(name)
                .execute(connection)
                .await
                .map(drop)
        })
        .await
    }

    async fn with<T>(
        &self,
        act: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let file = self.data.join(FILE);
        let mut connection = self.connection.lock().await;
        let failed = |reason: sqlx::Error| StoreError::of(&file, &reason);
        if connection.is_none() {
            *connection = Some(schema::connect(&file).await.map_err(failed)?);
        }
        let open = connection.as_mut().expect("it was opened");
        match act(open).await {
            Ok(done) => Ok(done),
            Err(reason) => {
                *connection = None;
                Err(failed(reason))
            }
        }
    }
}

fn stored(row: &SqliteRow) -> StoredTape {
    let facts: Option<Facts> = serde_json::from_str(&row.get::<String, _>(9)).ok();
    let started = Timestamp::from_microsecond(row.get(5)).unwrap_or(Timestamp::UNIX_EPOCH);
    let is_message = row.get::<String, _>(1) == TapeKind::Message.word();
    let label = TapeLabel {
        mailbox: row.get::<Option<String>, _>(2).map(Arc::from),
        call: row.get(3),
        caller: PhoneNumber::new(facts.as_ref().map_or("", |facts| &facts.caller)),
        caller_name: facts.as_ref().and_then(|facts| facts.caller_name.clone()),
        dialled: facts.as_ref().map_or_else(String::new, |facts| facts.dialled.clone()),
        started: format!("{started:.3}"),
        language: facts.as_ref().map_or("", |facts| &facts.language).into(),
        mail: facts.map_or_else(Vec::new, |facts| facts.mail.iter().map(|to| to.as_str().into()).collect()),
    };
    let tape = KeptTape {
        name: row.get(0),
        kind: if is_message { TapeKind::Message } else { TapeKind::Conversation },
        folder: row.get::<String, _>(4).into(),
        label,
        length: Duration::from_micros(row.get::<i64, _>(6).max(0).cast_unsigned()),
        octets: row.get::<i64, _>(7).max(0).cast_unsigned(),
    };
    StoredTape { tape, heard: row.get(8) }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it is plain data")
}
