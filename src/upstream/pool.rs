//! Whose turn is it? One balancer per configured upstream.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderValue;
use pingora::lb::selection::RoundRobin;
use pingora::lb::{Backends, LoadBalancer};
use pingora::protocols::l4::socket::SocketAddr;
use pingora::server::ShutdownWatch;
use pingora::services::background::BackgroundService as _;
use pingora::upstreams::peer::{HttpPeer, HttpUpstreamRequestPolicy};

use super::discovery::{Directory, Discovery, Server};
use super::health::ConnectCheck;
use super::line::Line;
use super::unhurried::Unhurried;
use super::{ServerAddress, Settings, Timeouts};

/// Told of every server that goes down or comes back: its label, and whether it is up.
pub type HealthObserver = Arc<dyn Fn(&str, bool) + Send + Sync>;

/// How often names are resolved again.
const RESOLVE_EVERY: Duration = Duration::from_secs(10);
/// How often servers are tried.
const CHECK_EVERY: Duration = Duration::from_secs(5);

/// All upstreams, by their place in the configuration.
pub struct Upstreams {
    pools: Vec<Pool>,
}

impl Upstreams {
    /// Resolves every server once and starts the tasks that keep watch until `shutdown`.
    ///
    /// `observer` makes the health observer of the upstream at an index.
    pub async fn start(
        settings: &[Settings],
        timeouts: Timeouts,
        shutdown: &ShutdownWatch,
        observer: impl Fn(usize) -> HealthObserver,
    ) -> Self {
        let mut pools = Vec::with_capacity(settings.len());
        for (index, upstream) in settings.iter().enumerate() {
            pools.push(Pool::start(upstream, timeouts, shutdown.clone(), observer(index)).await);
        }
        Self { pools }
    }

    /// Ends connections that nobody has used for too long.
    pub fn sweep(&self, now: Instant) {
        for pool in &self.pools {
            for server in pool.directory.load().values() {
                server.kept.sweep(now);
            }
        }
    }

    /// The upstream at an index.
    pub fn pool(&self, index: usize) -> &Pool {
        &self.pools[index]
    }
}

/// The servers of one upstream.
pub struct Pool {
    name: Box<str>,
    host_header: Option<HeaderValue>,
    in_the_clear: bool,
    connect: Duration,
    directory: Arc<Directory>,
    balancer: Arc<LoadBalancer<RoundRobin>>,
}

/// The server whose turn it is.
pub struct Chosen {
    /// How to reach it.
    pub peer: Box<HttpPeer>,
    /// Its label, for logs and metrics.
    pub label: Arc<str>,
    /// Its address, so that a second try goes elsewhere.
    pub address: SocketAddr,
}

impl Chosen {
    /// Lets a WebSocket handshake through as one; what is not one stays a plain request.
    ///
    /// It gets a connection of its own, which is not kept for later requests: the pool tells connections apart by a file
    /// descriptor that these do not show.
    pub fn let_websocket_through(&mut self) {
        let peer = &mut self.peer;
        peer.options.http_upstream_request_policy = HttpUpstreamRequestPolicy::standard();
        peer.options.custom_l4 = Some(Arc::new(Unhurried));
        peer.options.idle_timeout = Some(Duration::ZERO);
        peer.group_key = 1;
    }
}

impl Pool {
    async fn start(
        settings: &Settings,
        timeouts: Timeouts,
        shutdown: ShutdownWatch,
        observer: HealthObserver,
    ) -> Self {
        let directory = Arc::new(Directory::default());
        let discovery = Discovery::new(settings.servers.clone(), timeouts, Arc::clone(&directory));
        let mut balancer = LoadBalancer::from_backends(Backends::new(Box::new(discovery)));
        balancer.update_frequency = Some(RESOLVE_EVERY);
        balancer.health_check_frequency = Some(CHECK_EVERY);
        balancer.set_health_check(Box::new(ConnectCheck {
            directory: Arc::clone(&directory),
            observer: Arc::clone(&observer),
        }));
        if let Err(error) = balancer.update().await {
            tracing::warn!(upstream = settings.name, %error, "no server of this upstream is known yet");
        }
        for server in directory.load().values() {
            observer(&server.label, true);
        }
        let balancer = Arc::new(balancer);
        let watched = Arc::clone(&balancer);
        tokio::spawn(async move { watched.start(shutdown).await });
        Self {
            name: settings.name.as_str().into(),
            host_header: settings.host_header.as_deref().and_then(|host| HeaderValue::from_str(host).ok()),
            in_the_clear: !settings.servers.iter().any(|server| matches!(server, ServerAddress::Tls { .. })),
            connect: timeouts.connect,
            directory,
            balancer,
        }
    }

    /// The name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is sent as `Host` instead of the client's, if anything.
    pub const fn host_header(&self) -> Option<&HeaderValue> {
        self.host_header.as_ref()
    }

    /// Whether its servers are spoken to without TLS.
    pub const fn is_in_the_clear(&self) -> bool {
        self.in_the_clear
    }

    /// The next server that is not in `tried`: one that is up, or, when none is, any. A server that is really down
    /// says so at once, and one that has just come back is not kept waiting for its next health check.
    pub fn choose(&self, tried: &[SocketAddr]) -> Option<Chosen> {
        self.next(tried).map(|server| Chosen {
            peer: Box::new(server.peer.clone()),
            label: Arc::clone(&server.label),
            address: server.peer._address.clone(),
        })
    }

    /// The same, to be spoken to without the engine.
    pub fn turn(&self, tried: &[SocketAddr]) -> Option<Turn> {
        self.next(tried).map(|server| Turn { server, connect: self.connect })
    }

    fn next(&self, tried: &[SocketAddr]) -> Option<Arc<Server>> {
        const MOST: usize = 256;
        let directory = self.directory.load();
        let server = if directory.len() == 1 {
            directory.iter().next().filter(|(address, _)| !tried.contains(address)).map(|(_, server)| server)
        } else {
            self.balancer
                .select_with(b"", MOST, |backend, up| up && !tried.contains(&backend.addr))
                .or_else(|| self.balancer.select_with(b"", MOST, |b, _| !tried.contains(&b.addr)))
                .and_then(|backend| directory.get(&backend.addr))
        };
        server.map(Arc::clone)
    }
}

/// The server whose turn it is, and the connections to it.
pub struct Turn {
    server: Arc<Server>,
    connect: Duration,
}

impl Turn {
    /// Its label, for logs and metrics.
    pub fn label(&self) -> &Arc<str> {
        &self.server.label
    }

    /// Its address, so that a second try goes elsewhere.
    pub fn address(&self) -> &SocketAddr {
        &self.server.peer._address
    }

    /// A connection that was used before, if one is free.
    pub fn kept(&self, now: Instant) -> Option<Line> {
        self.server.kept.take(now)
    }

    /// A new connection, within `connect_time`.
    pub async fn connect(&self) -> io::Result<Line> {
        let connecting = Line::connect(&self.server.peer._address);
        tokio::time::timeout(self.connect, connecting).await.unwrap_or(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Gives a connection back on which an answer has come to its end.
    pub fn keep(&self, line: Line, now: Instant) {
        self.server.kept.put(line, now);
    }
}
