//! What a store promises that can be changed.

use std::sync::Arc;

use gatepass::identity::{Scopes, UserId};
use gatepass::users::{CreateError, Mode, User, UserStore, all};

use super::{Mount, asked, hash, named, told, whose};

async fn store<M: Mount>() -> (M, Arc<dyn UserStore>) {
    let place = M::new().await;
    let store = place.open(Mode::ReadWrite).await;
    assert_eq!(store.read_only(), None);
    (place, store)
}

pub(crate) async fn a_user_is_found_as_created<M: Mount>() {
    let (_place, store) = store::<M>().await;
    let mut ada = named("ada");
    ada.claims.insert("department", serde_json::json!("Sales")).unwrap();
    let mut grace = User { email: None, disabled: true, scopes: Scopes::default(), ..named("gr\u{e2}ce") };
    ada.id = store.create(ada.clone()).await.unwrap();
    grace.id = store.create(grace.clone()).await.unwrap();
    assert_eq!(told(&store.by_login(&ada.login.clone().into()).await.unwrap().unwrap()), told(&ada));
    assert_eq!(told(&store.by_login(&asked("Ada")).await.unwrap().unwrap()), told(&ada));
    assert_eq!(told(&store.by_login(&asked("GRA\u{302}CE")).await.unwrap().unwrap()), told(&grace));
    assert_eq!(told(&store.by_id(&grace.id).await.unwrap().unwrap()), told(&grace));
    assert!(store.by_id(&UserId::new()).await.unwrap().is_none());
}

pub(crate) async fn a_login_is_given_once<M: Mount>() {
    let (_place, store) = store::<M>().await;
    let id = store.create(named("ada")).await.unwrap();
    let before = told(&store.by_id(&id).await.unwrap().unwrap());
    assert!(matches!(store.create(named("ADA ")).await, Err(CreateError::Exists)));
    assert_eq!(all(&*store).await.unwrap().len(), 1);
    assert_eq!(told(&store.by_id(&id).await.unwrap().unwrap()), before);
}

pub(crate) async fn a_user_is_changed_and_removed<M: Mount>() {
    let (_place, store) = store::<M>().await;
    let (mut ada, mut bob) = (named("ada"), named("bob"));
    bob.id = store.create(bob.clone()).await.unwrap();
    ada.id = store.create(ada.clone()).await.unwrap();
    assert!(store.set_password(&ada.id, hash("$2b$new")).await.unwrap());
    assert!(store.set_scopes(&ada.id, Scopes::parse("admin").unwrap()).await.unwrap());
    assert!(store.set_disabled(&ada.id, true).await.unwrap());
    let mut list = all(&*store).await.unwrap();
    list.sort_by(|one, other| one.login.cmp(&other.login));
    let scopes = Scopes::parse("admin").unwrap();
    let expected = User { password: hash("$2b$new"), scopes, disabled: true, ..ada.clone() };
    assert_eq!(list.iter().map(told).collect::<Vec<_>>(), [told(&expected), told(&bob)]);
    assert!(store.set_disabled(&ada.id, false).await.unwrap());
    assert!(!store.by_id(&ada.id).await.unwrap().unwrap().disabled);
    assert!(store.delete(&ada.id).await.unwrap());
    assert_eq!(whose(&store, "ada").await, None);
    for id in [ada.id, UserId::new(), UserId::parse("0").unwrap()] {
        for gone in [
            store.delete(&id).await,
            store.set_password(&id, hash("")).await,
            store.replace_password(&id, &hash("$2b$new"), hash("")).await,
            store.set_scopes(&id, Scopes::default()).await,
            store.set_disabled(&id, true).await,
        ] {
            assert!(!gone.unwrap(), "{id}");
        }
    }
    assert_eq!(told(&store.by_id(&bob.id).await.unwrap().unwrap()), told(&bob));
}

pub(crate) async fn two_handles_share_the_users<M: Mount>() {
    let (place, here) = store::<M>().await;
    let there = place.open(Mode::ReadWrite).await;
    let id = here.create(named("ada")).await.unwrap();
    assert_eq!(whose(&there, "ada").await, Some(id));
    let tasks = (0..20).map(|n| {
        let store = Arc::clone(if n % 2 == 0 { &here } else { &there });
        tokio::spawn(async move { store.create(named(&format!("user{}", n / 2))).await })
    });
    let mut created = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(_) => created += 1,
            Err(CreateError::Exists) => {}
            Err(CreateError::Store(error)) => panic!("{error}"),
        }
    }
    assert_eq!(created, 10, "of two who want one login, one has it");
    assert_eq!(all(&*here).await.unwrap().len(), 11);
}

pub(crate) async fn of_many_at_once_one_replaces_a_password<M: Mount>() {
    let (place, here) = store::<M>().await;
    let there = place.open(Mode::ReadWrite).await;
    let id = here.create(named("ada")).await.unwrap();
    let old = hash("$2b$hash-of-ada");
    assert!(!here.replace_password(&id, &hash("$2b$hash-of-Ada"), hash("new")).await.unwrap());
    let tasks = (0..20).map(|n| {
        let store = Arc::clone(if n % 2 == 0 { &here } else { &there });
        let (id, old) = (id.clone(), old.clone());
        tokio::spawn(
            async move { store.replace_password(&id, &old, hash(&format!("new{n}"))).await.unwrap() },
        )
    });
    let mut won = Vec::new();
    for (n, task) in tasks.collect::<Vec<_>>().into_iter().enumerate() {
        if task.await.unwrap() {
            won.push(n);
        }
    }
    assert_eq!(won.len(), 1, "{won:?}");
    let now = there.by_id(&id).await.unwrap().unwrap();
    assert_eq!(now.password.expose(), format!("new{}", won[0]));
}
