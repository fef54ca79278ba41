//! What may be a password, and what is a stored hash?
//!
//! Length alone is asked for (NIST SP 800-63B §3.1.1: no rules of composition), that it is on no list of known ones if
//! there is such a list, and that the scheme it is hashed with reads all of it: bcrypt stops at a NUL, and after 72 bytes
//! of which the last is its own NUL.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::{Breached, NewHash, bcrypt_hash};
use crate::secret::Secret;

/// The fewest characters of a new password (NIST SP 800-63B §3.1.1).
const FEWEST: usize = 8;

/// The rule a new password breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRule {
    /// Fewer characters than this.
    #[error("must have at least {0} characters")]
    TooShort(usize),
    /// More bytes than this: the scheme would not read the rest.
    #[error("must have at most {0} bytes")]
    TooLong(usize),
    /// A NUL: bcrypt would stop there.
    #[error("must not hold a NUL character")]
    Nul,
    /// It is known to those who guess.
    #[error("is on the list of breached passwords")]
    Breached,
}

/// The rules for new passwords. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PasswordPolicy {
    fewest: usize,
    longest: usize,
    breached: Option<Arc<Breached>>,
}

impl Default for PasswordPolicy {
    /// 8 characters to 71 bytes.
    fn default() -> Self {
        Self { fewest: FEWEST, longest: bcrypt_hash::LONGEST, breached: None }
    }
}

impl PasswordPolicy {
    /// How many characters may be asked for at least.
    pub const FEWEST: RangeInclusive<u64> = FEWEST as u64..=64;

    /// At least `fewest` characters, all of which `hash` reads, and not on the list.
    pub fn new(fewest: usize, hash: NewHash, breached: Option<Arc<Breached>>) -> Self {
        Self { fewest: fewest.max(FEWEST), longest: hash.longest(), breached }
    }

    /// Takes `text` if it keeps the rules.
    pub fn check(&self, text: Secret) -> Result<NewPassword, PasswordRule> {
        if text.expose().contains(&0) {
            return Err(PasswordRule::Nul);
        }
        if text.len() > self.longest {
            return Err(PasswordRule::TooLong(self.longest));
        }
        // A person counts characters; bytes that are no text are counted as such.
        let characters = std::str::from_utf8(text.expose()).map_or(text.len(), |text| text.chars().count());
        if characters < self.fewest {
            return Err(PasswordRule::TooShort(self.fewest));
        }
        if self.breached.as_ref().is_some_and(|list| list.has(text.expose())) {
            return Err(PasswordRule::Breached);
        }
        Ok(NewPassword(text))
    }
}

impl fmt::Display for PasswordPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} characters to {} bytes", self.fewest, self.longest)
    }
}

/// A password that keeps the rules and may be stored, hashed.
#[derive(Clone, Debug)]
pub struct NewPassword(Secret);

impl NewPassword {
    /// Takes `text` if it keeps the rules of [`PasswordPolicy::default`].
    pub fn parse(text: Secret) -> Result<Self, PasswordRule> {
        PasswordPolicy::default().check(text)
    }

    /// A password that was proven and is kept, whatever is asked of new ones today.
    pub(super) const fn kept(text: Secret) -> Self {
        Self(text)
    }

    /// The bytes, for the hasher.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

/// A password hash as stored. `Debug` shows nothing.
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
        let (short, long) = (Some(PasswordRule::TooShort(8)), Some(PasswordRule::TooLong(71)));
        assert_eq!(rule(""), short);
        assert_eq!(rule("1234567"), short);
        assert_eq!(rule("éééé"), short, "eight bytes, four characters");
        assert_eq!(rule("12345678"), None);
        assert_eq!(rule("éééééééé"), None);
        assert_eq!(rule(&"a".repeat(71)), None);
        assert_eq!(rule(&"a".repeat(72)), long);
        assert_eq!(rule(&"€".repeat(24)), long);
    }

    #[test]
    fn argon2id_reads_more_and_an_operator_may_ask_for_more() {
        let hash = NewHash::Argon2id { memory: 64, iterations: 1, parallelism: 1 };
        let policy = PasswordPolicy::new(12, hash, None);
        let rule = |text: &str| policy.check(Secret::from(text)).err();
        assert_eq!(rule("12345678901"), Some(PasswordRule::TooShort(12)));
        assert_eq!((rule("123456789012"), rule(&"a".repeat(1024))), (None, None));
        assert_eq!(rule(&"a".repeat(1025)), Some(PasswordRule::TooLong(1024)));
        assert_eq!(policy.to_string(), "12 characters to 1024 bytes");
    }

    #[test]
    fn what_everybody_knows_is_refused() {
        let list = Breached::read(&b"password1\ncorrect horse\n"[..]).unwrap();
        let policy = PasswordPolicy::new(8, NewHash::Bcrypt { cost: 4 }, Some(Arc::new(list)));
        let rule = |text: &str| policy.check(Secret::from(text)).err();
        assert_eq!(rule("correct horse"), Some(PasswordRule::Breached));
        assert_eq!(rule("correct horse battery"), None);
        assert_eq!(PasswordRule::Breached.to_string(), "is on the list of breached passwords");
    }

    #[test]
    fn a_nul_is_refused_wherever_it_stands() {
        for text in ["\0", "\0abcdefgh", "abcd\0efgh", "abcdefgh\0"] {
            assert_eq!(rule(text), Some(PasswordRule::Nul), "{text:?}");
        }
    }

    #[test]
    fn nothing_shows_a_hash() {
        let hash = PasswordHash::from_store("$2b$04$secret".into());
        assert!(!format!("{hash:?}").contains("secret"));
        assert_eq!(hash.expose(), "$2b$04$secret");
    }
}
