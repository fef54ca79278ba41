//! How does FastAPI say no? `{"detail": …}`: a sentence, or what is wrong with which field of a body.
//!
//! So that a front end that was written for FastAPI's own login and guards goes on reading what it knows: the texts are
//! those of its security tutorial, of `HTTPException` without a `detail` (the status's phrase), and of its validation
//! errors. Those echo what was sent as `input`; here it is null, for it may be a password.

use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::access::Reason;

/// The body.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    pub(super) detail: Detail<'a>,
}

/// What it says.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Detail<'a> {
    /// A sentence.
    Text(&'a str),
    /// What is wrong with the body of a request.
    Fields(Vec<Field<'a>>),
}

/// One thing that is wrong with a body, as pydantic tells it.
#[derive(Serialize)]
pub(super) struct Field<'a> {
    r#type: &'static str,
    loc: Vec<&'a str>,
    msg: &'a str,
    input: (),
}

/// The sentence for a reason.
pub(super) fn told(reason: Reason, status: StatusCode) -> &'static str {
    match reason {
        Reason::MissingToken => "Not authenticated",
        Reason::InsufficientScope => "Not enough permissions",
        Reason::UserDisabled => "Inactive user",
        _ if status == StatusCode::UNAUTHORIZED => "Could not validate credentials",
        _ => phrase(status),
    }
}

/// The status's phrase, as Python has it.
pub(super) fn phrase(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Content Too Large",
        StatusCode::UNPROCESSABLE_ENTITY => "Unprocessable Content",
        other => other.canonical_reason().unwrap_or("Error"),
    }
}

/// The challenge: without a realm, and with the scopes that the route wants, whatever was wrong with a token.
pub(super) fn challenge(reason: Reason, status: StatusCode, scope: Option<&str>) -> Option<HeaderValue> {
    if status != StatusCode::UNAUTHORIZED {
        return None;
    }
    // FastAPI looks for a token before it knows of scopes.
    match scope.filter(|_| reason != Reason::MissingToken) {
        Some(scope) => {
            HeaderValue::from_str(&format!("Bearer scope=\"{}\"", super::wording::quotable(scope))).ok()
        }
        None => Some(HeaderValue::from_static("Bearer")),
    }
}

/// What is wrong with `field` of a body, from our own words for it.
pub(super) fn unfit<'a>(field: Option<&'a str>, description: &'a str) -> Detail<'a> {
    const KINDS: [(&str, &str, &str); 7] = [
        (" is missing", "missing", "Field required"),
        ("must be application/x-www-form-urlencoded, in UTF-8", "missing", "Field required"),
        (" must be text", "string_type", "Input should be a valid string"),
        (" is not a field of a sign-up", "extra_forbidden", "Extra inputs are not permitted"),
        (
            "grant_type must be password",
            "string_pattern_mismatch",
            "String should match pattern '^password$'",
        ),
        ("the body is not JSON", "json_invalid", "JSON decode error"),
        (
            "the body must be an object",
            "model_attributes_type",
            "Input should be a valid dictionary or object to extract fields from",
        ),
    ];
    let known = KINDS.iter().find(|(ending, ..)| description.ends_with(ending));
    let (kind, msg) = known.map_or(("value_error", description), |(_, kind, msg)| (*kind, *msg));
    let loc = std::iter::once("body").chain(field).collect();
    Detail::Fields(vec![Field { r#type: kind, loc, msg, input: () }])
}
