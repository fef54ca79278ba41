//! Which connections to a server are free for the next request?
//!
//! The last one given back is the first one taken, so that those not needed grow old together and are ended. Each thread
//! has a shelf of its own, and looks at the others' only when it is empty.

use std::cell::Cell;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::line::Line;

/// Idle connections on one shelf.
const MOST: usize = 256;

/// The free connections to one server.
pub(super) struct Kept {
    shelves: Box<[Mutex<Vec<Idle>>]>,
    /// How long one may be idle.
    patience: Duration,
}

struct Idle {
    since: Instant,
    line: Line,
}

thread_local! {
    static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The number of this thread among those that ever asked.
fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NUMBER.get().unwrap_or_else(|| {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        NUMBER.set(Some(number));
        number
    })
}

impl Kept {
    pub(super) fn new(patience: Duration) -> Self {
        let shelves = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { shelves: (0..shelves).map(|_| Mutex::default()).collect(), patience }
    }

    fn shelf(&self, number: usize) -> MutexGuard<'_, Vec<Idle>> {
        self.shelves[number % self.shelves.len()].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that is fit to be used, if there is one.
    pub(super) fn take(&self, now: Instant) -> Option<Line> {
        let own = number();
        (own..own + self.shelves.len()).find_map(|number| self.take_from(number, now))
    }

    fn take_from(&self, number: usize, now: Instant) -> Option<Line> {
        loop {
            // Ended, if it is not fit, outside the lock.
            let Idle { since, line } = self.shelf(number).pop()?;
            if now.saturating_duration_since(since) < self.patience && line.is_quiet() {
                return Some(line);
            }
        }
    }

    /// Gives one back on which an answer has come to its end.
    pub(super) fn put(&self, mut line: Line, now: Instant) {
        line.rest();
        let mut idle = self.shelf(number());
        if idle.len() < MOST {
            idle.push(Idle { since: now, line });
        }
    }

    /// Ends those that have been idle for too long.
    pub(super) fn sweep(&self, now: Instant) {
        for number in 0..self.shelves.len() {
            let old: Vec<Idle> = {
                let mut idle = self.shelf(number);
                let is_young = |one: &Idle| now.saturating_duration_since(one.since) < self.patience;
                let young = idle.iter().position(is_young).unwrap_or(idle.len());
                idle.drain(..young).collect()
            };
            drop(old);
        }
    }
}
