//! Who may sign in? The users and what is known of them, wherever a team keeps them.
//!
//! A store is ours (SQLite, one table) or somebody else's: another application's table or collection, which [`Fields`]
//! describes and which stays as it is. What another hand wrote there is looked at before it is believed.

mod htpasswd;
mod kinds;
#[cfg(feature = "mongodb")]
mod mongodb;
#[cfg(feature = "postgres")]
mod postgres;
mod read_only;
mod settings;
mod sql;
mod sqlite;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

pub use htpasswd::HtpasswdUsers;
#[cfg(feature = "mongodb")]
pub use mongodb::{BadUrl, MongoUsers, check_mongodb_url};
pub use settings::{Fields, Flag, Mode, ScopeSource, Settings, Store};
use sqlite::MappedUsers;
pub use sqlite::SqliteUsers;

use crate::clock::UnixTime;
use crate::identity::{AskedLogin, Claims, LoginName, Scopes, UserId};
use crate::password::PasswordHash;
use read_only::ReadOnly;

/// A user as stored.
#[derive(Clone, Debug)]
pub struct User {
    /// Never changes, never given to another.
    pub id: UserId,
    /// What they sign in with, spelled as the store has it.
    pub login: LoginName,
    /// Their e-mail address, if known.
    pub email: Option<String>,
    /// The hash of their password.
    pub password: PasswordHash,
    /// What their tokens may allow.
    pub scopes: Scopes,
    /// Whether they are kept from signing in.
    pub disabled: bool,
    /// What else their tokens say.
    pub claims: Claims,
    /// Since when there is such a user, if the store knows.
    pub created: Option<UnixTime>,
}

/// The store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It did not answer, or not as it should.
    #[error("the user store failed: {0}")]
    Failed(String),
    /// It is only read: by its nature, or because `mode` says so.
    #[error("the user store is read only: {0}")]
    ReadOnly(&'static str),
}

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

/// Where users are kept. Every method answers within a few seconds, if only with an error. What changes something is
/// refused by a store that does not say how.
#[async_trait]
pub trait UserStore: Send + Sync + fmt::Debug {
    /// The user who signs in as `login`: whose login is spelled as it was typed, else in the canonical way.
    async fn by_login(&self, login: &AskedLogin) -> Result<Option<User>, StoreError>;

    /// The user with this id.
    async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError>;

    /// Of these users (at most 1,000) those that there are, in any order, with one question.
    async fn by_ids(&self, ids: &[UserId]) -> Result<Vec<User>, StoreError>;

    /// The first `most` users whose id comes after `after`, by id. A record that cannot be a user's is left out.
    async fn page(&self, after: Option<&UserId>, most: usize) -> Result<Vec<User>, StoreError>;

    /// Adds a user; logins are unique. The id is theirs where the store lets us choose it, else the one returned is.
    async fn create(&self, _user: User) -> Result<UserId, CreateError> {
        Err(self.refusal().into())
    }

    /// Adds users; says of each whether it was added, or its login is taken. Where the store can, all of it in one step:
    /// after an error none of them is there. Their ids are nobody's.
    async fn create_many(&self, users: Vec<User>) -> Result<Vec<bool>, StoreError> {
        let mut created = Vec::with_capacity(users.len());
        for user in users {
            created.push(match self.create(user).await {
                Ok(_) => true,
                Err(CreateError::Exists) => false,
                Err(CreateError::Store(error)) => return Err(error),
            });
        }
        Ok(created)
    }

    /// Sets the password hash; false if there is no such user.
    async fn set_password(&self, _id: &UserId, _hash: PasswordHash) -> Result<bool, StoreError> {
        Err(self.refusal())
    }

    /// Sets the password hash if it is still `from`, in one step; false if it is not, or there is no such user.
    async fn replace_password(
        &self,
        _id: &UserId,
        _from: &PasswordHash,
        _to: PasswordHash,
    ) -> Result<bool, StoreError> {
        Err(self.refusal())
    }

    /// Sets what their tokens may allow; false if there is no such user.
    async fn set_scopes(&self, _id: &UserId, _scopes: Scopes) -> Result<bool, StoreError> {
        Err(self.refusal())
    }

    /// Keeps them from signing in, or lets them again; false if there is no such user.
    async fn set_disabled(&self, _id: &UserId, _disabled: bool) -> Result<bool, StoreError> {
        Err(self.refusal())
    }

    /// Removes them; false if there is no such user.
    async fn delete(&self, _id: &UserId) -> Result<bool, StoreError> {
        Err(self.refusal())
    }

    /// Hashes that stand for all there are: of each scheme and cost one, as far as the store can tell without reading
    /// more than some thousand users. What they cost is what every check will cost.
    async fn sample(&self) -> Result<Vec<PasswordHash>, StoreError>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;

    /// What an operator should know of the store, with what to do about it: each is a start-up warning.
    async fn advice(&self) -> Result<Vec<String>, StoreError>;

    /// Why nothing can be changed here, or none if it can.
    fn read_only(&self) -> Option<&'static str>;

    /// What a change is refused with.
    fn refusal(&self) -> StoreError {
        StoreError::ReadOnly(self.read_only().unwrap_or("it cannot be written"))
    }

    /// Whether another application reads and writes it too.
    fn is_shared(&self) -> bool;
}

/// Opens the store that `settings` describe. A file of ours is made where absent; a server need not answer yet.
pub async fn open(settings: &Settings) -> Result<Arc<dyn UserStore>, StoreError> {
    let store: Arc<dyn UserStore> = match (&settings.store, &settings.fields) {
        (Store::Sqlite(path), None) => Arc::new(SqliteUsers::open(path)?),
        (Store::Sqlite(path), Some(fields)) => {
            Arc::new(MappedUsers::open(path.clone(), fields.clone(), settings.mode).await?)
        }
        #[cfg(feature = "postgres")]
        (Store::Postgres(url), Some(fields)) => Arc::new(postgres::PostgresUsers::open(url, fields.clone())?),
        (Store::Htpasswd(path), None) => Arc::new(HtpasswdUsers::open(path).await?),
        #[cfg(feature = "mongodb")]
        (Store::Mongodb(url), Some(fields)) => Arc::new(MongoUsers::new(url, fields.clone())?),
        (_, _) => return Err(StoreError::Failed("this store is not available in this version".to_owned())),
    };
    let asked_only = settings.mode == Mode::ReadOnly && store.read_only().is_none();
    Ok(if asked_only { Arc::new(ReadOnly(store)) } else { store })
}

/// Whether the URL of a PostgreSQL server lets hashes cross a network unencrypted; why it cannot be used, without what it
/// says.
#[cfg(feature = "postgres")]
pub(crate) fn is_exposed(url: &crate::secret::Secret) -> Result<bool, String> {
    postgres::Address::parse(url).map(|address| address.is_exposed()).map_err(|bad| bad.to_string())
}

/// Every user there is, by id.
pub async fn all(store: &dyn UserStore) -> Result<Vec<User>, StoreError> {
    const PAGE: usize = 1000;
    let mut found: Vec<User> = Vec::new();
    loop {
        let page = store.page(found.last().map(|user| &user.id), PAGE).await?;
        let last = page.is_empty();
        found.extend(page);
        if last {
            return Ok(found);
        }
    }
}
