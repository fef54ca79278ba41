//! Do the answers speak FastAPI where they are told to? Statuses, texts and challenges, situation by situation.

use serde_json::{Value, json};

use crate::world::people::Stranger;
use crate::world::raw::Answer;
use crate::world::{ROUTES, World};

const FASTAPI: &str = "\n[errors]\nbody = \"fastapi\"\n";
const PASSWORD: &str = "correct horse battery staple";

async fn world() -> World {
    World::with(&format!("{ROUTES}{FASTAPI}")).await
}

/// A header that is there once.
fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let values = answer.values(name);
    assert!(values.len() <= 1, "{name}: {values:?}");
    values.first().copied()
}

/// Asks, and expects this status, detail and challenge.
async fn expect(who: &Stranger, asked: (&str, &str), status: u16, detail: &str, challenge: Option<&str>) {
    let answer = who.send(asked.0, asked.1, None).await;
    assert_eq!((answer.status, answer.json()), (status, json!({ "detail": detail })), "{asked:?}");
    assert_eq!(header(&answer, "www-authenticate"), challenge, "{asked:?}");
    assert!(header(&answer, "x-request-id").is_some());
    assert_eq!(header(&answer, "content-type"), Some("application/json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_says_what_fastapi_says() {
    let world = world().await;
    let unfit = "Could not validate credentials";
    let stranger = world.stranger();
    let reader = world.signed_in("event:read");
    let expired = stranger.clone().bearing(&world.mint.with(&json!({ "exp": 1, "iat": 0 })));
    let forged = stranger.clone().bearing("a.b.c");
    let basic = stranger.clone().saying("Authorization: Basic YTpi");
    let garbled = stranger.clone().saying("Authorization: Bearer a b");
    let get = ("GET", "/event/1");
    expect(&stranger, get, 401, "Not authenticated", Some("Bearer")).await;
    expect(&stranger, ("POST", "/event/new"), 401, "Not authenticated", Some("Bearer")).await;
    expect(&basic, get, 401, "Not authenticated", Some("Bearer")).await;
    for who in [&expired, &forged, &garbled] {
        expect(who, get, 401, unfit, Some("Bearer")).await;
        expect(who, ("POST", "/event/new"), 401, unfit, Some("Bearer scope=\"event:write\"")).await;
    }
    let few = "Not enough permissions";
    expect(&reader, ("POST", "/event/new"), 401, few, Some("Bearer scope=\"event:write\"")).await;
    expect(&reader, ("PATCH", "/event/1"), 405, "Method Not Allowed", None).await;
    expect(&stranger, ("GET", "/a/../b"), 400, "Bad Request", None).await;
    expect(&stranger, ("GET", "/token"), 405, "Method Not Allowed", None).await;
    // A token that was good and is revoked: nothing is said of why.
    assert_eq!(reader.send("POST", "/auth/logout", None).await.status, 204);
    expect(&reader, get, 401, unfit, Some("Bearer")).await;
    expect(&reader, ("GET", "/auth/userinfo"), 401, unfit, Some("Bearer")).await;
}

/// What is wrong with a body: the kinds and places, in order.
fn told(answer: &Value) -> Vec<(String, Vec<&str>)> {
    let list = answer["detail"].as_array().unwrap_or_else(|| panic!("{answer}"));
    list.iter()
        .map(|one| {
            assert!(one["msg"].is_string() && one["input"].is_null(), "{one}");
            let place = one["loc"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
            (one["type"].as_str().unwrap().to_owned(), place)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_endpoint_speaks_it_too() {
    let world = world().await;
    let stranger = world.stranger();
    assert_eq!(stranger.sign_up("ada@example.org", PASSWORD).await.status, 200);
    let wrong = stranger.post_form("/token", "username=ada%40example.org&password=wrong-password").await;
    assert_eq!((wrong.status, wrong.json()), (401, json!({ "detail": "Incorrect username or password" })));
    assert_eq!(header(&wrong, "www-authenticate"), Some("Bearer"));
    assert!(header(&wrong, "cache-control") == Some("no-store") && header(&wrong, "x-request-id").is_some());
    for (form, kind, place) in [
        ("password=a-password", "missing", vec!["body", "username"]),
        ("username=ada", "missing", vec!["body", "password"]),
        (
            "username=ada&password=a-password&grant_type=magic",
            "string_pattern_mismatch",
            vec!["body", "grant_type"],
        ),
        ("username=ada&password=a-password&password=b", "value_error", vec!["body", "password"]),
    ] {
        let answer = stranger.post_form("/token", form).await;
        assert_eq!((answer.status, told(&answer.json())), (422, vec![(kind.to_owned(), place)]), "{form}");
        assert!(!answer.json().to_string().contains("a-password"));
    }
    let json = stranger.post_json("/token", &json!({ "username": "ada", "password": "a-password" })).await;
    assert_eq!(
        (json.status, told(&json.json())),
        (422, vec![("missing".to_owned(), vec!["body", "username"])])
    );
    let (_, ada) = stranger.sign_in("ada@example.org", PASSWORD).await;
    assert_eq!(ada.unwrap().get("/event/1").await.status, 200);
    let revoked = stranger.post_form("/auth/revoke", "token_type_hint=access_token").await;
    assert_eq!(
        (revoked.status, told(&revoked.json())),
        (422, vec![("missing".to_owned(), vec!["body", "token"])])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signup_endpoint_names_fields_as_pydantic_does() {
    let world = world().await;
    let stranger = world.stranger();
    for (body, kind, place) in [
        (json!({ "email": "ada@example.org" }), "missing", vec!["body", "password"]),
        (json!({ "email": 7, "password": "hunter2-hunter2" }), "string_type", vec!["body", "email"]),
        (json!({ "email": "ada", "password": "hunter2-hunter2" }), "value_error", vec!["body", "email"]),
        (json!({ "email": "ada@example.org", "password": "abc" }), "value_error", vec!["body", "password"]),
        (
            json!({ "email": "a@b.org", "password": "hunter2-hunter2", "role": "x" }),
            "extra_forbidden",
            vec!["body", "role"],
        ),
        (json!([]), "model_attributes_type", vec!["body"]),
    ] {
        let answer = stranger.post_json("/user/signup", &body).await;
        assert_eq!((answer.status, told(&answer.json())), (422, vec![(kind.to_owned(), place)]), "{body}");
        assert!(!answer.json().to_string().contains("hunter2"), "no password comes back");
    }
    let broken = stranger.send("POST", "/user/signup", Some(("application/json", "{\"email\":"))).await;
    assert_eq!((broken.status, told(&broken.json())), (422, vec![("json_invalid".to_owned(), vec!["body"])]));
    assert_eq!(stranger.sign_up("ada@example.org", PASSWORD).await.status, 200);
    let again = stranger.sign_up("ada@example.org", PASSWORD).await;
    assert_eq!(again.status, 409);
    assert!(again.json()["detail"].is_string() && again.json().as_object().unwrap().len() == 1, "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_usual_kind_is_what_it_was() {
    let world = World::new().await;
    let forged = world.stranger().bearing("a.b.c").send("POST", "/event/new", None).await;
    let challenge = header(&forged, "www-authenticate").unwrap();
    assert!(!challenge.contains("scope="), "only for a scope that is lacking: {challenge}");
    let reader = world.signed_in("event:read").send("POST", "/event/new", None).await;
    assert_eq!(reader.status, 403);
    assert!(header(&reader, "www-authenticate").unwrap().ends_with("scope=\"event:write\""));
}
