//! How is another application's table asked? The statements that PostgreSQL and SQLite both understand, and what their
//! rows mean.
//!
//! Names come from `[users.fields]` and are quoted, always; values are parameters, always. Columns are written with the
//! table's alias: SQLite takes a quoted name that it does not know for a text, unless it can only be a column.

mod moment;
mod record;
mod value;

pub(super) use moment::text as moment_text;
pub(super) use record::{Reader, Record};
pub(super) use value::as_list;

use super::{Fields, ScopeSource, StoreError, User};
use crate::identity::LoginName;
use crate::secret;

/// The records looked at for one login. More of them mean that logins are not unique at all.
pub(super) const MOST_RECORDS: usize = 16;
/// The users whose hashes are looked at for a sample.
pub(super) const SAMPLE: usize = 5000;

pub(super) const NO_SCOPES: StoreError = StoreError::ReadOnly("[users.fields] names no column for `scopes`");
pub(super) const NO_FLAG: StoreError = StoreError::ReadOnly("[users.fields] names no column for `disabled`");

/// A name as SQL has it, whatever it is made of.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The table's name, with its schema if it has one.
pub(super) fn table(fields: &Fields) -> String {
    fields.table.split('.').map(quoted).collect::<Vec<_>>().join(".")
}

/// A column of the table `u`.
pub(super) fn column(name: &str) -> String {
    format!("u.{}", quoted(name))
}

/// The columns of a record behind its id, in the order that [`Record::of`] expects them in.
pub(super) fn columns(fields: &Fields) -> Vec<String> {
    let of = |name: Option<&str>| name.map_or_else(|| "NULL".to_owned(), column);
    let scopes = match &fields.scopes {
        ScopeSource::Field(name) => Some(name.as_str()),
        ScopeSource::None | ScopeSource::Query(_) => None,
    };
    let fixed = [
        of(Some(&fields.password)),
        of(fields.email.as_deref()),
        of(fields.disabled.as_ref().map(|flag| flag.field.as_str())),
        of(scopes),
        of(fields.created.as_deref()),
    ];
    let logins = fields.login.iter().map(|name| column(name));
    let claims = fields.claims.iter().map(|(_, name)| column(name));
    fixed.into_iter().chain(logins).chain(claims).collect()
}

/// The condition that some login of a record is one of `spellings`, whose parameters are numbered from 1, those of each
/// field by themselves: their types may differ.
pub(super) fn has_login(fields: &Fields, spellings: usize, parameter: impl Fn(usize) -> String) -> String {
    let mut number = 0;
    let mut conditions = Vec::new();
    for name in &fields.login {
        let mut these = Vec::new();
        for _ in 0..spellings {
            number += 1;
            these.push(parameter(number));
        }
        let column = column(name);
        conditions.push(if fields.ignore_case {
            let these: Vec<_> = these.iter().map(|text| format!("lower(CAST({text} AS text))")).collect();
            format!("lower(CAST({column} AS text)) IN ({})", these.join(", "))
        } else {
            format!("{column} IN ({})", these.join(", "))
        });
    }
    conditions.join(" OR ")
}

/// The query that finds scopes, as one that gives one text a row. A line end, for it may end with a comment.
pub(super) fn scopes(query: &str) -> String {
    let query = query.trim().trim_end_matches(';');
    format!(
        "WITH s(scope) AS ({query}\n) SELECT CAST(s.scope AS text) FROM s WHERE s.scope IS NOT NULL LIMIT 1000"
    )
}

/// Password hashes of the first some thousand users.
pub(super) fn sample(fields: &Fields, text: impl Fn(&str) -> String) -> String {
    let column = column(&fields.password);
    let (password, table) = (text(&column), table(fields));
    format!("SELECT {password} FROM {table} AS u WHERE {column} IS NOT NULL LIMIT {SAMPLE}")
}

/// The logins that a new user takes: none of them may be there in any field that signs in.
pub(super) fn claimed(fields: &Fields, user: &User) -> Vec<LoginName> {
    let mut claimed = vec![user.login.clone()];
    let email = user
        .email
        .as_deref()
        .filter(|_| fields.email.as_ref().is_some_and(|name| fields.login.contains(name)));
    claimed.extend(email.and_then(|email| LoginName::as_stored(email).ok()));
    claimed
}

/// What to do where nothing keeps a login from being there twice; `name` is that of an index that SQLite needs.
pub(super) fn no_index(fields: &Fields, login: &str, name: &str) -> String {
    let (table, column) = (table(fields), quoted(login));
    let (name, column) = (if name.is_empty() { "CONCURRENTLY".to_owned() } else { quoted(name) }, column);
    if fields.ignore_case {
        format!(
            "no unique index on {table} serves logins in any case: two users may have one login {column}, and each \
             sign-in reads the whole table; add it: CREATE UNIQUE INDEX {name} ON {table} (lower({column}))"
        )
    } else {
        format!(
            "two users may have one login, for no unique index on {table} forbids it; add it: \
             CREATE UNIQUE INDEX {name} ON {table} ({column})"
        )
    }
}

/// A new UUID of version 4 (RFC 9562 §5.4).
pub(super) fn random_uuid() -> String {
    let mut bytes = secret::random::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_a_name() {
        assert_eq!(quoted("a\"; DROP TABLE users; --"), "\"a\"\"; DROP TABLE users; --\"");
        let mut fields = record::tests::fields();
        fields.table = "auth.us\"ers".to_owned();
        assert_eq!(table(&fields), "\"auth\".\"us\"\"ers\"");
        fields.login = vec!["a".to_owned(), "b".to_owned()];
        let condition = has_login(&fields, 2, |number| format!("${number}"));
        assert_eq!(condition, "u.\"a\" IN ($1, $2) OR u.\"b\" IN ($3, $4)");
    }
}
