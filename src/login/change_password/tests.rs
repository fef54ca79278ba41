//! Does a change of password end what it must, and nothing slip through?

use std::sync::Arc;

use super::*;
use crate::access::Reason;
use crate::identity::{Scopes, UserId};
use crate::login::trial::{PASSWORD, Trial};
use crate::revocation::Store;
use crate::token::SubjectForm;

const NEW: &str = "battery staple";

async fn change(trial: &Trial, by: &SignedIn, from: &str, to: &str) -> Result<SignedIn, PasswordChangeError> {
    let token = trial.bring(by).unwrap();
    let client = Some("192.0.2.7".parse().unwrap());
    let change = PasswordChange { current: from.into(), new: to.into(), client, origin: Origin::default() };
    trial.logins.change_password(&token, change).await
}

async fn ada() -> (Trial, UserId) {
    let trial = Trial::start().await;
    let id = trial.sign_up("ada@example.org").await;
    (trial, id)
}

#[tokio::test]
async fn the_caller_stays_and_all_others_go() {
    let (trial, _) = ada().await;
    // More than the list of sessions holds.
    let mut others = Vec::new();
    for _ in 0..120 {
        others.push(trial.sign_in("ada@example.org").await);
    }
    let here = others.pop().unwrap();
    let fresh = change(&trial, &here, PASSWORD, NEW).await.unwrap();
    for ended in others.iter().chain([&here]) {
        assert_eq!(trial.bring(ended).unwrap_err(), Reason::RevokedUser);
    }
    let (fresh, old) = (trial.bring(&fresh).unwrap(), here.issued.scopes);
    assert_eq!((fresh.subject().as_str(), fresh.scopes()), (here.subject.as_str(), &old));
    assert_eq!(trial.try_sign_in("ada@example.org", PASSWORD).await.unwrap_err(), SignInError::InvalidGrant);
    let anew = trial.try_sign_in("ada@example.org", NEW).await.unwrap();
    assert!(trial.bring(&anew).is_ok());
}

#[tokio::test]
async fn the_subject_may_be_the_login() {
    let form = SubjectForm::Login { prefix: "username:".into() };
    let trial = Trial::with(form, |folder| Store::Sqlite(folder.join("gatepass.db"))).await;
    trial.sign_up("ada@example.org").await;
    let here = trial.sign_in("ada@example.org").await;
    let fresh = change(&trial, &here, PASSWORD, NEW).await.unwrap();
    assert_eq!(trial.bring(&fresh).unwrap().subject().as_str(), "username:ada@example.org");
}

#[tokio::test]
async fn what_breaks_a_rule_changes_nothing() {
    let (trial, id) = ada().await;
    let here = trial.sign_in("ada@example.org").await;
    let short = PasswordChangeError::Rule(PasswordRule::TooShort(8));
    for (from, to, error) in [
        (PASSWORD, PASSWORD, PasswordChangeError::Same),
        (PASSWORD, "short", short),
        ("wrong", "short", short),
        ("wrong", NEW, PasswordChangeError::Wrong),
        ("", NEW, PasswordChangeError::Wrong),
    ] {
        assert_eq!(change(&trial, &here, from, to).await.unwrap_err(), error);
    }
    assert!(trial.bring(&here).is_ok());
    trial.users.set_disabled(&id, true).await.unwrap();
    assert_eq!(change(&trial, &here, PASSWORD, NEW).await.unwrap_err(), PasswordChangeError::UserDisabled);
    trial.users.delete(&id).await.unwrap();
    assert_eq!(change(&trial, &here, PASSWORD, NEW).await.unwrap_err(), PasswordChangeError::UserDisabled);
}

#[tokio::test]
async fn a_wrong_password_here_is_a_failed_sign_in() {
    let (trial, _) = ada().await;
    let here = trial.sign_in("ada@example.org").await;
    for _ in 0..10 {
        assert_eq!(change(&trial, &here, "wrong", NEW).await.unwrap_err(), PasswordChangeError::Wrong);
    }
    let waits = change(&trial, &here, PASSWORD, NEW).await.unwrap_err();
    assert!(matches!(waits, PasswordChangeError::RateLimited(_)), "{waits:?}");
    // The account's own counter, from wherever else.
    let (mut failed, elsewhere) = (10, |n: u32| Some(std::net::Ipv4Addr::from(0xc633_6400 + n).into()));
    let grant = |client| crate::login::PasswordGrant {
        username: "ada@example.org".into(),
        password: "wrong".into(),
        scope: None,
        client,
        origin: Origin::default(),
    };
    while trial.logins.sign_in(grant(elsewhere(failed))).await.unwrap_err().error == SignInError::InvalidGrant
    {
        failed += 1;
    }
    assert_eq!(failed, 50, "those counted here are among them");
}

#[tokio::test]
async fn only_a_token_of_a_sign_in_changes_a_password() {
    let (trial, _) = ada().await;
    let minted = trial.minted();
    let bearer = format!("Bearer {minted}").parse().unwrap();
    let headers = http::HeaderMap::from_iter([(http::header::AUTHORIZATION, bearer)]);
    let token = trial.gate.authenticate(&headers).await.unwrap();
    assert!(trial.logins.user_of(&token).await.unwrap().is_none());
    let change =
        PasswordChange { current: PASSWORD.into(), new: NEW.into(), client: None, origin: Origin::default() };
    let refused = trial.logins.change_password(&token, change).await;
    assert_eq!(refused.unwrap_err(), PasswordChangeError::NoSignIn);
}

#[tokio::test]
async fn of_two_changes_at_once_one_wins() {
    for _ in 0..5 {
        let (trial, _) = ada().await;
        let (phone, desk) = (trial.sign_in("ada@example.org").await, trial.sign_in("ada@example.org").await);
        let changed = tokio::join!(
            change(&trial, &phone, PASSWORD, "one of the two"),
            change(&trial, &desk, PASSWORD, "the other one")
        );
        let new = match &changed {
            (Ok(_), Err(PasswordChangeError::Raced)) => "one of the two",
            (Err(PasswordChangeError::Raced), Ok(_)) => "the other one",
            _ => panic!("{changed:?}"),
        };
        trial.try_sign_in("ada@example.org", new).await.unwrap();
        for ended in [&phone, &desk] {
            assert_eq!(trial.bring(ended).unwrap_err(), Reason::RevokedUser);
        }
    }
}

/// A sign-in with the old password, its hash checked, then a whole change, then the rest of the sign-in; and the other way.
#[tokio::test(flavor = "multi_thread")]
async fn no_sign_in_with_the_old_password_survives() {
    let (trial, _) = ada().await;
    let trial = Arc::new(trial);
    let mut password = PASSWORD.to_owned();
    for round in 0..30 {
        let here = trial.try_sign_in("ada@example.org", &password).await.unwrap();
        let tries: Vec<_> = (0..4)
            .map(|_| {
                let (trial, password) = (Arc::clone(&trial), password.clone());
                tokio::spawn(async move { trial.try_sign_in("ada@example.org", &password).await })
            })
            .collect();
        let new = format!("battery staple {round}");
        change(&trial, &here, &password, &new).await.unwrap();
        for racing in tries {
            match racing.await.unwrap() {
                Ok(signed_in) => assert_eq!(trial.bring(&signed_in).unwrap_err(), Reason::RevokedUser),
                Err(error) => assert_eq!(error, SignInError::InvalidGrant),
            }
        }
        password = new;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_fails_in_between_is_told() {
    let (trial, _) = ada().await;
    let (here, there) = (trial.sign_in("ada@example.org").await, trial.sign_in("ada@example.org").await);
    let log = trial.folder.path().join("gatepass.db");
    // When the present password has been checked, nothing can be revoked any more.
    trial.meanwhile(move || {
        let log = rusqlite::Connection::open(log).unwrap();
        let tables: Vec<String> = log
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'revocation%'")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(!tables.is_empty());
        for table in tables {
            log.execute_batch(&format!("DROP TABLE {table}")).unwrap();
        }
    });
    assert_eq!(change(&trial, &here, PASSWORD, NEW).await.unwrap_err(), PasswordChangeError::NotEnded);
    let name = crate::identity::AskedLogin::parse("ada@example.org").unwrap();
    let user = trial.users.by_login(&name).await.unwrap().unwrap();
    let place = trial.logins.hasher.place().unwrap();
    assert!(place.verify(NEW.into(), Some(user.password)).await.unwrap(), "it was changed");
    assert!(trial.bring(&there).is_ok(), "and this one goes on, as was said");
    let before = change(&trial, &there, NEW, PASSWORD).await.unwrap_err();
    assert_eq!(before, PasswordChangeError::StoreUnavailable, "known beforehand, so nothing is begun");
}

#[tokio::test]
async fn the_new_login_allows_no_more_than_the_token_did() {
    let (trial, id) = ada().await;
    trial.users.set_scopes(&id, Scopes::parse("event:read").unwrap()).await.unwrap();
    let here = trial.sign_in("ada@example.org").await;
    trial.users.set_scopes(&id, Scopes::parse("admin event:read").unwrap()).await.unwrap();
    let fresh = change(&trial, &here, PASSWORD, NEW).await.unwrap();
    assert_eq!(fresh.issued.scopes.as_str(), "event:read");
}
