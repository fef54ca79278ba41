//! What does a head say, and what of it does the upstream get?
//!
//! The head has been vetted: every line ends with CRLF, every name is a token, no value holds a control character, and
//! what frames the body is there once (`connection/head/vet.rs`).

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Version};

use super::super::connection::MOST_FIELDS;
use super::super::decide::Asking;
use super::super::exchange::{Admitted, Exchange};
use super::super::forward::{Facts, Forward};
use super::super::policy::Policy;

/// Where a head is taken apart.
#[derive(Default)]
pub(super) struct Desk {
    headers: HeaderMap,
    /// The lines that may go upstream as they are, each with its end.
    lines: Vec<(Line, Bytes)>,
}

/// What a line is, beside one of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Plain,
    Host,
    Authorization,
    /// The length of the body.
    Length,
}

impl Desk {
    /// Forgets the last head, and keeps the room for the next.
    pub(super) fn clear(&mut self) {
        self.headers.clear();
        self.lines.clear();
    }
}

/// A request that is here whole.
pub(super) struct Request<'d> {
    method: Method,
    /// `method SP target SP version CRLF`.
    line: Bytes,
    target: Bytes,
    body: Bytes,
    headers: &'d HeaderMap,
    lines: &'d [(Line, Bytes)],
    /// Whether the client ends the connection after this.
    pub(super) closes: bool,
}

/// What is to be done about a field on the straight way.
enum Field {
    Goes(Line),
    Stays,
    /// How the connection goes on.
    Connection,
    Length,
    /// The engine's business.
    Special,
}

impl<'d> Request<'d> {
    /// Reads the request at the start of `bytes`; none if it is not for the straight way, or if more came than it.
    pub(super) fn read(bytes: &Bytes, desk: &'d mut Desk, forward: &Forward) -> Option<Self> {
        desk.clear();
        let end = memchr::memchr(b'\n', bytes)? + 1;
        let line = bytes.slice(..end);
        let text = line.strip_suffix(b" HTTP/1.1\r\n")?;
        let space = memchr::memchr(b' ', text)?;
        let method = Method::from_bytes(&text[..space]).ok()?;
        let target = line.slice(space + 1..text.len());
        let (mut at, mut length, mut closes) = (end, 0, false);
        loop {
            let end = at + memchr::memchr(b'\n', bytes.get(at..)?)? + 1;
            let line = bytes.slice(at..end);
            at = end;
            if line.len() == 2 {
                break;
            }
            let colon = memchr::memchr(b':', &line)?;
            let name = HeaderName::from_bytes(&line[..colon]).ok()?;
            let value = line.slice_ref(line[colon + 1..].trim_ascii());
            match kind(&name, forward) {
                Field::Special => return None,
                Field::Stays => {}
                Field::Connection => closes |= asks_to_close(&value)?,
                Field::Length => {
                    length = std::str::from_utf8(&value).ok()?.parse().ok()?;
                    desk.lines.push((Line::Length, line));
                }
                Field::Goes(kind) => desk.lines.push((kind, line)),
            }
            desk.headers.try_append(name, HeaderValue::from_maybe_shared(value).ok()?).ok()?;
        }
        let body = bytes.slice(at..);
        let is_whole = body.len() == length && desk.headers.len() <= MOST_FIELDS;
        is_whole.then_some(Self {
            method,
            line,
            target,
            body,
            headers: &desk.headers,
            lines: &desk.lines,
            closes,
        })
    }

    /// What it is decided upon.
    pub(super) fn asking(&self) -> Asking<'_> {
        Asking {
            method: &self.method,
            version: Version::HTTP_11,
            headers: self.headers,
            target: &self.target,
            authority: None,
            path: None,
        }
    }

    pub(super) fn has_cookies(&self) -> bool {
        self.headers.contains_key(header::COOKIE)
    }

    /// Writes what the upstream gets: the lines that are the client's to say, what is ours, and the body.
    pub(super) fn write_to(
        &self,
        out: &mut Vec<u8>,
        policy: &Policy,
        admitted: &Admitted,
        exchange: &Exchange,
    ) {
        out.clear();
        out.extend_from_slice(&self.line);
        let facts = Facts {
            address: exchange.record.address.clone(),
            https: exchange.record.client.https,
            request_id: exchange.id.as_str(),
            forward_authorization: policy.routes.routes()[admitted.route].forward_authorization,
            host: policy.upstreams.pool(admitted.upstream).host_header(),
        };
        for (kind, line) in self.lines {
            let goes = match kind {
                Line::Plain => true,
                Line::Host => facts.host.is_none(),
                Line::Authorization => policy.forward.passes_authorization(&facts),
                // In one spelling, whatever blanks and zeros the client put around it: nobody is to find the body's end
                // elsewhere.
                Line::Length => {
                    out.extend_from_slice(b"Content-Length: ");
                    out.extend_from_slice(itoa::Buffer::new().format(self.body.len()).as_bytes());
                    out.extend_from_slice(b"\r\n");
                    false
                }
            };
            if goes {
                out.extend_from_slice(line);
            }
        }
        let host = self.headers.get(header::HOST);
        policy.forward.write_ours(out, &admitted.permit, &facts, host);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
    }
}

/// What is to be done about a field of this name. What is said between two neighbours (RFC 9110 §7.6.1) is for us, and what
/// only a proxy may say goes no further.
fn kind(name: &HeaderName, forward: &Forward) -> Field {
    match *name {
        header::HOST => Field::Goes(Line::Host),
        header::AUTHORIZATION => Field::Goes(Line::Authorization),
        header::CONTENT_LENGTH => Field::Length,
        header::CONNECTION => Field::Connection,
        header::UPGRADE | header::EXPECT | header::TRANSFER_ENCODING => Field::Special,
        header::TE | header::TRAILER | header::PROXY_AUTHENTICATE | header::PROXY_AUTHORIZATION => {
            Field::Stays
        }
        _ => match name.as_str() {
            "keep-alive" | "proxy-connection" | "http2-settings" => Field::Stays,
            name if forward.is_ours(name) => Field::Stays,
            _ => Field::Goes(Line::Plain),
        },
    }
}

/// Whether a `Connection` line says `close`; none if it says something that is not about the connection itself.
fn asks_to_close(value: &[u8]) -> Option<bool> {
    let mut closes = false;
    for option in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
        match option {
            _ if option.eq_ignore_ascii_case(b"close") => closes = true,
            _ if option.is_empty() || option.eq_ignore_ascii_case(b"keep-alive") => {}
            _ => return None,
        }
    }
    Some(closes)
}

#[cfg(test)]
mod tests;
