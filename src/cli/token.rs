//! `gatepass token …`: make a token for anybody, look into one, end one.

mod inspect;
mod mint;
mod revoke;

use std::sync::Arc;

use clap::Subcommand;

use crate::clock::Clock;
use crate::config::Config;
use crate::token::{KeyRing, Verifier};

use super::Failure;

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a token for any subject and print it alone on stdout.
    #[command(after_help = "Example:\n  gatepass token mint --sub car:42 --scope drive --lifetime 1h")]
    Mint(mint::Args),
    /// Show what a token says, without trusting it.
    ///
    /// Prints header and claims as JSON. With a configuration, says on stderr whether the token would verify; the
    /// exit code says only whether the text could be read.
    #[command(
        after_help = "Examples:\n  gatepass token inspect - < token.txt\n  gatepass token inspect \"$TOKEN\"\n\nAn argument is visible to other users of the machine in process listings; `-` reads standard input."
    )]
    Inspect(inspect::Args),
    /// Revoke a token, a sign-in, or every token of a user or a key.
    ///
    /// Goes through the running gateway's control socket if there is one, else straight to the store.
    #[command(
        after_help = "Examples:\n  gatepass token revoke - < token.txt\n  gatepass token revoke --user ada@example.org\n  gatepass token revoke --subject legacy:ada\n  gatepass token revoke --login 0Zr3VbZ5T6iVn0YlOQpU2w\n\nAn argument is visible to other users of the machine in process listings; `-` reads standard input."
    )]
    Revoke(revoke::Args),
    /// Take a revocation back: what it named is good again, if it has not expired.
    ///
    /// Lifting a user's revocation makes all their older tokens good again. Goes the same way as `revoke`.
    #[command(
        after_help = "Examples:\n  gatepass token lift - < token.txt\n  gatepass token lift --user ada@example.org"
    )]
    Lift(revoke::Args),
}

/// Does it.
pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Mint(args) => mint::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Revoke(args) => revoke::run(&args),
        Command::Lift(args) => revoke::lift(&args),
    }
}

/// The verifier the gateway would use.
pub(super) fn verifier(config: &Config) -> Verifier {
    Verifier::new(&config.tokens, Arc::new(KeyRing::new(&config.tokens)), Clock::system())
}
