//! What a gateway is told while the server is away, and that it comes back by itself.

use std::time::Duration;

use gatepass::clock;
use gatepass::secret::Secret;
use gatepass::users::{Mode, Store, StoreError, UserStore};

use super::super::suite::{Mapped as _, Mount as _, Record, asked, hash, named};
use super::{Place, open};
use crate::world::mongodb::Mongo;

/// What a store promises, and what a busy machine may add.
const BOUND: Duration = Duration::from_secs(5 + 10);

/// Asks everything; each answer is an error, in time.
async fn fails(store: &dyn UserStore, place: &str) {
    let id = gatepass::identity::UserId::parse("0a0a0a0a0a0a0a0a0a0a0a0a").unwrap();
    let since = clock::instant();
    let answers = tokio::join!(
        async { store.by_login(&asked("ada")).await.map(drop) },
        async { store.by_id(&id).await.map(drop) },
        async { store.page(None, 10).await.map(drop) },
        async { store.replace_password(&id, &hash("a"), hash("b")).await.map(drop) },
        async {
            store
                .create(named("grace"))
                .await
                .map(drop)
                .map_err(|error| StoreError::Failed(error.to_string()))
        },
        async { store.ping().await },
        async { store.sample().await.map(drop) },
        async { store.advice().await.map(drop) },
    );
    assert!(since.elapsed() < BOUND, "{place}: {:?}", since.elapsed());
    let answers: [_; 8] = answers.into();
    for (n, answer) in answers.into_iter().enumerate() {
        let said = answer.expect_err(&format!("{place}: {n}")).to_string();
        assert!(said.contains("people") && !said.contains("hunter2"), "{said}");
    }
}

/// Waits until it answers; each question waits by itself.
async fn back(store: &dyn UserStore) {
    let deadline = clock::instant() + Duration::from_secs(60);
    while store.ping().await.is_err() {
        assert!(clock::instant() < deadline, "it does not come back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_may_go_and_come_back() {
    let mut mongo = Mongo::absent();
    // Nobody is there yet, and that keeps nobody from starting.
    let store = open(Store::Mongodb(Secret::from(mongo.url())), Place::fields(), Mode::ReadWrite).await;
    fails(&*store, "not started").await;
    mongo.restart().await;
    let mut place = Place::at(mongo).await;
    back(&*store).await;
    let ids = place.write(vec![Record::of("ada")]).await;
    assert_eq!(store.by_login(&asked("ada")).await.unwrap().unwrap().id, ids[0]);
    let grace = store.create(named("grace")).await.unwrap();

    place.mongo.stop();
    fails(&*store, "killed").await;
    place.mongo.restart().await;
    assert_eq!(
        store.by_login(&asked("grace")).await.unwrap().unwrap().id,
        grace,
        "what was answered was on disk"
    );

    place.mongo.pause();
    fails(&*store, "paused").await;
    place.mongo.resume();
    back(&*store).await;
    assert_eq!(store.by_login(&asked("ada")).await.unwrap().unwrap().id, ids[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_tells_no_secret() {
    let mongo = Mongo::absent();
    let url = mongo.url().replace("mongodb://", "mongodb://ada:hunter2-hunter2@");
    let store = open(Store::Mongodb(Secret::from(url.as_str())), Place::fields(), Mode::ReadWrite).await;
    fails(&*store, "nobody").await;
    assert!(!format!("{store:?}").contains("hunter2"));
}
