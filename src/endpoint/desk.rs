//! What does every endpoint have at hand? The rooms it asks, and the ways to answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::IntoResponse;
use bytes::Bytes;
use http::header::PRAGMA;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde::Serialize;

use super::signin::SigninPage;
use super::{Caller, Outcome};
use crate::access::{Denial, Gate, Reason};
use crate::answer::{self, ErrorBody, Fault, Refusal};
use crate::login::Logins;
use crate::observe::Metrics;
use crate::token::Verified;

/// What the endpoints share.
pub(super) struct Desk {
    pub(super) logins: Arc<Logins>,
    pub(super) gate: Arc<Gate>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) body: ErrorBody,
    pub(super) token_type: String,
    pub(super) metadata: serde_json::Value,
    pub(super) page: Option<SigninPage>,
}

/// An answer, with its [`Outcome`] among the extensions.
pub(super) struct Reply(Response<Bytes>);

impl Reply {
    pub(super) fn new(mut answer: Response<Bytes>, reason: Reason, subject: Option<String>) -> Self {
        answer.extensions_mut().insert(Outcome { reason, subject });
        Self(answer)
    }

    pub(super) fn json(caller: &Caller, body: &impl Serialize, subject: Option<String>) -> Self {
        Self::new(answer::json(StatusCode::OK, body, &caller.request_id), Reason::Endpoint, subject)
    }

    pub(super) fn empty(caller: &Caller, status: StatusCode, subject: Option<String>) -> Self {
        Self::new(answer::empty(status, &caller.request_id), Reason::Endpoint, subject)
    }

    /// With `Pragma: no-cache`, as RFC 6749 §5.1 wants it beside `Cache-Control`.
    pub(super) fn never_cached(mut self) -> Self {
        self.0.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
        self
    }

    pub(super) fn headers_mut(&mut self) -> &mut HeaderMap {
        self.0.headers_mut()
    }

    pub(super) fn into_inner(self) -> Response<Bytes> {
        self.0
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response<Body> {
        self.0.map(Body::from)
    }
}

impl Desk {
    /// Who brought this token; the stores have been asked too, where they are to be.
    pub(super) async fn bearer(&self, headers: &HeaderMap) -> Result<Arc<Verified>, Denial> {
        self.gate.authenticate(headers).await
    }

    /// A no that has its word in the table.
    pub(super) fn refuse(&self, caller: &Caller, reason: Reason) -> Reply {
        Reply::new(answer::refusal(&Refusal::of(reason, &caller.request_id, self.body)), reason, None)
    }

    /// Too many, too soon: after this time it may be tried again.
    pub(super) fn slow_down(&self, caller: &Caller, wait: Duration, which: &str) -> Reply {
        let mut refusal = Refusal::of(Reason::RateLimited, &caller.request_id, self.body);
        refusal.detail = Some(which);
        let mut reply = Reply::new(answer::refusal(&refusal), Reason::RateLimited, None);
        reply.headers_mut().insert(http::header::RETRY_AFTER, whole_seconds(wait));
        reply
    }

    /// A no of the gate's.
    pub(super) fn deny(&self, caller: &Caller, denial: &Denial) -> Reply {
        let mut refusal = Refusal::of(denial.reason, &caller.request_id, self.body);
        refusal.needed_scope = denial.needed.as_deref();
        let subject = denial.subject.as_ref().map(|token| token.subject().to_string());
        Reply::new(answer::refusal(&refusal), denial.reason, subject)
    }

    /// A request that is not as this endpoint wants it; `field` is what is wrong with it. FastAPI tells all that is wrong
    /// with a body by 422.
    pub(super) fn fault(
        &self,
        caller: &Caller,
        status: StatusCode,
        error: &'static str,
        description: &str,
        field: Option<&str>,
    ) -> Reply {
        let unfit = matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let status =
            if unfit && self.body == ErrorBody::FastApi { StatusCode::UNPROCESSABLE_ENTITY } else { status };
        let request_id = &caller.request_id;
        let fault = Fault { status, error, reason: None, description, field, request_id, body: self.body };
        Reply::new(answer::fault(&fault), Reason::Endpoint, None)
    }
}

/// An error of RFC 6749 §5.2 (RFC 7009 §2.2.1 takes the same form): these two endpoints speak OAuth, for their clients
/// know nothing else, unless the clients are those of a FastAPI application.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OAuthError {
    pub(super) error: &'static str,
    pub(super) description: String,
    pub(super) reason: Reason,
    /// How long the client is to wait, where that is known.
    pub(super) wait: Option<Duration>,
    /// The field of the form that is wrong.
    pub(super) field: Option<&'static str>,
}

impl OAuthError {
    pub(super) fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { error, description: description.into(), reason: Reason::Endpoint, wait: None, field: None }
    }

    /// The same, of this field.
    pub(super) fn of(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// A no of ours that the client may try again.
    pub(super) fn unavailable(reason: Reason, description: impl Into<String>) -> Self {
        Self {
            error: "temporarily_unavailable",
            description: description.into(),
            reason,
            wait: None,
            field: None,
        }
    }

    /// Too many have failed. RFC 6749 has no word for it; of those registered for this endpoint, RFC 8628 §3.5 has one.
    pub(super) fn slow_down(wait: Duration, description: impl Into<String>) -> Self {
        let (error, reason) = ("slow_down", Reason::RateLimited);
        Self { error, description: description.into(), reason, wait: Some(wait), field: None }
    }

    /// Worded as `body` says.
    pub(super) fn reply(&self, caller: &Caller, body: ErrorBody) -> Reply {
        let body = if body == ErrorBody::FastApi { body } else { ErrorBody::OAuth };
        let status = answer::code_status(self.error, body);
        let wrong_password = body == ErrorBody::FastApi && self.error == "invalid_grant";
        let fault = Fault {
            status,
            error: self.error,
            reason: None,
            description: if wrong_password { "Incorrect username or password" } else { &self.description },
            // RFC 6749 has no such member.
            field: self.field.filter(|_| body == ErrorBody::FastApi),
            request_id: &caller.request_id,
            body,
        };
        let mut reply = Reply::new(answer::fault(&fault), self.reason, None).never_cached();
        match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                let wait = self.wait.map_or_else(|| answer::retry_after(self.reason), whole_seconds);
                reply.headers_mut().insert(http::header::RETRY_AFTER, wait);
            }
            // The scheme a client would authenticate itself with (RFC 6749 §5.2).
            StatusCode::UNAUTHORIZED => {
                let challenge = if wrong_password { "Bearer" } else { "Basic realm=\"gatepass\"" };
                let challenge = HeaderValue::from_static(challenge);
                reply.headers_mut().insert(http::header::WWW_AUTHENTICATE, challenge);
            }
            _ => {}
        }
        reply
    }
}

/// Whoever comes back after so many seconds has waited long enough.
pub(super) fn whole_seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1))
}

/// Answers a method that the endpoint does not have: `OPTIONS` with what it has, any other with 405. The router adds
/// `Allow` (RFC 9110 §15.5.6).
pub(super) async fn wrong_method(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    method: Method,
) -> Reply {
    if method == Method::OPTIONS {
        Reply::empty(&caller, StatusCode::NO_CONTENT, None)
    } else {
        desk.refuse(&caller, Reason::MethodNotAllowed)
    }
}
