//! What must a revocation log do, and can its reply be trusted to follow on from the last?
//!
//! A log is a sequence of registers, numbered without a gap, under an *incarnation*: a random name it is given when
//! it comes into being. Each entry carries a random *mark*. A reader knows how far it has read as incarnation, number
//! and mark; a log that was emptied, replaced, cut short and written on, or trimmed past the reader answers with
//! something else in one of the three, and [`follows_on`] says so. Then the reader loads all of it anew.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::register::{Register, State};
use super::{Advice, Unavailable};
use crate::clock::UnixTime;
use crate::identity::Digest;
use crate::secret;

/// How far a reader has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Position {
    /// Of which log.
    pub(crate) incarnation: Incarnation,
    /// The last entry read; 0 before the first.
    pub(crate) seq: u64,
    /// That entry's mark; [`Mark::NONE`] before the first.
    pub(crate) mark: Mark,
}

/// Which log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Incarnation(u128);

impl Incarnation {
    /// A new name that no log has.
    pub(crate) fn random() -> Self {
        Self(u128::from_be_bytes(secret::random()))
    }

    /// 32 hexadecimal digits.
    pub(crate) fn to_hex(self) -> String {
        format!("{:032x}", self.0)
    }

    /// The bytes, as a journal keeps them.
    pub(crate) const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// Reads what [`Self::to_hex`] wrote.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        Digest::from_hex(text).map(|digits| Self(u128::from_be_bytes(digits.to_bytes())))
    }
}

/// Which entry it is: two histories that part at a number have different marks there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Mark(u64);

impl Mark {
    /// Where there is no entry yet.
    pub(crate) const NONE: Self = Self(0);

    /// A mark for one new entry.
    pub(crate) fn random() -> Self {
        Self(u64::from_be_bytes(secret::random()) | 1)
    }

    /// 16 hexadecimal digits.
    pub(crate) fn to_hex(self) -> String {
        format!("{:016x}", self.0)
    }

    /// The bytes, as a journal keeps them.
    pub(crate) const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub(crate) const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }

    /// Reads what [`Self::to_hex`] wrote.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let plain = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        plain.then(|| u64::from_str_radix(text, 16).ok().map(Self))?
    }
}

/// One entry of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logged {
    /// Its number.
    pub(crate) seq: u64,
    /// Its mark.
    pub(crate) mark: Mark,
    /// What it says.
    pub(crate) register: Register,
}

/// One reply to a reader: everything in it is from one moment.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// When it was asked for: what it proves, it proves of no later moment.
    pub(crate) asked: Instant,
    /// Where the log ends.
    pub(crate) head: Position,
    /// The mark of the entry the reader read last, as the log has it now; `None` if it has no such entry.
    pub(crate) anchor: Option<Mark>,
    /// The entries after that one, or the first of them.
    pub(crate) entries: Vec<Logged>,
    /// How old it is.
    pub(crate) age: Age,
}

/// How old a log is, and how quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Age {
    /// For how long there has been this incarnation on this server.
    pub(crate) whole: Duration,
    /// For how long, beside that, nobody has given it back anything it had lost.
    pub(crate) quiet: Duration,
}

impl Age {
    /// Of a log that nobody else could give anything back to.
    pub(crate) const NO_MATTER: Self = Self { whole: Duration::MAX, quiet: Duration::MAX };
}

impl Batch {
    /// A reply at `asked`: the log, whose age is no matter, still ends at `known`.
    pub(crate) fn nothing_new(known: Position, asked: Instant) -> Self {
        Self { asked, head: known, anchor: Some(known.mark), entries: Vec::new(), age: Age::NO_MATTER }
    }
}

/// What is known of the log when all of it has been read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loaded {
    /// When reading began.
    pub(crate) asked: Instant,
    /// A place in the log such that the registers read hold all that was written up to it, and perhaps more.
    pub(crate) position: Position,
    /// Where the log ended after it was read: the registers hold nothing from beyond.
    pub(crate) end: Position,
    /// How old it is.
    pub(crate) age: Age,
}

/// What takes in the registers of a log, a page at a time.
pub(crate) type Pages<'a> = &'a mut (dyn FnMut(&[Register]) + Send);

/// What to write: the log gives it its version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// What it is about.
    pub(crate) digest: Digest,
    /// What to say of it.
    pub(crate) state: State,
    /// How long to remember it, at least.
    pub(crate) expires: UnixTime,
}

/// Makes a mark and has it remembered: one for every attempt, because an attempt whose answer was lost may have been
/// taken, read, and lost.
pub(crate) type NewMark = Box<dyn Fn() -> Mark + Send + Sync>;

/// What became of a change.
#[derive(Clone, Debug)]
pub(crate) struct Appended {
    /// What the log holds now.
    pub(crate) register: Register,
    /// The mark of the entry that says so.
    pub(crate) mark: Mark,
    /// Whether as many have it as the configuration asks for: if not, it stands, but must not be called done.
    pub(crate) confirmed: Result<(), Unavailable>,
}

/// What a reply is to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on from where the reader was.
    Follows {
        /// How far it leads.
        to: Position,
        /// Whether that is the log's end: then the reader knew everything when it asked.
        caught_up: bool,
    },
    /// It does not, and this is why: read everything anew.
    Broken(&'static str),
}

/// Whether `batch` goes on from `known`.
pub(crate) fn follows_on(known: Position, batch: &Batch) -> Verdict {
    if batch.head.incarnation != known.incarnation {
        return Verdict::Broken("the log is not the one known");
    }
    if batch.head.seq < known.seq {
        return Verdict::Broken("the log has become shorter");
    }
    if batch.anchor != Some(known.mark) {
        return Verdict::Broken("the log no longer holds what was read last");
    }
    let mut to = known;
    for entry in &batch.entries {
        if entry.seq != to.seq + 1 {
            return Verdict::Broken("the log has a gap");
        }
        to = Position { seq: entry.seq, mark: entry.mark, ..known };
    }
    let caught_up = to == batch.head;
    if !caught_up && (batch.entries.is_empty() || to.seq >= batch.head.seq) {
        return Verdict::Broken("the log's entries do not lead to its end");
    }
    Verdict::Follows { to, caught_up }
}

/// A log of revocations that outlives the process.
#[async_trait]
pub(crate) trait RevocationLog: Send + Sync {
    /// `"sqlite"` or `"redis"`.
    fn name(&self) -> &'static str;

    /// What is to be changed at the store, so that it keeps what it is given.
    fn advice(&self) -> Vec<Advice> {
        Vec::new()
    }

    /// Writes one register as an entry with a mark that `marks` makes, with a version greater than `floor`, than every version given before, and not below the
    /// store's clock in microseconds. `Ok` means that the store has taken it.
    async fn append(&self, change: Change, floor: u64, marks: NewMark) -> Result<Appended, Unavailable>;

    /// Gives out a version of the same sequence without writing a register.
    async fn next_version(&self, floor: u64) -> Result<u64, Unavailable>;

    /// Reads every register that has not expired.
    async fn load(&self, pages: Pages<'_>) -> Result<Loaded, Unavailable>;

    /// Waits at most about `wait` for an entry after `known`, then answers with what there is.
    async fn follow(&self, known: Position, wait: Duration) -> Result<Batch, Unavailable>;

    /// Writes registers back that a log has lost, with the versions they have, as entries with these marks; those it
    /// knows as well or better are left alone. The mark of the last entry this wrote, if any.
    async fn write_back(&self, registers: &[(Register, Mark)]) -> Result<Option<Mark>, Unavailable>;

    /// What the log itself knows of these digests now, and which log it is.
    async fn look(&self, digests: &[Digest]) -> Result<(Incarnation, Vec<Register>), Unavailable>;
}

#[cfg(test)]
mod tests;
