//! Files and what stands in them: read, or refused with a reason; nothing of a secret is repeated.

use std::path::PathBuf;
use std::sync::LazyLock;

use gatepass::fuzz::{ReadHash, load_text, read_journal, read_redis_address};

/// A folder with the one file that a configuration needs beside it.
static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("gatepass.secret"), "5a".repeat(32)).expect("it can be written");
    folder
});

/// A configuration is whole, or every problem has a place, words and a remedy.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // Devices never end; nobody configures them.
    if text.contains("/dev") || text.contains("/proc") || text.contains("/sys") || text.contains("\\u") {
        return;
    }
    let path: PathBuf = FOLDER.path().join("gateway.toml");
    match load_text(&path, text) {
        Ok(loaded) => {
            assert!(!loaded.config.upstreams.is_empty(), "something to forward to");
            assert!(loaded.config.tokens.secret.len() >= 32, "a key of some length");
        }
        Err(report) => {
            assert!(report.problems > 0 && !report.text.is_empty());
            for finding in report.findings {
                assert!(!finding.message.is_empty() && finding.line <= text.lines().count() + 1);
            }
        }
    }
}

/// The hash's text stands before the first line's end, the password behind it. Only the cheapest hashes are computed.
pub fn password(bytes: &[u8]) {
    let at = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let Ok(text) = std::str::from_utf8(&bytes[..at]) else { return };
    let Some(hash) = ReadHash::parse(text) else { return };
    assert!(hash.micros() <= 4_000_000, "no hash keeps a thread for days");
    assert!(text.len() <= 1024 && !hash.scheme().as_str().is_empty());
    let password = bytes.get(at + 1..).unwrap_or_default();
    if hash.micros() <= 2_000 && password.len() <= hash.longest() && !password.contains(&0) {
        assert_eq!(hash.fits(password), hash.fits(password), "it is decided alike twice");
    }
}

/// A record that is read says what stood there, and stands for itself once it is written. (A date beyond the year 2106 is
/// kept as the last second of that year's clock.)
pub fn journal(bytes: &[u8]) {
    let records = read_journal(bytes);
    assert_eq!(records.len(), bytes.len() / 37, "a spoilt record hides none behind it");
    for (found, stood) in records.into_iter().zip(bytes.chunks(37)) {
        let Some(found) = found else { continue };
        let beyond = stood[0] != b'P' && stood[29..33] != [0; 4];
        let same = if beyond { 25 } else { 37 };
        assert_eq!(found[..same], stood[..same]);
        assert_eq!(read_journal(&found), [Some(found)]);
    }
}

/// An address prints alike whatever its password is.
pub fn redis(bytes: &[u8]) {
    let Ok(url) = std::str::from_utf8(bytes) else { return };
    let printed = match read_redis_address(url) {
        Ok(printed) => printed,
        Err(why) => return assert!(!why.is_empty()),
    };
    let with = |password: &str| {
        let (credentials, place) = url.rsplit_once('@')?;
        let (scheme, credentials) = credentials.split_once("://")?;
        let (user, _) = credentials.split_once(':')?;
        Some(format!("{scheme}://{user}:{password}@{place}"))
    };
    if let Some(other) = with("another") {
        assert_eq!(read_redis_address(&other), Ok(printed));
    }
}
