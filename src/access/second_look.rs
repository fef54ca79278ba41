//! What does the log itself say of a token that memory says nothing against?
//!
//! Only with `[revocation] check = "every_request"`, and the one check that waits for anything. It comes after all
//! others, so that it is made for tokens only that would be let through.

use std::sync::Arc;

use super::gate::objection;
use super::{Denial, Gate, Identity, Reason};
use crate::token::Verified;

impl Gate {
    /// Whether the log is to be asked about every request.
    pub fn looks_twice(&self) -> bool {
        self.revocations.checks_every_request()
    }

    /// Asks the log about whoever was let through.
    pub async fn look_again(&self, identity: &Identity) -> Result<(), Denial> {
        match identity {
            Identity::Known(token) => self.ask(token).await,
            Identity::Public | Identity::Anonymous => Ok(()),
        }
    }

    /// Asks the log about the bearer of a token.
    pub async fn ask(&self, token: &Arc<Verified>) -> Result<(), Denial> {
        let asked = self.revocations.ask(token.digests(), token.login_version(), token.issued_at()).await;
        let reason = match asked {
            Ok(standing) => objection(standing),
            Err(error) => {
                tracing::debug!("a request was not looked up: {error}");
                Some(Reason::StoreUnavailable)
            }
        };
        match reason {
            None => Ok(()),
            Some(reason) => Err(Denial { reason, subject: Some(Arc::clone(token)), needed: None }),
        }
    }
}
