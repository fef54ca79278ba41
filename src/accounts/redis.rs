//! How is it kept in Redis which hashes were replaced, for several gateways?
//!
//! A hash a user, under the revocation log's hash tag: `{gatepass}:pwv:<user>` has a field for each pair. It expires when
//! no token can say any of them.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use redis::{Cmd, FromRedisValue as _};

use super::Unavailable;
use super::links::{Links, Pair};
use crate::clock::UnixTime;
use crate::identity::Digest;
use crate::redis_link::{Address, Call, Failure, Link, Place, Survey};
use crate::secret::Secret;
use crate::token::PasswordVersion;

/// How long a call may take, all in all.
const CALL: Duration = Duration::from_millis(900);

/// Replaced hashes in a Redis.
pub(super) struct RedisLinks {
    link: Link,
}

impl RedisLinks {
    /// Reads the address and the CAs; connects when first needed.
    pub(super) fn new(address: &Secret, ca: Option<&Path>) -> Result<Self, Unavailable> {
        let wrong = |why| Unavailable(format!("the address is not the URL of a Redis server: {why}"));
        let address = Address::parse(address).map_err(wrong)?;
        Ok(Self { link: Link::new(Place::new(address, ca, None)?, CALL) })
    }

    /// The answers to several commands, none of which may be refused.
    async fn ask(&self, commands: Vec<Cmd>) -> Result<Vec<redis::Value>, Failure> {
        let commands = |_: &Survey| commands.clone();
        self.link.call(Call { commands: &commands, script: None }, CALL).await?.into_iter().collect()
    }
}

#[async_trait]
impl Links for RedisLinks {
    async fn add(
        &self,
        user: Digest,
        pairs: &[Pair],
        _: UnixTime,
        expires: UnixTime,
    ) -> Result<(), Unavailable> {
        let key = key(user);
        let mut add = redis::cmd("HSET");
        add.arg(&key);
        for (old, new) in pairs {
            add.arg(format!("{old}{new}")).arg(expires.secs());
        }
        let mut expire = redis::cmd("EXPIREAT");
        expire.arg(&key).arg(expires.secs());
        self.ask(vec![add, expire]).await?;
        Ok(())
    }

    async fn of(&self, users: &[Digest], now: UnixTime) -> Result<Vec<Vec<Pair>>, Unavailable> {
        let answers = self.ask(users.iter().map(|user| Cmd::hgetall(key(*user))).collect()).await?;
        let read = |answer| -> Result<Vec<Pair>, Failure> {
            let fields = Vec::<(String, u64)>::from_redis_value(answer)
                .map_err(|error| Failure(format!("Redis: {error}")))?;
            let live = fields.iter().filter(|(_, expires)| *expires >= now.secs());
            // One that we could not have written says nothing.
            Ok(live.filter_map(|(field, _)| pair(field)).collect())
        };
        Ok(answers.into_iter().map(read).collect::<Result<_, _>>()?)
    }
}

impl From<Failure> for Unavailable {
    fn from(failure: Failure) -> Self {
        Self(failure.0)
    }
}

fn key(user: Digest) -> String {
    format!("{{gatepass}}:pwv:{}", user.to_hex())
}

/// Two versions, each of 16 characters.
fn pair(field: &str) -> Option<Pair> {
    let (old, new) = field.split_at_checked(16)?;
    Some((PasswordVersion::parse(old)?, PasswordVersion::parse(new)?))
}
