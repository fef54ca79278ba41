//! Do requests arrive alike, whichever way they go, and is each answered in its turn?

use super::stand::{Stand, asks, says};
use crate::world::recorder::{Recorder, plain};
use crate::world::{ROUTES, World};

/// The fields that arrived, but for the identifier: in lower case, sorted.
fn fields(head: &str) -> Vec<String> {
    let mut fields: Vec<String> = head
        .lines()
        .filter(|line| !line.is_empty() && !line.to_lowercase().starts_with("x-request-id:"))
        .map(|line| match line.split_once(':') {
            Some((name, value)) => format!("{}:{}", name.to_lowercase(), value.trim()),
            None => line.to_owned(),
        })
        .collect();
    fields.sort();
    fields
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_one_piece_and_one_in_two_arrive_alike() {
    let stand = Stand::new().await;
    let token = stand.mint.token("alice", "");
    let head = format!(
        "POST /api/x?a=%20b HTTP/1.1\r\nhost: gw.test\r\nX-AUTH-User: root\r\nx_auth_user: root\r\n\
         X-Forwarded-For: 6.6.6.6\r\nX-Request-Id: theirs\r\nTE: trailers\r\nKeep-Alive: 5\r\n\
         Connection: keep-alive\r\nX-Odd:\t two  words \r\nAccept: a\r\nAccept: b\r\n\
         Authorization: Bearer {token}\r\nContent-Length: 10\r\n\r\n"
    );
    let mut client = stand.client().await;
    client.send(format!("{head}hello\r\nabc")).await;
    let (mut server, whole) = stand.upstream.next().await;
    assert_eq!(server.body(10).await, b"hello\r\nabc");
    server.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\none").await;
    assert_eq!(client.answer().await.expect("an answer").text(), "one");

    client.send(format!("{head}hel")).await;
    // The rest is sent once the head is known to have gone on.
    let (mut server, split) = stand.upstream.next().await;
    client.send("lo\r\nabc").await;
    assert_eq!(server.body(10).await, b"hello\r\nabc");
    server.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\ntwo").await;
    assert_eq!(client.answer().await.expect("an answer").text(), "two");

    assert_eq!(fields(&whole), fields(&split));
    let whole = whole.to_lowercase();
    assert!(whole.contains("x-auth-user: alice\r\n") && !whole.contains("root"), "{whole}");
    assert!(whole.contains("x-forwarded-for: 127.0.0.1\r\n") && !whole.contains("6.6.6.6"), "{whole}");
    assert!(!whole.contains("authorization") && !whole.contains("theirs"), "{whole}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_take_turns_on_one_connection() {
    let recorder = Recorder::answering(|request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        plain(&format!("{} {body}", request.line()))
    })
    .await;
    let world = World::around(recorder, ROUTES).await;
    let mut client = crate::world::raw::Raw::connect(world.address()).await;
    let handshake = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let chunked = "Transfer-Encoding: chunked\r\n";
    for round in 0..3 {
        for (method, fields, body, heard) in [
            ("GET", "", "", ""),
            ("POST", chunked, "5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"),
            ("GET", "", "", ""),
            ("POST", "Content-Length: 5\r\n", "world", "world"),
            ("GET", handshake, "", ""),
            ("DELETE", "", "", ""),
            ("POST", "Expect: 100-continue\r\nContent-Length: 2\r\n", "hi", "hi"),
            ("PUT", "Content-Length: 0\r\n", "", ""),
            ("GET", "Connection: x-mine\r\nX-Mine: 1\r\n", "", ""),
            ("GET", "Accept: text/event-stream\r\n", "", ""),
        ] {
            let target = format!("/public/{round}");
            let request = format!("{method} {target} HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n{body}");
            let mut answer = client.ask(request).await.expect("an answer");
            if answer.status == 100 {
                answer = client.answer().await.expect("the answer behind it");
            }
            assert_eq!(
                (answer.status, answer.text()),
                (200, format!("{method} {target} {heard}")),
                "{method} {fields:?}"
            );
            assert!(world.recorder.last().values("x-mine").is_empty(), "what is nominated stays here");
            assert!(world.recorder.last().values("upgrade").is_empty(), "nothing is upgraded");
        }
        assert_eq!(client.ask(asks("GET", "/api/me")).await.expect("an answer").status, 401);
        assert_eq!(client.ask(asks("GET", "/public/%2e%2e/x")).await.expect("an answer").status, 400);
    }
    assert_eq!(world.recorder.hits(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_too_early_are_answered_in_their_turn() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    // While the one before waits for its answer, and in the middle of that.
    client.send(asks("GET", "/public/1")).await;
    let (mut server, _) = stand.upstream.next().await;
    client.send(asks("POST", "/public/2")).await;
    server.say("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nansw").await;
    server.say("er 1").await;
    assert_eq!(client.answer().await.expect("an answer").text(), "answer 1");
    assert!(server.request().await.starts_with("POST /public/2 "));
    server.say("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nansw").await;
    client.send(asks("GET", "/public/3")).await;
    server.say("er 2").await;
    assert_eq!(client.answer().await.expect("an answer").text(), "answer 2");
    assert!(server.request().await.starts_with("GET /public/3 "));
    server.say(says("answer 3")).await;
    assert_eq!(client.answer().await.expect("an answer").text(), "answer 3");
    // Two at once are the engine's: the first is answered, and the connection ends behind it.
    client.send([asks("GET", "/public/4"), asks("GET", "/public/5")].concat()).await;
    let (mut other, head) = stand.upstream.next().await;
    assert!(head.starts_with("GET /public/4 "), "{head}");
    other.say(says("answer 4")).await;
    assert_eq!(client.answer().await.expect("an answer").text(), "answer 4");
    assert!(client.is_closed().await);
    let mut client = stand.client().await;
    client.send(asks("GET", "/public/6")).await;
    assert!(server.request().await.starts_with("GET /public/6 "), "nobody heard of the fifth");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ends_the_connection_is_left_after_the_answer() {
    let stand = Stand::new().await;
    let mut client = stand.caller().await;
    client.send("GET /public/x HTTP/1.1\r\nHost: gw.test\r\nConnection: keep-alive, Close\r\n\r\n").await;
    let (mut server, head) = stand.upstream.next().await;
    assert!(!head.to_lowercase().contains("\r\nconnection:"), "{head}");
    server.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    assert!(client.head().await.contains("\r\nConnection: close\r\n"));
    server.say("2\r\nhi\r\n0\r\n\r\n").await;
    assert_eq!(client.rest().await, b"2\r\nhi\r\n0\r\n\r\n");
    // The server's goes on.
    let mut other = stand.client().await;
    other.send(asks("GET", "/public/y")).await;
    server.request().await;
    server.say(says("yes")).await;
    assert_eq!(other.answer().await.expect("an answer").text(), "yes");
}
