//! Put the proxy on its feet: bind, check the certificate, open the doors; later close them again.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, header};
use pingora::apps::HttpServerApp as _;
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;
use pingora::server::configuration::ServerConf;

use super::connection::{Bound, Connection, Door, House, Refused, Registry, TlsError, tls_config};
use super::direct::Direct;
use super::exchange::{RequestId, note_refused};
use super::hooks::Hooks;
use super::policy::{Parts, Policy};
use super::respond::write_answer;
use super::watchdog::Watchdog;
use super::{ListenAddress, ListenSettings};
use crate::access::Reason;
use crate::answer::{Refusal, refusal};
use crate::route::SERVED;

/// Idle upstream connections kept per worker thread.
const POOL: usize = 256;

/// Why the public listeners cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("cannot listen on {address}: {why}")]
    Bind { address: String, why: io::Error },
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Public listeners that are open.
pub(crate) struct Listening {
    addresses: Vec<SocketAddr>,
    house: Arc<House>,
    _watchdog: Watchdog,
}

/// Public listeners that are bound and not yet open: a start that fails later has answered nobody.
pub(crate) struct Bindings {
    bound: Vec<Bound>,
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Bindings {
    /// Binds every public address, and reads the certificate.
    pub(crate) async fn bind(listen: &ListenSettings) -> Result<Self, ServeError> {
        let tls = listen.tls.as_ref().map(tls_config).transpose()?;
        let mut bound = Vec::with_capacity(listen.public.len());
        for address in &listen.public {
            let named = || match address {
                ListenAddress::Tcp(address) => address.to_string(),
                ListenAddress::Unix(path) => format!("unix:{}", path.display()),
            };
            let listener = Bound::bind(address).await;
            bound.push(listener.map_err(|why| ServeError::Bind { address: named(), why })?);
        }
        Ok(Self { bound, tls })
    }

    /// Opens them.
    pub(crate) fn open(self, parts: Parts, shutdown: ShutdownWatch, threads: usize) -> Listening {
        let limits = parts.limits;
        let policy = Arc::new(Policy::new(parts));
        let conf =
            ServerConf { threads, upstream_keepalive_pool_size: POOL * threads, ..ServerConf::default() };
        let direct = Direct::new(Arc::clone(&policy));
        let mut proxy = HttpProxy::new(Hooks::new(Arc::clone(&policy)), Arc::new(conf));
        proxy.handle_init_modules();
        let registry = Registry::new(&limits);
        let watchdog = Watchdog::start(Arc::clone(&policy), Arc::clone(&registry));
        let refuse = Box::new(move |refused: &Refused, connection: &Arc<Connection>| {
            turned_away(&policy, refused, connection)
        });
        let house = Arc::new(House { proxy: Arc::new(proxy), direct, registry, limits, shutdown, refuse });
        let addresses = self.bound.iter().filter_map(Bound::address).collect();
        for bound in self.bound {
            tokio::spawn(Door::new(bound, self.tls.clone(), Arc::clone(&house)).open());
        }
        Listening { addresses, house, _watchdog: watchdog }
    }
}

impl Listening {
    /// Where the TCP listeners are.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Ends idle connections, waits for the others at most `patience`, then ends those too; says how many.
    ///
    /// The shutdown must have been announced on the watch before.
    pub(crate) async fn drain(&self, patience: Duration) -> usize {
        self.house.registry.drain();
        self.house.proxy.http_cleanup().await;
        if tokio::time::timeout(patience, self.house.registry.empty()).await.is_ok() {
            return 0;
        }
        let cut = self.house.registry.cancel_all();
        // Their ends are counted and logged as they are dropped.
        self.house.registry.empty().await;
        cut
    }
}

/// The answer to a head that never became a request, on the wire, and its place in log and metrics.
fn turned_away(policy: &Arc<Policy>, refused: &Refused, connection: &Arc<Connection>) -> Bytes {
    let id = RequestId::next();
    let mut answer = match refused.reason {
        Reason::TooLarge if *refused != Refused::ENDLESS => {
            refusal(&Refusal::head_too_large(id.as_str(), policy.errors))
        }
        reason => refusal(&Refusal {
            detail: Some(refused.detail),
            ..Refusal::of(reason, id.as_str(), policy.errors)
        }),
    };
    let close = HeaderValue::from_static("close");
    answer.headers_mut().insert(header::CONNECTION, close);
    if refused.reason == Reason::MethodNotAllowed {
        answer.headers_mut().insert(header::ALLOW, SERVED.clone());
    }
    note_refused(policy, refused, connection, id, answer.status().as_u16());
    if refused.to_head {
        // Its length stays: it is what a GET would have got (RFC 9110 §9.3.2).
        *answer.body_mut() = Bytes::new();
    }
    let mut wire = Vec::with_capacity(512);
    write_answer(&mut wire, &answer);
    wire.into()
}
