//! What is different for a request whose answer may stay open for long: a WebSocket, an event stream?

use std::sync::Arc;

use http::{HeaderMap, StatusCode, header};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::Session;

use super::connection::piece_time;
use super::exchange::Exchange;
use super::failure;
use super::handshake;
use super::patience::Patience;
use super::policy::Policy;
use crate::access::Identity;
use crate::clock;

/// Answers that may be silent for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasting {
    /// Not one of them, as far as the request says.
    No,
    /// The client takes an event stream.
    Events,
    /// A WebSocket handshake on a route that has them.
    WebSocket,
}

impl Lasting {
    /// What a request that is no handshake asks for: an event stream if it names one among what it accepts, as
    /// `EventSource` does.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(header::ACCEPT).iter();
        let mut kinds = lines.flat_map(|line| line.as_bytes().split(|&b| b == b','));
        let events = kinds.any(|kind| {
            let kind = kind.split(|&b| b == b';').next().unwrap_or_default();
            kind.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
        });
        if events { Self::Events } else { Self::No }
    }
}

/// Once it is admitted: it ends when its token does.
pub(super) fn admitted(policy: &Policy, session: &mut Session, exchange: &mut Exchange) {
    let lasting = exchange.lasting();
    if let Some(admitted) = exchange.admitted()
        && let Identity::Known(token) = admitted.permit.identity()
    {
        let token = Arc::clone(token);
        let on_stale = policy.routes.routes()[admitted.route].on_stale;
        exchange.seat.bind(token, on_stale);
    }
    if lasting == Lasting::WebSocket {
        // Its client may listen for as long as it likes.
        session.set_read_timeout(None);
    } else if !session.is_body_empty() {
        exchange.seat.meter.set_uploading(true);
    }
}

/// On its way upstream: what a handshake has for us alone stays here, and its answer is waited for no longer than any
/// other.
pub(super) fn set_out(
    policy: &Policy,
    session: &mut Session,
    request: &mut RequestHeader,
    exchange: &mut Exchange,
) -> pingora::Result<()> {
    let lasting = exchange.lasting();
    let Some(admitted) = exchange.admitted().filter(|_| lasting != Lasting::No) else { return Ok(()) };
    let route = &policy.routes.routes()[admitted.route];
    // The engine has one time-out for the first byte of an answer and for every later one, and here it is long.
    let patience = Patience::with(session, admitted, route, &policy.limits).to_the_head();
    exchange.seat.expect_head(clock::instant().checked_add(patience));
    match lasting {
        Lasting::WebSocket => handshake::conceal(request, route.streams.token_query.as_deref()),
        Lasting::No | Lasting::Events => Ok(()),
    }
}

/// When its answer begins: nobody waits for that any more, and what is left of a handshake is made.
pub(super) fn answered(
    policy: &Policy,
    session: &mut Session,
    head: &mut ResponseHeader,
    exchange: &mut Exchange,
) -> pingora::Result<()> {
    let switching = head.status == StatusCode::SWITCHING_PROTOCOLS;
    if head.status.is_informational() && !switching {
        return Ok(());
    }
    exchange.record.begun = Some(head.status.as_u16());
    let lasting = exchange.lasting();
    exchange.seat.expect_head(None);
    if switching || is_event_stream(head) {
        // Its client may also take it as slowly as that.
        exchange.seat.meter.set_lasting();
        session.set_write_timeout(Some(policy.limits.stream_idle.max(piece_time(&policy.limits))));
    }
    match (switching, lasting) {
        (false, _) => Ok(()),
        (true, Lasting::WebSocket) => {
            exchange.seat.connection.upgrade();
            handshake::choose_protocol(session.req_header(), head)
        }
        // The engine passes it on where nobody asked for it.
        (true, Lasting::No | Lasting::Events) => Err(failure::not_asked_to_switch()),
    }
}

/// Whether it is an event stream that is answered; what the client asked for is only its word.
fn is_event_stream(head: &ResponseHeader) -> bool {
    let kind = head.headers.get(header::CONTENT_TYPE).map_or(&[][..], |kind| kind.as_bytes());
    kind.get(..17).is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/event-stream"))
}

/// Whether nothing can be answered after this head: no further answer follows it, and after a 101 no HTTP at all.
pub(super) fn is_final(head: &ResponseHeader) -> bool {
    !head.status.is_informational() || head.status == StatusCode::SWITCHING_PROTOCOLS
}
