//! How is a user added to another application's table, and is the table fit for it? The catalog knows its types.

use std::collections::HashMap;

use super::PostgresUsers;
use super::link::{Asked, Problem};
use super::parameter::array;
use crate::identity::{AskedLogin, Scope, Scopes, UserId};
use crate::users::sql::{self, as_list, moment_text};
use crate::users::{Fields, ScopeSource, User};

/// What came of adding somebody.
pub(super) enum Added {
    User(UserId),
    /// The login is taken.
    Exists,
    /// Why it did not work, for people.
    Failed(String),
}

/// A column's type, and whether new rows get a value by themselves.
#[derive(Debug)]
struct Column {
    kind: String,
    filled: bool,
}

/// Adds a user, if nobody has the login.
pub(super) async fn add(store: &PostgresUsers, asked: &Asked<'_>, user: &User) -> Result<Added, Problem> {
    if is_taken(store, asked, user).await? {
        return Ok(Added::Exists);
    }
    let fields = &store.reader.fields;
    let columns = columns(asked, fields).await?;
    let kind = |name: &str| columns.get(name).map_or("", |column| column.kind.as_str());
    let mut cells = cells(fields, user, kind);
    if columns.get(&fields.id).is_some_and(|column| !column.filled) {
        let id = if kind(&fields.id) == "uuid" { sql::random_uuid() } else { user.id.to_string() };
        cells.push((&fields.id, id));
    }
    let names: Vec<_> = cells.iter().map(|(name, _)| sql::quoted(name)).collect();
    let marks: Vec<_> = (1..=cells.len()).map(|number| format!("${number}")).collect();
    let insert = format!(
        "INSERT INTO {} ({}) VALUES ({}) RETURNING {}::text",
        sql::table(fields),
        names.join(", "),
        marks.join(", "),
        sql::quoted(&fields.id)
    );
    let values: Vec<_> = cells.iter().map(|(_, text)| Some(text.as_str())).collect();
    match asked.insert(&insert, &values).await {
        Ok(rows) => {
            let id = rows.first().and_then(|row| row.get::<_, Option<&str>>(0)).map(UserId::parse);
            Ok(match id {
                Some(Ok(id)) => Added::User(id),
                _ => Added::Failed("PostgreSQL: the new row has no id that could be a user's".to_owned()),
            })
        }
        // Somebody was faster; if not, something else in the row is there already.
        Err(problem) if problem.is_duplicate() => Ok(if is_taken(store, asked, user).await? {
            Added::Exists
        } else {
            Added::Failed(problem.told())
        }),
        Err(problem) => Err(problem),
    }
}

async fn is_taken(store: &PostgresUsers, asked: &Asked<'_>, user: &User) -> Result<bool, Problem> {
    for login in sql::claimed(&store.reader.fields, user) {
        if !store.of_login(asked, &AskedLogin::from(login)).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn cells<'f, 'k>(
    fields: &'f Fields,
    user: &User,
    kind: impl Fn(&str) -> &'k str,
) -> Vec<(&'f String, String)> {
    let mut cells = vec![
        (&fields.login[0], user.login.to_string()),
        (&fields.password, user.password.expose().to_owned()),
    ];
    if let (Some(name), Some(email)) = (&fields.email, &user.email)
        && *name != fields.login[0]
    {
        cells.push((name, email.clone()));
    }
    if let Some(flag) = &fields.disabled {
        cells.push((&flag.field, i32::from(user.disabled != flag.inverted).to_string()));
    }
    if let ScopeSource::Field(name) = &fields.scopes {
        cells.push((name, form(kind(name), &user.scopes)));
    }
    if let (Some(name), Some(moment)) = (&fields.created, user.created) {
        let number = ["integer", "bigint"].contains(&kind(name));
        let text = if number { moment.secs().to_string() } else { moment_text(moment, "+00:00") };
        cells.push((name, text));
    }
    for (claim, name) in &fields.claims {
        let Some(value) = user.claims.get(claim) else { continue };
        let text = value.as_str().filter(|_| !kind(name).starts_with("json"));
        cells.push((name, text.map_or_else(|| value.to_string(), ToOwned::to_owned)));
    }
    cells
}

/// Scopes as the column has them.
pub(super) async fn written(
    asked: &Asked<'_>,
    fields: &Fields,
    column: &str,
    scopes: &Scopes,
) -> Result<String, Problem> {
    let columns = columns(asked, fields).await?;
    Ok(form(columns.get(column).map_or("", |column| &column.kind), scopes))
}

fn form(kind: &str, scopes: &Scopes) -> String {
    if kind.ends_with("[]") {
        array(scopes.iter().map(Scope::as_str))
    } else if kind.starts_with("json") {
        as_list(scopes)
    } else {
        scopes.to_string()
    }
}

async fn columns(asked: &Asked<'_>, fields: &Fields) -> Result<HashMap<String, Column>, Problem> {
    let catalog = "SELECT attname::text, format_type(atttypid, NULL), \
                   (atthasdef OR attidentity <> '')::text FROM pg_catalog.pg_attribute \
                   WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped";
    let rows = asked.rows(catalog, &[Some(&sql::table(fields))]).await?;
    let column = |row: &tokio_postgres::Row| {
        (row.get(0), Column { kind: row.get(1), filled: row.get::<_, &str>(2) == "true" })
    };
    Ok(rows.iter().map(column).collect())
}

/// What the table lacks.
pub(super) async fn advice(asked: &Asked<'_>, fields: &Fields) -> Result<Vec<String>, Problem> {
    let table = sql::table(fields);
    // Of a view the tables behind it would have to be known.
    let unique = "SELECT (c.relkind IN ('r', 'p'))::text, pg_get_indexdef(i.indexrelid, 1, false), quote_ident($2::text) \
                  FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid \
                  AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND (i.indpred IS NULL \
                  OR pg_get_expr(i.indpred, i.indrelid) = '(' || quote_ident($2::text) || ' IS NOT NULL)') \
                  WHERE c.oid = to_regclass($1::text)";
    let mut found = Vec::new();
    for login in &fields.login {
        let rows = asked.rows(unique, &[Some(&table), Some(login)]).await?;
        let serves = |row: &tokio_postgres::Row| {
            let (Some(index), name) = (row.get::<_, Option<&str>>(1), row.get::<_, &str>(2)) else {
                return false;
            };
            if fields.ignore_case {
                index == format!("lower({name})") || index == format!("lower(({name})::text)")
            } else {
                index == name
            }
        };
        if rows.iter().any(|row| row.get::<_, &str>(0) == "true") && !rows.iter().any(serves) {
            found.push(sql::no_index(fields, login, ""));
        }
    }
    Ok(found)
}
