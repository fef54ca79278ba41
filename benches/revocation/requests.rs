//! What does a request with a token cost beside a set that is empty, and beside a large one? CPU time of the gateway's
//! process, in interleaved rounds.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use gatepass::clock::Clock;
use gatepass::server::Gateway;
use gatepass::token::{Issuer, KeyRing};

use super::latency::{Client, config, token, upstream};
use super::scale;
use super::server::Server;

const ROUNDS: usize = 9;
const CLIENTS: usize = 4;
const REQUESTS: usize = 5_000;
/// Processor time is counted in hundredths of a second.
const TICK_MICROS: u64 = 10_000;

/// A gateway in a process of its own.
struct Subject {
    process: Child,
    address: SocketAddr,
    redis: Server,
}

/// Measures beside `entries` revocations, and prints a table.
pub(crate) fn run(entries: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let upstream = upstream();
    let subjects = [0, entries].map(|count| {
        let redis = Server::start();
        scale::fill(&redis, 0, count);
        Subject::start(&folder.path().join(count.to_string()), upstream, redis)
    });
    let keys = config(&folder.path().join("keys"), upstream, &subjects[0].redis.url()).tokens;
    let issuer = Issuer::new(&keys, Arc::new(KeyRing::new(&keys)), Clock::system());
    let tokens: Vec<String> = (0..1_000).map(|_| token(&issuer)).collect();
    let mut costs = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        for (subject, costs) in subjects.iter().zip(&mut costs) {
            let cost = subject.cost(&tokens);
            // The first round warms both up.
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    let [empty, full] = costs.map(|mut costs| {
        costs.sort_unstable();
        costs[costs.len() / 2]
    });
    println!("\n| entries | CPU, a request (median of {ROUNDS} rounds of {}) |", CLIENTS * REQUESTS);
    println!("|---|---|");
    println!("| 0 | {}.{:02} µs |", empty / 100, empty % 100);
    println!("| {entries} | {}.{:02} µs, {} % of the first |", full / 100, full % 100, full * 100 / empty);
}

impl Subject {
    fn start(folder: &Path, upstream: SocketAddr, redis: Server) -> Self {
        // Written and checked here, read again there.
        drop(config(folder, upstream, &redis.url()));
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .arg("serve")
            .arg(folder.join("gateway.toml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("its address");
        Self { process, address: line.trim().parse().expect("an address"), redis }
    }

    /// What one round costs, in hundredths of a microsecond a request.
    fn cost(&self, tokens: &[String]) -> u64 {
        let before = self.processor_time();
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                scope.spawn(move || {
                    let mut connection = Client::connect(self.address);
                    for n in 0..REQUESTS {
                        let token = &tokens[(client * REQUESTS + n) % tokens.len()];
                        assert_eq!(connection.get(token), 200);
                    }
                });
            }
        });
        let requests = u64::try_from(CLIENTS * REQUESTS).expect("a small number");
        (self.processor_time() - before) * TICK_MICROS * 100 / requests
    }

    /// User and system time of the process so far, in ticks.
    fn processor_time(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("Linux");
        let fields: Vec<&str> =
            stat.rsplit(')').next().expect("a process has a name").split_whitespace().collect();
        [11, 12].map(|at| fields[at].parse::<u64>().expect("a number")).iter().sum()
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves what a configuration file says until nobody holds its stdin.
pub(crate) fn serve(file: &str) {
    let loaded = gatepass::config::load(Path::new(file)).unwrap_or_else(|report| panic!("{}", report.text));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let gateway = runtime.block_on(Gateway::start(loaded.config)).expect("the gateway starts");
    println!("{}", gateway.public()[0]);
    let mut held = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut held);
}
