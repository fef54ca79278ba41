//! Is this one request head that everybody reads alike?

use bytes::{BufMut as _, BytesMut};

use super::super::chunks::Chunks;
use super::Refused;
use crate::access::Reason;

/// What the bytes so far are.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Vetted {
    /// Not a whole head yet.
    Partial,
    /// A head (and perhaps the beginning of a body), fit to be parsed; where its body stands, if it comes in chunks.
    Whole(Option<Chunks>),
    /// The same after its absolute-form target was put into origin form (RFC 9112 §3.2.2).
    Rewritten(BytesMut, Option<Chunks>),
    /// Not to be parsed by anybody.
    Refused(Refused),
}

/// More header lines than any client of good will sends.
pub(crate) const MOST_FIELDS: usize = 128;

/// Vets the head at the start of `bytes`, which may be `most` bytes long.
pub(in super::super) fn vet(bytes: &[u8], most: usize) -> Vetted {
    let read = Head::read(bytes, most)
        .and_then(|head| head.map(|head| head.chunks(bytes).map(|chunks| (head, chunks))).transpose());
    match read {
        Ok(None) => Vetted::Partial,
        Ok(Some((head, chunks))) => match head.target {
            TargetForm::Origin => Vetted::Whole(chunks),
            TargetForm::Absolute { start, path, end } => {
                Vetted::Rewritten(rewrite(bytes, start, path, end), chunks)
            }
        },
        Err(refused) => Vetted::Refused(refused),
    }
}

enum TargetForm {
    /// Begins with `/`, or is `*`.
    Origin,
    /// `http://authority/path`: where it starts, where its path does, where it ends.
    Absolute { start: usize, path: usize, end: usize },
}

/// What of a head decides how it is read.
struct Head<'b> {
    target: TargetForm,
    /// Where the body begins.
    end: usize,
    http_10: bool,
    fields: usize,
    host: Option<&'b [u8]>,
    content_length: bool,
    transfer_encoding: bool,
}

const fn framing(detail: &'static str) -> Refused {
    Refused::new(Reason::BadFraming, detail)
}

impl<'b> Head<'b> {
    /// Where the body stands behind what came with the head, if it comes in chunks.
    fn chunks(&self, bytes: &[u8]) -> Result<Option<Chunks>, Refused> {
        // A head that has this field says `chunked` in it, and nothing else.
        if !self.transfer_encoding {
            return Ok(None);
        }
        let mut chunks = Chunks::START;
        chunks.pass(&bytes[self.end..]).map_err(|_| framing("the body's chunks are none"))?;
        Ok(Some(chunks))
    }

    fn read(bytes: &'b [u8], most: usize) -> Result<Option<Self>, Refused> {
        let mut lines = Lines { bytes, at: 0, most };
        let Some(line) = lines.next()? else { return Ok(None) };
        let (target, http_10) = request_line(line)?;
        let mut head = Self {
            target,
            end: 0,
            http_10,
            fields: 0,
            host: None,
            content_length: false,
            transfer_encoding: false,
        };
        while let Some(line) = lines.next()? {
            if line.is_empty() {
                head.complete(bytes)?;
                head.end = lines.at;
                return Ok(Some(head));
            }
            head.field(line)?;
        }
        Ok(None)
    }

    /// One header line: `name: value` (RFC 9112 §5).
    fn field(&mut self, line: &'b [u8]) -> Result<(), Refused> {
        self.fields += 1;
        if self.fields > MOST_FIELDS {
            return Err(Refused::new(Reason::TooLarge, "too many header fields"));
        }
        let colon = memchr::memchr(b':', line).ok_or(framing("a header line has no colon"))?;
        let (name, value) = (&line[..colon], trim(&line[colon + 1..]));
        if name.is_empty() || !name.iter().all(|&b| is_token(b)) {
            return Err(framing("a header name is not a token"));
        }
        if has_control(value) {
            return Err(framing("a header value holds a control character"));
        }
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.host(value)?,
            14 if name.eq_ignore_ascii_case(b"content-length") => self.length(value)?,
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.encoding(value)?,
            _ => {}
        }
        Ok(())
    }

    /// RFC 9112 §3.2: one `Host`.
    const fn host(&mut self, value: &'b [u8]) -> Result<(), Refused> {
        match self.host.replace(value) {
            None => Ok(()),
            Some(_) => Err(Refused::new(Reason::BadHost, "more than one Host")),
        }
    }

    /// RFC 9112 §6.3: one `Content-Length`, of digits.
    fn length(&mut self, value: &[u8]) -> Result<(), Refused> {
        if std::mem::replace(&mut self.content_length, true) {
            return Err(framing("more than one Content-Length"));
        }
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return Err(framing("Content-Length is not a number"));
        }
        let length: Option<u64> = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
        match length {
            Some(length) if i64::try_from(length).is_ok() => Ok(()),
            _ => Err(Refused::ENDLESS),
        }
    }

    /// RFC 9112 §6.1: one `Transfer-Encoding`, `chunked`.
    fn encoding(&mut self, value: &[u8]) -> Result<(), Refused> {
        if std::mem::replace(&mut self.transfer_encoding, true) || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(framing("Transfer-Encoding is not chunked, once"));
        }
        Ok(())
    }

    /// What only the whole head shows.
    fn complete(&self, bytes: &[u8]) -> Result<(), Refused> {
        if self.transfer_encoding && self.content_length {
            return Err(framing("both Content-Length and Transfer-Encoding"));
        }
        if self.transfer_encoding && self.http_10 {
            return Err(framing("Transfer-Encoding in an HTTP/1.0 request"));
        }
        let Some(host) = self.host else { return Err(Refused::new(Reason::BadHost, "no Host")) };
        if let TargetForm::Absolute { start, path, .. } = self.target {
            let authority = &bytes[start..path];
            let authority = authority.splitn(2, |&b| b == b':').nth(1).unwrap_or_default();
            let authority = authority.strip_prefix(b"//").unwrap_or_default();
            if !authority.eq_ignore_ascii_case(host) {
                return Err(Refused::new(Reason::BadHost, "the target and Host name different hosts"));
            }
        }
        Ok(())
    }
}

/// `method SP request-target SP HTTP-version` (RFC 9112 §3), nothing repaired.
fn request_line(line: &[u8]) -> Result<(TargetForm, bool), Refused> {
    let mut parts = line.split(|&b| b == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(framing("the request line is not method, target and version"));
    };
    let http_10 = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return Err(framing("the version is neither HTTP/1.1 nor HTTP/1.0")),
    };
    if method.is_empty() || !method.iter().all(|&b| is_token(b)) {
        return Err(framing("the method is not a token"));
    }
    if method == b"CONNECT" {
        return Err(Refused::new(Reason::MethodNotAllowed, "CONNECT is not served here"));
    }
    let bad = |detail| Refused::new(Reason::BadTarget, detail);
    if target.is_empty() || !target.iter().all(|b| (0x21..=0x7e).contains(b) && *b != b'#') {
        return Err(bad("the target holds a character that no target may hold"));
    }
    let form = match target {
        [b'/', ..] => TargetForm::Origin,
        b"*" if method == b"OPTIONS" => TargetForm::Origin,
        _ => absolute(target, method.len() + 1).ok_or(bad("the target does not begin with /"))?,
    };
    Ok((form, http_10))
}

/// `http://authority[/path]`; `at` is where the target stands in the line.
fn absolute(target: &[u8], at: usize) -> Option<TargetForm> {
    let scheme = [&b"http://"[..], b"https://"]
        .into_iter()
        .find(|scheme| target.get(..scheme.len()).is_some_and(|t| t.eq_ignore_ascii_case(scheme)))?
        .len();
    let path =
        target[scheme..].iter().position(|b| matches!(b, b'/' | b'?')).map_or(target.len(), |p| scheme + p);
    (path > scheme).then_some(TargetForm::Absolute { start: at, path: at + path, end: at + target.len() })
}

/// The head with its target in origin form.
fn rewrite(bytes: &[u8], start: usize, path: usize, end: usize) -> BytesMut {
    let mut head = BytesMut::with_capacity(bytes.len() + 1);
    head.put_slice(&bytes[..start]);
    if bytes[path..end].first() != Some(&b'/') {
        head.put_u8(b'/');
    }
    head.put_slice(&bytes[path..]);
    head
}

/// The lines of a head, without their ends; a bare LF or CR ends nothing.
struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
    most: usize,
}

impl<'b> Lines<'b> {
    /// The next line, or `None` while it is not whole.
    fn next(&mut self) -> Result<Option<&'b [u8]>, Refused> {
        let rest = &self.bytes[self.at..];
        let end = memchr::memchr(b'\n', rest);
        if self.at + end.unwrap_or(rest.len()) >= self.most {
            return Err(Refused::new(Reason::TooLarge, "the request head is too large"));
        }
        let Some(end) = end else { return Ok(None) };
        self.at += end + 1;
        // A CR elsewhere in the line is refused with the other control characters.
        let line = rest[..end].strip_suffix(b"\r").ok_or(framing("a line does not end with CRLF"))?;
        Ok(Some(line))
    }
}

/// Whether a field value holds what none may (RFC 9110 §5.5). Looks at all of it, without a branch, so that the compiler
/// compares many bytes at once: a token is hundreds of them.
#[expect(clippy::needless_bitwise_bool, reason = "a branch for each byte is what this avoids")]
fn has_control(value: &[u8]) -> bool {
    value.iter().fold(false, |bad, &b| bad | ((b < 0x20) & (b != b'\t')) | (b == 0x7f))
}

fn trim(value: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = value.iter().position(|b| !blank(b)).unwrap_or(value.len());
    let end = value.iter().rposition(|b| !blank(b)).map_or(start, |e| e + 1);
    &value[start..end]
}

/// Whether a byte may be part of a token.
fn is_token(byte: u8) -> bool {
    const TABLE: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            #[expect(clippy::cast_possible_truncation, reason = "it counts to 255")]
            let tchar = is_tchar(byte as u8);
            table[byte] = tchar;
            byte += 1;
        }
        table
    };
    TABLE[usize::from(byte)]
}

/// RFC 9110 §5.6.2.
const fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

#[cfg(test)]
mod tests;
