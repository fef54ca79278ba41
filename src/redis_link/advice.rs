//! What is this server, and is it set up so that it keeps what it is given?
//!
//! Asked at every new connection. `CONFIG GET` is often refused (by an ACL, by a managed service): then what could not
//! be seen is said to be unknown, not wrong.

use std::collections::HashMap;
use std::time::Duration;

use redis::{FromRedisValue, Pipeline, RedisResult, Value};

use super::Failure;

/// A setting of the server that may cost revocations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The word in the metric: `eviction`, `persistence`, `appendfsync`, `min_replicas`, `min_replicas_max_lag`.
    pub warning: &'static str,
    /// The setting, its value, and the remedy.
    pub text: String,
}

/// The oldest versions that have what the scripts need (`EXAT`, `XTRIM … MINID`).
const OLDEST_REDIS: (u32, u32) = (6, 2);
const OLDEST_VALKEY: (u32, u32) = (7, 2);
/// Since when there is `WAITAOF`, in Redis; every Valkey has it.
const WAITAOF: (u32, u32) = (7, 2);

const SETTINGS: [&str; 4] = ["save", "appendfsync", "min-replicas-to-write", "min-replicas-max-lag"];
const SECTIONS: [&str; 4] = ["server", "memory", "persistence", "replication"];

/// What a server said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// The answer to `ROLE`, or what `INFO` says of it.
    role: Option<String>,
    info: HashMap<String, String>,
    config: HashMap<String, String>,
}

impl Survey {
    /// What to ask.
    pub(super) fn questions() -> Pipeline {
        let mut all = redis::pipe();
        all.cmd("ROLE");
        for section in SECTIONS {
            all.cmd("INFO").arg(section);
        }
        for setting in SETTINGS {
            all.cmd("CONFIG").arg("GET").arg(setting);
        }
        all
    }

    /// Takes the answers, those that were given.
    pub(super) fn of(answers: Vec<RedisResult<Value>>) -> Self {
        let mut survey = Self::default();
        for (number, answer) in answers.into_iter().enumerate() {
            let Ok(answer) = answer else { continue };
            if number == 0 {
                let parts: Vec<Value> = Vec::from_redis_value(answer).unwrap_or_default();
                survey.role = parts.into_iter().next().and_then(|role| String::from_redis_value(role).ok());
            } else if number <= SECTIONS.len() {
                let text = String::from_redis_value(answer).unwrap_or_default();
                let pairs = text.lines().filter_map(|line| line.split_once(':'));
                survey.info.extend(pairs.map(|(key, value)| (key.to_owned(), value.trim().to_owned())));
            } else {
                survey.config.extend(HashMap::<String, String>::from_redis_value(answer).unwrap_or_default());
            }
        }
        survey
    }

    /// Whether it is a primary, if it says so.
    pub(super) fn is_primary(&self) -> Option<bool> {
        let role = self.role.as_ref().or_else(|| self.info.get("role"))?;
        Some(role == "master")
    }

    /// Name and version.
    fn version(&self) -> Option<(&'static str, &str)> {
        let valkey = self.info.get("valkey_version").map(|version| ("Valkey", version.as_str()));
        valkey.or_else(|| self.info.get("redis_version").map(|version| ("Redis", version.as_str())))
    }

    /// Complains of a server that lacks what the scripts need; one that does not say its version is believed.
    pub(super) fn check_version(&self) -> Result<(), Failure> {
        let Some((product, version)) = self.version() else { return Ok(()) };
        let oldest = if product == "Valkey" { OLDEST_VALKEY } else { OLDEST_REDIS };
        if number(version).is_none_or(|version| version >= oldest) {
            return Ok(());
        }
        let (redis, valkey) = (OLDEST_REDIS, OLDEST_VALKEY);
        Err(Failure(format!(
            "{product} {version} is too old: at least Redis {}.{} or Valkey {}.{} is needed",
            redis.0, redis.1, valkey.0, valkey.1
        )))
    }

    /// What the server calls this run of itself; empty if it does not say.
    pub(crate) fn run_id(&self) -> &str {
        self.info.get("run_id").map_or("", String::as_str)
    }

    /// Whether `WAITAOF` can be asked for: it is known there, and there is an append-only file to wait for.
    pub(crate) fn can_wait_for_files(&self) -> bool {
        let known = self.version().is_some_and(|(product, version)| {
            product == "Valkey" || number(version).is_some_and(|version| version >= WAITAOF)
        });
        known && self.aof() == Some(true)
    }

    /// Whether it refuses writes when it is left alone, so that a write proves that it is not.
    pub(crate) fn refuses_when_alone(&self) -> bool {
        // The line is only there while both settings are above zero.
        self.min_replicas().is_some_and(|least| least > 0) || self.info.contains_key("min_slaves_good_slaves")
    }

    fn aof(&self) -> Option<bool> {
        self.info.get("aof_enabled").map(|enabled| enabled == "1")
    }

    fn min_replicas(&self) -> Option<u64> {
        self.config.get("min-replicas-to-write")?.parse().ok()
    }

    fn replicas(&self) -> u64 {
        self.info.get("connected_slaves").and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// What is to be changed there, given whether the primary `roves` and how old the last proof of freshness may be.
    pub(super) fn advice(&self, roves: bool, max_staleness: Duration) -> Vec<Advice> {
        let mut found = Vec::new();
        let mut say = |warning, text: String| found.push(Advice { warning, text });
        if let Some(policy) = self.info.get("maxmemory_policy").filter(|policy| *policy != "noeviction") {
            say(
                "eviction",
                format!(
                    "`maxmemory-policy` is {policy}, which drops revocations when memory runs short: set it to noeviction"
                ),
            );
        }
        let saves = self.config.get("save").map(|rules| !rules.is_empty());
        match (self.aof(), saves) {
            (Some(false), Some(false)) => say(
                "persistence",
                "`appendonly` is no and `save` is empty, so that a restart forgets every revocation: set appendonly to yes".into(),
            ),
            (Some(true), _) if self.config.get("appendfsync").is_some_and(|when| when == "no") => say(
                "appendfsync",
                "`appendfsync` is no, so that a power failure may lose half a minute of revocations: set it to everysec or always".into(),
            ),
            _ => {}
        }
        let lag =
            self.config.get("min-replicas-max-lag").and_then(|lag| lag.parse().ok()).map(Duration::from_secs);
        match (self.min_replicas(), lag) {
            (Some(0), _) if roves || self.replicas() > 0 => say(
                "min_replicas",
                "`min-replicas-to-write` is 0, so that a primary cut off from its replicas goes on taking revocations \
                 that a fail-over loses: set it to 1"
                    .into(),
            ),
            (Some(1..), Some(lag)) if lag >= max_staleness => say(
                "min_replicas_max_lag",
                format!(
                    "`min-replicas-max-lag` is {} s, not below `max_staleness`, so that a primary cut off from its \
                     replicas passes for fresh too long: set it lower, or `max_staleness` higher",
                    lag.as_secs()
                ),
            ),
            _ => {}
        }
        found
    }

    /// The settings it did not show.
    pub(super) fn unknown(&self) -> Vec<&'static str> {
        let settings = SETTINGS.into_iter().filter(|setting| !self.config.contains_key(*setting));
        let infos = [
            ("maxmemory_policy", "maxmemory-policy"),
            ("aof_enabled", "appendonly"),
            ("redis_version", "version"),
        ];
        let infos =
            infos.into_iter().filter(|(line, _)| !self.info.contains_key(*line)).map(|(_, name)| name);
        settings.chain(infos).collect()
    }
}

/// The first two numbers of a version.
fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(info: &[(&str, &str)], config: &[(&str, &str)]) -> Survey {
        let owned = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        Survey { role: None, info: owned(info), config: owned(config) }
    }

    fn words(survey: &Survey, roves: bool) -> Vec<&'static str> {
        let found = survey.advice(roves, Duration::from_secs(5));
        found.into_iter().map(|advice| advice.warning).collect()
    }

    #[test]
    fn old_versions() {
        for (name, version, good) in [
            ("redis_version", "6.0.16", false),
            ("redis_version", "6.2.0", true),
            ("redis_version", "7.0.15", true),
            ("redis_version", "10.0.0", true),
            ("valkey_version", "7.0.0", false),
            ("valkey_version", "7.2.5", true),
            ("redis_version", "unknown", true),
        ] {
            let result = survey(&[(name, version)], &[]).check_version();
            assert_eq!(result.is_ok(), good, "{name} {version}");
            if let Err(Failure(text)) = result {
                let named = text.contains(version) && text.contains("6.2") && text.contains("7.2");
                assert!(named, "{text}");
            }
        }
        // Valkey calls itself a Redis too, for those who do not know it.
        let both = survey(&[("redis_version", "7.2.4"), ("valkey_version", "8.1.0")], &[]);
        assert_eq!(both.version(), Some(("Valkey", "8.1.0")));
    }

    #[test]
    fn waiting_for_files_needs_the_command_and_a_file() {
        for (info, can) in [
            ([("redis_version", "7.0.15"), ("aof_enabled", "1")], false),
            ([("redis_version", "7.2.0"), ("aof_enabled", "0")], false),
            ([("redis_version", "7.2.0"), ("aof_enabled", "1")], true),
            ([("redis_version", "8.2.3"), ("aof_enabled", "1")], true),
            ([("valkey_version", "7.2.5"), ("aof_enabled", "1")], true),
        ] {
            assert_eq!(survey(&info, &[]).can_wait_for_files(), can, "{info:?}");
        }
        assert!(!Survey::default().can_wait_for_files());
    }

    #[test]
    fn what_is_to_be_changed() {
        let good_info = [("maxmemory_policy", "noeviction"), ("aof_enabled", "1"), ("connected_slaves", "1")];
        let good = [
            ("save", ""),
            ("appendfsync", "everysec"),
            ("min-replicas-to-write", "1"),
            ("min-replicas-max-lag", "4"),
        ];
        assert_eq!(words(&survey(&good_info, &good), true), [""; 0]);
        for (info, config, roves, word) in [
            (&[("maxmemory_policy", "volatile-lru")][..], &[][..], false, Some("eviction")),
            (&[("aof_enabled", "0")], &[("save", "")], false, Some("persistence")),
            (&[("aof_enabled", "0")], &[("save", "3600 1")], false, None),
            (&[("aof_enabled", "0")], &[], false, None),
            (&[("aof_enabled", "1")], &[("appendfsync", "no")], false, Some("appendfsync")),
            (&[("connected_slaves", "1")], &[("min-replicas-to-write", "0")], false, Some("min_replicas")),
            (&[("connected_slaves", "0")], &[("min-replicas-to-write", "0")], false, None),
            (&[], &[("min-replicas-to-write", "0")], true, Some("min_replicas")),
            (
                &[],
                &[("min-replicas-to-write", "1"), ("min-replicas-max-lag", "5")],
                false,
                Some("min_replicas_max_lag"),
            ),
        ] {
            assert_eq!(words(&survey(info, config), roves), Vec::from_iter(word), "{info:?} {config:?}");
        }
    }
}
