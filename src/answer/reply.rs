//! What do all our answers have in common? The frame: JSON, a page or nothing, its exact length, the request id, and a word to
//! caches.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::{ErrorBody, fastapi};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An error with a body.
#[derive(Clone, Copy, Debug)]
pub struct Fault<'a> {
    /// The status.
    pub status: StatusCode,
    /// A code of RFC 6749 §5.2, RFC 6750 §3.1, or our own where neither has one.
    pub error: &'static str,
    /// The reason's word where it may be told, for a problem's `reason`; `error` stands in where not.
    pub reason: Option<&'static str>,
    /// What is wrong, for a person.
    pub description: &'a str,
    /// The field of the request that is wrong.
    pub field: Option<&'a str>,
    /// Under which id the operator finds it.
    pub request_id: &'a str,
    /// How the body is written.
    pub body: ErrorBody,
}

#[derive(Serialize)]
struct OAuthBody<'a> {
    error: &'a str,
    error_description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    request_id: &'a str,
}

/// RFC 9457 §3.1; without a page of its own, a problem's type is `about:blank` and its title the status's phrase
/// (§4.2.1).
#[derive(Serialize)]
struct ProblemBody<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    request_id: &'a str,
}

/// An answer with an error body.
pub fn fault(fault: &Fault<'_>) -> Response<Bytes> {
    let Fault { status, error, reason, description, field, request_id, body } = *fault;
    match body {
        ErrorBody::OAuth => {
            let body = OAuthBody { error, error_description: description, field, request_id };
            framed(status, request_id, Some(JSON), serialized(&body))
        }
        ErrorBody::Problem => {
            let body = ProblemBody {
                r#type: "about:blank",
                title: status.canonical_reason().unwrap_or("Error"),
                status: status.as_u16(),
                detail: description,
                reason: reason.unwrap_or(error),
                field,
                request_id,
            };
            framed(status, request_id, Some(PROBLEM), serialized(&body))
        }
        // Who asked is told nothing more than FastAPI tells; the request id is in its header.
        ErrorBody::FastApi => {
            let detail = match status {
                StatusCode::UNPROCESSABLE_ENTITY => fastapi::unfit(field, description),
                _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                    fastapi::Detail::Text(fastapi::phrase(status))
                }
                _ => fastapi::Detail::Text(description),
            };
            framed(status, request_id, Some(JSON), serialized(&fastapi::Body { detail }))
        }
    }
}

/// An answer with a JSON body.
pub fn json(status: StatusCode, body: &impl Serialize, request_id: &str) -> Response<Bytes> {
    framed(status, request_id, Some(JSON), serialized(body))
}

/// A page.
pub fn html(status: StatusCode, page: String, request_id: &str) -> Response<Bytes> {
    framed(status, request_id, Some(HTML), page.into())
}

/// An answer without a body.
pub fn empty(status: StatusCode, request_id: &str) -> Response<Bytes> {
    framed(status, request_id, None, Bytes::new())
}

fn serialized(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("our bodies are structs and maps with text keys").into()
}

fn framed(status: StatusCode, request_id: &str, kind: Option<HeaderValue>, body: Bytes) -> Response<Bytes> {
    let length = body.len();
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, kind);
    }
    // A 204 has no length to tell (RFC 9110 §8.6).
    if status != StatusCode::NO_CONTENT {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    answer
}
