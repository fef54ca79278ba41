//! By which rules is a token judged? Our own, or those of an issuer the operator trusts.
//!
//! A token is judged by its `iss`, among those only whose key its signature fits. So a secret that a trusted issuer
//! knows makes no token of ours, unless it is our own secret; and what is looser for one issuer is so for nobody else.

use std::sync::Arc;
use std::time::Duration;

use super::TokenError;
use super::json::{Json, Members};
use crate::identity::Scopes;
use crate::token::key::Key;
use crate::token::{KeyId, Settings, SubjectForm, Trusted};

/// What the claims are held against.
#[derive(Debug)]
pub(super) struct Rules {
    /// Our own `iss`: users and keys are known by it.
    pub(super) home: Arc<str>,
    /// The operator's word for the issuer; none: ourselves.
    pub(super) trusted: Option<Arc<str>>,
    /// `iss`; none: there is none.
    pub(super) issuer: Option<Arc<str>>,
    /// `aud`; none: there is none.
    pub(super) audience: Option<Box<str>>,
    /// What may be absent.
    pub(super) optional: Box<[&'static str]>,
    /// Our names and theirs, where those differ or are named all the same.
    pub(super) names: Box<[(Box<str>, Box<str>)]>,
    /// What must be said in just these words.
    pub(super) require: Box<[(Box<str>, Box<str>)]>,
    /// Whether it speaks for our users.
    pub(super) shared: bool,
    /// What stands before `sub`.
    pub(super) prefix: Box<str>,
    /// What its subjects are where its people are ours, and so what they are revoked by.
    pub(super) form: SubjectForm,
    /// The most that is allowed.
    pub(super) ceiling: Option<Scopes>,
    /// The longest life.
    pub(super) max_lifetime: Duration,
    /// The further claims that are kept.
    pub(super) wanted: Arc<[Box<str>]>,
}

impl Rules {
    /// For our own tokens.
    pub(super) fn ours(settings: &Settings) -> Self {
        let home: Arc<str> = settings.issuer.as_str().into();
        Self {
            issuer: Some(Arc::clone(&home)),
            home,
            trusted: None,
            audience: Some(settings.audience.as_str().into()),
            optional: if settings.minting.without_audience { ["aud"].into() } else { [].into() },
            names: [].into(),
            require: [].into(),
            shared: true,
            prefix: "".into(),
            form: settings.subject.clone(),
            ceiling: None,
            max_lifetime: settings.max_lifetime,
            wanted: settings.claims.iter().map(|name| name.as_str().into()).collect(),
        }
    }

    /// For the tokens of another; what is wanted of claims is as for our own.
    fn of(trusted: &Trusted, ours: &Self, subject: &SubjectForm) -> Self {
        // People of its own are known as they are.
        let form = if trusted.shared_subjects { subject.clone() } else { SubjectForm::Id };
        let pairs = |pairs: &[(String, String)]| {
            pairs.iter().map(|(one, other)| (one.as_str().into(), other.as_str().into())).collect()
        };
        Self {
            home: Arc::clone(&ours.home),
            trusted: Some(trusted.name.as_str().into()),
            issuer: trusted.issuer.as_deref().map(Into::into),
            audience: trusted.audience.as_deref().map(Into::into),
            optional: trusted.optional.iter().copied().collect(),
            names: pairs(&trusted.claims),
            require: pairs(&trusted.require),
            shared: trusted.shared_subjects,
            prefix: trusted.subject_prefix.as_str().into(),
            form,
            ceiling: trusted.scopes.clone(),
            max_lifetime: trusted.max_lifetime.min(ours.max_lifetime),
            wanted: Arc::clone(&ours.wanted),
        }
    }

    /// Whether a token may lack this.
    pub(super) fn may_lack(&self, name: &str) -> bool {
        self.optional.contains(&name)
    }

    /// What they call it.
    pub(super) fn theirs<'r>(&'r self, name: &'r str) -> &'r str {
        self.names.iter().find(|(ours, _)| **ours == *name).map_or(name, |(_, theirs)| theirs)
    }

    /// Whether a claim that says something of a person is believed: another issuer may say it of ours only if it speaks
    /// for them, or if the operator named the claim.
    pub(super) fn believes(&self, name: &str) -> bool {
        self.shared || self.names.iter().any(|(ours, _)| **ours == *name)
    }

    /// Whether a token with these claims is to be judged by these rules.
    fn claims_to_be(&self, claims: &Members<'_, Json<'_>>) -> bool {
        match (claims.get("iss"), &self.issuer) {
            (Some(found), Some(issuer)) => found.as_str() == Some(&**issuer),
            (None, Some(_)) => self.may_lack("iss"),
            (None, None) => true,
            (Some(_), None) => false,
        }
    }
}

/// A secret of trusted issuers, and those who sign with it.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) key: Key,
    /// It is a secret of ours too, by this name.
    ours: Option<KeyId>,
    rules: Vec<Rules>,
}

impl Group {
    /// The trusted issuers of `settings`, by secret.
    pub(super) fn all(settings: &Settings, ours: &Rules) -> Box<[Self]> {
        let mut found: Vec<(&[u8], Self)> = Vec::new();
        for trusted in &settings.trusted {
            let (secret, rules) = (trusted.secret.expose(), Rules::of(trusted, ours, &settings.subject));
            if let Some((_, group)) = found.iter_mut().find(|(known, _)| *known == secret) {
                group.rules.push(rules);
                continue;
            }
            let key = Key::of(&trusted.secret, &settings.issuer);
            let mut own = std::iter::once(&settings.secret).chain(&settings.previous);
            // By the whole secret: two keys that share no more than a name are two keys.
            let ours = own.any(|own| own.expose() == secret).then(|| key.id.clone());
            found.push((secret, Self { key, ours, rules: vec![rules] }));
        }
        found.into_iter().map(|(_, group)| group).collect()
    }

    /// Whether its secret is that key of ours.
    pub(super) fn is(&self, key: &KeyId) -> bool {
        self.ours.as_ref() == Some(key)
    }
}

/// Who may have made a token, once its signature fits a key.
pub(super) struct Makers<'v> {
    pub(super) key: &'v Key,
    /// We ourselves, if it is a key of ours.
    pub(super) ours: Option<&'v Rules>,
    /// Those who share the key.
    pub(super) group: Option<&'v Group>,
}

impl<'v> Makers<'v> {
    /// The one that it names, or why there is none.
    pub(super) fn named_by(&self, claims: &Members<'_, Json<'_>>) -> Result<&'v Rules, TokenError> {
        let others = self.group.map_or(&[][..], |group| &group.rules);
        let named = self.ours.into_iter().chain(others).find(|rules| rules.claims_to_be(claims));
        named.ok_or_else(|| match claims.get("iss") {
            Some(Json::Text(_)) => TokenError::WrongIssuer,
            _ => TokenError::MissingClaim("iss"),
        })
    }
}
