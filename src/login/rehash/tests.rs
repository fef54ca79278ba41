//! Are hashes replaced that should be, and does a password that was changed meanwhile win?

use crate::identity::{AskedLogin, UserId};
use crate::login::SignInError;
use crate::login::trial::{PASSWORD, Trial};
use crate::password::{HasherSettings, NewHash, PasswordHash, Scheme, SchemeSet};
use crate::users::UserStore as _;

const LOGIN: &str = "ada@example.org";

/// One where new hashes cost 5, and a user whose hash costs 4.
async fn trial() -> (Trial, UserId) {
    let trial = Trial::rehashing(HasherSettings::of(NewHash::Bcrypt { cost: 5 })).await;
    let id = trial.sign_up(LOGIN).await;
    assert!(trial.users.set_password(&id, hash(PASSWORD, 4)).await.unwrap());
    (trial, id)
}

fn hash(password: &str, cost: u32) -> PasswordHash {
    PasswordHash::from_store(bcrypt::hash(password, cost).unwrap())
}

async fn stored(trial: &Trial) -> String {
    let user = trial.users.by_login(&AskedLogin::parse(LOGIN).unwrap()).await.unwrap().unwrap();
    user.password.expose().to_owned()
}

#[tokio::test]
async fn an_outdated_hash_is_replaced_once() {
    let (trial, _) = trial().await;
    assert!(trial.try_sign_in(LOGIN, "wrong").await.is_err());
    assert!(trial.left_alone().await && stored(&trial).await.starts_with("$2b$04$"));
    trial.sign_in(LOGIN).await;
    assert_eq!(trial.rehashed().await, "replaced");
    assert!(stored(&trial).await.starts_with("$2b$05$"));
    trial.sign_in(LOGIN).await;
    assert!(trial.left_alone().await);
    assert_eq!(trial.try_sign_in(LOGIN, "wrong").await.unwrap_err(), SignInError::InvalidGrant);
}

#[tokio::test]
async fn a_deprecated_scheme_is_replaced() {
    let trial = Trial::rehashing(HasherSettings {
        verify: SchemeSet::STRONG.with(Scheme::Sha1),
        deprecated: SchemeSet::NONE.with(Scheme::Sha1),
        ..HasherSettings::of(NewHash::Argon2id { memory: 64, iterations: 1, parallelism: 1 })
    })
    .await;
    let id = trial.sign_up(LOGIN).await;
    // Of "correct horse", by htpasswd.
    let weak = PasswordHash::from_store("{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=".into());
    assert!(trial.users.set_password(&id, weak).await.unwrap());
    trial.sign_in(LOGIN).await;
    assert_eq!(trial.rehashed().await, "replaced");
    assert!(stored(&trial).await.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
    trial.sign_in(LOGIN).await;
}

/// The hash becomes another while a sign-in checks the one that was.
async fn replaced_meanwhile(other: &'static str) -> Result<(), SignInError> {
    let (trial, id) = trial().await;
    let (users, runtime) = (trial.users.clone(), tokio::runtime::Handle::current());
    trial.meanwhile(move || {
        assert!(runtime.block_on(users.set_password(&id, hash(other, 5))).unwrap());
    });
    trial.try_sign_in(LOGIN, PASSWORD).await.map(drop)
}

#[tokio::test]
async fn another_hash_of_the_same_password_does_not_end_a_sign_in_and_another_password_does() {
    assert_eq!(replaced_meanwhile(PASSWORD).await, Ok(()));
    assert_eq!(replaced_meanwhile("another password").await, Err(SignInError::InvalidGrant));
}

#[tokio::test]
async fn who_is_disabled_meanwhile_is_out_whatever_the_hash() {
    let (trial, id) = trial().await;
    let (users, runtime) = (trial.users.clone(), tokio::runtime::Handle::current());
    trial.meanwhile(move || {
        assert!(runtime.block_on(users.set_password(&id, hash(PASSWORD, 5))).unwrap());
        assert!(runtime.block_on(users.set_disabled(&id, true)).unwrap());
    });
    assert_eq!(trial.try_sign_in(LOGIN, PASSWORD).await.unwrap_err(), SignInError::InvalidGrant);
}

#[tokio::test]
async fn a_password_changed_while_the_new_hash_is_made_stays() {
    let (trial, id) = trial().await;
    trial.sign_in(LOGIN).await;
    assert_eq!(trial.rehashed().await, "replaced");
    assert!(trial.users.set_password(&id, hash(PASSWORD, 4)).await.unwrap());
    let (users, runtime) = (trial.users.clone(), tokio::runtime::Handle::current());
    let proven = trial.users.by_id(&id).await.unwrap().unwrap();
    // The next hash that is made is the replacement.
    trial.meanwhile(move || {
        assert!(runtime.block_on(users.set_password(&id, hash("another password", 5))).unwrap());
    });
    trial.logins.renew_hash(&proven, &PASSWORD.into());
    assert_eq!(trial.rehashed().await, "changed");
    assert!(trial.try_sign_in(LOGIN, PASSWORD).await.is_err());
    assert!(trial.try_sign_in(LOGIN, "another password").await.is_ok());
}
