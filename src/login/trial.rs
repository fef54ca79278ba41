//! Where do tests sign in? A world of their own: real stores in a temporary folder, cheap hashes, a clock that stands.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;

use super::{Logins, PasswordGrant, SignInError, SignUp, SignedIn};
use crate::access::{Denial, Gate, Reason};
use crate::clock::{Clock, ManualClock, UnixTime};
use crate::identity::{Scopes, Subject, UserId};
use crate::password::{Hasher, HasherSettings};
use crate::revocation::{self, Revocations, Store};
use crate::secret::Secret;
use crate::sessions::{Origin, Sessions};
use crate::throttle::{self, Throttle};
use crate::token::{Grant, Issuer, KeyRing, Settings, SubjectForm, Verified, Verifier};
use crate::users::UserStore;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse";

/// What happens on the hashing thread when a password has been hashed or checked.
type Meanwhile = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A gateway's login, without its sockets.
pub(crate) struct Trial {
    pub(crate) logins: Arc<Logins>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) users: UserStore,
    pub(crate) hand: ManualClock,
    meanwhile: Meanwhile,
    _folder: TempDir,
}

impl Trial {
    pub(crate) async fn start() -> Self {
        Self::with(SubjectForm::Id, |folder| Store::Sqlite(folder.join("gatepass.db"))).await
    }

    /// One whose revocations are in a Redis that is not there.
    pub(crate) async fn without_redis() -> Self {
        // Nobody answers at a port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::with(SubjectForm::Id, |_| Store::Redis(Secret::from(format!("redis://127.0.0.1:{port}/"))))
            .await
    }

    pub(crate) async fn with(subject: SubjectForm, store: impl Fn(&Path) -> Store) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::manual(UnixTime::from_secs(1_900_000_000));
        let settings = Settings {
            issuer: "https://gate.example".into(),
            audience: "planner".into(),
            lifetime: Duration::from_secs(1800),
            max_lifetime: Duration::from_secs(86_400),
            leeway: Duration::ZERO,
            secret: Secret::new(crate::secret::random::<32>().to_vec()),
            previous: Vec::new(),
            subject,
            cache_bytes: 1 << 20,
        };
        let log = revocation::Settings {
            max_staleness: Duration::from_secs(60),
            ..revocation::Settings::of(store(folder.path()))
        };
        let users = UserStore::open(&folder.path().join("users.db")).unwrap();
        let keys = Arc::new(KeyRing::new(&settings));
        let verifier = Arc::new(Verifier::new(&settings, Arc::clone(&keys), clock.clone()));
        let revocations = Revocations::open(&log, clock.clone()).await.unwrap();
        let sessions = Sessions::open(&log, Arc::clone(&revocations), &settings.issuer, clock.clone());
        let sessions = sessions.await.unwrap();
        let throttle = throttle::Settings::default();
        let throttle = Throttle::open(&log, throttle, &settings.issuer, clock.clone()).await.unwrap();
        let meanwhile = Meanwhile::default();
        let logins = Logins::new(
            users.clone(),
            Arc::new(hasher(Arc::clone(&meanwhile))),
            Issuer::new(&settings, keys, clock.clone()),
            Arc::clone(&verifier),
            Arc::clone(&revocations),
            Arc::clone(&sessions),
            throttle,
            &settings,
            Scopes::parse("event:read event:write").unwrap(),
            clock,
        );
        let gate = Arc::new(Gate::new(verifier, revocations, sessions));
        Self { logins: Arc::new(logins), gate, users, hand, meanwhile, _folder: folder }
    }

    /// Has `act` happen when the next password has been checked, before its sign-in goes on.
    pub(crate) fn meanwhile(&self, act: impl FnOnce() + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Box::new(act));
    }

    pub(crate) async fn sign_up(&self, email: &str) -> UserId {
        self.logins.sign_up(SignUp { email: email.into(), password: PASSWORD.into() }).await.unwrap()
    }

    pub(crate) async fn try_sign_in(&self, username: &str, password: &str) -> Result<SignedIn, SignInError> {
        let grant = PasswordGrant {
            username: username.into(),
            password: password.into(),
            scope: None,
            client: None,
            origin: Origin::default(),
        };
        self.logins.sign_in(grant).await.map_err(|failed| failed.error)
    }

    pub(crate) async fn sign_in(&self, username: &str) -> SignedIn {
        self.try_sign_in(username, PASSWORD).await.unwrap()
    }

    /// A good token that came of no sign-in.
    pub(crate) fn minted(&self) -> String {
        let issued = self.logins.issuer.issue(Grant {
            subject: Subject::parse("car:42").unwrap(),
            preferred_username: None,
            email: None,
            scopes: Scopes::default(),
            login: None,
            client_id: "test".into(),
            lifetime: None,
        });
        issued.token
    }

    /// Brings a token to the gate.
    pub(crate) fn bring(&self, signed_in: &SignedIn) -> Result<Arc<Verified>, Reason> {
        let bearer = format!("Bearer {}", signed_in.issued.token).parse().unwrap();
        let headers = http::HeaderMap::from_iter([(http::header::AUTHORIZATION, bearer)]);
        self.gate.authenticate(&headers).map_err(|Denial { reason, .. }| reason)
    }
}

fn hasher(meanwhile: Meanwhile) -> Hasher {
    let observe = move |_| {
        if let Some(act) = meanwhile.lock().unwrap().take() {
            act();
        }
    };
    let settings = HasherSettings { cost: 4, threads: 1, queue: 16, observe: Some(Arc::new(observe)) };
    Hasher::start(settings).unwrap()
}
