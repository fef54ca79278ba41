//! Targets, hosts and credentials: no reader arrives elsewhere, and no bytes bring us down.

use gatepass::access::Credential;
use gatepass::route::{Host, Target};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::cases;

/// What attackers build targets from.
pub(super) const BRICKS: [&str; 48] = [
    "/",
    "/",
    "/",
    "/",
    ".",
    "..",
    "...",
    "a",
    "b",
    "public",
    "api",
    "%2e",
    "%2E",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    "%00",
    "%25",
    "25",
    "2e",
    "2f",
    "%",
    "%zz",
    "%c3%a9",
    "%C3%A9",
    "%ff",
    "%c0%ae",
    "%ef%bc%8f",
    "%C2%85",
    ";",
    ";x=1",
    "%3b",
    "?",
    "#",
    "%23",
    "%3F",
    "%20",
    " ",
    "\t",
    "\u{7f}",
    "é",
    "~",
    "%7e",
    "%61",
    "*",
    "+",
    "@",
];

fn bricks() -> impl Strategy<Value = Vec<u8>> {
    vec(select(&BRICKS[..]), 0..10).prop_map(|bricks| format!("/{}", bricks.concat()).into_bytes())
}

/// What a client that means well sends: segments with everything else percent-encoded.
fn well_formed() -> impl Strategy<Value = (Vec<String>, bool)> {
    (vec("[a-zA-Z0-9_~-][a-zA-Z0-9._~é€@:!$&'()*+,= -]{0,8}", 0..6), any::<bool>())
}

fn hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap().to_ascii_uppercase()
}

/// Percent-decoding, once, by the letter: a bad escape stands for itself.
fn decode(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let escape = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let octet = escape.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        // `from_str_radix` takes a sign.
        let octet = octet.filter(|_| bytes[at + 1] != b'+');
        decoded.push(octet.unwrap_or(bytes[at]));
        at += if octet.is_some() { 3 } else { 1 };
    }
    decoded
}

/// Where other readers arrive: decoded, backslashes as slashes, path parameters cut, slashes merged, dots resolved.
fn other_readers(path: &[u8]) -> Vec<Vec<u8>> {
    let mut stack: Vec<Vec<u8>> = Vec::new();
    for part in path.split(|&byte| byte == b'/' || byte == b'\\') {
        let part = part.split(|&byte| byte == b';').next().unwrap();
        match part {
            b"" | b"." => {}
            b".." => drop(stack.pop()),
            other => stack.push(other.to_vec()),
        }
    }
    stack
}

/// Where the plainest of readers arrives: split, then decode.
fn plain_reader(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()).map(decode).collect()
}

fn holds(raw: &[u8]) -> Result<(), TestCaseError> {
    let Ok(target) = Target::parse(raw) else { return Ok(()) };
    let path = target.path().as_bytes();
    let mut again = path.to_vec();
    if let Some(query) = target.query() {
        again.push(b'?');
        again.extend_from_slice(query.as_bytes());
    }
    prop_assert_eq!(&again, &raw, "what is accepted is unchanged");
    prop_assert_eq!(path[0], b'/');
    prop_assert!(!path.contains(&b'?') && !raw.contains(&b'#'));
    prop_assert!(raw.iter().all(u8::is_ascii_graphic));

    let decoded = decode(path);
    let text = String::from_utf8(decoded.clone());
    prop_assert!(
        text.is_ok_and(|text| !text.chars().any(char::is_control)),
        "decodes to text without controls"
    );
    prop_assert!(!path[1..].windows(2).any(|pair| pair == b"//"), "no empty segment");
    let here = plain_reader(path);
    prop_assert_eq!(&other_readers(path).iter().map(|part| decode(part)).collect::<Vec<_>>(), &here);
    prop_assert_eq!(&other_readers(&decoded), &here, "decoding first arrives at the same place");
    prop_assert_eq!(&decode(&decoded), &decoded, "decoding twice changes nothing");
    Ok(())
}

proptest! {
    #![proptest_config(cases(4096))]

    #[test]
    fn every_reader_arrives_where_the_decision_was_made(raw in bricks()) {
        holds(&raw)?;
    }

    #[test]
    fn any_bytes_are_read_or_refused(raw in vec(any::<u8>(), 0..40), slash in any::<bool>()) {
        let raw = if slash { [b"/".as_slice(), &raw].concat() } else { raw };
        holds(&raw)?;
    }

    #[test]
    fn a_well_meant_target_is_accepted((segments, trailing) in well_formed(), query in "[!-\"$-~]{0,12}") {
        let encode = |text: &String| text.bytes().fold(String::new(), |mut path, byte| {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&'..=b',' | b'='
                | b':' | b'@' => path.push(char::from(byte)),
                _ => path.extend(['%', hex(byte >> 4), hex(byte & 15)]),
            }
            path
        });
        let mut path = format!("/{}", segments.iter().map(encode).collect::<Vec<_>>().join("/"));
        if trailing && !segments.is_empty() {
            path.push('/');
        }
        let raw = format!("{path}?{query}");
        let target = Target::parse(raw.as_bytes());
        prop_assert!(target.is_ok(), "{}: {:?}", raw, target);
        let target = target.unwrap();
        prop_assert_eq!((target.path(), target.query()), (&*path, Some(&*query)));
        holds(raw.as_bytes())?;
    }

    #[test]
    fn a_host_is_its_own_canonical_form(
        raw in prop_oneof![vec(any::<u8>(), 0..20), "[a-zA-Z0-9.:_\\[\\]@,-]{0,20}".prop_map(String::into_bytes)],
    ) {
        if let Ok(host) = Host::parse(&raw) {
            let text = host.as_str();
            prop_assert_eq!(Host::parse(text.as_bytes()), Ok(host.clone()));
            prop_assert_eq!(Host::parse(&raw.to_ascii_uppercase()), Ok(host.clone()));
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()), "{}", text);
            prop_assert!(!text.contains(['@', ',', '/', '?', '#', '%']) && !text.ends_with('.'), "{}", text);
        }
    }

    #[test]
    fn any_credentials_are_read_or_refused(values in vec(vec(any::<u8>(), 0..30), 0..3), scheme in any::<bool>()) {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = if scheme { [b"Bearer ".as_slice(), &value].concat() } else { value };
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(AUTHORIZATION, value);
            }
        }
        let count = headers.get_all(AUTHORIZATION).iter().count();
        match Credential::read(&headers) {
            Ok(Credential::Bearer(token)) => {
                prop_assert_eq!(count, 1);
                prop_assert!(token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b','));
            }
            Ok(Credential::None) => prop_assert!(count <= 1),
            Ok(Credential::Cookie(_)) => prop_assert!(false, "a header is no cookie"),
            Err(_) => prop_assert!(count >= 1),
        }
    }
}
