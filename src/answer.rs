//! What do we answer ourselves? Statuses, bodies and headers of every gateway-made answer.
//!
//! [`status`] is the one table from reason to status; [`refusal`] words a no for the client (RFC 6750 §3);
//! [`json`], [`html`], [`empty`] and [`fault`] make the answers of our own endpoints. All of them carry the request id, are
//! never stored by a cache, and name no server software.

mod fastapi;
mod reply;
mod wording;

pub use reply::{Fault, empty, fault, html, json};
pub use wording::{code_status, status};

use bytes::Bytes;
use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

use crate::access::Reason;
use wording::Wording;

/// The realm of our challenges (RFC 9110 §11.5).
pub const REALM: &str = "gatepass";

/// `[errors] body`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorBody {
    /// `error`, `error_description`, `request_id` (RFC 6749 §5.2, RFC 6750 §3).
    #[default]
    OAuth,
    /// RFC 9457.
    Problem,
    /// `{"detail": …}` with FastAPI's texts and statuses.
    FastApi,
}

/// A no, with what its answer needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// Why.
    pub reason: Reason,
    /// Instead of the table's status: 431 for a head that is too large, 503 when no server is alive.
    pub status: Option<StatusCode>,
    /// Under which id the operator finds it.
    pub request_id: &'a str,
    /// The scopes that would have been enough, where the route is known. Told for `insufficient_scope`; FastAPI tells
    /// them with every token that is not good.
    pub needed_scope: Option<&'a str>,
    /// The methods that are allowed, for `method_not_allowed`.
    pub allow: Option<&'a HeaderValue>,
    /// The realm of the challenge.
    pub realm: &'a str,
    /// How the body is written.
    pub body: ErrorBody,
    /// Which and why, in place of the reason's own sentence; goes to the client, so it holds no secret. Not heeded
    /// where the client is not to know.
    pub detail: Option<&'a str>,
}

impl<'a> Refusal<'a> {
    /// A no for `reason`, worded by the table alone.
    pub const fn of(reason: Reason, request_id: &'a str, body: ErrorBody) -> Self {
        Self {
            reason,
            status: None,
            request_id,
            needed_scope: None,
            allow: None,
            realm: REALM,
            body,
            detail: None,
        }
    }

    /// A request head that is longer than allowed: 431 (RFC 6585 §5).
    pub const fn head_too_large(request_id: &'a str, body: ErrorBody) -> Self {
        let mut refusal = Self::of(Reason::TooLarge, request_id, body);
        refusal.status = Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        refusal
    }
}

/// The whole answer to a request that is refused.
pub fn refusal(refusal: &Refusal<'_>) -> Response<Bytes> {
    let wording = Wording::of(refusal.reason);
    let Refusal { reason, needed_scope, body, .. } = *refusal;
    let status = refusal.status.unwrap_or_else(|| status(reason, body));
    let (description, challenge) = match body {
        ErrorBody::FastApi => {
            (fastapi::told(reason, status).into(), fastapi::challenge(reason, status, needed_scope))
        }
        ErrorBody::OAuth | ErrorBody::Problem => {
            let scope = needed_scope.filter(|_| reason == Reason::InsufficientScope);
            (wording.description(refusal.detail), wording.challenge(refusal.realm, scope))
        }
    };
    let mut answer = fault(&Fault {
        status,
        error: wording.error,
        reason: wording.word,
        description: &description,
        field: None,
        request_id: refusal.request_id,
        body,
    });
    let headers = answer.headers_mut();
    if let Some(challenge) = challenge {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(allow) = refusal.allow {
        headers.insert(ALLOW, allow.clone());
    }
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        headers.insert(RETRY_AFTER, retry_after(refusal.reason));
    }
    answer
}

/// How long a client should wait before it asks again, in seconds (RFC 9110 §10.2.3): what a queue needs to run
/// dry, or a store to come back.
pub fn retry_after(reason: Reason) -> HeaderValue {
    HeaderValue::from_static(if matches!(reason, Reason::Overloaded) { "1" } else { "5" })
}

#[cfg(test)]
mod tests;
