//! Bodies of sign-ins: bounded in size and in time, over both protocols.

use std::time::Duration;

use crate::attacks::ada::FORM_TYPE;
use crate::attacks::answers::made_by_us;
use crate::attacks::frames::{Frames, Said};
use crate::attacks::logged::Logged;
use crate::attacks::wires::Doors;
use crate::world::raw::Raw;
use crate::world::{ROUTES, World};

const HEAD: &str =
    "POST /token HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/x-www-form-urlencoded\r\n";

/// The resident memory of a process, in KiB.
fn resident(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn e17_login_bodies_are_bounded_in_size() {
    let world = Logged::start().await;
    let mut raw = Raw::connect(world.address()).await;
    let first = raw.ask(format!("{HEAD}Content-Length: 200000000\r\n\r\n")).await.expect("an answer");
    assert_eq!(first.status, 413);
    let before = resident(world.process());
    for _ in 0..8 {
        let mut raw = Raw::connect(world.address()).await;
        raw.send(format!("{HEAD}Content-Length: 200000000\r\n\r\n{}", "x".repeat(1 << 20))).await;
        let answer = raw.answer().await.expect("an answer, though the body goes on");
        assert_eq!(answer.status, 413);
        made_by_us(&answer);
        // Chunks without end: it does not read on once it has had more than a form can be.
        let mut raw = Raw::connect(world.address()).await;
        raw.send(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n")).await;
        for _ in 0..512 {
            raw.send(format!("1000\r\n{}\r\n", "x".repeat(4096))).await;
        }
        assert!(raw.answer().await.is_none_or(|answer| answer.status == 413));
    }
    let grown = resident(world.process()).saturating_sub(before);
    assert!(grown < 5 * 1024, "{grown} KiB more");
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn e17_over_h2_without_a_length() {
    let doors = Doors::open().await;
    let mut frames = Frames::connect(&doors).await;
    frames.headers(&post(), false).await;
    for _ in 0..3 {
        frames.data(&[b'x'; 16_000], false).await;
    }
    assert_eq!(frames.said().await, Said::Status(413));
}

fn post() -> [(&'static [u8], &'static [u8]); 5] {
    [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":authority", b"gw.test"),
        (b":path", b"/token"),
        (b"content-type", FORM_TYPE.as_bytes()),
    ]
}

/// A total deadline: neither silence nor a byte now and then puts it off.
#[tokio::test(flavor = "multi_thread")]
async fn e17_login_bodies_are_bounded_in_time() {
    const LIMITS: &str = "\n[limits]\nhead_time = \"1s\"\n";
    const LONG: Duration = Duration::from_secs(30);
    let began = gatepass::clock::instant();
    let world = World::with(&format!("{ROUTES}{LIMITS}")).await;
    let doors = Doors::with(&format!("{ROUTES}{LIMITS}")).await;
    let mut stalled = Raw::connect(world.address()).await;
    let mut stalled_frames = Frames::connect(&doors).await;
    stalled.send(format!("{HEAD}Content-Length: 2000\r\n\r\nuser")).await;
    stalled_frames.headers(&post(), false).await;
    let mut slow = Raw::connect(world.address()).await;
    let mut slow_frames = Frames::connect(&doors).await;
    slow.send(format!("{HEAD}Content-Length: 2000\r\n\r\n")).await;
    slow_frames.headers(&post(), false).await;
    // Ten bytes a second, each of which would put off a deadline for the next read.
    let (mut answer, mut said) = (None, None);
    while answer.is_none() || said.is_none() {
        assert!(began.elapsed() < LONG, "it waits: {answer:?} {said:?}");
        if answer.is_none() {
            slow.send("x").await;
            answer = tokio::time::timeout(Duration::from_millis(50), slow.answer()).await.ok();
        }
        if said.is_none() {
            slow_frames.data(b"x", false).await;
            said = slow_frames.said_within(Duration::from_millis(50)).await;
        }
    }
    for answer in [answer.unwrap(), stalled.answer().await] {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 408);
        made_by_us(&answer);
    }
    for said in [said.unwrap(), stalled_frames.said().await] {
        assert!(matches!(said, Said::Status(408) | Said::Reset | Said::Gone), "{said:?}");
    }
    assert!(began.elapsed() < LONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn e19_who_asks_first_is_told_to_go_on() {
    let world = World::new().await;
    let form = "username=nobody&password=nothing-that-anybody-has-as-password";
    let mut quickest = Duration::MAX;
    for target in ["/token", "/auth/revoke", "/token"] {
        let head = HEAD.replace("/token", target);
        let mut raw = Raw::connect(world.address()).await;
        let began = gatepass::clock::instant();
        let asked =
            raw.ask(format!("{head}Content-Length: {}\r\nExpect: 100-Continue\r\n\r\n", form.len())).await;
        quickest = quickest.min(began.elapsed());
        assert_eq!(asked.expect("leave to go on").status, 100);
        let answer = raw.ask(form).await.expect("an answer");
        assert_eq!(answer.status, 400, "{answer:?}");
        made_by_us(&answer);
    }
    assert!(quickest < Duration::from_secs(1), "{quickest:?}");
    // Who is refused is not told to go on.
    let mut raw = Raw::connect(world.address()).await;
    let refused = raw.ask(format!("{HEAD}Content-Length: 200000\r\nExpect: 100-continue\r\n\r\n")).await;
    assert_eq!(refused.expect("an answer").status, 413);
}
