//! The logout endpoint: ends the sign-in that the token came from, on every gateway.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use http::{HeaderMap, StatusCode};

use super::Caller;
use super::desk::{Desk, Reply};
use crate::access::Reason;

/// `POST /auth/logout`, or with `?all=true` to end every sign-in of the user.
pub(super) async fn answer(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Reply {
    let token = match desk.bearer(&headers).await {
        Ok(token) => token,
        Err(denial) => return desk.deny(&caller, &denial),
    };
    let Some(everywhere) = everywhere(query.as_deref().unwrap_or_default()) else {
        let rule = "all must be true or false, and there once";
        return desk.fault(&caller, StatusCode::BAD_REQUEST, "invalid_request", rule, Some("all"));
    };
    let subject = token.subject().to_string();
    match desk.logins.sign_out(&token, everywhere).await {
        Ok(scope) => {
            desk.metrics.revocation(scope);
            let scope = scope.as_str();
            tracing::info!(scope, subject, request_id = caller.request_id, "sign-out");
            Reply::empty(&caller, StatusCode::NO_CONTENT, Some(subject))
        }
        Err(error) => {
            tracing::warn!(request_id = caller.request_id, "a sign-out was not taken: {error}");
            desk.refuse(&caller, Reason::StoreUnavailable)
        }
    }
}

/// What `all` says; `None` if that cannot be told: who wants every sign-in ended must not be left with one.
fn everywhere(query: &str) -> Option<bool> {
    let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "all");
    match (found.next(), found.next()) {
        (None, _) => Some(false),
        (Some((_, value)), None) if value == "true" => Some(true),
        (Some((_, value)), None) if value == "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_plainly_said() {
        assert_eq!(everywhere(""), Some(false));
        assert_eq!(everywhere("x=1&all=true"), Some(true));
        assert_eq!(everywhere("all=false"), Some(false));
        for unclear in ["all", "all=", "all=yes", "all=TRUE", "all=true&all=false", "all=true&all=true"] {
            assert_eq!(everywhere(unclear), None, "{unclear}");
        }
    }
}
