//! Guessing passwords: group E, sign-ins that fail, and many of them.

mod flood;
mod sources;
mod timing;

use std::net::IpAddr;

use crate::world::people::Stranger;
use crate::world::raw::{Answer, PATIENCE, Raw};
use crate::world::recorder::Recorder;
use crate::world::redis::Redis;
use crate::world::{ROUTES, World, config_text};

const PASSWORD: &str = "correct horse battery";

/// Locks that no slow machine sees the end of.
const STRICT: &str = "[throttle]\naccount_source = 3\naccount = 5\nfirst_delay = \"5m\"\n";

async fn with_ada() -> World {
    ada_in(World::new().await).await
}

/// A world with these sections, ada among its users.
async fn ada_with(more: &str) -> World {
    ada_in(World::with(&format!("{ROUTES}\n{more}")).await).await
}

async fn ada_in(world: World) -> World {
    assert_eq!(world.stranger().sign_up("ada@example.org", PASSWORD).await.status, 200);
    world
}

/// A gateway that counts in this Redis, with these sections.
async fn on(redis: &Redis, more: &str) -> World {
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), &format!("{ROUTES}\n{more}")).replace(
        "[revocation]\nstore = \"sqlite:gatepass.db\"",
        &format!("[revocation]\nstore = \"{}\"", redis.url()),
    );
    World::configured(recorder, &text).await
}

/// Tries a password from a loopback address of one's own, with these header lines.
async fn guess(world: &World, from: &str, fields: &[&str], login: &str, password: &str) -> Answer {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((from.parse::<IpAddr>().unwrap(), 0).into()).unwrap();
    let mut raw = Raw::over(socket.connect(world.address()).await.unwrap());
    let form = form(login, password);
    let fields: String = fields.iter().flat_map(|field| [*field, "\r\n"]).collect();
    let head = format!(
        "POST /token HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n{fields}\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        form.len()
    );
    raw.ask(head + &form).await.expect("an answer")
}

fn form(login: &str, password: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("username", login).append_pair("password", password).finish()
}

/// How many passwords have been looked at or hashed so far.
async fn hashes(world: &World) -> u64 {
    metric(world, "gatepass_password_hash_seconds_count ").await
}

async fn metric(world: &World, name: &str) -> u64 {
    let metrics = Stranger::at(world.gateway.admin()).get("/metrics").await.text();
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name}: {metrics}")).trim().parse().unwrap()
}

/// What a client sees of an answer, but for its request id.
fn seen(answer: &Answer) -> (u16, String) {
    let mut body = answer.json();
    body["request_id"].take();
    (answer.status, body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn e01_requests_are_answered_while_passwords_are_hashed() {
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), ROUTES).replace("cost = 10", "cost = 11\nthreads = 1");
    let world = ada_in(World::configured(recorder, &text).await).await;
    let logins: Vec<_> = (0..8)
        .map(|_| {
            let stranger = world.stranger();
            tokio::spawn(async move { stranger.sign_in("ada@example.org", "wrong password").await.0.status })
        })
        .collect();
    // However long the hashing takes (here on one thread, and one after the other), requests pass meanwhile.
    let who = world.signed_in("");
    for _ in 0..20 {
        assert_eq!(who.get("/api/me").await.status, 200);
    }
    assert!(!logins.iter().all(tokio::task::JoinHandle::is_finished), "none had to wait for the last login");
    for login in logins {
        assert!(matches!(login.await.unwrap(), 400 | 503));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e02_e04_e15_failures_look_alike() {
    let world = with_ada().await;
    let stranger = world.stranger();
    let mut answers = std::collections::BTreeSet::new();
    for (login, password) in [
        ("ada@example.org", "wrong password"),
        ("nobody@example.org", "wrong password"),
        (&"x".repeat(5000), "wrong"),
        ("ada@example.org", "\0"),
    ] {
        let (answer, token) = stranger.sign_in(login, password).await;
        assert!(token.is_none());
        assert_eq!((answer.value("cache-control"), answer.value("pragma")), ("no-store", "no-cache"));
        answers.insert(seen(&answer));
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    let (status, body) = answers.first().unwrap();
    assert!(*status == 400 && body.contains("\"invalid_grant\""), "{body}");
}

/// Refused, and told so in the one way there is.
fn assert_refused(answer: &Answer) {
    let wait: u64 = answer.value("retry-after").parse().unwrap_or_else(|_| panic!("{answer:?}"));
    assert!(answer.status == 429 && (1..=300).contains(&wait), "{answer:?}");
    assert_eq!((answer.value("cache-control"), answer.value("pragma")), ("no-store", "no-cache"));
    assert_eq!(answer.json()["error"], "slow_down");
}

#[tokio::test(flavor = "multi_thread")]
async fn e20_inside_a_lock_no_password_is_looked_at() {
    let world = ada_with(STRICT).await;
    let stranger = world.stranger();
    for login in ["ada@example.org", "ADA@example.org ", "ada@example.org"] {
        assert_eq!(stranger.sign_in(login, "wrong password").await.0.status, 400);
    }
    for _ in 0..3 {
        assert_eq!(stranger.sign_in("nobody@example.org", "wrong password").await.0.status, 400);
    }
    let before = hashes(&world).await;
    let mut answers = std::collections::BTreeSet::new();
    for (login, password) in [
        ("ada@example.org", "wrong password"),
        ("ada@example.org", PASSWORD),
        ("Ada@Example.org", PASSWORD),
        ("nobody@example.org", "wrong password"),
        ("nobody@example.org", PASSWORD),
    ] {
        let (answer, _) = stranger.sign_in(login, password).await;
        assert_refused(&answer);
        answers.insert(seen(&answer));
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(hashes(&world).await, before);
    assert_eq!(metric(&world, "gatepass_logins_total{result=\"rate_limited\"} ").await, 5);
    assert_eq!(world.signed_in("").get("/api/me").await.status, 200, "who is in already stays in");
}

#[tokio::test(flavor = "multi_thread")]
async fn e20_a_lock_ends_by_itself() {
    let world = ada_with("[throttle]\naccount_source = 1\nfirst_delay = \"1s\"\n").await;
    let stranger = world.stranger();
    assert_eq!(stranger.sign_in("ada@example.org", "wrong password").await.0.status, 400);
    let deadline = gatepass::clock::instant() + PATIENCE;
    while stranger.sign_in("ada@example.org", PASSWORD).await.1.is_none() {
        assert!(gatepass::clock::instant() < deadline, "locked for good");
    }
    assert_eq!(stranger.sign_in("ada@example.org", "wrong password").await.0.status, 400, "counted anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn e26_without_the_store_nobody_guesses() {
    let mut redis = Redis::start();
    let world = ada_in(on(&redis, STRICT).await).await;
    let stranger = world.stranger();
    assert_eq!(stranger.sign_in("ada@example.org", PASSWORD).await.0.status, 200);
    let before = hashes(&world).await;
    let refuse = async |why: &str| {
        for password in [PASSWORD, "wrong password"] {
            let (answer, _) = stranger.sign_in("ada@example.org", password).await;
            assert_eq!((answer.status, answer.value("retry-after")), (503, "5"), "{why}: {answer:?}");
            assert_eq!(answer.json()["error"], "temporarily_unavailable");
        }
        assert_eq!(hashes(&world).await, before, "{why}");
    };
    redis.pause();
    refuse("silent").await;
    redis.stop();
    refuse("gone").await;
    redis.restart();
    let deadline = gatepass::clock::instant() + PATIENCE;
    while stranger.sign_in("ada@example.org", PASSWORD).await.0.status != 200 {
        assert!(gatepass::clock::instant() < deadline, "nobody can sign in any more");
    }
}
