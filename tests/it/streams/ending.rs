//! A stream ends when its token does, and no other with it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use serde_json::json;

use super::client::{Client, HANDSHAKE};
use super::upstream::Stage;
use super::world;
use crate::world::World;
use crate::world::people::Stranger;
use crate::world::tls::{certificate, tls};
use crate::world::tokens::now;

/// What a client hears of an end in the middle of a WebSocket.
const REVOKED: &[u8] = b"\x88\x0f\x03\xf0token revoked";
const EXPIRED: &[u8] = b"\x88\x0f\x03\xf0token expired";

/// Every kind of stream for one token over HTTP/1.1; each has begun.
async fn open_all(
    stage: &Stage,
    world: &World,
    trusted: Option<&rustls_pki_types::CertificateDer<'static>>,
    token: &str,
) -> Vec<Client> {
    let mut open = Vec::new();
    for (method, target, fields, first) in [
        ("GET", "/live/echo", HANDSHAKE, &b"101 "[..]),
        ("GET", "/plain/events", "Accept: text/event-stream\r\n", b"data: 1\n\n"),
        ("GET", "/plain/download", "", b"xxxx"),
        ("POST", "/plain/upload", "Transfer-Encoding: chunked\r\n", b""),
        ("GET", "/live/half", HANDSHAKE, b"half of it"),
    ] {
        let mut client = match trusted {
            Some(trusted) => Client::over(tls(world, trusted.clone(), &[b"http/1.1"]).await),
            None => Client::connect(world.address()).await,
        };
        let before = stage.hits();
        client.ask(method, target, fields, token).await;
        match target {
            "/plain/upload" => {
                client.send("5\r\nhello\r\n").await;
                reached(stage, before + 1).await;
            }
            _ => drop(client.until(first).await),
        }
        if target == "/live/echo" {
            client.is_alive().await;
        }
        open.push(client);
    }
    open
}

/// Waits until the upstream has had so many requests.
async fn reached(stage: &Stage, hits: usize) {
    let deadline = gatepass::clock::instant() + crate::world::raw::PATIENCE;
    while stage.hits() < hits {
        assert!(gatepass::clock::instant() < deadline, "it does not reach the upstream");
        tokio::task::yield_now().await;
    }
}

/// Each ends; a WebSocket between two frames is told why, one within a frame is not.
async fn all_end(open: Vec<Client>, farewell: &[u8]) {
    let mut last = Vec::new();
    for client in open {
        last.push(client.ends().await);
    }
    assert_eq!(last[0], farewell, "{:?}", String::from_utf8_lossy(&last[0]));
    assert!(last[4].is_empty(), "in the middle of a frame nothing is added: {:?}", last[4]);
    assert!(!last[1].ends_with(b"0\r\n\r\n"), "an answer that was cut does not look whole");
}

async fn metric(world: &World, line: &str) {
    let deadline = gatepass::clock::instant() + crate::world::raw::PATIENCE;
    loop {
        let metrics = Stranger::at(world.gateway.admin()).get("/metrics").await.text();
        if metrics.lines().any(|l| l == line) {
            return;
        }
        assert!(gatepass::clock::instant() < deadline, "{line} in {metrics}");
    }
}

/// A sign-in of its own; the token.
async fn sign_in(world: &World, who: &str) -> String {
    let (answer, _) = world.stranger().sign_in(who, "correct horse battery").await;
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_stream_ends_with_whatever_is_revoked() {
    let stage = Stage::open().await;
    let world = world(&stage, "").await;
    let stranger = world.stranger();
    assert_eq!(stranger.sign_up("ada@example.org", "correct horse battery").await.status, 200);
    let mut other = Client::connect(world.address()).await;
    other.ask("GET", "/live/echo", HANDSHAKE, &world.mint.token("bob", "")).await;
    other.head().await;

    let token = world.mint.token("alice", "");
    let open = open_all(&stage, &world, None, &token).await;
    assert_eq!(stranger.post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
    all_end(open, REVOKED).await;
    metric(&world, "gatepass_streams_closed_total{reason=\"revoked_token\"} 5").await;

    let (one, second) = (sign_in(&world, "ada@example.org").await, sign_in(&world, "ada@example.org").await);
    let (open, more) =
        (open_all(&stage, &world, None, &one).await, open_all(&stage, &world, None, &second).await);
    assert_eq!(stranger.clone().bearing(&one).send("POST", "/auth/logout", None).await.status, 204);
    all_end(open, REVOKED).await;
    metric(&world, "gatepass_streams_closed_total{reason=\"revoked_login\"} 5").await;

    assert_eq!(stranger.bearing(&second).send("POST", "/auth/logout?all=true", None).await.status, 204);
    all_end(more, REVOKED).await;
    metric(&world, "gatepass_streams_closed_total{reason=\"revoked_user\"} 5").await;

    let open = open_all(&stage, &world, None, &world.mint.token("alice", "")).await;
    other.is_alive().await;
    crate::matrix::revoke_key(&world);
    all_end(open, REVOKED).await;
    other.ends().await;
    metric(&world, "gatepass_streams_closed_total{reason=\"revoked_key\"} 6").await;
    metric(&world, "gatepass_requests_in_flight 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_stream_ends_when_its_token_expires() {
    let stage = Stage::open().await;
    let world = world(&stage, "").await;
    let end = now() + 3;
    let open = open_all(&stage, &world, None, &world.mint.with(&json!({"exp": end}))).await;
    all_end(open, EXPIRED).await;
    assert!(now() >= end, "too early");
    metric(&world, "gatepass_streams_closed_total{reason=\"expired\"} 5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_and_over_h2_too() {
    let dir = tempfile::tempdir().unwrap();
    let (trusted, section) = certificate(dir.path());
    let stage = Stage::open().await;
    let world = world(&stage, &section).await;
    let (token, other) = (world.mint.token("alice", ""), world.mint.token("bob", ""));
    let open = open_all(&stage, &world, Some(&trusted), &token).await;

    let stream = tls(&world, trusted.clone(), &[b"h2"]).await;
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let mut answers = Vec::new();
    let mut uploads = Vec::new();
    for (path, token) in [("events", &other), ("events", &token), ("upload", &token), ("download", &token)] {
        let request = http::Request::builder()
            .method(if path == "upload" { "POST" } else { "GET" })
            .uri(format!("https://gw.test/plain/{path}"))
            .header("accept", "text/event-stream")
            .header("authorization", format!("Bearer {token}"));
        let (answer, mut upload) = client.send_request(request.body(()).unwrap(), path != "upload").unwrap();
        if path == "upload" {
            upload.send_data(Bytes::from_static(b"hello"), false).unwrap();
            // Kept: dropping it would end the upload from here.
            uploads.push((answer, upload));
            reached(&stage, 8).await;
        } else {
            let mut body = answer.await.unwrap().into_body();
            assert!(!body.data().await.unwrap().unwrap().is_empty());
            answers.push(body);
        }
    }
    let mut revoking = Client::over(tls(&world, trusted, &[b"http/1.1"]).await);
    let form = format!("token={token}");
    let kind = "Content-Type: application/x-www-form-urlencoded";
    let length = form.len();
    revoking
        .send(format!(
            "POST /auth/revoke HTTP/1.1\r\nHost: gw.test\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{form}"
        ))
        .await;
    assert!(revoking.head().await.starts_with("HTTP/1.1 200"));
    all_end(open, REVOKED).await;
    let mut others = answers.remove(0);
    for mut body in answers {
        let error = loop {
            match body.data().await.expect("an answer that was cut does not look whole") {
                Ok(data) => body.flow_control().release_capacity(data.len()).unwrap(),
                Err(error) => break error,
            }
        };
        assert!(error.is_reset(), "the stream is reset, not the connection: {error}");
    }
    for (answer, _upload) in uploads {
        assert!(answer.await.unwrap_err().is_reset());
    }
    // The connection goes on, and the other's stream on it.
    let again = http::Request::builder()
        .uri("https://gw.test/plain/events")
        .header("authorization", format!("Bearer {other}"));
    let (answer, _) = client.send_request(again.body(()).unwrap(), true).unwrap();
    let mut again = answer.await.unwrap().into_body();
    assert!(!again.data().await.unwrap().unwrap().is_empty());
    assert!(others.data().now_or_never().is_none());
    metric(&world, "gatepass_streams_closed_total{reason=\"revoked_token\"} 8").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_idle_streams_exactly_its_own_ends() {
    let stage = Stage::open().await;
    let world = world(&stage, "").await;
    let mut open = Vec::new();
    for number in 0..200 {
        let token = world.mint.token(&format!("user{number}"), "");
        let mut client = Client::connect(world.address()).await;
        client.ask("GET", "/live/echo", HANDSHAKE, &token).await;
        assert!(client.head().await.starts_with("HTTP/1.1 101"));
        open.push((token, client));
    }
    let mut took = Vec::new();
    for _ in 0..5 {
        let (token, chosen) = open.swap_remove(77);
        assert_eq!(world.stranger().post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
        let revoked = gatepass::clock::instant();
        assert_eq!(chosen.ends().await, REVOKED);
        took.push(revoked.elapsed());
    }
    // One after the other, so that those who are only looked at once a second take a second each.
    took.sort_unstable();
    assert!(took[2] < Duration::from_millis(500), "{took:?}");
    for (_, client) in &mut open {
        client.is_alive().await;
    }
    metric(&world, "gatepass_streams_closed_total{reason=\"revoked_token\"} 5").await;
    metric(&world, "gatepass_requests_in_flight 195").await;
}
