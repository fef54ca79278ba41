//! Who stands there while something goes wrong?
//!
//! Four gateways, each the real binary with a folder of its own; before each its own way to Redis; one upstream.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;

use super::history::Gateway;
use crate::world::binary::{Binary, gatepass};
use crate::world::chaos::Chaos;
use crate::world::recorder::Recorder;
use crate::world::tokens::Mint;
use crate::world::{ROUTES, config_text, load};

/// How many gateways there are.
pub(super) const GATEWAYS: usize = 4;
/// The user that each of them knows.
pub(super) const LOGIN: &str = "ada@example.org";
pub(super) const PASSWORD: &str = "correct horse battery";

/// Where a gateway's log goes.
const LOG: &str = "gatepass.log";

/// What a process holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holding {
    pub(super) threads: usize,
    pub(super) files: usize,
    pub(super) kilobytes: usize,
}

/// Where the gateways listen now.
pub(super) type Addresses = Arc<Mutex<Vec<SocketAddr>>>;

/// The gateways and their links.
pub(super) struct Fleet {
    folders: Vec<TempDir>,
    processes: Vec<Option<Binary>>,
    pub(super) addresses: Addresses,
    pub(super) links: Vec<Chaos>,
    _upstream: Recorder,
}

impl Fleet {
    /// Starts all of them, on the Redis at this port; and what makes tokens that all of them take.
    pub(super) async fn start(redis: u16, max_staleness: Duration) -> (Self, Mint) {
        let upstream = Recorder::start().await;
        let links: Vec<Chaos> = (0..GATEWAYS).map(|_| Chaos::before(redis)).collect();
        let folders: Vec<TempDir> = links.iter().map(|_| tempfile::tempdir().unwrap()).collect();
        let mut mint = None;
        for (folder, link) in folders.iter().zip(&links) {
            let text = configuration(upstream.address(), link.port(), max_staleness);
            mint = Some(Mint::new(&load(folder.path(), &text).tokens));
        }
        add_user(folders[0].path());
        for folder in &folders[1..] {
            fs::copy(folders[0].path().join("gatepass.db"), folder.path().join("gatepass.db")).unwrap();
        }
        // All at once: a log may make them wait.
        let paths = folders.iter().map(|folder| folder.path().to_owned());
        let starting: Vec<_> =
            paths.map(|folder| tokio::task::spawn_blocking(move || run(&folder))).collect();
        let mut processes = Vec::new();
        for one in starting {
            processes.push(Some(one.await.unwrap()));
        }
        let addresses = processes.iter().flatten().map(Binary::public).collect();
        let addresses = Arc::new(Mutex::new(addresses));
        (Self { folders, processes, addresses, links, _upstream: upstream }, mint.unwrap())
    }

    /// Kills one: `SIGKILL`.
    pub(super) fn kill(&mut self, gateway: Gateway) {
        drop(self.processes[gateway].take());
    }

    /// Starts one again, perhaps on another port.
    pub(super) fn start_again(&mut self, gateway: Gateway) {
        let process = run(self.folders[gateway].path());
        self.addresses.lock().unwrap()[gateway] = process.public();
        self.processes[gateway] = Some(process);
    }

    /// What a gateway's process holds now.
    pub(super) fn holding(&self, gateway: Gateway) -> Holding {
        let id = self.processes[gateway].as_ref().expect("it runs").id();
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).expect("the field");
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let files = fs::read_dir(format!("/proc/{id}/fd")).unwrap().count();
        Holding { threads: field("Threads:"), files, kilobytes: field("VmRSS:") }
    }

    /// The last lines a gateway wrote to its log, over all its lives.
    pub(super) fn said(&self, gateway: Gateway) -> String {
        let log = fs::read_to_string(self.folders[gateway].path().join(LOG)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

fn configuration(upstream: SocketAddr, redis: u16, max_staleness: Duration) -> String {
    let redis = format!(
        "[revocation]\nstore = \"redis://127.0.0.1:{redis}\"\nmax_staleness = \"{}ms\"",
        max_staleness.as_millis()
    );
    config_text(upstream, ROUTES)
        .replace("[revocation]\nstore = \"sqlite:gatepass.db\"", &redis)
        .replace("[log]", "[log]\nlevel = \"warn\"")
}

fn add_user(folder: &Path) {
    let mut child = gatepass()
        .args(["user", "add", LOGIN, "--password-stdin"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    assert!(child.wait().unwrap().success());
}

fn run(folder: &Path) -> Binary {
    let log = File::options().create(true).append(true).open(folder.join(LOG)).unwrap();
    Binary::run(&folder.join("gateway.toml")).logging_to(log)
}
