//! How is a user added to another application's table, and is the table fit for it?

use rusqlite::types::Value as Cell;
use rusqlite::{
    Connection, Error, OptionalExtension as _, Transaction, TransactionBehavior, ffi, params_from_iter,
};

use super::MappedUsers;
use crate::identity::{AskedLogin, UserId};
use crate::users::sql::{self, as_list, moment_text};
use crate::users::{Fields, ScopeSource, User};

/// The id of the new user, or why there is none; nothing if the login is taken.
pub(super) fn add(
    store: &MappedUsers,
    connection: &Connection,
    user: &User,
) -> rusqlite::Result<Option<Result<UserId, String>>> {
    let fields = &store.reader.fields;
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for login in sql::claimed(fields, user) {
        if !store.of_login(&transaction, &AskedLogin::from(login))?.is_empty() {
            return Ok(None);
        }
    }
    let mut cells: Vec<(&str, Cell)> = cells(connection, fields, user)?;
    if let Some(id) = new_id(connection, fields, user)? {
        cells.insert(0, (&fields.id, id.into()));
    }
    let names: Vec<_> = cells.iter().map(|(name, _)| sql::quoted(name)).collect();
    let marks = vec!["?"; names.len()].join(", ");
    let (table, names, id) = (sql::table(fields), names.join(", "), sql::quoted(&fields.id));
    let insert = format!("INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING CAST({id} AS text)");
    let values = params_from_iter(cells.into_iter().map(|(_, cell)| cell));
    let id: Option<String> = match transaction.query_row(&insert, values, |row| row.get(0)) {
        Ok(id) => id,
        Err(Error::SqliteFailure(code, _)) if code.extended_code == ffi::SQLITE_CONSTRAINT_UNIQUE => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let Some(id) = id.and_then(|id| UserId::parse(&id).ok()) else {
        return Ok(Some(Err(format!("a new row of {table} gets no id: it has to come from the database"))));
    };
    transaction.commit()?;
    Ok(Some(Ok(id)))
}

fn cells<'f>(
    connection: &Connection,
    fields: &'f Fields,
    user: &User,
) -> rusqlite::Result<Vec<(&'f str, Cell)>> {
    let mut cells: Vec<(&str, Cell)> = vec![
        (&fields.login[0], user.login.to_string().into()),
        (&fields.password, user.password.expose().to_owned().into()),
    ];
    if let (Some(name), Some(email)) = (&fields.email, &user.email)
        && *name != fields.login[0]
    {
        cells.push((name, email.clone().into()));
    }
    if let Some(flag) = &fields.disabled {
        cells.push((&flag.field, i64::from(user.disabled != flag.inverted).into()));
    }
    if let ScopeSource::Field(name) = &fields.scopes {
        let list = declared(connection, fields, name)?.contains("JSON");
        let text = if list { as_list(&user.scopes) } else { user.scopes.to_string() };
        cells.push((name, text.into()));
    }
    if let (Some(name), Some(moment)) = (&fields.created, user.created) {
        let number = declared(connection, fields, name)?.contains("INT");
        cells.push((
            name,
            if number { crate::sqlite::number(moment.secs()).into() } else { moment_text(moment, "").into() },
        ));
    }
    for (claim, name) in &fields.claims {
        let Some(value) = user.claims.get(claim) else { continue };
        let cell = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        cells.push((name, cell.into()));
    }
    Ok(cells)
}

/// The id that has to be given: none where the table numbers its rows.
fn new_id(connection: &Connection, fields: &Fields, user: &User) -> rusqlite::Result<Option<String>> {
    let kind = declared(connection, fields, &fields.id)?;
    Ok(if kind.contains("INT") {
        None
    } else if kind.contains("UUID") || kind.contains("(36)") {
        Some(sql::random_uuid())
    } else if kind.contains("(32)") {
        Some(sql::random_uuid().replace('-', ""))
    } else {
        Some(user.id.to_string())
    })
}

/// The type a column was declared with, in capitals; empty if it has none.
fn declared(connection: &Connection, fields: &Fields, column: &str) -> rusqlite::Result<String> {
    let (schema, table) = parts(fields);
    let mut statement = connection
        .prepare_cached("SELECT upper(type) FROM pragma_table_info(?1, ?2) WHERE name = ?3 COLLATE NOCASE")?;
    let kind = statement.query_row((table, schema, column), |row| row.get(0)).optional()?;
    Ok(kind.unwrap_or_default())
}

fn parts(fields: &Fields) -> (&str, &str) {
    fields.table.split_once('.').unwrap_or(("main", &fields.table))
}

/// What the table lacks.
pub(super) fn advice(fields: &Fields, connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let (schema, table) = parts(fields);
    let unique = "SELECT count(*) FROM pragma_index_list(?1, ?2) AS i
                  WHERE i.\"unique\" AND NOT i.partial
                    AND (SELECT count(*) FROM pragma_index_info(i.name, ?2)) = 1
                    AND (SELECT max(x.name) FROM pragma_index_info(i.name, ?2) AS x) = ?3 COLLATE NOCASE";
    // An index of an expression has no column: what it was made with says it.
    let lower = format!(
        "SELECT count(*) FROM {}.sqlite_schema WHERE type = 'index' AND tbl_name = ?1 COLLATE NOCASE
           AND sql LIKE 'CREATE UNIQUE%' AND replace(replace(lower(sql), '\"', ''), ' ', '') LIKE '%(lower(' || ?2 || '))'",
        sql::quoted(schema)
    );
    let mut found = Vec::new();
    for login in &fields.login {
        let served: i64 = if fields.ignore_case {
            let plain = login.to_lowercase().replace(['"', ' '], "");
            connection.query_row(&lower, (table, plain), |row| row.get(0))?
        } else {
            connection.query_row(unique, (table, schema, login), |row| row.get(0))?
        };
        if served == 0 {
            found.push(sql::no_index(fields, login, &format!("{table}_{login}_unique")));
        }
    }
    Ok(found)
}
