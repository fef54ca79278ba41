//! May a cookie speak for this request? Only where nothing else does, and only for a page of our own.
//!
//! A browser adds a cookie to every request to us, whoever had the request sent. So a token in a cookie counts only where
//! there is no `Authorization`: what a page has written into this one request is meant, what the browser added is
//! not. And where the request may change something, or opens a WebSocket, which another site may then talk to, the
//! browser has to say that the page that asks is of this very origin (Fetch Metadata; the `Origin` of RFC 6454 from
//! browsers without it).

use http::header::{COOKIE, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::{Credential, CredentialError};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A request, as far as it matters to who may speak for it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// `:authority` (RFC 9113 §8.3.1); none where `Host` names it.
    pub authority: Option<&'a str>,
    /// Whether the client speaks TLS with us or with a proxy we trust.
    pub https: bool,
}

impl Asked<'_> {
    /// Whether a page of this very origin asks, or the user by their own hand. No page can set either header.
    pub fn is_from_own_page(&self) -> bool {
        let mut sites = self.headers.get_all(SEC_FETCH_SITE).iter();
        if let Some(site) = sites.next() {
            return sites.next().is_none() && matches!(site.as_bytes(), b"same-origin" | b"none");
        }
        let mut origins = self.headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (Some(origin), None) => self.is_own(origin),
            _ => false,
        }
    }

    /// Whether this is our own origin, as RFC 6454 §6.2 serializes it.
    fn is_own(&self, origin: &HeaderValue) -> bool {
        let host = self.authority.or_else(|| self.headers.get(HOST)?.to_str().ok());
        let Some(host) = host else { return false };
        let (scheme, port) = if self.https { ("https://", ":443") } else { ("http://", ":80") };
        let host = host.strip_suffix(port).unwrap_or(host);
        let named = origin.to_str().ok().and_then(|origin| origin.strip_prefix(scheme));
        named.is_some_and(|named| named.eq_ignore_ascii_case(host))
    }
}

/// The cookie that carries a token, and its companion that a sign-in form is held to.
#[derive(Clone, Debug)]
pub struct TokenCookie {
    name: Box<str>,
    form: Box<str>,
}

impl TokenCookie {
    /// The cookie of this name.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), form: format!("{name}-csrf").into() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of its companion: the random value that a sign-in form has to repeat.
    pub fn form(&self) -> &str {
        &self.form
    }

    /// Whether a cookie of this name is one of the two, in any case: some backends fold it.
    pub fn owns(&self, name: &[u8]) -> bool {
        name.eq_ignore_ascii_case(self.name.as_bytes()) || name.eq_ignore_ascii_case(self.form.as_bytes())
    }

    /// The token of a request that brings none in any other way; `handshake` is that of a WebSocket.
    pub(super) fn credential<'a>(
        &self,
        asked: &Asked<'a>,
        handshake: bool,
    ) -> Result<Credential<'a>, CredentialError> {
        let mut found = cookies(asked.headers, &self.name);
        let Some(token) = found.next() else { return Ok(Credential::None) };
        if found.next().is_some() {
            return Err(CredentialError::Multiple);
        }
        let changes_nothing = matches!(*asked.method, Method::GET | Method::HEAD | Method::OPTIONS);
        if (handshake || !changes_nothing) && !asked.is_from_own_page() {
            return Err(CredentialError::CrossSite);
        }
        Credential::cookie(token)
    }
}

/// The values of all cookies of exactly this name (RFC 6265 §4.2.1), over all lines; one without a `=` has none.
pub fn cookies<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h [u8]> {
    pairs(headers).filter_map(move |pair| {
        let at = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
        let value = pair.get(at + 1..).unwrap_or_default();
        (pair[..at].trim_ascii() == name.as_bytes()).then(|| value.trim_ascii())
    })
}

/// Every `name=value` of a request's cookies; h2 may split them over several lines (RFC 9113 §8.2.3).
pub fn pairs(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b';'));
    pairs.map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty())
}

/// The name in a `name=value`. One without a name is read as a backend would read it once a browser has sent it back: `=a=b`
/// comes back as `a=b`.
pub fn cookie_name(pair: &[u8]) -> &[u8] {
    let start = pair.iter().position(|&byte| byte != b'=' && !byte.is_ascii_whitespace());
    let pair = &pair[start.unwrap_or(pair.len())..];
    let end = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
    pair[..end].trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let fields = fields.iter();
        fields.map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    fn own(fields: &[(&'static str, &'static str)], https: bool) -> bool {
        let headers = headers(fields);
        Asked { method: &Method::POST, headers: &headers, authority: None, https }.is_from_own_page()
    }

    #[test]
    fn the_browser_says_whose_page_asks() {
        let host = ("host", "gw.test");
        for own_page in ["same-origin", "none"] {
            assert!(own(&[host, ("sec-fetch-site", own_page)], true), "{own_page}");
        }
        for other in ["cross-site", "same-site", "Same-Origin", "", "same-origin, none"] {
            let fields = [host, ("sec-fetch-site", other), ("origin", "https://gw.test")];
            assert!(!own(&fields, true), "{other}");
        }
        assert!(!own(&[host, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")], true));
        assert!(!own(&[host], true), "who says nothing has proven nothing");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (host, https, origin) in [
            ("gw.test", true, "https://gw.test"),
            ("GW.test:443", true, "https://gw.test"),
            ("gw.test:80", false, "http://gw.test"),
            ("127.0.0.1:8080", false, "http://127.0.0.1:8080"),
            ("[::1]:8080", false, "http://[::1]:8080"),
        ] {
            assert!(own(&[("host", host), ("origin", origin)], https), "{host} {origin}");
        }
        for origin in [
            "http://gw.test",
            "https://gw.test:8443",
            "https://gw.test.evil",
            "https://evil.gw.test",
            "https://evil",
            "null",
            "",
            "gw.test",
        ] {
            assert!(!own(&[("host", "gw.test"), ("origin", origin)], true), "{origin}");
        }
        let twice = [("host", "gw.test"), ("origin", "https://gw.test"), ("origin", "https://gw.test")];
        assert!(!own(&twice, true));
    }

    #[test]
    fn one_cookie_of_that_name() {
        let cookie = TokenCookie::new("__Host-t");
        let read = |lines: &[&'static str], method: &Method, handshake| {
            let headers: HeaderMap =
                lines.iter().map(|line| (COOKIE, HeaderValue::from_static(line))).collect();
            let asked = Asked { method, headers: &headers, authority: None, https: true };
            cookie.credential(&asked, handshake).map(|found| match found {
                Credential::None => String::new(),
                Credential::Bearer(token) | Credential::Cookie(token) => token.to_owned(),
            })
        };
        for (lines, token) in [
            (&[][..], ""),
            (&["a=b"], ""),
            (&["__Host-t2=a.b; x__Host-t=c; __Host-t-csrf=d; __host-t=e"], ""),
            (&["a=b; __Host-t=a.b.c; d"], "a.b.c"),
            (&["a=b", "__Host-t = a.b.c ;"], "a.b.c"),
        ] {
            assert_eq!(read(lines, &Method::GET, false), Ok(token.to_owned()), "{lines:?}");
        }
        for lines in [&["__Host-t=a; __Host-t=a"][..], &["__Host-t=a", "x=y;__Host-t="]] {
            assert_eq!(read(lines, &Method::GET, false), Err(CredentialError::Multiple), "{lines:?}");
        }
        for line in ["__Host-t=", "__Host-t", "__Host-t=\"a.b\"", "__Host-t=a b", "__Host-t=a,b"] {
            assert_eq!(read(&[line], &Method::GET, false), Err(CredentialError::Malformed), "{line}");
        }
        for (method, handshake) in
            [(Method::POST, false), (Method::DELETE, false), (Method::TRACE, false), (Method::GET, true)]
        {
            let found = read(&["__Host-t=a.b"], &method, handshake);
            assert_eq!(found, Err(CredentialError::CrossSite), "{method} {handshake}");
        }
    }

    #[test]
    fn a_cookie_has_the_name_that_comes_back() {
        for (pair, name) in [
            (&b"a=b"[..], &b"a"[..]),
            (b"a", b"a"),
            (b" a = b", b"a"),
            (b"=a=b", b"a"),
            (b"= a=b", b"a"),
            (b"==a", b"a"),
            (b"", b""),
            (b"=", b""),
        ] {
            assert_eq!(cookie_name(pair), name, "{pair:?}");
        }
    }
}
