//! What is being written to the log just now?

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::follower::Shared;
use super::log::{Mark, NewMark};
use crate::clock;

/// Writes under way, by their marks. Dropped without an acknowledgement, they are forgotten: nobody was promised
/// anything.
pub(crate) struct Underway(Arc<Marks>);

struct Marks {
    shared: Arc<Shared>,
    made: Mutex<Vec<Mark>>,
}

impl Marks {
    fn made(&self) -> MutexGuard<'_, Vec<Mark>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembered before the log hears of it: the follower may read it sooner than the writer has its answer.
    fn new_one(&self) -> Mark {
        let mark = Mark::random();
        self.made().push(mark);
        self.shared.replica().write_begins(mark);
        mark
    }
}

impl Underway {
    pub(crate) fn begin(shared: &Arc<Shared>) -> Self {
        Self(Arc::new(Marks { shared: Arc::clone(shared), made: Mutex::default() }))
    }

    /// One more mark.
    pub(crate) fn mark(&self) -> Mark {
        self.0.new_one()
    }

    /// What makes marks, for as long as the write takes.
    pub(crate) fn marks(&self) -> NewMark {
        let marks = Arc::clone(&self.0);
        Box::new(move || marks.new_one())
    }

    /// The log took this one, and perhaps others before it, and what they say is in the set.
    pub(crate) fn acknowledged(self, mark: Mark) {
        self.0.made().retain(|other| *other != mark);
        self.0.shared.replica().write_acknowledged(mark, clock::instant());
    }
}

impl Drop for Marks {
    fn drop(&mut self) {
        let mut replica = self.shared.replica();
        for mark in self.made.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            replica.write_failed(mark);
        }
    }
}
