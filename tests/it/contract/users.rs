//! What must a store of users do?

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use gatepass::clock::UnixTime;
use gatepass::identity::{LoginName, Scopes, UserId};
use gatepass::password::PasswordHash;
use gatepass::users::{CreateError, User, UserStore};

fn named(login: &str) -> User {
    User {
        id: UserId::new(),
        login: LoginName::parse(login).unwrap(),
        email: Some(format!("{login}@example.org")),
        password: PasswordHash::from_store(format!("$2b$hash-of-{login}")),
        scopes: Scopes::parse("event:read event:write").unwrap(),
        disabled: false,
        created: UnixTime::from_millis(1_700_000_000_123),
    }
}

fn new_store() -> (tempfile::TempDir, UserStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = UserStore::open(&folder.path().join("users.db")).unwrap();
    (folder, store)
}

/// Everything of a user as text, to be compared.
fn told(user: &User) -> String {
    format!("{user:?} {}", user.password.expose())
}

#[tokio::test]
async fn a_user_is_found_as_created() {
    let (_folder, store) = new_store();
    let ada = named("ada");
    let grace = User { email: None, disabled: true, scopes: Scopes::default(), ..named("grace") };
    store.create(ada.clone()).await.unwrap();
    store.create(grace.clone()).await.unwrap();
    assert_eq!(told(&store.by_login(&ada.login).await.unwrap().unwrap()), told(&ada));
    assert_eq!(told(&store.by_id(&grace.id).await.unwrap().unwrap()), told(&grace));
    assert!(store.by_login(&LoginName::parse("nobody").unwrap()).await.unwrap().is_none());
    assert!(store.by_id(&UserId::new()).await.unwrap().is_none());
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_login_is_given_once() {
    let (_folder, store) = new_store();
    let first = named("ada");
    store.create(first.clone()).await.unwrap();
    assert!(matches!(store.create(named("ADA ")).await, Err(CreateError::Exists)));
    assert_eq!(store.list().await.unwrap().len(), 1);
    let same_id = User { id: first.id.clone(), ..named("grace") };
    assert!(
        matches!(store.create(same_id).await, Err(CreateError::Store(_))),
        "an id is nobody else's login"
    );
    assert_eq!(told(&store.by_id(&first.id).await.unwrap().unwrap()), told(&first));
}

#[tokio::test]
async fn a_user_is_changed_and_removed() {
    let (_folder, store) = new_store();
    let (ada, bob) = (named("ada"), named("bob"));
    store.create(bob.clone()).await.unwrap();
    store.create(ada.clone()).await.unwrap();
    assert!(store.set_password(&ada.id, PasswordHash::from_store("$2b$new".into())).await.unwrap());
    assert!(store.set_scopes(&ada.id, Scopes::parse("admin").unwrap()).await.unwrap());
    assert!(store.set_disabled(&ada.id, true).await.unwrap());
    let list = store.list().await.unwrap();
    let expected = User {
        password: PasswordHash::from_store("$2b$new".into()),
        scopes: Scopes::parse("admin").unwrap(),
        disabled: true,
        ..ada.clone()
    };
    assert_eq!(list.iter().map(told).collect::<Vec<_>>(), [told(&expected), told(&bob)]);
    assert!(store.set_disabled(&ada.id, false).await.unwrap());
    assert!(!store.by_id(&ada.id).await.unwrap().unwrap().disabled);
    assert!(store.delete(&ada.id).await.unwrap());
    assert!(store.by_login(&ada.login).await.unwrap().is_none());
    for gone in [
        store.delete(&ada.id).await,
        store.set_password(&ada.id, PasswordHash::from_store(String::new())).await,
        store.set_scopes(&ada.id, Scopes::default()).await,
        store.set_disabled(&ada.id, true).await,
    ] {
        assert!(!gone.unwrap());
    }
}

#[tokio::test]
async fn two_stores_share_one_file() {
    let (folder, here) = new_store();
    let there = UserStore::open(&folder.path().join("users.db")).unwrap();
    let ada = named("ada");
    here.create(ada.clone()).await.unwrap();
    assert_eq!(told(&there.by_login(&ada.login).await.unwrap().unwrap()), told(&ada));
    let taken = (0..20).map(|n| {
        let store = if n % 2 == 0 { here.clone() } else { there.clone() };
        tokio::spawn(async move { store.create(named(&format!("user{}", n / 2))).await.is_ok() })
    });
    let mut created = 0;
    for task in taken.collect::<Vec<_>>() {
        created += usize::from(task.await.unwrap());
    }
    assert_eq!(created, 10, "of two who want one login, one has it");
    assert_eq!(here.list().await.unwrap().len(), 11);
}

#[tokio::test]
async fn a_file_is_opened_by_many_at_once_and_kept_from_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.db");
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| UserStore::open(&path).map(drop))).collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    });
    let store = UserStore::open(&path).unwrap();
    store.create(named("ada")).await.unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
    }
}

#[tokio::test]
async fn a_store_that_fails_says_so_and_is_nobody() {
    let missing = UserStore::open(Path::new("/nowhere/at/all/users.db")).unwrap_err();
    assert!(missing.to_string().contains("/nowhere/at/all/users.db"), "{missing}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.db");
    std::fs::write(&path, "this is not a database, and long enough to be read as one".repeat(40)).unwrap();
    assert!(UserStore::open(&path).is_err());
}

#[tokio::test]
async fn a_name_that_could_forge_a_header_is_an_error_not_a_user() {
    let (folder, store) = new_store();
    let ada = named("ada");
    store.create(ada.clone()).await.unwrap();
    let other = rusqlite::Connection::open(folder.path().join("users.db")).unwrap();
    other.execute("UPDATE users SET login = 'ada' || char(13, 10) || 'X-Admin: 1'", []).unwrap();
    assert!(store.by_id(&ada.id).await.is_err());
}

#[tokio::test]
async fn the_dearest_hash_is_known() {
    let (_folder, store) = new_store();
    assert_eq!(store.dearest_cost(16).await.unwrap(), None);
    for (login, hash) in [
        ("cheap", bcrypt::hash("correct horse", 4).unwrap()),
        ("dear", bcrypt::hash("correct horse", 5).unwrap()),
        ("too-dear", format!("$2b$31${}", "x".repeat(53))),
        ("malformed", "$2b$15$short".to_owned()),
    ] {
        store.create(User { password: PasswordHash::from_store(hash), ..named(login) }).await.unwrap();
    }
    assert_eq!(store.dearest_cost(16).await.unwrap(), Some(5));
}
