//! The sign-up endpoint: an address and a password for a user.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Extension, State};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Value, error::Category, json};

use super::Caller;
use super::desk::{Desk, Reply};
use super::form::is_type;
use crate::access::Reason;
use crate::login::{SignUp, SignUpError};
use crate::secret::Secret;

/// Why a body is not a sign-up.
#[derive(Debug, PartialEq, Eq)]
enum BadSignUp {
    /// Not JSON: 400.
    Syntax,
    /// JSON, but not what is wanted: 422.
    Field(Option<String>, &'static str),
}

/// `POST /user/signup`.
pub(super) async fn answer(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    if !is_type(&headers, "application/json") {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return desk.fault(&caller, status, "invalid_request", "the body must be application/json", None);
    }
    let asked = match asked(&body) {
        Ok(asked) => asked,
        Err(BadSignUp::Syntax) => {
            let status = StatusCode::BAD_REQUEST;
            return desk.fault(&caller, status, "invalid_request", "the body is not JSON", None);
        }
        Err(BadSignUp::Field(field, rule)) => return unfit(&desk, &caller, field.as_deref(), rule),
    };
    match desk.logins.sign_up(asked).await {
        Ok(id) => {
            tracing::info!(user = %id, request_id = caller.request_id, "sign-up");
            let body = json!({"message": "User created successfully"});
            Reply::json(&caller, &body, Some(id.to_string()))
        }
        Err(error @ SignUpError::Exists) => {
            let status = StatusCode::CONFLICT;
            desk.fault(&caller, status, "user_exists", &error.to_string(), Some("email"))
        }
        Err(error @ SignUpError::Email) => unfit(&desk, &caller, Some("email"), &error.to_string()),
        Err(error @ SignUpError::Password(_)) => unfit(&desk, &caller, Some("password"), &error.to_string()),
        Err(SignUpError::Overloaded) => desk.refuse(&caller, Reason::Overloaded),
        Err(SignUpError::StoreUnavailable) => desk.refuse(&caller, Reason::StoreUnavailable),
    }
}

/// 422: names the field and the rule it breaks.
fn unfit(desk: &Desk, caller: &Caller, field: Option<&str>, rule: &str) -> Reply {
    let description = format!("{} {rule}", field.unwrap_or("the body"));
    desk.fault(caller, StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", &description, field)
}

fn asked(body: &[u8]) -> Result<SignUp, BadSignUp> {
    let Members(members) = serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => BadSignUp::Field(None, "must be an object"),
        Category::Syntax | Category::Eof | Category::Io => BadSignUp::Syntax,
    })?;
    let (mut email, mut password) = (None, None);
    for (name, value) in members {
        let place = match name.as_str() {
            "email" => &mut email,
            "password" => &mut password,
            _ => return Err(BadSignUp::Field(Some(shown(&name)), "is not a field of a sign-up")),
        };
        match value {
            Value::String(text) if place.is_none() => *place = Some(text),
            Value::String(_) => return Err(BadSignUp::Field(Some(name), "is there more than once")),
            _ => return Err(BadSignUp::Field(Some(name), "must be text")),
        }
    }
    let missing = |name: &str| BadSignUp::Field(Some(name.to_owned()), "is missing");
    Ok(SignUp {
        email: email.ok_or_else(|| missing("email"))?,
        password: Secret::from(password.ok_or_else(|| missing("password"))?),
    })
}

/// A name the client made up, as far as an answer should repeat it.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// The members of an object in their order, repeated ones too, which a map would hide.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        source.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(body: &str) -> BadSignUp {
        asked(body.as_bytes()).unwrap_err()
    }

    fn field(name: &str, rule: &'static str) -> BadSignUp {
        BadSignUp::Field(Some(name.to_owned()), rule)
    }

    #[test]
    fn an_address_and_a_password() {
        let asked = asked(br#" {"password":"p\u00e4ss", "email":"ada@example.org"} "#).unwrap();
        assert_eq!((asked.email.as_str(), asked.password.expose()), ("ada@example.org", "päss".as_bytes()));
    }

    #[test]
    fn what_is_no_json() {
        for body in ["", "{", "email=ada", r#"{"email":"a","password":"b"}x"#, "\"\u{0}\""] {
            assert_eq!(bad(body), BadSignUp::Syntax, "{body:?}");
        }
        assert_eq!(asked(b"{\"email\":\"\xff\"}").unwrap_err(), BadSignUp::Syntax);
    }

    #[test]
    fn json_of_another_shape() {
        for body in ["[]", "null", "7", "\"text\""] {
            assert_eq!(bad(body), BadSignUp::Field(None, "must be an object"), "{body}");
        }
        assert_eq!(bad("{}"), field("email", "is missing"));
        assert_eq!(bad(r#"{"email":"a"}"#), field("password", "is missing"));
        assert_eq!(bad(r#"{"email":"a","password":7}"#), field("password", "must be text"));
        assert_eq!(bad(r#"{"email":null,"password":"b"}"#), field("email", "must be text"));
        assert_eq!(bad(r#"{"email":"a","email":"b"}"#), field("email", "is there more than once"));
        assert_eq!(bad(r#"{"email":"a","scopes":"admin"}"#), field("scopes", "is not a field of a sign-up"));
    }
}
