//! Is a fail-over followed, and is nothing lost by it?

use std::net::TcpListener;

use gatepass::revocation::{Scope, Settings};

use super::{at, is_revoked, order, revoke, token, until};
use crate::contract::revocation::open;
use crate::world::redis::Redis;

/// A primary, its replica and the sentinel that knows both; and one that never answers.
struct Watched {
    primary: Redis,
    replica: Redis,
    sentinel: Redis,
    silent: TcpListener,
}

impl Watched {
    async fn start() -> Self {
        let primary = Redis::start();
        let replica = primary.start_replica();
        let joined = || primary.ask("INFO replication").iter().any(|line| line.contains("state=online"));
        until("the replica has joined", joined).await;
        let sentinel = primary.start_sentinel();
        let knows = || {
            let info = sentinel.ask("INFO sentinel");
            info.iter().any(|line| line.contains("status=ok") && line.contains("slaves=1"))
        };
        until("the sentinel knows both", knows).await;
        Self { primary, replica, sentinel, silent: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    fn settings(&self) -> Settings {
        let silent = self.silent.local_addr().unwrap().port();
        at(format!("redis+sentinel://127.0.0.1:{silent},127.0.0.1:{}/people", self.sentinel.port()))
    }

    async fn replica_leads(&self) {
        until("the replica is the primary", || self.replica.ask("ROLE").contains(&"master".to_owned())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_primary_is_followed() {
    let mut watched = Watched::start().await;
    let settings = watched.settings();
    let (here, there) = (open(&settings).await, open(&settings).await);
    let tokens: Vec<_> = (0..20).map(|n| token("ada", "mine", &format!("token-{n}"))).collect();
    for mine in &tokens[..10] {
        revoke(&here, order(Scope::Token, mine)).await;
    }
    until("the other knows", || there.entries() == 10).await;
    watched.primary.stop();
    assert!(here.revoke(order(Scope::Token, &tokens[19])).await.is_err(), "nobody took it");
    for mine in &tokens[10..] {
        revoke(&here, order(Scope::Token, mine)).await;
    }
    until("the other knows", || tokens.iter().all(|mine| is_revoked(&there, mine))).await;
    drop((here, there));
    let fresh = open(&settings).await;
    assert!(tokens.iter().all(|mine| is_revoked(&fresh, mine)));
}

/// One that comes back still believes itself the primary, for a moment.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_primary_that_comes_back_is_not_believed() {
    let watched = Watched::start().await;
    let settings = watched.settings();
    let (here, there) = (open(&settings).await, open(&settings).await);
    watched.primary.pause();
    watched.replica_leads().await;
    let tokens: Vec<_> = (0..10).map(|n| token("ada", "mine", &format!("token-{n}"))).collect();
    for mine in &tokens[..5] {
        revoke(&here, order(Scope::Token, mine)).await;
    }
    watched.primary.resume();
    for mine in &tokens[5..] {
        revoke(&there, order(Scope::Token, mine)).await;
    }
    until("it follows the new one", || watched.primary.ask("ROLE").contains(&"slave".to_owned())).await;
    until("both know", || tokens.iter().all(|mine| is_revoked(&here, mine) && is_revoked(&there, mine)))
        .await;
    let fresh = open(&settings).await;
    until("all of it is in the log", || tokens.iter().all(|mine| is_revoked(&fresh, mine))).await;
}

/// Nothing fails: only the sentinel says that it is another now.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_primary_by_hand_is_followed() {
    let watched = Watched::start().await;
    let settings = watched.settings();
    let here = open(&settings).await;
    assert_eq!(watched.sentinel.command("SENTINEL FAILOVER people"), "+OK");
    watched.replica_leads().await;
    let mine = token("ada", "mine", "mine");
    revoke(&here, order(Scope::Token, &mine)).await;
    let key = format!("EXISTS {{gatepass}}:r:{}", mine.token.to_hex());
    until("it is at the new primary", || watched.replica.command(&key) == ":1").await;
    until("nobody reads at the old one", || watched.primary.connections() <= 2).await;
}
