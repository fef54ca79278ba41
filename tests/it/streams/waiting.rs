//! How long a stream may be silent, and an answer be waited for; what an operator sees of an end.

use std::time::Duration;

use super::client::{Client, HANDSHAKE};
use super::upstream::Stage;
use super::{ROUTES, world};
use crate::world::binary::Binary;
use crate::world::people::Stranger;
use crate::world::redis::Redis;
use crate::world::tokens::Mint;
use crate::world::{SECRET, World, config_text, load};

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_may_be_silent_for_longer_than_an_answer_may_take_to_begin() {
    let stage = Stage::open().await;
    let world = world(&stage, "[limits]\nrequest_time = \"1s\"\nstream_idle = \"3s\"\n").await;
    let token = world.mint.token("alice", "");
    let mut open = Vec::new();
    for (target, fields) in [("/live/echo", HANDSHAKE), ("/plain/events", "Accept: text/event-stream\r\n")] {
        let mut client = Client::connect(world.address()).await;
        client.ask("GET", target, fields, &token).await;
        client.head().await;
        open.push((client, gatepass::clock::instant()));
    }
    // Neither a handshake nor an event stream is waited for any longer before it begins.
    for (target, fields) in [("/live/silent", HANDSHAKE), ("/plain/silent", "Accept: text/event-stream\r\n")]
    {
        let mut client = Client::connect(world.address()).await;
        client.ask("GET", target, fields, &token).await;
        let asked = gatepass::clock::instant();
        assert!(client.ends().await.is_empty(), "{target}");
        assert!(asked.elapsed() >= Duration::from_millis(900), "{target}: {:?}", asked.elapsed());
    }
    for (client, begun) in open {
        client.ends().await;
        assert!(begun.elapsed() >= Duration::from_millis(2900), "{:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_not_a_request_body() {
    let stage = Stage::open().await;
    let world = world(&stage, "[limits]\nbody = \"64B\"\n").await;
    let mut client = Client::connect(world.address()).await;
    client.ask("GET", "/live/echo", HANDSHAKE, &world.mint.token("alice", "")).await;
    client.head().await;
    for _ in 0..20 {
        client.is_alive().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_says_goodbye_to_a_websocket() {
    let stage = Stage::open().await;
    let world = world(&stage, "[limits]\ndrain_time = \"100ms\"\n").await;
    let mut client = Client::connect(world.address()).await;
    client.ask("GET", "/live/echo", HANDSHAKE, &world.mint.token("alice", "")).await;
    client.head().await;
    let World { gateway, .. } = world;
    gateway.shutdown().await;
    assert_eq!(client.ends().await, b"\x88\x0c\x03\xe9going away");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_news_of_revocations_streams_end_where_requests_do() {
    let stage = Stage::open().await;
    let mut redis = Redis::start();
    let mut open = Vec::new();
    for (on_stale, keeps) in [("refuse", false), ("serve_known", true)] {
        let text = config_text(stage.address(), ROUTES).replace(
            "[revocation]\nstore = \"sqlite:gatepass.db\"",
            &format!(
                "[revocation]\nstore = \"{}\"\nmax_staleness = \"1s\"\non_stale = \"{on_stale}\"",
                redis.url()
            ),
        );
        let world = World::configured(crate::world::recorder::Recorder::start().await, &text).await;
        let mut client = Client::connect(world.address()).await;
        client.ask("GET", "/live/echo", HANDSHAKE, &world.mint.token("alice", "")).await;
        assert!(client.head().await.starts_with("HTTP/1.1 101"));
        client.is_alive().await;
        open.push((keeps, client, world));
    }
    redis.stop();
    let mut kept = Vec::new();
    for (keeps, client, world) in open {
        if keeps {
            kept.push((client, world));
        } else {
            assert_eq!(client.ends().await, b"\x88\x11\x03\xf5try again later");
        }
    }
    for (client, _world) in &mut kept {
        client.is_alive().await;
    }
    assert_eq!(kept.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_log_says_why_and_never_the_token() {
    let stage = Stage::open().await;
    let dir = tempfile::tempdir().unwrap();
    let text = config_text(stage.address(), ROUTES).replace("access = false", "access = true");
    let mint = Mint::new(&load(dir.path(), &text).tokens);
    std::fs::write(dir.path().join("gatepass.secret"), SECRET).unwrap();
    let gateway = Binary::run(&dir.path().join("gateway.toml"));
    let token = mint.token("alice", "");
    let target = format!("/live/echo?access_token={token}&x=1");
    let mut client = Client::connect(gateway.public()).await;
    client.send(format!("GET {target} HTTP/1.1\r\nHost: gw.test\r\n{HANDSHAKE}\r\n")).await;
    assert!(client.head().await.starts_with("HTTP/1.1 101"));
    let mut offered = Client::connect(gateway.public()).await;
    let protocol = format!("Sec-WebSocket-Protocol: gatepass, gatepass.bearer.{token}\r\n");
    offered.send(format!("GET /live/chat HTTP/1.1\r\nHost: gw.test\r\n{HANDSHAKE}{protocol}\r\n")).await;
    assert!(offered.head().await.starts_with("HTTP/1.1 101"));
    let stranger = Stranger::at(gateway.public());
    assert_eq!(stranger.post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
    client.ends().await;
    offered.ends().await;
    gateway.signal(rustix::process::Signal::TERM);
    let (_, out, err) = tokio::task::spawn_blocking(move || gateway.wait()).await.unwrap();
    let ended: Vec<&str> = out.lines().filter(|line| line.contains("revoked_token")).collect();
    assert_eq!(ended.len(), 2, "{out}");
    for line in ended {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["status"], &line["subject"]), (&101.into(), &"alice".into()), "{line}");
    }
    let signature = token.rsplit('.').next().unwrap();
    assert!(!out.contains(signature) && !err.contains(signature), "{out}{err}");
    assert!(!out.contains("access_token"), "{out}");
}
