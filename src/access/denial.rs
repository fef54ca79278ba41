//! Why not? What the rooms below say against a request, in the one closed list of words.

use std::sync::Arc;

use super::{CredentialError, Reason};
use crate::accounts::Objection;
use crate::revocation::{Scope, Standing};
use crate::route::{Route, ScopeRule};
use crate::token::{TokenError, Verified};

/// A no: its reason, and who asked if that much was established.
#[derive(Clone, Debug)]
pub struct Denial {
    /// The first step that failed.
    pub reason: Reason,
    /// The verified token, where the failure came after verification.
    pub subject: Option<Arc<Verified>>,
    /// The scopes that would have been enough, where the route is known.
    pub needed: Option<Box<str>>,
}

impl Denial {
    /// A no for `reason`, of nobody known.
    pub const fn of(reason: Reason) -> Self {
        Self { reason, subject: None, needed: None }
    }

    /// The same on a route, whose scopes would be needed.
    pub(super) fn on(self, route: &Route) -> Self {
        let needed = match &route.scopes {
            ScopeRule::None => None,
            ScopeRule::All(scopes) | ScopeRule::Any(scopes) => Some(scopes.as_str().into()),
        };
        Self { needed, ..self }
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

impl From<CredentialError> for Reason {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::Malformed => Self::MalformedCredentials,
            CredentialError::Multiple => Self::MultipleCredentials,
            CredentialError::CrossSite => Self::CrossSite,
        }
    }
}

impl From<Objection> for Reason {
    fn from(objection: Objection) -> Self {
        match objection {
            Objection::Disabled => Self::UserDisabled,
            Objection::Deleted => Self::RevokedUser,
            Objection::PasswordChanged => Self::RevokedLogin,
            Objection::Unavailable => Self::StoreUnavailable,
            Objection::Overloaded => Self::Overloaded,
        }
    }
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
