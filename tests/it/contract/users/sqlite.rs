//! Users of ours, in an SQLite file.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use gatepass::identity::UserId;
use gatepass::users::{self, CreateError, Mode, Settings, SqliteUsers, User, UserStore};
use serde_json::Value;

use super::suite::{Mount, Record, named, promises, told};

/// A file of ours.
struct Ours {
    folder: tempfile::TempDir,
}

impl Ours {
    fn file(&self) -> PathBuf {
        self.folder.path().join("users.db")
    }

    fn connection(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).unwrap()
    }
}

#[async_trait]
impl Mount for Ours {
    async fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        SqliteUsers::open(&place.file()).unwrap();
        place
    }

    async fn open(&self, mode: Mode) -> Arc<dyn UserStore> {
        let settings = Settings { mode, ..Settings::sqlite(self.file()) };
        users::open(&settings).await.unwrap()
    }

    async fn write(&self, records: Vec<Record>) -> Vec<UserId> {
        let mut connection = self.connection();
        let transaction = connection.transaction().unwrap();
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        let mut ids = Vec::new();
        for record in records {
            let id = UserId::new();
            let disabled = record.disabled == Value::Bool(true);
            let insert = "INSERT INTO users (id, login, email, password, scopes, disabled, created) \
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)";
            let (login, email) = (text(&record.login), text(&record.email));
            let (password, scopes) = (text(&record.password), text(&record.scopes));
            transaction.execute(insert, (id.as_str(), login, email, password, scopes, disabled)).unwrap();
            ids.push(id);
        }
        transaction.commit().unwrap();
        ids
    }

    async fn everything(&self) -> String {
        let connection = self.connection();
        let mut rows = connection
            .prepare(
                "SELECT quote(id) || quote(login) || quote(password) || quote(scopes) \
            || quote(disabled) FROM users ORDER BY id",
            )
            .unwrap();
        let rows = rows.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("\n")
    }
}

promises! { reading of Ours }
promises! { writing of Ours }

#[tokio::test]
async fn an_id_is_given_once() {
    let place = Ours::new().await;
    let store = place.open(Mode::ReadWrite).await;
    let first = named("ada");
    store.create(first.clone()).await.unwrap();
    let same_id = User { id: first.id.clone(), ..named("grace") };
    assert!(
        matches!(store.create(same_id).await, Err(CreateError::Store(_))),
        "an id is nobody else's login"
    );
    assert_eq!(told(&store.by_id(&first.id).await.unwrap().unwrap()), told(&first));
}

#[tokio::test]
async fn a_file_is_opened_by_many_at_once_and_kept_from_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.db");
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| SqliteUsers::open(&path).map(drop))).collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    });
    let store = SqliteUsers::open(&path).unwrap();
    store.create(named("ada")).await.unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
    }
}

#[tokio::test]
async fn a_store_that_fails_says_so_and_is_nobody() {
    let missing = SqliteUsers::open(Path::new("/nowhere/at/all/users.db")).unwrap_err();
    assert!(missing.to_string().contains("/nowhere/at/all/users.db"), "{missing}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.db");
    std::fs::write(&path, "this is not a database, and long enough to be read as one".repeat(40)).unwrap();
    assert!(SqliteUsers::open(&path).is_err());
}

#[tokio::test]
async fn a_name_that_could_forge_a_header_is_an_error_not_a_user() {
    let place = Ours::new().await;
    let store = place.open(Mode::ReadWrite).await;
    let ada = named("ada");
    store.create(ada.clone()).await.unwrap();
    place.connection().execute("UPDATE users SET login = 'ada' || char(13, 10) || 'X-Admin: 1'", []).unwrap();
    assert!(store.by_id(&ada.id).await.is_err());
    let bob = named("bob");
    store.create(bob.clone()).await.unwrap();
    assert_eq!(store.by_ids(&[ada.id, bob.id]).await.unwrap().len(), 1, "nobody else is kept out by it");
    assert_eq!(store.page(None, 10).await.unwrap().len(), 1);
}
