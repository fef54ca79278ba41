//! What is remembered of a token that was good: it speaks for that token alone, and not for ever.

use std::sync::Arc;

use serde_json::json;

use super::is_401t;
use crate::attacks::upstream::Actor;
use crate::world::raw::Raw;
use crate::world::recorder::{Recorder, plain};
use crate::world::tokens::now;
use crate::world::{ROUTES, World, config_text};

fn request(token: &str) -> String {
    format!("GET /api/me HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a33_what_is_remembered_speaks_for_its_own_token_until_its_end() {
    let echo = Recorder::answering(|seen| {
        plain(&json!([seen.folded("x-auth-user"), seen.folded("x-auth-scopes")]).to_string())
    });
    let world = World::around(echo.await, ROUTES).await;
    // Alike in everything but what they allow, and their identifiers; and some alike but for who it is.
    let iat = now();
    let tokens: Vec<_> = (0..20)
        .map(|i| {
            let (sub, scope) =
                if i < 14 { ("alice".to_owned(), format!("s:{i}")) } else { (format!("u{i}"), "s".into()) };
            let token = world.mint.with(&json!({"sub": sub, "scope": scope, "iat": iat}));
            (token, json!([[sub], [scope]]))
        })
        .collect();
    let tokens = Arc::new(tokens);
    let crowd: Vec<_> = (0..8)
        .map(|person| {
            let (tokens, address) = (Arc::clone(&tokens), world.address());
            tokio::spawn(async move {
                let mut raw = Raw::connect(address).await;
                for turn in 0..125 {
                    let (token, identity) = &tokens[(turn * 7 + person) % tokens.len()];
                    // One that fails, and shares all but its last letter with one that does not.
                    let bad = &token[..token.len() - 1];
                    assert_eq!(raw.ask(request(bad)).await.unwrap().status, 401);
                    let answer = raw.ask(request(token)).await.unwrap();
                    assert_eq!((answer.status, &answer.json()), (200, identity));
                }
            })
        })
        .collect();
    for person in crowd {
        person.await.unwrap();
    }
    dies_with_its_token(&world).await;
}

/// A success that was remembered ends with its token's time, and with its revocation.
async fn dies_with_its_token(world: &World) {
    let mut raw = Raw::connect(world.address()).await;
    let revoked = world.mint.token("alice", "");
    assert_eq!(raw.ask(request(&revoked)).await.unwrap().status, 200);
    assert_eq!(world.stranger().post_form("/auth/revoke", &format!("token={revoked}")).await.status, 200);
    is_401t(&raw.ask(request(&revoked)).await.unwrap());
    let exp = now() + 2;
    let short = world.mint.with(&json!({"exp": exp}));
    assert_eq!(raw.ask(request(&short)).await.unwrap().status, 200);
    loop {
        let (before, answer) = (now(), raw.ask(request(&short)).await.unwrap());
        if answer.status == 401 {
            assert!(now() >= exp, "refused too early");
            return is_401t(&answer);
        }
        assert!(before < exp, "accepted at {before}, after {exp}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a32b_a_revocation_is_not_fooled_by_spelling() {
    let world = World::new().await;
    let token = world.mint.token("alice", "");
    let stranger = world.stranger();
    let spellings = ["Bearer ", "bearer ", "Bearer  ", "BEARER ", "bEaReR   "];
    for spelling in spellings {
        let said = format!("Authorization: {spelling}{token}");
        assert_eq!(stranger.clone().saying(&said).get("/api/me").await.status, 200, "{spelling:?}");
    }
    assert_eq!(stranger.post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
    for spelling in spellings {
        is_401t(&stranger.clone().saying(&format!("Authorization: {spelling}{token}")).get("/api/me").await);
    }
    assert_eq!(world.recorder.hits(), spellings.len());
}

/// The decision is made when the head is there; what then outlasts the token is cut off, and never sent twice.
#[tokio::test(flavor = "multi_thread")]
async fn a38_a_body_that_outlasts_its_token_is_cut_off() {
    let upstream = Actor::silent().await;
    let text = config_text(upstream.address(), ROUTES);
    let world = World::configured(Recorder::start().await, &text).await;
    let exp = now() + 2;
    let token = world.mint.with(&json!({"exp": exp}));
    let mut raw = Raw::connect(world.address()).await;
    raw.send(format!(
        "POST /api/x HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\nContent-Length: 100\r\n\r\nhalf"
    ))
    .await;
    assert!(raw.answer().await.is_none(), "nobody answered, and the gateway does not either");
    assert!(now() >= exp, "it was let in for as long as its token lived");
    assert_eq!(world.stranger().bearing(&token).get("/api/me").await.status, 401);
    assert_eq!(upstream.heads().len(), 1, "the upstream was asked once");
}
