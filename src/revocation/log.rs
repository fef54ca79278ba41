//! What must a revocation log do, and can its reply be trusted to follow on from the last?
//!
//! A log is a sequence of registers, numbered without a gap, under an *incarnation*: a random name it is given when
//! it comes into being. Each entry carries a random *mark*. A reader knows how far it has read as incarnation, number
//! and mark; a log that was emptied, replaced, cut short and written on, or trimmed past the reader answers with
//! something else in one of the three, and [`follows_on`] says so. Then the reader loads all of it anew.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::Unavailable;
use super::register::{Register, State};
use crate::clock::UnixTime;
use crate::identity::Digest;
use crate::secret;

/// How far a reader has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Of which log.
    pub(crate) incarnation: Incarnation,
    /// The last entry read; 0 before the first.
    pub(crate) seq: u64,
    /// That entry's mark; [`Mark::NONE`] before the first.
    pub(crate) mark: Mark,
}

/// Which log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    /// Reads what [`Self::to_hex`] wrote.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        Digest::from_hex(text).map(|digits| Self(u128::from_be_bytes(digits.to_bytes())))
    }
}

/// Which entry it is: two histories that part at a number have different marks there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// For how long there has been this incarnation.
    pub(crate) age: Duration,
}

impl Batch {
    /// A reply at `asked`: the log, whose age is no matter, still ends at `known`.
    pub(crate) fn nothing_new(known: Position, asked: Instant) -> Self {
        Self { asked, head: known, anchor: Some(known.mark), entries: Vec::new(), age: Duration::MAX }
    }
}

/// Everything the log holds.
pub(crate) struct Snapshot {
    /// When it was asked for.
    pub(crate) asked: Instant,
    /// A place in the log such that `registers` holds all that was written up to it, and perhaps more.
    pub(crate) position: Position,
    /// Where the log ended after it was read: `registers` holds nothing from beyond.
    pub(crate) end: Position,
    /// Every register that has not expired.
    pub(crate) registers: Vec<Register>,
    /// For how long there has been this incarnation.
    pub(crate) age: Duration,
}

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

    /// Writes one register as an entry with `mark`, with a version greater than `floor`, than every version given before, and not below the
    /// store's clock in microseconds. `Ok` means that the store has taken it.
    async fn append(&self, change: Change, floor: u64, mark: Mark) -> Result<Register, Unavailable>;

    /// Gives out a version of the same sequence without writing a register.
    async fn next_version(&self, floor: u64) -> Result<u64, Unavailable>;

    /// Reads everything.
    async fn load(&self) -> Result<Snapshot, Unavailable>;

    /// Waits at most about `wait` for an entry after `known`, then answers with what there is.
    async fn follow(&self, known: Position, wait: Duration) -> Result<Batch, Unavailable>;

    /// Writes registers back that a log has lost, with the versions they have; those it knows as well or better are
    /// left alone. The mark of the last entry this wrote, if any.
    async fn write_back(&self, registers: &[Register]) -> Result<Option<Mark>, Unavailable>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seq: u64, mark: u64) -> Position {
        Position { incarnation: Incarnation(1), seq, mark: Mark(mark) }
    }

    fn entry(seq: u64, mark: u64) -> Logged {
        let digest = Digest::from_bytes([1; 16]);
        let register = Register::new(digest, seq, State::Revoked, UnixTime::default()).unwrap();
        Logged { seq, mark: Mark(mark), register }
    }

    fn batch(head: Position, anchor: Option<u64>, entries: &[(u64, u64)]) -> Batch {
        let entries = entries.iter().map(|(seq, mark)| entry(*seq, *mark)).collect();
        Batch { asked: crate::clock::instant(), head, anchor: anchor.map(Mark), entries, age: Duration::MAX }
    }

    fn leads(to: Position, caught_up: bool) -> Verdict {
        Verdict::Follows { to, caught_up }
    }

    #[test]
    fn a_reply_that_goes_on_is_followed() {
        let known = at(3, 33);
        assert_eq!(follows_on(known, &batch(known, Some(33), &[])), leads(known, true));
        let more = batch(at(5, 55), Some(33), &[(4, 44), (5, 55)]);
        assert_eq!(follows_on(known, &more), leads(at(5, 55), true));
        let part = batch(at(5, 55), Some(33), &[(4, 44)]);
        assert_eq!(follows_on(known, &part), leads(at(4, 44), false));
        assert_eq!(follows_on(at(0, 0), &batch(at(1, 11), Some(0), &[(1, 11)])), leads(at(1, 11), true));
    }

    #[test]
    fn nothing_else_is() {
        let known = at(3, 33);
        let other = Position { incarnation: Incarnation(2), ..known };
        for (what, reply) in [
            ("emptied and named anew", batch(other, Some(33), &[])),
            ("shorter", batch(at(2, 22), None, &[])),
            ("cut short and written on", batch(at(4, 45), Some(34), &[(4, 45)])),
            ("cut short and written to the same length", batch(at(3, 34), Some(34), &[])),
            ("trimmed past the reader", batch(at(9, 99), None, &[(8, 88), (9, 99)])),
            ("a hole", batch(at(5, 55), Some(33), &[(5, 55)])),
            ("a hole at the end", batch(at(5, 55), Some(33), &[])),
            ("out of order", batch(at(5, 55), Some(33), &[(5, 55), (4, 44)])),
            ("past its own end", batch(at(4, 44), Some(33), &[(4, 44), (5, 55)])),
            ("another end than its entries say", batch(at(4, 44), Some(33), &[(4, 45)])),
        ] {
            assert!(matches!(follows_on(known, &reply), Verdict::Broken(_)), "{what}");
        }
    }

    #[test]
    fn names_are_read_back() {
        let (incarnation, mark) = (Incarnation::random(), Mark::random());
        assert_eq!(Incarnation::from_hex(&incarnation.to_hex()), Some(incarnation));
        assert_eq!(Mark::from_hex(&mark.to_hex()), Some(mark));
        assert_ne!(mark, Mark::NONE);
        assert_eq!((Mark::from_hex("+000000000000001"), Incarnation::from_hex("zz")), (None, None));
    }
}
