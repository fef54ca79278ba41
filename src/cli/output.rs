//! How does an answer reach the reader? Written whole to stdout, never with the panicking macros.

use std::io::{self, Write as _};

use super::Failure;

/// Writes `text` and a line end to stdout.
pub(super) fn say(text: &str) -> Result<(), Failure> {
    raw(format!("{text}\n").as_bytes())
}

/// Writes bytes to stdout as they are.
pub(super) fn raw(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| Failure::writing(&error))
}

/// Writes a JSON value, indented, to stdout.
pub(super) fn json(value: &serde_json::Value) -> Result<(), Failure> {
    say(&format!("{value:#}"))
}

/// Tells the person at the terminal something that is not the answer.
pub(super) fn note(text: &str) {
    // A note nobody can read is no failure of the command.
    let _ = io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// A moment as RFC 3339 writes it, in UTC and whole seconds.
pub(super) fn moment(at: crate::clock::UnixTime) -> String {
    use time::format_description::well_known::Rfc3339;
    i64::try_from(at.secs())
        .ok()
        .and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_else(|| at.secs().to_string())
}

/// Columns under their headings, two spaces apart, without spaces at the ends of lines.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [vec!["LOGIN".into(), "ID".into()], vec!["jürgen@x".into(), "1".into()]];
        assert_eq!(table(&rows), "LOGIN     ID\njürgen@x  1");
    }

    #[test]
    fn moments_are_utc() {
        assert_eq!(moment(UnixTime::from_secs(0)), "1970-01-01T00:00:00Z");
        assert_eq!(moment(UnixTime::from_secs(u64::MAX)), (u64::MAX / 1000).to_string());
    }
}
