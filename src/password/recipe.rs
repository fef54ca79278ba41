//! What does a hash cost, and how is a part of that cost paid without its result?
//!
//! Recipes of one kind add up exactly: bcrypt of cost 10 and then of 10 and 11 is the work of cost 12, and forty
//! iterations of PBKDF2 and then sixty are the work of a hundred. Argon2 and scrypt fill memory, so that two of their
//! recipes with different settings are two kinds: half the memory is not half the time. So are two salts of different
//! length where the function reads its salt in every round.

use std::hint::black_box;

use super::argon2_hash::{self, Variant};
use super::bcrypt_hash::{self, LEAST_COST};
use super::pbkdf2_hash::{self, Prf};
use super::sha_crypt::{self, Width};
use super::{md5_crypt, scrypt_hash};

/// The longest password anything but bcrypt is given: what a flood can make us read.
pub(super) const LONGEST: usize = 1024;
/// The longest password that `crypt(3)`'s functions are given: they read it again in each of their rounds. Theirs is
/// `libxcrypt`'s own bound.
pub(super) const LONGEST_CRYPT: usize = 512;

/// A function with all it takes but password and salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recipe {
    /// 2^cost rounds.
    Bcrypt {
        cost: u32,
    },
    /// Memory in KiB.
    Argon2 {
        variant: Variant,
        memory: u32,
        iterations: u32,
        lanes: u32,
    },
    /// Memory: 128 · 2^`log_n` · r bytes.
    Scrypt {
        log_n: u8,
        r: u32,
        p: u32,
    },
    Pbkdf2 {
        prf: Prf,
        iterations: u32,
    },
    /// With the length of the salt, which may make one block of the function two.
    ShaCrypt {
        width: Width,
        rounds: u32,
        salt: usize,
    },
    /// `$1$` and `$apr1$`: a thousand rounds.
    Md5Crypt {
        salt: usize,
    },
    /// One SHA-1 is lost in the noise of looking the user up.
    Sha1,
}

impl Recipe {
    /// Whether work of the one makes up for work of the other.
    pub(super) fn is_of_kind(self, other: Self) -> bool {
        match (self, other) {
            (Self::Bcrypt { .. }, Self::Bcrypt { .. }) => true,
            (Self::Pbkdf2 { prf: one, .. }, Self::Pbkdf2 { prf: other, .. }) => one == other,
            (Self::ShaCrypt { width, salt, .. }, Self::ShaCrypt { width: other, salt: salted, .. }) => {
                width == other && salt == salted
            }
            _ => self == other,
        }
    }

    /// The work, in the unit of its kind: what is added up.
    pub(super) fn units(self) -> u64 {
        match self {
            Self::Bcrypt { cost } => 1 << cost,
            Self::Argon2 { memory, iterations, .. } => u64::from(memory) * u64::from(iterations),
            Self::Scrypt { log_n, r, p } => (u64::from(r) * u64::from(p)) << log_n,
            Self::Pbkdf2 { iterations: rounds, .. } | Self::ShaCrypt { rounds, .. } => u64::from(rounds),
            Self::Md5Crypt { .. } => 1000,
            Self::Sha1 => 0,
        }
    }

    /// About how many microseconds it takes on a core of the 2020s. Only bounds are made of this, no equal times.
    pub(super) fn micros(self) -> u64 {
        let nanos_per_unit = match self {
            Self::Bcrypt { .. } => 60_000,
            Self::Argon2 { .. } => 1_200,
            Self::Pbkdf2 { prf: Prf::Sha1, .. } => 300,
            Self::Scrypt { .. } | Self::Pbkdf2 { prf: Prf::Sha256, .. } => 400,
            Self::Pbkdf2 { prf: Prf::Sha512, .. } | Self::ShaCrypt { .. } | Self::Md5Crypt { .. } => 1_000,
            Self::Sha1 => 0,
        };
        self.units() * nanos_per_unit / 1000
    }

    /// The longest password it reads in full.
    pub(super) const fn longest(self) -> usize {
        match self {
            Self::Bcrypt { .. } => bcrypt_hash::LONGEST,
            Self::ShaCrypt { .. } | Self::Md5Crypt { .. } => LONGEST_CRYPT,
            _ => LONGEST,
        }
    }

    /// Does all of the work, for nothing.
    pub(super) fn burn(self, password: &[u8], spent: impl Fn(Self)) {
        match self {
            Self::Bcrypt { cost } => {
                black_box(bcrypt_hash::bcrypt(cost, black_box([0; 16]), b"burnt"));
            }
            Self::Argon2 { variant, memory, iterations, lanes } => {
                black_box(argon2_hash::argon2(
                    variant, true, memory, iterations, lanes, password, &[0; 16], 32,
                ));
            }
            Self::Scrypt { log_n, r, p } => {
                black_box(scrypt_hash::scrypt(log_n, r, p, password, &[0; 16], 32));
            }
            Self::Pbkdf2 { prf, iterations } => {
                black_box(pbkdf2_hash::pbkdf2(prf, iterations, password, &[0; 16]));
            }
            Self::ShaCrypt { width, rounds, salt } => {
                black_box(sha_crypt::encoded(width, rounds, password, &vec![b'.'; salt]));
            }
            Self::Md5Crypt { salt } => {
                black_box(md5_crypt::encoded(md5_crypt::APR1, password, &vec![b'.'; salt]));
            }
            Self::Sha1 => {}
        }
        spent(self);
    }

    /// Does the work by which `dearest`, of the same kind, is more than this.
    pub(super) fn burn_rest(self, dearest: Self, password: &[u8], spent: impl Fn(Self)) {
        match (self, dearest) {
            // 2^c + (2^c + 2^(c+1) + … + 2^(dearest-1)) = 2^dearest.
            (Self::Bcrypt { cost }, Self::Bcrypt { cost: most }) => {
                debug_assert!(cost >= LEAST_COST);
                (cost..most).for_each(|cost| Self::Bcrypt { cost }.burn(password, &spent));
            }
            (Self::Pbkdf2 { iterations, .. }, Self::Pbkdf2 { prf, iterations: most })
                if most > iterations =>
            {
                Self::Pbkdf2 { prf, iterations: most - iterations }.burn(password, spent);
            }
            (Self::ShaCrypt { rounds, .. }, Self::ShaCrypt { width, rounds: most, salt })
                if most > rounds =>
            {
                Self::ShaCrypt { width, rounds: most - rounds, salt }.burn(password, spent);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_what_is_missing() {
        let cases = [
            (Recipe::Bcrypt { cost: 4 }, Recipe::Bcrypt { cost: 7 }),
            (Recipe::Bcrypt { cost: 5 }, Recipe::Bcrypt { cost: 5 }),
            (
                Recipe::Pbkdf2 { prf: Prf::Sha256, iterations: 7 },
                Recipe::Pbkdf2 { prf: Prf::Sha256, iterations: 1000 },
            ),
            (
                Recipe::ShaCrypt { width: Width::Sha512, rounds: 1000, salt: 16 },
                Recipe::ShaCrypt { width: Width::Sha512, rounds: 5000, salt: 16 },
            ),
            (Recipe::Md5Crypt { salt: 8 }, Recipe::Md5Crypt { salt: 8 }),
        ];
        for (own, dearest) in cases {
            assert!(own.is_of_kind(dearest));
            let burnt = std::cell::Cell::new(0);
            own.burn_rest(dearest, b"password", |part| burnt.set(burnt.get() + part.units()));
            assert_eq!(own.units() + burnt.get(), dearest.units(), "{own:?}");
        }
    }

    #[test]
    fn memory_or_a_salt_of_another_size_is_another_kind() {
        let argon2 =
            |memory, iterations| Recipe::Argon2 { variant: Variant::Id, memory, iterations, lanes: 1 };
        assert!(!argon2(64, 2).is_of_kind(argon2(128, 1)) && argon2(64, 2).is_of_kind(argon2(64, 2)));
        let crypt = |salt| Recipe::ShaCrypt { width: Width::Sha256, rounds: 5000, salt };
        assert!(!crypt(8).is_of_kind(crypt(16)) && crypt(8).is_of_kind(crypt(8)));
        assert!(!Recipe::Sha1.is_of_kind(Recipe::Md5Crypt { salt: 8 }));
    }
}
