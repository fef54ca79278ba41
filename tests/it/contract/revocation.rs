//! What must a log of revocations do, whichever it is?

mod faults;
mod memory;
mod suite;

pub(crate) use suite::everything_once;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use gatepass::clock::{Clock, UnixTime, instant};
use gatepass::identity::{Digest, LoginId, RevocationDigests, Subject, TokenId};
use gatepass::revocation::{Revocation, Revocations, Scope, Settings, Standing, Store, Unavailable};
use gatepass::secret::Secret;

use crate::redis::{cluster, tls};
use crate::world::redis::Redis;

const ISSUER: &str = "https://issuer.example";

/// How long anything may take that is waited for.
const DEADLINE: Duration = Duration::from_secs(60);

/// A log, wherever it is, that any number of handles may open.
pub(crate) struct Place {
    pub(crate) settings: Settings,
    pub(crate) _keeps: Box<dyn Any + Send + Sync>,
}

impl Place {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::Sqlite(folder.path().join("gatepass.db"));
        Self { settings: settings(store), _keeps: Box::new(folder) }
    }

    fn redis() -> Self {
        let redis = Redis::start();
        Self { settings: on(&redis), _keeps: Box::new(redis) }
    }

    /// A node of a cluster, with all of its keys.
    fn cluster() -> Self {
        let node = cluster::alone();
        let store = Store::Redis(Secret::from(node.url().replace("redis://", "redis+cluster://")));
        Self { settings: settings(store), _keeps: Box::new(node) }
    }

    fn tls() -> Self {
        let certificate = tls::pair("localhost");
        let (redis, port) = Redis::start_with_tls(certificate.path());
        let store = Store::Redis(Secret::from(format!("rediss://localhost:{port}")));
        let ca = Some(certificate.path().join("cert.pem"));
        Self { settings: Settings { ca, ..settings(store) }, _keeps: Box::new((redis, certificate)) }
    }

    async fn open(&self) -> Arc<Revocations> {
        open(&self.settings).await
    }
}

pub(crate) fn settings(store: Store) -> Settings {
    // Longer than a busy machine keeps a task waiting: those of other bounds say so.
    Settings { max_staleness: DEADLINE, ..Settings::of(store) }
}

fn on(redis: &Redis) -> Settings {
    settings(Store::Redis(Secret::from(redis.url())))
}

/// A handle that is ready.
pub(crate) async fn open(settings: &Settings) -> Arc<Revocations> {
    let revocations = Revocations::open(settings, Clock::system()).await.unwrap();
    until("the set is loaded", || revocations.is_ready()).await;
    revocations
}

/// Waits until `holds` does; a failure says what was waited for.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(2));
    let seen = async {
        while !holds() {
            looks.tick().await;
        }
    };
    assert!(tokio::time::timeout(DEADLINE, seen).await.is_ok(), "waited in vain until {what}");
}

/// Asks until the log answers. A Redis that a busy machine holds up is late, and then a write says no rightly; nothing
/// excuses a file that does.
async fn at_last<T, F>(revocations: &Revocations, ask: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, Unavailable>>,
{
    let start = instant();
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => {
                let may_be_late = revocations.store_name() == "redis" && start.elapsed() < DEADLINE;
                assert!(may_be_late, "{error}");
            }
        }
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn revoke(revocations: &Revocations, order: Revocation) {
    at_last(revocations, || revocations.revoke(order)).await;
}

async fn lift(revocations: &Revocations, order: Revocation) {
    at_last(revocations, || revocations.lift(order)).await;
}

async fn login_version(revocations: &Revocations) -> u64 {
    at_last(revocations, || revocations.login_version()).await
}

pub(crate) fn now() -> UnixTime {
    Clock::system().now()
}

/// A token: one of user `user`'s, from their sign-in `login`.
pub(crate) fn token(user: &str, login: &str, token: &str) -> RevocationDigests {
    RevocationDigests {
        token: Digest::of_token(ISSUER, &TokenId::parse(token).unwrap()),
        login: Some(Digest::of_login(ISSUER, &LoginId::parse(login).unwrap())),
        user: Digest::of_user(ISSUER, &Subject::parse(user).unwrap()),
        key: Digest::of_key(ISSUER, "key-1"),
    }
}

pub(crate) fn order(scope: Scope, token: &RevocationDigests) -> Revocation {
    let digest = match scope {
        Scope::Token => token.token,
        Scope::Login => token.login.unwrap(),
        Scope::User => token.user,
        Scope::Key => token.key,
    };
    Revocation { scope, digest, expires: now().plus(Duration::from_secs(3600)) }
}

/// How a token of our own stands that was issued now, with a login version of long ago.
pub(crate) fn standing(revocations: &Revocations, token: &RevocationDigests) -> Standing {
    revocations.standing(token, Some(1), now(), None)
}

pub(crate) fn is_revoked(revocations: &Revocations, token: &RevocationDigests) -> bool {
    matches!(standing(revocations, token), Standing::Revoked(_))
}
