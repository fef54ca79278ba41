//! What is asked for, and which of the answers is meant?

use std::collections::BTreeSet;

use mongodb::bson::{Bson, Document, doc};

use super::id;
use super::link::{Link, Trouble};
use crate::identity::{AskedLogin, LoginName};
use crate::users::{Fields, ScopeSource};

/// Whether the collection and the fields have names that mean nothing else.
pub(super) fn check(fields: &Fields) -> Result<(), String> {
    if fields.table.is_empty() || fields.table.starts_with("system.") || fields.table.contains(['$', '\0']) {
        return Err("`collection` in [users.fields] is not the name of a collection".to_owned());
    }
    for field in all(fields) {
        if field.contains('\0') || field.split('.').any(|part| part.is_empty() || part.starts_with('$')) {
            return Err(format!(
                "`{field}` in [users.fields] is not a field: dots are between names, and `$` begins none"
            ));
        }
    }
    Ok(())
}

/// Every field there is something in.
fn all(fields: &Fields) -> impl Iterator<Item = &str> {
    let scopes = match &fields.scopes {
        ScopeSource::Field(field) => Some(field),
        ScopeSource::None | ScopeSource::Query(_) => None,
    };
    let one =
        [Some(&fields.id), Some(&fields.password), fields.email.as_ref(), fields.created.as_ref(), scopes];
    let many = fields.login.iter().chain(fields.claims.iter().map(|(_, field)| field));
    let flag = fields.disabled.iter().map(|flag| &flag.field);
    one.into_iter().flatten().chain(many).chain(flag).map(String::as_str)
}

/// Nothing but what a user is made of.
pub(super) fn projection(fields: &Fields) -> Document {
    projected(all(fields))
}

/// Nothing but these. A field that is within another one comes with it, and may not be named beside it.
pub(super) fn projected<'a>(fields: impl IntoIterator<Item = &'a str>) -> Document {
    let fields: BTreeSet<&str> = fields.into_iter().collect();
    let within = |field: &str| field.match_indices('.').any(|(dot, _)| fields.contains(&field[..dot]));
    let mut projection: Document = fields
        .iter()
        .filter(|field| !within(field))
        .map(|field| ((*field).to_owned(), Bson::Int32(1)))
        .collect();
    projection.entry("_id".to_owned()).or_insert(Bson::Int32(i32::from(fields.contains("_id"))));
    projection
}

/// The value there: `a.b` is `b` in the document `a`.
pub(super) fn at<'a>(document: &'a Document, field: &str) -> Option<&'a Bson> {
    match field.split_once('.') {
        None => document.get(field),
        Some((first, rest)) => at(document.get(first)?.as_document()?, rest),
    }
}

/// Puts the value there.
pub(super) fn put(document: &mut Document, field: &str, value: Bson) {
    match field.split_once('.') {
        None => {
            document.insert(field, value);
        }
        Some((first, rest)) => {
            let inner = document.entry(first.to_owned()).or_insert_with(|| Bson::Document(Document::new()));
            if let Bson::Document(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// The logins in a record.
pub(super) fn logins<'a>(record: &'a Document, fields: &Fields) -> Vec<&'a str> {
    fields.login.iter().filter_map(|field| at(record, field)?.as_str()).collect()
}

/// Records that have one of these logins in any field that is one, in one question. One more than unique logins allow is
/// enough to know that they are not unique.
pub(super) async fn having(link: &Link, fields: &Fields, logins: &[&str]) -> Result<Vec<Document>, Trouble> {
    let one_of: Vec<Bson> = logins.iter().map(|login| Bson::from(*login)).collect();
    let mut any: Vec<Document> =
        fields.login.iter().map(|field| doc! { field: { "$in": &one_of } }).collect();
    let most = i64::try_from(logins.len() * fields.login.len() + 1).unwrap_or(i64::MAX);
    // Not every server finds an index through an `$or` of one.
    let filter = if any.len() == 1 {
        any.remove(0)
    } else {
        doc! { "$or": any }
    };
    let projection = projection(fields);
    if fields.ignore_case {
        // Looser than we are, by a ligature here and there.
        link.find_loosely(filter, projection, most.max(10)).await
    } else {
        link.find(filter, projection, most).await
    }
}

/// The record of whoever signs in by this login, among those found by it: spelled as it was typed, else in the canonical
/// way. Two are nobody: the error has their ids.
pub(super) fn chosen<'a>(
    found: &'a [Document],
    fields: &Fields,
    asked: &AskedLogin,
) -> Result<Option<&'a Document>, String> {
    let with = |has: &dyn Fn(&str) -> bool| -> Vec<&Document> {
        found.iter().filter(|record| logins(record, fields).into_iter().any(has)).collect()
    };
    let canonical = asked.canonical().as_str();
    let same = if fields.ignore_case {
        with(&|login| LoginName::canonical(login) == canonical)
    } else {
        let typed = with(&|login| login == asked.typed().as_str());
        if typed.is_empty() { with(&|login| login == canonical) } else { typed }
    };
    match same[..] {
        [] => Ok(None),
        [record] => Ok(Some(record)),
        _ => {
            let ids = same.iter().filter_map(|record| at(record, &fields.id).and_then(id::text));
            Err(ids.map(|id| id.to_string()).collect::<Vec<_>>().join(" and "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_within_another_comes_with_it() {
        assert_eq!(
            projected(["a", "a.b", "ab", "c.d", "c.d.e"]),
            doc! { "a": 1, "ab": 1, "c.d": 1, "_id": 0 }
        );
        assert_eq!(projected(["_id", "a"]), doc! { "_id": 1, "a": 1 });
        assert_eq!(projected(["_id.x"]), doc! { "_id.x": 1, "_id": 0 });
    }

    #[test]
    fn a_dotted_field_is_a_field_of_a_document() {
        let mut document = doc! { "a": { "b": { "c": 1 } }, "x.y": 2, "list": [{ "b": 1 }] };
        assert_eq!(at(&document, "a.b.c"), Some(&Bson::Int32(1)));
        for absent in ["a.c", "a.b.c.d", "list.b", "x.y"] {
            assert_eq!(at(&document, absent), None, "{absent}");
        }
        put(&mut document, "a.b.d", Bson::Int32(2));
        put(&mut document, "n.m", Bson::Int32(3));
        assert_eq!(at(&document, "a.b"), Some(&Bson::Document(doc! { "c": 1, "d": 2 })));
        assert_eq!(at(&document, "n.m"), Some(&Bson::Int32(3)));
    }
}
