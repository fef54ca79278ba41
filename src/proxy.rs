//! How does a request come in, and how does it go on? The rooms that speak Pingora.
//!
//! `connection` owns the sockets; `hooks` is what Pingora calls; `decide` says what becomes of a request, `forward` what
//! the upstream gets of it, `respond` what the client hears from us; `exchange` remembers, and accounts for the end.

mod ask;
mod browser;
mod client;
mod connection;
mod cors;
mod decide;
mod direct;
mod exchange;
mod failure;
mod forward;
mod handshake;
mod hooks;
mod lasting;
mod ours;
mod patience;
mod policy;
mod respond;
mod serve;
mod watchdog;

#[cfg(fuzzing)]
#[doc(hidden)]
pub use connection::{VettedHead, follow_chunks, vet_head};
pub(crate) use patience::UPSTREAM_IDLE;
pub(crate) use policy::{ENDPOINT_ROUTES, Parts};
pub(crate) use serve::{Bindings, Listening};

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

/// What `[listen]` says.
#[derive(Clone, Debug)]
pub struct ListenSettings {
    /// `public`.
    pub public: Vec<ListenAddress>,
    /// `admin`.
    pub admin: SocketAddr,
    /// `control`: the socket the command line talks to.
    pub control: PathBuf,
    /// `[listen.tls]`.
    pub tls: Option<TlsFiles>,
    /// `trusted_proxies`: whose `X-Forwarded-*` are believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// Where we listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// `address:port`.
    Tcp(SocketAddr),
    /// `unix:/path`.
    Unix(PathBuf),
}

/// A certificate chain and its key, in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// `certificate`.
    pub certificate: PathBuf,
    /// `key`.
    pub key: PathBuf,
}

/// What `[limits]` says.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `head`: bytes of a request head.
    pub head: usize,
    /// `head_time`: from the first byte of a head to its last (TLS handshake and h2 preface too).
    pub head_time: Duration,
    /// `idle_time`: a connection without a request.
    pub idle_time: Duration,
    /// `body`: bytes of a request body.
    pub body: u64,
    /// `body_rate`: bytes a second that a client sends or takes at least, on average, while it is waited for.
    pub body_rate: u64,
    /// `body_grace`: how far it may fall behind.
    pub body_grace: Duration,
    /// `request_time`: to the first byte of the upstream's answer.
    pub request_time: Duration,
    /// `connect_time`: to connect to an upstream.
    pub connect_time: Duration,
    /// `requests_per_connection`.
    pub requests_per_connection: u32,
    /// `connections`: at once, in all.
    pub connections: usize,
    /// `connections_per_address`: at once, from one client address.
    pub connections_per_address: usize,
    /// `drain_time`: how long requests in flight may take after SIGTERM.
    pub drain_time: Duration,
    /// `stream_idle`: how long an open WebSocket or event stream may be silent.
    pub stream_idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 16 * 1024,
            head_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(60),
            body: 100 * 1024 * 1024,
            body_rate: 1024,
            body_grace: Duration::from_secs(30),
            request_time: Duration::from_secs(60),
            connect_time: Duration::from_secs(5),
            requests_per_connection: 100_000,
            connections: 16_384,
            connections_per_address: 4_096,
            drain_time: Duration::from_secs(30),
            stream_idle: Duration::from_secs(3600),
        }
    }
}

/// What `[cors]` says; no origins, no CORS.
#[derive(Clone, Debug, Default)]
pub struct CorsSettings {
    /// `origins`: exact origins (`https://app.example.org`).
    pub origins: Vec<String>,
}

/// What `[identity]` says.
#[derive(Clone, Debug)]
pub struct IdentitySettings {
    /// `headers`: header name → claim name.
    pub headers: Vec<(http::HeaderName, String)>,
    /// `forward_authorization`: whether the client's own `Authorization` goes upstream.
    pub forward_authorization: bool,
}
