//! From text to settings: parses the file, has every section read, checks what only the whole can tell.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::against::Rules;
use super::problem::{Finding, Problems, Span, line_of};
use super::section::{Section, suggestion};
use super::{Config, Loaded, Report};
use super::{
    endpoints, expect, identity, limits, listen, overlap, passwords, routes, signin_page, stores, throttle,
    tokens, upstreams, users,
};

/// What every section's reader needs: where problems go, and where the file lies.
pub(super) struct Reading<'a> {
    pub(super) problems: Problems,
    pub(super) source: &'a str,
    folder: &'a Path,
}

impl Reading<'_> {
    /// A path of the file: relative ones begin at the file's own folder.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// The line a span begins on.
    pub(super) fn line(&self, span: &Span) -> usize {
        line_of(self.source, span.start)
    }

    /// A value of the wrong type.
    pub(super) fn wrong_type(&mut self, value: &Spanned<DeValue<'_>>, wanted: &str, example: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.problems.error(
            value.span(),
            format!("this is {found}, not {wanted}"),
            format!("write: {example}"),
        );
    }
}

/// Bytes a configuration may have: some hundred thousand routes.
const MOST: u64 = 16 * 1024 * 1024;

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MOST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(text) }
}

/// The text of the file, or a report that says why there is none.
pub(super) fn text_of(path: &Path) -> Result<String, Report> {
    read(path).map_err(|error| {
        let (reason, help) = match error.kind() {
            io::ErrorKind::NotFound => {
                ("there is no such file", "`gatepass init` writes one, `--config FILE` names another")
            }
            io::ErrorKind::PermissionDenied => {
                ("reading it is not permitted", "give the user that runs gatepass leave to read it")
            }
            io::ErrorKind::InvalidData => ("it is not UTF-8 text", "save it as UTF-8"),
            io::ErrorKind::FileTooLarge => ("it is larger than 16 MiB", "name a configuration file"),
            io::ErrorKind::IsADirectory => ("it is a folder", "name the file in it"),
            _ => ("the system refused it", "see whether the file can be read at all"),
        };
        let message = format!("cannot read {}: {reason}", path.display());
        Report {
            text: format!("error: {message}\n = help: {help}\n"),
            problems: 1,
            findings: vec![Finding { line: 0, column: 0, message, help: help.to_owned() }],
            warnings: Vec::new(),
            unreadable: true,
        }
    })
}

/// Parses; what is not TOML is reported, and the rest is read all the same.
fn parse<'a>(source: &'a str, problems: &mut Problems) -> Spanned<DeTable<'a>> {
    let (root, errors) = DeTable::parse_recoverable(source);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let message = error.message();
        if message == "duplicate key" {
            let key = source.get(span.clone()).unwrap_or_default();
            problems.syntax(span, &format!("`{key}` is set twice"), "keep one of the two");
            continue;
        }
        let help = if message.contains("must be quoted") {
            "put the value into double quotes"
        } else if message.contains("invalid basic string") || message.contains("invalid literal string") {
            "close the string with the quote it began with, on the same line"
        } else {
            "a line is `key = value`; values are \"strings\", numbers, true, false, [lists] and { tables }"
        };
        problems.syntax(span, message, help);
    }
    root
}

/// Reads the whole file.
pub(super) fn whole(path: &Path, source: &str) -> Result<Loaded, Report> {
    let mut reading = start(path, source);
    let root = parse(source, &mut reading.problems);
    let name = path.display().to_string();
    let config = sections(&mut reading, path, root.get_ref());
    if !reading.problems.is_empty() {
        return Err(reading.problems.report(&name, source));
    }
    let config = config.expect("a part that is not there has been reported");
    let warnings = reading.problems.warnings(&name, source);
    Ok(Loaded { config, warnings })
}

/// Reads only what decides who may go where: for a file whose secrets are elsewhere, such as an older version.
pub(super) fn routes_only(path: &Path, source: &str) -> Result<Rules, Report> {
    let mut reading = start(path, source);
    let root = parse(source, &mut reading.problems);
    let mut top = Section::new("", "the file".to_owned(), 0..0, root.get_ref());
    let upstreams = upstreams::read(&mut reading, &mut top);
    let routing = routes::routing(&mut reading, &mut top, &upstreams);
    let routes = routes::read(&mut reading, &mut top, &upstreams, &routing);
    let table = routes::table(&mut reading, &routes, &routing);
    match table {
        Some(table) if reading.problems.is_empty() => Ok(Rules { specs: routes.specs, table }),
        _ => Err(reading.problems.report(&path.display().to_string(), source)),
    }
}

fn start<'a>(path: &'a Path, source: &'a str) -> Reading<'a> {
    let folder = path.parent().unwrap_or(Path::new(""));
    Reading { problems: Problems::default(), source, folder }
}

/// Every section in turn; `None` only when something has been reported.
fn sections(reading: &mut Reading, path: &Path, root: &DeTable<'_>) -> Option<Config> {
    let mut top = Section::new("", "the file".to_owned(), 0..0, root);
    let listen = listen::read(reading, &mut top);
    let upstreams = upstreams::read(reading, &mut top);
    let routing = routes::routing(reading, &mut top, &upstreams);
    let routes = routes::read(reading, &mut top, &upstreams, &routing);
    let tokens = tokens::read(reading, &mut top);
    let (users, accounts) = users::read(reading, &mut top);
    let passwords = passwords::read(reading, &mut top, users.as_ref());
    let throttle = throttle::read(reading, &mut top);
    let revocation = stores::revocation(reading, &mut top);
    let identity = identity::read(reading, &mut top);
    let mut endpoints = endpoints::read(reading, &mut top);
    signin_page::read(reading, &mut top, &mut endpoints);
    let cors = identity::cors(reading, &mut top);
    let limits = limits::read(reading, &mut top);
    let log = limits::log(reading, &mut top);
    let errors = limits::errors(reading, &mut top);
    let expectations = expect::read(reading, &mut top);
    top.finish(reading);

    let table = routes::table(reading, &routes, &routing);
    overlap::check(reading, &endpoints, &routes);
    if let Some(users) = &users {
        endpoints::need_writable(reading, &endpoints, users);
    }
    let config = Config {
        path: path.to_owned(),
        listen: listen?,
        upstreams: upstreams.into_settings(),
        default_route: routing.default_route,
        hosts: routing.hosts,
        routes: routes.specs,
        tokens: identity::with_claims(tokens?, &identity),
        users: users?,
        accounts,
        passwords,
        throttle,
        revocation: revocation?,
        identity,
        endpoints: endpoints.settings,
        cors,
        limits,
        log,
        errors,
        expect: expectations.cases,
    };
    if let (Some(table), true) = (table, reading.problems.is_empty()) {
        for failure in expect::failures(&config, &table) {
            let span = expectations.spans[failure.index].clone();
            reading.problems.error(span, failure.message, failure.help);
        }
    }
    Some(config)
}

/// `did you mean …` over names the user has chosen.
pub(super) fn did_you_mean(written: &str, known: &[&str]) -> String {
    let hint = suggestion(written, known);
    if hint.is_empty() { format!("; there is: {}", known.join(", ")) } else { hint }
}
