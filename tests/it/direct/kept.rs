//! What becomes of a request on a connection that the server has ended?

use super::stand::{Peer, Stand, asks, says};
use crate::world::raw::Raw;

/// A client, and a connection to the server that is kept.
async fn kept(stand: &Stand) -> (Raw, Peer) {
    let mut client = stand.client().await;
    client.send(asks("GET", "/public/first")).await;
    let (mut server, _) = stand.upstream.next().await;
    server.say(says("first")).await;
    assert_eq!(client.answer().await.expect("an answer").text(), "first");
    // Asked once more, so that it is known to be kept.
    client.send(asks("GET", "/public/second")).await;
    server.request().await;
    server.say(says("second")).await;
    assert_eq!(client.answer().await.expect("an answer").text(), "second");
    (client, server)
}

/// Answers the next request, which comes on a new connection and begins like this.
async fn answers(stand: &Stand, client: &mut Raw, line: &str) {
    let (mut server, head) = stand.upstream.next().await;
    assert!(head.starts_with(line), "{head} is not {line}");
    server.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nagain").await;
    assert_eq!(client.answer().await.expect("an answer").text(), "again", "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_idle_for_too_long_is_not_noticed() {
    let stand = Stand::new().await;
    for method in ["GET", "POST", "PATCH", "DELETE"] {
        let (mut client, server) = kept(&stand).await;
        drop(server);
        client.send(asks(method, "/public/later")).await;
        answers(&stand, &mut client, &format!("{method} /public/later ")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ends_upon_a_request_has_it_repeated_if_that_does_no_harm() {
    let stand = Stand::new().await;
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let (mut client, mut server) = kept(&stand).await;
        client.send(asks(method, "/public/again")).await;
        let once = server.request().await;
        drop(server);
        let (mut server, again) = stand.upstream.next().await;
        assert_eq!(once, again, "the same, byte for byte");
        // Not a third time: on a new connection it is what it is.
        drop(again);
        server.say(says("again")).await;
        assert_eq!(client.answer().await.expect("an answer").text(), "again");
        server.say("").await;
        drop(server);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_repeated_once() {
    let stand = Stand::new().await;
    let (mut client, mut server) = kept(&stand).await;
    client.send(asks("GET", "/public/again")).await;
    server.request().await;
    drop(server);
    drop(stand.upstream.next().await);
    assert_eq!(client.answer().await.expect("an answer").status, 502);
    client.send(asks("GET", "/public/after")).await;
    answers(&stand, &mut client, "GET /public/after ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_something_is_sent_once() {
    let stand = Stand::new().await;
    for request in [
        asks("POST", "/public/once"),
        asks("PATCH", "/public/once"),
        "POST /public/once HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 2\r\n\r\nhi".to_owned(),
    ] {
        let (mut client, mut server) = kept(&stand).await;
        client.send(request).await;
        server.request().await;
        drop(server);
        let answer = client.answer().await.expect("an answer");
        assert_eq!(answer.status, 502, "{}", answer.text());
        client.send(asks("GET", "/public/after")).await;
        answers(&stand, &mut client, "GET /public/after ").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_repeated_once_a_byte_of_an_answer_has_come() {
    let stand = Stand::new().await;
    for said in ["H", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n"] {
        let (mut client, mut server) = kept(&stand).await;
        client.send(asks("GET", "/public/heard")).await;
        server.request().await;
        server.say(said).await;
        drop(server);
        let mut answer = client.answer().await.expect("an answer");
        if said.contains("103") {
            assert_eq!(answer.status, 103);
            answer = client.answer().await.expect("the last answer");
        }
        assert_eq!(answer.status, 502, "{said:?}: {}", answer.text());
        client.send(asks("GET", "/public/after")).await;
        answers(&stand, &mut client, "GET /public/after ").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_server_will_end_is_not_used_again() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    for answer in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    ] {
        client.send(asks("GET", "/public/x")).await;
        let (mut server, _) = stand.upstream.next().await;
        server.say(answer).await;
        let answered = client.answer().await.expect("an answer, and a connection that goes on");
        assert_eq!(answered.text(), "hi");
        assert!(answered.values("connection").is_empty(), "that is between the two of them: {answered:?}");
        server.sees_the_end().await;
    }
}
