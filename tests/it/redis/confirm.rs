//! Is a write called done only when replicas have it?

use std::time::Duration;

use gatepass::revocation::{Confirm, Scope, Settings};

use super::{at, is_revoked, order, token, until};
use crate::contract::revocation::open;
use crate::world::redis::Redis;

fn confirmed(redis: &Redis, replicas: u32) -> Settings {
    let confirm = Confirm { replicas, within: Duration::from_millis(100) };
    Settings { confirm: Some(confirm), ..at(redis.url()) }
}

/// How often a command was run there.
fn calls(redis: &Redis, command: &str) -> u64 {
    let stats = redis.ask("INFO commandstats");
    let line = stats.iter().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_replica_it_stands_but_is_not_done() {
    let redis = Redis::start();
    let (here, there) = (open(&confirmed(&redis, 1)).await, open(&at(redis.url())).await);
    let mine = token("ada", "mine", "mine");
    let error = here.revoke(order(Scope::Token, &mine)).await.unwrap_err().to_string();
    assert!(error.contains("written, but confirmed by 0 of 1 replica within 100 ms"), "{error}");
    assert!(is_revoked(&here, &mine));
    until("the other knows", || is_revoked(&there, &mine)).await;
    assert!(here.login_version().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_confirms() {
    let redis = Redis::start();
    let replica = redis.start_replica();
    until("the replica has joined", || {
        redis.ask("INFO replication").iter().any(|line| line.contains("state=online"))
    })
    .await;
    let here = open(&confirmed(&redis, 1)).await;
    let mut done = 0;
    for n in 0..20 {
        let mine = token("ada", "mine", &format!("token-{n}"));
        // A busy machine may hold up the replica for longer than the time given.
        if here.revoke(order(Scope::Token, &mine)).await.is_ok() {
            done += 1;
            let key = format!("EXISTS {{gatepass}}:r:{}", mine.token.to_hex());
            assert_eq!(replica.command(&key), ":1", "confirmed, and not there");
        }
    }
    assert!(done > 0);
    let error = open(&confirmed(&redis, 2)).await;
    let error = error.revoke(order(Scope::Token, &token("ada", "a", "a"))).await.unwrap_err().to_string();
    assert!(error.contains("of 2 replicas"), "{error}");
    // Where the server can wait for disks, it is asked to.
    let version = redis.ask("INFO server");
    let version = version.iter().find_map(|line| line.strip_prefix("redis_version:")).unwrap();
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap());
    let can = (numbers.next().unwrap(), numbers.next().unwrap()) >= (7, 2);
    let (wait, wait_for_files) = (calls(&redis, "wait"), calls(&redis, "waitaof"));
    assert_eq!((wait == 0, wait_for_files == 0), (can, !can), "{version}: {wait}, {wait_for_files}");
}

/// One wait covers all who wrote before it: many writers do not queue up for one each.
#[tokio::test(flavor = "multi_thread")]
async fn many_writers_wait_together() {
    let redis = Redis::start();
    let here = open(&confirmed(&redis, 1)).await;
    let writers = (0..100).map(|n| {
        let here = &here;
        async move { here.revoke(order(Scope::Token, &token("ada", "a", &format!("t-{n}")))).await }
    });
    for written in futures_util::future::join_all(writers).await {
        let error = written.unwrap_err().to_string();
        assert!(error.contains("confirmed by 0 of 1"), "{error}");
    }
    assert_eq!(here.entries(), 100);
    let waits = calls(&redis, "wait") + calls(&redis, "waitaof");
    assert!((1..=10).contains(&waits), "{waits} waits for 100 writers");
}
