//! When is a record that cannot be a user's spoken of? Once a minute, by its id: a broken collection must not fill the log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;

const PAUSE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Complaints {
    last: Mutex<Option<Instant>>,
}

impl Complaints {
    /// Says that the record with this id (if it has one) is odd, without a value of it.
    pub(super) fn say(&self, id: &str, what: &str) {
        let now = clock::instant();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| now.saturating_duration_since(last) >= PAUSE) {
            *last = Some(now);
            let id = if id.is_empty() { "a record without an id" } else { id };
            tracing::warn!("[users]: {id} {what} (said once a minute)");
        }
    }
}
