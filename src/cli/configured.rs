//! Which configuration? `--config FILE`, `gateway.toml` by default, read whole or not at all.

use std::path::{Path, PathBuf};

use crate::config::{self, Config};

use super::{Failure, output};

/// The file a command reads when it is not told another.
pub(super) const DEFAULT: &str = "gateway.toml";

/// `--config`, for commands that need one.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ConfigFile {
    /// The configuration file.
    #[arg(long, short, value_name = "FILE", default_value = DEFAULT)]
    pub(super) config: PathBuf,
}

impl ConfigFile {
    /// Reads it; what is wrong with it has been told in full when this fails.
    pub(super) fn load(&self) -> Result<Config, Failure> {
        load(&self.config).map(|loaded| loaded.config)
    }
}

/// `--config`, for commands that do well without one.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct OptionalConfigFile {
    /// The configuration file; without it, `gateway.toml` if there is one here.
    #[arg(long, short, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

impl OptionalConfigFile {
    /// Reads the named file, or the default one if it exists. A file that is there must be right.
    pub(super) fn load(&self) -> Result<Option<Config>, Failure> {
        match &self.config {
            Some(named) => load(named).map(|loaded| Some(loaded.config)),
            None if Path::new(DEFAULT).exists() => load(Path::new(DEFAULT)).map(|loaded| Some(loaded.config)),
            None => Ok(None),
        }
    }
}

/// Reads `path`, with its warnings.
pub(super) fn load(path: &Path) -> Result<config::Loaded, Failure> {
    if !path.exists() {
        return Err(Failure::usage(format!("there is no configuration file {}", path.display()))
            .help("`gatepass init` writes one to start from; `--config FILE` names another"));
    }
    config::load(path).map_err(|report| {
        output::note(report.text.trim_end());
        let problems =
            if report.problems == 1 { "1 problem" } else { &format!("{} problems", report.problems) };
        Failure::usage(format!("{} has {problems}", path.display()))
            .help(format!("mend the above, then run `gatepass check {}`", path.display()))
    })
}
