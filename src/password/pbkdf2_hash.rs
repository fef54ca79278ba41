//! What does a stored PBKDF2 hash say? In passlib's, Django's and Werkzeug's spellings.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2::{self, Algorithm};

use super::recipe::Recipe;
use super::scheme::Scheme;
use super::text;

/// The most iterations: three times what is advised in 2025, four seconds at the most.
const MOST: u32 = 4_000_000;

/// The pseudorandom function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prf {
    Sha1,
    Sha256,
    Sha512,
}

impl Prf {
    fn algorithm(self) -> (Algorithm, usize) {
        match self {
            Self::Sha1 => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
            Self::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
            Self::Sha512 => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
        }
    }

    pub(super) const fn scheme(self) -> Scheme {
        match self {
            Self::Sha1 => Scheme::Pbkdf2Sha1,
            Self::Sha256 => Scheme::Pbkdf2Sha256,
            Self::Sha512 => Scheme::Pbkdf2Sha512,
        }
    }
}

/// A PBKDF2 hash, taken apart.
pub(super) struct Pbkdf2Hash {
    pub(super) prf: Prf,
    iterations: u32,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl Pbkdf2Hash {
    /// Reads `-sha256$29000$SALT$DIGEST` (behind passlib's `$pbkdf2`); SHA-1 has no name of its own.
    pub(super) fn passlib(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once('$')?;
        let prf = match name {
            "" => Prf::Sha1,
            "-sha256" => Prf::Sha256,
            "-sha512" => Prf::Sha512,
            _ => return None,
        };
        let [iterations, salt, digest] = text::fields(rest)?;
        Self::bounded(prf, iterations, text::adapted(salt)?, text::adapted(digest)?)
    }

    /// Reads `sha256$1000000$SALT$DIGEST` (behind Django's `pbkdf2_`).
    pub(super) fn django(text: &str) -> Option<Self> {
        let [name, iterations, salt, digest] = text::fields(text)?;
        let prf = match name {
            "sha1" => Prf::Sha1,
            "sha256" => Prf::Sha256,
            _ => return None,
        };
        Self::bounded(prf, iterations, salt.into(), text::padded(digest)?)
    }

    /// Reads `sha256:1000000$SALT$DIGEST` (behind Werkzeug's `pbkdf2:`).
    pub(super) fn werkzeug(text: &str) -> Option<Self> {
        let [method, salt, digest] = text::fields(text)?;
        let (name, iterations) = method.split_once(':')?;
        let prf = match name {
            "sha1" => Prf::Sha1,
            "sha256" => Prf::Sha256,
            "sha512" => Prf::Sha512,
            _ => return None,
        };
        Self::bounded(prf, iterations, salt.into(), text::hex(digest)?)
    }

    /// A digest longer or shorter than the function's own is none: it would cost twice as much, or say half as much.
    fn bounded(prf: Prf, iterations: &str, salt: Vec<u8>, digest: Vec<u8>) -> Option<Self> {
        let iterations = text::number(iterations).filter(|found| (1..=MOST).contains(found))?;
        let bounded = salt.len() <= 1024 && digest.len() == prf.algorithm().1;
        bounded.then_some(Self { prf, iterations, salt, digest })
    }

    pub(super) const fn recipe(&self) -> Recipe {
        Recipe::Pbkdf2 { prf: self.prf, iterations: self.iterations }
    }

    pub(super) fn fits(&self, password: &[u8]) -> bool {
        text::is_same(&pbkdf2(self.prf, self.iterations, password, &self.salt), &self.digest)
    }
}

/// The function itself.
pub(super) fn pbkdf2(prf: Prf, iterations: u32, password: &[u8], salt: &[u8]) -> Vec<u8> {
    let (algorithm, length) = prf.algorithm();
    let iterations = NonZeroU32::new(iterations).expect("no iterations are out of bounds");
    let mut out = vec![0; length];
    pbkdf2::derive(algorithm, iterations, salt, password, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rfcs_vector_fits() {
        // RFC 6070: "password", "salt", 4096 iterations.
        let hash = Pbkdf2Hash::werkzeug("sha1:4096$salt$4b007901b765489abead49d926f721d065a429c1").unwrap();
        assert!(hash.fits(b"password") && !hash.fits(b"passwore"));
    }

    #[test]
    fn iterations_have_bounds() {
        for iterations in ["0", "4000001", "4294967295", "4294967296", "-1", "04096", ""] {
            let planted = format!("sha1:{iterations}$salt$4b007901b765489abead49d926f721d065a429c1");
            assert!(Pbkdf2Hash::werkzeug(&planted).is_none(), "{iterations}");
        }
        assert!(Pbkdf2Hash::werkzeug("sha1:4096$salt$4b00").is_none());
        assert!(Pbkdf2Hash::django("sha512$4096$salt$4b00").is_none());
    }
}
