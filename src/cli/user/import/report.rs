//! Which rows were not taken, and why? The first are told on stderr, all of them in a file if one is named.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::json;

use super::super::super::{Failure, output};
use super::ends_in;
use super::row::Refusal;

/// How many are told on stderr.
const TOLD: u64 = 20;

/// What became of a row that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Something is wrong with it.
    Refused,
    /// Its user is there already.
    Skipped,
}

pub(super) struct Report {
    to: Option<To>,
    told: u64,
}

enum To {
    Csv(Box<csv::Writer<File>>),
    Jsonl(BufWriter<File>),
}

impl Report {
    /// Begins it anew, for its owner alone if the file is new.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self { to: None, told: 0 }) };
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
        let file = file.map_err(|error| {
            Failure::usage(format!("cannot write {}: {error}", path.display())).help("name another file")
        })?;
        let to = if ends_in(path, "csv") {
            let mut writer = csv::Writer::from_writer(file);
            writer
                .write_record(["line", "result", "field", "reason"])
                .map_err(|error| failed(&error.into()))?;
            To::Csv(Box::new(writer))
        } else {
            To::Jsonl(BufWriter::new(file))
        };
        Ok(Self { to: Some(to), told: 0 })
    }

    /// Notes a row.
    pub(super) fn note(&mut self, line: u64, fate: Fate, refusal: &Refusal) -> Result<(), Failure> {
        let Refusal { field, why } = refusal;
        if fate == Fate::Refused {
            self.told += 1;
            match (self.told, field) {
                (..=TOLD, Some(field)) => output::note(&format!("line {line}: {field} {why}")),
                (..=TOLD, None) => output::note(&format!("line {line} {why}")),
                _ => {}
            }
        }
        let result = if fate == Fate::Refused { "refused" } else { "skipped" };
        let written = match &mut self.to {
            None => Ok(()),
            Some(To::Csv(to)) => {
                let row = [&line.to_string(), result, field.as_deref().unwrap_or_default(), why];
                to.write_record(row).map_err(io::Error::from)
            }
            Some(To::Jsonl(to)) => {
                writeln!(to, "{}", json!({"line": line, "result": result, "field": field, "reason": why}))
            }
        };
        written.map_err(|error| failed(&error))
    }

    /// Ends it.
    pub(super) fn finish(self) -> Result<(), Failure> {
        if self.told > TOLD && self.to.is_none() {
            let more = self.told - TOLD;
            output::note(&format!("and {more} more; `--report FILE` lists them all"));
        }
        let flushed = match self.to {
            None => Ok(()),
            Some(To::Csv(mut to)) => to.flush(),
            Some(To::Jsonl(mut to)) => to.flush(),
        };
        flushed.map_err(|error| failed(&error))
    }
}

fn failed(error: &io::Error) -> Failure {
    Failure::no(format!("the report cannot be written: {error}"))
        .help("make room or name another file, then run the same command again")
}
