//! What is different for people in a browser, where there is a sign-in page? Whoever navigates without a good token is sent
//! to it; its cookies are ours alone; and what was asked for by a cookie stays with whom it was answered to.

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_CREDENTIALS, AUTHORIZATION, CACHE_CONTROL, COOKIE, LOCATION, SET_COOKIE,
    UPGRADE, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use pingora::http::{RequestHeader, ResponseHeader};

use super::decide::Asking;
use super::exchange::Exchange;
use super::respond::no_content;
use crate::access::cookie::{cookie_name, pairs};
use crate::access::{Identity, Permit, TokenCookie};

/// The longest address that a person is sent back to: in the query of the page's own it must fit into every head.
const LONGEST_NEXT: usize = 2048;

/// What `Cache-Control` may say that settles who may store an answer. The last three are those by which shared caches may
/// store the answer to a request with `Authorization` (RFC 9111 §3.5).
const SETTLED: [&[u8]; 5] = [b"private", b"no-store", b"public", b"s-maxage", b"must-revalidate"];

/// The sign-in page, if there is one.
pub(super) struct Browsers(Option<Page>);

struct Page {
    path: Box<str>,
    cookie: TokenCookie,
}

impl Browsers {
    pub(super) fn new(path: Option<&str>, cookie: Option<&TokenCookie>) -> Self {
        Self(path.zip(cookie).map(|(path, cookie)| Page { path: path.into(), cookie: cookie.clone() }))
    }

    /// Whether there is one: then answers are looked at for what is ours alone.
    pub(super) const fn are_served(&self) -> bool {
        self.0.is_some()
    }

    /// The answer to a request that is refused: a person who is to sign in is sent to the page instead.
    pub(super) fn answer(&self, asking: &Asking<'_>, refusal: Response<Bytes>) -> Response<Bytes> {
        let Some(page) = &self.0 else { return refusal };
        if refusal.status() != StatusCode::UNAUTHORIZED || !is_navigation(asking) {
            return refusal;
        }
        let next = std::str::from_utf8(asking.target).unwrap_or_default();
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let place = if next.len() > LONGEST_NEXT {
            page.path.to_string()
        } else {
            format!("{}?next={next}", page.path)
        };
        let Ok(place) = HeaderValue::from_str(&place) else { return refusal };
        let mut answer = no_content();
        *answer.status_mut() = StatusCode::SEE_OTHER;
        answer.headers_mut().insert(LOCATION, place);
        answer
    }

    /// Takes our cookies out of what goes upstream; the others stay as they are.
    pub(super) fn conceal(&self, request: &mut RequestHeader) -> pingora::Result<()> {
        let Some(Page { cookie, .. }) = &self.0 else { return Ok(()) };
        if !pairs(&request.headers).any(|pair| cookie.owns(cookie_name(pair))) {
            return Ok(());
        }
        let others: Vec<&[u8]> =
            pairs(&request.headers).filter(|pair| !cookie.owns(cookie_name(pair))).collect();
        let others = HeaderValue::from_bytes(&others.join(&b"; "[..])).ok();
        request.remove_header(&COOKIE);
        match others.filter(|others| !others.is_empty()) {
            Some(others) => request.insert_header(COOKIE, others),
            None => Ok(()),
        }
    }

    /// When an upstream answers: our cookies are not its to set, and what a token in `Authorization` would have kept from
    /// shared caches and from pages of other origins, one in a cookie keeps from them as well.
    pub(super) fn answered(&self, head: &mut ResponseHeader, exchange: &mut Exchange) -> pingora::Result<()> {
        let Some(Page { cookie, .. }) = &self.0 else { return Ok(()) };
        let is_ours = |value: &HeaderValue| {
            let pair = value.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default();
            cookie.owns(cookie_name(pair))
        };
        if head.headers.get_all(SET_COOKIE).iter().any(is_ours) {
            let all = head.headers.get_all(SET_COOKIE).iter();
            let theirs: Vec<HeaderValue> = all.filter(|value| !is_ours(value)).cloned().collect();
            head.remove_header(&SET_COOKIE);
            for value in theirs {
                head.append_header(SET_COOKIE, value)?;
            }
        }
        if head.status.is_informational() {
            return Ok(());
        }
        match exchange.admitted().map(|admitted| &admitted.permit) {
            Some(permit) if permit.by_cookie() => keep_private(head),
            // With the cookie it would have been another answer.
            Some(permit) if is_anonymous(permit) => vary(head),
            _ => Ok(()),
        }
    }
}

fn is_anonymous(permit: &Permit) -> bool {
    matches!(permit.identity(), Identity::Anonymous)
}

fn keep_private(head: &mut ResponseHeader) -> pingora::Result<()> {
    head.remove_header(&ACCESS_CONTROL_ALLOW_CREDENTIALS);
    if !is_settled(&head.headers) {
        head.append_header(CACHE_CONTROL, HeaderValue::from_static("private"))?;
    }
    vary(head)
}

/// Two people at one browser, and two sign-ins of one person, have two answers.
fn vary(head: &mut ResponseHeader) -> pingora::Result<()> {
    head.append_header(VARY, HeaderValue::from_static("Cookie")).map(drop)
}

fn is_settled(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(CACHE_CONTROL).iter();
    let mut words = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    words.any(|word| {
        let name = word.split(|&byte| byte == b'=').next().unwrap_or_default().trim_ascii();
        SETTLED.iter().any(|settled| name.eq_ignore_ascii_case(settled))
    })
}

/// Whether somebody goes to a page: the browser says so (Fetch Metadata), or, where it says nothing, it wants HTML. Who
/// brings an `Authorization` is a program.
fn is_navigation(asking: &Asking<'_>) -> bool {
    let headers = asking.headers;
    if asking.method != Method::GET || headers.contains_key(AUTHORIZATION) || headers.contains_key(UPGRADE) {
        return false;
    }
    if let Some(mode) = headers.get("sec-fetch-mode") {
        return mode == "navigate";
    }
    let lines = headers.get_all(ACCEPT).iter();
    let mut kinds = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    kinds.any(|kind| {
        let kind = kind.split(|&byte| byte == b';').next().unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(b"text/html")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn browsers() -> Browsers {
        Browsers::new(Some("/auth/signin"), Some(&TokenCookie::new("__Host-t")))
    }

    fn concealed(lines: &[&'static str]) -> Vec<String> {
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        for line in lines {
            request.append_header(COOKIE, *line).unwrap();
        }
        browsers().conceal(&mut request).unwrap();
        let left = request.headers.get_all(COOKIE).iter();
        left.map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn our_cookies_stay_here_and_the_others_go_on() {
        assert!(concealed(&[]).is_empty());
        assert_eq!(concealed(&["a=b;c=\"d\" ;e"]), ["a=b;c=\"d\" ;e"], "untouched");
        for ours in ["__Host-t=x", "__host-T=x;", "=__Host-t=x", "__Host-t", "__Host-t-csrf=x; __Host-t=x"] {
            assert!(concealed(&[ours]).is_empty(), "{ours}");
        }
        assert_eq!(concealed(&["a=b; __Host-t=x; c=\"d=e\""]), ["a=b; c=\"d=e\""]);
        assert_eq!(concealed(&["a=b", "__Host-t=x", "__Host-t=y; c"]), ["a=b; c"]);
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_sent_ours_does_not_go_on(
            lines in proptest::collection::vec(
                proptest::collection::vec(
                    proptest::sample::select(vec!["__Host-t", "__host-T", "-csrf", "=", ";", " ", "\t", "a", "\"", ","]),
                    0..12,
                ),
                0..3,
            )
        ) {
            let mut request = RequestHeader::build("GET", b"/", None).unwrap();
            for line in lines {
                request.append_header(COOKIE, line.concat()).unwrap();
            }
            let before: Vec<Vec<u8>> = pairs(&request.headers).map(<[u8]>::to_vec).collect();
            browsers().conceal(&mut request).unwrap();
            let cookie = TokenCookie::new("__Host-t");
            let after: Vec<Vec<u8>> = pairs(&request.headers).map(<[u8]>::to_vec).collect();
            let theirs = before.into_iter().filter(|pair| !cookie.owns(cookie_name(pair)));
            proptest::prop_assert_eq!(theirs.collect::<Vec<_>>(), after);
            proptest::prop_assert!(crate::access::cookie::cookies(&request.headers, "__Host-t").next().is_none());
        }
    }

    #[test]
    fn who_navigates_is_a_person() {
        let asks = |method: &str, fields: &[(&'static str, &'static str)]| {
            let mut request = RequestHeader::build(method, b"/", None).unwrap();
            for (name, value) in fields {
                request.append_header(*name, *value).unwrap();
            }
            is_navigation(&Asking::of(&request))
        };
        let (go, html) = (("Sec-Fetch-Mode", "navigate"), ("Accept", "text/plain, Text/HTML;q=0.9"));
        assert!(asks("GET", &[go]) && asks("GET", &[html]));
        for no in [
            &[][..],
            &[("Accept", "*/*")],
            &[("Accept", "application/json")],
            &[html, ("Sec-Fetch-Mode", "cors")],
            &[go, ("Authorization", "Basic YTpi")],
            &[go, ("Upgrade", "websocket")],
        ] {
            assert!(!asks("GET", no), "{no:?}");
        }
        assert!(!asks("POST", &[go]) && !asks("HEAD", &[html]));
    }

    #[test]
    fn what_settles_who_may_store() {
        let settled = |lines: &[&'static str]| {
            is_settled(&lines.iter().map(|line| (CACHE_CONTROL, HeaderValue::from_static(line))).collect())
        };
        for yes in ["private", "max-age=1, Public", "s-maxage=60", "no-store", "private=\"x\""] {
            assert!(settled(&[yes]), "{yes}");
        }
        assert!(!settled(&[]) && !settled(&["max-age=60", "no-cache"]));
    }
}
