//! What may the rest of the gateway ask about revocations?
//!
//! The room's one handle: the set in memory, the log behind it, and the task that keeps the one up with the other.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::follower::{Follower, Freshness, RECONCILIATION, Shared};
use super::index::Index;
use super::log::{Change, RevocationLog};
use super::redis::RedisLog;
use super::register::State;
use super::sqlite::SqliteLog;
use super::unseen::Unseen;
use super::{OnStale, Revocation, Scope, Settings, Store, Unavailable};
use crate::clock::{self, Clock, UnixTime};
use crate::identity::RevocationDigests;

/// How a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing names it.
    Clear,
    /// Revoked, by what.
    Revoked(Scope),
    /// The set is too old to say (only under `on_stale = "refuse"`), or has never been loaded.
    Stale,
}

/// The set in memory and the log behind it.
pub struct Revocations {
    shared: Arc<Shared>,
    /// None where the set is served however old it is.
    max_staleness: Option<Duration>,
    follower: AbortHandle,
}

impl Revocations {
    /// Connects to the log, loads, and starts the follower on the current runtime (it stops when the last handle is
    /// dropped). With Redis absent it starts all the same, not ready; a SQLite file that cannot be opened, or an
    /// address that cannot be read, is an error.
    ///
    /// A log that answers but has only just come into being is waited for, two seconds, until the set is ready.
    pub async fn open(settings: &Settings, clock: Clock) -> Result<Arc<Self>, Unavailable> {
        let log: Box<dyn RevocationLog> = match &settings.store {
            Store::Sqlite(path) => Box::new(SqliteLog::open(path.clone(), clock.clone()).await?),
            Store::Redis(address) => Box::new(RedisLog::new(address)?),
        };
        let shared = Arc::new(Shared {
            index: Index::new(),
            log,
            unseen: Unseen::default(),
            freshness: Freshness::new(),
            ready: AtomicBool::new(false),
            became_ready: Notify::new(),
            up: AtomicBool::new(true),
        });
        // Several proofs of freshness within the time one is good for.
        let wait = (settings.max_staleness / 4).clamp(Duration::from_millis(10), Duration::from_millis(500));
        let mut follower = Follower::new(Arc::clone(&shared), clock, wait);
        let first = follower.step().await;
        let follower = tokio::spawn(follower.run()).abort_handle();
        let max_staleness = (settings.on_stale == OnStale::Refuse).then_some(settings.max_staleness);
        let this = Arc::new(Self { shared, max_staleness, follower });
        match (first, &settings.store) {
            (Ok(()), _) if this.is_ready() => {}
            (Ok(()), _) => {
                let patience = RECONCILIATION + Duration::from_secs(1);
                let _ = tokio::time::timeout(patience, this.shared.became_ready.notified()).await;
            }
            (Err(error), Store::Sqlite(_)) => return Err(error),
            // Said when the follower met it; it tries on.
            (Err(_), Store::Redis(_)) => {}
        }
        Ok(this)
    }

    /// Looks a verified token up: no await, no lock that a writer holds for long. `login_version` is the token's; a
    /// token without one falls under a user's revocation if issued at or before its instant.
    pub fn standing(
        &self,
        digests: &RevocationDigests,
        login_version: Option<u64>,
        issued_at: UnixTime,
    ) -> Standing {
        let too_old = self.max_staleness.is_some_and(|most| self.staleness() > most);
        if too_old || !self.is_ready() {
            return Standing::Stale;
        }
        match self.shared.index.revoked(digests, login_version, issued_at) {
            Some(scope) => Standing::Revoked(scope),
            None => Standing::Clear,
        }
    }

    /// Writes it to the log and merges it here; `Ok` means the store took it.
    pub async fn revoke(&self, revocation: Revocation) -> Result<(), Unavailable> {
        self.write(revocation, State::Revoked).await
    }

    /// Takes a revocation back; `Ok` means the store took it.
    pub async fn lift(&self, revocation: Revocation) -> Result<(), Unavailable> {
        self.write(revocation, State::Lifted).await
    }

    async fn write(&self, revocation: Revocation, state: State) -> Result<(), Unavailable> {
        let Revocation { digest, expires, .. } = revocation;
        // A log that has lost the register must not remember this word for less long than that one.
        let expires = self.shared.index.get(digest).map_or(expires, |known| known.expires().max(expires));
        let change = Change { digest, state, expires };
        let underway = self.shared.unseen.begin();
        let written = self.shared.log.append(change, self.shared.index.highest(), underway.mark()).await;
        self.shared.answered(written.as_ref().err());
        self.shared.index.merge(written?);
        // After the merge: a reload compares the log with the set, and then asks no more for the mark.
        underway.acknowledged(clock::instant());
        Ok(())
    }

    /// The next version of the log's own sequence, for a login about to be issued: greater than every revocation before
    /// it, smaller than every one after.
    pub async fn login_version(&self) -> Result<u64, Unavailable> {
        let given = self.shared.log.next_version(self.shared.index.highest()).await;
        self.shared.answered(given.as_ref().err());
        let version = given?;
        self.shared.index.has_seen(version);
        Ok(version)
    }

    /// Whether the set has been loaded once.
    pub fn is_ready(&self) -> bool {
        self.shared.ready.load(Ordering::Acquire)
    }

    /// Whether the log answered last time.
    pub fn store_up(&self) -> bool {
        self.shared.up.load(Ordering::Relaxed)
    }

    /// How long ago the set was last known fresh; before the first load, how long it has been waited for.
    pub fn staleness(&self) -> Duration {
        self.shared.freshness.age()
    }

    /// Registers held.
    pub fn entries(&self) -> usize {
        self.shared.index.len()
    }

    /// `"sqlite"` or `"redis"`.
    pub fn store_name(&self) -> &'static str {
        self.shared.log.name()
    }
}

impl Drop for Revocations {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations")
            .field("store", &self.store_name())
            .field("entries", &self.entries())
            .finish_non_exhaustive()
    }
}
