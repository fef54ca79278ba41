//! Upgrades that nobody granted, versions and methods that are not served.

use crate::attacks::answers::{is_401n, made_by_us};
use crate::attacks::frames::{Frames, Said};
use crate::attacks::wires::Doors;
use crate::world::raw::{Answer, Raw};
use crate::world::{ROUTES, World};

const WEBSOCKET: &str =
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

async fn ask(world: &World, request: String) -> Answer {
    Raw::connect(world.address()).await.ask(request).await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn d08_what_follows_an_upgrade_that_was_not_granted_stays_here() {
    let world = World::new().await;
    let token = world.mint.token("alice", "");
    for upgrade in ["foo", "websocket", "h2c", "TLS/1.2", "HTTP/2.0, foo"] {
        let hits = world.recorder.hits();
        let mut raw = Raw::connect(world.address()).await;
        // The upstream says 200: no upgrade has happened, and the bytes behind are a request like any.
        let first = format!(
            "GET /api/me HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\nUpgrade: {upgrade}\r\nConnection: Upgrade\r\n\r\n"
        );
        let second = "GET /api/admin HTTP/1.1\r\nHost: gw.test\r\n\r\n";
        assert_eq!(raw.ask(format!("{first}{second}")).await.expect("an answer").status, 200);
        if let Some(answer) = raw.answer().await {
            is_401n(&answer);
        }
        assert_eq!(world.recorder.hits(), hits + 1, "{upgrade}");
        assert_eq!(world.recorder.last().line(), "GET /api/me");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d11_d12_an_upgrade_is_an_ordinary_request_unless_its_route_says_otherwise() {
    let world = World::with(&format!("{ROUTES}\n[[route]]\npath = \"/live/**\"\nwebsocket = true\n")).await;
    let token = world.mint.token("alice", "");
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let h2c = "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    let connected = format!("{WEBSOCKET}Connection: Upgrade\r\n");
    // (a) Without a token, where it is switched on and where not.
    for (target, fields) in
        [("/api/ws", connected.as_str()), ("/live/ws", &connected), ("/live/ws", h2c), ("/api/ws", h2c)]
    {
        is_401n(&ask(&world, format!("GET {target} HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n")).await);
    }
    assert_eq!(world.recorder.hits(), 0);
    let body = "Content-Length: 4\r\n";
    for (line, fields, body) in [
        // (b) With one, where it is not switched on.
        ("GET /api/ws HTTP/1.1", connected.clone(), ""),
        // (c) Without `Connection: Upgrade`, (d) on a POST with a body, (e) over HTTP/1.0, where it is.
        ("GET /live/ws HTTP/1.1", WEBSOCKET.to_owned(), ""),
        ("GET /live/ws HTTP/1.1", format!("{WEBSOCKET}Connection: keep-alive\r\n"), ""),
        ("POST /live/ws HTTP/1.1", format!("{connected}{body}"), "body"),
        ("GET /live/ws HTTP/1.1", format!("{connected}{body}"), "body"),
        ("GET /live/ws HTTP/1.0", connected.clone(), ""),
        // To something else.
        ("GET /live/ws HTTP/1.1", h2c.to_owned(), ""),
        ("GET /api/ws HTTP/1.1", h2c.to_owned(), ""),
        ("GET /live/ws HTTP/1.1", connected.replace("websocket", "websocket, h2c"), ""),
    ] {
        let hits = world.recorder.hits();
        let answer = ask(&world, format!("{line}\r\nHost: gw.test\r\n{bearer}{fields}\r\n{body}")).await;
        assert_eq!(answer.status, 200, "{line} {fields}");
        assert_eq!(world.recorder.hits(), hits + 1);
        let seen = world.recorder.last();
        let names = seen.values("connection").join(",").to_lowercase();
        assert!(!names.contains("upgrade") && !names.contains("http2"), "{}", seen.head);
        for gone in ["upgrade", "http2-settings"] {
            assert!(seen.folded(gone).is_empty(), "{line} {fields}: {}", seen.head);
        }
        assert_eq!(seen.folded("x-auth-user"), ["alice"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d17_versions_that_are_not_served() {
    let world = World::new().await;
    for line in [
        "GET /public/x HTTP/0.9",
        "GET /public/x HTTP/1.2",
        "GET /public/x HTTP/2.0",
        "GET /public/x HTTP/2",
        "GET /public/x HTTP/3",
        "GET /public/x http/1.1",
        "GET /public/x HTTP/1.10",
        "GET /public/x HTTP/01.1",
        "GET /public/x HTTP/1,1",
        "GET /public/x XTTP/1.1",
        "GET /public/x",
        "GET  /public/x HTTP/1.1",
        "GET /public/x  HTTP/1.1",
        "GET /public/x HTTP/1.1 ",
        " GET /public/x HTTP/1.1",
        "GET\t/public/x\tHTTP/1.1",
        "PRI * HTTP/2.0",
    ] {
        let answer = ask(&world, format!("{line}\r\nHost: gw.test\r\n\r\n")).await;
        assert_eq!(answer.status, 400, "{line}");
        made_by_us(&answer);
    }
    assert_eq!(world.recorder.hits(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn d19_d20_connect_and_trace_are_not_served() {
    let doors = Doors::open().await;
    let world = World::new().await;
    let token = world.mint.token("admin", "admin");
    for line in [
        "CONNECT gw.test:80",
        "CONNECT http://gw.test/public/x",
        "CONNECT /public/x",
        "TRACE /public/x",
        "TRACE /api/me",
        "TRACE /event/1",
    ] {
        for bearer in [String::new(), format!("Authorization: Bearer {token}\r\n")] {
            let answer = ask(&world, format!("{line} HTTP/1.1\r\nHost: gw.test\r\n{bearer}\r\n")).await;
            assert_eq!(answer.status, 405, "{line}");
            assert!(answer.value("allow").contains("GET"), "{line}: {answer:?}");
            made_by_us(&answer);
        }
    }
    let bearer = format!("Bearer {token}");
    let (method, scheme, authority, path) =
        (&b":method"[..], &b":scheme"[..], &b":authority"[..], &b":path"[..]);
    let connects: [&[(&[u8], &[u8])]; 4] = [
        &[(method, b"CONNECT"), (authority, b"gw.test:80")],
        &[(method, b"CONNECT"), (scheme, b"https"), (authority, b"gw.test"), (path, b"/public/x")],
        &[
            (method, b"CONNECT"),
            (b":protocol", b"websocket"),
            (scheme, b"https"),
            (authority, b"gw.test"),
            (path, b"/public/x"),
        ],
        &[(method, b"TRACE"), (scheme, b"https"), (authority, b"gw.test"), (path, b"/api/me")],
    ];
    for fields in connects {
        let mut frames = Frames::connect(&doors).await;
        let fields = [fields, &[(b"authorization", bearer.as_bytes())]].concat();
        frames.headers(&fields, true).await;
        let said = frames.said().await;
        assert!(said.is_refusal() && said != Said::Status(400) || said == Said::Status(400), "{said:?}");
    }
    assert_eq!((world.recorder.hits(), doors.recorder.hits()), (0, 0));
}
