//! Who may sign up, with what, how often, and what does the answer tell? Over the wire.

mod password;

use serde_json::json;

use crate::world::people::Stranger;
use crate::world::{ROUTES, World};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// Further settings of `[endpoints]`, in place of the line that says what users may ask for.
async fn world(endpoints: &str, more: &str) -> World {
    let recorder = crate::world::recorder::Recorder::start().await;
    let text = crate::world::config_text(recorder.address(), &format!("{ROUTES}\n{more}"));
    let text =
        text.replace("[endpoints]\n", &format!("[endpoints]\npassword = \"/auth/password\"\n{endpoints}\n"));
    World::configured(recorder, &text).await
}

#[tokio::test(flavor = "multi_thread")]
async fn other_fields_become_claims_if_they_are_named() {
    let world = world("signup_claims = { full_name = \"required\", team = \"optional\" }", "").await;
    let ask = async |more: serde_json::Value| {
        let mut body = json!({"email": "ada@example.org", "password": PASSWORD});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = world.stranger().post_json("/user/signup", &body).await;
        (answer.status, answer.json()["field"].as_str().unwrap_or_default().to_owned())
    };
    for (more, field) in [
        (json!({}), "full_name"),
        (json!({"full_name": " "}), "full_name"),
        (json!({"full_name": "A\r\nX: 1"}), "full_name"),
        (json!({"full_name": {"a": 1}}), "full_name"),
        (json!({"full_name": "x".repeat(5000)}), "full_name"),
        (json!({"full_name": "Ada", "role": "admin"}), "role"),
        (json!({"full_name": "Ada", "scope": "admin"}), "scope"),
        (json!({"full_name": "Ada", "disabled": false}), "disabled"),
    ] {
        assert_eq!(ask(more.clone()).await, (422, field.to_owned()), "{more}");
    }
    assert_eq!(ask(json!({"full_name": "Ada", "team": ["a", "b"]})).await.0, 200);
    let users = gatepass::users::SqliteUsers::open(&world.dir.path().join("gatepass.db")).unwrap();
    let stored = gatepass::users::UserStore::page(&users, None, 9).await.unwrap();
    let claims: Vec<_> = stored[0].claims.iter().collect();
    assert_eq!(claims, [("full_name", &json!("Ada")), ("team", &json!(["a", "b"]))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_source_signs_up_so_often_and_no_more() {
    let world = world("", "[throttle]\nsignups = 3\n").await;
    let stranger = world.stranger();
    assert_eq!(stranger.sign_up("ada@example.org", PASSWORD).await.status, 200);
    // What is told that it is taken counts, what is wrong in itself does not.
    assert_eq!(stranger.sign_up("ada@example.org", PASSWORD).await.status, 409);
    for _ in 0..5 {
        assert_eq!(stranger.sign_up("nobody", PASSWORD).await.status, 422);
    }
    assert_eq!(stranger.sign_up("bob@example.org", PASSWORD).await.status, 200);
    for login in ["ada@example.org", "carol@example.org"] {
        let answer = stranger.sign_up(login, PASSWORD).await;
        assert_eq!((answer.status, &answer.json()["error"]), (429, &json!("slow_down")));
        assert!(answer.json()["error_description"].as_str().unwrap().starts_with("rate_limited: "));
        let wait: u64 = answer.value("retry-after").parse().unwrap();
        assert!((1_100..=1_200).contains(&wait), "{wait}");
    }
    assert_eq!(stranger.sign_in("ada@example.org", PASSWORD).await.0.status, 200, "counted apart");
}

/// The body, and every header but those of this very request.
fn told(answer: &crate::world::raw::Answer) -> (u16, String, Vec<(String, String)>) {
    let own = |name: &str| ["x-request-id", "date"].iter().any(|own| name.eq_ignore_ascii_case(own));
    let fields = answer.fields.iter().filter(|(name, _)| !own(name)).cloned().collect();
    (answer.status, answer.text(), fields)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_that_an_address_is_taken() {
    let world = world("signup_reveals = false", "").await;
    let stranger = world.stranger();
    let new = stranger.sign_up("ada@example.org", PASSWORD).await;
    let taken = stranger.sign_up(" ADA@example.org", "another password").await;
    assert_eq!(told(&new), told(&taken));
    assert_eq!(new.json(), json!({"message": "User created successfully"}));
    assert_eq!(stranger.sign_in("ada@example.org", "another password").await.0.status, 400);
    assert_eq!(stranger.sign_in("ada@example.org", PASSWORD).await.0.status, 200);
}

/// Somebody who has signed up and in.
async fn ada(world: &World) -> Stranger {
    assert_eq!(world.stranger().sign_up("ada@example.org", PASSWORD).await.status, 200);
    signed_in(world).await
}

async fn signed_in(world: &World) -> Stranger {
    world.stranger().sign_in("ada@example.org", PASSWORD).await.1.unwrap()
}
