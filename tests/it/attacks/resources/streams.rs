//! What an h2 connection may leave unfinished, and how large a head may be.

use super::over_tls;
use crate::world::frames::{
    CONTINUATION, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, RST_STREAM, SETTINGS, field, frame, head,
};
use crate::world::raw::Raw;
use crate::world::recorder::Recorder;
use crate::world::tls::{H2, tls};

/// RFC 9113 §7.
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;
/// What ends such a connection is not that it is idle, or late.
const LONG: &str = "idle_time = \"1h\"\nhead_time = \"1h\"";

/// A whole request on a stream.
fn get(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &head("GET", path, &[]))
}

#[tokio::test(flavor = "multi_thread")]
async fn g02_g06_half_a_header_block_has_the_heads_time() {
    let limits = "head_time = \"1s\"\nidle_time = \"1h\"";
    let (world, trusted, _dir) = over_tls(Recorder::start().await, limits).await;
    let block = head("GET", "/public/x", &[]);
    for half in [
        // No end of the block, half a frame, a block that goes on and on.
        frame(HEADERS, END_STREAM, 3, &block),
        frame(HEADERS, END_STREAM | END_HEADERS, 3, &block)[..20].to_vec(),
        [frame(HEADERS, END_STREAM, 3, &block), frame(CONTINUATION, 0, 3, &field("x", "y"))].concat(),
    ] {
        let mut client = Frames::connect(&world, &trusted).await;
        client.send(&get(1, "/public/x")).await;
        assert_eq!(client.next_of(HEADERS, 1).await.expect("an answer").status(), 200);
        client.send(&half).await;
        // The end, or this waits in vain: the idle time is an hour.
        client.rest().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g02_an_h2_connection_has_the_idle_time() {
    let limits = "head_time = \"1s\"\nidle_time = \"1s\"";
    let (world, trusted, _dir) = over_tls(Recorder::start().await, limits).await;
    let mut client = Frames::connect(&world, &trusted).await;
    client.send(&get(1, "/public/x")).await;
    assert_eq!(client.next_of(HEADERS, 1).await.expect("an answer").status(), 200);
    client.rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_g03_a_first_head_has_a_deadline_over_tls_and_h2c_is_not_spoken() {
    let (world, trusted, _dir) = over_tls(Recorder::start().await, "head_time = \"1s\"").await;
    let mut silent = Raw::over(tls(&world, trusted.clone(), &[b"http/1.1"]).await);
    assert!(silent.is_closed().await);
    let mut half = Raw::over(tls(&world, trusted.clone(), &[b"http/1.1"]).await);
    assert_eq!(half.ask("GET /public/x HTTP/1.1\r\nHost: gw").await.expect("an answer").status, 408);
    let plain =
        crate::world::World::with(&format!("{}\n[limits]\nhead_time = \"1s\"\n", crate::world::ROUTES)).await;
    for (preface, status) in [
        ("PRI * HTTP", 408),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r", 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ] {
        let answer = Raw::connect(plain.address()).await.ask(preface).await.expect("an answer");
        assert_eq!(answer.status, status, "{preface:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g06_continuation_without_an_end_closes() {
    let (world, trusted, _dir) = over_tls(Recorder::start().await, LONG).await;
    for part in [field("x", "y"), field("x", "y".repeat(10_000)), Vec::new()] {
        let mut client = Frames::connect(&world, &trusted).await;
        client.send(&frame(HEADERS, END_STREAM, 1, &head("GET", "/public/x", &[]))).await;
        client.flood(10_000, GOAWAY, |_| frame(CONTINUATION, 0, 1, &part)).await;
    }
    assert_eq!(world.recorder.hits(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn g09_a_head_over_the_limit_is_431_and_a_bomb_ends_the_connection() {
    let (world, trusted, _dir) = over_tls(Recorder::start().await, "head = \"16KiB\"").await;
    let mut client = Frames::connect(&world, &trusted).await;
    let large = head("GET", "/public/x", &[("x-large", &"x".repeat(16_000)), ("x-more", &"x".repeat(1_000))]);
    let (first, second) = large.split_at(16_000);
    for stream in [1, 3] {
        client.send(&frame(HEADERS, END_STREAM, stream, first)).await;
        client.send(&frame(CONTINUATION, END_HEADERS, stream, second)).await;
        assert_eq!(client.next_of(HEADERS, stream).await.expect("an answer").status(), 431);
    }
    // One entry of the table, as large as it may be, and then a byte for each time it is meant (RFC 7541 §6.1).
    let mut bomb = head("GET", "/public/x", &[]);
    let mut entry = field("x-bomb", "x".repeat(4_000));
    entry[0] = 0x40;
    bomb.extend(entry);
    bomb.resize(16_384, 0x80 + 62);
    client.send(&frame(HEADERS, END_STREAM | END_HEADERS, 5, &bomb)).await;
    let last =
        client.rest().await.into_iter().rfind(|frame| frame.kind == GOAWAY).expect("a word of farewell");
    assert_eq!(last.code(), ENHANCE_YOUR_CALM);
    // A head that fits is served over h2 as it is over HTTP/1.1.
    let mut h2 = H2::connect(&world, trusted).await;
    let fits = "x".repeat(15_000);
    let answer = h2.ask("GET", "/public/x", &[("x-large", fits.as_bytes())], None).await.expect("an answer");
    assert_eq!(answer.status, 200);
    assert_eq!(world.recorder.hits(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn g09_so_many_streams_at_once_and_no_more() {
    let (world, trusted, _dir) = over_tls(Recorder::start().await, "").await;
    let mut client = Frames::connect(&world, &trusted).await;
    let settings = client.next_of(SETTINGS, 0).await.expect("the settings").payload;
    let most = settings.chunks(6).find(|setting| setting[..2] == [0, 3]).expect("a limit of streams");
    assert_eq!(u32::from_be_bytes(most[2..].try_into().unwrap()), 100);
    client.send(&frame(SETTINGS, 1, 0, &[])).await;
    let block = head("POST", "/public/x", &[]);
    let open: Vec<u8> =
        (0..=100).flat_map(|number| frame(HEADERS, END_HEADERS, 2 * number + 1, &block)).collect();
    client.send(&open).await;
    let refused = client.next_of(RST_STREAM, 201).await.expect("the one too many is refused");
    assert_eq!(refused.code(), REFUSED_STREAM);
}

#[tokio::test(flavor = "multi_thread")]
async fn g15_an_h2_connection_has_a_last_request() {
    let limits = "requests_per_connection = 3\nhead_time = \"1s\"\nidle_time = \"1h\"";
    let (world, trusted, _dir) = over_tls(Recorder::start().await, limits).await;
    let mut client = Frames::connect(&world, &trusted).await;
    for stream in [1, 3] {
        client.send(&get(stream, "/public/x")).await;
        assert_eq!(client.next_of(HEADERS, stream).await.expect("an answer").status(), 200);
    }
    client.send(&get(5, "/public/x")).await;
    // It says that it will end, and does, though we answer none of its pings.
    let last = client.rest().await;
    assert!(last.iter().any(|frame| frame.kind == GOAWAY));
    assert_eq!(last.iter().find(|frame| frame.kind == HEADERS).expect("an answer").status(), 200);
    // A client that goes on all the same is not let go on for ever.
    let deaf = Frames::connect(&world, &trusted).await;
    let served = deaf.flood(10_000, HEADERS, |number| get(2 * number + 1, "/public/x")).await;
    assert!(served < 3 + 2 * 100, "{served}");
    assert!(world.recorder.hits() < 3 + 3 + 2 * 100, "{}", world.recorder.hits());
    // One that listens comes again.
    for _ in 0..2 {
        let mut h2 = H2::connect(&world, trusted.clone()).await;
        assert_eq!(h2.ask("GET", "/public/x", &[], None).await.expect("an answer").status, 200);
    }
}
