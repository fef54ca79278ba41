//! Who asks? Nobody, the bearer of a token, or somebody who signs in at this moment: for them a token is made here,
//! as the gateway would make it, and shown to nobody.

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::Config;
use crate::identity::{Claims, LoginId, Scopes, Subject};
use crate::token::{Grant, Issuer, KeyRing};
use crate::users::User;

use super::super::{Failure, block_on, stdin, user};
use super::Who;

/// Who asks.
pub(super) enum Asker {
    /// Nobody known.
    Nobody,
    /// The bearer of this token.
    Token(String),
    /// The bearer of this token, which was made for the question.
    SignedInNow(String),
}

impl Asker {
    /// Reads the options.
    pub(super) fn read(who: &Who, config: &Config) -> Result<Self, Failure> {
        if let Some(token) = &who.token {
            return stdin::token(token).map(Self::Token);
        }
        if who.token_stdin {
            return stdin::one_line("token").map(|token| Self::Token(token.trim().to_owned()));
        }
        if let Some(login) = &who.user {
            let (_, user) = block_on(user::existing(config, login))?;
            if user.disabled {
                return Err(Failure::no(format!("{} is disabled and cannot sign in", user.login)).help(
                    format!(
                        "`gatepass user enable {}` lets them; `--scopes` asks for somebody else",
                        user.login
                    ),
                ));
            }
            return Ok(Self::SignedInNow(issue(config, of_user(config, user)?)));
        }
        match &who.scopes {
            Some(text) => Ok(Self::SignedInNow(issue(config, of_somebody(text)?))),
            None => Ok(Self::Nobody),
        }
    }

    /// The `Authorization` they send.
    pub(super) fn authorization(&self) -> Option<String> {
        match self {
            Self::Nobody => None,
            Self::Token(token) | Self::SignedInNow(token) => Some(format!("Bearer {token}")),
        }
    }

    /// Whether they sign in at this moment.
    pub(super) const fn is_new(&self) -> bool {
        matches!(self, Self::SignedInNow(_))
    }
}

fn issue(config: &Config, grant: Grant) -> String {
    Issuer::new(&config.tokens, Arc::new(KeyRing::new(&config.tokens)), Clock::system()).issue(grant).token
}

fn of_user(config: &Config, user: User) -> Result<Grant, Failure> {
    let subject = config.tokens.subject.of(&user.id, &user.login);
    let subject =
        subject.map_err(|error| Failure::no(format!("the subject of {}'s tokens {error}", user.login)))?;
    Ok(Grant {
        subject,
        preferred_username: Some(user.login.to_string()),
        email: user.email,
        scopes: user.scopes,
        login: Some((LoginId::new(), 0)),
        client_id: "explain".to_owned(),
        lifetime: None,
        claims: user.claims,
    })
}

fn of_somebody(scopes: &str) -> Result<Grant, Failure> {
    let scopes = Scopes::parse(scopes).map_err(|error| {
        Failure::usage(format!("a scope {error}"))
            .help("write scopes separated by spaces: --scopes 'event:read event:write'")
    })?;
    let subject = Subject::parse("somebody").map_err(|error| Failure::no(error.to_string()))?;
    Ok(Grant {
        subject,
        preferred_username: Some("somebody".to_owned()),
        email: None,
        scopes,
        login: Some((LoginId::new(), 0)),
        client_id: "explain".to_owned(),
        lifetime: None,
        claims: Claims::default(),
    })
}
