//! Do people get in who should, and does whatever ends a sign-in end it?

use crate::sessions::Origin;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::trial::{PASSWORD, Trial};
use super::{PasswordGrant, SignInError, SignUp, SignUpError, SignUpRules, SignedUp};
use crate::access::Reason;
use crate::identity::{AskedLogin, BadClaim, Scopes};
use crate::password::{PasswordHash, PasswordRule};
use crate::revocation::{Scope, Store};
use crate::token::SubjectForm;
use crate::users::UserStore as _;

#[tokio::test]
async fn who_signs_up_may_sign_in() {
    let trial = Trial::start().await;
    let id = trial.sign_up(" Ada@Example.org ").await;
    let signed_in = trial.sign_in("ADA@example.org").await;
    assert_eq!(signed_in.subject.as_str(), id.as_str());
    assert_eq!(signed_in.issued.expires_in, 1800);
    let token = trial.bring(&signed_in).unwrap();
    assert_eq!(token.claim("preferred_username"), Some("ada@example.org"));
    assert_eq!(token.claim("email"), Some("ada@example.org"));
    assert_eq!(token.scopes().as_str(), "event:read event:write");
    assert!(token.login_id().is_some() && token.login_version().is_some());
    let again = trial.bring(&trial.sign_in("ada@example.org").await).unwrap();
    assert_ne!(again.login_id(), token.login_id());
    assert!(again.login_version() > token.login_version());
}

#[tokio::test]
async fn the_subject_may_be_the_login() {
    let form = SubjectForm::Login { prefix: "username:".into() };
    let trial = Trial::with(form, |folder| Store::Sqlite(folder.join("gatepass.db"))).await;
    trial.sign_up("ada@example.org").await;
    assert_eq!(trial.sign_in("ada@example.org").await.subject.as_str(), "username:ada@example.org");
}

#[tokio::test]
async fn every_no_is_the_same() {
    let trial = Trial::start().await;
    let id = trial.sign_up("ada@example.org").await;
    trial.sign_up("bob@example.org").await;
    trial.users.set_disabled(&id, true).await.unwrap();
    let long = "x".repeat(5000);
    for (name, password) in [
        ("ada@example.org", PASSWORD),
        ("bob@example.org", "wrong"),
        ("bob@example.org", ""),
        ("bob@example.org", "correct horse\0"),
        ("nobody@example.org", PASSWORD),
        ("", PASSWORD),
        ("bob@example.org\r\nx", PASSWORD),
        (&long, PASSWORD),
    ] {
        let refused = trial.try_sign_in(name, password).await;
        assert_eq!(refused.unwrap_err(), SignInError::InvalidGrant, "{name}");
    }
    let bob = trial.users.by_login(&AskedLogin::parse("bob@example.org").unwrap()).await.unwrap().unwrap();
    for hash in ["", "plain text", "$2b$04$short"] {
        trial.users.set_password(&bob.id, PasswordHash::from_store(hash.into())).await.unwrap();
        assert_eq!(trial.try_sign_in("bob@example.org", hash).await.unwrap_err(), SignInError::InvalidGrant);
    }
}

#[tokio::test]
async fn scopes_are_what_was_asked_for_and_is_allowed() {
    let trial = Trial::start().await;
    trial.sign_up("ada@example.org").await;
    let ask = async |scope: &str| {
        let scope = Some(Scopes::parse(scope).unwrap());
        let grant = PasswordGrant {
            username: "ada@example.org".into(),
            password: PASSWORD.into(),
            scope,
            client: None,
            origin: Origin::default(),
        };
        let signed_in = trial.logins.sign_in(grant).await.map_err(|failed| failed.error);
        signed_in.map(|signed_in| signed_in.issued.scopes.to_string())
    };
    assert_eq!(ask("event:read admin").await.as_deref(), Ok("event:read"));
    assert_eq!(ask("admin").await, Err(SignInError::InvalidScope));
}

#[tokio::test]
async fn an_address_is_taken_once() {
    let trial = Trial::start().await;
    trial.sign_up("ada@example.org").await;
    let ask = async |email: &str, password: &str| {
        let (email, password) = (email.into(), password.into());
        trial.logins.sign_up(SignUp { email, password, claims: Vec::new(), client: None }).await
    };
    assert_eq!(ask("ADA@example.org", PASSWORD).await, Err(SignUpError::Exists));
    assert_eq!(ask("ada", PASSWORD).await, Err(SignUpError::Email));
    let short = ask("bob@example.org", "short").await;
    assert_eq!(short, Err(SignUpError::Password(PasswordRule::TooShort(8))));
    let raced = tokio::join!(ask("carol@example.org", PASSWORD), ask("carol@example.org", PASSWORD));
    assert!(
        matches!(raced, (Ok(_), Err(SignUpError::Exists)) | (Err(SignUpError::Exists), Ok(_))),
        "{raced:?}"
    );
}

#[tokio::test]
async fn a_sign_up_may_be_hidden_and_then_looks_like_any_other() {
    let rules = SignUpRules { reveals: false, ..SignUpRules::default() };
    let store = |folder: &std::path::Path| Store::Sqlite(folder.join("gatepass.db"));
    let trial = Trial::ruled(SubjectForm::Id, store, rules).await;
    let id = trial.sign_up("ada@example.org").await;
    let hashed = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&hashed);
    trial.meanwhile(move || seen.store(true, Ordering::SeqCst));
    assert_eq!(trial.try_sign_up("ADA@example.org").await, Ok(SignedUp::Hidden(Some(id.clone()))));
    assert!(hashed.load(Ordering::SeqCst), "the same work is done");
    // Taken while it was being hashed.
    let (users, runtime) = (trial.users.clone(), tokio::runtime::Handle::current());
    let user = trial.users.by_id(&id).await.unwrap().unwrap();
    let bob = crate::users::User {
        id: crate::identity::UserId::new(),
        login: crate::identity::LoginName::parse("bob@example.org").unwrap(),
        ..user
    };
    trial.meanwhile(move || drop(runtime.block_on(users.create(bob)).unwrap()));
    assert_eq!(trial.try_sign_up("bob@example.org").await, Ok(SignedUp::Hidden(None)));
    assert_eq!(trial.users.page(None, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn sign_ups_are_limited_by_source() {
    let trial = Trial::start().await;
    let mut names = 0..;
    let mut ask = async |client: &str| {
        let email = format!("user{}@example.org", names.next().unwrap());
        let client = Some(client.parse().unwrap());
        trial.logins.sign_up(SignUp { email, password: PASSWORD.into(), claims: Vec::new(), client }).await
    };
    for _ in 0..10 {
        ask("192.0.2.1").await.unwrap();
    }
    let minutes = |minutes: u64| Err(SignUpError::RateLimited(Duration::from_secs(60 * minutes)));
    assert_eq!(ask("192.0.2.1").await, minutes(6));
    trial.hand.advance(Duration::from_secs(120));
    assert_eq!(ask("::ffff:192.0.2.1").await, minutes(4), "what is refused does not count");
    ask("192.0.2.2").await.unwrap();
    trial.hand.advance(Duration::from_secs(240));
    ask("192.0.2.1").await.unwrap();
    assert_eq!(ask("192.0.2.1").await, minutes(6), "one is forgiven in that time, and no more");
}

#[tokio::test]
async fn other_fields_become_claims() {
    let trial = Trial::start().await;
    let ask = async |claims: Vec<(String, serde_json::Value)>| {
        let (email, password) = ("ada@example.org".into(), PASSWORD.into());
        trial.logins.sign_up(SignUp { email, password, claims, client: None }).await
    };
    let bad = ask(vec![("full_name".into(), serde_json::json!("Ada\r\nX: 1"))]).await.unwrap_err();
    assert_eq!(bad, SignUpError::Claim("full_name".into(), BadClaim::Control));
    let claims = vec![("full_name".into(), "Ada".into()), ("department".into(), serde_json::Value::Null)];
    let SignedUp::New(id) = ask(claims).await.unwrap() else { panic!("hidden") };
    let user = trial.users.by_id(&id).await.unwrap().unwrap();
    assert_eq!(user.claims.iter().collect::<Vec<_>>(), [("full_name", &serde_json::json!("Ada"))]);
}

#[tokio::test]
async fn signing_out_ends_this_sign_in_and_no_other() {
    let trial = Trial::start().await;
    trial.sign_up("ada@example.org").await;
    let (phone, desk) = (trial.sign_in("ada@example.org").await, trial.sign_in("ada@example.org").await);
    let scope = trial.logins.sign_out(&trial.bring(&phone).unwrap(), false).await.unwrap();
    assert_eq!(scope, Scope::Login);
    assert_eq!(trial.bring(&phone).unwrap_err(), Reason::RevokedLogin);
    assert!(trial.bring(&desk).is_ok());
}

#[tokio::test]
async fn signing_out_everywhere_ends_all_up_to_now() {
    let trial = Trial::start().await;
    trial.sign_up("ada@example.org").await;
    trial.sign_up("bob@example.org").await;
    let (phone, desk) = (trial.sign_in("ada@example.org").await, trial.sign_in("ada@example.org").await);
    let other = trial.sign_in("bob@example.org").await;
    let scope = trial.logins.sign_out(&trial.bring(&phone).unwrap(), true).await.unwrap();
    assert_eq!(scope, Scope::User);
    for ended in [&phone, &desk] {
        assert_eq!(trial.bring(ended).unwrap_err(), Reason::RevokedUser);
    }
    assert!(trial.bring(&other).is_ok());
    let anew = trial.sign_in("ada@example.org").await;
    assert!(trial.bring(&anew).is_ok(), "in the same millisecond, and yet later");
}

#[tokio::test]
async fn a_revoked_token_is_refused_and_others_are_not() {
    let trial = Trial::start().await;
    trial.sign_up("ada@example.org").await;
    let (one, other) = (trial.sign_in("ada@example.org").await, trial.sign_in("ada@example.org").await);
    assert!(trial.logins.revoke(&one.issued.token).await.unwrap().is_some());
    assert_eq!(trial.bring(&one).unwrap_err(), Reason::RevokedToken);
    assert!(trial.bring(&other).is_ok());
    for foreign in ["", "a.b.c", &format!("{}x", other.issued.token)] {
        assert!(trial.logins.revoke(foreign).await.unwrap().is_none(), "{foreign}");
    }
    trial.hand.advance(Duration::from_secs(1801));
    let expired = trial.logins.revoke(&other.issued.token).await.unwrap();
    assert!(expired.is_none(), "expired: there is nothing to revoke");
}

/// Changes the user while their password is being checked, and tries to sign in.
async fn changed_meanwhile<F>(
    change: impl FnOnce(crate::users::SqliteUsers, crate::identity::UserId) -> F,
) -> SignInError
where
    F: Future<Output = ()> + Send + 'static,
{
    let trial = Trial::start().await;
    let id = trial.sign_up("ada@example.org").await;
    let change = change(trial.users.clone(), id);
    let runtime = tokio::runtime::Handle::current();
    trial.meanwhile(move || runtime.block_on(change));
    trial.try_sign_in("ada@example.org", PASSWORD).await.unwrap_err()
}

#[tokio::test]
async fn a_change_of_the_user_beats_a_sign_in_under_way() {
    let disabled = changed_meanwhile(|users, id| async move {
        assert!(users.set_disabled(&id, true).await.unwrap());
    });
    assert_eq!(disabled.await, SignInError::InvalidGrant);
    let deleted = changed_meanwhile(|users, id| async move {
        assert!(users.delete(&id).await.unwrap());
    });
    assert_eq!(deleted.await, SignInError::InvalidGrant);
    let another = changed_meanwhile(|users, id| async move {
        let hash = PasswordHash::from_store("$2b$04$another".into());
        assert!(users.set_password(&id, hash).await.unwrap());
    });
    assert_eq!(another.await, SignInError::InvalidGrant);
}

#[tokio::test]
async fn fewer_rights_given_meanwhile_are_those_granted() {
    let trial = Trial::start().await;
    let id = trial.sign_up("ada@example.org").await;
    let (users, runtime) = (trial.users.clone(), tokio::runtime::Handle::current());
    trial.meanwhile(move || {
        let fewer = Scopes::parse("event:read").unwrap();
        assert!(runtime.block_on(users.set_scopes(&id, fewer)).unwrap());
    });
    assert_eq!(trial.sign_in("ada@example.org").await.issued.scopes.as_str(), "event:read");
}

#[tokio::test]
async fn without_the_log_nobody_signs_in_and_nothing_is_said_to_be_ended() {
    let trial = Trial::without_redis().await;
    trial.sign_up("ada@example.org").await;
    let refused = trial.try_sign_in("ada@example.org", PASSWORD).await;
    assert_eq!(refused.unwrap_err(), SignInError::StoreUnavailable);
    // Said before any password is looked at.
    let wrong = trial.try_sign_in("ada@example.org", "wrong").await;
    assert_eq!(wrong.unwrap_err(), SignInError::StoreUnavailable);
}
