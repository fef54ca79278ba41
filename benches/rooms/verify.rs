//! What does it cost to verify a token: one seen before, a new one, a bad one?
//!
//! Every row says whose work it is. `verify` alone is all of ours: from the text to a value that says what the token says.
//! "library alone" is `jsonwebtoken` checking the same signature, and nothing else; "aws-lc alone" the one computation
//! in it, with the key at hand. ES256, RS256 and `EdDSA` are the library's alone: there are no such keys here yet.
//!
//! A refused token must cost no more than an accepted one of its length. So bad ones stand beside good ones of the same length:
//! the short beside the short, those of nearly 8 KiB beside one of nearly 8 KiB.

use std::hint::black_box;
use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::Criterion;
use gatepass::clock::Clock;
use gatepass::identity::{Claims, LoginId, Scopes, Subject};
use gatepass::token::{Grant, Issuer, KeyRing, Settings, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};

/// Nearly the longest token that is looked at.
const LONG: usize = 8_000;

/// Measures our whole verification, and the libraries' part of it.
pub(crate) fn run(criterion: &mut Criterion) {
    let mut settings = super::settings();
    let keys = Arc::new(KeyRing::new(&settings));
    let issuer = Issuer::new(&settings, Arc::clone(&keys), Clock::system());
    let grant = grant();
    let token = issuer.issue(grant.clone()).token;
    let remembering = Verifier::new(&settings, Arc::clone(&keys), Clock::system());
    settings.cache_bytes = 0;
    let forgetful = Verifier::new(&settings, keys, Clock::system());

    let mut group = criterion.benchmark_group("verify");
    group.bench_function("issue", |bencher| bencher.iter(|| issuer.issue(black_box(grant.clone()))));
    group.bench_function("cached hit", |bencher| bencher.iter(|| remembering.verify(black_box(&token))));
    for (name, good, token) in tokens(&settings, &token) {
        assert_eq!(forgetful.verify(&token).is_ok(), good, "{name}");
        let word = if good { "accepted" } else { "refused" };
        group.bench_function(format!("hs256 uncached {word}: {name}"), |bencher| {
            bencher.iter(|| forgetful.verify(black_box(&token)).is_ok());
        });
    }
    group.finish();
    libraries(criterion, &settings, &token);
}

fn grant() -> Grant {
    Grant {
        subject: Subject::parse("0192f0c1-7000-7000-8000-000000000001").expect("a subject"),
        preferred_username: Some("ada@example.org".into()),
        email: Some("ada@example.org".into()),
        scopes: Scopes::parse("event:read event:write").expect("scopes"),
        login: Some((LoginId::new(), 1)),
        client_id: "planner".into(),
        lifetime: None,
        claims: Claims::default(),
    }
}

/// Tokens by name: whether they are good, and their text.
fn tokens(settings: &Settings, token: &str) -> Vec<(&'static str, bool, String)> {
    let (header, claims) = Verifier::inspect(token).expect("a token of ours");
    let sign = |header: &Value, claims: &Value| {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        signed(settings, &format!("{}.{}", part(header), part(claims)))
    };
    let head = |name: &str, value: Value| sign(&with(&header, name, value), &claims);
    let says = |name: &str, value: Value| sign(&header, &with(&claims, name, value));
    let long = says("padding", filling(LONG - token.len()));
    let members = (0..400).map(|number| (format!("member{number}"), json!(0)));
    let crowd: Value = members.chain(claims.as_object().expect("an object").clone()).collect();
    let crowd = sign(&header, &crowd);
    vec![
        ("ours", true, token.into()),
        ("8 KB", true, long.clone()),
        ("400 claims", true, crowd.clone()),
        ("bad signature", false, spoilt(token)),
        ("wrong issuer", false, says("iss", json!("http://localhost:8081"))),
        ("wrong audience", false, says("aud", json!("painter"))),
        ("no subject", false, says("sub", json!(""))),
        ("expired", false, says("exp", json!(1_000_000_000))),
        ("alg HS384", false, head("alg", json!("HS384"))),
        ("alg none", false, head("alg", json!("none"))),
        ("no such key", false, head("kid", json!("0123456789abcdef"))),
        ("crit", false, head("crit", json!(["exp"]))),
        ("garbage of the same length", false, "x".repeat(token.len())),
        ("garbage in three parts", false, format!("{0}.{0}.{0}", "x".repeat(token.len() / 3))),
        ("8 KB, bad signature", false, spoilt(&long)),
        ("400 claims, bad signature", false, spoilt(&crowd)),
        ("8 KB of header, bad signature", false, spoilt(&head("padding", filling(LONG - token.len())))),
        ("1000 members in the header", false, head("padding", (0..1000).collect())),
        ("deeply nested header", false, nested(settings, &claims)),
        ("8 KB of dots", false, ".".repeat(LONG)),
        ("too long", false, "x".repeat(100_000)),
    ]
}

fn filling(length: usize) -> Value {
    // Base64url makes four of three.
    "x".repeat(length * 3 / 4).into()
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[name] = value;
    object
}

fn signed(settings: &Settings, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, settings.secret.expose());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes())))
}

/// The same with another signature.
fn spoilt(token: &str) -> String {
    let (signed, _) = token.rsplit_once('.').expect("three parts");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode([7; 32]))
}

fn nested(settings: &Settings, claims: &Value) -> String {
    let header = format!(r#"{{"alg":"HS256","x":{}{}}}"#, "[".repeat(2000), "]".repeat(2000));
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    signed(settings, &format!("{}.{}", part(header), part(claims.to_string())))
}

/// What checking a signature costs the libraries, of a message as long as our own tokens are.
fn libraries(criterion: &mut Criterion, settings: &Settings, token: &str) {
    let (message, signature) = token.rsplit_once('.').expect("three parts");
    let message = message.as_bytes();
    let mut group = criterion.benchmark_group("verify");
    let mac = URL_SAFE_NO_PAD.decode(signature).expect("a signature");
    let key = hmac::Key::new(hmac::HMAC_SHA256, settings.secret.expose());
    group.bench_function("hs256 aws-lc alone", |bencher| {
        bencher.iter(|| hmac::verify(&key, black_box(message), &mac));
    });
    let random = SystemRandom::new();
    let elliptic = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let edwards = Ed25519KeyPair::generate().expect("a key");
    let mut rsa_signature = vec![0; rsa.public_modulus_len()];
    rsa.sign(&RSA_PKCS1_SHA256, &random, message, &mut rsa_signature).expect("a signature");
    let rsa_key = rsa.public_key().as_ref();
    let point = elliptic.public_key().as_ref();
    let by_elliptic = elliptic.sign(&random, message).expect("a signature");
    for (name, algorithm, key, signature) in [
        ("hs256", Algorithm::HS256, DecodingKey::from_secret(settings.secret.expose()), &*mac),
        ("es256", Algorithm::ES256, DecodingKey::from_ec_der(point), by_elliptic.as_ref()),
        ("rs256 (2048)", Algorithm::RS256, DecodingKey::from_rsa_der(rsa_key), &*rsa_signature),
        (
            "eddsa",
            Algorithm::EdDSA,
            DecodingKey::from_ed_der(edwards.public_key().as_ref()),
            edwards.sign(message).as_ref(),
        ),
    ] {
        let good = URL_SAFE_NO_PAD.encode(signature);
        let mut bad = signature.to_vec();
        bad[7] ^= 1;
        let bad = URL_SAFE_NO_PAD.encode(bad);
        for (word, signature, fits) in [("", good, true), (", bad signature", bad, false)] {
            let check = |signature: &str| {
                jsonwebtoken::crypto::verify(signature, message, &key, algorithm).unwrap_or_default()
            };
            assert_eq!(check(&signature), fits, "{name}{word}");
            group.bench_function(format!("{name} library alone{word}"), |bencher| {
                bencher.iter(|| check(black_box(&signature)));
            });
        }
    }
    group.finish();
}
