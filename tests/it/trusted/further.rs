//! Do a user's own claims come to the backend, and nobody else's?

use gatepass::token::TokenError;
use serde_json::{Value, json};

use super::{Keeper, LEGACY, TUTORIAL, gateway_saying, plain};
use crate::world::tokens::{now, sign};
use crate::world::{ROUTES, World, config_text};

const HEADERS: &str = "{ \"X-User\" = \"sub\", \"X-Department\" = \"department\", \"X-Groups\" = \"groups\", \"X-Floor\" = \"floor\" }";

async fn seen(world: &World, token: &str, header: &str) -> Option<String> {
    let before = world.recorder.hits();
    assert_eq!(
        world.stranger().bearing(token).saying(&format!("{header}: forged")).get("/event/1").await.status,
        200
    );
    assert_eq!(world.recorder.hits(), before + 1);
    world.recorder.last().values(header).first().map(|&value| value.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_carries_a_claim_of_the_users_own() {
    let world = gateway_saying("", HEADERS, "").await;
    let token = world
        .mint
        .with(&json!({ "department": "Sales, Köln", "groups": ["a", "b"], "floor": 3, "rest": "x" }));
    for (header, value) in [("X-Department", "Sales%2C K%C3%B6ln"), ("X-Groups", "a b"), ("X-Floor", "3")] {
        // Twice: a remembered token says the same.
        assert_eq!(seen(&world, &token, header).await.as_deref(), Some(value));
        assert_eq!(seen(&world, &token, header).await.as_deref(), Some(value));
    }
    let none = world.mint.with(&json!({ "department": null, "groups": "" }));
    assert_eq!(
        seen(&world, &none, "X-Department").await,
        None,
        "what a client sends is removed all the same"
    );
    assert_eq!(seen(&world, &none, "X-Groups").await, None);
    for odd in [json!({"a": 1}), json!("x\r\nX-Admin: 1"), json!([1]), json!("x".repeat(3000))] {
        let token = world.mint.with(&json!({ "department": odd }));
        assert_eq!(world.stranger().bearing(&token).get("/event/1").await.status, 401, "{odd}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_issuer_says_them_of_people_it_speaks_for() {
    let keeper = Keeper::new();
    let token = |claims: Value| {
        let claims = crate::world::tokens::changed(json!({ "sub": "ada", "exp": now() + 900 }), &claims);
        sign(&plain(), &claims, LEGACY.as_bytes())
    };
    let shared = gateway_saying("", HEADERS, &keeper.entry("legacy", LEGACY, TUTORIAL)).await;
    assert_eq!(
        seen(&shared, &token(json!({ "department": "Sales" })), "X-Department").await.as_deref(),
        Some("Sales")
    );
    for odd in [json!({"a": 1}), json!("x\r\nX-Admin: 1"), json!("x".repeat(3000))] {
        assert_eq!(seen(&shared, &token(json!({ "department": odd })), "X-Department").await, None);
    }
    let own = TUTORIAL.replace("subjects = \"shared\"", "claims = { floor = \"level\" }");
    let own = gateway_saying("", HEADERS, &keeper.entry("legacy", LEGACY, &own)).await;
    let token = token(json!({ "department": "Board", "floor": 9, "level": 2 }));
    assert_eq!(seen(&own, &token, "X-Department").await, None);
    assert_eq!(seen(&own, &token, "X-Floor").await.as_deref(), Some("2"), "named by the operator");
    assert_eq!(seen(&own, &token, "X-User").await.as_deref(), Some("legacy:ada"));
}

#[test]
fn what_nobody_asks_for_is_not_looked_at() {
    let verifier = super::verifier_of(&config_text(([127, 0, 0, 1], 9).into(), ROUTES));
    let header = json!({ "alg": "HS256", "typ": "at+jwt" });
    let token =
        sign(&header, &super::ours(&json!({ "department": {"odd": true} })), crate::world::SECRET.as_bytes());
    let read = super::good(&verifier, &token);
    assert_eq!((read.claim("department"), super::error(&verifier, &token)), (None, None::<TokenError>));
}
