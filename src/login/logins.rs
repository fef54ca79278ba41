//! What do signing in, up and out share? The vaults, and the words of `[tokens]` they go by.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::identity::Scopes;
use crate::password::Hasher;
use crate::revocation::Revocations;
use crate::sessions::Sessions;
use crate::throttle::Throttle;
use crate::token::{Issuer, Settings as TokenSettings, SubjectForm, Verifier};
use crate::users::UserStore;

/// Signs people in and out.
pub struct Logins {
    pub(super) users: UserStore,
    pub(super) hasher: Arc<Hasher>,
    pub(super) issuer: Issuer,
    pub(super) verifier: Arc<Verifier>,
    pub(super) revocations: Arc<Revocations>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) throttle: Throttle,
    pub(super) subject: SubjectForm,
    /// The longest any token lives: past it, a revoked sign-in may be forgotten.
    pub(super) max_lifetime: Duration,
    /// Grace that verifiers grant, which a revocation must outlive.
    pub(super) leeway: Duration,
    pub(super) signup_scopes: Scopes,
    pub(super) clock: Clock,
}

impl Logins {
    /// Puts the vaults together.
    #[expect(clippy::too_many_arguments, reason = "called once, where the gateway is put together")]
    pub fn new(
        users: UserStore,
        hasher: Arc<Hasher>,
        issuer: Issuer,
        verifier: Arc<Verifier>,
        revocations: Arc<Revocations>,
        sessions: Arc<Sessions>,
        throttle: Throttle,
        settings: &TokenSettings,
        signup_scopes: Scopes,
        clock: Clock,
    ) -> Self {
        Self {
            users,
            hasher,
            issuer,
            verifier,
            revocations,
            sessions,
            throttle,
            subject: settings.subject.clone(),
            max_lifetime: settings.max_lifetime,
            leeway: settings.leeway,
            signup_scopes,
            clock,
        }
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins").field("subject", &self.subject).finish_non_exhaustive()
    }
}
