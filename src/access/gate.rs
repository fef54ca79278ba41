//! The checks in their order; the only maker of permits.
use std::sync::Arc;

use http::HeaderMap;
use tokio::sync::watch;

use super::{Credential, CredentialError, Reason};
use crate::clock::UnixTime;
use crate::revocation::{OnStale, Revocations, Scope, Standing};
use crate::route::{Access, Route, ScopeRule};
use crate::sessions::Sessions;
use crate::token::{TokenError, Verified, Verifier};

/// Leave to go upstream; only [`Gate::admit`] makes one.
#[derive(Clone, Debug)]
pub struct Permit {
    identity: Identity,
}

/// Whom the upstream is told of.
#[derive(Clone, Debug)]
pub enum Identity {
    /// Nobody: a public route.
    Public,
    /// Nobody: an optional route, and no token.
    Anonymous,
    /// The bearer of a verified token.
    Known(Arc<Verified>),
}

impl Permit {
    /// Whom the upstream is told of.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The word for this outcome.
    pub const fn reason(&self) -> Reason {
        match self.identity {
            Identity::Public => Reason::Public,
            Identity::Anonymous => Reason::Anonymous,
            Identity::Known(_) => Reason::Authenticated,
        }
    }
}

/// A no: its reason, and who asked if that much was established.
#[derive(Clone, Debug)]
pub struct Denial {
    /// The first step that failed.
    pub reason: Reason,
    /// The verified token, where the failure came after verification.
    pub subject: Option<Arc<Verified>>,
    /// The scopes that would have been enough, for `insufficient_scope`.
    pub needed: Option<Box<str>>,
}

impl Denial {
    /// A no for `reason`, of nobody known.
    pub const fn of(reason: Reason) -> Self {
        Self { reason, subject: None, needed: None }
    }
}

/// The checks every request passes.
pub struct Gate {
    verifier: Arc<Verifier>,
    pub(super) revocations: Arc<Revocations>,
    sessions: Arc<Sessions>,
}

impl Gate {
    /// A gate that verifies with `verifier`, asks `revocations`, and tells `sessions` whom it saw.
    pub const fn new(
        verifier: Arc<Verifier>,
        revocations: Arc<Revocations>,
        sessions: Arc<Sessions>,
    ) -> Self {
        Self { verifier, revocations, sessions }
    }

    /// Credential → verify → revoked? → rights, for one request on `route`.
    pub fn admit(&self, route: &Route, headers: &HeaderMap) -> Result<Permit, Denial> {
        admit(route, || self.identify(bearer(headers)?, route.on_stale))
    }

    /// The same for a WebSocket handshake on `route`, whose token may also be in `headers` or `target` as
    /// [`Credential::read_handshake`] says.
    pub fn admit_handshake(
        &self,
        route: &Route,
        headers: &HeaderMap,
        target: &[u8],
    ) -> Result<Permit, Denial> {
        admit(route, || {
            let query = route.streams.token_query.as_deref();
            self.identify(brought(Credential::read_handshake(headers, target, query))?, route.on_stale)
        })
    }

    /// Credential → verify → revoked?: who brought this token.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Arc<Verified>, Denial> {
        self.identify(bearer(headers)?, None)
    }

    fn identify(&self, token: &str, on_stale: Option<OnStale>) -> Result<Arc<Verified>, Denial> {
        let token = self.verifier.verify(token).map_err(|error| Denial::of(Reason::from(error)))?;
        match self.revoked(&token, on_stale) {
            None => {
                self.sessions.saw(&token);
                Ok(token)
            }
            Some(reason) => Err(Denial { reason, subject: Some(token), needed: None }),
        }
    }

    fn revoked(&self, token: &Verified, on_stale: Option<OnStale>) -> Option<Reason> {
        let (version, issued) = (token.login_version(), token.issued_at());
        objection(self.revocations.standing(token.digests(), version, issued, on_stale))
    }

    /// What speaks at `now` against a token that was good before, on a route with this word on staleness.
    pub fn objection(&self, token: &Verified, on_stale: Option<OnStale>, now: UnixTime) -> Option<Reason> {
        if now >= self.ends(token) { Some(Reason::Expired) } else { self.revoked(token, on_stale) }
    }

    /// From when on a token is refused as expired.
    pub fn ends(&self, token: &Verified) -> UnixTime {
        self.verifier.ends(token)
    }

    /// Changes whenever a token that was good may not be any more.
    pub fn changed(&self) -> watch::Receiver<()> {
        self.revocations.changed()
    }
}

/// What a route's access asks of whoever `authenticate` finds; the only maker of permits.
pub(super) fn admit(
    route: &Route,
    authenticate: impl FnOnce() -> Result<Arc<Verified>, Denial>,
) -> Result<Permit, Denial> {
    let identity = match route.access {
        Access::Public => Identity::Public,
        Access::Denied => return Err(Denial::of(Reason::RouteDenied)),
        Access::Authenticated => Identity::Known(authenticate()?),
        Access::Optional => match authenticate() {
            Ok(token) => Identity::Known(token),
            Err(denial) if denial.reason == Reason::MissingToken => Identity::Anonymous,
            Err(denial) => return Err(denial),
        },
    };
    authorize(&route.scopes, &identity)?;
    Ok(Permit { identity })
}

/// The one bearer token of a request.
pub(super) fn bearer(headers: &HeaderMap) -> Result<&str, Denial> {
    brought(Credential::read(headers))
}

fn brought(credential: Result<Credential<'_>, CredentialError>) -> Result<&str, Denial> {
    match credential {
        Ok(Credential::Bearer(token)) => Ok(token),
        Ok(Credential::None) => Err(Denial::of(Reason::MissingToken)),
        Err(CredentialError::Malformed) => Err(Denial::of(Reason::MalformedCredentials)),
        Err(CredentialError::Multiple) => Err(Denial::of(Reason::MultipleCredentials)),
    }
}

/// What a token's standing says against it.
pub(super) const fn objection(standing: Standing) -> Option<Reason> {
    match standing {
        Standing::Clear => None,
        Standing::Stale => Some(Reason::RevocationStale),
        Standing::Revoked(Scope::Token) => Some(Reason::RevokedToken),
        Standing::Revoked(Scope::Login) => Some(Reason::RevokedLogin),
        Standing::Revoked(Scope::User) => Some(Reason::RevokedUser),
        Standing::Revoked(Scope::Key) => Some(Reason::RevokedKey),
    }
}

fn authorize(rule: &ScopeRule, identity: &Identity) -> Result<(), Denial> {
    let (enough, needed) = match (rule, identity) {
        (ScopeRule::None, _) => return Ok(()),
        (ScopeRule::All(scopes), Identity::Known(token)) => (token.scopes().contains_all(scopes), scopes),
        (ScopeRule::Any(scopes), Identity::Known(token)) => (token.scopes().contains_any(scopes), scopes),
        // A rule with scopes on a route that lets strangers in: they hold no scope.
        (ScopeRule::All(_) | ScopeRule::Any(_), _) => return Err(Denial::of(Reason::MissingToken)),
    };
    if enough {
        return Ok(());
    }
    let subject = if let Identity::Known(token) = identity { Some(Arc::clone(token)) } else { None };
    Err(Denial { reason: Reason::InsufficientScope, subject, needed: Some(needed.as_str().into()) })
}

impl From<TokenError> for Reason {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Malformed => Self::MalformedToken,
            TokenError::AlgorithmNotAllowed => Self::AlgorithmNotAllowed,
            TokenError::UnknownKey => Self::UnknownKey,
            TokenError::BadSignature => Self::BadSignature,
            TokenError::WrongType => Self::WrongType,
            TokenError::WrongIssuer => Self::WrongIssuer,
            TokenError::WrongAudience => Self::WrongAudience,
            TokenError::MissingClaim(_) => Self::MissingClaim,
            TokenError::Expired => Self::Expired,
            TokenError::NotYetValid => Self::NotYetValid,
            TokenError::LifetimeTooLong => Self::LifetimeTooLong,
        }
    }
}
