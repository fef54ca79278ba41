//! Our own endpoints under attack: groups E, F and H.

use std::time::Duration;

use crate::world::raw::Raw;
use crate::world::{ROUTES, World};

const PASSWORD: &str = "correct horse battery";

async fn with_ada() -> World {
    let world = World::new().await;
    assert_eq!(world.stranger().sign_up("ada@example.org", PASSWORD).await.status, 200);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn e05_e06_e07_bcrypt_is_not_given_what_it_would_cut() {
    let world = World::new().await;
    let stranger = world.stranger();
    let long = "a".repeat(71);
    assert_eq!(stranger.sign_up("long@example.org", &long).await.status, 200);
    assert_eq!(stranger.sign_up("longer@example.org", &"a".repeat(72)).await.status, 422);
    assert_eq!(stranger.sign_up("short@example.org", "seven77").await.status, 422);
    assert!(stranger.sign_in("long@example.org", &long).await.1.is_some());
    assert!(stranger.sign_in("long@example.org", &format!("{long}z")).await.1.is_none());
    assert_eq!(stranger.sign_up("abc@example.org", "abcabcabc").await.status, 200);
    for password in ["abcabcabc\0abcabcabc", "abcabcabc\0", "\0abcabcabc", ""] {
        assert!(stranger.sign_in("abc@example.org", password).await.1.is_none(), "{password:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_e10_e12_h07_only_the_form_it_is_meant_for() {
    let world = with_ada().await;
    let stranger = world.stranger();
    let form = "username=ada%40example.org&password=correct+horse+battery";
    for kind in [
        "application/json",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/x-www-form-urlencoded; charset=utf-16",
    ] {
        let answer = stranger.send("POST", "/token", Some((kind, form))).await;
        assert!(matches!(answer.status, 400 | 415), "{kind}: {}", answer.status);
        assert!(answer.json()["access_token"].is_null());
    }
    for method in ["GET", "PUT", "DELETE"] {
        let answer = stranger.send(method, &format!("/token?{form}"), None).await;
        assert_eq!((answer.status, answer.value("allow")), (405, "POST"), "{method}");
    }
    assert_eq!(stranger.post_form(&format!("/token?{form}"), "").await.status, 400);
    for (form, error) in [
        (format!("{form}&grant_type=client_credentials"), "unsupported_grant_type"),
        (format!("{form}&grant_type=password&grant_type=password"), "invalid_request"),
        (format!("{form}&username=bob"), "invalid_request"),
        ("username=&password=x".to_owned(), "invalid_request"),
        ("password=x".to_owned(), "invalid_request"),
    ] {
        let answer = stranger.post_form("/token", &form).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some(error)), "{form}");
    }
    assert_eq!(
        stranger.post_form("/token", &format!("{form}&grant_type=password&extra=1")).await.status,
        200
    );
    assert_eq!(stranger.post_form("/user/signin", form).await.status, 200, "the alias");
}

#[tokio::test(flavor = "multi_thread")]
async fn e17_e19_login_bodies_are_bounded_in_size_and_time() {
    let world = World::with(&format!("{ROUTES}\n[limits]\nhead_time = \"1s\"\n")).await;
    let head = "POST /token HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let mut raw = Raw::connect(world.address()).await;
    assert_eq!(
        raw.ask(format!("{head}Content-Length: 200000000\r\n\r\n")).await.expect("an answer").status,
        413
    );
    let mut raw = Raw::connect(world.address()).await;
    raw.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n")).await;
    for _ in 0..5 {
        raw.send(format!("1000\r\n{}\r\n", "x".repeat(4096))).await;
    }
    assert_eq!(raw.answer().await.expect("an answer").status, 413);
    let mut raw = Raw::connect(world.address()).await;
    assert_eq!(
        raw.ask(format!("{head}Content-Length: 20\r\n\r\nuser")).await.expect("an answer").status,
        408
    );
    let mut raw = Raw::connect(world.address()).await;
    let form = "username=nobody&password=nothing";
    let asked =
        raw.ask(format!("{head}Content-Length: {}\r\nExpect: 100-continue\r\n\r\n", form.len())).await;
    assert_eq!(asked.expect("leave to go on").status, 100);
    assert_eq!(raw.ask(form).await.expect("an answer").status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn f01_f08_f10_h11_revocation() {
    let world = with_ada().await;
    let stranger = world.stranger();
    let (answer, who) = stranger.sign_in("ada@example.org", PASSWORD).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let mut kept = Raw::connect(world.address()).await;
    let request = format!("GET /api/me HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n\r\n");
    assert_eq!(kept.ask(&request).await.unwrap().status, 200);
    let revoked =
        stranger.post_form("/auth/revoke", &format!("token={token}&token_type_hint=refresh_token")).await;
    assert_eq!((revoked.status, revoked.body.len()), (200, 0));
    let refused = kept.ask(&request).await.unwrap();
    assert_eq!(refused.status, 401, "on a kept connection too");
    assert!(refused.text().contains("revoked"), "{}", refused.text());
    assert_eq!(who.unwrap().get("/api/me").await.status, 401);
    assert_eq!(stranger.post_form("/auth/revoke", "token=garbage").await.status, 200);
    assert_eq!(stranger.send("GET", "/auth/revoke", None).await.status, 405);
    assert_eq!(stranger.send("POST", "/auth/logout", None).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn f07_a_revocation_outlives_the_token_by_its_leeway() {
    let text = crate::world::config_text("127.0.0.1:1".parse().unwrap(), ROUTES)
        .replace("max_lifetime", "leeway = \"5s\"\nmax_lifetime");
    let recorder = crate::world::recorder::Recorder::start().await;
    let text = text.replace("127.0.0.1:1\"", &format!("{}\"", recorder.address()));
    let world = World::configured(recorder, &text).await;
    let token = world.mint.with(&serde_json::json!({"exp": crate::world::tokens::now() + 2}));
    let who = world.stranger().bearing(&token);
    assert_eq!(who.get("/api/me").await.status, 200);
    assert_eq!(world.stranger().post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
    let deadline = gatepass::clock::instant() + Duration::from_secs(4);
    while gatepass::clock::instant() < deadline {
        assert_eq!(who.get("/api/me").await.status, 401);
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h01_h02_challenges() {
    let world = World::new().await;
    for method in ["GET", "HEAD", "POST"] {
        let answer = world.stranger().send(method, "/api/me", None).await;
        assert_eq!(
            (answer.status, answer.values("www-authenticate")),
            (401, vec!["Bearer realm=\"gatepass\""]),
            "{method}"
        );
    }
    let answer = world.signed_in("").send("POST", "/event/new", None).await;
    assert_eq!(answer.status, 403);
    let challenge = answer.value("www-authenticate");
    assert!(
        challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"event:write\""),
        "{challenge}"
    );
    assert_eq!(world.recorder.hits(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn h04_h05_a_token_answer_and_the_token_in_it() {
    let world = with_ada().await;
    let (answer, _) = world.stranger().sign_in("ada@example.org", PASSWORD).await;
    let body = answer.json();
    assert_eq!((answer.status, answer.value("content-type")), (200, "application/json"));
    assert_eq!((answer.value("cache-control"), answer.value("pragma")), ("no-store", "no-cache"));
    assert_eq!(
        (body["token_type"].as_str(), body["scope"].as_str()),
        (Some("Bearer"), Some("event:read event:write"))
    );
    let (header, claims) =
        gatepass::token::Verifier::inspect(body["access_token"].as_str().unwrap()).unwrap();
    assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some("HS256"), Some("at+jwt")));
    for name in ["iss", "sub", "aud", "jti", "sid", "scope", "client_id", "preferred_username"] {
        assert!(claims[name].is_string(), "{name}: {claims}");
    }
    let lived = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert_eq!(body["expires_in"].as_u64(), Some(lived));
    assert_ne!(claims["sub"], claims["preferred_username"], "sub is the immutable id");
}

#[tokio::test(flavor = "multi_thread")]
async fn h17_cors_reflects_only_configured_origins() {
    let world = World::with(&format!("{ROUTES}\n[cors]\norigins = [\"https://app.test\"]\n")).await;
    for target in ["/token", "/api/me", "/public/x"] {
        let evil = world.stranger().saying("Origin: https://evil").get(target).await;
        assert!(evil.values("access-control-allow-origin").is_empty(), "{target}");
        let app = world.stranger().saying("Origin: https://app.test").get(target).await;
        assert_eq!(app.values("access-control-allow-origin"), ["https://app.test"], "{target}");
        assert!(app.values("access-control-allow-credentials").is_empty());
        assert!(app.values("vary").iter().any(|v| v.eq_ignore_ascii_case("origin")));
    }
    let asks = world
        .stranger()
        .saying("Origin: https://app.test")
        .saying("Access-Control-Request-Method: POST")
        .saying("Access-Control-Request-Headers: authorization");
    let hits = world.recorder.hits();
    let preflight = asks.send("OPTIONS", "/api/me", None).await;
    assert_eq!((preflight.status, preflight.value("access-control-allow-headers")), (204, "authorization"));
    let evil = world.stranger().saying("Origin: https://evil").saying("Access-Control-Request-Method: POST");
    assert_eq!(evil.send("OPTIONS", "/api/me", None).await.status, 401);
    assert_eq!(world.recorder.hits(), hits);
}
