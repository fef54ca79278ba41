//! Can a trusted issuer's token be ended? By itself, with its user, with its key; although it has no `jti` and no `iat`.

use gatepass::identity::UserId;
use gatepass::users::{SqliteUsers, UserStore as _};
use serde_json::{Value, json};

use super::{Keeper, LEGACY, TUTORIAL, gateway, plain};
use crate::world::World;
use crate::world::binary::gatepass;
use crate::world::people::Stranger;
use crate::world::tokens::{now, sign};

/// The tutorial's token of somebody, of today; `at` seconds shift its end, so that it is another one.
fn token_of(subject: &str, at: u64) -> String {
    let claims = json!({ "sub": subject, "exp": now() + 900 + at, "scope": "me items" });
    sign(&plain(), &claims, LEGACY.as_bytes())
}

fn bearer(world: &World, token: &str) -> Stranger {
    world.stranger().bearing(token)
}

async fn reason(world: &World, token: &str) -> Value {
    let answer = bearer(world, token).get("/event/1").await;
    if answer.status == 200 { Value::Null } else { answer.json()["error_description"].clone() }
}

const REVOKED_TOKEN: &str = "revoked_token: the token has been revoked";
const REVOKED_USER: &str = "revoked_user: all sign-ins of this user have been ended";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_jti_is_revoked_by_itself() {
    let world = gateway(&Keeper::new(), LEGACY, TUTORIAL).await;
    let (one, other, third) = (token_of("ada", 0), token_of("ada", 1), token_of("ada", 2));
    for token in [&one, &other, &third] {
        assert_eq!(reason(&world, token).await, Value::Null);
    }
    assert_eq!(world.stranger().post_form("/auth/revoke", &format!("token={one}")).await.status, 200);
    assert_eq!(reason(&world, &one).await, REVOKED_TOKEN);
    // The signature is not part of what is revoked, and no second spelling of it is accepted.
    let spelled = format!("{one}=");
    assert_eq!(bearer(&world, &spelled).get("/event/1").await.status, 401);
    assert_eq!(reason(&world, &other).await, Value::Null);
    assert_eq!(bearer(&world, &other).send("POST", "/auth/logout", None).await.status, 204);
    assert_eq!(reason(&world, &other).await, REVOKED_TOKEN);
    assert_eq!(reason(&world, &third).await, Value::Null, "the user's other token is as good as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_revocation_reaches_both_kinds_of_token() {
    let world = gateway(&Keeper::new(), LEGACY, TUTORIAL).await;
    let (theirs, later) = (token_of("alice", 0), token_of("alice", 7));
    let (ours, bobs) = (world.mint.token("alice", ""), token_of("bob", 0));
    assert_eq!(bearer(&world, &theirs).send("POST", "/auth/logout?all=true", None).await.status, 204);
    assert_eq!(reason(&world, &theirs).await, REVOKED_USER);
    assert_eq!(reason(&world, &ours).await, REVOKED_USER, "shared subjects are the same people");
    // Nobody can tell when it was issued: refused until the register expires.
    assert_eq!(reason(&world, &later).await, REVOKED_USER);
    assert_eq!(reason(&world, &bobs).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_their_own_are_not_ours() {
    let world = gateway(&Keeper::new(), LEGACY, &TUTORIAL.replace("subjects = \"shared\"", "")).await;
    let (theirs, ours) = (token_of("alice", 0), world.mint.token("alice", ""));
    assert_eq!(bearer(&world, &theirs).send("POST", "/auth/logout?all=true", None).await.status, 204);
    assert_eq!(reason(&world, &theirs).await, REVOKED_USER);
    assert_eq!(reason(&world, &ours).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_revokes_a_user_a_subject_and_a_key() {
    let keeper = Keeper::new();
    let world = gateway(&keeper, LEGACY, &format!("{TUTORIAL}subject_prefix = \"old:\"")).await;
    let file = world.dir.path().join("gateway.toml");
    let revoke = |what: [&str; 2]| {
        let done =
            gatepass().args(["token", "revoke", what[0], what[1], "--config"]).arg(&file).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let (adas, bobs) = (token_of("ada", 0), token_of("bob", 0));
    let ours = world.mint.token("alice", "");
    assert_eq!((reason(&world, &adas).await, reason(&world, &bobs).await), (Value::Null, Value::Null));
    revoke(["--subject", "old:ada"]);
    assert_eq!(reason(&world, &adas).await, REVOKED_USER);
    assert_eq!(reason(&world, &bobs).await, Value::Null);
    revoke(["--key", gatepass::token::key_of(&LEGACY.into()).as_str()]);
    let revoked = reason(&world, &bobs).await;
    assert!(revoked.as_str().unwrap().starts_with("revoked_key"), "{revoked}");
    assert_eq!(reason(&world, &ours).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_token_sees_and_ends_the_sessions_of_its_person_only() {
    let world = gateway(&Keeper::new(), LEGACY, TUTORIAL).await;
    let password = "correct horse battery staple";
    assert_eq!(world.stranger().sign_up("ada@example.org", password).await.status, 200);
    let (_, ada) = world.stranger().sign_in("ada@example.org", password).await;
    let ada = ada.unwrap();
    let sub = ada.get("/auth/userinfo").await.json()["sub"].as_str().unwrap().to_owned();
    let old = bearer(&world, &token_of(&sub, 0));
    let listed = old.get("/auth/sessions").await.json();
    let id = listed["sessions"][0]["id"].as_str().unwrap().to_owned();
    let strange = bearer(&world, &token_of("somebody", 0));
    assert_eq!(strange.send("DELETE", &format!("/auth/sessions?id={id}"), None).await.status, 404);
    assert_eq!(ada.get("/event/1").await.status, 200);
    assert_eq!(old.send("DELETE", &format!("/auth/sessions?id={id}"), None).await.status, 204);
    assert_eq!(ada.get("/event/1").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_are_ours_are_looked_at_in_the_users_store() {
    let world = gateway(&Keeper::new(), LEGACY, TUTORIAL).await;
    let users = SqliteUsers::open(&world.dir.path().join("gatepass.db")).unwrap();
    assert!(users.set_disabled(&UserId::parse("bob").unwrap(), true).await.unwrap());
    assert!(users.delete(&UserId::parse("alice").unwrap()).await.unwrap());
    let told = async |subject| reason(&world, &token_of(subject, 0)).await.to_string();
    assert_eq!(told("ada").await, "null");
    assert!(told("bob").await.starts_with("\"user_disabled"), "{}", told("bob").await);
    assert!(told("alice").await.starts_with("\"revoked_user"), "{}", told("alice").await);

    let own = gateway(&Keeper::new(), LEGACY, &TUTORIAL.replace("subjects = \"shared\"", "")).await;
    assert_eq!(
        reason(&own, &token_of("nobody-of-ours", 0)).await,
        Value::Null,
        "its own people are not asked about"
    );
}
