//! `gatepass hash`: a password's hash, for a store that something else writes.

use crate::password::{Hasher, HasherSettings, NewPassword, PasswordHash};

use super::configured::OptionalConfigFile;
use super::stdin::PasswordSource;
use super::{Failure, block_on, output};

/// bcrypt's cost when no configuration says otherwise: the default of `[passwords] cost`.
const COST: u32 = 12;

/// What `hash` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    password: PasswordSource,
    #[command(flatten)]
    file: OptionalConfigFile,
}

/// Prints the hash alone on stdout.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let cost = args.file.load()?.map_or(COST, |config| config.passwords.cost);
    let password = args.password.read()?;
    let hashed = block_on(hash(password, cost))?;
    output::say(hashed.expose())
}

/// Hashes one password.
pub(super) async fn hash(password: NewPassword, cost: u32) -> Result<PasswordHash, Failure> {
    let settings = HasherSettings { cost, threads: 1, queue: 1, observe: None };
    let hasher = Hasher::start(settings).map_err(|error| Failure::no(format!("cannot hash: {error}")))?;
    hasher.hash(password).await.map_err(|error| Failure::no(format!("cannot hash: {error}")))
}
