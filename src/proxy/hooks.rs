//! Pingora's hooks: each calls a room and keeps the answer.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use pingora::Error;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::prelude::HttpPeer;
use pingora::proxy::{FailToProxy, ProxyHttp, Session};

use super::ask::ask;
use super::connection::{Seat, current_seat};
use super::decide::{Asking, Decision, asks_to_close, decide, is_open, look_again};
use super::exchange::{Exchange, Stage};
use super::failure::{self, Failure};
use super::forward::Facts;
use super::lasting::{self, Lasting};
use super::ours::{excuse, refuse_for};
use super::patience::{self, Patience};
use super::policy::Policy;
use super::respond::{dress, hold_to_no_body, respond};
use crate::access::Reason;
use crate::clock;

/// What Pingora calls.
pub(crate) struct Hooks {
    policy: Arc<Policy>,
}

impl Hooks {
    pub(crate) const fn new(policy: Arc<Policy>) -> Self {
        Self { policy }
    }

    /// Decides, and answers what is not for an upstream. True if it is answered.
    async fn receive(&self, session: &mut Session, exchange: &mut Exchange) -> pingora::Result<bool> {
        if asks_to_close(&session.req_header().headers) {
            session.set_keepalive(None);
        }
        patience::with_client(session, &self.policy.limits);
        let request = Asking::of(session.req_header());
        exchange.meet(request.headers);
        let began = clock::instant();
        let mut decision = decide(&self.policy, &request, &mut exchange.record);
        if let Err(reason) = hold_to_no_body(session, self.policy.limits.head_time).await {
            decision = Decision::refuse(reason);
        }
        if is_open(&self.policy, &decision) {
            // Boxed: few requests are, and every request would carry the room for it.
            decision = Box::pin(look_again(&self.policy, decision)).await;
        }
        let decided = clock::instant();
        exchange.record.deciding = Some(decided.saturating_duration_since(began));
        let answer = match decision {
            Decision::Forward(admitted) => {
                // The next thing that happens is the choice of a server.
                exchange.record.upstream_asked = Some(decided);
                exchange.stage = Stage::Admitted(admitted);
                lasting::admitted(&self.policy, session, exchange);
                return Ok(false);
            }
            // Boxed: few requests go there, and every request would carry the room for it.
            Decision::Endpoint => match Box::pin(ask(&self.policy, session, exchange)).await? {
                Ok(answer) => answer,
                Err(reason) => refuse_for(&self.policy, exchange, reason),
            },
            Decision::Unsettled(_) => refuse_for(&self.policy, exchange, Reason::StoreUnavailable),
            Decision::Ours(ours) => ours.answer(&self.policy, &Asking::of(session.req_header()), exchange),
        };
        exchange.stage = Stage::Answered;
        respond(session, exchange, answer).await?;
        Ok(true)
    }

    /// Answers a request that was admitted and failed.
    async fn excuse(&self, session: &mut Session, exchange: &mut Exchange, failure: Failure) -> u16 {
        let answer = excuse(&self.policy, exchange, failure);
        let status = answer.status().as_u16();
        session.set_keepalive(None);
        if let Err(error) = respond(session, exchange, answer).await {
            tracing::debug!(%error, "the client was gone before its error answer");
        }
        status
    }
}

#[async_trait]
impl ProxyHttp for Hooks {
    type CTX = Exchange;

    fn new_ctx(&self) -> Exchange {
        Exchange::arrive(Arc::clone(&self.policy), current_seat().unwrap_or_else(Seat::of_nobody))
    }

    fn init_downstream_modules(&self, _: &mut pingora::modules::http::HttpModules) {}

    async fn request_filter(&self, session: &mut Session, exchange: &mut Exchange) -> pingora::Result<bool> {
        self.receive(session, exchange).await
    }

    async fn upstream_peer(
        &self,
        session: &mut Session,
        exchange: &mut Exchange,
    ) -> pingora::Result<Box<HttpPeer>> {
        let Exchange { seat, stage: Stage::Admitted(admitted), record, .. } = exchange else {
            return Err(failure::not_admitted());
        };
        let route = &self.policy.routes.routes()[admitted.route];
        let pool = self.policy.upstreams.pool(admitted.upstream);
        let mut chosen = pool.choose(&admitted.tried).ok_or_else(failure::no_server)?;
        let patience = Patience::with(session, admitted, route, &self.policy.limits);
        chosen.peer.options.read_timeout = Some(patience.between_reads());
        if admitted.lasting == Lasting::No {
            // The engine's clock begins anew with each byte of a head: this one does not, and is no shorter.
            let due =
                clock::instant().checked_add(self.policy.limits.connect_time + patience.to_the_head() * 2);
            seat.expect_head(due);
        }
        if admitted.lasting == Lasting::WebSocket {
            chosen.let_websocket_through();
        }
        admitted.tried.push(chosen.address);
        record.server = Some(chosen.label);
        Ok(chosen.peer)
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        exchange: &mut Exchange,
    ) -> pingora::Result<()> {
        let (https, address, id) =
            (exchange.record.client.https, exchange.record.address.clone(), exchange.id);
        lasting::set_out(&self.policy, session, request, exchange)?;
        self.policy.browsers.conceal(request)?;
        let Some(admitted) = exchange.admitted() else { return Err(failure::not_admitted()) };
        let facts = Facts {
            address,
            https,
            request_id: id.as_str(),
            forward_authorization: self.policy.routes.routes()[admitted.route].forward_authorization,
            host: self.policy.upstreams.pool(admitted.upstream).host_header(),
        };
        self.policy.forward.apply(&admitted.permit, facts, request)
    }

    async fn request_body_filter(
        &self,
        _: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        exchange: &mut Exchange,
    ) -> pingora::Result<()> {
        if end {
            exchange.seat.meter.set_uploading(false);
        }
        let Exchange { seat, stage, .. } = exchange;
        let (Stage::Admitted(admitted), Some(body)) = (stage, body) else { return Ok(()) };
        if admitted.lasting == Lasting::WebSocket {
            // A handshake has no body; what comes later are messages.
            return Ok(());
        }
        admitted.body_seen += body.len() as u64;
        seat.meter.set_heard(admitted.body_seen);
        if admitted.body_seen > admitted.body_limit { Err(failure::body_too_large()) } else { Ok(()) }
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        head: &mut ResponseHeader,
        exchange: &mut Exchange,
    ) -> pingora::Result<()> {
        lasting::answered(&self.policy, session, head, exchange)?;
        if let Some(asked) = exchange.record.upstream_asked {
            exchange.record.upstream_answered = Some(clock::instant().saturating_duration_since(asked));
        }
        dress(&self.policy, head, exchange)
    }

    fn fail_to_connect(
        &self,
        _: &mut Session,
        _: &HttpPeer,
        exchange: &mut Exchange,
        mut error: Box<Error>,
    ) -> Box<Error> {
        // Nothing was sent: another server, if there is one, may have it.
        if let Some(admitted) = exchange.admitted() {
            let pool = self.policy.upstreams.pool(admitted.upstream);
            error.set_retry(pool.choose(&admitted.tried).is_some());
        }
        error
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        exchange: &mut Exchange,
    ) -> FailToProxy {
        let upstream = exchange.admitted().map(|admitted| admitted.upstream);
        let upstream = upstream.map_or("", |index| self.policy.upstreams.pool(index).name());
        let late = exchange.seat.connection.was_late();
        let failure = if late { Failure::too_slow(error) } else { Failure::of(error, upstream) };
        let begun = session.response_written().is_some_and(lasting::is_final);
        let gone = failure::client_is_gone(error) && !late;
        if begun || gone {
            exchange.record.detail = Some(failure.noted.into());
            if begun && !gone {
                exchange.record.reason = failure.reason;
            }
            return FailToProxy { error_code: 0, can_reuse_downstream: false };
        }
        let error_code = self.excuse(session, exchange, failure).await;
        FailToProxy { error_code, can_reuse_downstream: false }
    }

    fn suppress_error_log(&self, _: &Session, _: &Exchange, _: &Error) -> bool {
        // The access log has it, without the query that Pingora's own line would print.
        true
    }

    async fn logging(&self, session: &mut Session, _: Option<&Error>, exchange: &mut Exchange) {
        if let Some(head) = session.response_written() {
            exchange.record.status = head.status.as_u16();
            exchange.record.bytes = session.body_bytes_sent();
        }
        exchange.close();
    }

    fn suppress_proxy_warn_log(
        &self,
        _: &Session,
        _: &Exchange,
        _: &Error,
        _: pingora::proxy::ProxyWarnLogContext,
    ) -> bool {
        true
    }
}
