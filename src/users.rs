//! Who may sign in? The users and what is known of them, in SQLite.

mod sqlite;

pub use sqlite::UserStore;

use crate::clock::UnixTime;
use crate::identity::{LoginName, Scopes, UserId};
use crate::password::PasswordHash;

/// A user as stored.
#[derive(Clone, Debug)]
pub struct User {
    /// Never changes, never given to another.
    pub id: UserId,
    /// What they sign in with, canonical.
    pub login: LoginName,
    /// Their e-mail address, if known.
    pub email: Option<String>,
    /// The hash of their password.
    pub password: PasswordHash,
    /// What their tokens may allow.
    pub scopes: Scopes,
    /// Whether they are kept from signing in.
    pub disabled: bool,
    /// Since when there is such a user.
    pub created: UnixTime,
}

/// The store did not answer, or not as it should.
#[derive(Debug, thiserror::Error)]
#[error("the user store failed: {0}")]
pub struct StoreError(pub String);

/// Why a user was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The login is taken.
    #[error("there is already a user with this login")]
    Exists,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
