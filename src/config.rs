//! What does the file say? Reads `gateway.toml` strictly into each room's settings; all problems in one run.
//!
//! One room per section of the file. Each reads its part through `Section`, which remembers the keys it was
//! asked for, so that any other key is an error with a suggestion, and a key of a later version is refused by name.
//! Nothing that fails to parse becomes a default: a file with one problem gives no configuration at all.

mod account_check;
mod against;
mod endpoints;
pub mod expect;
mod hosts;
mod identity;
mod later;
mod limits;
mod listen;
mod mask;
mod overlap;
mod passwords;
mod problem;
mod reading;
mod redis_place;
mod routes;
mod section;
mod settings;
mod signin_page;
mod source;
mod stores;
mod streams;
mod text;
mod throttle;
mod tokens;
mod upstreams;
mod users;

use std::path::Path;

pub use against::{BecomesPublic, becomes_public};
pub use problem::Finding;
pub use settings::{Config, Expect, ExpectAs, LogSettings, PasswordSettings};
pub(crate) use upstreams::parse_server;

/// Everything wrong with a file: every problem with its line, the offending text and what to write instead.
#[derive(Debug)]
pub struct Report {
    /// The problems, rendered for a terminal without colour.
    pub text: String,
    /// How many.
    pub problems: usize,
    /// The same problems, one by one, for programs.
    pub findings: Vec<Finding>,
    /// Rendered warnings, as in [`Loaded::warnings`].
    pub warnings: Vec<String>,
    /// The file could not be read at all (absent, not permitted, not UTF-8).
    pub unreadable: bool,
}

/// A configuration, and what a careful reader would warn about.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Rendered warnings (weak secret, unreachable route, plaintext listener off loopback, shadowed route).
    pub warnings: Vec<String>,
}

/// Converts this text as if it stood at `path`: what `load` does behind the reading.
#[cfg(fuzzing)]
#[doc(hidden)]
pub fn load_text(path: &Path, text: &str) -> Result<Loaded, Report> {
    reading::whole(path, text)
}

/// Reads and converts the file at `path`: its `[[expect]]` cases hold, its secrets and certificates can be read.
pub fn load(path: &Path) -> Result<Loaded, Report> {
    let text = reading::text_of(path)?;
    reading::whole(path, &text)
}
