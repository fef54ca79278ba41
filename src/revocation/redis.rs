//! How is the log kept in Redis, for several gateways?
//!
//! Needs Redis 6.2 or Valkey 7.2 (`EXAT`, `XTRIM … MINID`). All keys share one hash tag:
//! * `{gatepass}:head`, a hash: the log's incarnation, the number and mark of its last entry, the last version given
//!   out, and when it came into being;
//! * `{gatepass}:stream`, whose entry `n-0` is the log's entry `n`; only what has expired is trimmed;
//! * `{gatepass}:r:<digest>`, the registers, each with an expiry.
//!
//! Where the primary may become another, or refuses writes when it is cut off from its replicas, whoever asks whether
//! there is news writes a trifle first (`probed`, in the head): a primary that is alone then refuses to answer, and
//! does not pass for fresh.
//!
//! Every write is one script, so that the three never disagree. A reader waits on the stream with a connection of its
//! own and then asks for head and entries in one reply. Loading walks the registers with `SCAN` and `MGET`, 5,000 at
//! a time; it visits every key of the database, which is why the log should have a database to itself.

mod confirm;
mod entry;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::streams::StreamReadOptions;
use redis::{Cmd, FromRedisValue, Script, Value};

use self::confirm::Confirmer;
use self::entry::{letter, logged};
use super::log::{
    Age, Appended, Batch, Change, Incarnation, Loaded, Mark, NewMark, Pages, Position, RevocationLog,
};
use super::register::Register;
use super::{Advice, Settings, Unavailable};
use crate::clock::{self, Clock};
use crate::identity::Digest;
use crate::redis_link::{Address, Call, Failure, Link, Place, Survey};
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
/// How long a request may wait that asks about its token.
const LOOK: Duration = Duration::from_millis(500);
/// Registers per request of a load.
const PAGE: usize = 5_000;
/// Entries per reply to a reader.
const BATCH: usize = 1_000;

/// What the reading script answers: incarnation, number, mark, mark at the place asked for, the two ages, entries.
type Reply = (String, u64, String, String, u64, u64, Vec<(String, Vec<String>)>);

/// The log in Redis.
pub(crate) struct RedisLog {
    place: Arc<Place>,
    writing: Link,
    reading: Link,
    /// For requests that are looked up here one by one.
    looking: Link,
    /// Where replicas must confirm what is written.
    confirmer: Option<Confirmer>,
    append: Script,
    next_version: Script,
    read_after: Script,
    write_back: Script,
    look: Script,
}

impl RedisLog {
    /// Reads the address and the CAs; connects when first needed.
    pub(crate) fn new(address: &Secret, settings: &Settings) -> Result<Self, Unavailable> {
        let wrong = |why| Unavailable(format!("the address is not the URL of a Redis server: {why}"));
        let address = Address::parse(address).map_err(wrong)?;
        let place = Place::new(address, settings.ca.as_deref(), Some(settings.max_staleness))?;
        let link = |connect| Link::new(Arc::clone(&place), connect);
        let append = script(include_str!("redis/append.lua"));
        let confirmer =
            settings.confirm.map(|confirm| Confirmer::new(link(WRITE), append.clone(), confirm, WRITE));
        Ok(Self {
            writing: link(WRITE),
            reading: link(READ),
            looking: link(LOOK),
            confirmer,
            append,
            next_version: script(include_str!("redis/next_version.lua")),
            read_after: script(include_str!("redis/read_after.lua")),
            write_back: script(include_str!("redis/write_back.lua")),
            look: Script::new(include_str!("redis/look.lua")),
            place,
        })
    }

    /// What a script that writes answers.
    async fn write<T: FromRedisValue>(&self, script: &Script, command: Cmd) -> Result<T, Unavailable> {
        let commands = |_: &Survey| vec![command.clone()];
        Ok(self.writing.last(Call { commands: &commands, script: Some(script) }, WRITE).await?)
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Batch, Unavailable> {
        let commands = |survey: &Survey| {
            let command = invoke(&self.read_after, &[], |command| {
                command.arg(after).arg(limit).arg(survey.run_id());
            });
            // A plain command: before Redis 7, what a script writes is not refused.
            let must_write = self.place.roves() || survey.refuses_when_alone();
            let probe = must_write.then(|| Cmd::hset(HEAD, "probed", Clock::system().now().millis()));
            probe.into_iter().chain([command]).collect()
        };
        let asked = clock::instant();
        let call = Call { commands: &commands, script: Some(&self.read_after) };
        let reply: Reply = self.reading.last(call, READ).await?;
        let (incarnation, seq, mark, anchor, whole, quiet, entries) = reply;
        let head = Position {
            incarnation: Incarnation::from_hex(&incarnation).ok_or_else(odd)?,
            seq,
            mark: Mark::from_hex(&mark).ok_or_else(odd)?,
        };
        let anchor = if anchor.is_empty() { None } else { Some(Mark::from_hex(&anchor).ok_or_else(odd)?) };
        let entries = entries.iter().map(logged).collect::<Option<_>>().ok_or_else(odd)?;
        let age = Age { whole: Duration::from_micros(whole), quiet: Duration::from_micros(quiet) };
        Ok(Batch { asked, head, anchor, entries, age })
    }

    /// One page of the walk over all registers, and where to go on (0 at the end).
    async fn page(&self, cursor: u64) -> Result<(u64, Vec<Register>), Unavailable> {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{REGISTER}*")).arg("COUNT").arg(PAGE);
        let (next, keys): (u64, Vec<String>) = self.reading.command(&scan, READ).await?;
        if keys.is_empty() {
            return Ok((next, Vec::new()));
        }
        let values: Vec<Option<String>> = self.reading.command(&Cmd::mget(&keys), READ).await?;
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

    fn advice(&self) -> Vec<Advice> {
        self.place.advice()
    }

    async fn append(&self, change: Change, floor: u64, marks: NewMark) -> Result<Appended, Unavailable> {
        let digest = change.digest.to_hex();
        let expires = change.expires.millis().div_ceil(1000).min(super::register::MAX_SECS);
        let (script, keys) = (self.append.clone(), [key_of(change.digest)]);
        let command = move || {
            invoke(&script, &keys, |command| {
                command.arg(floor).arg(marks().to_hex()).arg(&digest).arg(letter(change.state)).arg(expires);
            })
        };
        let ((text, mark), confirmed): ((String, String), _) = match &self.confirmer {
            None => {
                let commands = |_: &Survey| vec![command()];
                let call = Call { commands: &commands, script: Some(&self.append) };
                (self.writing.last(call, WRITE).await?, Ok(()))
            }
            Some(confirmer) => {
                let (reply, outcome) = confirmer.write(Box::new(command)).await?;
                (<(String, String)>::from_redis_value(reply).map_err(|_| odd())?, outcome)
            }
        };
        let register = Register::from_text(&text).ok_or_else(odd)?;
        Ok(Appended {
            register,
            mark: Mark::from_hex(&mark).ok_or_else(odd)?,
            confirmed: confirmed.map_err(|how| Unavailable(format!("written, but {how}"))),
        })
    }

    async fn next_version(&self, floor: u64) -> Result<u64, Unavailable> {
        let command = invoke(&self.next_version, &[], |command| {
            command.arg(floor);
        });
        let text: String = self.write(&self.next_version, command).await?;
        text.parse().ok().filter(|version| *version > floor).ok_or_else(odd)
    }

    async fn load(&self, pages: Pages<'_>) -> Result<Loaded, Unavailable> {
        let before = self.read(0, 0).await?;
        let connection = self.reading.generation();
        let mut cursor = 0;
        loop {
            let (next, page) = self.page(cursor).await?;
            pages(&page);
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        // What was written during the walk and missed by it comes after `before` in the stream, if it is the same log.
        let after = self.read(before.head.seq, 0).await?;
        // Over another connection it may be one that has lost what a page showed.
        let same = after.head.incarnation == before.head.incarnation
            && after.anchor == Some(before.head.mark)
            && self.reading.generation() == connection;
        if !same {
            return Err(Unavailable("the log was replaced while it was read".into()));
        }
        // As old as it was when reading began: what others gave back meanwhile, a page may have come too early for.
        Ok(Loaded { asked: before.asked, position: before.head, end: after.head, age: before.age })
    }

    async fn follow(&self, known: Position, wait: Duration) -> Result<Batch, Unavailable> {
        // Only woken by it: what there is to know comes with the head, in one reply.
        let block = usize::try_from(wait.as_millis()).unwrap_or(usize::MAX).max(1);
        let options = StreamReadOptions::default().block(block).count(1);
        let blocking = Cmd::xread_options(&[STREAM], &[format!("{}-0", known.seq)], &options);
        let _: Value = self.reading.command(&blocking, wait + READ).await?;
        self.read(known.seq, BATCH).await
    }

    async fn write_back(&self, registers: &[(Register, Mark)]) -> Result<Option<Mark>, Unavailable> {
        let keys: Vec<String> = registers.iter().map(|(register, _)| key_of(register.digest())).collect();
        let command = invoke(&self.write_back, &keys, |command| {
            for (register, mark) in registers {
                command.arg(mark.to_hex()).arg(register.digest().to_hex());
                command.arg(register.version()).arg(letter(register.state()));
                command.arg(register.expires().secs());
            }
        });
        let mark: String = self.write(&self.write_back, command).await?;
        if mark.is_empty() { Ok(None) } else { Mark::from_hex(&mark).map(Some).ok_or_else(odd) }
    }

    async fn look(&self, digests: &[Digest]) -> Result<(Incarnation, Vec<Register>), Unavailable> {
        let keys: Vec<String> = digests.iter().copied().map(key_of).collect();
        let mut command = redis::cmd("EVALSHA");
        command.arg(self.look.get_hash()).arg(1 + keys.len()).arg(HEAD).arg(keys);
        let commands = |_: &Survey| vec![command.clone()];
        let call = Call { commands: &commands, script: Some(&self.look) };
        let (incarnation, values): (String, Vec<String>) = self.looking.last(call, LOOK).await?;
        let registers = digests.iter().zip(values).filter(|(_, value)| !value.is_empty());
        let registers =
            registers.map(|(digest, value)| Register::from_text(&format!("{} {value}", digest.to_hex())));
        let registers = registers.collect::<Option<_>>().ok_or_else(odd)?;
        Ok((Incarnation::from_hex(&incarnation).ok_or_else(odd)?, registers))
    }
}

fn key_of(digest: Digest) -> String {
    format!("{REGISTER}{}", digest.to_hex())
}

fn script(body: &str) -> Script {
    Script::new(&format!("{}\n{body}", include_str!("redis/head.lua")))
}

/// A call of one of the log's scripts: what each of them is given first, the registers' keys, and the rest.
fn invoke(script: &Script, registers: &[String], rest: impl FnOnce(&mut Cmd)) -> Cmd {
    let mut command = redis::cmd("EVALSHA");
    command.arg(script.get_hash()).arg(2 + registers.len()).arg(HEAD).arg(STREAM).arg(registers);
    command.arg(Incarnation::random().to_hex()).arg(KEPT_SECS);
    rest(&mut command);
    command
}

impl From<Failure> for Unavailable {
    fn from(Failure(why): Failure) -> Self {
        Self(why)
    }
}

fn odd() -> Unavailable {
    Unavailable("Redis: the log's keys hold something the log did not write".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revocation::Store;

    #[test]
    fn a_wrong_address_is_not_repeated() {
        for address in ["redis://:hunter2@[::/0", "http://:hunter2@localhost", "hunter2"] {
            let settings = Settings::of(Store::Redis(Secret::from(address)));
            let error = RedisLog::new(&Secret::from(address), &settings).err().unwrap();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
