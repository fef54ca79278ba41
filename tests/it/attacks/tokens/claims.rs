//! Claims: required, typed, and of now.

use serde_json::json;

use super::{Doors, all_refused, is_401t, passes, refused, with_null};
use crate::attacks::wires::WIRES;
use crate::world::tokens::now;

#[tokio::test(flavor = "multi_thread")]
async fn a09_a12_audience_and_issuer_are_required_and_ours_alone() {
    let doors = Doors::open().await;
    let cases = [
        json!({"aud": null}),
        json!({"iss": null}),
        json!({"aud": 123}),
        json!({"aud": {}}),
        json!({"aud": [1]}),
        json!({"aud": []}),
        json!({"aud": "other"}),
        json!({"aud": "Planner"}),
        json!({"iss": 5}),
        json!({"iss": ["https://gw.test"]}),
        json!({"iss": "https://gw.test/"}),
        json!({"aud": ["other", "planner"]}),
        json!({"aud": ["planner", "other"]}),
        json!({"aud": ["planner", "planner"]}),
    ];
    all_refused(&doors, &cases).await;
    for claim in ["aud", "iss"] {
        refused(&doors, &with_null(&doors, claim), claim).await;
    }
    passes(&doors, &doors.mint.with(&json!({"aud": ["planner"]})), "a list of us alone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_a17_a19_times_are_held_to() {
    let doors = Doors::open().await;
    let cases = [
        json!({"exp": now() - 30}),
        json!({"exp": now() - 1}),
        json!({"exp": null}),
        json!({"exp": "soon"}),
        json!({"iat": now() + 3600}),
        json!({"iat": null}),
        json!({"nbf": now() + 900}),
        json!({"nbf": "now"}),
    ];
    all_refused(&doors, &cases).await;
    for claim in ["exp", "iat", "nbf"] {
        refused(&doors, &with_null(&doors, claim), claim).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a18_a20_a23_who_it_is_and_which_it_is() {
    let doors = Doors::open().await;
    let mut cases = vec![json!({"sub": null}), json!({"jti": null})];
    for sub in [
        json!(""),
        json!(" "),
        json!(1),
        json!(["alice"]),
        json!("x".repeat(5000)),
        json!("alice\r\nX-Auth-Scopes: admin"),
        json!("alice\u{0}"),
        json!("\u{85}x"),
        json!(" alice"),
        json!("alice\t"),
        json!("x".repeat(300)),
    ] {
        cases.push(json!({"sub": sub}));
    }
    for jti in [json!(""), json!(1), json!("x".repeat(4096)), json!("a\r\nb"), json!("*")] {
        cases.push(json!({"jti": jti}));
    }
    all_refused(&doors, &cases).await;
    for claim in ["sub", "jti"] {
        refused(&doors, &with_null(&doors, claim), claim).await;
    }
    // What is not plain ASCII has one documented encoding, and a comma cannot make two of one.
    for (sub, value) in [("al\u{ef}ce", "al%C3%AFce"), ("alice,admin", "alice%2Cadmin")] {
        let token = doors.mint.with(&json!({"sub": sub}));
        for wire in WIRES {
            assert_eq!(doors.get(wire, "/api/me", Some(&token)).await.status, 200);
            let seen = doors.recorder.last();
            assert_eq!(seen.folded("x-auth-user"), [value]);
            assert_eq!(seen.folded("x-auth-scopes"), ["event:read"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_a_bad_token_is_not_no_token() {
    let doors = Doors::open().await;
    let expired = doors.mint.with(&json!({"exp": now() - 60, "iat": now() - 120}));
    let foreign = doors.mint.with(&json!({"iss": "https://other"}));
    for token in ["garbage", &expired, &foreign] {
        for wire in WIRES {
            let hits = doors.recorder.hits();
            is_401t(&doors.get(wire, "/maybe/x", Some(token)).await);
            assert_eq!(doors.recorder.hits(), hits, "where a token is optional, this is none");
            let bearer = format!("Bearer {token}");
            let fields = [("authorization", bearer.as_bytes()), ("x-auth-user", b"admin".as_slice())];
            assert_eq!(doors.ask(wire, ("GET", "/public/x"), &fields, None).await.status, 200);
            let seen = doors.recorder.last();
            for name in ["x-auth-user", "x-auth-scopes", "x-auth-email", "authorization"] {
                assert!(seen.folded(name).is_empty(), "{}", seen.head);
            }
        }
    }
}
