//! Is a stored password hash to be replaced by a stronger one, now that the password is known?
//!
//! Only a sign-in knows it. The sign-in is answered first; the new hash is made when no other sign-in waits for a thread,
//! and stored only in place of the one that was proven, so that a password changed meanwhile is never brought back. What
//! did not work out is done at the next sign-in.

use std::sync::Arc;

use crate::secret::Secret;
use crate::users::User;

use super::Logins;

impl Logins {
    /// Has the hash of `user`, whose password this is, replaced in the background if it is outdated.
    pub(super) fn renew_hash(&self, user: &User, password: &Secret) {
        let Some(rehashed) = self.rehashed.clone() else { return };
        if !self.hasher.is_outdated(&user.password, password) {
            return;
        }
        let Ok(place) = self.hasher.spare_place() else { return rehashed("overloaded") };
        let (users, id, old) = (self.users.clone(), user.id.clone(), user.password.clone());
        let (accounts, password) = (Arc::clone(&self.accounts), password.clone());
        // The places of the hasher bound how many of these there are.
        tokio::spawn(async move {
            let Ok(new) = place.renew(password).await else { return rehashed("overloaded") };
            // First: a token says which hash its sign-in was made with, and no sign-in may end by a replacement.
            if let Err(error) = accounts.same_password(&id, &old, &new).await {
                tracing::warn!("a password hash was not replaced: {error}");
                return rehashed("store_unavailable");
            }
            match users.replace_password(&id, &old, new).await {
                Ok(true) => rehashed("replaced"),
                Ok(false) => rehashed("changed"),
                Err(error) => {
                    tracing::warn!("a password hash was not replaced: {error}");
                    rehashed("store_unavailable");
                }
            }
        });
    }
}

#[cfg(test)]
mod tests;
