//! Redis, while it fails: what is known stays known, and what cannot be known is a 503.

use std::time::Duration;

use serde_json::json;

use crate::attacks::ada::{LOGIN, PASSWORD};
use crate::attacks::answers::{is_401t, is_503f};
use crate::world::chaos::{Chaos, Manner};
use crate::world::raw::PATIENCE;
use crate::world::recorder::Recorder;
use crate::world::redis::Redis;
use crate::world::tokens::now;
use crate::world::{ROUTES, World, config_text};

/// A gateway on this Redis, which may not be out of touch with it for more than a second.
async fn on_redis(port: u16, more: &str) -> World {
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), ROUTES).replace(
        "[revocation]\nstore = \"sqlite:gatepass.db\"",
        &format!("[revocation]\nstore = \"redis://127.0.0.1:{port}\"\nmax_staleness = \"1s\"\n{more}"),
    );
    World::configured(recorder, &text).await
}

/// The status, or 0 where the request was ended because its token was, while it was under way.
async fn status(who: &crate::world::people::Stranger) -> u16 {
    who.try_send("GET", "/api/me", None).await.map_or(0, |answer| answer.status)
}

/// Asks until it is so.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = gatepass::clock::instant() + PATIENCE;
    while !holds().await {
        assert!(gatepass::clock::instant() < deadline, "{what}: never");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f02_f05_without_redis_nothing_is_accepted_that_it_may_know_better() {
    tokio::join!(
        without_redis(Some(Manner::Absent)),
        without_redis(Some(Manner::Silent)),
        without_redis(Some(Manner::Closing)),
        without_redis(None),
    );
}

/// The way to Redis is hurt so; or, with `None`, Redis itself is stopped.
async fn without_redis(manner: Option<Manner>) {
    let redis = Redis::start();
    let link = Chaos::before(redis.port());
    let world = on_redis(link.port(), "").await;
    let stranger = world.stranger();
    assert_eq!(stranger.sign_up(LOGIN, PASSWORD).await.status, 200);
    let token = world.mint.token("alice", "");
    let who = stranger.clone().bearing(&token);
    until("the log is fresh", async || who.get("/api/me").await.status == 200).await;
    match manner {
        Some(manner) => link.set(manner),
        None => redis.pause(),
    }
    let hurt = gatepass::clock::instant();
    let mut slowest = Duration::ZERO;
    let mut timed = async |who: &crate::world::people::Stranger| {
        let began = gatepass::clock::instant();
        let answer = who.get("/api/me").await;
        slowest = slowest.max(began.elapsed());
        answer
    };
    loop {
        let answer = timed(&who).await;
        if answer.status != 200 {
            break is_503f(&answer);
        }
        // Normal until the bound; measured from before the request, on a machine that others use.
        assert!(hurt.elapsed() < Duration::from_secs(20), "{manner:?}: still accepted");
    }
    let hits = world.recorder.hits();
    for _ in 0..20 {
        is_503f(&timed(&who).await);
    }
    // What needs the store says so at once, and acknowledges nothing.
    is_503f(&stranger.post_form("/auth/revoke", &format!("token={token}")).await);
    is_503f(&stranger.sign_in(LOGIN, PASSWORD).await.0);
    is_503f(&who.send("POST", "/auth/logout", None).await);
    assert_eq!(world.recorder.hits(), hits, "nothing went on");
    assert_eq!(stranger.get("/public/x").await.status, 200);
    // A bad token is a bad token all the while.
    is_401t(&stranger.clone().bearing(&world.mint.with(&json!({"exp": now() - 60}))).get("/api/me").await);
    assert!(slowest < Duration::from_secs(5), "{manner:?}: an answer took {slowest:?}");
    match manner {
        Some(_) => link.set(Manner::Open),
        None => redis.resume(),
    }
    until("it recovers", async || who.get("/api/me").await.status == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f02_where_every_request_asks_every_request_fails_at_once() {
    let redis = Redis::start();
    let link = Chaos::before(redis.port());
    let world = on_redis(link.port(), "check = \"every_request\"").await;
    let who = world.signed_in("");
    until("the log is fresh", async || who.get("/api/me").await.status == 200).await;
    let hits = world.recorder.hits();
    link.set(Manner::Absent);
    for _ in 0..5 {
        is_503f(&who.get("/api/me").await);
    }
    assert_eq!(world.recorder.hits(), hits);
    assert_eq!(world.stranger().get("/public/x").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn f19_what_one_gateway_ends_the_other_refuses() {
    let redis = Redis::start();
    let link = Chaos::before(redis.port());
    let (one, other) = (on_redis(redis.port(), "").await, on_redis(link.port(), "").await);
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let token = one.mint.token("alice", "");
        let there = other.stranger().bearing(&token);
        until("accepted there", async || status(&there).await == 200).await;
        assert_eq!(one.stranger().post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
        let acknowledged = gatepass::clock::instant();
        until("refused there", async || status(&there).await == 401).await;
        slowest = slowest.max(acknowledged.elapsed());
    }
    assert!(slowest < Duration::from_secs(1), "the bound is max_staleness: {slowest:?}");
    // While the other cannot hear of it, the token is unknown there, not good; and bad as soon as it hears.
    let token = one.mint.token("alice", "");
    let there = other.stranger().bearing(&token);
    until("accepted there", async || status(&there).await == 200).await;
    link.set(Manner::Silent);
    assert_eq!(one.stranger().post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
    until("unknown there", async || status(&there).await == 503).await;
    let hits = other.recorder.hits();
    link.set(Manner::Open);
    until("refused there", async || {
        let status = status(&there).await;
        assert!(matches!(status, 0 | 401 | 503), "{status}: taken for good again");
        status == 401
    })
    .await;
    assert_eq!(other.recorder.hits(), hits);
}
