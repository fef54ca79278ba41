//! `gatepass token mint`: a token for a machine, a job, a test; it belongs to no sign-in.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::identity::{Claims, Scopes, Subject};
use crate::token::{Grant, Issuer, KeyRing, Settings};

use super::super::configured::ConfigFile;
use super::super::{Failure, output};

/// What `mint` is told.
#[derive(Clone, Debug, clap::Args)]
pub(in super::super) struct Args {
    /// Whom the token speaks for: `sub`.
    #[arg(long, value_name = "SUBJECT")]
    sub: String,
    /// What it allows: scopes, separated by spaces; may be given several times.
    #[arg(long, value_name = "SCOPES")]
    scope: Vec<String>,
    /// How long it lives, such as 1h or 30m; the configured lifetime if absent, never more than `max_lifetime`.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    lifetime: Option<Duration>,
    /// The client it is for: `client_id`.
    #[arg(long, value_name = "ID", default_value = "gatepass-cli")]
    client_id: String,
    /// A name for people: `preferred_username`.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    #[command(flatten)]
    file: ConfigFile,
}

/// Prints the token alone on stdout.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args.file.load()?;
    let grant = grant(args, &config.tokens)?;
    let keys = Arc::new(KeyRing::new(&config.tokens));
    output::say(&Issuer::new(&config.tokens, keys, Clock::system()).issue(grant).token)
}

fn grant(args: &Args, tokens: &Settings) -> Result<Grant, Failure> {
    let presentable = |what: &str, text: &str| {
        Subject::parse(text).map_err(|error| {
            Failure::usage(format!("{what} {error}")).help("it may hold up to 255 bytes of printable text")
        })
    };
    let scopes = Scopes::parse(&args.scope.join(" ")).map_err(|error| {
        Failure::usage(format!("a scope {error}"))
            .help("write scopes separated by spaces: --scope 'drive park'")
    })?;
    Ok(Grant {
        subject: presentable("--sub", &args.sub)?,
        preferred_username: args
            .username
            .as_deref()
            .map(|name| presentable("--username", name))
            .transpose()?
            .map(|name| name.to_string()),
        email: None,
        scopes,
        login: None,
        client_id: presentable("--client-id", &args.client_id)?.to_string(),
        lifetime: args.lifetime.map(|asked| within(asked, tokens.max_lifetime)).transpose()?,
        claims: Claims::default(),
    })
}

/// A lifetime that a verifier of ours would accept.
fn within(asked: Duration, most: Duration) -> Result<Duration, Failure> {
    if asked < Duration::from_secs(1) {
        return Err(Failure::usage("a token must live for at least one second")
            .help("write --lifetime 1h, for example"));
    }
    if asked > most {
        let (asked, most) = (humantime::format_duration(asked), humantime::format_duration(most));
        return Err(Failure::usage(format!("a lifetime of {asked} is more than `max_lifetime`, {most}"))
            .help(format!("ask for at most {most}, or raise `max_lifetime` under [tokens]")));
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_stays_within_bounds() {
        let hour = Duration::from_secs(3600);
        assert_eq!(within(hour, hour).unwrap(), hour);
        assert!(within(hour + Duration::from_secs(1), hour).is_err());
        assert!(within(Duration::ZERO, hour).is_err());
    }
}
