//! What if the users cannot be asked?

use rusqlite::Connection;

use super::house::{House, OFTEN, SELDOM, until, verdict};
use super::*;

/// As long as this lives, whoever asks for users is told that there is no such table.
struct Held {
    connection: Connection,
}

impl Held {
    fn new(house: &House) -> Self {
        let connection = house.other();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        connection.execute_batch("ALTER TABLE users RENAME TO taken").unwrap();
        Self { connection }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.connection.execute_batch("ALTER TABLE taken RENAME TO users").unwrap();
    }
}

#[tokio::test]
async fn users_are_served_as_last_known() {
    let house = House::new();
    let gateway = house.gateway(OFTEN).await;
    let (ada, bob, eve) = (house.person("ada").await, house.person("bob").await, house.person("eve").await);
    let stranger = house.sign_in(&*house.gateway(SELDOM).await, &eve);
    let (good, out) = (house.sign_in(&gateway, &ada), house.sign_in(&gateway, &bob));
    house.later();
    house.behind("UPDATE users SET disabled = 1 WHERE login <> 'ada'");
    until("bob is out", || gateway.standing(&out) == Standing::Refused(Objection::Disabled)).await;
    assert!(gateway.store_up().unwrap());

    let held = Held::new(&house);
    until("it is noticed", || gateway.store_up() == Some(false)).await;
    let check = OFTEN.check.unwrap();
    until("nothing is known lately", || gateway.staleness().unwrap() > check * 3).await;
    house.hand.advance(Duration::from_secs(3600));
    assert_eq!(gateway.standing(&good), Standing::Clear);
    assert_eq!(
        gateway.standing(&out),
        Standing::Refused(Objection::Disabled),
        "who is known to be out stays out"
    );
    assert_eq!(gateway.objection(&good), None);
    for _ in 0..100 {
        assert_eq!(verdict(&gateway, &stranger).await, Ok(()));
    }
    drop(held);
    until("it answers again", || gateway.store_up() == Some(true)).await;
    until("it is known again", || gateway.staleness().unwrap() < check).await;
    assert_eq!(verdict(&gateway, &stranger).await, Err(Objection::Disabled));
}

#[tokio::test]
async fn users_are_refused_once_nothing_is_known_lately() {
    let house = House::new();
    let strict = |check| Settings { check: Some(check), on_down: OnDown::Refuse };
    let check = Duration::from_secs(2);
    let gateway = house.gateway(strict(check)).await;
    let (ada, eve) = (house.person("ada").await, house.person("eve").await);
    let stranger = house.sign_in(&*house.gateway(SELDOM).await, &eve);
    let good = house.sign_in(&gateway, &ada);
    until("a round is done", || gateway.staleness().unwrap() < check / 2).await;
    let held = Held::new(&house);
    assert_eq!(verdict(&gateway, &stranger).await, Err(Objection::Unavailable), "nothing is known of them");
    let overdue = || gateway.standing(&good) == Standing::Refused(Objection::Unavailable);
    until("nothing is known lately", overdue).await;
    assert!(gateway.staleness().unwrap() > check);
    assert_eq!(gateway.objection(&good), Some(Objection::Unavailable));
    drop(held);
    until("it is known again", || gateway.standing(&good) == Standing::Clear).await;
    assert_eq!(verdict(&gateway, &stranger).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_long_for_a_store_that_is_silent() {
    let house = House::new();
    let (ada, gateway) = (house.person("ada").await, house.gateway(SELDOM).await);
    let token = house.sign_in(&*house.gateway(SELDOM).await, &ada);
    let silence = house.counting.silence().await;
    let began = crate::clock::instant();
    assert_eq!(verdict(&gateway, &token).await, Ok(()), "served");
    let waited = crate::clock::instant().duration_since(began);
    assert!(waited >= Duration::from_secs(1) && waited < Duration::from_secs(10), "{waited:?}");
    let began = crate::clock::instant();
    for _ in 0..100 {
        assert_eq!(verdict(&gateway, &token).await, Ok(()));
    }
    assert!(crate::clock::instant().duration_since(began) < Duration::from_millis(900), "known to be down");
    drop(silence);
    until("it answers again", || gateway.standing(&token) == Standing::Clear).await;
}
