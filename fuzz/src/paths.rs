//! Targets and hosts: whatever is accepted, everybody reads alike.

use gatepass::route::{Host, Target};

use crate::readers::{decode, readings};

/// A target that is accepted is unchanged, and no reader arrives elsewhere.
pub fn target(raw: &[u8]) {
    let Ok(target) = Target::parse(raw) else { return };
    let mut again = target.path().as_bytes().to_vec();
    if let Some(query) = target.query() {
        again.push(b'?');
        again.extend_from_slice(query.as_bytes());
    }
    assert_eq!(again, raw, "what is accepted is unchanged");
    assert!(raw.iter().all(u8::is_ascii_graphic) && !raw.contains(&b'#'));
    let path = target.path().as_bytes();
    let [(_, first), others @ ..] = readings(path);
    let plain: Vec<Vec<u8>> = first.segments.iter().map(|segment| decode(segment)).collect();
    for (reader, place) in others {
        assert_eq!(place.segments, plain, "{reader} arrives elsewhere");
        assert_eq!(place.trailing, first.trailing, "{reader} sees another end");
    }
    let once = decode(path);
    assert_eq!(decode(&once), once, "decoding twice changes nothing");
}

/// A host has one spelling, which is a name or an address.
pub fn host(raw: &[u8]) {
    let Ok(host) = Host::parse(raw) else { return };
    let text = host.as_str();
    assert_eq!(Host::parse(text.as_bytes()).as_ref(), Ok(&host), "its spelling stands for itself");
    assert_eq!(Host::parse(&raw.to_ascii_uppercase()).as_ref(), Ok(&host), "case makes no difference");
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match inside {
        Some(address) => assert!(address.parse::<std::net::Ipv6Addr>().is_ok(), "{text}"),
        None => assert!(text.bytes().all(|b| letter(b) || b"-_.".contains(&b)), "{text}"),
    }
    assert!(raw.to_ascii_lowercase().starts_with(text.as_bytes()) || inside.is_some(), "{text} was sent");
}
