//! What should an operator know of the collection? Whether its logins are unique, and found without reading it all.

use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::CollationStrength;

use super::link::{self, Link, Trouble, loosely};
use super::query;
use crate::users::Fields;

const UNAUTHORIZED: i32 = 13;
const NO_SUCH_COLLECTION: i32 = 26;

/// All of it, with the command that helps.
pub(super) async fn of(link: &Link, fields: &Fields) -> Result<Vec<String>, Trouble> {
    let mut advice = Vec::new();
    if fields.ignore_case {
        let probe = link.find_loosely(doc! {}, query::projected([fields.id.as_str()]), 1).await;
        if let Err(Trouble::Refused(error)) = &probe
            && let Some(code) = link::code(error)
        {
            advice.push(format!(
                "this server cannot compare without case ({code}), and nobody can sign in: remove `ignore_case` from \
                 [users.fields]"
            ));
        }
    }
    let users = link.users().await?;
    let mut indexes = Vec::new();
    match users.list_indexes().await {
        Ok(mut cursor) => {
            while cursor.advance().await? {
                indexes.push(cursor.deserialize_current()?);
            }
        }
        Err(error) => match link::code(&error) {
            Some(NO_SUCH_COLLECTION) => {
                advice.push(format!(
                    "there is no collection `{}` in the database `{}`, and so nobody in it: see `collection` in \
                     [users.fields], and the database in the URL",
                    fields.table,
                    link.database()
                ));
                return Ok(advice);
            }
            Some(UNAUTHORIZED) => {
                advice.push(
                    "whether logins are unique cannot be seen: the account lacks the right `listIndexes`"
                        .into(),
                );
                return Ok(advice);
            }
            _ => return Err(error.into()),
        },
    }
    let ids = Some(&fields.id).filter(|id| *id != "_id");
    for (field, collated) in
        fields.login.iter().map(|login| (login, fields.ignore_case)).chain(ids.map(|id| (id, false)))
    {
        if !indexes.iter().any(|index| keeps_apart(index, field, collated)) {
            let command = command(&fields.table, field, collated);
            advice.push(format!(
                "no unique index on `{field}`: two users may come to have the same, and then neither can sign in; to add \
                 one: {command}"
            ));
        }
    }
    Ok(advice)
}

/// Whether the index allows each value once, and finds it.
fn keeps_apart(index: &IndexModel, field: &str, collated: bool) -> bool {
    let Some(options) = &index.options else { return false };
    let alone = index.keys.len() == 1 && index.keys.get(field).is_some_and(is_order);
    let right = match &options.collation {
        None => !collated,
        Some(collation) => {
            collated
                && collation.locale == loosely().locale
                && matches!(collation.strength, Some(CollationStrength::Secondary))
        }
    };
    let whole = options.partial_filter_expression.as_ref().is_none_or(|part| has_any(part, field));
    alone && right && whole && options.unique == Some(true) && options.hidden != Some(true)
}

fn is_order(value: &Bson) -> bool {
    matches!(value, Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_))
}

/// Whether every record with a text in the field is in the part.
fn has_any(part: &Document, field: &str) -> bool {
    part.len() == 1
        && part.get_document(field).is_ok_and(|must| {
            *must == doc! { "$exists": true }
                || *must == doc! { "$type": "string" }
                || *must == doc! { "$type": 2 }
        })
}

/// For `mongosh`.
fn command(collection: &str, field: &str, collated: bool) -> String {
    let text = |name: &str| serde_json::Value::from(name).to_string();
    let plain = collection.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let place =
        if plain { format!("db.{collection}") } else { format!("db.getCollection({})", text(collection)) };
    let collation = if collated { ", collation: {locale: \"en\", strength: 2}" } else { "" };
    format!("{place}.createIndex({{{}: 1}}, {{unique: true{collation}}})", text(field))
}

#[cfg(test)]
mod tests {
    use mongodb::options::IndexOptions;

    use super::*;

    #[test]
    fn an_index_serves_or_it_does_not() {
        let index = |keys: Document, change: &dyn Fn(&mut IndexOptions)| {
            let mut options = IndexOptions::builder().unique(true).build();
            change(&mut options);
            IndexModel::builder().keys(keys).options(options).build()
        };
        let serves =
            |index: &IndexModel| (keeps_apart(index, "email", false), keeps_apart(index, "email", true));
        assert_eq!(serves(&index(doc! { "email": -1 }, &|_| {})), (true, false));
        assert_eq!(
            serves(&index(doc! { "email": 1 }, &|with| with.collation = Some(loosely()))),
            (false, true)
        );
        assert_eq!(serves(&index(doc! { "email": 1 }, &|with| with.sparse = Some(true))), (true, false));
        let part = |part: Document| {
            index(doc! { "email": 1 }, &|with| with.partial_filter_expression = Some(part.clone()))
        };
        assert_eq!(serves(&part(doc! { "email": { "$type": "string" } })), (true, false));
        for useless in [
            index(doc! { "email": 1 }, &|with| with.unique = None),
            index(doc! { "email": 1 }, &|with| with.hidden = Some(true)),
            index(doc! { "email": 1, "tenant": 1 }, &|_| {}),
            index(doc! { "email": "text" }, &|_| {}),
            part(doc! { "verified": true }),
            part(doc! { "email": { "$gt": "m" } }),
        ] {
            assert_eq!(serves(&useless), (false, false), "{useless:?}");
        }
    }

    #[test]
    fn the_command_can_be_pasted() {
        assert_eq!(command("users", "email", false), r#"db.users.createIndex({"email": 1}, {unique: true})"#);
        assert_eq!(
            command("app-users", "a.b", true),
            r#"db.getCollection("app-users").createIndex({"a.b": 1}, {unique: true, collation: {locale: "en", strength: 2}})"#
        );
    }
}
