//! How is a new user written, as the application itself might have?

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, Document};

use super::query::put;
use super::{NO_FLAG, NO_SCOPES, value};
use crate::identity::UserId;
use crate::users::{Fields, ScopeSource, User};

/// The record, and its id: a new `ObjectId`, or the user's own where `id` is another field. The error is what there is no
/// field for.
pub(super) fn document(fields: &Fields, user: &User) -> Result<(Document, UserId), &'static str> {
    let own = ObjectId::new();
    let mut new = Document::new();
    new.insert("_id", own);
    let id = if fields.id == "_id" {
        UserId::parse(&own.to_hex()).expect("24 digits are an id")
    } else {
        put(&mut new, &fields.id, Bson::from(user.id.as_str()));
        user.id.clone()
    };
    if let (Some(field), Some(email)) = (&fields.email, &user.email) {
        put(&mut new, field, Bson::from(email.as_str()));
    }
    put(&mut new, login_field(fields, user), Bson::from(user.login.as_str()));
    put(&mut new, &fields.password, Bson::from(user.password.expose()));
    match &fields.disabled {
        Some(flag) => put(&mut new, &flag.field, Bson::Boolean(user.disabled != flag.inverted)),
        None if user.disabled => return Err(NO_FLAG),
        None => {}
    }
    match &fields.scopes {
        ScopeSource::Field(field) => put(&mut new, field, value::scopes_like(None, &user.scopes)),
        _ if fields.default_scopes.contains_all(&user.scopes) => {}
        _ => return Err(NO_SCOPES),
    }
    if let (Some(field), Some(created)) = (&fields.created, user.created) {
        let millis = i64::try_from(created.millis()).unwrap_or(i64::MAX);
        put(&mut new, field, Bson::DateTime(DateTime::from_millis(millis)));
    }
    for (name, claim) in user.claims.iter() {
        let place = fields.claims.iter().find(|(known, _)| known == name);
        let Some((_, field)) = place else {
            return Err("`claims` in [users.fields] names no field for a claim");
        };
        put(&mut new, field, value::bson(claim));
    }
    Ok((new, id))
}

/// Where the login goes: an address into the field of addresses if that is one of the logins, a name into another.
fn login_field<'a>(fields: &'a Fields, user: &User) -> &'a str {
    let is_email = |field: &&String| fields.email.as_ref() == Some(*field);
    let address = user.email.as_deref() == Some(user.login.as_str());
    let fitting = fields.login.iter().find(|field| is_email(field) == address);
    fitting.or(fields.login.first()).map_or("login", String::as_str)
}
