//! What has been revoked? The exact set in memory, fed from a durable log.
//!
//! One last-writer-wins register per subject of revocation, merged by union; the log (SQLite or Redis) is followed by
//! a task of its own; a request only looks into memory.

mod follower;
mod handle;
mod index;
mod log;
mod redis;
mod register;
mod sqlite;
mod unseen;

pub use handle::{Revocations, Standing};

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
    /// How old the last proof of freshness may be.
    pub max_staleness: Duration,
    /// What happens past it.
    pub on_stale: OnStale,
}

/// Where the log is.
#[derive(Clone, Debug)]
pub enum Store {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// A Redis server: `redis://[user[:password]@]host[:port][/db]`.
    Redis(Secret),
}

/// What to do when the log has not answered for longer than `max_staleness`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnStale {
    /// 503 for every request with a token.
    Refuse,
    /// Go on refusing what is known, accept the rest.
    ServeKnown,
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

/// The log did not take it, or cannot be asked: 503, never "done".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the revocation store is not available: {0}")]
pub struct Unavailable(pub String);
