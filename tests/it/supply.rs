//! Is anything in `Cargo.lock` known to be vulnerable?
//!
//! Judged without a network, against `packaging/advisories.toml`: a dated copy of what the `RustSec` database says of
//! our crates. Licences, sources and banned crates are `cargo deny`'s, in `.ci/run`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use semver::{Version, VersionReq};
use serde::Deserialize;

/// What is known, does not concern us, and why.
const ACCEPTED: [(&str, &str, &str); 2] = [
    (
        "derivative",
        "RUSTSEC-2024-0388",
        "unmaintained, not vulnerable: a derive macro that pingora-core runs at build time",
    ),
    (
        "rustls-pemfile",
        "RUSTSEC-2025-0134",
        "unmaintained, not vulnerable: pingora-rustls reads the certificates of the configuration with it, no client's",
    ),
];

/// Versions below which a fault is back that would be ours too: the crate, the first good version, and what it mended.
const LEAST: [(&str, &str, &str); 15] = [
    (
        "pingora-core",
        "0.8.0",
        "smuggling: RUSTSEC-2025-0037 (CVE-2025-4366), -2026-0033, -2026-0034; floods: -2025-0070",
    ),
    ("pingora-proxy", "0.8.0", "the half of the same that is in the proxy"),
    ("pingora-cache", "0.8.0", "keys without the host: RUSTSEC-2026-0035"),
    (
        "h2",
        "0.4.16",
        "floods of resets, continuations, empty frames: RUSTSEC-2024-0003, -2024-0332, -2026-0258",
    ),
    ("bcrypt", "0.19.2", "a panic on a stored hash that is no ASCII: RUSTSEC-2026-0199"),
    ("jsonwebtoken", "10.3.0", "`exp` and `nbf` of a wrong type were taken for absent: CVE-2026-25537"),
    ("regex", "1.5.5", "patterns that compile for ever: RUSTSEC-2022-0013"),
    ("rustls", "0.23.18", "a panic that a ClientHello caused: RUSTSEC-2024-0399"),
    (
        "rustls-webpki",
        "0.103.13",
        "certificates taken for good: RUSTSEC-2026-0049, -0098, -0099; a panic: -0104",
    ),
    ("aws-lc-sys", "0.39.0", "certificates taken for good, times that tell: RUSTSEC-2026-0044 to -0048"),
    ("tracing-subscriber", "0.3.20", "escape sequences in a log: RUSTSEC-2025-0055"),
    ("time", "0.3.47", "dates that exhaust the stack: RUSTSEC-2026-0009"),
    ("bytes", "1.11.1", "a capacity that overflows: RUSTSEC-2026-0007"),
    ("libsqlite3-sys", "0.25.1", "the SQLite in it: RUSTSEC-2022-0090"),
    ("tokio", "1.44.2", "an unsound channel: RUSTSEC-2025-0023"),
];

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: Version,
    source: Option<String>,
}

/// The copy.
#[derive(Deserialize)]
struct Copied {
    commit: String,
    date: toml::value::Datetime,
    crates: BTreeSet<String>,
    advisory: Vec<Advisory>,
}

#[derive(Deserialize)]
struct Advisory {
    #[serde(rename = "crate")]
    name: String,
    id: String,
    patched: Vec<VersionReq>,
    #[serde(default)]
    unaffected: Vec<VersionReq>,
    /// `unmaintained`, `unsound`, `notice`; none if it is a vulnerability.
    kind: Option<String>,
}

impl Advisory {
    fn concerns(&self, package: &Package) -> bool {
        let spared = |ranges: &[VersionReq]| ranges.iter().any(|range| range.matches(&package.version));
        self.name == package.name && !spared(&self.patched) && !spared(&self.unaffected)
    }
}

fn read<T: for<'d> Deserialize<'d>>(file: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What is wrong with `lock`, going by `copied`; a line each.
fn findings(lock: &Lock, copied: &Copied, accepted: &[(&str, &str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    let mut needed = BTreeSet::new();
    for package in lock.package.iter().filter(|package| package.source.is_some()) {
        if !copied.crates.contains(&package.name) {
            let name = &package.name;
            found.push(format!(
                "{name}: packaging/advisories.toml does not cover it; renew it with packaging/advisories"
            ));
        }
        for advisory in copied.advisory.iter().filter(|advisory| advisory.concerns(package)) {
            if accepted.iter().any(|(name, id, _)| *name == package.name && *id == advisory.id) {
                needed.insert(advisory.id.as_str());
                continue;
            }
            let kind = advisory.kind.as_deref().unwrap_or("vulnerable");
            let good: Vec<String> = advisory.patched.iter().map(ToString::to_string).collect();
            let remedy = if good.is_empty() {
                "no version mends it".to_owned()
            } else {
                format!("good: {}", good.join(" or "))
            };
            found.push(format!("{} {}: {kind}, {}; {remedy}", package.name, package.version, advisory.id));
        }
    }
    let idle = accepted.iter().filter(|(_, id, _)| !needed.contains(id));
    found.extend(
        idle.map(|(name, id, _)| format!("{name}: {id} is accepted in vain; take it out of the list")),
    );
    found
}

/// Whole days from the copy's date to today.
fn age(copied: &Copied) -> i64 {
    let date = copied.date.date.expect("a date");
    let month = time::Month::try_from(date.month).unwrap();
    let date = time::Date::from_calendar_date(i32::from(date.year), month, date.day).unwrap();
    let today = gatepass::clock::Clock::system().now().secs() / 86_400;
    i64::try_from(today).unwrap() - date.midnight().assume_utc().unix_timestamp() / 86_400
}

#[test]
fn nothing_we_use_is_known_to_be_vulnerable() {
    let (lock, copied): (Lock, Copied) = (read("Cargo.lock"), read("packaging/advisories.toml"));
    assert!(lock.package.len() > 300 && copied.advisory.len() > 100, "both were read");
    let found = findings(&lock, &copied, &ACCEPTED);
    let (age, commit) = (age(&copied), &copied.commit[..12]);
    let told = format!(
        "Known vulnerabilities: {} packages of Cargo.lock, {} advisories as of {} ({commit}, {age} days old), {} accepted\n",
        lock.package.len(),
        copied.advisory.len(),
        copied.date,
        ACCEPTED.len()
    );
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("supply");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("head.txt"), told).unwrap();
    let late = if age > 180 { "renew the copy: packaging/advisories\n" } else { "" };
    std::fs::write(folder.join("row-1"), late).unwrap();
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
}

#[test]
fn what_was_mended_stays_mended() {
    let lock: Lock = read("Cargo.lock");
    for (name, least, why) in LEAST {
        let least = Version::parse(least).unwrap();
        let versions: Vec<_> = lock.package.iter().filter(|package| package.name == name).collect();
        assert!(!versions.is_empty(), "{name} is not used any more: take it out of the list");
        for package in versions {
            assert!(package.version >= least, "{name} {} is below {least}: {why}", package.version);
        }
    }
}

/// The check itself: a vulnerable version, an unmaintained crate, a crate that nobody looked up, a vain exception.
#[test]
fn planted_faults_are_found() {
    let lock: Lock = toml::from_str(
        r#"
        package = [
            { name = "own", version = "1.0.0" },
            { name = "old", version = "1.4.0", source = "registry" },
            { name = "old", version = "0.9.1", source = "registry" },
            { name = "mended", version = "1.5.2+build", source = "registry" },
            { name = "early", version = "0.1.9", source = "registry" },
            { name = "left", version = "3.0.0", source = "registry" },
            { name = "new", version = "1.0.0", source = "registry" },
        ]"#,
    )
    .unwrap();
    let copied: Copied = toml::from_str(
        r#"
        commit = "0"
        date = 2026-01-01
        crates = ["old", "mended", "early", "left"]
        advisory = [
            { crate = "old", id = "A-1", patched = ["^0.9.1", ">= 1.5.0"] },
            { crate = "mended", id = "A-2", patched = [">= 1.5.2, < 1.6.0", ">= 1.6.1"] },
            { crate = "early", id = "A-3", patched = [], unaffected = ["< 0.2"] },
            { crate = "left", id = "A-4", patched = [], kind = "unmaintained" },
        ]"#,
    )
    .unwrap();
    let mut found = findings(&lock, &copied, &[("gone", "A-9", "")]);
    found.sort();
    assert_eq!(
        found,
        [
            "gone: A-9 is accepted in vain; take it out of the list",
            "left 3.0.0: unmaintained, A-4; no version mends it",
            "new: packaging/advisories.toml does not cover it; renew it with packaging/advisories",
            "old 1.4.0: vulnerable, A-1; good: ^0.9.1 or >=1.5.0",
        ]
    );
    assert_eq!(findings(&lock, &copied, &[("left", "A-4", ""), ("old", "A-1", "")]).len(), 1);
}
