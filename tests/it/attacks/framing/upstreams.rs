//! Upstreams that misbehave, and many users over few connections: everybody gets their own answer.

use std::sync::Arc;

use crate::attacks::answers::made_by_us;
use crate::attacks::upstream::{Act, Actor};
use crate::world::raw::{Answer, Raw};
use crate::world::recorder::{Recorder, plain};
use crate::world::{ROUTES, World, config_text};

/// What the next user must never see.
const POISON: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";

/// How it misbehaves, by the last segment of the path; everywhere else it says who is asking.
fn play(head: &str) -> Act {
    let target = head.split(' ').nth(1).unwrap_or_default();
    let says = |text: String| Act::Says(text.into_bytes());
    match target.strip_prefix("/api/bad/").unwrap_or_default() {
        "both" => says(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{POISON}"
        )),
        "more" => says(format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{{}}{POISON}")),
        "twice" => says(POISON.replace("poison", "answer") + POISON),
        "head" => says(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{POISON}", POISON.len())),
        "chunks" => says(format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{POISON}"
        )),
        "unasked" => says(format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n{POISON}"
        )),
        "none" => says(format!("HTTP/1.1 204 No Content\r\n\r\n{POISON}")),
        "unchanged" => says(format!("HTTP/1.1 304 Not Modified\r\n\r\n{POISON}")),
        "flood" => says("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(2_000) + POISON),
        "feed" => says("HTTP/1.1 200 OK\r\nX: a\nX-Evil: poison\r\nContent-Length: 2\r\n\r\n{}".to_owned()),
        "return" => says("HTTP/1.1 200 OK\r\nX: a\rX-Evil: poison\r\nContent-Length: 2\r\n\r\n{}".to_owned()),
        "letters" => says(format!("HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{POISON}")),
        "lengths" => {
            says(format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 6\r\n\r\n{{}}{POISON}"))
        }
        "short" => Act::SaysLast(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec()),
        "nonsense" => Act::SaysLast(b"nonsense\r\n\r\n".to_vec()),
        _ => Act::Says(plain(&format!("\"{}\"", who(head)))),
    }
}

const MANNERS: [&str; 15] = [
    "both",
    "more",
    "twice",
    "head",
    "chunks",
    "unasked",
    "none",
    "unchanged",
    "flood",
    "feed",
    "return",
    "letters",
    "lengths",
    "short",
    "nonsense",
];

/// The identity that the gateway told.
fn who(head: &str) -> &str {
    let field = |line: &str| line.to_lowercase().starts_with("x-auth-user:");
    head.lines()
        .find(|line| field(line))
        .and_then(|line| line.split_once(": "))
        .map_or("nobody", |(_, who)| who)
}

async fn own(raw: &mut Raw, user: &str, token: &str, target: &str) -> Option<Answer> {
    let answer = raw.ask(request("GET", target, token)).await?;
    assert_eq!((answer.status, answer.text()), (200, format!("\"{user}\"")), "{answer:?}");
    Some(answer)
}

fn request(method: &str, target: &str, token: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn d23_an_upstream_that_misbehaves_spoils_nobody_elses_answer() {
    let actor = Actor::playing(play).await;
    let text = config_text(actor.address(), &format!("{ROUTES}\n[limits]\nrequest_time = \"5s\"\n"));
    let world = World::configured(Recorder::start().await, &text).await;
    let (alice, bob) = (world.mint.token("alice", ""), world.mint.token("bob", ""));
    for manner in MANNERS {
        for method in ["GET", "HEAD"] {
            let mut raw = Raw::connect(world.address()).await;
            let target = format!("/api/bad/{manner}");
            raw.send(request(method, &target, &alice)).await;
            // Hints may be passed on; the answer is what comes behind them.
            let mut answer = raw.answer_to(method).await;
            while answer.as_ref().is_some_and(|answer| matches!(answer.status, 100..=199)) {
                assert!(manner == "flood", "{manner}: {answer:?}");
                answer = raw.answer_to(method).await;
            }
            if let Some(answer) = &answer {
                assert!(matches!(answer.status, 200 | 204 | 304 | 502 | 504), "{manner}: {answer:?}");
                // A bare LF ends a line in an upstream's head; a bare CR does not.
                let ended = manner == "feed" && answer.status == 200;
                assert_eq!(answer.values("x-evil").len(), usize::from(ended), "{manner}: {answer:?}");
                if answer.status >= 500 && method == "GET" {
                    made_by_us(answer);
                }
                // Only what its length made its own; `head` and `flood` say so rightly.
                let poisoned = answer.text().contains("poison") && !matches!(manner, "head" | "flood");
                assert!(!poisoned, "{manner}: {answer:?}");
            }
            // The next request on the same connection, if it is still there, and others' on new ones.
            let _ = own(&mut raw, "alice", &alice, "/api/me").await;
            for _ in 0..3 {
                for (user, token) in [("bob", &bob), ("alice", &alice)] {
                    let mut raw = Raw::connect(world.address()).await;
                    assert!(own(&mut raw, user, token, "/api/me").await.is_some(), "after {manner}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d24_two_hundred_clients_of_fifty_users_get_their_own() {
    let echo = Recorder::answering(|seen| plain(&format!("\"{}\"", who(&seen.head)))).await;
    let world = World::around(echo, ROUTES).await;
    let users: Arc<Vec<_>> = Arc::new(
        (0..50).map(|user| (format!("user{user}"), world.mint.token(&format!("user{user}"), ""))).collect(),
    );
    let address = world.address();
    let clients: Vec<_> = (0..200)
        .map(|client| {
            let users = Arc::clone(&users);
            tokio::spawn(async move {
                let mut raw = Raw::connect(address).await;
                for turn in 0..10 {
                    // One connection is several users', too, as behind another proxy.
                    let (user, token) = &users[(client + turn * (client % 3)) % users.len()];
                    let answer = own(&mut raw, user, token, &format!("/api/{}", turn % 3)).await;
                    assert!(answer.is_some(), "the connection was closed");
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(world.recorder.hits(), 2_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn d25_nothing_is_kept_for_another_user() {
    let echo = Recorder::answering(|seen| {
        let body = format!("\"{}\"", who(&seen.head));
        format!(
            "HTTP/1.1 200 OK\r\nCache-Control: public, max-age=3600\r\nETag: \"same\"\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    });
    let world = World::around(echo.await, ROUTES).await;
    for round in 1..=3 {
        for user in ["alice", "bob"] {
            let mut raw = Raw::connect(world.address()).await;
            assert!(own(&mut raw, user, &world.mint.token(user, ""), "/api/same").await.is_some());
        }
        assert_eq!(world.recorder.hits(), 2 * round);
        assert_eq!(world.stranger().get("/api/same").await.status, 401);
    }
    assert_eq!(world.recorder.hits(), 6);
}
