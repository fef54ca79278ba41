//! May the user behind a token still sign in, with the password they signed in with?
//!
//! Users are disabled, deleted and given new passwords behind our back, in a store that another application has too. What
//! is known of the users whose tokens are in use is kept in memory, and asked for again, in batches, often enough that
//! nothing is older than `account_check`. A user seen for the first time costs one question, shared by all requests
//! that wait for it; no other request asks or waits.
//!
//! Only tokens of a sign-in are checked (those with a `sid`, of our own issuer), and those of a trusted issuer whose people
//! are ours: one that was minted by hand names whom it likes. Their `pwv` says which password the sign-in was made with ([`PasswordVersion`]), so that a gateway which has
//! just started tells those from before a change, too. Where a hash is replaced and the password stays,
//! [`Accounts::same_password`] says so, in the store that gateways share.

mod asker;
mod books;
mod freshness;
mod known;
mod links;
mod queue;
mod redis;
mod shared;
mod sqlite;
mod sweep;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use self::books::Books;
use self::freshness::Freshness;
use self::known::{Known, State};
pub use self::known::{Objection, Standing};
use self::queue::Queue;
use self::shared::Shared;
use crate::clock::{Clock, UnixTime};
use crate::identity::{Digest, Subject, UserId};
use crate::password::PasswordHash;
use crate::revocation;
use crate::token::{self, KeyRing, PasswordVersion, Verified};
use crate::users::{User, UserStore};

/// What `[users]` says of checking accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `account_check`: how old what is known of a user in use may be; none: they are not looked at again.
    pub check: Option<Duration>,
    /// `on_down`.
    pub on_down: OnDown,
}

impl Default for Settings {
    fn default() -> Self {
        Self { check: Some(Duration::from_secs(60)), on_down: OnDown::Serve }
    }
}

/// What to do with good tokens when the user store cannot be asked whether their users are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDown {
    /// Go on refusing who is known to be out, accept the rest.
    Serve,
    /// 503: at once for users that are not known, for the others once what is known is older than `account_check`.
    Refuse,
}

/// What is shared by gateways cannot be asked or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the list of replaced hashes is not available: {0}")]
pub struct Unavailable(pub String);

/// How far ahead of our clock another gateway's may be when it issues a token, and behind.
const SKEW: Duration = Duration::from_secs(5);

/// What is known of the users whose tokens are in use.
pub struct Accounts {
    shared: Arc<Shared>,
    tasks: Vec<AbortHandle>,
}

impl Accounts {
    /// Starts asking `users` (until this is dropped). What gateways tell each other is beside the revocations that `log`
    /// describes; `tokens` and `keys` are those of the tokens to be checked.
    pub async fn open(
        settings: Settings,
        log: &revocation::Settings,
        users: Arc<dyn UserStore>,
        tokens: &token::Settings,
        keys: Arc<KeyRing>,
        clock: Clock,
    ) -> Result<Arc<Self>, Unavailable> {
        let spoken_for = tokens.trusted.iter().filter(|trusted| trusted.shared_subjects);
        let shared = Arc::new(Shared {
            settings,
            users,
            links: links::open(log).await?,
            keys,
            issuer: tokens.issuer.clone(),
            subject: tokens.subject.clone(),
            spoken_for: spoken_for.map(|trusted| trusted.name.clone()).collect(),
            remembered: tokens.max_lifetime + tokens.leeway + SKEW,
            clock,
            books: Books::default(),
            queue: Queue::default(),
            up: true.into(),
            answered: Freshness::new(),
            freshness: Freshness::new(),
            changed: watch::Sender::new(()),
        });
        let tasks = match settings.check {
            None => Vec::new(),
            Some(check) => vec![
                tokio::spawn(sweep::run(Arc::clone(&shared), check)).abort_handle(),
                tokio::spawn(asker::run(Arc::clone(&shared))).abort_handle(),
            ],
        };
        Ok(Arc::new(Self { shared, tasks }))
    }

    /// Whether this is a token whose user is looked at: of a sign-in here, or at another gateway of ours; or of an issuer
    /// that speaks for our users.
    fn concerns(&self, token: &Verified) -> bool {
        let ours = match token.trusted() {
            Some(name) => self.shared.spoken_for.iter().any(|issuer| issuer == name),
            None => token.login_id().is_some() && token.issuer() == self.shared.issuer,
        };
        ours && self.shared.settings.check.is_some()
    }

    /// How the user of a token stands, as far as memory says: no await, no lock that a writer holds for long, nothing
    /// allocated.
    pub fn standing(&self, token: &Verified) -> Standing {
        if !self.concerns(token) {
            return Standing::Clear;
        }
        if self.is_overdue() {
            return Standing::Refused(Objection::Unavailable);
        }
        let judged = self.shared.books.look(token.digests().user, |known| {
            let standing = known.judge(token.password_version());
            // A sign-in that came after the last answer may have come after a change for the better, too.
            let newer = token.issued_at().plus(SKEW) >= known.asked;
            if newer && matches!(standing, Standing::Refused(_)) { Standing::Unsettled } else { standing }
        });
        judged.unwrap_or(Standing::Unsettled)
    }

    /// Has the store asked about the user of a token that memory could not [settle](Self::standing). Waits a second at
    /// most, and not at all while the store is known to be down.
    pub async fn settle(&self, token: &Verified) -> Result<(), Objection> {
        if self.concerns(token) { self.shared.settle(token).await } else { Ok(()) }
    }

    /// What speaks against the user of a token that was good when it was let in. Who is not known is asked about, and may
    /// stay until the answer is there.
    pub fn objection(&self, token: &Verified) -> Option<Objection> {
        if !self.concerns(token) {
            return None;
        }
        if self.is_overdue() {
            return Some(Objection::Unavailable);
        }
        let judged =
            self.shared.books.look(token.digests().user, |known| known.judge(token.password_version()));
        match judged {
            Some(Standing::Clear) => None,
            Some(Standing::Refused(objection)) => Some(objection),
            Some(Standing::Unsettled) | None => {
                // A queue that is full is tried again at the next look.
                let _ = self.shared.queue.join(token);
                None
            }
        }
    }

    /// Changes whenever a user who was good may not be any more.
    pub fn changed(&self) -> watch::Receiver<()> {
        self.shared.changed.subscribe()
    }

    /// Takes note of a user as the store had them when it was asked at `asked`, for whom a token is about to be issued,
    /// and says what that token has to say of their password.
    pub fn signed_in(&self, subject: &Subject, user: &User, asked: UnixTime) -> PasswordVersion {
        let shared = &self.shared;
        if shared.settings.check.is_some() {
            let digest = shared.subject.digest(&shared.issuer, subject);
            shared.books.install(digest, shared.known(digest, user, asked), asked);
        }
        shared.keys.password_version(user.id.as_str(), user.password.expose())
    }

    /// Tells every gateway that `old` and `new` are hashes of one password of this user, so that sign-ins made when it
    /// was stored as `old` outlive the change. To be called before `new` is stored; if it fails, `old` has to stay.
    pub async fn same_password(
        &self,
        user: &UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<(), Unavailable> {
        let Shared { keys, issuer, links, clock, remembered, .. } = &*self.shared;
        let versions =
            |hash: &PasswordHash| keys.password_versions(user.as_str(), hash.expose()).collect::<Vec<_>>();
        let pairs: Vec<_> = versions(old).into_iter().zip(versions(new)).collect();
        let now = clock.now();
        links.add(Digest::of_passwords(issuer, user), &pairs, now, now.plus(*remembered)).await
    }

    /// How long ago what is known of all users in use was known to be so; none where they are not looked at.
    pub fn staleness(&self) -> Option<Duration> {
        self.shared.settings.check.map(|_| self.shared.freshness.age())
    }

    /// Whether the user store answered last time; none where it is not asked.
    pub fn store_up(&self) -> Option<bool> {
        self.shared.settings.check.map(|_| self.shared.is_up())
    }

    /// Users held.
    pub fn entries(&self) -> usize {
        self.shared.books.len()
    }

    fn is_overdue(&self) -> bool {
        let Settings { check, on_down } = self.shared.settings;
        on_down == OnDown::Refuse && check.is_some_and(|check| self.shared.freshness.age() > check)
    }
}

impl Drop for Accounts {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("settings", &self.shared.settings)
            .field("entries", &self.entries())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
