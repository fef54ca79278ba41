//! The six invariants, for requests nobody listed: generated, sent on raw sockets through a gateway that runs, and judged
//! by what the upstream got and what came back. The judges share no code with the gateway.
//!
//! * I1: the path that was decided upon is the path the upstream got, and no reader of it arrives where more is needed;
//! * I2: identity headers, and what else a client must not say for us, are ours alone;
//! * I3, I6: every connection has its answers or its end in time, none is a failure of ours, and a clean request behind
//!   them is served;
//! * I4: the upstream sees no more requests than were sent and let in, in their order, with their bodies;
//! * I5: no answer repeats a token, a password or a key.
//!
//! `GATEPASS_CASES` says how many requests (a few thousand if unset), `GATEPASS_SEED` which. The long run:
//!
//! ```text
//! GATEPASS_CASES=1000000 cargo nextest run --profile long --no-capture -E 'test(gauntlet::http_1)'
//! ```
//!
//! A case that fails is made as small as it can be made, and printed byte by byte.

mod client;
mod found;
mod generate;
mod judge;
mod planted;
pub(crate) mod readers;
mod request;
mod rights;
mod tally;
mod tokens;
mod upstream;

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tokio::task::JoinSet;

use client::{send, send_h2};
use judge::{Heard, judge};
use request::{Credential, Form, Framing, Hosts, Plan, Sent};
use tally::Tally;
use upstream::{ECHO, Seen, Upstream};

use crate::world::recorder::Recorder;
use crate::world::tls::{H2, certificate};
use crate::world::{ROUTES, World, config_text};

/// A password that no answer may repeat.
const PASSWORD: &str = "a-password-that-nobody-repeats";

/// Connections at once.
const BATCH: usize = 96;

/// How small a failing case is made at most.
const SHRINKING: usize = 400;

type Tree = Box<dyn ValueTree<Value = Vec<Plan>>>;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// A gateway that is tried, and what came of it.
struct Gauntlet {
    world: World,
    upstream: Upstream,
    strategy: BoxedStrategy<Vec<Plan>>,
    runner: TestRunner,
    seed: u64,
    connections: u64,
    tally: Tally,
}

impl Gauntlet {
    async fn new(more: &str) -> Self {
        let upstream = Upstream::start().await;
        let text = config_text(upstream.address, &format!("{more}{ROUTES}"));
        let world = World::configured(Recorder::start().await, &text).await;
        let seed = number("GATEPASS_SEED").unwrap_or_else(|| u64::from_le_bytes(gatepass::secret::random()));
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let runner = TestRunner::new_with_rng(Config::default(), rng);
        let strategy = generate::plans().boxed();
        Self { world, upstream, strategy, runner, seed, connections: 0, tally: Tally::default() }
    }

    fn tree(&mut self) -> Tree {
        Box::new(self.strategy.new_tree(&mut self.runner).expect("nothing is filtered away"))
    }

    fn sent(&mut self, plans: &[Plan]) -> Sent {
        self.connections += 1;
        Sent::of(plans, self.connections)
    }

    /// Sends all of these at once; what came of each, in their order.
    async fn exchange(&mut self, all: Vec<Sent>) -> Vec<(Sent, Vec<Seen>, Heard)> {
        let address = self.world.address();
        let mut tasks = JoinSet::new();
        let count = all.len();
        for (at, sent) in all.into_iter().enumerate() {
            tasks.spawn(async move {
                let heard = send(address, &sent).await;
                (at, sent, heard)
            });
        }
        let mut done: Vec<Option<(Sent, Heard)>> = vec![None; count];
        while let Some(task) = tasks.join_next().await {
            let (at, sent, heard) = task.unwrap();
            done[at] = Some((sent, heard));
        }
        self.clean().await;
        let mut seen = by_connection(self.upstream.take().await);
        let of = |sent: &Sent| {
            sent.truths.first().and_then(|truth| truth.marker.split('-').next()).map(str::to_owned)
        };
        let matched = done.into_iter().flatten().map(|(sent, heard)| {
            let seen = of(&sent).and_then(|name| seen.remove(&name)).unwrap_or_default();
            (sent, seen, heard)
        });
        let matched: Vec<_> = matched.collect();
        seen.remove("clean");
        assert!(seen.is_empty(), "I4: requests that nobody sent (seed {}): {seen:?}", self.seed);
        matched
    }

    /// A request without blemish, on a connection of its own: it is served, whatever came before it.
    async fn clean(&self) {
        let sent = Sent::of(&[blameless()], 0);
        let heard = send(self.world.address(), &Sent { wire: replaced(&sent.wire), ..sent }).await;
        let answer = heard.answers.first().cloned().unwrap_or_default();
        assert_eq!(
            (answer.status, answer.value(ECHO)),
            (200, "clean-0"),
            "a clean request (seed {})",
            self.seed
        );
    }

    /// What is wrong with these, sent alone.
    async fn alone(&mut self, plans: &[Plan]) -> (Vec<u8>, Vec<String>) {
        let sent = self.sent(plans);
        let (sent, seen, heard) = self.exchange(vec![sent]).await.remove(0);
        let found = judge(&sent, &seen, &heard);
        (sent.wire, found)
    }

    /// Makes a failing case small, and says what it is.
    async fn report(&mut self, mut tree: Tree, sent: &Sent, found: &[String]) -> ! {
        let mut smallest = (sent.wire.clone(), found.to_vec());
        for _ in 0..SHRINKING {
            if !tree.simplify() {
                break;
            }
            let (wire, found) = self.alone(&tree.current()).await;
            if !found.is_empty() {
                smallest = (wire, found);
            } else if !tree.complicate() {
                break;
            }
        }
        panic!("seed {}: {:#?}\n{}\n{}", self.seed, smallest.1, smallest.0.escape_ascii(), self.tally);
    }

    async fn run(&mut self, cases: u64) {
        while self.tally.requests < cases {
            let mut trees: Vec<Tree> = (0..BATCH).map(|_| self.tree()).collect();
            let all: Vec<Sent> =
                trees.iter().map(ValueTree::current).map(|plans| self.sent(&plans)).collect();
            for (at, (sent, seen, heard)) in self.exchange(all).await.into_iter().enumerate() {
                let found = judge(&sent, &seen, &heard);
                if !found.is_empty() {
                    self.report(trees.swap_remove(at), &sent, &found).await;
                }
                self.tally.add(&sent, &seen, &heard);
            }
        }
    }

    /// The same over h2: each request a stream, some connections at once.
    async fn run_h2(&mut self, cases: u64, trusted: &rustls_pki_types::CertificateDer<'static>) {
        while self.tally.requests < cases {
            let mut tasks = JoinSet::new();
            for _ in 0..8 {
                let client = H2::connect(&self.world, trusted.clone()).await;
                for _ in 0..16 {
                    let plan = self.tree().current().remove(0);
                    self.connections += 1;
                    let (mut client, marker) = (client.clone(), format!("c{}-0", self.connections));
                    tasks.spawn(async move { (send_h2(&mut client, &plan, marker).await, plan) });
                }
            }
            let done = tasks.join_all().await;
            let mut seen = by_connection(self.upstream.take().await);
            for (exchange, plan) in done {
                let Some((sent, heard)) = exchange else { continue };
                let name = sent.truths[0].marker.trim_end_matches("-0");
                let seen = seen.remove(name).unwrap_or_default();
                let found = judge(&sent, &seen, &heard);
                assert!(found.is_empty(), "seed {}: {found:#?}\n{plan:?}\n{heard:?}", self.seed);
                self.tally.add(&sent, &seen, &heard);
            }
            assert!(seen.is_empty(), "I4: requests that nobody sent (seed {}): {seen:?}", self.seed);
        }
    }

    /// At least a tenth went through, and everything that can become of a request has become of one.
    fn all_was_tried(&self, wanted: &[&str]) {
        println!("seed {}: {}", self.seed, self.tally);
        assert!(
            self.tally.all_forwarded() * 10 >= self.tally.requests,
            "too few were forwarded: {}",
            self.tally
        );
        let missing = self.tally.missing(wanted);
        assert!(missing.is_empty(), "never reached: {missing:?}\n{}", self.tally);
    }
}

/// What was seen, by the connection that the marker names.
fn by_connection(seen: Vec<Seen>) -> HashMap<String, Vec<Seen>> {
    let mut found: HashMap<String, Vec<Seen>> = HashMap::new();
    for request in seen {
        let name =
            request.marker().and_then(|marker| marker.split('-').next()).unwrap_or("nobody").to_owned();
        found.entry(name).or_default().push(request);
    }
    found
}

/// `GET /public/clean`, as a browser would send it.
fn blameless() -> Plan {
    Plan {
        method: "GET",
        form: Form::Origin,
        path: b"/public/clean".to_vec(),
        version: "HTTP/1.1",
        hosts: Hosts(&[b"gw.test"], true),
        credential: Credential::None,
        lines: Vec::new(),
        framing: Framing::None,
        body: Vec::new(),
    }
}

/// With the marker of a clean request.
fn replaced(wire: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(wire).replace("c0-0", "clean-0").into_bytes()
}

const FORWARDED: [&str; 6] = [
    "public, no credential",
    "public, with credentials",
    "optional, anonymous",
    "optional, with a token",
    "authenticated",
    "with a scope",
];
const REFUSED: [&str; 7] = [
    "400 bad_target",
    "400 malformed_credentials",
    "400 multiple_credentials",
    "401 missing_token",
    "401 invalid token",
    "403 insufficient_scope",
    "405 method_not_allowed",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn http_1_keeps_the_invariants() {
    let mut gauntlet = Gauntlet::new("").await;
    gauntlet.run(number("GATEPASS_CASES").unwrap_or(6_000)).await;
    let framing = ["400 bad_framing", "400 bad_host", "204", "the connection's end"];
    assert!(gauntlet.tally.later > 0, "nothing was forwarded behind another request: {}", gauntlet.tally);
    gauntlet.all_was_tried(&[&FORWARDED[..], &REFUSED, &framing].concat());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn h2_keeps_the_invariants() {
    let dir = tempfile::tempdir().unwrap();
    let (trusted, section) = certificate(dir.path());
    let mut gauntlet = Gauntlet::new(&section).await;
    gauntlet.run_h2(number("GATEPASS_CASES").unwrap_or(12_000) / 4, &trusted).await;
    gauntlet.all_was_tried(&[&FORWARDED[..], &REFUSED].concat());
}
