//! What does the gateway log of a request at its most talkative? Nothing that its sender would keep to himself.
//!
//! What all tests' gateways said is searched when all have run, by `tests/e2e/test_zz_secrets.py`.

use std::path::Path;

use rustix::process::Signal;

use crate::world::binary::Binary;
use crate::world::people::Stranger;
use crate::world::raw::Raw;
use crate::world::recorder::{Recorder, plain};
use crate::world::tokens::Mint;
use crate::world::{ROUTES, config_text, load};

/// A configuration that says all it can, before an upstream that keeps answering and one that nobody is at.
fn talkative(dir: &Path, upstream: std::net::SocketAddr) -> Mint {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let more = format!(
        "[upstreams.nobody]\nservers = [\"{nobody}\"]\n{ROUTES}\n[[route]]\npath = \"/live\"\nwebsocket = true\n\
         token_query = \"access_token\"\nupstream = \"planner\"\n[[route]]\npath = \"/gone/**\"\nupstream = \"nobody\"\n"
    );
    let text = config_text(upstream, "LOG")
        .replace("access = false\nLOG", &format!("access = true\nlevel = \"debug\"\n{more}"))
        .replace("[upstreams.planner]", "[routing]\nupstream = \"planner\"\n\n[upstreams.planner]");
    Mint::new(&load(dir, &text).tokens)
}

#[tokio::test(flavor = "multi_thread")]
async fn p25_at_the_most_talkative_level_no_credential_is_logged() {
    // The upstream talks nonsense, says nothing, or does as it should.
    let upstream = Recorder::answering(|request| match request.line() {
        line if line.contains("/garbage") => b"no HTTP at all\r\n\r\n".to_vec(),
        line if line.contains("/closed") => Vec::new(),
        _ => plain("{}"),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let mint = talkative(dir.path(), upstream.address());
    let gateway = Binary::run_with(&dir.path().join("gateway.toml"), &[("RUST_LOG", Path::new("trace"))]);
    let stranger = Stranger::at(gateway.public());
    let (password, token) = ("a password worth a secret", mint.token("alice", ""));
    let forged = mint.with(&serde_json::json!({ "exp": 1 }));
    assert_eq!(stranger.sign_up("ada@example.org", password).await.status, 200);
    let signed_in = stranger.sign_in("ada@example.org", password).await.0.json();
    let own = signed_in["access_token"].as_str().unwrap();
    assert_eq!(stranger.sign_in("ada@example.org", "a password mistyped").await.0.status, 400);
    assert_eq!(
        stranger.get(&format!("/token?username=ada&password={}", password.replace(' ', "+"))).await.status,
        405
    );

    let mut statuses = Vec::new();
    for target in ["/api/me", "/api/garbage", "/api/closed", "/gone/x", "/a//b", "/api/admin"] {
        for token in [&token, &forged, own] {
            let answer = stranger.clone().bearing(token).try_send("GET", target, None).await;
            statuses.push(answer.map_or(0, |answer| answer.status));
            let query = format!("{target}?access_token={token}");
            stranger.try_send("GET", &query, None).await;
        }
    }
    for status in [200, 400, 401, 403, 502] {
        assert!(statuses.contains(&status), "{status} in {statuses:?}");
    }
    for broken in [
        format!(
            "GET /live?access_token={token} HTTP/1.1\r\nHost: gw.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        ),
        format!(
            "GET /api/me HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\nAuthorization: Basic x\r\n\r\n"
        ),
        format!("GET /api/me HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\nno field\r\n\r\n"),
        format!("GET http://[ HTTP/9.9\r\nAuthorization: Bearer {token}\r\n\r\n"),
        format!("POST /auth/revoke HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 9999\r\n\r\ntoken={token}"),
    ] {
        let mut raw = Raw::connect(gateway.public()).await;
        raw.send(&broken).await;
        if !broken.starts_with("POST") {
            raw.answer().await;
        }
    }
    gateway.signal(Signal::TERM);
    let (status, log, own_log) = tokio::task::spawn_blocking(move || gateway.wait()).await.unwrap();
    assert!(status.success() && log.lines().count() > 40, "{log}");
    let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let credentials = [signature(&token), signature(&forged), signature(own), password.to_owned()];
    for secret in credentials.iter().map(String::as_str).chain([
        "mistyped",
        "access_token",
        "uthorization",
        "eyJ",
        "$2b$",
    ]) {
        assert!(!log.contains(secret) && !own_log.contains(secret), "{secret} in {log}\n{own_log}");
    }
}
