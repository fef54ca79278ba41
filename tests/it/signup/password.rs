//! A user changes their password: who stays signed in, and what is each refusal?

use serde_json::{Value, json};

use super::{PASSWORD, ada, signed_in, world};
use crate::world::people::Stranger;
use crate::world::raw::Answer;

const NEW: &str = "battery staple horse";

async fn change(who: &Stranger, from: &str, to: &str) -> Answer {
    who.post_json("/auth/password", &json!({"current_password": from, "new_password": to})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_who_changes_it_stays_signed_in() {
    let world = world("", "").await;
    let here = ada(&world).await;
    let there = signed_in(&world).await;
    let answer = change(&here, PASSWORD, NEW).await;
    let body = answer.json();
    assert_eq!(
        (answer.status, &body["token_type"], &body["expires_in"]),
        (200, &json!("Bearer"), &json!(1800))
    );
    assert_eq!(body["scope"], "event:read event:write");
    assert_eq!(answer.value("cache-control"), "no-store");
    for old in [&here, &there] {
        assert_eq!(old.get("/event/1").await.status, 401);
    }
    let fresh = world.stranger().bearing(body["access_token"].as_str().unwrap());
    assert_eq!(fresh.get("/event/1").await.status, 200);
    assert_eq!(world.stranger().sign_in("ada@example.org", PASSWORD).await.0.status, 400);
    assert_eq!(world.stranger().sign_in("ada@example.org", NEW).await.0.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_says_what_to_do() {
    let world = world("", "").await;
    let here = ada(&world).await;
    let told = |answer: &Answer| {
        let body = answer.json();
        let said = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        (answer.status, said("error"), said("field"))
    };
    for (from, to, status, error, field) in [
        ("wrong", NEW, 400, "invalid_grant", "current_password"),
        (PASSWORD, PASSWORD, 422, "invalid_request", "new_password"),
        (PASSWORD, "short", 422, "invalid_request", "new_password"),
    ] {
        let answer = change(&here, from, to).await;
        assert_eq!(told(&answer), (status, error.to_owned(), field.to_owned()), "{from} {to}");
    }
    for body in [
        json!({"current_password": PASSWORD}),
        json!({"current_password": PASSWORD, "new_password": 7}),
        json!({"current_password": PASSWORD, "new_password": NEW, "user": "bob"}),
        Value::Null,
    ] {
        assert_eq!(here.post_json("/auth/password", &body).await.status, 422, "{body}");
    }
    assert_eq!(here.post_form("/auth/password", "current_password=x&new_password=y").await.status, 415);
    assert_eq!(here.get("/auth/password").await.status, 405);
    assert_eq!(change(&world.stranger(), PASSWORD, NEW).await.status, 401);
    let minted = world.signed_in("event:read");
    assert_eq!(told(&change(&minted, PASSWORD, NEW).await), (403, "access_denied".into(), String::new()));
    assert_eq!(here.get("/event/1").await.status, 200, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_counted_as_failed_sign_ins() {
    let world = world("", "[throttle]\naccount_source = 4\n").await;
    let here = ada(&world).await;
    for _ in 0..2 {
        assert_eq!(change(&here, "wrong", NEW).await.status, 400);
        assert_eq!(world.stranger().sign_in("ada@example.org", "wrong").await.0.status, 400);
    }
    let limited = change(&here, PASSWORD, NEW).await;
    assert_eq!((limited.status, !limited.values("retry-after").is_empty()), (429, true));
    assert_eq!(world.stranger().sign_in("ada@example.org", PASSWORD).await.0.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_offered_only_where_it_is_named() {
    let world = crate::world::World::new().await;
    let here = ada(&world).await;
    assert_eq!(change(&here, PASSWORD, NEW).await.status, 200, "it went upstream, like any path");
    assert_eq!(world.stranger().sign_in("ada@example.org", PASSWORD).await.0.status, 200);
}
