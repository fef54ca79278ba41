//! For the fuzz targets: what is a stored hash, and does a password fit it?

use super::Scheme;
use super::stored::StoredHash;

/// A hash of any scheme that was read.
pub struct ReadHash(StoredHash);

impl ReadHash {
    /// Reads it.
    pub fn parse(text: &str) -> Option<Self> {
        StoredHash::parse(text).map(Self)
    }

    /// Its scheme.
    pub fn scheme(&self) -> Scheme {
        self.0.scheme()
    }

    /// About how many microseconds it takes.
    pub fn micros(&self) -> u64 {
        self.0.recipe().micros()
    }

    /// The longest password it is asked about.
    pub fn longest(&self) -> usize {
        self.0.longest()
    }

    /// Whether `password` (no longer than that, no NUL) fits.
    pub fn fits(&self, password: &[u8]) -> bool {
        self.0.fits(password)
    }
}
