//! `gatepass hash`: a password's hash, for a store that something else writes.

use crate::config::PasswordSettings;
use crate::password::{Hasher, HasherSettings, NewHash, NewPassword, PasswordHash, PasswordPolicy};

use super::configured::OptionalConfigFile;
use super::stdin::PasswordSource;
use super::{Failure, block_on, output};

/// What is hashed with when no configuration says otherwise: the default of `[passwords]`.
const DEFAULT: NewHash = NewHash::Bcrypt { cost: 12 };

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
    let passwords = args.file.load()?.map(|config| config.passwords);
    let policy = passwords.as_ref().map_or_else(|| Ok(PasswordPolicy::default()), policy)?;
    let password = args.password.read(&policy)?;
    let hashed = block_on(hash(password, passwords.map_or(DEFAULT, |passwords| passwords.hash)))?;
    output::say(hashed.expose())
}

/// The rules for new passwords.
pub(super) fn policy(passwords: &PasswordSettings) -> Result<PasswordPolicy, Failure> {
    passwords.policy().map_err(|(wrong, remedy)| Failure::no(wrong).help(remedy))
}

/// Hashes one password.
pub(super) async fn hash(password: NewPassword, hash: NewHash) -> Result<PasswordHash, Failure> {
    let hasher = Hasher::start(HasherSettings::of(hash))
        .map_err(|error| Failure::no(format!("cannot hash: {error}")))?;
    hasher.hash(password).await.map_err(|error| Failure::no(format!("cannot hash: {error}")))
}
