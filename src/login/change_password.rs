//! May this user have another password? They bring a token of theirs and the password they have.
//!
//! The present password is checked as for a sign-in, and a wrong one is counted like one that failed: whoever found a
//! token cannot guess here what they could not guess there. Then, in this order: the hash is replaced, if it is still the
//! one that was checked (of two changes at once the second is told so); every login of the user up to now is revoked; and
//! the caller gets a login of their own. A sign-in with the old password that races with this either draws its version
//! before the revocation, which then ends it, or reads the user again after the change, and fails.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::password::{PasswordHash, PasswordRule};
use crate::revocation::{Revocation, Revocations, Scope};
use crate::secret::Secret;
use crate::sessions::Origin;
use crate::token::Verified;
use crate::users::{StoreError, User, UserStore};

use super::sign_in::Drawn;
use super::{Logins, SignInError, SignedIn};

/// A change of password as asked.
#[derive(Debug)]
pub struct PasswordChange {
    /// `current_password`.
    pub current: Secret,
    /// `new_password`.
    pub new: Secret,
    /// The client's address; none behind a Unix socket. Failures are counted by it.
    pub client: Option<IpAddr>,
    /// Where it comes from, for the list of sessions.
    pub origin: Origin,
}

/// Why a password was not changed, or what was not done after it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordChangeError {
    /// The token is not of a sign-in of ours.
    #[error("this token did not come of a sign-in: sign in with the password first")]
    NoSignIn,
    /// There is no such user any more, or they may not sign in.
    #[error("the user is disabled")]
    UserDisabled,
    /// The new password is the present one.
    #[error("must differ from the present password")]
    Same,
    /// The new password breaks a rule.
    #[error(transparent)]
    Rule(#[from] PasswordRule),
    /// The present password is another.
    #[error("is not the present password")]
    Wrong,
    /// Too many have failed: the time to wait. The password was not looked at.
    #[error("too many failed attempts: try again later")]
    RateLimited(Duration),
    /// The password has been changed since it was checked.
    #[error("the password was changed by another request at the same time")]
    Raced,
    /// Users are only read here.
    #[error("passwords cannot be changed here")]
    ReadOnly,
    /// The hashing queue is full; nothing was changed.
    #[error("too many sign-ins at once")]
    Overloaded,
    /// A store cannot be asked; nothing was changed.
    #[error("a store is not available")]
    StoreUnavailable,
    /// The password was changed, and the revocation was not taken.
    #[error(
        "the password was changed, but other sign-ins could not be ended: they may go on until their tokens expire"
    )]
    NotEnded,
    /// The password was changed and every sign-in ended, the caller's too.
    #[error("the password was changed and every sign-in ended: sign in with the new one")]
    NotBegun,
}

impl Logins {
    /// Changes the password of the token's user, ends all their logins, and begins one.
    pub async fn change_password(
        &self,
        token: &Verified,
        change: PasswordChange,
    ) -> Result<SignedIn, PasswordChangeError> {
        use PasswordChangeError as Error;
        if token.issuer() != self.issuer.name() || token.login_id().is_none() {
            return Err(Error::NoSignIn);
        }
        if self.users.read_only().is_some() {
            return Err(Error::ReadOnly);
        }
        if !self.revocations.store_up() {
            // What could not be followed by the end of all logins is not begun.
            return Err(Error::StoreUnavailable);
        }
        if change.current.expose() == change.new.expose() {
            return Err(Error::Same);
        }
        let new = self.policy.check(change.new)?;
        let user = self.user_of(token).await?.filter(|user| !user.disabled).ok_or(Error::UserDisabled)?;
        self.prove(&user, change.current, change.client).await?;
        let hash = self.hasher.hash(new).await.map_err(SignInError::from)?;
        let expires = self.clock.now().plus(self.max_lifetime).plus(self.leeway);
        let revocation = Revocation { scope: Scope::User, digest: token.digests().user, expires };
        let (users, revocations) = (Arc::clone(&self.users), Arc::clone(&self.revocations));
        let (from, to) = (user.clone(), hash.clone());
        // Once the one is done, so is the other, even if the client has gone.
        let done = tokio::spawn(async move { replace(&*users, &revocations, &from, to, revocation).await });
        done.await.map_err(|_| Error::NotEnded)??;
        self.begin_anew(token, &user, &hash, change.origin).await.map_err(|error| {
            tracing::warn!("user {} has a new password, and no sign-in: {error}", user.id);
            Error::NotBegun
        })
    }

    /// Whether that is the user's password; counted as a sign-in is.
    async fn prove(&self, user: &User, password: Secret, client: Option<IpAddr>) -> Result<(), SignInError> {
        let attempt = self.throttle.attempt(user.login.as_str(), client);
        self.throttle.recall(&attempt)?;
        let place = self.hasher.place()?;
        let reservation = self.throttle.reserve(attempt).await?;
        match place.verify(password, Some(user.password.clone())).await {
            Ok(true) => {
                self.throttle.proven(reservation).await;
                Ok(())
            }
            Ok(false) => Err(SignInError::InvalidGrant),
            Err(overloaded) => {
                self.throttle.unasked(reservation).await;
                Err(overloaded.into())
            }
        }
    }

    /// A login with the new password, as if they had signed in with it: the version first, then the user once more. It
    /// allows no more than the token did.
    async fn begin_anew(
        &self,
        token: &Verified,
        user: &User,
        hash: &PasswordHash,
        origin: Origin,
    ) -> Result<SignedIn, SignInError> {
        let version = self.revocations.login_version().await?;
        let asked = self.clock.now();
        let now = self.users.by_id(&user.id).await?;
        let now = now.filter(|now| !now.disabled && now.password.expose() == hash.expose());
        let now = now.ok_or(SignInError::InvalidGrant)?;
        let scopes = token.scopes().intersection(&now.scopes);
        self.begin(now, token.subject().clone(), scopes, Drawn { version, asked }, origin).await
    }
}

async fn replace(
    users: &dyn UserStore,
    revocations: &Revocations,
    user: &User,
    to: PasswordHash,
    revocation: Revocation,
) -> Result<(), PasswordChangeError> {
    if !users.replace_password(&user.id, &user.password, to).await? {
        return Err(PasswordChangeError::Raced);
    }
    revocations.revoke(revocation).await.map_err(|error| {
        tracing::error!(
            "user {} has a new password, but their other sign-ins go on until `gatepass token revoke --user` ends them: {error}",
            user.id
        );
        PasswordChangeError::NotEnded
    })
}

impl From<StoreError> for PasswordChangeError {
    fn from(error: StoreError) -> Self {
        tracing::warn!("nobody can change a password: {error}");
        match error {
            StoreError::ReadOnly(_) => Self::ReadOnly,
            StoreError::Failed(_) => Self::StoreUnavailable,
        }
    }
}

impl From<SignInError> for PasswordChangeError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::InvalidGrant => Self::Wrong,
            SignInError::RateLimited(wait) => Self::RateLimited(wait),
            SignInError::Overloaded => Self::Overloaded,
            SignInError::InvalidScope | SignInError::StoreUnavailable => Self::StoreUnavailable,
        }
    }
}

#[cfg(test)]
mod tests;
