//! Heads, credentials and forms: read in one way, or not at all.

use gatepass::access::{Credential, CredentialError};
use gatepass::fuzz::{VettedHead, follow_chunks, read_form, vet_head};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue};

use crate::readers::decode;

/// The longest head of the target.
const MOST: usize = 4096;

/// A head that may be parsed has one host, one length, and no byte on which readers differ.
pub fn head(bytes: &[u8]) {
    match vet_head(bytes, MOST) {
        VettedHead::Refused(why) => assert!(!why.is_empty()),
        VettedHead::Partial => {
            assert!(bytes.len() < MOST, "what grows beyond all bounds is refused");
            assert!(!bytes.windows(4).any(|four| four == b"\r\n\r\n"), "a whole head is not waited for");
        }
        VettedHead::Whole => one_reading(bytes),
        VettedHead::Rewritten(head) => {
            one_reading(&head);
            let again = vet_head(&head, MOST + 1);
            assert!(matches!(again, VettedHead::Whole), "{again:?} after it was rewritten");
        }
    }
    // Bytes come in pieces: no piece changes what was said.
    let half = bytes.len() / 2;
    match vet_head(&bytes[..half], MOST) {
        VettedHead::Refused(_) => assert!(matches!(vet_head(bytes, MOST), VettedHead::Refused(_))),
        VettedHead::Whole => assert!(matches!(vet_head(bytes, MOST), VettedHead::Whole)),
        VettedHead::Partial | VettedHead::Rewritten(_) => {}
    }
}

fn one_reading(bytes: &[u8]) {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head has an end");
    let head = &bytes[..end];
    for (at, byte) in head.iter().enumerate() {
        match byte {
            b'\r' => assert_eq!(head.get(at + 1), Some(&b'\n'), "a bare CR"),
            b'\n' => assert_eq!(head[at - 1], b'\r', "a bare LF"),
            byte => assert!(*byte == b'\t' || (*byte >= b' ' && *byte != 0x7f), "a control character"),
        }
    }
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let line: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, version] = line[..] else { panic!("{line:?} are not three words") };
    assert!(!method.is_empty() && (target.starts_with('/') || (target, method) == ("*", "OPTIONS")));
    assert!(matches!(version, "HTTP/1.0" | "HTTP/1.1"));
    let fields: Vec<(String, &str)> = lines
        .map(|line| line.split_once(':').expect("a field has a colon"))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim_matches([' ', '\t'])))
        .collect();
    let values = |wanted: &str| -> Vec<&str> {
        fields.iter().filter(|(name, _)| name == wanted).map(|(_, value)| *value).collect()
    };
    assert!(fields.iter().all(|(name, _)| !name.is_empty() && !name.contains([' ', '\t'])), "{fields:?}");
    assert_eq!(values("host").len(), 1, "one host");
    let (lengths, codings) = (values("content-length"), values("transfer-encoding"));
    assert!(lengths.len() + codings.len() <= 1, "one way to find the end");
    assert!(lengths.iter().all(|length| length.parse::<u64>().is_ok()));
    assert!(codings.iter().all(|coding| coding.eq_ignore_ascii_case("chunked") && version == "HTTP/1.1"));
}

/// A body is over where a strict reader finds its end, and is none where he finds none; pieces make no difference.
pub fn chunks(bytes: &[u8]) {
    let found = follow_chunks(&[bytes]);
    let (one, other) = bytes.split_at(bytes.len() / 2);
    assert_eq!(follow_chunks(&[one, other]), found, "in two pieces");
    if let Some(end) = strict_end(bytes) {
        assert_eq!(found, Some(true), "it ends at {end}");
        assert_eq!(follow_chunks(&[&bytes[..end - 1]]), Some(false), "it ends at {end} and not before");
    } else {
        assert_ne!(found, Some(true), "a strict reader finds no end");
    }
}

/// Where a body of chunks ends (RFC 9112 §7.1).
fn strict_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    let line = |at: &mut usize| -> Option<String> {
        let rest = &bytes[*at..];
        let length = rest.windows(2).position(|two| two == b"\r\n")?;
        let text = &rest[..length];
        *at += length + 2;
        let plain = |&b: &u8| b == b'\t' || (b >= b' ' && b != 0x7f);
        text.iter().all(plain).then(|| text.iter().copied().map(char::from).collect())
    };
    loop {
        let head = line(&mut at)?;
        let digits = head.split(';').next().unwrap_or_default();
        let hexadecimal = digits.bytes().all(|b| b.is_ascii_hexdigit());
        if !hexadecimal || !(1..=15).contains(&digits.len()) {
            return None;
        }
        let size = usize::from_str_radix(digits, 16).ok()?;
        if size == 0 {
            break;
        }
        at += size + 2;
        if bytes.get(at - 2..at) != Some(b"\r\n") {
            return None;
        }
    }
    loop {
        let trailer = line(&mut at)?;
        if trailer.is_empty() {
            return Some(at);
        }
        let (name, _) = trailer.split_once(':')?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return None;
        }
    }
}

/// Every line is a value of `Authorization`, or of a handshake's `Sec-WebSocket-Protocol` if it begins with a comma; the
/// last is the target.
pub fn credential(bytes: &[u8]) {
    let mut lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    let target = if lines.len() > 1 { lines.pop().unwrap_or_default() } else { b"/" };
    let mut headers = HeaderMap::new();
    for line in lines {
        let protocol = line.first() == Some(&b',');
        let name = if protocol { HeaderName::from_static("sec-websocket-protocol") } else { AUTHORIZATION };
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(name, value);
        }
    }
    let count = headers.get_all(AUTHORIZATION).iter().count();
    match Credential::read(&headers) {
        Ok(Credential::Bearer(token)) => {
            assert_eq!(count, 1);
            let value = headers[AUTHORIZATION].as_bytes();
            assert!(value[..7].eq_ignore_ascii_case(b"bearer ") && value.ends_with(token.as_bytes()));
            one_token(token);
        }
        Ok(Credential::None) => assert!(count <= 1),
        Err(CredentialError::Multiple) => assert!(count > 1),
        Err(CredentialError::Malformed) => assert_eq!(count, 1),
        Ok(Credential::Cookie(_)) | Err(CredentialError::CrossSite) => panic!("a header is no cookie"),
    }
    if let Ok(Credential::Bearer(token)) = Credential::read_handshake(&headers, target, Some("t")) {
        one_token(token);
    }
}

fn one_token(token: &str) {
    assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b','));
}

/// The query stands before the first line's end, the body behind it: no field is taken of two.
pub fn form(bytes: &[u8]) {
    const KNOWN: [&str; 3] = ["username", "password", "scope"];
    let at = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(0);
    let Ok(query) = std::str::from_utf8(&bytes[..at]) else { return };
    let body = &bytes[(at + 1).min(bytes.len())..];
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind)]);
    let Ok(fields) = read_form(&KNOWN, &headers, Some(query), body) else { return };
    let plain = |text: &[u8]| {
        let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
        decode(&spaced)
    };
    let pairs = |text: &[u8]| -> Vec<(Vec<u8>, Vec<u8>)> {
        let parts = text.split(|&byte| byte == b'&').filter(|part| !part.is_empty());
        let cut = |part: &[u8]| {
            let at = part.iter().position(|&byte| byte == b'=').unwrap_or(part.len());
            (plain(&part[..at]), plain(part.get(at + 1..).unwrap_or_default()))
        };
        parts.map(cut).collect()
    };
    for (name, value) in fields {
        let body = pairs(body);
        let found: Vec<_> = body.iter().filter(|(found, _)| found == name.as_bytes()).collect();
        assert_eq!(found.len(), 1, "{name} was there once");
        assert_eq!(found[0].1, value.as_bytes(), "{name} is what was sent");
        assert!(pairs(query.as_bytes()).iter().all(|(found, _)| found != name.as_bytes()));
    }
}
