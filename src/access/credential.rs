//! What did the client bring? Exactly one credential, none, or an error: three answers, never two.
use http::HeaderMap;

use super::handshake::{protocol_token, protocols, query_pairs, query_token};

/// The bearer token a request carries, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential<'a> {
    /// No `Authorization`, or one of another scheme (RFC 9110 §11.1): nobody asked to be authenticated here.
    None,
    /// A bearer token (RFC 6750 §2.1), not looked into yet.
    Bearer(&'a str),
    /// The same, from the cookie of the sign-in page: the browser brought it, of its own accord.
    Cookie(&'a str),
}

/// Why the credentials cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Not a scheme; or `Bearer` without one token of RFC 6750's alphabet behind it.
    #[error("the Authorization header is malformed")]
    Malformed,
    /// More than one `Authorization`, or a handshake that brings tokens in more than one place.
    #[error("there is more than one credential")]
    Multiple,
    /// A cookie that another site's page may have had sent.
    #[error("another site asked in the user's name")]
    CrossSite,
}

impl<'a> Credential<'a> {
    /// Reads the `Authorization` header.
    pub fn read(headers: &'a HeaderMap) -> Result<Self, CredentialError> {
        let mut found = headers.get_all(http::header::AUTHORIZATION).iter();
        let Some(value) = found.next() else { return Ok(Self::None) };
        if found.next().is_some() {
            return Err(CredentialError::Multiple);
        }
        let bytes = value.as_bytes();
        let text = std::str::from_utf8(bytes).map_err(|_| CredentialError::Malformed)?;
        let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
        if !scheme.eq_ignore_ascii_case("bearer") {
            // Whoever wrote `Bearer<tab>…` or `Bearer:…` meant to be somebody, and is not to be taken for nobody.
            let another = !scheme.is_empty() && scheme.bytes().all(is_tchar);
            return if another { Ok(Self::None) } else { Err(CredentialError::Malformed) };
        }
        b64token(rest.trim_start_matches(' ')).map(Self::Bearer)
    }

    /// Reads a WebSocket handshake, which may bring its token in `Authorization`, in a subprotocol, or in the parameter
    /// `query` of its target where the route names one; in one place, once.
    pub fn read_handshake(
        headers: &'a HeaderMap,
        target: &'a [u8],
        query: Option<&str>,
    ) -> Result<Self, CredentialError> {
        let in_query =
            query.into_iter().flat_map(|name| query_pairs(target).filter_map(|pair| query_token(pair, name)));
        let mut found = protocols(headers).filter_map(protocol_token).chain(in_query);
        let Some(token) = found.next() else { return Self::read(headers) };
        // Of whatever scheme: two who say who they are cannot both be believed.
        if found.next().is_some() || headers.contains_key(http::header::AUTHORIZATION) {
            return Err(CredentialError::Multiple);
        }
        text(token).map(Self::Bearer)
    }

    /// Reads the value of a cookie.
    pub(super) fn cookie(value: &'a [u8]) -> Result<Self, CredentialError> {
        text(value).map(Self::Cookie)
    }
}

fn text(token: &[u8]) -> Result<&str, CredentialError> {
    b64token(std::str::from_utf8(token).map_err(|_| CredentialError::Malformed)?)
}

fn b64token(token: &str) -> Result<&str, CredentialError> {
    if !token.is_empty() && token.bytes().fold(true, |good, byte| good & is_b64token(byte)) {
        Ok(token)
    } else {
        Err(CredentialError::Malformed)
    }
}

/// RFC 6750 §2.1: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`. Ranges joined without a branch, so
/// that the compiler compares many bytes at once.
#[expect(clippy::needless_bitwise_bool, reason = "a branch for each byte is what this avoids")]
const fn is_b64token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        | (byte >= b'-') & (byte <= b'/')
        | (byte == b'_')
        | (byte == b'~')
        | (byte == b'+')
        | (byte == b'=')
}

/// RFC 9110 §5.6.2: what a scheme is made of.
const fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(values: &[&[u8]]) -> Result<Option<String>, CredentialError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(http::header::AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        Credential::read(&headers).map(|credential| match credential {
            Credential::None => None,
            Credential::Bearer(token) | Credential::Cookie(token) => Some(token.to_owned()),
        })
    }

    #[test]
    fn three_answers() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[b"Basic YTpi"]), Ok(None));
        assert_eq!(read(&[b"bearer a.b.c"]), Ok(Some("a.b.c".into())));
        assert_eq!(read(&[b"Bearer  a.b.c"]), Ok(Some("a.b.c".into())));
        for malformed in [
            &b"Bearer"[..],
            b"Bearer ",
            b"Bearer a,b",
            b"Bearer A, Bearer B",
            b"Bearer \xff\xfe",
            b"",
            b"Bearer a b",
            b"Bearer\ta.b.c",
            b"Bearer:a.b.c",
            b"Bearer,Basic YTpi",
            b"B\xc3\xa9arer a.b.c",
        ] {
            assert_eq!(read(&[malformed]), Err(CredentialError::Malformed), "{malformed:?}");
        }
        assert_eq!(read(&[b"Bearer a", b"Basic b"]), Err(CredentialError::Multiple));
    }

    #[test]
    fn a_handshake_has_three_places_and_uses_one() {
        let read = |fields: &[(&'static str, &'static str)], target: &str, query: Option<&str>| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(*name, HeaderValue::from_static(value));
            }
            Credential::read_handshake(&headers, target.as_bytes(), query).map(|found| match found {
                Credential::None => String::new(),
                Credential::Bearer(token) | Credential::Cookie(token) => token.to_owned(),
            })
        };
        let (header, protocol) = (("authorization", "Bearer a.b"), "sec-websocket-protocol");
        let offered = (protocol, "chat, gatepass, gatepass.bearer.c.d");
        let query = Some("t");
        assert_eq!(read(&[], "/x", query), Ok(String::new()));
        assert_eq!(read(&[header], "/x?tt=1", query), Ok("a.b".into()));
        assert_eq!(read(&[offered], "/x", None), Ok("c.d".into()));
        assert_eq!(read(&[(protocol, "chat"), offered], "/x", None), Ok("c.d".into()));
        assert_eq!(read(&[], "/x?a=1&t=e.f&b", query), Ok("e.f".into()));
        assert_eq!(read(&[], "/x?t=e.f", None), Ok(String::new()));
        for (fields, target) in [
            (&[header, offered][..], "/x"),
            (&[("authorization", "Basic YTpi"), offered], "/x"),
            (&[header], "/x?t=e"),
            (&[offered], "/x?t=e"),
            (&[offered, offered], "/x"),
            (&[], "/x?t=e&t=e"),
        ] {
            assert_eq!(read(fields, target, query), Err(CredentialError::Multiple), "{fields:?} {target}");
        }
        for (fields, target) in [
            (&[(protocol, "gatepass.bearer.")][..], "/x"),
            (&[(protocol, "gatepass.bearer.a b")], "/x"),
            (&[], "/x?t="),
            (&[], "/x?t"),
            (&[], "/x?t=%41"),
        ] {
            assert_eq!(read(fields, target, query), Err(CredentialError::Malformed), "{fields:?} {target}");
        }
    }
}
