//! How is the log kept in Redis, for several gateways?
//!
//! Needs Redis 6.2 or Valkey 7.2 (`EXAT`, `XTRIM … MINID`). All keys share one hash tag:
//! * `{gatepass}:head`, a hash: the log's incarnation, the number and mark of its last entry, the last version given
//!   out, and when it came into being;
//! * `{gatepass}:stream`, whose entry `n-0` is the log's entry `n`; only what has expired is trimmed;
//! * `{gatepass}:r:<digest>`, the registers, each with an expiry.
//!
//! Every write is one script, so that the three never disagree. A reader waits on the stream with a connection of its
//! own and then asks for head and entries in one reply. Loading walks the registers with `SCAN` and `MGET`, 5,000 at
//! a time; it visits every key of the database, which is why the log should have a database to itself.

mod link;

use std::time::Duration;

use async_trait::async_trait;
use redis::streams::StreamReadOptions;
use redis::{Client, Cmd, Script, ScriptInvocation, Value};

use self::link::{Call, Link};
use super::Unavailable;
use super::log::{Batch, Change, Incarnation, Logged, Mark, Position, RevocationLog, Snapshot};
use super::register::{Register, State};
use crate::clock;
use crate::secret::Secret;

const HEAD: &str = "{gatepass}:head";
const STREAM: &str = "{gatepass}:stream";
const REGISTER: &str = "{gatepass}:r:";

/// How many seconds the log keeps what has expired: more than the clocks of server and gateways may differ.
const KEPT_SECS: u64 = 300;

/// How long a write may take, all in all.
const WRITE: Duration = Duration::from_millis(900);
/// How long a reader waits for a reply beyond the time it asked the server to wait.
const READ: Duration = Duration::from_secs(2);
/// Registers per request of a load.
const PAGE: usize = 5_000;
/// Entries per reply to a reader.
const BATCH: usize = 1_000;
/// Registers per request of a write-back: a script holds up everybody else.
const WRITE_BACK: usize = 200;

/// What the reading script answers: incarnation, number, mark, mark at the place asked for, age, entries.
type Reply = (String, u64, String, String, i64, Vec<(String, Vec<String>)>);

/// The log in Redis.
pub(crate) struct RedisLog {
    writing: Link,
    reading: Link,
    append: Script,
    next_version: Script,
    read_after: Script,
    write_back: Script,
}

impl RedisLog {
    /// Reads the address; connects when first needed.
    pub(crate) fn new(address: &Secret) -> Result<Self, Unavailable> {
        // The library's own error may repeat parts of the address.
        let wrong = || {
            Unavailable("the address is not of the form redis://[user[:password]@]host[:port][/db]".into())
        };
        let text = std::str::from_utf8(address.expose()).map_err(|_| wrong())?;
        let client = Client::open(text).map_err(|_| wrong())?;
        Ok(Self {
            writing: Link::new(client.clone(), WRITE),
            reading: Link::new(client, READ),
            append: script(include_str!("redis/append.lua")),
            next_version: script(include_str!("redis/next_version.lua")),
            read_after: script(include_str!("redis/read_after.lua")),
            write_back: script(include_str!("redis/write_back.lua")),
        })
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Batch, Unavailable> {
        let mut call = begin(&self.read_after);
        call.arg(after).arg(limit);
        let asked = clock::instant();
        let reply: Reply = self.reading.call(Call::Script(&call), READ).await?;
        let (incarnation, seq, mark, anchor, age, entries) = reply;
        let head = Position {
            incarnation: Incarnation::from_hex(&incarnation).ok_or_else(odd)?,
            seq,
            mark: Mark::from_hex(&mark).ok_or_else(odd)?,
        };
        let anchor = if anchor.is_empty() { None } else { Some(Mark::from_hex(&anchor).ok_or_else(odd)?) };
        let entries = entries.iter().map(logged).collect::<Option<_>>().ok_or_else(odd)?;
        // A server's clock that went back makes the age negative: then it is not known to be old.
        let age = Duration::from_micros(u64::try_from(age).unwrap_or(0));
        Ok(Batch { asked, head, anchor, entries, age })
    }

    /// One page of the walk over all registers, and where to go on (0 at the end).
    async fn page(&self, cursor: u64) -> Result<(u64, Vec<Register>), Unavailable> {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{REGISTER}*")).arg("COUNT").arg(PAGE);
        let (next, keys): (u64, Vec<String>) = self.reading.call(Call::Command(&scan), READ).await?;
        if keys.is_empty() {
            return Ok((next, Vec::new()));
        }
        let values: Vec<Option<String>> = self.reading.call(Call::Command(&Cmd::mget(&keys)), READ).await?;
        let registers = keys.iter().zip(values).filter_map(|(key, value)| {
            // Without a value it has expired since it was listed.
            let text = format!("{} {}", key.strip_prefix(REGISTER)?, value?);
            Some(Register::from_text(&text).ok_or_else(odd))
        });
        Ok((next, registers.collect::<Result<_, _>>()?))
    }
}

#[async_trait]
impl RevocationLog for RedisLog {
    fn name(&self) -> &'static str {
        "redis"
    }

    async fn append(&self, change: Change, floor: u64, mark: Mark) -> Result<Register, Unavailable> {
        let digest = change.digest.to_hex();
        let expires = change.expires.millis().div_ceil(1000).min(super::register::MAX_SECS);
        let mut call = begin(&self.append);
        call.key(format!("{REGISTER}{digest}")).arg(floor).arg(mark.to_hex());
        call.arg(digest).arg(letter(change.state)).arg(expires);
        let text: String = self.writing.call(Call::Script(&call), WRITE).await?;
        Register::from_text(&text).ok_or_else(odd)
    }

    async fn next_version(&self, floor: u64) -> Result<u64, Unavailable> {
        let mut call = begin(&self.next_version);
        call.arg(floor);
        let text: String = self.writing.call(Call::Script(&call), WRITE).await?;
        text.parse().ok().filter(|version| *version > floor).ok_or_else(odd)
    }

    async fn load(&self) -> Result<Snapshot, Unavailable> {
        let before = self.read(0, 0).await?;
        let mut registers = Vec::new();
        let mut cursor = 0;
        loop {
            let (next, page) = self.page(cursor).await?;
            registers.extend(page);
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        // What was written during the walk and missed by it comes after `before` in the stream, if it is the same log.
        let after = self.read(before.head.seq, 0).await?;
        if after.head.incarnation != before.head.incarnation || after.anchor != Some(before.head.mark) {
            return Err(Unavailable("the log was replaced while it was read".into()));
        }
        Ok(Snapshot {
            asked: before.asked,
            position: before.head,
            end: after.head,
            registers,
            age: after.age,
        })
    }

    async fn follow(&self, known: Position, wait: Duration) -> Result<Batch, Unavailable> {
        // Only woken by it: what there is to know comes with the head, in one reply.
        let block = usize::try_from(wait.as_millis()).unwrap_or(usize::MAX).max(1);
        let options = StreamReadOptions::default().block(block).count(1);
        let blocking = Cmd::xread_options(&[STREAM], &[format!("{}-0", known.seq)], &options);
        let _: Value = self.reading.call(Call::Command(&blocking), wait + READ).await?;
        self.read(known.seq, BATCH).await
    }

    async fn write_back(&self, registers: &[Register]) -> Result<Option<Mark>, Unavailable> {
        let mut last = None;
        for part in registers.chunks(WRITE_BACK) {
            let mut call = begin(&self.write_back);
            for register in part {
                let digest = register.digest().to_hex();
                call.key(format!("{REGISTER}{digest}")).arg(Mark::random().to_hex()).arg(digest);
                call.arg(register.version()).arg(letter(register.state())).arg(register.expires().secs());
            }
            let mark: String = self.writing.call(Call::Script(&call), WRITE).await?;
            if !mark.is_empty() {
                last = Some(Mark::from_hex(&mark).ok_or_else(odd)?);
            }
        }
        Ok(last)
    }
}

fn script(body: &str) -> Script {
    Script::new(&format!("{}\n{body}", include_str!("redis/head.lua")))
}

/// A call of one of the log's scripts, with what each of them is given first.
fn begin(script: &Script) -> ScriptInvocation<'_> {
    let mut call = script.prepare_invoke();
    call.key(HEAD).key(STREAM).arg(Incarnation::random().to_hex()).arg(KEPT_SECS);
    call
}

const fn letter(state: State) -> &'static str {
    match state {
        State::Revoked => "R",
        State::Lifted => "L",
    }
}

/// An entry of the stream: its id `n-0`, and the fields `r` and `m`, in this order.
fn logged((id, fields): &(String, Vec<String>)) -> Option<Logged> {
    let [r, register, m, mark] = fields.as_slice() else { return None };
    let well_named = r == "r" && m == "m";
    let seq = id.strip_suffix("-0")?.parse().ok().filter(|_| well_named)?;
    Some(Logged { seq, mark: Mark::from_hex(mark)?, register: Register::from_text(register)? })
}

fn odd() -> Unavailable {
    Unavailable("Redis: the log's keys hold something the log did not write".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_address_is_not_repeated() {
        for address in ["redis://:hunter2@[::/0", "http://:hunter2@localhost", "hunter2"] {
            let error = RedisLog::new(&Secret::from(address)).err().unwrap();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn only_entries_of_the_log_are_read() {
        let entry =
            |id: &str, fields: &[&str]| (id.to_owned(), fields.iter().map(ToString::to_string).collect());
        let register = "00112233445566778899aabbccddeeff 5 R 6";
        let mark = Mark::random().to_hex();
        assert_eq!(logged(&entry("7-0", &["r", register, "m", &mark])).unwrap().seq, 7);
        for (id, fields) in [
            ("7-1", ["r", register, "m", &mark]),
            ("x-0", ["r", register, "m", &mark]),
            ("7-0", ["q", register, "m", &mark]),
            ("7-0", ["r", "", "m", &mark]),
            ("7-0", ["r", register, "m", "z"]),
        ] {
            assert!(logged(&entry(id, &fields)).is_none());
        }
    }
}
