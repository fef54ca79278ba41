//! The checks in their order; the only maker of permits.
use std::sync::Arc;

use http::HeaderMap;

use super::{Credential, CredentialError, Reason};
use crate::revocation::{Revocations, Scope, Standing};
use crate::route::{Access, Route, ScopeRule};
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
    revocations: Arc<Revocations>,
}

impl Gate {
    /// A gate that verifies with `verifier` and asks `revocations`.
    pub const fn new(verifier: Arc<Verifier>, revocations: Arc<Revocations>) -> Self {
        Self { verifier, revocations }
    }

    /// Credential → verify → revoked? → rights, for one request on `route`.
    pub fn admit(&self, route: &Route, headers: &HeaderMap) -> Result<Permit, Denial> {
        admit(route, || self.authenticate(headers))
    }

    /// Credential → verify → revoked?: who brought this token.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Arc<Verified>, Denial> {
        let token = bearer(headers)?;
        let verified = self.verifier.verify(token).map_err(|error| Denial::of(Reason::from(error)))?;
        self.not_revoked(verified)
    }

    fn not_revoked(&self, token: Arc<Verified>) -> Result<Arc<Verified>, Denial> {
        let standing = self.revocations.standing(token.digests(), token.login_version(), token.issued_at());
        match objection(standing) {
            None => Ok(token),
            Some(reason) => Err(Denial { reason, subject: Some(token), needed: None }),
        }
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
    match Credential::read(headers) {
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
