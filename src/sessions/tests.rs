//! Does the list show who is signed in, and nobody else?

use super::*;
use crate::clock::ManualClock;
use crate::identity::Subject;
use crate::revocation::{Revocation, Scope, Settings};

const ISSUER: &str = "https://gate.example";
const START: UnixTime = UnixTime::from_secs(1_900_000_020);
const HOUR: Duration = Duration::from_secs(3600);

struct House {
    sessions: Arc<Sessions>,
    revocations: Arc<Revocations>,
    hand: ManualClock,
    _folder: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::of(Store::Sqlite(folder.path().join("gatepass.db")));
        let (clock, hand) = Clock::manual(START);
        let revocations = Revocations::open(&settings, clock.clone()).await.unwrap();
        let sessions = Sessions::open(&settings, Arc::clone(&revocations), ISSUER, clock).await.unwrap();
        Self { sessions, revocations, hand, _folder: folder }
    }

    async fn sign_in(&self, user: &str, device: &str) -> LoginId {
        let (login, version) = (LoginId::new(), self.revocations.login_version().await.unwrap());
        let origin = Origin::new("::ffff:10.0.0.9".parse().ok(), Some(device));
        self.sessions.begin(digest(user), login.clone(), version, HOUR, origin).await.unwrap();
        login
    }

    async fn devices(&self, user: &str) -> Vec<String> {
        let sessions = self.sessions.of_user(digest(user)).await.unwrap();
        sessions.into_iter().filter_map(|session| session.origin.device).collect()
    }

    async fn revoke(&self, scope: Scope, digest: Digest) {
        let expires = START.plus(HOUR * 2);
        self.revocations.revoke(Revocation { scope, digest, expires }).await.unwrap();
    }
}

fn digest(user: &str) -> Digest {
    Digest::of_user(ISSUER, &Subject::parse(user).unwrap())
}

#[tokio::test]
async fn what_is_listed_is_what_is_good() {
    let house = House::new().await;
    let phone = house.sign_in("ada", "phone").await;
    house.sign_in("ada", "laptop").await;
    house.sign_in("bob", "tablet").await;
    assert_eq!(house.devices("ada").await, ["laptop", "phone"], "the latest first");
    house.revoke(Scope::Login, Digest::of_login(ISSUER, &phone)).await;
    assert_eq!(house.devices("ada").await, ["laptop"]);
    house.revoke(Scope::User, digest("ada")).await;
    assert!(house.devices("ada").await.is_empty());
    house.sign_in("ada", "another").await;
    assert_eq!(house.devices("ada").await, ["another"], "signed in after everything was ended");
    assert_eq!(house.devices("bob").await, ["tablet"]);
    house.hand.advance(HOUR);
    assert!(house.devices("bob").await.is_empty(), "expired");
}

#[tokio::test]
async fn a_session_says_where_and_when() {
    let house = House::new().await;
    let login = house.sign_in("ada", "curl/8\u{7}\u{202e} (x)").await;
    let found = house.sessions.of_user(digest("ada")).await.unwrap().remove(0);
    assert_eq!((&found.login, found.since, found.expires), (&login, START, START.plus(HOUR)));
    assert_eq!(found.last_seen, UnixTime::from_secs(1_900_000_020 / 60 * 60));
    assert_eq!(found.origin.address.as_deref(), Some("10.0.0.9"));
    assert_eq!(found.origin.device.as_deref(), Some("curl/8 (x)"), "nothing that a terminal would obey");

    let at = UnixTime::from_secs(1_900_000_200);
    let sighting = Sighting { user: digest("ada"), login, at };
    house.sessions.shared.seen.note(sighting.clone());
    house.sessions.shared.seen.note(Sighting { at: START, ..sighting });
    let stranger = Sighting { user: digest("ada"), login: LoginId::new(), at };
    house.sessions.shared.seen.note(stranger);
    house.sessions.flush().await;
    let found = house.sessions.of_user(digest("ada")).await.unwrap();
    assert_eq!(found.iter().map(|session| session.last_seen).collect::<Vec<_>>(), [at]);
    assert!(house.sessions.shared.seen.take().is_empty());
}

#[tokio::test]
async fn the_list_of_one_user_has_an_end() {
    let house = House::new().await;
    for n in 0..LISTED + 3 {
        house.sign_in("ada", &n.to_string()).await;
    }
    let devices = house.devices("ada").await;
    assert_eq!((devices.len(), devices[0].as_str()), (LISTED, "102"));
    assert_eq!(devices[LISTED - 1], "3");
}
