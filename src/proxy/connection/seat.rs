//! Where one exchange sits: its connection, and when it began. Leaving the seat is accounted for, however it ends.
//!
//! Pingora makes the per-request context without telling it anything; the seat reaches it through a task-local. Over
//! h2 every exchange runs in a task of Pingora's own, which only the seat's handle can end.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::{AbortHandle, Abortable};

use super::pace::Meter;
use super::registry::Taken;
use super::{Connection, Registry};
use crate::access::Reason;
use crate::clock;
use crate::revocation::OnStale;
use crate::token::Verified;

tokio::task_local! {
    static SEAT: Seat;
}

/// One exchange's place.
#[derive(Clone)]
pub(crate) struct Seat {
    /// The connection it came on.
    pub(crate) connection: Arc<Connection>,
    /// When its head was complete.
    pub(crate) started: Instant,
    /// What it notes of its own pace.
    pub(crate) meter: Arc<Meter>,
    /// Its number in the connection's books.
    number: u64,
}

impl Seat {
    /// A seat taken now, that is in no books.
    pub(crate) fn on(connection: Arc<Connection>) -> Self {
        let meter = Arc::clone(&connection.meter);
        Self { connection, started: clock::instant(), meter, number: u64::MAX }
    }

    /// A seat on a connection that the exchange has for itself, taken at `started`: who ends the one ends the other. It is
    /// given back when what comes with it is dropped.
    pub(in crate::proxy) fn alone<'r>(
        registry: &'r Registry,
        connection: &'r Arc<Connection>,
        started: Instant,
    ) -> (Self, Taken<'r>) {
        let meter = Arc::clone(&connection.meter);
        meter.reset();
        let taken = registry.seat(connection, connection.canceller(), started, &meter);
        (Self { connection: Arc::clone(connection), started, meter, number: taken.number }, taken)
    }

    /// A seat for a request that comes outside any connection of ours; there is none but in Pingora's own tests.
    pub(crate) fn of_nobody() -> Self {
        Self::on(Connection::of_nobody())
    }

    /// Has the exchange end when `token` does, or when the set of revocations is stale and its route or the gateway
    /// refuses then. A revocation that is merged between the check and this is seen at the
    /// next look, within the second.
    pub(crate) fn bind(&self, token: Arc<Verified>, on_stale: Option<OnStale>) {
        self.connection.bind(self.number, token, on_stale);
    }

    /// Has the exchange end unless its answer has begun by then; with `None`, when it has.
    pub(crate) fn expect_head(&self, due: Option<Instant>) {
        self.meter.expect_head(due.map(|due| due.saturating_duration_since(self.started)));
    }

    /// Why the exchange was ended, if it was.
    pub(crate) fn why_ended(&self) -> Option<Reason> {
        self.connection.why_ended(self.number)
    }
}

/// The seat of the exchange this task is working on.
pub(crate) fn current_seat() -> Option<Seat> {
    SEAT.try_with(Clone::clone).ok()
}

/// Runs one exchange in a seat; `None` if it was cancelled.
pub(super) async fn seated<T>(
    registry: &Registry,
    connection: &Arc<Connection>,
    meter: Arc<Meter>,
    exchange: impl Future<Output = T>,
) -> Option<T> {
    let (cancel, registration) = AbortHandle::new_pair();
    let started = clock::instant();
    let taken = registry.seat(connection, cancel, started, &meter);
    let seat = Seat { connection: Arc::clone(connection), started, meter, number: taken.number };
    Abortable::new(SEAT.scope(seat, exchange), registration).await.ok()
}
