//! What does a row of the table say of a user, and how is one written?

use rusqlite::{Connection, Error, Row, named_params};

use crate::clock::UnixTime;
use crate::identity::{BadText, Claims, LoginName, Scopes, UserId};
use crate::password::PasswordHash;
use crate::users::User;

pub(super) const COLUMNS: &str =
    "SELECT id, login, email, password, scopes, disabled, created, claims FROM users";

/// Adds a row.
pub(super) fn insert(connection: &Connection, user: &User) -> rusqlite::Result<usize> {
    let claims: serde_json::Map<_, _> =
        user.claims.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let created = user.created.map_or(0, UnixTime::millis);
    let mut statement = connection.prepare_cached(
        "INSERT INTO users (id, login, email, password, scopes, disabled, created, claims)
         VALUES (:id, :login, :email, :password, :scopes, :disabled, :created, :claims)",
    )?;
    statement.execute(named_params! {
        ":id": user.id.as_str(),
        ":login": user.login.as_str(),
        ":email": user.email,
        ":password": user.password.expose(),
        ":scopes": user.scopes.as_str(),
        ":disabled": user.disabled,
        ":created": i64::try_from(created).unwrap_or(i64::MAX),
        ":claims": serde_json::Value::Object(claims).to_string(),
    })
}

/// Reads a row of [`COLUMNS`].
pub(super) fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let created: i64 = row.get(6)?;
    Ok(User {
        id: parsed(row, 0, UserId::parse)?,
        login: parsed(row, 1, LoginName::as_stored)?,
        email: row.get(2)?,
        password: PasswordHash::from_store(row.get(3)?),
        scopes: parsed(row, 4, Scopes::parse)?,
        disabled: row.get(5)?,
        claims: claims(row, 7)?,
        created: Some(UnixTime::from_millis(u64::try_from(created).unwrap_or(0)))
            .filter(|at| at.millis() > 0),
    })
}

/// Leaves out a row that cannot be a user's, put there by another hand: it is nobody's business but its own.
pub(super) fn readable(row: rusqlite::Result<User>) -> Option<rusqlite::Result<User>> {
    match row {
        Err(Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..)) => {
            tracing::debug!("a row of the users' table is no user's");
            None
        }
        row => Some(row),
    }
}

/// A column that must be well formed: a name that is not, put there by another hand, must not reach a header.
fn parsed<T>(row: &Row<'_>, at: usize, parse: impl Fn(&str) -> Result<T, BadText>) -> rusqlite::Result<T> {
    let value = row.get_ref(at)?;
    parse(value.as_str()?)
        .map_err(|bad| Error::FromSqlConversionFailure(at, value.data_type(), Box::new(Odd(bad))))
}

/// Claims that are no claims, put there by another hand, are left out.
fn claims(row: &Row<'_>, at: usize) -> rusqlite::Result<Claims> {
    let text: String = row.get(at)?;
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap_or_default();
    let mut claims = Claims::default();
    for (name, value) in members {
        if let Err(bad) = claims.insert(&name, value) {
            tracing::debug!("a claim of a user {bad}");
        }
    }
    Ok(claims)
}

/// What is wrong with a stored value.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Odd(BadText);
