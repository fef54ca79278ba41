//! Which password was a token given for? A keyed digest of its stored hash says so: whoever holds it against the hash that is
//! stored now knows whether the password has changed since, without having seen the former one.
//!
//! Keyed, because whoever has a token can read it, and hashes that other applications made may lack a salt.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};

use super::KeyRing;
use crate::secret::Secret;

/// Bytes kept of the digest. Nobody can try values: they come in signed tokens.
const BYTES: usize = 12;

/// The `pwv` of a token: 96 bits of HMAC-SHA256 over the user's id and the stored hash of their password.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PasswordVersion([u8; BYTES]);

impl PasswordVersion {
    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().map(Self).ok()
    }

    fn of(key: &hmac::Key, user: &str, hash: &str) -> Self {
        let mut context = hmac::Context::with_key(key);
        // Its length first, so that no two pairs share an input.
        context.update(&(user.len() as u64).to_be_bytes());
        context.update(user.as_bytes());
        context.update(hash.as_bytes());
        let mut part = [0; BYTES];
        part.copy_from_slice(&context.sign().as_ref()[..BYTES]);
        Self(part)
    }
}

impl fmt::Display for PasswordVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for PasswordVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordVersion({self})")
    }
}

impl Serialize for PasswordVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl KeyRing {
    /// The versions of a user's password, by each key in force: that of the key that signs first.
    pub fn password_versions(&self, user: &str, hash: &str) -> impl Iterator<Item = PasswordVersion> {
        self.keys().map(move |key| PasswordVersion::of(&key.marking, user, hash))
    }

    /// The version that a token signed now says.
    pub fn password_version(&self, user: &str, hash: &str) -> PasswordVersion {
        PasswordVersion::of(&self.signer().marking, user, hash)
    }
}

/// The key of these digests: one derived from the secret, which itself signs tokens and nothing else.
pub(super) fn marking_key(secret: &Secret) -> hmac::Key {
    let root = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, b"gatepass password version").as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tests::settings;

    #[test]
    fn it_changes_with_user_hash_and_secret_and_with_nothing_else() {
        let ring = KeyRing::new(&settings());
        let one = ring.password_version("u-1", "$2b$hash");
        assert_eq!(one, KeyRing::new(&settings()).password_version("u-1", "$2b$hash"));
        assert_ne!(one, ring.password_version("u-2", "$2b$hash"));
        assert_ne!(one, ring.password_version("u-1", "$2b$hasi"));
        assert_ne!(ring.password_version("ab", "c"), ring.password_version("a", "bc"));
        let mut changed = settings();
        changed.secret = Secret::from("another secret, as long as the first");
        changed.previous = vec![settings().secret];
        let both = KeyRing::new(&changed);
        assert_ne!(one, both.password_version("u-1", "$2b$hash"));
        let versions: Vec<_> = both.password_versions("u-1", "$2b$hash").collect();
        assert_eq!(versions, [both.password_version("u-1", "$2b$hash"), one], "by the former key, too");
    }

    #[test]
    fn it_is_read_as_it_is_written() {
        let version = KeyRing::new(&settings()).password_version("u-1", "$2b$hash");
        assert_eq!(version.to_string().len(), 16);
        assert_eq!(PasswordVersion::parse(&version.to_string()), Some(version));
        for bad in ["", "AAAA", "AAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAA ", "AAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(PasswordVersion::parse(bad), None, "{bad:?}");
        }
    }
}
