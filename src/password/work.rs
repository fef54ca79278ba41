//! How is a password checked so that the time tells nothing?
//!
//! Every check does the same work, whether there is such a user or not, and whether the hash is cheap, malformed, or the
//! password one that can never fit; what the answer does not need is done all the same. That work is, for each kind of
//! hash there was at the start or was met since (and for the configured one, where new hashes are stored), the dearest of
//! its kind: the stored hash is computed, then what it lacks to the dearest of its own kind, then the dearest of every
//! other kind. So a store with one kind of hash pays for one, and one whose users move from PBKDF2 to Argon2id pays for
//! both until it is started with the last of the old hashes gone.
//!
//! The work is counted, not timed: equal counts are equal times on any processor under any load, also where a long
//! password makes a function slower; a clock would have to be waited for, and would learn from a bad moment. Work of two
//! kinds cannot be counted in one unit, which is why it is done one after the other.
//!
//! Whoever can write hashes to the store could make every check dear: a kind that would take all kinds together beyond
//! [`BUDGET`] is verified, but nothing else is made as dear. It may be told apart by its time, and the log says so.

use std::sync::{Mutex, PoisonError};

use super::recipe::Recipe;
use super::settings::HasherSettings;
use super::stored::StoredHash;
use super::{NewPassword, PasswordHash};

/// The most microseconds, about, that the dearest hashes of all kinds may take together.
const BUDGET: u64 = 6_000_000;

/// Hashes and checks, on whatever thread calls.
pub(super) struct Work {
    settings: HasherSettings,
    known: Mutex<Known>,
    #[cfg(test)]
    pub(super) spent: Mutex<Vec<Recipe>>,
}

/// The dearest of each kind.
struct Known {
    recipes: Vec<Recipe>,
    warned: bool,
}

impl Work {
    /// The settings' costs are checked.
    pub(super) fn new(settings: HasherSettings) -> Self {
        let recipes = vec![settings.hash.recipe()];
        Self {
            settings,
            known: Mutex::new(Known { recipes, warned: false }),
            #[cfg(test)]
            spent: Mutex::default(),
        }
    }

    pub(super) const fn settings(&self) -> &HasherSettings {
        &self.settings
    }

    /// Every check takes the work of such a hash, if it is one to work for.
    pub(super) fn expect(&self, stored: &PasswordHash) {
        if let Some(stored) = self.read(stored) {
            self.learn(stored.recipe());
        }
    }

    /// There will be no hash but of these kinds: what new ones would cost is nothing that any check has to cost. Without
    /// effect if none of them is one to work for.
    pub(super) fn expect_only(&self, stored: &[PasswordHash]) {
        let read = |hash| self.read(hash).map(|stored| stored.recipe());
        let recipes: Vec<Recipe> = stored.iter().filter_map(read).collect();
        let Some(first) = recipes.first() else { return };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).recipes = vec![*first];
        for recipe in recipes {
            self.learn(recipe);
        }
    }

    /// Hashes a new password, with a new salt.
    pub(super) fn hash(&self, password: &NewPassword) -> PasswordHash {
        self.settings.hash.make(password)
    }

    /// Whether `password` fits `stored`; `None` is a user that does not exist.
    pub(super) fn verify(&self, password: &[u8], stored: Option<&PasswordHash>) -> bool {
        let stored = stored.and_then(|hash| self.read(hash));
        let own = stored.as_ref().map(StoredHash::recipe);
        if let Some(own) = own {
            self.learn(own);
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).recipes.clone();
        let fits = stored.as_ref().is_some_and(|hash| {
            let longest = if self.settings.truncate { hash.longest_cut() } else { hash.longest() };
            // A password that can never fit is replaced, not looked into.
            let readable = is_readable(password, longest);
            self.spent(hash.recipe());
            hash.fits(if readable { password } else { UNREAD }) && readable
        });
        for dearest in known {
            let given = if is_readable(password, dearest.longest()) { password } else { UNREAD };
            match own {
                Some(own) if own.is_of_kind(dearest) => {
                    own.burn_rest(dearest, given, |part| self.spent(part));
                }
                _ => dearest.burn(given, |part| self.spent(part)),
            }
        }
        fits
    }

    /// The hash, if it is of a scheme that is verified.
    fn read(&self, stored: &PasswordHash) -> Option<StoredHash> {
        StoredHash::parse(stored.expose()).filter(|hash| self.settings.verify.contains(hash.scheme()))
    }

    /// From now on every check is as dear as this, within the budget.
    fn learn(&self, recipe: Recipe) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let place = known.recipes.iter().position(|other| other.is_of_kind(recipe));
        let old = place.map_or(0, |at| known.recipes[at].micros());
        if recipe.micros() <= old {
            return;
        }
        let total: u64 = known.recipes.iter().map(|other| other.micros()).sum();
        if total - old + recipe.micros() > BUDGET {
            if !known.warned {
                known.warned = true;
                tracing::warn!(
                    "there are stored password hashes so dear that not every sign-in is made to take as long: who has \
                     one can be told by the time a sign-in takes"
                );
            }
            return;
        }
        match place {
            Some(at) => known.recipes[at] = recipe,
            None => known.recipes.push(recipe),
        }
    }

    #[cfg(test)]
    fn spent(&self, part: Recipe) {
        self.spent.lock().unwrap().push(part);
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests count the work here")]
    const fn spent(&self, _part: Recipe) {}
}

/// What stands in for a password that no hash can be of.
const UNREAD: &[u8] = b"never read";

/// Whether a function that reads so many bytes would read all of `password`, and there is something to read: only then
/// may it fit a stored hash, whoever made that. A NUL ends a password for half of the functions.
fn is_readable(password: &[u8], longest: usize) -> bool {
    !password.is_empty() && password.len() <= longest && !password.contains(&0)
}

#[cfg(test)]
mod tests;
