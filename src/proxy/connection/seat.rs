//! Where one exchange sits: its connection, and when it began. Leaving the seat is accounted for, however it ends.
//!
//! Pingora makes the per-request context without telling it anything; the seat reaches it through a task-local. Over
//! h2 every exchange runs in a task of Pingora's own, which only the seat's handle can end.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::{AbortHandle, Abortable};

use super::{Connection, Registry};
use crate::clock;

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
}

impl Seat {
    /// A seat taken now.
    pub(crate) fn on(connection: Arc<Connection>) -> Self {
        Self { connection, started: clock::instant() }
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
    exchange: impl Future<Output = T>,
) -> Option<T> {
    let (cancel, registration) = AbortHandle::new_pair();
    let _taken = registry.seat(connection, cancel);
    let seat = Seat::on(Arc::clone(connection));
    Abortable::new(SEAT.scope(seat, exchange), registration).await.ok()
}
