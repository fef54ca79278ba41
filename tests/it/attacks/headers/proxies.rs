//! Headers that only a proxy may send, and what of the client's own goes on.

use crate::attacks::answers::is_401n;
use crate::attacks::wires::{Doors, WIRES};
use crate::world::recorder::Recorder;
use crate::world::{ROUTES, World, config_text};

const FORGED: [(&str, &[u8]); 16] = [
    ("X-Forwarded-Uri", b"/public/x"),
    ("X-Forwarded-Prefix", b"/public"),
    ("X-Forwarded-Path", b"/public"),
    ("X-Original-URL", b"/public"),
    ("X-Original-URI", b"/public"),
    ("X-Rewrite-URL", b"/public"),
    ("X-Envoy-Original-Path", b"/public"),
    ("X-Forwarded-Method", b"OPTIONS"),
    ("X-Original-Method", b"OPTIONS"),
    ("X-HTTP-Method-Override", b"GET"),
    ("X-HTTP-Method", b"GET"),
    ("X-Method-Override", b"GET"),
    ("X-Forwarded-Proto", b"https"),
    ("X-Forwarded-Host", b"localhost"),
    ("X-Forwarded-Port", b"443"),
    ("X-Forwarded-For", b"127.0.0.1"),
];

#[tokio::test(flavor = "multi_thread")]
async fn b21_headers_of_proxies_decide_nothing_and_end_here() {
    let doors = Doors::open().await;
    let bearer = format!("Bearer {}", doors.mint.token("admin", "admin"));
    for wire in WIRES {
        for (name, value) in FORGED {
            for method in ["GET", "POST"] {
                let hits = doors.recorder.hits();
                is_401n(&doors.ask(wire, (method, "/api/admin"), &[(name, value)], None).await);
                assert_eq!(doors.recorder.hits(), hits, "{name}");
            }
            let fields = [(name, value), ("authorization", bearer.as_bytes())];
            assert_eq!(doors.ask(wire, ("GET", "/api/admin"), &fields, None).await.status, 200);
            let seen = doors.recorder.last();
            assert_eq!(seen.line(), "GET /api/admin");
            let own: &[&str] = match name {
                "X-Forwarded-Proto" => &["https"],
                "X-Forwarded-Host" => &["gw.test"],
                "X-Forwarded-For" => &["127.0.0.1"],
                _ => &[],
            };
            assert_eq!(seen.folded(name), own, "{}", seen.head);
            assert_eq!(seen.folded("x-forwarded-for"), ["127.0.0.1"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b20_b22_the_token_stays_here_and_a_user_agent_opens_nothing() {
    let doors = Doors::open().await;
    let token = doors.mint.token("alice", "");
    for wire in WIRES {
        for target in ["/api/me", "/public/x", "/maybe/x"] {
            assert_eq!(doors.get(wire, target, Some(&token)).await.status, 200);
            assert!(doors.recorder.last().folded("authorization").is_empty());
        }
        for agent in ["GoogleHC/1.0", "kube-probe/1.29", "ELB-HealthChecker/2.0"] {
            let hits = doors.recorder.hits();
            is_401n(&doors.ask(wire, ("GET", "/api/me"), &[("user-agent", agent.as_bytes())], None).await);
            assert_eq!(doors.recorder.hits(), hits);
        }
    }
}

/// Where it is configured the token goes on, on that route alone; and to the server that takes over as little or as much
/// as to the one that failed. Cookies are the application's: the gateway has none of its own.
#[tokio::test(flavor = "multi_thread")]
async fn b20_where_it_is_configured_the_token_goes_on() {
    let recorder = Recorder::start().await;
    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let servers = format!("\"{}\", \"{}\"", dead.local_addr().unwrap(), recorder.address());
    drop(dead);
    let more = format!("{ROUTES}\n[[route]]\npath = \"/told/**\"\nforward_authorization = true\n");
    let text = config_text(recorder.address(), &more)
        .replace(&format!("servers = [\"{}\"]", recorder.address()), &format!("servers = [{servers}]"));
    let world = World::configured(recorder, &text).await;
    let token = world.mint.token("alice", "");
    let who = world.stranger().bearing(&token).saying("Cookie: a=b");
    for _ in 0..6 {
        for (target, told) in [("/told/x", true), ("/api/me", false)] {
            assert_eq!(who.get(target).await.status, 200);
            let seen = world.recorder.last();
            let expected: &[String] = if told { &[format!("Bearer {token}")] } else { &[] };
            assert_eq!(seen.folded("authorization"), expected, "{target}");
            assert_eq!(seen.values("cookie"), ["a=b"]);
        }
    }
    let who = world.stranger().saying("Authorization: Basic YTpi");
    assert_eq!(who.get("/public/x").await.status, 200);
    assert!(world.recorder.last().folded("authorization").is_empty());
}
