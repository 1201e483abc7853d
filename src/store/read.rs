//! What an earlier process has left.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;
use tracing::warn;

use crate::switchboard::{Kept, KeptPhone, WallTime};

/// All of it; what cannot be read is left out and told.
pub(super) async fn kept(connection: &mut SqliteConnection) -> Result<Kept, sqlx::Error> {
    let seed = match value(connection, "SELECT value FROM house WHERE key = 'seed'").await? {
        Some(seed) => seed,
        None => {
            let seed = fastrand::i64(..);
            sqlx::query("INSERT INTO house VALUES ('seed', ?)").bind(seed).execute(&mut *connection).await?;
            seed
        }
    };
    Ok(Kept {
        seed: seed.cast_unsigned(),
        alive: value(connection, "SELECT value FROM house WHERE key = 'alive'").await?.map(WallTime),
        places: all(connection, "SELECT value FROM places").await?,
        agents: all(connection, "SELECT value FROM agents").await?,
        queues: all(connection, "SELECT value FROM queues").await?,
        callers: all(connection, "SELECT value FROM callers").await?,
        phones: phones(connection).await?,
        switches: all(connection, "SELECT value FROM switches").await?,
    })
}

/// The octets that were drawn when the tables were made.
pub(super) async fn secret(connection: &mut SqliteConnection) -> Result<Vec<u8>, sqlx::Error> {
    sqlx::query("SELECT value FROM secrets WHERE name = 'nonces'").fetch_one(connection).await?.try_get(0)
}

async fn phones(connection: &mut SqliteConnection) -> Result<Vec<(Arc<str>, KeptPhone)>, sqlx::Error> {
    let mut found: Vec<(Arc<str>, KeptPhone)> = Vec::new();
    for row in sqlx::query("SELECT extension, value FROM phones").fetch_all(connection).await? {
        let (extension, text): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let extension: Arc<str> = extension.into();
        match serde_json::from_str::<Vec<KeptPhone>>(&text) {
            Ok(phones) => found.extend(phones.into_iter().map(|phone| (extension.clone(), phone))),
            Err(reason) => warn!(%reason, %extension, "an agent's phones cannot be read and are left out"),
        }
    }
    Ok(found)
}

async fn value(connection: &mut SqliteConnection, question: &'static str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query(question).fetch_optional(connection).await?.map(|row| row.try_get(0)).transpose()
}

async fn all<T: DeserializeOwned>(
    connection: &mut SqliteConnection,
    question: &'static str,
) -> Result<Vec<T>, sqlx::Error> {
    let mut found = Vec::new();
    for row in sqlx::query(question).fetch_all(connection).await? {
        let text: String = row.try_get(0)?;
        match serde_json::from_str(&text) {
            Ok(value) => found.push(value),
            Err(reason) => warn!(%reason, question, "something that was kept cannot be read and is left out"),
        }
    }
    Ok(found)
}
