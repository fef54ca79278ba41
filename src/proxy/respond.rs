//! Say it to the client: every answer we make ourselves goes out here, and the body of a request to our own
//! endpoints comes in.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header};
use pingora::http::ResponseHeader;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::date::get_cached_date;
use pingora::proxy::Session;

use super::cors::AllowedOrigin;
use super::decide::announced_length;
use super::exchange::Exchange;
use super::forward::REQUEST_ID;
use super::policy::Policy;
use crate::access::Reason;

/// An answer that says yes and nothing else.
pub(super) fn no_content() -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Writes `answer`, with the headers every answer of ours carries.
pub(super) async fn respond(
    session: &mut Session,
    exchange: &mut Exchange,
    answer: Response<Bytes>,
) -> pingora::Result<()> {
    let (parts, body) = answer.into_parts();
    exchange.record.status = parts.status.as_u16();
    let mut head = ResponseHeader::build(parts.status, Some(parts.headers.len() + 4))?;
    for (name, value) in &parts.headers {
        head.append_header(name.clone(), value.clone())?;
    }
    let bodiless = parts.status == StatusCode::NO_CONTENT;
    if !bodiless && !head.headers.contains_key(header::CONTENT_LENGTH) {
        head.insert_header(header::CONTENT_LENGTH, body.len().to_string())?;
    }
    decorate(&mut head, exchange)?;
    let silent = bodiless || body.is_empty() || session.req_header().method == Method::HEAD;
    exchange.record.bytes = if silent { 0 } else { body.len() };
    session.write_response_header(Box::new(head), silent).await?;
    if silent { Ok(()) } else { session.write_response_body(Some(body), true).await }
}

/// The same for one that goes past the engine: the text of `answer` with those headers. `closing` says that the connection
/// ends with it.
pub(super) fn write_whole(
    wire: &mut Vec<u8>,
    exchange: &mut Exchange,
    mut answer: Response<Bytes>,
    closing: bool,
) {
    let status = answer.status();
    exchange.record.status = status.as_u16();
    let length = answer.body().len();
    let headers = answer.headers_mut();
    if status != StatusCode::NO_CONTENT && !headers.contains_key(header::CONTENT_LENGTH) {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    if let Ok(id) = HeaderValue::from_str(exchange.id.as_str()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    if let Some(origin) = &exchange.record.origin {
        headers.extend(origin.headers());
        let (vary, origin) = AllowedOrigin::vary();
        headers.append(vary, origin);
    }
    headers.insert(header::DATE, get_cached_date());
    if closing {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if exchange.record.method == Method::HEAD {
        // Its length stays: it is what a GET would have got (RFC 9110 §9.3.2).
        *answer.body_mut() = Bytes::new();
    }
    exchange.record.bytes = answer.body().len();
    write_answer(wire, &answer);
}

/// An HTTP/1.1 response (RFC 9112 §6), as it is.
pub(super) fn write_answer(wire: &mut Vec<u8>, answer: &Response<Bytes>) {
    let status = answer.status();
    wire.extend_from_slice(b"HTTP/1.1 ");
    wire.extend_from_slice(status.as_str().as_bytes());
    wire.push(b' ');
    wire.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    for (name, value) in answer.headers() {
        wire.extend_from_slice(b"\r\n");
        wire.extend_from_slice(name.as_str().as_bytes());
        wire.extend_from_slice(b": ");
        wire.extend_from_slice(value.as_bytes());
    }
    wire.extend_from_slice(b"\r\n\r\n");
    wire.extend_from_slice(answer.body());
}

/// Makes an upstream's answer one of ours: what is ours to say and was said by it goes, and what every answer carries
/// comes.
pub(super) fn dress(
    policy: &Policy,
    head: &mut ResponseHeader,
    exchange: &mut Exchange,
) -> pingora::Result<()> {
    if exchange.record.origin.is_some() {
        head.remove_header(&header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
    }
    policy.browsers.answered(head, exchange)?;
    decorate(head, exchange)
}

/// What every answer carries, ours or an upstream's: the request id, and leave for a page that may read it.
fn decorate(head: &mut ResponseHeader, exchange: &Exchange) -> pingora::Result<()> {
    head.insert_header(REQUEST_ID, exchange.id.as_str())?;
    if let Some(origin) = &exchange.record.origin {
        for (name, value) in origin.headers() {
            head.insert_header(name, value)?;
        }
        let (vary, origin): (HeaderName, HeaderValue) = AllowedOrigin::vary();
        head.append_header(vary, origin)?;
    }
    Ok(())
}

/// Holds a request over h2 that says its body is empty to that: its stream may go on all the same (RFC 9113 §8.1.1), and
/// once the engine has sent such a request upstream it is whole, whatever follows.
pub(super) async fn hold_to_no_body(session: &mut Session, patience: Duration) -> Result<(), Reason> {
    let head = session.req_header();
    if head.version != Version::HTTP_2 || announced_length(&head.headers) != Some(0) {
        return Ok(());
    }
    // Boxed: few requests are so, and every request would carry the room for it.
    Box::pin(read_body(session, 0, patience)).await.map(drop)
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Reads the whole body of a request to an endpoint of ours: at most `most` bytes, within `patience` in all.
pub(super) async fn read_body(
    session: &mut Session,
    most: usize,
    patience: Duration,
) -> Result<Bytes, Reason> {
    if announced_length(&session.req_header().headers).is_some_and(|length| length > most as u64) {
        return Err(Reason::TooLarge);
    }
    let body = async {
        // A client that asks first waits for this answer (RFC 9110 §10.1.1); Pingora gives it only on the way upstream.
        if expects_continue(&session.req_header().headers)
            && let ServerSession::H1(session) = session.as_downstream_mut()
        {
            session.write_continue_response().await.map_err(|_| Reason::BadFraming)?;
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = session.read_request_body().await.map_err(|_| Reason::BadFraming)? {
            if body.len() + chunk.len() > most {
                return Err(Reason::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(patience, body).await.unwrap_or(Err(Reason::Timeout))
}
