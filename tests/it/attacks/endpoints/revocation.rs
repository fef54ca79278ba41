//! Ending tokens and sign-ins.

use std::time::Duration;

use serde_json::json;

use crate::attacks::ada::{LOGIN, PASSWORD, in_world};
use crate::attacks::answers::{is_401t, made_by_us};
use crate::attacks::wires::{Doors, Wire};
use crate::world::raw::Raw;
use crate::world::recorder::Recorder;
use crate::world::tls::H2;
use crate::world::tokens::{Mint, changed, now, sign};
use crate::world::{ROUTES, SECRET, World, config_text};

fn request(token: &str) -> String {
    format!("GET /api/me HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn f01_h11_a_revoked_token_is_refused_at_once_and_everywhere() {
    let world = in_world(World::new().await).await;
    let stranger = world.stranger();
    let (answer, who) = stranger.sign_in(LOGIN, PASSWORD).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let (mut one, mut other) = (Raw::connect(world.address()).await, Raw::connect(world.address()).await);
    for kept in [&mut one, &mut other] {
        assert_eq!(kept.ask(request(&token)).await.unwrap().status, 200);
    }
    let hits = world.recorder.hits();
    let revoked = stranger.post_form("/auth/revoke", &format!("token={token}")).await;
    assert_eq!((revoked.status, revoked.body.len()), (200, 0));
    made_by_us(&revoked);
    for kept in [&mut one, &mut other] {
        let refused = kept.ask(request(&token)).await.unwrap();
        is_401t(&refused);
        assert!(refused.text().contains("revoked"), "{refused:?}");
    }
    is_401t(&who.unwrap().get("/api/me").await);
    assert_eq!(world.recorder.hits(), hits);
    // Again, and of what is no token: nothing to do, and no error.
    for token in [token.as_str(), "garbage", "a.b.c", "%00", "\u{e9}"] {
        let answer = stranger.post_form("/auth/revoke", &format!("token={token}")).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{token}");
        made_by_us(&answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f01_over_h2_on_a_kept_connection() {
    let doors = Doors::open().await;
    let token = doors.mint.token("alice", "");
    let bearer = format!("Bearer {token}");
    let fields: [(&str, &[u8]); 1] = [("authorization", bearer.as_bytes())];
    let mut kept = H2::connect(&doors, doors.trusted.clone()).await;
    assert_eq!(kept.ask("GET", "/api/me", &fields, None).await.unwrap().status, 200);
    let form = format!("token={token}");
    let kind: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
    let revoked = doors.ask(Wire::H2, ("POST", "/auth/revoke"), &kind, Some(form.as_bytes())).await;
    assert_eq!((revoked.status, revoked.body.len()), (200, 0));
    is_401t(&kept.ask("GET", "/api/me", &fields, None).await.unwrap());
    assert_eq!(doors.recorder.hits(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn f07_a_revocation_outlives_the_token_by_its_leeway() {
    let recorder = Recorder::start().await;
    let text =
        config_text(recorder.address(), ROUTES).replace("max_lifetime", "leeway = \"5s\"\nmax_lifetime");
    let world = World::configured(recorder, &text).await;
    let exp = now() + 2;
    let (token, other) = (world.mint.with(&json!({"exp": exp})), world.mint.with(&json!({"exp": exp})));
    let mut kept = Raw::connect(world.address()).await;
    assert_eq!(kept.ask(request(&token)).await.unwrap().status, 200);
    assert_eq!(world.stranger().post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    while now() <= exp + 2 {
        assert_eq!(kept.ask(request(&token)).await.unwrap().status, 401);
        // What was not revoked has its grace: that the other is refused is the revocation's doing.
        let in_grace = kept.ask(request(&other)).await.unwrap();
        assert!(in_grace.status == 200 || now() >= exp + 5);
        looks.tick().await;
    }
}

/// Holding the token is what it takes, no more and no less: RFC 7009 leaves clients without credentials to the server.
#[tokio::test(flavor = "multi_thread")]
async fn f08_only_who_holds_a_token_ends_it() {
    let world = World::new().await;
    let claims = Mint::claims();
    let token = sign(&world.mint.header(), &claims, SECRET.as_bytes());
    let alice = world.stranger().bearing(&token);
    let bob = world.stranger().bearing(&world.mint.token("bob", "admin"));
    let mallory = sign(&world.mint.header(), &claims, b"a key of her own, as long as it has to be");
    let unsigned = token.rsplit_once('.').unwrap().0;
    for guess in
        [claims["jti"].as_str().unwrap(), "alice", &mallory, unsigned, &format!("{unsigned}."), &token[1..]]
    {
        for who in [&bob, &world.stranger()] {
            let answer = who.post_form("/auth/revoke", &format!("token={guess}")).await;
            assert_eq!((answer.status, answer.body.len()), (200, 0), "{guess}");
            assert_eq!(alice.get("/api/me").await.status, 200, "{guess}");
        }
    }
    // Another's sign-ins cannot be ended through the sessions either.
    assert!(bob.send("DELETE", "/auth/sessions?id=anything", None).await.status < 500);
    assert_eq!(alice.get("/api/me").await.status, 200);
    assert_eq!(world.stranger().send("POST", "/auth/logout", None).await.status, 401);
    assert_eq!(world.stranger().post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
    is_401t(&alice.get("/api/me").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn f10_methods_and_hints_of_revocation() {
    let world = World::new().await;
    let stranger = world.stranger();
    let token = world.mint.token("alice", "");
    for method in ["GET", "PUT", "DELETE", "PATCH", "HEAD"] {
        let answer = stranger.send(method, &format!("/auth/revoke?token={token}"), None).await;
        assert_eq!((answer.status, answer.value("allow")), (405, "POST"), "{method}");
    }
    let query = stranger.post_form(&format!("/auth/revoke?token={token}"), "").await;
    assert_eq!((query.status, query.json()["error"].as_str()), (400, Some("invalid_request")));
    made_by_us(&query);
    assert_eq!(stranger.clone().bearing(&token).get("/api/me").await.status, 200);
    for hint in ["refresh_token", "access_token", "id_token", "nonsense", ""] {
        let token = world.mint.token("alice", "");
        let who = stranger.clone().bearing(&token);
        assert_eq!(who.get("/api/me").await.status, 200);
        let form = format!("token={token}&token_type_hint={hint}");
        // No type is refused, so nobody hears of an unsupported one.
        assert_eq!(stranger.post_form("/auth/revoke", &form).await.status, 200, "{hint}");
        is_401t(&who.get("/api/me").await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f16_everywhere_means_everything_before_and_nothing_after() {
    let world = in_world(World::new().await).await;
    let sign_in = async || world.stranger().sign_in(LOGIN, PASSWORD).await;
    let first = sign_in().await;
    let claims = {
        let token = first.0.json()["access_token"].as_str().unwrap().to_owned();
        gatepass::token::Verifier::inspect(&token).unwrap().1
    };
    let old = [first.1.unwrap(), sign_in().await.1.unwrap()];
    let ender = sign_in().await.1.unwrap();
    // Made by hand, without the number of a sign-in: these are told apart by the second they were issued in.
    let by_hand = |iat: u64| {
        let claims = changed(Mint::claims(), &json!({"sub": claims["sub"], "iat": iat}));
        world.stranger().bearing(&sign(&world.mint.header(), &claims, SECRET.as_bytes()))
    };
    let second = now();
    let handmade = [by_hand(second - 1), by_hand(second)];
    for who in old.iter().chain(&handmade) {
        assert_eq!(who.get("/api/me").await.status, 200);
    }
    assert_eq!(ender.send("POST", "/auth/logout?all=true", None).await.status, 204);
    // In the same second, as a rule: bcrypt takes a fraction of one here.
    let new = sign_in().await.1.unwrap();
    let hits = world.recorder.hits();
    for who in old.iter().chain(&handmade).chain([&ender]) {
        is_401t(&who.get("/api/me").await);
    }
    assert_eq!(world.recorder.hits(), hits);
    for _ in 0..3 {
        assert_eq!(new.get("/api/me").await.status, 200);
    }
    let later = now() + 1;
    while now() < later {
        assert_eq!(new.get("/api/me").await.status, 200);
    }
    assert_eq!(by_hand(now()).get("/api/me").await.status, 200, "issued after");
}
