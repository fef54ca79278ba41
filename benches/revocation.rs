//! What does revocation cost: how long does a set take to load, what does it weigh, how long does a look-up take, what
//! does a request cost beside it, and how soon does every gateway refuse what one has revoked?
//!
//! `cargo bench --bench revocation -- scale`, `-- requests`, `-- latency`, or all of it without an argument; a number
//! behind the first two is the largest set (ten million if it is not said). Against real `redis-server`s on free
//! ports; prints Markdown. `benches/revocation/RESULTS.md` keeps a run.

#[path = "revocation/latency.rs"]
mod latency;
#[path = "revocation/requests.rs"]
mod requests;
#[path = "revocation/scale.rs"]
mod scale;
#[path = "revocation/server.rs"]
mod server;

/// The gateway's own allocator: what is weighed is what runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // `cargo bench` adds an argument of its own.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [] => {
            scale::run(scale::MOST);
            requests::run(scale::MOST);
            latency::run();
        }
        ["scale"] => scale::run(scale::MOST),
        ["scale", most] => scale::run(most.parse().expect("a number of entries")),
        ["requests"] => requests::run(scale::MOST),
        ["requests", entries] => requests::run(entries.parse().expect("a number of entries")),
        ["latency"] => latency::run(),
        ["serve", file] => requests::serve(file),
        ["one", address, count, held] => scale::one(address, count, held),
        other => panic!("not understood: {other:?}; see the first lines of benches/revocation.rs"),
    }
}
