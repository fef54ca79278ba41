//! How is a reason told to the client? Its status, its OAuth error code, and the sentence that goes with its word.
//!
//! Reasons that could help a forger are all one "invalid token"; every other is told by name, as
//! `word: sentence`.

use std::borrow::Cow;

use http::{HeaderValue, StatusCode};

use super::ErrorBody;
use crate::access::Reason;

/// The status of an answer for `reason` in this kind of body; of allowed requests, 200 stands for "let through".
pub const fn status(reason: Reason, body: ErrorBody) -> StatusCode {
    if matches!(body, ErrorBody::FastApi) {
        match reason {
            // Its tutorial knows a token that is not good enough, and no 403; a header it cannot read is no token.
            Reason::InsufficientScope | Reason::MalformedCredentials | Reason::MultipleCredentials => {
                return StatusCode::UNAUTHORIZED;
            }
            Reason::UserDisabled => return StatusCode::BAD_REQUEST,
            _ => {}
        }
    }
    match reason {
        Reason::Public | Reason::Anonymous | Reason::Authenticated | Reason::Endpoint => StatusCode::OK,
        Reason::BadTarget
        | Reason::BadFraming
        | Reason::BadHost
        | Reason::MalformedCredentials
        | Reason::MultipleCredentials => StatusCode::BAD_REQUEST,
        Reason::MissingToken
        | Reason::MalformedToken
        | Reason::AlgorithmNotAllowed
        | Reason::UnknownKey
        | Reason::BadSignature
        | Reason::WrongType
        | Reason::WrongIssuer
        | Reason::WrongAudience
        | Reason::MissingClaim
        | Reason::Expired
        | Reason::NotYetValid
        | Reason::LifetimeTooLong
        | Reason::RevokedToken
        | Reason::RevokedLogin
        | Reason::RevokedUser
        | Reason::RevokedKey
        | Reason::UserDisabled => StatusCode::UNAUTHORIZED,
        Reason::CrossSite | Reason::InsufficientScope | Reason::RouteDenied => StatusCode::FORBIDDEN,
        Reason::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Reason::Timeout => StatusCode::REQUEST_TIMEOUT,
        Reason::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Reason::RevocationStale | Reason::StoreUnavailable | Reason::Overloaded => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Reason::UpstreamUnavailable => StatusCode::BAD_GATEWAY,
        Reason::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        Reason::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The status of an error of RFC 6749 §5.2, or of what those leave unnamed, at the endpoints that speak OAuth.
pub fn code_status(error: &str, body: ErrorBody) -> StatusCode {
    match (error, body) {
        ("temporarily_unavailable", _) => StatusCode::SERVICE_UNAVAILABLE,
        ("slow_down", _) => StatusCode::TOO_MANY_REQUESTS,
        ("invalid_client", _) | ("invalid_grant", ErrorBody::FastApi) => StatusCode::UNAUTHORIZED,
        // What FastAPI's form refuses before anybody's password is looked at.
        ("invalid_request" | "unsupported_grant_type", ErrorBody::FastApi) => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        _ => StatusCode::BAD_REQUEST,
    }
}

/// What the challenge of an answer says besides its realm (RFC 6750 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Challenge {
    /// No `WWW-Authenticate`: another credential would change nothing.
    None,
    /// The realm alone: nobody has tried yet (RFC 6750 §3.1, last paragraph).
    Bare,
    /// `error` and `error_description`.
    Error,
}

/// What a client is told of a reason.
pub(super) struct Wording {
    /// The code in `error`: of RFC 6749, RFC 6750 or RFC 8628 where one fits.
    pub(super) error: &'static str,
    /// The reason's name, where the client may know it.
    pub(super) word: Option<&'static str>,
    sentence: &'static str,
    challenge: Challenge,
}

impl Wording {
    pub(super) const fn of(reason: Reason) -> Self {
        let (error, sentence, challenge) = told(reason);
        // What could help a forger has no word of its own.
        let word = if sentence.is_empty() { None } else { Some(reason.as_str()) };
        let sentence = if sentence.is_empty() { "invalid token" } else { sentence };
        Self { error, word, sentence, challenge }
    }

    /// `error_description`, or `detail` of RFC 9457.
    pub(super) fn description(&self, detail: Option<&str>) -> Cow<'static, str> {
        match self.word {
            None => Cow::Borrowed(self.sentence),
            Some(word) => Cow::Owned(format!("{word}: {}", detail.unwrap_or(self.sentence))),
        }
    }

    /// `WWW-Authenticate` (RFC 6750 §3): one challenge, always with a realm.
    pub(super) fn challenge(&self, realm: &str, needed_scope: Option<&str>) -> Option<HeaderValue> {
        use std::fmt::Write as _;

        let mut text = format!("Bearer realm=\"{}\"", quotable(realm));
        match self.challenge {
            Challenge::None => return None,
            Challenge::Bare => {}
            Challenge::Error => {
                let description = self.description(None);
                let _ = write!(text, ", error=\"{}\", error_description=\"{description}\"", self.error);
                if let Some(scope) = needed_scope {
                    let _ = write!(text, ", scope=\"{}\"", quotable(scope));
                }
            }
        }
        HeaderValue::from_str(&text).ok()
    }
}

/// `text` without what a quoted-string cannot hold as it stands (RFC 9110 §5.6.4).
pub(super) fn quotable(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).collect()
}

/// The OAuth code, the sentence (empty: not to be told) and the kind of challenge of each reason.
const fn told(reason: Reason) -> (&'static str, &'static str, Challenge) {
    use Challenge::{Bare, Error, None};
    match reason {
        Reason::Public | Reason::Anonymous | Reason::Authenticated | Reason::Endpoint => {
            ("none", "the request is let through", None)
        }
        Reason::BadTarget => ("invalid_request", "the request target is ambiguous or malformed", None),
        Reason::BadFraming => ("invalid_request", "the message framing is ambiguous or malformed", None),
        Reason::BadHost => ("invalid_request", "the Host header is missing or malformed", None),
        Reason::MethodNotAllowed => ("invalid_request", "this method is not allowed here", None),
        Reason::Timeout => ("invalid_request", "the request did not arrive in time", None),
        Reason::TooLarge => ("invalid_request", "the request is larger than allowed", None),
        Reason::MissingToken => ("missing_token", "a bearer token is needed", Bare),
        Reason::MalformedCredentials => ("invalid_request", "the credential is not one bearer token", Error),
        Reason::MultipleCredentials => ("invalid_request", "there is more than one credential", Error),
        Reason::CrossSite => ("access_denied", "another site asked in the user's name", None),
        Reason::MalformedToken
        | Reason::AlgorithmNotAllowed
        | Reason::UnknownKey
        | Reason::BadSignature
        | Reason::WrongType
        | Reason::WrongIssuer
        | Reason::WrongAudience
        | Reason::MissingClaim
        | Reason::NotYetValid
        | Reason::LifetimeTooLong => ("invalid_token", "", Error),
        Reason::Expired => ("invalid_token", "the token has expired", Error),
        Reason::RevokedToken => ("invalid_token", "the token has been revoked", Error),
        Reason::RevokedLogin => ("invalid_token", "this sign-in has been ended", Error),
        Reason::RevokedUser => ("invalid_token", "all sign-ins of this user have been ended", Error),
        Reason::RevokedKey => ("invalid_token", "the key that signed the token has been revoked", Error),
        Reason::UserDisabled => ("invalid_token", "the user has been disabled", Error),
        Reason::InsufficientScope => {
            ("insufficient_scope", "the token lacks a scope that is needed here", Error)
        }
        Reason::RouteDenied => ("access_denied", "nobody may pass here", None),
        Reason::RateLimited => ("slow_down", "too many requests", None),
        Reason::RevocationStale => {
            ("temporarily_unavailable", "it cannot be told now whether the token has been revoked", None)
        }
        Reason::StoreUnavailable => ("temporarily_unavailable", "a store does not answer", None),
        Reason::Overloaded => ("temporarily_unavailable", "too many requests of this kind at once", None),
        Reason::UpstreamUnavailable => ("temporarily_unavailable", "the upstream cannot be reached", None),
        Reason::UpstreamTimeout => ("temporarily_unavailable", "the upstream did not answer in time", None),
        Reason::Internal => ("server_error", "a fault of the gateway", None),
    }
}
