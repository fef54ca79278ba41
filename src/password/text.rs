//! How are the parts of a stored hash written? Numbers, fields, and the base64s of several traditions.
//!
//! Every part has one spelling: a hash that could be written in two ways would be two hashes to whoever compares them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// `N` fields parted by `$`, and no more.
pub(super) fn fields<const N: usize>(text: &str) -> Option<[&str; N]> {
    let mut parts = text.split('$');
    let mut found = [""; N];
    for field in &mut found {
        *field = parts.next()?;
    }
    parts.next().is_none().then_some(found)
}

/// A decimal number without sign or leading zeros.
pub(super) fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// Whether two digests are one, in a time that does not tell where they differ.
pub(super) fn is_same(found: &[u8], stored: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(found, stored).is_ok()
}

/// Base64 without padding (PHC strings).
pub(super) struct Plain;

impl Plain {
    pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
        STANDARD_NO_PAD.decode(text).ok()
    }

    pub(super) fn encode(bytes: &[u8]) -> String {
        STANDARD_NO_PAD.encode(bytes)
    }
}

/// Base64 without padding, and `.` for `+` (passlib's "adapted" one).
pub(super) fn adapted(text: &str) -> Option<Vec<u8>> {
    if text.contains('+') { None } else { STANDARD_NO_PAD.decode(text.replace('.', "+")).ok() }
}

/// Base64 with padding (Django, LDAP).
pub(super) fn padded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Lower-case hexadecimal digits (Werkzeug).
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    if rest.is_empty() { bytes.collect() } else { None }
}

/// Writes what [`hex`] reads.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    let digit = |bits: u8| char::from_digit(u32::from(bits), 16).expect("four bits are a digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// `crypt(3)`'s alphabet, the lowest six bits first.
const CRYPT: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Writes groups of bytes of `digest` as `crypt(3)` does: each group names the places of its bytes, the highest first.
pub(super) fn crypt_encoded(digest: &[u8], groups: &[&[usize]]) -> String {
    let mut text = String::with_capacity(88);
    for group in groups {
        let mut bits = group.iter().fold(0_usize, |bits, &at| bits << 8 | usize::from(digest[at]));
        for _ in 0..=group.len() {
            text.push(char::from(CRYPT[bits % 64]));
            bits /= 64;
        }
    }
    text
}

/// Whether `crypt(3)` would have written this, as salt or digest.
pub(super) fn is_crypt(text: &str) -> bool {
    text.bytes().all(|b| CRYPT.contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!(
            (number("0"), number("29000"), number("4294967295")),
            (Some(0), Some(29000), Some(u32::MAX))
        );
        for bad in ["", "-1", "+1", "01", " 1", "1 ", "1e3", "4294967296", "\u{661}"] {
            assert_eq!(number(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn as_many_fields_as_there_are_to_be() {
        assert_eq!(fields("a$$c"), Some(["a", "", "c"]));
        assert_eq!((fields::<2>("a$b$c"), fields::<2>("a")), (None, None));
    }

    #[test]
    fn base64s_and_hex() {
        assert_eq!(adapted("./8"), Some(vec![0xfb, 0xff]), "two bits at the end mean nothing and are none");
        assert_eq!((adapted("+/8"), adapted("./8="), adapted("./9")), (None, None, None));
        assert_eq!(hex("00ff1a"), Some(vec![0, 255, 26]));
        assert_eq!((hex("0"), hex("0G"), hex("AA")), (None, None, None));
    }
}
