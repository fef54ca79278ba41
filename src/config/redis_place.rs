//! Which Redis holds the revocations, whose certificate does it have, and who must confirm a write?

use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::reading::Reading;
use super::section::{At, Section};
use super::{listen, mask, source};
use crate::redis_link::Address;
use crate::revocation::{Confirm, Store};
use crate::secret::Secret;

/// Whether a text in the place of a store means a Redis.
pub(super) fn is_meant(store: &str) -> bool {
    store.split_once(':').is_some_and(|(scheme, _)| {
        matches!(scheme.split_once('+').map_or(scheme, |(scheme, _)| scheme), "redis" | "rediss")
    })
}

/// The URL as it stands in the file: without a password.
pub(super) fn url(reading: &mut Reading, store: &At<&str>) -> Option<Store> {
    if mask::has_password(store.value) || store.value.contains("password=") {
        reading.problems.mask(store.span.clone());
        reading.problems.error(
            store.span.clone(),
            "`revocation.store` holds a password, where every reader and every backup of this file finds it",
            "keep the whole URL apart: store = { file = \"redis.url\" } (mode 0600), or store = { env = \"REDIS_URL\" }",
        );
        return None;
    }
    let url = Secret::from(store.value);
    let Err(why) = Address::parse(&url) else { return Some(Store::Redis(url)) };
    let example = match store.value.split(':').next() {
        Some("redis+sentinel" | "rediss+sentinel") => {
            "redis+sentinel://sentinel1:26379,sentinel2:26379/mymaster"
        }
        Some("redis+cluster" | "rediss+cluster") => "redis+cluster://node1:7000,node2:7000",
        _ => "redis://host:6379/0",
    };
    reading.problems.error(
        store.span.clone(),
        format!("this is not the URL of a Redis server: {why}"),
        format!("store = \"{example}\""),
    );
    None
}

/// A table in the place of the URL: where that is kept.
pub(super) fn url_kept_apart(reading: &mut Reading, value: &toml::Spanned<DeValue<'_>>) -> Option<Store> {
    let url = source::read(reading, "revocation.store", value)?;
    match Address::parse(&url.value) {
        Ok(_) => Some(Store::Redis(url.value)),
        Err(why) => {
            reading.problems.error(
                url.span,
                format!("what is kept there is not the URL of a Redis server: {why}"),
                "it holds the whole URL and nothing else: redis://user:password@host:6379/0",
            );
            None
        }
    }
}

/// `ca`: a file of certificates, for a Redis that is reached by TLS.
pub(super) fn ca(reading: &mut Reading, section: &mut Section<'_>, store: Option<&Store>) -> Option<PathBuf> {
    let file = section.string(reading, "ca", "\"redis-ca.pem\"")?;
    let is_tls = |url: &Secret| Address::parse(url).is_ok_and(|address| address.is_tls());
    if store.is_some_and(|store| !matches!(store, Store::Redis(url) if is_tls(url))) {
        let help = "store = \"rediss://host:6379\", or remove `ca`";
        reading.problems.error(file.span, "`ca` is for a Redis that is reached by TLS", help);
        return None;
    }
    let path = reading.resolve(file.value);
    listen::pem(reading, &file, &path, "certificate", listen::holds_certificates(&path)).then_some(path)
}

/// `confirm`: how many replicas, and how long they are waited for.
pub(super) fn confirm(
    reading: &mut Reading,
    section: &mut Section<'_>,
    store: Option<&Store>,
) -> Option<Confirm> {
    let value = section.value("confirm")?;
    let example = "confirm = { replicas = 1, within = \"100ms\" }";
    let DeValue::Table(table) = value.get_ref() else {
        reading.wrong_type(value, "a table", example);
        return None;
    };
    if matches!(store, Some(Store::Sqlite(_))) {
        let help = "remove it, or store = \"redis://host:6379\"";
        reading.problems.error(value.span(), "`confirm` is for a Redis with replicas", help);
        return None;
    }
    let mut inner = Section::new("revocation.confirm", "revocation.confirm".to_owned(), value.span(), table);
    inner.need("replicas", "1");
    let replicas = inner.integer(reading, "replicas", 1, 1..=100);
    let default = Duration::from_millis(100);
    let within =
        inner.duration(reading, "within", default, Duration::from_millis(10)..=Duration::from_secs(5));
    inner.finish(reading);
    Some(Confirm {
        replicas: u32::try_from(replicas).unwrap_or(1),
        within: within.map_or(default, |found| found.value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant() {
        for redis in
            ["redis://h", "redis:h", "rediss://h", "redis+sentinel://h/m", "rediss+cluster://h", "redis+x:"]
        {
            assert!(is_meant(redis), "{redis}");
        }
        for other in ["sqlite:redis.db", "redis", "redisx://h", "http://redis:1"] {
            assert!(!is_meant(other), "{other}");
        }
    }
}
