//! Is this token good? Format, algorithm, key, signature, issuer, type, claims: the first failing step names the error.
//!
//! The signature is the cryptographic library's and all the rest is ours: what `jsonwebtoken` would check of it is less than its
//! options promise (`aud` and `iss` pass when absent, `typ` and `crit` are not looked at). Nothing a token says is acted upon
//! before its signature fits: no key is fetched, no file opened, no store asked.

mod claims;
mod json;
mod parts;
mod rules;
mod verified;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use self::json::{Json, Members};
use self::parts::{Header, Parts, Signature, decode};
use self::rules::{Group, Makers, Rules};
pub use self::verified::Verified;
use super::cache::TokenCache;
use super::key::Key;
use super::{KeyRing, Settings};
use crate::clock::{Clock, UnixTime};

/// The longest token looked at, in bytes.
const LONGEST: usize = 8 * 1024;

/// The most grace `exp` gets, whatever is configured: revocations outlive their tokens by no more.
const MOST_LEEWAY: Duration = Duration::from_secs(5);

/// Why a token is not good: one word per step, in the order of the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWS in compact form, or not JSON where JSON must be.
    #[error("not a signed token")]
    Malformed,
    /// `alg` is not the one the key is pinned to.
    #[error("signed with an algorithm that is not allowed")]
    AlgorithmNotAllowed,
    /// `kid` names no key in force.
    #[error("signed with a key that is not known")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the signature does not fit")]
    BadSignature,
    /// `typ` is not `at+jwt`, a claim that tells access tokens is not as it must be, or a header is present that changes how the token is to be read (`crit`, `b64`, `zip`, `enc`).
    #[error("not an access token")]
    WrongType,
    /// `iss` is not one whose key fits.
    #[error("from another issuer")]
    WrongIssuer,
    /// `aud` is not the expected one alone.
    #[error("for another audience")]
    WrongAudience,
    /// A required claim is absent, or a claim is of the wrong type.
    #[error("a required claim is missing or malformed: {0}")]
    MissingClaim(&'static str),
    /// `exp` is past.
    #[error("expired")]
    Expired,
    /// `nbf` or `iat` lies ahead.
    #[error("not valid yet")]
    NotYetValid,
    /// `exp - iat` is more than allowed.
    #[error("lives longer than is allowed")]
    LifetimeTooLong,
}

/// What is checked of a token, in this order; [`Verifier::explain`] speaks of these.
const STEPS: [&str; 10] =
    ["format", "algorithm", "key", "signature", "type", "issuer", "audience", "claims", "time", "lifetime"];

impl TokenError {
    /// The place in [`STEPS`] of the step that fails with this error.
    const fn step(self) -> usize {
        match self {
            Self::Malformed => 0,
            Self::AlgorithmNotAllowed => 1,
            Self::UnknownKey => 2,
            Self::BadSignature => 3,
            Self::WrongType => 4,
            Self::WrongIssuer => 5,
            Self::WrongAudience => 6,
            Self::MissingClaim(_) => 7,
            Self::Expired | Self::NotYetValid => 8,
            Self::LifetimeTooLong => 9,
        }
    }
}

/// Verifies tokens, remembering those it has verified.
#[derive(Debug)]
pub struct Verifier {
    ours: Rules,
    trusted: Box<[Group]>,
    leeway: Duration,
    keys: Arc<KeyRing>,
    clock: Clock,
    cache: TokenCache,
}

impl Verifier {
    /// A verifier for the keys of `keys` and those of trusted issuers. A leeway of more than 5 s counts as 5 s.
    pub fn new(settings: &Settings, keys: Arc<KeyRing>, clock: Clock) -> Self {
        let ours = Rules::ours(settings);
        Self {
            trusted: Group::all(settings, &ours),
            ours,
            leeway: settings.leeway.min(MOST_LEEWAY),
            keys,
            clock,
            cache: TokenCache::new(settings.cache_bytes),
        }
    }

    /// Checks `token` (at most 8 KiB), step by step. A remembered token is still checked for its times, every time.
    pub fn verify(&self, token: &str) -> Result<Arc<Verified>, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Malformed);
        }
        let now = self.clock.now();
        if let Some(known) = self.cache.get(token) {
            return match known.check_times(now, self.leeway) {
                Ok(()) => {
                    known.used_at(now);
                    Ok(known)
                }
                Err(error) => {
                    self.cache.remove(token);
                    Err(error)
                }
            };
        }
        let verified = Arc::new(self.examine(token, now)?);
        verified.used_at(now);
        self.cache.insert(token, Arc::clone(&verified));
        Ok(verified)
    }

    /// From when on it is refused as expired: `exp`, and the leeway.
    pub fn ends(&self, token: &Verified) -> UnixTime {
        token.expires().plus(self.leeway)
    }

    /// Every step in order, and what came of it, up to the first that failed.
    pub fn explain(&self, token: &str) -> Vec<(&'static str, Result<(), TokenError>)> {
        let outcome = if token.len() > LONGEST {
            Err(TokenError::Malformed)
        } else {
            self.examine(token, self.clock.now()).map(drop)
        };
        let passed = outcome.map_or_else(TokenError::step, |()| STEPS.len());
        let mut steps: Vec<_> = STEPS[..passed].iter().map(|&step| (step, Ok(()))).collect();
        if let Err(error) = outcome {
            steps.push((STEPS[error.step()], Err(error)));
        }
        steps
    }

    /// The operator's word for the trusted issuer by whose rules `token` is judged, good or not; none where it is by our
    /// own, or by nobody's.
    pub fn judge(&self, token: &str) -> Option<&str> {
        let parts = Parts::split(token).filter(|_| token.len() <= LONGEST)?;
        self.identify(&parts, &mut Vec::new()).ok()?.rules.trusted.as_deref()
    }

    /// Like `verify`, for explaining: header and claims as they stand there, trusted or not (decoded without checking).
    pub fn inspect(token: &str) -> Option<(Value, Value)> {
        if token.len() > LONGEST {
            return None;
        }
        let parts = Parts::split(token)?;
        let object = |part| {
            let json = decode(part).ok()?;
            let members = Members::<Value>::read(&json)?.into_iter();
            Some(members.map(|(name, value)| (name.into_owned(), value)).collect())
        };
        Some((object(parts.header)?, object(parts.claims)?))
    }

    /// All steps, without memory.
    fn examine(&self, token: &str, now: UnixTime) -> Result<Verified, TokenError> {
        let parts = Parts::split(token).ok_or(TokenError::Malformed)?;
        let mut json = Vec::new();
        let Identified { rules, key, claims } = self.identify(&parts, &mut json)?;
        let verified = rules.read(&claims, key, parts.signed)?;
        verified.check_times(now, self.leeway)?;
        rules.check_lifetime(&verified, now)?;
        Ok(verified)
    }

    /// Whose token it is, once its signature fits. The claims are read in place, in `json`.
    fn identify<'j>(
        &self,
        parts: &Parts<'_>,
        json: &'j mut Vec<u8>,
    ) -> Result<Identified<'_, 'j>, TokenError> {
        let header = decode(parts.header)?;
        let header = Header::read(&header)?;
        if !header.is_hs256() {
            return Err(TokenError::AlgorithmNotAllowed);
        }
        let makers = self.makers(header.kid()?, parts)?;
        if header.is_foreign() {
            return Err(TokenError::WrongType);
        }
        *json = decode(parts.claims)?;
        let claims = Members::read(json).ok_or(TokenError::Malformed)?;
        let named = makers.named_by(&claims);
        let untyped = header.is_any_token() && named.is_ok_and(|rules| rules.may_lack("typ"));
        if !header.is_access_token() && !untyped {
            return Err(TokenError::WrongType);
        }
        Ok(Identified { rules: named?, key: makers.key, claims })
    }

    /// Whose key the signature fits. A `kid` of ours means our key and no other; without one of ours, the keys of
    /// trusted issuers are tried, which are few.
    fn makers(&self, kid: Option<&str>, parts: &Parts<'_>) -> Result<Makers<'_>, TokenError> {
        let own = self.keys.find(kid);
        if own.is_none() && self.trusted.is_empty() {
            return Err(TokenError::UnknownKey);
        }
        let signature = Signature::read(parts.signature)?;
        let fits = |key: &Key| matches!(&signature, Signature::Mac(mac) if key.fits(parts.signed, mac));
        if let Some(key) = own {
            if fits(key) {
                let group = self.trusted.iter().find(|group| group.is(&key.id));
                return Ok(Makers { key, ours: Some(&self.ours), group });
            }
            if kid.is_some() {
                return Err(TokenError::BadSignature);
            }
        }
        for group in self.trusted.iter().filter(|group| own.is_none_or(|own| !group.is(&own.id))) {
            if fits(&group.key) {
                return Ok(Makers { key: &group.key, ours: None, group: Some(group) });
            }
        }
        let tried = own.is_some() || kid.is_none();
        Err(if tried { TokenError::BadSignature } else { TokenError::UnknownKey })
    }
}

/// A token whose maker is known.
struct Identified<'v, 'j> {
    rules: &'v Rules,
    key: &'v Key,
    claims: Members<'j, Json<'j>>,
}

#[cfg(test)]
mod costs;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(in crate::token) mod work;
