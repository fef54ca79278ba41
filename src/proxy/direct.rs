//! Which requests go straight to their upstream, past the engine, and what becomes of them?
//!
//! Those that are here whole and ask for nothing out of the ordinary: HTTP/1.1, their body (if any) came with the head, no
//! upgrade, no event stream, and servers that are spoken to in the clear. They are most of all requests. What is decided
//! of them, and by whom, is the same as of all others; what is spared is the engine's way of carrying them, which takes
//! three times the work (benches/compare/NOTES.md). Everything else goes through the engine.
//!
//! `request` reads the head and writes what the upstream gets, `ask` finds a server and sends it there, `response` reads
//! the answer's head and writes what the client gets, `relay` moves the body.

mod ask;
mod relay;
mod request;
mod response;
#[cfg(test)]
mod trial;

use std::cell::RefCell;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::Response;
use pingora::Error;
use tokio::io::AsyncWriteExt as _;

use super::connection::{Connection, Reader, Registry, Seat, Taken, Wire};
use super::decide::{Decision, decide, is_open};
use super::exchange::{Admitted, Exchange, Record, Stage};
use super::failure::Failure;
use super::lasting::Lasting;
use super::ours::{excuse, refuse};
use super::patience::direct_patience;
use super::policy::Policy;
use super::respond::write_whole;
use crate::access::Identity;
use crate::clock;
use ask::Journey;
use request::Request;

/// The straight way.
pub(super) struct Direct {
    policy: Arc<Policy>,
}

/// Where a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Went {
    /// It was answered; another may follow.
    Through,
    /// It has ended, and the connection with it.
    ToItsEnd,
    /// It is not for this way, and nothing was done about it.
    Nowhere,
}

/// Why an admitted request failed.
enum Trouble {
    /// The client has gone; nobody is there to be told.
    ClientIsGone(&'static str),
    /// The upstream failed.
    Upstream(Box<Error>),
}

/// A request that was taken on.
struct Begun<'r> {
    exchange: Exchange,
    next: Next,
    /// Whether the client ends the connection after this.
    closes: bool,
    seat: Taken<'r>,
}

/// What is to be done about it.
enum Next {
    Answer(Response<Bytes>),
    Forward,
}

thread_local! {
    /// Where a head is taken apart: used within one turn, and empty after it.
    static DESK: RefCell<request::Desk> = RefCell::default();
}

impl Direct {
    pub(super) const fn new(policy: Arc<Policy>) -> Self {
        Self { policy }
    }

    /// Takes on the request in the reader's buffer, if it is for this way. `reusable` says whether another may follow.
    pub(super) async fn serve(
        &self,
        reader: &mut Reader,
        wire: &mut Wire,
        connection: &Arc<Connection>,
        registry: &Registry,
        reusable: bool,
    ) -> Went {
        let bytes = std::mem::take(&mut reader.buffer).freeze();
        let begun = DESK.with_borrow_mut(|desk| {
            let begun = self.begin(&bytes, desk, &mut reader.out, connection, registry);
            desk.clear();
            begun
        });
        // Nothing refers to it any more: it is the same memory again.
        reader.buffer = bytes.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        // The seat comes first, so that it is given back last: an exchange that is dropped asks it why.
        let Some(Begun { seat: _seat, mut exchange, next, closes }) = begun else { return Went::Nowhere };
        let closing = closes || !reusable;
        let went = match next {
            Next::Answer(answer) => say(wire, reader, &mut exchange, answer, closing).await,
            Next::Forward => self.forward(wire, reader, &mut exchange, closing).await,
        };
        exchange.close();
        went
    }

    /// Reads and decides. What goes upstream is in `out` then.
    fn begin<'r>(
        &self,
        bytes: &Bytes,
        desk: &mut request::Desk,
        out: &mut Vec<u8>,
        connection: &'r Arc<Connection>,
        registry: &'r Registry,
    ) -> Option<Begun<'r>> {
        let policy = &self.policy;
        let request = Request::read(bytes, desk, &policy.forward)?;
        if policy.browsers.are_served() && request.has_cookies() {
            return None;
        }
        let started = clock::instant();
        let mut record = Record::on(connection);
        let asking = request.asking();
        record.meet(policy, connection, asking.headers);
        let decision = decide(policy, &asking, &mut record);
        // A browser that is refused later is answered by what it asked, which is not here then.
        let later = is_open(policy, &decision) && policy.browsers.are_served();
        let is_ours = match &decision {
            Decision::Forward(admitted) | Decision::Unsettled(admitted) => {
                !later
                    && admitted.lasting == Lasting::No
                    && policy.upstreams.pool(admitted.upstream).is_in_the_clear()
            }
            Decision::Ours(_) => true,
            Decision::Endpoint => false,
        };
        if !is_ours {
            return None;
        }
        let (seat, taken) = Seat::alone(registry, connection, started);
        let mut exchange = Exchange::begin(Arc::clone(policy), seat, record);
        let decided = clock::instant();
        exchange.record.deciding = Some(decided.saturating_duration_since(started));
        let next = match decision {
            Decision::Ours(ours) => {
                exchange.stage = Stage::Answered;
                Next::Answer(ours.answer(policy, &asking, &mut exchange))
            }
            Decision::Forward(admitted) | Decision::Unsettled(admitted) => {
                exchange.record.upstream_asked = Some(decided);
                request.write_to(out, policy, &admitted, &exchange);
                exchange.stage = Stage::Admitted(admitted);
                Next::Forward
            }
            Decision::Endpoint => return None,
        };
        Some(Begun { exchange, next, closes: request.closes, seat: taken })
    }

    /// Sends it on, once nobody objects any more, and brings the answer back.
    async fn forward(
        &self,
        wire: &mut Wire,
        reader: &mut Reader,
        exchange: &mut Exchange,
        closing: bool,
    ) -> Went {
        let policy = &self.policy;
        if let Some(admitted) = exchange.admitted()
            && (!admitted.permit.is_settled() || policy.gate.looks_twice())
        {
            // Boxed: few requests are, and every connection would carry the room for it.
            let looked = Box::pin(policy.gate.look_again(&admitted.permit)).await;
            let now = clock::instant();
            exchange.record.deciding = Some(now.saturating_duration_since(exchange.seat.started));
            exchange.record.upstream_asked = Some(now);
            if let Err(denial) = looked {
                exchange.stage = Stage::Answered;
                exchange.record.upstream_asked = None;
                let refusal = refuse(policy, exchange, &denial);
                return say(wire, reader, exchange, refusal, closing).await;
            }
        }
        let Some(admitted) = exchange.admitted() else { return Went::ToItsEnd };
        let route = &policy.routes.routes()[admitted.route];
        let patience = direct_patience(route, &policy.limits);
        if let Identity::Known(token) = admitted.permit.identity() {
            let token = Arc::clone(token);
            exchange.seat.bind(token, route.on_stale);
        }
        match (Journey { policy, wire, reader, exchange, patience, closing }).make().await {
            Ok(()) if closing => Went::ToItsEnd,
            Ok(()) => Went::Through,
            Err(Trouble::ClientIsGone(how)) => {
                exchange.record.detail = Some(how.into());
                Went::ToItsEnd
            }
            Err(Trouble::Upstream(error)) => self.fail(wire, reader, exchange, &error, closing).await,
        }
    }

    /// Tells the client what went wrong, if its answer has not begun.
    async fn fail(
        &self,
        wire: &mut Wire,
        reader: &mut Reader,
        exchange: &mut Exchange,
        error: &Error,
        closing: bool,
    ) -> Went {
        let upstream =
            exchange.admitted().map_or("", |admitted| self.policy.upstreams.pool(admitted.upstream).name());
        let failure = Failure::of(error, upstream);
        if exchange.record.begun.is_some() {
            exchange.record.detail = Some(failure.noted.into());
            exchange.record.reason = failure.reason;
            return Went::ToItsEnd;
        }
        let answer = excuse(&self.policy, exchange, failure);
        say(wire, reader, exchange, answer, closing).await
    }
}

/// Says what we answer ourselves.
async fn say(
    wire: &mut Wire,
    reader: &mut Reader,
    exchange: &mut Exchange,
    answer: Response<Bytes>,
    closing: bool,
) -> Went {
    reader.out.clear();
    write_whole(&mut reader.out, exchange, answer, closing);
    let told = async {
        wire.write_all(&reader.out).await?;
        wire.flush().await
    };
    match told.await {
        Ok(()) if !closing => Went::Through,
        Ok(()) => Went::ToItsEnd,
        Err(error) => {
            tracing::debug!(%error, "the client was gone before its answer");
            Went::ToItsEnd
        }
    }
}

/// What was admitted, where it must have been.
fn admitted(exchange: &mut Exchange) -> Result<&mut Admitted, Trouble> {
    exchange.admitted().ok_or_else(|| Trouble::Upstream(super::failure::not_admitted()))
}
