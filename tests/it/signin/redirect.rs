//! Who is sent to the page, and who is told 401?

use super::{minted, world};
use crate::world::World;
use crate::world::tokens::now;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_sent_to_the_page_and_a_program_is_told() {
    let world = world().await;
    let target = "/event/7?a=b&c=%20d";
    let page = "/auth/signin?next=%2Fevent%2F7%3Fa%3Db%26c%3D%2520d";
    let ask = async |fields: &[&str], method: &str| {
        let who = fields.iter().fold(world.stranger(), |who, field| who.saying(field));
        who.send(method, target, None).await
    };
    let (go, html) = ("Sec-Fetch-Mode: navigate", "Accept: text/html,application/xhtml+xml,*/*;q=0.8");
    for fields in [&[go][..], &[html], &[go, html], &[go, "Accept: */*"]] {
        let answer = ask(fields, "GET").await;
        assert_eq!((answer.status, answer.value("location")), (303, page), "{fields:?}");
        assert_eq!(answer.value("cache-control"), "no-store");
        assert!(answer.values("www-authenticate").is_empty() && answer.values("set-cookie").is_empty());
        assert!(!answer.value("x-request-id").is_empty());
    }
    for fields in [
        &[][..],
        &["Accept: */*"],
        &["Accept: application/json"],
        &["Sec-Fetch-Mode: cors", html],
        &["Sec-Fetch-Mode: no-cors", html],
        &[go, html, "Authorization: Bearer x.y.z"],
        &[go, html, "Authorization: Basic YTpi"],
    ] {
        let answer = ask(fields, "GET").await;
        assert_eq!(answer.status, 401, "{fields:?}");
        assert!(answer.values("location").is_empty());
        assert!(answer.value("www-authenticate").starts_with("Bearer "));
    }
    for (method, status) in [("POST", 401), ("DELETE", 401), ("PATCH", 405)] {
        assert_eq!(ask(&[go, html], method).await.status, status, "{method}");
    }
    assert_eq!(world.recorder.hits(), 0);
    // The form then leads back to where they were going.
    let opened = super::open(&world, page.strip_prefix("/auth/signin").unwrap()).await;
    assert_eq!(opened.next, target);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_the_cookie_leads_to_a_new_one() {
    let world = world().await;
    let revoked = minted(&world, "");
    let token = revoked.split_once('=').unwrap().1;
    assert_eq!(world.stranger().post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
    let expired = world.mint.with(&serde_json::json!({"iat": now() - 700, "exp": now() - 60}));
    let unknown = world.mint.with_header(&serde_json::json!({"kid": "unknown"}));
    for cookie in [
        revoked,
        format!("Cookie: __Host-gatepass={expired}"),
        format!("Cookie: __Host-gatepass={unknown}"),
        "Cookie: __Host-gatepass=x.y.z".to_owned(),
    ] {
        let who = world.stranger().saying(&cookie);
        assert_eq!(who.get("/api/me").await.status, 401, "{cookie}");
        let answer = who.saying("Sec-Fetch-Mode: navigate").get("/api/me").await;
        assert_eq!((answer.status, answer.value("location")), (303, "/auth/signin?next=%2Fapi%2Fme"));
    }
    // Who is known and may not pass would not pass after another sign-in.
    let alice = world.stranger().saying(&minted(&world, "")).saying("Sec-Fetch-Mode: navigate");
    assert_eq!(alice.get("/api/admin").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_too_long_to_come_back_to_is_left_out() {
    let world = world().await;
    let browser = world.stranger().saying("Sec-Fetch-Mode: navigate");
    let answer = browser.get(&format!("/api/me?{}", "x".repeat(4000))).await;
    assert_eq!((answer.status, answer.value("location")), (303, "/auth/signin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_page_everybody_is_told() {
    let world = World::new().await;
    let browser = world.stranger().saying("Sec-Fetch-Mode: navigate").saying("Accept: text/html");
    assert_eq!(browser.get("/api/me").await.status, 401);
    assert_eq!(browser.get("/auth/signin").await.status, 401);
}

/// A target that is refused for itself is never repeated in a `Location`.
#[tokio::test(flavor = "multi_thread")]
async fn only_targets_that_are_taken_are_come_back_to() {
    let world = world().await;
    let browser = world.stranger().saying("Sec-Fetch-Mode: navigate");
    for target in ["//evil.test", "/%2fevil.test", "/\\evil.test", "/a/../b"] {
        let answer = browser.get(target).await;
        assert_eq!(answer.status, 400, "{target}");
        assert!(answer.values("location").is_empty());
    }
    let absolute = browser.get("http://gw.test/api/me").await;
    assert_eq!((absolute.status, absolute.value("location")), (303, "/auth/signin?next=%2Fapi%2Fme"));
}
