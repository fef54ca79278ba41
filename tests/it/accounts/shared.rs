//! Several gateways on one file of users and one Redis.

use std::path::Path;
use std::sync::Arc;

use gatepass::accounts::{Accounts, Objection, Settings};
use gatepass::clock::Clock;
use gatepass::identity::{AskedLogin, Claims, LoginId, Scopes, Subject};
use gatepass::password::PasswordHash;
use gatepass::token::{Grant, Issuer, KeyRing, Verifier};
use gatepass::users::{SqliteUsers, User, UserStore as _};

use super::{Recorder, World, asks, becomes, behind, config_text, often, token};
use crate::redis::users::{NEEDED, SESSIONS, WATCHING, grant};
use crate::world::ROUTES;
use crate::world::redis::Redis;

/// A gateway on this Redis, as a user who may do what the README says and no more, and on these users.
async fn on(redis: &Redis, users: &Path) -> World {
    let recorder = Recorder::start().await;
    let url = users.join("redis.url");
    std::fs::write(&url, format!("redis://gate:hunter2@127.0.0.1:{}", redis.port())).unwrap();
    let text = config_text(recorder.address(), ROUTES)
        .replace(
            "[revocation]\nstore = \"sqlite:gatepass.db\"",
            &format!("[revocation]\nstore = {{ file = \"{}\" }}", url.display()),
        )
        .replace(
            "[users]\nstore = \"sqlite:gatepass.db\"",
            &format!("[users]\nstore = \"sqlite:{}/gatepass.db\"", users.display()),
        );
    often(recorder, &text).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_gateway_sees_to_it_by_itself() {
    let redis = Redis::start();
    grant(&redis, &format!("{NEEDED} {SESSIONS} {WATCHING}"));
    let users = tempfile::tempdir().unwrap();
    let (here, there) = (on(&redis, users.path()).await, on(&redis, users.path()).await);
    let ada = here.stranger().bearing(&token(&here.stranger(), "ada@example.org").await);
    let elsewhere = ada.clone().to(there.address());
    assert_eq!((asks(&ada).await.0, asks(&elsewhere).await.0), (200, 200));
    behind(users.path(), "UPDATE users SET disabled = 1");
    becomes(&ada, 401, "user_disabled").await;
    becomes(&elsewhere, 401, "user_disabled").await;
    behind(users.path(), "UPDATE users SET disabled = 0");
    becomes(&elsewhere, 200, "").await;

    let bob = token(&there.stranger(), "bob@example.org").await;
    assert_eq!(asks(&here.stranger().bearing(&bob)).await.0, 200);
    behind(
        users.path(),
        "UPDATE users SET password = (SELECT password FROM users WHERE login LIKE 'bob%') WHERE login LIKE 'ada%'",
    );
    // Who has the new password is welcome everywhere before anybody has looked.
    let anew = token(&here.stranger(), "ada@example.org").await;
    assert_eq!(asks(&there.stranger().bearing(&anew)).await.0, 200);
    becomes(&ada, 401, "revoked_login").await;
    becomes(&elsewhere, 401, "revoked_login").await;
    assert_eq!(redis.ask("ACL LOG"), ["*0"], "nothing that it needed was denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_outlive_a_better_hash_at_every_gateway() {
    let redis = Redis::start();
    let log = grant(&redis, &format!("{NEEDED} {SESSIONS} {WATCHING}"));
    let folder = tempfile::tempdir().unwrap();
    let world = on(&redis, folder.path()).await;
    assert_eq!(world.stranger().sign_up("ada@example.org", super::PASSWORD).await.status, 200);
    let text = config_text(world.recorder.address(), ROUTES);
    let tokens = crate::world::load(world.dir.path(), &text).tokens;
    let keys = Arc::new(KeyRing::new(&tokens));
    let users = Arc::new(SqliteUsers::open(&folder.path().join("gatepass.db")).unwrap());
    let gateway = async || {
        let (users, keys) = (users.clone(), Arc::clone(&keys));
        Accounts::open(Settings::default(), &log, users, &tokens, keys, Clock::system()).await.unwrap()
    };
    let ada = AskedLogin::parse("ada@example.org").unwrap();
    let ada: User = users.by_login(&ada).await.unwrap().unwrap();
    let subject = Subject::parse(ada.id.as_str()).unwrap();
    let first = gateway().await;
    let issued = Issuer::new(&tokens, Arc::clone(&keys), Clock::system()).issue_for(
        Grant {
            subject: subject.clone(),
            preferred_username: None,
            email: None,
            scopes: Scopes::default(),
            login: Some((LoginId::new(), 1)),
            client_id: "test".to_owned(),
            lifetime: None,
            claims: Claims::default(),
        },
        Some(first.signed_in(&subject, &ada, Clock::system().now())),
    );
    let token = Verifier::new(&tokens, Arc::clone(&keys), Clock::system()).verify(&issued.token).unwrap();

    let (mut former, mut told) = (ada.password.clone(), 0);
    for better in ["$2b$11$better", "$2b$12$best"] {
        let better = PasswordHash::from_store(better.to_owned());
        first.same_password(&ada.id, &former, &better).await.unwrap();
        assert!(users.replace_password(&ada.id, &former, better.clone()).await.unwrap());
        former = better;
        assert_eq!(gateway().await.settle(&token).await, Ok(()));
        told += 1;
    }
    let keys = redis.ask("KEYS {gatepass}:pwv:*");
    let key = keys.iter().find(|line| line.starts_with("{gatepass}")).unwrap_or_else(|| panic!("{keys:?}"));
    assert_eq!(redis.command(&format!("HLEN {key}")), format!(":{told}"));
    let lives: u64 = redis.command(&format!("TTL {key}"))[1..].parse().unwrap();
    assert!((86_300..=86_405).contains(&lives), "as long as a token may: {lives}");
    assert_eq!(redis.ask("ACL LOG"), ["*0"], "nothing that it needed was denied");
    users.set_password(&ada.id, PasswordHash::from_store("$2b$12$another".to_owned())).await.unwrap();
    assert_eq!(gateway().await.settle(&token).await, Err(Objection::PasswordChanged));
}
