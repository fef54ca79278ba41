//! Accept: bind at start or fail, count, shake hands in time, hand over to the protocol.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{AbortHandle, Abortable};
use pingora::server::ShutdownWatch;
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;

use super::open::Connection;
use super::registry::Registered;
use super::socket::Socket;
use super::wire::Wire;
use super::{House, h1, h2};
use crate::proxy::ListenAddress;

/// A listener that is bound, and not yet open.
pub(crate) enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Bound {
    /// Binds now, so that a start fails when it must. A socket file that nobody listens on is replaced.
    pub(crate) async fn bind(address: &ListenAddress) -> io::Result<Self> {
        match address {
            ListenAddress::Tcp(address) => Ok(Self::Tcp(TcpListener::bind(address).await?)),
            ListenAddress::Unix(path) => {
                if path.exists() {
                    if std::os::unix::net::UnixStream::connect(path).is_ok() {
                        return Err(io::ErrorKind::AddrInUse.into());
                    }
                    std::fs::remove_file(path)?;
                }
                Ok(Self::Unix(UnixListener::bind(path)?, path.clone()))
            }
        }
    }

    /// The address with its port filled in; none for a Unix socket.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(..) => None,
        }
    }

    async fn accept(&self) -> io::Result<(Accepted, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Answers are written whole; waiting for more to send only delays them.
                let _ = stream.set_nodelay(true);
                Ok((Accepted::Tcp(stream), Some(address)))
            }
            Self::Unix(listener, _) => Ok((Accepted::Unix(listener.accept().await?.0), None)),
        }
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            // It may have been removed by hand; nothing depends on it any more.
            let _ = std::fs::remove_file(path);
        }
    }
}

enum Accepted {
    Tcp(tokio::net::TcpStream),
    Unix(tokio::net::UnixStream),
}

/// One public listener.
pub(crate) struct Door {
    bound: Bound,
    tls: Option<TlsAcceptor>,
    house: Arc<House>,
}

impl Door {
    pub(crate) fn new(bound: Bound, tls: Option<Arc<rustls::ServerConfig>>, house: Arc<House>) -> Self {
        Self { bound, tls: tls.map(TlsAcceptor::from), house }
    }

    /// Accepts until the shutdown is announced, then closes the listener.
    pub(crate) async fn open(self) {
        let mut shutdown = self.house.shutdown.clone();
        loop {
            tokio::select! {
                accepted = self.bound.accept() => match accepted {
                    Ok((stream, client)) => self.welcome(stream, client),
                    // Out of file descriptors, or a client that left in the queue: breathe, then go on.
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                },
                () = announced(&mut shutdown) => return,
            }
        }
    }

    fn welcome(&self, stream: Accepted, client: Option<SocketAddr>) {
        let (cancel, registration) = AbortHandle::new_pair();
        let registered = match self.house.registry.admit(client, cancel) {
            Ok(registered) => registered,
            Err(full) => {
                tracing::warn!(client = ?client.map(|c| c.ip()), limit = ?full, "too many connections: one turned away");
                return;
            }
        };
        let house = Arc::clone(&self.house);
        let tls = self.tls.clone();
        let serve = async move {
            if let Some(socket) = shake_hands(stream, tls, house.limits.head_time).await {
                serve(socket, &registered, house).await;
            }
            drop(registered);
        };
        tokio::spawn(Abortable::new(serve, registration));
    }
}

/// Resolves when the shutdown is announced, or nobody is left to announce it: the process is ending either way.
pub(super) async fn announced(shutdown: &mut ShutdownWatch) {
    let _ = shutdown.wait_for(|ended| *ended).await;
}

/// The TLS handshake, if there is one, within `patience`.
async fn shake_hands(stream: Accepted, tls: Option<TlsAcceptor>, patience: Duration) -> Option<Socket> {
    let Some(tls) = tls else {
        return Some(match stream {
            Accepted::Tcp(stream) => Socket::Tcp(stream),
            Accepted::Unix(stream) => Socket::Unix(stream),
        });
    };
    let handshake = async {
        Ok::<_, io::Error>(match stream {
            Accepted::Tcp(stream) => Socket::Tls(Box::new(tls.accept(stream).await?)),
            Accepted::Unix(stream) => Socket::TlsUnix(Box::new(tls.accept(stream).await?)),
        })
    };
    match tokio::time::timeout(patience, handshake).await {
        Ok(Ok(socket)) => Some(socket),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!("a TLS handshake took too long");
            None
        }
    }
}

async fn serve(socket: Socket, registered: &Registered, house: Arc<House>) {
    let connection: Arc<Connection> = Arc::clone(&registered.connection);
    connection.tls.store(socket.is_tls(), std::sync::atomic::Ordering::Relaxed);
    if socket.speaks_h2() {
        h2::serve(Box::new(Wire::new(socket, &connection)), connection, house).await;
    } else {
        h1::serve(Box::new(Wire::new(socket, &connection)), connection, house).await;
    }
}
