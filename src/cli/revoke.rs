//! The one door through which the command line revokes: the running gateway if there is one, else the store itself.

use std::fmt;
use std::time::Duration;

use crate::clock::{Clock, UnixTime};
use crate::config::Config;
use crate::control::{Client, ClientError};
use crate::identity::{Digest, LoginId};
use crate::revocation::{Revocation, Scope, State, write_to_store};
use crate::token::Settings;
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
    order(config, revocation, State::Revoked).await
}

/// Takes a revocation back; `Ok` means that the store took it.
pub(super) async fn lift(config: &Config, revocation: Revocation) -> Result<Way, Failure> {
    order(config, revocation, State::Lifted).await
}

async fn order(config: &Config, revocation: Revocation, state: State) -> Result<Way, Failure> {
    let done = match state {
        State::Revoked => "revoked",
        State::Lifted => "lifted",
    };
    match Client::connect(&config.listen.control).await {
        Ok(Some(gateway)) => {
            let ordered = match state {
                State::Revoked => gateway.revoke(revocation).await,
                State::Lifted => gateway.lift(revocation).await,
            };
            ordered.map_err(|error| not_taken(done, &error))?;
            Ok(Way::Gateway)
        }
        Ok(None) => {
            let written = write_to_store(&config.revocation, Clock::system(), revocation, state).await;
            written.map_err(|error| {
                Failure::no(format!("not {done}: {error}"))
                    .help("see that the store of [revocation] can be reached and written, then try again")
            })?;
            Ok(Way::Store)
        }
        Err(error) => Err(not_taken(done, &error)),
    }
}

fn not_taken(done: &str, error: &ClientError) -> Failure {
    let help = match error {
        ClientError::Unavailable(_) => "see that the store of [revocation] answers, then try again",
        ClientError::Version(_) => "use the gatepass command of the version that is running",
        ClientError::Io(_) | ClientError::Late | ClientError::Refused(_) | ClientError::Garbled => {
            "run this as the user the gateway runs as, and see that the gateway is well"
        }
    };
    Failure::no(format!("not {done}: {error}")).help(help)
}

/// What revokes every token of a user up to now.
pub(super) fn of_user(tokens: &Settings, user: &User, now: UnixTime) -> Result<Revocation, Failure> {
    let digest = digest_of(tokens, user)?;
    Ok(Revocation { scope: Scope::User, digest, expires: forgotten(tokens, now) })
}

/// What a user is revoked and listed by.
pub(super) fn digest_of(tokens: &Settings, user: &User) -> Result<Digest, Failure> {
    let subject = tokens.subject.of(&user.id, &user.login);
    let subject =
        subject.map_err(|error| Failure::no(format!("the subject of {}'s tokens {error}", user.login)))?;
    Ok(tokens.subject.digest(&tokens.issuer, &subject))
}

/// What revokes every token of one sign-in: the `sid` of any of them.
pub(super) fn of_login(tokens: &Settings, sid: &str, now: UnixTime) -> Result<Revocation, Failure> {
    let login = LoginId::parse(sid).map_err(|error| {
        Failure::usage(format!("the sign-in's identifier {error}"))
            .help("pass the `sid` claim of one of its tokens; `gatepass sessions list` and `gatepass token inspect -` show it")
    })?;
    let digest = Digest::of_login(&tokens.issuer, &login);
    Ok(Revocation { scope: Scope::Login, digest, expires: forgotten(tokens, now) })
}

/// From when on no token accepted now can be valid any more.
pub(super) fn forgotten(tokens: &Settings, now: UnixTime) -> UnixTime {
    now.plus(tokens.max_lifetime).plus(tokens.leeway).plus(AHEAD)
}
