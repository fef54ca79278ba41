//! What does a record that another application wrote say of a user? It is looked at before it is believed.
//!
//! A record that cannot be a user's is nobody: told once a minute, by its id at most.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::moment;
use super::value::{is_disabled, read_scopes};
use crate::clock;
use crate::identity::{AskedLogin, Claims, LoginName, UserId};
use crate::password::PasswordHash;
use crate::users::{Fields, User};

/// How often an odd record is told of.
const PAUSE: Duration = Duration::from_secs(60);

/// What a row holds, as JSON.
#[derive(Debug)]
pub(in crate::users) struct Record {
    id: Option<String>,
    password: Value,
    email: Value,
    disabled: Value,
    scopes: Value,
    created: Value,
    logins: Vec<Value>,
    claims: Vec<Value>,
}

impl Record {
    /// A row whose values come as [`columns`](super::columns) has them; what is missing is null.
    pub(in crate::users) fn of(id: Option<String>, values: Vec<Value>, fields: &Fields) -> Self {
        let mut values = values.into_iter();
        let mut next = || values.next().unwrap_or_default();
        Self {
            id,
            password: next(),
            email: next(),
            disabled: next(),
            scopes: next(),
            created: next(),
            logins: fields.login.iter().map(|_| next()).collect(),
            claims: fields.claims.iter().map(|_| next()).collect(),
        }
    }

    /// The id, as the store prints it.
    pub(in crate::users) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Puts the scopes that a query found into the place of those of a field: one each.
    pub(in crate::users) fn set_scopes(&mut self, scopes: Vec<String>) {
        self.scopes = scopes.into();
    }

    fn has_login(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.logins.iter().filter_map(Value::as_str).any(fits)
    }
}

/// Reads records, by what `[users.fields]` says.
#[derive(Debug)]
pub(in crate::users) struct Reader {
    pub(in crate::users) fields: Fields,
    told: Mutex<Option<Instant>>,
}

impl Reader {
    pub(in crate::users) const fn new(fields: Fields) -> Self {
        Self { fields, told: Mutex::new(None) }
    }

    /// The one record that `asked` means. The spelling that was typed counts before the canonical one, and that before
    /// whatever else the store takes for the same; a login of several users is nobody's.
    pub(in crate::users) fn chosen(&self, asked: &AskedLogin, records: Vec<Record>) -> Option<Record> {
        if records.len() > super::MOST_RECORDS {
            self.tell(format_args!(
                "a login that is asked for is that of more than {} users",
                super::MOST_RECORDS
            ));
            return None;
        }
        let canonical = asked.canonical().as_str();
        // A store's own notion of equal texts may be wider than ours, by which failed sign-ins are counted.
        let fits = |record: &Record| record.has_login(|login| LoginName::canonical(login) == canonical);
        let mut records: Vec<_> = records.into_iter().filter(fits).collect();
        if !self.fields.ignore_case {
            for spelling in asked.spellings() {
                if records.iter().any(|record| record.has_login(|login| login == spelling.as_str())) {
                    records.retain(|record| record.has_login(|login| login == spelling.as_str()));
                    break;
                }
            }
        }
        let ids: BTreeSet<_> = records.iter().map(|record| record.id.clone()).collect();
        if ids.len() > 1 {
            let ids: Vec<_> = ids.iter().map(|id| shown(id.as_deref())).collect();
            self.tell(format_args!(
                "one login is that of several users, so none of them can sign in with it: ids {}",
                ids.join(", ")
            ));
            return None;
        }
        records.pop()
    }

    /// The user that the record is of, if it can be one's.
    pub(in crate::users) fn user(&self, record: Record) -> Option<User> {
        let Record { id, password, email, disabled, scopes, created, logins, claims } = record;
        let odd =
            |what: &str| self.tell(format_args!("the record with the id {} {what}", shown(id.as_deref())));
        let Some(user_id) = id.as_deref().and_then(|id| UserId::parse(id).ok()) else {
            odd("has an id that cannot be a user's: it is nobody");
            return None;
        };
        let login = logins.into_iter().find(|login| !login.is_null() && login != "");
        let Some(login) =
            login.as_ref().and_then(Value::as_str).and_then(|text| LoginName::as_stored(text).ok())
        else {
            odd("has no login, or one that cannot be shown: it is nobody");
            return None;
        };
        let password = match password {
            Value::String(text) => text,
            _ => String::new(),
        };
        let mut found = Claims::default();
        for ((name, _), value) in self.fields.claims.iter().zip(claims) {
            if let Err(bad) = found.insert(name, value) {
                odd(&format!("has a field for the claim `{name}` that {bad}: it is left out"));
            }
        }
        let disabled = self.fields.disabled.as_ref().is_some_and(|flag| is_disabled(flag, &disabled));
        let (mut all, bad) = read_scopes(&scopes);
        if bad {
            odd("has scopes that are none: they are left out");
        }
        all.extend(self.fields.default_scopes.iter().cloned());
        Some(User {
            id: user_id,
            login,
            email: email.as_str().filter(|text| LoginName::as_stored(text).is_ok()).map(ToOwned::to_owned),
            password: PasswordHash::from_store(password),
            scopes: all.into_iter().collect(),
            disabled,
            claims: found,
            created: moment::read(&created),
        })
    }

    fn tell(&self, what: std::fmt::Arguments<'_>) {
        let now = clock::instant();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|last| now.duration_since(last) >= PAUSE) {
            *told = Some(now);
            tracing::warn!("[users]: {what}");
        }
    }
}

/// An id for the log: nothing that is none.
fn shown(id: Option<&str>) -> &str {
    id.filter(|id| UserId::parse(id).is_ok()).unwrap_or("(not an id)")
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::identity::Scopes;
    use crate::users::ScopeSource;

    pub(in crate::users) fn fields() -> Fields {
        Fields {
            table: "people".to_owned(),
            id: "id".to_owned(),
            login: vec!["login".to_owned()],
            ignore_case: false,
            email: None,
            password: "password".to_owned(),
            disabled: None,
            scopes: ScopeSource::None,
            default_scopes: Scopes::default(),
            created: None,
            claims: Vec::new(),
        }
    }

    fn record(id: &str, login: &str) -> Record {
        let nothing = || Value::Null;
        Record::of(
            Some(id.to_owned()),
            vec![json!("hash"), nothing(), nothing(), nothing(), nothing(), json!(login)],
            &fields(),
        )
    }

    #[test]
    fn what_the_store_takes_for_equal_must_be_so() {
        let reader = Reader::new(fields());
        let asked = AskedLogin::parse("Ada").unwrap();
        let chosen = |records| reader.chosen(&asked, records).and_then(|found: Record| found.id);
        // An accent or a letter of another script is no matter of case.
        assert_eq!(chosen(vec![record("1", "ad\u{e1}")]), None);
        assert_eq!(
            chosen(vec![record("1", "ADA")]).as_deref(),
            Some("1"),
            "a store that ignores case by itself"
        );
        assert_eq!(chosen(vec![record("1", "ADA"), record("2", "aDa")]), None);
        assert_eq!(chosen(vec![record("1", "ada"), record("2", "Ada")]).as_deref(), Some("2"));
        assert_eq!(
            chosen((0..17).map(|n| record(&n.to_string(), "x")).chain([record("20", "Ada")]).collect()),
            None
        );
    }
}
