//! What does a gateway that is started again remember, and what may others believe meanwhile?

use std::path::Path;
use std::time::Duration;

use gatepass::clock::{Clock, instant};
use gatepass::revocation::{Check, OnStale, Readiness, Revocations, Scope, Settings, Standing};

use super::{DEADLINE, Redis, is_revoked, now, on, open, order, revoke, standing, token, until};

/// How long others have to give back what a log has lost.
const RECONCILIATION: Duration = Duration::from_secs(2);

fn with_journal(redis: &Redis, folder: &Path) -> Settings {
    Settings { journal: Some(folder.join("journal")), ..on(redis) }
}

/// Waits until a journal may be opened again: its thread ends when it has written.
async fn opened_again(settings: &Settings) -> std::sync::Arc<Revocations> {
    let start = instant();
    loop {
        match Revocations::open(settings, Clock::system()).await {
            Ok(revocations) => return revocations,
            Err(error) => assert!(start.elapsed() < DEADLINE, "{error}"),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_gateway_that_knew_gives_it_back_after_a_restart() {
    let mut redis = Redis::start();
    let folder = tempfile::tempdir().unwrap();
    let settings = with_journal(&redis, folder.path());
    let [mine, theirs] = ["mine", "theirs"].map(|name| token("ada", name, name));
    let here = open(&settings).await;
    let there = open(&on(&redis)).await;
    revoke(&here, order(Scope::Token, &mine)).await;
    revoke(&there, order(Scope::Token, &theirs)).await;
    until("it has read the other's", || is_revoked(&here, &theirs)).await;
    until("the journal holds both", || {
        std::fs::metadata(folder.path().join("journal")).is_ok_and(|file| file.len() >= 16 + 2 * 37)
    })
    .await;
    drop((here, there));
    redis.restart_empty();
    let again = opened_again(&settings).await;
    until("the log is whole", || redis.command("HGET {gatepass}:head seq") == "$1").await;
    until("it is ready", || again.is_ready()).await;
    assert!(is_revoked(&again, &mine) && is_revoked(&again, &theirs));
    let stranger = open(&on(&redis)).await;
    assert!(is_revoked(&stranger, &mine) && is_revoked(&stranger, &theirs));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_only_asked_for_is_remembered_too() {
    let redis = Redis::start();
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { check: Check::EveryRequest, ..with_journal(&redis, folder.path()) };
    let mine = token("ada", "mine", "mine");
    let here = open(&settings).await;
    // A register that never comes up in the stream: only a look at it shows it.
    let key = format!("{{gatepass}}:r:{}", mine.token.to_hex());
    let set = format!("EVAL \"return redis.call('SET', '{key}', '7 R 4000000000')\" 0");
    assert_eq!(redis.command(&set), "+OK");
    assert_eq!(here.ask(&mine, Some(1), now()).await, Ok(Standing::Revoked(Scope::Token)));
    drop(here);
    redis.command(&format!("DEL {key}"));
    let again = opened_again(&settings).await;
    until("it knows", || is_revoked(&again, &mine)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_started_again_proves_nothing_at_first() {
    let mut redis = Redis::start();
    drop(open(&on(&redis)).await);
    // The log is old by now, whatever else.
    let started = instant();
    until("it is old", || started.elapsed() > RECONCILIATION).await;
    redis.restart();
    let restarted = instant();
    let fresh = Revocations::open(&on(&redis), Clock::system()).await.unwrap();
    until("it is ready", || fresh.is_ready()).await;
    assert!(restarted.elapsed() >= RECONCILIATION, "{:?}", restarted.elapsed());
    // The next one finds it settled.
    let next = instant();
    open(&on(&redis)).await;
    assert!(next.elapsed() < RECONCILIATION, "{:?}", next.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_readiness_ends_with_freshness() {
    let redis = Redis::start();
    let bound = Settings { max_staleness: Duration::from_secs(1), ..on(&redis) };
    let strict = open(&Settings { ready: Readiness::Strict, ..bound.clone() }).await;
    let usual = open(&bound).await;
    redis.pause();
    until("it is not ready", || !strict.is_ready()).await;
    assert!(usual.is_ready() && strict.is_loaded());
    redis.resume();
    until("it is ready again", || strict.is_ready()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_has_its_own_word_on_staleness() {
    let redis = Redis::start();
    let revocations = open(&Settings { max_staleness: Duration::from_secs(1), ..on(&redis) }).await;
    let [mine, other] = ["mine", "other"].map(|name| token("ada", name, name));
    revoke(&revocations, order(Scope::Token, &mine)).await;
    redis.pause();
    until("it is stale", || standing(&revocations, &other) == Standing::Stale).await;
    let lenient = |token| revocations.standing(token, Some(1), now(), Some(OnStale::ServeKnown));
    assert_eq!(lenient(&other), Standing::Clear);
    assert_eq!(lenient(&mine), Standing::Revoked(Scope::Token));
    redis.resume();
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_itself_the_log_knows_at_once_and_fails_at_once() {
    let mut redis = Redis::start();
    let settings = Settings { check: Check::EveryRequest, ..on(&redis) };
    let (here, there) = (open(&settings).await, open(&on(&redis)).await);
    let [mine, other] = ["mine", "other"].map(|name| token("ada", name, name));
    assert!(here.checks_every_request() && !there.checks_every_request());
    assert_eq!(here.ask(&mine, Some(1), now()).await, Ok(Standing::Clear));
    for scope in [Scope::Token, Scope::Login, Scope::User] {
        let whose = token(scope.as_str(), scope.as_str(), scope.as_str());
        revoke(&there, order(scope, &whose)).await;
        // Whether or not the follower has read it yet.
        assert_eq!(here.ask(&whose, Some(1), now()).await, Ok(Standing::Revoked(scope)));
    }
    // Another log, before the follower has noticed.
    redis.command("HSET {gatepass}:head incarnation 0123456789abcdef0123456789abcdef");
    assert_eq!(here.ask(&other, Some(1), now()).await, Ok(Standing::Stale));
    redis.stop();
    let asked = instant();
    here.ask(&other, Some(1), now()).await.unwrap_err();
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}
