//! Whose token is this? The user in the store that the subject of a sign-in's token names.

use crate::identity::{AskedLogin, LoginName, UserId};
use crate::token::{SubjectForm, Verified};
use crate::users::{StoreError, User};

use super::Logins;

impl Logins {
    /// The user as the store has them now. Nobody, if the token is not of a sign-in of ours: what another issuer calls its
    /// subjects, or what a token was minted for by hand, is no user of this store, whatever it is spelled like.
    pub async fn user_of(&self, token: &Verified) -> Result<Option<User>, StoreError> {
        if token.issuer() != self.issuer.name() || token.login_id().is_none() {
            return Ok(None);
        }
        let subject = token.subject().as_str();
        match &self.subject {
            SubjectForm::Id => match UserId::parse(subject) {
                Ok(id) => self.users.by_id(&id).await,
                Err(_) => Ok(None),
            },
            SubjectForm::Login { prefix } => {
                let login = subject.strip_prefix(prefix.as_str()).map(LoginName::as_stored);
                let Some(Ok(login)) = login else { return Ok(None) };
                let found = self.users.by_login(&AskedLogin::from(login.clone())).await?;
                // The token has it as it is stored; who is found by another spelling, or field, is somebody else.
                Ok(found.filter(|user| user.login == login))
            }
        }
    }
}
