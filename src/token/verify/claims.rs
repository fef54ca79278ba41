//! Do the claims say what a token must say by its rules? Every claim we use has one type and one form.
//!
//! A claim that is absent and one of the wrong type are the same fault. Claims we do not use are ignored. Of a trusted
//! issuer, what is only said of a person and malformed is left out; of our own tokens it refuses the token: we do not
//! write such.

use std::sync::Arc;
use std::time::Duration;

use super::json::{Json, Members};
use super::rules::Rules;
use super::verified::{Further, Presented, Uses};
use super::{TokenError, Verified};
use crate::clock::UnixTime;
use crate::identity::{self, BadText, Digest, LoginId, RevocationDigests, Scope, Scopes, Subject, TokenId};
use crate::token::PasswordVersion;
use crate::token::key::Key;

/// The last second a `NumericDate` may name (the year 33658): what is beyond is no date but an attempt.
const LAST_SECOND: u64 = 1_000_000_000_000;

impl Rules {
    /// Reads the claims of a token whose signature by `key` of `signed` fits; times are read, not judged.
    pub(super) fn read(
        &self,
        claims: &Members<'_, Json<'_>>,
        key: &Key,
        signed: &str,
    ) -> Result<Verified, TokenError> {
        let claims = Claims { members: claims, rules: self };
        self.check_audience(&claims)?;
        let subject = claims.required("sub", |value| self.subject(value))?;
        let expires = claims.required("exp", numeric_date)?;
        let issued_at = claims.unless_lacking("iat", numeric_date)?;
        let not_before = claims.optional("nbf", numeric_date)?;
        let token_id = claims.unless_lacking("jti", text(TokenId::parse))?;
        self.check_required(&claims)?;
        // Both are words of ours: another issuer's would name a sign-in of ours, or outlive a revocation.
        let ours = self.trusted.is_none();
        let login_id = if ours { claims.optional("sid", text(LoginId::parse))? } else { None };
        let login_version = if ours { claims.optional("login_version", Json::as_u64)? } else { None };
        let version = |value: &Json<'_>| PasswordVersion::parse(value.as_str()?);
        let password = if ours { claims.optional("pwv", version)? } else { None };
        #[cfg(test)]
        super::work::note(|work| work.kept += 1);
        let home = &*self.home;
        // A name of the operator's is no URL, so it is never our `iss`.
        let namespace = self.trusted.as_deref().unwrap_or(home);
        let digests = RevocationDigests {
            token: match &token_id {
                Some(token_id) => Digest::of_token(namespace, token_id),
                None => Digest::of_unnamed_token(namespace, signed),
            },
            login: login_id.as_ref().map(|login| Digest::of_login(home, login)),
            user: self.form.digest(home, &subject),
            key: key.digest,
        };
        let issuer = self.issuer.as_ref().or(self.trusted.as_ref()).unwrap_or(&self.home);
        let issued_or_ever = issued_at.unwrap_or_default();
        let mut verified = Verified {
            trusted: self.trusted.clone(),
            issuer: Arc::clone(issuer),
            subject,
            token_id,
            login_id,
            login_version,
            password,
            scopes: self.scopes(&claims)?,
            preferred_username: claims.of_a_person("preferred_username", |value| self.named(value))?,
            email: claims.of_a_person("email", presentable)?,
            client_id: claims.of_a_person("client_id", presentable)?,
            further: self.further(&claims)?,
            issued_at: issued_or_ever,
            expires,
            begins: not_before.map_or(issued_or_ever, |not_before| not_before.max(issued_or_ever)),
            digests,
            presented: Presented::default(),
            uses: Uses::default(),
        };
        verified.present();
        Ok(verified)
    }

    /// `aud` must be the expected one alone, as a text or as a list of that one text. A token for others too is refused:
    /// whoever else may take it could bring it here (RFC 9068 §4 allows it; a single audience is the safer reading).
    fn check_audience(&self, claims: &Claims) -> Result<(), TokenError> {
        let Some(audience) = &self.audience else {
            return if claims.find("aud").is_none() { Ok(()) } else { Err(TokenError::WrongAudience) };
        };
        let for_us = claims.unless_lacking("aud", |value| match value {
            Json::Text(one) => Some(**one == **audience),
            Json::List(list) if !list.is_empty() && list.iter().all(|one| one.as_str().is_some()) => {
                Some(matches!(&**list, [Json::Text(only)] if **only == **audience))
            }
            _ => None,
        })?;
        if for_us.unwrap_or(true) { Ok(()) } else { Err(TokenError::WrongAudience) }
    }

    /// What tells the issuer's access tokens from its other ones.
    fn check_required(&self, claims: &Claims) -> Result<(), TokenError> {
        let says = |(name, wanted): &(Box<str>, Box<str>)| {
            claims.members.get(name).and_then(Json::as_str) == Some(wanted)
        };
        if self.require.iter().all(says) { Ok(()) } else { Err(TokenError::WrongType) }
    }

    /// How long it may live is bounded: a revocation is kept no longer than that. Where a token does not say when it was
    /// issued, what is left of its life is.
    pub(super) fn check_lifetime(&self, verified: &Verified, now: UnixTime) -> Result<(), TokenError> {
        let unknown = verified.issued_at == UnixTime::default();
        let from = if unknown && self.may_lack("iat") { now } else { verified.issued_at };
        if verified.expires.since(from) > self.max_lifetime {
            Err(TokenError::LifetimeTooLong)
        } else {
            Ok(())
        }
    }

    /// `sub` behind its prefix; under another name it may be a number, as keys of databases are.
    fn subject(&self, value: &Json<'_>) -> Option<Subject> {
        let number = value.as_u64().filter(|_| self.theirs("sub") != "sub").map(|number| number.to_string());
        let text = value.as_str().or(number.as_deref())?;
        // Of the text by itself too: a prefix must not make something of nothing.
        let subject = Subject::parse(text).ok()?;
        if self.prefix.is_empty() {
            return Some(subject);
        }
        Subject::parse(&format!("{}{text}", self.prefix)).ok()
    }

    /// A person's name. People of another issuer's own go by its prefix here too.
    fn named(&self, value: &Json<'_>) -> Option<Box<str>> {
        let text = presentable(value)?;
        if self.shared {
            return Some(text);
        }
        let whole = format!("{}{text}", self.prefix);
        Subject::parse(&whole).ok().map(|_| whole.into())
    }

    /// `scope`, separated by spaces; of a trusted issuer it may be a list, and is cut to its ceiling.
    fn scopes(&self, claims: &Claims) -> Result<Scopes, TokenError> {
        let scopes = claims.optional("scope", |value| match value {
            Json::Text(text) => Scopes::parse(text).ok(),
            Json::List(list) if self.trusted.is_some() => {
                list.iter().map(|one| Scope::parse(one.as_str()?).ok()).collect()
            }
            _ => None,
        })?;
        let scopes = scopes.unwrap_or_default();
        Ok(match &self.ceiling {
            Some(ceiling) => scopes.intersection(ceiling),
            None => scopes,
        })
    }

    /// The further claims that somebody asks for.
    fn further(&self, claims: &Claims) -> Result<Further, TokenError> {
        let mut fit = identity::Claims::default();
        for name in self.wanted.iter().filter(|name| self.believes(name)) {
            let Some(value) = claims.find(name) else { continue };
            match fit.insert(name, value.to_value()) {
                Ok(()) => {}
                Err(_) if self.trusted.is_some() => {}
                Err(_) => return Err(TokenError::MissingClaim("one that [identity] asks for")),
            }
        }
        Ok(Further::of(&fit))
    }
}

/// The members of the payload, as the rules call them.
struct Claims<'c> {
    members: &'c Members<'c, Json<'c>>,
    rules: &'c Rules,
}

impl<'c> Claims<'c> {
    fn find(&self, name: &str) -> Option<&'c Json<'c>> {
        self.members.get(self.rules.theirs(name))
    }

    fn required<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&'c Json<'c>) -> Option<T>,
    ) -> Result<T, TokenError> {
        self.find(name).and_then(read).ok_or(TokenError::MissingClaim(name))
    }

    /// A claim that may be absent, but not malformed; `null` is malformed.
    fn optional<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&'c Json<'c>) -> Option<T>,
    ) -> Result<Option<T>, TokenError> {
        self.find(name).map(|value| read(value).ok_or(TokenError::MissingClaim(name))).transpose()
    }

    /// A claim that must be there, unless the rules say that it may be absent.
    fn unless_lacking<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&'c Json<'c>) -> Option<T>,
    ) -> Result<Option<T>, TokenError> {
        if self.rules.may_lack(name) {
            self.optional(name, read)
        } else {
            self.required(name, read).map(Some)
        }
    }

    /// What is said of a person, as far as the rules believe it.
    fn of_a_person<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&'c Json<'c>) -> Option<T>,
    ) -> Result<Option<T>, TokenError> {
        if self.rules.trusted.is_none() {
            return self.optional(name, read);
        }
        Ok(self.find(name).filter(|_| self.rules.believes(name)).and_then(read))
    }
}

/// Reads a text with `parse`.
fn text<T>(parse: fn(&str) -> Result<T, BadText>) -> impl Fn(&Json<'_>) -> Option<T> {
    move |value| parse(value.as_str()?).ok()
}

/// A text that may stand in a header, as a subject may.
fn presentable(value: &Json<'_>) -> Option<Box<str>> {
    let text = value.as_str()?;
    Subject::parse(text).ok().map(|_| text.into())
}

/// Seconds since the epoch, whole or not (RFC 7519 §2); fractions below a millisecond are dropped.
fn numeric_date(value: &Json<'_>) -> Option<UnixTime> {
    let number = value.as_number()?;
    let since_epoch = match number.as_u64() {
        Some(seconds) => Duration::from_secs(seconds),
        None => Duration::try_from_secs_f64(number.as_f64()?).ok()?,
    };
    (since_epoch.as_secs() <= LAST_SECOND).then(|| UnixTime::default().plus(since_epoch))
}
