//! By what rules is a set in memory kept up with the log?
//!
//! A state machine without a clock, a task or a socket: it is told what the log answered and when that was asked, and
//! says what to ask next. As soon as a reply does not follow on from what was read before, everything is loaded anew and
//! joined with what is held, which goes on serving; then the log is given back what it lacks. The same code runs in
//! the gateway and in the model checker.
//!
//! Two things are less obvious:
//! * A log that loses its tail before it was read here ends, to a reader, where the reader stands. So the mark of every
//!   write of ours is remembered until it is read back: a reply asked for after the acknowledgement, that leads to
//!   the log's end without the mark, tells of the loss.
//! * A log that has only just come into being, or whose server has only just started or taken over, may lack what
//!   others have read and are about to give back. Until it is [`RECONCILIATION`] old it proves nothing; and to one who
//!   may lack more than what is recent, not before nobody has given anything back for as long.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::index::Index;
use super::log::{Age, Batch, Loaded, Mark, Position, Verdict, follows_on};
use super::register::Register;

/// How long others have to give a log back what it has lost, or to begin with it.
pub(crate) const RECONCILIATION: Duration = Duration::from_secs(2);

/// What is given back first: twice as much as may be lacked by whoever need not wait for the rest.
pub(crate) const RECENT: Duration = Duration::from_secs(600);

/// What to ask of the log next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Next {
    /// All of it.
    Load,
    /// What comes after this.
    Follow(Position),
}

/// Where a gateway stands towards the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Replica {
    /// How far it has read; nothing while everything has to be read (again).
    position: Option<Position>,
    /// How far it had read in an earlier life.
    remembered: Option<Position>,
    /// Since when it has followed this log without a break.
    met: Option<Instant>,
    /// How old the log was at the last answer.
    age: Duration,
    /// Whether the log is known to have lost something when it was met, however old it says it is.
    bereft: bool,
    /// Writes of its own that it has not read yet: since when they are acknowledged, if they are.
    writes: BTreeMap<Mark, Option<Instant>>,
    /// The last moment at which the set was everything there was.
    proven: Option<Instant>,
    /// Whether that has ever been so.
    ready: bool,
}

impl Replica {
    /// One that has read nothing in this life, and in an earlier one up to `remembered`.
    pub(crate) fn new(remembered: Option<Position>) -> Self {
        Self { remembered, ..Self::default() }
    }

    /// What to ask next.
    pub(crate) fn next(&self) -> Next {
        self.position.map_or(Next::Load, Next::Follow)
    }

    /// Whether the set has been loaded once.
    pub(crate) const fn is_ready(&self) -> bool {
        self.ready
    }

    /// The last moment at which the set was known to be everything there was.
    pub(crate) const fn proven(&self) -> Option<Instant> {
        self.proven
    }

    /// How far it has read: what to remember for another life.
    pub(crate) const fn position(&self) -> Option<Position> {
        self.position
    }

    /// Begins a write, before the log hears of it: the follower may read it sooner than the writer has its answer.
    pub(crate) fn write_begins(&mut self, mark: Mark) {
        self.writes.insert(mark, None);
    }

    /// The log took the write at the latest at `at`, and what it says is in the set.
    pub(crate) fn write_acknowledged(&mut self, mark: Mark, at: Instant) {
        // Not there if it has been read already.
        if let Some(since) = self.writes.get_mut(&mark) {
            *since = Some(at);
        }
    }

    /// Whether this write has still to be read.
    pub(crate) fn awaits(&self, mark: Mark) -> bool {
        self.writes.contains_key(&mark)
    }

    /// Nobody was promised anything.
    pub(crate) fn write_failed(&mut self, mark: Mark) {
        self.writes.remove(&mark);
    }

    /// Takes in a reply to [`Next::Follow`]; the error says why everything must be read again.
    pub(crate) fn read(&mut self, batch: &Batch, index: &Index) -> Result<(), &'static str> {
        // Dropped while nothing was wrong, so that any early return means a load.
        let Some(known) = self.position.take() else { return Err("nothing has been read yet") };
        let (to, caught_up) = match follows_on(known, batch) {
            Verdict::Follows { to, caught_up } => (to, caught_up),
            Verdict::Broken(why) => return Err(why),
        };
        for entry in &batch.entries {
            // The log holds it, whoever gave it to it.
            index.confirm(entry.register);
            self.writes.remove(&entry.mark);
        }
        if caught_up && self.lacks_a_write(batch.asked) {
            return Err("the log has lost what was written from here");
        }
        self.position = Some(to);
        if caught_up {
            self.settle(batch.asked, batch.age);
        }
        Ok(())
    }

    /// Everything acknowledged until now is about to be compared with the log in another way.
    ///
    /// Before the first page, every table of the set is told to [`Index::doubt`] that the log holds it too.
    pub(crate) fn load_begins(&mut self) {
        self.position = None;
        self.writes.retain(|_, since| since.is_none());
    }

    /// Takes in one page of the log; says what of it was news.
    pub(crate) fn page(index: &Index, page: &[Register]) -> Vec<Register> {
        page.iter().filter(|register| index.confirm(**register)).copied().collect()
    }

    /// Every page has been taken in: reading goes on from there. What the log has not confirmed to hold is to be given
    /// back to it; if that fails, [`Self::start_over`].
    pub(crate) fn loaded(&mut self, loaded: &Loaded, now: Instant) {
        let shorter = |known: Position| {
            known.incarnation == loaded.position.incarnation && loaded.position.seq < known.seq
        };
        self.bereft = self.remembered.take().is_some_and(shorter);
        self.met = Some(now);
        self.settle(loaded.asked, loaded.age);
        if loaded.end != loaded.position {
            // What the log holds beyond where reading goes on must come up there.
            self.writes.insert(loaded.end.mark, Some(now));
        }
        self.position = Some(loaded.position);
    }

    /// Everything is to be read again.
    pub(crate) fn start_over(&mut self) {
        self.position = None;
    }

    fn lacks_a_write(&self, asked: Instant) -> bool {
        self.writes.values().any(|since| since.is_some_and(|since| since <= asked))
    }

    /// The set was everything there was at `asked`, unless others may still be giving the log back what it lost.
    fn settle(&mut self, asked: Instant, age: Age) {
        // Younger than before: its server has started again, or another has taken over.
        if age.whole < self.age {
            self.met = Some(asked);
        }
        self.age = age.whole;
        let known_for = self.met.map_or(Duration::ZERO, |met| asked.saturating_duration_since(met));
        let knew = self.proven.is_some_and(|proven| asked.saturating_duration_since(proven) < RECENT / 2);
        let settled_for = match (knew, self.bereft) {
            // It lacks at most what is recent, which is given back first.
            (true, _) => age.whole.max(known_for),
            (false, false) => age.quiet,
            (false, true) => age.quiet.min(known_for),
        };
        if settled_for >= RECONCILIATION {
            self.proven = self.proven.max(Some(asked));
            self.ready = true;
        }
    }
}

#[cfg(test)]
mod tests;
