//! What may the rest of the gateway ask about revocations?
//!
//! The room's one handle: the set in memory, the log behind it, and the task that keeps the one up with the other.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::follower::{Follower, Shared};
use super::index::Index;
use super::journal::Journal;
use super::log::{Appended, Change, Mark, Position, RevocationLog};
use super::redis::RedisLog;
use super::register::State;
use super::replica::RECONCILIATION;
use super::sqlite::SqliteLog;
use super::underway::Underway;
use super::{Advice, Check, OnStale, Readiness, Revocation, Scope, Settings, Store, Unavailable};
use crate::clock::{Clock, UnixTime};
use crate::identity::{Digest, RevocationDigests};

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
    max_staleness: Duration,
    on_stale: OnStale,
    ready: Readiness,
    check: Check,
    follower: AbortHandle,
}

impl Revocations {
    /// Connects to the log, loads, and starts the follower on the current runtime (it stops when the last handle is
    /// dropped). With Redis absent it starts all the same, not ready; a SQLite file that cannot be opened, or an
    /// address that cannot be read, is an error.
    ///
    /// A log that answers but has only just come into being is waited for, two seconds, until the set is ready.
    pub async fn open(settings: &Settings, clock: Clock) -> Result<Arc<Self>, Unavailable> {
        let log = open_log(settings, &clock).await?;
        let index = Arc::new(Index::new());
        let (journal, remembered) = open_journal(settings, &index, &clock).await?;
        let shared = Arc::new(Shared::new(index, log, journal, remembered));
        // Several proofs of freshness within the time one is good for.
        let wait = (settings.max_staleness / 4).clamp(Duration::from_millis(10), Duration::from_millis(500));
        let mut follower = Follower::new(Arc::clone(&shared), clock, wait);
        let first = follower.step().await;
        let follower = tokio::spawn(follower.run()).abort_handle();
        let Settings { max_staleness, on_stale, ready, check, .. } = *settings;
        let this = Arc::new(Self { shared, max_staleness, on_stale, ready, check, follower });
        match (first, &settings.store) {
            (Ok(()), _) if this.is_loaded() => {}
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
    /// token without one falls under a user's revocation if issued at or before its instant. `on_stale` is a route's
    /// own word, if it has one.
    pub fn standing(
        &self,
        digests: &RevocationDigests,
        login_version: Option<u64>,
        issued_at: UnixTime,
        on_stale: Option<OnStale>,
    ) -> Standing {
        let refuses = on_stale.unwrap_or(self.on_stale) == OnStale::Refuse;
        if refuses && self.is_stale() || !self.is_loaded() {
            return Standing::Stale;
        }
        match self.shared.index.revoked(digests, login_version, issued_at) {
            Some(scope) => Standing::Revoked(scope),
            None => Standing::Clear,
        }
    }

    /// Whether the log itself is to be asked about every request.
    pub const fn checks_every_request(&self) -> bool {
        matches!(self.check, Check::EveryRequest)
    }

    /// Asks the log itself, in addition to [`Self::standing`]. A log that is not the one followed proves nothing.
    pub async fn ask(
        &self,
        digests: &RevocationDigests,
        login_version: Option<u64>,
        issued_at: UnixTime,
    ) -> Result<Standing, Unavailable> {
        let RevocationDigests { token, login, user, key } = *digests;
        let asked: Vec<Digest> = [token, user, key].into_iter().chain(login).collect();
        let (incarnation, registers) = self.shared.log.look(&asked).await?;
        let news: Vec<_> =
            registers.into_iter().filter(|register| self.shared.index.merge(*register)).collect();
        if let Some(journal) = &self.shared.journal {
            journal.note(&news);
        }
        let known = self.shared.replica().position().map(|position| position.incarnation);
        if known != Some(incarnation) {
            return Ok(Standing::Stale);
        }
        Ok(match self.shared.index.revoked(digests, login_version, issued_at) {
            Some(scope) => Standing::Revoked(scope),
            None => Standing::Clear,
        })
    }

    /// Whether a sign-in, known by its own digest, its user's and its version, has been ended.
    pub fn has_ended(&self, login: Digest, user: Digest, version: u64) -> bool {
        self.shared.index.has_ended(login, user, version)
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
        let underway = Underway::begin(&self.shared);
        let change = Change { digest, state, expires };
        let written = self.shared.log.append(change, self.shared.index.highest(), underway.marks()).await;
        self.shared.answered(written.as_ref().err());
        let Appended { register, mark, confirmed } = written?;
        self.shared.index.merge(register);
        self.shared.changed.send_replace(());
        if let Some(journal) = &self.shared.journal {
            journal.note(&[register]);
        }
        // After the merge: a reload compares the log with the set, and then asks no more for the mark.
        underway.acknowledged(mark);
        confirmed
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

    /// Changes whenever the set has: a token that was clear may not be any more.
    pub fn changed(&self) -> watch::Receiver<()> {
        self.shared.changed.subscribe()
    }

    /// Whether requests are served: once the set has been loaded, for good, or only while it is fresh, as `[revocation]
    /// ready` says.
    pub fn is_ready(&self) -> bool {
        self.is_loaded() && !(self.ready == Readiness::Strict && self.is_stale())
    }

    /// Whether the set has been loaded once.
    pub fn is_loaded(&self) -> bool {
        self.shared.ready.load(Ordering::Acquire)
    }

    /// Whether the last proof of freshness is older than `max_staleness`.
    pub fn is_stale(&self) -> bool {
        self.staleness() > self.max_staleness
    }

    /// Whether the journal can be written; nothing where there is none.
    pub fn journal_up(&self) -> Option<bool> {
        self.shared.journal.as_ref().map(Journal::is_up)
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

    /// What is to be changed at the store, so that it keeps what it is given; as of the last connection.
    pub fn advice(&self) -> Vec<Advice> {
        self.shared.log.advice()
    }

    /// `"sqlite"` or `"redis"`.
    pub fn store_name(&self) -> &'static str {
        self.shared.log.name()
    }
}

/// Revokes or lifts in the store itself, where no gateway runs that could do it; `Ok` means that the store took it.
pub async fn write_to_store(
    settings: &Settings,
    clock: Clock,
    revocation: Revocation,
    state: State,
) -> Result<(), Unavailable> {
    let Revocation { digest, expires, .. } = revocation;
    let log = open_log(settings, &clock).await?;
    log.append(Change { digest, state, expires }, 0, Box::new(Mark::random)).await?.confirmed
}

async fn open_log(settings: &Settings, clock: &Clock) -> Result<Box<dyn RevocationLog>, Unavailable> {
    Ok(match &settings.store {
        Store::Sqlite(path) => Box::new(SqliteLog::open(path.clone(), clock.clone()).await?),
        Store::Redis(address) => Box::new(RedisLog::new(address, settings)?),
    })
}

/// The journal and how far it goes. A log in a file needs none: the two would be lost together.
async fn open_journal(
    settings: &Settings,
    index: &Arc<Index>,
    clock: &Clock,
) -> Result<(Option<Journal>, Option<Position>), Unavailable> {
    let (Some(path), Store::Redis(_)) = (settings.journal.clone(), &settings.store) else {
        return Ok((None, None));
    };
    let (index, clock) = (Arc::clone(index), clock.clone());
    let opened = tokio::task::spawn_blocking(move || Journal::open(&path, &index, clock)).await;
    let (journal, position) =
        opened.map_err(|_| Unavailable("the thread that read the journal was stopped".into()))??;
    Ok((Some(journal), position))
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
