//! Which host is this request for, in one spelling?
//!
//! Names are lower-cased and lose their port and one final dot; IPv6 addresses get their canonical text
//! (RFC 5952). Nothing else is repaired: what is neither a name nor an address is refused.

use std::net::Ipv6Addr;

use super::BadTarget;

/// A canonical host: lower case, without port and final dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host(Box<str>);

/// The longest name DNS knows (RFC 1035 §2.3.4), in text.
const LONGEST: usize = 253;

impl Host {
    /// Reads a `Host` header's or `:authority`'s value (RFC 9110 §7.2); a port is checked and dropped.
    ///
    /// Names are letters, digits, `-`, `_` and `.`; the further characters of RFC 3986's `reg-name` (sub-delimiters and
    /// percent-escapes) name no host that resolves, and are refused.
    pub fn parse(value: &[u8]) -> Result<Self, BadTarget> {
        let (host, port) = if value.first() == Some(&b'[') {
            let end = value
                .iter()
                .position(|&byte| byte == b']')
                .ok_or(BadTarget("the host's bracket is not closed"))?;
            (Self::address(&value[1..end])?, &value[end + 1..])
        } else {
            let end = value.iter().position(|&byte| byte == b':').unwrap_or(value.len());
            (Self::name(&value[..end])?, &value[end..])
        };
        check_port(port)?;
        Ok(host)
    }

    fn address(bytes: &[u8]) -> Result<Self, BadTarget> {
        let address: Option<Ipv6Addr> = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
        let address = address.ok_or(BadTarget("the host is not an IPv6 address"))?;
        Ok(Self(format!("[{address}]").into()))
    }

    fn name(bytes: &[u8]) -> Result<Self, BadTarget> {
        let bytes = bytes.strip_suffix(b".").unwrap_or(bytes);
        if bytes.is_empty() {
            return Err(BadTarget("the host is empty"));
        }
        if bytes.len() > LONGEST {
            return Err(BadTarget("the host is longer than 253 bytes"));
        }
        if bytes.split(|&byte| byte == b'.').any(<[u8]>::is_empty) {
            return Err(BadTarget("the host holds an empty label"));
        }
        if !bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
            return Err(BadTarget("the host holds a character that no host name has"));
        }
        Ok(Self(bytes.iter().map(|&byte| char::from(byte.to_ascii_lowercase())).collect::<String>().into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Nothing, or a colon and a number of at most 65535.
fn check_port(rest: &[u8]) -> Result<(), BadTarget> {
    const BAD: BadTarget = BadTarget("the host's port is not a number from 0 to 65535");
    let Some((&first, digits)) = rest.split_first() else { return Ok(()) };
    let plain = first == b':' && matches!(digits.len(), 1..=5) && digits.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(digits).map_err(|_| BAD)?;
    if plain && text.parse::<u16>().is_ok() { Ok(()) } else { Err(BAD) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_one_spelling() {
        for same in ["gw.test", "GW.TEST", "gw.test.", "gw.test:80", "Gw.Test.:65535", "gw.test:0"] {
            assert_eq!(Host::parse(same.as_bytes()).unwrap().as_str(), "gw.test", "{same}");
        }
        for same in ["[::1]", "[::1]:8080", "[0:0:0:0:0:0:0:1]", "[0000::0001]"] {
            assert_eq!(Host::parse(same.as_bytes()).unwrap().as_str(), "[::1]", "{same}");
        }
        for plain in ["127.0.0.1", "localhost", "my_service", "a-b.example", "xn--bcher-kva.example"] {
            assert_eq!(Host::parse(plain.as_bytes()).unwrap().as_str(), plain);
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let bad: &[&[u8]] = &[
            b"",
            b".",
            b"..",
            b":80",
            b".gw.test",
            b"gw..test",
            b"gw.test..",
            b"gw.test:",
            b"gw.test:65536",
            b"gw.test:+1",
            b"gw.test:8 ",
            b"gw.test:000080",
            b"gw.test:80:80",
            b"gw.test:x",
            b"user@gw.test",
            b"user:pw@gw.test",
            b"gw.test, evil.test",
            b"gw.test,evil.test",
            b" gw.test",
            b"gw.test ",
            b"gw test",
            b"gw.test/x",
            b"gw.test?x",
            b"gw.test#x",
            b"gw%2etest",
            b"gw.test%00",
            b"gw.test\0",
            b"gw\ttest",
            b"gw.test\x7f",
            b"b\xc3\xbccher.test",
            b"\xff",
            b"[::1",
            b"[::1]x",
            b"[::1]:",
            b"[]",
            b"[fe80::1%eth0]",
            b"[127.0.0.1]",
            b"::1",
            b"[::1]]",
            b"*",
            b"*.test",
            b"http://gw.test",
            b"gw\\test",
        ];
        for host in bad {
            assert!(Host::parse(host).is_err(), "{:?}", String::from_utf8_lossy(host));
        }
        assert!(Host::parse(&[b'a'; 253]).is_ok());
        assert!(Host::parse(&[b'a'; 254]).is_err());
    }
}
