//! What are revocations and counters of sign-ins keyed by? 128-bit digests of what they name, never the text of a token
//! or of a login.
//!
//! A digest is the first half of SHA-256 over a scope tag and length-prefixed parts, so that no two different
//! things share an input. 10 million entries collide with a probability below 10⁻²⁴.

use std::fmt;

use super::{LoginId, Subject, TokenId, UserId};

/// 128 bits that stand for a token, a login, a user or a key, or for who tries to sign in and from where.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 16]);

impl Digest {
    /// One token: its issuer and `jti`.
    pub fn of_token(issuer: &str, token: &TokenId) -> Self {
        Self::of("token", &[issuer, token.as_str()])
    }

    /// One token without a `jti`: whose it is, and what its signature is of.
    pub fn of_unnamed_token(issuer: &str, signed: &str) -> Self {
        Self::of("unnamed_token", &[issuer, signed])
    }

    /// One sign-in: its issuer and `sid`.
    pub fn of_login(issuer: &str, login: &LoginId) -> Self {
        Self::of("login", &[issuer, login.as_str()])
    }

    /// One user: the issuer and `sub`.
    pub fn of_user(issuer: &str, subject: &Subject) -> Self {
        Self::of("user", &[issuer, subject.as_str()])
    }

    /// One signing key: the issuer and `kid`.
    pub fn of_key(issuer: &str, key: &str) -> Self {
        Self::of("key", &[issuer, key])
    }

    /// The passwords that one user has had: the issuer and the user's id.
    pub fn of_passwords(issuer: &str, user: &UserId) -> Self {
        Self::of("passwords", &[issuer, user.as_str()])
    }

    /// Whoever has this login, if anybody has: the issuer and the login in canonical form, whatever it is.
    pub fn of_account(issuer: &str, login: &str) -> Self {
        Self::of("account", &[issuer, login])
    }

    /// Where somebody comes from: the issuer and an address or network as text.
    pub fn of_source(issuer: &str, source: &str) -> Self {
        Self::of("source", &[issuer, source])
    }

    /// Sign-ups from one source, as text; the empty text stands for all sources together.
    pub fn of_sign_ups(issuer: &str, source: &str) -> Self {
        Self::of("sign_ups", &[issuer, source])
    }

    /// One account as tried from one source.
    pub fn of_account_at(account: Self, source: Self) -> Self {
        Self::of("account_source", &[&account.to_hex(), &source.to_hex()])
    }

    fn of(scope: &str, parts: &[&str]) -> Self {
        let mut input = Vec::with_capacity(128);
        for part in std::iter::once(&scope).chain(parts) {
            input.extend_from_slice(&(part.len() as u64).to_be_bytes());
            input.extend_from_slice(part.as_bytes());
        }
        let full = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &input);
        let mut half = [0; 16];
        half.copy_from_slice(&full.as_ref()[..16]);
        Self(half)
    }

    /// The bytes, as stores keep them.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// A digest a store kept.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// 32 lower-case hexadecimal digits.
    pub fn to_hex(self) -> String {
        use fmt::Write as _;
        self.0.iter().fold(String::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Reads what [`Self::to_hex`] wrote.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; 16];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// Everything of one verified token that a revocation could name; computed once, looked up on every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationDigests {
    /// This token.
    pub token: Digest,
    /// The sign-in it came from, if it names one.
    pub login: Option<Digest>,
    /// The user it speaks for.
    pub user: Digest,
    /// The key it is signed with.
    pub key: Digest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let one = Digest::of("token", &["ab", "c"]);
        assert_ne!(one, Digest::of("token", &["a", "bc"]));
        assert_ne!(one, Digest::of("login", &["ab", "c"]));
        assert_eq!(Digest::from_hex(&one.to_hex()), Some(one));
        assert_eq!(Digest::from_hex("zz"), None);
    }
}
