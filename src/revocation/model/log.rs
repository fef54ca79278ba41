//! What does the log do, as its scripts do it?
//!
//! `redis/*.lua` in Rust: each function is one script, in one moment. Beside what the log holds there is what it held
//! before each write, for a server that comes back without its tail or hands over to a copy that lags behind.

use std::time::Duration;

use super::{SUBJECTS, TICK};
use crate::clock::UnixTime;
use crate::revocation::log::{Age, Incarnation, Mark, Position};
use crate::revocation::register::{Register, State};

/// What comes after an entry, as `read_after.lua` answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Answer {
    pub(super) head: Position,
    pub(super) anchor: Option<Mark>,
    pub(super) entries: Vec<Entry>,
    pub(super) age: Age,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) seq: u64,
    pub(super) mark: Mark,
    pub(super) register: Register,
}

/// What a server that fails may lose.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Data {
    incarnation: u8,
    seq: u64,
    mark: Mark,
    version: u64,
    born: u64,
    /// When it was last given something back.
    returned: u64,
    stream: Vec<Entry>,
    registers: [Option<Register>; SUBJECTS],
}

impl Data {
    fn new(incarnation: u8, born: u64) -> Self {
        let registers = [None; SUBJECTS];
        Self {
            incarnation,
            seq: 0,
            mark: Mark::NONE,
            version: 0,
            born,
            returned: 0,
            stream: Vec::new(),
            registers,
        }
    }

    fn write(&mut self, subject: usize, mark: Mark, register: Register) {
        self.seq += 1;
        self.mark = mark;
        self.version = self.version.max(register.version());
        self.stream.push(Entry { seq: self.seq, mark, register });
        self.registers[subject] = Some(register);
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Log {
    data: Data,
    /// What it held before each write, as long as it may fall back to that.
    copies: Vec<Data>,
    /// The server's clock: never the same twice, as microseconds are not.
    clock: u64,
    /// When the server started or took over.
    started: u64,
    incarnations: u8,
    /// How often connections were broken by the server.
    pub(super) epoch: u8,
}

impl Log {
    /// One that has been there for long.
    pub(super) fn new() -> Self {
        let clock = 10 * TICK;
        Self { data: Data::new(1, 0), copies: Vec::new(), clock, started: 0, incarnations: 1, epoch: 0 }
    }

    pub(super) fn holds(&self, subject: usize) -> Option<Register> {
        self.data.registers[subject]
    }

    /// The mark of the last entry that tells of a digest.
    pub(super) fn mark_of(&self, subject: usize) -> Option<Mark> {
        let mut entries = self.data.stream.iter().rev();
        entries.find(|entry| entry.register.digest() == super::digest(subject)).map(|entry| entry.mark)
    }

    pub(super) fn end(&self) -> Position {
        let Data { incarnation, seq, mark, .. } = self.data;
        Position { incarnation: Incarnation::from_bytes([incarnation; 16]), seq, mark }
    }

    /// `append.lua`.
    pub(super) fn append(
        &mut self,
        (subject, state): (usize, State),
        expires: UnixTime,
        floor: u64,
        mark: Mark,
    ) -> Register {
        let mut version = self.draw(floor);
        let known = self.data.registers[subject];
        version = known.map_or(version, |known| version.max(known.version() + 1));
        let expires = known.map_or(expires, |known| expires.max(known.expires()));
        let register = register(subject, version, state, expires);
        self.data.write(subject, mark, register);
        register
    }

    /// `next_version.lua`.
    pub(super) fn draw(&mut self, floor: u64) -> u64 {
        self.copies.push(self.data.clone());
        self.clock += 1;
        let version = self.clock.max(self.data.version + 1).max(floor + 1);
        self.data.version = version;
        version
    }

    /// `write_back.lua`, for one register.
    pub(super) fn write_back(&mut self, subject: usize, ours: Register, mark: Mark) -> Option<Mark> {
        let known = self.data.registers[subject];
        let joined = known.map_or(ours, |known| known.join(ours));
        (known != Some(joined)).then(|| {
            self.copies.push(self.data.clone());
            self.data.write(subject, mark, joined);
            self.data.returned = self.clock;
            mark
        })
    }

    /// `read_after.lua`; `by_start` says whether a server that has just started is young.
    pub(super) fn read_after(&self, after: u64, by_start: bool) -> Answer {
        let data = &self.data;
        let anchor = match after {
            _ if after == data.seq => Some(data.mark),
            0 => Some(Mark::NONE),
            _ => data.stream.iter().find(|entry| entry.seq == after).map(|entry| entry.mark),
        };
        let entries = data.stream.iter().filter(|entry| entry.seq > after).copied().collect();
        let since = if by_start { data.born.max(self.started) } else { data.born };
        let past = |moment: u64| Duration::from_secs(self.clock.saturating_sub(moment) / TICK);
        let age = Age { whole: past(since), quiet: past(since.max(data.returned)) };
        Answer { head: self.end(), anchor, entries, age }
    }

    pub(super) fn tick(&mut self) {
        self.clock += TICK;
    }

    /// How many older states it may fall back to.
    pub(super) fn copies(&self) -> usize {
        self.copies.len()
    }

    /// Nothing will be lost any more: states that differ only in what they could have lost are one.
    pub(super) fn forget_copies(&mut self) {
        self.copies.clear();
    }

    /// The server starts again, or another takes over, with what was there before the write numbered `copy`; or with
    /// everything.
    pub(super) fn restart(&mut self, copy: Option<usize>) {
        if let Some(copy) = copy {
            self.data = self.copies[copy].clone();
            self.copies.truncate(copy);
        }
        self.epoch += 1;
        self.clock += 1;
        self.started = self.clock;
    }

    /// Everything is gone, and the next call gives it a new name.
    pub(super) fn flush(&mut self) {
        self.copies.clear();
        self.clock += 1;
        self.incarnations += 1;
        self.data = Data::new(self.incarnations, self.clock);
    }

    /// The clock of the server that took over lags behind.
    pub(super) fn clock_back(&mut self) {
        self.clock -= 3 * TICK;
        self.started = self.clock;
    }

    /// The stream's oldest entries go, whoever has read them; the registers stay until they expire.
    pub(super) fn trim(&mut self, expired: impl Fn(&Register) -> bool) {
        while self.data.stream.len() > 1 && expired(&self.data.stream[0].register) {
            self.data.stream.remove(0);
        }
    }

    /// What has expired is no longer found.
    pub(super) fn expire(&mut self, expired: impl Fn(&Register) -> bool) {
        for slot in &mut self.data.registers {
            *slot = slot.filter(|register| !expired(register));
        }
    }
}

fn register(subject: usize, version: u64, state: State, expires: UnixTime) -> Register {
    Register::new(super::digest(subject), version, state, expires).expect("versions here are small")
}
