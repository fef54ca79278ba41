//! What do our own endpoints say? Read the body, ask, and do not work for somebody who has gone.

use bytes::Bytes;
use http::{Request, Response};
use pingora::protocols::http::ServerSession;
use pingora::proxy::Session;

use super::exchange::Exchange;
use super::failure;
use super::policy::{Place, Policy};
use super::respond::read_body;
use crate::access::Reason;
use crate::endpoint::{Caller, Endpoints, Outcome};

/// The endpoint's answer, or why it was not asked; the engine's error if nobody is there to be answered.
pub(super) async fn ask(
    policy: &Policy,
    session: &mut Session,
    exchange: &mut Exchange,
) -> pingora::Result<Result<Response<Bytes>, Reason>> {
    let body = match read_body(session, Endpoints::BODY_LIMIT, policy.limits.head_time).await {
        Ok(body) => body,
        Err(reason) => {
            // What is left of the body would be read as the next request.
            session.set_keepalive(None);
            return Ok(Err(reason));
        }
    };
    let head = session.req_header();
    let mut request = Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = head.uri.clone();
    request.headers_mut().clone_from(&head.headers);
    let caller = Caller {
        request_id: exchange.id.as_str().to_owned(),
        client: exchange.record.client.address,
        https: exchange.record.client.https,
    };
    let answering = policy.endpoints.answer(request, caller);
    let mut answer = match session.as_downstream_mut() {
        // A stream costs nothing to open and to reset: work for one that is gone is dropped.
        ServerSession::H2(stream) if is_costly(exchange.record.place) => tokio::select! {
            answer = answering => answer,
            _ = stream.idle() => return Err(failure::client_has_left()),
        },
        _ => answering.await,
    };
    if let Some(outcome) = answer.extensions_mut().remove::<Outcome>() {
        exchange.record.reason = outcome.reason;
        exchange.record.subject = outcome.subject.map(Into::into);
    }
    Ok(Ok(answer))
}

/// Whether the endpoint hashes a password. What a sign-out or a revocation has begun is finished whoever has gone.
fn is_costly(place: Place) -> bool {
    matches!(place, Place::Endpoint(_, "gatepass:token" | "gatepass:signup" | "gatepass:signin"))
}
