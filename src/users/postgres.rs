//! How are users asked for that another application keeps in PostgreSQL? In the table it made; every value is read as
//! text or JSON and written as text, so that the server does all converting and any type of column will do.

mod add;
mod address;
mod link;
mod parameter;

use std::collections::HashSet;
use std::fmt;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use serde_json::Value;
use tokio_postgres::Row;

pub(super) use self::address::Address;
use self::link::{Asked, Link, Problem};
use self::parameter::{array, fits};
use crate::identity::{AskedLogin, Scopes, UserId};
use crate::password::PasswordHash;
use crate::secret::Secret;
use crate::users::kinds;
use crate::users::sql::{self, NO_FLAG, NO_SCOPES, Reader, Record};
use crate::users::{CreateError, Fields, ScopeSource, StoreError, User, UserStore};

/// The users in another application's PostgreSQL database.
pub(super) struct PostgresUsers {
    link: Link,
    reader: Reader,
    /// `SELECT` and the columns of a record, `FROM` and the table.
    select: String,
}

impl PostgresUsers {
    /// Looks at the URL, and asks nobody yet: whether the server answers shows when it is needed.
    pub(super) fn open(url: &Secret, fields: Fields) -> Result<Self, StoreError> {
        let columns = sql::columns(&fields).join(", ");
        let (id, table) = (sql::column(&fields.id), sql::table(&fields));
        let select = format!("SELECT {id}::text, json_build_array({columns})::text FROM {table} AS u");
        Ok(Self { link: Link::new(url)?, reader: Reader::new(fields), select })
    }

    /// The records that a query finds, with their scopes.
    async fn records(
        &self,
        asked: &Asked<'_>,
        rest: &str,
        values: &[Option<&str>],
    ) -> Result<Vec<Record>, Problem> {
        let rows = asked.rows(&format!("{} {rest}", self.select), values).await?;
        let fields = &self.reader.fields;
        let mut records: Vec<Record> = rows.iter().map(|row| record(row, fields)).collect();
        if let ScopeSource::Query(query) = &fields.scopes {
            let query = &sql::scopes(query);
            let scopes = records.iter().map(async |record| {
                let Some(id) = record.id() else { return Ok(Vec::new()) };
                let rows = asked.rows(query, &[Some(id)]).await?;
                Ok::<_, Problem>(rows.iter().filter_map(|row| row.get(0)).collect::<Vec<String>>())
            });
            let scopes = try_join_all(scopes).await?;
            records.iter_mut().zip(scopes).for_each(|(record, scopes)| record.set_scopes(scopes));
        }
        Ok(records)
    }

    /// The records one of whose logins is `login`, and one more than are of use.
    async fn of_login(&self, asked: &Asked<'_>, login: &AskedLogin) -> Result<Vec<Record>, Problem> {
        let fields = &self.reader.fields;
        let spellings: Vec<_> = login.spellings().map(|login| Some(login.as_str())).collect();
        let condition = sql::has_login(fields, spellings.len(), |number| format!("${number}"));
        let values: Vec<_> = fields.login.iter().flat_map(|_| spellings.iter().copied()).collect();
        let rest = format!("WHERE {condition} LIMIT {}", sql::MOST_RECORDS + 1);
        self.records(asked, &rest, &values).await
    }

    /// The condition that the id is $1 as the column compares it, and $2 as it is printed.
    fn is_id(&self) -> String {
        let id = sql::column(&self.reader.fields.id);
        format!("{id} = $1 AND {id}::text = $2")
    }

    /// Changes one user, if there is one; `set` stands behind `SET`, with parameters from $3 on.
    async fn change(&self, id: &UserId, set: &str, values: &[&str]) -> Result<bool, StoreError> {
        let table = sql::table(&self.reader.fields);
        self.execute(id, &format!("UPDATE {table} AS u SET {set} WHERE {}", self.is_id()), values).await
    }

    async fn execute(&self, id: &UserId, statement: &str, values: &[&str]) -> Result<bool, StoreError> {
        let id = id.as_str();
        let values: Vec<_> = [id, id].iter().chain(values).map(|value| Some(*value)).collect();
        self.link.ask(async |asked| Ok(asked.execute(statement, &values).await? == 1)).await
    }
}

#[async_trait]
impl UserStore for PostgresUsers {
    async fn by_login(&self, login: &AskedLogin) -> Result<Option<User>, StoreError> {
        let records = self.link.ask(async |asked| nowhere(self.of_login(asked, login).await)).await?;
        Ok(self.reader.chosen(login, records).and_then(|record| self.reader.user(record)))
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let id = Some(id.as_str());
        let rest = format!("WHERE {} LIMIT 1", self.is_id());
        let found = self.link.ask(async |asked| nowhere(self.records(asked, &rest, &[id, id]).await)).await?;
        Ok(found.into_iter().next().and_then(|record| self.reader.user(record)))
    }

    async fn by_ids(&self, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
        let wanted: HashSet<&str> = ids.iter().map(UserId::as_str).collect();
        let rest = format!("WHERE {} = ANY($1)", sql::column(&self.reader.fields.id));
        let find = async |asked: &Asked<'_>| {
            let kind = asked.kind(&format!("{} {rest}", self.select)).await?;
            let these = array(wanted.iter().copied().filter(|id| fits(&kind, id)));
            self.records(asked, &rest, &[Some(&these)]).await
        };
        let mut records = self.link.ask(find).await?;
        records.retain(|record| record.id().is_some_and(|id| wanted.contains(id)));
        Ok(records.into_iter().filter_map(|record| self.reader.user(record)).collect())
    }

    async fn page(&self, after: Option<&UserId>, most: usize) -> Result<Vec<User>, StoreError> {
        let id = sql::column(&self.reader.fields.id);
        let mut after = after.map(UserId::to_string);
        let mut found = Vec::new();
        while found.len() < most {
            let wanted = (most - found.len()).to_string();
            let (rest, values) = match &after {
                Some(after) => (
                    format!("WHERE {id} > $1 ORDER BY {id} LIMIT $2"),
                    vec![Some(after.as_str()), Some(&*wanted)],
                ),
                None => (format!("WHERE {id} IS NOT NULL ORDER BY {id} LIMIT $1"), vec![Some(&*wanted)]),
            };
            let records = self.link.ask(async |asked| self.records(asked, &rest, &values).await).await?;
            // Those that are nobody's are passed over: a page of nothing would be the last.
            let Some(last) = records.last().and_then(Record::id).map(ToOwned::to_owned) else { break };
            if Some(&last) == after.as_ref() {
                break;
            }
            after = Some(last);
            found.extend(records.into_iter().filter_map(|record| self.reader.user(record)));
        }
        Ok(found)
    }

    /// Asks whether the login is there, then adds it. Of several who do so at the same time one has it if a unique index
    /// says so, else all have; [`UserStore::advice`] tells what to add then.
    async fn create(&self, user: User) -> Result<UserId, CreateError> {
        let created = self.link.ask(async |asked| add::add(self, asked, &user).await).await?;
        match created {
            add::Added::User(id) => Ok(id),
            add::Added::Exists => Err(CreateError::Exists),
            add::Added::Failed(why) => Err(StoreError::Failed(why).into()),
        }
    }

    async fn set_password(&self, id: &UserId, hash: PasswordHash) -> Result<bool, StoreError> {
        let set = format!("{} = $3", sql::quoted(&self.reader.fields.password));
        self.change(id, &set, &[hash.expose()]).await
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
        let (table, name) = (sql::table(&self.reader.fields), &self.reader.fields.password);
        let still = format!("{} AND {} = $4", self.is_id(), sql::column(name));
        let update = format!("UPDATE {table} AS u SET {} = $3 WHERE {still}", sql::quoted(name));
        self.execute(id, &update, &[to.expose(), from.expose()]).await
    }

    async fn set_scopes(&self, id: &UserId, scopes: Scopes) -> Result<bool, StoreError> {
        let ScopeSource::Field(name) = &self.reader.fields.scopes else { return Err(NO_SCOPES) };
        let written =
            self.link.ask(async |asked| add::written(asked, &self.reader.fields, name, &scopes).await);
        let written = written.await?;
        self.change(id, &format!("{} = $3", sql::quoted(name)), &[&written]).await
    }

    async fn set_disabled(&self, id: &UserId, disabled: bool) -> Result<bool, StoreError> {
        let Some(flag) = &self.reader.fields.disabled else { return Err(NO_FLAG) };
        // Understood by columns of truth values, numbers and text.
        let value = if disabled == flag.inverted { "0" } else { "1" };
        self.change(id, &format!("{} = $3", sql::quoted(&flag.field)), &[value]).await
    }

    async fn delete(&self, id: &UserId) -> Result<bool, StoreError> {
        let table = sql::table(&self.reader.fields);
        self.execute(id, &format!("DELETE FROM {table} AS u WHERE {}", self.is_id()), &[]).await
    }

    async fn sample(&self) -> Result<Vec<PasswordHash>, StoreError> {
        let sample = sql::sample(&self.reader.fields, |column| format!("json_build_array({column})::text"));
        let rows = self.link.ask(async |asked| asked.rows(&sample, &[]).await).await?;
        let hashes = rows.iter().filter_map(|row| Some(password(values(row, 0).pop()?).as_str()?.to_owned()));
        Ok(kinds::one_of_each(hashes.filter(|hash| !hash.is_empty()).map(PasswordHash::from_store)))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.link.ask(async |asked| self.records(asked, "LIMIT 1", &[]).await).await.map(drop)
    }

    async fn advice(&self) -> Result<Vec<String>, StoreError> {
        self.link.ask(async |asked| add::advice(asked, &self.reader.fields).await).await
    }

    fn read_only(&self) -> Option<&'static str> {
        None
    }

    fn is_shared(&self) -> bool {
        true
    }
}

impl fmt::Debug for PostgresUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresUsers").finish_non_exhaustive()
    }
}

/// What the server cannot even compare is not there.
fn nowhere(found: Result<Vec<Record>, Problem>) -> Result<Vec<Record>, Problem> {
    match found {
        Err(problem) if problem.is_about_a_value() => Ok(Vec::new()),
        found => found,
    }
}

fn record(row: &Row, fields: &Fields) -> Record {
    let mut values = values(row, 1);
    if let Some(first) = values.first_mut() {
        *first = password(first.take());
    }
    Record::of(row.get(0), values, fields)
}

/// A list of JSON; nothing if it cannot be read, which makes a record that cannot be a user's.
fn values(row: &Row, at: usize) -> Vec<Value> {
    row.get::<_, Option<&str>>(at).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// A hash that is kept as bytes comes as their digits.
fn password(value: Value) -> Value {
    let Some(digits) = value.as_str().and_then(|text| text.strip_prefix("\\x")) else { return value };
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(Value::Null, Value::from)
}
