//! What has been revoked? The exact set in memory, fed from a durable log.
//!
//! One last-writer-wins register per subject of revocation, merged by union; the log (SQLite or Redis) is followed by
//! a task of its own; a request only looks into memory. The rules are in `revocation/replica.rs`, and tried in every
//! course of events by `revocation/model.rs`.
#![doc = "\n"]
#![doc = include_str!("revocation/README.md")]

mod follower;
mod handle;
mod index;
mod journal;
mod log;
#[cfg(test)]
mod model;
mod redis;
mod register;
mod replica;
mod returning;
mod sqlite;
mod underway;

pub use crate::redis_link::Advice;
pub use handle::{Revocations, Standing, write_to_store};
#[cfg(fuzzing)]
#[doc(hidden)]
pub use journal::read_journal;
pub use register::State;

use std::path::PathBuf;
use std::time::Duration;

use crate::clock::UnixTime;
use crate::identity::Digest;
use crate::secret::Secret;

/// What `[revocation]` says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the log is.
    pub store: Store,
    /// The CAs of a Redis that is reached by TLS, in PEM; those of the machine if not said.
    pub ca: Option<PathBuf>,
    /// Who else must have a write before it is called done.
    pub confirm: Option<Confirm>,
    /// How old the last proof of freshness may be.
    pub max_staleness: Duration,
    /// What happens past it.
    pub on_stale: OnStale,
    /// When the gateway counts as ready.
    pub ready: Readiness,
    /// Whom a request's token is looked up with.
    pub check: Check,
    /// Where a gateway keeps what it has read of a log that it shares with others.
    pub journal: Option<PathBuf>,
}

impl Settings {
    /// This store, and everything else as it is where the file says nothing; no journal.
    pub const fn of(store: Store) -> Self {
        Self {
            store,
            ca: None,
            confirm: None,
            max_staleness: Duration::from_secs(5),
            on_stale: OnStale::Refuse,
            ready: Readiness::Loaded,
            check: Check::Memory,
            journal: None,
        }
    }

    /// The same for one who only looks, beside a gateway that may be writing the journal.
    #[must_use]
    pub fn without_journal(&self) -> Self {
        Self { journal: None, ..self.clone() }
    }
}

/// Where the log is.
#[derive(Clone, Debug)]
pub enum Store {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// A Redis: `redis://`, `redis+sentinel://`, `redis+cluster://`, or the same with `rediss` for TLS.
    Redis(Secret),
}

/// How many replicas must have a write, and within what time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// How many.
    pub replicas: u32,
    /// How long they are waited for.
    pub within: Duration,
}

/// What to do when the log has not answered for longer than `max_staleness`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnStale {
    /// 503 for every request with a token.
    Refuse,
    /// Go on refusing what is known, accept the rest.
    ServeKnown,
}

/// When a gateway counts as ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Readiness {
    /// From the first load on: a log that goes away later is no reason to take every gateway out of service.
    #[default]
    Loaded,
    /// Only while the set is fresh.
    Strict,
}

/// Whom a request's token is looked up with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// The set in memory.
    #[default]
    Memory,
    /// The set in memory, and the log itself.
    EveryRequest,
}

/// What a revocation names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One token.
    Token,
    /// One sign-in: all tokens that came of it.
    Login,
    /// All sign-ins of a user up to now.
    User,
    /// All tokens a key has signed.
    Key,
}

impl Scope {
    /// The word in logs, metrics and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Login => "login",
            Self::User => "user",
            Self::Key => "key",
        }
    }
}

/// An order to revoke.
#[derive(Clone, Copy, Debug)]
pub struct Revocation {
    /// What kind of thing.
    pub scope: Scope,
    /// Which.
    pub digest: Digest,
    /// From when on nothing it names can be valid any more, so that it may be forgotten.
    pub expires: UnixTime,
}

impl Revocation {
    /// The `expires` of what has to be remembered for good.
    pub const NEVER: UnixTime = UnixTime::from_secs(register::MAX_SECS);
}

/// The log did not take it, or cannot be asked: 503, never "done".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the revocation store is not available: {0}")]
pub struct Unavailable(pub String);
