//! How are sessions kept in Redis, for several gateways?
//!
//! Two hashes a user, under the revocation log's hash tag: `{gatepass}:s:<user>` has a field per session, and
//! `{gatepass}:seen:<user>` when each was last seen. Both expire with the last session.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use redis::{Cmd, FromRedisValue, Script};

use super::{LISTED, Origin, Session, SessionStore, Sighting, Unavailable, whole_minute};
use crate::clock::UnixTime;
use crate::identity::{Digest, LoginId};
use crate::redis_link::{Address, Call, Failure, Link, Place, Survey};
use crate::secret::Secret;

/// How long a call may take, all in all.
const CALL: Duration = Duration::from_millis(900);

/// Sightings per request: a script holds up everybody else.
const BATCH: usize = 200;

/// Sessions in a Redis.
pub(super) struct RedisSessions {
    link: Link,
    add: Script,
    seen: Script,
}

impl RedisSessions {
    /// Reads the address and the CAs; connects when first needed.
    pub(super) fn new(address: &Secret, ca: Option<&Path>) -> Result<Self, Unavailable> {
        let wrong = |why| Unavailable(format!("the address is not the URL of a Redis server: {why}"));
        let address = Address::parse(address).map_err(wrong)?;
        let place = Place::new(address, ca, None)?;
        Ok(Self {
            link: Link::new(place, CALL),
            add: Script::new(include_str!("redis/add.lua")),
            seen: Script::new(include_str!("redis/seen.lua")),
        })
    }

    async fn run(&self, script: &Script, keys: &[String], args: &[String]) -> Result<(), Failure> {
        let mut command = redis::cmd("EVALSHA");
        command.arg(script.get_hash()).arg(keys.len()).arg(keys).arg(args);
        let commands = |_: &Survey| vec![command.clone()];
        self.link.last(Call { commands: &commands, script: Some(script) }, CALL).await
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        self.link.command(command, CALL).await
    }
}

#[async_trait]
impl SessionStore for RedisSessions {
    async fn add(&self, user: Digest, session: &Session, now: UnixTime) -> Result<(), Unavailable> {
        let args = [
            session.login.as_str().to_owned(),
            text(session),
            session.last_seen.secs().to_string(),
            session.expires.secs().to_string(),
            now.secs().to_string(),
            LISTED.to_string(),
        ];
        Ok(self.run(&self.add, &keys(user), &args).await?)
    }

    async fn list(&self, user: Digest, now: UnixTime) -> Result<Vec<Session>, Unavailable> {
        let [sessions, seen] = keys(user);
        let sessions: HashMap<String, String> = self.ask(&Cmd::hgetall(sessions)).await?;
        let seen: HashMap<String, u64> = self.ask(&Cmd::hgetall(seen)).await?;
        let read = sessions.iter().filter_map(|(name, text)| {
            let mut session = parse(name, text)?;
            if let Some(at) = seen.get(name) {
                session.last_seen = UnixTime::from_secs(*at);
            }
            Some(session)
        });
        Ok(read.filter(|session| session.expires > now).collect())
    }

    async fn seen(&self, seen: &[Sighting]) -> Result<(), Unavailable> {
        for part in seen.chunks(BATCH) {
            let names: Vec<String> = part.iter().flat_map(|sighting| keys(sighting.user)).collect();
            let args = part
                .iter()
                .flat_map(|Sighting { login, at, .. }| [login.as_str().to_owned(), at.secs().to_string()]);
            self.run(&self.seen, &names, &args.collect::<Vec<_>>()).await?;
        }
        Ok(())
    }
}

impl From<Failure> for Unavailable {
    fn from(failure: Failure) -> Self {
        Self(failure.0)
    }
}

fn keys(user: Digest) -> [String; 2] {
    let user = user.to_hex();
    [format!("{{gatepass}}:s:{user}"), format!("{{gatepass}}:seen:{user}")]
}

/// Version, since, expires, address (`-` for none), and the rest of the line is what the client calls itself.
fn text(session: &Session) -> String {
    format!(
        "{} {} {} {} {}",
        session.version,
        session.since.secs(),
        session.expires.secs(),
        session.origin.address.as_deref().unwrap_or("-"),
        session.origin.device.as_deref().unwrap_or_default()
    )
}

/// Reads what [`text`] wrote; anything else is no session.
fn parse(name: &str, text: &str) -> Option<Session> {
    let mut parts = text.splitn(5, ' ');
    let mut number = || parts.next()?.parse().ok();
    let (version, since, expires) = (number()?, number()?, number()?);
    let address = parts.next().filter(|address| *address != "-").map(str::to_owned);
    let device = parts.next().filter(|device| !device.is_empty()).map(str::to_owned);
    let since = UnixTime::from_secs(since);
    Some(Session {
        login: LoginId::parse(name).ok()?,
        version,
        since,
        expires: UnixTime::from_secs(expires),
        last_seen: whole_minute(since),
        origin: Origin { address, device },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let at = UnixTime::from_secs;
        let mut session = Session {
            login: LoginId::new(),
            version: 7,
            since: at(61),
            expires: at(120),
            last_seen: at(60),
            origin: Origin { address: Some("::1".into()), device: Some("curl/8 (a b)".into()) },
        };
        assert_eq!(parse(session.login.as_str(), &text(&session)), Some(session.clone()));
        session.origin = Origin::default();
        assert_eq!(parse(session.login.as_str(), &text(&session)), Some(session));
        for odd in ["", "1", "1 2 x - ", "a 2 3 - b"] {
            assert_eq!(parse("name", odd), None, "{odd:?}");
        }
    }
}
