//! What does a stored Argon2 hash say? The PHC string of argon2-cffi and pwdlib, and Django's, which has a name before it.
//!
//! Parameters are read in the one order that producers write; a keyed hash, or one with data of its own, is not read.

use argon2::{Algorithm, Argon2, Params, Version};

use super::recipe::Recipe;
use super::text::{self, Plain};

/// The most memory, in KiB: 256 MiB.
pub(super) const MOST_MEMORY: u32 = 256 * 1024;
/// The most memory times iterations, in KiB: 2 GiB are written, in a second or two.
pub(super) const MOST_WRITTEN: u64 = 2 * 1024 * 1024;
/// The most lanes; we compute them one after the other.
pub(super) const MOST_LANES: u32 = 64;

/// Which of the functions of RFC 9106.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    I,
    Id,
}

/// An Argon2 hash, taken apart.
pub(super) struct Argon2Hash {
    pub(super) variant: Variant,
    /// Version 0x13; the one before is 0x10.
    current: bool,
    memory: u32,
    iterations: u32,
    lanes: u32,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl Argon2Hash {
    /// Reads `argon2id$v=19$m=65536,t=3,p=4$SALT$DIGEST` (what stands behind the first `$`).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once('$')?;
        let variant = match name {
            "argon2i" => Variant::I,
            "argon2id" => Variant::Id,
            _ => return None,
        };
        let (current, rest) = match rest.strip_prefix("v=") {
            Some(rest) => match rest.split_once('$')? {
                ("19", rest) => (true, rest),
                ("16", rest) => (false, rest),
                _ => return None,
            },
            // A hash without a version is of the one before there were any.
            None => (false, rest),
        };
        let [costs, salt, digest] = text::fields(rest)?;
        let mut costs = costs.split(',');
        let mut cost = |name: &str| text::number(costs.next()?.strip_prefix(name)?);
        let (memory, iterations, lanes) = (cost("m=")?, cost("t=")?, cost("p=")?);
        if costs.next().is_some() {
            return None;
        }
        let found = Self {
            variant,
            current,
            memory,
            iterations,
            lanes,
            salt: Plain::decode(salt)?,
            digest: Plain::decode(digest)?,
        };
        let bounded = (1..=MOST_LANES).contains(&lanes)
            && (8 * lanes..=MOST_MEMORY).contains(&memory)
            && iterations > 0
            && found.recipe().units() <= MOST_WRITTEN
            && (8..=64).contains(&found.salt.len())
            && (16..=64).contains(&found.digest.len());
        bounded.then_some(found)
    }

    pub(super) const fn recipe(&self) -> Recipe {
        let Self { variant, memory, iterations, lanes, .. } = *self;
        Recipe::Argon2 { variant, memory, iterations, lanes }
    }

    pub(super) fn fits(&self, password: &[u8]) -> bool {
        let Self { variant, current, memory, iterations, lanes, salt, digest } = self;
        let found = argon2(*variant, *current, *memory, *iterations, *lanes, password, salt, digest.len());
        text::is_same(&found, digest)
    }
}

/// The function itself; nothing if the system has no memory for it.
#[expect(clippy::too_many_arguments, reason = "they are the function's own")]
pub(super) fn argon2(
    variant: Variant,
    current: bool,
    memory: u32,
    iterations: u32,
    lanes: u32,
    password: &[u8],
    salt: &[u8],
    length: usize,
) -> Vec<u8> {
    let variant = match variant {
        Variant::I => Algorithm::Argon2i,
        Variant::Id => Algorithm::Argon2id,
    };
    let version = if current { Version::V0x13 } else { Version::V0x10 };
    let mut out = vec![0; length];
    let params = Params::new(memory, iterations, lanes, Some(length)).expect("they are within bounds");
    match Argon2::new(variant, version, params).hash_password_into(password, salt, &mut out) {
        Ok(()) => out,
        Err(error) => {
            tracing::error!("a password cannot be hashed with argon2: {error}");
            Vec::new()
        }
    }
}

/// Writes what [`Argon2Hash::parse`] reads, `$` and all.
pub(super) fn written(
    memory: u32,
    iterations: u32,
    lanes: u32,
    salt: &[u8],
    password: &[u8],
) -> Option<String> {
    let digest = argon2(Variant::Id, true, memory, iterations, lanes, password, salt, 32);
    let (salt, hash) = (Plain::encode(salt), Plain::encode(&digest));
    (!digest.is_empty()).then(|| format!("$argon2id$v=19$m={memory},t={iterations},p={lanes}${salt}${hash}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the reference implementation's `test.c`: version 0x13 and 0x10, for "password" and "somesalt".
    const VECTORS: [&str; 3] = [
        "argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
        "argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
    ];

    #[test]
    fn hashes_of_the_reference_implementation_fit() {
        for vector in VECTORS {
            let hash = Argon2Hash::parse(vector).unwrap();
            assert!(hash.fits(b"password") && !hash.fits(b"passwore"), "{vector}");
        }
    }

    #[test]
    fn costs_have_bounds() {
        for costs in [
            "m=262145,t=1,p=1",
            "m=262144,t=9,p=1",
            "m=4294967295,t=4294967295,p=1",
            "m=7,t=1,p=1",
            "m=256,t=0,p=1",
            "m=256,t=1,p=0",
            "m=256,t=1,p=33",
            "m=262144,t=1,p=65",
            "m=+256,t=2,p=1",
            "m=0256,t=2,p=1",
            "t=2,m=256,p=1",
            "m=256,t=2,p=1,keyid=AAAA",
            "m=256,t=2",
        ] {
            let planted = VECTORS[0].replace("m=256,t=2,p=1", costs);
            assert!(Argon2Hash::parse(&planted).is_none(), "{costs}");
        }
        assert!(Argon2Hash::parse(&VECTORS[0].replace("m=256,t=2", "m=262144,t=8")).is_some());
    }

    #[test]
    fn what_is_written_is_read() {
        let text = written(64, 1, 2, &[7; 16], b"correct horse").unwrap();
        let hash = Argon2Hash::parse(text.strip_prefix('$').unwrap()).unwrap();
        assert!(hash.fits(b"correct horse"));
    }
}
