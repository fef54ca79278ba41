//! `[revocation]`: what is kept, and where?

use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::reading::Reading;
use super::redis_place;
use super::section::{At, Section, as_string};
use crate::revocation::{Check, OnStale, Readiness, Settings, Store};

const SQLITE: &str = "\"sqlite:gatepass.db\"";
const DATABASE: &str = "gatepass.db";
const JOURNAL: &str = "gatepass.journal";

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

/// Reads `[revocation]`.
pub(super) fn revocation(reading: &mut Reading, top: &mut Section<'_>) -> Option<Settings> {
    let mut section = top.section(reading, "revocation", "revocation");
    let store = log(reading, &mut section);
    let staleness = Duration::from_millis(100)..=Duration::from_secs(3600);
    let default = Duration::from_secs(5);
    let max_staleness = section.duration(reading, "max_staleness", default, staleness);
    let on_stale = on_stale(reading, &mut section).unwrap_or(OnStale::Refuse);
    let ready = match section.word(reading, "ready", &["loaded", "strict"]) {
        Some(word) if word.value == "strict" => Readiness::Strict,
        _ => Readiness::Loaded,
    };
    let confirm = redis_place::confirm(reading, &mut section, store.as_ref());
    let ca = redis_place::ca(reading, &mut section, store.as_ref());
    let check = check(reading, &mut section, store.as_ref());
    let journal = journal(reading, &mut section);
    section.finish(reading);
    let max_staleness = max_staleness.map_or(default, |found| found.value);
    Some(Settings { store: store?, ca, confirm, max_staleness, on_stale, ready, check, journal })
}

/// `check`: asking about every request is for a log that others write to.
fn check(reading: &mut Reading, section: &mut Section<'_>, store: Option<&Store>) -> Check {
    let Some(word) = section.word(reading, "check", &["memory", "every_request"]) else {
        return Check::Memory;
    };
    if word.value == "memory" {
        return Check::Memory;
    }
    if let Some(Store::Sqlite(_)) = store {
        let help = "leave `check` out: what this machine's file holds is in memory within 50 ms";
        reading.problems.error(word.span, "only a Redis can be asked about every request", help);
    }
    Check::EveryRequest
}

/// `on_stale`, here or of a route.
pub(super) fn on_stale(reading: &mut Reading, section: &mut Section<'_>) -> Option<OnStale> {
    let word = section.word(reading, "on_stale", &["refuse", "serve_known"])?;
    Some(if word.value == "serve_known" { OnStale::ServeKnown } else { OnStale::Refuse })
}

/// `journal`: a file, or `false` for none.
fn journal(reading: &mut Reading, section: &mut Section<'_>) -> Option<PathBuf> {
    if let Some(DeValue::Boolean(false)) = section.value("journal").map(toml::Spanned::get_ref) {
        return None;
    }
    let Some(name) = section.string(reading, "journal", "\"gatepass.journal\", or false for none") else {
        return Some(reading.resolve(JOURNAL));
    };
    if name.value.is_empty() || name.value.ends_with('/') || name.value.contains('\0') {
        let help = "journal = \"gatepass.journal\", or false for none";
        reading.problems.error(name.span, "this is not the name of a file", help);
        return None;
    }
    Some(reading.resolve(name.value))
}

/// The log's store: a text, or for a URL with a password where that is kept.
fn log(reading: &mut Reading, section: &mut Section<'_>) -> Option<Store> {
    let Some(value) = section.value("store") else { return Some(Store::Sqlite(reading.resolve(DATABASE))) };
    if let DeValue::Table(_) = value.get_ref() {
        return redis_place::url_kept_apart(reading, value);
    }
    let Some(store) = as_string(value) else {
        reading.wrong_type(value, "a store", &format!("store = {SQLITE}"));
        return None;
    };
    if redis_place::is_meant(store.value) {
        return redis_place::url(reading, &store);
    }
    let help = format!("one machine: store = {SQLITE}; several: store = \"redis://host:6379\"");
    sqlite(reading, &store, &help).map(Store::Sqlite)
}
