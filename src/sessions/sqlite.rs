//! How are sessions kept in a file, for one machine?

use std::path::PathBuf;

use async_trait::async_trait;
use rusqlite::{Connection, Row, named_params, params};

use super::{LISTED, Origin, Session, SessionStore, Sighting, Unavailable};
use crate::clock::UnixTime;
use crate::identity::{Digest, LoginId};
use crate::sqlite::{Shared, number, unsigned};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS sessions (
        login     TEXT    PRIMARY KEY,
        user      BLOB    NOT NULL,
        version   INTEGER NOT NULL,
        since     INTEGER NOT NULL,
        expires   INTEGER NOT NULL,
        last_seen INTEGER NOT NULL,
        address   TEXT,
        device    TEXT
    ) STRICT;
    CREATE INDEX IF NOT EXISTS sessions_user ON sessions (user);
    CREATE INDEX IF NOT EXISTS sessions_expires ON sessions (expires);";

/// Expired sessions taken out with each one added: more than one, so that they never pile up.
const TRIMMED: i64 = 8;

/// Sessions in an SQLite file.
pub(super) struct SqliteSessions(Shared);

impl SqliteSessions {
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
impl SessionStore for SqliteSessions {
    async fn add(&self, user: Digest, session: &Session, now: UnixTime) -> Result<(), Unavailable> {
        let (user, session) = (user.to_bytes(), session.clone());
        self.ask(move |connection| {
            let transaction = connection.transaction()?;
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO sessions (login, user, version, since, expires, last_seen, address, device)
                     VALUES (:login, :user, :version, :since, :expires, :last_seen, :address, :device)",
                )?
                .execute(named_params! {
                    ":login": session.login.as_str(),
                    ":user": user,
                    ":version": number(session.version),
                    ":since": number(session.since.secs()),
                    ":expires": number(session.expires.secs()),
                    ":last_seen": number(session.last_seen.secs()),
                    ":address": session.origin.address,
                    ":device": session.origin.device,
                })?;
            transaction
                .prepare_cached(
                    "DELETE FROM sessions WHERE login IN
                     (SELECT login FROM sessions WHERE expires < ?1 ORDER BY expires LIMIT ?2)",
                )?
                .execute(params![number(now.secs()), TRIMMED])?;
            transaction
                .prepare_cached(
                    "DELETE FROM sessions WHERE login IN
                     (SELECT login FROM sessions WHERE user = ?1 ORDER BY version DESC LIMIT -1 OFFSET ?2)",
                )?
                .execute(params![user, number(LISTED as u64)])?;
            transaction.commit()
        })
        .await
    }

    async fn list(&self, user: Digest, now: UnixTime) -> Result<Vec<Session>, Unavailable> {
        self.ask(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT login, version, since, expires, last_seen, address, device FROM sessions
                 WHERE user = ?1 AND expires > ?2",
            )?;
            let rows = statement.query_map(params![user.to_bytes(), number(now.secs())], session)?;
            // One that we could not have written is nobody's session.
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
        })
        .await
    }

    async fn seen(&self, seen: &[Sighting]) -> Result<(), Unavailable> {
        let seen = seen.to_vec();
        self.ask(move |connection| {
            let transaction = connection.transaction()?;
            {
                let mut statement = transaction.prepare_cached(
                    "UPDATE sessions SET last_seen = ?1 WHERE login = ?2 AND last_seen < ?1",
                )?;
                for Sighting { login, at, .. } in seen {
                    statement.execute(params![number(at.secs()), login.as_str()])?;
                }
            }
            transaction.commit()
        })
        .await
    }
}

fn session(row: &Row<'_>) -> rusqlite::Result<Option<Session>> {
    let moment = |at: usize| -> rusqlite::Result<UnixTime> { Ok(UnixTime::from_secs(unsigned(row, at)?)) };
    let Ok(login) = LoginId::parse(&row.get::<_, String>(0)?) else { return Ok(None) };
    Ok(Some(Session {
        login,
        version: unsigned(row, 1)?,
        since: moment(2)?,
        expires: moment(3)?,
        last_seen: moment(4)?,
        origin: Origin { address: row.get(5)?, device: row.get(6)? },
    }))
}
