//! HTTP/2 on one connection: Pingora drives it; we bound the preface and the idle time, and seat every stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use pingora::apps::{HttpServerApp, HttpServerOptions, ReusedHttpStream, ServerApp as _};
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use pingora::server::ShutdownWatch;

use super::seat::seated;
use super::{Connection, House};

/// One h2 connection as Pingora's application: every stream comes through here.
struct Streams {
    connection: Arc<Connection>,
    house: Arc<House>,
    options: HttpServerOptions,
    begun: AtomicBool,
}

#[async_trait]
impl HttpServerApp for Streams {
    async fn process_new_http(
        self: &Arc<Self>,
        session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        self.begun.store(true, Ordering::Release);
        let exchange = self.house.proxy.process_new_http(session, shutdown);
        seated(&self.house.registry, &self.connection, exchange).await.flatten()
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        Some(&self.options)
    }
}

/// Serves the connection to its end. One that sends no request within the head's time is dropped: neither the
/// preface nor the first header block may be waited for longer. Later silences are bounded by the idle time.
pub(super) async fn serve(stream: Stream, connection: Arc<Connection>, house: Arc<House>) {
    let mut options = HttpServerOptions::default();
    options.h2_idle_timeout = Some(house.limits.idle_time);
    let shutdown = house.shutdown.clone();
    let patience = house.limits.head_time;
    let streams = Arc::new(Streams { connection, house, options, begun: AtomicBool::new(false) });
    let served = streams.process_new(stream, &shutdown);
    tokio::pin!(served);
    if tokio::time::timeout(patience, &mut served).await.is_err() && streams.begun.load(Ordering::Acquire) {
        served.await;
    }
}
