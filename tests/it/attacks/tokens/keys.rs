//! Keys: what a token says of them is not believed, and each signs for itself.

use std::io::{ErrorKind, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Command;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Doors, Mint, SECRET, passes, refused};
use crate::world::binary::gatepass;
use crate::world::recorder::Recorder;
use crate::world::tokens::{changed, sign};
use crate::world::{ROUTES, World, config_text};

const ANOTHER: &[u8] = b"the attacker's own secret, long enough to sign with";

/// A token signed with an elliptic key, which its header brings along under `member`.
fn signed_with_its_own_key(doors: &Doors, member: &str, value: impl FnOnce(&[u8]) -> Value) -> String {
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.as_ref()).unwrap();
    let mut header = changed(doors.mint.header(), &json!({"alg": "ES256"}));
    header[member] = value(pair.public_key().as_ref());
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(&header), part(&Mint::claims()));
    let signature = pair.sign(&random, input.as_bytes()).unwrap();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_a_key_that_the_token_brings_is_not_used() {
    let doors = Doors::open().await;
    let oct = json!({"jwk": {"kty": "oct", "k": URL_SAFE_NO_PAD.encode(ANOTHER), "alg": "HS256"}});
    for changes in [oct.clone(), changed(oct, &json!({"kid": "mine"}))] {
        refused(&doors, &sign(&changed(doors.mint.header(), &changes), &Mint::claims(), ANOTHER), "oct")
            .await;
    }
    let jwk = |point: &[u8]| {
        let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "x": coordinate(&point[1..33]), "y": coordinate(&point[33..])})
    };
    refused(&doors, &signed_with_its_own_key(&doors, "jwk", jwk), "EC").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a05_keys_that_the_token_points_at_are_not_fetched() {
    let doors = Doors::open().await;
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let url = format!("http://{}/k", canary.local_addr().unwrap());
    for pointer in ["jku", "x5u"] {
        refused(&doors, &signed_with_its_own_key(&doors, pointer, |_| json!(url)), pointer).await;
        let header = changed(doors.mint.header(), &json!({pointer: url}));
        refused(&doors, &sign(&header, &Mint::claims(), ANOTHER), pointer).await;
    }
    let own = rcgen::generate_simple_self_signed(vec!["gw.test".to_owned()]).unwrap();
    let chain = json!([STANDARD.encode(own.cert.der())]);
    refused(&doors, &signed_with_its_own_key(&doors, "x5c", |_| chain), "x5c").await;
    assert_eq!(canary.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "the canary was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_a_key_identifier_is_looked_up_nowhere() {
    let doors = Doors::open().await;
    let folder = tempfile::tempdir().unwrap();
    // Whoever opened this would wait for somebody to write into it, and be seen waiting.
    let pipe = folder.path().join("key");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for kid in [
        json!("../../../../dev/null"),
        json!("' OR 1=1 --"),
        json!("kid\u{0}"),
        json!("x".repeat(5_000)),
        json!(["a"]),
        json!({"$ne": 1}),
        json!(pipe),
        json!(format!("../../../../../../../..{}", pipe.display())),
    ] {
        let header = changed(doors.mint.header(), &json!({"kid": kid}));
        refused(&doors, &sign(&header, &Mint::claims(), b""), &kid.to_string()).await;
    }
    // One of 10 kB does not even fit into a head over HTTP/1.1; over h2 it does.
    let header = changed(doors.mint.header(), &json!({"kid": "x".repeat(10_000)}));
    let long = sign(&header, &Mint::claims(), b"");
    for wire in super::WIRES {
        let answer = doors.get(wire, "/api/me", Some(&long)).await;
        assert!(matches!(answer.status, 401 | 431), "{answer:?}");
        super::super::answers::made_by_us(&answer);
    }
    assert_eq!(doors.recorder.hits(), 0);
    let nobody = std::fs::OpenOptions::new().write(true).custom_flags(0o4000).open(&pipe);
    assert_eq!(nobody.unwrap_err().raw_os_error(), Some(6), "no such reader");
}

/// The text of a configuration around a secret that is written thus; the folder is where its files are.
fn configured(secret: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let text = config_text("127.0.0.1:1".parse().unwrap(), ROUTES)
        .replace("secret = { file = \"gatepass.secret\" }", &format!("secret = {secret}"));
    std::fs::write(dir.path().join("gateway.toml"), &text).unwrap();
    (dir, text)
}

#[test]
fn a07_a_secret_that_can_be_guessed_or_is_not_there_is_no_start() {
    let weak = "0123456789abcdef0123456789abcde";
    for (what, secret, content) in [
        ("empty", "{ file = \"own.secret\" }", Some("")),
        ("short", "{ file = \"own.secret\" }", Some("secret-word")),
        ("31 bytes", "{ file = \"own.secret\" }", Some(weak)),
        ("absent", "{ file = \"own.secret\" }", None),
        ("a folder", "{ file = \"/\" }", None),
        ("unset", "{ env = \"GATEPASS_TEST_THAT_NOBODY_SETS\" }", None),
    ] {
        let (dir, _) = configured(secret);
        if let Some(content) = content {
            let mut file = std::fs::File::create(dir.path().join("own.secret")).unwrap();
            file.write_all(content.as_bytes()).unwrap();
        }
        let ran = gatepass().args(["run", "--config"]).arg(dir.path().join("gateway.toml")).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(!ran.status.success(), "{what}: it ran");
        assert!(said.contains("tokens.secret") && said.contains("help:"), "{what}: {said}");
        assert!(
            !content.is_some_and(|content| !content.is_empty() && said.contains(content)),
            "{what}: {said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a08_every_key_signs_for_itself_and_an_old_one_ends() {
    const NEW: &str = "a newer secret, which is as long as it has to be";
    let files = tempfile::tempdir().unwrap();
    for (name, secret) in [("old", SECRET), ("new", NEW)] {
        std::fs::write(files.path().join(name), secret).unwrap();
    }
    let file = |name: &str| format!("{{ file = \"{}\" }}", files.path().join(name).display());
    let rotated = |previous: &str| {
        let secret = format!("secret = {}\nprevious = [{previous}]", file("new"));
        move |text: String| {
            format!("{}\n{ROUTES}", text.replace("secret = { file = \"gatepass.secret\" }", &secret))
        }
    };
    let before = Doors::open().await;
    let during = Doors::around(Recorder::start().await, rotated(&file("old"))).await;
    let after = Doors::around(Recorder::start().await, rotated("")).await;
    let header = |world: &World| world.mint.header();
    let (old, new) = (header(&before), header(&during));
    assert_ne!(old["kid"], new["kid"]);
    let token = |header: &Value, key: &str| sign(header, &Mint::claims(), key.as_bytes());
    for (good, what) in [(token(&old, SECRET), "the old key's"), (token(&new, NEW), "the new key's")] {
        passes(&during, &good, what).await;
    }
    for (bad, what) in [
        (token(&old, NEW), "signed with the new key, said to be of the old"),
        (token(&new, SECRET), "the other way round"),
        (token(&changed(new.clone(), &json!({"kid": "unknown"})), NEW), "unknown"),
        (token(&changed(new.clone(), &json!({"kid": null})), NEW), "not said"),
    ] {
        refused(&during, &bad, what).await;
    }
    refused(&after, &token(&old, SECRET), "of the key that was removed").await;
    passes(&after, &token(&new, NEW), "of the key that was kept").await;
}
