//! What do the stores say of a token that memory says nothing against?
//!
//! The user store, of a user who was not seen lately; and the revocation log, with `[revocation] check = "every_request"`
//! only. These are the checks that wait for anything. They come after all others, so that they are made for tokens only
//! that would be let through.

use std::sync::Arc;

use http::HeaderMap;

use super::denial::objection;
use super::gate::bearer;
use super::{Denial, Gate, Identity, Permit, Reason};
use crate::token::Verified;

impl Gate {
    /// Whether the log is to be asked about every request.
    pub fn looks_twice(&self) -> bool {
        self.revocations.checks_every_request()
    }

    /// Credential → verify → revoked? → user: who brought this token, when every store that has a say was heard.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Arc<Verified>, Denial> {
        let mut settled = true;
        let token = self.identify(bearer(headers)?, None, &mut settled)?;
        self.hear(&token, settled).await?;
        Ok(token)
    }

    /// Asks the stores that have a say about whoever was let through.
    pub async fn look_again(&self, permit: &Permit) -> Result<(), Denial> {
        match permit.identity() {
            Identity::Known(token) => self.hear(token, permit.is_settled()).await,
            Identity::Public | Identity::Anonymous => Ok(()),
        }
    }

    async fn hear(&self, token: &Arc<Verified>, settled: bool) -> Result<(), Denial> {
        if self.looks_twice() {
            self.ask(token).await?;
        }
        if settled {
            return Ok(());
        }
        match self.accounts.settle(token).await {
            Ok(()) => {
                self.sessions.saw(token);
                Ok(())
            }
            Err(objection) => {
                Err(Denial { reason: objection.into(), subject: Some(Arc::clone(token)), needed: None })
            }
        }
    }

    /// Asks the log about the bearer of a token.
    async fn ask(&self, token: &Arc<Verified>) -> Result<(), Denial> {
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
