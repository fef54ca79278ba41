//! What does a row say of a user, and may there be such a user?

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::clock::UnixTime;
use crate::identity::{Claims, LoginName, Scopes, UserId};
use crate::password::{NewPassword, PasswordHash, PasswordPolicy, Scheme, SchemeSet};
use crate::secret::Secret;

/// The names a row may use; a further claim stands behind [`CLAIM`].
pub(in crate::cli::user) const NAMES: [&str; 8] =
    ["id", "login", "email", "password_hash", "scopes", "disabled", "created", "password"];

/// What stands before the name of a claim.
pub(in crate::cli::user) const CLAIM: &str = "claim:";

/// What stands before it in a table, if its cells are JSON.
pub(in crate::cli::user) const JSON: &str = "json:";

/// A row of the file.
pub(super) struct Row {
    /// Where it begins.
    pub(super) line: u64,
    /// What it says under which name, each once; `null` where there is the name and nothing under it.
    pub(super) said: Result<Vec<(String, Value)>, Refusal>,
}

/// Why a row is not taken. Neither part repeats what the row holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Which field is wrong; none if the whole row is.
    pub(super) field: Option<String>,
    /// What is wrong with it.
    pub(super) why: String,
}

impl Refusal {
    pub(super) fn whole(why: impl Into<String>) -> Self {
        Self { field: None, why: why.into() }
    }

    pub(super) fn of(field: &str, why: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), why: why.into() }
    }
}

/// A user that there may be.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) line: u64,
    pub(super) id: Option<UserId>,
    pub(super) login: LoginName,
    pub(super) email: Option<String>,
    pub(super) password: Option<Password>,
    /// What the row says; none if it says nothing.
    pub(super) scopes: Option<Scopes>,
    /// What they get if the row says nothing.
    pub(super) or_scopes: Scopes,
    pub(super) disabled: Option<bool>,
    pub(super) created: Option<UnixTime>,
    pub(super) claims: Claims,
}

/// Their password.
#[derive(Debug)]
pub(super) enum Password {
    /// As it is stored.
    Hash(PasswordHash),
    /// To be hashed.
    Plain(NewPassword),
}

/// Reads rows.
pub(super) struct Reader {
    /// What users may ask for whose row does not say.
    pub(super) scopes: Scopes,
    /// What passwords in plain text must be like; none if they are not taken.
    pub(super) plain: Option<PasswordPolicy>,
    /// The schemes whose hashes sign anybody in.
    pub(super) verify: SchemeSet,
    /// Since when there are users whose row does not say.
    pub(super) now: UnixTime,
}

impl Reader {
    /// The user that a row describes.
    pub(super) fn candidate(&self, line: u64, said: Vec<(String, Value)>) -> Result<Candidate, Refusal> {
        let mut said = Said(said);
        let login = said.text("login")?.ok_or_else(|| Refusal::of("login", "is missing"))?;
        let login = LoginName::parse(&login).map_err(|bad| Refusal::of("login", bad.to_string()))?;
        let id = said.text("id")?.map(|id| UserId::parse(&id)).transpose();
        let id = id.map_err(|bad| Refusal::of("id", bad.to_string()))?;
        let email = if said.has("email") {
            said.text("email")?.map(|email| address(&email)).transpose()?
        } else {
            address(login.as_str()).ok()
        };
        let password = self.password(&mut said)?;
        let scopes = scopes(said.take("scopes"))?;
        let disabled = truth(&said.take("disabled"))?;
        let created = if said.has("created") {
            said.text("created")?.map(|text| moment(&text)).transpose()?
        } else {
            Some(self.now)
        };
        let mut claims = Claims::default();
        for (name, value) in said.0 {
            let claim = name.strip_prefix(CLAIM).unwrap_or(&name);
            claims.insert(claim, value).map_err(|bad| Refusal::of(&name, bad.to_string()))?;
        }
        let or_scopes = self.scopes.clone();
        Ok(Candidate { line, id, login, email, password, scopes, or_scopes, disabled, created, claims })
    }

    fn password(&self, said: &mut Said) -> Result<Option<Password>, Refusal> {
        match (said.text("password_hash")?, said.text("password")?) {
            (Some(_), Some(_)) => {
                Err(Refusal::of("password", "stands beside a password_hash: keep one of the two"))
            }
            (Some(hash), None) => {
                let hash = PasswordHash::from_store(hash);
                match Scheme::of(&hash) {
                    Some(scheme) if self.verify.contains(scheme) => Ok(Some(Password::Hash(hash))),
                    Some(scheme) => Err(Refusal::of(
                        "password_hash",
                        format!("is a {scheme} hash, which `verify` in [passwords] does not have"),
                    )),
                    None => Err(Refusal::of(
                        "password_hash",
                        "is not a hash that can be checked: nobody could sign in with it",
                    )),
                }
            }
            (None, Some(plain)) => match &self.plain {
                Some(policy) => match policy.check(Secret::from(plain)) {
                    Ok(plain) => Ok(Some(Password::Plain(plain))),
                    Err(rule) => Err(Refusal::of("password", rule.to_string())),
                },
                None => Err(Refusal::of("password", "is in plain text, which only --hash-passwords takes")),
            },
            (None, None) => Ok(None),
        }
    }
}

/// What a row says, until it has been looked at.
struct Said(Vec<(String, Value)>);

impl Said {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(found, _)| found == name)
    }

    fn take(&mut self, name: &str) -> Value {
        let at = self.0.iter().position(|(found, _)| found == name);
        at.map(|at| self.0.swap_remove(at).1).unwrap_or_default()
    }

    /// A text; none where there is nothing.
    fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.take(name) {
            Value::Null => Ok(None),
            Value::String(text) if text.is_empty() => Ok(None),
            Value::String(text) => Ok(Some(text)),
            // The identifiers of most databases.
            Value::Number(number) if name == "id" => Ok(Some(number.to_string())),
            _ => Err(Refusal::of(name, "is not a text")),
        }
    }
}

/// An e-mail address as it is spelled, fit for a token and a header.
fn address(text: &str) -> Result<String, Refusal> {
    let fit = LoginName::as_stored(text).map_err(|bad| Refusal::of("email", bad.to_string()))?;
    match fit.as_str().split_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !domain.contains('@') => {
            Ok(text.to_owned())
        }
        _ => Err(Refusal::of("email", "is not an e-mail address")),
    }
}

fn scopes(value: Value) -> Result<Option<Scopes>, Refusal> {
    let wrong = |bad: crate::identity::BadText| Refusal::of("scopes", format!("has one that {bad}"));
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Scopes::parse(&text).map(Some).map_err(wrong),
        Value::Array(list) => {
            let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            let texts = texts.ok_or_else(|| Refusal::of("scopes", "is not a list of texts"))?;
            let each: Result<Vec<_>, _> = texts.into_iter().map(crate::identity::Scope::parse).collect();
            Ok(Some(each.map_err(wrong)?.into_iter().collect()))
        }
        _ => Err(Refusal::of("scopes", "is neither a text nor a list of texts")),
    }
}

/// Who is disabled must not come in because that is spelled in a way nobody thought of.
fn truth(value: &Value) -> Result<Option<bool>, Refusal> {
    let word = match value {
        Value::Null => return Ok(None),
        Value::Bool(truth) => return Ok(Some(*truth)),
        Value::String(word) => word.trim().to_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => String::from("?"),
    };
    match word.as_str() {
        "" => Ok(None),
        "true" | "t" | "1" | "yes" => Ok(Some(true)),
        "false" | "f" | "0" | "no" => Ok(Some(false)),
        _ => Err(Refusal::of("disabled", "is neither true nor false")),
    }
}

/// A moment as RFC 3339 writes it, also with a space for the `T`; what is finer than a millisecond is left out.
fn moment(text: &str) -> Result<UnixTime, Refusal> {
    let at = OffsetDateTime::parse(&text.replacen(' ', "T", 1), &Rfc3339).ok();
    let millis = at.and_then(|at| u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok());
    millis
        .map(UnixTime::from_millis)
        .ok_or_else(|| Refusal::of("created", "is not a moment like 2026-01-31T12:00:00Z"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HASH: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    fn read(object: &Value) -> Result<Candidate, Refusal> {
        let members = object.as_object().unwrap().clone().into_iter().collect();
        Reader {
            scopes: Scopes::parse("x").unwrap(),
            plain: None,
            verify: SchemeSet::STRONG,
            now: UnixTime::from_secs(1),
        }
        .candidate(7, members)
    }

    #[test]
    fn a_row_is_a_user() {
        let found = read(&json!({"login": " Ada@Example.org", "password_hash": HASH, "scopes": ["b", "a"],
            "disabled": "T", "created": "2026-01-31 12:00:00.1239+01:00", "id": 7, "claim:team": 3}))
        .unwrap();
        assert_eq!(
            (found.login.as_str(), found.email.as_deref()),
            ("ada@example.org", Some("ada@example.org"))
        );
        assert_eq!(found.scopes.unwrap().as_str(), "a b");
        assert_eq!((found.disabled, found.id.unwrap().as_str()), (Some(true), "7"));
        assert_eq!(found.created.unwrap().millis(), 1_769_857_200_123);
        assert_eq!(found.claims.get("team"), Some(&json!(3)));
        let bare = read(&json!({"login": "a@b", "email": null})).unwrap();
        assert!(bare.email.is_none() && bare.password.is_none() && bare.scopes.is_none());
    }

    #[test]
    fn what_is_wrong_is_named_and_not_repeated() {
        for (object, field) in [
            (json!({}), "login"),
            (json!({"login": 7}), "login"),
            (json!({"login": "hunter2\r\nX"}), "login"),
            (json!({"login": "hunter2\0"}), "login"),
            (json!({"login": "a", "id": "hunter 2"}), "id"),
            (json!({"login": "a", "email": "hunter2"}), "email"),
            (json!({"login": "a", "email": "hunter2@\n"}), "email"),
            (json!({"login": "a", "password_hash": "hunter2"}), "password_hash"),
            (json!({"login": "a", "password_hash": "!hunter2"}), "password_hash"),
            (json!({"login": "a", "password": "hunter2-hunter2"}), "password"),
            (json!({"login": "a", "password": "hunter2-hunter2", "password_hash": HASH}), "password"),
            (json!({"login": "a", "scopes": "hunter\"2"}), "scopes"),
            (json!({"login": "a", "scopes": ["hunter2 hunter2"]}), "scopes"),
            (json!({"login": "a", "disabled": "hunter2"}), "disabled"),
            (json!({"login": "a", "created": "hunter2"}), "created"),
            (json!({"login": "a", "created": "1969-01-01T00:00:00Z"}), "created"),
            (json!({"login": "a", "claim:x": {"hunter2": 1}}), "claim:x"),
            (json!({"login": "a", "claim:sub": "hunter2"}), "claim:sub"),
        ] {
            let refusal = read(&object).unwrap_err();
            assert_eq!(refusal.field.as_deref(), Some(field), "{refusal:?}");
            assert!(!format!("{refusal:?}").contains("hunter"), "{refusal:?}");
        }
    }
}
