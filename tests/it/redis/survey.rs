//! Is it said what is amiss with a server, and is one refused that is too old or alone?

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use gatepass::revocation::{Revocations, Settings, Standing};

use super::{at, refusal, token, until};
use crate::contract::revocation::{open, standing};
use crate::world::redis::Redis;

fn warnings(revocations: &Revocations) -> Vec<&'static str> {
    revocations.advice().iter().map(|advice| advice.warning).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_cost_revocations_is_warned_of_while_it_lasts() {
    let redis = Redis::start_with(&["--maxmemory-policy", "volatile-lru", "--appendonly", "no"]);
    let revocations = open(&at(redis.url())).await;
    assert_eq!(warnings(&revocations), ["eviction", "persistence"]);
    for advice in revocations.advice() {
        assert!(advice.text.contains("set "), "no remedy: {}", advice.text);
    }
    for (setting, left) in [
        ("maxmemory-policy noeviction", &["persistence"][..]),
        ("save 3600", &[]),
        ("appendonly yes", &[]),
        ("appendfsync no", &["appendfsync"]),
    ] {
        let setting = if setting == "save 3600" { "save \"3600 1\"" } else { setting };
        assert_eq!(redis.command(&format!("CONFIG SET {setting}")), "+OK");
        // Looked at again at the next connection.
        redis.command("CLIENT KILL TYPE normal");
        until(&format!("{setting} shows"), || warnings(&revocations) == left).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_whose_replicas_do_not_count_is_warned_of() {
    let redis = Redis::start();
    let _replica = redis.start_replica();
    until("the replica has joined", || {
        redis.ask("INFO replication").iter().any(|line| line.contains("state=online"))
    })
    .await;
    let soon = Settings { max_staleness: Duration::from_secs(10), ..at(redis.url()) };
    let revocations = open(&soon).await;
    until("it is said", || warnings(&revocations) == ["min_replicas"]).await;
    redis.command("CONFIG SET min-replicas-to-write 1");
    redis.command("CONFIG SET min-replicas-max-lag 10");
    redis.command("CLIENT KILL TYPE normal");
    until("the lag is said", || warnings(&revocations) == ["min_replicas_max_lag"]).await;
}

/// `min-replicas-to-write` refuses writes alone: so whoever asks for news writes.
#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_is_alone_does_not_pass_for_fresh() {
    let redis = Redis::start_with(&["--min-replicas-to-write", "1", "--min-replicas-max-lag", "2"]);
    let mut replica = redis.start_replica();
    let settings = Settings { max_staleness: Duration::from_secs(3), ..at(redis.url()) };
    let revocations = super::handle(&settings).await;
    let mine = token("ada", "mine", "mine");
    until("it is fresh", || standing(&revocations, &mine) == Standing::Clear).await;
    replica.stop();
    until("it is stale", || standing(&revocations, &mine) == Standing::Stale).await;
    assert_eq!(redis.command("PING"), "+PONG");
    replica.restart();
    until("it is fresh again", || standing(&revocations, &mine) == Standing::Clear).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_version_is_refused() {
    let old = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = old.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in old.incoming() {
            let mut client = client.unwrap();
            let mut heard = Vec::new();
            let mut piece = [0; 1024];
            // The last of what is asked at first.
            while !String::from_utf8_lossy(&heard).contains("min-replicas-max-lag") {
                match client.read(&mut piece) {
                    Ok(count) if count > 0 => heard.extend_from_slice(&piece[..count]),
                    _ => break,
                }
            }
            let version = "redis_version:6.0.16\r\n";
            let _ = write!(client, "*0\r\n${}\r\n{version}\r\n", version.len());
            for _ in 0..7 {
                let _ = client.write_all(b"-ERR unknown command\r\n");
            }
            let _ = client.read(&mut piece);
        }
    });
    let refusal = refusal(&at(format!("redis://127.0.0.1:{port}"))).await;
    assert!(refusal.contains("Redis 6.0.16 is too old: at least Redis 6.2 or Valkey 7.2"), "{refusal}");
}
