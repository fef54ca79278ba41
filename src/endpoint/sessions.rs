//! The sessions endpoint: a user's own sign-ins, to look at and to end.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use super::Caller;
use super::desk::{Desk, Reply};
use crate::access::Reason;
use crate::identity::LoginId;
use crate::login::SessionError;
use crate::revocation::Scope;
use crate::sessions::Session;
use crate::token::Verified;

/// The list.
#[derive(Serialize)]
struct Body<'a> {
    sessions: Vec<Row<'a>>,
}

/// One sign-in; moments are seconds since the epoch, like `iat` and `exp`.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    current: bool,
    since: u64,
    last_seen: u64,
    expires: u64,
    address: Option<&'a str>,
    device: Option<&'a str>,
}

/// `GET /auth/sessions`.
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Reply {
    let token = match desk.bearer(&headers).await {
        Ok(token) => token,
        Err(denial) => return desk.deny(&caller, &denial),
    };
    match desk.logins.sessions(&token).await {
        Ok(sessions) => {
            let own = token.login_id();
            let rows = sessions.iter().map(|session| row(session, own)).collect();
            Reply::json(&caller, &Body { sessions: rows }, Some(token.subject().to_string()))
        }
        Err(error) => unavailable(&desk, &caller, &error),
    }
}

fn row<'a>(session: &'a Session, own: Option<&LoginId>) -> Row<'a> {
    Row {
        id: session.login.as_str(),
        current: own == Some(&session.login),
        since: session.since.secs(),
        last_seen: session.last_seen.secs(),
        expires: session.expires.secs(),
        address: session.origin.address.as_deref(),
        device: session.origin.device.as_deref(),
    }
}

/// What a `DELETE` names.
#[derive(Debug, PartialEq, Eq)]
enum Which {
    One(String),
    Others,
    All,
}

/// `DELETE /auth/sessions?id=…`, `?others=true`, or `?all=true`.
pub(super) async fn end(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Reply {
    let token = match desk.bearer(&headers).await {
        Ok(token) => token,
        Err(denial) => return desk.deny(&caller, &denial),
    };
    let Some(which) = Which::read(query.as_deref().unwrap_or_default()) else {
        let rule = "say which: id=… (as the list has it), others=true, or all=true, and one of them";
        return desk.fault(&caller, StatusCode::BAD_REQUEST, "invalid_request", rule, Some("id"));
    };
    match do_end(&desk, &token, &which).await {
        Ok(0) if matches!(which, Which::One(_)) => {
            let rule = "this user has no such session; it may have ended already";
            desk.fault(&caller, StatusCode::NOT_FOUND, "not_found", rule, Some("id"))
        }
        Ok(ended) => {
            let subject = token.subject().to_string();
            tracing::info!(ended, subject, request_id = caller.request_id, "sessions ended by their user");
            Reply::empty(&caller, StatusCode::NO_CONTENT, Some(subject))
        }
        Err(error) => unavailable(&desk, &caller, &error),
    }
}

/// Ends them, counts the revocations, and says how many there were.
async fn do_end(desk: &Desk, token: &Verified, which: &Which) -> Result<usize, SessionError> {
    let (scope, ended) = match which {
        Which::One(login) => (Scope::Login, usize::from(desk.logins.end_session(token, login).await?)),
        Which::Others => (Scope::Login, desk.logins.end_other_sessions(token).await?),
        Which::All => (desk.logins.sign_out(token, true).await?, 1),
    };
    (0..ended).for_each(|_| desk.metrics.revocation(scope));
    Ok(ended)
}

fn unavailable(desk: &Desk, caller: &Caller, error: &SessionError) -> Reply {
    tracing::warn!(request_id = caller.request_id, "sessions were not listed or ended: {error}");
    desk.refuse(caller, Reason::StoreUnavailable)
}

impl Which {
    /// Reads the query: exactly one of the three; `None` for anything that could be meant in two ways.
    fn read(query: &str) -> Option<Self> {
        let mut found = form_urlencoded::parse(query.as_bytes())
            .filter(|(name, _)| matches!(name.as_ref(), "id" | "others" | "all"));
        let which = match found.next()? {
            (name, value) if name == "id" && !value.is_empty() => Self::One(value.into_owned()),
            (name, value) if name == "others" && value == "true" => Self::Others,
            (name, value) if name == "all" && value == "true" => Self::All,
            _ => return None,
        };
        found.next().is_none().then_some(which)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_end_is_plainly_said() {
        assert_eq!(Which::read("id=abc"), Some(Which::One("abc".into())));
        assert_eq!(Which::read("x=1&others=true"), Some(Which::Others));
        assert_eq!(Which::read("all=true"), Some(Which::All));
        for unclear in ["", "id=", "all", "all=1", "others=false", "id=a&id=b", "id=a&all=true"] {
            assert_eq!(Which::read(unclear), None, "{unclear}");
        }
    }
}
