//! Tokens as a forger would make them: any header, any claims, signed with whatever key.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepass::clock::Clock;
use gatepass::identity::{Claims, Scopes, Subject};
use gatepass::token::{Grant, Issuer, KeyRing, Settings};
use serde_json::{Value, json};

use super::SECRET;

/// Makes tokens for one world.
pub(crate) struct Mint {
    issuer: Issuer,
    kid: String,
}

impl Mint {
    pub(crate) fn new(settings: &Settings) -> Self {
        let keys = Arc::new(KeyRing::new(settings));
        let kid = keys.current().as_str().to_owned();
        Self { issuer: Issuer::new(settings, keys, Clock::system()), kid }
    }

    /// A good token of ours.
    pub(crate) fn token(&self, subject: &str, scopes: &str) -> String {
        self.issuer
            .issue(Grant {
                subject: Subject::parse(subject).unwrap(),
                preferred_username: None,
                email: None,
                scopes: Scopes::parse(scopes).unwrap(),
                login: None,
                client_id: "test".to_owned(),
                lifetime: None,
                claims: Claims::default(),
            })
            .token
    }

    /// The header of a good token.
    pub(crate) fn header(&self) -> Value {
        json!({ "alg": "HS256", "typ": "at+jwt", "kid": self.kid })
    }

    /// The claims of a good token.
    pub(crate) fn claims() -> Value {
        let now = now();
        json!({
            "iss": "https://gw.test", "aud": "planner", "sub": "alice", "iat": now, "exp": now + 600,
            "jti": gatepass::secret::random_id(), "client_id": "test", "scope": "event:read",
        })
    }

    /// `T(x=y)`: a good token but for these claims; `null` removes one.
    pub(crate) fn with(&self, changes: &Value) -> String {
        sign(&self.header(), &changed(Self::claims(), changes), SECRET.as_bytes())
    }

    /// The same for the header.
    pub(crate) fn with_header(&self, changes: &Value) -> String {
        sign(&changed(self.header(), changes), &Self::claims(), SECRET.as_bytes())
    }
}

/// `object` with the members of `changes` set, or removed where they are null.
pub(crate) fn changed(mut object: Value, changes: &Value) -> Value {
    let members = object.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    object
}

/// Signs with HMAC-SHA256.
pub(crate) fn sign(header: &Value, claims: &Value, key: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(header), part(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[expect(clippy::disallowed_methods, reason = "a forger has the system's clock")]
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
