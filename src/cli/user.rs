//! `gatepass user …`: who may sign in, in the configured store.

mod change;
mod export;
mod import;
mod show;

use std::sync::Arc;

use clap::Subcommand;

use crate::config::Config;
use crate::identity::{AskedLogin, BadText, LoginName};
use crate::users::{self, User, UserStore};

use super::Failure;
use super::configured::ConfigFile;
use super::output::Format;
use super::stdin::PasswordSource;

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a user; the password is asked for.
    #[command(
        after_help = "Examples:\n  gatepass user add ada@example.org --scopes 'event:read event:write'\n  gatepass user add ada --email ada@example.org --password-stdin < password.txt"
    )]
    Add(AddArgs),
    /// List all users.
    #[command(after_help = "Example:\n  gatepass user list --format json")]
    List(ListArgs),
    /// Show one user.
    #[command(after_help = "Example:\n  gatepass user show ada@example.org")]
    Show(ShowArgs),
    /// Set a user's password, and revoke all their tokens.
    #[command(after_help = "Example:\n  gatepass user passwd ada@example.org")]
    Passwd(PasswdArgs),
    /// Keep a user from signing in, and revoke all their tokens.
    #[command(after_help = "Example:\n  gatepass user disable ada@example.org")]
    Disable(OneUser),
    /// Let a disabled user sign in again; their old tokens stay revoked.
    #[command(after_help = "Example:\n  gatepass user enable ada@example.org")]
    Enable(OneUser),
    /// Remove a user, and revoke all their tokens.
    #[command(after_help = "Example:\n  gatepass user delete ada@example.org")]
    Delete(OneUser),
    /// Add users from a file, with the password hashes they have.
    ///
    /// Exit codes: 0 every row is in, or there already; 1 some were refused, or it did not come to its end; 2 the command
    /// line, the configuration or the file's header is wrong. Running it again goes on where it ended.
    #[command(
        after_help = "Examples:\n  gatepass user import users.csv --dry-run\n  gatepass user import users.csv --report refused.jsonl\n  gatepass user import /etc/apache2/.htpasswd --from htpasswd --scopes 'event:read'"
    )]
    Import(import::ImportArgs),
    /// Write all users to a file that `import` reads, with their password hashes.
    #[command(
        after_help = "Examples:\n  gatepass user export --output users.csv\n  gatepass user export --format jsonl | age -r age1… > users.jsonl.age"
    )]
    Export(export::ExportArgs),
}

/// What `add` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct AddArgs {
    /// What they sign in with: an e-mail address or a user name.
    login: String,
    /// Their e-mail address; the login, if that is one.
    #[arg(long)]
    email: Option<String>,
    /// What their tokens may allow: scopes, separated by spaces.
    #[arg(long, value_name = "SCOPES", default_value = "")]
    scopes: String,
    #[command(flatten)]
    password: PasswordSource,
    #[command(flatten)]
    file: ConfigFile,
}

/// What `list` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ListArgs {
    /// How to write it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    file: ConfigFile,
}

/// What `show` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// What they sign in with.
    login: String,
    /// How to write it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    file: ConfigFile,
}

/// What `passwd` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PasswdArgs {
    /// What they sign in with.
    login: String,
    #[command(flatten)]
    password: PasswordSource,
    #[command(flatten)]
    file: ConfigFile,
}

/// What a command about one user is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct OneUser {
    /// What they sign in with.
    login: String,
    #[command(flatten)]
    file: ConfigFile,
}

/// Does it.
pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Add(args) => change::add(args),
        Command::List(args) => show::list(&args),
        Command::Show(args) => show::show(&args),
        Command::Passwd(args) => change::passwd(&args),
        Command::Disable(args) => change::disable(&args),
        Command::Enable(args) => change::enable(&args),
        Command::Delete(args) => change::delete(&args),
        Command::Import(args) => import::run(&args),
        Command::Export(args) => export::run(&args),
    }
}

/// The store and the user in it that signs in as `login`.
pub(super) async fn existing(config: &Config, login: &str) -> Result<(Arc<dyn UserStore>, User), Failure> {
    let asked = AskedLogin::parse(login).map_err(no_login)?;
    let store = store(config).await?;
    match store.by_login(&asked).await.map_err(|error| failed(&error))? {
        Some(user) => Ok((store, user)),
        None => Err(vanished(asked.canonical())),
    }
}

async fn store(config: &Config) -> Result<Arc<dyn UserStore>, Failure> {
    users::open(&config.users).await.map_err(|error| failed(&error))
}

fn login_name(text: &str) -> Result<LoginName, Failure> {
    LoginName::parse(text).map_err(no_login)
}

fn no_login(error: BadText) -> Failure {
    Failure::usage(format!("the login {error}"))
        .help("a login is an e-mail address or a user name of at most 255 bytes")
}

fn failed(error: &impl std::fmt::Display) -> Failure {
    Failure::no(error.to_string())
        .help("see that `store` in [users] can be reached, and read and written by you")
}

fn vanished(login: &LoginName) -> Failure {
    Failure::no(format!("there is no user {login}")).help("`gatepass user list` lists those there are")
}
