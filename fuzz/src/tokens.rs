//! Tokens: nothing passes that the rules do not let pass, whoever signed it.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepass::clock::{Clock, UnixTime};
use gatepass::secret::Secret;
use gatepass::token::{KeyRing, Minting, Settings, SubjectForm, Verifier};
use serde_json::{Map, Value};

use crate::claims::{Rules, header_accepted};

const SECRET: &str = "a secret that only this test knows, of some length";
const NOW: u64 = 1_800_000_000;
const HEADER: &[u8] = br#"{"alg":"HS256","typ":"at+jwt"}"#;
const RULES: Rules<'static> = Rules { issuer: "https://gateway.test", audience: "planner", now: NOW };

struct Desk {
    verifier: Verifier,
    kid: String,
    key: hmac::Key,
}

static DESK: LazyLock<Desk> = LazyLock::new(|| {
    let settings = Settings {
        issuer: RULES.issuer.into(),
        audience: RULES.audience.into(),
        lifetime: Duration::from_secs(1800),
        max_lifetime: Duration::from_secs(86_400),
        leeway: Duration::ZERO,
        secret: Secret::from(SECRET),
        previous: Vec::new(),
        subject: SubjectForm::Id,
        cache_bytes: 1 << 16,
        minting: Minting::default(),
        trusted: Vec::new(),
        claims: Vec::new(),
    };
    let keys = Arc::new(KeyRing::new(&settings));
    let kid = keys.current().as_str().to_owned();
    let clock = Clock::manual(UnixTime::from_secs(NOW)).0;
    let verifier = Verifier::new(&settings, keys, clock);
    Desk { verifier, kid, key: hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()) }
});

/// Any text: it passes only with our signature and by the rules, whether it was seen before or not.
pub fn token_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    judge(text);
    let _ = Verifier::inspect(text);
    let steps = DESK.verifier.explain(text);
    let passes = steps.iter().all(|(_, outcome)| outcome.is_ok());
    assert_eq!(passes, DESK.verifier.verify(text).is_ok(), "it is explained as it is decided");
}

/// Claims, rightly signed; with a header before them, if a line end is between the two.
pub fn token_claims(bytes: &[u8]) {
    let (header, claims) = match bytes.iter().position(|&byte| byte == b'\n') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (HEADER, bytes),
    };
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let tag = hmac::sign(&DESK.key, signed.as_bytes());
    judge(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag)));
}

fn judge(token: &str) {
    let Ok(verified) = DESK.verifier.verify(token) else { return };
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three parts") };
    let object = |part: &str| -> Map<String, Value> {
        let json = URL_SAFE_NO_PAD.decode(part).expect("base64url");
        serde_json::from_slice(&json).expect("an object")
    };
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let signed = format!("{header}.{claims}");
    assert!(hmac::verify(&DESK.key, signed.as_bytes(), &signature).is_ok(), "signed by us");
    assert!(header_accepted(&object(header), &DESK.kid), "its header asks for nothing foreign");
    let claims = object(claims);
    assert!(RULES.accept(&claims), "the rules do not let it pass");
    for name in ["sub", "email", "preferred_username"] {
        assert_eq!(verified.claim(name), claims.get(name).and_then(Value::as_str), "{name} is told as it is");
    }
}
