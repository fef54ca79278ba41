//! Where does it go? The servers behind a name, which of them are alive, and whose turn it is.
//!
//! Built on Pingora's load balancer: round robin over the addresses the names resolve to, names resolved again
//! while we run, servers that refuse a TCP connection passed over until they take one.

mod discovery;
mod health;
mod kept;
mod line;
mod pool;
mod unhurried;

use std::path::PathBuf;
use std::time::Duration;

pub use line::Line;
pub use pool::{Chosen, HealthObserver, Pool, Turn, Upstreams};

/// One `[upstreams.NAME]`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name.
    pub name: String,
    /// `servers`; at least one.
    pub servers: Vec<ServerAddress>,
    /// `host_header`: sent instead of the client's.
    pub host_header: Option<String>,
}

/// Where one server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerAddress {
    /// `host:port` or `http://host:port`.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// `https://host[:port]`.
    Tls {
        /// Name (checked against the certificate) or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// `unix:/path`.
    Unix(PathBuf),
}

impl std::fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Tls { host, port } => write!(f, "https://{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The waits on a server; none is without an end.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To connect, TLS included.
    pub connect: Duration,
    /// To the first byte of an answer, and between two reads.
    pub read: Duration,
    /// For a write to be taken.
    pub write: Duration,
    /// How long an idle connection is kept; below the 5 s after which uvicorn closes one.
    pub idle: Duration,
}
