//! What is in a token's text? Its three parts, and the header's meaning.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::TokenError;
use super::json::{Json, Members};

/// The longest `kid` that is looked up, in bytes.
const LONGEST_KID: usize = 128;

/// The most commas in a header's text, so that there is little to read in it: a header is read before anybody has
/// vouched for it, and thousands of members or elements would cost more than a signature.
const MOST_COMMAS: usize = 64;

/// What may be in so much text: a name and a value at each comma, and what is nested as deep as may be.
#[cfg(test)]
pub(super) const MOST_VALUES: usize = 2 * MOST_COMMAS + 130;

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

/// Decodes a part: base64url without padding and without spare bits (RFC 7515 §2), so that one text has one meaning.
pub(super) fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    #[cfg(test)]
    super::work::note(|work| work.decoded += part.len());
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)
}

/// A decoded header. Keys it brings or points at (`jwk`, `jku`, `x5u`, `x5c`) are never looked at.
pub(super) struct Header<'j>(Members<'j, Json<'j>>);

impl<'j> Header<'j> {
    /// Reads the decoded first part.
    pub(super) fn read(json: &'j [u8]) -> Result<Self, TokenError> {
        if memchr::memchr_iter(b',', json).count() > MOST_COMMAS {
            return Err(TokenError::Malformed);
        }
        Members::read(json).map(Self).ok_or(TokenError::Malformed)
    }

    /// Whether `alg` is exactly the algorithm our keys are pinned to.
    pub(super) fn is_hs256(&self) -> bool {
        self.0.get("alg").and_then(Json::as_str) == Some("HS256")
    }

    /// `kid`, if there is one.
    pub(super) fn kid(&self) -> Result<Option<&str>, TokenError> {
        match self.0.get("kid") {
            None => Ok(None),
            Some(Json::Text(kid)) if kid.len() <= LONGEST_KID => Ok(Some(kid)),
            Some(_) => Err(TokenError::UnknownKey),
        }
    }

    /// Whether something asks for another reading.
    pub(super) fn is_foreign(&self) -> bool {
        FOREIGN.iter().any(|name| self.0.get(name).is_some())
    }

    /// Whether `typ` says access token (RFC 9068 §2.1).
    pub(super) fn is_access_token(&self) -> bool {
        let typ = self.0.get("typ").and_then(Json::as_str).unwrap_or_default();
        typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt")
    }

    /// Whether `typ` says nothing but that it is a token, or nothing at all: then it may be one of any kind.
    pub(super) fn is_any_token(&self) -> bool {
        self.0.get("typ").is_none_or(|typ| typ.as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("jwt")))
    }
}

/// The bytes of an HS256 signature. One of another length is a signature, but no key's.
pub(super) enum Signature {
    /// 256 bits.
    Mac([u8; 32]),
    /// Anything else.
    Other,
}

impl Signature {
    /// Decodes the third part.
    pub(super) fn read(part: &str) -> Result<Self, TokenError> {
        /// What 32 bytes are in base64url.
        const LENGTH: usize = 43;
        if part.len() != LENGTH {
            return decode(part).map(|_| Self::Other);
        }
        // As much as the decoder wants for so many characters.
        let mut bytes = [0; 36];
        #[cfg(test)]
        super::work::note(|work| work.decoded += part.len());
        URL_SAFE_NO_PAD.decode_slice(part, &mut bytes).map_err(|_| TokenError::Malformed)?;
        Ok(bytes.first_chunk().map_or(Self::Other, |mac| Self::Mac(*mac)))
    }
}
