//! Messages that two parsers would cut differently, and clients that keep us waiting: groups D and G.

mod h2;
mod lengths;
mod upgrades;
mod upstreams;

use crate::world::raw::Raw;
use crate::world::{ROUTES, World};

#[tokio::test(flavor = "multi_thread")]
async fn d09_the_body_of_a_refused_request_is_not_a_request() {
    let world = World::new().await;
    let smuggled = "GET /public/smuggled HTTP/1.1\r\nHost: gw.test\r\n\r\n";
    for target in ["/api/x", "/auth/logout"] {
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: gw.test\r\nContent-Length: {}\r\n\r\n{smuggled}",
            smuggled.len()
        );
        let mut raw = Raw::connect(world.address()).await;
        assert_eq!(raw.ask(request).await.expect("an answer").status, 401);
        // Either the connection ends, or the body was read as a body: never a second answer.
        let next = raw.ask("GET /public/next HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n").await;
        assert!(next.is_none_or(|answer| answer.status == 200));
    }
    assert!(world.recorder.seen().iter().all(|r| !r.head.contains("smuggled")));
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_g02_no_wait_on_a_client_is_without_an_end() {
    let world = World::with(&format!("{ROUTES}\n[limits]\nhead_time = \"1s\"\nidle_time = \"2s\"\n")).await;
    let mut silent = Raw::connect(world.address()).await;
    assert!(silent.is_closed().await, "a connection that says nothing");
    let mut trickle = Raw::connect(world.address()).await;
    let answer = trickle.ask("GET /public/x HTTP/1.1\r\nHost: gw").await.expect("an answer");
    assert_eq!(answer.status, 408);
    for rest in ["", "GET /x HT"] {
        let mut kept = Raw::connect(world.address()).await;
        assert_eq!(
            kept.ask("GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n").await.expect("an answer").status,
            200
        );
        kept.send(rest).await;
        if rest.is_empty() {
            assert!(kept.is_closed().await);
        } else {
            assert_eq!(
                kept.answer().await.expect("an answer").status,
                408,
                "the second head has a deadline too"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g12_bodies_have_a_limit_counted_as_they_come() {
    let world = World::with(&format!("{ROUTES}\n[limits]\nbody = \"64KiB\"\n")).await;
    let announced = "POST /public/x HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 65537\r\n\r\n";
    assert_eq!(Raw::connect(world.address()).await.ask(announced).await.expect("an answer").status, 413);
    assert_eq!(world.recorder.hits(), 0);
    let mut raw = Raw::connect(world.address()).await;
    raw.send("POST /public/x HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096));
    for _ in 0..17 {
        raw.send(&chunk).await;
    }
    assert_eq!(raw.answer().await.expect("an answer").status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn g15_a_connection_has_a_last_request_and_a_head_has_a_size() {
    let world = World::with(&format!("{ROUTES}\n[limits]\nrequests_per_connection = 3\n")).await;
    let mut raw = Raw::connect(world.address()).await;
    for turn in 1..=3 {
        let answer = raw.ask("GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n").await.expect("an answer");
        assert_eq!(answer.value("connection") == "close", turn == 3);
    }
    assert!(raw.is_closed().await);
    let large = format!("GET /public/x HTTP/1.1\r\nHost: gw.test\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    let answer = Raw::connect(world.address()).await.ask(large).await.expect("an answer");
    assert_eq!(answer.status, 431);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_still_sending_hears_why_it_was_refused() {
    let world = World::with(&format!("{ROUTES}\n[limits]\nbody = \"64KiB\"\n")).await;
    let body = "x".repeat(200_000);
    for (target, framing, status) in [
        ("/api/x", format!("Content-Length: {}\r\n\r\n{body}", body.len()), 401),
        ("/public/x", format!("Transfer-Encoding: chunked\r\n\r\n30d40\r\n{body}\r\n0\r\n\r\n"), 413),
        ("/token", format!("Content-Length: {}\r\n\r\n{body}", body.len()), 413),
        ("/a b", format!("Content-Length: {}\r\n\r\n{body}", body.len()), 400),
    ] {
        for _ in 0..10 {
            let mut raw = Raw::connect(world.address()).await;
            let answer = raw.ask(format!("POST {target} HTTP/1.1\r\nHost: gw.test\r\n{framing}")).await;
            assert_eq!(answer.expect("an answer, not a reset").status, status, "{target}");
        }
    }
}
