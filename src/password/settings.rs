//! How are passwords hashed, and which hashes are verified and replaced? What `[passwords]` says of it.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::argon2_hash::{self, MOST_LANES, MOST_MEMORY, MOST_WRITTEN};
use super::bcrypt_hash::{self, LEAST_COST, MOST_COST};
use super::recipe::{self, Recipe};
use super::stored::StoredHash;
use super::{NewPassword, PasswordHash, Scheme, SchemeSet};
use crate::secret;

/// The scheme of new hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewHash {
    /// bcrypt of this cost: 4 to 16.
    Bcrypt {
        /// How many times its work doubles.
        cost: u32,
    },
    /// Argon2id: at most 256 MiB, and 2 GiB in all iterations together.
    Argon2id {
        /// Memory in KiB.
        memory: u32,
        /// How many times it is filled.
        iterations: u32,
        /// Lanes, computed one after the other.
        parallelism: u32,
    },
}

impl NewHash {
    /// Its scheme.
    pub const fn scheme(self) -> Scheme {
        match self {
            Self::Bcrypt { .. } => Scheme::Bcrypt,
            Self::Argon2id { .. } => Scheme::Argon2id,
        }
    }

    /// The most bytes of a password that it reads.
    pub const fn longest(self) -> usize {
        match self {
            Self::Bcrypt { .. } => bcrypt_hash::LONGEST,
            Self::Argon2id { .. } => recipe::LONGEST,
        }
    }

    pub(super) const fn recipe(self) -> Recipe {
        match self {
            Self::Bcrypt { cost } => Recipe::Bcrypt { cost },
            Self::Argon2id { memory, iterations, parallelism } => {
                let variant = argon2_hash::Variant::Id;
                Recipe::Argon2 { variant, memory, iterations, lanes: parallelism }
            }
        }
    }

    /// A cost that no hash may have is `InvalidInput`.
    pub(super) fn check(self) -> io::Result<()> {
        let wrong = match self {
            Self::Bcrypt { cost } if !(LEAST_COST..=MOST_COST).contains(&cost) => {
                format!("bcrypt's cost is {LEAST_COST} to {MOST_COST}, not {cost}")
            }
            Self::Argon2id { memory, iterations, parallelism }
                if !(1..=MOST_LANES).contains(&parallelism)
                    || !(8 * parallelism..=MOST_MEMORY).contains(&memory)
                    || iterations == 0
                    || u64::from(memory) * u64::from(iterations) > MOST_WRITTEN =>
            {
                format!("argon2id cannot have {memory} KiB, {iterations} iterations and {parallelism} lanes")
            }
            _ => return Ok(()),
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, wrong))
    }

    /// Hashes a new password, with a new salt.
    pub(super) fn make(self, password: &NewPassword) -> PasswordHash {
        assert!(password.expose().len() <= self.longest(), "its rules were those of another scheme");
        let text = match self {
            Self::Bcrypt { cost } => {
                bcrypt::non_truncating_hash_with_salt(password.expose(), cost, secret::random())
                    .expect("it is short enough, and the cost was checked at the start")
                    .to_string()
            }
            Self::Argon2id { memory, iterations, parallelism } => {
                let salt = secret::random::<16>();
                argon2_hash::written(memory, iterations, parallelism, &salt, password.expose())
                    .expect("there is memory for one hash on each thread")
            }
        };
        PasswordHash::from_store(text)
    }
}

/// What `[passwords]` says of the work.
#[derive(Clone)]
pub struct HasherSettings {
    /// What new passwords are hashed with.
    pub hash: NewHash,
    /// The schemes of stored hashes that are verified; to all others, nothing fits.
    pub verify: SchemeSet,
    /// The schemes whose hashes are replaced.
    pub deprecated: SchemeSet,
    /// Whether a password that is too long for bcrypt is cut off where the makers of its hash have cut it off.
    pub truncate: bool,
    /// Threads that hash; cores − 1, at least one.
    pub threads: usize,
    /// Jobs that may wait; one more is [`Overloaded`](super::Overloaded).
    pub queue: usize,
    /// Called with the seconds each hash took (for the metric).
    pub observe: Option<Arc<dyn Fn(f64) + Send + Sync>>,
}

impl HasherSettings {
    /// One thread, one place to wait, the strong schemes, and `hash` for new passwords.
    pub const fn of(hash: NewHash) -> Self {
        Self {
            hash,
            verify: SchemeSet::STRONG,
            deprecated: SchemeSet::NONE,
            truncate: false,
            threads: 1,
            queue: 1,
            observe: None,
        }
    }

    /// Whether a hash that `password` fits is to be replaced by one of [`Self::hash`]: its scheme is deprecated, or it is
    /// a cheaper one of the same scheme. Never by a weaker scheme; and not if either of the two cannot read the whole
    /// password: what was cut off was never proven.
    pub(super) fn is_outdated(&self, stored: &PasswordHash, password: &[u8]) -> bool {
        let Some(stored) = StoredHash::parse(stored.expose()) else { return false };
        let scheme = stored.scheme();
        let cheaper = scheme == self.hash.scheme() && stored.recipe().units() < self.hash.recipe().units();
        (cheaper || self.deprecated.contains(scheme) && scheme != self.hash.scheme())
            && scheme.strength() <= self.hash.scheme().strength()
            && password.len() <= stored.longest().min(self.hash.longest())
            && !password.is_empty()
            && !password.contains(&0)
    }
}

impl fmt::Debug for HasherSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HasherSettings")
            .field("hash", &self.hash)
            .field("verify", &self.verify)
            .field("deprecated", &self.deprecated)
            .field("truncate", &self.truncate)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    const BCRYPT: NewHash = NewHash::Bcrypt { cost: 5 };
    const ARGON2ID: NewHash = NewHash::Argon2id { memory: 64, iterations: 2, parallelism: 1 };

    fn made(hash: NewHash, password: &str) -> PasswordHash {
        hash.make(&NewPassword::kept(Secret::from(password)))
    }

    fn settings(hash: NewHash, deprecated: &[Scheme]) -> HasherSettings {
        HasherSettings { deprecated: deprecated.iter().copied().collect(), ..HasherSettings::of(hash) }
    }

    #[test]
    fn a_lower_cost_is_outdated_and_a_higher_one_is_not() {
        let outdated = |cost| {
            settings(BCRYPT, &[])
                .is_outdated(&made(NewHash::Bcrypt { cost }, "correct horse"), b"correct horse")
        };
        assert_eq!((outdated(4), outdated(5), outdated(6)), (true, false, false));
        let cheap = NewHash::Argon2id { memory: 64, iterations: 1, parallelism: 1 };
        assert!(settings(ARGON2ID, &[]).is_outdated(&made(cheap, "correct horse"), b"correct horse"));
        assert!(!settings(cheap, &[]).is_outdated(&made(ARGON2ID, "correct horse"), b"correct horse"));
        assert!(!settings(ARGON2ID, &[]).is_outdated(&made(BCRYPT, "correct horse"), b"correct horse"));
    }

    #[test]
    fn a_deprecated_scheme_is_outdated_unless_it_is_the_new_one() {
        let bcrypt = made(BCRYPT, "correct horse");
        assert!(settings(ARGON2ID, &[Scheme::Bcrypt]).is_outdated(&bcrypt, b"correct horse"));
        assert!(
            !settings(BCRYPT, &[Scheme::Bcrypt]).is_outdated(&bcrypt, b"correct horse"),
            "it would go on forever"
        );
        let weak = PasswordHash::from_store("{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=".into());
        assert!(settings(BCRYPT, &[Scheme::Sha1]).is_outdated(&weak, b"myPassword"));
        assert!(!settings(BCRYPT, &[]).is_outdated(&weak, b"myPassword"));
        let malformed = PasswordHash::from_store("plain".into());
        assert!(!settings(BCRYPT, &Scheme::ALL).is_outdated(&malformed, b"plain"));
    }

    #[test]
    fn what_either_would_cut_off_is_left_as_it_is() {
        let long = "a".repeat(72);
        let argon2id = made(ARGON2ID, &long);
        assert!(!settings(BCRYPT, &[Scheme::Argon2id]).is_outdated(&argon2id, long.as_bytes()));
        assert!(settings(BCRYPT, &[Scheme::Argon2id]).is_outdated(&argon2id, &long.as_bytes()[1..]));
        let truncated = PasswordHash::from_store(bcrypt::hash(&long, 4).unwrap());
        assert!(!settings(ARGON2ID, &[Scheme::Bcrypt]).is_outdated(&truncated, long.as_bytes()));
        assert!(!settings(ARGON2ID, &[Scheme::Bcrypt]).is_outdated(&made(BCRYPT, "abc"), b"abc\0"));
    }

    #[test]
    fn no_scheme_is_replaced_by_a_weaker_one() {
        for new in [BCRYPT, ARGON2ID] {
            for old in Scheme::ALL {
                assert!(old.strength() <= new.scheme().strength(), "{old}");
            }
        }
    }
}
