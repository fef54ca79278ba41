//! What does a stored bcrypt hash say? Its cost, its salt, its digest, and what was done to the password first.
//!
//! `$2a$`, `$2b$` and `$2y$` are three names of one function for the passwords we let through; `$2x$` is a known-broken
//! one and is not read. bcrypt reads 72 bytes: passlib and Django have a scheme each that gives it a SHA-256 instead.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use super::recipe::{self, Recipe};
use super::scheme::Scheme;
use super::text;

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

/// The most bytes of a password that are read with the NUL behind them.
pub(super) const LONGEST: usize = 71;

/// A bcrypt hash, taken apart.
pub(super) struct BcryptHash {
    pub(super) cost: u32,
    first: First,
    salt: [u8; 16],
    digest: [u8; 23],
}

/// What bcrypt was given.
enum First {
    /// The password.
    Nothing,
    /// Its SHA-256 in hexadecimal digits (Django).
    Hex,
    /// Its SHA-256 in base64 (passlib before 1.7.3).
    Base64,
    /// Its HMAC-SHA-256 under the salt's text, in base64 (passlib).
    Keyed(String),
}

impl BcryptHash {
    /// Reads `$2b$12$` and 22 characters of salt and 31 of digest.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
        let (cost, rest) = rest.split_once('$')?;
        if cost.len() != 2 || !cost.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (salt, digest) = (rest.len() == 53).then(|| rest.split_at_checked(22))??;
        Self::of(First::Nothing, cost.parse().ok()?, salt, digest)
    }

    /// Reads a bcrypt hash of a SHA-256 (behind Django's `bcrypt_sha256$`).
    pub(super) fn django_sha256(text: &str) -> Option<Self> {
        Some(Self { first: First::Hex, ..Self::parse(text)? })
    }

    /// Reads `v=2,t=2b,r=12$SALT$DIGEST`, or the older `2b,12$SALT$DIGEST` (behind passlib's `$bcrypt-sha256$`).
    pub(super) fn passlib_sha256(text: &str) -> Option<Self> {
        let [costs, salt, digest] = text::fields(text)?;
        let (keyed, rest) = match costs.strip_prefix("v=2,t=") {
            Some(rest) => (true, rest),
            None => (false, costs),
        };
        let (name, cost) = rest.split_once(if keyed { ",r=" } else { "," })?;
        if !["2a", "2b"].contains(&name) {
            return None;
        }
        let first = if keyed { First::Keyed(salt.to_owned()) } else { First::Base64 };
        Self::of(first, text::number(cost)?, salt, digest)
    }

    fn of(first: First, cost: u32, salt: &str, digest: &str) -> Option<Self> {
        let bounded = (LEAST_COST..=MOST_COST).contains(&cost) && salt.len() == 22 && digest.len() == 31;
        bounded.then_some(())?;
        Some(Self {
            cost,
            first,
            salt: BASE64.decode(salt).ok()?.try_into().ok()?,
            digest: BASE64.decode(digest).ok()?.try_into().ok()?,
        })
    }

    pub(super) const fn scheme(&self) -> Scheme {
        match self.first {
            First::Nothing => Scheme::Bcrypt,
            _ => Scheme::BcryptSha256,
        }
    }

    pub(super) const fn recipe(&self) -> Recipe {
        Recipe::Bcrypt { cost: self.cost }
    }

    /// The longest password of which nothing is cut off.
    pub(super) const fn longest(&self) -> usize {
        match self.first {
            First::Nothing => LONGEST,
            _ => recipe::LONGEST,
        }
    }

    /// Whether `password` (no NUL) hashes to this, as far as bcrypt reads it.
    pub(super) fn fits(&self, password: &[u8]) -> bool {
        let sha256 = || digest::digest(&digest::SHA256, password);
        let found = match &self.first {
            First::Nothing => bcrypt(self.cost, self.salt, password),
            First::Hex => bcrypt(self.cost, self.salt, text::to_hex(sha256().as_ref()).as_bytes()),
            First::Base64 => bcrypt(self.cost, self.salt, STANDARD.encode(sha256()).as_bytes()),
            First::Keyed(salt) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
                bcrypt(self.cost, self.salt, STANDARD.encode(hmac::sign(&key, password)).as_bytes())
            }
        };
        text::is_same(&found[..23], &self.digest)
    }
}

/// The function itself. It reads 72 bytes, of which one is a NUL behind the password if there is room for it: what is
/// longer is cut off, as its makers do.
pub(super) fn bcrypt(cost: u32, salt: [u8; 16], password: &[u8]) -> [u8; 24] {
    let mut key = zeroize::Zeroizing::new([0; 72]);
    let read = password.len().min(72);
    key[..read].copy_from_slice(&password[..read]);
    bcrypt::bcrypt(cost, salt, &key[..(read + 1).min(72)])
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
