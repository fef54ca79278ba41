//! Which sign-ins does a user have, and which of them are to end?
//!
//! A user sees and ends their own. To end one is to revoke its login, like signing out of it.

use crate::identity::{Digest, LoginId};
use crate::revocation::{Revocation, Scope};
use crate::sessions::{self, Session};
use crate::token::Verified;

use super::Logins;

/// Why sessions could not be listed or ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The list cannot be read.
    #[error(transparent)]
    List(#[from] sessions::Unavailable),
    /// The revocation store did not take it.
    #[error(transparent)]
    Store(#[from] crate::revocation::Unavailable),
}

impl Logins {
    /// The sign-ins of the token's user whose tokens are still good, the latest first.
    pub async fn sessions(&self, token: &Verified) -> Result<Vec<Session>, SessionError> {
        Ok(self.sessions.of_user(token.digests().user).await?)
    }

    /// Ends one sign-in of the token's user; false if they have none of that name.
    pub async fn end_session(&self, token: &Verified, login: &str) -> Result<bool, SessionError> {
        let found = self.sessions(token).await?.into_iter().find(|session| session.login.as_str() == login);
        match found {
            Some(session) => self.end(&session).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Ends every sign-in of the token's user but the token's own; says how many there were.
    pub async fn end_other_sessions(&self, token: &Verified) -> Result<usize, SessionError> {
        let own = token.login_id().map(LoginId::as_str);
        let mut others = self.sessions(token).await?;
        others.retain(|session| Some(session.login.as_str()) != own);
        for session in &others {
            self.end(session).await?;
        }
        Ok(others.len())
    }

    async fn end(&self, session: &Session) -> Result<(), SessionError> {
        // Every session is of a sign-in of ours, also where a trusted issuer's token speaks for the same user.
        let digest = Digest::of_login(self.issuer.name(), &session.login);
        let expires = self.clock.now().plus(self.max_lifetime).plus(self.leeway);
        self.revocations.revoke(Revocation { scope: Scope::Login, digest, expires }).await?;
        Ok(())
    }
}
