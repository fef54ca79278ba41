//! `gatepass user import`: how do users come over from somewhere else, with the hashes they have?
//!
//! The file is read once, row by row, however long it is. What is wrong with a row is told with its line, its field and
//! why, never with what is in it, and keeps nobody else out. Rows are written a batch at a time, each batch whole or not
//! at all where the store can do that; after an interruption the same command goes on where it ended, because who is
//! there already is skipped.

mod lines;
mod progress;
mod report;
mod row;
mod table;
mod write;

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;

use crate::clock::Clock;
use crate::config::Config;
use crate::identity::Scopes;
use crate::users::Mode;

use super::super::configured::ConfigFile;
use super::super::hash::policy;
use super::super::{Failure, block_on, interrupt, output};
use super::store;
use lines::Lines;
use progress::Progress;
use report::Report;
pub(super) use row::{CLAIM, JSON, NAMES};
use row::{Reader, Row};
use table::Table;
use write::Writer;

/// Bytes a row may have, and a line. A user has far fewer.
const MOST: usize = 64 * 1024;

/// What `import` is told.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct ImportArgs {
    /// The file: CSV with a header, JSON lines, or an htpasswd file.
    ///
    /// Names in a header or an object: `login`, `email`, `password_hash`, `scopes`, `disabled`, `created`, `id`, and `claim:NAME` for
    /// further claims (in CSV, `json:NAME` for one that is not a text).
    file: PathBuf,
    /// What the file is, where its name does not say (.csv, .jsonl, .ndjson, .htpasswd).
    #[arg(long, value_enum, value_name = "FORMAT")]
    from: Option<From>,
    /// Check everything, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// What becomes of a row whose login somebody has already: it is left out, it sets that user's password hash, scopes
    /// and state, or it ends the import.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    on_conflict: OnConflict,
    /// What users may ask for whose row does not say: scopes, separated by spaces.
    #[arg(long, value_name = "SCOPES", default_value = "")]
    scopes: String,
    /// Take passwords in plain text under `password`, and hash them. Remove the file afterwards.
    #[arg(long)]
    hash_passwords: bool,
    /// Write every row that was refused or skipped to this file: CSV if its name ends so, else JSON lines.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

/// What the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum From {
    /// Comma-separated values under a header.
    Csv,
    /// One JSON object on each line.
    Jsonl,
    /// Lines of `login:hash`.
    Htpasswd,
}

/// What becomes of a row whose login somebody has already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OnConflict {
    /// It is left out.
    #[default]
    Skip,
    /// It changes that user.
    Update,
    /// The import ends there.
    Fail,
}

/// Does it.
pub(in crate::cli) fn run(args: &ImportArgs) -> Result<(), Failure> {
    let config = args.config.load()?;
    let from = format(args)?;
    let scopes = Scopes::parse(&args.scopes).map_err(|error| {
        Failure::usage(format!("a scope {error}"))
            .help("write scopes separated by spaces: --scopes 'event:read event:write'")
    })?;
    let file = File::open(&args.file).map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}", args.file.display()))
            .help("name a file of users that you may read")
    })?;
    let report = Report::open(args.report.as_deref())?;
    let rows = Rows::begin(file, from)?;
    block_on(import(args, &config, rows, scopes, report))
}

fn format(args: &ImportArgs) -> Result<From, Failure> {
    if let Some(from) = args.from {
        return Ok(from);
    }
    let extension = args.file.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
    let name = args.file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match extension.as_deref() {
        Some("csv") => Ok(From::Csv),
        Some("jsonl" | "ndjson") => Ok(From::Jsonl),
        Some("htpasswd") => Ok(From::Htpasswd),
        None if matches!(name, "htpasswd" | ".htpasswd") => Ok(From::Htpasswd),
        _ => Err(Failure::usage(format!("the name {} does not say what the file is", args.file.display()))
            .help("add --from csv, --from jsonl or --from htpasswd")),
    }
}

async fn import(
    args: &ImportArgs,
    config: &Config,
    mut rows: Rows,
    scopes: Scopes,
    report: Report,
) -> Result<(), Failure> {
    let users = store(config).await?;
    let mode = (config.users.mode == Mode::ReadOnly).then_some("`mode` in [users] is read_only");
    if let Some(why) = mode.or(users.read_only()) {
        return Err(Failure::no(format!("users cannot be added to this store: {why}"))
            .help("mode = \"read_write\" in [users], if the store can be written"));
    }
    let told = told()?;
    let plain = args.hash_passwords.then(|| policy(&config.passwords)).transpose()?;
    let reader = Reader { scopes, plain, verify: config.passwords.verify, now: Clock::system().now() };
    let mut writer = Writer::new(config, users, report, args.on_conflict, args.dry_run, args.hash_passwords)?;
    let mut progress = Progress::begin();
    let mut done = Ok(());
    while let Some(Row { line, said }) = rows.next()? {
        match said.and_then(|said| reader.candidate(line, said)) {
            Ok(candidate) => done = writer.take(candidate).await,
            Err(refusal) => writer.refuse(line, &refusal)?,
        }
        if done.is_err() || told.load(Ordering::Relaxed) {
            break;
        }
        progress.row();
    }
    if done.is_ok() {
        done = writer.flush().await;
    }
    progress.end();
    let refused = writer.finish()?;
    done?;
    if told.load(Ordering::Relaxed) {
        return Err(Failure::no("interrupted; what is said above was done, and nothing by half")
            .help("run the same command again to go on: who is there already is skipped"));
    }
    if refused > 0 { Err(Failure::Answered(1)) } else { Ok(()) }
}

/// Becomes true once somebody wants it ended.
fn told() -> Result<Arc<AtomicBool>, Failure> {
    let until_told = interrupt::until_told()?;
    let told = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&told);
    tokio::spawn(async move {
        until_told.await;
        flag.store(true, Ordering::Relaxed);
    });
    Ok(told)
}

/// The rows of a file.
enum Rows {
    Table(Box<Table<File>>),
    Objects(Lines<BufReader<File>>),
    Htpasswd(Lines<BufReader<File>>),
}

impl Rows {
    fn begin(file: File, from: From) -> Result<Self, Failure> {
        Ok(match from {
            From::Csv => Self::Table(Box::new(Table::begin(file)?)),
            From::Jsonl => Self::Objects(Lines::of(BufReader::new(file))),
            From::Htpasswd => Self::Htpasswd(Lines::of(BufReader::new(file))),
        })
    }

    /// The next one, as far as its form goes.
    fn next(&mut self) -> Result<Option<Row>, Failure> {
        match self {
            Self::Table(table) => table.next(),
            Self::Objects(lines) => lines.next(lines::object).map_err(|error| unreadable(&error)),
            Self::Htpasswd(lines) => lines.next(lines::htpasswd).map_err(|error| unreadable(&error)),
        }
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::no(format!("the file cannot be read on: {error}"))
        .help("see that it can, then run the same command again: who is there already is skipped")
}

/// Whether a path ends so, in any case.
fn ends_in(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}
