//! Which user is this record? What another hand wrote is looked at before it is believed.

use mongodb::bson::{Bson, Document};

use super::complaint::Complaints;
use super::query::at;
use super::{id, value};
use crate::identity::{Claims, LoginName, UserId};
use crate::password::PasswordHash;
use crate::users::{Fields, ScopeSource, User};

/// The user; none, with a complaint, if it cannot be one.
pub(super) fn user(record: &Document, fields: &Fields, complaints: &Complaints) -> Option<User> {
    let Some(id) = at(record, &fields.id).and_then(id::text) else {
        complaints.say("", "cannot be a user's: `id` has to be an ObjectId, a text, an integer or a UUID");
        return None;
    };
    let empty = |value: &Bson| matches!(value, Bson::Null | Bson::Undefined) || value.as_str() == Some("");
    let present = |field: &String| at(record, field).filter(|value| !empty(value));
    let login = fields.login.iter().find_map(present).and_then(Bson::as_str);
    let Some(login) = login.and_then(|login| LoginName::as_stored(login).ok()) else {
        complaints.say(id.as_str(), "cannot sign in: its login is not a text, or not one that can be shown");
        return None;
    };
    let password = at(record, &fields.password).and_then(value::hash);
    Some(User {
        login,
        email: fields.email.as_deref().and_then(|field| email(record, field)),
        // Without one, nothing fits.
        password: password.unwrap_or_else(|| PasswordHash::from_store(String::new())),
        scopes: {
            let mut scopes: Vec<_> = fields.default_scopes.iter().cloned().collect();
            if let ScopeSource::Field(field) = &fields.scopes {
                let (found, odd) = at(record, field).map(value::scopes).unwrap_or_default();
                if odd {
                    complaints.say(id.as_str(), "has something else than scopes among its scopes");
                }
                scopes.extend(found);
            }
            scopes.into_iter().collect()
        },
        disabled: fields.disabled.as_ref().is_some_and(|flag| value::disabled(at(record, &flag.field), flag)),
        claims: claims(record, fields, &id, complaints),
        created: fields.created.as_deref().and_then(|field| value::time(at(record, field)?)),
        id,
    })
}

fn email(record: &Document, field: &str) -> Option<String> {
    let email = at(record, field)?.as_str()?;
    // What can be shown as a login can be shown.
    LoginName::as_stored(email).is_ok().then(|| email.to_owned())
}

fn claims(record: &Document, fields: &Fields, id: &UserId, complaints: &Complaints) -> Claims {
    let mut claims = Claims::default();
    for (name, field) in &fields.claims {
        let Some(found) = at(record, field) else { continue };
        if let Err(bad) = claims.insert(name, value::json(found)) {
            complaints.say(id.as_str(), &format!("has no claim `{name}`: it {bad}"));
        }
    }
    claims
}
