//! `[users]`, `[passwords]`, `[revocation]`: what is kept, where, and how hard is it to guess?

use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::reading::Reading;
use super::section::{At, Section, as_string};
use super::settings::{PasswordSettings, UsersSettings};
use super::{mask, source};
use crate::revocation::{OnStale, Settings, Store};
use crate::secret::Secret;

const SQLITE: &str = "\"sqlite:gatepass.db\"";
const DATABASE: &str = "gatepass.db";

/// Reads `[users]`.
pub(super) fn users(reading: &mut Reading, top: &mut Section<'_>) -> Option<UsersSettings> {
    let mut section = top.section(reading, "users", "users");
    let store = section.string(reading, "store", SQLITE);
    let sqlite = match store {
        None => Some(reading.resolve(DATABASE)),
        Some(store) if section.refuse_later(reading, "store", &store, SQLITE) => None,
        Some(store) => sqlite(reading, &store, &format!("store = {SQLITE}")),
    };
    section.finish(reading);
    Some(UsersSettings { sqlite: sqlite? })
}

/// `sqlite:FILE`, the path resolved; anything else is reported.
fn sqlite(reading: &mut Reading, store: &At<&str>, help: &str) -> Option<PathBuf> {
    let file = store.value.strip_prefix("sqlite:").filter(|file| {
        let odd = file.is_empty() || file.starts_with("//") || file.starts_with(':') || file.ends_with('/');
        !odd && !file.contains(['?', '\0'])
    });
    if file.is_none() {
        reading.problems.error(store.span.clone(), "this is not a store there is", help);
    }
    file.map(|file| reading.resolve(file))
}

/// Reads `[passwords]`.
pub(super) fn passwords(reading: &mut Reading, top: &mut Section<'_>) -> PasswordSettings {
    let mut section = top.section(reading, "passwords", "passwords");
    section.word(reading, "hash", &["bcrypt"]);
    let cost = section.integer(reading, "cost", 12, 10..=16);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = section.integer(reading, "threads", cores.saturating_sub(1).max(1) as u64, 1..=256);
    let queue = section.integer(reading, "queue", 64, 1..=100_000);
    section.finish(reading);
    PasswordSettings {
        cost: u32::try_from(cost).unwrap_or(12),
        threads: usize::try_from(threads).unwrap_or(1),
        queue: usize::try_from(queue).unwrap_or(64),
    }
}

/// Reads `[revocation]`.
pub(super) fn revocation(reading: &mut Reading, top: &mut Section<'_>) -> Option<Settings> {
    let mut section = top.section(reading, "revocation", "revocation");
    let store = log(reading, &mut section);
    let staleness = Duration::from_millis(100)..=Duration::from_secs(3600);
    let default = Duration::from_secs(5);
    let max_staleness = section.duration(reading, "max_staleness", default, staleness);
    let on_stale = match section.word(reading, "on_stale", &["refuse", "serve_known"]) {
        Some(word) if word.value == "serve_known" => OnStale::ServeKnown,
        _ => OnStale::Refuse,
    };
    section.word(reading, "check", &["memory"]);
    section.finish(reading);
    let max_staleness = max_staleness.map_or(default, |found| found.value);
    Some(Settings { store: store?, max_staleness, on_stale })
}

/// The log's store: a text, or for a URL with a password where that is kept.
fn log(reading: &mut Reading, section: &mut Section<'_>) -> Option<Store> {
    let Some(value) = section.value("store") else { return Some(Store::Sqlite(reading.resolve(DATABASE))) };
    if let DeValue::Table(_) = value.get_ref() {
        let url = source::read(reading, "revocation.store", value)?;
        return url_kept_apart(reading, url);
    }
    let Some(store) = as_string(value) else {
        reading.wrong_type(value, "a store", &format!("store = {SQLITE}"));
        return None;
    };
    if section.refuse_later(reading, "store", &store, "\"sqlite:gatepass.db\" or \"redis://host:6379\"") {
        return None;
    }
    if !store.value.starts_with("redis:") {
        let help = format!("one machine: store = {SQLITE}; several: store = \"redis://host:6379\"");
        return sqlite(reading, &store, &help).map(Store::Sqlite);
    }
    if mask::has_password(store.value) {
        reading.problems.mask(value.span());
        reading.problems.error(
            store.span,
            "`revocation.store` holds a password, where every reader and every backup of this file finds it",
            "keep the whole URL apart: store = { file = \"redis.url\" } (mode 0600), or store = { env = \"REDIS_URL\" }",
        );
        return None;
    }
    if is_redis_url(store.value) {
        return Some(Store::Redis(Secret::from(store.value)));
    }
    reading.problems.error(
        store.span,
        "this is not the URL of a Redis server",
        "store = \"redis://host:6379/0\"",
    );
    None
}

fn url_kept_apart(reading: &mut Reading, url: At<Secret>) -> Option<Store> {
    if std::str::from_utf8(url.value.expose()).is_ok_and(is_redis_url) {
        return Some(Store::Redis(url.value));
    }
    let help = "it holds the whole URL and nothing else: redis://user:password@host:6379/0";
    reading.problems.error(url.span, "what is kept there is not the URL of a Redis server", help);
    None
}

/// `redis://[user[:password]@]host[:port][/db]`.
fn is_redis_url(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("redis://") else { return false };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let (place, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (place, None),
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let good_host = address.map_or_else(
        || !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
        |address| address.parse::<std::net::Ipv6Addr>().is_ok(),
    );
    let good_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    good_host && good_port && (database.is_empty() || database.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_urls() {
        for good in
            ["redis://h", "redis://h:6379", "redis://h/3", "redis://:p@h:1/0", "redis://u:p@[::1]:6379"]
        {
            assert!(is_redis_url(good), "{good}");
        }
        for bad in
            ["redis:h", "redis://", "redis://h:0", "redis://h:x", "redis://h/db", "redis://a b", "http://h"]
        {
            assert!(!is_redis_url(bad), "{bad}");
        }
    }
}
