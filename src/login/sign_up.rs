//! May there be such a user? The address, the password's rules, and that nobody has the name yet.

use crate::identity::{LoginName, UserId};
use crate::password::{NewPassword, Overloaded, PasswordRule};
use crate::secret::Secret;
use crate::users::{CreateError, StoreError, User};

use super::{Logins, email};

/// A sign-up as asked.
#[derive(Debug)]
pub struct SignUp {
    /// `email`: the login.
    pub email: String,
    /// `password`.
    pub password: Secret,
}

/// Why a sign-up failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignUpError {
    /// The address is taken.
    #[error("there is already a user with this e-mail address")]
    Exists,
    /// Not an e-mail address.
    #[error("is not an e-mail address")]
    Email,
    /// The password breaks a rule.
    #[error(transparent)]
    Password(#[from] PasswordRule),
    /// The hashing queue is full.
    #[error("too many sign-ups at once")]
    Overloaded,
    /// The store cannot be asked.
    #[error("a store is not available")]
    StoreUnavailable,
}

impl Logins {
    /// Creates a user. The first of two that sign up with one address at once gets it.
    pub async fn sign_up(&self, sign_up: SignUp) -> Result<UserId, SignUpError> {
        let login = LoginName::parse(&sign_up.email).map_err(|_| SignUpError::Email)?;
        if !email::is_address(login.as_str()) {
            return Err(SignUpError::Email);
        }
        let password = NewPassword::parse(sign_up.password)?;
        // Who is here already need not wait for a hash, and a hash need not be made for them.
        if self.users.by_login(&login).await?.is_some() {
            return Err(SignUpError::Exists);
        }
        let password = self.hasher.hash(password).await?;
        let id = UserId::new();
        let user = User {
            id: id.clone(),
            email: Some(login.as_str().to_owned()),
            login,
            password,
            scopes: self.signup_scopes.clone(),
            disabled: false,
            created: self.clock.now(),
        };
        self.users.create(user).await?;
        Ok(id)
    }
}

impl From<CreateError> for SignUpError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Exists => Self::Exists,
            CreateError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for SignUpError {
    fn from(error: StoreError) -> Self {
        tracing::warn!("nobody can sign up: {error}");
        Self::StoreUnavailable
    }
}

impl From<Overloaded> for SignUpError {
    fn from(_: Overloaded) -> Self {
        Self::Overloaded
    }
}
