//! Users in a file, people with tokens, and gateways that check them.

use std::path::PathBuf;
use std::sync::Mutex;

use async_trait::async_trait;

use super::super::*;
use crate::clock::ManualClock;
use crate::identity::{AskedLogin, Claims, LoginId, LoginName, Scopes};
use crate::revocation::Store;
use crate::secret::Secret;
use crate::token::{Grant, Issuer, SubjectForm, Verifier};
use crate::users::{CreateError, SqliteUsers, StoreError};

pub(super) const START: UnixTime = UnixTime::from_secs(1_900_000_000);

/// Often enough that nobody waits for it, and seldom enough that a slow machine keeps up.
pub(super) const OFTEN: Settings =
    Settings { check: Some(Duration::from_millis(200)), on_down: OnDown::Serve };
/// Never within a test, but for the round at the start.
pub(super) const SELDOM: Settings =
    Settings { check: Some(Duration::from_secs(3600)), on_down: OnDown::Serve };

/// Everything but gateways.
pub(super) struct House {
    pub(super) folder: tempfile::TempDir,
    pub(super) counting: Arc<Counting>,
    pub(super) tokens: token::Settings,
    pub(super) log: revocation::Settings,
    pub(super) clock: Clock,
    pub(super) hand: ManualClock,
}

/// Somebody who may sign in.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) user: User,
}

impl House {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::manual(START);
        let users = SqliteUsers::open(&folder.path().join("users.db")).unwrap();
        Self {
            counting: Arc::new(Counting { users, asked: Mutex::default(), silent: Arc::default() }),
            tokens: token::Settings {
                issuer: "https://gate.example".into(),
                audience: "planner".into(),
                lifetime: Duration::from_secs(3600),
                max_lifetime: Duration::from_secs(86_400),
                leeway: Duration::ZERO,
                secret: Secret::from("paper clips, 32 bytes and some more"),
                previous: Vec::new(),
                subject: SubjectForm::Id,
                cache_bytes: 1 << 20,
                minting: token::Minting::default(),
                trusted: Vec::new(),
                claims: Vec::new(),
            },
            log: revocation::Settings::of(Store::Sqlite(folder.path().join("gatepass.db"))),
            folder,
            clock,
            hand,
        }
    }

    pub(super) fn keys(&self) -> Arc<KeyRing> {
        Arc::new(KeyRing::new(&self.tokens))
    }

    /// A gateway that has just started.
    pub(super) async fn gateway(&self, settings: Settings) -> Arc<Accounts> {
        let users = Arc::clone(&self.counting) as Arc<dyn UserStore>;
        Accounts::open(settings, &self.log, users, &self.tokens, self.keys(), self.clock.clone())
            .await
            .unwrap()
    }

    pub(super) async fn person(&self, login: &str) -> Person {
        let user = User {
            id: UserId::new(),
            login: LoginName::parse(login).unwrap(),
            email: None,
            password: hash(login),
            scopes: Scopes::default(),
            disabled: false,
            claims: Claims::default(),
            created: None,
        };
        self.counting.users.create(user.clone()).await.unwrap();
        Person { user }
    }

    /// Somebody signs in at `gateway`; what the token says.
    pub(super) fn sign_in(&self, gateway: &Accounts, person: &Person) -> Arc<Verified> {
        let subject = self.subject(person);
        let password = gateway.signed_in(&subject, &person.user, self.clock.now());
        self.token(&subject, Some(LoginId::new()), Some(password))
    }

    pub(super) fn subject(&self, person: &Person) -> Subject {
        match &self.tokens.subject {
            SubjectForm::Id => Subject::parse(person.user.id.as_str()).unwrap(),
            SubjectForm::Login { prefix } => {
                Subject::parse(&format!("{prefix}{}", person.user.login)).unwrap()
            }
        }
    }

    pub(super) fn token(
        &self,
        subject: &Subject,
        login: Option<LoginId>,
        password: Option<PasswordVersion>,
    ) -> Arc<Verified> {
        let grant = Grant {
            subject: subject.clone(),
            preferred_username: None,
            email: None,
            scopes: Scopes::default(),
            login: login.map(|login| (login, 1)),
            client_id: "test".into(),
            lifetime: None,
            claims: Claims::default(),
        };
        let issued = Issuer::new(&self.tokens, self.keys(), self.clock.clone()).issue_for(grant, password);
        let verifier = Verifier::new(&self.tokens, self.keys(), self.clock.clone());
        verifier.verify(&issued.token).unwrap()
    }

    /// Another application changes the users, behind our back.
    pub(super) fn behind(&self, sql: &str) {
        self.other().execute_batch(sql).unwrap();
    }

    /// Another application's connection.
    pub(super) fn other(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.users_file()).unwrap()
    }

    pub(super) fn users_file(&self) -> PathBuf {
        self.folder.path().join("users.db")
    }

    /// Waits until the store has been asked so often.
    pub(super) async fn questions(&self, count: usize) {
        let seen = std::cell::Cell::new(0);
        self.counting.asked();
        until("so many questions", || {
            seen.set(seen.get() + self.counting.asked().len());
            seen.get() >= count
        })
        .await;
    }

    /// Time enough for every clock to agree on what came first.
    pub(super) fn later(&self) {
        self.hand.advance(SKEW * 2);
    }
}

pub(super) fn hash(of: &str) -> PasswordHash {
    PasswordHash::from_store(format!("$2b$12$hash-of-{of}"))
}

/// Waits for it.
pub(super) async fn until(what: &str, met: impl Fn() -> bool) {
    let deadline = crate::clock::instant() + Duration::from_secs(60);
    while !met() {
        assert!(crate::clock::instant() < deadline, "never: {what}");
        tokio::task::yield_now().await;
    }
}

/// How a token stands in the end, whether memory knows or the store has to be asked.
pub(super) async fn verdict(gateway: &Accounts, token: &Verified) -> Result<(), Objection> {
    match gateway.standing(token) {
        Standing::Clear => Ok(()),
        Standing::Refused(objection) => Err(objection),
        Standing::Unsettled => gateway.settle(token).await,
    }
}

/// The store, and what it was asked: each question by the number of users it was about.
#[derive(Debug)]
pub(super) struct Counting {
    pub(super) users: SqliteUsers,
    asked: Mutex<Vec<usize>>,
    silent: Arc<tokio::sync::RwLock<()>>,
}

impl Counting {
    /// As long as what it returns lives, nobody has an answer about several users.
    pub(super) async fn silence(&self) -> tokio::sync::OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.silent).write_owned().await
    }

    fn note(&self, about: usize) {
        self.asked.lock().unwrap().push(about);
    }

    /// The questions about users since the last time.
    pub(super) fn asked(&self) -> Vec<usize> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

#[async_trait]
impl UserStore for Counting {
    async fn by_login(&self, login: &AskedLogin) -> Result<Option<User>, StoreError> {
        self.note(1);
        self.users.by_login(login).await
    }
    async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.note(1);
        self.users.by_id(id).await
    }
    async fn by_ids(&self, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
        self.note(ids.len());
        let _silence = self.silent.read().await;
        self.users.by_ids(ids).await
    }
    async fn page(&self, after: Option<&UserId>, most: usize) -> Result<Vec<User>, StoreError> {
        self.users.page(after, most).await
    }
    async fn create(&self, user: User) -> Result<UserId, CreateError> {
        self.users.create(user).await
    }
    async fn set_password(&self, id: &UserId, hash: PasswordHash) -> Result<bool, StoreError> {
        self.users.set_password(id, hash).await
    }
    async fn replace_password(
        &self,
        id: &UserId,
        from: &PasswordHash,
        to: PasswordHash,
    ) -> Result<bool, StoreError> {
        self.users.replace_password(id, from, to).await
    }
    async fn set_scopes(&self, id: &UserId, scopes: Scopes) -> Result<bool, StoreError> {
        self.users.set_scopes(id, scopes).await
    }
    async fn set_disabled(&self, id: &UserId, disabled: bool) -> Result<bool, StoreError> {
        self.users.set_disabled(id, disabled).await
    }
    async fn delete(&self, id: &UserId) -> Result<bool, StoreError> {
        self.users.delete(id).await
    }
    async fn sample(&self) -> Result<Vec<PasswordHash>, StoreError> {
        self.users.sample().await
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.users.ping().await
    }
    async fn advice(&self) -> Result<Vec<String>, StoreError> {
        self.users.advice().await
    }
    fn read_only(&self) -> Option<&'static str> {
        self.users.read_only()
    }
    fn is_shared(&self) -> bool {
        self.users.is_shared()
    }
}
