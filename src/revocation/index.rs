//! Is this token revoked? The exact set in memory.
//!
//! 256 tables, chosen by a digest's first byte, each behind its own short lock. A filter of 256 bits in front of
//! each table (chosen by the second byte) answers "nothing here" without the lock, so that gateways with few
//! revocations never write to shared memory to read. An entry takes 26 bytes and its table's control byte: with a
//! table just doubled (7/16 full, the worst) 62 bytes. Digests are uniform, so their own bytes are the hash.
//!
//! Each entry also says whether the log is *doubted* to hold it: while the log is loaded, what the log confirms loses
//! its doubt, and what keeps it is given back. So a load needs no second set to compare with.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;

use super::Scope;
use super::register::{Register, State};
use crate::clock::UnixTime;
use crate::identity::{Digest, RevocationDigests};

/// How many tables.
pub(crate) const SHARDS: usize = 256;

/// The set, for any number of threads.
pub(crate) struct Index {
    shards: Box<[Shard]>,
    entries: AtomicUsize,
    highest: AtomicU64,
}

#[derive(Default)]
struct Shard {
    filter: [AtomicU64; 4],
    table: RwLock<HashTable<Entry>>,
}

/// A register without its digest's first byte, which is its table's number. Byte arrays, so that nothing is padded.
#[derive(Clone, Copy)]
struct Entry {
    rest: [u8; 15],
    /// The version's 53 bits, and below them two: doubted, revoked.
    version_and_state: [u8; 7],
    expires_secs: [u8; 4],
}

const REVOKED: u8 = 1;
const DOUBTED: u8 = 2;

impl Index {
    /// An empty set.
    pub(crate) fn new() -> Self {
        let shards = std::iter::repeat_with(Shard::default).take(SHARDS).collect();
        Self { shards, entries: AtomicUsize::new(0), highest: AtomicU64::new(0) }
    }

    /// Registers held, tombstones among them.
    pub(crate) fn len(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    /// The greatest version ever seen here: the next one must be greater.
    pub(crate) fn highest(&self) -> u64 {
        self.highest.load(Ordering::Acquire)
    }

    /// Takes note of a version given to something that is not a register, such as a login.
    pub(crate) fn has_seen(&self, version: u64) {
        self.highest.fetch_max(version, Ordering::AcqRel);
    }

    /// Joins `register` with what is known of its digest; says whether that changed anything.
    pub(crate) fn merge(&self, register: Register) -> bool {
        self.join(register, false)
    }

    /// Joins a register that the log is known to hold now; says whether that changed anything.
    pub(crate) fn confirm(&self, register: Register) -> bool {
        self.join(register, true)
    }

    fn join(&self, register: Register, confirmed: bool) -> bool {
        self.has_seen(register.version());
        let digest = register.digest().to_bytes();
        let shard = &self.shards[usize::from(digest[0])];
        let mut table = shard.write();
        // Before the lock is released: whoever reads the filter after this merge must find its bit.
        shard.admit(digest[1]);
        let rest = rest_of(&digest);
        match table.entry(hash(&rest), |entry| entry.rest == rest, |entry| hash(&entry.rest)) {
            Slot::Occupied(mut known) => {
                let before = known.get().register(digest[0]);
                let joined = before.join(register);
                // A log may hold older words beside the last one: they confirm nothing and refute nothing.
                let doubted = if confirmed { known.get().is(DOUBTED) && joined != register } else { true };
                *known.get_mut() = Entry::of(&joined, doubted);
                joined != before
            }
            Slot::Vacant(free) => {
                free.insert(Entry::of(&register, !confirmed));
                self.entries.fetch_add(1, Ordering::Relaxed);
                true
            }
        }
    }

    /// What is known of `digest`.
    pub(crate) fn get(&self, digest: Digest) -> Option<Register> {
        let bytes = digest.to_bytes();
        let shard = &self.shards[usize::from(bytes[0])];
        if !shard.may_hold(bytes[1]) {
            return None;
        }
        let rest = rest_of(&bytes);
        let table = shard.read();
        table.find(hash(&rest), |entry| entry.rest == rest).map(|entry| entry.register(bytes[0]))
    }

    /// What of a token is revoked, the narrowest first: the token, its login, its user, its key.
    ///
    /// A user's register names the logins up to its version. A token without a login version is judged by when it was
    /// issued: `issued_at` is of whole seconds (RFC 7519 §4.1.6), so a token of the register's own second falls under it.
    pub(crate) fn revoked(
        &self,
        digests: &RevocationDigests,
        login_version: Option<u64>,
        issued_at: UnixTime,
    ) -> Option<Scope> {
        let revoked = |digest| self.get(digest).is_some_and(|known| known.state() == State::Revoked);
        if revoked(digests.token) {
            return Some(Scope::Token);
        }
        if digests.login.is_some_and(revoked) {
            return Some(Scope::Login);
        }
        let came_at = login_version.unwrap_or_else(|| issued_at.millis().saturating_mul(1000));
        if self.user_is_revoked(digests.user, came_at) {
            return Some(Scope::User);
        }
        revoked(digests.key).then_some(Scope::Key)
    }

    /// Whether a sign-in has been ended, itself or with its user.
    pub(crate) fn has_ended(&self, login: Digest, user: Digest, version: u64) -> bool {
        self.get(login).is_some_and(|known| known.state() == State::Revoked)
            || self.user_is_revoked(user, version)
    }

    fn user_is_revoked(&self, user: Digest, came_at: u64) -> bool {
        let known = self.get(user);
        known.is_some_and(|known| known.state() == State::Revoked && came_at <= known.version())
    }

    /// Forgets what has expired in one table (`shard` counts round). At ten million entries a table holds 40,000: the
    /// longest a request can wait for a sweep is the time to walk them, well below a millisecond.
    pub(crate) fn sweep(&self, shard: usize, now: UnixTime) {
        let number = shard % SHARDS;
        let shard = &self.shards[number];
        let mut table = shard.write();
        let before = table.len();
        if before == 0 {
            return;
        }
        let first = first_byte(number);
        let mut filter = [0; 4];
        table.retain(|entry| {
            let kept = !entry.register(first).is_over(now);
            if kept {
                filter[usize::from(entry.rest[0] / 64)] |= 1 << (entry.rest[0] % 64);
            }
            kept
        });
        for (word, bits) in shard.filter.iter().zip(filter) {
            word.store(bits, Ordering::Release);
        }
        if table.len() < table.capacity() / 4 {
            let most = table.len() * 2;
            table.shrink_to(most, |entry| hash(&entry.rest));
        }
        self.entries.fetch_sub(before - table.len(), Ordering::Relaxed);
    }

    /// Doubts everything in one table: a load of the log begins, and what it does not confirm it has lost.
    pub(crate) fn doubt(&self, shard: usize) {
        for entry in self.shards[shard % SHARDS].write().iter_mut() {
            entry.doubt();
        }
    }

    /// What is still doubted in one table, not over at `now`, with a version in `versions`.
    pub(crate) fn doubted(&self, shard: usize, now: UnixTime, versions: Range<u64>) -> Vec<Register> {
        let number = shard % SHARDS;
        let held = self.shards[number].read();
        held.iter()
            .filter(|entry| entry.is(DOUBTED))
            .map(|entry| entry.register(first_byte(number)))
            .filter(|ours| versions.contains(&ours.version()) && !ours.is_over(now))
            .collect()
    }

    /// Everything in one table that is not over at `now`.
    pub(crate) fn all(&self, shard: usize, now: UnixTime) -> Vec<Register> {
        let number = shard % SHARDS;
        let held = self.shards[number].read();
        let registers = held.iter().map(|entry| entry.register(first_byte(number)));
        registers.filter(|ours| !ours.is_over(now)).collect()
    }
}

impl Shard {
    fn may_hold(&self, second: u8) -> bool {
        self.filter[usize::from(second / 64)].load(Ordering::Acquire) & (1 << (second % 64)) != 0
    }

    fn admit(&self, second: u8) {
        self.filter[usize::from(second / 64)].fetch_or(1 << (second % 64), Ordering::Release);
    }

    // A panic under the lock cannot leave a table half written by us, so a poisoned lock is as good as any.
    fn read(&self) -> RwLockReadGuard<'_, HashTable<Entry>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashTable<Entry>> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn of(register: &Register, doubted: bool) -> Self {
        let revoked = if register.state() == State::Revoked { REVOKED } else { 0 };
        let doubted = if doubted { DOUBTED } else { 0 };
        let packed = (register.version() << 2 | u64::from(doubted | revoked)).to_le_bytes();
        let mut version_and_state = [0; 7];
        version_and_state.copy_from_slice(&packed[..7]);
        let expires = u32::try_from(register.expires().secs()).unwrap_or(u32::MAX);
        let rest = rest_of(&register.digest().to_bytes());
        Self { rest, version_and_state, expires_secs: expires.to_le_bytes() }
    }

    fn packed(&self) -> u64 {
        let mut packed = [0; 8];
        packed[..7].copy_from_slice(&self.version_and_state);
        u64::from_le_bytes(packed)
    }

    const fn is(&self, flag: u8) -> bool {
        self.version_and_state[0] & flag != 0
    }

    fn doubt(&mut self) {
        self.version_and_state[0] |= DOUBTED;
    }

    fn register(&self, first: u8) -> Register {
        let mut digest = [first; 16];
        digest[1..].copy_from_slice(&self.rest);
        let state = if self.is(REVOKED) { State::Revoked } else { State::Lifted };
        let expires = UnixTime::from_secs(u64::from(u32::from_le_bytes(self.expires_secs)));
        Register::new(Digest::from_bytes(digest), self.packed() >> 2, state, expires)
            .expect("a version of 53 bits came out of a register")
    }
}

fn first_byte(shard: usize) -> u8 {
    u8::try_from(shard).expect("there are 256 tables")
}

fn rest_of(digest: &[u8; 16]) -> [u8; 15] {
    let mut rest = [0; 15];
    rest.copy_from_slice(&digest[1..]);
    rest
}

/// Eight bytes of the digest that choose neither table nor filter bit.
fn hash(rest: &[u8; 15]) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&rest[7..]);
    u64::from_le_bytes(eight)
}

#[cfg(test)]
mod tests;
