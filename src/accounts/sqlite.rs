//! How is it kept in a file which hashes were replaced, for one machine?

use std::path::PathBuf;

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::Unavailable;
use super::links::{Links, Pair};
use crate::clock::UnixTime;
use crate::identity::Digest;
use crate::sqlite::{Shared, number};
use crate::token::PasswordVersion;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS replaced_hashes (
        user    BLOB    NOT NULL,
        old     TEXT    NOT NULL,
        new     TEXT    NOT NULL,
        expires INTEGER NOT NULL,
        PRIMARY KEY (user, old, new)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS replaced_hashes_expires ON replaced_hashes (expires);";

/// Replaced hashes in an SQLite file.
pub(super) struct SqliteLinks(Shared);

impl SqliteLinks {
    /// Opens the file, making it (mode 0600) and its table where absent.
    pub(super) async fn open(path: PathBuf) -> Result<Self, Unavailable> {
        Shared::open(path, |file| file.execute_batch(SCHEMA)).await.map(Self).map_err(Unavailable)
    }

    async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        self.0.ask(job).await.map_err(Unavailable)
    }
}

#[async_trait]
impl Links for SqliteLinks {
    async fn add(
        &self,
        user: Digest,
        pairs: &[Pair],
        now: UnixTime,
        expires: UnixTime,
    ) -> Result<(), Unavailable> {
        let pairs = pairs.to_vec();
        self.ask(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute("DELETE FROM replaced_hashes WHERE expires < ?1", [number(now.secs())])?;
            for (old, new) in pairs {
                transaction
                    .prepare_cached(
                        "INSERT OR REPLACE INTO replaced_hashes (user, old, new, expires) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute(params![
                        user.to_bytes(),
                        old.to_string(),
                        new.to_string(),
                        number(expires.secs())
                    ])?;
            }
            transaction.commit()
        })
        .await
    }

    async fn of(&self, users: &[Digest], now: UnixTime) -> Result<Vec<Vec<Pair>>, Unavailable> {
        let users = users.to_vec();
        self.ask(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT old, new FROM replaced_hashes WHERE user = ?1 AND expires >= ?2")?;
            let mut found = Vec::with_capacity(users.len());
            for user in users {
                let rows = statement.query_map(params![user.to_bytes(), number(now.secs())], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
                })?;
                let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
                let read = |(old, new): (String, String)| {
                    Some((PasswordVersion::parse(&old)?, PasswordVersion::parse(&new)?))
                };
                // One that we could not have written says nothing.
                found.push(rows.into_iter().filter_map(read).collect());
            }
            Ok(found)
        })
        .await
    }
}
