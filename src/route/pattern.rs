//! Which paths does a route name? Literal segments, `{name}` for one segment, a final `/**` for zero or more.
//!
//! A literal must be written as a canonical path would be (see [`Target`]); it is compared decoded, so that `a@b` and
//! `a%40b` are one literal and neither spelling in a request dodges it. A trailing slash is a path of its own:
//! `/event/` is not `/event`, and `/event/**` names both. `{name}` never stands for an empty segment.

use super::Target;
use super::canonical::decode_segment;

/// The most segments a pattern may have; bounds the depth of the table.
const MOST_SEGMENTS: usize = 64;

/// The longest literal segment, in bytes once decoded.
pub(super) const LONGEST_LITERAL: usize = 255;

/// Why a text is not a pattern, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPattern(pub String);

/// A parsed pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: Box<str>,
    segments: Box<[Segment]>,
    rest: bool,
}

/// What one segment of a pattern stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Segment {
    /// These bytes, decoded.
    Literal(Box<[u8]>),
    /// Any one segment that is not empty.
    Name(Box<str>),
}

impl Pattern {
    /// Reads a pattern; literals must already be canonical (see [`Target`]).
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        let Some(path) = text.strip_prefix('/') else {
            return Err(BadPattern(format!("a path begins with `/`: write `/{text}`")));
        };
        let (path, rest) = match path.strip_suffix("**") {
            Some("") => ("", true),
            Some(front) if front.ends_with('/') => (&front[..front.len() - 1], true),
            _ => (path, false),
        };
        let mut segments: Vec<Segment> = Vec::new();
        // `/**` alone has no segment in front; `/` alone has one, which is empty.
        if !(rest && text == "/**") {
            let count = path.split('/').count();
            if count > MOST_SEGMENTS {
                return Err(BadPattern(format!(
                    "a path has at most {MOST_SEGMENTS} segments, this one has {count}"
                )));
            }
            for (i, part) in path.split('/').enumerate() {
                let last = i + 1 == count && !rest;
                let segment = Segment::parse(part, last)?;
                if segments.iter().any(|earlier| matches!(segment, Segment::Name(_)) && *earlier == segment) {
                    return Err(BadPattern(format!(
                        "`{part}` stands twice: give each segment a name of its own"
                    )));
                }
                segments.push(segment);
            }
        }
        Ok(Self { text: text.into(), segments: segments.into(), rest })
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same with its letters in lower case; `as_str` stays as it was written.
    pub(super) fn in_lower_case(&self) -> Self {
        let lower = |segment: &Segment| match segment {
            Segment::Literal(bytes) => Segment::Literal(bytes.to_ascii_lowercase().into()),
            Segment::Name(name) => Segment::Name(name.clone()),
        };
        Self { segments: self.segments.iter().map(lower).collect(), ..self.clone() }
    }

    /// Whether it is `/**`: everything.
    pub fn is_everything(&self) -> bool {
        self.rest && self.segments.is_empty()
    }

    /// The segments in front of a final `/**`.
    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether it ends in `/**`.
    pub(super) const fn has_rest(&self) -> bool {
        self.rest
    }
}

impl Segment {
    /// Reads one segment; only the last of a pattern may be empty (a trailing slash).
    fn parse(part: &str, last: bool) -> Result<Self, BadPattern> {
        if part.is_empty() {
            return if last {
                Ok(Self::Literal(Box::default()))
            } else {
                Err(BadPattern(
                    "there is an empty segment (`//`): no request path has one, write a single `/`".into(),
                ))
            };
        }
        if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            return Self::parse_name(name);
        }
        if part.contains(['{', '}']) {
            return Err(BadPattern(format!(
                "`{part}`: `{{name}}` stands for a whole segment, not for a part of one"
            )));
        }
        if part.contains('*') {
            return Err(BadPattern(format!(
                "`{part}`: write `{{name}}` for one segment, `/**` at the end for all that follow, `%2A` for a literal star"
            )));
        }
        if let Some(name) = part.strip_prefix(':') {
            return Err(BadPattern(format!(
                "`{part}`: write `{{{name}}}` for one segment, `%3A` for a literal colon in front"
            )));
        }
        Self::parse_literal(part)
    }

    fn parse_name(name: &str) -> Result<Self, BadPattern> {
        let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if first
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        {
            Ok(Self::Name(name.into()))
        } else {
            Err(BadPattern(format!(
                "`{{{name}}}`: a name is a lower-case letter or `_`, then letters, digits and `_`"
            )))
        }
    }

    fn parse_literal(part: &str) -> Result<Self, BadPattern> {
        if !part.is_ascii() {
            return Err(BadPattern(format!(
                "`{part}`: write it percent-encoded, `{}`",
                percent_encoded(part)
            )));
        }
        let path = format!("/{part}");
        match Target::parse(path.as_bytes()) {
            Err(why) => return Err(BadPattern(format!("`{part}`: such a request is always refused, {why}"))),
            Ok(target) if target.query().is_some() => {
                return Err(BadPattern(format!(
                    "`{part}`: a pattern names paths, without a query (from the `?` on)"
                )));
            }
            Ok(_) => {}
        }
        let mut buffer = [0; LONGEST_LITERAL];
        decode_segment(part, &mut buffer)
            .map(|decoded| Self::Literal(decoded.into()))
            .ok_or_else(|| BadPattern(format!("a literal segment has at most {LONGEST_LITERAL} bytes")))
    }
}

/// `part` with every byte outside ASCII escaped.
fn percent_encoded(part: &str) -> String {
    use std::fmt::Write as _;
    part.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii() {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read() {
        for good in [
            "/",
            "/**",
            "/event",
            "/event/",
            "/event/**",
            "/event/{id}",
            "/event/{id}/",
            "/{a}/{b}/**",
            "/a:b/c@d",
            "/caf%C3%A9",
            "/a%40b",
            "/...",
            "/{_x9}",
            "/%2A",
            "/%3Aid",
        ] {
            assert_eq!(Pattern::parse(good).map(|pattern| pattern.as_str().to_owned()), Ok(good.to_owned()));
        }
        assert!(Pattern::parse("/**").unwrap().is_everything());
        for some in ["/", "/{x}", "/a/**", "/{x}/**"] {
            assert!(!Pattern::parse(some).unwrap().is_everything(), "{some}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_told_what_to_write() {
        for (bad, told) in [
            ("", "a path begins with `/`: write `/`"),
            ("event", "write `/event`"),
            ("**", "write `/**`"),
            ("//", "empty segment"),
            ("/a//b", "empty segment"),
            ("/a//**", "empty segment"),
            ("//**", "empty segment"),
            ("/a/**/b", "`/**` at the end"),
            ("/a**", "`/**` at the end"),
            ("/**/**", "`/**` at the end"),
            ("/***", "`/**` at the end"),
            ("/a/*", "write `{name}` for one segment"),
            ("/:id", "write `{id}`"),
            ("/{x}.json", "a whole segment"),
            ("/a{x}", "a whole segment"),
            ("/{x", "a whole segment"),
            ("/{}", "a name is"),
            ("/{X}", "a name is"),
            ("/{9}", "a name is"),
            ("/{a-b}", "a name is"),
            ("/{*rest}", "a name is"),
            ("/{x}/{x}", "stands twice"),
            ("/café", "`caf%C3%A9`"),
            ("/a/../b", "dot segment"),
            ("/a/.", "dot segment"),
            ("/%65vent", "needs no encoding"),
            ("/a%2fb", "encoded slash"),
            ("/a;x=1", "semicolon"),
            ("/a?x=1", "without a query"),
            ("/a#b", "fragment"),
            ("/a b", "must be percent-encoded"),
            ("/a\\b", "backslash"),
            ("/a\n", "control character"),
            ("/50%", "begins no escape"),
        ] {
            let BadPattern(message) = Pattern::parse(bad).expect_err(bad);
            assert!(message.contains(told), "{bad}: {message}");
        }
        assert!(Pattern::parse(&format!("/{}", "a".repeat(255))).is_ok());
        assert!(Pattern::parse(&format!("/{}", "a".repeat(256))).is_err());
        assert!(Pattern::parse(&"/a".repeat(64)).is_ok());
        assert!(Pattern::parse(&"/a".repeat(65)).is_err());
    }
}
