//! The checks in their order; the only maker of permits.
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::denial::objection;
use super::{Asked, Changes, Credential, CredentialError, Denial, Reason, TokenCookie};
use crate::accounts::{self, Accounts};
use crate::clock::UnixTime;
use crate::revocation::{OnStale, Revocations};
use crate::route::{Access, Route, ScopeRule};
use crate::sessions::Sessions;
use crate::token::{Verified, Verifier};

/// Leave to go upstream; only [`Gate::admit`] makes one.
#[derive(Clone, Debug)]
pub struct Permit {
    identity: Identity,
    by_cookie: bool,
    settled: bool,
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

    /// Whether the token came in a cookie: what keeps the answer to one that came in `Authorization` from others (caches,
    /// pages of other origins) does not hold then.
    pub const fn by_cookie(&self) -> bool {
        self.by_cookie
    }

    /// Whether memory said all there is to say of the user. If not, [`Gate::look_again`] has the last word.
    pub const fn is_settled(&self) -> bool {
        self.settled
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

/// The checks every request passes.
pub struct Gate {
    verifier: Arc<Verifier>,
    pub(super) revocations: Arc<Revocations>,
    pub(super) accounts: Arc<Accounts>,
    pub(super) sessions: Arc<Sessions>,
    cookie: Option<TokenCookie>,
}

impl Gate {
    /// A gate that verifies with `verifier`, asks `revocations` and `accounts`, and tells `sessions` whom it saw.
    pub const fn new(
        verifier: Arc<Verifier>,
        revocations: Arc<Revocations>,
        accounts: Arc<Accounts>,
        sessions: Arc<Sessions>,
    ) -> Self {
        Self { verifier, revocations, accounts, sessions, cookie: None }
    }

    /// The same, with a cookie that may carry the token.
    #[must_use]
    pub fn with_cookie(mut self, cookie: Option<TokenCookie>) -> Self {
        self.cookie = cookie;
        self
    }

    /// The cookie that may carry the token, if there is one.
    pub const fn cookie(&self) -> Option<&TokenCookie> {
        self.cookie.as_ref()
    }

    /// Credential → verify → revoked? → user → rights, for one request on `route`.
    pub fn admit(&self, route: &Route, asked: &Asked<'_>) -> Result<Permit, Denial> {
        self.admit_with(route, || self.or_cookie(Credential::read(asked.headers), asked, false))
    }

    /// The same for a WebSocket handshake on `route`, whose token may also be in its headers or in `target` as
    /// [`Credential::read_handshake`] says.
    pub fn admit_handshake(&self, route: &Route, asked: &Asked<'_>, target: &[u8]) -> Result<Permit, Denial> {
        let query = route.streams.token_query.as_deref();
        self.admit_with(route, || {
            self.or_cookie(Credential::read_handshake(asked.headers, target, query), asked, true)
        })
    }

    fn admit_with<'a>(
        &self,
        route: &Route,
        read: impl FnOnce() -> Result<Credential<'a>, CredentialError>,
    ) -> Result<Permit, Denial> {
        let (mut by_cookie, mut settled) = (false, true);
        let permit = admit(route, || {
            let credential = read();
            by_cookie = matches!(credential, Ok(Credential::Cookie(_)));
            self.identify(brought(credential)?, route.on_stale, &mut settled)
        })?;
        Ok(Permit { by_cookie, settled, ..permit })
    }

    /// What a request says of itself; where it says nothing, what the browser added.
    fn or_cookie<'a>(
        &self,
        said: Result<Credential<'a>, CredentialError>,
        asked: &Asked<'a>,
        handshake: bool,
    ) -> Result<Credential<'a>, CredentialError> {
        match (&self.cookie, said) {
            (Some(cookie), Ok(Credential::None)) if !asked.headers.contains_key(AUTHORIZATION) => {
                cookie.credential(asked, handshake)
            }
            (_, said) => said,
        }
    }

    /// The token in the cookie of a request that has no `Authorization`, if there is one.
    pub fn cookie_token<'a>(&self, asked: &Asked<'a>) -> Result<Option<&'a str>, Denial> {
        match self.or_cookie(Credential::read(asked.headers), asked, false) {
            Ok(Credential::Cookie(token)) => Ok(Some(token)),
            // What `Authorization` says is read where it is needed.
            Ok(_) => Ok(None),
            Err(_) if asked.headers.contains_key(AUTHORIZATION) => Ok(None),
            Err(error) => Err(Denial::of(error.into())),
        }
    }

    /// Credential → verify → revoked? → user: who brought this token. `settled` becomes false if memory cannot tell how the
    /// user stands.
    pub(super) fn identify(
        &self,
        token: &str,
        on_stale: Option<OnStale>,
        settled: &mut bool,
    ) -> Result<Arc<Verified>, Denial> {
        let token = self.verifier.verify(token).map_err(|error| Denial::of(Reason::from(error)))?;
        if let Some(reason) = self.revoked(&token, on_stale) {
            return Err(Denial { reason, subject: Some(token), needed: None });
        }
        match self.accounts.standing(&token) {
            accounts::Standing::Clear => self.sessions.saw(&token),
            accounts::Standing::Unsettled => *settled = false,
            accounts::Standing::Refused(objection) => {
                return Err(Denial { reason: objection.into(), subject: Some(token), needed: None });
            }
        }
        Ok(token)
    }

    fn revoked(&self, token: &Verified, on_stale: Option<OnStale>) -> Option<Reason> {
        let (version, issued) = (token.login_version(), token.issued_at());
        objection(self.revocations.standing(token.digests(), version, issued, on_stale))
    }

    /// What speaks at `now` against a token that was good before, on a route with this word on staleness.
    pub fn objection(&self, token: &Verified, on_stale: Option<OnStale>, now: UnixTime) -> Option<Reason> {
        if now >= self.ends(token) {
            return Some(Reason::Expired);
        }
        let objection = || self.accounts.objection(token).map(Reason::from);
        self.revoked(token, on_stale).or_else(objection)
    }

    /// From when on a token is refused as expired.
    pub fn ends(&self, token: &Verified) -> UnixTime {
        self.verifier.ends(token)
    }

    /// Changes whenever a token that was good may not be any more.
    pub fn changed(&self) -> Changes {
        Changes::of(self.revocations.changed(), self.accounts.changed())
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
        Access::Authenticated => Identity::Known(authenticate().map_err(|denial| denial.on(route))?),
        Access::Optional => match authenticate() {
            Ok(token) => Identity::Known(token),
            Err(denial) if denial.reason == Reason::MissingToken => Identity::Anonymous,
            Err(denial) => return Err(denial.on(route)),
        },
    };
    authorize(&route.scopes, &identity)?;
    Ok(Permit { identity, by_cookie: false, settled: true })
}

/// The one bearer token of a request.
pub(super) fn bearer(headers: &HeaderMap) -> Result<&str, Denial> {
    brought(Credential::read(headers))
}

fn brought(credential: Result<Credential<'_>, CredentialError>) -> Result<&str, Denial> {
    match credential {
        Ok(Credential::Bearer(token) | Credential::Cookie(token)) => Ok(token),
        Ok(Credential::None) => Err(Denial::of(Reason::MissingToken)),
        Err(error) => Err(Denial::of(error.into())),
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
