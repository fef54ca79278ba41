//! What does a flood of sign-ins cost everybody else, and those who sign in?
//!
//! `cargo bench --bench logins`; `-- quick` for a short round that only shows that it works. A gateway in a process of
//! its own, on loopback, with a trivial upstream: requests with a token are timed while it is quiet and while 500 clients
//! keep signing in, each as soon as it is answered, or after a second if it is told to wait. Rounds alternate; what is
//! printed, as Markdown, are medians over the rounds.

#[path = "logins/gateway.rs"]
mod gateway;
#[path = "logins/load.rs"]
mod load;

use std::time::Duration;

use gateway::Gateway;
use load::{Flood, percentile, requests};

/// The gateway's own allocator: what is weighed is what runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long and how hard.
struct Plan {
    rounds: usize,
    half: Duration,
    cost: u32,
}

fn main() {
    // `cargo bench` adds an argument of its own.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [] => run(&Plan { rounds: 5, half: Duration::from_secs(10), cost: 12 }),
        ["quick"] => run(&Plan { rounds: 1, half: Duration::from_secs(3), cost: 10 }),
        ["serve", file] => gateway::serve(file),
        other => panic!("not understood: {other:?}; see the first lines of benches/logins.rs"),
    }
}

fn run(plan: &Plan) {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Gateway::start(folder.path(), plan.cost);
    let token = gateway.sign_in();
    let hash = gateway.one_hash();
    let before = gateway.resident();
    let (mut quiet, mut flooded) = (Vec::new(), Vec::new());
    let (mut signed_in, mut refused, mut most) = (Vec::new(), Vec::new(), before);
    for _ in 0..plan.rounds {
        quiet.push(requests(gateway.public, &token, plan.half));
        let flood = Flood::start(gateway.public);
        flooded.push(requests(gateway.public, &token, plan.half));
        most = most.max(gateway.resident());
        let told = flood.stop();
        signed_in.push(told.signed_in_per_second);
        refused.extend(told.refused);
    }
    let after = gateway.resident();
    let [quiet_50, quiet_99] = [50, 99].map(|percent| of_rounds(&quiet, percent));
    let [flood_50, flood_99] = [50, 99].map(|percent| of_rounds(&flooded, percent));
    println!("\n| requests with a token | p50 | p99 |\n|---|---|---|");
    println!("| quiet | {} | {} |", shown(quiet_50), shown(quiet_99));
    println!("| 500 signing in | {} | {} |", shown(flood_50), shown(flood_99));
    let ratio = |flood: Duration, quiet: Duration| flood.as_secs_f64() / quiet.as_secs_f64();
    println!("| times as long | {:.2} | {:.2} |", ratio(flood_50, quiet_50), ratio(flood_99, quiet_99));

    signed_in.sort_by(f64::total_cmp);
    let per_second = signed_in[signed_in.len() / 2];
    let possible = gateway::THREADS / hash;
    println!("\n| signing in | |\n|---|---|");
    println!("| one hash (cost {}), quiet | {:.1} ms |", plan.cost, hash * 1e3);
    println!(
        "| signed in, a second | {per_second:.2}, {:.0} % of {possible:.2} (hash threads ÷ one hash) |",
        per_second / possible * 100.0
    );
    refused.sort_unstable();
    if !refused.is_empty() {
        let at = |percent| shown(percentile(&refused, percent));
        println!("| told to wait within, p50, p99, most | {}, {}, {} |", at(50), at(99), at(100));
    }
    println!("| told to wait | {} |", refused.len());
    println!("| resident before, at most, after | {before}, {most}, {after} KiB |");
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
