//! Which key signs, and which still verify?
//!
//! A key is a secret of `[tokens]`, pinned to HS256. Its identifier is computed from the secret, so that every gateway
//! that shares the secret names it alike, and says nothing about it.

use aws_lc_rs::hmac;
use jsonwebtoken::EncodingKey;

use super::Settings;
use super::password_version::marking_key;
use crate::identity::Digest;
use crate::secret::Secret;

/// A key's identifier: the `kid` header of the tokens it signs (RFC 7515 §4.1.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(Box<str>);

impl KeyId {
    /// 16 hexadecimal digits of HMAC-SHA256 under the secret: a change of secret is a change of name.
    pub(super) fn of(secret: &Secret) -> Self {
        use std::fmt::Write as _;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
        let tag = hmac::sign(&key, b"gatepass kid");
        let text = tag.as_ref()[..8].iter().fold(String::with_capacity(16), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A key in force; only the token room reaches what is secret in it.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) id: KeyId,
    pub(super) signing: EncodingKey,
    /// The same secret for verifying. Its two padded blocks are hashed already: they would be half of the work on a
    /// short token.
    verifying: hmac::Key,
    /// What the key is revoked by.
    pub(super) digest: Digest,
    /// What passwords are told apart by.
    pub(super) marking: hmac::Key,
}

impl Key {
    /// The key that `secret` is, where tokens are issued by `issuer`.
    pub(super) fn of(secret: &Secret, issuer: &str) -> Self {
        let id = KeyId::of(secret);
        Self {
            digest: Digest::of_key(issuer, id.as_str()),
            id,
            signing: EncodingKey::from_secret(secret.expose()),
            verifying: hmac::Key::new(hmac::HMAC_SHA256, secret.expose()),
            marking: marking_key(secret),
        }
    }

    /// Whether `mac` is HMAC-SHA256 of `signed` under this key (RFC 7515 §A.1); compared in constant time.
    pub(super) fn fits(&self, signed: &str, mac: &[u8; 32]) -> bool {
        #[cfg(test)]
        super::verify::work::note(|work| work.signed += signed.len());
        hmac::verify(&self.verifying, signed.as_bytes(), mac).is_ok()
    }

    /// HMAC-SHA256 of `signed` under this key.
    #[cfg(test)]
    pub(super) fn mac(&self, signed: &str) -> hmac::Tag {
        hmac::sign(&self.verifying, signed.as_bytes())
    }
}

/// The keys in force: one that signs, and those that still verify.
#[derive(Debug)]
pub struct KeyRing {
    current: Key,
    previous: Vec<Key>,
}

impl KeyRing {
    /// The ring that `settings` describe. The configuration has seen to the length of the secrets.
    pub fn new(settings: &Settings) -> Self {
        let of = |secret| Key::of(secret, &settings.issuer);
        let current = of(&settings.secret);
        let mut previous: Vec<Key> = Vec::new();
        for key in settings.previous.iter().map(of) {
            // A secret listed twice is one key: a token without `kid` is judged by how many there are.
            if key.id != current.id && previous.iter().all(|other| other.id != key.id) {
                previous.push(key);
            }
        }
        Self { current, previous }
    }

    /// The key that signs.
    pub const fn current(&self) -> &KeyId {
        &self.current.id
    }

    /// Every key that verifies, the current one first.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys().map(|key| &key.id)
    }

    /// The key that signs, with its secret.
    pub(super) const fn signer(&self) -> &Key {
        &self.current
    }

    /// The key that `kid` names; without one, the only key there is (RFC 8725 §3.1: never a guess).
    pub(super) fn find(&self, kid: Option<&str>) -> Option<&Key> {
        match kid {
            Some(kid) => self.keys().find(|key| key.id.as_str() == kid),
            None if self.previous.is_empty() => Some(&self.current),
            None => None,
        }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tests::settings;

    #[test]
    fn a_key_is_found_by_its_name_only() {
        let mut settings = settings();
        let alone = KeyRing::new(&settings);
        assert_eq!(alone.find(None).map(|key| &key.id), Some(alone.current()));
        assert!(alone.find(Some("")).is_none());

        let former = settings.secret.clone();
        settings.secret = Secret::from("another secret, as long as the first");
        settings.previous = vec![former, settings.secret.clone()];
        let both = KeyRing::new(&settings);
        assert_eq!(both.ids().count(), 2, "the current secret among the previous ones is no further key");
        assert!(both.find(None).is_none());
        assert_eq!(both.find(Some(alone.current().as_str())).map(|key| &key.id), Some(alone.current()));
        assert_ne!(both.current(), alone.current());
    }

    #[test]
    fn neither_name_nor_debug_tells_the_secret() {
        let settings = settings();
        let ring = KeyRing::new(&settings);
        assert_eq!(ring.current().as_str().len(), 16);
        let shown = format!("{ring:?} {settings:?}");
        assert!(!shown.contains(std::str::from_utf8(settings.secret.expose()).unwrap()), "{shown}");
        assert!(!shown.contains("112, 97"), "as a list of bytes: {shown}");
    }
}
