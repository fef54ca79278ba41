//! What does a good token say? A value that exists has passed every check; only the verifier makes one.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use http::HeaderValue;

use super::TokenError;
use crate::clock::UnixTime;
use crate::identity::{Claims, LoginId, RevocationDigests, Scopes, Subject, TokenId, header_value};
use crate::token::PasswordVersion;

/// How far ahead of our clock `iat` and `nbf` may be: other machines' clocks differ.
const MOST_AHEAD: Duration = Duration::from_secs(5);

/// A token that has been verified; only [`Verifier::verify`](super::Verifier::verify) makes one.
#[derive(Debug)]
pub struct Verified {
    pub(super) trusted: Option<Arc<str>>,
    pub(super) issuer: Arc<str>,
    pub(super) subject: Subject,
    pub(super) token_id: Option<TokenId>,
    pub(super) login_id: Option<LoginId>,
    pub(super) login_version: Option<u64>,
    pub(super) password: Option<PasswordVersion>,
    pub(super) scopes: Scopes,
    pub(super) preferred_username: Option<Box<str>>,
    pub(super) email: Option<Box<str>>,
    pub(super) client_id: Option<Box<str>>,
    pub(super) further: Further,
    pub(super) issued_at: UnixTime,
    pub(super) expires: UnixTime,
    /// The later of `nbf` and `iat`.
    pub(super) begins: UnixTime,
    pub(super) digests: RevocationDigests,
    pub(super) presented: Presented,
    pub(super) uses: Uses,
}

/// When it was used, in minutes since the epoch.
#[derive(Debug, Default)]
pub(super) struct Uses {
    last: AtomicU32,
    told: AtomicU32,
}

/// The textual claims as header values, made once for a token and not for every request.
#[derive(Debug, Default)]
pub(super) struct Presented(Box<[(&'static str, HeaderValue)]>);

/// Claims of the user's own that somebody asks for.
#[derive(Debug)]
pub(super) struct Further(Box<[Claim]>);

#[derive(Debug)]
struct Claim {
    name: Box<str>,
    text: Box<str>,
    value: HeaderValue,
}

impl Further {
    pub(super) fn of(claims: &Claims) -> Self {
        let told = claims.iter().filter_map(|(name, value)| {
            let text = Claims::text(value)?;
            let value = header_value(&text)?;
            Some(Claim { name: name.into(), text: text.into(), value })
        });
        Self(told.collect())
    }

    fn bytes(&self) -> usize {
        let of = |claim: &Claim| claim.name.len() + claim.text.len() + claim.value.len() + size_of::<Claim>();
        self.0.iter().map(of).sum()
    }

    fn get(&self, name: &str) -> Option<&Claim> {
        self.0.iter().find(|claim| *claim.name == *name)
    }
}

/// The claims that have a text.
const TEXTUAL: [&str; 8] = ["sub", "preferred_username", "email", "scope", "client_id", "sid", "jti", "iss"];

impl Verified {
    /// `iss`; of a trusted issuer whose tokens have none, the operator's word for it.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The operator's word for the trusted issuer; none: it is a token of ours.
    pub fn trusted(&self) -> Option<&str> {
        self.trusted.as_deref()
    }

    /// `sub`.
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// `jti`; ours have one.
    pub const fn token_id(&self) -> Option<&TokenId> {
        self.token_id.as_ref()
    }

    /// `sid`.
    pub const fn login_id(&self) -> Option<&LoginId> {
        self.login_id.as_ref()
    }

    /// The version its sign-in got from the revocation log.
    pub const fn login_version(&self) -> Option<u64> {
        self.login_version
    }

    /// `pwv`: which password its sign-in was made with.
    pub const fn password_version(&self) -> Option<PasswordVersion> {
        self.password
    }

    /// `scope`.
    pub const fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// `iat`; the epoch where a trusted issuer does not say it, so that it lies before every revocation.
    pub const fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// `exp`.
    pub const fn expires(&self) -> UnixTime {
        self.expires
    }

    /// What a revocation could name of it.
    pub const fn digests(&self) -> &RevocationDigests {
        &self.digests
    }

    /// A claim as text by its JWT name (`sub`, `preferred_username`, `email`, `scope`, `sid`, `jti`, `client_id`, `iss`, or
    /// one that the settings ask for); never an empty one. None holds a control character.
    pub fn claim(&self, name: &str) -> Option<&str> {
        match name {
            "iss" => Some(&self.issuer),
            "sub" => Some(self.subject.as_str()),
            "jti" => self.token_id.as_ref().map(TokenId::as_str),
            "sid" => self.login_id.as_ref().map(LoginId::as_str),
            "scope" => Some(self.scopes.as_str()).filter(|scope| !scope.is_empty()),
            "preferred_username" => self.preferred_username.as_deref(),
            "email" => self.email.as_deref(),
            "client_id" => self.client_id.as_deref(),
            _ => self.further.get(name).map(|claim| &*claim.text),
        }
    }

    /// The same as a header value.
    pub fn header(&self, name: &str) -> Option<&HeaderValue> {
        let presented = self.presented.0.iter().find(|(claim, _)| *claim == name).map(|(_, value)| value);
        presented.or_else(|| self.further.get(name).map(|claim| &claim.value))
    }

    /// Makes the header values of its claims.
    pub(super) fn present(&mut self) {
        let values = TEXTUAL.into_iter().filter_map(|name| Some((name, header_value(self.claim(name)?)?)));
        self.presented = Presented(values.collect());
    }

    /// Takes note of a use.
    pub(super) fn used_at(&self, now: UnixTime) {
        let minute = u32::try_from(now.secs() / 60).unwrap_or(u32::MAX);
        // Looked at first: most uses come within the same minute, on several cores at once.
        if self.uses.last.load(Relaxed) != minute {
            self.uses.last.store(minute, Relaxed);
        }
    }

    /// The minute of its last use, to whoever asks first in that minute.
    pub fn first_use_this_minute(&self) -> Option<UnixTime> {
        let minute = self.uses.last.load(Relaxed);
        if self.uses.told.load(Relaxed) == minute || self.uses.told.swap(minute, Relaxed) == minute {
            return None;
        }
        Some(UnixTime::from_secs(u64::from(minute) * 60))
    }

    /// Whether it is good at `now`: RFC 7519 §4.1.4 to §4.1.6.
    pub(super) fn check_times(&self, now: UnixTime, leeway: Duration) -> Result<(), TokenError> {
        if now >= self.expires.plus(leeway) {
            Err(TokenError::Expired)
        } else if self.begins > now.plus(MOST_AHEAD) {
            Err(TokenError::NotYetValid)
        } else {
            Ok(())
        }
    }

    /// Bytes of text held, for the cache.
    pub(in crate::token) fn text_bytes(&self) -> usize {
        let optional = [&self.preferred_username, &self.email, &self.client_id];
        // A scope is held twice: in the set, as a pointer and its text, and in the set's text form.
        let scopes = self.scopes.iter().map(|scope| 2 * scope.as_str().len() + 2 * size_of::<usize>() + 1);
        self.subject.as_str().len()
            + self.token_id.as_ref().map_or(0, |token| token.as_str().len())
            + self.login_id.as_ref().map_or(0, |login| login.as_str().len())
            + optional.iter().filter_map(|text| text.as_deref()).map(str::len).sum::<usize>()
            + scopes.sum::<usize>()
            + self.further.bytes()
            + self
                .presented
                .0
                .iter()
                .map(|(_, value)| value.len() + size_of::<(&str, HeaderValue)>())
                .sum::<usize>()
    }
}
