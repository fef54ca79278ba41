//! Who is signed in, since when, and from where?
//!
//! A list for people to look at and end things by, kept beside the revocations in the store that gateways share. It
//! decides nothing: whether a token is good is the revocations' affair, and what they have ended is left out of the list.
//! When a sign-in was last seen is noted in memory, once a minute and token, and written in batches: no request waits
//! for it, and none writes.

mod redis;
mod seen;
mod sqlite;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::AbortHandle;

use self::redis::RedisSessions;
use self::seen::Seen;
use self::sqlite::SqliteSessions;
use crate::clock::{Clock, UnixTime};
use crate::identity::{Digest, LoginId};
use crate::revocation::{Revocations, Settings, Store};
use crate::token::Verified;

/// How often what was seen is written.
const FLUSH: Duration = Duration::from_secs(20);

/// Sign-ins listed of one user, the latest; older ones are good and can be ended, but are not listed.
pub(crate) const LISTED: usize = 100;

/// One sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The `sid` of its tokens.
    pub login: LoginId,
    /// The version it got from the revocation log.
    pub version: u64,
    /// When it was.
    pub since: UnixTime,
    /// When the last of its tokens expires.
    pub expires: UnixTime,
    /// When one of its tokens was last admitted, to the minute and a little late.
    pub last_seen: UnixTime,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a sign-in came from, as far as it said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub address: Option<String>,
    /// What it calls itself: its `User-Agent`.
    pub device: Option<String>,
}

impl Origin {
    /// Bytes kept of what a client calls itself.
    const DEVICE: usize = 160;

    /// An origin; of `user_agent` what can be shown.
    pub fn new(address: Option<std::net::IpAddr>, user_agent: Option<&str>) -> Self {
        let shown = |text: &str| -> String {
            text.chars().filter(|c| *c == ' ' || c.is_ascii_graphic()).take(Self::DEVICE).collect()
        };
        Self {
            address: address.map(|address| address.to_canonical().to_string()),
            device: user_agent.map(shown).filter(|device| !device.is_empty()),
        }
    }
}

/// The store cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the list of sessions is not available: {0}")]
pub struct Unavailable(pub String);

/// Where sessions are kept: of each user, named by a digest, those that have not expired.
#[async_trait]
pub(crate) trait SessionStore: Send + Sync {
    /// Adds one. Of a user with too many, the oldest goes.
    async fn add(&self, user: Digest, session: &Session, now: UnixTime) -> Result<(), Unavailable>;

    /// The user's sessions.
    async fn list(&self, user: Digest, now: UnixTime) -> Result<Vec<Session>, Unavailable>;

    /// Notes when sessions were last seen; one that is not there (any more) is left out.
    async fn seen(&self, seen: &[Sighting]) -> Result<(), Unavailable>;
}

/// A session was seen.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    pub(crate) user: Digest,
    pub(crate) login: LoginId,
    pub(crate) at: UnixTime,
}

/// The list of sessions.
pub struct Sessions {
    shared: Arc<Shared>,
    revocations: Arc<Revocations>,
    issuer: String,
    clock: Clock,
    writer: AbortHandle,
}

struct Shared {
    store: Box<dyn SessionStore>,
    seen: Seen,
}

impl Shared {
    async fn flush(&self) {
        let due = self.seen.take();
        if due.is_empty() {
            return;
        }
        if let Err(error) = self.store.seen(&due).await {
            tracing::debug!("{error}; what was seen is written later");
            self.seen.put_back(due);
        }
    }
}

impl Sessions {
    /// Opens the list beside the revocations that `settings` describe, and starts the task that writes when sessions were last seen
    /// (it stops with the list). `issuer` is whose tokens it is about.
    pub async fn open(
        settings: &Settings,
        revocations: Arc<Revocations>,
        issuer: &str,
        clock: Clock,
    ) -> Result<Arc<Self>, Unavailable> {
        let store: Box<dyn SessionStore> = match &settings.store {
            Store::Sqlite(path) => Box::new(SqliteSessions::open(path.clone()).await?),
            Store::Redis(address) => Box::new(RedisSessions::new(address, settings.ca.as_deref())?),
        };
        let shared = Arc::new(Shared { store, seen: Seen::default() });
        let flushed = Arc::clone(&shared);
        let writer = tokio::spawn(async move {
            loop {
                tokio::time::sleep(FLUSH).await;
                flushed.flush().await;
            }
        });
        let writer = writer.abort_handle();
        Ok(Arc::new(Self { shared, revocations, issuer: issuer.to_owned(), clock, writer }))
    }

    /// Lists a sign-in that has just succeeded.
    pub async fn begin(
        &self,
        user: Digest,
        login: LoginId,
        version: u64,
        lifetime: Duration,
        origin: Origin,
    ) -> Result<(), Unavailable> {
        let now = self.clock.now();
        let session = Session {
            login,
            version,
            since: now,
            expires: now.plus(lifetime),
            last_seen: whole_minute(now),
            origin,
        };
        self.shared.store.add(user, &session, now).await
    }

    /// The user's sessions whose tokens are still good, the latest first.
    pub async fn of_user(&self, user: Digest) -> Result<Vec<Session>, Unavailable> {
        let mut sessions = self.shared.store.list(user, self.clock.now()).await?;
        sessions.retain(|session| {
            let login = Digest::of_login(&self.issuer, &session.login);
            !self.revocations.has_ended(login, user, session.version)
        });
        sessions.sort_by_key(|session| std::cmp::Reverse(session.version));
        Ok(sessions)
    }

    /// Notes that a token was admitted. Never waits, and does next to nothing but for the first time in a minute.
    pub fn saw(&self, token: &Verified) {
        let Some(login) = token.login_id() else { return };
        if let Some(at) = token.first_use_this_minute() {
            self.shared.seen.note(Sighting { user: token.digests().user, login: login.clone(), at });
        }
    }

    /// Writes what was seen and is not written yet.
    pub async fn flush(&self) {
        self.shared.flush().await;
    }
}

fn whole_minute(at: UnixTime) -> UnixTime {
    UnixTime::from_secs(at.secs() / 60 * 60)
}

impl Drop for Sessions {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
