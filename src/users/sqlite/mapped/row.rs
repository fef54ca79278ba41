//! What do SQLite's values mean, of which any may stand in any column?

use rusqlite::Row;
use rusqlite::types::{Value as Cell, ValueRef};
use serde_json::Value;

use crate::users::Fields;
use crate::users::sql::Record;

/// Reads a row: its id, and the columns of a record.
pub(super) fn record(row: &Row<'_>, fields: &Fields) -> rusqlite::Result<Record> {
    let id = match row.get_ref(0)? {
        ValueRef::Text(text) => std::str::from_utf8(text).ok().map(ToOwned::to_owned),
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => None,
    };
    let count = row.as_ref().column_count();
    let values = (1..count).map(|at| row.get_ref(at).map(json)).collect::<rusqlite::Result<_>>()?;
    Ok(Record::of(id, values, fields))
}

/// A value as JSON. Bytes are text, if they can be: hashes are often kept so.
fn json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => std::str::from_utf8(bytes).map_or(
            // Something is there, which is not the same as nothing.
            Value::Object(serde_json::Map::new()),
            Value::from,
        ),
    }
}

/// An id as it is compared with a column: a column of text makes text of a number, but one of no type does not make a
/// number of text.
pub(super) fn key(id: &str) -> Cell {
    number(id).map_or_else(|| id.to_owned().into(), Into::into)
}

/// The number that an id is, if it is written as one.
pub(super) fn number(id: &str) -> Option<i64> {
    id.parse().ok().filter(|number: &i64| number.to_string() == id)
}
