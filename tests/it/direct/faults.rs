//! Requests that go past the engine, to upstreams that end what they should not, say what they should not, or say too much.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, Notify, mpsc};

use crate::world::raw::{PATIENCE, Raw};
use crate::world::recorder::{Recorder, plain};
use crate::world::tls::{certificate, tls};
use crate::world::{ROUTES, World, config_text};

/// A server that gives each connection to `serve`.
async fn server<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// The next head on a connection.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return None;
        }
    }
    Some(String::from_utf8(head).unwrap())
}

async fn world(upstream: SocketAddr, more: &str) -> World {
    let text = config_text(upstream, &format!("{ROUTES}\n[limits]\n{more}\n"));
    World::configured(Recorder::start().await, &text).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_ends_connections_is_repeated_once() {
    const KEPT: usize = 8;
    let asked = Arc::new(AtomicUsize::new(0));
    let (together, counted) = (Arc::new(Barrier::new(KEPT)), Arc::clone(&asked));
    let upstream = server(move |mut stream| {
        let (together, counted) = (Arc::clone(&together), Arc::clone(&counted));
        async move {
            while let Some(head) = head(&mut stream).await {
                if head.starts_with("GET /public/deadly ") {
                    counted.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                together.wait().await;
                stream.write_all(&plain("{}")).await.unwrap();
            }
        }
    })
    .await;
    let world = world(upstream, "").await;
    let address = world.address();
    let clients = (0..KEPT).map(|_| {
        tokio::spawn(async move {
            let mut raw = Raw::connect(address).await;
            let answer = raw.ask("GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n").await;
            assert_eq!(answer.unwrap().status, 200);
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let mut raw = Raw::connect(address).await;
    let answer = raw.ask("GET /public/deadly HTTP/1.1\r\nHost: gw.test\r\n\r\n").await.unwrap();
    assert_eq!(answer.status, 502);
    // Once, if no connection was back on its shelf yet.
    let asked = asked.load(Ordering::SeqCst);
    assert!(matches!(asked, 1..=2), "{asked} times");
}

#[tokio::test(flavor = "multi_thread")]
async fn announcing_an_answer_for_ever_is_no_answer() {
    let upstream = server(|mut stream| async move {
        if head(&mut stream).await.is_some() {
            let flood = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000);
            while stream.write_all(flood.as_bytes()).await.is_ok() {}
        }
    })
    .await;
    let world = world(upstream, "request_time = \"1s\"").await;
    let mut client = TcpStream::connect(world.address()).await.unwrap();
    client.write_all(b"GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n").await.unwrap();
    let last = async {
        let mut seen = Vec::new();
        loop {
            assert_ne!(client.read_buf(&mut seen).await.unwrap(), 0, "it ended without an answer");
            if seen.windows(13).any(|piece| piece == b"HTTP/1.1 504 ") {
                return;
            }
            seen.drain(..seen.len().saturating_sub(12));
        }
    };
    tokio::time::timeout(PATIENCE, last).await.expect("it comes in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_status_or_no_length_is_no_answer() {
    for said in
        ["099 Odd\r\nContent-Length: 2", "000 \r\nContent-Length: 2", "200 OK\r\nContent-Length: 2, 2"]
    {
        let upstream = server(move |mut stream| async move {
            while head(&mut stream).await.is_some() {
                stream.write_all(format!("HTTP/1.1 {said}\r\n\r\n{{}}").as_bytes()).await.unwrap();
            }
        })
        .await;
        let world = world(upstream, "").await;
        let mut raw = Raw::connect(world.address()).await;
        let answer = raw.ask("GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n").await.unwrap();
        assert_eq!(answer.status, 502, "{said:?}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_goes_on_in_one_spelling() {
    let world = World::new().await;
    for spelt in ["5", "\t5 \t", "  0000000000000000000000005"] {
        let mut raw = Raw::connect(world.address()).await;
        let request =
            format!("POST /public/x HTTP/1.1\r\nHost: gw.test\r\ncontent-length:{spelt}\r\n\r\nhello");
        assert_eq!(raw.ask(request).await.unwrap().status, 200);
        let seen = world.recorder.last();
        assert!(seen.head.contains("\r\nContent-Length: 5\r\n"), "{spelt:?}: {}", seen.head);
        assert_eq!(seen.values("content-length").len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_over_tls_may_hurry_and_may_leave() {
    let (told, mut events) = mpsc::unbounded_channel();
    let on = Arc::new(Notify::new());
    let go = Arc::clone(&on);
    let upstream = server(move |mut stream| {
        let (told, go) = (told.clone(), Arc::clone(&go));
        async move {
            while let Some(head) = head(&mut stream).await {
                told.send("asked").unwrap();
                if head.starts_with("GET /public/slow ") {
                    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0, "nothing follows");
                    told.send("left").unwrap();
                    return;
                }
                go.notified().await;
                stream.write_all(&plain("{}")).await.unwrap();
            }
        }
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let (trusted, section) = certificate(dir.path());
    let text = config_text(upstream, &format!("{ROUTES}\n{section}"));
    let world = World::configured(Recorder::start().await, &text).await;
    let mut client = tls(&world, trusted, &[b"http/1.1"]).await;
    let mut next = async || tokio::time::timeout(PATIENCE, events.recv()).await.expect("it comes in time");
    // The next request comes while the last is worked for, and is read whole all the same.
    client.write_all(b"GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n").await.unwrap();
    for target in ["x", "x", "x", "slow"] {
        assert_eq!(next().await, Some("asked"));
        let request = format!("GET /public/{target} HTTP/1.1\r\nHost: gw.test\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        client.flush().await.unwrap();
        on.notify_one();
        let mut seen = Vec::new();
        let answered = async {
            while !seen.ends_with(b"\r\n\r\n{}") {
                assert_ne!(client.read_buf(&mut seen).await.unwrap(), 0, "it ended");
            }
        };
        tokio::time::timeout(PATIENCE, answered).await.expect("it comes in time");
        assert!(seen.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&seen));
    }
    assert_eq!(next().await, Some("asked"));
    client.shutdown().await.unwrap();
    assert_eq!(next().await, Some("left"));
}
