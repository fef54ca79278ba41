//! Is this a WebSocket handshake (RFC 6455 §4), and what of it is for us alone?
//!
//! One that is malformed is not repaired: it goes upstream as the plain request it then is, without `Upgrade`.

use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use pingora::http::{RequestHeader, ResponseHeader};

use super::decide::Asking;
use crate::access::handshake::{OWN_PROTOCOL, protocol_token, protocols, query_token};

/// Whether this is a client's handshake, whole and well-formed (RFC 6455 §4.2.1).
pub(super) fn is_handshake(asking: &Asking<'_>) -> bool {
    let headers = asking.headers;
    asking.method == Method::GET
        && asking.version == Version::HTTP_11
        && only(headers, &UPGRADE).is_some_and(|to| to.eq_ignore_ascii_case(b"websocket"))
        && names(headers, b"upgrade")
        && only(headers, &SEC_WEBSOCKET_VERSION) == Some(b"13")
        && only(headers, &SEC_WEBSOCKET_KEY).is_some_and(is_nonce)
        && headers.get(CONTENT_LENGTH).is_none_or(|length| length.as_bytes() == b"0")
        && !headers.contains_key(TRANSFER_ENCODING)
}

/// The value of a header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none()).map(HeaderValue::as_bytes)
}

/// Whether `Connection` names this option in any of its lines (RFC 9110 §7.6.1).
pub(super) fn names(headers: &HeaderMap, option: &[u8]) -> bool {
    let lines = headers.get_all(CONNECTION).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|&b| b == b','))
        .any(|named| named.trim_ascii().eq_ignore_ascii_case(option))
}

/// Sixteen bytes in base64.
fn is_nonce(key: &[u8]) -> bool {
    let letter = |&b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(letter)
}

/// Takes the token out of what goes upstream: our subprotocols, and the parameter `query` of the target.
pub(super) fn conceal(request: &mut RequestHeader, query: Option<&str>) -> pingora::Result<()> {
    if protocols(&request.headers).any(is_ours) {
        let theirs: Vec<&[u8]> = protocols(&request.headers).filter(|protocol| !is_ours(protocol)).collect();
        let theirs = HeaderValue::from_bytes(&theirs.join(&b", "[..])).ok();
        request.remove_header(&SEC_WEBSOCKET_PROTOCOL);
        if let Some(theirs) = theirs.filter(|theirs| !theirs.is_empty()) {
            request.insert_header(SEC_WEBSOCKET_PROTOCOL, theirs)?;
        }
    }
    match query.and_then(|name| without(request.raw_path(), name)) {
        Some(target) => request.set_raw_path(&target),
        None => Ok(()),
    }
}

fn is_ours(protocol: &[u8]) -> bool {
    protocol == OWN_PROTOCOL.as_bytes() || protocol_token(protocol).is_some()
}

/// The target without that parameter, if it has it.
fn without(target: &[u8], name: &str) -> Option<Vec<u8>> {
    let at = target.iter().position(|&b| b == b'?')?;
    let (path, query) = (&target[..at], &target[at + 1..]);
    let pairs = || query.split(|&b| b == b'&');
    let rest: Vec<&[u8]> = pairs().filter(|pair| query_token(pair, name).is_none()).collect();
    match rest.len() {
        0 => Some(path.to_vec()),
        few if few < pairs().count() => Some([path, &rest.join(&b"&"[..])].join(&b"?"[..])),
        _ => None,
    }
}

/// Answers the client's offer where the upstream has nothing to choose: browsers fail a handshake whose offer is not
/// answered.
pub(super) fn choose_protocol(request: &RequestHeader, head: &mut ResponseHeader) -> pingora::Result<()> {
    let offered = protocols(&request.headers).any(|protocol| protocol == OWN_PROTOCOL.as_bytes());
    if offered && !head.headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        head.insert_header(SEC_WEBSOCKET_PROTOCOL, OWN_PROTOCOL)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, fields: &[(&'static str, &'static str)]) -> RequestHeader {
        let mut request = RequestHeader::build("GET", target.as_bytes(), None).unwrap();
        request.set_version(Version::HTTP_11);
        for (name, value) in fields {
            request.append_header(*name, *value).unwrap();
        }
        request
    }

    const GOOD: [(&str, &str); 4] = [
        ("Upgrade", "WebSocket"),
        ("Connection", "keep-alive, Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ];

    #[test]
    fn a_handshake_is_whole_or_is_none() {
        assert!(is_handshake(&Asking::of(&request("/x", &GOOD))));
        for missing in GOOD {
            let fields: Vec<_> = GOOD.into_iter().filter(|field| *field != missing).collect();
            assert!(!is_handshake(&Asking::of(&request("/x", &fields))), "without {missing:?}");
        }
        for more in [
            ("Upgrade", "h2c"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "x"),
            ("Content-Length", "3"),
            ("Transfer-Encoding", "chunked"),
        ] {
            assert!(
                !is_handshake(&Asking::of(&request("/x", &[&GOOD[..], &[more]].concat()))),
                "with {more:?}"
            );
        }
        let mut post = request("/x", &GOOD);
        post.set_method(Method::POST);
        assert!(!is_handshake(&Asking::of(&post)));
        let mut old = request("/x", &GOOD);
        old.set_version(Version::HTTP_10);
        assert!(!is_handshake(&Asking::of(&old)));
    }

    #[test]
    fn what_is_for_us_does_not_go_on() {
        for (target, concealed) in [
            ("/x", "/x"),
            ("/x?a=1&b", "/x?a=1&b"),
            ("/x?t=s", "/x"),
            ("/x?a=%20&t=s&tt=2&&c", "/x?a=%20&tt=2&&c"),
            ("/x?t=s&a", "/x?a"),
            ("/x?a?t=s", "/x?a?t=s"),
        ] {
            let mut request = request(target, &[]);
            conceal(&mut request, Some("t")).unwrap();
            assert_eq!(std::str::from_utf8(request.raw_path()), Ok(concealed), "{target}");
        }
        for (offered, left) in [
            (&["chat"][..], Some("chat")),
            (&["gatepass, gatepass.bearer.s"], None),
            (&["a, gatepass", "gatepass.bearer.s ,b"], Some("a, b")),
        ] {
            let fields: Vec<_> = offered.iter().map(|&line| ("Sec-WebSocket-Protocol", line)).collect();
            let mut request = request("/x", &fields);
            conceal(&mut request, None).unwrap();
            let found = request.headers.get(SEC_WEBSOCKET_PROTOCOL);
            assert_eq!(found.map(|value| value.to_str().unwrap()), left, "{offered:?}");
        }
    }
}
