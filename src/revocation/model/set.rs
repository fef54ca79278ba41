//! The set as a value that can be compared and kept.

use super::{SUBJECTS, digest};
use crate::clock::UnixTime;
use crate::revocation::index::Index;
use crate::revocation::register::{MAX_VERSION, Register};

/// What an [`Index`] holds, as a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Set {
    /// The register, and whether the log is doubted to hold it.
    pub(super) held: [Option<(Register, bool)>; SUBJECTS],
    highest: u64,
}

impl Set {
    pub(super) fn get(&self, subject: usize) -> Option<Register> {
        self.held[subject].map(|(register, _)| register)
    }

    pub(super) fn highest(&self) -> u64 {
        self.highest
    }

    pub(super) fn registers(&self) -> [Option<Register>; SUBJECTS] {
        self.held.map(|held| held.map(|(register, _)| register))
    }

    /// Takes note of a version drawn for a login.
    pub(super) fn has_seen(&mut self, version: u64) {
        self.highest = self.highest.max(version);
    }

    /// Does something to the real thing.
    pub(super) fn with<T>(&mut self, act: impl FnOnce(&Index) -> T) -> T {
        INDEX.with(|index| {
            for subject in 0..SUBJECTS {
                index.sweep(subject, UnixTime::from_secs(u64::MAX));
                if let Some((register, doubted)) = self.held[subject] {
                    _ = if doubted { index.merge(register) } else { index.confirm(register) };
                }
            }
            let result = act(index);
            for subject in 0..SUBJECTS {
                let doubted = index.doubted(subject, UnixTime::default(), 0..MAX_VERSION + 1);
                self.held[subject] = index.get(digest(subject)).map(|known| (known, !doubted.is_empty()));
            }
            let versions = self.held.iter().flatten().map(|(register, _)| register.version());
            self.highest = versions.fold(self.highest, u64::max);
            result
        })
    }
}

thread_local! {
    /// Made once: 256 tables take longer to make than everything that is done with them.
    static INDEX: Index = Index::new();
}
