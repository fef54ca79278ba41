//! The sign-up endpoint: an address and a password for a user, and what else `signup_claims` names.

use std::sync::Arc;

use axum::extract::{Extension, State};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::Caller;
use super::desk::{Desk, Reply};
use super::members::{BadBody, Members, unfit};
use crate::access::Reason;
use crate::login::{SignUp, SignUpClaim, SignUpError, SignedUp};
use crate::secret::Secret;

/// `POST /user/signup`.
pub(super) async fn answer(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let asked = match asked(&headers, &body, desk.logins.sign_up_claims()) {
        Ok((email, password, claims)) => SignUp { email, password, claims, client: caller.client },
        Err(bad) => return bad.reply(&desk, &caller),
    };
    let client = caller.client.map(tracing::field::display);
    let request_id = &caller.request_id;
    match desk.logins.sign_up(asked).await {
        Ok(signed_up) => {
            let body = json!({"message": "User created successfully"});
            let subject = match signed_up {
                SignedUp::New(id) => {
                    tracing::info!(user = %id, client, request_id, "sign-up");
                    Some(id.to_string())
                }
                SignedUp::Hidden(user) => {
                    let user = user.as_ref().map(tracing::field::display);
                    tracing::info!(
                        user,
                        client,
                        request_id,
                        "sign-up: the address is taken, and nobody was told"
                    );
                    None
                }
            };
            Reply::json(&caller, &body, subject)
        }
        Err(error) => refused(&desk, &caller, &error),
    }
}

fn refused(desk: &Desk, caller: &Caller, error: &SignUpError) -> Reply {
    let rule = error.to_string();
    match error {
        SignUpError::Exists => desk.fault(caller, StatusCode::CONFLICT, "user_exists", &rule, Some("email")),
        SignUpError::Email => unfit(desk, caller, Some("email"), &rule),
        SignUpError::Password(_) => unfit(desk, caller, Some("password"), &rule),
        SignUpError::Claim(name, _) => unfit(desk, caller, Some(name), &rule),
        SignUpError::RateLimited(wait) => desk.slow_down(caller, *wait, &rule),
        SignUpError::ReadOnly => desk.fault(caller, StatusCode::FORBIDDEN, "access_denied", &rule, None),
        SignUpError::Overloaded => desk.refuse(caller, Reason::Overloaded),
        SignUpError::StoreUnavailable => desk.refuse(caller, Reason::StoreUnavailable),
    }
}

type Asked = (String, Secret, Vec<(String, Value)>);

fn asked(headers: &HeaderMap, body: &[u8], claims: &[SignUpClaim]) -> Result<Asked, BadBody> {
    let known =
        |name: &str| matches!(name, "email" | "password") || claims.iter().any(|claim| claim.name == name);
    let mut members = Members::read(headers, body, known, "is not a field of a sign-up")?;
    let email = members.text("email")?;
    let password = Secret::from(members.text("password")?);
    let mut found = Vec::new();
    for SignUpClaim { name, required } in claims {
        let value = members.take(name).unwrap_or_default();
        if *required && says_nothing(&value) {
            return Err(BadBody::field(name, "is missing"));
        }
        found.push((name.clone(), value));
    }
    Ok((email, password, found))
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;

    use super::*;

    fn asked(body: &str) -> Result<Asked, BadBody> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, "application/json".parse().unwrap())]);
        let claim = |name: &str, required| SignUpClaim { name: name.to_owned(), required };
        let claims = [claim("full_name", true), claim("department", false)];
        super::asked(&headers, body.as_bytes(), &claims)
    }

    #[test]
    fn an_address_a_password_and_what_else_is_named() {
        let (email, password, claims) =
            asked(r#"{"full_name":"Ada L.","password":"p\u00e4ss","email":"ada@example.org"}"#).unwrap();
        assert_eq!((email.as_str(), password.expose()), ("ada@example.org", "päss".as_bytes()));
        assert_eq!(
            claims,
            [("full_name".to_owned(), json!("Ada L.")), ("department".to_owned(), Value::Null)]
        );
    }

    #[test]
    fn what_is_needed_is_said() {
        let rest = r#""email":"a","password":"b""#;
        for nothing in ["", r#","full_name":null"#, r#","full_name":" ""#, r#","full_name":[]"#] {
            let bad = asked(&format!("{{{rest}{nothing}}}")).unwrap_err();
            assert_eq!(bad, BadBody::field("full_name", "is missing"), "{nothing}");
        }
        let bad = asked(&format!(r#"{{{rest},"full_name":"x","scopes":"admin"}}"#)).unwrap_err();
        assert_eq!(bad, BadBody::field("scopes", "is not a field of a sign-up"));
        let bad = asked(r#"{"email":null,"password":"b","full_name":"x"}"#).unwrap_err();
        assert_eq!(bad, BadBody::field("email", "must be text"));
    }
}
