//! Users of another application, in an SQLite file.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use gatepass::identity::UserId;
use gatepass::users::{self, Fields, Flag, Mode, ScopeSource, Settings, Store, UserStore, all};
use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};

use super::suite::{Mapped, Mount, Record, asked, fields, named, promises};

/// A file that another application made.
struct Theirs {
    folder: tempfile::TempDir,
}

impl Theirs {
    fn made_by(schema: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.connection().execute_batch(schema).unwrap();
        place
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("app.db")
    }

    fn connection(&self) -> Connection {
        Connection::open(self.file()).unwrap()
    }

    fn settings(&self, fields: Fields, mode: Mode) -> Settings {
        Settings { store: Store::Sqlite(self.file()), fields: Some(fields), mode }
    }

    /// What lies beside the file, and it.
    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[async_trait]
impl Mount for Theirs {
    async fn new() -> Self {
        Self::made_by(
            "CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, login VARCHAR(400), name VARCHAR(150),
                email VARCHAR(254), password VARCHAR(128), disabled BOOLEAN, scopes JSON, created DATETIME, dept TEXT);
             CREATE UNIQUE INDEX one_login ON people (login);
             CREATE UNIQUE INDEX one_name ON people (name);",
        )
    }

    async fn open(&self, mode: Mode) -> Arc<dyn UserStore> {
        self.open_as(fields(), mode).await
    }

    async fn write(&self, records: Vec<Record>) -> Vec<UserId> {
        let mut connection = self.connection();
        let transaction = connection.transaction().unwrap();
        let cell = |value: Value| match value {
            Value::Null => Cell::Null,
            Value::Bool(truth) => Cell::Integer(truth.into()),
            Value::String(text) => Cell::Text(text),
            other => Cell::Text(other.to_string()),
        };
        let mut ids = Vec::new();
        for record in records {
            let cells = [
                record.login,
                record.name,
                record.email,
                record.password,
                record.disabled,
                record.scopes,
                record.dept,
            ];
            let insert = "INSERT INTO people (login, name, email, password, disabled, scopes, dept) \
                          VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING CAST(id AS text)";
            let cells = rusqlite::params_from_iter(cells.into_iter().map(cell));
            let id: String = transaction.query_row(insert, cells, |row| row.get(0)).unwrap();
            ids.push(UserId::parse(&id).unwrap());
        }
        transaction.commit().unwrap();
        ids
    }

    async fn everything(&self) -> String {
        // Every byte of the file, and that there is no other.
        format!("{:?} {:?}", self.files(), std::fs::read(self.file()).unwrap())
    }
}

#[async_trait]
impl Mapped for Theirs {
    async fn open_as(&self, fields: Fields, mode: Mode) -> Arc<dyn UserStore> {
        users::open(&self.settings(fields, mode)).await.unwrap()
    }

    async fn without_unique_logins(&self) {
        self.connection().execute_batch("DROP INDEX one_login; DROP INDEX one_name").unwrap();
    }
}

promises! { reading of Theirs }
promises! { writing of Theirs }
promises! { mapped of Theirs }

#[tokio::test]
async fn a_file_that_is_absent_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    for mode in [Mode::ReadOnly, Mode::ReadWrite] {
        let settings = Settings { store: Store::Sqlite(file.clone()), fields: Some(fields()), mode };
        let error = users::open(&settings).await.unwrap_err().to_string();
        assert!(error.contains("there is no file") && error.contains("app.db"), "{error}");
        assert!(!file.exists());
    }
    std::fs::write(&file, "this is not a database, and long enough to be read as one".repeat(40)).unwrap();
    let settings = Settings { store: Store::Sqlite(file), fields: Some(fields()), mode: Mode::ReadOnly };
    assert!(users::open(&settings).await.unwrap_err().to_string().contains("not a database"));
}

/// SQLite takes a quoted name that it does not know for a text: every hash would be the word `pasword`.
#[tokio::test]
async fn a_misspelt_column_is_an_error() {
    let place = Theirs::new().await;
    place.write(vec![Record::of("ada")]).await;
    let misspelt = |change: fn(&mut Fields)| {
        let mut fields = fields();
        change(&mut fields);
        fields
    };
    for (fields, name) in [
        (misspelt(|fields| fields.password = "pasword".to_owned()), "pasword"),
        (misspelt(|fields| fields.id = "Id2".to_owned()), "Id2"),
        (misspelt(|fields| fields.login = vec!["mail".to_owned()]), "mail"),
        (misspelt(|fields| fields.table = "persons".to_owned()), "persons"),
        (misspelt(|fields| fields.claims[0].1 = "department".to_owned()), "department"),
    ] {
        let store = place.open_as(fields, Mode::ReadWrite).await;
        let error = store.ping().await.unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
        assert!(store.by_login(&asked("ada")).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn a_file_that_was_replaced_is_read_anew() {
    let (place, other) = (Theirs::new().await, Theirs::new().await);
    let store = place.open(Mode::ReadOnly).await;
    place.write(vec![Record::of("ada")]).await;
    other.write(vec![Record { disabled: json!(true), ..Record::of("ada") }]).await;
    assert!(!store.by_login(&asked("ada")).await.unwrap().unwrap().disabled);
    std::fs::rename(other.file(), place.file()).unwrap();
    assert!(store.by_login(&asked("ada")).await.unwrap().unwrap().disabled);
    std::fs::remove_file(place.file()).unwrap();
    assert!(store.by_login(&asked("ada")).await.unwrap_err().to_string().contains("there is no file"));
}

/// As Django makes it; scopes are the names of groups.
#[tokio::test]
async fn the_users_of_a_django_application() {
    let place = Theirs::made_by(
        "CREATE TABLE auth_user (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, password varchar(128) NOT NULL,
            is_superuser bool NOT NULL, username varchar(150) NOT NULL UNIQUE, email varchar(254) NOT NULL,
            is_active bool NOT NULL, date_joined datetime NOT NULL);
         CREATE TABLE auth_group (id integer NOT NULL PRIMARY KEY, name varchar(150) NOT NULL UNIQUE);
         CREATE TABLE auth_user_groups (user_id integer NOT NULL, group_id integer NOT NULL);
         INSERT INTO auth_user VALUES (7, 'pbkdf2_sha256$600000$salt$hash', 1, 'Ada', 'ada@example.org', 1,
            '2023-11-14 22:13:20.123000'), (8, '!unusable', 0, 'Grace', '', 0, '2023-11-14 22:13:20');
         INSERT INTO auth_group VALUES (1, 'event:write'), (2, 'Event admins'), (3, 'event:read');
         INSERT INTO auth_user_groups VALUES (7, 1), (7, 2), (7, 3);",
    );
    let name = |text: &str| text.to_owned();
    let query = "SELECT g.name FROM auth_group g JOIN auth_user_groups ug ON g.id = ug.group_id WHERE ug.user_id = $1; ";
    let fields = Fields {
        table: name("main.auth_user"),
        id: name("id"),
        login: vec![name("username"), name("email")],
        ignore_case: true,
        email: Some(name("email")),
        password: name("password"),
        disabled: Some(Flag { field: name("is_active"), inverted: true }),
        scopes: ScopeSource::Query(name(query)),
        created: Some(name("date_joined")),
        claims: vec![(name("superuser"), name("is_superuser"))],
        ..fields()
    };
    let store = place.open_as(fields, Mode::ReadWrite).await;
    for login in ["ada", "ADA@example.org"] {
        let ada = store.by_login(&asked(login)).await.unwrap().unwrap();
        assert_eq!((ada.id.as_str(), ada.login.as_str(), ada.disabled), ("7", "Ada", false));
        assert_eq!(
            ada.scopes.as_str(),
            "event:read event:write",
            "a name with a space is no scope, and not two"
        );
        assert_eq!(ada.created.unwrap().millis(), 1_700_000_000_123);
        assert_eq!(ada.claims.get("superuser"), Some(&json!(1)));
    }
    let list = all(&*store).await.unwrap();
    assert_eq!(list.iter().map(|user| user.disabled).collect::<Vec<_>>(), [false, true]);
    assert!(list[1].scopes.is_empty());
    // What the file does not say how to fill, nobody guesses.
    let error = store.create(named("new")).await.unwrap_err().to_string();
    assert!(error.contains("auth_user.is_superuser"), "{error}");
    assert!(store.set_scopes(&list[0].id, list[0].scopes.clone()).await.is_err());
    assert_eq!(store.advice().await.unwrap().len(), 2);
}

#[tokio::test]
async fn check_tells_what_the_table_lacks() {
    let place = Theirs::new().await;
    place.without_unique_logins().await;
    std::fs::write(place.folder.path().join("gatepass.secret"), crate::world::SECRET).unwrap();
    let config = "[upstreams.app]\nservers = [\"unix:app.socket\"]\n[tokens]\nissuer = \"https://gw.test\"\n\
                  audience = \"app\"\nsecret = { file = \"gatepass.secret\" }\n[users]\nstore = \"sqlite:app.db\"\n\
                  [users.fields]\ntable = \"people\"\nlogin = [\"login\"]\npassword = \"password\"\n";
    std::fs::write(place.folder.path().join("gateway.toml"), config).unwrap();
    let arguments = ["check", "--online"];
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_gatepass"))
        .args(arguments)
        .current_dir(place.folder.path())
        .output()
        .unwrap();
    crate::world::said::printed(&arguments, &output.stdout, &output.stderr);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("the user store: answers; warning: "), "{said}");
    assert!(said.contains("CREATE UNIQUE INDEX \"people_login_unique\" ON \"people\" (\"login\")"), "{said}");
}
