//! Does a hash that is replaced while the password stays end nobody's sign-in, at no gateway?

use super::house::{House, OFTEN, Person, SELDOM, hash, verdict};
use super::*;
use crate::revocation::Store;
use crate::secret::Secret;

/// Replaces the hash as a sign-in does: first it is told, then it is done.
async fn rehash(house: &House, gateway: &Accounts, person: &Person, to: &str) -> Person {
    let (user, new) = (&person.user, hash(to));
    gateway.same_password(&user.id, &user.password, &new).await.unwrap();
    assert!(house.counting.replace_password(&user.id, &user.password, new.clone()).await.unwrap());
    Person { user: User { password: new, ..user.clone() } }
}

#[tokio::test]
async fn sign_ins_outlive_a_better_hash_everywhere() {
    let mut house = House::new();
    let (here, there) = (house.gateway(OFTEN).await, house.gateway(OFTEN).await);
    let ada = house.person("ada").await;
    let first = house.sign_in(&here, &ada);
    assert_eq!(verdict(&there, &first).await, Ok(()));
    let stays = async |house: &House, token: &Verified| {
        house.later();
        for gateway in [&here, &there] {
            // Until every gateway has met the new hash.
            house.questions(6).await;
            assert_eq!(verdict(gateway, token).await, Ok(()));
            assert_eq!(gateway.objection(token), None);
        }
        assert_eq!(
            verdict(&*house.gateway(SELDOM).await, token).await,
            Ok(()),
            "a gateway that starts later"
        );
    };
    let better = rehash(&house, &here, &ada, "better").await;
    stays(&house, &first).await;
    let second = house.sign_in(&there, &better);
    let best = rehash(&house, &there, &better, "best").await;
    stays(&house, &first).await;
    stays(&house, &second).await;

    // With a new secret, tokens and what was told before it are by the former one.
    house.tokens.previous = vec![house.tokens.secret.clone()];
    house.tokens.secret = Secret::from("another secret, as long as the first");
    let rotated = house.gateway(SELDOM).await;
    assert_eq!((verdict(&rotated, &first).await, verdict(&rotated, &second).await), (Ok(()), Ok(())));
    let third = house.sign_in(&rotated, &best);
    rehash(&house, &rotated, &best, "the very best").await;
    let last = house.gateway(SELDOM).await;
    for token in [&first, &second, &third] {
        assert_eq!(verdict(&last, token).await, Ok(()));
    }

    // A new password is another matter.
    house.behind("UPDATE users SET password = '$2b$12$another'");
    let last = house.gateway(SELDOM).await;
    for token in [&first, &second, &third] {
        assert_eq!(verdict(&last, token).await, Err(Objection::PasswordChanged));
    }
}

#[tokio::test]
async fn it_is_known_for_as_long_as_a_token_lives() {
    let house = House::new();
    let gateway = house.gateway(SELDOM).await;
    let ada = house.person("ada").await;
    let links = |user: &UserId| {
        let user = Digest::of_passwords(&house.tokens.issuer, user);
        let (shared, now) = (Arc::clone(&gateway.shared), house.clock.now());
        async move { shared.links.of(&[user], now).await.unwrap().remove(0).len() }
    };
    let better = rehash(&house, &gateway, &ada, "better").await;
    assert_eq!(links(&ada.user.id).await, 1);
    house.hand.advance(house.tokens.max_lifetime);
    assert_eq!(links(&ada.user.id).await, 1);
    house.hand.advance(SKEW + Duration::from_secs(1));
    assert_eq!(links(&ada.user.id).await, 0);
    rehash(&house, &gateway, &better, "best").await;
    let held = rusqlite::Connection::open(house.folder.path().join("gatepass.db")).unwrap();
    let rows: u32 = held.query_row("SELECT count(*) FROM replaced_hashes", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1, "what is forgotten is gone");
}

#[tokio::test]
async fn what_cannot_be_told_is_not_done_and_what_cannot_be_read_is_not_believed() {
    let mut house = House::new();
    let ada = house.person("ada").await;
    let token = house.sign_in(&*house.gateway(SELDOM).await, &ada);
    // Nobody answers at a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    house.log = revocation::Settings::of(Store::Redis(Secret::from(format!("redis://127.0.0.1:{port}/"))));
    let gateway = house.gateway(SELDOM).await;
    let told = gateway.same_password(&ada.user.id, &ada.user.password, &hash("better")).await;
    assert!(told.is_err());
    assert_eq!(
        verdict(&gateway, &token).await,
        Ok(()),
        "the stored hash is the token's: nothing is to be read"
    );
    house.behind("UPDATE users SET password = '$2b$12$another'");
    let gateway = house.gateway(SELDOM).await;
    assert_eq!(verdict(&gateway, &token).await, Err(Objection::Unavailable), "it might be the same password");
    assert!(gateway.store_up().unwrap(), "the users do answer");
}
