//! What do many guesses at once come to?

use std::collections::BTreeMap;
use std::time::Duration;

use super::{STRICT, ada_in, ada_with, form, hashes, on};
use crate::world::binary::Binary;
use crate::world::people::Stranger;
use crate::world::recorder::Recorder;
use crate::world::redis::Redis;
use crate::world::tls::{H2, certificate};
use crate::world::{ROUTES, SECRET, World, config_text};

/// How many answers had each status.
type Statuses = BTreeMap<u16, usize>;

fn counted(statuses: impl IntoIterator<Item = u16>) -> Statuses {
    let mut counts = Statuses::new();
    for status in statuses {
        *counts.entry(status).or_default() += 1;
    }
    counts
}

/// Fifty guesses over HTTP/1.1, at these gateways in turn.
async fn fifty(worlds: &[&World]) -> Statuses {
    let tries = (0..50).map(|n| {
        let stranger = worlds[n % worlds.len()].stranger();
        tokio::spawn(async move { stranger.sign_in("ada@example.org", &format!("guess {n}")).await.0.status })
    });
    let mut statuses = Vec::new();
    for each in tries.collect::<Vec<_>>() {
        statuses.push(each.await.unwrap());
    }
    counted(statuses)
}

#[tokio::test(flavor = "multi_thread")]
async fn e21_fifty_guesses_at_once_are_no_more_than_the_allowance() {
    let world = ada_with(STRICT).await;
    let before = hashes(&world).await;
    assert_eq!(fifty(&[&world]).await, Statuses::from([(400, 3), (429, 47)]));
    assert_eq!(hashes(&world).await - before, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn e21_fifty_streams_of_one_connection_are_no_more_than_the_allowance() {
    let dir = tempfile::tempdir().unwrap();
    let (trusted, section) = certificate(dir.path());
    let world = World::with(&format!("{ROUTES}\n{STRICT}\n{section}")).await;
    let before = hashes(&world).await;
    let client = H2::connect(&world, trusted).await;
    let tries = (0..50).map(|n| {
        let mut client = client.clone();
        tokio::spawn(async move {
            let fields: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
            let body = form("ada@example.org", &format!("guess {n}"));
            client.ask("POST", "/token", &fields, Some(body.as_bytes())).await.unwrap().status
        })
    });
    let mut statuses = Vec::new();
    for each in tries.collect::<Vec<_>>() {
        statuses.push(each.await.unwrap());
    }
    assert_eq!(counted(statuses), Statuses::from([(400, 3), (429, 47)]));
    assert_eq!(hashes(&world).await - before, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn e21_two_gateways_on_one_redis_count_together() {
    let redis = Redis::start();
    let (here, there) = (ada_in(on(&redis, STRICT).await).await, on(&redis, STRICT).await);
    let before = hashes(&here).await + hashes(&there).await;
    assert_eq!(fifty(&[&here, &there]).await, Statuses::from([(400, 3), (429, 47)]));
    assert_eq!(hashes(&here).await + hashes(&there).await - before, 3);
}

/// Resident memory of a process, in KiB.
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn e25_of_500_sign_ins_at_once_few_are_hashed_and_the_rest_is_told_so_at_once() {
    const QUEUE: usize = 4;
    let recorder = Recorder::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("gatepass.secret"), SECRET).unwrap();
    let text = config_text(recorder.address(), &format!("{ROUTES}\n[throttle]\nsource = 100000\n"))
        .replace("cost = 10", &format!("cost = 14\nthreads = 1\nqueue = {QUEUE}"));
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, text).unwrap();
    let gateway = Binary::run(&file);
    let stranger = Stranger::at(gateway.public());
    assert_eq!(stranger.get("/public/x").await.status, 200);
    let before = resident(gateway.id());
    let began = gatepass::clock::instant();
    let tries = (0..500).map(|n| {
        let stranger = stranger.clone();
        tokio::spawn(async move {
            let login = format!("user{n}@example.org");
            let body = form(&login, "wrong password");
            let kind = "application/x-www-form-urlencoded";
            let answer = stranger.send("POST", "/token", Some((kind, &body))).await;
            (answer, began.elapsed())
        })
    });
    let mut evaluated = 0;
    let mut last_refused = Duration::ZERO;
    for each in tries.collect::<Vec<_>>() {
        let (answer, after) = each.await.unwrap();
        match answer.status {
            400 => evaluated += 1,
            503 => {
                assert_eq!(answer.value("retry-after"), "1");
                last_refused = last_refused.max(after);
            }
            other => panic!("{other}: {answer:?}"),
        }
    }
    // A hash takes a second or so: hardly one more is finished while the 500 arrive.
    assert!((1..=QUEUE + 1 + 20).contains(&evaluated), "{evaluated} were hashed");
    assert!(last_refused < Duration::from_secs(45), "the last was told so after {last_refused:?}");
    let grown = resident(gateway.id()).saturating_sub(before);
    assert!(grown < 100 * 1024, "{grown} KiB more");
    assert_eq!(stranger.get("/public/x").await.status, 200);
}
