//! Which connections are open, from whom, what is in flight on them, and when is it all gone?

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::AbortHandle;
use tokio::sync::Notify;

use super::Limits;
use super::open::{Connection, Moment, Open};
use super::pace::Meter;
use crate::access::Gate;

/// All open connections.
pub(crate) struct Registry {
    limits: Limits,
    draining: AtomicBool,
    next: AtomicU64,
    books: Mutex<Books>,
    in_flight: AtomicUsize,
    emptied: Notify,
}

#[derive(Default)]
struct Books {
    open: HashMap<u64, Arc<Connection>>,
    by_address: HashMap<IpAddr, usize>,
}

/// Why a connection is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    Everywhere,
    ForAddress,
}

impl Registry {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            limits: *limits,
            draining: AtomicBool::new(false),
            next: AtomicU64::new(0),
            books: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            emptied: Notify::new(),
        })
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a new connection, unless there are too many.
    pub(super) fn admit(
        self: &Arc<Self>,
        client: Option<SocketAddr>,
        cancel: AbortHandle,
    ) -> Result<Registered, Full> {
        let mut books = self.books();
        if books.open.len() >= self.limits.connections {
            return Err(Full::Everywhere);
        }
        if let Some(address) = client {
            let count = books.by_address.entry(household(address.ip())).or_default();
            if *count >= self.limits.connections_per_address {
                return Err(Full::ForAddress);
            }
            *count += 1;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let connection = Arc::new(Connection::new(number, client, cancel));
        books.open.insert(number, Arc::clone(&connection));
        Ok(Registered { registry: Arc::clone(self), connection })
    }

    /// Notes an exchange on `connection`; dropping what is returned strikes it out.
    pub(super) fn seat<'r>(
        &'r self,
        connection: &'r Connection,
        cancel: AbortHandle,
        started: Instant,
        meter: &Arc<Meter>,
    ) -> Taken<'r> {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        connection.exchanges().push(Open::new(number, cancel, started, Arc::clone(meter)));
        Taken { registry: self, connection, number }
    }

    /// Whether no new request is taken any more.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Tells every connection to end as soon as nothing is in flight on it.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        for connection in self.books().open.values() {
            connection.waker.wake();
        }
    }

    /// Returns when no connection is open and nothing is in flight.
    pub(crate) async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            // Registered before looking, so that a last end in between is not missed.
            emptied.as_mut().enable();
            if self.books().open.is_empty() && self.in_flight.load(Ordering::Acquire) == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// Ends every exchange and every connection now; says how many exchanges there were.
    pub(crate) fn cancel_all(&self) -> usize {
        let open: Vec<Arc<Connection>> = self.books().open.values().cloned().collect();
        open.iter().map(|connection| connection.end()).sum()
    }

    /// Looks at every exchange in flight, ends those that may not go on, and says how long it is, at most `most`, until
    /// another will have to end.
    pub(crate) async fn inspect(&self, gate: &Gate, at: Moment, most: Duration) -> Duration {
        /// Connections looked at before others on this thread have their turn.
        const PAGE: usize = 256;
        let mut next = most;
        if self.in_flight.load(Ordering::Acquire) == 0 {
            return next;
        }
        let open: Vec<Arc<Connection>> = self.books().open.values().cloned().collect();
        for page in open.chunks(PAGE) {
            for connection in page {
                connection.inspect(gate, at, &self.limits, &mut next);
            }
            tokio::task::yield_now().await;
        }
        next
    }
}

/// An exchange's entry in the books; dropping it strikes it out.
pub(in crate::proxy) struct Taken<'r> {
    registry: &'r Registry,
    connection: &'r Connection,
    pub(super) number: u64,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut exchanges = self.connection.exchanges();
        if let Some(at) = exchanges.iter().position(|open| open.number == self.number) {
            exchanges.swap_remove(at);
        }
        drop(exchanges);
        if self.registry.in_flight.fetch_sub(1, Ordering::AcqRel) == 1 && self.registry.is_draining() {
            self.registry.emptied.notify_waiters();
        }
    }
}

/// A connection's entry in the books; dropping it strikes it out.
pub(super) struct Registered {
    registry: Arc<Registry>,
    pub(super) connection: Arc<Connection>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        // Streams of an h2 connection that is gone have nobody to answer.
        self.connection.end();
        let mut books = self.registry.books();
        books.open.remove(&self.connection.number);
        if let Some(address) = self.connection.client
            && let Some(count) = books.by_address.get_mut(&household(address.ip()))
        {
            *count -= 1;
            if *count == 0 {
                books.by_address.remove(&household(address.ip()));
            }
        }
        if books.open.is_empty() {
            self.registry.emptied.notify_waiters();
        }
    }
}

/// Whose connections are counted together: an IPv4 address, however it is written, or the 2⁶⁴ addresses that one customer
/// of an IPv6 network has (RFC 6177).
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(connections: usize, per_address: usize) -> Limits {
        Limits { connections, connections_per_address: per_address, ..Limits::default() }
    }

    #[test]
    fn one_customer_is_one_address() {
        let same =
            |one: &str, other: &str| household(one.parse().unwrap()) == household(other.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:1:2:3"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
    }

    #[test]
    fn caps_hold_and_places_are_given_back() {
        let registry = Registry::new(&limits(3, 2));
        let address = |text: &str| Some(text.parse::<SocketAddr>().unwrap());
        let handle = || AbortHandle::new_pair().0;
        let first = registry.admit(address("10.0.0.1:1"), handle()).ok().unwrap();
        let _second = registry.admit(address("10.0.0.1:2"), handle()).ok().unwrap();
        assert_eq!(registry.admit(address("10.0.0.1:3"), handle()).err(), Some(Full::ForAddress));
        let _third = registry.admit(address("10.0.0.2:1"), handle()).ok().unwrap();
        assert_eq!(registry.admit(address("10.0.0.3:1"), handle()).err(), Some(Full::Everywhere));
        drop(first);
        assert!(registry.admit(address("10.0.0.1:4"), handle()).is_ok());
    }
}
