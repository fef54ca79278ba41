//! How are the counters kept in a file, for one machine?

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::rule::{Counter, Rule, millis};
use super::{Attempt, End, KNOWN, MOST_KNOWN, Settings, Taken, ThrottleStore, Told, Unavailable};
use crate::clock::Clock;
use crate::identity::Digest;
use crate::sqlite::{Shared, number};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS failed_sign_ins (
        counter   BLOB    PRIMARY KEY,
        debt      INTEGER NOT NULL,
        last      INTEGER NOT NULL,
        until     INTEGER NOT NULL,
        forgotten INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS failed_sign_ins_forgotten ON failed_sign_ins (forgotten);
    CREATE TABLE IF NOT EXISTS known_sources (
        account BLOB    NOT NULL,
        source  BLOB    NOT NULL,
        until   INTEGER NOT NULL,
        PRIMARY KEY (account, source)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS known_sources_until ON known_sources (until);";

/// Rows taken out that count no longer, with each step: more than one step adds.
const TRIMMED: i64 = 8;

/// Counters in an SQLite file.
pub(super) struct SqliteThrottle {
    file: Shared,
    clock: Clock,
}

impl SqliteThrottle {
    /// Opens the file, making it (mode 0600) and its tables where absent.
    pub(super) async fn open(path: PathBuf, clock: Clock) -> Result<Self, Unavailable> {
        let opened = Shared::open(path, |file| {
            // What a power failure takes is a few failures too few; that is not worth a wait for the disk at each.
            file.pragma_update(None, "synchronous", "normal")?;
            file.execute_batch(SCHEMA)
        });
        Ok(Self { file: opened.await.map_err(Unavailable)?, clock })
    }

    /// Does `step` in a transaction of its own, that no other writer comes between.
    async fn atomic<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Transaction<'_>, u64) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let clock = self.clock.clone();
        let done = self.file.ask(move |file| {
            let transaction = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Asked here: time may have passed until it was our turn.
            let done = step(&transaction, clock.now().millis())?;
            transaction.commit()?;
            Ok(done)
        });
        done.await.map_err(Unavailable)
    }
}

#[async_trait]
impl ThrottleStore for SqliteThrottle {
    async fn reserve(&self, attempt: &Attempt, settings: &Settings) -> Result<Told, Unavailable> {
        let (attempt, rules) = (attempt.clone(), Rule::all(settings));
        self.atomic(move |transaction, now| {
            let known = is_known(transaction, &attempt, now)?;
            let (mut waits, mut standing) = ([0; 3], [Counter::default(); 3]);
            for (at, digest) in counters(&attempt, known) {
                standing[at] = rules[at].standing(load(transaction, digest)?, now);
                waits[at] = rules[at].wait(standing[at], now);
            }
            let all = waits.into_iter().max().unwrap_or_default();
            if all > 0 {
                let source = Duration::from_millis(waits[2]);
                return Ok(Told::Wait { all: Duration::from_millis(all), source });
            }
            let mut taken = Taken { known, ..Taken::default() };
            for (at, digest) in counters(&attempt, known) {
                let counter = rules[at].counted(standing[at], now);
                taken.blocks[at] = counter.until;
                save(transaction, digest, counter, rules[at])?;
            }
            trim(transaction, now)?;
            Ok(Told::Go(taken))
        })
        .await
    }

    async fn settle(
        &self,
        attempt: &Attempt,
        taken: Taken,
        end: End,
        settings: &Settings,
    ) -> Result<(), Unavailable> {
        let (attempt, rules) = (attempt.clone(), Rule::all(settings));
        self.atomic(move |transaction, now| {
            for (at, digest) in counters(&attempt, taken.known) {
                let Some(counter) = load(transaction, digest)? else { continue };
                let left = rules[at].given_back(counter, taken.blocks[at]);
                if left.debt == 0 || (at == 0 && end == End::Proven) {
                    remove(transaction, digest)?;
                } else {
                    save(transaction, digest, left, rules[at])?;
                }
            }
            if end == End::Proven {
                know(transaction, &attempt, now)?;
            }
            Ok(())
        })
        .await
    }
}

/// The counters an attempt falls under, with the place of each among the rules.
fn counters(attempt: &Attempt, known: bool) -> impl Iterator<Item = (usize, Digest)> {
    let all = [(true, attempt.pair), (!known, attempt.account), (attempt.addressed, attempt.source)];
    let numbered = all.into_iter().enumerate();
    numbered.filter(|(_, (applies, _))| *applies).map(|(at, (_, digest))| (at, digest))
}

fn load(transaction: &Transaction<'_>, counter: Digest) -> rusqlite::Result<Option<Counter>> {
    transaction
        .prepare_cached("SELECT debt, last, until FROM failed_sign_ins WHERE counter = ?1")?
        .query_row([counter.to_bytes()], |row| {
            let number = |at| row.get::<_, i64>(at).map(|signed| u64::try_from(signed).unwrap_or(0));
            Ok(Counter { debt: number(0)?, last: number(1)?, until: number(2)? })
        })
        .optional()
}

fn save(
    transaction: &Transaction<'_>,
    digest: Digest,
    counter: Counter,
    rule: Rule,
) -> rusqlite::Result<usize> {
    let Counter { debt, last, until } = counter;
    let forgotten = last.saturating_add(rule.forget);
    transaction
        .prepare_cached("INSERT OR REPLACE INTO failed_sign_ins (counter, debt, last, until, forgotten) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![digest.to_bytes(), number(debt), number(last), number(until), number(forgotten)])
}

fn remove(transaction: &Transaction<'_>, counter: Digest) -> rusqlite::Result<usize> {
    transaction
        .prepare_cached("DELETE FROM failed_sign_ins WHERE counter = ?1")?
        .execute([counter.to_bytes()])
}

fn is_known(transaction: &Transaction<'_>, attempt: &Attempt, now: u64) -> rusqlite::Result<bool> {
    transaction
        .prepare_cached("SELECT 1 FROM known_sources WHERE account = ?1 AND source = ?2 AND until > ?3")?
        .exists(params![attempt.account.to_bytes(), attempt.source.to_bytes(), number(now)])
}

/// Notes that the account has signed in from there.
fn know(transaction: &Transaction<'_>, attempt: &Attempt, now: u64) -> rusqlite::Result<usize> {
    let (account, until) = (attempt.account.to_bytes(), now.saturating_add(millis(KNOWN)));
    transaction
        .prepare_cached("INSERT OR REPLACE INTO known_sources (account, source, until) VALUES (?1, ?2, ?3)")?
        .execute(params![account, attempt.source.to_bytes(), number(until)])?;
    transaction
        .prepare_cached(
            "DELETE FROM known_sources WHERE account = ?1 AND source IN
             (SELECT source FROM known_sources WHERE account = ?1 ORDER BY until DESC LIMIT -1 OFFSET ?2)",
        )?
        .execute(params![account, number(MOST_KNOWN as u64)])
}

/// Takes out a few rows that count no longer.
fn trim(transaction: &Transaction<'_>, now: u64) -> rusqlite::Result<()> {
    for statement in [
        "DELETE FROM failed_sign_ins WHERE counter IN
         (SELECT counter FROM failed_sign_ins WHERE forgotten < ?1 ORDER BY forgotten LIMIT ?2)",
        "DELETE FROM known_sources WHERE (account, source) IN
         (SELECT account, source FROM known_sources WHERE until < ?1 ORDER BY until LIMIT ?2)",
    ] {
        transaction.prepare_cached(statement)?.execute(params![number(now), TRIMMED])?;
    }
    Ok(())
}
