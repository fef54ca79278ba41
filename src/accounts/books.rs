//! Who is known? The users whose tokens are in use, each by the digest that tokens have of them.
//!
//! 64 tables, chosen by a digest's first byte, each behind its own short lock. An entry takes some 250 bytes:
//! 80 in a table that may be but 7/16 full, and its id and versions apart. So what is held at most is 262,144 users in 66 MB;
//! beyond that, one makes room for another, and is asked about when seen again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use hashbrown::HashTable;

use super::{Known, State};
use crate::clock::UnixTime;
use crate::identity::{Digest, UserId};

const SHARDS: usize = 64;

/// Users in one table.
pub(super) const MOST: usize = 4096;

/// Users who are looked at to find one that makes room.
const CANDIDATES: usize = 8;

/// Everybody who is known.
pub(super) struct Books(Box<[RwLock<HashTable<Entry>>]>);

struct Entry {
    user: Digest,
    known: Known,
    /// Since the last round.
    seen: AtomicBool,
    /// As of the last round.
    last_seen: UnixTime,
}

impl Entry {
    /// Takes what is known now in place of what was, unless it is older; says whether that changed anything.
    fn renew(&mut self, mut known: Known) -> bool {
        let before = &mut self.known;
        if before.asked > known.asked {
            return false;
        }
        known.inherit(before);
        let changed = known.state != before.state || known.versions != before.versions;
        *before = known;
        changed
    }
}

impl Default for Books {
    fn default() -> Self {
        Self(std::iter::repeat_with(RwLock::default).take(SHARDS).collect())
    }
}

impl Books {
    /// What is known of `user`, through `read`; they count as seen.
    pub(super) fn look<T>(&self, user: Digest, read: impl FnOnce(&Known) -> T) -> Option<T> {
        let table = self.reading(shard(user));
        let entry = table.find(hash(user), |entry| entry.user == user)?;
        // Looked at first: a user's requests come on several cores at once.
        if !entry.seen.load(Ordering::Relaxed) {
            entry.seen.store(true, Ordering::Relaxed);
        }
        Some(read(&entry.known))
    }

    /// The same without their being seen.
    pub(super) fn peek<T>(&self, user: Digest, read: impl FnOnce(&Known) -> T) -> Option<T> {
        let table = self.reading(shard(user));
        table.find(hash(user), |entry| entry.user == user).map(|entry| read(&entry.known))
    }

    /// Writes down what is known of `user`, unless something later is; says whether a token of theirs that was good may
    /// not be any more.
    pub(super) fn install(&self, user: Digest, known: Known, now: UnixTime) -> bool {
        let mut table = self.writing(shard(user));
        if let Some(entry) = table.find_mut(hash(user), |entry| entry.user == user) {
            return entry.renew(known);
        }
        if table.len() >= MOST {
            make_room(&mut table, user);
        }
        let entry = Entry { user, known, seen: true.into(), last_seen: now };
        table.insert_unique(hash(user), entry, |entry| hash(entry.user));
        true
    }

    /// The same for somebody who is still here; nobody else is written down.
    pub(super) fn update(&self, user: Digest, known: Known) -> bool {
        let mut table = self.writing(shard(user));
        table.find_mut(hash(user), |entry| entry.user == user).is_some_and(|entry| entry.renew(known))
    }

    /// Users held.
    pub(super) fn len(&self) -> usize {
        (0..SHARDS).map(|shard| self.reading(shard).len()).sum()
    }

    /// Hands everybody who has an id to `take`, at most one table's users at a time.
    pub(super) fn pages(&self) -> impl Iterator<Item = Vec<(Digest, UserId)>> {
        (0..SHARDS).map(move |shard| {
            let table = self.reading(shard);
            table.iter().filter_map(|entry| Some((entry.user, entry.known.id.clone()?))).collect()
        })
    }

    /// Forgets who has not been seen for `idle`, and who could not be asked about again.
    pub(super) fn tidy(&self, now: UnixTime, idle: Duration) {
        for shard in 0..SHARDS {
            self.writing(shard).retain(|entry| {
                if std::mem::take(entry.seen.get_mut()) {
                    entry.last_seen = now;
                }
                entry.known.id.is_some() && now.since(entry.last_seen) <= idle
            });
        }
    }

    fn reading(&self, shard: usize) -> RwLockReadGuard<'_, HashTable<Entry>> {
        self.0[shard].read().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self, shard: usize) -> RwLockWriteGuard<'_, HashTable<Entry>> {
        self.0[shard].write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of a few, chosen by who is `coming`, the one goes who was seen least lately; who is kept out stays longest.
fn make_room(table: &mut HashTable<Entry>, coming: Digest) {
    let first = usize::from(u16::from_le_bytes([coming.to_bytes()[1], coming.to_bytes()[2]])) % MOST;
    let rank = |entry: &&Entry| {
        let seen = entry.seen.load(Ordering::Relaxed);
        (entry.known.state != State::Active, seen, entry.last_seen)
    };
    let found = table.iter().cycle().skip(first).take(CANDIDATES).min_by_key(rank).map(|entry| entry.user);
    if let Some(user) = found
        && let Ok(entry) = table.find_entry(hash(user), |entry| entry.user == user)
    {
        entry.remove();
    }
}

fn shard(user: Digest) -> usize {
    usize::from(user.to_bytes()[0]) % SHARDS
}

/// Digests are uniform, so their own bytes are the hash.
fn hash(user: Digest) -> u64 {
    let mut half = [0; 8];
    half.copy_from_slice(&user.to_bytes()[8..]);
    u64::from_le_bytes(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: UnixTime = UnixTime::from_secs(1_900_000_000);

    fn known(number: usize, state: State) -> Known {
        let id = UserId::parse(&format!("u-{number}")).ok();
        Known { state, linked: false, ..Known::gone(id, AT) }
    }

    /// Digests of one table.
    fn digest(number: usize) -> Digest {
        let mut bytes = [0; 16];
        let uniform = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        bytes[1..8].copy_from_slice(&uniform[..7]);
        bytes[8..].copy_from_slice(&uniform);
        Digest::from_bytes(bytes)
    }

    #[test]
    fn memory_is_bounded_and_who_is_out_goes_last() {
        let books = Books::default();
        for number in 0..MOST {
            let state = if number % 2 == 0 { State::Disabled } else { State::Active };
            books.install(digest(number), known(number, state), AT);
        }
        assert_eq!(books.len(), MOST);
        for number in MOST..MOST + 1000 {
            books.install(digest(number), known(number, State::Active), AT);
            assert!(books.peek(digest(number), |_| ()).is_some(), "whoever comes has room");
        }
        assert_eq!(books.len(), MOST);
        let out = (0..MOST).step_by(2).filter(|number| books.peek(digest(*number), |_| ()).is_some()).count();
        assert!(out > MOST / 2 - 50, "{out} of {}", MOST / 2);
        assert!(size_of::<Entry>() <= 80, "{}: say so above", size_of::<Entry>());
    }

    #[test]
    fn what_is_older_takes_the_place_of_nothing() {
        let books = Books::default();
        assert!(books.install(digest(1), known(1, State::Active), AT));
        let earlier = Known { asked: UnixTime::from_secs(1), ..known(1, State::Disabled) };
        assert!(!books.install(digest(1), earlier.clone(), AT) && !books.update(digest(1), earlier));
        assert_eq!(books.look(digest(1), |known| known.state), Some(State::Active));
        assert!(!books.update(digest(1), known(1, State::Active)), "nothing new");
        assert!(books.update(digest(1), known(1, State::Disabled)));
        assert!(!books.update(digest(2), known(2, State::Active)) && books.len() == 1, "nobody is added so");
    }
}
