//! What does the client get when its upstream fails, and who is told?

use super::stand::{Stand, asks};
use crate::world::raw::Raw;
use crate::world::tokens::now;

/// The connection to the client is good for another request.
async fn goes_on(stand: &Stand, client: &mut Raw) {
    client.send(asks("GET", "/public/after")).await;
    let (mut server, head) = stand.upstream.next().await;
    assert!(head.starts_with("GET /public/after "), "{head}");
    server.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nafter").await;
    assert_eq!(client.answer().await.expect("an answer").text(), "after");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_cut_short_is_cut_here_too() {
    let stand = Stand::new().await;
    for (path, lines, said) in [
        ("/public/short", "Content-Length: 10", "hello"),
        ("/public/none", "Content-Length: 10", ""),
        ("/public/chunk", "Transfer-Encoding: chunked", "a\r\nhello"),
        ("/public/last", "Transfer-Encoding: chunked", "5\r\nhello\r\n"),
        ("/public/trailer", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\nX: y\r\n"),
        ("/public/bad", "Transfer-Encoding: chunked", "5\r\nhello\r\n5 \r\nworld\r\n0\r\n\r\n"),
        ("/public/worse", "Transfer-Encoding: chunked", "5\nhello\n0\n\n"),
    ] {
        let mut client = stand.caller().await;
        client.send(asks("GET", path)).await;
        let (mut server, _) = stand.upstream.next().await;
        server.say(format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n")).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains(lines), "{head}");
        server.say(said).await;
        drop(server);
        let rest = client.rest().await;
        assert!(said.as_bytes().starts_with(&rest), "{path}: {:?}", String::from_utf8_lossy(&rest));
        assert!(!rest.ends_with(b"0\r\n\r\n"), "{path}: it does not look whole");
        let logged = stand.logged(path).await;
        assert_eq!(
            (logged["status"].as_u64(), logged["reason"].as_str()),
            (Some(200), Some("upstream_unavailable")),
            "{logged}"
        );
    }
    let metrics = stand.metrics().await;
    assert!(metrics.contains("reason=\"upstream_unavailable\""), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_answer_is_a_502_and_costs_the_client_nothing() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(300 * 1024));
    for said in [
        "",
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 099 No\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        &endless,
    ] {
        client.send(asks("GET", "/public/bad")).await;
        let (mut server, _) = stand.upstream.next().await;
        server.say(said).await;
        if said.is_empty() {
            drop(server);
        }
        let answer = client.answer().await.expect("an answer");
        assert_eq!(answer.status, 502, "{:?}: {}", &said[..said.len().min(80)], answer.text());
        assert!(answer.text().contains("planner") && !answer.text().contains("127.0.0.1"), "{answer:?}");
        assert_eq!(answer.value("content-length"), answer.body.len().to_string());
        goes_on(&stand, &mut client).await;
    }
    let logged = stand.logged("/public/bad").await;
    assert_eq!(
        (logged["status"].as_u64(), logged["reason"].as_str()),
        (Some(502), Some("upstream_unavailable"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_home_is_a_502() {
    let stand = Stand::changed("", |text, upstream| {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        text.replace(&upstream.to_string(), &closed.to_string())
    })
    .await;
    let mut client = stand.client().await;
    for _ in 0..2 {
        let answer = client.ask(asks("POST", "/public/x")).await.expect("an answer");
        assert_eq!(answer.status, 502, "{}", answer.text());
    }
    assert_eq!(client.ask(asks("GET", "/api/me")).await.expect("an answer").status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_late_is_given_up() {
    let stand = Stand::with("[limits]\nrequest_time = \"1s\"\n").await;
    let mut client = stand.client().await;
    for (path, said) in [("/public/mute", ""), ("/public/half", "HTTP/1.1 200 OK\r\nX: y\r\n")] {
        client.send(asks("GET", path)).await;
        let (mut server, _) = stand.upstream.next().await;
        server.say(said).await;
        let answer = client.answer().await.expect("an answer");
        assert_eq!(answer.status, 504, "{}", answer.text());
        server.sees_the_end().await;
        let logged = stand.logged(path).await;
        assert_eq!(
            (logged["status"].as_u64(), logged["reason"].as_str()),
            (Some(504), Some("upstream_timeout")),
            "{logged}"
        );
        goes_on(&stand, &mut client).await;
    }
    // In the middle of a body nobody can be told any more.
    client.send(asks("GET", "/public/stuck")).await;
    let (mut server, _) = stand.upstream.next().await;
    server.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello").await;
    assert!(client.answer().await.is_none(), "it is cut");
    server.sees_the_end().await;
    assert_eq!(stand.logged("/public/stuck").await["reason"], "upstream_timeout");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_takes_its_request_with_it() {
    let stand = Stand::new().await;
    for (path, said, status) in [
        ("/public/waiting", "", 499),
        ("/public/announced", "HTTP/1.1 103 Early\r\n\r\n", 499),
        ("/public/begun", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", 200),
        ("/public/chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 200),
        ("/public/end", "HTTP/1.1 200 OK\r\n\r\nhello", 200),
    ] {
        let mut client = stand.caller().await;
        client.send(asks("GET", path)).await;
        let (mut server, _) = stand.upstream.next().await;
        server.say(said).await;
        if said.ends_with("hello") || said.ends_with("hello\r\n") {
            client.until(b"hello").await;
        }
        drop(client);
        server.sees_the_end().await;
        let logged = stand.logged(path).await;
        assert_eq!(logged["status"], status, "{logged}");
        assert!(logged["detail"].as_str().is_some_and(|detail| detail.contains("left")), "{logged}");
    }
    let metrics = stand.metrics().await;
    assert!(metrics.contains("gatepass_requests_in_flight 0\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_ends_when_its_token_is_revoked() {
    let stand = Stand::new().await;
    for (path, said, status) in [
        ("/api/long", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", 200),
        ("/api/chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 200),
        ("/api/waiting", "", 499),
    ] {
        let token = stand.mint.with(&serde_json::json!({"sub": "alice", "jti": format!("{path}{}", now())}));
        let mut client = stand.caller().await;
        client
            .send(format!("GET {path} HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n\r\n"))
            .await;
        let (mut server, head) = stand.upstream.next().await;
        assert!(head.to_lowercase().contains("x-auth-user: alice\r\n") && !head.contains(&token), "{head}");
        server.say(said).await;
        if !said.is_empty() {
            client.until(b"hello").await;
        }
        let revoked = stand.stranger().post_form("/auth/revoke", &format!("token={token}")).await;
        assert_eq!(revoked.status, 200, "{}", revoked.text());
        let rest = client.rest().await;
        assert!(!rest.ends_with(b"0\r\n\r\n"), "it does not look whole: {rest:?}");
        server.sees_the_end().await;
        let logged = stand.logged(path).await;
        assert_eq!(
            (logged["status"].as_u64(), logged["reason"].as_str()),
            (Some(status), Some("revoked_token")),
            "{logged}"
        );
    }
    let metrics = stand.metrics().await;
    assert!(
        metrics.lines().any(|line| line == "gatepass_streams_closed_total{reason=\"revoked_token\"} 3"),
        "{metrics}"
    );
}
