//! Where do tests sign in? A world of their own: real stores in a temporary folder, cheap hashes, a clock that stands.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::{Logins, PasswordGrant, SignInError, SignUp, SignUpError, SignUpRules, SignedIn, SignedUp};
use crate::access::{Denial, Gate, Reason};
use crate::accounts::{self, Accounts};
use crate::clock::{Clock, ManualClock, UnixTime};
use crate::identity::{Claims, Scopes, Subject, UserId};
use crate::password::{Hasher, HasherSettings, NewHash};
use crate::revocation::{self, Revocations, Store};
use crate::secret::Secret;
use crate::sessions::{Origin, Sessions};
use crate::throttle::{self, Throttle};
use crate::token::{Grant, Issuer, KeyRing, Minting, Settings, SubjectForm, Verified, Verifier};
use crate::users::SqliteUsers;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse";

/// What happens on the hashing thread when a password has been hashed or checked.
type Meanwhile = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A gateway's login, without its sockets.
pub(crate) struct Trial {
    pub(crate) logins: Arc<Logins>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) users: SqliteUsers,
    pub(crate) hand: ManualClock,
    meanwhile: Meanwhile,
    rehashed: tokio::sync::Mutex<mpsc::UnboundedReceiver<&'static str>>,
    pub(crate) folder: TempDir,
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
        Self::hashing(subject, store, Self::rules(), HasherSettings::of(NewHash::Bcrypt { cost: 4 })).await
    }

    /// One that replaces hashes with these settings.
    pub(crate) async fn rehashing(settings: HasherSettings) -> Self {
        let store = |folder: &Path| Store::Sqlite(folder.join("gatepass.db"));
        Self::hashing(SubjectForm::Id, store, Self::rules(), settings).await
    }

    /// One where people sign up by these rules.
    pub(crate) async fn ruled(
        subject: SubjectForm,
        store: impl Fn(&Path) -> Store,
        rules: SignUpRules,
    ) -> Self {
        Self::hashing(subject, store, rules, HasherSettings::of(NewHash::Bcrypt { cost: 4 })).await
    }

    fn rules() -> SignUpRules {
        let scopes = Scopes::parse("event:read event:write").unwrap();
        SignUpRules { scopes, ..SignUpRules::default() }
    }

    async fn hashing(
        subject: SubjectForm,
        store: impl Fn(&Path) -> Store,
        rules: SignUpRules,
        hashing: HasherSettings,
    ) -> Self {
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
            minting: Minting::default(),
            trusted: Vec::new(),
            claims: Vec::new(),
        };
        let log = revocation::Settings {
            max_staleness: Duration::from_secs(60),
            ..revocation::Settings::of(store(folder.path()))
        };
        let users = SqliteUsers::open(&folder.path().join("users.db")).unwrap();
        let keys = Arc::new(KeyRing::new(&settings));
        let verifier = Arc::new(Verifier::new(&settings, Arc::clone(&keys), clock.clone()));
        let revocations = Revocations::open(&log, clock.clone()).await.unwrap();
        let sessions = Sessions::open(&log, Arc::clone(&revocations), &settings.issuer, clock.clone());
        let sessions = sessions.await.unwrap();
        let accounts = accounts::Settings::default();
        let (store, ring) = (Arc::new(users.clone()), Arc::clone(&keys));
        let accounts = Accounts::open(accounts, &log, store, &settings, ring, clock.clone()).await.unwrap();
        let mut throttle = throttle::Settings::default();
        if let Store::Redis(_) = log.store {
            // One that is not there; people have signed up before.
            (throttle.signups, throttle.signups_total) = (None, None);
        }
        let throttle = Throttle::open(&log, throttle, &settings.issuer, clock.clone()).await.unwrap();
        let meanwhile = Meanwhile::default();
        let logins = Logins::new(
            Arc::new(users.clone()),
            Arc::new(hasher(&hashing, Arc::clone(&meanwhile))),
            Issuer::new(&settings, keys, clock.clone()),
            Arc::clone(&verifier),
            Arc::clone(&revocations),
            Arc::clone(&accounts),
            Arc::clone(&sessions),
            throttle,
            &settings,
            rules,
            clock,
        );
        let (sender, rehashed) = mpsc::unbounded_channel();
        let logins = Arc::new(logins.rehashing(Arc::new(move |result| {
            let _ = sender.send(result);
        })));
        let gate = Arc::new(Gate::new(verifier, revocations, accounts, sessions));
        let rehashed = tokio::sync::Mutex::new(rehashed);
        Self { logins, gate, users, hand, meanwhile, rehashed, folder }
    }

    /// Has `act` happen when the next password has been checked, before its sign-in goes on.
    pub(crate) fn meanwhile(&self, act: impl FnOnce() + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Box::new(act));
    }

    /// What became of the next hash that was to be replaced.
    pub(crate) async fn rehashed(&self) -> &'static str {
        self.rehashed.lock().await.recv().await.unwrap()
    }

    /// Whether no hash was to be replaced, up to now.
    pub(crate) async fn left_alone(&self) -> bool {
        self.rehashed.lock().await.try_recv().is_err()
    }

    pub(crate) async fn try_sign_up(&self, email: &str) -> Result<SignedUp, SignUpError> {
        let sign_up =
            SignUp { email: email.into(), password: PASSWORD.into(), claims: Vec::new(), client: None };
        self.logins.sign_up(sign_up).await
    }

    pub(crate) async fn sign_up(&self, email: &str) -> UserId {
        match self.try_sign_up(email).await {
            Ok(SignedUp::New(id)) => id,
            other => panic!("{other:?}"),
        }
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
            claims: Claims::default(),
        });
        issued.token
    }

    /// Brings a token to the gate.
    pub(crate) fn bring(&self, signed_in: &SignedIn) -> Result<Arc<Verified>, Reason> {
        let bearer = format!("Bearer {}", signed_in.issued.token).parse().unwrap();
        let headers = http::HeaderMap::from_iter([(http::header::AUTHORIZATION, bearer)]);
        // Of whom has just signed in, memory says everything.
        let known = self.gate.authenticate(&headers).now_or_never().expect("nobody is asked");
        known.map_err(|Denial { reason, .. }| reason)
    }
}

fn hasher(settings: &HasherSettings, meanwhile: Meanwhile) -> Hasher {
    let observe = move |_| {
        if let Some(act) = meanwhile.lock().unwrap().take() {
            act();
        }
    };
    let settings = HasherSettings { queue: 16, observe: Some(Arc::new(observe)), ..settings.clone() };
    Hasher::start(settings).unwrap()
}
