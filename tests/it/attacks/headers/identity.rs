//! The identity headers: ours to write, in every spelling, whatever stands beside them.

use crate::attacks::answers::made_by_us;
use crate::attacks::wires::{Doors, WIRES};
use crate::world::World;
use crate::world::raw::Raw;
use crate::world::recorder::Recorded;

const SPELLINGS: [&str; 12] = [
    "X-Auth-User",
    "x-AUTH-user",
    "X_Auth_User",
    "X-Auth_User",
    "x_auth-user",
    "x.auth.user",
    "X-Auth-Scopes",
    "X_AUTH_SCOPES",
    "X-Auth-Email",
    "X_Auth_Email",
    "x~auth~email",
    "X'Auth'User",
];

/// At most one value for each identity header, however its name is folded.
fn identity(seen: &Recorded) -> [Vec<&str>; 3] {
    ["x-auth-user", "x-auth-scopes", "x-auth-email"].map(|name| seen.folded(name))
}

#[tokio::test(flavor = "multi_thread")]
async fn b08_b09_b10_identity_is_ours_to_write_in_every_spelling() {
    let doors = Doors::open().await;
    let bearer = format!("Bearer {}", doors.mint.token("alice", "event:read"));
    let scopeless = format!("Bearer {}", doors.mint.token("alice", ""));
    let forged: Vec<(&str, &[u8])> =
        SPELLINGS.iter().flat_map(|name| [(*name, &b"admin"[..]), (*name, b""), (*name, b"a@b")]).collect();
    for wire in WIRES {
        for target in ["/public/x", "/maybe/x", "/"] {
            assert_eq!(doors.ask(wire, ("GET", target), &forged, None).await.status, 200);
            let seen = doors.recorder.last();
            assert_eq!(identity(&seen), [const { Vec::<&str>::new() }; 3], "{target}: {}", seen.head);
        }
        for (bearer, scopes) in [(&bearer, &["event:read"][..]), (&scopeless, &[])] {
            for extra in [&forged[..], &forged[..1], &[]] {
                let fields = [extra, &[("authorization", bearer.as_bytes())]].concat();
                for target in ["/api/me", "/maybe/x"] {
                    let hits = doors.recorder.hits();
                    assert_eq!(doors.ask(wire, ("GET", target), &fields, None).await.status, 200);
                    assert_eq!(doors.recorder.hits(), hits + 1);
                    let seen = doors.recorder.last();
                    // The token has no e-mail address, and perhaps no scopes: then nobody says so.
                    assert_eq!(identity(&seen), [&["alice"][..], scopes, &[]], "{}", seen.head);
                }
            }
        }
        for (name, value) in
            [("Transfer_Encoding", "chunked"), ("Content_Length", "5"), ("X_Forwarded_For", "6.7.8.9")]
        {
            for fields in [
                &[(name, value.as_bytes()), ("authorization", bearer.as_bytes())][..],
                &[(name, value.as_bytes())],
            ] {
                let target = if fields.len() == 1 { "/public/x" } else { "/api/me" };
                assert_eq!(doors.ask(wire, ("GET", target), fields, None).await.status, 200);
                let seen = doors.recorder.last();
                assert!(!seen.head.to_lowercase().contains(&name.to_lowercase()), "{}", seen.head);
                assert!(!seen.folded(name).contains(&value), "{}", seen.head);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b08_a_thousand_copies() {
    let doors = Doors::open().await;
    let bearer = format!("Bearer {}", doors.mint.token("alice", ""));
    for wire in WIRES {
        for (copies, passes) in [(100, true), (1000, false)] {
            let mut fields: Vec<(&str, &[u8])> = vec![("x-auth-user", b"admin"); copies];
            fields.push(("authorization", bearer.as_bytes()));
            let hits = doors.recorder.hits();
            let answer = doors.ask(wire, ("GET", "/api/me"), &fields, None).await;
            if answer.status == 200 {
                assert_eq!(doors.recorder.hits(), hits + 1);
                assert_eq!(doors.recorder.last().folded("x-auth-user"), ["alice"]);
            } else {
                // More lines than a head may have.
                assert_eq!(answer.status, 431, "{answer:?}");
                made_by_us(&answer);
                assert_eq!(doors.recorder.hits(), hits);
            }
            if passes {
                assert_eq!(answer.status, 200);
            }
        }
    }
}

const NOMINATIONS: [&str; 9] = [
    "Connection: close, X-Auth-User",
    "Connection: x-auth-user",
    "Connection: X-AUTH-USER",
    "Connection: keep-alive, X-Auth-Scopes",
    "Connection: keep-alive, X-Auth-Scopes\r\nConnection: X-AUTH-USER",
    "Connection: x-auth-user\r\nConnection: close",
    "X-Auth-User: admin\r\nConnection: X-Auth-User, x-auth-scopes, x-auth-email, x-request-id, x-forwarded-for",
    "Upgrade: websocket\r\nConnection: Upgrade, X-Auth-User",
    "Upgrade: websocket\r\nConnection: Upgrade, X-Auth-User\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

#[tokio::test(flavor = "multi_thread")]
async fn b12_b15_connection_cannot_take_the_identity_away() {
    // No route has WebSockets switched on; where one has, `streams::handshake` looks at what goes upstream.
    let world = World::new().await;
    let token = world.mint.token("alice", "event:read");
    for field in NOMINATIONS {
        for version in ["1.1", "1.0"] {
            let hits = world.recorder.hits();
            let request = format!(
                "GET /api/me HTTP/{version}\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n{field}\r\n\r\n"
            );
            let answer = Raw::connect(world.address()).await.ask(request).await.expect("an answer");
            if answer.status == 400 {
                made_by_us(&answer);
                assert_eq!(world.recorder.hits(), hits);
                continue;
            }
            assert_eq!(answer.status, 200, "{field}");
            assert_eq!(world.recorder.hits(), hits + 1);
            let seen = world.recorder.last();
            assert_eq!(identity(&seen), [&["alice"][..], &["event:read"], &[]], "{field}: {}", seen.head);
            assert!(seen.folded("upgrade").is_empty(), "{field}: {}", seen.head);
            assert_eq!(seen.folded("x-forwarded-for"), ["127.0.0.1"], "{field}");
        }
    }
    assert!(world.recorder.hits() > NOMINATIONS.len(), "most of it goes through");
}

#[tokio::test(flavor = "multi_thread")]
async fn b17_b18_what_the_gateway_says_it_says_alone() {
    let doors = Doors::open().await;
    let bearer = format!("Bearer {}", doors.mint.token("alice", ""));
    let fields: [(&str, &[u8]); 10] = [
        ("authorization", bearer.as_bytes()),
        ("X-Real-IP", b"1.2.3.4"),
        ("X-Request-Id", b"x"),
        ("X_Request_Id", b"x"),
        ("X-Forwarded-For", b"1.2.3.4"),
        ("X-Forwarded-Proto", b"ftp"),
        ("X-Forwarded-Host", b"evil"),
        ("Forwarded", b"for=6;host=evil;proto=https"),
        ("Forwarded", b"for=\"a,b\""),
        ("forwarded", b"for=127.0.0.1;proto=https;by=_gatepass"),
    ];
    for (wire, target) in WIRES.into_iter().flat_map(|wire| [(wire, "/api/me"), (wire, "/public/x")]) {
        let answer = doors.ask(wire, ("GET", target), &fields, None).await;
        assert_eq!(answer.status, 200);
        let seen = doors.recorder.last();
        for (name, value) in [
            ("x-request-id", answer.value("x-request-id")),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "gw.test"),
        ] {
            assert_eq!(seen.folded(name), [value], "{}", seen.head);
        }
        for gone in ["x-real-ip", "forwarded"] {
            assert!(seen.folded(gone).is_empty(), "{}", seen.head);
        }
        // What it says of a host or a protocol decides nothing: without a token it opens nothing either.
        if target == "/api/me" {
            let hits = doors.recorder.hits();
            assert_eq!(doors.ask(wire, ("GET", target), &fields[1..], None).await.status, 401);
            assert_eq!(doors.recorder.hits(), hits);
        }
    }
}
