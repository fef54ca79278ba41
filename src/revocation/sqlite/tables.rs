//! What does the log look like as tables, and how is it written and read?
//!
//! `revocation_log` has a row per entry, numbered without a gap; `revocation_head` is one row: incarnation, the last
//! entry's number and mark, the last version given out. A digest's register is the join of its rows. Rows that have
//! expired are taken off the old end.

use std::path::Path;
use std::time::Instant;

use rusqlite::types::Type;
use rusqlite::{
    Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, named_params, params,
};

use crate::clock::UnixTime;
use crate::identity::Digest;
use crate::revocation::log::{Age, Batch, Change, Incarnation, Loaded, Logged, Mark, Position};
use crate::revocation::register::{MAX_VERSION, Register, State};
use crate::sqlite::{self, number, unsigned};

/// How many seconds an entry is kept after it has expired.
const KEPT_SECS: u64 = 300;

/// Entries per reply to a reader.
const BATCH: i64 = 5_000;

/// Registers handed over at once by a load.
const PAGE: usize = 5_000;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS revocation_log (
        seq     INTEGER PRIMARY KEY,
        mark    TEXT    NOT NULL,
        digest  BLOB    NOT NULL,
        version INTEGER NOT NULL,
        revoked INTEGER NOT NULL,
        expires INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS revocation_log_digest ON revocation_log (digest);
    CREATE TABLE IF NOT EXISTS revocation_head (
        only_row    INTEGER PRIMARY KEY CHECK (only_row = 0),
        incarnation TEXT    NOT NULL,
        seq         INTEGER NOT NULL,
        mark        TEXT    NOT NULL,
        version     INTEGER NOT NULL
    ) STRICT;";

/// Opens the file and makes what is missing.
pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = sqlite::open(path)?;
    let transaction = begin(&mut connection)?;
    transaction.execute_batch(SCHEMA)?;
    transaction.execute(
        "INSERT OR IGNORE INTO revocation_head VALUES (0, ?1, 0, ?2, 0)",
        params![Incarnation::random().to_hex(), Mark::NONE.to_hex()],
    )?;
    transaction.commit()?;
    Ok(connection)
}

/// Changes whenever another connection has changed the file.
pub(super) fn change_counter(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0))
}

/// Writes `change` under the next version.
pub(super) fn append(
    connection: &mut Connection,
    change: Change,
    floor: u64,
    mark: Mark,
    now: UnixTime,
) -> rusqlite::Result<Register> {
    let transaction = begin(connection)?;
    let mut head = Head::read(&transaction)?;
    let known = known(&transaction, change.digest)?;
    let version = head.next_version(floor.max(known.map_or(0, |known| known.version())), now);
    let expires = known.map_or(change.expires, |known| known.expires().max(change.expires));
    let register =
        Register::new(change.digest, version, change.state, expires).ok_or_else(|| odd("version"))?;
    head.write(&transaction, &register, mark)?;
    trim(&transaction, now)?;
    transaction.commit()?;
    Ok(register)
}

/// Gives out the next version.
pub(super) fn next_version(connection: &mut Connection, floor: u64, now: UnixTime) -> rusqlite::Result<u64> {
    let transaction = begin(connection)?;
    let version = Head::read(&transaction)?.next_version(floor, now);
    if version > MAX_VERSION {
        return Err(odd("version"));
    }
    transaction.execute("UPDATE revocation_head SET version = ?1", [number(version)])?;
    transaction.commit()?;
    Ok(version)
}

/// Joins `registers` with what the log has, and writes those that say more.
pub(super) fn write_back(
    connection: &mut Connection,
    registers: &[(Register, Mark)],
) -> rusqlite::Result<Option<Mark>> {
    let transaction = begin(connection)?;
    let mut head = Head::read(&transaction)?;
    let mut last = None;
    for (register, mark) in registers {
        let known = known(&transaction, register.digest())?;
        let joined = known.map_or(*register, |known| known.join(*register));
        if known != Some(joined) {
            head.write(&transaction, &joined, *last.insert(*mark))?;
        }
    }
    transaction.commit()?;
    Ok(last)
}

/// Everything that has not expired long ago, given to `take` a page at a time.
pub(super) fn load(
    connection: &mut Connection,
    now: UnixTime,
    asked: Instant,
    take: &mut dyn FnMut(Vec<Register>),
) -> rusqlite::Result<Loaded> {
    let transaction = connection.transaction()?;
    let position = Head::read(&transaction)?.position;
    let mut statement = transaction
        .prepare("SELECT digest, version, revoked, expires FROM revocation_log WHERE expires >= ?1")?;
    let mut rows = statement.query([number(now.secs().saturating_sub(KEPT_SECS))])?;
    let mut page = Vec::with_capacity(PAGE);
    while let Some(row) = rows.next()? {
        page.push(register(row, 0)?);
        if page.len() == PAGE {
            take(std::mem::replace(&mut page, Vec::with_capacity(PAGE)));
        }
    }
    take(page);
    // Nobody else can hold what this file has lost: there is nothing to wait for.
    Ok(Loaded { asked, position, end: position, age: Age::NO_MATTER })
}

/// What is known of `digests`, and which log this is.
pub(super) fn look(
    connection: &mut Connection,
    digests: &[Digest],
) -> rusqlite::Result<(Incarnation, Vec<Register>)> {
    let transaction = connection.transaction()?;
    let incarnation = Head::read(&transaction)?.position.incarnation;
    let found = digests.iter().filter_map(|digest| known(&transaction, *digest).transpose());
    Ok((incarnation, found.collect::<rusqlite::Result<_>>()?))
}

/// What comes after `known`.
pub(super) fn read_after(
    connection: &mut Connection,
    known: Position,
    asked: Instant,
) -> rusqlite::Result<Batch> {
    let transaction = connection.transaction()?;
    let head = Head::read(&transaction)?.position;
    let anchor = if known.seq == head.seq {
        Some(head.mark)
    } else if known.seq == 0 {
        Some(Mark::NONE)
    } else {
        let mut statement = transaction.prepare_cached("SELECT mark FROM revocation_log WHERE seq = ?1")?;
        statement.query_row([number(known.seq)], |row| mark(row, 0)).optional()?
    };
    let mut statement = transaction.prepare_cached(
        "SELECT digest, version, revoked, expires, seq, mark FROM revocation_log WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let entries = statement.query_map(params![number(known.seq), BATCH], |row| {
        Ok(Logged { seq: unsigned(row, 4)?, mark: mark(row, 5)?, register: register(row, 0)? })
    })?;
    let entries = entries.collect::<rusqlite::Result<_>>()?;
    Ok(Batch { asked, head, anchor, entries, age: Age::NO_MATTER })
}

/// Where the log ends, and the last version given out.
struct Head {
    position: Position,
    version: u64,
}

impl Head {
    fn read(transaction: &Transaction<'_>) -> rusqlite::Result<Self> {
        let mut statement =
            transaction.prepare_cached("SELECT incarnation, seq, mark, version FROM revocation_head")?;
        statement.query_row([], |row| {
            let incarnation = row.get_ref(0)?.as_str().ok().and_then(Incarnation::from_hex);
            let incarnation = incarnation.ok_or_else(|| odd("incarnation"))?;
            let position = Position { incarnation, seq: unsigned(row, 1)?, mark: mark(row, 2)? };
            Ok(Self { position, version: unsigned(row, 3)? })
        })
    }

    fn next_version(&self, floor: u64, now: UnixTime) -> u64 {
        now.millis().saturating_mul(1000).max(self.version + 1).max(floor + 1)
    }

    /// Adds an entry, and moves on to it.
    fn write(
        &mut self,
        transaction: &Transaction<'_>,
        register: &Register,
        mark: Mark,
    ) -> rusqlite::Result<()> {
        self.position.seq += 1;
        self.position.mark = mark;
        self.version = self.version.max(register.version());
        let mut insert = transaction.prepare_cached(
            "INSERT INTO revocation_log (seq, mark, digest, version, revoked, expires)
             VALUES (:seq, :mark, :digest, :version, :revoked, :expires)",
        )?;
        insert.execute(named_params! {
            ":seq": number(self.position.seq),
            ":mark": self.position.mark.to_hex(),
            ":digest": register.digest().to_bytes(),
            ":version": number(register.version()),
            ":revoked": register.state() == State::Revoked,
            ":expires": number(register.expires().secs()),
        })?;
        let mut update =
            transaction.prepare_cached("UPDATE revocation_head SET seq = ?1, mark = ?2, version = ?3")?;
        let (seq, mark) = (number(self.position.seq), self.position.mark.to_hex());
        update.execute(params![seq, mark, number(self.version)])?;
        Ok(())
    }
}

/// A transaction that writes, from its start: one that began by reading could not wait for another writer.
fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// The join of all rows of `digest`.
fn known(transaction: &Transaction<'_>, digest: Digest) -> rusqlite::Result<Option<Register>> {
    let mut statement = transaction
        .prepare_cached("SELECT digest, version, revoked, expires FROM revocation_log WHERE digest = ?1")?;
    let mut rows = statement.query_map([digest.to_bytes()], |row| register(row, 0))?;
    rows.try_fold(None, |known: Option<Register>, row| {
        let row = row?;
        Ok(Some(known.map_or(row, |known| known.join(row))))
    })
}

/// Takes expired entries off the old end, a few at a time: each append adds only one. The last entry stays.
fn trim(transaction: &Transaction<'_>, now: UnixTime) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "DELETE FROM revocation_log
         WHERE seq IN (SELECT seq FROM revocation_log ORDER BY seq LIMIT 4)
           AND expires < ?1 AND seq < (SELECT seq FROM revocation_head)",
    )?;
    statement.execute([number(now.secs().saturating_sub(KEPT_SECS))])?;
    Ok(())
}

fn register(row: &Row<'_>, at: usize) -> rusqlite::Result<Register> {
    let state = if row.get(at + 2)? { State::Revoked } else { State::Lifted };
    let expires = UnixTime::from_secs(unsigned(row, at + 3)?);
    Register::new(Digest::from_bytes(row.get(at)?), unsigned(row, at + 1)?, state, expires)
        .ok_or_else(|| odd("version"))
}

fn mark(row: &Row<'_>, at: usize) -> rusqlite::Result<Mark> {
    row.get_ref(at)?.as_str().ok().and_then(Mark::from_hex).ok_or_else(|| odd("mark"))
}

/// A value that the log did not write.
fn odd(column: &str) -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(0, column.to_owned(), Type::Text)
}

#[cfg(test)]
mod tests;
