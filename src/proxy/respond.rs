//! Say it to the client: every answer we make ourselves goes out here, and the body of a request to our own
//! endpoints comes in.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header};
use pingora::http::ResponseHeader;
use pingora::protocols::http::ServerSession;
use pingora::proxy::Session;

use super::cors::AllowedOrigin;
use super::decide::announced_length;
use super::exchange::Exchange;
use super::forward::REQUEST_ID;
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

/// What every answer carries, ours or an upstream's: the request id, and leave for a page that may read it.
pub(super) fn decorate(head: &mut ResponseHeader, exchange: &Exchange) -> pingora::Result<()> {
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
