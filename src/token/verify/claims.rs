//! Do the claims say what an access token of ours must say? Every claim we use has one type and one form.
//!
//! A claim that is absent and one of the wrong type are the same fault. Claims we do not use are ignored.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::verified::{Presented, Uses};
use super::{TokenError, Verified, parts};
use crate::clock::UnixTime;
use crate::identity::{BadText, Digest, LoginId, RevocationDigests, Scopes, Subject, TokenId};
use crate::token::KeyId;

/// The last second a `NumericDate` may name (the year 33658): what is beyond is no date but an attempt.
const LAST_SECOND: u64 = 1_000_000_000_000;

/// What the claims are held against.
#[derive(Debug)]
pub(super) struct Expectations {
    pub(super) issuer: Arc<str>,
    pub(super) audience: Box<str>,
    pub(super) max_lifetime: Duration,
}

impl Expectations {
    /// Reads the claims of a token whose signature by `key` fits; times are read, not judged.
    pub(super) fn read(&self, part: &str, key: &KeyId) -> Result<Verified, TokenError> {
        let claims = Claims(parts::object(part).ok_or(TokenError::Malformed)?);
        if claims.required("iss", Value::as_str)? != &*self.issuer {
            return Err(TokenError::WrongIssuer);
        }
        self.check_audience(&claims)?;
        let subject = claims.required("sub", text(Subject::parse))?;
        let expires = claims.required("exp", numeric_date)?;
        let issued_at = claims.required("iat", numeric_date)?;
        let not_before = claims.optional("nbf", numeric_date)?;
        let token_id = claims.required("jti", text(TokenId::parse))?;
        let login_id = claims.optional("sid", text(LoginId::parse))?;
        let digests = RevocationDigests {
            token: Digest::of_token(&self.issuer, &token_id),
            login: login_id.as_ref().map(|login| Digest::of_login(&self.issuer, login)),
            user: Digest::of_user(&self.issuer, &subject),
            key: Digest::of_key(&self.issuer, key.as_str()),
        };
        let mut verified = Verified {
            issuer: Arc::clone(&self.issuer),
            subject,
            token_id,
            login_id,
            login_version: claims.optional("login_version", Value::as_u64)?,
            scopes: claims.optional("scope", text(Scopes::parse))?.unwrap_or_default(),
            preferred_username: claims.optional("preferred_username", presentable)?,
            email: claims.optional("email", presentable)?,
            client_id: claims.optional("client_id", presentable)?,
            issued_at,
            expires,
            begins: not_before.map_or(issued_at, |not_before| not_before.max(issued_at)),
            digests,
            presented: Presented::default(),
            uses: Uses::default(),
        };
        verified.present();
        Ok(verified)
    }

    /// `aud` must be ours alone, as a text or as a list of that one text. A token for others too is refused: whoever
    /// else may take it could bring it here (RFC 9068 §4 allows it; a single audience is the safer reading).
    fn check_audience(&self, claims: &Claims) -> Result<(), TokenError> {
        let ours = claims.required("aud", |value| match value {
            Value::String(one) => Some(**one == *self.audience),
            Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_string) => {
                Some(matches!(&**list, [Value::String(only)] if **only == *self.audience))
            }
            _ => None,
        })?;
        if ours { Ok(()) } else { Err(TokenError::WrongAudience) }
    }

    /// `exp - iat` is bounded: a revocation is kept no longer than a token can live.
    pub(super) fn check_lifetime(&self, verified: &Verified) -> Result<(), TokenError> {
        if verified.expires.since(verified.issued_at) > self.max_lifetime {
            Err(TokenError::LifetimeTooLong)
        } else {
            Ok(())
        }
    }
}

/// The members of the payload.
struct Claims(Map<String, Value>);

impl Claims {
    fn required<'c, T>(
        &'c self,
        name: &'static str,
        read: impl FnOnce(&'c Value) -> Option<T>,
    ) -> Result<T, TokenError> {
        self.0.get(name).and_then(read).ok_or(TokenError::MissingClaim(name))
    }

    /// A claim that may be absent, but not malformed; `null` is malformed.
    fn optional<'c, T>(
        &'c self,
        name: &'static str,
        read: impl FnOnce(&'c Value) -> Option<T>,
    ) -> Result<Option<T>, TokenError> {
        self.0.get(name).map(|value| read(value).ok_or(TokenError::MissingClaim(name))).transpose()
    }
}

/// Reads a text with `parse`.
fn text<T>(parse: fn(&str) -> Result<T, BadText>) -> impl Fn(&Value) -> Option<T> {
    move |value| parse(value.as_str()?).ok()
}

/// A text that may stand in a header, as a subject may.
fn presentable(value: &Value) -> Option<Box<str>> {
    let text = value.as_str()?;
    Subject::parse(text).ok().map(|_| text.into())
}

/// Seconds since the epoch, whole or not (RFC 7519 §2); fractions below a millisecond are dropped.
fn numeric_date(value: &Value) -> Option<UnixTime> {
    let number = value.as_number()?;
    let since_epoch = match number.as_u64() {
        Some(seconds) => Duration::from_secs(seconds),
        None => Duration::try_from_secs_f64(number.as_f64()?).ok()?,
    };
    (since_epoch.as_secs() <= LAST_SECOND).then(|| UnixTime::default().plus(since_epoch))
}
