//! What does one gateway hold, and what does it do with the log's answers?
//!
//! The follower's loop, cut where it waits: between two steps anything may happen. The rules are [`Replica`]'s and the
//! set is an [`Index`], filled anew for each step, because it has no value that could be compared.

use super::log::{Answer, Log};
use super::set::Set;
use super::{Plant, Rules, SUBJECTS, Tick, at};
use crate::revocation::index::Index;
use crate::revocation::log::{Age, Batch, Loaded, Logged, Mark, Position};
use crate::revocation::register::{Register, State};
use crate::revocation::replica::{Next, Replica};

/// What a gateway remembers when it is killed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Journal {
    /// What is on the disk.
    kept: ([Option<Register>; SUBJECTS], Option<Position>),
    /// The same with the last records, which may not be.
    written: ([Option<Register>; SUBJECTS], Option<Position>),
}

impl Journal {
    pub(super) fn note(&mut self, registers: &[Register], position: Option<Position>) {
        self.kept = self.written;
        let (found, read) = &mut self.written;
        for register in registers {
            let slot = &mut found[usize::from(register.digest().to_bytes()[0])];
            *slot = Some(slot.map_or(*register, |known| known.join(*register)));
        }
        *read = position.or(*read);
    }

    /// The machine stopped; whether the last records had got to the disk.
    pub(super) fn stop(&mut self, all_kept: bool) {
        let left = if all_kept { self.written } else { self.kept };
        (self.kept, self.written) = (left, left);
    }

    /// What is found in it, for certain.
    pub(super) fn get(&self, subject: usize) -> Option<Register> {
        self.kept.0[subject]
    }
}

/// Where the follower stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    #[default]
    Between,
    /// The log has answered; the answer is on its way.
    Answered { asked: Tick, answer: Answer },
    /// Part of the log's registers has been read.
    Loading { asked: Tick, epoch: u8, before: Position, age: Age, next: usize },
}

/// A gateway that runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Gateway {
    pub(super) replica: Replica,
    pub(super) set: Set,
    pub(super) phase: Phase,
    /// The next of what the log has not confirmed to hold, while it is given back.
    pub(super) giving: Option<usize>,
    pub(super) journal: Journal,
    /// Whether it runs at all; if not, only the journal counts.
    pub(super) up: bool,
    /// Whether it reaches the log.
    pub(super) connected: bool,
    /// Whether it has waited for an answer since before the clock last ticked, or had none since it came (back).
    pub(super) late: bool,
}

impl Gateway {
    /// One that starts with what is in `journal`.
    pub(super) fn start(mut journal: Journal) -> Self {
        journal.stop(false);
        let (found, position) = journal.kept;
        let mut set = Set::default();
        set.with(|index| found.iter().flatten().for_each(|register| _ = index.merge(*register)));
        let (up, connected) = (true, true);
        let replica = Replica::new(position);
        Self { replica, set, phase: Phase::Between, giving: None, journal, up, connected, late: true }
    }

    /// Whether what it holds can come to the log in time.
    pub(super) fn reaches_the_log(&self) -> bool {
        self.up && self.connected && !self.late
    }

    /// Whether it would judge a token now.
    pub(super) fn judges(&self, now: Tick, rules: &Rules) -> bool {
        let fresh = |proven| at(now).saturating_duration_since(proven) <= rules.max_staleness;
        self.up && self.replica.is_ready() && self.replica.proven().is_some_and(fresh)
    }

    /// Asks and takes in what comes, until there is nothing more to ask. (Nothing else happens meanwhile, so
    /// an answer that breaks is followed by a load that does not.) What was being given back goes on as it was.
    pub(super) fn exchange(&mut self, log: &mut Log, now: Tick, rules: &Rules, marks: &mut u64) {
        let giving = self.giving;
        self.step(log, now, rules);
        while self.phase != Phase::Between {
            self.step(log, now, rules);
        }
        while self.giving.is_some() && (giving.is_none() || giving > self.giving) {
            self.give(log, now, rules, marks);
        }
    }

    /// The follower gives up what it was at.
    pub(super) fn stop_waiting(&mut self) {
        self.phase = Phase::Between;
        if self.giving.take().is_some() {
            self.replica.start_over();
        }
    }

    /// Whether something was begun that is not done.
    pub(super) fn is_busy(&self) -> bool {
        self.phase != Phase::Between || self.giving.is_some()
    }

    /// Does the next of what it was begun to do.
    pub(super) fn go_on(&mut self, log: &mut Log, now: Tick, rules: &Rules, marks: &mut u64) {
        if self.phase == Phase::Between && self.giving.is_some() {
            self.give(log, now, rules, marks);
        } else {
            self.step(log, now, rules);
        }
    }

    /// Does the next of what the follower does: to be called until it is [`Phase::Between`] again.
    fn step(&mut self, log: &mut Log, now: Tick, rules: &Rules) {
        match std::mem::take(&mut self.phase) {
            Phase::Between => self.ask(log, now, rules),
            Phase::Answered { asked, answer } => self.take_in(asked, &answer, log, now, rules),
            Phase::Loading { asked, epoch, before, age, next } => {
                if !rules.planted(Plant::AnyConnection) && epoch != log.epoch {
                    return;
                }
                if next < SUBJECTS {
                    self.page(log, next, rules);
                    self.phase = Phase::Loading { asked, epoch, before, age, next: next + 1 };
                } else {
                    self.loaded(asked, (before, age), log, now, rules);
                }
            }
        }
    }

    fn ask(&mut self, log: &Log, now: Tick, rules: &Rules) {
        let by_start = !rules.planted(Plant::AgeByBirth);
        self.phase = match self.replica.next() {
            Next::Follow(known) => {
                let by_start = by_start && !rules.planted(Plant::RestartUnnoticed);
                Phase::Answered { asked: now, answer: log.read_after(known.seq, by_start) }
            }
            Next::Load => {
                self.giving = None;
                self.replica.load_begins();
                self.set.with(|index| (0..SUBJECTS).for_each(|shard| index.doubt(shard)));
                let begin = log.read_after(0, by_start);
                let (before, age) = (begin.head, rules.age(begin.age));
                Phase::Loading { asked: now, epoch: log.epoch, before, age, next: 0 }
            }
        };
    }

    fn take_in(&mut self, asked: Tick, answer: &Answer, log: &mut Log, now: Tick, rules: &Rules) {
        let before = self.replica.position();
        let as_of = if rules.planted(Plant::FreshFromArrival) { now } else { asked };
        let entries: Vec<_> = answer
            .entries
            .iter()
            .map(|e| Logged { seq: e.seq, mark: e.mark, register: e.register })
            .collect();
        let age = rules.age(answer.age);
        let batch = Batch { asked: at(as_of), head: answer.head, anchor: answer.anchor, entries, age };
        if rules.planted(Plant::Replaced) {
            for entry in &answer.entries {
                let subject = usize::from(entry.register.digest().to_bytes()[0]);
                self.set.held[subject] = Some((entry.register, true));
            }
        }
        let replica = &mut self.replica;
        let read = if batch.entries.is_empty() {
            // Nothing for the set: saves filling it.
            replica.read(&batch, &EMPTY)
        } else {
            self.set.with(|index| replica.read(&batch, index))
        };
        let registers: Vec<_> = answer.entries.iter().map(|entry| entry.register).collect();
        if !registers.is_empty() {
            self.journal.note(&registers, None);
        }
        if let Some(position) = replica.position()
            && Some(position) != before
        {
            self.journal.note(&[], Some(position));
        }
        match read {
            Ok(()) => self.late &= self.giving.is_some(),
            Err(_) => self.ask(log, now, rules),
        }
    }

    fn page(&mut self, log: &Log, subject: usize, rules: &Rules) {
        let Some(register) = log.holds(subject) else { return };
        if rules.planted(Plant::Replaced) {
            self.set.held[subject] = Some((register, false));
        }
        let news = self.set.with(|index| Replica::page(index, &[register]));
        if !news.is_empty() {
            self.journal.note(&news, None);
        }
    }

    fn loaded(&mut self, asked: Tick, (position, age): (Position, Age), log: &Log, now: Tick, rules: &Rules) {
        let answer = log.read_after(position.seq, !rules.planted(Plant::AgeByBirth));
        if answer.head.incarnation != position.incarnation || answer.anchor != Some(position.mark) {
            return;
        }
        let age = if rules.planted(Plant::AgeAtTheEnd) { answer.age } else { age };
        let loaded = Loaded { asked: at(asked), position, end: answer.head, age };
        self.replica.loaded(&loaded, at(now));
        self.journal.note(&[], Some(position));
        if rules.planted(Plant::LoadNeverEnds) {
            self.replica.start_over();
        }
        self.giving = Some(0);
    }

    /// Gives the next of what the log lacks back to it.
    fn give(&mut self, log: &mut Log, now: Tick, rules: &Rules, marks: &mut u64) {
        let Some(subject) = self.giving else { return };
        if subject == SUBJECTS {
            self.giving = None;
            self.late = false;
            return;
        }
        self.giving = Some(subject + 1);
        let Some((ours, true)) = self.set.held[subject] else { return };
        if rules.planted(Plant::NothingGivenBack) || ours.is_over(rules.wall(now)) {
            return;
        }
        *marks += 1;
        let mark = super::mark(*marks);
        let remembered = !rules.planted(Plant::GivenBackForgotten);
        if remembered {
            self.replica.write_begins(mark);
        }
        match log.write_back(subject, ours, mark) {
            Some(_) if remembered => self.replica.write_acknowledged(mark, at(now)),
            Some(_) => {}
            None => self.replica.write_failed(mark),
        }
    }

    /// The log has taken a write of ours.
    pub(super) fn acknowledged(&mut self, register: Register, mark: Mark, now: Tick) {
        self.set.with(|index| index.merge(register));
        self.journal.note(&[register], None);
        self.replica.write_acknowledged(mark, at(now));
    }

    /// Whether a token that names `subject`, or a login of `subject` with this version, is refused.
    pub(super) fn refuses(&self, subject: usize, version: u64) -> bool {
        let revoked = |known: Register| known.state() == State::Revoked && version <= known.version();
        self.set.get(subject).is_some_and(revoked)
    }
}

static EMPTY: std::sync::LazyLock<Index> = std::sync::LazyLock::new(Index::new);
