//! How is a claim written in a header? So that no value can be read as two, or as another.

use std::borrow::Cow;
use std::fmt::Write as _;

use http::HeaderValue;

/// A claim as a header value: visible ASCII and spaces as they are; `%`, `,` and every other byte percent-encoded.
/// A backend gets the claim back by percent-decoding (RFC 3986 §2.1).
pub(crate) fn header_text(value: &str) -> Cow<'_, str> {
    let plain = |b: u8| matches!(b, b' '..=b'~') && b != b'%' && b != b',';
    if value.bytes().all(plain) {
        return value.into();
    }
    value
        .bytes()
        .fold(String::with_capacity(value.len() * 2), |mut text, byte| {
            if plain(byte) {
                text.push(char::from(byte));
            } else {
                let _ = write!(text, "%{byte:02X}");
            }
            text
        })
        .into()
}

/// The same, ready to be sent; none for a text that cannot be a header value even so, of which there is no example.
pub(crate) fn header_value(value: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&header_text(value)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_becomes_one_value() {
        assert_eq!(header_text("ada@example.org"), "ada@example.org");
        assert_eq!(header_text("event:read event:write"), "event:read event:write");
        assert_eq!(header_text("a,b"), "a%2Cb");
        assert_eq!(header_text("100%"), "100%25");
        assert_eq!(header_text("jürgen"), "j%C3%BCrgen");
    }
}
