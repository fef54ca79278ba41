//! `gatepass run`: serve until told to stop.

use crate::server;

use super::configured::{self, ConfigFile};
use super::{Failure, output};

/// What `run` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) file: ConfigFile,
}

/// Runs the gateway.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let loaded = configured::load(&args.file.config)?;
    for warning in &loaded.warnings {
        output::note(warning.trim_end());
    }
    server::run(loaded.config)
        .map_err(|error| Failure::no(format!("the gateway cannot start: {error}")).help(error.remedy))
}
