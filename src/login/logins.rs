//! What do signing in, up and out share? The vaults, and the words of `[tokens]` they go by.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::accounts::Accounts;
use crate::clock::Clock;
use crate::password::{Hasher, PasswordPolicy};
use crate::revocation::Revocations;
use crate::sessions::Sessions;
use crate::throttle::Throttle;
use crate::token::{Issuer, Settings as TokenSettings, SubjectForm, Verifier};
use crate::users::UserStore;

use super::SignUpRules;

/// Signs people in and out.
pub struct Logins {
    pub(super) users: Arc<dyn UserStore>,
    pub(super) hasher: Arc<Hasher>,
    pub(super) issuer: Issuer,
    pub(super) verifier: Arc<Verifier>,
    pub(super) revocations: Arc<Revocations>,
    pub(super) accounts: Arc<Accounts>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) throttle: Throttle,
    pub(super) subject: SubjectForm,
    /// The longest any token lives: past it, a revoked sign-in may be forgotten.
    pub(super) max_lifetime: Duration,
    /// Grace that verifiers grant, which a revocation must outlive.
    pub(super) leeway: Duration,
    pub(super) sign_up: SignUpRules,
    pub(super) clock: Clock,
    /// The rules for new passwords.
    pub(super) policy: PasswordPolicy,
    /// Told what became of a hash that was to be replaced; none where hashes are left as they are.
    pub(super) rehashed: Option<Rehashed>,
}

/// Takes `replaced`, `changed`, `overloaded` or `store_unavailable`.
pub(super) type Rehashed = Arc<dyn Fn(&'static str) + Send + Sync>;

impl Logins {
    /// Puts the vaults together.
    #[expect(clippy::too_many_arguments, reason = "called once, where the gateway is put together")]
    pub fn new(
        users: Arc<dyn UserStore>,
        hasher: Arc<Hasher>,
        issuer: Issuer,
        verifier: Arc<Verifier>,
        revocations: Arc<Revocations>,
        accounts: Arc<Accounts>,
        sessions: Arc<Sessions>,
        throttle: Throttle,
        settings: &TokenSettings,
        sign_up: SignUpRules,
        clock: Clock,
    ) -> Self {
        Self {
            users,
            hasher,
            issuer,
            verifier,
            revocations,
            accounts,
            sessions,
            throttle,
            subject: settings.subject.clone(),
            max_lifetime: settings.max_lifetime,
            leeway: settings.leeway,
            sign_up,
            clock,
            policy: PasswordPolicy::default(),
            rehashed: None,
        }
    }

    /// Has new passwords keep these rules.
    #[must_use]
    pub fn with_policy(self, policy: PasswordPolicy) -> Self {
        Self { policy, ..self }
    }

    /// Has outdated password hashes replaced at a sign-in, and `rehashed` told how that went.
    #[must_use]
    pub fn rehashing(self, rehashed: Arc<dyn Fn(&'static str) + Send + Sync>) -> Self {
        Self { rehashed: Some(rehashed), ..self }
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins").field("subject", &self.subject).finish_non_exhaustive()
    }
}
