//! Was this very token verified before? Remembers good tokens, so that the signature is computed once per token.
//!
//! Keyed by the whole text of the token and nothing less: two tokens that differ in a byte never share an answer.
//! Bounded in bytes. What was refused is never remembered, and time is checked again by the caller on every hit. The
//! cache belongs to one verifier: new keys or settings make a new verifier, and with it an empty cache.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use super::verify::Verified;
use crate::secret;

/// What an entry costs beside its texts: the allocations' own headers and the cache's slot.
const OVERHEAD: usize = 128;

/// A guess at the size of one entry, from which the cache chooses its number of shards.
const TYPICAL: usize = 1024;

/// Verified tokens by their text; `Debug` shows none of them.
#[derive(Debug)]
pub(super) struct TokenCache(Cache<Box<str>, Arc<Verified>, ByBytes, BySignature>);

#[derive(Clone)]
struct ByBytes;

impl Weighter<Box<str>, Arc<Verified>> for ByBytes {
    fn weight(&self, token: &Box<str>, verified: &Arc<Verified>) -> u64 {
        (token.len() + verified.text_bytes() + size_of::<Verified>() + OVERHEAD) as u64
    }
}

impl TokenCache {
    /// A cache of at most about `bytes` bytes.
    pub(super) fn new(bytes: usize) -> Self {
        let hashing = BySignature::new();
        Self(Cache::with(bytes / TYPICAL, bytes as u64, ByBytes, hashing, DefaultLifecycle::default()))
    }

    /// What was remembered of `token`.
    pub(super) fn get(&self, token: &str) -> Option<Arc<Verified>> {
        self.0.get(token)
    }

    /// Remembers a verified token.
    pub(super) fn insert(&self, token: &str, verified: Arc<Verified>) {
        self.0.insert(token.into(), verified);
    }

    /// Forgets a token.
    pub(super) fn remove(&self, token: &str) {
        self.0.remove(token);
    }

    /// Bytes held.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.0.weight()
    }
}

/// Finds a token's place by the end of its signature, instead of by all of its text.
///
/// Only *where* to look is found so; what is there is compared as a whole. The last 16 characters are 94 bits of a
/// signature, which are as good as random, and only tokens whose signature fits are ever put in: without a key nobody
/// makes two that meet, and whoever collects their own tokens to find some that nearly do does not know the numbers
/// drawn here. A stranger who sends the end of a known token in other words is told from it by the comparison, at most
/// as long as the token itself, and pays for a signature like everybody.
#[derive(Clone)]
struct BySignature([u64; 2]);

impl BySignature {
    fn new() -> Self {
        Self([u64::from_le_bytes(secret::random()), u64::from_le_bytes(secret::random())])
    }
}

impl BuildHasher for BySignature {
    type Hasher = Tail;

    fn build_hasher(&self) -> Tail {
        Tail { keys: self.0, hash: 0 }
    }
}

struct Tail {
    keys: [u64; 2],
    hash: u64,
}

impl Hasher for Tail {
    fn write(&mut self, text: &[u8]) {
        // What is shorter has no signature, and is not in here wherever it is looked for.
        let (one, other) = match text.as_rchunks::<8>().1 {
            [.., one, other] => (u64::from_le_bytes(*one), u64::from_le_bytes(*other)),
            _ => (0, 0),
        };
        // So that every bit of the text reaches every part of the hash that tables and shards are chosen by.
        let [offset, factor] = self.keys;
        let mixed = |hash: u64| (hash ^ hash >> 32).wrapping_mul(factor | 1);
        let hash = mixed(mixed(one ^ offset) ^ other);
        self.hash = hash ^ hash >> 32;
    }

    /// What ends a text when several are hashed in a row.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.hash
    }
}
