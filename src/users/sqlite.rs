//! How are the users kept in SQLite? One table, asked on threads that may wait for a disk.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Error, OptionalExtension as _, Row, ToSql, ffi, named_params};

use super::{CreateError, StoreError, User};
use crate::clock::UnixTime;
use crate::identity::{BadText, LoginName, Scopes, UserId};
use crate::password::PasswordHash;
use crate::sqlite;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS users (
        id       TEXT    PRIMARY KEY,
        login    TEXT    NOT NULL UNIQUE,
        email    TEXT,
        password TEXT    NOT NULL,
        scopes   TEXT    NOT NULL,
        disabled INTEGER NOT NULL,
        created  INTEGER NOT NULL
    ) STRICT;";

const COLUMNS: &str = "SELECT id, login, email, password, scopes, disabled, created FROM users";

/// The users, in an SQLite file. Cheap to clone; several processes may have the same file open.
#[derive(Clone)]
pub struct UserStore {
    connection: Arc<Mutex<Connection>>,
}

impl UserStore {
    /// Opens the file, making it (mode 0600) and its table where absent.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = connect(path).map_err(|error| StoreError(format!("{}: {error}", path.display())))?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// The user who signs in as `login`.
    pub async fn by_login(&self, login: &LoginName) -> Result<Option<User>, StoreError> {
        self.one("login", login.to_string()).await
    }

    /// The user with this id.
    pub async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.one("id", id.to_string()).await
    }

    /// Adds a user; logins are unique.
    pub async fn create(&self, user: User) -> Result<(), CreateError> {
        let created = self.ask(move |connection| match insert(connection, &user) {
            Ok(_) => Ok(true),
            Err(Error::SqliteFailure(code, _)) if code.extended_code == ffi::SQLITE_CONSTRAINT_UNIQUE => {
                Ok(false)
            }
            Err(error) => Err(error),
        });
        if created.await? { Ok(()) } else { Err(CreateError::Exists) }
    }

    /// All users, by login.
    pub async fn list(&self) -> Result<Vec<User>, StoreError> {
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(&format!("{COLUMNS} ORDER BY login"))?;
            statement.query_map([], user)?.collect()
        })
        .await
    }

    /// Sets the password hash; false if there is no such user.
    pub async fn set_password(&self, id: &UserId, hash: PasswordHash) -> Result<bool, StoreError> {
        self.set(id, "password", hash.expose().to_owned()).await
    }

    /// Sets what their tokens may allow; false if there is no such user.
    pub async fn set_scopes(&self, id: &UserId, scopes: Scopes) -> Result<bool, StoreError> {
        self.set(id, "scopes", scopes.to_string()).await
    }

    /// Keeps them from signing in, or lets them again; false if there is no such user.
    pub async fn set_disabled(&self, id: &UserId, disabled: bool) -> Result<bool, StoreError> {
        self.set(id, "disabled", disabled).await
    }

    /// Removes them; false if there is no such user.
    pub async fn delete(&self, id: &UserId) -> Result<bool, StoreError> {
        let id = id.to_string();
        self.ask(move |connection| Ok(connection.execute("DELETE FROM users WHERE id = ?1", [id])? == 1))
            .await
    }

    /// The cost of the dearest bcrypt hash there is, of those that cost no more than `most`.
    pub async fn dearest_cost(&self, most: u32) -> Result<Option<u32>, StoreError> {
        self.ask(move |connection| {
            let dearest = "SELECT max(CAST(substr(password, 5, 2) AS INTEGER)) FROM users
                           WHERE password GLOB '$2[aby]$[0-9][0-9]$*' AND length(password) = 60
                           AND CAST(substr(password, 5, 2) AS INTEGER) <= ?1";
            connection.query_row(dearest, [most], |row| row.get(0))
        })
        .await
    }

    /// Whether the store answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.ask(|connection| {
            connection.query_row("SELECT count(*) FROM (SELECT 1 FROM users LIMIT 1)", [], |_| Ok(()))
        })
        .await
    }

    async fn one(&self, column: &'static str, value: String) -> Result<Option<User>, StoreError> {
        self.ask(move |connection| {
            let mut statement = connection.prepare_cached(&format!("{COLUMNS} WHERE {column} = ?1"))?;
            statement.query_row([value], user).optional()
        })
        .await
    }

    async fn set(
        &self,
        id: &UserId,
        column: &'static str,
        value: impl ToSql + Send + 'static,
    ) -> Result<bool, StoreError> {
        let id = id.to_string();
        self.ask(move |connection| {
            let update = format!("UPDATE users SET {column} = :value WHERE id = :id");
            Ok(connection.execute(&update, named_params! { ":value": value, ":id": id })? == 1)
        })
        .await
    }

    /// Runs `job` on a thread that may wait. It is done even if nobody waits for it any more.
    async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(&self.connection);
        let work = move || job(&connection.lock().unwrap_or_else(PoisonError::into_inner));
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result.map_err(|error| StoreError(error.to_string())),
            Err(_) => Err(StoreError("the thread that asked it was stopped".into())),
        }
    }
}

impl fmt::Debug for UserStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserStore").finish_non_exhaustive()
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = sqlite::open(path)?;
    connection.execute_batch(SCHEMA)?;
    Ok(connection)
}

fn insert(connection: &Connection, user: &User) -> rusqlite::Result<usize> {
    connection.execute(
        "INSERT INTO users (id, login, email, password, scopes, disabled, created)
         VALUES (:id, :login, :email, :password, :scopes, :disabled, :created)",
        named_params! {
            ":id": user.id.as_str(),
            ":login": user.login.as_str(),
            ":email": user.email,
            ":password": user.password.expose(),
            ":scopes": user.scopes.as_str(),
            ":disabled": user.disabled,
            ":created": i64::try_from(user.created.millis()).unwrap_or(i64::MAX),
        },
    )
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let created: i64 = row.get(6)?;
    Ok(User {
        id: parsed(row, 0, UserId::parse)?,
        login: parsed(row, 1, LoginName::parse)?,
        email: row.get(2)?,
        password: PasswordHash::from_store(row.get(3)?),
        scopes: parsed(row, 4, Scopes::parse)?,
        disabled: row.get(5)?,
        created: UnixTime::from_millis(u64::try_from(created).unwrap_or(0)),
    })
}

/// A column that must be well formed: a name that is not, put there by another hand, must not reach a header.
fn parsed<T>(row: &Row<'_>, at: usize, parse: impl Fn(&str) -> Result<T, BadText>) -> rusqlite::Result<T> {
    let value = row.get_ref(at)?;
    parse(value.as_str()?)
        .map_err(|bad| Error::FromSqlConversionFailure(at, value.data_type(), Box::new(Odd(bad))))
}

/// What is wrong with a stored value.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Odd(BadText);
