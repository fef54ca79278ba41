//! Paths that mean two things: group C.

use crate::world::raw::Raw;
use crate::world::{ROUTES, World};

/// Neither a stranger nor the holder of a token without scopes gets an ambiguous path through.
async fn refused(world: &World, target: &str) {
    let hits = world.recorder.hits();
    let stranger = world.stranger().get(target).await.status;
    assert!(matches!(stranger, 400 | 401), "{target}: {stranger} for a stranger");
    assert_eq!(world.recorder.hits(), hits, "{target} reached the upstream");
    let known = world.signed_in("").get(target).await;
    match known.status {
        400 => assert_eq!(world.recorder.hits(), hits, "{target}"),
        200 => assert_eq!(
            world.recorder.last().line(),
            format!("GET {target}"),
            "the decided path is the forwarded one"
        ),
        other => panic!("{target}: {other} with a token"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c01_c03_c04_c05_c11_ambiguous_paths() {
    let world = World::new().await;
    for target in [
        "/public/../api/admin",
        "/public/./../api",
        "/public/..",
        "/public/%2e%2e/api",
        "/public/.%2e/api",
        "/public/%2E./api",
        "/..",
        "/public/..%2fapi/admin",
        "/public/..%2Fapi/admin",
        "/public%2f..%2fapi",
        "/api%2fadmin",
        "/public/%5c..",
        "/public/%5C..",
        "/public\\..\\api\\admin",
        "/\\api",
        "/public/..\\api",
        "//api/admin",
        "///api",
        "/public//../api",
        "/public/..//api",
        "//public/x",
        "/api//admin",
        "/public//secret/x",
        "/public/%00",
        "/public/%zz",
        "/public/%c0%ae%c0%ae/api",
        "/public/%252e%252e/api",
        "/api/admin#/public",
        "/public#/../api/admin",
        "/api%23/public",
    ] {
        refused(&world, target).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c07_c09_a_public_rule_opens_its_own_segments_only() {
    let world = World::new().await;
    for target in [
        "/API/admin",
        "/PUBLIC/x",
        "/%61pi/admin",
        "/p%75blic/x",
        "/publicity",
        "/public-admin",
        "/public.bak",
        "/public%2fx",
        "/healthzz",
        "/healthz/../api",
        "/tokens",
        "/metrics",
        "/admin",
    ] {
        refused(&world, target).await;
    }
    let answer = world.signed_in("").get("/api/admin").await;
    assert_eq!(answer.status, 403, "the scope of /api/admin is needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn c13_c14_c16_targets_that_are_no_paths() {
    let world = World::new().await;
    let token = world.mint.token("alice", "");
    for target in [
        "api/admin",
        "../api/admin",
        "%2fapi%2fadmin",
        "\\api\\admin",
        "x:/api/admin",
        "a:80",
        "%20/api",
        "#/api/admin",
        "?x=1",
        "*",
    ] {
        for credential in [String::new(), format!("Authorization: Bearer {token}\r\n")] {
            let request = format!("GET {target} HTTP/1.1\r\nHost: gw.test\r\n{credential}\r\n");
            let answer = Raw::connect(world.address()).await.ask(request).await.expect("an answer");
            assert_eq!(answer.status, 400, "{target}");
        }
    }
    let options =
        Raw::connect(world.address()).await.ask("OPTIONS api HTTP/1.1\r\nHost: gw.test\r\n\r\n").await;
    assert_eq!(options.expect("an answer").status, 400);
    let options =
        Raw::connect(world.address()).await.ask("OPTIONS * HTTP/1.1\r\nHost: gw.test\r\n\r\n").await;
    assert_eq!(options.expect("an answer").status, 204);
    assert_eq!(world.recorder.hits(), 0);
    let absolute = "GET http://gw.test/api/me HTTP/1.1\r\nHost: gw.test\r\n";
    assert_eq!(Raw::connect(world.address()).await.ask(format!("{absolute}\r\n")).await.unwrap().status, 401);
    let request = format!("{absolute}Authorization: Bearer {token}\r\n\r\n");
    assert_eq!(Raw::connect(world.address()).await.ask(request).await.unwrap().status, 200);
    assert_eq!(world.recorder.last().line(), "GET /api/me");
}

#[tokio::test(flavor = "multi_thread")]
async fn c17_methods_open_nothing_that_no_route_names() {
    let world = World::new().await;
    for method in ["HEAD", "PROPFIND", "FOO", "PURGE", "OPTIONS", "TRACE", "get", "GeT"] {
        let stranger = world.stranger().send(method, "/api/me", None).await.status;
        assert!(matches!(stranger, 401 | 405), "{method}: {stranger}");
        let known = world.signed_in("").send(method, "/event/1", None).await;
        assert_eq!(known.status, 405, "{method}");
        assert!(!known.value("allow").is_empty(), "{method}");
    }
    assert_eq!(world.recorder.hits(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn c18_c23_hosts_and_precedence() {
    let mut routes = [
        "[[route]]\npath = \"/docs/**\"\naccess = \"public\"\n",
        "[[route]]\npath = \"/docs/private\"\nscopes = [\"admin\"]\n",
        "[[route]]\npath = \"/only/**\"\nhost = \"gw.test\"\nscopes = [\"admin\"]\n",
        "[[route]]\npath = \"/only/{id}\"\naccess = \"public\"\n",
    ];
    for _ in 0..routes.len() {
        routes.rotate_left(1);
        let world = World::with(&routes.concat()).await;
        assert_eq!(world.stranger().get("/docs/x").await.status, 200);
        assert_eq!(world.stranger().get("/docs/private").await.status, 401);
        assert_eq!(world.stranger().get("/docs/private/x").await.status, 200);
        for host in ["gw.test", "GW.TEST", "gw.test.", "gw.test:80"] {
            let request = format!("GET /only/1 HTTP/1.1\r\nHost: {host}\r\n\r\n");
            assert_eq!(Raw::connect(world.address()).await.ask(request).await.unwrap().status, 401, "{host}");
        }
        let request = "GET /only/1 HTTP/1.1\r\nHost: other.test\r\n\r\n";
        assert_eq!(Raw::connect(world.address()).await.ask(request).await.unwrap().status, 200);
    }
    assert!(ROUTES.contains("/public/**"));
}
