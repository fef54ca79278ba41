//! Tokens and stores: the signature comes first, and a user who is gone takes their tokens along.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use gatepass::identity::Digest;
use serde_json::json;

use super::{Mint, is_401t};
use crate::world::binary::gatepass;
use crate::world::raw::{PATIENCE, Raw};
use crate::world::recorder::Recorder;
use crate::world::redis::Redis;
use crate::world::tokens::{changed, sign};
use crate::world::{ROUTES, World, config_text};

/// What a Redis is told from now on, until `last` is asked for.
struct Monitor {
    lines: std::io::Lines<BufReader<TcpStream>>,
}

impl Monitor {
    fn of(redis: &Redis) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", redis.port())).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"MONITOR\r\n").unwrap();
        let mut lines = BufReader::new(stream).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "+OK");
        Self { lines }
    }

    fn seen(self, redis: &Redis) -> Vec<String> {
        assert_eq!(redis.ask("ECHO the-last")[1], "the-last");
        self.lines.map(Result::unwrap).take_while(|line| !line.contains("the-last")).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a34_no_store_is_asked_before_the_signature_fits() {
    let redis = Redis::start();
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), ROUTES).replace(
        "[revocation]\nstore = \"sqlite:gatepass.db\"",
        // Even where the log itself is asked for every good token.
        &format!("[revocation]\nstore = \"{}\"\ncheck = \"every_request\"", redis.url()),
    );
    let world = World::configured(recorder, &text).await;
    let ask = |token: &str| {
        format!("GET /api/me HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n\r\n")
    };
    let digest = |jti: &str| {
        let jti = gatepass::identity::TokenId::parse(jti).unwrap();
        Digest::of_token("https://gw.test", &jti).to_hex()
    };
    let mut raw = Raw::connect(world.address()).await;
    // That a token is looked for there shows in what the server is told.
    let monitor = Monitor::of(&redis);
    let good = Mint::claims();
    let token = sign(&world.mint.header(), &good, crate::world::SECRET.as_bytes());
    assert_eq!(raw.ask(ask(&token)).await.unwrap().status, 200);
    let told = monitor.seen(&redis).join("\n");
    assert!(told.contains(&digest(good["jti"].as_str().unwrap())), "{told}");

    let monitor = Monitor::of(&redis);
    let mut digests = Vec::new();
    for turn in 0..1000 {
        let jti = format!("jti-of-{turn}");
        let claims = changed(Mint::claims(), &json!({"jti": jti}));
        let answer = raw.ask(ask(&sign(&world.mint.header(), &claims, b"another key"))).await.unwrap();
        assert_eq!(answer.status, 401);
        digests.extend([digest(&jti), jti]);
    }
    let told = monitor.seen(&redis);
    // The log is followed all the while: some commands belong to no request.
    assert!(told.len() < 300, "{} commands for a thousand refusals", told.len());
    let told = told.join("\n");
    assert!(!digests.iter().any(|digest| told.contains(digest)), "{told}");
    assert_eq!(world.recorder.hits(), 1);
}

/// Runs `gatepass user …` beside the running gateway.
async fn user(world: &World, command: &'static str, login: &'static str) {
    let file = world.dir.path().join("gateway.toml");
    let ran = tokio::task::spawn_blocking(move || {
        gatepass().args(["user", command, login, "--config"]).arg(file).output().unwrap()
    });
    let ran = ran.await.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a35a_the_tokens_of_a_user_who_is_gone_are_refused_at_once() {
    let world = World::new().await;
    let password = "correct horse battery";
    for (command, login) in [("disable", "ada@example.org"), ("delete", "bob@example.org")] {
        assert_eq!(world.stranger().sign_up(login, password).await.status, 200);
        let who = world.stranger().sign_in(login, password).await.1.unwrap();
        assert_eq!(who.get("/api/me").await.status, 200);
        user(&world, command, login).await;
        let hits = world.recorder.hits();
        is_401t(&who.get("/api/me").await);
        assert_eq!(world.recorder.hits(), hits);
        let (answer, token) = world.stranger().sign_in(login, password).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("invalid_grant")));
        assert!(token.is_none());
    }
}
