//! Challenges, wrong methods, and pages of other origins.

use serde_json::json;

use crate::attacks::answers::{is_400r, is_401n, is_401t, is_403s, made_by_us, made_by_us_without_its_body};
use crate::attacks::wires::{Doors, WIRES, Wire};
use crate::world::tokens::now;
use crate::world::{ROUTES, World};

#[tokio::test(flavor = "multi_thread")]
async fn h01_a_stranger_is_asked_who_they_are() {
    let doors = Doors::open().await;
    for wire in WIRES {
        for method in ["GET", "HEAD", "POST"] {
            for body in [None, Some(b"body".as_slice())] {
                let answer = doors.ask(wire, (method, "/api/me"), &[], body).await;
                assert_eq!(answer.values("www-authenticate"), ["Bearer realm=\"gatepass\""], "{method}");
                is_401n(&answer);
                if method == "HEAD" { made_by_us_without_its_body(&answer) } else { made_by_us(&answer) }
            }
        }
        // Another scheme is no attempt either.
        is_401n(&doors.ask(wire, ("GET", "/api/me"), &[("authorization", b"Basic YTpi")], None).await);
    }
    assert_eq!(doors.recorder.hits(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn h02_each_failure_has_its_status_and_its_challenge() {
    let doors = Doors::open().await;
    let revoked = doors.mint.token("alice", "");
    let kind: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
    let form = format!("token={revoked}");
    assert_eq!(doors.ask(Wire::H1, ("POST", "/auth/revoke"), &kind, Some(form.as_bytes())).await.status, 200);
    let expired = doors.mint.with(&json!({"exp": now() - 60, "iat": now() - 120}));
    let good = doors.mint.token("alice", "event:read");
    for wire in WIRES {
        for bad in ["garbage", &expired, &revoked] {
            is_401t(&doors.get(wire, "/api/me", Some(bad)).await);
        }
        for malformed in ["a b", "a,b", ""] {
            is_400r(&doors.get(wire, "/api/me", Some(malformed)).await);
        }
        let bearer = format!("Bearer {good}");
        let fields: [(&str, &[u8]); 1] = [("authorization", bearer.as_bytes())];
        is_403s(&doors.ask(wire, ("POST", "/event/new"), &fields, Some(b"{}")).await, "event:write");
        is_403s(&doors.get(wire, "/api/admin", Some(&good)).await, "admin");
    }
    assert_eq!(doors.recorder.hits(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn h07_a_wrong_method_is_told_the_right_ones() {
    let doors = Doors::open().await;
    for (target, allowed) in [
        ("/token", &["POST"][..]),
        ("/user/signin", &["POST"]),
        ("/user/signup", &["POST"]),
        ("/auth/revoke", &["POST"]),
        ("/auth/logout", &["POST"]),
        ("/auth/userinfo", &["GET", "HEAD"]),
        ("/auth/sessions", &["GET", "HEAD", "DELETE"]),
        ("/.well-known/oauth-authorization-server", &["GET", "HEAD"]),
    ] {
        for wire in WIRES {
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "post"] {
                if allowed.contains(&method) {
                    continue;
                }
                let answer = doors.ask(wire, (method, target), &[], None).await;
                assert_eq!(answer.status, 405, "{method} {target}");
                let mut told: Vec<&str> = answer.value("allow").split(',').map(str::trim).collect();
                told.sort_unstable();
                let mut allowed = allowed.to_vec();
                allowed.sort_unstable();
                assert_eq!(told, allowed, "{method} {target} over {wire:?}");
                if method == "HEAD" { made_by_us_without_its_body(&answer) } else { made_by_us(&answer) }
            }
        }
    }
    assert_eq!(doors.recorder.hits(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn h17_cors_reflects_only_configured_origins() {
    let world = World::with(&format!("{ROUTES}\n[cors]\norigins = [\"https://app.test\"]\n")).await;
    let targets = ["/token", "/auth/revoke", "/auth/userinfo", "/api/me", "/public/x", "/public/.."];
    for target in targets {
        for origin in
            ["https://evil", "null", "https://app.test.evil", "http://app.test", "https://app.test:444", "*"]
        {
            let evil = world.stranger().saying(&format!("Origin: {origin}")).get(target).await;
            assert!(evil.values("access-control-allow-origin").is_empty(), "{target} {origin}");
            assert!(evil.values("access-control-allow-credentials").is_empty());
        }
        let app = world.stranger().saying("Origin: https://app.test").get(target).await;
        assert_eq!(app.values("access-control-allow-origin"), ["https://app.test"], "{target}");
        assert!(app.values("access-control-allow-credentials").is_empty());
        assert!(app.values("vary").iter().any(|v| v.eq_ignore_ascii_case("origin")));
    }
    // Where no origin is configured none is answered.
    let world = World::new().await;
    for target in targets {
        let answer = world.stranger().saying("Origin: https://app.test").get(target).await;
        assert!(answer.values("access-control-allow-origin").is_empty(), "{target}");
    }
    let asks = world.stranger().saying("Origin: https://evil").saying("Access-Control-Request-Method: POST");
    for target in ["/api/me", "/token"] {
        let answer = asks.send("OPTIONS", target, None).await;
        assert!(answer.values("access-control-allow-origin").is_empty(), "{target}");
    }
}
