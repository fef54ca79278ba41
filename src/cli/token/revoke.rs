//! `gatepass token revoke`: end a token, a sign-in, or all tokens of a user, before their time.

use crate::clock::{Clock, UnixTime};
use crate::config::Config;
use crate::identity::{Digest, LoginId};
use crate::revocation::{Revocation, Scope};
use crate::token::TokenError;

use super::super::configured::ConfigFile;
use super::super::revoke::{self, forgotten};
use super::super::{Failure, block_on, output, stdin, user};
use super::verifier;

/// What `revoke` is told.
#[derive(Clone, Debug, clap::Args)]
pub(in super::super) struct Args {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// This token, or `-` to read it from standard input.
    #[arg(value_name = "TOKEN|-", allow_hyphen_values = true)]
    token: Option<String>,
    /// Every token of this user, up to now.
    #[arg(long, value_name = "LOGIN")]
    user: Option<String>,
    /// Every token of this sign-in: the `sid` of any of them.
    #[arg(long, value_name = "SID")]
    login: Option<String>,
}

/// Revokes, and says which way it went.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args.file.load()?;
    let text = args.what.token.as_deref().map(stdin::token).transpose()?;
    let now = Clock::system().now();
    block_on(async {
        let (named, revocation) = match (&text, &args.what.user, &args.what.login) {
            (Some(token), ..) => match of_token(&config, token)? {
                Some(revocation) => ("the token".to_owned(), revocation),
                None => return output::say("nothing to revoke: the token has expired and is refused anyway"),
            },
            (_, Some(login), _) => {
                let (_, user) = user::existing(&config, login).await?;
                (format!("every token of {}", user.login), revoke::of_user(&config.tokens, &user, now)?)
            }
            (.., Some(sid)) => ("the sign-in".to_owned(), of_login(&config, sid, now)?),
            (None, None, None) => return Err(Failure::usage("nothing is named to be revoked")),
        };
        let way = revoke::revoke(&config, revocation).await?;
        output::say(&format!("revoked {named}, {way}"))
    })
}

/// What revokes one token of ours; nothing if it has expired.
fn of_token(config: &Config, token: &str) -> Result<Option<Revocation>, Failure> {
    match verifier(config).verify(token) {
        Ok(verified) => Ok(Some(Revocation {
            scope: Scope::Token,
            digest: verified.digests().token,
            expires: verified.expires().plus(config.tokens.leeway),
        })),
        Err(TokenError::Expired) => Ok(None),
        Err(error) => Err(Failure::no(format!("not revoked: this is not a token of this gateway: {error}"))
            .help("`gatepass token inspect -` shows what it says; `--user` and `--login` revoke by name")),
    }
}

fn of_login(config: &Config, sid: &str, now: UnixTime) -> Result<Revocation, Failure> {
    let login = LoginId::parse(sid).map_err(|error| {
        Failure::usage(format!("the sign-in's identifier {error}"))
            .help("pass the `sid` claim of one of its tokens; `gatepass token inspect -` shows it")
    })?;
    Ok(Revocation {
        scope: Scope::Login,
        digest: Digest::of_login(&config.tokens.issuer, &login),
        expires: forgotten(&config.tokens, now),
    })
}
