//! Which addresses do the configured servers have now? Names are resolved again and again; a name that stops
//! resolving keeps the addresses it had.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr as InetAddr;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use http::Extensions;
use pingora::lb::Backend;
use pingora::lb::discovery::ServiceDiscovery;
use pingora::protocols::l4::socket::SocketAddr;
use pingora::upstreams::peer::HttpPeer;

use super::kept::Kept;
use super::{ServerAddress, Timeouts};

/// One address of a server, and how to speak to it.
pub(super) struct Server {
    /// As configured, for logs and metrics.
    pub(super) label: Arc<str>,
    /// Cloned for every request: building a peer costs more than copying one.
    pub(super) peer: HttpPeer,
    /// Connections that are spoken to without the engine; they outlive a change of the directory.
    pub(super) kept: Arc<Kept>,
}

/// The addresses in force, by address.
pub(super) type Directory = ArcSwap<HashMap<SocketAddr, Arc<Server>>>;

/// Resolves the configured servers into the directory.
pub(super) struct Discovery {
    servers: Vec<ServerAddress>,
    timeouts: Timeouts,
    directory: Arc<Directory>,
    last: Mutex<HashMap<usize, Vec<InetAddr>>>,
}

impl Discovery {
    pub(super) fn new(servers: Vec<ServerAddress>, timeouts: Timeouts, directory: Arc<Directory>) -> Self {
        Self { servers, timeouts, directory, last: Mutex::default() }
    }

    async fn addresses(&self, index: usize, host: &str, port: u16) -> Vec<InetAddr> {
        match tokio::net::lookup_host((host, port)).await {
            Ok(found) => {
                let found: Vec<InetAddr> = found.collect();
                self.last.lock().unwrap_or_else(PoisonError::into_inner).insert(index, found.clone());
                found
            }
            Err(error) => {
                tracing::warn!(%host, %error, "the name of an upstream server does not resolve");
                let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
                last.get(&index).cloned().unwrap_or_default()
            }
        }
    }

    async fn peers(&self, index: usize) -> Vec<HttpPeer> {
        let (host, port, tls) = match &self.servers[index] {
            ServerAddress::Tcp { host, port } => (host, *port, false),
            ServerAddress::Tls { host, port } => (host, *port, true),
            ServerAddress::Unix(path) => {
                return match HttpPeer::new_uds(&path.to_string_lossy(), false, String::new()) {
                    Ok(peer) => vec![peer],
                    Err(error) => {
                        tracing::warn!(path = %path.display(), %error, "not a usable socket path");
                        Vec::new()
                    }
                };
            }
        };
        let sni = if tls { host.clone() } else { String::new() };
        let found = self.addresses(index, host, port).await;
        found.into_iter().map(|address| HttpPeer::new(address, tls, sni.clone())).collect()
    }
}

#[async_trait]
impl ServiceDiscovery for Discovery {
    async fn discover(&self) -> pingora::Result<(BTreeSet<Backend>, HashMap<u64, bool>)> {
        let before = self.directory.load_full();
        let mut directory = HashMap::new();
        let mut backends = BTreeSet::new();
        for (index, server) in self.servers.iter().enumerate() {
            let label: Arc<str> = server.to_string().into();
            for mut peer in self.peers(index).await {
                bound_waits(&mut peer, self.timeouts);
                let addr = peer._address.clone();
                backends.insert(Backend { addr: addr.clone(), weight: 1, ext: Extensions::new() });
                let kept = before.get(&addr).map(|server| Arc::clone(&server.kept));
                let kept = kept.unwrap_or_else(|| Arc::new(Kept::new(self.timeouts.idle)));
                directory.insert(addr, Arc::new(Server { label: Arc::clone(&label), peer, kept }));
            }
        }
        self.directory.store(Arc::new(directory));
        Ok((backends, HashMap::new()))
    }
}

/// Pingora's waits have no end unless told; upgrades pass unless refused.
fn bound_waits(peer: &mut HttpPeer, timeouts: Timeouts) {
    peer.options.connection_timeout = Some(timeouts.connect);
    peer.options.total_connection_timeout = Some(timeouts.connect);
    peer.options.read_timeout = Some(timeouts.read);
    peer.options.write_timeout = Some(timeouts.write);
    peer.options.idle_timeout = Some(timeouts.idle);
    peer.options.http_upstream_request_policy =
        pingora::upstreams::peer::HttpUpstreamRequestPolicy::deny_upgrades();
}
