//! What does an upstream answer: where does its body end, and what of its head does the client get?

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};
use httparse::{Header, ParserConfig, Response, Status};
use pingora::http::ResponseHeader;
use pingora::protocols::http::date::get_cached_date;
use pingora::{Error, ErrorType};

use super::super::connection::Chunks;
use super::super::exchange::Exchange;
use super::super::failure;
use super::super::forward::REQUEST_ID;
use super::super::policy::Policy;
use super::super::respond::dress;

/// Most fields of an answer.
const MOST: usize = 256;

/// What is known of an answer from its head.
#[expect(clippy::struct_excessive_bools, reason = "four things that an answer says or does not say")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Bytes of the head.
    pub(super) length: usize,
    pub(super) body: Body,
    /// Whether the server keeps the connection.
    pub(super) keeps: bool,
    pub(super) is_event_stream: bool,
    /// Whether the server says when it answered.
    dated: bool,
    /// Whether `Connection` names fields that are for us alone.
    nominates: bool,
}

/// Where a body ends (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// There is none.
    None,
    /// After so many bytes.
    Length(u64),
    /// With its last chunk.
    Chunks(Chunks),
    /// With the connection.
    ToTheEnd,
}

/// What the client gets of it is made with these.
pub(super) struct Dressing<'d> {
    pub(super) policy: &'d Policy,
    pub(super) exchange: &'d mut Exchange,
    /// Whether the connection to the client ends with the answer.
    pub(super) closing: bool,
}

/// Reads the head at the start of `bytes`, if it is whole, and writes to `out` what the client gets: what the upstream says
/// that is not between the two of us, and what every answer carries.
pub(super) fn receive(
    bytes: &[u8],
    out: &mut Vec<u8>,
    dressing: Dressing<'_>,
) -> Result<Option<Head>, Box<Error>> {
    let mut room = [const { MaybeUninit::uninit() }; MOST];
    let mut answer = Response::new(&mut []);
    let mut config = ParserConfig::default();
    config.allow_spaces_after_header_name_in_responses(true);
    match config.parse_response_with_uninit_headers(&mut answer, bytes, &mut room) {
        Ok(Status::Complete(length)) => {
            let head = Head::of(length, &answer, &dressing.exchange.record.method)?;
            head.write(out, &answer, dressing)?;
            Ok(Some(head))
        }
        Ok(Status::Partial) => Ok(None),
        Err(_) => Err(not_http("the head of the answer cannot be read")),
    }
}

#[expect(clippy::unnecessary_box_returns, reason = "Pingora passes its errors on in a box")]
fn not_http(why: &'static str) -> Box<Error> {
    let mut error = Error::explain(ErrorType::InvalidHTTPHeader, why);
    error.as_up();
    error
}

impl Head {
    fn of(length: usize, answer: &Response<'_, '_>, method: &Method) -> Result<Self, Box<Error>> {
        let status = answer.code.unwrap_or_default();
        if StatusCode::from_u16(status).is_err() {
            return Err(not_http("the status of the answer is none"));
        }
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(failure::not_asked_to_switch());
        }
        if status < 100 {
            return Err(not_http("the status of the answer is none"));
        }
        let http_11 = answer.version == Some(1);
        let (mut announced, mut chunked) = (None, false);
        let mut head = Self {
            status,
            length,
            body: Body::ToTheEnd,
            keeps: http_11,
            is_event_stream: false,
            dated: false,
            nominates: false,
        };
        for field in answer.headers.iter() {
            match Name::of(field.name) {
                Name::Connection => head.connection(field.value),
                Name::Length => announce(&mut announced, field.value)?,
                Name::Encoding => {
                    if std::mem::replace(&mut chunked, true) || !field.value.eq_ignore_ascii_case(b"chunked")
                    {
                        return Err(not_http("the answer is encoded in a way that nobody asked for"));
                    }
                }
                Name::Type => {
                    let kind = field.value.get(..17);
                    head.is_event_stream =
                        kind.is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/event-stream"));
                }
                Name::Date => head.dated = true,
                Name::Hop | Name::Id | Name::Other => {}
            }
        }
        // RFC 9112 §6.1: whoever sends chunks by HTTP/1.0 cannot be trusted with what follows.
        head.keeps &= http_11 || !chunked;
        head.body = match (status, announced) {
            (100..=199 | 204 | 304, _) => Body::None,
            _ if method == Method::HEAD => Body::None,
            _ if chunked => Body::Chunks(Chunks::START),
            (_, Some(0)) => Body::None,
            (_, Some(length)) => Body::Length(length),
            (_, None) => Body::ToTheEnd,
        };
        Ok(head)
    }

    fn connection(&mut self, value: &[u8]) {
        for option in options(value) {
            if option.eq_ignore_ascii_case(b"close") {
                self.keeps = false;
            } else if !option.eq_ignore_ascii_case(b"keep-alive") && !option.is_empty() {
                self.nominates = true;
            }
        }
    }

    /// Whether another head follows.
    pub(super) const fn is_informational(&self) -> bool {
        self.status < 200
    }

    fn write(
        &self,
        out: &mut Vec<u8>,
        answer: &Response<'_, '_>,
        dressing: Dressing<'_>,
    ) -> Result<(), Box<Error>> {
        let Dressing { policy, exchange, closing } = dressing;
        out.clear();
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(itoa::Buffer::new().format(self.status).as_bytes());
        out.push(b' ');
        out.extend_from_slice(answer.reason.unwrap_or_default().as_bytes());
        out.extend_from_slice(b"\r\n");
        let passing = answer.headers.iter().filter(|field| self.passes(field, answer.headers));
        if exchange.record.origin.is_some() || policy.browsers.are_served() {
            write_dressed(out, self.status, passing, policy, exchange)?;
        } else {
            for field in passing {
                line(out, field.name.as_bytes(), field.value);
            }
            line(out, REQUEST_ID.as_bytes(), exchange.id.as_str().as_bytes());
        }
        if !self.is_informational() {
            // A body that ends with the connection comes in chunks, so that ours need not end.
            if matches!(self.body, Body::Chunks(_) | Body::ToTheEnd) {
                line(out, b"Transfer-Encoding", b"chunked");
            }
            if !self.dated {
                line(out, b"Date", get_cached_date().as_bytes());
            }
            if closing {
                line(out, b"Connection", b"close");
            }
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Whether a field goes on to the client.
    fn passes(&self, field: &Header<'_>, all: &[Header<'_>]) -> bool {
        match Name::of(field.name) {
            Name::Connection | Name::Hop | Name::Id | Name::Encoding => false,
            // Beside chunks it means nothing, and a 204 has none (RFC 9110 §8.6); several that agree are one.
            Name::Length => {
                let first = all.iter().find(|other| Name::of(other.name) == Name::Length);
                let none =
                    matches!(self.body, Body::Chunks(_)) || self.is_informational() || self.status == 204;
                !none && first.is_some_and(|first| std::ptr::eq(first, field))
            }
            Name::Type | Name::Date | Name::Other => !self.nominates || !is_nominated(field.name, all),
        }
    }
}

/// Writes fields that are looked at for what is ours alone.
fn write_dressed<'f>(
    out: &mut Vec<u8>,
    status: u16,
    fields: impl Iterator<Item = &'f Header<'f>>,
    policy: &Policy,
    exchange: &mut Exchange,
) -> Result<(), Box<Error>> {
    let mut head = ResponseHeader::build(status, None)?;
    for field in fields {
        let value = HeaderValue::from_bytes(field.value)
            .map_err(|_| not_http("a header of the answer has no value"))?;
        head.append_header(Bytes::copy_from_slice(field.name.as_bytes()), value)?;
    }
    dress(policy, &mut head, exchange)?;
    head.header_to_h1_wire(out);
    Ok(())
}

fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// The fields that mean something on the way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Connection,
    /// Between two neighbours (RFC 9110 §7.6.1).
    Hop,
    Length,
    Encoding,
    Type,
    Date,
    /// Ours.
    Id,
    Other,
}

impl Name {
    fn of(name: &str) -> Self {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if is("date") => Self::Date,
            2 if is("te") => Self::Hop,
            7 if is("upgrade") => Self::Hop,
            10 if is("connection") => Self::Connection,
            10 if is("keep-alive") => Self::Hop,
            12 if is("content-type") => Self::Type,
            12 if is("x-request-id") => Self::Id,
            14 if is("content-length") => Self::Length,
            16 if is("proxy-connection") => Self::Hop,
            17 if is("transfer-encoding") => Self::Encoding,
            _ => Self::Other,
        }
    }
}

/// The options of a `Connection` line.
fn options(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

fn is_nominated(name: &str, all: &[Header<'_>]) -> bool {
    let lines = all.iter().filter(|field| Name::of(field.name) == Name::Connection);
    lines.flat_map(|field| options(field.value)).any(|option| option.eq_ignore_ascii_case(name.as_bytes()))
}

/// Takes note of a `Content-Length`: one number, however often (RFC 9110 §8.6). A list of them is not passed on, so it is
/// not read either.
fn announce(announced: &mut Option<u64>, value: &[u8]) -> Result<(), Box<Error>> {
    let digits = Some(value).filter(|value| value.iter().all(u8::is_ascii_digit));
    let length: Option<u64> = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    if length.is_none() || announced.is_some_and(|before| Some(before) != length) {
        return Err(not_http("the Content-Length of the answer is no number, or two"));
    }
    *announced = length;
    Ok(())
}

#[cfg(test)]
mod tests;
