//! What a store behind a server promises when that fails.

use std::sync::Arc;
use std::time::Duration;

use gatepass::clock;
use gatepass::users::{Mode, StoreError, UserStore};

use super::{Record, Server, asked, hash, named, whose};

/// The longest any question may take, on a machine with other work.
const BOUND: Duration = Duration::from_secs(12);

/// Asks everything there is to ask, at once, and finds that nothing works, in time.
async fn nothing_works(store: &Arc<dyn UserStore>, id: &gatepass::identity::UserId) {
    let start = clock::instant();
    let (login, old) = (asked("ada"), hash("$2b$hash-of-ada"));
    let (by_login, by_id, ping, created, set) = tokio::join!(
        store.by_login(&login),
        store.by_id(id),
        store.ping(),
        store.create(named("grace")),
        store.replace_password(id, &old, hash("new")),
    );
    let took = start.elapsed();
    assert!(took < BOUND, "{took:?}");
    for (what, failed) in
        [("by_login", by_login.map(drop)), ("by_id", by_id.map(drop)), ("ping", ping), ("set", set.map(drop))]
    {
        assert!(matches!(failed, Err(StoreError::Failed(_))), "{what}: {failed:?}");
    }
    assert!(created.is_err());
}

/// Asks until it answers.
async fn works_again(store: &Arc<dyn UserStore>) {
    let deadline = clock::instant() + Duration::from_secs(30);
    while let Err(error) = store.ping().await {
        assert!(clock::instant() < deadline, "{error}");
    }
}

pub(crate) async fn a_server_that_is_gone_is_an_error_until_it_is_back<M: Server>() {
    let mut place = M::new().await;
    let store = place.open(Mode::ReadWrite).await;
    let id = place.write(vec![Record::of("ada")]).await.remove(0);
    assert_eq!(whose(&store, "ada").await.as_ref(), Some(&id));
    place.kill();
    nothing_works(&store, &id).await;
    // It need not be there when a gateway starts.
    let early = place.open(Mode::ReadOnly).await;
    assert!(early.by_login(&asked("ada")).await.is_err() && early.advice().await.is_err());
    place.restart();
    for store in [store, early] {
        works_again(&store).await;
        assert_eq!(whose(&store, "ada").await.as_ref(), Some(&id));
    }
}

pub(crate) async fn a_server_that_is_silent_is_an_error_in_time<M: Server>() {
    let place = M::new().await;
    let store = place.open(Mode::ReadWrite).await;
    let id = place.write(vec![Record::of("ada")]).await.remove(0);
    assert_eq!(whose(&store, "ada").await.as_ref(), Some(&id));
    place.pause();
    // Over connections that are open, and over new ones.
    for _ in 0..2 {
        nothing_works(&store, &id).await;
    }
    place.resume();
    works_again(&store).await;
    assert_eq!(whose(&store, "ada").await.as_ref(), Some(&id));
}
