//! `gatepass user export`: everything that an import reads, password hashes included.
//!
//! Users are read a page at a time, by id. What is written can be read back without loss: exporting what was imported gives
//! the same file. A claim that is a text stands under `claim:NAME`, any other (and the empty text) as JSON under
//! `json:NAME`; in JSON lines all are under `claim:NAME`.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;
use tempfile::NamedTempFile;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::configured::ConfigFile;
use super::super::{Failure, block_on, output};
use super::import::{CLAIM, JSON, NAMES};
use super::{failed, store};
use crate::clock::UnixTime;
use crate::config::Config;
use crate::users::{User, UserStore};

/// Users read at once.
const PAGE: usize = 1000;

/// What `export` is told.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct ExportArgs {
    /// How it is written; without it, as the name of the output says, else CSV.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write to this new file, readable by you alone, instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write to a terminal, or over a file that is there.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated values under a header.
    Csv,
    /// One JSON object on each line.
    Jsonl,
}

/// Does it.
pub(in crate::cli) fn run(args: &ExportArgs) -> Result<(), Failure> {
    let config = args.config.load()?;
    let named = args.output.as_deref().and_then(Path::extension).and_then(|extension| extension.to_str());
    let format = match (args.format, named) {
        (Some(format), _) => format,
        (None, Some("jsonl" | "ndjson")) => Format::Jsonl,
        (None, _) => Format::Csv,
    };
    if args.output.is_none() && io::stdout().is_terminal() && !args.force {
        return Err(Failure::usage("an export holds password hashes, and standard output is a terminal")
            .help("name a file with --output FILE, or add --force"));
    }
    match &args.output {
        None => block_on(export(&config, format, io::stdout().lock()))?,
        Some(path) => {
            if path.exists() && !args.force {
                return Err(Failure::usage(format!("there is already a file {}", path.display()))
                    .help("name another, or add --force"));
            }
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            // Readable by its owner alone from the beginning, and there under its name only when it is whole.
            let file =
                NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(|error| unwritten(&error))?;
            block_on(export(&config, format, BufWriter::new(file.as_file())))?;
            file.as_file().sync_all().map_err(|error| unwritten(&error))?;
            let kept = if args.force { file.persist(path) } else { file.persist_noclobber(path) };
            kept.map_err(|error| unwritten(&error.error))?;
        }
    }
    output::note(
        "note: this holds password hashes: keep it as safe as the store itself, and remove it after use",
    );
    Ok(())
}

fn unwritten(error: &io::Error) -> Failure {
    Failure::no(format!("the export cannot be written: {error}")).help("name a file where you may write one")
}

async fn export(config: &Config, format: Format, to: impl Write) -> Result<(), Failure> {
    let users = store(config).await?;
    match format {
        Format::Csv => table(&*users, to).await,
        Format::Jsonl => objects(&*users, to).await,
    }
}

async fn page(users: &dyn UserStore, last: Option<&User>) -> Result<Vec<User>, Failure> {
    users.page(last.map(|user| &user.id), PAGE).await.map_err(|error| failed(&error))
}

async fn objects(users: &dyn UserStore, mut to: impl Write) -> Result<(), Failure> {
    let mut read = page(users, None).await?;
    while !read.is_empty() {
        for user in &read {
            let line = serde_json::to_string(&Object(user)).map_err(io::Error::from);
            line.and_then(|line| writeln!(to, "{line}")).map_err(|error| Failure::writing(&error))?;
        }
        read = page(users, read.last()).await?;
    }
    to.flush().map_err(|error| Failure::writing(&error))
}

async fn table(users: &dyn UserStore, to: impl Write) -> Result<(), Failure> {
    // Which columns there are, the last row decides as much as the first.
    let mut columns = BTreeSet::new();
    let mut read = page(users, None).await?;
    while !read.is_empty() {
        columns.extend(read.iter().flat_map(|user| user.claims.iter().map(column)));
        read = page(users, read.last()).await?;
    }
    let mut to = csv::Writer::from_writer(to);
    let wrote = |error: csv::Error| Failure::writing(&io::Error::from(error));
    let own = NAMES[..7].iter().copied();
    to.write_record(own.chain(columns.iter().map(String::as_str))).map_err(wrote)?;
    let mut read = page(users, None).await?;
    while !read.is_empty() {
        for user in &read {
            let mut cells = texts(user).map(Option::unwrap_or_default).to_vec();
            cells.resize(7 + columns.len(), String::new());
            for (name, value) in user.claims.iter() {
                let found = columns.iter().position(|known| *known == column((name, value)));
                let at = found.ok_or_else(|| {
                    Failure::no("users were changed while they were read").help("run the same command again")
                })?;
                cells[7 + at] = cell(value);
            }
            to.write_record(&cells).map_err(wrote)?;
        }
        read = page(users, read.last()).await?;
    }
    to.flush().map_err(|error| Failure::writing(&error))
}

/// What stands under the first of [`NAMES`], in their order.
fn texts(user: &User) -> [Option<String>; 7] {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    [
        text(user.id.as_str()),
        text(user.login.as_str()),
        user.email.as_deref().and_then(text),
        text(user.password.expose()),
        text(user.scopes.as_str()),
        Some(user.disabled.to_string()),
        user.created.and_then(moment),
    ]
}

/// The column of a claim.
fn column((name, value): (&str, &Value)) -> String {
    let is_text = value.as_str().is_some_and(|text| !text.is_empty());
    format!("{}{name}", if is_text { CLAIM } else { JSON })
}

fn cell(value: &Value) -> String {
    value.as_str().filter(|text| !text.is_empty()).map_or_else(|| value.to_string(), str::to_owned)
}

/// To the millisecond, in UTC.
fn moment(at: UnixTime) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.millis()) * 1_000_000).ok()?;
    at.format(&Rfc3339).ok()
}

/// A user as a line of JSON.
struct Object<'a>(&'a User);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (name, text) in NAMES.into_iter().zip(texts(self.0)) {
            match (name, text) {
                ("disabled", _) => map.serialize_entry(name, &self.0.disabled)?,
                // Without the name, an import would say what it is.
                ("email" | "created", text) => map.serialize_entry(name, &text)?,
                (_, None) => {}
                (_, Some(text)) => map.serialize_entry(name, &text)?,
            }
        }
        for (name, value) in self.0.claims.iter() {
            map.serialize_entry(&format!("{CLAIM}{name}"), value)?;
        }
        map.end()
    }
}
