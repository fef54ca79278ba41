//! The token endpoint: a user name and a password for a token (RFC 6749 §4.3).
//!
//! There are no registered clients. What a request says of its client without a secret is not looked at, as Swagger UI
//! and FastAPI's own form send it empty or made up; a client secret claims a registration that there is not, and is
//! `invalid_client`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{AUTHORIZATION, USER_AGENT};
use serde::Serialize;

use super::Caller;
use super::desk::{Desk, OAuthError, Reply};
use super::form::{BadForm, Form};
use crate::access::Reason;
use crate::identity::Scopes;
use crate::login::{NotSignedIn, PasswordGrant, SignInError, SignedIn};
use crate::secret::Secret;
use crate::sessions::Origin;

const FIELDS: [&str; 6] = ["grant_type", "username", "password", "scope", "client_id", "client_secret"];

/// RFC 6749 §5.1.
#[derive(Serialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_in: u64,
    scope: &'a str,
}

/// `POST /token`.
pub(super) async fn answer(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Reply {
    let grant = match asked(&headers, query.as_deref(), &body, caller.client) {
        Ok(grant) => grant,
        Err(error) => return error.reply(&caller, desk.body),
    };
    let signed_in = desk.logins.sign_in(grant).await;
    note(&desk, &caller, &signed_in);
    match signed_in {
        Ok(signed_in) => granted(&desk, &caller, &signed_in),
        Err(failed) => OAuthError::from(failed.error).reply(&caller, desk.body),
    }
}

/// Hands the token out.
pub(super) fn granted(desk: &Desk, caller: &Caller, signed_in: &SignedIn) -> Reply {
    desk.metrics.token_issued("password");
    let body = TokenBody {
        access_token: &signed_in.issued.token,
        token_type: &desk.token_type,
        expires_in: signed_in.issued.expires_in,
        scope: signed_in.issued.scopes.as_str(),
    };
    Reply::json(caller, &body, Some(signed_in.subject.to_string())).never_cached()
}

/// Counts a sign-in and tells the log of it: never the name that was typed, for people type passwords there, but whose it
/// is. A flood is told in few words: where no password was looked at, the log leaves lines out.
pub(super) fn note(desk: &Desk, caller: &Caller, signed_in: &Result<SignedIn, NotSignedIn>) {
    let result = match signed_in.as_ref().map_err(|failed| failed.error) {
        Ok(_) => "success",
        Err(SignInError::InvalidGrant) => "invalid_grant",
        Err(SignInError::InvalidScope) => "invalid_scope",
        Err(SignInError::RateLimited(_)) => "rate_limited",
        Err(SignInError::Overloaded) => "overloaded",
        Err(SignInError::StoreUnavailable) => "store_unavailable",
    };
    desk.metrics.login(result);
    let client = caller.client.map(tracing::field::display);
    let request_id = &caller.request_id;
    match signed_in {
        Ok(signed_in) => {
            tracing::info!(result, subject = signed_in.subject.as_str(), client, request_id, "sign-in");
        }
        Err(NotSignedIn { error: SignInError::InvalidGrant | SignInError::InvalidScope, user }) => {
            let user = user.as_ref().map(tracing::field::display);
            tracing::info!(result, user, client, request_id, "sign-in");
        }
        Err(_) => tracing::warn!(result, client, request_id, "sign-in: no password was looked at"),
    }
}

/// Reads the request; the first thing that is wrong with it is the error.
fn asked(
    headers: &HeaderMap,
    query: Option<&str>,
    body: &[u8],
    client_address: Option<IpAddr>,
) -> Result<PasswordGrant, OAuthError> {
    let mut form = Form::read(&FIELDS, headers, query, body).map_err(|error| match error {
        // To FastAPI a form that cannot be read is one without fields.
        BadForm::ContentType => OAuthError::from(error).of("username"),
        _ => error.into(),
    })?;
    client(headers, &mut form)?;
    match form.take("grant_type").as_deref() {
        // FastAPI's form lets it out.
        None | Some("password") => {}
        Some(_) => {
            let error = OAuthError::new("unsupported_grant_type", "grant_type must be password");
            return Err(error.of("grant_type"));
        }
    }
    let mut needed = |name: &'static str| {
        let missing = || OAuthError::new("invalid_request", format!("{name} is missing")).of(name);
        form.take(name).ok_or_else(missing)
    };
    let username = needed("username")?;
    let password = Secret::from(needed("password")?);
    let scope = form.take("scope").map(|text| Scopes::parse(&text)).transpose();
    let scope = scope.map_err(|error| OAuthError::new("invalid_scope", format!("scope {error}")))?;
    let device = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    let origin = Origin::new(client_address, device);
    Ok(PasswordGrant { username, password, scope, client: client_address, origin })
}

/// Looks at how the client authenticates itself: not at all, or in vain (RFC 6749 §2.3).
fn client(headers: &HeaderMap, form: &mut Form) -> Result<(), OAuthError> {
    let (id, secret) = (form.take("client_id"), form.take("client_secret"));
    let basic = basic(headers)?;
    let claims_secret = match &basic {
        Some(_) if id.is_some() || secret.is_some() => {
            return Err(OAuthError::new("invalid_request", "there are two kinds of client credentials"));
        }
        Some(pair) => pair.split_once(':').is_some_and(|(_, secret)| !secret.is_empty()),
        None => secret.is_some(),
    };
    if claims_secret {
        return Err(OAuthError::new(
            "invalid_client",
            "there is no such client: leave the client secret out",
        ));
    }
    Ok(())
}

/// What `Authorization: Basic` holds (RFC 7617 §2), if there is something in it; Swagger UI sends a lone colon. Another
/// scheme, such as an old token that a client adds to every request, is not meant for this endpoint.
fn basic(headers: &HeaderMap) -> Result<Option<String>, OAuthError> {
    let malformed = || OAuthError::new("invalid_request", "the Authorization header is malformed");
    let mut found = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = found.next() else { return Ok(None) };
    if found.next().is_some() {
        return Err(OAuthError::new("invalid_request", "there is more than one Authorization header"));
    }
    let Some((scheme, rest)) = value.to_str().map_err(|_| malformed())?.split_once(' ') else {
        return Ok(None);
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let pair = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = pair.filter(|pair| pair.contains(':')).ok_or_else(malformed)?;
    Ok(Some(pair).filter(|pair| pair != ":"))
}

impl From<BadForm> for OAuthError {
    fn from(error: BadForm) -> Self {
        let this = Self::new("invalid_request", error.to_string());
        match error {
            BadForm::ContentType => this,
            BadForm::InQuery(field) | BadForm::Repeated(field) | BadForm::Encoding(field) => this.of(field),
        }
    }
}

impl From<SignInError> for OAuthError {
    fn from(error: SignInError) -> Self {
        let description = error.to_string();
        match error {
            SignInError::InvalidGrant => Self::new("invalid_grant", description),
            SignInError::InvalidScope => Self::new("invalid_scope", description),
            SignInError::RateLimited(wait) => Self::slow_down(wait, description),
            SignInError::Overloaded => Self::unavailable(Reason::Overloaded, description),
            SignInError::StoreUnavailable => Self::unavailable(Reason::StoreUnavailable, description),
        }
    }
}

#[cfg(test)]
mod tests;
