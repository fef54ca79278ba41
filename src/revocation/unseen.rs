//! Has the log kept what this gateway wrote?
//!
//! A log that loses its tail before the follower has read it looks to the follower as if nothing had happened: it ends
//! where the follower stands. So the mark of every write is remembered until the follower reads it in the log. A reply
//! that was asked for after a write was acknowledged, and leads to the log's end without that mark, tells of a loss.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::log::Mark;

/// Writes that the follower has not read yet: since when they are acknowledged, if they are.
#[derive(Default)]
pub(crate) struct Unseen {
    marks: Mutex<HashMap<Mark, Option<Instant>>>,
}

/// A write under way. Dropped without an acknowledgement, it is forgotten: nobody was promised anything.
pub(crate) struct Underway<'a> {
    unseen: &'a Unseen,
    mark: Mark,
    acknowledged: bool,
}

impl Unseen {
    /// Begins a write, before the log hears of it: the follower may read it sooner than the writer has its answer.
    pub(crate) fn begin(&self) -> Underway<'_> {
        let mark = Mark::random();
        self.marks().insert(mark, None);
        Underway { unseen: self, mark, acknowledged: false }
    }

    /// The log is known to have held `mark` at `at`, and the follower has not read so far.
    pub(crate) fn expect(&self, mark: Mark, at: Instant) {
        self.marks().insert(mark, Some(at));
    }

    /// The follower has read it.
    pub(crate) fn saw(&self, mark: Mark) {
        self.marks().remove(&mark);
    }

    /// Whether something acknowledged before `asked` is missing, the follower having read all there was then.
    pub(crate) fn is_missing_any(&self, asked: Instant) -> bool {
        self.marks().values().any(|since| since.is_some_and(|since| since <= asked))
    }

    /// Everything acknowledged until now is about to be compared with the log in another way.
    pub(crate) fn leave_to_reload(&self) {
        self.marks().retain(|_, since| since.is_none());
    }

    fn marks(&self) -> MutexGuard<'_, HashMap<Mark, Option<Instant>>> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Underway<'_> {
    /// The mark to write with.
    pub(crate) const fn mark(&self) -> Mark {
        self.mark
    }

    /// The log took it, and what it says is in the set.
    pub(crate) fn acknowledged(mut self, at: Instant) {
        if let Some(since) = self.unseen.marks().get_mut(&self.mark) {
            *since = Some(at);
        }
        self.acknowledged = true;
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        if !self.acknowledged {
            self.unseen.saw(self.mark);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_an_acknowledged_write_that_was_not_read_is_missing() {
        let (unseen, start) = (Unseen::default(), crate::clock::instant());
        let later = |secs| start + Duration::from_secs(secs);
        let write = unseen.begin();
        assert!(!unseen.is_missing_any(later(9)), "not acknowledged yet");
        let mark = write.mark();
        write.acknowledged(later(2));
        assert!(!unseen.is_missing_any(later(1)), "acknowledged after the question");
        assert!(unseen.is_missing_any(later(2)));
        unseen.saw(mark);
        assert!(!unseen.is_missing_any(later(9)));

        drop(unseen.begin());
        let read_before_the_answer = unseen.begin();
        unseen.saw(read_before_the_answer.mark());
        read_before_the_answer.acknowledged(start);
        assert!(!unseen.is_missing_any(later(9)) && unseen.marks().is_empty());

        unseen.expect(Mark::random(), later(3));
        assert!(unseen.is_missing_any(later(3)));
        let underway = unseen.begin();
        unseen.leave_to_reload();
        underway.acknowledged(later(4));
        assert!(!unseen.is_missing_any(later(3)) && unseen.is_missing_any(later(4)));
    }
}
