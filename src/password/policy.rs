//! What may be a password, and what is a stored hash?
//!
//! Length alone is asked for (NIST SP 800-63B §3.1.1: no rules of composition), and that bcrypt reads all of it: it
//! stops at a NUL, and after 72 bytes of which the last is its own NUL.

use std::fmt;

use crate::secret::Secret;

/// The fewest characters of a new password.
const FEWEST: usize = 8;
/// The most bytes bcrypt reads of a password.
const MOST: usize = 71;

/// The rule a new password breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRule {
    /// Fewer than 8 characters (NIST SP 800-63B §3.1.1).
    #[error("must have at least 8 characters")]
    TooShort,
    /// More than 71 bytes: bcrypt would not read the rest.
    #[error("must have at most 71 bytes")]
    TooLong,
    /// A NUL: bcrypt would stop there.
    #[error("must not hold a NUL character")]
    Nul,
}

/// A password that keeps the rules and may be stored, hashed.
#[derive(Clone, Debug)]
pub struct NewPassword(Secret);

impl NewPassword {
    /// Takes `text` if it keeps the rules.
    pub fn parse(text: Secret) -> Result<Self, PasswordRule> {
        if text.expose().contains(&0) {
            return Err(PasswordRule::Nul);
        }
        if text.len() > MOST {
            return Err(PasswordRule::TooLong);
        }
        // A person counts characters; bytes that are no text are counted as such.
        let characters = std::str::from_utf8(text.expose()).map_or(text.len(), |text| text.chars().count());
        if characters < FEWEST {
            return Err(PasswordRule::TooShort);
        }
        Ok(Self(text))
    }

    /// The bytes, for the hasher.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

/// Whether bcrypt would read all of `password`, and there is something to read: only then may it fit a stored hash,
/// whoever made that.
pub(super) fn is_readable(password: &[u8]) -> bool {
    !password.is_empty() && password.len() <= MOST && !password.contains(&0)
}

/// A password hash as stored (modular crypt format). `Debug` shows nothing.
#[derive(Clone)]
pub struct PasswordHash(Secret);

impl PasswordHash {
    /// A hash from the store; any text, malformed ones never verify.
    pub fn from_store(text: String) -> Self {
        Self(Secret::from(text))
    }

    /// The text, for the store and the hasher.
    pub fn expose(&self) -> &str {
        std::str::from_utf8(self.0.expose()).unwrap_or_default()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Option<PasswordRule> {
        NewPassword::parse(Secret::from(text)).err()
    }

    #[test]
    fn characters_are_counted_below_and_bytes_above() {
        assert_eq!(rule(""), Some(PasswordRule::TooShort));
        assert_eq!(rule("1234567"), Some(PasswordRule::TooShort));
        assert_eq!(rule("éééé"), Some(PasswordRule::TooShort), "eight bytes, four characters");
        assert_eq!(rule("12345678"), None);
        assert_eq!(rule("éééééééé"), None);
        assert_eq!(rule(&"a".repeat(71)), None);
        assert_eq!(rule(&"a".repeat(72)), Some(PasswordRule::TooLong));
        assert_eq!(rule(&"€".repeat(24)), Some(PasswordRule::TooLong));
    }

    #[test]
    fn a_nul_is_refused_wherever_it_stands() {
        for text in ["\0", "\0abcdefgh", "abcd\0efgh", "abcdefgh\0"] {
            assert_eq!(rule(text), Some(PasswordRule::Nul), "{text:?}");
            assert!(!is_readable(text.as_bytes()));
        }
    }

    #[test]
    fn nothing_shows_a_hash() {
        let hash = PasswordHash::from_store("$2b$04$secret".into());
        assert!(!format!("{hash:?}").contains("secret"));
        assert_eq!(hash.expose(), "$2b$04$secret");
    }
}
