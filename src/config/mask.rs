//! Which parts of the file must not be quoted back? Secrets written where none may stand.
//!
//! A person who writes a secret into the file gets an error that points at it, often in a terminal others see or a log
//! that is kept. So it is starred out first: what the reader knows to be a secret, passwords in URLs, and the rest of
//! any line that begins like a secret, for the case that the line is not even TOML.

use std::ops::Range;

/// `source` with everything secret replaced by stars, byte for byte, so that spans still fit.
pub(super) fn masked(source: &str, known: &[Range<usize>]) -> String {
    let mut bytes = source.as_bytes().to_vec();
    let ranges = known.iter().cloned().chain(passwords_in_urls(source)).chain(secret_lines(source));
    for range in ranges {
        let end = range.end.min(bytes.len());
        for byte in &mut bytes[range.start.min(end)..end] {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b'*';
            }
        }
    }
    // A range that cut a character in two would leave broken UTF-8: then nothing is shown at all.
    String::from_utf8(bytes).unwrap_or_else(|_| "*".repeat(source.len()))
}

/// Whether a key is named like something that holds a secret.
pub(super) fn sounds_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["secret", "passw", "credential", "private", "api_key", "apikey"].iter().any(|word| key.contains(word))
}

/// Whether a URL carries a user or password.
pub(super) fn has_password(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

/// What stands between `://` and the last `@` before the end of the text.
fn passwords_in_urls(source: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in source.match_indices("://") {
        let start = at + 3;
        let rest = &source[start..];
        let end = rest.find(['"', '\'', ' ', '\t', '\n', ',']).unwrap_or(rest.len());
        if let Some(sign) = rest[..end].rfind('@') {
            found.push(start..start + sign);
        }
    }
    found
}

/// The values of lines that begin like `secret = …`, unless they name a file or a variable.
fn secret_lines(source: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        if let Some((key, value)) = line.split_once('=') {
            let key = key.trim().trim_matches(['"', '\'']);
            let last = key.rsplit('.').next().unwrap_or(key).trim();
            let named = last == "previous" || sounds_secret(last);
            if named && !line.trim_start().starts_with('#') && !names_a_source(value) {
                let from = start + line.len() - value.trim_start().len();
                found.push(from..start + line.trim_end().len());
            }
        }
        start += line.len();
    }
    found
}

/// `{ file = … }`, `{ env = … }`, or a list that begins with one (or with nothing on this line).
fn names_a_source(value: &str) -> bool {
    let value = value.trim();
    let inner = value.strip_prefix('[').map_or(value, str::trim_start);
    if inner.is_empty() || inner == "]" {
        return value.starts_with('[');
    }
    let Some(inner) = inner.strip_prefix('{') else { return false };
    let key = inner.split('=').next().unwrap_or_default().trim();
    matches!(key, "file" | "env") && inner.contains('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_starred_however_they_are_written() {
        for line in [
            "secret = \"hunter2\"",
            "secret = \"hunter2",
            "secret = hunter2",
            "  \"secret\"='hunter2'",
            "previous = [\"hunter2\"]",
            "tokens.secret = \"hunter2\"",
            "secret = { \"hunter2\" }",
            "store = \"redis://:hunter2@localhost/0\"",
            "store = \"mongodb://me:hun@ter2hunter2@localhost\"",
        ] {
            let shown = masked(line, &[]);
            assert!(!shown.contains("hunter2"), "{shown}");
            assert_eq!(shown.len(), line.len());
        }
    }

    #[test]
    fn what_is_no_secret_stays_readable() {
        for line in [
            "secret = { file = \"gatepass.secret\" }",
            "previous = [{ env = \"OLD\" }]",
            "previous = [",
            "store = \"redis://localhost\"",
            "issuer = \"http://localhost\"",
            "# secret = \"…\" is never written here",
        ] {
            assert_eq!(masked(line, &[]), line);
        }
    }
}
