//! How are the counters kept in Redis, for several gateways?
//!
//! Under the revocation log's hash tag: `{gatepass}:f:<digest>` is a counter, as text `debt last until` (milliseconds),
//! and `{gatepass}:known:<account>` a hash of the sources known to an account. All of them expire. It is the server's
//! clock that counts, one for all gateways: with clocks of their own, one that is an hour ahead would forget what the
//! others have counted.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use redis::{FromRedisValue, Script};

use super::rule::{Rule, millis};
use super::{Attempt, End, KNOWN, MOST_KNOWN, Settings, Taken, ThrottleStore, Told, Unavailable};
use crate::clock::Clock;
use crate::redis_link::{Address, Call, Failure, Link, Place, Survey};
use crate::secret::Secret;

/// How long a call may take, all in all.
const CALL: Duration = Duration::from_millis(900);

/// Counters in a Redis.
pub(super) struct RedisThrottle {
    link: Link,
    reserve: Script,
    settle: Script,
    clock: Clock,
}

impl RedisThrottle {
    /// Reads the address and the CAs; connects when first needed.
    pub(super) fn new(address: &Secret, ca: Option<&Path>, clock: Clock) -> Result<Self, Unavailable> {
        let wrong = |why| Unavailable(format!("the address is not the URL of a Redis server: {why}"));
        let address = Address::parse(address).map_err(wrong)?;
        let place = Place::new(address, ca, None)?;
        Ok(Self {
            link: Link::new(place, CALL),
            reserve: Script::new(include_str!("redis/reserve.lua")),
            settle: Script::new(include_str!("redis/settle.lua")),
            clock,
        })
    }

    async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        args: &[String],
    ) -> Result<T, Failure> {
        let mut command = redis::cmd("EVALSHA");
        command.arg(script.get_hash()).arg(keys.len()).arg(keys).arg(args);
        let commands = |_: &Survey| vec![command.clone()];
        self.link.last(Call { commands: &commands, script: Some(script) }, CALL).await
    }

    /// The moment, where a test says which; otherwise the server looks at its own clock.
    fn now(&self) -> String {
        self.clock.held().map(|now| now.millis().to_string()).unwrap_or_default()
    }
}

#[async_trait]
impl ThrottleStore for RedisThrottle {
    async fn reserve(&self, attempt: &Attempt, settings: &Settings) -> Result<Told, Unavailable> {
        let mut args = vec![self.now(), attempt.source.to_hex()];
        let times = [settings.first_delay, settings.longest_delay, settings.forget_after];
        args.extend(times.map(|time| millis(time).max(1).to_string()));
        args.extend(Rule::all(settings).map(|rule| rule.allowance.to_string()));
        let reply: Vec<u64> = self.run(&self.reserve, &keys(attempt), &args).await?;
        match reply.as_slice() {
            [_, all, source] => {
                Ok(Told::Wait { all: Duration::from_millis(*all), source: Duration::from_millis(*source) })
            }
            [known, blocks @ ..] if blocks.len() == 3 => {
                Ok(Told::Go(Taken { known: *known == 1, blocks: [blocks[0], blocks[1], blocks[2]] }))
            }
            _ => Err(Unavailable("Redis: the script has answered something else".into())),
        }
    }

    async fn settle(
        &self,
        attempt: &Attempt,
        taken: Taken,
        end: End,
        settings: &Settings,
    ) -> Result<(), Unavailable> {
        let mut args = vec![self.now(), attempt.source.to_hex()];
        args.push(if end == End::Proven { "proven" } else { "unasked" }.to_owned());
        args.push(u8::from(taken.known).to_string());
        args.extend(Rule::all(settings).map(|rule| rule.cost().to_string()));
        args.extend(taken.blocks.map(|block| block.to_string()));
        args.push(millis(KNOWN).to_string());
        args.push(MOST_KNOWN.to_string());
        Ok(self.run(&self.settle, &keys(attempt), &args).await?)
    }
}

impl From<Failure> for Unavailable {
    fn from(failure: Failure) -> Self {
        Self(failure.0)
    }
}

/// What is known to the account, and the counters: account and source, account, and the source's if it has one.
fn keys(attempt: &Attempt) -> Vec<String> {
    let counters = [attempt.pair, attempt.account, attempt.source];
    let counters = counters.into_iter().take(if attempt.addressed { 3 } else { 2 });
    let known = format!("{{gatepass}}:known:{}", attempt.account.to_hex());
    std::iter::once(known)
        .chain(counters.map(|counter| format!("{{gatepass}}:f:{}", counter.to_hex())))
        .collect()
}
