//! What does a stored bcrypt hash say? Its cost, its salt, its digest.
//!
//! `$2a$`, `$2b$` and `$2y$` are three names of one function for the passwords we let through; `$2x$` is a known-broken
//! one and is not read.

use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

/// Older libraries wrote salts whose last character holds bits that mean nothing; they are hashes all the same.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// The cheapest cost there is.
pub(super) const LEAST_COST: u32 = 4;
/// The dearest cost we work for: four seconds or so. A hash planted with cost 31 would keep a thread for days.
pub(super) const MOST_COST: u32 = 16;

/// A bcrypt hash, taken apart.
pub(super) struct BcryptHash {
    pub(super) cost: u32,
    salt: [u8; 16],
    digest: [u8; 23],
}

impl BcryptHash {
    /// Reads `$2b$12$` and 22 characters of salt and 31 of digest.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
        let (cost, rest) = rest.split_once('$')?;
        if cost.len() != 2
            || !cost.bytes().all(|b| b.is_ascii_digit())
            || rest.len() != 53
            || !rest.is_ascii()
        {
            return None;
        }
        let cost = cost.parse().ok().filter(|cost| (LEAST_COST..=MOST_COST).contains(cost))?;
        let (salt, digest) = rest.split_at(22);
        Some(Self {
            cost,
            salt: BASE64.decode(salt).ok()?.try_into().ok()?,
            digest: BASE64.decode(digest).ok()?.try_into().ok()?,
        })
    }

    /// Whether `password` (at most 71 bytes, no NUL) hashes to this.
    pub(super) fn fits(&self, password: &[u8]) -> bool {
        let found = bcrypt(self.cost, self.salt, password);
        aws_lc_rs::constant_time::verify_slices_are_equal(&found[..23], &self.digest).is_ok()
    }
}

/// The function itself: `password` must have at most 71 bytes, so that its NUL is read too.
pub(super) fn bcrypt(cost: u32, salt: [u8; 16], password: &[u8]) -> [u8; 24] {
    let mut key = zeroize::Zeroizing::new([0; 72]);
    key[..password.len()].copy_from_slice(password);
    bcrypt::bcrypt(cost, salt, &key[..=password.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the Openwall `crypt_blowfish` test vectors and jBCrypt's.
    const VECTORS: [(&str, &str); 4] = [
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U*U", "$2b$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
        ("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"),
    ];

    #[test]
    fn hashes_of_other_makers_fit() {
        for (password, hash) in VECTORS {
            let stored = BcryptHash::parse(hash).unwrap();
            assert!(stored.fits(password.as_bytes()), "{hash}");
            assert!(!stored.fits(b"U*U "), "{hash}");
        }
    }

    #[test]
    fn what_is_not_a_hash_is_not_read() {
        let good = VECTORS[0].1;
        assert!(BcryptHash::parse(good).is_some());
        for bad in [
            String::new(),
            "plain".into(),
            good.replace("$2a$", "$2x$"),
            good.replace("$2a$", "$2$"),
            good.replace("$05$", "$03$"),
            good.replace("$05$", "$17$"),
            good.replace("$05$", "$31$"),
            good.replace("$05$", "$5$"),
            good.replace("$05$", "$+5$"),
            good.replace("eW", "e"),
            good.replace("eW", "e!"),
            good.replace("eW", "\u{e9}"),
            format!("{good}x"),
            format!(" {good}"),
        ] {
            assert!(BcryptHash::parse(&bad).is_none(), "{bad}");
        }
    }
}
