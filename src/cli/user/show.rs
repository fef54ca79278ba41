//! Listing users, for people and for programs; never their hashes.

use serde_json::{Value, json};

use crate::identity::Scope;
use crate::users::{self, User};

use super::super::output::{self, Format, moment, table};
use super::super::{Failure, block_on};
use super::{ListArgs, ShowArgs, existing, failed, store};

/// `user list`.
pub(super) fn list(args: &ListArgs) -> Result<(), Failure> {
    let config = args.file.load()?;
    let mut users = block_on(async {
        let store = store(&config).await?;
        users::all(&*store).await.map_err(|error| failed(&error))
    })?;
    users.sort_by(|one, other| one.login.cmp(&other.login));
    match args.format {
        Format::Json => output::json(&users.iter().map(described).collect()),
        Format::Text if users.is_empty() => {
            output::note("note: there are no users yet; `gatepass user add LOGIN` adds one");
            Ok(())
        }
        Format::Text => {
            let heading = ["LOGIN", "ID", "STATE", "CREATED", "SCOPES"].map(str::to_owned).to_vec();
            let rows: Vec<Vec<String>> = std::iter::once(heading).chain(users.iter().map(row)).collect();
            output::say(&table(&rows))
        }
    }
}

/// `user show`.
pub(super) fn show(args: &ShowArgs) -> Result<(), Failure> {
    let config = args.file.load()?;
    let (_, user) = block_on(existing(&config, &args.login))?;
    match args.format {
        Format::Json => output::json(&described(&user)),
        Format::Text => {
            let line = |name: &str, value: &str| vec![name.to_owned(), value.to_owned()];
            output::say(&table(&[
                line("login", user.login.as_str()),
                line("id", user.id.as_str()),
                line("email", user.email.as_deref().unwrap_or("-")),
                line("scopes", or_dash(user.scopes.as_str())),
                line("state", state(&user)),
                line("created", &since(&user)),
            ]))
        }
    }
}

fn row(user: &User) -> Vec<String> {
    vec![
        user.login.to_string(),
        user.id.to_string(),
        state(user).to_owned(),
        since(user),
        or_dash(user.scopes.as_str()).to_owned(),
    ]
}

fn described(user: &User) -> Value {
    json!({
        "login": user.login.as_str(),
        "id": user.id.as_str(),
        "email": user.email,
        "scopes": user.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(),
        "disabled": user.disabled,
        "created": user.created.map(moment),
    })
}

const fn state(user: &User) -> &'static str {
    if user.disabled { "disabled" } else { "enabled" }
}

fn since(user: &User) -> String {
    user.created.map_or_else(|| "-".to_owned(), moment)
}

const fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;
    use crate::identity::{Claims, LoginName, Scopes, UserId};
    use crate::password::PasswordHash;

    #[test]
    fn a_hash_is_never_shown() {
        let user = User {
            id: UserId::parse("u1").unwrap(),
            login: LoginName::parse("ada@example.org").unwrap(),
            email: None,
            password: PasswordHash::from_store("$2b$12$hash".into()),
            scopes: Scopes::parse("a b").unwrap(),
            disabled: true,
            claims: Claims::default(),
            created: Some(UnixTime::from_secs(1)),
        };
        let json = described(&user);
        assert!(!json.to_string().contains("$2b$"));
        assert_eq!(json["scopes"], serde_json::json!(["a", "b"]));
        assert_eq!(row(&user), ["ada@example.org", "u1", "disabled", "1970-01-01T00:00:01Z", "a b"]);
    }
}
