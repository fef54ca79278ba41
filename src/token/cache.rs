//! Was this very token verified before? Remembers good tokens, so that the signature is computed once per token.
//!
//! Keyed by the whole text of the token and nothing less: two tokens that differ in a byte never share an answer.
//! Bounded in bytes. What was refused is never remembered, and time is checked again by the caller on every hit. The
//! cache belongs to one verifier: new keys or settings make a new verifier, and with it an empty cache.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::verify::Verified;

/// What an entry costs beside its texts: the allocations' own headers and the cache's slot.
const OVERHEAD: usize = 128;

/// A guess at the size of one entry, from which the cache chooses its number of shards.
const TYPICAL: usize = 1024;

/// Verified tokens by their text; `Debug` shows none of them.
#[derive(Debug)]
pub(super) struct TokenCache(Cache<Box<str>, Arc<Verified>, ByBytes>);

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
        Self(Cache::with_weighter(bytes / TYPICAL, bytes as u64, ByBytes))
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
