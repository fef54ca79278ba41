//! HTTP/2 on one connection: Pingora drives it; we bound what it may keep and be asked for, the preface, every header
//! block, the idle time and its last stream, and seat every stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use pingora::apps::{HttpServerApp, HttpServerOptions, ReusedHttpStream, ServerApp as _};
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::{H2Options, default_h2_options};
use pingora::server::ShutdownWatch;
use tokio::sync::watch;

use super::door::announced;
use super::seat::seated;
use super::{Connection, House};
use crate::clock;

/// Streams at once on a connection.
const STREAMS: u32 = 100;
/// Bytes of a head that are read before the engine refuses it, in an answer that is not ours: what is over the limit, and
/// under this, is told in our own.
const MOST_HEAD: usize = 64 * 1024;
/// Bytes of an answer kept for a stream whose client does not take them as fast as it allowed.
const KEPT: usize = 64 * 1024;
/// Streams that may end in an error the client made before the connection does (RUSTSEC-2024-0003).
const ERRORS: usize = 100;

/// One h2 connection as Pingora's application: every stream comes through here.
struct Streams {
    connection: Arc<Connection>,
    house: Arc<House>,
    options: HttpServerOptions,
    taken: AtomicU32,
    /// Tells Pingora to take no further stream, and the client so (GOAWAY, RFC 9113 §6.8).
    leave: watch::Sender<bool>,
}

#[async_trait]
impl HttpServerApp for Streams {
    async fn process_new_http(
        self: &Arc<Self>,
        session: ServerSession,
        _: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        let most = self.house.limits.requests_per_connection;
        let taken = self.taken.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        if taken >= most {
            self.leave.send_replace(true);
        }
        if taken > most.saturating_add(STREAMS) {
            // It was told long ago, and goes on.
            self.connection.end();
            return None;
        }
        let exchange = self.house.proxy.process_new_http(session, &self.house.shutdown);
        seated(&self.house.registry, &self.connection, Arc::default(), exchange).await.flatten()
    }

    fn h2_options(&self) -> Option<H2Options> {
        let mut options = default_h2_options();
        options
            .max_header_list_size(u32::try_from(self.house.limits.head.max(MOST_HEAD)).unwrap_or(u32::MAX))
            .max_concurrent_streams(STREAMS)
            .max_send_buffer_size(KEPT)
            .max_local_error_reset_streams(Some(ERRORS));
        Some(options)
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        Some(&self.options)
    }
}

impl Streams {
    /// Whether the client lets us wait for what has a deadline of its own: the first request, the rest of a header block.
    /// Silence between two requests is bounded by the engine.
    fn is_overdue(&self) -> bool {
        let (patience, connection) = (self.house.limits.head_time, &self.connection);
        let age = clock::instant().saturating_duration_since(connection.since);
        let waited = match connection.flow.block() {
            Some(began) => age.saturating_sub(began),
            None if self.taken.load(Ordering::Acquire) == 0 => age,
            None => return false,
        };
        waited >= patience
    }
}

/// Serves the connection to its end.
pub(super) async fn serve(stream: Stream, connection: Arc<Connection>, house: Arc<House>) {
    let mut options = HttpServerOptions::default();
    options.h2_idle_timeout = Some(house.limits.idle_time);
    let mut shutdown = house.shutdown.clone();
    // Never so short that looking is all there is to do.
    let pause = (house.limits.head_time / 2).max(Duration::from_millis(10));
    let (leave, told) = watch::channel(false);
    let streams = Arc::new(Streams { connection, house, options, taken: AtomicU32::new(0), leave });
    let served = streams.process_new(stream, &told);
    tokio::pin!(served);
    let mut idle = false;
    loop {
        tokio::select! {
            _ = &mut served => return,
            () = announced(&mut shutdown), if !*streams.leave.borrow() => { streams.leave.send_replace(true); }
            () = tokio::time::sleep(pause) => {
                // One that was told to leave has no idle time; it had since the last look to do so.
                let was_idle = std::mem::replace(&mut idle, streams.connection.is_idle());
                if streams.is_overdue() || (*streams.leave.borrow() && was_idle && idle) {
                    tracing::debug!(client = ?streams.connection.client, "an h2 client was waited for too long");
                    return;
                }
            }
        }
    }
}
