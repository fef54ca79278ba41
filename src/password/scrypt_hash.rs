//! What does a stored scrypt hash say? In passlib's, Django's and Werkzeug's spellings.

use scrypt::Params;

use super::recipe::Recipe;
use super::text::{self, Plain};

/// The most memory, as 2^`log_n` · r: 256 MiB.
const MOST_MEMORY: u64 = 256 * 1024 * 1024 / 128;
/// The most of that times p: two seconds or three.
const MOST_WORK: u64 = 8 * 1024 * 1024;
/// The largest block.
const MOST_R: u32 = 256;
/// The most passes.
const MOST_P: u32 = 64;

/// A scrypt hash, taken apart.
pub(super) struct ScryptHash {
    log_n: u8,
    r: u32,
    p: u32,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl ScryptHash {
    /// Reads `ln=16,r=8,p=1$SALT$DIGEST` (passlib's `$scrypt$`).
    pub(super) fn passlib(text: &str) -> Option<Self> {
        let [costs, salt, digest] = text::fields(text)?;
        let (log_n, costs) = costs.strip_prefix("ln=")?.split_once(",r=")?;
        let (r, p) = costs.split_once(",p=")?;
        let n = 1_u32.checked_shl(text::number(log_n)?)?;
        let (salt, digest) = (Plain::decode(salt)?, Plain::decode(digest)?);
        Self::bounded(n, text::number(r)?, text::number(p)?, salt, digest, 32)
    }

    /// Reads `N$SALT$R$P$DIGEST` (Django's `scrypt$`).
    pub(super) fn django(text: &str) -> Option<Self> {
        let [n, salt, r, p, digest] = text::fields(text)?;
        let (n, r, p) = (text::number(n)?, text::number(r)?, text::number(p)?);
        Self::bounded(n, r, p, salt.into(), text::padded(digest)?, 64)
    }

    /// Reads `N:R:P$SALT$DIGEST` (Werkzeug's `scrypt:`).
    pub(super) fn werkzeug(text: &str) -> Option<Self> {
        let [costs, salt, digest] = text::fields(text)?;
        let (n, costs) = costs.split_once(':')?;
        let (r, p) = costs.split_once(':')?;
        let (n, r, p) = (text::number(n)?, text::number(r)?, text::number(p)?);
        Self::bounded(n, r, p, salt.into(), text::hex(digest)?, 64)
    }

    /// The length is the maker's own: the beginning of a scrypt digest is the digest of that length, so that one cut
    /// short would fit as well.
    fn bounded(n: u32, r: u32, p: u32, salt: Vec<u8>, digest: Vec<u8>, length: usize) -> Option<Self> {
        let memory = u64::from(n) * u64::from(r);
        let bounded = n.is_power_of_two()
            && n >= 2
            && (1..=MOST_R).contains(&r)
            && (1..=MOST_P).contains(&p)
            && memory <= MOST_MEMORY
            && memory * u64::from(p) <= MOST_WORK
            && (1..=64).contains(&salt.len())
            && digest.len() == length;
        let log_n = u8::try_from(n.trailing_zeros()).ok()?;
        bounded.then_some(Self { log_n, r, p, salt, digest })
    }

    pub(super) const fn recipe(&self) -> Recipe {
        Recipe::Scrypt { log_n: self.log_n, r: self.r, p: self.p }
    }

    pub(super) fn fits(&self, password: &[u8]) -> bool {
        let found = scrypt(self.log_n, self.r, self.p, password, &self.salt, self.digest.len());
        text::is_same(&found, &self.digest)
    }
}

/// The function itself.
pub(super) fn scrypt(log_n: u8, r: u32, p: u32, password: &[u8], salt: &[u8], length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    let params = Params::new(log_n, r, p).expect("they are within bounds");
    scrypt::scrypt(password, salt, &params, &mut out).expect("so long may a digest be");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7914 §12: `password` and `NaCl`, N = 1024, r = 8, p = 16.
    const HEX: &str = "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162\
                       2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640";

    #[test]
    fn the_rfcs_vector_fits_in_every_spelling() {
        let bytes = text::hex(HEX).unwrap();
        let (plain, half) = (Plain::encode(&bytes), Plain::encode(&bytes[..32]));
        let hashes = [
            ScryptHash::werkzeug(&format!("1024:8:16$NaCl${HEX}")),
            ScryptHash::django(&format!("1024$NaCl$8$16${plain}==")),
            ScryptHash::passlib(&format!("ln=10,r=8,p=16$TmFDbA${half}")),
        ];
        for hash in hashes {
            let hash = hash.unwrap();
            assert!(hash.fits(b"password") && !hash.fits(b"passwore"));
        }
    }

    #[test]
    fn costs_have_bounds() {
        for costs in [
            "1000:8:1",
            "1:8:1",
            "0:8:1",
            "1024:0:1",
            "1024:8:0",
            "1024:257:1",
            "2:8:65",
            "1048576:8:1",
            "262144:8:5",
            "4294967295:4294967295:4294967295",
            "1024:8",
            "1024:8:1:1",
        ] {
            assert!(ScryptHash::werkzeug(&format!("{costs}$NaCl${HEX}")).is_none(), "{costs}");
        }
        assert!(ScryptHash::passlib("ln=32,r=8,p=1$TmFDbA$AAAAAAAAAAAAAAAAAAAAAA").is_none());
        assert!(ScryptHash::werkzeug(&format!("262144:8:4$NaCl${HEX}")).is_some());
    }
}
