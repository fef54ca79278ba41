//! Is this text a token of ours, and what does it say? And: make a new one.
//!
//! Keys, issuing and verifying of JSON Web Tokens (RFC 7519) in the access-token profile of RFC 9068. Nothing here
//! awaits, opens a socket or asks a store; [`Verified`] is made only by [`Verifier::verify`].

use std::time::Duration;

use crate::secret::Secret;

mod cache;
mod issue;
mod key;
mod verify;

pub use issue::{Grant, Issued, Issuer};
pub use key::{KeyId, KeyRing};
pub use verify::{TokenError, Verified, Verifier};

/// What `[tokens]` says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `iss` of every token.
    pub issuer: String,
    /// `aud` of every token.
    pub audience: String,
    /// How long a token lives.
    pub lifetime: Duration,
    /// The longest `exp - iat` accepted, ours or others'.
    pub max_lifetime: Duration,
    /// Grace for `exp`; at most 5 s.
    pub leeway: Duration,
    /// The secret that signs; at least 32 bytes.
    pub secret: Secret,
    /// Secrets that still verify.
    pub previous: Vec<Secret>,
    /// What `sub` is.
    pub subject: SubjectForm,
    /// Bytes the verified-token cache may hold.
    pub cache_bytes: usize,
}

/// What `sub` is in the tokens we issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectForm {
    /// The user's immutable id.
    Id,
    /// The login name behind a prefix, such as `username:`.
    Login {
        /// What stands before the login name; may be empty.
        prefix: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settings that differ from test to test only where a test says so.
    pub(super) fn settings() -> Settings {
        Settings {
            issuer: "https://gateway.test".into(),
            audience: "planner".into(),
            lifetime: Duration::from_secs(1800),
            max_lifetime: Duration::from_secs(86_400),
            leeway: Duration::ZERO,
            secret: Secret::from("paper clips, 32 bytes and some more"),
            previous: Vec::new(),
            subject: SubjectForm::Id,
            cache_bytes: 1 << 20,
        }
    }
}
