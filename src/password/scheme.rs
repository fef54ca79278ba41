//! Which functions were passwords hashed with? A closed list, one word each.

use std::fmt;

use super::PasswordHash;
use super::stored::StoredHash;

/// How hard it is to guess passwords whose hashes were stolen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// A guess costs next to nothing.
    Weak,
    /// Iterated, but cheap on graphics cards.
    Fair,
    /// Iterated by a standard's rules, and still cheap on graphics cards.
    Medium,
    /// Made to be expensive there too.
    Strong,
}

macro_rules! schemes {
    ($($(#[$doc:meta])* $name:ident $word:literal $strength:ident,)*) => {
        /// A scheme of stored hashes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Scheme {
            $($(#[$doc])* $name,)*
        }

        impl Scheme {
            /// All of them, the strongest first.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$name),*];

            /// Its word in the configuration.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            pub(super) const fn strength(self) -> Strength {
                match self { $(Self::$name => Strength::$strength,)* }
            }
        }
    };
}

schemes! {
    /// Argon2id (RFC 9106), also in Django's spelling.
    Argon2id "argon2id" Strong,
    /// bcrypt: `$2a$`, `$2b$`, `$2y$`, also in Django's spelling.
    Bcrypt "bcrypt" Strong,
    /// scrypt (RFC 7914): passlib's, Django's and Werkzeug's spellings.
    Scrypt "scrypt" Strong,
    /// Argon2i (RFC 9106).
    Argon2i "argon2i" Strong,
    /// bcrypt of a SHA-256, so that nothing is cut off: passlib's and Django's.
    BcryptSha256 "bcrypt-sha256" Strong,
    /// PBKDF2 (RFC 8018) with HMAC-SHA-512: passlib's and Werkzeug's spellings.
    Pbkdf2Sha512 "pbkdf2-sha512" Medium,
    /// PBKDF2 with HMAC-SHA-256: passlib's, Django's and Werkzeug's spellings.
    Pbkdf2Sha256 "pbkdf2-sha256" Medium,
    /// PBKDF2 with HMAC-SHA-1: passlib's, Django's and Werkzeug's spellings.
    Pbkdf2Sha1 "pbkdf2-sha1" Medium,
    /// crypt(3)'s `$6$`.
    Sha512Crypt "sha512-crypt" Fair,
    /// crypt(3)'s `$5$`.
    Sha256Crypt "sha256-crypt" Fair,
    /// Apache's `$apr1$`: a thousand rounds of MD5.
    Apr1 "apr1" Weak,
    /// crypt(3)'s `$1$`: a thousand rounds of MD5.
    Md5Crypt "md5-crypt" Weak,
    /// `{SSHA}`: one SHA-1, with a salt.
    SaltedSha1 "salted-sha1" Weak,
    /// `{SHA}`: one SHA-1.
    Sha1 "sha1" Weak,
}

impl Scheme {
    /// The scheme of a stored hash; none if it is malformed or beyond its scheme's bounds.
    pub fn of(stored: &PasswordHash) -> Option<Self> {
        StoredHash::parse(stored.expose()).map(|hash| hash.scheme())
    }

    /// The scheme of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str() == word)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Some of the schemes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct SchemeSet(u16);

impl SchemeSet {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// What is verified if nothing else is said: all but the weak ones.
    pub const STRONG: Self = Self::of_strong();
    /// What is verified of an htpasswd file if nothing else is said: the strong ones and what `htpasswd` itself writes.
    pub const HTPASSWD: Self = Self::STRONG.with(Scheme::Apr1).with(Scheme::Sha1);

    const fn of_strong() -> Self {
        let mut set = Self(0);
        let mut at = 0;
        while at < Scheme::ALL.len() {
            if !matches!(Scheme::ALL[at].strength(), Strength::Weak) {
                set = set.with(Scheme::ALL[at]);
            }
            at += 1;
        }
        set
    }

    /// These and `scheme`.
    #[must_use]
    pub const fn with(self, scheme: Scheme) -> Self {
        Self(self.0 | 1 << scheme as u16)
    }

    /// Whether `scheme` is among them.
    pub const fn contains(self, scheme: Scheme) -> bool {
        self.0 & 1 << scheme as u16 != 0
    }
}

impl FromIterator<Scheme> for SchemeSet {
    fn from_iter<I: IntoIterator<Item = Scheme>>(schemes: I) -> Self {
        schemes.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Debug for SchemeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Scheme::ALL.into_iter().filter(|scheme| self.contains(*scheme))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_word_of_its_own() {
        for scheme in Scheme::ALL {
            assert_eq!(Scheme::parse(scheme.as_str()), Some(scheme));
        }
        assert_eq!(Scheme::parse("plaintext"), None);
        assert!(Scheme::ALL.is_sorted_by(|one, next| one.strength() >= next.strength()));
    }

    #[test]
    fn weak_schemes_are_verified_only_where_they_are_named() {
        let weak = [Scheme::Apr1, Scheme::Md5Crypt, Scheme::SaltedSha1, Scheme::Sha1];
        for scheme in Scheme::ALL {
            assert_eq!(SchemeSet::STRONG.contains(scheme), !weak.contains(&scheme), "{scheme}");
        }
        assert!(SchemeSet::HTPASSWD.contains(Scheme::Apr1) && SchemeSet::HTPASSWD.contains(Scheme::Sha1));
        assert!(!SchemeSet::HTPASSWD.contains(Scheme::Md5Crypt));
        assert_eq!(SchemeSet::from_iter(Scheme::ALL), SchemeSet(0x3fff));
    }
}
