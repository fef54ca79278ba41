//! `gatepass explain`: what would the gateway do with this request, and why? Nothing is sent anywhere.
//!
//! The route table, the verifier and the revocation store are the configured ones, and the rooms that decide live
//! requests decide here. A store that cannot be asked is said to be unknown, and then the answer is not a yes.

mod asker;
mod render;

use std::sync::Arc;
use std::time::Duration;

use http::Method;

use crate::access::{self, Question};
use crate::clock::Clock;
use crate::config::Config;
use crate::revocation::{Revocations, Standing, Store};
use crate::route::RouteTable;
use crate::token::Verified;

use super::configured::ConfigFile;
use super::output::Format;
use super::{Failure, block_on, output, token};
use asker::Asker;

/// How long the revocation store may take to be read.
const DEADLINE: Duration = Duration::from_secs(2);

/// What `explain` is told.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  gatepass explain GET /event/\n  gatepass explain POST /event/new --scopes event:write\n  gatepass explain GET /event/ --token-stdin < token.txt\n\nThe exit code is 0 if the request would be let through, 1 if not or not for certain.\nAn argument is visible to other users of the machine in process listings; prefer --token-stdin."
)]
pub(super) struct Args {
    /// The method, such as GET.
    #[arg(value_parser = |text: &str| Method::from_bytes(text.as_bytes()))]
    method: Method,
    /// The path as a client sends it, with a query if there is one.
    path: String,
    #[command(flatten)]
    who: Who,
    /// The Host the request names; without it, routes for one host are left out.
    #[arg(long)]
    host: Option<String>,
    /// How to write it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    file: ConfigFile,
}

/// Who asks; nobody if none is given.
#[derive(Clone, Debug, clap::Args)]
#[group(multiple = false)]
struct Who {
    /// The bearer of this token; `-` reads it from standard input.
    #[arg(long, value_name = "TOKEN|-", allow_hyphen_values = true)]
    token: Option<String>,
    /// The bearer of the token on standard input.
    #[arg(long)]
    token_stdin: bool,
    /// This user, signed in just now with all their scopes.
    #[arg(long, value_name = "LOGIN")]
    user: Option<String>,
    /// Somebody signed in just now with these scopes, separated by spaces.
    #[arg(long, value_name = "SCOPES")]
    scopes: Option<String>,
}

/// Explains, on stdout.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args.file.load()?;
    let asker = Asker::read(&args.who, &config)?;
    let table = RouteTable::build(config.routes.clone(), config.default_route).map_err(|problems| {
        let first = problems.into_iter().next().map_or_else(String::new, |problem| problem.message);
        Failure::usage(format!("the routes do not go together: {first}")).help("`gatepass check` shows where")
    })?;
    let table = table.serving(config.hosts.clone());
    block_on(async {
        // Without a token nothing can be revoked: the store is left alone.
        let revoked = match asker {
            Asker::Nobody => Revoked::Nothing,
            Asker::Token(_) | Asker::SignedInNow(_) => Revoked::open(&config).await,
        };
        let standing = |token: &Verified| revoked.standing(token, asker.is_new());
        let explanation = access::explain(
            &table,
            &token::verifier(&config),
            &endpoints(&config),
            &standing,
            &Question {
                method: &args.method,
                target: args.path.as_bytes(),
                host: args.host.as_deref().map(str::as_bytes),
                authorization: asker.authorization().as_deref(),
            },
        );
        let answer = render::Answer { args, config: &config, explanation: &explanation };
        match args.format {
            Format::Text => output::say(&answer.text())?,
            Format::Json => output::json(&answer.json())?,
        }
        if answer.is_yes() { Ok(()) } else { Err(Failure::Answered(1)) }
    })
}

/// The gateway's own paths.
fn endpoints(config: &Config) -> Vec<&str> {
    config.endpoints.paths().into_iter().flatten().map(String::as_str).collect()
}

/// What is known of revocations.
enum Revoked {
    /// The store has never been written: nothing is revoked.
    Nothing,
    /// Read.
    Known(Arc<Revocations>),
    /// It cannot be asked.
    Unknown,
}

impl Revoked {
    async fn open(config: &Config) -> Self {
        if let Store::Sqlite(path) = &config.revocation.store {
            // Asking must not be what makes the file.
            match path.try_exists() {
                Ok(true) => {}
                Ok(false) => return Self::Nothing,
                Err(error) => return Self::unknown(&error),
            }
        }
        let opened = tokio::time::timeout(DEADLINE, async {
            let revocations =
                Revocations::open(&config.revocation.without_journal(), Clock::system()).await?;
            let mut again = tokio::time::interval(Duration::from_millis(20));
            while !revocations.is_loaded() {
                again.tick().await;
            }
            Ok::<_, crate::revocation::Unavailable>(revocations)
        });
        match opened.await {
            Ok(Ok(revocations)) => Self::Known(revocations),
            Ok(Err(error)) => Self::unknown(&error),
            Err(_) => Self::unknown(&"it does not answer"),
        }
    }

    fn unknown(error: &dyn std::fmt::Display) -> Self {
        output::note(&format!("note: what is revoked cannot be read: {error}"));
        Self::Unknown
    }

    /// How `token` stands. One of a sign-in just now comes after everything revoked before it.
    fn standing(&self, token: &Verified, is_new: bool) -> Option<Standing> {
        match self {
            Self::Nothing => Some(Standing::Clear),
            Self::Unknown => None,
            Self::Known(revocations) => {
                let version = if is_new { Some(u64::MAX) } else { token.login_version() };
                Some(revocations.standing(token.digests(), version, token.issued_at(), None))
            }
        }
    }
}
