//! `gatepass completions SHELL`: a script that completes our commands.

use clap_complete::Shell;

use super::{Failure, output};

/// What `completions` is told.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Args {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Writes the script for `tree`.
pub(super) fn run(args: Args, mut tree: clap::Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut tree, "gatepass", &mut script);
    output::raw(&script)
}
