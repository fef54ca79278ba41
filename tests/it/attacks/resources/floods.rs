//! Frames that cost a client nothing, by the thousand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls_pki_types::CertificateDer;

use super::{counted, over_tls};
use crate::world::frames::{
    ACK, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE,
    frame, head,
};
use crate::world::recorder::Recorder;
use crate::world::tls::{H2, certificate};
use crate::world::{ROUTES, World, config_text};

const MANY: u32 = 10_000;

fn number(count: u32) -> u32 {
    2 * count + 1
}

/// What ends the connection is not that it is idle, or late.
const LONG: &str = "idle_time = \"1h\"\nhead_time = \"1h\"\nrequest_time = \"1h\"\nbody_grace = \"1h\"";

/// A neighbour who keeps asking while others flood; each time has an answer.
struct Neighbour {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<(u32, Duration)>,
}

impl Neighbour {
    async fn settle(world: &World, trusted: &CertificateDer<'static>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (mut h2, over) = (H2::connect(world, trusted.clone()).await, Arc::clone(&stop));
        let task = tokio::spawn(async move {
            let (mut served, mut longest) = (0, Duration::ZERO);
            while served == 0 || !over.load(Ordering::Relaxed) {
                let began = gatepass::clock::instant();
                assert_eq!(h2.ask("GET", "/public/x", &[], None).await.expect("an answer").status, 200);
                longest = longest.max(began.elapsed());
                served += 1;
            }
            (served, longest)
        });
        Self { stop, task }
    }

    /// Every answer came, and none took long.
    async fn was_served(self) {
        self.stop.store(true, Ordering::Relaxed);
        let (served, longest) = self.task.await.unwrap();
        assert!(served > 0 && longest < Duration::from_secs(5), "{served} answers, one after {longest:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g04_streams_that_are_opened_and_reset_end_the_connection() {
    let (world, trusted, _dir) = over_tls(Recorder::start().await, LONG).await;
    let neighbour = Neighbour::settle(&world, &trusted).await;
    let token = format!("Bearer {}", world.mint.token("alice", ""));
    let login = head("POST", "/token", &[("content-type", "application/x-www-form-urlencoded")]);
    let protected = head("GET", "/api/me", &[("authorization", &token)]);
    for (block, flags) in [(protected, END_HEADERS | END_STREAM), (login, END_HEADERS)] {
        let reset = |count| {
            let stream = number(count);
            [frame(HEADERS, flags, stream, &block), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
        };
        // Both in one piece; then one by one, so that some streams are looked at before they are reset.
        Frames::connect(&world, &trusted).await.flood(MANY, HEADERS, reset).await;
        let one_by_one = |part: u32| {
            let stream = number(part / 2);
            match part % 2 {
                0 => frame(HEADERS, flags, stream, &block),
                _ => frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]),
            }
        };
        Frames::connect(&world, &trusted).await.flood(2 * MANY, HEADERS, one_by_one).await;
    }
    neighbour.was_served().await;
    let asked = world.recorder.seen().iter().filter(|seen| seen.line() == "GET /api/me").count();
    assert!(asked < 2_000, "the upstream was asked {asked} times");
    assert_eq!(counted(&world, "gatepass_password_hash_seconds_count", "").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn g04_streams_that_are_reset_once_they_are_worked_for_end_the_connection() {
    let (world, trusted, _dir) = over_tls(Recorder::start().await, LONG).await;
    let mut client = Frames::connect(&world, &trusted).await;
    let block = head("POST", "/token", &[("content-type", "application/x-www-form-urlencoded")]);
    let mut taken = 0;
    while taken < MANY {
        let streams: Vec<u32> = (taken..taken + 10).map(number).collect();
        let open = streams.iter().flat_map(|stream| frame(HEADERS, END_HEADERS, *stream, &block));
        client.send(&open.chain(frame(PING, 0, 0, &[0; 8])).collect::<Vec<u8>>()).await;
        // The engine counts those that were reset before it had looked: at these it has.
        if client.next_of(PING, 0).await.is_none() {
            break;
        }
        let reset = streams.iter().flat_map(|stream| frame(RST_STREAM, 0, *stream, &[0, 0, 0, 8]));
        client.send(&reset.collect::<Vec<u8>>()).await;
        taken += 10;
    }
    assert!((100..MANY).contains(&taken), "{taken} streams were taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn g04_a_login_that_was_reset_is_not_hashed() {
    const LOGINS: u32 = 40;
    let dir = tempfile::tempdir().unwrap();
    let (trusted, section) = certificate(dir.path());
    let recorder = Recorder::start().await;
    // A hash that takes long enough for all of them to queue behind it.
    let text = config_text(recorder.address(), &format!("{ROUTES}\n{section}"))
        .replace("cost = 10", "cost = 12\nthreads = 1\nqueue = 64");
    let world = World::configured(recorder, &text).await;
    let mut client = Frames::connect(&world, &trusted).await;
    let block = head("POST", "/token", &[("content-type", "application/x-www-form-urlencoded")]);
    for count in 0..LOGINS {
        let form = format!("grant_type=password&username=user{count}&password=guess");
        client.send(&frame(HEADERS, END_HEADERS, number(count), &block)).await;
        client.send(&frame(DATA, END_STREAM, number(count), form.as_bytes())).await;
    }
    // All of them are being worked for.
    let deadline = gatepass::clock::instant() + crate::world::raw::PATIENCE;
    while counted(&world, "gatepass_requests_in_flight", "").await < u64::from(LOGINS) - 3 {
        assert!(gatepass::clock::instant() < deadline, "they are not taken");
        tokio::task::yield_now().await;
    }
    for count in 0..LOGINS {
        client.send(&frame(RST_STREAM, 0, number(count), &[0, 0, 0, 8])).await;
    }
    while counted(&world, "gatepass_requests_in_flight", "").await > 0 {
        assert!(gatepass::clock::instant() < deadline, "they go on");
        tokio::task::yield_now().await;
    }
    // The next in the queue is somebody who waits.
    let form = "grant_type=password&username=nobody&password=guess";
    let mut h2 = H2::connect(&world, trusted).await;
    let kind = ("content-type", &b"application/x-www-form-urlencoded"[..]);
    let answer = h2.ask("POST", "/token", &[kind], Some(form.as_bytes())).await.expect("an answer");
    assert_eq!(answer.status, 400);
    let hashed = counted(&world, "gatepass_password_hash_seconds_count", "").await;
    assert!(hashed < u64::from(LOGINS) / 2, "{hashed} of {LOGINS} were hashed");
}

#[tokio::test(flavor = "multi_thread")]
async fn g05_streams_that_we_are_made_to_reset_end_the_connection() {
    let (world, trusted, _dir) = over_tls(Recorder::start().await, LONG).await;
    let neighbour = Neighbour::settle(&world, &trusted).await;
    let token = format!("Bearer {}", world.mint.token("alice", ""));
    let block = head("GET", "/api/me", &[("authorization", &token)]);
    let provocations: [fn(u32) -> Vec<u8>; 4] = [
        // A window that grows by nothing, by too much; a stream that depends on itself; data after its end
        // (RFC 9113 §6.9, §5.1; RFC 7540 §5.3.1).
        |stream| frame(WINDOW_UPDATE, 0, stream, &[0; 4]),
        |stream| frame(WINDOW_UPDATE, 0, stream, &[0x7f, 0xff, 0xff, 0xff]),
        |stream| frame(PRIORITY, 0, stream, &[&stream.to_be_bytes()[..], &[1]].concat()),
        |stream| frame(DATA, 0, stream, b"x"),
    ];
    for provoke in provocations {
        let client = Frames::connect(&world, &trusted).await;
        let bytes = |count| {
            let stream = number(count);
            [frame(HEADERS, END_HEADERS | END_STREAM, stream, &block), provoke(stream)].concat()
        };
        let resets = client.flood(MANY, RST_STREAM, bytes).await;
        assert!(resets < 1_000, "{resets} streams were reset");
    }
    neighbour.was_served().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g08_frames_that_ask_for_nothing_end_the_connection() {
    let (world, trusted, _dir) = over_tls(Recorder::start().await, LONG).await;
    let neighbour = Neighbour::settle(&world, &trusted).await;
    let floods: [(u8, Vec<u8>); 7] = [
        (PING, frame(PING, 0, 0, &[0; 8])),
        (PING, frame(PING, ACK, 0, &[0; 8])),
        (SETTINGS, frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0])),
        (DATA, frame(DATA, 0, 1, &[])),
        (PRIORITY, frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1])),
        (WINDOW_UPDATE, frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        // A kind that nobody knows (RFC 9113 §5.5).
        (0x42, frame(0x42, 0, 1, &[])),
    ];
    for (kind, flood) in floods {
        let mut client = Frames::connect(&world, &trusted).await;
        client.send(&frame(HEADERS, END_HEADERS, 1, &head("POST", "/public/x", &[]))).await;
        let bytes = flood.repeat(100);
        let answers = client.flood(1_000, kind, |_| bytes.clone()).await;
        assert!(answers < MANY, "{kind}: {answers} answers");
    }
    neighbour.was_served().await;
}
