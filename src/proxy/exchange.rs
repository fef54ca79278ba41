//! One request and its answer, from the complete head to the last byte: what we know of it so far.
//!
//! It only moves forward: arrived, then answered by us or admitted. However it ends, also by being dropped in the
//! middle, its end is counted and logged once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, Method};
use pingora::protocols::l4::socket::SocketAddr;

use super::client::{Client, address_value};
use super::connection::{Connection, Refused, Seat};
use super::cors::AllowedOrigin;
use super::lasting::Lasting;
use super::policy::{Place, Policy};
use crate::access::{Permit, Reason};
use crate::clock;
use crate::observe::{AccessEntry, Finished, MethodLabel};

/// The status noted when a client was gone before it could be given one (nginx's word for it).
const CLIENT_GONE: u16 = 499;

/// A request's identifier: 24 hexadecimal digits, unique among the requests of this process and, with overwhelming
/// probability, of all others.
#[derive(Clone, Copy)]
pub(super) struct RequestId([u8; 24]);

impl RequestId {
    pub(super) fn next() -> Self {
        static PROCESS: std::sync::LazyLock<[u8; 8]> = std::sync::LazyLock::new(crate::secret::random);
        static COUNT: AtomicU32 = AtomicU32::new(0);
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let count = COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut text = [0; 24];
        for (pair, byte) in text.chunks_exact_mut(2).zip(PROCESS.iter().chain(&count)) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(text)
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// One request and its answer.
pub(crate) struct Exchange {
    policy: Arc<Policy>,
    pub(super) seat: Seat,
    pub(super) id: RequestId,
    pub(super) stage: Stage,
    pub(super) record: Record,
}

/// How far it has come.
pub(super) enum Stage {
    /// Nothing is decided.
    Arrived,
    /// We answered it ourselves.
    Answered,
    /// It has a permit, and goes upstream.
    Admitted(Box<Admitted>),
    /// Its end has been counted.
    Closed,
}

/// A request that may go upstream.
pub(super) struct Admitted {
    pub(super) permit: Permit,
    /// Index of its route.
    pub(super) route: usize,
    /// Index of its upstream.
    pub(super) upstream: usize,
    /// Bytes its body may have, and has had.
    pub(super) body_limit: u64,
    pub(super) body_seen: u64,
    /// Servers that did not take it.
    pub(super) tried: Vec<SocketAddr>,
    /// Whether its answer may have no foreseeable end.
    pub(super) lasting: Lasting,
}

/// What is to be said of it at its end.
pub(super) struct Record {
    pub(super) method: Method,
    pub(super) path: Box<str>,
    pub(super) client: Client,
    /// The client's address as a header value.
    pub(super) address: Option<HeaderValue>,
    pub(super) origin: Option<AllowedOrigin>,
    pub(super) place: Place,
    pub(super) reason: Reason,
    pub(super) status: u16,
    pub(super) bytes: usize,
    pub(super) subject: Option<Box<str>>,
    pub(super) server: Option<Arc<str>>,
    pub(super) deciding: Option<Duration>,
    pub(super) upstream_asked: Option<Instant>,
    pub(super) upstream_answered: Option<Duration>,
    /// The status of an answer that has begun.
    pub(super) begun: Option<u16>,
    pub(super) detail: Option<Box<str>>,
}

impl Record {
    /// Of a request on this connection.
    pub(super) fn on(connection: &Connection) -> Self {
        Self {
            method: Method::GET,
            path: Box::default(),
            client: Client { address: connection.client.map(|client| client.ip()), https: false },
            address: connection.address.clone(),
            origin: None,
            place: Place::Nowhere,
            reason: Reason::Internal,
            status: CLIENT_GONE,
            bytes: 0,
            subject: None,
            server: None,
            deciding: None,
            upstream_asked: None,
            upstream_answered: None,
            begun: None,
            detail: None,
        }
    }

    /// Takes note of who asks.
    pub(super) fn meet(&mut self, policy: &Policy, connection: &Connection, headers: &HeaderMap) {
        let peer = self.client.address;
        self.client = policy.client(peer, connection.tls.load(Ordering::Relaxed), headers);
        if self.client.address != peer {
            self.address = self.client.address.and_then(address_value);
        }
    }
}

impl Exchange {
    pub(super) fn arrive(policy: Arc<Policy>, seat: Seat) -> Self {
        let record = Record::on(&seat.connection);
        Self::begin(policy, seat, record)
    }

    /// One of which something is known already.
    pub(super) fn begin(policy: Arc<Policy>, seat: Seat, record: Record) -> Self {
        policy.metrics.request_started();
        Self { policy, seat, id: RequestId::next(), stage: Stage::Arrived, record }
    }

    /// Takes note of who asks.
    pub(super) fn meet(&mut self, headers: &HeaderMap) {
        self.record.meet(&self.policy, &self.seat.connection, headers);
    }

    /// What it was admitted with, if it was.
    pub(super) const fn admitted(&mut self) -> Option<&mut Admitted> {
        if let Stage::Admitted(admitted) = &mut self.stage { Some(admitted) } else { None }
    }

    /// How long its answer may go on.
    pub(super) const fn lasting(&self) -> Lasting {
        if let Stage::Admitted(admitted) = &self.stage { admitted.lasting } else { Lasting::No }
    }

    /// Counts and logs its end, once.
    pub(super) fn close(&mut self) {
        if matches!(self.stage, Stage::Closed) {
            return;
        }
        let stage = std::mem::replace(&mut self.stage, Stage::Closed);
        let now = clock::instant();
        let took = now.saturating_duration_since(self.seat.started);
        let record = &self.record;
        let metrics = &self.policy.metrics;
        let upstream = match &stage {
            Stage::Admitted(admitted) => {
                record.upstream_answered.map(|d| (admitted.upstream, d.as_secs_f64()))
            }
            _ => None,
        };
        metrics.request_finished(&Finished {
            route: match record.place {
                Place::Nowhere => self.policy.nowhere,
                Place::Endpoint(id, _) | Place::Route(id) => id,
            },
            method: MethodLabel::from(&record.method),
            status: record.status,
            reason: record.reason,
            seconds: took.as_secs_f64(),
            auth_seconds: record.deciding.map(|d| d.as_secs_f64()),
            upstream,
        });
        if self.policy.log.is_on() {
            self.log(&stage, took, now);
        }
    }

    fn log(&self, stage: &Stage, took: Duration, now: Instant) {
        let record = &self.record;
        let (subject, trusted) = match stage {
            Stage::Admitted(admitted) => match admitted.permit.identity() {
                crate::access::Identity::Known(token) => (Some(token.subject().as_str()), token.trusted()),
                _ => (None, None),
            },
            _ => (record.subject.as_deref(), None),
        };
        self.policy.log.record(&AccessEntry {
            time: self.policy.clock.now(),
            request_id: self.id.as_str(),
            client: record.address.as_ref().and_then(|address| address.to_str().ok()),
            method: record.method.as_str(),
            path: &record.path,
            route: self.policy.route_name(record.place),
            status: record.status,
            decision: if record.reason.allows() { "allow" } else { "deny" },
            reason: record.reason.as_str(),
            subject,
            trusted,
            upstream: record.server.as_deref(),
            bytes: record.bytes,
            duration: took,
            auth: record.deciding,
            upstream_time: record.upstream_asked.map(|at| now.saturating_duration_since(at)),
            detail: record.detail.as_deref(),
        });
    }

    /// Notes why an exchange that did not come to its own end was ended.
    fn cut_short(&mut self) {
        let Some(reason) = self.admitted().is_some().then(|| self.seat.why_ended()).flatten() else { return };
        self.record.reason = reason;
        self.record.status = self.record.begun.unwrap_or(CLIENT_GONE);
        if !matches!(reason, Reason::UpstreamTimeout | Reason::Timeout) {
            self.policy.metrics.stream_closed(reason);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.cut_short();
        self.close();
    }
}

/// Counts and logs a head that never became a request.
pub(super) fn note_refused(
    policy: &Arc<Policy>,
    refused: &Refused,
    connection: &Arc<Connection>,
    id: RequestId,
    status: u16,
) {
    let mut exchange = Exchange::arrive(Arc::clone(policy), Seat::on(Arc::clone(connection)));
    exchange.id = id;
    exchange.stage = Stage::Answered;
    exchange.record.reason = refused.reason;
    exchange.record.status = status;
    exchange.record.detail = Some(refused.detail.into());
    exchange.close();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_differ() {
        let (one, other) = (RequestId::next(), RequestId::next());
        assert_ne!(one.as_str(), other.as_str());
        assert!(one.as_str().bytes().all(|b| b.is_ascii_hexdigit()));
    }
}
