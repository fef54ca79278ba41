//! Tokens with anything in them, signed by whomever; and whether they may be believed.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use super::rights::Brought;
use crate::properties::claims::{Rules, header_accepted};
use crate::world::SECRET;
use crate::world::tokens::{changed, now, sign};

/// A token, and what it is worth.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) brought: Brought,
}

/// The digest by which the gateway names the key.
static KID: LazyLock<String> = LazyLock::new(|| {
    let text = crate::world::config_text("127.0.0.1:1".parse().unwrap(), "");
    let dir = tempfile::tempdir().unwrap();
    let config = crate::world::load(dir.path(), &text);
    gatepass::token::KeyRing::new(&config.tokens).current().as_str().to_owned()
});

fn base(scope: Option<&str>) -> Value {
    let now = now();
    let id = now.to_string();
    let claims = json!({
        "iss": "https://gw.test", "aud": "planner", "sub": "alice", "iat": now, "exp": now + 3600, "jti": id,
    });
    scope.map_or(claims.clone(), |scope| changed(claims, &json!({ "scope": scope })))
}

fn header() -> Value {
    json!({ "alg": "HS256", "typ": "at+jwt", "kid": *KID })
}

type Changes = Vec<(&'static str, Option<Value>)>;

/// Tokens that are as they should be, mostly, and all others.
pub(super) fn token() -> impl Strategy<Value = Token> {
    let scopes =
        || select(&[None, Some("admin"), Some("event:write"), Some("event:read admin event:write")][..]);
    let changes = (vec((claim_name(), value()), 0..3), vec((header_name(), value()), 0..2));
    prop_oneof![
        8 => scopes().prop_map(|scope| ours(header(), base(scope))),
        4 => (scopes(), changes).prop_map(|(scope, (claims, head))| {
            ours(with(header(), head), with(base(scope), claims))
        }),
        1 => (any::<Index>(), 0..4_u8).prop_map(|(at, how)| mangled(at, how)),
        1 => select(vec!["another key of thirty-two bytes or more", "", "secret"])
            .prop_map(|key| rubbish(sign(&header(), &base(Some("admin")), key.as_bytes()))),
        1 => select(&["none", "None", "HS384", "RS256", ""][..]).prop_map(unsigned),
    ]
}

fn claim_name() -> impl Strategy<Value = &'static str> {
    let names = [
        "iss",
        "aud",
        "sub",
        "exp",
        "iat",
        "nbf",
        "jti",
        "sid",
        "email",
        "scope",
        "login_version",
        "x",
        "client_id",
    ];
    select(names.to_vec())
}

fn header_name() -> impl Strategy<Value = &'static str> {
    let names =
        ["alg", "typ", "kid", "crit", "b64", "zip", "enc", "cty", "jwk", "jku", "x5c", "x5u", "p2c", "X"];
    select(names.to_vec())
}

/// Anything that may stand in a member's place, or nothing.
fn value() -> impl Strategy<Value = Option<Value>> {
    let now = now();
    let texts = [
        "alice",
        "j\u{fc}rgen",
        "a,b",
        "100%",
        " x",
        "",
        "x\r\nX-Auth-User: evil",
        "x\u{0}",
        "a@b.test",
        "admin",
        "event:write",
        "at+jwt",
        "application/AT+JWT",
        "JWT",
        "HS256",
        "none",
        "HS512",
        "../../dev/null",
        "https://gw.test",
        "https://evil.test",
        "planner",
        "http://127.0.0.1:1/k",
        "\u{85}evil",
    ];
    let odd = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(1e300),
        json!(now - 600),
        json!(now + 600),
        json!(now + 100_000),
        json!(1_000_000_000_001_u64),
        json!({"kty": "oct", "k": "AA"}),
        json!(["x"]),
        json!([]),
        json!(["planner"]),
        json!(["planner", "other"]),
        json!("a".repeat(400)),
    ];
    prop_oneof![
        1 => Just(None),
        4 => select(texts.to_vec()).prop_map(|text| Some(json!(text))),
        4 => select(odd.to_vec()).prop_map(Some),
    ]
}

fn with(object: Value, changes: Changes) -> Value {
    let Value::Object(mut members) = object else { return object };
    for (name, value) in changes {
        match value {
            Some(value) => drop(members.insert(name.to_owned(), value)),
            None => drop(members.remove(name)),
        }
    }
    Value::Object(members)
}

/// Signed with our key.
fn ours(header: Value, claims: Value) -> Token {
    let text = sign(&header, &claims, SECRET.as_bytes());
    let (Value::Object(header), Value::Object(claims)) = (header, claims) else { return rubbish(text) };
    let rules = Rules { issuer: "https://gw.test", audience: "planner", now: now() };
    if !header_accepted(&header, &KID) || !rules.accept(&claims) || text.len() > 8192 {
        return rubbish(text);
    }
    let claim = |claims: &Map<String, Value>, name: &str| claims.get(name)?.as_str().map(str::to_owned);
    let subject = claim(&claims, "sub").unwrap_or_default();
    Token {
        text,
        brought: Brought::Token { subject, scope: claim(&claims, "scope"), email: claim(&claims, "email") },
    }
}

fn rubbish(text: String) -> Token {
    Token { text, brought: Brought::Rubbish }
}

/// A good token with a character changed, doubled or left out, or cut short.
fn mangled(at: Index, how: u8) -> Token {
    let good = ours(header(), base(Some("admin")));
    let at = at.index(good.text.len());
    let (before, behind) = good.text.split_at(at);
    let other = if behind.starts_with('A') { "B" } else { "A" };
    rubbish(match how {
        0 => format!("{before}{other}{}", &behind[1..]),
        1 => format!("{before}{}{behind}", &behind[..1]),
        2 => format!("{before}{}", &behind[1..]),
        _ => before.to_owned(),
    })
}

/// `alg` says that there is no signature, or another.
fn unsigned(algorithm: &'static str) -> Token {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = changed(header(), &json!({ "alg": algorithm }));
    let input = format!("{}.{}", part(&head), part(&base(Some("admin"))));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA384, SECRET.as_bytes()), input.as_bytes());
    rubbish(if algorithm == "HS384" {
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
    } else {
        format!("{input}.")
    })
}
