//! Upstreams that fail, and a gateway that shuts down.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gatepass::clock::{Clock, UnixTime};
use gatepass::server::Gateway;

use crate::attacks::answers::{is_401t, made_by_us};
use crate::attacks::upstream::{Act, Actor};
use crate::attacks::wires::{Doors, WIRES};
use crate::world::people::Stranger;
use crate::world::raw::Raw;
use crate::world::recorder::Recorder;
use crate::world::tokens::{Mint, now};
use crate::world::{ROUTES, World, config_text, load};

#[tokio::test(flavor = "multi_thread")]
async fn f22_an_upstream_that_fails_is_told_of_and_never_asked_twice() {
    let hangs_up = Actor::playing(|_| Act::SaysLast(Vec::new())).await;
    let nonsense = Actor::playing(|_| Act::SaysLast(b"nonsense\r\n\r\n".to_vec())).await;
    let silent = Actor::silent().await;
    let cases = [(None, 502), (Some(hangs_up), 502), (Some(nonsense), 502), (Some(silent), 504)];
    for case in cases.map(|(actor, status)| tokio::spawn(fails(actor, status))) {
        case.await.unwrap();
    }
}

/// Before this upstream, or none at all, every request is answered with this status.
async fn fails(actor: Option<Actor>, status: u16) {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = actor.as_ref().map_or(gone.local_addr().unwrap(), Actor::address);
    drop(gone);
    let asked = || actor.as_ref().map_or(0, |actor| actor.heads().len());
    let recorder = Recorder::start().await;
    let own = recorder.address().to_string();
    let doors = Doors::around(recorder, |text| {
        let text = text.replace(&own, &address.to_string());
        format!("{text}\n{ROUTES}\n[limits]\nrequest_time = \"1s\"\n")
    })
    .await;
    for (wire, method) in WIRES.into_iter().flat_map(|wire| [(wire, "POST"), (wire, "GET")]) {
        let before = asked();
        let body = (method == "POST").then_some(b"body".as_slice());
        let answer = doors.ask(wire, (method, "/public/x"), &[], body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        made_by_us(&answer);
        assert!(answer.text().contains("planner"), "{answer:?}");
        // Whether it came through or not, a POST was sent once.
        let most = if method == "POST" { usize::from(actor.is_some()) } else { 2 };
        assert!(asked() - before <= most, "{method}: asked {} times", asked() - before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f22_an_upstream_that_stops_in_the_middle_ends_the_answer() {
    for (act, word) in [("stops", false), ("ends", true)] {
        let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
        let actor =
            Actor::playing(move |_| if word { Act::SaysLast(half.into()) } else { Act::Says(half.into()) })
                .await;
        let text = config_text(actor.address(), &format!("{ROUTES}\n[limits]\nrequest_time = \"1s\"\n"));
        let world = World::configured(Recorder::start().await, &text).await;
        let mut raw = Raw::connect(world.address()).await;
        raw.send("POST /public/x HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n\r\n").await;
        // It has begun: all that can be said is that it ends too soon.
        assert!(raw.answer().await.is_none(), "it {act}");
        assert_eq!(actor.heads().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f23a_a_shutdown_under_load_answers_or_refuses() {
    let world = World::new().await;
    let who = world.signed_in("");
    let address = world.address();
    let answered = Arc::new(AtomicUsize::new(0));
    let crowd: Vec<_> = (0..8)
        .map(|person| {
            let (who, answered) = (who.clone(), Arc::clone(&answered));
            tokio::spawn(async move {
                // Half of them without a token, whom no state of the gateway may let through.
                let who = if person % 2 == 0 { who } else { Stranger::at(address) };
                while let Ok(stream) = tokio::net::TcpStream::connect(address).await {
                    drop(stream);
                    let Some(answer) = ask(address, &who).await else { continue };
                    let expected = if person % 2 == 0 { 200 } else { 401 };
                    assert_eq!(answer, expected);
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    while answered.load(Ordering::SeqCst) < 100 {
        tokio::task::yield_now().await;
    }
    let ended = tokio::time::timeout(Duration::from_secs(30), world.gateway.shutdown()).await;
    assert!(ended.is_ok(), "it does not end");
    for person in crowd {
        person.await.unwrap();
    }
    for seen in world.recorder.seen() {
        assert_eq!(seen.folded("x-auth-user"), ["alice"], "{}", seen.head);
    }
}

/// The status, or none if nobody answered.
async fn ask(address: std::net::SocketAddr, who: &Stranger) -> Option<u16> {
    tokio::net::TcpStream::connect(address).await.ok()?;
    let asked = tokio::spawn({
        let who = who.clone();
        async move { who.try_send("GET", "/api/me", None).await }
    });
    // Between the look and the request the door may have closed.
    asked.await.ok().flatten().map(|answer| answer.status)
}

/// Whoever asks for the time panics: in the middle of a decision, of a look at streams, of a step in following the log.
#[tokio::test(flavor = "multi_thread")]
async fn f21_a_panic_lets_nothing_through_and_the_next_request_is_served() {
    let recorder = Recorder::start().await;
    let dir = tempfile::tempdir().unwrap();
    let config = load(dir.path(), &config_text(recorder.address(), ROUTES));
    let mint = Mint::new(&config.tokens);
    // Ahead a little, and it stands: what is issued meanwhile is of the past.
    let (clock, hand) = Clock::manual(UnixTime::from_secs(now() + 60));
    let gateway = Gateway::start_with(config, clock, std::io::sink()).await.unwrap();
    let world = World { dir, recorder, gateway, mint };
    let (mut panicked, mut hits) = (0, 0);
    for _ in 0..40 {
        hand.break_once();
        match world.signed_in("").try_send("GET", "/api/me", None).await.map(|answer| answer.status) {
            Some(200) => hits += 1,
            None | Some(500..=599) => panicked += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(panicked > 20, "it met a decision {panicked} times");
    assert_eq!(world.recorder.hits(), hits, "what panicked went on");
    // Nobody asks now but who works in the background.
    let deadline = gatepass::clock::instant() + crate::world::raw::PATIENCE;
    for _ in 0..10 {
        hand.break_once();
        while hand.is_broken() {
            assert!(gatepass::clock::instant() < deadline, "nobody works in the background");
            tokio::task::yield_now().await;
        }
    }
    let token = world.mint.token("alice", "");
    let who = world.stranger().bearing(&token);
    while who.get("/api/me").await.status != 200 {
        assert!(gatepass::clock::instant() < deadline, "it does not recover");
    }
    assert_eq!(world.stranger().post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
    is_401t(&who.get("/api/me").await);
    world.gateway.shutdown().await;
}
