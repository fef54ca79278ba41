//! What does a stored hash of `crypt(3)`'s SHA functions say? `$5$` and `$6$`, with and without their rounds.

use sha_crypt::Params;

use super::recipe::Recipe;
use super::scheme::Scheme;
use super::text;

/// The most rounds: half as many again as passlib's default, a second or so; more for a password of hundreds of bytes.
const MOST: u32 = 1_000_000;
/// What a hash without rounds has.
const DEFAULT: u32 = 5_000;

/// Which SHA-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    Sha256,
    Sha512,
}

impl Width {
    pub(super) const fn scheme(self) -> Scheme {
        match self {
            Self::Sha256 => Scheme::Sha256Crypt,
            Self::Sha512 => Scheme::Sha512Crypt,
        }
    }

    /// The order in which the bytes of the digest are written.
    const fn groups(self) -> &'static [&'static [usize]] {
        match self {
            Self::Sha256 => &[
                &[0, 10, 20],
                &[21, 1, 11],
                &[12, 22, 2],
                &[3, 13, 23],
                &[24, 4, 14],
                &[15, 25, 5],
                &[6, 16, 26],
                &[27, 7, 17],
                &[18, 28, 8],
                &[9, 19, 29],
                &[31, 30],
            ],
            Self::Sha512 => &[
                &[0, 21, 42],
                &[22, 43, 1],
                &[44, 2, 23],
                &[3, 24, 45],
                &[25, 46, 4],
                &[47, 5, 26],
                &[6, 27, 48],
                &[28, 49, 7],
                &[50, 8, 29],
                &[9, 30, 51],
                &[31, 52, 10],
                &[53, 11, 32],
                &[12, 33, 54],
                &[34, 55, 13],
                &[56, 14, 35],
                &[15, 36, 57],
                &[37, 58, 16],
                &[59, 17, 38],
                &[18, 39, 60],
                &[40, 61, 19],
                &[62, 20, 41],
                &[63],
            ],
        }
    }

    const fn written(self) -> usize {
        match self {
            Self::Sha256 => 43,
            Self::Sha512 => 86,
        }
    }
}

/// A SHA-crypt hash, taken apart; its digest as it is written.
pub(super) struct ShaCryptHash {
    pub(super) width: Width,
    rounds: u32,
    salt: String,
    digest: String,
}

impl ShaCryptHash {
    /// Reads `rounds=656000$SALT$DIGEST`, or `SALT$DIGEST` (behind `$5$` or `$6$`).
    pub(super) fn parse(width: Width, text: &str) -> Option<Self> {
        let (rounds, rest) = match text.strip_prefix("rounds=") {
            Some(rest) => {
                rest.split_once('$').and_then(|(rounds, rest)| Some((text::number(rounds)?, rest)))?
            }
            None => (DEFAULT, text),
        };
        let [salt, digest] = text::fields(rest)?;
        let good = (Params::ROUNDS_MIN..=MOST).contains(&rounds)
            && salt.len() <= 16
            && text::is_crypt(salt)
            && digest.len() == width.written()
            && text::is_crypt(digest);
        good.then(|| Self { width, rounds, salt: salt.to_owned(), digest: digest.to_owned() })
    }

    pub(super) const fn recipe(&self) -> Recipe {
        Recipe::ShaCrypt { width: self.width, rounds: self.rounds, salt: self.salt.len() }
    }

    pub(super) fn fits(&self, password: &[u8]) -> bool {
        let found = encoded(self.width, self.rounds, password, self.salt.as_bytes());
        text::is_same(found.as_bytes(), self.digest.as_bytes())
    }
}

/// The function itself, and its digest as it is written. The least rounds there are is a thousand: fewer are that many.
pub(super) fn encoded(width: Width, rounds: u32, password: &[u8], salt: &[u8]) -> String {
    let params = Params::new(rounds.max(Params::ROUNDS_MIN)).expect("they are within bounds");
    match width {
        Width::Sha256 => {
            text::crypt_encoded(&sha_crypt::sha256_crypt(password, salt, params), width.groups())
        }
        Width::Sha512 => {
            text::crypt_encoded(&sha_crypt::sha512_crypt(password, salt, params), width.groups())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The inputs of the specification (Drepper), with rounds and without, as glibc's `crypt` answers.
    const VECTORS: [(Width, &str, &str); 3] = [
        (Width::Sha256, "saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!"),
        (
            Width::Sha256,
            "rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
            "Hello world!",
        ),
        (
            Width::Sha512,
            "saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
            "Hello world!",
        ),
    ];

    #[test]
    fn what_glibc_writes_fits() {
        for (width, hash, password) in VECTORS {
            let hash = ShaCryptHash::parse(width, hash).unwrap();
            assert!(hash.fits(password.as_bytes()) && !hash.fits(b"Hello world?"));
        }
    }

    #[test]
    fn rounds_have_bounds() {
        for rounds in ["0", "999", "1000001", "999999999", "", "010000"] {
            let planted = VECTORS[1].1.replace("10000", rounds);
            assert!(ShaCryptHash::parse(Width::Sha256, &planted).is_none(), "{rounds}");
        }
    }
}
