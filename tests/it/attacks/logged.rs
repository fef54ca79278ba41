//! The real binary, and everything it writes: for cases about what a log may hold.

use std::net::SocketAddr;

use rustix::process::Signal;

use crate::world::binary::Binary;
use crate::world::people::Stranger;
use crate::world::recorder::Recorder;
use crate::world::tokens::Mint;
use crate::world::{ROUTES, config_text, load};

/// A running gateway that logs all it can.
pub(super) struct Logged {
    pub(super) recorder: Recorder,
    pub(super) mint: Mint,
    gateway: Binary,
    _dir: tempfile::TempDir,
}

/// What it wrote.
pub(super) struct Logs {
    /// The access log, a JSON object on each line.
    pub(super) access: String,
    /// Its own log.
    pub(super) own: String,
}

impl Logged {
    pub(super) async fn start() -> Self {
        Self::at("debug").await
    }

    /// At this level.
    pub(super) async fn at(level: &str) -> Self {
        Self::with(level, |text| text).await
    }

    /// Under a changed configuration.
    pub(super) async fn with(level: &str, change: impl FnOnce(String) -> String) -> Self {
        let recorder = Recorder::start().await;
        let text = change(config_text(recorder.address(), ROUTES))
            .replace("access = false", &format!("access = true\nlevel = \"{level}\""));
        let dir = tempfile::tempdir().unwrap();
        let mint = Mint::new(&load(dir.path(), &text).tokens);
        let gateway = Binary::run(&dir.path().join("gateway.toml"));
        Self { recorder, mint, gateway, _dir: dir }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.gateway.public()
    }

    /// Its process id.
    pub(super) fn process(&self) -> u32 {
        self.gateway.id()
    }

    pub(super) fn stranger(&self) -> Stranger {
        Stranger::at(self.address())
    }

    /// Ends it, and reads what it wrote.
    pub(super) fn end(self) -> Logs {
        self.gateway.signal(Signal::TERM);
        let (status, access, own) = self.gateway.wait();
        assert!(status.success(), "{own}");
        assert!(!own.contains("panicked"), "{own}");
        Logs { access, own }
    }
}

impl Logs {
    /// The lines of the access log.
    pub(super) fn requests(&self) -> Vec<serde_json::Value> {
        let lines = self.access.lines();
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    }

    pub(super) fn hold_nothing_of(&self, secrets: &[&str]) {
        for secret in secrets {
            assert!(!self.access.contains(secret), "{secret} in the access log: {}", self.access);
            assert!(!self.own.contains(secret), "{secret} in the log: {}", self.own);
        }
    }
}
