//! How are users asked for that another application keeps in an SQLite file? In the table it made, with its file left as
//! it is: nothing is created, and in mode `read_only` nothing can be.

mod add;
mod file;
mod row;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, Params, params_from_iter};
use serde_json::Value;

use self::file::File;
use self::row::{key, number, record};
use crate::identity::{AskedLogin, Scopes, UserId};
use crate::password::PasswordHash;
use crate::users::kinds;
use crate::users::sql::{self, NO_FLAG, NO_SCOPES, Reader, Record};
use crate::users::{CreateError, Fields, Mode, ScopeSource, StoreError, User, UserStore};

/// The users in another application's SQLite file.
#[derive(Clone)]
pub(in crate::users) struct MappedUsers {
    file: Arc<File>,
    reader: Arc<Reader>,
    /// `SELECT` and the columns of a record, `FROM` and the table.
    select: Arc<str>,
}

impl MappedUsers {
    /// Opens the file, which must be there.
    pub(in crate::users) async fn open(
        path: PathBuf,
        fields: Fields,
        mode: Mode,
    ) -> Result<Self, StoreError> {
        let columns = sql::columns(&fields).join(", ");
        let (id, table) = (sql::column(&fields.id), sql::table(&fields));
        let select = format!("SELECT {id}, {columns} FROM {table} AS u");
        let file = File::open(path, mode).await.map_err(StoreError::Failed)?;
        Ok(Self { file: Arc::new(file), reader: Arc::new(Reader::new(fields)), select: select.into() })
    }

    /// Runs `job` on a thread that may wait.
    async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Self, &Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let this = self.clone();
        self.file.ask(move |connection| job(&this, connection)).await.map_err(StoreError::Failed)
    }

    /// The records that a query finds, with their scopes.
    fn records(
        &self,
        connection: &Connection,
        rest: &str,
        values: impl Params,
    ) -> rusqlite::Result<Vec<Record>> {
        let mut statement = connection.prepare_cached(&format!("{} {rest}", self.select))?;
        let fields = &self.reader.fields;
        let mut records: Vec<Record> =
            statement.query_map(values, |row| record(row, fields))?.collect::<rusqlite::Result<_>>()?;
        if let ScopeSource::Query(query) = &fields.scopes {
            let mut statement = connection.prepare_cached(&sql::scopes(query))?;
            for record in &mut records {
                let Some(id) = record.id().map(key) else { continue };
                let scopes = statement.query_map([id], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
                record.set_scopes(scopes);
            }
        }
        Ok(records)
    }

    /// The records one of whose logins is `login`, and one more than are of use.
    fn of_login(&self, connection: &Connection, login: &AskedLogin) -> rusqlite::Result<Vec<Record>> {
        let fields = &self.reader.fields;
        let spellings: Vec<_> = login.spellings().map(|login| login.as_str().to_owned()).collect();
        let condition = sql::has_login(fields, spellings.len(), |number| format!("?{number}"));
        let values = fields.login.iter().flat_map(|_| spellings.clone());
        let rest = format!("WHERE {condition} LIMIT {}", sql::MOST_RECORDS + 1);
        self.records(connection, &rest, params_from_iter(values))
    }

    /// The record with this id, spelled like this.
    fn with_id(&self, connection: &Connection, id: &UserId) -> rusqlite::Result<Option<Record>> {
        let rest = format!("WHERE {} LIMIT 1", self.is_id());
        Ok(self.records(connection, &rest, (key(id.as_str()), id.as_str()))?.pop())
    }

    /// The condition that the id is ?1 as the column compares it, and ?2 as it is printed.
    fn is_id(&self) -> String {
        let id = sql::column(&self.reader.fields.id);
        format!("{id} IN (?1, ?2) AND CAST({id} AS text) = ?2")
    }

    /// Sets a column of one user; `set` is what stands behind `SET`, with parameters from ?3 on.
    async fn change(&self, id: &UserId, set: String, values: Vec<String>) -> Result<bool, StoreError> {
        let id = id.to_string();
        self.ask(move |this, connection| {
            let table = sql::table(&this.reader.fields);
            let mut statement =
                connection.prepare(&format!("UPDATE {table} AS u SET {set} WHERE {}", this.is_id()))?;
            statement.raw_bind_parameter(1, key(&id))?;
            statement.raw_bind_parameter(2, id.as_str())?;
            for (at, value) in values.iter().enumerate() {
                statement.raw_bind_parameter(at + 3, value)?;
            }
            Ok(statement.raw_execute()? == 1)
        })
        .await
    }
}

#[async_trait]
impl UserStore for MappedUsers {
    async fn by_login(&self, login: &AskedLogin) -> Result<Option<User>, StoreError> {
        let login = login.clone();
        self.ask(move |this, connection| {
            let records = this.of_login(connection, &login)?;
            Ok(this.reader.chosen(&login, records).and_then(|record| this.reader.user(record)))
        })
        .await
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let id = id.clone();
        self.ask(move |this, connection| {
            Ok(this.with_id(connection, &id)?.and_then(|record| this.reader.user(record)))
        })
        .await
    }

    async fn by_ids(&self, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
        let ids = ids.to_vec();
        self.ask(move |this, connection| {
            let texts = ids.iter().map(|id| Value::from(id.as_str()));
            let numbers = ids.iter().filter_map(|id| number(id.as_str())).map(Value::from);
            let keys = texts.chain(numbers).collect::<Value>().to_string();
            let id = sql::column(&this.reader.fields.id);
            let these = format!("WHERE {id} IN (SELECT value FROM json_each(?1))");
            let asked: std::collections::HashSet<&str> = ids.iter().map(UserId::as_str).collect();
            let mut records = this.records(connection, &these, [keys])?;
            records.retain(|record| record.id().is_some_and(|id| asked.contains(id)));
            Ok(records.into_iter().filter_map(|record| this.reader.user(record)).collect())
        })
        .await
    }

    async fn page(&self, after: Option<&UserId>, most: usize) -> Result<Vec<User>, StoreError> {
        let mut after = after.map(UserId::to_string);
        self.ask(move |this, connection| {
            let id = sql::column(&this.reader.fields.id);
            let mut found = Vec::new();
            while found.len() < most {
                let wanted = crate::sqlite::number((most - found.len()) as u64);
                let (from, key) = match &after {
                    Some(after) => (format!("{id} > ?1"), Some(key(after))),
                    None => (format!("{id} IS NOT NULL AND ?1 IS NULL"), None),
                };
                let next = format!("WHERE {from} ORDER BY {id} LIMIT ?2");
                let records = this.records(connection, &next, (key, wanted))?;
                // Those that are nobody's are passed over: a page of nothing would be the last.
                let Some(last) = records.last() else { break };
                let last = last.id().map(ToOwned::to_owned);
                if last.is_none() || last == after {
                    break;
                }
                after = last;
                found.extend(records.into_iter().filter_map(|record| this.reader.user(record)));
            }
            Ok(found)
        })
        .await
    }

    /// Of two processes that create one login at the same time one has it: this one holds the file from its question to
    /// its answer. An application that does not ask first may add it still, if no unique index forbids it.
    async fn create(&self, user: User) -> Result<UserId, CreateError> {
        let asked = self.ask(move |this, connection| add::add(this, connection, &user)).await?;
        asked.map_or(Err(CreateError::Exists), |id| id.map_err(|why| StoreError::Failed(why).into()))
    }

    async fn set_password(&self, id: &UserId, hash: PasswordHash) -> Result<bool, StoreError> {
        let set = format!("{} = ?3", sql::quoted(&self.reader.fields.password));
        self.change(id, set, vec![hash.expose().to_owned()]).await
    }

    async fn replace_password(
        &self,
        id: &UserId,
        from: &PasswordHash,
        to: PasswordHash,
    ) -> Result<bool, StoreError> {
        if from.expose().is_empty() {
            return Ok(false);
        }
        let (id, from) = (id.to_string(), from.expose().to_owned());
        self.ask(move |this, connection| {
            let fields = &this.reader.fields;
            let (table, name) = (sql::table(fields), sql::quoted(&fields.password));
            let still = format!("{} AND CAST({} AS text) = ?4", this.is_id(), sql::column(&fields.password));
            let update = format!("UPDATE {table} AS u SET {name} = ?3 WHERE {still}");
            Ok(connection.execute(&update, (key(&id), &id, to.expose(), from))? == 1)
        })
        .await
    }

    async fn set_scopes(&self, id: &UserId, scopes: Scopes) -> Result<bool, StoreError> {
        let ScopeSource::Field(name) = &self.reader.fields.scopes else { return Err(NO_SCOPES) };
        let (name, column) = (sql::quoted(name), sql::column(name));
        // In the form that is there.
        let set = format!(
            "{name} = CASE WHEN {column} LIKE '[%' THEN ?4 WHEN {column} LIKE '%,%' THEN ?5 ELSE ?3 END"
        );
        let forms = vec![scopes.to_string(), sql::as_list(&scopes), scopes.as_str().replace(' ', ",")];
        self.change(id, set, forms).await
    }

    async fn set_disabled(&self, id: &UserId, disabled: bool) -> Result<bool, StoreError> {
        let Some(flag) = &self.reader.fields.disabled else { return Err(NO_FLAG) };
        let set = format!("{} = CAST(?3 AS integer)", sql::quoted(&flag.field));
        self.change(id, set, vec![i32::from(disabled != flag.inverted).to_string()]).await
    }

    async fn delete(&self, id: &UserId) -> Result<bool, StoreError> {
        let id = id.to_string();
        self.ask(move |this, connection| {
            let delete =
                format!("DELETE FROM {} AS u WHERE {}", sql::table(&this.reader.fields), this.is_id());
            Ok(connection.execute(&delete, (key(&id), &id))? == 1)
        })
        .await
    }

    async fn sample(&self) -> Result<Vec<PasswordHash>, StoreError> {
        self.ask(|this, connection| {
            let sample = sql::sample(&this.reader.fields, |column| format!("CAST({column} AS text)"));
            let mut statement = connection.prepare(&sample)?;
            let hashes = statement.query_map([], |row| row.get::<_, String>(0))?;
            let hashes = hashes.filter_map(Result::ok).filter(|hash| !hash.is_empty());
            Ok(kinds::one_of_each(hashes.map(PasswordHash::from_store)))
        })
        .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.ask(|this, connection| this.records(connection, "LIMIT 1", [])).await.map(drop)
    }

    async fn advice(&self) -> Result<Vec<String>, StoreError> {
        self.ask(|this, connection| add::advice(&this.reader.fields, connection)).await
    }

    fn read_only(&self) -> Option<&'static str> {
        None
    }

    fn is_shared(&self) -> bool {
        true
    }
}

impl fmt::Debug for MappedUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MappedUsers").finish_non_exhaustive()
    }
}
