//! `gatepass sessions …`: who is signed in, since when, from where; end one or all.

use std::sync::Arc;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::clock::{Clock, UnixTime};
use crate::config::Config;
use crate::control::{Client, Listed};
use crate::identity::Digest;
use crate::revocation::Revocations;
use crate::sessions::Sessions;

use super::configured::ConfigFile;
use super::output::{self, Format, moment, table};
use super::{Failure, block_on, revoke, user};

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List a user's sign-ins whose tokens are still good, the latest first.
    ///
    /// `LAST SEEN` is to the minute. Goes through the running gateway's control socket if there is one, else straight
    /// to the store. The latest 100 are listed; older ones end with `revoke --all` like the others.
    #[command(
        after_help = "Examples:\n  gatepass sessions list --user ada@example.org\n  gatepass sessions list --user ada@example.org --format json"
    )]
    List(ListArgs),
    /// End one sign-in, or all of a user: their tokens are refused from now on, everywhere.
    #[command(
        after_help = "Examples:\n  gatepass sessions revoke --user ada@example.org --id 0Zr3VbZ5T6iVn0YlOQpU2w\n  gatepass sessions revoke --user ada@example.org --all"
    )]
    Revoke(RevokeArgs),
}

/// What `list` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Whose.
    #[arg(long, value_name = "LOGIN")]
    user: String,
    /// How to write it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    file: ConfigFile,
}

/// What `revoke` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct RevokeArgs {
    /// Whose.
    #[arg(long, value_name = "LOGIN")]
    user: String,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// This one, as `list` names it.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    id: Option<String>,
    /// Every sign-in of the user up to now.
    #[arg(long)]
    all: bool,
}

/// Does it.
pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List(args) => list(args),
        Command::Revoke(args) => end(args),
    }
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let config = args.file.load()?;
    let sessions = block_on(async {
        let (_, user) = user::existing(&config, &args.user).await?;
        of_user(&config, revoke::digest_of(&config.tokens, &user)?).await
    })?;
    match args.format {
        Format::Json => output::json(&sessions.iter().map(described).collect()),
        Format::Text if sessions.is_empty() => {
            output::note(&format!("note: {} is not signed in anywhere", args.user));
            Ok(())
        }
        Format::Text => {
            let heading = ["ID", "SINCE", "LAST SEEN", "EXPIRES", "ADDRESS", "DEVICE"].map(str::to_owned);
            let rows: Vec<Vec<String>> =
                std::iter::once(heading.to_vec()).chain(sessions.iter().map(row)).collect();
            output::say(&table(&rows))
        }
    }
}

fn end(args: &RevokeArgs) -> Result<(), Failure> {
    let config = args.file.load()?;
    let now = Clock::system().now();
    block_on(async {
        let (_, user) = user::existing(&config, &args.user).await?;
        let Some(id) = &args.which.id else {
            let way = revoke::revoke(&config, revoke::of_user(&config.tokens, &user, now)?).await?;
            return output::say(&format!("ended every sign-in of {}, {way}", user.login));
        };
        let sessions = of_user(&config, revoke::digest_of(&config.tokens, &user)?).await?;
        if sessions.iter().all(|session| session.id != *id) {
            return Err(Failure::no(format!("{} has no session {id}; it may have ended already", user.login))
                .help("`gatepass sessions list` shows those there are; `gatepass token revoke --login` ends one that is not listed"));
        }
        let way = revoke::revoke(&config, revoke::of_login(&config.tokens, id, now)?).await?;
        output::say(&format!("ended the sign-in {id} of {}, {way}", user.login))
    })
}

/// The user's sessions, as the running gateway has them, or else as the store does.
async fn of_user(config: &Config, user: Digest) -> Result<Vec<Listed>, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::no(format!("the sessions cannot be listed: {error}"))
            .help("see that the gateway is well, or that the store of [revocation] can be reached")
    };
    match Client::connect(&config.listen.control).await {
        Ok(Some(gateway)) => gateway.sessions(user).await.map_err(|error| failed(&error)),
        Ok(None) => {
            let settings = config.revocation.without_journal();
            let revocations = Revocations::open(&settings, Clock::system()).await;
            let revocations = revocations.map_err(|error| failed(&error))?;
            if !revocations.is_loaded() {
                return Err(failed(&"the revocation store does not answer"));
            }
            let issuer = &config.tokens.issuer;
            let sessions = Sessions::open(&settings, Arc::clone(&revocations), issuer, Clock::system()).await;
            let sessions = sessions.map_err(|error| failed(&error))?;
            let found = sessions.of_user(user).await.map_err(|error| failed(&error))?;
            Ok(found.iter().map(Listed::from).collect())
        }
        Err(error) => Err(failed(&error)),
    }
}

fn row(session: &Listed) -> Vec<String> {
    let at = |seconds| moment(UnixTime::from_secs(seconds));
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    vec![
        session.id.clone(),
        at(session.since),
        at(session.last_seen),
        at(session.expires),
        text(&session.address),
        text(&session.device),
    ]
}

fn described(session: &Listed) -> Value {
    let at = |seconds| moment(UnixTime::from_secs(seconds));
    json!({
        "id": session.id,
        "since": at(session.since),
        "last_seen": at(session.last_seen),
        "expires": at(session.expires),
        "address": session.address,
        "device": session.device,
    })
}
