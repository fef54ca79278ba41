//! Credentials and headers that must not be believed: group B.

use crate::world::World;
use crate::world::raw::Raw;

#[tokio::test(flavor = "multi_thread")]
async fn b01_b02_one_credential_or_none() {
    let world = World::new().await;
    let (alice, admin) = (world.mint.token("alice", ""), world.mint.token("admin", "admin"));
    for (one, other) in [
        (format!("Bearer {alice}"), "Bearer garbage".to_owned()),
        ("Bearer garbage".to_owned(), format!("Bearer {alice}")),
        (format!("Bearer {alice}"), format!("Bearer {admin}")),
        (format!("Bearer {alice}"), "Basic YTpi".to_owned()),
    ] {
        let who = world
            .stranger()
            .saying(&format!("Authorization: {one}"))
            .saying(&format!("Authorization: {other}"));
        let answer = who.get("/api/me").await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("invalid_request")));
    }
    for value in [format!("Bearer {alice}, Bearer {admin}"), format!("Bearer {alice},{admin}")] {
        assert_eq!(
            world.stranger().saying(&format!("Authorization: {value}")).get("/api/me").await.status,
            400
        );
    }
    assert_eq!(world.recorder.hits(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn b04_a_query_is_no_place_for_a_token() {
    let world = World::new().await;
    let token = world.mint.token("alice", "");
    let answer = world.stranger().get(&format!("/api/me?access_token={token}")).await;
    assert_eq!((answer.status, world.recorder.hits()), (401, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn b06_bytes_that_are_not_text_are_refused_and_the_gateway_goes_on() {
    let world = World::new().await;
    for value in [&b"Bearer \xff\xfe"[..], b"\xc3\xa9 T", b"\x80"] {
        for name in ["Authorization", "Host", "Content-Type", "X-Forwarded-For", "Cookie", "Expect", "Origin"]
        {
            let host = if name == "Host" { "" } else { "Host: gw.test\r\n" };
            let mut request = format!("GET /api/me HTTP/1.1\r\n{host}{name}: ").into_bytes();
            request.extend_from_slice(value);
            request.extend_from_slice(b"\r\n\r\n");
            let answer = Raw::connect(world.address()).await.ask(request).await.expect("an answer");
            assert!(matches!(answer.status, 400 | 401), "{name} {value:?}: {}", answer.status);
        }
    }
    assert_eq!(world.recorder.hits(), 0);
    assert_eq!(world.stranger().get("/public/x").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn b08_b09_b10_identity_is_ours_to_write_in_every_spelling() {
    let world = World::new().await;
    let spellings = [
        "X-Auth-User",
        "x-AUTH-user",
        "X_Auth_User",
        "X-Auth_User",
        "x_auth-user",
        "x.auth.user",
        "X-Auth-Scopes",
        "X-Auth-Email",
        "X_Auth_Email",
    ];
    let forged = |who: crate::world::people::Stranger| {
        spellings
            .iter()
            .fold(who, |who, name| who.saying(&format!("{name}: admin")).saying(&format!("{name}: ")))
    };
    assert_eq!(forged(world.stranger()).get("/public/x").await.status, 200);
    let seen = world.recorder.last();
    for name in ["x-auth-user", "x-auth-scopes", "x-auth-email"] {
        assert!(seen.folded(name).is_empty(), "{}", seen.head);
    }
    assert_eq!(forged(world.stranger()).get("/maybe/x").await.status, 200);
    assert!(world.recorder.last().folded("x-auth-user").is_empty());
    assert_eq!(forged(world.signed_in("event:read")).get("/api/me").await.status, 200);
    let seen = world.recorder.last();
    assert_eq!(seen.folded("x-auth-user"), ["alice"]);
    assert_eq!(seen.folded("x-auth-scopes"), ["event:read"]);
    assert!(seen.folded("x-auth-email").is_empty(), "the token has no such claim: {}", seen.head);
    for name in ["Transfer_Encoding: chunked", "Content_Length: 5", "X_Forwarded_For: 1.2.3.4"] {
        assert_eq!(world.signed_in("").saying(name).get("/api/me").await.status, 200);
        let name = name.split(':').next().unwrap();
        let kept = world.recorder.last().head;
        assert!(!kept.contains(name), "{kept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_b15_connection_cannot_take_the_identity_away() {
    let world = World::new().await;
    for field in [
        "Connection: close, X-Auth-User",
        "Connection: x-auth-user",
        "Connection: keep-alive, X-Auth-Scopes\r\nConnection: X-AUTH-USER",
        "Upgrade: websocket\r\nConnection: Upgrade, X-Auth-User",
    ] {
        let token = world.mint.token("alice", "event:read");
        let hits = world.recorder.hits();
        for version in ["1.1", "1.0"] {
            let request = format!(
                "GET /api/me HTTP/{version}\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n{field}\r\n\r\n"
            );
            let answer = Raw::connect(world.address()).await.ask(request).await.expect("an answer");
            assert_eq!(answer.status, 200, "{field}");
            let seen = world.recorder.last();
            assert_eq!(seen.folded("x-auth-user"), ["alice"], "{field}: {}", seen.head);
            assert_eq!(seen.folded("x-auth-scopes"), ["event:read"], "{field}");
            assert!(seen.folded("upgrade").is_empty());
        }
        assert_eq!(world.recorder.hits(), hits + 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b17_b18_b21_what_only_a_proxy_may_say() {
    let world = World::new().await;
    let forged = [
        "X-Forwarded-Uri: /public/x",
        "X-Forwarded-Prefix: /public",
        "X-Original-URL: /public",
        "X-Rewrite-URL: /public",
        "X-Envoy-Original-Path: /public",
        "X-Forwarded-Method: OPTIONS",
        "X-HTTP-Method-Override: GET",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: localhost",
        "X-Forwarded-For: 1.2.3.4",
        "X-Real-IP: 1.2.3.4",
        "X-Request-Id: x",
        "Forwarded: for=\"6,7\";host=evil;proto=https",
    ];
    for field in forged {
        assert_eq!(world.stranger().saying(field).get("/api/me").await.status, 401, "{field}");
    }
    assert_eq!(world.recorder.hits(), 0);
    let who = forged.iter().fold(world.signed_in(""), |who, field| who.saying(field));
    assert_eq!(who.get("/api/me").await.status, 200);
    let seen = world.recorder.last();
    assert_eq!(seen.folded("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(seen.folded("x-forwarded-proto"), ["http"]);
    assert_eq!(seen.folded("x-forwarded-host"), ["gw.test"]);
    assert_eq!(seen.folded("x-request-id").len(), 1);
    assert_ne!(seen.folded("x-request-id"), ["x"]);
    for gone in [
        "x-forwarded-uri",
        "x-forwarded-prefix",
        "x-original-url",
        "x-rewrite-url",
        "x-envoy-original-path",
        "x-forwarded-method",
        "x-http-method-override",
        "x-real-ip",
        "forwarded",
    ] {
        assert!(seen.folded(gone).is_empty(), "{gone}: {}", seen.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b20_b22_the_token_stays_here_and_a_user_agent_opens_nothing() {
    let world = World::new().await;
    assert_eq!(world.signed_in("").get("/api/me").await.status, 200);
    assert!(world.recorder.last().folded("authorization").is_empty());
    for agent in ["GoogleHC/1.0", "kube-probe/1.29", "ELB-HealthChecker/2.0"] {
        assert_eq!(world.stranger().saying(&format!("User-Agent: {agent}")).get("/api/me").await.status, 401);
    }
}
