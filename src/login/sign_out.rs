//! What does signing out end? This sign-in, every sign-in of the user, or one token.
//!
//! A revocation is kept as long as anything it names could still be valid, and forgotten after.

use std::sync::Arc;

use crate::revocation::{Revocation, Scope, Unavailable};
use crate::token::Verified;

use super::Logins;

impl Logins {
    /// Ends the login the token came from, or every login of its user. Says which scope was revoked: a token that came
    /// of no sign-in is revoked alone. `Ok` means that the store took it.
    pub async fn sign_out(&self, token: &Verified, everywhere: bool) -> Result<Scope, Unavailable> {
        let digests = token.digests();
        let (scope, digest) = match digests.login {
            _ if everywhere => (Scope::User, digests.user),
            Some(login) => (Scope::Login, login),
            None => (Scope::Token, digests.token),
        };
        let expires = match scope {
            Scope::Token => token.expires(),
            // No token issued up to now lives longer than this.
            Scope::Login | Scope::User | Scope::Key => self.clock.now().plus(self.max_lifetime),
        };
        let expires = expires.plus(self.leeway);
        self.revocations.revoke(Revocation { scope, digest, expires }).await?;
        Ok(scope)
    }

    /// RFC 7009: revokes the token if it is one of ours and still good, and says which; anything else is no error.
    pub async fn revoke(&self, token: &str) -> Result<Option<Arc<Verified>>, Unavailable> {
        let Ok(token) = self.verifier.verify(token) else { return Ok(None) };
        let expires = token.expires().plus(self.leeway);
        let digest = token.digests().token;
        self.revocations.revoke(Revocation { scope: Scope::Token, digest, expires }).await?;
        Ok(Some(token))
    }
}
