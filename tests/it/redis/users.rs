//! What must the gateway's user be allowed in Redis?

use gatepass::revocation::{Scope, Settings};

use super::{at, is_revoked, order, refusal, revoke, token, until};
use crate::contract::revocation::{Place, everything_once, open};
use crate::world::redis::Redis;

/// The keys and commands a gateway needs: what the README tells people to grant.
pub(crate) const NEEDED: &str = "~{gatepass}:* +evalsha +script|load +time +hset +hget +hmget +get +mget +set +del +xadd +xrange \
                      +xtrim +xread +scan";
/// What the list of sessions needs beside.
pub(crate) const SESSIONS: &str = "+hdel +hgetall +hexists +hlen +expire +expireat +ttl";
/// What it looks at the server with, and can do without.
pub(crate) const WATCHING: &str = "+role +info +config|get";

pub(crate) fn grant(redis: &Redis, rules: &str) -> Settings {
    let rules = rules.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(redis.command(&format!("ACL SETUSER gate reset on >hunter2 {rules}")), "+OK");
    at(format!("redis://gate:hunter2@127.0.0.1:{}", redis.port()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_least_rights_suffice() {
    let redis = Redis::start();
    for rules in [NEEDED.to_owned(), format!("{NEEDED} {WATCHING}")] {
        let settings = grant(&redis, &rules);
        redis.flush_all();
        everything_once(Place { settings, _keeps: Box::new(()) }).await;
        // What is denied is logged there: nothing that is needed was.
        let denied = redis.ask("ACL LOG");
        let watching = ["role", "info", "config|get"];
        let objects = denied.iter().zip(denied.iter().skip(2)).filter(|(line, _)| *line == "object");
        let objects: Vec<_> = objects.map(|(_, object)| object.as_str()).collect();
        assert!(objects.iter().all(|object| watching.contains(object)), "{objects:?}");
        assert_eq!(objects.is_empty(), rules != NEEDED, "{objects:?}");
        redis.command("ACL LOG RESET");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_one_of_them_is_needed() {
    let redis = Redis::start();
    let (first, mine) = (token("ada", "first", "first"), token("ada", "mine", "mine"));
    let before = open(&at(redis.url())).await;
    revoke(&before, order(Scope::Token, &first)).await;
    drop(before);
    // These two: when the log comes into being, and when something in it has expired.
    let seldom = ["+del", "+xtrim"];
    let always = NEEDED.split_whitespace().filter(|right| right.starts_with('+') && !seldom.contains(right));
    for right in always {
        let rest: Vec<&str> = NEEDED.split_whitespace().filter(|other| *other != right).collect();
        redis.command("SCRIPT FLUSH");
        let settings = grant(&redis, &rest.join(" "));
        let revocations = super::handle(&settings).await;
        let denied = revocations.revoke(order(Scope::Token, &mine)).await.is_err();
        until(&format!("{right} is missed"), || denied || !revocations.store_up()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rights_it_is_not_available() {
    let redis = Redis::start();
    let settings = grant(&redis, "~other:* +@all");
    let refusal = refusal(&settings).await;
    assert!(!refusal.contains("hunter2") && refusal.to_lowercase().contains("permi"), "{refusal}");
    // Given the rights, it comes up by itself.
    let waiting = super::handle(&settings).await;
    grant(&redis, NEEDED);
    until("it is ready", || waiting.is_ready()).await;
    let (mine, there) = (token("ada", "mine", "mine"), open(&settings).await);
    revoke(&waiting, order(Scope::Token, &mine)).await;
    until("the other knows", || is_revoked(&there, &mine)).await;
}
