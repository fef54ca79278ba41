//! The password endpoint: a user changes their own, and stays signed in where they did it.

use std::sync::Arc;

use axum::extract::{Extension, State};
use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderMap, StatusCode};

use super::Caller;
use super::desk::{Desk, Reply};
use super::members::{BadBody, Members, unfit};
use super::token;
use crate::access::Reason;
use crate::answer::{self, Fault};
use crate::login::{PasswordChange, PasswordChangeError};
use crate::revocation::Scope;
use crate::secret::Secret;
use crate::sessions::Origin;

const FIELDS: [&str; 2] = ["current_password", "new_password"];

/// `POST /auth/password`.
pub(super) async fn answer(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let token = match desk.bearer(&headers).await {
        Ok(token) => token,
        Err(denial) => return desk.deny(&caller, &denial),
    };
    let change = match asked(&headers, &body, &caller) {
        Ok(change) => change,
        Err(bad) => return bad.reply(&desk, &caller),
    };
    let changed = desk.logins.change_password(&token, change).await;
    note(&desk, &caller, token.subject().as_str(), changed.as_ref().map(|_| ()));
    match changed {
        Ok(signed_in) => token::granted(&desk, &caller, &signed_in),
        Err(error) => refused(&desk, &caller, error, token.subject().to_string()),
    }
}

fn asked(headers: &HeaderMap, body: &[u8], caller: &Caller) -> Result<PasswordChange, BadBody> {
    let known = |name: &str| FIELDS.contains(&name);
    let mut members = Members::read(headers, body, known, "is not a field of a change of password")?;
    let [current, new] = FIELDS;
    let device = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    Ok(PasswordChange {
        current: Secret::from(members.text(current)?),
        new: Secret::from(members.text(new)?),
        client: caller.client,
        origin: Origin::new(caller.client, device),
    })
}

/// Counts it as what it is besides, a sign-in that succeeded or failed, and tells the log.
fn note(desk: &Desk, caller: &Caller, subject: &str, changed: Result<(), &PasswordChangeError>) {
    use PasswordChangeError::{NotBegun, RateLimited, Wrong};
    let client = caller.client.map(tracing::field::display);
    let request_id = &caller.request_id;
    if matches!(changed, Ok(()) | Err(NotBegun)) {
        desk.metrics.revocation(Scope::User);
    }
    match changed {
        Ok(()) => {
            desk.metrics.login("success");
            tracing::info!(subject, client, request_id, "password changed, other sign-ins ended");
        }
        Err(error) => {
            match error {
                Wrong => desk.metrics.login("invalid_grant"),
                RateLimited(_) => desk.metrics.login("rate_limited"),
                _ => {}
            }
            tracing::info!(subject, client, request_id, "change of password: {error}");
        }
    }
}

fn refused(desk: &Desk, caller: &Caller, error: PasswordChangeError, subject: String) -> Reply {
    use PasswordChangeError as Error;
    let rule = error.to_string();
    let [current, new] = FIELDS;
    match error {
        Error::Same | Error::Rule(_) => unfit(desk, caller, Some(new), &rule),
        Error::Wrong => {
            let description = format!("{current} {rule}");
            desk.fault(caller, StatusCode::BAD_REQUEST, "invalid_grant", &description, Some(current))
        }
        Error::Raced => desk.fault(caller, StatusCode::CONFLICT, "conflict", &rule, None),
        Error::NoSignIn | Error::ReadOnly => {
            desk.fault(caller, StatusCode::FORBIDDEN, "access_denied", &rule, None)
        }
        Error::UserDisabled => desk.refuse(caller, Reason::UserDisabled),
        Error::RateLimited(wait) => desk.slow_down(caller, wait, &rule),
        Error::Overloaded => desk.refuse(caller, Reason::Overloaded),
        Error::StoreUnavailable => desk.refuse(caller, Reason::StoreUnavailable),
        Error::NotEnded | Error::NotBegun => {
            // Without `Retry-After`: the same request again would bring the old password.
            let fault = Fault {
                status: StatusCode::SERVICE_UNAVAILABLE,
                error: "temporarily_unavailable",
                reason: None,
                description: &rule,
                field: None,
                request_id: &caller.request_id,
                body: desk.body,
            };
            Reply::new(answer::fault(&fault), Reason::StoreUnavailable, Some(subject))
        }
    }
}
