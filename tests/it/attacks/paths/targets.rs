//! Targets that are no paths.

use crate::attacks::answers::{is_400r, is_401n, leaves_the_connection_in_order, made_by_us};
use crate::attacks::frames::{Frames, Said};
use crate::attacks::wires::Doors;
use crate::world::World;
use crate::world::raw::{Answer, Raw};

async fn asked(world: &World, line: &str, token: Option<&str>) -> Answer {
    let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let mut raw = Raw::connect(world.address()).await;
    let answer =
        raw.ask(format!("{line} HTTP/1.1\r\nHost: gw.test\r\n{bearer}\r\n")).await.expect("an answer");
    if answer.status != 200 {
        leaves_the_connection_in_order(&mut raw, &answer).await;
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn c13_targets_that_are_no_paths() {
    let doors = Doors::open().await;
    let world = World::new().await;
    let token = world.mint.token("admin", "admin");
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
        "",
        "ftp://gw.test/public/x",
        "http:/public/x",
        "http:///public/x",
    ] {
        for token in [None, Some(token.as_str())] {
            for method in ["GET", "OPTIONS"] {
                is_400r(&asked(&world, &format!("{method} {target}"), token).await);
                if target.starts_with('#') {
                    // Over h2 that is `/`: see `c11_…_over_h2`.
                    continue;
                }
                let mut frames = Frames::connect(&doors).await;
                let bearer = format!("Bearer {}", token.unwrap_or_default());
                let mut fields: Vec<(&[u8], &[u8])> = vec![
                    (b":method", method.as_bytes()),
                    (b":scheme", b"https"),
                    (b":authority", b"gw.test"),
                    (b":path", target.as_bytes()),
                ];
                if token.is_some() {
                    fields.push((b"authorization", bearer.as_bytes()));
                }
                frames.headers(&fields, true).await;
                let said = frames.said().await;
                assert!(said.is_refusal(), "{method} {target:?}: {said:?}");
            }
        }
    }
    is_400r(&asked(&world, "OPTIONS api", None).await);
    assert_eq!((forwarded(&world), doors.recorder.hits()), (0, 0));
}

/// How many requests went on, but for those that prove a connection to be in order.
fn forwarded(world: &World) -> usize {
    world.recorder.seen().iter().filter(|seen| seen.line() != "GET /public/next").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn c14_targets_in_absolute_form() {
    let world = World::new().await;
    let token = world.mint.token("alice", "");
    is_401n(&asked(&world, "GET http://gw.test/api/admin", None).await);
    is_401n(&asked(&world, "GET http://gw.test/api/me?x=http://gw.test/public", None).await);
    for line in [
        "GET http://gw.test/public/../api",
        "GET http://gw.test//api",
        "GET http://gw.test/public/%2e%2e/api",
    ] {
        for token in [None, Some(token.as_str())] {
            is_400r(&asked(&world, line, token).await);
        }
    }
    // Of another host than `Host` says, of a user, of a fragment.
    for line in
        ["GET http://evil.test/public/x", "GET http://a@gw.test/public/x", "GET http://gw.test/public/x#"]
    {
        is_400r(&asked(&world, line, None).await);
    }
    assert_eq!(forwarded(&world), 0);
    for (line, target) in [
        ("GET http://gw.test/api/me", "GET /api/me"),
        ("GET HTTP://GW.test/api/me?a=b", "GET /api/me?a=b"),
        ("GET http://gw.test", "GET /"),
        ("GET http://gw.test?x=1", "GET /?x=1"),
    ] {
        let before = forwarded(&world);
        assert_eq!(asked(&world, line, Some(&token)).await.status, 200, "{line}");
        assert_eq!(world.recorder.last().line(), target);
        assert_eq!(forwarded(&world), before + 1);
    }
    assert_eq!(asked(&world, "GET http://gw.test", None).await.status, 200, "/ is public");
}

#[tokio::test(flavor = "multi_thread")]
async fn c16_the_target_that_is_a_star() {
    let world = World::new().await;
    let doors = Doors::open().await;
    for method in ["OPTIONS", "GET", "POST", "HEAD", "DELETE"] {
        let mut frames = Frames::connect(&doors).await;
        let fields: [(&[u8], &[u8]); 4] = [
            (b":method", method.as_bytes()),
            (b":scheme", b"https"),
            (b":authority", b"gw.test"),
            (b":path", b"*"),
        ];
        frames.headers(&fields, true).await;
        let said = frames.said().await;
        let answer = asked(&world, &format!("{method} *"), None).await;
        if method == "OPTIONS" {
            assert_eq!((answer.status, said), (204, Said::Status(204)));
            made_by_us(&answer);
        } else {
            assert_eq!(answer.status, 400, "{method}");
            assert!(said.is_refusal(), "{method}: {said:?}");
        }
    }
    assert_eq!((forwarded(&world), doors.recorder.hits()), (0, 0));
}
