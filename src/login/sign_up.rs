//! May there be such a user? The address, the password's rules, the other fields, and that nobody has the name yet.
//!
//! Whoever may ask whether an address is taken can ask for many: so sign-ups are counted before the store is asked.
//! Where nobody is to learn it (`signup_reveals = false`), an address that is taken costs a hash like any other and is told
//! the same.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use crate::identity::{AskedLogin, BadClaim, Claims, LoginName, Scopes, UserId};
use crate::password::{Overloaded, PasswordRule};
use crate::secret::Secret;
use crate::throttle::Refused;
use crate::users::{CreateError, StoreError, User};

use super::{Logins, email};

/// What `[endpoints]` says of sign-ups.
#[derive(Clone, Debug)]
pub struct SignUpRules {
    /// `signup_scopes`: what users who sign themselves up may ask for.
    pub scopes: Scopes,
    /// `signup_claims`: the fields they may send beside address and password.
    pub claims: Vec<SignUpClaim>,
    /// `signup_reveals`: whether they are told that an address is taken.
    pub reveals: bool,
}

impl Default for SignUpRules {
    fn default() -> Self {
        Self { scopes: Scopes::default(), claims: Vec::new(), reveals: true }
    }
}

/// A field of a sign-up that becomes a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignUpClaim {
    /// Its name, in the request and in tokens.
    pub name: String,
    /// Whether nobody signs up without it.
    pub required: bool,
}

/// A sign-up as asked.
#[derive(Debug)]
pub struct SignUp {
    /// `email`: the login.
    pub email: String,
    /// `password`.
    pub password: Secret,
    /// The other fields, of those there may be.
    pub claims: Vec<(String, Value)>,
    /// The client's address; none behind a Unix socket. Sign-ups are counted by it.
    pub client: Option<IpAddr>,
}

/// What came of a sign-up that the client is told has worked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedUp {
    /// There is a new user.
    New(UserId),
    /// There is none: this one has the address, and nobody is to learn of it.
    Hidden(Option<UserId>),
}

/// Why a sign-up failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
    /// This field cannot be a claim.
    #[error("{1}")]
    Claim(String, BadClaim),
    /// Too many sign-ups from there, or from everywhere: the time to wait.
    #[error("too many sign-ups: try again later")]
    RateLimited(Duration),
    /// Users are only read here.
    #[error("users cannot be added here")]
    ReadOnly,
    /// The hashing queue is full.
    #[error("too many sign-ups at once")]
    Overloaded,
    /// The store cannot be asked.
    #[error("a store is not available")]
    StoreUnavailable,
}

impl Logins {
    /// The fields a sign-up may have beside address and password.
    pub fn sign_up_claims(&self) -> &[SignUpClaim] {
        &self.sign_up.claims
    }

    /// Creates a user. The first of two that sign up with one address at once gets it.
    pub async fn sign_up(&self, sign_up: SignUp) -> Result<SignedUp, SignUpError> {
        let login = LoginName::parse(&sign_up.email).map_err(|_| SignUpError::Email)?;
        if !email::is_address(login.as_str()) {
            return Err(SignUpError::Email);
        }
        let password = self.policy.check(sign_up.password)?;
        let mut claims = Claims::default();
        for (name, value) in sign_up.claims {
            claims.insert(&name, value).map_err(|bad| SignUpError::Claim(name, bad))?;
        }
        if self.users.read_only().is_some() {
            return Err(SignUpError::ReadOnly);
        }
        self.throttle.sign_up(sign_up.client).await?;
        let taken = self.users.by_login(&AskedLogin::from(login.clone())).await?;
        if taken.is_some() && self.sign_up.reveals {
            // Who is told so need not wait for a hash, and a hash need not be made for them.
            return Err(SignUpError::Exists);
        }
        let password = self.hasher.hash(password).await?;
        if let Some(user) = taken {
            return Ok(SignedUp::Hidden(Some(user.id)));
        }
        let user = User {
            id: UserId::new(),
            email: Some(login.as_str().to_owned()),
            login,
            password,
            scopes: self.sign_up.scopes.clone(),
            disabled: false,
            claims,
            created: Some(self.clock.now()),
        };
        match self.users.create(user).await {
            Ok(id) => Ok(SignedUp::New(id)),
            Err(CreateError::Exists) if !self.sign_up.reveals => Ok(SignedUp::Hidden(None)),
            Err(error) => Err(error.into()),
        }
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
        match error {
            StoreError::ReadOnly(_) => Self::ReadOnly,
            StoreError::Failed(_) => Self::StoreUnavailable,
        }
    }
}

impl From<Refused> for SignUpError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Wait(wait) => Self::RateLimited(wait),
            Refused::Unavailable(error) => {
                tracing::warn!("nobody can sign up: {error}");
                Self::StoreUnavailable
            }
        }
    }
}

impl From<Overloaded> for SignUpError {
    fn from(_: Overloaded) -> Self {
        Self::Overloaded
    }
}
