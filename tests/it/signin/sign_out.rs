//! Signing out by the form: everywhere, or told that it is not.

use super::{LOGIN, OWN, PAGE, PASSWORD, minted, open, set_cookie, signed_in, world};
use crate::world::raw::PATIENCE;
use crate::world::recorder::Recorder;
use crate::world::redis::Redis;
use crate::world::tokens::now;
use crate::world::{ROUTES, World, config_text};

const GONE: &str = "Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0";

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_the_sign_in_and_the_cookie() {
    let world = world().await;
    let (cookie, other) = (signed_in(&world).await, signed_in(&world).await);
    let ada = world.stranger().saying(&cookie);
    let asked = ada.get("/auth/signout").await;
    assert_eq!(asked.status, 200);
    let html = asked.text();
    assert!(html.contains("method=\"post\" action=\"/auth/signout\""), "{html}");
    assert!(asked.values("set-cookie").is_empty());
    assert_eq!(ada.get("/api/me").await.status, 200, "to look changes nothing");
    let answer = ada.clone().saying(OWN).post_form("/auth/signout", "").await;
    assert_eq!((answer.status, answer.value("location")), (303, "/auth/signin"), "{}", answer.text());
    assert_eq!(set_cookie(&answer, "__Host-gatepass"), Some(("__Host-gatepass=".into(), GONE.into())));
    assert_eq!(answer.value("cache-control"), "no-store");
    // The token is refused however it is brought, and only this sign-in has ended.
    let told = ada.get("/api/me").await;
    assert!(told.json()["error_description"].as_str().unwrap().starts_with("revoked_login: "));
    let token = cookie.split_once('=').unwrap().1;
    assert_eq!(world.stranger().bearing(token).get("/api/me").await.status, 401);
    assert_eq!(world.stranger().saying(&other).get("/api/me").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_is_good_no_more_goes_all_the_same() {
    let world = world().await;
    let expired = world.mint.with(&serde_json::json!({"iat": now() - 700, "exp": now() - 60}));
    let revoked = minted(&world, "");
    let token = revoked.split_once('=').unwrap().1;
    assert_eq!(world.stranger().post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
    for cookie in [
        "Cookie: a=b".to_owned(),
        format!("Cookie: __Host-gatepass={expired}"),
        "Cookie: __Host-gatepass=x.y.z".to_owned(),
        "Cookie: __Host-gatepass=".to_owned(),
        revoked,
    ] {
        let answer = world.stranger().saying(&cookie).saying(OWN).post_form("/auth/signout", "").await;
        assert_eq!(answer.status, 303, "{cookie}: {}", answer.text());
        assert_eq!(set_cookie(&answer, "__Host-gatepass").unwrap().1, GONE, "{cookie}");
    }
    // Whichever of two the browser sends first: neither is left signed in.
    let (one, other) = (signed_in(&world).await, signed_in(&world).await);
    let both = format!("{one}; {}", other.strip_prefix("Cookie: ").unwrap());
    let answer = world.stranger().saying(&both).saying(OWN).post_form("/auth/signout", "").await;
    assert_eq!(answer.status, 303);
    for cookie in [one, other] {
        assert_eq!(world.stranger().saying(&cookie).get("/api/me").await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_does_not_take_is_not_called_done() {
    let mut redis = Redis::start();
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), &format!("{ROUTES}{PAGE}")).replace(
        "[revocation]\nstore = \"sqlite:gatepass.db\"",
        &format!("[revocation]\nstore = \"{}\"\nmax_staleness = \"60s\"", redis.url()),
    );
    let world = World::configured(recorder, &text).await;
    let stranger = world.stranger();
    let deadline = gatepass::clock::instant() + PATIENCE;
    while stranger.sign_up(LOGIN, PASSWORD).await.status != 200 {
        assert!(gatepass::clock::instant() < deadline, "nobody can sign up");
    }
    let cookie = signed_in(&world).await;
    let opened = open(&world, "").await;
    redis.stop();
    let answer = stranger.clone().saying(&cookie).saying(OWN).post_form("/auth/signout", "").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.values("set-cookie").is_empty(), "who has lost it could not try again");
    assert!(answer.text().contains("You are still signed in"), "{}", answer.text());
    assert!(!answer.value("retry-after").is_empty());
    assert_eq!(stranger.saying(&cookie).get("/api/me").await.status, 200, "as it says");
    let answer = opened.send(&world, LOGIN, PASSWORD).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.values("set-cookie").is_empty() && !answer.value("retry-after").is_empty());
    assert!(answer.text().contains("not possible right now"), "{}", answer.text());
}
