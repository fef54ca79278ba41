//! May a password be tried now? Limits on failed sign-ins: per account, per source, and per account and source.
//!
//! An attempt is counted as a failure before its password is hashed, in one step of the store that gateways share, so
//! that of many at once no more are evaluated than may be; one that succeeds is given back. Past its allowance a counter
//! makes everybody wait who falls under it, twice as long with each failure, up to a longest delay. It also drains: one
//! failure is forgiven each `forget_after` / allowance, and all of them `forget_after` after the last. Without that, an
//! office behind one address would collect its typing errors for ever.
//!
//! A source from which an account has signed in is known to it: it is exempt from the account's own counter, so that
//! whoever guesses from many addresses does not keep the owner out of the usual place. Neither logins nor addresses
//! are kept, only digests.

mod attempt;
mod memo;
mod redis;
mod rule;
mod sign_ups;
mod sqlite;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;

use self::memo::Memo;
use self::redis::RedisThrottle;
use self::sqlite::SqliteThrottle;
use crate::clock::Clock;
use crate::revocation::{self, Store};

pub use attempt::Attempt;

/// For how long a source stays known after a sign-in.
const KNOWN: Duration = Duration::from_secs(30 * 24 * 3600);

/// Sources kept as known to one account; of more, the one that was used longest ago goes.
const MOST_KNOWN: usize = 50;

/// What `[throttle]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `logins`: whether failed sign-ins are limited at all.
    pub logins: bool,
    /// `account_source`: failures of one account from one source before there is a delay.
    pub account_source: u32,
    /// `account`: failures of one account, from all sources not known to it.
    pub account: u32,
    /// `source`: failures from one source, of all accounts.
    pub source: u32,
    /// `first_delay`: doubled with each failure from then on.
    pub first_delay: Duration,
    /// `longest_delay`: at most `forget_after`.
    pub longest_delay: Duration,
    /// `forget_after`: how long after its last failure a counter is forgotten.
    pub forget_after: Duration,
    /// `signups`: how many may sign up from one source in an hour; none is no limit.
    pub signups: Option<u32>,
    /// `signups_total`: how many may sign up from anywhere in an hour.
    pub signups_total: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            logins: true,
            account_source: 10,
            account: 50,
            source: 100,
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(15 * 60),
            forget_after: Duration::from_secs(3600),
            signups: Some(10),
            signups_total: Some(1000),
        }
    }
}

/// The store cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed sign-ins cannot be counted: {0}")]
pub struct Unavailable(pub String);

/// Why no password is looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too many have failed: try again after this time.
    #[error("too many failed sign-ins")]
    Wait(Duration),
    /// Nobody knows how many have failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// An attempt that was counted as a failure, until it is known to be none. Dropped, it stays one.
#[derive(Debug)]
#[must_use = "it stays counted as a failure"]
pub struct Reservation {
    attempt: Attempt,
    /// None where nothing is limited.
    taken: Option<Taken>,
}

/// What a reservation has done to the counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The source was known to the account, whose own counter was left alone.
    known: bool,
    /// Until when it blocked each counter, in the store's milliseconds; 0 where it did not: account and source, account,
    /// source.
    blocks: [u64; 3],
}

/// What a store says to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is counted, and may go on.
    Go(Taken),
    /// It is not counted, and may not: how long for all counters, and how long for the source's alone.
    Wait { all: Duration, source: Duration },
}

/// How a counted attempt ended that was no failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The password was right.
    Proven,
    /// The password was not looked at.
    Unasked,
}

/// Where the counters are kept. Each call is one atomic step.
#[async_trait]
pub(crate) trait ThrottleStore: Send + Sync {
    /// Counts the attempt as a failure everywhere, or nowhere if one of its counters is blocked.
    async fn reserve(&self, attempt: &Attempt, settings: &Settings) -> Result<Told, Unavailable>;

    /// Takes one failure back, and the blocks that it has set; a proven one also ends what was counted of this account
    /// from this source, which is known from then on.
    async fn settle(
        &self,
        attempt: &Attempt,
        taken: Taken,
        end: End,
        settings: &Settings,
    ) -> Result<(), Unavailable>;
}

/// Limits failed sign-ins.
pub struct Throttle {
    /// None where nothing is limited.
    store: Option<Box<dyn ThrottleStore>>,
    settings: Settings,
    issuer: String,
    memo: Memo,
    clock: Clock,
}

impl Throttle {
    /// Opens the counters beside the revocations that `place` describes. `issuer` is whose accounts they are of.
    pub async fn open(
        place: &revocation::Settings,
        settings: Settings,
        issuer: &str,
        clock: Clock,
    ) -> Result<Self, Unavailable> {
        let store: Option<Box<dyn ThrottleStore>> = match &place.store {
            _ if !settings.logins && settings.signups.or(settings.signups_total).is_none() => None,
            Store::Sqlite(path) => Some(Box::new(SqliteThrottle::open(path.clone(), clock.clone()).await?)),
            Store::Redis(address) => {
                Some(Box::new(RedisThrottle::new(address, place.ca.as_deref(), clock.clone())?))
            }
        };
        Ok(Self { store, settings, issuer: issuer.to_owned(), memo: Memo::default(), clock })
    }

    /// An attempt to sign in as `login`, as typed, from `client`.
    pub fn attempt(&self, login: &str, client: Option<IpAddr>) -> Attempt {
        Attempt::new(&self.issuer, login, client)
    }

    /// Refuses an attempt of which the store has said so within the last second, without asking it again.
    pub fn recall(&self, attempt: &Attempt) -> Result<(), Refused> {
        let now = self.clock.now();
        let wait = self.memo.wait(attempt.pair, now).max(self.memo.wait(attempt.source, now));
        wait.map_or(Ok(()), |wait| Err(Refused::Wait(wait)))
    }

    /// Counts an attempt, whose password may be looked at then and only then.
    pub async fn reserve(&self, attempt: Attempt) -> Result<Reservation, Refused> {
        let Some(store) = self.store.as_ref().filter(|_| self.settings.logins) else {
            return Ok(Reservation { attempt, taken: None });
        };
        match store.reserve(&attempt, &self.settings).await? {
            Told::Go(taken) => Ok(Reservation { attempt, taken: Some(taken) }),
            Told::Wait { all, source } => {
                let now = self.clock.now();
                self.memo.note(attempt.pair, all, now);
                if !source.is_zero() {
                    self.memo.note(attempt.source, source, now);
                }
                Err(Refused::Wait(all))
            }
        }
    }

    /// The password was right: that was no failure, and this source is known to the account from now on.
    pub async fn proven(&self, reservation: Reservation) {
        self.memo.forget(reservation.attempt.pair);
        self.settle(reservation, End::Proven).await;
    }

    /// The password was not looked at after all: that was no failure.
    pub async fn unasked(&self, reservation: Reservation) {
        self.settle(reservation, End::Unasked).await;
    }

    async fn settle(&self, Reservation { attempt, taken }: Reservation, end: End) {
        let (Some(store), Some(taken)) = (&self.store, taken) else { return };
        if let Err(error) = store.settle(&attempt, taken, end, &self.settings).await {
            // One failure too many is counted; nobody gets in by that.
            tracing::warn!("{error}; a sign-in stays counted as a failed one");
        }
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("settings", &self.settings).finish_non_exhaustive()
    }
}
