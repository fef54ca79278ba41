//! The revocation endpoint: ends one token (RFC 7009). Holding the token is enough.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::Caller;
use super::desk::{Desk, OAuthError, Reply};
use super::form::Form;
use crate::access::Reason;
use crate::revocation::Scope;

/// `token_type_hint` is read so that it is not there twice, and not heeded: there is one type (RFC 7009 §2.1).
const FIELDS: [&str; 2] = ["token", "token_type_hint"];

/// `POST /auth/revoke`. A token that is not good is no error: it is of no use already (RFC 7009 §2.2).
pub(super) async fn answer(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Reply {
    let token = match asked(&headers, query.as_deref(), &body) {
        Ok(token) => token,
        Err(error) => return error.reply(&caller, desk.body),
    };
    match desk.logins.revoke(&token).await {
        Ok(revoked) => {
            if revoked.is_some() {
                desk.metrics.revocation(Scope::Token);
            }
            let subject = revoked.map(|token| token.subject().to_string());
            tracing::info!(
                revoked = subject.is_some(),
                subject,
                client = caller.client.map(tracing::field::display),
                request_id = caller.request_id,
                "revocation"
            );
            Reply::empty(&caller, StatusCode::OK, subject)
        }
        Err(error) => {
            tracing::warn!(request_id = caller.request_id, "a revocation was not taken: {error}");
            OAuthError::unavailable(Reason::StoreUnavailable, "the token has not been revoked: try again")
                .reply(&caller, desk.body)
        }
    }
}

fn asked(headers: &HeaderMap, query: Option<&str>, body: &[u8]) -> Result<String, OAuthError> {
    let mut form = Form::read(&FIELDS, headers, query, body)?;
    form.take("token").ok_or_else(|| OAuthError::new("invalid_request", "token is missing").of("token"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http::header::CONTENT_TYPE;

    #[test]
    fn one_token_in_the_body() {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, form)]);
        let ask = |query, body: &str| asked(&headers, query, body.as_bytes()).map_err(|error| error.error);
        assert_eq!(ask(None, "token=a.b.c&token_type_hint=refresh_token"), Ok("a.b.c".to_owned()));
        assert_eq!(ask(None, "token_type_hint=access_token"), Err("invalid_request"));
        assert_eq!(ask(None, "token=a&token=b"), Err("invalid_request"));
        assert_eq!(ask(Some("token=a"), ""), Err("invalid_request"));
        assert!(asked(&HeaderMap::new(), None, b"token=a").is_err());
    }
}
