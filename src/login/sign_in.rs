//! Is this the user's password, and what may the token say?
//!
//! Whatever is wrong with name, password or user is one answer in one time: an unknown or impossible name is looked up
//! and hashed like any other. A sign-in that races with its user being disabled, deleted, revoked or given a new
//! password loses: the version is drawn from the revocation log *before* the user is read once more, so that a later
//! revocation has a greater version, and an earlier change is seen. Where the stored hash is another by then, the password
//! is checked against that one: if it fits, the hash was renewed and the password is still theirs at that later moment,
//! which is all that is asked.

use std::net::IpAddr;
use std::time::Duration;

use crate::clock::UnixTime;
use crate::identity::{AskedLogin, LoginId, Scopes, Subject, UserId};
use crate::password::{HashPlace, Overloaded};
use crate::revocation::Unavailable;
use crate::secret::{self, Secret};
use crate::sessions::{self, Origin};
use crate::throttle::Refused;
use crate::token::{Grant, Issued};
use crate::users::{StoreError, User};

use super::Logins;

/// `client_id` of the tokens we issue (RFC 9068 §2.2): there are no registered clients, every sign-in comes through
/// our own endpoint, and what a request says of its client nobody has checked.
const CLIENT: &str = "gatepass";

/// A password grant as asked (RFC 6749 §4.3.2).
#[derive(Debug)]
pub struct PasswordGrant {
    /// `username`, as typed.
    pub username: String,
    /// `password`, as typed.
    pub password: Secret,
    /// `scope`; absent means all the user may have.
    pub scope: Option<Scopes>,
    /// The client's address; none behind a Unix socket. Failures are counted by it.
    pub client: Option<IpAddr>,
    /// Where it comes from, for the list of sessions.
    pub origin: Origin,
}

/// A sign-in that succeeded.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// `sub` of the token.
    pub subject: Subject,
    /// The token.
    pub issued: Issued,
}

/// A sign-in that failed.
#[derive(Clone, Debug)]
pub struct NotSignedIn {
    /// What the client is told.
    pub error: SignInError,
    /// Whose name was given, if it is somebody's: for the log alone.
    pub user: Option<UserId>,
}

/// Why a sign-in failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// Unknown user, wrong password, disabled user, malformed hash: one answer, in equal time.
    #[error("invalid user name or password")]
    InvalidGrant,
    /// Asked for scopes and none can be granted.
    #[error("none of the scopes asked for can be granted")]
    InvalidScope,
    /// Too many sign-ins have failed, of this account or from there: the time to wait. The same whether there is such an
    /// account, and whether the password is right: it was not looked at.
    #[error("too many failed sign-ins: try again later")]
    RateLimited(Duration),
    /// The hashing queue is full.
    #[error("too many sign-ins at once")]
    Overloaded,
    /// The users or the revocation log cannot be asked.
    #[error("a store is not available")]
    StoreUnavailable,
}

/// What was drawn before a user was last read: whatever ends their logins after that ends this one, too.
pub(super) struct Drawn {
    /// Of the revocation log.
    pub(super) version: u64,
    /// When the store was asked.
    pub(super) asked: UnixTime,
}

impl Logins {
    /// Checks the password and issues a token.
    pub async fn sign_in(&self, grant: PasswordGrant) -> Result<SignedIn, NotSignedIn> {
        let mut user = None;
        let signed_in = self.try_sign_in(grant, &mut user).await;
        signed_in.map_err(|error| NotSignedIn { error, user })
    }

    async fn try_sign_in(
        &self,
        grant: PasswordGrant,
        named: &mut Option<UserId>,
    ) -> Result<SignedIn, SignInError> {
        if !self.revocations.store_up() {
            // Known before the password is hashed, which takes long and would be in vain.
            return Err(SignInError::StoreUnavailable);
        }
        let attempt = self.throttle.attempt(&grant.username, grant.client);
        self.throttle.recall(&attempt)?;
        // A place first: whoever will not be served is told so without a store being asked.
        let place = self.hasher.place()?;
        let reservation = self.throttle.reserve(attempt).await?;
        let password = grant.password.clone();
        let user = match self.proven(place, &grant.username, grant.password, named).await {
            Ok(user) => user,
            Err(SignInError::InvalidGrant) => return Err(SignInError::InvalidGrant),
            Err(error) => {
                self.throttle.unasked(reservation).await;
                return Err(error);
            }
        };
        // At once, for both ask the same store: one that is silent is waited for once.
        let (version, ()) = tokio::join!(self.revocations.login_version(), self.throttle.proven(reservation));
        let version = version?;
        let asked = self.clock.now();
        let user = self.still_so(user, &password).await?;
        self.renew_hash(&user, &password);
        let scopes = granted(grant.scope.as_ref(), &user.scopes)?;
        let subject = self.subject_of(&user).ok_or(SignInError::InvalidGrant)?;
        self.begin(user, subject, scopes, Drawn { version, asked }, grant.origin).await
    }

    /// Begins a login of `user`, who has proven to be it.
    pub(super) async fn begin(
        &self,
        user: User,
        subject: Subject,
        scopes: Scopes,
        drawn: Drawn,
        origin: Origin,
    ) -> Result<SignedIn, SignInError> {
        let password = self.accounts.signed_in(&subject, &user, drawn.asked);
        let login = LoginId::new();
        let token = Grant {
            subject: subject.clone(),
            preferred_username: Some(user.login.as_str().to_owned()),
            email: user.email,
            scopes,
            login: Some((login.clone(), drawn.version)),
            client_id: CLIENT.to_owned(),
            lifetime: None,
            claims: user.claims,
        };
        let issued = self.issuer.issue_for(token, Some(password));
        let lifetime = Duration::from_secs(issued.expires_in);
        let user = self.subject.digest(self.issuer.name(), &subject);
        self.sessions.begin(user, login, drawn.version, lifetime, origin).await?;
        Ok(SignedIn { subject, issued })
    }

    /// The user of that name, if that is the password and they may sign in.
    async fn proven(
        &self,
        place: HashPlace,
        username: &str,
        password: Secret,
        named: &mut Option<UserId>,
    ) -> Result<User, SignInError> {
        let name = AskedLogin::parse(username);
        let possible = name.is_ok();
        // A name that nobody can have is looked up as one that nobody has.
        let name = name.or_else(|_| AskedLogin::parse(&secret::random_id()));
        let user = match name {
            Ok(name) => self.users.by_login(&name).await?,
            Err(_) => None,
        };
        *named = user.as_ref().map(|user| user.id.clone());
        let stored = user.as_ref().map(|user| user.password.clone());
        let fits = place.verify(password, stored).await?;
        user.filter(|user| fits && possible && !user.disabled).ok_or(SignInError::InvalidGrant)
    }

    /// The user as they are now, if they may still sign in with this password.
    async fn still_so(&self, checked: User, password: &Secret) -> Result<User, SignInError> {
        let now = self.users.by_id(&checked.id).await?;
        let now = now.filter(|now| !now.disabled).ok_or(SignInError::InvalidGrant)?;
        let same = now.password.expose() == checked.password.expose();
        // Another sign-in may have had the hash replaced: it is another hash of the same password then.
        if same || self.hasher.place()?.verify(password.clone(), Some(now.password.clone())).await? {
            return Ok(now);
        }
        Err(SignInError::InvalidGrant)
    }

    pub(super) fn subject_of(&self, user: &User) -> Option<Subject> {
        let subject = self.subject.of(&user.id, &user.login);
        if let Err(error) = &subject {
            tracing::error!("user {} cannot be the subject of a token: it {error}", user.id);
        }
        subject.ok()
    }
}

/// What is granted: what was asked for and is allowed; all that is allowed if nothing was asked for (RFC 6749 §3.3).
fn granted(asked: Option<&Scopes>, allowed: &Scopes) -> Result<Scopes, SignInError> {
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else { return Ok(allowed.clone()) };
    let granted = asked.intersection(allowed);
    if granted.is_empty() { Err(SignInError::InvalidScope) } else { Ok(granted) }
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        tracing::warn!("nobody can sign in: {error}");
        Self::StoreUnavailable
    }
}

impl From<sessions::Unavailable> for SignInError {
    fn from(error: sessions::Unavailable) -> Self {
        tracing::error!("{error}");
        Self::StoreUnavailable
    }
}

impl From<Unavailable> for SignInError {
    fn from(error: Unavailable) -> Self {
        tracing::warn!("nobody can sign in: {error}");
        Self::StoreUnavailable
    }
}

impl From<Refused> for SignInError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Wait(wait) => Self::RateLimited(wait),
            Refused::Unavailable(error) => {
                tracing::warn!("nobody can sign in: {error}");
                Self::StoreUnavailable
            }
        }
    }
}

impl From<Overloaded> for SignInError {
    fn from(_: Overloaded) -> Self {
        Self::Overloaded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_granted_than_asked_for_and_allowed() {
        let scopes = |text| Scopes::parse(text).unwrap();
        let allowed = scopes("event:read event:write");
        assert_eq!(granted(None, &allowed), Ok(allowed.clone()));
        assert_eq!(granted(Some(&scopes("")), &allowed), Ok(allowed.clone()));
        assert_eq!(granted(Some(&scopes("event:read admin")), &allowed), Ok(scopes("event:read")));
        assert_eq!(granted(Some(&scopes("admin")), &allowed), Err(SignInError::InvalidScope));
        assert_eq!(granted(Some(&scopes("admin")), &scopes("")), Err(SignInError::InvalidScope));
        assert_eq!(granted(None, &scopes("")), Ok(scopes("")));
    }
}
