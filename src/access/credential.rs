//! What did the client bring? Exactly one credential, none, or an error: three answers, never two.
use http::HeaderMap;

/// The bearer token a request carries, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential<'a> {
    /// No `Authorization`, or one of another scheme (RFC 9110 §11.1): nobody asked to be authenticated here.
    None,
    /// A bearer token (RFC 6750 §2.1), not looked into yet.
    Bearer(&'a str),
}

/// Why the credentials cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Not `Bearer`, one space, one token of RFC 6750's alphabet.
    #[error("the Authorization header is malformed")]
    Malformed,
    /// More than one `Authorization`.
    #[error("there is more than one Authorization header")]
    Multiple,
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
            return if scheme.is_empty() { Err(CredentialError::Malformed) } else { Ok(Self::None) };
        }
        let token = rest.trim_start_matches(' ');
        if !token.is_empty() && token.bytes().fold(true, |good, byte| good & is_b64token(byte)) {
            Ok(Self::Bearer(token))
        } else {
            Err(CredentialError::Malformed)
        }
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
            Credential::Bearer(token) => Some(token.to_owned()),
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
        ] {
            assert_eq!(read(&[malformed]), Err(CredentialError::Malformed), "{malformed:?}");
        }
        assert_eq!(read(&[b"Bearer a", b"Basic b"]), Err(CredentialError::Multiple));
    }
}
