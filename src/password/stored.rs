//! What is this stored text? Its scheme by its beginning; what no scheme reads, or none would in bounded time, is no
//! hash, and nothing fits it.

use super::argon2_hash::{Argon2Hash, Variant};
use super::bcrypt_hash::BcryptHash;
use super::md5_crypt::Md5CryptHash;
use super::pbkdf2_hash::Pbkdf2Hash;
use super::recipe::{self, Recipe};
use super::scheme::Scheme;
use super::scrypt_hash::ScryptHash;
use super::sha_crypt::{ShaCryptHash, Width};
use super::sha1_hash::Sha1Hash;

/// Bytes of the longest hash that is read.
const LONGEST: usize = 1024;

/// A hash of one of the schemes, its costs within bounds.
pub(super) enum StoredHash {
    Bcrypt(BcryptHash),
    Argon2(Argon2Hash),
    Scrypt(ScryptHash),
    Pbkdf2(Pbkdf2Hash),
    ShaCrypt(ShaCryptHash),
    Md5Crypt(Md5CryptHash),
    Sha1(Sha1Hash),
}

impl StoredHash {
    /// Reads it. No two schemes begin alike.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        Self::crypt(text)
            .or_else(|| Self::passlib(text))
            .or_else(|| Self::framework(text))
            .or_else(|| Self::ldap(text))
    }

    /// What C libraries and their kin write.
    fn crypt(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('$')?;
        let (name, behind) = rest.split_once('$')?;
        match name {
            "2a" | "2b" | "2y" => BcryptHash::parse(text).map(Self::Bcrypt),
            "argon2id" | "argon2i" => Argon2Hash::parse(rest).map(Self::Argon2),
            "5" => ShaCryptHash::parse(Width::Sha256, behind).map(Self::ShaCrypt),
            "6" => ShaCryptHash::parse(Width::Sha512, behind).map(Self::ShaCrypt),
            "apr1" => Md5CryptHash::parse(Scheme::Apr1, behind).map(Self::Md5Crypt),
            "1" => Md5CryptHash::parse(Scheme::Md5Crypt, behind).map(Self::Md5Crypt),
            _ => None,
        }
    }

    fn passlib(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("$pbkdf2") {
            Pbkdf2Hash::passlib(rest).map(Self::Pbkdf2)
        } else if let Some(rest) = text.strip_prefix("$scrypt$") {
            ScryptHash::passlib(rest).map(Self::Scrypt)
        } else {
            text.strip_prefix("$bcrypt-sha256$").and_then(BcryptHash::passlib_sha256).map(Self::Bcrypt)
        }
    }

    /// Django's have `$` behind their names, Werkzeug's `:`.
    fn framework(text: &str) -> Option<Self> {
        let (name, rest) = text.split_at_checked(text.find(['$', ':', '_'])?)?;
        match (name, rest.split_at_checked(1)?) {
            ("argon2", ("$", hash)) => Argon2Hash::parse(hash).map(Self::Argon2),
            ("bcrypt", ("$", hash)) => BcryptHash::parse(hash).map(Self::Bcrypt),
            ("bcrypt", ("_", rest)) => {
                rest.strip_prefix("sha256$").and_then(BcryptHash::django_sha256).map(Self::Bcrypt)
            }
            ("pbkdf2", ("_", rest)) => Pbkdf2Hash::django(rest).map(Self::Pbkdf2),
            ("pbkdf2", (":", rest)) => Pbkdf2Hash::werkzeug(rest).map(Self::Pbkdf2),
            ("scrypt", ("$", rest)) => ScryptHash::django(rest).map(Self::Scrypt),
            ("scrypt", (":", rest)) => ScryptHash::werkzeug(rest).map(Self::Scrypt),
            _ => None,
        }
    }

    /// The names of RFC 2307's schemes are written in either case.
    fn ldap(text: &str) -> Option<Self> {
        let (name, rest) = text.strip_prefix('{')?.split_once('}')?;
        let scheme = if name.eq_ignore_ascii_case("SHA") {
            Scheme::Sha1
        } else if name.eq_ignore_ascii_case("SSHA") {
            Scheme::SaltedSha1
        } else {
            return None;
        };
        Sha1Hash::parse(scheme, rest).map(Self::Sha1)
    }

    pub(super) const fn scheme(&self) -> Scheme {
        match self {
            Self::Bcrypt(hash) => hash.scheme(),
            Self::Argon2(Argon2Hash { variant: Variant::I, .. }) => Scheme::Argon2i,
            Self::Argon2(_) => Scheme::Argon2id,
            Self::Scrypt(_) => Scheme::Scrypt,
            Self::Pbkdf2(hash) => hash.prf.scheme(),
            Self::ShaCrypt(hash) => hash.width.scheme(),
            Self::Md5Crypt(hash) => hash.scheme,
            Self::Sha1(hash) => hash.scheme,
        }
    }

    pub(super) const fn recipe(&self) -> Recipe {
        match self {
            Self::Bcrypt(hash) => hash.recipe(),
            Self::Argon2(hash) => hash.recipe(),
            Self::Scrypt(hash) => hash.recipe(),
            Self::Pbkdf2(hash) => hash.recipe(),
            Self::ShaCrypt(hash) => hash.recipe(),
            Self::Md5Crypt(hash) => hash.recipe(),
            Self::Sha1(_) => Recipe::Sha1,
        }
    }

    /// The longest password that is read in full.
    pub(super) const fn longest(&self) -> usize {
        match self {
            Self::Bcrypt(hash) => hash.longest(),
            _ => self.recipe().longest(),
        }
    }

    /// The longest password that is taken where those that bcrypt cuts off are taken, too.
    pub(super) const fn longest_cut(&self) -> usize {
        match self {
            Self::Bcrypt(_) => recipe::LONGEST,
            _ => self.longest(),
        }
    }

    /// Whether `password` (no NUL, not too long) hashes to this.
    pub(super) fn fits(&self, password: &[u8]) -> bool {
        match self {
            Self::Bcrypt(hash) => hash.fits(password),
            Self::Argon2(hash) => hash.fits(password),
            Self::Scrypt(hash) => hash.fits(password),
            Self::Pbkdf2(hash) => hash.fits(password),
            Self::ShaCrypt(hash) => hash.fits(password),
            Self::Md5Crypt(hash) => hash.fits(password),
            Self::Sha1(hash) => hash.fits(password),
        }
    }
}
