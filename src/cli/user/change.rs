//! Adding, changing and removing users. Whoever may not sign in any more loses their tokens, too.

use crate::clock::Clock;
use crate::config::Config;
use crate::identity::{Claims, Scopes, UserId};
use crate::password::NewPassword;
use crate::users::{CreateError, User, UserStore};

use super::super::hash::{hash, policy};
use super::super::revoke::{self, Way};
use super::super::{Failure, block_on, output};
use super::{AddArgs, OneUser, PasswdArgs, existing, failed, login_name, store, vanished};

/// `user add`.
pub(super) fn add(args: AddArgs) -> Result<(), Failure> {
    let config = args.file.load()?;
    let login = login_name(&args.login)?;
    let email = match args.email {
        Some(text) => Some(address(&text)?),
        None => address(login.as_str()).ok(),
    };
    let scopes = Scopes::parse(&args.scopes).map_err(|error| {
        Failure::usage(format!("a scope {error}"))
            .help("write scopes separated by spaces: --scopes 'event:read event:write'")
    })?;
    let password = args.password.read(&policy(&config.passwords)?)?;
    let (login, id) = block_on(async {
        let users = store(&config).await?;
        let password = hash(password, config.passwords.hash).await?;
        let created = Clock::system().now();
        let user = User {
            id: UserId::new(),
            login: login.clone(),
            email,
            password,
            scopes,
            disabled: false,
            claims: Claims::default(),
            created: Some(created),
        };
        let id = users.create(user).await.map_err(|error| not_created(&error, &login))?;
        Ok((login, id))
    })?;
    output::say(&format!("user {login} added, id {id}"))
}

fn not_created(error: &CreateError, login: &crate::identity::LoginName) -> Failure {
    match error {
        CreateError::Exists => Failure::no(format!("there is already a user {login}")).help(format!(
            "`gatepass user show {login}` shows them; `gatepass user passwd {login}` sets a new password"
        )),
        CreateError::Store(error) => failed(error),
    }
}

/// An e-mail address in its canonical form: something on either side of one `@`, fit to be a claim and a header.
fn address(text: &str) -> Result<String, Failure> {
    let canonical = login_name(text)?;
    match canonical.as_str().split_once('@') {
        Some((local, domain))
            if !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && !canonical.as_str().contains(char::is_whitespace) =>
        {
            Ok(canonical.as_str().to_owned())
        }
        _ => Err(Failure::usage(format!("`{}` is not an e-mail address", text.escape_debug()))
            .help("write it as name@example.org")),
    }
}

/// `user passwd`.
pub(super) fn passwd(args: &PasswdArgs) -> Result<(), Failure> {
    let config = args.file.load()?;
    block_on(async {
        let (users, user) = existing(&config, &args.login).await?;
        let password: NewPassword = args.password.read(&policy(&config.passwords)?)?;
        let hashed = hash(password, config.passwords.hash).await?;
        let found = users.set_password(&user.id, hashed).await.map_err(|error| failed(&error))?;
        if !found {
            return Err(vanished(&user.login));
        }
        // After the password: a sign-in with the former one in between would be missed in the other order.
        let revocation = revoke::of_user(&config.tokens, &user, Clock::system().now())?;
        let way = revoke::revoke(&config, revocation).await.inspect_err(|_| {
            output::note(&format!(
                "note: {} has the new password, but tokens they hold are still accepted until this succeeds, or \
                 `account_check` of [users] ends them",
                user.login
            ));
        })?;
        output::say(&format!("password of {} set; their tokens are revoked {way}", user.login))
    })
}

/// `user disable`.
pub(super) fn disable(args: &OneUser) -> Result<(), Failure> {
    let config = args.file.load()?;
    block_on(async {
        let (users, user) = existing(&config, &args.login).await?;
        let way = shut_out(&config, &*users, &user).await?;
        output::say(&format!("user {} disabled; their tokens are revoked {way}", user.login))
    })
}

/// `user enable`.
pub(super) fn enable(args: &OneUser) -> Result<(), Failure> {
    let config = args.file.load()?;
    block_on(async {
        let (users, user) = existing(&config, &args.login).await?;
        if !users.set_disabled(&user.id, false).await.map_err(|error| failed(&error))? {
            return Err(vanished(&user.login));
        }
        output::say(&format!("user {} may sign in again", user.login))
    })
}

/// `user delete`.
pub(super) fn delete(args: &OneUser) -> Result<(), Failure> {
    let config = args.file.load()?;
    block_on(async {
        let (users, user) = existing(&config, &args.login).await?;
        // Only once their tokens are dead: if the revocation is not taken, the user is still there to try again with.
        let way = shut_out(&config, &*users, &user).await?;
        users.delete(&user.id).await.map_err(|error| failed(&error))?;
        output::say(&format!("user {} deleted; their tokens are revoked {way}", user.login))
    })
}

/// No new sign-in first, then no old token: in the other order a sign-in in between would be missed.
async fn shut_out(config: &Config, users: &dyn UserStore, user: &User) -> Result<Way, Failure> {
    if !users.set_disabled(&user.id, true).await.map_err(|error| failed(&error))? {
        return Err(vanished(&user.login));
    }
    let revocation = revoke::of_user(&config.tokens, user, Clock::system().now())?;
    revoke::revoke(config, revocation).await.inspect_err(|_| {
        output::note(&format!(
            "note: {} cannot sign in any more, but tokens they hold are still accepted until this succeeds",
            user.login
        ));
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_two_sides() {
        assert_eq!(address(" Ada@Example.org ").unwrap(), "ada@example.org");
        for bad in ["ada", "@x", "x@", "a@b@c", "a b@c", ""] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
