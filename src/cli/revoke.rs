//! The one door through which the command line revokes: the running gateway if there is one, else the store itself.

use std::fmt;
use std::time::Duration;

use crate::clock::{Clock, UnixTime};
use crate::config::Config;
use crate::control::{Client, ClientError};
use crate::identity::{Digest, Subject};
use crate::revocation::{Revocation, Revocations, Scope};
use crate::token::{Settings, SubjectForm};
use crate::users::User;

use super::Failure;

/// `iat` may lie this far ahead of our clock, so a token may end this much later than `max_lifetime` from now.
const AHEAD: Duration = Duration::from_secs(5);

/// Which way a revocation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The running gateway took it: in force there already.
    Gateway,
    /// No gateway runs here; the store took it.
    Store,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gateway => "through the running gateway",
            Self::Store => "in the store; no gateway is running here",
        })
    }
}

/// Revokes; `Ok` means that the store took it.
pub(super) async fn revoke(config: &Config, revocation: Revocation) -> Result<Way, Failure> {
    match Client::connect(&config.listen.control).await {
        Ok(Some(gateway)) => {
            gateway.revoke(revocation).await.map_err(|error| not_taken(&error))?;
            Ok(Way::Gateway)
        }
        Ok(None) => {
            let store = Revocations::open(&config.revocation, Clock::system()).await;
            let unavailable = |error| {
                Failure::no(format!("not revoked: {error}"))
                    .help("see that the store of [revocation] can be reached and written, then try again")
            };
            store.map_err(unavailable)?.revoke(revocation).await.map_err(unavailable)?;
            Ok(Way::Store)
        }
        Err(error) => Err(not_taken(&error)),
    }
}

fn not_taken(error: &ClientError) -> Failure {
    let help = match error {
        ClientError::Unavailable(_) => "see that the store of [revocation] answers, then try again",
        ClientError::Version(_) => "use the gatepass command of the version that is running",
        ClientError::Io(_) | ClientError::Late | ClientError::Refused(_) | ClientError::Garbled => {
            "run this as the user the gateway runs as, and see that the gateway is well"
        }
    };
    Failure::no(format!("not revoked: {error}")).help(help)
}

/// What revokes every token of a user up to now.
pub(super) fn of_user(tokens: &Settings, user: &User, now: UnixTime) -> Result<Revocation, Failure> {
    let text = match &tokens.subject {
        SubjectForm::Id => user.id.as_str().to_owned(),
        SubjectForm::Login { prefix } => format!("{prefix}{}", user.login),
    };
    let subject = Subject::parse(&text)
        .map_err(|error| Failure::no(format!("the subject of {}'s tokens {error}", user.login)))?;
    Ok(Revocation {
        scope: Scope::User,
        digest: Digest::of_user(&tokens.issuer, &subject),
        expires: forgotten(tokens, now),
    })
}

/// From when on no token accepted now can be valid any more.
pub(super) fn forgotten(tokens: &Settings, now: UnixTime) -> UnixTime {
    now.plus(tokens.max_lifetime).plus(tokens.leeway).plus(AHEAD)
}
