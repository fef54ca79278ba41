//! What path is this request for, exactly? One parser decides; whatever another reader could read differently is refused.
//!
//! A backend that decodes, merges slashes, resolves dot segments or drops path parameters must arrive at the path the
//! decision was made on, so every spelling with a second reading is a [`BadTarget`]: the parser refuses, it never
//! repairs. What it accepts is borrowed from the request unchanged: those bytes are what the upstream gets.
//!
//! Accepted are segments of RFC 3986's `pchar` without `;` (servlet containers cut `;x=1` out of a path before they
//! match it), and percent-escapes of what cannot stand there itself. Two differences are left alone, because a route's
//! literals are compared decoded and so cannot be dodged by them: the case of hexadecimal digits (`%c3` and `%C3` are
//! equivalent, RFC 3986 §6.2.2.1), and escaped delimiters (`a%40b` beside `a@b`).

mod host;

pub use host::Host;

/// Why a target or a host is refused (`bad_target`, `bad_host`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadTarget(pub &'static str);

/// A request target in its one canonical spelling: borrowed from the request, byte for byte what the upstream gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Reads the raw bytes of an origin-form target (RFC 9112 §3.2.1), or refuses them.
    ///
    /// The path is held to the module's rules. The query is opaque: any visible ASCII but `#`.
    pub fn parse(raw: &'a [u8]) -> Result<Self, BadTarget> {
        if raw.first() != Some(&b'/') {
            return Err(BadTarget("the target does not begin with a slash"));
        }
        let end = path_end(raw)?;
        let query = &raw[end..];
        if query.iter().any(|&byte| !matches!(byte, 0x21..=0x7e) || byte == b'#') {
            return Err(BadTarget("the query holds a character that must be percent-encoded"));
        }
        // Both halves were seen to be ASCII, byte by byte.
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| BadTarget("the target is not ASCII"));
        Ok(Self {
            path: text(&raw[..end])?,
            query: if query.is_empty() { None } else { Some(text(&query[1..])?) },
        })
    }

    /// The path: begins with `/`.
    pub const fn path(&self) -> &'a str {
        self.path
    }

    /// What stands behind the first `?`.
    pub const fn query(&self) -> Option<&'a str> {
        self.query
    }
}

/// What a raw byte means in a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Stands for itself.
    Plain,
    Dot,
    Slash,
    Percent,
    /// `?`: the path ends.
    Query,
    Semicolon,
    Backslash,
    Hash,
    Control,
    NotAscii,
    /// Visible, but not a `pchar`.
    Forbidden,
}

/// The class of every byte: RFC 3986 §3.3 (`pchar`), but `;`.
const CLASSES: [Class; 256] = {
    let mut classes = [Class::Forbidden; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let this = byte as u8;
        classes[byte] = match this {
            b'.' => Class::Dot,
            b'/' => Class::Slash,
            b'%' => Class::Percent,
            b'?' => Class::Query,
            b';' => Class::Semicolon,
            b'\\' => Class::Backslash,
            b'#' => Class::Hash,
            0..=0x1f | 0x7f => Class::Control,
            0x80..=0xff => Class::NotAscii,
            b'!' | b'$' | b'&'..=b',' | b'=' | b':' | b'@' => Class::Plain,
            _ if is_unreserved(this) => Class::Plain,
            _ => Class::Forbidden,
        };
        byte += 1;
    }
    classes
};

/// RFC 3986 §2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Where the path ends: at the `?`, or at the end of `raw`, which begins with `/`.
fn path_end(raw: &[u8]) -> Result<usize, BadTarget> {
    let mut at = 1;
    let mut segment = 1;
    while let Some(&byte) = raw.get(at) {
        at = match CLASSES[usize::from(byte)] {
            Class::Plain | Class::Dot => at + 1,
            Class::Slash if at == segment => return Err(BadTarget("the path holds an empty segment")),
            Class::Slash => {
                not_a_dot_segment(&raw[segment..at])?;
                segment = at + 1;
                segment
            }
            Class::Percent => after_escape(raw, at)?,
            Class::Query => break,
            Class::Semicolon => return Err(BadTarget("the path holds a semicolon")),
            Class::Backslash => return Err(BadTarget("the path holds a backslash")),
            Class::Hash => return Err(BadTarget("the target holds a fragment")),
            Class::Control => return Err(BadTarget("the path holds a control character")),
            Class::NotAscii => {
                return Err(BadTarget("the path holds a byte outside ASCII that is not percent-encoded"));
            }
            Class::Forbidden => {
                return Err(BadTarget("the path holds a character that must be percent-encoded"));
            }
        };
    }
    not_a_dot_segment(&raw[segment..at])?;
    Ok(at)
}

/// Escaped dots are refused as unreserved octets, so that the raw spelling is the only one left to look for.
fn not_a_dot_segment(segment: &[u8]) -> Result<(), BadTarget> {
    if matches!(segment, b"." | b"..") { Err(BadTarget("the path holds a dot segment")) } else { Ok(()) }
}

/// The place behind the escape at `at`, or behind all the escapes of the one character that begins there.
fn after_escape(raw: &[u8], at: usize) -> Result<usize, BadTarget> {
    const NOT_UTF8: BadTarget = BadTarget("the path does not decode to UTF-8");
    let lead = escaped(raw, at)?;
    match lead {
        b'/' => return Err(BadTarget("the path holds an encoded slash")),
        b'\\' => return Err(BadTarget("the path holds an encoded backslash")),
        b';' => return Err(BadTarget("the path holds an encoded semicolon")),
        0..=0x1f | 0x7f => return Err(BadTarget("the path holds an encoded control character")),
        b'%' if is_hex(raw, at + 3) && is_hex(raw, at + 4) => {
            return Err(BadTarget("the path is encoded twice"));
        }
        _ if is_unreserved(lead) => {
            return Err(BadTarget("the path holds an encoded character that needs no encoding"));
        }
        0..=0x7f => return Ok(at + 3),
        0x80..=0xff => {}
    }
    let mut bytes = [lead, 0, 0, 0];
    let length = match lead {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    for (i, byte) in bytes[..length].iter_mut().enumerate().skip(1) {
        *byte = escaped(raw, at + 3 * i).map_err(|_| NOT_UTF8)?;
    }
    let text = std::str::from_utf8(&bytes[..length]).map_err(|_| NOT_UTF8)?;
    if text.chars().any(char::is_control) {
        return Err(BadTarget("the path holds an encoded control character"));
    }
    Ok(at + 3 * length)
}

/// The octet that the escape at `at` stands for (RFC 3986 §2.1).
fn escaped(raw: &[u8], at: usize) -> Result<u8, BadTarget> {
    let digit = |place: usize| raw.get(place).copied().and_then(hex_value);
    match (raw.get(at), digit(at + 1), digit(at + 2)) {
        (Some(b'%'), Some(high), Some(low)) => Ok(16 * high + low),
        _ => Err(BadTarget("the path holds a percent sign that begins no escape")),
    }
}

fn is_hex(raw: &[u8], at: usize) -> bool {
    raw.get(at).is_some_and(u8::is_ascii_hexdigit)
}

const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Decodes one segment of a canonical path into `buffer`; `None` if it does not fit.
///
/// Only for comparing: what goes upstream is never decoded.
pub(super) fn decode_segment<'b>(segment: &str, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let raw = segment.as_bytes();
    let mut at = 0;
    let mut length = 0;
    while let Some(&byte) = raw.get(at) {
        let (octet, next) = if byte == b'%' { (escaped(raw, at).ok()?, at + 3) } else { (byte, at + 1) };
        *buffer.get_mut(length)? = octet;
        length += 1;
        at = next;
    }
    Some(&buffer[..length])
}

#[cfg(test)]
mod tests;
