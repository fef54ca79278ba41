//! Bodies that are too long, come too slowly, or are not taken.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use super::{counted, ended, over_tls};
use crate::world::frames::{
    DATA, END_HEADERS, END_STREAM, Frames, HEADERS, PING, RST_STREAM, WINDOW_UPDATE, frame, head, slowly,
};
use crate::world::raw::{PATIENCE, Raw};
use crate::world::recorder::{Recorder, plain};
use crate::world::tls::{H2, tls};
use crate::world::{ROUTES, World};

/// The grace is short, and one read alone may take longer than the test: what ends the wait is the rate.
const PACE: &str = "body_rate = \"1KiB\"\nbody_grace = \"1s\"\nrequest_time = \"1s\"\nhead_time = \"1s\"";
const UPLOAD: &str = "POST /public/x HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 1000000\r\n\r\nbegun";

/// Sends `head`, then a byte every tenth of a second until there is an answer; its status.
async fn trickle(stream: impl AsyncRead + AsyncWrite + Unpin, head: &str) -> Option<u16> {
    in_time(trickling(stream, head)).await
}

/// What is slow comes to an end all the same.
async fn in_time<T>(slow: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, slow).await.expect("an end in time")
}

async fn trickling(stream: impl AsyncRead + AsyncWrite + Unpin, head: &str) -> Option<u16> {
    let (mut from, mut to) = tokio::io::split(stream);
    to.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut pause = slowly(Duration::from_millis(100));
    loop {
        tokio::select! {
            read = from.read_buf(&mut answer) => if read.unwrap_or(0) == 0 || answer.len() > 12 { break },
            // What is sent after the answer may not be taken.
            _ = pause.tick() => { let _ = to.write_all(b"x").await; let _ = to.flush().await; }
        }
    }
    String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_an_upload_that_trickles_is_408_over_http_11() {
    let world = World::with(&format!("{ROUTES}\n[limits]\n{PACE}\n")).await;
    let stream = tokio::net::TcpStream::connect(world.address()).await.unwrap();
    assert_eq!(trickle(stream, UPLOAD).await, Some(408), "by length");
    let chunked =
        "POST /public/x HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\nff\r\n";
    let stream = tokio::net::TcpStream::connect(world.address()).await.unwrap();
    assert_eq!(trickle(stream, chunked).await, Some(408), "in chunks");
    let mut silent = Raw::connect(world.address()).await;
    let answer = silent.ask(UPLOAD).await.expect("an answer");
    assert_eq!((answer.status, answer.value("connection")), (408, "close"), "never finished");
    assert!(silent.is_closed().await);
    ended(&world, "timeout", 3).await;
    // Who sends is not hurried, however short the grace.
    let body = "x".repeat(300_000);
    let request = format!("POST /public/x HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 300000\r\n\r\n{body}");
    assert_eq!(Raw::connect(world.address()).await.ask(request).await.expect("an answer").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_an_upload_that_trickles_is_408_over_tls() {
    let (world, trusted, _dir) = over_tls(Recorder::start().await, PACE).await;
    assert_eq!(trickle(tls(&world, trusted, &[b"http/1.1"]).await, UPLOAD).await, Some(408));
}

/// Sends this every tenth of a second until two streams have been reset, and the connection lives on.
async fn until_reset(client: &mut Frames, bytes: &[u8]) {
    let mut pause = slowly(Duration::from_millis(100));
    let mut reset = 0;
    while reset < 2 {
        pause.tick().await;
        client.send(bytes).await;
        // The answer to a ping stands behind whatever there was to say.
        client.send(&frame(PING, 0, 0, &[0; 8])).await;
        loop {
            match client.next().await.expect("the connection lives on").kind {
                RST_STREAM => reset += 1,
                PING => break,
                _ => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_g10_an_upload_over_h2_has_a_deadline() {
    let (world, trusted, _dir) = over_tls(Recorder::start().await, PACE).await;
    let mut client = Frames::connect(&world, &trusted).await;
    // One says nothing more, the other a byte now and then.
    for stream in [1, 3] {
        let block = head("POST", "/public/x", &[("content-length", "1000000")]);
        client.send(&frame(HEADERS, END_HEADERS, stream, &block)).await;
    }
    in_time(until_reset(&mut client, &frame(DATA, 0, 3, b"x"))).await;
    ended(&world, "timeout", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e17_g10_a_login_that_is_not_sent_is_408_by_a_total_deadline() {
    let (world, trusted, _dir) = over_tls(Recorder::start().await, PACE).await;
    let login = "POST /token HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5000\r\n\r\ngrant_type=";
    assert_eq!(trickle(tls(&world, trusted.clone(), &[b"http/1.1"]).await, login).await, Some(408));
    let mut silent = Raw::over(tls(&world, trusted.clone(), &[b"http/1.1"]).await);
    assert_eq!(silent.ask(login).await.expect("an answer").status, 408);
    let mut client = Frames::connect(&world, &trusted).await;
    client.send(&frame(HEADERS, END_HEADERS, 1, &head("POST", "/token", &[]))).await;
    assert_eq!(client.next_of(HEADERS, 1).await.expect("an answer").status(), 408);
    client.send(&frame(HEADERS, END_HEADERS, 3, &head("POST", "/token", &[]))).await;
    let mut pause = slowly(Duration::from_millis(100));
    let status = in_time(async {
        loop {
            pause.tick().await;
            client.send(&frame(DATA, 0, 3, b"x")).await;
            client.send(&frame(PING, 0, 0, &[0; 8])).await;
            loop {
                let heard = client.next().await.expect("the connection lives on");
                match (heard.kind, heard.stream) {
                    (HEADERS, 3) => return heard.status(),
                    (PING, _) => break,
                    _ => {}
                }
            }
        }
    })
    .await;
    assert_eq!(status, 408, "a byte now and then");
}

#[tokio::test(flavor = "multi_thread")]
async fn d04_e17_a_body_that_is_too_long_is_413_at_once() {
    let (world, trusted, _dir) = over_tls(Recorder::start().await, "body = \"64KiB\"").await;
    let token = world.mint.token("alice", "");
    for target in ["/token", "/api/x", "/public/x"] {
        for length in ["18446744073709551615", "10000000000000", "200000000"] {
            let request = format!(
                "POST {target} HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
            );
            let mut raw = Raw::over(tls(&world, trusted.clone(), &[b"http/1.1"]).await);
            let answer = raw.ask(request).await.expect("an answer");
            assert_eq!((answer.status, answer.value("connection")), (413, "close"), "{target} {length}");
        }
    }
    let mut raw = Raw::over(tls(&world, trusted.clone(), &[b"http/1.1"]).await);
    raw.send("POST /token HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    raw.send(format!("8000\r\n{}\r\n", "x".repeat(0x8000))).await;
    assert_eq!(raw.answer().await.expect("an answer").status, 413, "chunks without an end");
    let mut h2 = H2::connect(&world, trusted).await;
    let answer = h2.ask("POST", "/token", &[], Some(&vec![b'x'; 32_768])).await.expect("an answer");
    assert_eq!(answer.status, 413, "over h2, without a length");
    assert_eq!(world.recorder.hits(), 0);
}

/// More than the system keeps for a client that does not read.
async fn large() -> Recorder {
    let body = "x".repeat(32 << 20);
    Recorder::answering(move |_| plain(&body)).await
}

/// A connection with as little room for answers as the system allows.
async fn narrow(world: &World) -> tokio::net::TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(world.address()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_an_answer_that_is_not_taken_is_given_up() {
    let world = World::around(large().await, &format!("{ROUTES}\n[limits]\n{PACE}\n")).await;
    let request = b"GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n";
    let mut silent = narrow(&world).await;
    silent.write_all(request).await.unwrap();
    ended(&world, "timeout", 1).await;
    let mut slow = narrow(&world).await;
    slow.write_all(request).await.unwrap();
    let mut pause = slowly(Duration::from_millis(50));
    in_time(async {
        while counted(&world, "gatepass_decisions_total", "reason=\"timeout\"").await < 2 {
            pause.tick().await;
            slow.read_u8().await.expect("what was sent before the end");
        }
    })
    .await;
    assert_eq!(counted(&world, "gatepass_requests_in_flight", "").await, 0);
    // Who takes it has all of it.
    let whole = world.stranger().get("/public/x").await;
    assert_eq!(whole.body.len(), 32 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_g10_a_stream_whose_window_stays_shut_is_reset() {
    let pace = "body_rate = \"64KiB\"\nbody_grace = \"1s\"";
    let (world, trusted, _dir) = over_tls(large().await, pace).await;
    // The window of a new stream: nothing (RFC 9113 §6.5.2).
    let mut client = Frames::setting(&world, &trusted, &[(4, 0)]).await;
    for stream in [1, 3] {
        let block = head("GET", "/public/x", &[]);
        client.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &block)).await;
    }
    // One byte more for the second, each time.
    in_time(until_reset(&mut client, &frame(WINDOW_UPDATE, 0, 3, &[0, 0, 0, 1]))).await;
    // A stream that takes what it is sent is not disturbed.
    let mut h2 = H2::connect(&world, trusted).await;
    let whole = h2.ask("GET", "/public/x", &[], None).await.expect("an answer");
    assert_eq!(whole.body.len(), 32 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_an_h2_client_that_reads_nothing_is_given_up() {
    let (world, trusted, _dir) = over_tls(large().await, "body_grace = \"1s\"\nidle_time = \"1h\"").await;
    // All the windows there can be, and then not a byte is read.
    let mut client = Frames::setting(&world, &trusted, &[(4, 0x7fff_ffff)]).await;
    client.send(&frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0, 0, 0])).await;
    let block = head("GET", "/public/x", &[]);
    for stream in [1, 3, 5] {
        client.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &block)).await;
    }
    ended(&world, "timeout", 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_an_upstream_whose_head_trickles_has_a_deadline() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let text = crate::world::config_text(
        listener.local_addr().unwrap(),
        &format!("{ROUTES}\n[limits]\nrequest_time = \"1s\"\nconnect_time = \"1s\"\n"),
    );
    let world = World::configured(Recorder::start().await, &text).await;
    let mut client = Raw::connect(world.address()).await;
    client.send("GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n").await;
    let (mut asked, _) = loop {
        // The health check comes by as well, and says nothing.
        let (mut stream, from) = listener.accept().await.unwrap();
        if stream.read_u8().await.is_ok() {
            break (stream, from);
        }
    };
    asked.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
    let mut pause = slowly(Duration::from_millis(200));
    let closed = async {
        while asked.write_all(b"X-Slow: yes\r\n").await.is_ok() {
            pause.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.expect("an end");
    ended(&world, "upstream_timeout", 1).await;
    assert!(client.answer().await.is_none_or(|answer| answer.status == 504));
}

#[tokio::test(flavor = "multi_thread")]
async fn g12_a_body_that_outgrows_its_limit_ends_on_both_sides() {
    let (world, trusted, _dir) = over_tls(Recorder::start().await, "body = \"64KiB\"").await;
    let mut client = Frames::connect(&world, &trusted).await;
    client.send(&frame(HEADERS, END_HEADERS, 1, &head("POST", "/public/x", &[]))).await;
    for _ in 0..4 {
        client.send(&frame(DATA, 0, 1, &[b'x'; 16_000])).await;
    }
    // The window was all but used up; it opens again as the body goes on.
    assert!(client.next_of(WINDOW_UPDATE, 1).await.is_some());
    client.send(&frame(DATA, 0, 1, &[b'x'; 16_000])).await;
    assert_eq!(client.next_of(HEADERS, 1).await.expect("an answer").status(), 413);
    assert_eq!(world.recorder.hits(), 0, "the upstream never had a whole request");
}
