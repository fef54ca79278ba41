//! For the fuzz targets: what is a stored hash, and does a password fit it?

use super::bcrypt_hash::BcryptHash;

/// A bcrypt hash that was read.
pub struct ReadHash(BcryptHash);

impl ReadHash {
    /// Reads it.
    pub fn parse(text: &str) -> Option<Self> {
        BcryptHash::parse(text).map(Self)
    }

    /// How many times its work doubles.
    pub fn cost(&self) -> u32 {
        self.0.cost
    }

    /// Whether `password` (at most 71 bytes, no NUL) fits.
    pub fn fits(&self, password: &[u8]) -> bool {
        self.0.fits(password)
    }
}
