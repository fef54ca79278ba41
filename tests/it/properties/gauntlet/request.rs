//! One generated request: the bytes it is on the wire, and what is true of it whatever the gateway thinks.

use super::rights::Brought;
use super::tokens::Token;
use super::upstream::MARKER;

/// How a request target is written.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// As it is.
    Origin,
    /// Behind this scheme and authority.
    Absolute(&'static str),
    /// Something else entirely.
    Instead(&'static str),
}

/// The `Host` lines, and whether they are one valid host.
#[derive(Clone, Debug)]
pub(super) struct Hosts(pub(super) &'static [&'static [u8]], pub(super) bool);

/// What is brought to be let in.
#[derive(Clone, Debug)]
pub(super) enum Credential {
    None,
    /// `Authorization` with this before the token.
    Spelled(&'static str, Token),
    /// Two lines.
    Twice(Token, Token),
    /// One line.
    Listed(Token, Token),
    /// Where no token belongs: this header, or the query if there is no name.
    Elsewhere(&'static str, Token),
    /// No token at all.
    Raw(&'static [u8]),
}

/// How the body's end is found.
#[derive(Clone, Debug)]
pub(super) enum Framing {
    None,
    /// `Content-Length`, right, with this before and behind the digits.
    Length(&'static str, &'static str),
    /// More is announced than comes.
    Short,
    /// These lines instead of the right one; two readers may differ.
    Odd(&'static str),
    /// Chunks of at most this size, with extensions and trailers.
    Chunked {
        size: usize,
        extension: &'static str,
        trailers: &'static str,
        coding: &'static str,
    },
    /// Chunks that are none: these bytes, in which `{}` is the body.
    BadChunks(&'static str),
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) method: &'static str,
    pub(super) form: Form,
    pub(super) path: Vec<u8>,
    pub(super) version: &'static str,
    pub(super) hosts: Hosts,
    pub(super) credential: Credential,
    /// Header lines, each with whether it is well-formed.
    pub(super) lines: Vec<(Vec<u8>, bool)>,
    pub(super) framing: Framing,
    pub(super) body: Vec<u8>,
}

/// What is true of a request.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    pub(super) marker: String,
    /// Nobody can misread it, so that it may be forwarded at all.
    pub(super) may_pass: bool,
    /// Where it ends is not certain: nothing behind it may be forwarded.
    pub(super) ends: bool,
    pub(super) method: String,
    /// What the upstream must get, query and all.
    pub(super) target: Vec<u8>,
    pub(super) host: Vec<u8>,
    /// The body, if it comes to an end.
    pub(super) body: Option<Vec<u8>>,
    pub(super) brought: Brought,
}

/// What is sent on one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    pub(super) wire: Vec<u8>,
    pub(super) truths: Vec<Truth>,
    pub(super) secrets: Vec<String>,
    pub(super) https: bool,
    /// Where in the wire each request begins, if each is sent when the one before is answered; empty if all are sent at
    /// once.
    pub(super) steps: Vec<usize>,
    /// The last request never comes to its end: nothing follows, and our side is closed.
    pub(super) cut: bool,
}

impl Sent {
    /// The plans one behind the other; the last asks for the end of the connection. Every second connection waits for each
    /// answer before it asks on.
    pub(super) fn of(plans: &[Plan], connection: u64) -> Self {
        let mut sent = Self::default();
        for (at, plan) in plans.iter().enumerate() {
            let truth = plan.truth(format!("c{connection}-{at}"));
            let last = at + 1 == plans.len();
            sent.steps.push(sent.wire.len());
            plan.write(&truth, last, &mut sent.wire);
            sent.cut |= truth.body.is_none();
            sent.truths.push(truth);
            plan.credential.tokens().for_each(|token| sent.secrets.push(token.text.clone()));
            if matches!(plan.framing, Framing::Short) {
                break;
            }
        }
        if sent.cut || connection.is_multiple_of(2) {
            sent.steps.clear();
        }
        sent.secrets.retain(|secret| secret.len() > 20);
        sent.secrets.push(crate::world::SECRET.to_owned());
        sent.secrets.push(super::PASSWORD.to_owned());
        sent
    }
}

impl Plan {
    /// What is true of it, whatever is made of it.
    pub(super) fn truth(&self, marker: String) -> Truth {
        let mut target = self.path.clone();
        if let Credential::Elsewhere("", token) = &self.credential {
            let joint = if target.contains(&b'?') { "&" } else { "?" };
            target.extend_from_slice(format!("{joint}access_token={}", token.text).as_bytes());
        }
        let host = self.hosts.0.first().copied().unwrap_or_default();
        let form = match self.form {
            Form::Origin => true,
            Form::Absolute(base) => base.split_once("://").is_some_and(|(scheme, authority)| {
                matches!(&*scheme.to_ascii_lowercase(), "http" | "https")
                    && authority.as_bytes().eq_ignore_ascii_case(host)
            }),
            Form::Instead(_) => false,
        };
        let written = if let Form::Instead(other) = self.form { other.as_bytes() } else { &target };
        let visible = written.iter().all(|b| (0x21..=0x7e).contains(b) && *b != b'#');
        let lines = self.lines.iter().all(|(_, good)| *good);
        let version = matches!(self.version, "HTTP/1.1" | "HTTP/1.0");
        let method = self.method.bytes().all(|b| b.is_ascii_alphabetic()) && self.method != "CONNECT";
        let framed = match &self.framing {
            Framing::Odd(_) => false,
            Framing::Chunked { .. } | Framing::BadChunks(_) => self.version == "HTTP/1.1",
            Framing::None | Framing::Length(..) | Framing::Short => true,
        };
        let whole = framed && !matches!(self.framing, Framing::Short | Framing::BadChunks(_));
        let clear = framed && lines && version && method && visible;
        Truth {
            marker,
            may_pass: clear && form && self.hosts.1 && target.first() == Some(&b'/'),
            ends: !clear || !whole,
            method: self.method.to_owned(),
            target,
            host: host.to_vec(),
            body: whole.then(|| if self.has_body() { self.body.clone() } else { Vec::new() }),
            brought: self.credential.brought(),
        }
    }

    pub(super) fn has_body(&self) -> bool {
        !matches!(self.framing, Framing::None)
    }

    fn write(&self, truth: &Truth, last: bool, wire: &mut Vec<u8>) {
        let line = |wire: &mut Vec<u8>, parts: &[&[u8]]| {
            wire.extend_from_slice(&parts.concat());
            wire.extend_from_slice(b"\r\n");
        };
        let (before, target) = match self.form {
            Form::Origin => ("", &truth.target[..]),
            Form::Absolute(base) => (base, &truth.target[..]),
            Form::Instead(other) => (other, &b""[..]),
        };
        let words = [self.method.as_bytes(), b" ", before.as_bytes(), target, b" ", self.version.as_bytes()];
        line(wire, &words);
        line(wire, &[MARKER.as_bytes(), b": ", truth.marker.as_bytes()]);
        for host in self.hosts.0 {
            line(wire, &[b"Host: ", host]);
        }
        for value in self.credential.lines() {
            line(wire, &[&value]);
        }
        for (extra, _) in &self.lines {
            line(wire, &[extra]);
        }
        if last {
            line(wire, &[b"Connection: close"]);
        }
        let (framing, body) = self.framing.write(&self.body);
        wire.extend_from_slice(framing.as_bytes());
        wire.extend_from_slice(b"\r\n");
        wire.extend_from_slice(&body);
    }
}

impl Framing {
    /// The lines that say where the body ends, and the body as it is sent.
    fn write(&self, body: &[u8]) -> (String, Vec<u8>) {
        let chunked = "Transfer-Encoding: chunked\r\n".to_owned();
        match self {
            Self::None => (String::new(), Vec::new()),
            Self::Length(before, behind) => {
                (format!("Content-Length: {before}{}{behind}\r\n", body.len()), body.to_vec())
            }
            Self::Short => (format!("Content-Length: {}\r\n", body.len() + 9), body.to_vec()),
            Self::Odd(lines) => (lines.replace("{}", &body.len().to_string()), body.to_vec()),
            Self::Chunked { size, extension, trailers, coding } => {
                let mut wire = Vec::new();
                for chunk in body.chunks((*size).max(1)) {
                    wire.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
                    wire.extend_from_slice(chunk);
                    wire.extend_from_slice(b"\r\n");
                }
                wire.extend_from_slice(format!("0{extension}\r\n{trailers}\r\n").as_bytes());
                (format!("Transfer-Encoding: {coding}\r\n"), wire)
            }
            Self::BadChunks(shape) => {
                let (before, behind) = shape.split_once("{}").unwrap_or((shape, ""));
                let size = |text: &str| text.replace("{size}", &format!("{:x}", body.len())).into_bytes();
                (chunked, [size(before), body.to_vec(), size(behind)].concat())
            }
        }
    }
}

impl Credential {
    /// What it is worth: a token counts if it alone is there, as a bearer's.
    fn brought(&self) -> Brought {
        match self {
            Self::None | Self::Elsewhere(..) => Brought::Nothing,
            Self::Spelled(spelling, token) => match spelling.split_once(' ') {
                Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") && rest.trim().is_empty() => {
                    token.brought.clone()
                }
                _ => other_scheme(format!("{spelling}{}", token.text).as_bytes()),
            },
            Self::Raw(value) => other_scheme(value),
            Self::Twice(..) | Self::Listed(..) => Brought::Rubbish,
        }
    }

    pub(super) fn tokens(&self) -> impl Iterator<Item = &Token> {
        let (one, two) = match self {
            Self::None | Self::Raw(_) => (None, None),
            Self::Spelled(_, token) | Self::Elsewhere(_, token) => (Some(token), None),
            Self::Twice(one, two) | Self::Listed(one, two) => (Some(one), Some(two)),
        };
        one.into_iter().chain(two)
    }

    pub(super) fn lines(&self) -> Vec<Vec<u8>> {
        let line = |text: String| text.into_bytes();
        match self {
            Self::None | Self::Elsewhere("", _) => vec![],
            Self::Spelled(spelling, token) => vec![line(format!("Authorization: {spelling}{}", token.text))],
            Self::Twice(one, two) => vec![
                line(format!("Authorization: Bearer {}", one.text)),
                line(format!("authorization: Bearer {}", two.text)),
            ],
            Self::Listed(one, two) => {
                vec![line(format!("Authorization: Bearer {}, Bearer {}", one.text, two.text))]
            }
            Self::Elsewhere(name, token) => vec![line(format!("{name}: Bearer {}", token.text))],
            Self::Raw(value) => vec![[b"Authorization: ", *value].concat()],
        }
    }
}

/// Another scheme than ours is no credential here (RFC 9110 §11.1); what is no scheme is rubbish.
fn other_scheme(value: &[u8]) -> Brought {
    let value = value.trim_ascii();
    let scheme = value.split(|&byte| byte == b' ').next().unwrap_or_default();
    let token = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    let other = !scheme.is_empty() && scheme.iter().all(token) && !scheme.eq_ignore_ascii_case(b"bearer");
    if other { Brought::Nothing } else { Brought::Rubbish }
}
