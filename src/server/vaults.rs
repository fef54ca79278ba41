//! What is kept, and who keeps it? Opens the stores that signing in needs, and puts the login together.

use std::sync::Arc;

use super::StartError;
use crate::accounts::Accounts;
use crate::clock::Clock;
use crate::config::Config;
use crate::login::Logins;
use crate::observe::Metrics;
use crate::password::{Hasher, HasherSettings};
use crate::revocation::Revocations;
use crate::sessions::Sessions;
use crate::throttle::Throttle;
use crate::token::{Issuer, KeyRing, Verifier};
use crate::users::{self, UserStore};

/// The vaults, opened.
pub(super) struct Vaults {
    users: Arc<dyn UserStore>,
    hasher: Arc<Hasher>,
    throttle: Throttle,
    pub(super) accounts: Arc<Accounts>,
    pub(super) revocations: Arc<Revocations>,
    pub(super) sessions: Arc<Sessions>,
}

impl Vaults {
    /// Opens them all. A server that does not answer yet keeps nobody from starting; a file that cannot be opened does.
    pub(super) async fn open(
        config: &Config,
        metrics: &Arc<Metrics>,
        keys: &Arc<KeyRing>,
        clock: &Clock,
    ) -> Result<Self, StartError> {
        let log = &config.revocation;
        let issuer = &config.tokens.issuer;
        let users = open_users(&config.users).await?;
        let revocations = Revocations::open(log, clock.clone()).await.map_err(unopened)?;
        let sessions = Sessions::open(log, Arc::clone(&revocations), issuer, clock.clone());
        let sessions = sessions.await.map_err(unopened)?;
        let throttle = Throttle::open(log, config.throttle.clone(), issuer, clock.clone());
        let throttle = throttle.await.map_err(unopened)?;
        let hasher = hasher(config, metrics, &*users).await?;
        let (store, keys) = (Arc::clone(&users), Arc::clone(keys));
        let accounts = Accounts::open(config.accounts, log, store, &config.tokens, keys, clock.clone());
        let accounts = accounts.await.map_err(unopened)?;
        Ok(Self { users, hasher, throttle, accounts, revocations, sessions })
    }

    /// Has gauges read from them when they are asked for.
    pub(super) fn sampled(&self, metrics: &Metrics) {
        let (hasher, accounts) = (Arc::clone(&self.hasher), Arc::clone(&self.accounts));
        let revocations = Arc::clone(&self.revocations);
        metrics.on_render(Box::new(move |gauges| {
            gauges.password_queue(hasher.waiting());
            gauges.revocation(revocations.entries(), revocations.staleness());
            gauges.revocation_store_warnings(revocations.advice().iter().map(|advice| advice.warning));
            gauges.store_up("revocation", revocations.store_up());
            if let Some(up) = revocations.journal_up() {
                gauges.store_up("journal", up);
            }
            if let (Some(up), Some(staleness)) = (accounts.store_up(), accounts.staleness()) {
                gauges.store_up("users", up);
                gauges.account_check(staleness);
            }
        }));
    }

    /// The login, which asks them.
    pub(super) fn logins(
        self,
        config: &Config,
        metrics: &Arc<Metrics>,
        issuer: Issuer,
        verifier: Arc<Verifier>,
        clock: Clock,
    ) -> Result<Logins, StartError> {
        let logins = Logins::new(
            self.users,
            self.hasher,
            issuer,
            verifier,
            self.revocations,
            self.accounts,
            self.sessions,
            self.throttle,
            &config.tokens,
            config.endpoints.sign_up.clone(),
            clock,
        );
        let policy = config.passwords.policy();
        let logins = logins.with_policy(policy.map_err(|(wrong, remedy)| StartError::new(wrong, remedy))?);
        if !config.passwords.rehash {
            return Ok(logins);
        }
        let metrics = Arc::clone(metrics);
        Ok(logins.rehashing(Arc::new(move |result| metrics.password_rehash(result))))
    }
}

fn unopened(error: impl std::fmt::Display) -> StartError {
    StartError::new(error.to_string(), "check `store` in [revocation], and its file's rights")
}

async fn open_users(settings: &users::Settings) -> Result<Arc<dyn UserStore>, StartError> {
    let store = users::open(settings).await.map_err(|error| {
        StartError::new(error.to_string(), "check `store` in [users], and its file's rights")
    })?;
    match store.advice().await {
        Ok(advice) => advice.iter().for_each(|advice| tracing::warn!("[users]: {advice}")),
        Err(error) => tracing::warn!("{error}; nobody can sign in until it answers"),
    }
    Ok(store)
}

async fn hasher(
    config: &Config,
    metrics: &Arc<Metrics>,
    users: &dyn UserStore,
) -> Result<Arc<Hasher>, StartError> {
    let observed = Arc::clone(metrics);
    let hasher = Hasher::start(HasherSettings {
        observe: Some(Arc::new(move |seconds| observed.password_hash(seconds))),
        ..config.passwords.hasher()
    });
    let hasher = hasher.map_err(|error| {
        StartError::new(format!("cannot start hashing threads: {error}"), "check the process limits")
    })?;
    // What a store that does not answer yet holds is met at the first sign-ins.
    match users.sample().await {
        Ok(stored) if users.read_only().is_some() => hasher.expect_only(&stored),
        Ok(stored) => stored.iter().for_each(|hash| hasher.expect(hash)),
        Err(error) => tracing::warn!("{error}; check `store` in [users]"),
    }
    Ok(Arc::new(hasher))
}
