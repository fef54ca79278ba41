//! Users who are disabled, deleted or given a new password behind the gateway's back, in the file that it shares: they
//! lose access, and nobody else does.

mod shared;
mod streams;

use std::path::Path;
use std::time::Duration;

use gatepass::clock::{Clock, instant};
use gatepass::config::Config;
use gatepass::server::Gateway;

use crate::world::people::Stranger;
use crate::world::raw::PATIENCE;
use crate::world::recorder::Recorder;
use crate::world::tokens::Mint;
use crate::world::{ROUTES, World, config_text, load, said};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// How often users are looked at here: a test does not wait for a minute.
pub(crate) const OFTEN: Duration = Duration::from_millis(400);

/// A gateway that looks at its users often.
pub(crate) async fn often(recorder: Recorder, text: &str) -> World {
    let dir = tempfile::tempdir().unwrap();
    said::listen();
    let mut config = load(dir.path(), text);
    config.log.access = true;
    config.accounts.check = Some(OFTEN);
    let mint = Mint::new(&config.tokens);
    let gateway = start(config).await;
    World { dir, recorder, gateway, mint }
}

async fn start(config: Config) -> Gateway {
    Gateway::start_with(config, Clock::system(), said::Ear("access")).await.unwrap()
}

async fn world() -> World {
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), ROUTES);
    often(recorder, &text).await
}

/// Another application changes the users in the file.
pub(crate) fn behind(folder: &Path, sql: &str) -> usize {
    let other = rusqlite::Connection::open(folder.join("gatepass.db")).unwrap();
    other.busy_timeout(Duration::from_secs(10)).unwrap();
    other.execute(sql, []).unwrap()
}

/// The token of somebody who signs up, if need be, and in.
pub(crate) async fn token(who: &Stranger, login: &str) -> String {
    who.sign_up(login, PASSWORD).await;
    let (answer, _) = who.sign_in(login, PASSWORD).await;
    answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

/// The status of a request, and the word that goes with a no.
async fn asks(who: &Stranger) -> (u16, String) {
    let Some(answer) = who.try_send("GET", "/api/me", None).await else { return (0, String::new()) };
    if answer.status == 200 {
        return (200, String::new());
    }
    let description = answer.json()["error_description"].as_str().unwrap_or_default().to_owned();
    (answer.status, description.split(':').next().unwrap_or_default().to_owned())
}

/// Waits until somebody is answered like that, and says how long it took.
pub(crate) async fn becomes(who: &Stranger, status: u16, word: &str) -> Duration {
    let began = instant();
    loop {
        let found = asks(who).await;
        if found == (status, word.to_owned()) {
            return instant().duration_since(began);
        }
        assert!(instant().duration_since(began) < PATIENCE, "{found:?}, never {status} {word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_behind_our_back_counts() {
    let world = world().await;
    let folder = world.dir.path();
    let (ada, bob) = (world.stranger(), world.stranger());
    let ada = ada.clone().bearing(&token(&ada, "ada@example.org").await);
    let bob = bob.clone().bearing(&token(&bob, "bob@example.org").await);
    let car = world.signed_in("");
    assert_eq!(asks(&ada).await.0, 200);

    assert_eq!(behind(folder, "UPDATE users SET disabled = 1 WHERE login = 'ada@example.org'"), 1);
    becomes(&ada, 401, "user_disabled").await;
    let (refused, _) = world.stranger().sign_in("ada@example.org", PASSWORD).await;
    assert_eq!((refused.status, refused.json()["error"].as_str()), (400, Some("invalid_grant")));
    assert_eq!(ada.get("/auth/userinfo").await.status, 401, "the gateway's own endpoints go by the same");
    assert_eq!((asks(&bob).await.0, asks(&car).await.0), (200, 200));
    behind(folder, "UPDATE users SET disabled = 0");
    becomes(&ada, 200, "").await;

    // Another application sets a password: here, that of another user who chose the same.
    let copy = "UPDATE users SET password = (SELECT password FROM users WHERE login = 'bob@example.org')
                WHERE login = 'ada@example.org'";
    behind(folder, copy);
    becomes(&ada, 401, "revoked_login").await;
    let again = world.stranger().bearing(&token(&world.stranger(), "ada@example.org").await);
    assert_eq!(asks(&again).await.0, 200);
    assert_eq!(asks(&ada).await, (401, "revoked_login".to_owned()));

    behind(folder, "DELETE FROM users WHERE login = 'ada@example.org'");
    becomes(&again, 401, "revoked_user").await;
    assert_eq!((asks(&bob).await.0, asks(&car).await.0), (200, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_starts_later_knows_what_it_missed() {
    let world = world().await;
    let mut people = Vec::new();
    for name in ["ada", "bob", "eve", "gus"] {
        people.push(token(&world.stranger(), &format!("{name}@example.org")).await);
    }
    let World { dir, recorder, gateway, .. } = world;
    gateway.shutdown().await;
    behind(dir.path(), "UPDATE users SET disabled = 1 WHERE login LIKE 'ada%'");
    behind(dir.path(), "DELETE FROM users WHERE login LIKE 'bob%'");
    behind(
        dir.path(),
        "UPDATE users SET password = (SELECT password FROM users WHERE login LIKE 'gus%') WHERE login LIKE 'eve%'",
    );
    // This one looks at its users as often as gateways do: what it knows, it has asked for because somebody came.
    let config = load(dir.path(), &config_text(recorder.address(), ROUTES));
    assert_eq!(config.accounts.check, Some(Duration::from_secs(60)));
    let gateway = start(config).await;
    let at = Stranger::at(gateway.public()[0]);
    let mut found = Vec::new();
    for person in &people {
        found.push(asks(&at.clone().bearing(person)).await);
    }
    let no = |word: &str| (401, word.to_owned());
    assert_eq!(found, [no("user_disabled"), no("revoked_user"), no("revoked_login"), (200, String::new())]);
    let hits = recorder.hits();
    assert_eq!(at.bearing(&people[0]).get("/api/me").await.status, 401);
    assert_eq!(recorder.hits(), hits);
    gateway.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_is_told_in_the_metrics() {
    let world = world().await;
    let ada = world.stranger().bearing(&token(&world.stranger(), "ada@example.org").await);
    let up = "gatepass_store_up{store=\"users\"}";
    let metric = async |name: &str| -> f64 {
        let text = Stranger::at(world.gateway.admin()).get("/metrics").await.text();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!((metric(up).await - 1.0).abs() < f64::EPSILON);
    behind(world.dir.path(), "ALTER TABLE users RENAME TO taken");
    let began = instant();
    while metric(up).await > 0.5 || metric("gatepass_account_check_staleness_seconds").await < 1.0 {
        assert!(instant().duration_since(began) < PATIENCE, "it is never told");
    }
    assert_eq!(asks(&ada).await.0, 200, "served as last known");
    behind(world.dir.path(), "ALTER TABLE taken RENAME TO users");
    while metric(up).await < 0.5 || metric("gatepass_account_check_staleness_seconds").await > 1.0 {
        assert!(instant().duration_since(began) < PATIENCE, "it never answers again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_served_unseen_where_that_is_asked_for() {
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), ROUTES)
        .replace("[users]\n", "[users]\naccount_check = \"5s\"\non_down = \"refuse\"\n");
    let world = often(recorder, &text).await;
    let ada = world.stranger().bearing(&token(&world.stranger(), "ada@example.org").await);
    assert_eq!(asks(&ada).await.0, 200);
    behind(world.dir.path(), "ALTER TABLE users RENAME TO taken");
    becomes(&ada, 503, "store_unavailable").await;
    assert_eq!(asks(&world.signed_in("")).await.0, 200, "of nobody in the store");
    assert_eq!(world.stranger().get("/public/x").await.status, 200);
    behind(world.dir.path(), "ALTER TABLE taken RENAME TO users");
    becomes(&ada, 200, "").await;
}
