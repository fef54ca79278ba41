//! `gatepass check`: is this file right, does it do what its author believes, and what does it open?
//!
//! The report is the answer, so it goes to stdout. Exit codes: 0 nothing is wrong (there may be warnings), 1 something
//! is, 2 a file cannot be read.

mod online;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::{Failure, block_on, failure, output};
use crate::config::{self, BecomesPublic, Config, Loaded, Report};
use crate::route::Access;
use online::Reached;

/// What `check` is told.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  gatepass check\n  gatepass check /etc/gatepass/gateway.toml --online\n  gatepass check new.toml --against /etc/gatepass/gateway.toml"
)]
pub(crate) struct Args {
    /// The configuration file.
    #[arg(value_name = "FILE", default_value = super::configured::DEFAULT)]
    file: PathBuf,
    /// Also reach the stores and the upstreams it names.
    #[arg(long)]
    online: bool,
    /// Also list what becomes public, compared with this older file.
    #[arg(long, value_name = "OLD")]
    against: Option<PathBuf>,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t)]
    format: output::Format,
}

/// Everything that was found.
#[derive(Default)]
struct Answer {
    opened: Vec<BecomesPublic>,
    reached: Vec<Reached>,
}

/// Checks, and says what was found.
#[expect(clippy::needless_pass_by_value, reason = "the dispatcher hands each command its arguments over")]
pub(crate) fn run(args: Args) -> ExitCode {
    failure::exit_code(check(&args))
}

fn check(args: &Args) -> Result<(), Failure> {
    let loaded = match config::load(&args.file) {
        Ok(loaded) => loaded,
        Err(report) => return refuse(args, &args.file, &report),
    };
    let mut answer = Answer::default();
    if let Some(old) = &args.against {
        match config::becomes_public(&loaded.config, old) {
            Ok(opened) => answer.opened = opened,
            Err(report) => return refuse(args, old, &report),
        }
    }
    if args.online {
        answer.reached = block_on(async { Ok(online::reach(&loaded.config).await) })?;
    }
    let unreached = answer.reached.iter().filter(|reached| reached.outcome.is_err()).count();
    match args.format {
        output::Format::Text => output::say(&text(args, &loaded, &answer))?,
        output::Format::Json => output::json(&as_json(&loaded, &answer))?,
    }
    if unreached > 0 { Err(Failure::Answered(1)) } else { Ok(()) }
}

/// Says what is wrong with `file`.
fn refuse(args: &Args, file: &Path, report: &Report) -> Result<(), Failure> {
    match args.format {
        output::Format::Text => {
            let mut parts: Vec<&str> = report.warnings.iter().map(String::as_str).collect();
            parts.push(report.text.trim_end());
            output::say(&parts.join("\n\n"))?;
        }
        output::Format::Json => output::json(&json!({
            "file": file.display().to_string(),
            "ok": false,
            "problems": report.findings.iter().map(finding).collect::<Vec<_>>(),
            "warnings": report.warnings,
        }))?,
    }
    Err(Failure::Answered(if report.unreadable { 2 } else { 1 }))
}

fn finding(finding: &config::Finding) -> Value {
    json!({
        "line": finding.line,
        "column": finding.column,
        "message": finding.message,
        "help": finding.help,
    })
}

fn text(args: &Args, loaded: &Loaded, answer: &Answer) -> String {
    let mut parts = loaded.warnings.clone();
    let mut lines: Vec<String> = Vec::new();
    for reached in &answer.reached {
        lines.push(match &reached.outcome {
            Ok(note) => format!("{}: {note}", reached.what),
            Err(why) => format!("error: {}: {why}", reached.what),
        });
    }
    if let Some(old) = &args.against {
        lines.extend(opened(old, &answer.opened));
    }
    if answer.reached.iter().all(|reached| reached.outcome.is_ok()) {
        lines.push(summary(&loaded.config));
    }
    parts.push(lines.join("\n"));
    parts.join("\n\n")
}

fn opened(old: &Path, opened: &[BecomesPublic]) -> Vec<String> {
    if opened.is_empty() {
        return vec![format!("nothing becomes public that was not in {}", old.display())];
    }
    let mut lines = vec![format!("becomes public, compared with {}:", old.display())];
    for opened in opened {
        let host = opened.host.as_deref().unwrap_or_default();
        let methods = opened.methods.join(",");
        lines
            .push(format!("  {methods} {host}{} (line {}; was {})", opened.path, opened.line, opened.before));
    }
    lines
}

fn summary(config: &Config) -> String {
    let count = |count: usize, noun: &str| match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    };
    let public: Vec<&str> = config
        .routes
        .iter()
        .filter(|route| route.access == Access::Public)
        .map(|route| route.name.as_str())
        .collect();
    let public = if public.is_empty() { "none".to_owned() } else { public.join(", ") };
    let routes = count(config.routes.len(), "route");
    let cases = count(config.expect.len(), "expectation");
    format!("{} is right: {routes} (public: {public}), {cases} met", config.path.display())
}

fn as_json(loaded: &Loaded, answer: &Answer) -> Value {
    let opened = answer.opened.iter().map(|opened| {
        json!({
            "methods": opened.methods,
            "host": opened.host,
            "path": opened.path,
            "line": opened.line,
            "before": opened.before,
        })
    });
    let reached = answer.reached.iter().map(|reached| {
        let (Ok(note) | Err(note)) = &reached.outcome;
        json!({ "what": reached.what, "ok": reached.outcome.is_ok(), "message": note })
    });
    json!({
        "file": loaded.config.path.display().to_string(),
        "ok": answer.reached.iter().all(|reached| reached.outcome.is_ok()),
        "problems": [],
        "warnings": loaded.warnings,
        "becomes_public": opened.collect::<Vec<_>>(),
        "online": reached.collect::<Vec<_>>(),
    })
}
