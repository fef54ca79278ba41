//! Is this text a token of ours, and what does it say? And: make a new one.
//!
//! Keys, issuing and verifying of JSON Web Tokens (RFC 7519) in the access-token profile of RFC 9068, and of the tokens
//! of other issuers that the operator trusts. Nothing here awaits, opens a socket or asks a store; [`Verified`] is made
//! only by [`Verifier::verify`].

use std::time::Duration;

use crate::secret::Secret;

mod cache;
mod issue;
mod key;
mod minting;
mod password_version;
mod subject;
mod trusted;
mod verify;

pub use issue::{Grant, Issued, Issuer};
pub use key::{KeyId, KeyRing};
pub use minting::{Member, Minting};
pub use password_version::PasswordVersion;
pub use subject::SubjectForm;
pub use trusted::{Trusted, key_of};
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
    /// What the tokens we issue leave out, and what they say under other names.
    pub minting: Minting,
    /// Whose tokens are believed beside our own.
    pub trusted: Vec<Trusted>,
    /// The further claims that somebody asks for, by name: of the rest nothing is kept.
    pub claims: Vec<String>,
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
            minting: Minting::default(),
            trusted: Vec::new(),
            claims: Vec::new(),
        }
    }
}
