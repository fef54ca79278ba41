//! How is a password checked so that the time tells nothing?
//!
//! bcrypt of cost *c* takes 2^*c* rounds. Every check takes as many rounds as the dearest hash there was at the start, or
//! met since (never fewer than the configured cost asks for), whether there is such a user or not, and whether the hash is
//! cheaper, malformed, or the password one that can never fit: rounds that the answer does not need are done all the
//! same.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

use super::bcrypt_hash::{BcryptHash, MOST_COST, bcrypt};
use super::policy::is_readable;
use super::{NewPassword, PasswordHash};
use crate::secret;

/// Hashes and checks, on whatever thread calls.
pub(super) struct Work {
    cost: u32,
    dearest: AtomicU32,
    #[cfg(test)]
    pub(super) rounds: std::sync::atomic::AtomicU64,
}

impl Work {
    /// `cost` is one that [`BcryptHash`] reads.
    pub(super) const fn new(cost: u32) -> Self {
        Self {
            cost,
            dearest: AtomicU32::new(cost),
            #[cfg(test)]
            rounds: std::sync::atomic::AtomicU64::new(0),
        }
    }

    /// Every check takes the rounds of this cost, if there is such a hash to work for.
    pub(super) fn expect_cost(&self, cost: u32) {
        if cost <= MOST_COST {
            self.dearest.fetch_max(cost, Ordering::Relaxed);
        }
    }

    /// Hashes a new password, with a new salt.
    pub(super) fn hash(&self, password: &NewPassword) -> PasswordHash {
        let parts = bcrypt::non_truncating_hash_with_salt(password.expose(), self.cost, secret::random())
            .expect("a new password is short enough, and the cost was checked at the start");
        PasswordHash::from_store(parts.to_string())
    }

    /// Whether `password` fits `stored`; `None` is a user that does not exist.
    pub(super) fn verify(&self, password: &[u8], stored: Option<&PasswordHash>) -> bool {
        let stored = stored.and_then(|hash| BcryptHash::parse(hash.expose()));
        let known = stored.as_ref().map_or(self.cost, |hash| hash.cost);
        let dearest = self.dearest.fetch_max(known, Ordering::Relaxed).max(known);
        // A password that can never fit is replaced, not looked into: bcrypt reads all of what it is given here.
        let readable = is_readable(password);
        let password = if readable { password } else { b"never read" };
        let fits = stored.as_ref().is_some_and(|hash| {
            self.spent(hash.cost);
            hash.fits(password)
        });
        match stored {
            // 2^c + (2^c + 2^(c+1) + … + 2^(dearest-1)) = 2^dearest.
            Some(hash) => (hash.cost..dearest).for_each(|cost| self.burn(cost, password)),
            None => self.burn(dearest, password),
        }
        fits && readable
    }

    fn burn(&self, cost: u32, password: &[u8]) {
        self.spent(cost);
        black_box(bcrypt(cost, black_box([0; 16]), password));
    }

    #[cfg(test)]
    fn spent(&self, cost: u32) {
        self.rounds.fetch_add(1 << cost, Ordering::Relaxed);
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests count the rounds here")]
    const fn spent(&self, _cost: u32) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn hash(password: &str, cost: u32) -> PasswordHash {
        Work::new(cost).hash(&NewPassword::parse(Secret::from(password)).unwrap())
    }

    fn stored(text: &str) -> PasswordHash {
        PasswordHash::from_store(text.to_owned())
    }

    /// Checks, and says how many rounds that took.
    fn verify(work: &Work, password: &str, stored: Option<&PasswordHash>) -> (bool, u64) {
        let before = work.rounds.load(Ordering::Relaxed);
        let fits = work.verify(password.as_bytes(), stored);
        (fits, work.rounds.load(Ordering::Relaxed) - before)
    }

    #[test]
    fn what_was_hashed_fits_and_nothing_else() {
        let work = Work::new(4);
        let known = hash("correct horse", 4);
        assert!(known.expose().starts_with("$2b$04$") && known.expose().len() == 60);
        assert_ne!(known.expose(), hash("correct horse", 4).expose(), "the salt is new each time");
        assert!(verify(&work, "correct horse", Some(&known)).0);
        assert!(!verify(&work, "correct horsf", Some(&known)).0);
    }

    #[test]
    fn every_no_takes_the_same_work() {
        let work = Work::new(6);
        let long = "x".repeat(5000);
        let cheap = hash("correct horse", 4);
        let usual = hash("correct horse", 6);
        let of_nothing = stored("$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.");
        let cases = [
            ("no such user", "wrong", None),
            ("wrong password", "wrong", Some(&usual)),
            ("wrong password, cheap hash", "wrong", Some(&cheap)),
            ("malformed hash", "wrong", Some(&stored("plain text"))),
            ("empty hash", "", Some(&stored(""))),
            ("cost 31", "wrong", Some(&stored(&usual.expose().replace("$06$", "$31$")))),
            ("empty password", "", Some(&usual)),
            ("the hash of nothing", "", Some(&of_nothing)),
            ("a NUL", "correct horse\0", Some(&usual)),
            ("too long", long.as_str(), Some(&usual)),
        ];
        for (case, password, stored) in cases {
            assert_eq!(verify(&work, password, stored), (false, 1 << 6), "{case}");
        }
        assert_eq!(
            verify(&work, "correct horse", Some(&cheap)),
            (true, 1 << 6),
            "nor does a yes tell its cost"
        );
    }

    #[test]
    fn a_dearer_hash_makes_every_check_as_dear() {
        let work = Work::new(4);
        assert_eq!(verify(&work, "wrong", None).1, 1 << 4);
        assert_eq!(verify(&work, "wrong", Some(&hash("correct horse", 7))).1, 1 << 7);
        assert_eq!(verify(&work, "wrong", None).1, 1 << 7);
        assert_eq!(verify(&work, "wrong", Some(&hash("correct horse", 4))).1, 1 << 7);
        work.expect_cost(31);
        assert_eq!(verify(&work, "wrong", None).1, 1 << 7, "there is no working for such a hash");
        work.expect_cost(8);
        assert_eq!(verify(&work, "wrong", None).1, 1 << 8);
    }

    #[test]
    fn bcrypt_is_never_given_what_it_would_cut_off() {
        let work = Work::new(4);
        // What another program stored: bcrypt reads 72 bytes, so the first two fit by its own lights.
        let truncated = stored(&bcrypt::hash("a".repeat(80), 4).unwrap());
        assert!(!verify(&work, &"a".repeat(80), Some(&truncated)).0);
        assert!(!verify(&work, &("a".repeat(72) + "z"), Some(&truncated)).0);
        let short = stored(&bcrypt::hash("abc", 4).unwrap());
        assert!(
            verify(&work, "abc", Some(&short)).0,
            "an old password may be shorter than a new one must be"
        );
        for other in ["abc\0abc", "abc\0", "\0abc", "abc\0abd"] {
            assert!(!verify(&work, other, Some(&short)).0, "{other:?}");
        }
        let longest = "a".repeat(71);
        assert!(verify(&work, &longest, Some(&hash(&longest, 4))).0);
    }
}
