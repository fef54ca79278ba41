//! What does a stored hash of the MD5 functions say? Apache's `$apr1$` and `crypt(3)`'s `$1$`, which differ in that name.
//!
//! A thousand rounds of MD5 are no protection today. They are verified where the configuration names them, so that a
//! file of `htpasswd`'s can be brought along.

use md5::{Digest as _, Md5};

use super::recipe::Recipe;
use super::scheme::Scheme;
use super::text;

/// Apache's name, which goes into the digest.
pub(super) const APR1: &str = "$apr1$";
/// `crypt(3)`'s.
const CRYPT: &str = "$1$";

/// The order in which the bytes of the digest are written.
const GROUPS: [&[usize]; 6] = [&[0, 6, 12], &[1, 7, 13], &[2, 8, 14], &[3, 9, 15], &[4, 10, 5], &[11]];

/// An MD5-crypt hash, taken apart; its digest as it is written.
pub(super) struct Md5CryptHash {
    pub(super) scheme: Scheme,
    salt: String,
    digest: String,
}

impl Md5CryptHash {
    /// Reads `SALT$DIGEST` (behind the name of `scheme`).
    pub(super) fn parse(scheme: Scheme, text: &str) -> Option<Self> {
        let [salt, digest] = text::fields(text)?;
        let good = salt.len() <= 8 && text::is_crypt(salt) && digest.len() == 22 && text::is_crypt(digest);
        good.then(|| Self { scheme, salt: salt.to_owned(), digest: digest.to_owned() })
    }

    pub(super) const fn recipe(&self) -> Recipe {
        Recipe::Md5Crypt { salt: self.salt.len() }
    }

    pub(super) fn fits(&self, password: &[u8]) -> bool {
        let name = if self.scheme == Scheme::Apr1 { APR1 } else { CRYPT };
        let found = encoded(name, password, self.salt.as_bytes());
        text::is_same(found.as_bytes(), self.digest.as_bytes())
    }
}

/// The function itself, and its digest as it is written.
pub(super) fn encoded(name: &str, password: &[u8], salt: &[u8]) -> String {
    let mut digest = md5(&[password, salt, password]);
    let mut first = Md5::new();
    first.update(password);
    first.update(name);
    first.update(salt);
    let mut left = password.len();
    while left > 0 {
        first.update(&digest[..left.min(16)]);
        left = left.saturating_sub(16);
    }
    let mut bits = password.len();
    while bits > 0 {
        // The first letter of the password where one would expect its length: so it was written, and so it is.
        first.update(if bits % 2 == 1 { &[0] } else { &password[..1] });
        bits /= 2;
    }
    digest = first.finalize().into();
    for round in 0..1000 {
        let odd = round % 2 == 1;
        let (head, tail): (&[u8], &[u8]) = if odd { (password, &digest) } else { (&digest, password) };
        let salt = if round % 3 == 0 { &[] } else { salt };
        let again = if round % 7 == 0 { &[] } else { password };
        digest = md5(&[head, salt, again, tail]);
    }
    text::crypt_encoded(&digest, &GROUPS)
}

fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Md5::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_names_fit() {
        // Of Apache's documentation of its password formats, and of OpenSSL's passwd.
        let apr1 = Md5CryptHash::parse(Scheme::Apr1, "r31.....$HqJZimcKQFAMYayBlzkrA/").unwrap();
        assert!(apr1.fits(b"myPassword") && !apr1.fits(b"myPassworD"));
        let crypt = Md5CryptHash::parse(Scheme::Md5Crypt, "xxxxxxxx$UYCIxa628.9qXjpQCjM4a.").unwrap();
        assert!(crypt.fits(b"password") && !crypt.fits(b""));
    }
}
