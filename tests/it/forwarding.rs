//! Requests that pass: what the upstream gets, what the client gets, over every kind of connection.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::raw::Raw;
use crate::world::recorder::{Recorder, plain};
use crate::world::tls::{H2, certificate, tls};
use crate::world::{ROUTES, World, config_text};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_on_as_it_came_but_for_what_is_ours() {
    let world = World::new().await;
    let who = world.signed_in("event:read").saying("Accept: text/plain").saying("Cookie: a=b");
    let answer = who.get("/event/1?x=%20y&token=z").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{\"ok\":true}"));
    let seen = world.recorder.last();
    assert_eq!(seen.line(), "GET /event/1?x=%20y&token=z");
    assert_eq!(
        (seen.values("host"), seen.values("accept"), seen.values("cookie")),
        (vec!["gw.test"], vec!["text/plain"], vec!["a=b"])
    );
    assert_eq!(seen.values("x-request-id"), answer.values("x-request-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_stream_both_ways() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let text = config_text(listener.local_addr().unwrap(), ROUTES);
    let world = World::configured(Recorder::start().await, &text).await;
    let mut client = TcpStream::connect(world.address()).await.unwrap();
    client
        .write_all(
            b"POST /public/up HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n",
        )
        .await
        .unwrap();
    let (mut upstream, _) = loop {
        let (mut stream, from) = listener.accept().await.unwrap();
        let mut byte = [0; 1];
        // A health check connects and leaves.
        if stream.peek(&mut byte).await.unwrap() > 0 {
            break (stream, from);
        }
        stream.shutdown().await.unwrap();
    };
    read_until(&mut upstream, b"first").await;
    // The first half arrived before the second was sent; the same on the way back.
    client.write_all(b"6\r\nsecond\r\n0\r\n\r\n").await.unwrap();
    read_until(&mut upstream, b"0\r\n\r\n").await;
    upstream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n").await.unwrap();
    read_until(&mut client, b"part").await;
    upstream.write_all(b"4\r\nrest\r\n0\r\n\r\n").await.unwrap();
    read_until(&mut client, b"rest").await;
}

async fn read_until(stream: &mut TcpStream, what: &[u8]) {
    let mut seen = Vec::new();
    let read = async {
        while !seen.windows(what.len()).any(|w| w == what) {
            assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0, "it ended before {what:?}");
        }
    };
    tokio::time::timeout(crate::world::raw::PATIENCE, read).await.expect("it comes in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_kept_on_both_sides() {
    let connections = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let mut buffer = Vec::new();
                let mut first = true;
                while stream.read_buf(&mut buffer).await.is_ok_and(|n| n > 0) {
                    if std::mem::take(&mut first) {
                        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    }
                    if buffer.ends_with(b"\r\n\r\n") {
                        buffer.clear();
                        stream.write_all(&plain("{}")).await.unwrap();
                    }
                }
            });
        }
    });
    let world = World::configured(Recorder::start().await, &config_text(address, ROUTES)).await;
    let mut raw = Raw::connect(world.address()).await;
    for _ in 0..50 {
        let answer = raw.ask("GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n").await.expect("an answer");
        assert_eq!(answer.status, 200);
        // A refused request does not cost the connection either.
        let answer = raw.ask("GET /api/me HTTP/1.1\r\nHost: gw.test\r\n\r\n").await.expect("an answer");
        assert_eq!(answer.status, 401);
    }
    assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_servers_take_turns_and_a_dead_one_is_passed_over() {
    let (one, other) = (Recorder::start().await, Recorder::start().await);
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let servers =
        format!("\"{}\", \"{}\", \"{}\"", one.address(), other.address(), dead.local_addr().unwrap());
    drop(dead);
    let text = config_text(one.address(), ROUTES)
        .replace(&format!("servers = [\"{}\"]", one.address()), &format!("servers = [{servers}]"));
    let world = World::configured(Recorder::start().await, &text).await;
    for _ in 0..20 {
        let answer = world.stranger().send("POST", "/public/x", Some(("text/plain", "x"))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(one.hits() + other.hits(), 20);
    assert!(one.hits() >= 5 && other.hits() >= 5, "{} {}", one.hits(), other.hits());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_behind_a_unix_socket_and_another_host_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let (sent, mut heads) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.is_ok_and(|n| n > 0) {}
            if !head.is_empty() {
                sent.send(String::from_utf8(head).unwrap()).unwrap();
                stream.write_all(&plain("{}")).await.unwrap();
            }
        }
    });
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), ROUTES).replace(
        &format!("servers = [\"{}\"]", recorder.address()),
        &format!("servers = [\"unix:{}\"]\nhost_header = \"app.internal\"", path.display()),
    );
    let world = World::configured(recorder, &text).await;
    assert_eq!(world.stranger().get("/public/x").await.status, 200);
    let head = heads.recv().await.unwrap().to_lowercase();
    assert!(
        head.contains("host: app.internal\r\n") && head.contains("x-forwarded-host: gw.test\r\n"),
        "{head}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f22_upstreams_that_fail_are_named_and_never_asked_twice() {
    for (reply, status, word) in [(&b""[..], 502, "planner"), (b"garbage\r\n\r\n", 502, "not HTTP")] {
        let recorder = Recorder::answering(move |_| reply.to_vec()).await;
        let world = World::around(recorder, ROUTES).await;
        let answer = world.stranger().send("POST", "/public/x", Some(("text/plain", "x"))).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(
            answer.text().contains(word) && answer.text().contains(answer.value("x-request-id")),
            "{}",
            answer.text()
        );
        assert!(!answer.text().contains("127.0.0.1"), "no address: {}", answer.text());
        assert_eq!(world.recorder.hits(), 1, "a POST is sent once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_http_1_and_with_h2() {
    let dir = tempfile::tempdir().unwrap();
    let (trusted, section) = certificate(dir.path());
    let world = World::with(&format!("{ROUTES}\n{section}")).await;
    let mut raw = Raw::over(tls(&world, trusted.clone(), &[b"http/1.1"]).await);
    let answer = raw.ask("GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n").await.expect("an answer");
    assert_eq!(answer.status, 200);
    assert_eq!(world.recorder.last().values("x-forwarded-proto"), ["https"]);

    let mut client = H2::connect(&world, trusted).await;
    let token = world.mint.token("alice", "event:write");
    let bearer = format!("Bearer {token}");
    let bearer = bearer.as_bytes();
    let cases: [(&str, &str, &[(&str, &[u8])], u16); 7] = [
        ("GET", "/public/x", &[("x_auth_user", b"admin")], 200),
        ("GET", "/api/me", &[], 401),
        ("GET", "/api/me", &[("authorization", bearer), ("x-auth-user", b"admin")], 200),
        ("GET", "/api/me", &[("authorization", bearer), ("authorization", b"Bearer x")], 400),
        ("GET", "/public/%2e%2e/api", &[], 400),
        ("PATCH", "/event/1", &[], 405),
        ("POST", "/event/new", &[("authorization", bearer)], 200),
    ];
    for (method, path, fields, status) in cases {
        let body = (method == "POST").then_some(b"{}".as_slice());
        let answer = client.ask(method, path, fields, body).await.unwrap();
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.values("x-request-id").len(), 1);
        if status == 200 {
            let seen = world.recorder.last();
            assert_eq!(seen.line(), format!("{method} {path}"));
            assert_eq!(seen.values("host"), ["gw.test"]);
            let expected: &[&str] = if path.starts_with("/public") { &[] } else { &["alice"] };
            assert_eq!(seen.folded("x-auth-user"), expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tls_handshake_and_an_h2_preface_have_a_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let (trusted, section) = certificate(dir.path());
    let world = World::with(&format!("{ROUTES}\n{section}\n[limits]\nhead_time = \"1s\"\n")).await;
    assert!(Raw::connect(world.address()).await.is_closed().await, "a client that never shakes hands");
    let mut silent = tls(&world, trusted, &[b"h2"]).await;
    // What h2 says first is its settings; after that, the end.
    let mut said = Vec::new();
    let read = tokio::time::timeout(crate::world::raw::PATIENCE, silent.read_to_end(&mut said)).await;
    assert!(read.is_ok(), "a client that chose h2 and never speaks");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_capped_per_address() {
    let world = World::with(&format!("{ROUTES}\n[limits]\nconnections_per_address = 2\n")).await;
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut raw = Raw::connect(world.address()).await;
        assert_eq!(
            raw.ask("GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n").await.expect("an answer").status,
            200
        );
        kept.push(raw);
    }
    assert!(Raw::connect(world.address()).await.is_closed().await, "one too many");
    drop(kept.pop());
    let deadline = gatepass::clock::instant() + crate::world::raw::PATIENCE;
    loop {
        let mut raw = Raw::connect(world.address()).await;
        if raw.ask("GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n").await.is_some() {
            break;
        }
        assert!(gatepass::clock::instant() < deadline, "the place is never given back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_ends_the_connection_in_any_line_is_not_kept() {
    let world = World::new().await;
    for fields in
        ["Connection: close", "Connection: x-other\r\nConnection: close", "Connection: x-other, Close"]
    {
        let mut raw = Raw::connect(world.address()).await;
        let request = format!("GET /public/x HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n\r\n");
        let answer = raw.ask(request).await.expect("an answer");
        assert_eq!((answer.status, answer.value("connection")), (200, "close"), "{fields}");
        assert!(raw.is_closed().await, "{fields}");
    }
}
