//! What is known of an open connection and of what is in flight on it, and when must that end?

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::AbortHandle;
use futures_util::task::AtomicWaker;
use http::HeaderValue;

use super::super::client::address_value;
use super::Limits;
use super::chunks::{Chunks, NoChunks};
use super::frames::Farewell;
use super::pace::{Download, Flow, Meter, Pace, Upload};
use crate::access::{Gate, Reason};
use crate::clock::{self, UnixTime};
use crate::revocation::OnStale;
use crate::token::Verified;

/// One open connection.
pub(crate) struct Connection {
    pub(super) number: u64,
    /// Since when.
    pub(super) since: Instant,
    /// Who is at the other end; nobody known behind a Unix socket.
    pub(crate) client: Option<SocketAddr>,
    /// Its address as a header value, made once for all its requests.
    pub(crate) address: Option<HeaderValue>,
    /// Whether it came in over TLS.
    pub(crate) tls: AtomicBool,
    /// Wakes the task where it waits for a request.
    pub(super) waker: AtomicWaker,
    /// Ends the connection's own task.
    cancel: AbortHandle,
    /// What the wire notes.
    pub(super) flow: Flow,
    /// What an exchange notes that has the connection for itself (HTTP/1.1).
    pub(super) meter: Arc<Meter>,
    /// How it takes what it is sent.
    download: Mutex<Download>,
    /// Its exchanges: one over HTTP/1.1, as many as there are streams over h2.
    exchanges: Mutex<Vec<Open>>,
    /// Whether the next answer written switches to WebSocket.
    upgraded: AtomicBool,
    /// What a WebSocket on it hears at its end, by number.
    farewell: AtomicU8,
    /// Where in the body of the request in flight we stand, if it comes in chunks.
    chunks: Mutex<Option<Chunks>>,
}

impl Connection {
    pub(super) fn new(number: u64, client: Option<SocketAddr>, cancel: AbortHandle) -> Self {
        let address = client.and_then(|client| address_value(client.ip()));
        Self {
            number,
            since: clock::instant(),
            client,
            address,
            tls: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            cancel,
            flow: Flow::default(),
            meter: Arc::default(),
            download: Mutex::default(),
            exchanges: Mutex::default(),
            upgraded: AtomicBool::new(false),
            farewell: AtomicU8::new(0),
            chunks: Mutex::default(),
        }
    }

    /// A connection that nobody is behind.
    pub(crate) fn of_nobody() -> Arc<Self> {
        Arc::new(Self::new(u64::MAX, None, AbortHandle::new_pair().0))
    }

    /// What ends its own task.
    pub(super) fn canceller(&self) -> AbortHandle {
        self.cancel.clone()
    }

    pub(super) fn exchanges(&self) -> MutexGuard<'_, Vec<Open>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing is in flight on it.
    pub(super) fn is_idle(&self) -> bool {
        self.exchanges().is_empty()
    }

    fn with<T>(&self, number: u64, look: impl FnOnce(&mut Open) -> T) -> Option<T> {
        self.exchanges().iter_mut().find(|open| open.number == number).map(look)
    }

    /// Has the exchange end when `token` does.
    pub(crate) fn bind(&self, number: u64, token: Arc<Verified>, on_stale: Option<OnStale>) {
        self.with(number, |open| open.token = Some((token, on_stale)));
    }

    /// Why the exchange was ended, if it was.
    pub(crate) fn why_ended(&self, number: u64) -> Option<Reason> {
        self.with(number, |open| open.ended)?
    }

    /// Whether its client was too slow to send a request's body.
    pub(crate) fn was_late(&self) -> bool {
        self.flow.is_late()
    }

    /// The answer that is about to be written switches to WebSocket.
    pub(crate) fn upgrade(&self) {
        self.upgraded.store(true, Ordering::Release);
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Acquire)
    }

    /// The body that comes now is one of chunks, or not.
    pub(super) fn follow(&self, chunks: Option<Chunks>) {
        *self.chunks.lock().unwrap_or_else(PoisonError::into_inner) = chunks;
    }

    /// Takes note of bytes that came in.
    pub(super) fn came(&self, bytes: &[u8]) -> Result<(), NoChunks> {
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.as_mut().map_or(Ok(()), |chunks| chunks.pass(bytes))
    }

    /// What a WebSocket on this connection hears when it ends now.
    fn bid(&self, farewell: Farewell) {
        self.farewell.store(farewell as u8, Ordering::Release);
    }

    pub(super) fn farewell(&self) -> Option<Farewell> {
        Farewell::numbered(self.farewell.load(Ordering::Acquire))
    }

    /// Ends what may not go on: an exchange, or all of it if the client does not take what it is sent.
    pub(super) fn inspect(&self, gate: &Gate, at: Moment, limits: &Limits, next: &mut Duration) {
        let mut exchanges = self.exchanges();
        let grace = exchanges.iter().map(|open| open.meter.grace(limits)).max();
        let slow = grace.is_some_and(|grace| {
            let mut download = self.download.lock().unwrap_or_else(PoisonError::into_inner);
            download.is_too_slow(at.instant, &self.flow, grace, limits.body_rate)
        });
        if slow {
            exchanges.iter_mut().for_each(Open::give_up);
            self.cancel.abort();
            return;
        }
        for open in exchanges.iter_mut() {
            self.hurry(open, at.instant, limits);
            if let Some(reason) = open.inspect(gate, at, next) {
                self.bid(match reason {
                    Reason::Expired => Farewell::Expired,
                    Reason::RevocationStale | Reason::StoreUnavailable => Farewell::TryAgainLater,
                    Reason::UpstreamTimeout => Farewell::GoingAway,
                    _ => Farewell::Revoked,
                });
                open.cancel.abort();
            }
        }
    }

    /// Looks at how a request's body comes in. Who is late is told so if the connection serves nobody else; ended is who
    /// cannot be told.
    fn hurry(&self, open: &mut Open, at: Instant, limits: &Limits) {
        let alone = Arc::ptr_eq(&open.meter, &self.meter).then_some(&self.flow);
        match open.upload.look(at, &open.meter, alone, limits) {
            Pace::Fine => {}
            Pace::Late => {
                self.flow.set_late();
                self.waker.wake();
            }
            Pace::TooLate => open.give_up(),
        }
    }

    /// Ends its exchanges and itself; says how many exchanges there were.
    pub(super) fn end(&self) -> usize {
        let exchanges = self.exchanges();
        if self.farewell().is_none() {
            self.bid(Farewell::GoingAway);
        }
        exchanges.iter().for_each(|open| open.cancel.abort());
        self.cancel.abort();
        exchanges.len()
    }
}

/// How long an exchange may last on when its token cannot be vouched for.
const STALE_GRACE: Duration = Duration::from_secs(1);

/// An exchange in flight, as its connection's books have it.
pub(super) struct Open {
    pub(super) number: u64,
    pub(super) cancel: AbortHandle,
    /// The token it was admitted with, and its route's word on staleness.
    pub(super) token: Option<(Arc<Verified>, Option<OnStale>)>,
    /// When it began.
    started: Instant,
    /// What it notes of itself.
    meter: Arc<Meter>,
    upload: Upload,
    /// Since when its token cannot be vouched for any more.
    stale: Option<Instant>,
    /// Why it was ended.
    pub(super) ended: Option<Reason>,
}

/// The moment at which exchanges are looked at, on both clocks.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) time: UnixTime,
    pub(crate) instant: Instant,
}

impl Open {
    pub(super) fn new(number: u64, cancel: AbortHandle, started: Instant, meter: Arc<Meter>) -> Self {
        Self {
            number,
            cancel,
            token: None,
            started,
            meter,
            upload: Upload::default(),
            stale: None,
            ended: None,
        }
    }

    /// Ends it because its client is too slow.
    fn give_up(&mut self) {
        if self.ended.is_none() {
            self.ended = Some(Reason::Timeout);
            self.cancel.abort();
        }
    }

    /// Says why it may not go on, if so, once; `next` becomes the time until one will have to end, if that is less.
    pub(super) fn inspect(&mut self, gate: &Gate, at: Moment, next: &mut Duration) -> Option<Reason> {
        if self.ended.is_some() {
            return None;
        }
        if let Some((token, on_stale)) = &self.token {
            self.ended = match gate.objection(token, *on_stale, at.time) {
                // What was let in a moment ago may have its answer: only what lasts is ended for want of news.
                Some(reason @ (Reason::RevocationStale | Reason::StoreUnavailable)) => {
                    let since = *self.stale.get_or_insert(at.instant);
                    let lasts = at.instant.saturating_duration_since(since) >= STALE_GRACE;
                    lasts.then_some(reason)
                }
                other => {
                    self.stale = None;
                    other
                }
            };
            *next = gate.ends(token).since(at.time).min(*next);
        }
        if let (None, Some(due)) = (self.ended, self.meter.head_due(self.started)) {
            self.ended = (due <= at.instant).then_some(Reason::UpstreamTimeout);
            *next = due.saturating_duration_since(at.instant).min(*next);
        }
        self.ended
    }
}
