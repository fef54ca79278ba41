//! What is written down: each event once, and no secret.

use gatepass::identity::TokenId;
use serde_json::Value;

use crate::attacks::ada::{LOGIN, PASSWORD};
use crate::attacks::logged::{Logged, Logs};
use crate::world::SECRET;
use crate::world::redis::Redis;
use crate::world::tokens::{Mint, sign};

/// Everything that carries a secret, once; the secrets that went by.
async fn everything(world: &Logged) -> Vec<String> {
    let stranger = world.stranger();
    assert_eq!(stranger.sign_up(LOGIN, PASSWORD).await.status, 200);
    let (answer, who) = stranger.sign_in(LOGIN, PASSWORD).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let who = who.unwrap();
    // A password typed where a name belongs, and a wrong one.
    assert_eq!(stranger.sign_in("typed-by-mistake", "wrong-password").await.0.status, 400);
    assert_eq!(stranger.sign_in(LOGIN, "wrong-password").await.0.status, 400);
    assert_eq!(stranger.sign_up(LOGIN, PASSWORD).await.status, 409);
    let basic = stranger.clone().saying("Authorization: Basic c2VjcmV0OmJhc2lj");
    for target in ["/api/me", "/auth/userinfo", "/auth/sessions", "/public/x", "/event/1", "/api/admin"] {
        assert!(who.get(target).await.status < 500);
        assert!(basic.get(target).await.status < 500);
    }
    let forged = sign(&world.mint.header(), &Mint::claims(), b"a key of somebody else, long enough");
    assert_eq!(stranger.clone().bearing(&forged).get("/api/me").await.status, 401);
    assert_eq!(stranger.post_form("/auth/revoke", &format!("token={forged}")).await.status, 200);
    let other = world.mint.token("bob", "");
    assert_eq!(stranger.post_form("/auth/revoke", &format!("token={other}")).await.status, 200);
    assert_eq!(stranger.clone().bearing(&other).get("/api/me").await.status, 401);
    assert_eq!(who.get(&format!("/api/me?access_token={token}&password=in-the-query")).await.status, 200);
    assert_eq!(who.get(&format!("/public/../{token}?x=in-the-query")).await.status, 400);
    assert_eq!(who.send("POST", "/auth/logout", None).await.status, 204);
    assert_eq!(who.get("/api/me").await.status, 401);
    let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let mut secrets = vec![signature(&forged), signature(&other), SECRET.to_owned()];
    for secret in [
        PASSWORD,
        "correct+horse",
        "typed-by-mistake",
        "wrong-password",
        "in-the-query",
        "c2VjcmV0OmJhc2lj",
        "$2b$",
        "uthorization",
        "Bearer",
    ] {
        secrets.push(secret.to_owned());
    }
    secrets
}

#[tokio::test(flavor = "multi_thread")]
async fn e27_no_secret_in_any_log() {
    for level in ["debug", "info"] {
        let world = Logged::at(level).await;
        let secrets = everything(&world).await;
        let logs = world.end();
        assert!(logs.requests().len() > 20 && logs.own.contains("sign-in"), "{}", logs.own);
        logs.hold_nothing_of(&secrets.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

/// The lines of the access log about this path.
fn about(logs: &Logs, path: &str) -> Vec<Value> {
    logs.requests().into_iter().filter(|line| line["path"] == path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn h19a_one_event_each_with_who_and_whence() {
    let mut redis = Redis::start();
    let url = redis.url();
    let world = Logged::with("debug", |text| {
        text.replace(
            "[revocation]\nstore = \"sqlite:gatepass.db\"",
            &format!("[revocation]\nstore = \"{url}\"\nmax_staleness = \"1s\""),
        )
    })
    .await;
    let stranger = world.stranger();
    assert_eq!(stranger.sign_up(LOGIN, PASSWORD).await.status, 200);
    let (answer, who) = stranger.sign_in(LOGIN, PASSWORD).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let claims = gatepass::token::Verifier::inspect(&token).unwrap().1;
    let sub = claims["sub"].as_str().unwrap();
    assert!(TokenId::parse(claims["jti"].as_str().unwrap()).is_ok());
    assert_eq!(stranger.sign_in(LOGIN, "wrong-password").await.0.status, 400);
    assert_eq!(stranger.post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
    assert_eq!(who.unwrap().get("/api/revoked").await.status, 401);
    let who = stranger.clone().bearing(&world.mint.token("bob", ""));
    redis.stop();
    let deadline = gatepass::clock::instant() + crate::world::raw::PATIENCE;
    while who.get("/api/until").await.status != 503 {
        assert!(gatepass::clock::instant() < deadline, "never stale");
    }
    assert_eq!(who.get("/api/stale").await.status, 503);
    let logs = world.end();
    for line in logs.requests() {
        assert_eq!(line["client"], "127.0.0.1", "{line}");
        assert_eq!(line["request_id"].as_str().map(str::len), Some(24), "{line}");
    }
    let [in_, wrong] = &about(&logs, "/token")[..] else { panic!("{}", logs.access) };
    assert_eq!((in_["status"].as_u64(), in_["subject"].as_str()), (Some(200), Some(sub)));
    // Never the name that was typed: people type passwords there.
    assert_eq!((wrong["status"].as_u64(), &wrong["subject"]), (Some(400), &Value::Null));
    let [revoked] = &about(&logs, "/auth/revoke")[..] else { panic!("{}", logs.access) };
    assert_eq!((revoked["status"].as_u64(), revoked["subject"].as_str()), (Some(200), Some(sub)));
    let [refused] = &about(&logs, "/api/revoked")[..] else { panic!("{}", logs.access) };
    assert_eq!((refused["reason"].as_str(), refused["subject"].as_str()), (Some("revoked_token"), Some(sub)));
    let [stale] = &about(&logs, "/api/stale")[..] else { panic!("{}", logs.access) };
    assert_eq!(
        (stale["reason"].as_str(), stale["subject"].as_str()),
        (Some("revocation_stale"), Some("bob"))
    );
    // Its own log has each sign-in and each revocation once, too.
    let lines = |what: &str| logs.own.lines().filter(|line| line.contains(what)).count();
    assert_eq!((lines("sign-in"), lines("revocation revoked=true")), (2, 1), "{}", logs.own);
    // And whose name was given to the one that failed.
    let named = format!("user={sub}");
    assert!(
        logs.own.lines().any(|line| line.contains("invalid_grant") && line.contains(&named)),
        "{}",
        logs.own
    );
    logs.hold_nothing_of(&[PASSWORD, "wrong-password", token.rsplit('.').next().unwrap()]);
}

#[test]
fn e28_identifiers_that_nobody_guesses() {
    const TOKENS: u32 = 10_000;
    let settings = {
        let dir = tempfile::tempdir().unwrap();
        let text = crate::world::config_text("127.0.0.1:1".parse().unwrap(), crate::world::ROUTES);
        crate::world::load(dir.path(), &text).tokens
    };
    let mint = Mint::new(&settings);
    let mut seen = std::collections::HashSet::new();
    // How often each bit of each identifier is one.
    let mut ones = Vec::<u32>::new();
    for _ in 0..TOKENS {
        let token = mint.token("alice", "");
        let claims = gatepass::token::Verifier::inspect(&token).unwrap().1;
        let jti = claims["jti"].as_str().unwrap().to_owned();
        let bytes = {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&jti).unwrap()
        };
        ones.resize(bytes.len() * 8, 0);
        for (at, count) in ones.iter_mut().enumerate() {
            *count += u32::from(bytes[at / 8] >> (at % 8) & 1);
        }
        assert!(seen.insert(jti), "the same identifier twice");
    }
    // Ten standard deviations: a bit that is drawn is never so far off.
    let drawn = ones.iter().filter(|&&count| count.abs_diff(TOKENS / 2) < 500).count();
    assert!(drawn >= 128, "{drawn} random bits of {}", ones.len());
}
