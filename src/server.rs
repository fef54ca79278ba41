//! Puts the rooms together: a gateway that listens, and ends when told.

mod banner;
mod build;
mod files;
mod run;
mod vaults;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::Config;
use crate::observe::Writer;
use crate::proxy::Listening;
use crate::revocation::Revocations;
use crate::sessions::Sessions;

pub use run::run;

/// Why a gateway did not start: one line, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct StartError {
    /// What went wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl StartError {
    fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

/// A gateway that runs.
pub struct Gateway {
    listening: Listening,
    admin: SocketAddr,
    banner: String,
    drain_time: Duration,
    draining: Arc<AtomicBool>,
    shutdown: watch::Sender<bool>,
    revocations: Arc<Revocations>,
    sessions: Arc<Sessions>,
    /// The admin listener and the control socket.
    offices: Vec<JoinHandle<()>>,
    /// Dropped last: it writes the lines of the requests that end while we drain.
    log: Option<Writer>,
}

impl Gateway {
    /// Binds every listener (or fails at once), opens the stores and serves on the current tokio runtime.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, Clock::system(), std::io::stdout()).await
    }

    /// The same by this clock; the access log, if the configuration wants one, is written to `sink`.
    pub async fn start_with(
        config: Config,
        clock: Clock,
        sink: impl Write + Send + 'static,
    ) -> Result<Self, StartError> {
        build::build(config, clock, sink).await
    }

    /// Where the public TCP listeners are, ports filled in.
    pub fn public(&self) -> &[SocketAddr] {
        self.listening.addresses()
    }

    /// Where the admin listener is.
    pub const fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Listeners, stores, and every public route.
    pub fn banner(&self) -> &str {
        &self.banner
    }

    /// Whether `/readyz` says yes.
    pub fn is_ready(&self) -> bool {
        self.revocations.is_ready() && !self.draining.load(Ordering::Acquire)
    }

    /// Stops accepting, lets requests in flight end (at most `limits.drain_time`), and returns.
    pub async fn shutdown(self) {
        self.draining.store(true, Ordering::Release);
        // Nobody listening any more is no reason not to go on.
        let _ = self.shutdown.send(true);
        let cut = self.listening.drain(self.drain_time).await;
        if cut > 0 {
            tracing::warn!(
                connections = cut,
                "connections were cut: their requests outlived limits.drain_time"
            );
        }
        for office in self.offices {
            // It was told by the watch; one that panicked has nothing left to finish.
            let _ = office.await;
        }
        // At most as long as the store takes to say no.
        self.sessions.flush().await;
        drop(self.log);
    }
}
