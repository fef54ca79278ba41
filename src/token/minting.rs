//! What do the tokens we issue leave out, and what do they say under other names?
//!
//! For verifiers that we do not write: `PyJWT` refuses a token with an `aud` it was not told of, and an application may
//! look for the user under a name of its own.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;

use super::issue::Fields;
use crate::identity::Claims;

/// `omit` and `also` of `[tokens]`.
#[derive(Clone, Debug, Default)]
pub struct Minting {
    /// Our tokens have no `aud`; then, and only then, we accept those of ours that have none.
    pub without_audience: bool,
    /// Further names for what a token says. None of them is a name that tokens use for themselves, but `scopes`.
    pub also: Vec<(String, Member)>,
}

impl Minting {
    /// Whether `also` may use this name: not one that tokens use for themselves, but for `scopes`, which some
    /// applications read.
    pub fn may_be_called(name: &str) -> bool {
        name == "scopes" || Claims::check_name(name).is_ok()
    }
}

/// What can be said again under another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// `sub`.
    Subject,
    /// `preferred_username`; left out where there is none.
    PreferredUsername,
    /// `email`; left out where there is none.
    Email,
    /// `scope`, separated by spaces; empty where there is none.
    Scope,
    /// `scope` as a list.
    ScopeList,
    /// `exp`.
    Expires,
    /// `iat`.
    IssuedAt,
    /// `jti`.
    TokenId,
}

impl Member {
    /// Every one of them by its word.
    pub const ALL: [(&'static str, Self); 8] = [
        ("sub", Self::Subject),
        ("preferred_username", Self::PreferredUsername),
        ("email", Self::Email),
        ("scope", Self::Scope),
        ("scopes", Self::ScopeList),
        ("exp", Self::Expires),
        ("iat", Self::IssuedAt),
        ("jti", Self::TokenId),
    ];

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == word).map(|(_, member)| member)
    }

    fn value(self, fields: &Fields<'_>) -> Option<Value> {
        Some(match self {
            Self::Subject => fields.sub.into(),
            Self::PreferredUsername => fields.preferred_username?.into(),
            Self::Email => fields.email?.into(),
            Self::Scope => fields.scope.into(),
            Self::ScopeList => fields.scope.split(' ').filter(|scope| !scope.is_empty()).collect(),
            Self::Expires => fields.exp.into(),
            Self::IssuedAt => fields.iat.into(),
            Self::TokenId => fields.jti.into(),
        })
    }
}

/// A token's payload: what every token of ours says, then the same under other names, then what is said of this user
/// alone.
#[derive(serde::Serialize)]
pub(super) struct Payload<'a> {
    #[serde(flatten)]
    fields: &'a Fields<'a>,
    #[serde(flatten)]
    further: Further<'a>,
}

impl<'a> Payload<'a> {
    pub(super) const fn new(fields: &'a Fields<'a>, minting: &'a Minting, claims: &'a Claims) -> Self {
        Self { fields, further: Further { fields, also: minting.also.as_slice(), claims } }
    }
}

/// No member is there twice: a name of `also` goes before a user's claim.
struct Further<'a> {
    fields: &'a Fields<'a>,
    also: &'a [(String, Member)],
    claims: &'a Claims,
}

impl Serialize for Further<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, member) in self.also {
            if let Some(value) = member.value(self.fields) {
                map.serialize_entry(name, &value)?;
            }
        }
        for (name, value) in self.claims.iter() {
            if self.also.iter().all(|(taken, _)| taken != name) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}
