//! What do the requests, the rounds and the questions share?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::links::Links;
use super::{Books, Freshness, Known, Objection, OnDown, Queue, SKEW, Settings, Standing, State};
use crate::clock::{self, Clock, UnixTime};
use crate::identity::Digest;
use crate::token::{KeyRing, SubjectForm, Verified};
use crate::users::{User, UserStore};

/// How long a request waits for an answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The most questions that one request waits for.
const TRIES: usize = 3;

pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) users: Arc<dyn UserStore>,
    pub(super) links: Box<dyn Links>,
    pub(super) keys: Arc<KeyRing>,
    pub(super) issuer: String,
    pub(super) subject: SubjectForm,
    /// The trusted issuers whose people are ours.
    pub(super) spoken_for: Box<[String]>,
    /// How long no token is forgotten that was issued before now.
    pub(super) remembered: Duration,
    pub(super) clock: Clock,
    pub(super) books: Books,
    pub(super) queue: Queue,
    pub(super) up: AtomicBool,
    /// When the store last had an answer.
    pub(super) answered: Freshness,
    /// When everybody was last asked about.
    pub(super) freshness: Freshness,
    pub(super) changed: watch::Sender<()>,
}

impl Shared {
    /// A user of the store as the one whom tokens with the digest `who` name; which hashes were replaced is not read yet.
    pub(super) fn known(&self, who: Digest, user: &User, asked: UnixTime) -> Known {
        let id = Some(user.id.clone());
        if !self.is_named(who, user) {
            return Known::gone(id, asked);
        }
        let versions: Box<[_]> =
            self.keys.password_versions(user.id.as_str(), user.password.expose()).collect();
        Known {
            id,
            state: if user.disabled { State::Disabled } else { State::Active },
            current: u8::try_from(versions.len()).unwrap_or(u8::MAX),
            versions,
            linked: false,
            asked,
        }
    }

    /// Whether the tokens of `user` have this digest of their subject: a login may have been given to another.
    fn is_named(&self, who: Digest, user: &User) -> bool {
        let subject = self.subject.of(&user.id, &user.login);
        subject.is_ok_and(|subject| self.subject.digest(&self.issuer, &subject) == who)
    }

    /// Waits until the store has said what is to be said of this token.
    pub(super) async fn settle(&self, token: &Verified) -> Result<(), Objection> {
        let mut objection = Objection::Unavailable;
        for _ in 0..TRIES {
            let joined = self.queue.join(token);
            if !self.is_up() {
                // It is asked all the same: so it is noticed when it answers again.
                return self.unanswered();
            }
            let Ok((mut ear, is_new)) = joined else { return Err(Objection::Overloaded) };
            let heard = tokio::time::timeout(PATIENCE, ear.wait_for(Option::is_some)).await;
            let answer = match heard {
                Ok(Ok(answer)) => answer.clone(),
                // The one who asks is gone, with the gateway.
                Ok(Err(_)) => None,
                // It does answer, but there are too many to ask about.
                Err(_) if self.answered.age() < PATIENCE / 2 => return Err(Objection::Overloaded),
                Err(_) => {
                    self.is_down(&format!("no answer within {} ms", PATIENCE.as_millis()));
                    None
                }
            };
            let Some(Ok(known)) = answer else { return self.unanswered() };
            match known.judge(token.password_version()) {
                Standing::Clear => return Ok(()),
                // A question that others had asked may be older than the sign-in.
                Standing::Refused(why) if !is_new && token.issued_at().plus(SKEW) >= known.asked => {
                    objection = why;
                }
                Standing::Refused(why) => return Err(why),
                // Others had asked, of whose tokens it could be told. Of this one it cannot, if it asked itself.
                Standing::Unsettled if is_new => break,
                Standing::Unsettled => {}
            }
        }
        Err(objection)
    }

    /// What becomes of a token whose user could not be asked about.
    fn unanswered(&self) -> Result<(), Objection> {
        match self.settings.on_down {
            OnDown::Serve => Ok(()),
            OnDown::Refuse => Err(Objection::Unavailable),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// The store has answered.
    pub(super) fn has_answered(&self) {
        self.answered.proven(clock::instant());
        if !self.up.swap(true, Ordering::Relaxed) {
            tracing::info!("the user store answers again");
        }
    }

    /// The store has not answered; said once.
    pub(super) fn is_down(&self, why: &str) {
        if self.up.swap(false, Ordering::Relaxed) {
            let then = match self.settings.on_down {
                OnDown::Serve => "users with good tokens are served as last known",
                OnDown::Refuse => "users are refused whose last answer is older than `account_check`",
            };
            tracing::warn!("users cannot be looked at: {why}; {then}");
        }
    }
}
