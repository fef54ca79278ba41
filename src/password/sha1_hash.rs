//! What does a stored SHA-1 say? `{SHA}` of `htpasswd -s`, and LDAP's `{SSHA}` with its salt (RFC 2307 §5.3).
//!
//! One SHA-1 is no protection today; it is verified where the configuration names it, to be replaced.

use aws_lc_rs::digest;

use super::scheme::Scheme;
use super::text;

/// A SHA-1, and the salt that came behind the password.
pub(super) struct Sha1Hash {
    pub(super) scheme: Scheme,
    digest: Vec<u8>,
    salt: Vec<u8>,
}

impl Sha1Hash {
    /// Reads the base64 (behind the name of `scheme`) of a digest and its salt.
    pub(super) fn parse(scheme: Scheme, text: &str) -> Option<Self> {
        let mut digest = text::padded(text)?;
        let good = match scheme {
            Scheme::SaltedSha1 => (24..=84).contains(&digest.len()),
            _ => digest.len() == 20,
        };
        let salt = good.then(|| digest.split_off(20))?;
        Some(Self { scheme, digest, salt })
    }

    pub(super) fn fits(&self, password: &[u8]) -> bool {
        let mut found = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
        found.update(password);
        found.update(&self.salt);
        text::is_same(found.finish().as_ref(), &self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_and_without_salt() {
        let plain = Sha1Hash::parse(Scheme::Sha1, "VBPuJHI7uixaa6LQGWx4s+5GKNE=").unwrap();
        assert!(plain.fits(b"myPassword") && !plain.fits(b"myPassworD"));
        assert!(Sha1Hash::parse(Scheme::SaltedSha1, "VBPuJHI7uixaa6LQGWx4s+5GKNE=").is_none(), "no salt");
        assert!(Sha1Hash::parse(Scheme::Sha1, "VBPuJHI7uixaa6LQGWx4s+5GKNFTQUxU").is_none(), "salted");
    }
}
