//! What holds when Redis is emptied, cut short, stopped, silent, or not there yet?

use std::time::Duration;

use gatepass::clock::{Clock, instant};
use gatepass::identity::Digest;
use gatepass::revocation::{OnStale, Revocations, Scope, Settings, Standing, Store};
use gatepass::secret::Secret;

use super::{
    DEADLINE, Redis, is_revoked, lift, login_version, on, open, order, revoke, standing, token, until,
};

fn key_of(digest: Digest) -> String {
    format!("{{gatepass}}:r:{}", digest.to_hex())
}

/// The shortest bound here: looked at only with [`until`], for a busy machine may pass it at any time.
const BOUND: Duration = Duration::from_secs(1);

fn soon_stale(redis: &Redis, on_stale: OnStale) -> Settings {
    Settings { max_staleness: BOUND, on_stale, ..on(redis) }
}

/// Whatever the log answers, it answers soon: within 0.9 seconds, and what a busy machine adds.
async fn soon<T>(answer: impl Future<Output = T>) -> T {
    let start = instant();
    let answer = answer.await;
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_flushed_is_written_back() {
    let redis = Redis::start();
    let (here, there) = (open(&on(&redis)).await, open(&on(&redis)).await);
    let tokens: Vec<_> =
        (0..450).map(|n| token("ada", &format!("login-{n}"), &format!("token-{n}"))).collect();
    for mine in &tokens {
        revoke(&here, order(Scope::Token, mine)).await;
    }
    lift(&here, order(Scope::Token, &tokens[0])).await;
    let version = login_version(&here).await;
    until("both know", || there.entries() == 450).await;
    redis.flush_all();
    // Written into the emptied log before anybody has noticed.
    let late = token("ada", "late", "late");
    revoke(&there, order(Scope::Token, &late)).await;
    for mine in tokens.iter().chain([&late]) {
        until("it is in the log again", || redis.command(&format!("EXISTS {}", key_of(mine.token))) == ":1")
            .await;
    }
    until("the other knows", || is_revoked(&here, &late)).await;
    assert!(login_version(&there).await > version);
    drop((here, there));
    let fresh = open(&on(&redis)).await;
    assert_eq!(fresh.entries(), 451);
    assert_eq!(standing(&fresh, &tokens[0]), Standing::Clear);
    assert!(tokens[1..].iter().chain([&late]).all(|mine| is_revoked(&fresh, mine)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_that_was_lost_is_written_back_though_others_wrote_on() {
    let mut redis = Redis::start();
    let here = open(&on(&redis)).await;
    let [kept, lost, other] = ["kept", "lost", "other"].map(|name| token("ada", name, name));
    revoke(&here, order(Scope::Token, &kept)).await;
    let backup = redis.backup();
    revoke(&here, order(Scope::Token, &lost)).await;
    redis.restore(backup);
    // As many entries as before, of another history: only their marks tell. Whether the reader had come to what is
    // lost is left open: in either case it has to notice.
    let there = Revocations::open(&on(&redis), Clock::system()).await.unwrap();
    revoke(&there, order(Scope::Token, &other)).await;
    until("each knows what the other wrote", || is_revoked(&here, &other) && is_revoked(&there, &lost)).await;
    let third = open(&on(&redis)).await;
    assert!(is_revoked(&third, &lost));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_taken_away_is_read_around() {
    let redis = Redis::start();
    let (here, there) = (open(&on(&redis)).await, open(&on(&redis)).await);
    let [before, after] = ["before", "after"].map(|name| token("ada", name, name));
    revoke(&here, order(Scope::Token, &before)).await;
    until("the other knows", || is_revoked(&there, &before)).await;
    redis.command("DEL {gatepass}:stream");
    revoke(&here, order(Scope::Token, &after)).await;
    until("the other knows", || is_revoked(&there, &after)).await;
    assert!(is_revoked(&there, &before));
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_bound_nothing_is_vouched_for_and_writes_fail_at_once() {
    let mut redis = Redis::start();
    let strict = open(&soon_stale(&redis, OnStale::Refuse)).await;
    let lenient = open(&soon_stale(&redis, OnStale::ServeKnown)).await;
    let [mine, other] = ["mine", "other"].map(|name| token("ada", name, name));
    revoke(&strict, order(Scope::Token, &mine)).await;
    until("both know", || is_revoked(&lenient, &mine)).await;

    redis.stop();
    soon(strict.revoke(order(Scope::Token, &other))).await.unwrap_err();
    soon(strict.login_version()).await.unwrap_err();
    until("it is stale", || standing(&strict, &other) == Standing::Stale).await;
    assert_eq!(standing(&strict, &mine), Standing::Stale);
    assert!(strict.staleness() > BOUND && !strict.store_up());
    assert!(strict.is_ready(), "what was loaded stays loaded");
    until("the other is as old", || lenient.staleness() > BOUND).await;
    assert_eq!(standing(&lenient, &other), Standing::Clear);
    assert!(is_revoked(&lenient, &mine));

    redis.restart_empty();
    until("it is fresh again", || standing(&strict, &other) == Standing::Clear).await;
    until("and knows what it knew", || is_revoked(&strict, &mine)).await;
    until("it is said to be up", || strict.store_up()).await;
    revoke(&strict, order(Scope::Token, &other)).await;
    until("the other knows", || is_revoked(&lenient, &other)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_no_proof() {
    let redis = Redis::start();
    let revocations = open(&soon_stale(&redis, OnStale::Refuse)).await;
    let mine = token("ada", "mine", "mine");
    redis.pause();
    soon(revocations.revoke(order(Scope::Token, &mine))).await.unwrap_err();
    until("it is stale", || standing(&revocations, &mine) == Standing::Stale).await;
    for _ in 0..3 {
        soon(revocations.login_version()).await.unwrap_err();
    }
    redis.resume();
    until("it is fresh again", || standing(&revocations, &mine) != Standing::Stale).await;
    revoke(&revocations, order(Scope::Token, &mine)).await;
    until("it is refused", || is_revoked(&revocations, &mine)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_starts_without_it_and_becomes_ready() {
    let mut redis = Redis::absent();
    let revocations =
        Revocations::open(&soon_stale(&redis, OnStale::ServeKnown), Clock::system()).await.unwrap();
    let mine = token("ada", "mine", "mine");
    assert!(!revocations.is_ready() && !revocations.store_up());
    assert_eq!(standing(&revocations, &mine), Standing::Stale, "nothing has been loaded yet");
    revocations.revoke(order(Scope::Token, &mine)).await.unwrap_err();
    redis.restart();
    until("it is ready", || revocations.is_ready()).await;
    assert_eq!(standing(&revocations, &mine), Standing::Clear);
    revoke(&revocations, order(Scope::Token, &mine)).await;
    assert!(is_revoked(&revocations, &mine));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_another_hand_are_not_taken_for_an_empty_log() {
    let redis = Redis::start();
    redis.command("SET {gatepass}:r:00112233445566778899aabbccddeeff nonsense");
    let revocations = Revocations::open(&on(&redis), Clock::system()).await.unwrap();
    assert!(!revocations.is_ready() && !revocations.store_up());
    redis.command("DEL {gatepass}:r:00112233445566778899aabbccddeeff");
    until("it is ready", || revocations.is_ready()).await;
    redis.flush_all();
    redis.command("SET {gatepass}:head nonsense");
    let mine = token("ada", "mine", "mine");
    let start = instant();
    loop {
        let error = revocations.revoke(order(Scope::Token, &mine)).await.unwrap_err().to_string();
        if error.contains("WRONGTYPE") {
            break;
        }
        assert!(error.contains("no reply") && start.elapsed() < DEADLINE, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_used_and_never_shown() {
    let redis = Redis::start_with_password("hunter2hunter2");
    let mine = token("ada", "mine", "mine");
    let welcome = open(&on(&redis)).await;
    revoke(&welcome, order(Scope::Token, &mine)).await;
    for wrong in ["redis://:not-hunter2@127.0.0.1", "redis://127.0.0.1"] {
        let address = Secret::from(format!("{wrong}:{}", redis.port()));
        let settings = Settings { store: Store::Redis(address), ..on(&redis) };
        let revocations = Revocations::open(&settings, Clock::system()).await.unwrap();
        assert!(!revocations.is_ready());
        let error = revocations.revoke(order(Scope::Token, &mine)).await.unwrap_err();
        assert!(!format!("{error} {error:?} {revocations:?} {settings:?}").contains("hunter2"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_on_when_the_last_handle_is_dropped() {
    let redis = Redis::start();
    let revocations = open(&on(&redis)).await;
    login_version(&revocations).await;
    until("one is there to write, one to read", || redis.connections() == 2).await;
    drop(revocations);
    until("its connections are closed", || redis.connections() == 0).await;
}
