//! Make a token: the claims of RFC 9068 §2, signed with the current key.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, Header};
use serde::Serialize;

use super::minting::Payload;
use super::{KeyRing, Minting, PasswordVersion, Settings};
use crate::clock::Clock;
use crate::identity::{Claims, LoginId, Scopes, Subject, TokenId};

/// What a token is to say.
#[derive(Clone, Debug)]
pub struct Grant {
    /// `sub`.
    pub subject: Subject,
    /// `preferred_username`: the login name.
    pub preferred_username: Option<String>,
    /// `email`.
    pub email: Option<String>,
    /// `scope`.
    pub scopes: Scopes,
    /// `sid`, and the version the revocation log gave this sign-in (`login_version`).
    pub login: Option<(LoginId, u64)>,
    /// `client_id` (RFC 9068 §2.2).
    pub client_id: String,
    /// How long it lives; the configured lifetime if absent. Whole seconds count, and never more than `max_lifetime`.
    pub lifetime: Option<Duration>,
    /// What else is said of the user, each a member of its own.
    pub claims: Claims,
}

/// A token, fresh from the press.
#[derive(Clone)]
pub struct Issued {
    /// The compact serialization (RFC 7515 §3.1).
    pub token: String,
    /// Its `jti`.
    pub token_id: TokenId,
    /// Seconds it is good for: `exp - iat`.
    pub expires_in: u64,
    /// What it allows.
    pub scopes: Scopes,
}

/// Shows everything but the token itself.
impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued")
            .field("token_id", &self.token_id)
            .field("expires_in", &self.expires_in)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Makes tokens.
#[derive(Clone, Debug)]
pub struct Issuer {
    name: Arc<str>,
    audience: Arc<str>,
    minting: Minting,
    lifetime: Duration,
    max_lifetime: Duration,
    keys: Arc<KeyRing>,
    clock: Clock,
}

/// The claims that every token of ours has, in the order they are written.
#[derive(Serialize)]
pub(super) struct Fields<'a> {
    iss: &'a str,
    pub(super) sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    pub(super) exp: u64,
    pub(super) iat: u64,
    nbf: u64,
    pub(super) jti: &'a str,
    client_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pwv: Option<PasswordVersion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) preferred_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<&'a str>,
}

impl Issuer {
    /// An issuer that signs with the current key of `keys`.
    pub fn new(settings: &Settings, keys: Arc<KeyRing>, clock: Clock) -> Self {
        Self {
            name: settings.issuer.as_str().into(),
            audience: settings.audience.as_str().into(),
            minting: settings.minting.clone(),
            lifetime: settings.lifetime,
            max_lifetime: settings.max_lifetime,
            keys,
            clock,
        }
    }

    /// `iss` of its tokens.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Signs `grant`, good from this second on.
    pub fn issue(&self, grant: Grant) -> Issued {
        self.issue_for(grant, None)
    }

    /// The same for somebody who signed in with a password of this version.
    pub fn issue_for(&self, grant: Grant, password: Option<PasswordVersion>) -> Issued {
        let now = self.clock.now().secs();
        let expires_in = grant.lifetime.unwrap_or(self.lifetime).min(self.max_lifetime).as_secs();
        let token_id = TokenId::new();
        let fields = Fields {
            iss: &self.name,
            sub: grant.subject.as_str(),
            aud: (!self.minting.without_audience).then_some(&*self.audience),
            exp: now.saturating_add(expires_in),
            iat: now,
            nbf: now,
            jti: token_id.as_str(),
            client_id: &grant.client_id,
            scope: grant.scopes.as_str(),
            sid: grant.login.as_ref().map(|(login, _)| login.as_str()),
            login_version: grant.login.as_ref().map(|&(_, version)| version),
            pwv: password,
            preferred_username: grant.preferred_username.as_deref(),
            email: grant.email.as_deref(),
        };
        let payload = Payload::new(&fields, &self.minting, &grant.claims);
        let key = self.keys.signer();
        let header = Header {
            typ: Some("at+jwt".into()),
            kid: Some(key.id.as_str().into()),
            ..Header::new(Algorithm::HS256)
        };
        let token = jsonwebtoken::encode(&header, &payload, &key.signing)
            .expect("texts and numbers serialize, and an HMAC key signs HS256");
        Issued { token, token_id, expires_in, scopes: grant.scopes }
    }
}
