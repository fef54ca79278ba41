//! Is a server alive? It is if it takes a TCP (or Unix socket) connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora::lb::Backend;
use pingora::lb::health_check::HealthCheck;
use pingora::protocols::l4::socket::SocketAddr;
use pingora::{Error, ErrorType, OrErr};

use super::HealthObserver;
use super::discovery::{Directory, Server};

/// How long a server may take to accept.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct ConnectCheck {
    pub(super) directory: Arc<Directory>,
    pub(super) observer: HealthObserver,
}

#[async_trait]
impl HealthCheck for ConnectCheck {
    async fn check(&self, target: &Backend) -> pingora::Result<()> {
        let connect = async {
            match &target.addr {
                SocketAddr::Inet(address) => tokio::net::TcpStream::connect(address).await.map(drop),
                SocketAddr::Unix(address) => {
                    let path = address.as_pathname().ok_or(std::io::ErrorKind::InvalidInput)?;
                    tokio::net::UnixStream::connect(path).await.map(drop)
                }
            }
        };
        match tokio::time::timeout(PATIENCE, connect).await {
            Ok(connected) => connected.or_err(ErrorType::ConnectError, "health check"),
            Err(_) => Error::e_explain(ErrorType::ConnectTimedout, "health check"),
        }
    }

    async fn health_status_change(&self, target: &Backend, healthy: bool) {
        let directory = self.directory.load();
        let label = label(&directory, &target.addr);
        if healthy {
            tracing::info!(server = label, "upstream server takes connections again");
        } else {
            tracing::warn!(server = label, "upstream server takes no connections");
        }
        (self.observer)(label, healthy);
    }

    fn health_threshold(&self, _success: bool) -> usize {
        1
    }
}

fn label<'d>(directory: &'d HashMap<SocketAddr, Arc<Server>>, address: &SocketAddr) -> &'d str {
    directory.get(address).map_or("unknown", |server| &server.label)
}
