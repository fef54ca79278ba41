//! Signatures that are absent, of another algorithm, or of something else.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Doors, Mint, SECRET, passes, refused};
use crate::attacks::answers::{leaves_the_connection_in_order, made_by_us};
use crate::world::World;
use crate::world::raw::Raw;
use crate::world::tokens::{changed, now, sign};

#[tokio::test(flavor = "multi_thread")]
async fn a01_no_algorithm_is_no_signature() {
    let doors = Doors::open().await;
    passes(&doors, &doors.mint.with(&json!({})), "a good token").await;
    for alg in ["none", "None", "NONE", "nOnE"] {
        let token = doors.mint.with_header(&json!({"alg": alg}));
        let (input, _) = token.rsplit_once('.').unwrap();
        for text in [token.clone(), format!("{input}."), input.to_owned()] {
            refused(&doors, &text, alg).await;
        }
    }
}

/// Signed with that algorithm and our secret, whatever the header says.
fn signed_with(algorithm: hmac::Algorithm, header: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(header), part(&Mint::claims()));
    let tag = hmac::sign(&hmac::Key::new(algorithm, SECRET.as_bytes()), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_only_the_pinned_algorithm() {
    let doors = Doors::open().await;
    let header = |alg: Value| changed(doors.mint.header(), &json!({"alg": alg}));
    passes(&doors, &signed_with(hmac::HMAC_SHA256, &header(json!("HS256"))), "HS256").await;
    for (algorithm, alg) in [
        (hmac::HMAC_SHA384, json!("HS384")),
        (hmac::HMAC_SHA512, json!("HS512")),
        (hmac::HMAC_SHA512, json!("HS256")),
        (hmac::HMAC_SHA256, json!("HS384")),
        (hmac::HMAC_SHA256, json!("hs256")),
        (hmac::HMAC_SHA256, json!(["HS256"])),
        (hmac::HMAC_SHA256, json!("")),
        (hmac::HMAC_SHA256, json!(null)),
    ] {
        refused(&doors, &signed_with(algorithm, &header(alg.clone())), &alg.to_string()).await;
    }
    let mut null = doors.mint.header();
    null["alg"] = Value::Null;
    refused(&doors, &signed_with(hmac::HMAC_SHA256, &null), "null").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a31_another_payload_another_signature_and_every_flipped_bit() {
    let world = World::new().await;
    let (alice, admin) = (world.mint.token("alice", ""), world.mint.token("admin", "admin"));
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (one, other) = (parts(&alice), parts(&admin));
    for mixed in [[&one[0], &other[1], &one[2]], [&one[0], &one[1], &other[2]]] {
        let answer = world.stranger().bearing(&mixed.map(String::as_str).join(".")).get("/api/me").await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
    let head = b"GET /api/me HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer ";
    let mut raw = Raw::connect(world.address()).await;
    assert_eq!(raw.ask([head, alice.as_bytes(), b"\r\n\r\n"].concat()).await.unwrap().status, 200);
    for at in 0..alice.len() {
        for bit in [0, at % 7 + 1] {
            let mut token = alice.clone().into_bytes();
            token[at] ^= 1 << bit;
            let Some(answer) = raw.ask([head, &token[..], b"\r\n\r\n"].concat()).await else {
                panic!("no answer to bit {bit} of byte {at}")
            };
            assert!(matches!(answer.status, 400 | 401), "bit {bit} of byte {at}: {answer:?}");
            made_by_us(&answer);
            if answer.value("connection") == "close" {
                raw = Raw::connect(world.address()).await;
            }
        }
    }
    assert_eq!(world.recorder.hits(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a36_forgers_learn_nothing() {
    let world = World::new().await;
    let revoked = world.mint.token("alice", "");
    assert_eq!(world.stranger().post_form("/auth/revoke", &format!("token={revoked}")).await.status, 200);
    let forged = [
        world.mint.with_header(&json!({"kid": "unknown-kid"})),
        sign(&world.mint.header(), &Mint::claims(), b"some other secret, long enough to pass"),
        world.mint.with(&json!({"iss": "https://other"})),
        world.mint.with(&json!({"sub": 1})),
        "a.b.c".to_owned(),
    ];
    // These two were good once: the word for why they are not any more is no news to whoever holds them.
    let once_good = [revoked, world.mint.with(&json!({"exp": now() - 60, "iat": now() - 120}))];
    let mut worded = std::collections::BTreeSet::new();
    let mut shapes = std::collections::BTreeSet::new();
    for (forged, token) in
        forged.iter().map(|token| (true, token)).chain(once_good.iter().map(|t| (false, t)))
    {
        let mut raw = Raw::connect(world.address()).await;
        let request =
            format!("GET /api/me HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n\r\n");
        let answer = raw.ask(request).await.unwrap();
        super::is_401t(&answer);
        let mut body = answer.json();
        for told in ["alice", "unknown-kid", "https://other", "event:read", "planner\""] {
            assert!(!answer.text().contains(told), "{answer:?}");
        }
        let names: Vec<String> = body.as_object().unwrap().keys().cloned().collect();
        let fields: Vec<String> = answer.fields.iter().map(|(name, _)| name.clone()).collect();
        shapes.insert((names, fields));
        body["request_id"].take();
        if forged {
            worded.insert((body.to_string(), answer.value("www-authenticate").to_owned()));
        }
        leaves_the_connection_in_order(&mut raw, &answer).await;
    }
    assert_eq!((worded.len(), shapes.len()), (1, 1), "{worded:?} {shapes:?}");
}
