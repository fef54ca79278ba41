//! What is in a token's text? Its three parts, JSON objects without repeated members, and the header's meaning.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::TokenError;

/// The longest `kid` that is looked up, in bytes.
const LONGEST_KID: usize = 128;

/// Header members that change how a token is to be read. None of them belongs into an access token, `crit` would
/// oblige us to understand what it lists (RFC 7515 §4.1.11), and `cty` announces a token inside the token (RFC 7519
/// §5.2): their mere presence refuses the token.
const FOREIGN: [&str; 5] = ["crit", "b64", "zip", "enc", "cty"];

/// The parts of a compact serialization (RFC 7515 §3.1), not decoded.
pub(super) struct Parts<'t> {
    /// Header and claims with the dot between them: what the signature is of.
    pub(super) signed: &'t str,
    pub(super) header: &'t str,
    pub(super) claims: &'t str,
    pub(super) signature: &'t str,
}

impl<'t> Parts<'t> {
    /// Exactly three parts; an encrypted token (RFC 7516 §3.1) has five.
    pub(super) fn split(token: &'t str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        (!claims.contains('.')).then_some(Self { signed, header, claims, signature })
    }
}

/// Decodes a part that must be a JSON object. Base64url without padding and without spare bits, UTF-8, no member
/// twice (RFC 7515 §4, RFC 8725 §2.4): one text, one meaning.
pub(super) fn object(part: &str) -> Option<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice::<Members>(&json).ok().map(|members| members.0)
}

/// A JSON object whose members are all different.
struct Members(Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member is there twice"));
                    }
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

/// A decoded header. Keys it brings or points at (`jwk`, `jku`, `x5u`, `x5c`) are never looked at.
pub(super) struct Header(Map<String, Value>);

impl Header {
    /// Decodes the first part.
    pub(super) fn read(part: &str) -> Result<Self, TokenError> {
        object(part).map(Self).ok_or(TokenError::Malformed)
    }

    /// Whether `alg` is exactly the algorithm our keys are pinned to.
    pub(super) fn is_hs256(&self) -> bool {
        self.0.get("alg").and_then(Value::as_str) == Some("HS256")
    }

    /// `kid`, if there is one.
    pub(super) fn kid(&self) -> Result<Option<&str>, TokenError> {
        match self.0.get("kid") {
            None => Ok(None),
            Some(Value::String(kid)) if kid.len() <= LONGEST_KID => Ok(Some(kid)),
            Some(_) => Err(TokenError::UnknownKey),
        }
    }

    /// Whether something asks for another reading.
    pub(super) fn is_foreign(&self) -> bool {
        FOREIGN.iter().any(|name| self.0.contains_key(*name))
    }

    /// Whether `typ` says access token (RFC 9068 §2.1).
    pub(super) fn is_access_token(&self) -> bool {
        let typ = self.0.get("typ").and_then(Value::as_str).unwrap_or_default();
        typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt")
    }

    /// Whether `typ` says nothing but that it is a token, or nothing at all: then it may be one of any kind.
    pub(super) fn is_any_token(&self) -> bool {
        self.0.get("typ").is_none_or(|typ| typ.as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("jwt")))
    }
}
