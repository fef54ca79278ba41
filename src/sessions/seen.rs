//! What was seen and is not written yet?

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Sighting;
use crate::clock::UnixTime;
use crate::identity::{Digest, LoginId};

/// Sessions remembered at once; a store that is away for long costs sightings, not memory.
const MOST: usize = 100_000;

/// The latest sighting of each session.
#[derive(Default)]
pub(super) struct Seen(Mutex<HashMap<LoginId, (Digest, UnixTime)>>);

impl Seen {
    pub(super) fn note(&self, sighting: Sighting) {
        let mut due = self.due();
        if due.len() >= MOST && !due.contains_key(&sighting.login) {
            return;
        }
        let latest = due.entry(sighting.login).or_insert((sighting.user, sighting.at));
        latest.1 = latest.1.max(sighting.at);
    }

    /// Everything there is; forgotten here.
    pub(super) fn take(&self) -> Vec<Sighting> {
        let due = std::mem::take(&mut *self.due());
        due.into_iter().map(|(login, (user, at))| Sighting { user, login, at }).collect()
    }

    /// What could not be written.
    pub(super) fn put_back(&self, due: Vec<Sighting>) {
        for sighting in due {
            self.note(sighting);
        }
    }

    fn due(&self) -> MutexGuard<'_, HashMap<LoginId, (Digest, UnixTime)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
