//! Lengths, chunks and line ends: one reading, or none.

use crate::attacks::answers::{leaves_the_connection_in_order, made_by_us};
use crate::world::raw::Raw;
use crate::world::{ROUTES, World};

const SMUGGLED: &str = "0\r\n\r\nGET /api/admin HTTP/1.1\r\nHost: gw.test\r\n\r\n";

/// Refused with 400 (or `status`), and the connection ends: nothing behind it is read as a request.
async fn refused(world: &World, request: impl AsRef<[u8]>, status: u16) {
    let shown = String::from_utf8_lossy(request.as_ref()).into_owned();
    let hits = world.recorder.hits();
    let mut raw = Raw::connect(world.address()).await;
    let answer = raw.ask(request).await.unwrap_or_else(|| panic!("no answer to {shown:?}"));
    assert_eq!((answer.status, answer.value("connection")), (status, "close"), "{shown:?}");
    made_by_us(&answer);
    leaves_the_connection_in_order(&mut raw, &answer).await;
    assert_eq!(world.recorder.hits(), hits, "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_d03_d14_framing_that_is_not_clear_is_refused_and_closes() {
    let world = World::new().await;
    let token = world.mint.token("admin", "admin");
    let long = "9".repeat(30);
    let mut cases: Vec<Vec<u8>> = [
        "Content-Length: 30\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 30",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: +3",
        "Content-Length: 0x3",
        "Content-Length: -1",
        "Content-Length: ",
        "Content-Length: 1 3",
        "Content-Length: 3,4",
        "Content-Length: 3, 3",
        "Content-Length: 3\r\nContent-Length: 3",
        "Content-Length: 3\r\nContent-Length: 4",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding:",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked",
        " Transfer-Encoding: chunked",
        "X: a\r\n folded",
        "X: a\r\n\tTransfer-Encoding: chunked",
        "\"X\": a",
        "X Y: a",
        "X(a): a",
        "X\u{e9}: a",
        "no colon",
        ": empty",
        " ",
        "X: a\0b",
        "X: a\rb",
        "X: a\r\r\nY: b",
        "X: \u{7f}",
        "\0X: a",
    ]
    .iter()
    .map(|fields| fields.as_bytes().to_vec())
    .collect();
    cases.push(b"X\xff: a".to_vec());
    cases.push(b"\xffX: a".to_vec());
    for fields in cases {
        let head = format!("POST /api/x HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n");
        let request = [head.as_bytes(), &fields, b"\r\n\r\n", SMUGGLED.as_bytes()].concat();
        refused(&world, request, 400).await;
    }
    // Two to the 64th, and thirty digits: more than any limit.
    for length in ["18446744073709551616", long.as_str()] {
        let request = format!("POST /api/x HTTP/1.1\r\nHost: gw.test\r\nContent-Length: {length}\r\n\r\n");
        let answer = Raw::connect(world.address()).await.ask(request).await.unwrap();
        assert!(matches!(answer.status, 400 | 413 | 431), "{answer:?}");
    }
    assert_eq!(world.recorder.hits(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn d04_a_length_beyond_any_limit_is_refused_at_once() {
    // Nobody sends the bodies: an answer that waited for them would be a 408 of ten seconds later.
    let world = World::with(&format!("{ROUTES}\n[limits]\nhead_time = \"60s\"\n")).await;
    let token = world.mint.token("alice", "");
    for length in ["18446744073709551615", "9223372036854775807", "10995116277760"] {
        for (target, field) in [
            ("/token", "Content-Type: application/x-www-form-urlencoded".to_owned()),
            ("/user/signup", "Content-Type: application/json".to_owned()),
            ("/api/x", format!("Authorization: Bearer {token}")),
            ("/public/x", "X: y".to_owned()),
        ] {
            let began = gatepass::clock::instant();
            let request = format!(
                "POST {target} HTTP/1.1\r\nHost: gw.test\r\n{field}\r\nContent-Length: {length}\r\n\r\n"
            );
            let answer = Raw::connect(world.address()).await.ask(request).await.unwrap();
            assert!(matches!(answer.status, 413 | 431), "{target} {length}: {answer:?}");
            made_by_us(&answer);
            assert!(began.elapsed().as_secs() < 30, "it waited");
        }
    }
    assert_eq!(world.recorder.hits(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn d06_http_1_0_has_no_chunks_and_no_body_without_a_length() {
    let world = World::new().await;
    let token = world.mint.token("admin", "admin");
    let head = format!("POST /api/x HTTP/1.0\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n");
    refused(&world, format!("{head}Transfer-Encoding: chunked\r\n\r\n{SMUGGLED}"), 400).await;
    refused(
        &world,
        format!("{head}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n{SMUGGLED}"),
        400,
    )
    .await;
    for keep in ["", "Connection: keep-alive\r\n"] {
        let mut raw = Raw::connect(world.address()).await;
        let hits = world.recorder.hits();
        let second =
            format!("GET /api/admin HTTP/1.0\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n\r\n");
        // No length is no body: what follows is not this request's, and without `keep-alive` it is nobody's.
        let answer = raw.ask(format!("{head}{keep}\r\n{second}")).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        if keep.is_empty() {
            assert!(raw.is_closed().await);
            assert_eq!(world.recorder.hits(), hits + 1);
        } else {
            // Either it ends here too, or the second is a request that was decided upon like any.
            let next = raw.answer().await;
            let forwarded = usize::from(next.as_ref().is_some_and(|answer| answer.status == 200));
            assert_eq!(world.recorder.hits(), hits + 1 + forwarded, "{next:?}");
        }
        assert!(
            world.recorder.seen().iter().all(
                |seen| seen.folded("x-auth-user") == ["alice"] || seen.folded("x-auth-user") == ["admin"]
            )
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d15_a_line_ends_with_both_characters() {
    let world = World::new().await;
    let token = world.mint.token("alice", "");
    for request in [
        format!("GET /api/me HTTP/1.1\nHost: gw.test\nAuthorization: Bearer {token}\nX-Auth-User: admin\n\n"),
        format!(
            "GET /api/me HTTP/1.1\r\nHost: gw.test\nX-Auth-User: admin\r\nAuthorization: Bearer {token}\r\n\r\n"
        ),
        format!(
            "GET /api/me HTTP/1.1\r\nHost: gw.test\r\nX: y\nX-Auth-User: admin\r\nAuthorization: Bearer {token}\r\n\r\n"
        ),
        format!("GET /api/me HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n\n"),
        format!("GET /api/me HTTP/1.1\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n\r\n"),
        format!(
            "GET /api/me HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\rX-Auth-User: admin\r\n\r\n"
        ),
    ] {
        refused(&world, request, 400).await;
    }
    // Lines inside a chunked body, too: one ending is nobody's idea of two requests.
    let mut raw = Raw::connect(world.address()).await;
    let head = format!(
        "POST /api/x HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    raw.send(format!("{head}0\n\nGET /api/admin HTTP/1.1\r\nHost: gw.test\r\n\r\n")).await;
    let answer = raw.answer().await;
    assert!(answer.is_none_or(|answer| matches!(answer.status, 200 | 400 | 502)));
    assert!(world.recorder.seen().iter().all(|seen| !seen.head.contains("/api/admin")));
}
