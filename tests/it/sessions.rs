//! Does a user see their own sign-ins, and end them?

use serde_json::Value;

use crate::redis::users::{NEEDED, SESSIONS, WATCHING, grant};
use crate::world::people::Stranger;
use crate::world::recorder::Recorder;
use crate::world::redis::Redis;
use crate::world::{ROUTES, World, config_text};

const PASSWORD: &str = "correct horse battery staple";

/// Signs in with a device of that name.
async fn sign_in(world: &World, login: &str, device: &str) -> Stranger {
    let (answer, bearer) =
        world.stranger().saying(&format!("User-Agent: {device}")).sign_in(login, PASSWORD).await;
    bearer.unwrap_or_else(|| panic!("{answer:?}"))
}

/// The sessions somebody sees.
async fn seen_by(person: &Stranger) -> Vec<Value> {
    let answer = person.get("/auth/sessions").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["sessions"].as_array().unwrap().clone()
}

fn devices(sessions: &[Value]) -> Vec<&str> {
    sessions.iter().map(|session| session["device"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_sees_and_ends_their_own_sign_ins() {
    let world = World::new().await;
    for email in ["ada@example.org", "bob@example.org"] {
        assert_eq!(world.stranger().sign_up(email, PASSWORD).await.status, 200);
    }
    let phone = sign_in(&world, "ada@example.org", "phone").await;
    let laptop = sign_in(&world, "ada@example.org", "laptop").await;
    let tablet = sign_in(&world, "ada@example.org", "tablet").await;
    let bob = sign_in(&world, "bob@example.org", "bob's").await;

    let sessions = seen_by(&laptop).await;
    assert_eq!(devices(&sessions), ["tablet", "laptop", "phone"], "the latest first, nobody else's");
    let current: Vec<bool> = sessions.iter().map(|session| session["current"] == true).collect();
    assert_eq!(current, [false, true, false]);
    for session in &sessions {
        assert_eq!(session["address"], "127.0.0.1");
        let at = |name: &str| session[name].as_u64().unwrap();
        assert!(at("since") < at("expires") && at("last_seen") % 60 == 0, "{session}");
    }

    let delete = async |who: &Stranger, query: &str| {
        who.send("DELETE", &format!("/auth/sessions{query}"), None).await.status
    };
    let id = |device: &str| {
        let found = sessions.iter().find(|session| session["device"] == device).unwrap();
        found["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(delete(&bob, &format!("?id={}", id("phone"))).await, 404, "not his");
    assert_eq!(delete(&laptop, "").await, 400);
    assert_eq!(delete(&laptop, &format!("?id={}&all=true", id("phone"))).await, 400);
    assert_eq!(phone.get("/api/x").await.status, 200);
    assert_eq!(delete(&laptop, &format!("?id={}", id("phone"))).await, 204);
    let refused = phone.get("/api/x").await;
    assert_eq!(
        (refused.status, refused.json()["error_description"].as_str().unwrap().contains("revoked_login")),
        (401, true)
    );
    assert_eq!(delete(&laptop, &format!("?id={}", id("phone"))).await, 404, "it has ended already");

    assert_eq!(delete(&laptop, "?others=true").await, 204);
    assert_eq!((tablet.get("/api/x").await.status, laptop.get("/api/x").await.status), (401, 200));
    assert_eq!(devices(&seen_by(&laptop).await), ["laptop"]);
    assert_eq!(delete(&laptop, "?all=true").await, 204);
    assert_eq!(laptop.get("/auth/sessions").await.status, 401);
    assert_eq!(bob.get("/api/x").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_a_token_sees_or_ends_any() {
    let world = World::new().await;
    for method in ["GET", "DELETE"] {
        let answer = world.stranger().send(method, "/auth/sessions?all=true", None).await;
        assert_eq!(answer.status, 401, "{method}");
    }
    assert_eq!(world.stranger().send("POST", "/auth/sessions", None).await.status, 405);
    // A token that came of no sign-in: its user is not signed in anywhere.
    assert!(seen_by(&world.signed_in("api")).await.is_empty());
}

/// A gateway on this Redis, as a user who may do what the README says and no more, and on the users in this folder.
async fn on(redis: &Redis, users: &std::path::Path) -> World {
    let recorder = Recorder::start().await;
    let store = format!("redis://gate:hunter2@127.0.0.1:{}", redis.port());
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("redis.url");
    std::fs::write(&kept, store).unwrap();
    let text = config_text(recorder.address(), ROUTES)
        .replace(
            "[revocation]\nstore = \"sqlite:gatepass.db\"",
            &format!("[revocation]\nstore = {{ file = \"{}\" }}", kept.display()),
        )
        .replace("sqlite:gatepass.db", &format!("sqlite:{}/users.db", users.display()));
    World::configured(recorder, &text).await
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_on_one_redis_share_the_list() {
    let redis = Redis::start();
    grant(&redis, &format!("{NEEDED} {SESSIONS} {WATCHING}"));
    let users = tempfile::tempdir().unwrap();
    let (here, there) = (on(&redis, users.path()).await, on(&redis, users.path()).await);
    assert_eq!(here.stranger().sign_up("ada@example.org", PASSWORD).await.status, 200);
    let phone = sign_in(&here, "ada@example.org", "phone").await;
    let laptop = sign_in(&here, "ada@example.org", "laptop").await;
    let elsewhere = laptop.clone().to(there.address());
    let sessions = seen_by(&elsewhere).await;
    assert_eq!(devices(&sessions), ["laptop", "phone"]);
    assert_eq!(elsewhere.send("DELETE", "/auth/sessions?others=true", None).await.status, 204);
    let deadline = gatepass::clock::instant() + std::time::Duration::from_secs(60);
    // A request that is under way when the revocation arrives is cut, not answered.
    while phone.try_send("GET", "/api/x", None).await.is_none_or(|answer| answer.status != 401) {
        assert!(gatepass::clock::instant() < deadline, "the other gateway goes on accepting it");
    }
    assert_eq!(devices(&seen_by(&laptop).await), ["laptop"]);
    // What was seen is written at the end, at the latest.
    here.gateway.shutdown().await;
    assert_eq!(redis.ask("ACL LOG"), ["*0"], "nothing that it needed was denied");
}
