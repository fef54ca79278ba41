//! How are the users of ours kept in SQLite? One table, asked on threads that may wait for a disk.

mod mapped;
mod row;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, Error, OptionalExtension as _, ToSql, ffi, named_params};

use self::row::{COLUMNS, insert, readable, user};
use super::{CreateError, StoreError, User, UserStore};
use crate::identity::{AskedLogin, Scopes, UserId};
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
        created  INTEGER NOT NULL,
        claims   TEXT    NOT NULL DEFAULT '{}'
    ) STRICT;";

pub(super) use mapped::MappedUsers;

/// The users, in an SQLite file of ours. Cheap to clone; several processes may have the same file open.
#[derive(Clone)]
pub struct SqliteUsers {
    connection: Arc<Mutex<Connection>>,
}

impl SqliteUsers {
    /// Opens the file, making it (mode 0600) and its table where absent.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection =
            connect(path).map_err(|error| StoreError::Failed(format!("{}: {error}", path.display())))?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
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
        let asked = sqlite::blocking(move || job(&connection.lock().unwrap_or_else(PoisonError::into_inner)));
        asked.await.map_err(StoreError::Failed)
    }
}

#[async_trait]
impl UserStore for SqliteUsers {
    async fn by_login(&self, login: &AskedLogin) -> Result<Option<User>, StoreError> {
        // Ours are canonical, all of them.
        self.one("login", login.canonical().to_string()).await
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.one("id", id.to_string()).await
    }

    async fn by_ids(&self, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
        let ids = ids.iter().map(UserId::as_str).collect::<serde_json::Value>().to_string();
        self.ask(move |connection| {
            let these = format!("{COLUMNS} WHERE id IN (SELECT value FROM json_each(?1))");
            let mut statement = connection.prepare_cached(&these)?;
            statement.query_map([ids], user)?.filter_map(readable).collect()
        })
        .await
    }

    async fn page(&self, after: Option<&UserId>, most: usize) -> Result<Vec<User>, StoreError> {
        let after = after.map_or_else(String::new, UserId::to_string);
        self.ask(move |connection| {
            let next = format!("{COLUMNS} WHERE id > ?1 ORDER BY id");
            let mut statement = connection.prepare_cached(&next)?;
            statement.query_map([after], user)?.filter_map(readable).take(most).collect()
        })
        .await
    }

    async fn create(&self, user: User) -> Result<UserId, CreateError> {
        let id = user.id.clone();
        let created = self.ask(move |connection| is_new(connection, &user));
        if created.await? { Ok(id) } else { Err(CreateError::Exists) }
    }

    async fn create_many(&self, users: Vec<User>) -> Result<Vec<bool>, StoreError> {
        self.ask(move |connection| {
            let transaction = connection.unchecked_transaction()?;
            let created: rusqlite::Result<Vec<bool>> =
                users.iter().map(|user| is_new(&transaction, user)).collect();
            let created = created?;
            transaction.commit()?;
            Ok(created)
        })
        .await
    }

    async fn set_password(&self, id: &UserId, hash: PasswordHash) -> Result<bool, StoreError> {
        self.set(id, "password", hash.expose().to_owned()).await
    }

    async fn replace_password(
        &self,
        id: &UserId,
        from: &PasswordHash,
        to: PasswordHash,
    ) -> Result<bool, StoreError> {
        let (id, from) = (id.to_string(), from.expose().to_owned());
        self.ask(move |connection| {
            let update = "UPDATE users SET password = :to WHERE id = :id AND password = :from";
            let names = named_params! { ":to": to.expose(), ":id": id, ":from": from };
            Ok(connection.execute(update, names)? == 1)
        })
        .await
    }

    async fn set_scopes(&self, id: &UserId, scopes: Scopes) -> Result<bool, StoreError> {
        self.set(id, "scopes", scopes.to_string()).await
    }

    async fn set_disabled(&self, id: &UserId, disabled: bool) -> Result<bool, StoreError> {
        self.set(id, "disabled", disabled).await
    }

    async fn delete(&self, id: &UserId) -> Result<bool, StoreError> {
        let id = id.to_string();
        self.ask(move |connection| Ok(connection.execute("DELETE FROM users WHERE id = ?1", [id])? == 1))
            .await
    }

    async fn sample(&self) -> Result<Vec<PasswordHash>, StoreError> {
        // Scheme and cost stand at the beginning of every hash there is.
        self.ask(|connection| {
            let mut statement = connection.prepare(
                "SELECT min(password) FROM users
                 GROUP BY substr(password, 1, CASE WHEN password GLOB '$2?$*' THEN 7 ELSE 31 END) LIMIT 5000",
            )?;
            statement.query_map([], |row| row.get(0).map(PasswordHash::from_store))?.collect()
        })
        .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.ask(|connection| {
            connection.query_row("SELECT count(*) FROM (SELECT 1 FROM users LIMIT 1)", [], |_| Ok(()))
        })
        .await
    }

    async fn advice(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    fn read_only(&self) -> Option<&'static str> {
        None
    }

    fn is_shared(&self) -> bool {
        false
    }
}

impl fmt::Debug for SqliteUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteUsers").finish_non_exhaustive()
    }
}

/// Adds a user; false if the login is taken.
fn is_new(connection: &Connection, user: &User) -> rusqlite::Result<bool> {
    match insert(connection, user) {
        Ok(_) => Ok(true),
        Err(Error::SqliteFailure(code, _)) if code.extended_code == ffi::SQLITE_CONSTRAINT_UNIQUE => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = sqlite::open(path)?;
    connection.execute_batch(SCHEMA)?;
    let has_claims = "SELECT count(*) FROM pragma_table_info('users') WHERE name = 'claims'";
    if connection.query_row(has_claims, [], |row| row.get::<_, u32>(0))? == 0 {
        // A file of an earlier version. Another process may add it at the same time: then it is there.
        let added = connection.execute("ALTER TABLE users ADD COLUMN claims TEXT NOT NULL DEFAULT '{}'", []);
        if connection.query_row(has_claims, [], |row| row.get::<_, u32>(0))? == 0 {
            added?;
        }
    }
    Ok(connection)
}
