//! `gatepass token revoke` and `lift`: end a token, a sign-in, all tokens of a user or of a key before their time, and
//! take that back.

use crate::clock::Clock;
use crate::config::Config;
use crate::identity::{Digest, Subject};
use crate::revocation::{Revocation, Scope};
use crate::token::{KeyId, KeyRing, TokenError, key_of};

use super::super::configured::ConfigFile;
use super::super::revoke;
use super::super::{Failure, block_on, output, stdin, user};
use super::verifier;

/// What `revoke` and `lift` are told.
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
    /// Every token of this subject, up to now: its `sub` as backends see it, also of a trusted issuer or minted.
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// Every token of this sign-in: the `sid` of any of them.
    #[arg(long, value_name = "SID")]
    login: Option<String>,
    /// Every token signed with this key, also those still to come: the `kid` of any of them.
    #[arg(long, value_name = "KID")]
    key: Option<String>,
}

/// Revokes, and says which way it went.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args.file.load()?;
    let text = args.what.token.as_deref().map(stdin::token).transpose()?;
    block_on(async {
        let Some((named, revocation)) = args.what.named(&config, text.as_deref()).await? else {
            return output::say("nothing to revoke: the token has expired and is refused anyway");
        };
        let way = revoke::revoke(&config, revocation).await?;
        output::say(&format!("revoked {named}, {way}"))?;
        if args.what.key.as_deref() == Some(KeyRing::new(&config.tokens).current().as_str()) {
            output::note(
                "note: this is the key that signs. Every token is refused, new ones too, until `secret` in [tokens] is changed",
            );
        }
        Ok(())
    })
}

/// Takes a revocation back, and says which way it went.
pub(super) fn lift(args: &Args) -> Result<(), Failure> {
    let config = args.file.load()?;
    let text = args.what.token.as_deref().map(stdin::token).transpose()?;
    block_on(async {
        let Some((named, revocation)) = args.what.named(&config, text.as_deref()).await? else {
            return output::say("nothing to lift: the token has expired and stays refused");
        };
        let way = revoke::lift(&config, revocation).await?;
        output::say(&format!("lifted the revocation of {named}, {way}"))
    })
}

impl What {
    /// What is named, in words and as an order; nothing if it is a token that has expired.
    async fn named(
        &self,
        config: &Config,
        token: Option<&str>,
    ) -> Result<Option<(String, Revocation)>, Failure> {
        let now = Clock::system().now();
        Ok(Some(match (token, self) {
            (Some(token), _) => match of_token(config, token)? {
                Some(revocation) => ("the token".to_owned(), revocation),
                None => return Ok(None),
            },
            (_, Self { user: Some(login), .. }) => {
                let (_, user) = user::existing(config, login).await?;
                (format!("every token of {}", user.login), revoke::of_user(&config.tokens, &user, now)?)
            }
            (_, Self { subject: Some(subject), .. }) => {
                (format!("every token of the subject {subject}"), of_subject(config, subject)?)
            }
            (_, Self { login: Some(sid), .. }) => {
                ("the sign-in".to_owned(), revoke::of_login(&config.tokens, sid, now)?)
            }
            (_, Self { key: Some(kid), .. }) => {
                (format!("every token of the key {kid}"), of_key(config, kid)?)
            }
            _ => return Err(Failure::usage("nothing is named")),
        }))
    }
}

/// What revokes every token of a subject up to now.
fn of_subject(config: &Config, subject: &str) -> Result<Revocation, Failure> {
    let subject = Subject::parse(subject).map_err(|error| {
        Failure::usage(format!("the subject {error}")).help("pass the `sub` that backends see: `legacy:ada`")
    })?;
    let digest = config.tokens.subject.digest(&config.tokens.issuer, &subject);
    let expires = revoke::forgotten(&config.tokens, Clock::system().now());
    Ok(Revocation { scope: Scope::User, digest, expires })
}

/// What revokes a key of ours or of a trusted issuer: for good, because whoever holds it can go on signing.
fn of_key(config: &Config, kid: &str) -> Result<Revocation, Failure> {
    let ring = KeyRing::new(&config.tokens);
    let trusted: Vec<KeyId> = config.tokens.trusted.iter().map(|trusted| key_of(&trusted.secret)).collect();
    let known: Vec<&str> = ring.ids().chain(&trusted).map(KeyId::as_str).collect();
    if !known.contains(&kid) {
        return Err(Failure::usage(format!("the configuration has no key `{kid}`"))
            .help(format!("it has {}; tokens of any other are refused already", known.join(", "))));
    }
    let digest = Digest::of_key(&config.tokens.issuer, kid);
    Ok(Revocation { scope: Scope::Key, digest, expires: Revocation::NEVER })
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
