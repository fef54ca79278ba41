//! `[passwords]`: what are new passwords hashed with, which hashes are verified and replaced, and what may be one?

use std::path::PathBuf;
use std::sync::Arc;

use super::reading::Reading;
use super::section::{At, Section, suggestion};
use super::settings::PasswordSettings;
use crate::password::{Breached, HasherSettings, NewHash, PasswordPolicy, Scheme, SchemeSet};
use crate::users;

const MIB: u64 = 1 << 20;
/// What Argon2id may fill in all its iterations together.
const MOST_FILLED: u64 = 2 << 30;

impl PasswordSettings {
    /// For the hasher, with nobody to observe it.
    pub fn hasher(&self) -> HasherSettings {
        HasherSettings {
            hash: self.hash,
            verify: self.verify,
            deprecated: self.deprecated,
            truncate: self.truncate,
            threads: self.threads,
            queue: self.queue,
            observe: None,
        }
    }

    /// The rules for new passwords; reads the list of breached ones. The error is for people, with what to do.
    pub fn policy(&self) -> Result<PasswordPolicy, (String, &'static str)> {
        let list = self.breached.as_ref().map(|path| {
            Breached::load(path).map(Arc::new).map_err(|error| {
                let message = format!("the list of breached passwords {} {error}", path.display());
                (message, "mend the file, or take `breached` out of [passwords]")
            })
        });
        Ok(PasswordPolicy::new(self.min_length, self.hash, list.transpose()?))
    }
}

/// Reads the section; the store of `users` says what is verified and replaced when nothing else is said.
pub(super) fn read(
    reading: &mut Reading,
    top: &mut Section<'_>,
    users: Option<&users::Settings>,
) -> PasswordSettings {
    let mut section = top.section(reading, "passwords", "passwords");
    let of_file = users.is_some_and(|users| matches!(users.store, users::Store::Htpasswd(_)));
    let hash = hash(reading, &mut section);
    let verify = verify(reading, &mut section, hash.scheme());
    let deprecated = deprecated(reading, &mut section, hash.scheme(), verify);
    let rehash = rehash(reading, &mut section, users);
    let truncate = section.boolean(reading, "truncate").is_some_and(|truncate| truncate.value);
    let min_length = section.integer(reading, "min_length", 8, PasswordPolicy::FEWEST);
    let breached = breached(reading, &mut section);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = section.integer(reading, "threads", cores.saturating_sub(1).max(1) as u64, 1..=256);
    let queue = section.integer(reading, "queue", 64, 1..=100_000);
    section.finish(reading);
    PasswordSettings {
        hash,
        verify: verify.unwrap_or(if of_file { SchemeSet::HTPASSWD } else { SchemeSet::STRONG }),
        deprecated,
        rehash,
        truncate,
        min_length: usize::try_from(min_length).unwrap_or(8),
        breached,
        threads: usize::try_from(threads).unwrap_or(1),
        queue: usize::try_from(queue).unwrap_or(64),
    }
}

/// `hash`, and the costs of that scheme; those of the other would do nothing.
fn hash(reading: &mut Reading, section: &mut Section<'_>) -> NewHash {
    let word = section.word(reading, "hash", &["bcrypt", "argon2id"]);
    if word.is_some_and(|word| word.value == "argon2id") {
        refuse(
            reading,
            section,
            &["cost"],
            "argon2id",
            "its costs are `memory`, `iterations` and `parallelism`",
        );
        return argon2id(reading, section);
    }
    refuse(reading, section, &["memory", "iterations", "parallelism"], "bcrypt", "its one cost is `cost`");
    let cost = section.integer(reading, "cost", 12, 10..=16);
    NewHash::Bcrypt { cost: u32::try_from(cost).unwrap_or(12) }
}

fn refuse(
    reading: &mut Reading,
    section: &mut Section<'_>,
    keys: &[&'static str],
    scheme: &str,
    instead: &str,
) {
    for key in keys {
        if let Some(value) = section.value(key) {
            let message = format!("`{key}` is no cost of {scheme}, with which new passwords are hashed");
            reading.problems.error(value.span(), message, format!("remove it: {instead}"));
        }
    }
}

fn argon2id(reading: &mut Reading, section: &mut Section<'_>) -> NewHash {
    let size = section.size(reading, "memory", 19 * MIB, 7 * MIB..=256 * MIB);
    let memory = size.as_ref().map_or(19 * MIB, |size| size.value);
    let iterations = section.integer(reading, "iterations", 2, 1..=64);
    let parallelism = section.integer(reading, "parallelism", 1, 1..=16);
    if let Some(size) = size
        && memory * iterations > MOST_FILLED
    {
        let message = "`memory` times `iterations` is more than 2GiB: a sign-in would take many seconds";
        let help = "OWASP's advice is memory = \"19MiB\", iterations = 2, parallelism = 1";
        reading.problems.error(size.span, message, help);
    }
    NewHash::Argon2id {
        memory: u32::try_from(memory / 1024).unwrap_or(19 * 1024),
        iterations: u32::try_from(iterations).unwrap_or(2),
        parallelism: u32::try_from(parallelism).unwrap_or(1),
    }
}

/// A list of schemes, each with its place.
fn schemes(
    reading: &mut Reading,
    section: &mut Section<'_>,
    key: &'static str,
) -> Option<At<Vec<At<Scheme>>>> {
    let example = "[\"bcrypt\", \"argon2id\"]";
    let words = section.strings(reading, key, example)?;
    let known = Scheme::ALL.map(Scheme::as_str);
    let mut found = Vec::new();
    for word in words.value {
        match Scheme::parse(word.value) {
            Some(scheme) => found.push(At { value: scheme, span: word.span }),
            None => reading.problems.error(
                word.span,
                "this is not a scheme of stored passwords",
                format!("there are: {}{}", known.join(", "), suggestion(word.value, &known)),
            ),
        }
    }
    Some(At { value: found, span: words.span })
}

fn verify(reading: &mut Reading, section: &mut Section<'_>, new: Scheme) -> Option<SchemeSet> {
    let before = reading.problems.count();
    let list = schemes(reading, section, "verify")?;
    let set: SchemeSet = list.value.iter().map(|scheme| scheme.value).collect();
    if !set.contains(new) && reading.problems.count() == before {
        let message = format!("`verify` does not have {new}, with which new passwords are hashed");
        reading.problems.error(list.span, message, format!("add \"{new}\": nobody new could sign in"));
    }
    Some(set)
}

/// `rehash`: by default for a store of ours alone, because another application may not know the new scheme.
fn rehash(reading: &mut Reading, section: &mut Section<'_>, users: Option<&users::Settings>) -> bool {
    let read_only = users.is_some_and(|users| users.mode == users::Mode::ReadOnly);
    let ours = users.is_none_or(|users| users.fields.is_none()) && !read_only;
    let Some(rehash) = section.boolean(reading, "rehash") else { return ours };
    if rehash.value && read_only {
        let help = "mode = \"read_write\" in [users], if its hashes are to be replaced; or remove `rehash`";
        reading.problems.error(
            rehash.span,
            "the store of `[users]` is only read: no hash can be replaced",
            help,
        );
    }
    rehash.value
}

fn deprecated(
    reading: &mut Reading,
    section: &mut Section<'_>,
    new: Scheme,
    verify: Option<SchemeSet>,
) -> SchemeSet {
    let Some(list) = schemes(reading, section, "deprecated") else { return SchemeSet::NONE };
    let mut set = SchemeSet::NONE;
    for scheme in list.value {
        set = set.with(scheme.value);
        if scheme.value == new {
            let message = format!("new passwords are hashed with {new}, which is deprecated here");
            let help = "remove it: a hash of a lower cost than the configured one is replaced anyway";
            reading.problems.error(scheme.span, message, help);
        } else if verify.is_some_and(|verify| !verify.contains(scheme.value)) {
            let message = format!("`verify` does not have {}: such a hash is never replaced", scheme.value);
            let help = "add it to `verify` for as long as there are such hashes, or remove it here";
            reading.problems.error(scheme.span, message, help);
        }
    }
    set
}

/// `breached`: a file that can be read. What stands in it is seen at the start.
fn breached(reading: &mut Reading, section: &mut Section<'_>) -> Option<PathBuf> {
    let name = section.string(reading, "breached", "\"breached.txt\"")?;
    let path = reading.resolve(name.value);
    let metadata = std::fs::File::open(&path).and_then(|file| file.metadata());
    let why = match metadata {
        Ok(metadata) if metadata.is_file() => return Some(path),
        Ok(_) => "it is not a file".to_owned(),
        Err(error) => error.to_string(),
    };
    reading.problems.error(
        name.span,
        format!("the list of breached passwords cannot be read: {why}"),
        "a text file, one password or SHA-1 a line; paths begin at this file's folder",
    );
    None
}
