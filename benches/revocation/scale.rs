//! Sets of up to ten million: load, weight, look-up, sweep; each in a process of its own, so that nothing is weighed
//! twice.

use std::fmt::Write as _;
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use criterion::Criterion;
use gatepass::clock::{self, Clock, UnixTime};
use gatepass::identity::{Digest, LoginId, RevocationDigests, Subject, TokenId};
use gatepass::revocation::{Revocations, Scope, Settings, Standing, Store};
use gatepass::secret::Secret;

use super::server::Server;

/// The largest set.
pub(crate) const MOST: usize = 10_000_000;

const ISSUER: &str = "https://bench.example";
/// Entries written by one script.
const PART: usize = 1_000;
/// From when on half of the entries may be forgotten, in seconds from now.
const SOON: u64 = 3_600;

/// What a log looks like after as many revocations, written as the log's own scripts write it.
const FILL: &str = r"
local t = redis.call('TIME')
local now = tonumber(t[1])
local seq = tonumber(redis.call('HGET', KEYS[1], 'seq') or '0')
if seq == 0 then
  redis.call('HSET', KEYS[1], 'incarnation', string.rep('1', 32), 'mark', string.rep('1', 16), 'version', '1', 'born', '1')
end
for i = 1, #ARGV do
  seq = seq + 1
  local expires = now + 3600
  if seq % 2 == 0 then expires = now + 86400 end
  local text = string.format('%.0f', now * 1000000 + seq) .. ' R ' .. string.format('%.0f', expires)
  redis.call('SET', '{gatepass}:r:' .. ARGV[i], text, 'EXAT', string.format('%.0f', expires + 300))
  redis.call('XADD', KEYS[2], string.format('%.0f', seq) .. '-0', 'r', ARGV[i] .. ' ' .. text, 'm', string.rep('1', 16))
end
redis.call('HSET', KEYS[1], 'seq', string.format('%.0f', seq))
return 'OK'
";

/// Measures every size up to `most`.
pub(crate) fn run(most: usize) {
    let server = Server::start();
    let empty = server.info("used_memory");
    println!(
        "\n| entries | load | resident, an entry | peak while loading | hit | miss | worst look-up in a sweep | Redis, an entry |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut held = 0;
    for count in [0, 10_000, 1_000_000, 10_000_000] {
        if count > most {
            break;
        }
        fill(&server, held, count);
        held = count;
        let redis = (server.info("used_memory") - empty).checked_div(count as u64);
        let row = Command::new(std::env::current_exe().expect("this program"))
            .args(["one", &server.url(), &count.to_string(), &redis.map_or("-".into(), |b| format!("{b} B"))])
            .output()
            .expect("this program starts");
        print!("{}", String::from_utf8_lossy(&row.stdout));
        assert!(row.status.success(), "{}", String::from_utf8_lossy(&row.stderr));
    }
}

/// Revokes the tokens from the one number to before the other.
pub(crate) fn fill(server: &Server, from: usize, to: usize) {
    for part in (from..to).step_by(PART) {
        let digests: Vec<String> = (part..to.min(part + PART)).map(|n| token(n).token.to_hex()).collect();
        let fixed = ["EVAL", FILL, "2", "{gatepass}:head", "{gatepass}:stream"];
        let words: Vec<&str> = fixed.into_iter().chain(digests.iter().map(String::as_str)).collect();
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            let _ = write!(command, "${}\r\n{word}\r\n", word.len());
        }
        server.send(command.as_bytes(), 1);
    }
}

fn token(n: usize) -> RevocationDigests {
    let id = TokenId::parse(&format!("token-{n}")).expect("an identifier");
    let login = LoginId::parse(&format!("login-{n}")).expect("an identifier");
    RevocationDigests {
        token: Digest::of_token(ISSUER, &id),
        login: Some(Digest::of_login(ISSUER, &login)),
        user: Digest::of_user(ISSUER, &Subject::parse(&format!("user-{n}")).expect("a subject")),
        key: Digest::of_key(ISSUER, "key"),
    }
}

/// Measures one size: `count` entries at `address`. Prints a row.
pub(crate) fn one(address: &str, count: &str, redis: &str) {
    let entries: usize = count.parse().expect("a number");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let start = Clock::system().now();
    let (clock, hand) = Clock::manual(start);
    let before = resident("VmRSS");
    let began = clock::instant();
    let revocations = runtime.block_on(async {
        let store = Store::Redis(Secret::from(address));
        Revocations::open(&Settings::of(store), clock).await.expect("the set opens")
    });
    let load = began.elapsed();
    let deadline = clock::instant() + Duration::from_secs(60);
    while revocations.is_stale() && clock::instant() < deadline {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    assert_eq!(revocations.entries(), entries, "everything has been loaded");
    let peak = resident("VmHWM").saturating_sub(before);
    let weight = resident("VmRSS").saturating_sub(before);
    let (hit, miss) = look_ups(&revocations, entries, start);
    // Forward to where half of the entries are over: the follower sweeps while requests go on.
    hand.advance(Duration::from_secs(SOON + 120));
    let worst = during_sweep(&revocations, entries, start);
    let each = |bytes: u64| bytes.checked_div(entries as u64).map_or("-".into(), |each| format!("{each} B"));
    println!(
        "| {entries} | {:.2} s | {} | {} MiB | {} | {miss} ns | {} | {redis} |",
        load.as_secs_f64(),
        each(weight),
        peak >> 20,
        hit.map_or("-".into(), |hit| format!("{hit} ns")),
        worst.map_or("-".into(), |worst| format!("{:.2} ms", worst.as_secs_f64() * 1e3)),
    );
}

/// The median time of a look-up that finds something and of one that finds nothing, in nanoseconds.
fn look_ups(revocations: &Revocations, entries: usize, now: UnixTime) -> (Option<u128>, u128) {
    // As many different tokens as do not fit a processor's caches together with what they touch.
    const ASKED: usize = 200_000;
    let step = (entries / ASKED).max(1);
    let known: Vec<RevocationDigests> = (0..entries).step_by(step).map(token).collect();
    let unknown: Vec<RevocationDigests> = (0..ASKED).map(|n| token(MOST + n)).collect();
    let hit = (entries > 0).then(|| median(revocations, &known, now, Standing::Revoked(Scope::Token)));
    (hit, median(revocations, &unknown, now, Standing::Clear))
}

fn median(revocations: &Revocations, asked: &[RevocationDigests], now: UnixTime, expected: Standing) -> u128 {
    let folder = tempfile::tempdir().expect("a folder");
    let mut criterion = Criterion::default().output_directory(folder.path()).without_plots().sample_size(30);
    let mut at = 0;
    let mut samples = Vec::new();
    criterion.bench_function("look-up", |bencher| {
        bencher.iter_custom(|rounds| {
            let began = clock::instant();
            for _ in 0..rounds {
                at = (at + 1) % asked.len();
                let standing = revocations.standing(black_box(&asked[at]), Some(1), now, None);
                assert_eq!(standing, expected);
            }
            let took = began.elapsed();
            samples.push(took.as_nanos() / u128::from(rounds.max(1)));
            took
        });
    });
    samples.sort_unstable();
    samples[samples.len() / 2]
}

/// The longest a look-up took while half of the entries were forgotten; nothing where there are none.
fn during_sweep(revocations: &Arc<Revocations>, entries: usize, now: UnixTime) -> Option<Duration> {
    if entries == 0 {
        return None;
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut worst = Duration::ZERO;
            let tokens: Vec<RevocationDigests> =
                (0..100_000).map(|n| token(n * 97 % entries.max(1))).collect();
            while !done.load(Ordering::Relaxed) {
                for token in &tokens {
                    let began = clock::instant();
                    black_box(revocations.standing(token, Some(1), now, None));
                    worst = worst.max(began.elapsed());
                }
            }
            worst
        });
        let deadline = clock::instant() + Duration::from_secs(120);
        while revocations.entries() > entries / 2 + 1 && clock::instant() < deadline {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        done.store(true, Ordering::Relaxed);
        assert!(revocations.entries() <= entries / 2 + 1, "half of them were swept");
        Some(looking.join().expect("it looks"))
    })
}

/// A line of this process's status, in bytes.
fn resident(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()).expect("the line");
    number.parse::<u64>().expect("a number") * 1024
}
