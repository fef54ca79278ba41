//! Tokens that must not pass: group A.

use serde_json::{Value, json};

use crate::world::World;
use crate::world::tokens::{Mint, changed, now, sign};

/// A token failure that tells a forger nothing: 401, one challenge, `invalid_token`, and the upstream not asked.
async fn refused(world: &World, token: &str, what: &str) {
    let hits = world.recorder.hits();
    let answer = world.stranger().bearing(token).get("/api/me").await;
    assert_eq!(answer.status, 401, "{what}: {}", answer.text());
    let challenges = answer.values("www-authenticate");
    assert_eq!(challenges.len(), 1, "{what}");
    assert!(
        challenges[0].starts_with("Bearer realm=\"") && challenges[0].contains("error=\"invalid_token\""),
        "{what}: {challenges:?}"
    );
    assert_eq!(world.recorder.hits(), hits, "{what} reached the upstream");
}

async fn all_refused(world: &World, claims: &[Value]) {
    for changes in claims {
        refused(world, &world.mint.with(changes), &changes.to_string()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_no_algorithm_is_no_signature() {
    let world = World::new().await;
    for alg in ["none", "None", "NONE", "nOnE"] {
        let token = world.mint.with_header(&json!({"alg": alg}));
        let (input, _) = token.rsplit_once('.').unwrap();
        for text in [token.clone(), format!("{input}."), input.to_owned()] {
            refused(&world, &text, alg).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_a06_only_the_pinned_algorithm_and_known_keys() {
    let world = World::new().await;
    for alg in [json!("HS384"), json!("hs256"), json!(["HS256"]), json!(""), json!(null)] {
        refused(&world, &world.mint.with_header(&json!({"alg": alg})), "alg").await;
    }
    for kid in [
        json!("../../../../dev/null"),
        json!("' OR 1=1 --"),
        json!("kid\u{0}"),
        json!("x".repeat(10_000)),
        json!(["a"]),
        json!({"$ne": 1}),
    ] {
        let header = changed(world.mint.header(), &json!({"kid": kid}));
        refused(&world, &sign(&header, &Mint::claims(), b""), "kid").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_audience_and_issuer_are_required_and_typed() {
    let world = World::new().await;
    let cases = [
        json!({"aud": null}),
        json!({"iss": null}),
        json!({"aud": 123}),
        json!({"aud": {}}),
        json!({"aud": [1]}),
        json!({"aud": []}),
        json!({"aud": "other"}),
        json!({"iss": 5}),
        json!({"iss": ["https://gw.test"]}),
        json!({"aud": ["other", "planner"]}),
    ];
    all_refused(&world, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_a17_a19_times_are_held_to() {
    let world = World::new().await;
    let cases = [
        json!({"exp": now() - 30}),
        json!({"exp": null}),
        json!({"exp": "soon"}),
        json!({"iat": now() + 3600}),
        json!({"iat": null}),
        json!({"nbf": now() + 900}),
    ];
    all_refused(&world, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a18_a20_a23_who_it_is_and_which_it_is() {
    let world = World::new().await;
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
    all_refused(&world, &cases).await;
    // What is not plain ASCII has one documented encoding, and a comma cannot make two of one.
    for (sub, value) in [("al\u{ef}ce", "al%C3%AFce"), ("alice,admin", "alice%2Cadmin")] {
        let token = world.mint.with(&json!({"sub": sub}));
        assert_eq!(world.stranger().bearing(&token).get("/api/me").await.status, 200);
        assert_eq!(world.recorder.last().folded("x-auth-user"), [value]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a26_a27_a28_only_an_access_token_without_conditions() {
    let world = World::new().await;
    let headers = [
        json!({"crit": ["x"], "x": 1}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"crit": []}),
        json!({"crit": ["exp"]}),
        json!({"crit": "x"}),
        json!({"typ": null}),
        json!({"typ": "JWT"}),
        json!({"typ": "secevent+jwt"}),
        json!({"typ": "logout+jwt"}),
        json!({"typ": "dpop+jwt"}),
        json!({"typ": 5}),
        json!({"zip": "DEF"}),
    ];
    for changes in headers {
        refused(&world, &world.mint.with_header(&changes), &changes.to_string()).await;
    }
    refused(&world, "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA", "JWE").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_a_bad_token_is_not_no_token() {
    let world = World::new().await;
    let expired = world.mint.with(&json!({"exp": now() - 60, "iat": now() - 120}));
    for token in ["garbage", expired.as_str()] {
        let who = world.stranger().bearing(token);
        assert_eq!(who.get("/maybe/x").await.status, 401);
        assert_eq!(world.recorder.hits(), 0);
    }
    let who = world.stranger().bearing("garbage").saying("X-Auth-User: admin");
    assert_eq!(who.get("/public/x").await.status, 200);
    assert!(world.recorder.last().folded("x-auth-user").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a32_a_revocation_is_not_fooled_by_spelling() {
    let world = World::new().await;
    let token = world.mint.token("alice", "");
    let stranger = world.stranger();
    assert_eq!(stranger.clone().bearing(&token).get("/api/me").await.status, 200);
    assert_eq!(stranger.post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
    for spelling in ["bearer ", "Bearer  ", "BEARER "] {
        let answer =
            stranger.clone().saying(&format!("Authorization: {spelling}{token}")).get("/api/me").await;
        assert_eq!(answer.status, 401, "{spelling:?}");
    }
    assert_eq!(world.recorder.hits(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a33_a_remembered_token_speaks_for_its_own_bearer_only() {
    let world = World::new().await;
    let people: Vec<_> = (0..20)
        .map(|i| {
            (
                format!("user{i}"),
                world.mint.with(&json!({"sub": format!("user{i}"), "iat": 1_000 + now() - 1_000})),
            )
        })
        .collect();
    for _ in 0..5 {
        for (name, token) in &people {
            assert_eq!(world.stranger().bearing(token).get("/api/me").await.status, 200);
            assert_eq!(world.recorder.last().folded("x-auth-user"), [name.as_str()]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a36_forgers_learn_nothing() {
    let world = World::new().await;
    let bad = [
        world.mint.with_header(&json!({"kid": "unknown"})),
        sign(&world.mint.header(), &Mint::claims(), b"some other secret, long enough to pass"),
        world.mint.with(&json!({"iss": "https://other"})),
        "a.b.c".to_owned(),
    ];
    let mut bodies = std::collections::BTreeSet::new();
    for token in bad {
        let answer = world.stranger().bearing(&token).get("/api/me").await;
        let mut body = answer.json();
        body["request_id"].take();
        bodies.insert((answer.status, body.to_string(), answer.value("www-authenticate").to_owned()));
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}
