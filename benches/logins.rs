//! What does a flood of sign-ins cost everybody else, and those who sign in? And what is left to sign-ins where requests
//! take all there is?
//!
//! `cargo bench --bench logins`; `-- quick` for a short round that only shows that it works. A gateway in a process of
//! its own, on loopback, with a trivial upstream. First, requests with a token, one every millisecond, are timed while it is
//! quiet and while 500 clients keep signing in, each as soon as it is answered, or after a second if it is told to wait.
//! Then, with the gateway on one core and everything else on the others, 64 clients ask for as much as they can get, alone
//! and while 8 sign in. Rounds alternate; what is printed, as Markdown, are medians over the rounds.

#[path = "logins/gateway.rs"]
mod gateway;
#[path = "logins/load.rs"]
mod load;

use std::path::Path;
use std::time::Duration;

use gatepass::clock;
use gateway::{Gateway, cores, run_on};
use load::{CLIENTS, Flood, many_requests, percentile, requests};

/// The gateway's own allocator: what is weighed is what runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long and how hard.
struct Plan {
    rounds: usize,
    half: Duration,
    cost: u32,
}

/// Clients that ask, and clients that sign in, where requests take all there is.
const ASKING: usize = 64;
const SIGNING_IN: usize = 8;

fn main() {
    // `cargo bench` adds an argument of its own.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [] => run(&Plan { rounds: 5, half: Duration::from_secs(10), cost: 12 }),
        ["quick"] => run(&Plan { rounds: 1, half: Duration::from_secs(3), cost: 10 }),
        ["serve", file] => gateway::serve(file, None),
        ["serve", file, core] => gateway::serve(file, Some(core)),
        other => panic!("not understood: {other:?}; see the first lines of benches/logins.rs"),
    }
}

fn run(plan: &Plan) {
    let folder = || tempfile::tempdir().expect("a folder");
    flooded(plan, folder().path());
    match cores().as_slice() {
        [first, others @ ..] if !others.is_empty() => busy(plan, folder().path(), *first, others),
        _ => println!("\none core: no telling what is left of it while requests take all there is"),
    }
}

/// Many sign in while a few requests come.
fn flooded(plan: &Plan, folder: &Path) {
    let gateway = Gateway::start(folder, plan.cost, None);
    let token = gateway.sign_in();
    let hash = gateway.one_hash();
    let before = gateway.resident();
    let (mut quiet, mut flooded) = (Vec::new(), Vec::new());
    let (mut signed_in, mut hashing) = (Vec::new(), Vec::new());
    let (mut refused, mut most) = (Vec::new(), before);
    for _ in 0..plan.rounds {
        quiet.push(requests(gateway.public, &token, plan.half));
        let flood = Flood::start(gateway.public, CLIENTS);
        let (began, hashed) = (clock::instant(), gateway.hashed());
        flooded.push(requests(gateway.public, &token, plan.half));
        let end = clock::instant();
        hashing.push((gateway.hashed() - hashed) / end.duration_since(began).as_secs_f64());
        most = most.max(gateway.resident());
        let told = flood.stop();
        signed_in.push(told.signed_in_per_second(end));
        refused.extend(told.refused);
    }
    let after = gateway.resident();
    println!("\n| requests with a token, one a millisecond | p50 | p99 |\n|---|---|---|");
    latencies(&[("quiet", &quiet), ("500 signing in", &flooded)]);

    let per_second = median(&mut signed_in);
    let possible = gateway::THREADS / hash;
    println!("\n| signing in | |\n|---|---|");
    println!("| one hash (cost {}), on a core of its own | {:.1} ms |", plan.cost, hash * 1e3);
    println!(
        "| signed in, a second | {per_second:.2}, {:.0} % of {possible:.2} (hash threads ÷ one hash) |",
        per_second / possible * 100.0
    );
    println!("| hash threads had | {:.0} % of a core |", median(&mut hashing) * 100.0);
    refused.sort_unstable();
    if !refused.is_empty() {
        let at = |percent| shown(percentile(&refused, percent));
        println!("| told to wait within, p50, p99, most | {}, {}, {} |", at(50), at(99), at(100));
    }
    println!("| told to wait | {} |", refused.len());
    println!("| resident before, at most, after | {before}, {most}, {after} KiB |");
}

/// A few sign in while requests take all of the gateway's one core.
fn busy(plan: &Plan, folder: &Path, core: usize, others: &[usize]) {
    run_on(others);
    let gateway = Gateway::start(folder, plan.cost, Some(core));
    let token = gateway.sign_in();
    let ask = || many_requests(gateway.public, &token, ASKING, plan.half);
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let (mut signed_in, mut hashing) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        alone.push(ask());
        let flood = Flood::start(gateway.public, SIGNING_IN);
        let (began, hashed) = (clock::instant(), gateway.hashed());
        beside.push(ask());
        let end = clock::instant();
        hashing.push((gateway.hashed() - hashed) / end.duration_since(began).as_secs_f64());
        signed_in.push(flood.stop().signed_in_per_second(end));
    }
    println!("\n| requests saturate the gateway's one core | p50 | p99 |\n|---|---|---|");
    latencies(&[("64 clients ask", &alone), ("and 8 sign in", &beside)]);
    let rate = |rounds: &[Vec<Duration>]| {
        let count = u32::try_from(rounds.iter().map(Vec::len).sum::<usize>()).expect("no such machine");
        f64::from(count) / (plan.half.as_secs_f64() * f64::from(u32::try_from(plan.rounds).expect("a few")))
    };
    println!("\n| meanwhile | |\n|---|---|");
    println!("| requests a second, alone, beside sign-ins | {:.0}, {:.0} |", rate(&alone), rate(&beside));
    println!("| signed in, a second | {:.2} |", median(&mut signed_in));
    println!("| hash threads had | {:.0} % of the core |", median(&mut hashing) * 100.0);
}

/// Two rows, and how they compare.
fn latencies(rows: &[(&str, &[Vec<Duration>]); 2]) {
    let at = |percent| rows.map(|(_, rounds)| of_rounds(rounds, percent));
    let (p50, p99) = (at(50), at(99));
    for (row, (name, _)) in rows.iter().enumerate() {
        println!("| {name} | {} | {} |", shown(p50[row]), shown(p99[row]));
    }
    let ratio = |[before, after]: [Duration; 2]| after.as_secs_f64() / before.as_secs_f64();
    println!("| times as long | {:.2} | {:.2} |", ratio(p50), ratio(p99));
}

fn median(found: &mut [f64]) -> f64 {
    found.sort_by(f64::total_cmp);
    found[found.len() / 2]
}

/// The median over the rounds of what `percent` of a round's requests were answered within.
fn of_rounds(rounds: &[Vec<Duration>], percent: usize) -> Duration {
    let mut found: Vec<Duration> = rounds.iter().map(|round| percentile(round, percent)).collect();
    found.sort_unstable();
    found[found.len() / 2]
}

fn shown(duration: Duration) -> String {
    format!("{:.3} ms", duration.as_secs_f64() * 1e3)
}
