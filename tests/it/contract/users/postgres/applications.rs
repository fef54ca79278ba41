//! Tables as applications make them, and a gateway in front.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use gatepass::identity::{LoginName, Scopes, UserId};
use gatepass::password::PasswordHash;
use gatepass::secret::Secret;
use gatepass::users::{
    self, CreateError, Fields, Flag, Mode, ScopeSource, Settings, Store, User, UserStore, all,
};
use serde_json::json;

use super::open;
use crate::contract::users::suite::{asked, fields, named, whose};
use crate::world::postgres::Postgres;
use crate::world::recorder::Recorder;
use crate::world::{ROUTES, World, config_text};

/// As tutorials of `SQLAlchemy` have it, with ids that the application makes.
const SQLALCHEMY: &str = "
    CREATE TABLE users (
        id uuid PRIMARY KEY, email varchar(320) NOT NULL, hashed_password varchar(1024) NOT NULL,
        disabled boolean NOT NULL DEFAULT false, roles text[] NOT NULL DEFAULT '{}', dept text, created_at timestamp
    );
    CREATE UNIQUE INDEX ix_users_email ON users (lower(email));";

fn sqlalchemy() -> Fields {
    let name = |text: &str| text.to_owned();
    Fields {
        table: name("users"),
        login: vec![name("email")],
        ignore_case: true,
        email: Some(name("email")),
        password: name("hashed_password"),
        disabled: Some(Flag { field: name("disabled"), inverted: false }),
        scopes: ScopeSource::Field(name("roles")),
        created: Some(name("created_at")),
        ..fields()
    }
}

async fn opened(server: &Postgres, fields: Fields, mode: Mode) -> Arc<dyn UserStore> {
    users::open(&open(server, fields, mode)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_users_of_an_sqlalchemy_application() {
    let server = Postgres::start();
    server.run(SQLALCHEMY).await;
    let store = opened(&server, sqlalchemy(), Mode::ReadWrite).await;
    assert_eq!(store.advice().await.unwrap(), Vec::<String>::new());
    let ada = User {
        login: LoginName::parse("ada@example.org").unwrap(),
        email: Some("ada@example.org".to_owned()),
        ..named("ada")
    };
    let id = store.create(ada.clone()).await.unwrap();
    assert_eq!(id.as_str().len(), 36, "an id of the table's kind");
    assert!(matches!(store.create(ada).await, Err(CreateError::Exists)));
    server.run("UPDATE users SET email = 'Ada@Example.org'").await;
    let found = store.by_login(&asked("ADA@example.org")).await.unwrap().unwrap();
    assert_eq!((&found.id, found.login.as_str()), (&id, "Ada@Example.org"));
    assert_eq!(found.scopes.as_str(), "event:read event:write");
    assert_eq!(found.created.unwrap().millis(), 1_700_000_000_123);
    let scopes = Scopes::parse("a b,c {d}").unwrap();
    assert!(store.set_scopes(&id, scopes.clone()).await.unwrap());
    assert_eq!(store.by_id(&id).await.unwrap().unwrap().scopes, scopes);
    // The application changes its table while we hold statements about it.
    server.run("ALTER TABLE users ALTER COLUMN email TYPE text, ADD COLUMN more int").await;
    for _ in 0..3 {
        let _ = store.by_login(&asked("ada@example.org")).await;
    }
    assert_eq!(whose(&store, "ada@example.org").await, Some(id));
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_come_from_other_tables() {
    let server = Postgres::start();
    server
        .run(
            "CREATE TABLE auth_user (id serial PRIMARY KEY, username varchar(150) UNIQUE, password varchar(128));
             CREATE TABLE user_roles (user_id int, role text);
             INSERT INTO auth_user (username, password) SELECT 'user' || n, 'hash' FROM generate_series(1, 1500) AS n;
             INSERT INTO user_roles VALUES (1, 'event:write'), (1, 'Event admins'), (1, NULL), (2, 'admin')",
        )
        .await;
    let name = |text: &str| text.to_owned();
    let fields = Fields {
        table: name("public.auth_user"),
        login: vec![name("username")],
        email: None,
        disabled: None,
        scopes: ScopeSource::Query(name("SELECT role FROM user_roles WHERE user_id = $1 -- by role")),
        created: None,
        claims: Vec::new(),
        ..fields()
    };
    let store = opened(&server, fields, Mode::ReadOnly).await;
    let first = store.by_login(&asked("user1")).await.unwrap().unwrap();
    assert_eq!((first.id.as_str(), first.scopes.as_str()), ("1", "event:write"));
    let everybody = all(&*store).await.unwrap();
    assert_eq!(everybody.len(), 1500);
    let with_scopes: Vec<_> = everybody.iter().filter(|user| !user.scopes.is_empty()).collect();
    assert_eq!(
        with_scopes.iter().map(|user| user.scopes.as_str()).collect::<Vec<_>>(),
        ["event:write", "admin"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named_and_what_is_stored_is_not() {
    let server = Postgres::start();
    server.run(SQLALCHEMY).await;
    for (change, part) in [
        (Fields { table: "persons".to_owned(), ..sqlalchemy() }, "\"persons\" does not exist"),
        (Fields { password: "pasword".to_owned(), ..sqlalchemy() }, "u.pasword does not exist"),
    ] {
        let error = opened(&server, change, Mode::ReadOnly).await.ping().await.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    server.run("ALTER TABLE users ADD CONSTRAINT short CHECK (length(hashed_password) < 20)").await;
    let store = opened(&server, sqlalchemy(), Mode::ReadWrite).await;
    let id = store.create(named("ada")).await.unwrap();
    let secret = "$2b$04$hunter2hunter2hunter2";
    let error = store.set_password(&id, PasswordHash::from_store(secret.to_owned())).await.unwrap_err();
    assert!(error.to_string().contains("short") && !error.to_string().contains("hunter2"), "{error}");
    let wrong = Secret::from(format!("postgres://gate:hunter2@127.0.0.1:{}/postgres", server.port()));
    let settings = Settings { store: Store::Postgres(wrong), ..open(&server, sqlalchemy(), Mode::ReadOnly) };
    let error = users::open(&settings).await.unwrap().ping().await.unwrap_err().to_string();
    assert!(error.contains("password authentication failed") && !error.contains("hunter2"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_uses_the_index_and_takes_no_time() {
    let server = Postgres::start();
    server.run(SQLALCHEMY).await;
    server
        .run(
            "INSERT INTO users (id, email, hashed_password)
             SELECT gen_random_uuid(), 'User' || n || '@example.org', 'hash' FROM generate_series(1, 50000) AS n;
             ANALYZE users",
        )
        .await;
    let store = opened(&server, sqlalchemy(), Mode::ReadOnly).await;
    let reads = "SELECT coalesce(sum(seq_scan), 0)::text FROM pg_stat_user_tables WHERE relname = 'users'";
    let client = server.client().await;
    assert!(whose(&store, "user777@example.org").await.is_some());
    let before: String = client.query_one(reads, &[]).await.unwrap().get(0);
    let start = gatepass::clock::instant();
    for n in 1..=1000 {
        assert!(whose(&store, &format!("user{n}@example.org")).await.is_some());
    }
    println!("by_login: {:?} each", start.elapsed() / 1000);
    client.batch_execute("SELECT pg_stat_force_next_flush()").await.unwrap();
    let after: String = client.query_one(reads, &[]).await.unwrap().get(0);
    assert_eq!(before, after, "no sign-in reads the whole table");
    let id = UserId::parse("00000000-0000-0000-0000-000000000000").unwrap();
    assert!(store.by_id(&id).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_signs_its_users_in() {
    let server = Postgres::start();
    server.run(SQLALCHEMY).await;
    let hash = bcrypt::hash("correct horse", 4).unwrap();
    let insert = "INSERT INTO users (id, email, hashed_password, roles, disabled) \
                  SELECT gen_random_uuid(), e, $1, '{event:read}', e LIKE 'out%' FROM unnest($2::text[]) AS e";
    let logins = ["Ada@Example.org", "out@example.org"];
    server.client().await.execute(insert, &[&hash, &&logins[..]]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("users.url");
    std::fs::write(&url, server.url("postgres")).unwrap();
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), ROUTES).replace(
        "store = \"sqlite:gatepass.db\"\n\n[passwords]",
        &format!(
            "store = {{ file = {} }}\n[users.fields]\ntable = \"users\"\nlogin = \"email\"\nignore_case = true\n\
             email = \"email\"\npassword = \"hashed_password\"\ndisabled = \"disabled\"\nscopes = \"roles\"\n\n[passwords]",
            json!(url)
        ),
    );
    let text = text.replace("X-Auth-User\" = \"sub\"", "X-Auth-User\" = \"preferred_username\"");
    let text =
        text.replace("signup = \"/user/signup\"\nsignup_scopes = [\"event:read\", \"event:write\"]\n", "");
    let world = World::configured(recorder, &text).await;
    let (answer, ada) = world.stranger().sign_in("ada@example.org", "correct horse").await;
    let ada = ada.unwrap_or_else(|| panic!("{answer:?}"));
    assert_eq!(ada.get("/event/1").await.status, 200);
    assert_eq!(world.recorder.last().values("X-Auth-User"), ["Ada@Example.org"], "as stored");
    for (login, password) in
        [("ada@example.org", "wrong horse"), ("out@example.org", "correct horse"), ("x", "y")]
    {
        assert!(world.stranger().sign_in(login, password).await.1.is_none(), "{login}");
    }
    // Whoever is removed there, or disabled, cannot sign in here.
    server.run("UPDATE users SET disabled = true").await;
    assert!(world.stranger().sign_in("ada@example.org", "correct horse").await.1.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_server_proves_who_it_is() {
    let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let server = Postgres::start_with(|folder| {
        let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        std::fs::write(&certificate, pair.cert.pem()).unwrap();
        std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let option = |name: &str, file: &std::path::Path| format!("{name}={}", file.display());
        let options =
            ["ssl=on".to_owned(), option("ssl_cert_file", &certificate), option("ssl_key_file", &key)];
        options.into_iter().flat_map(|option| ["-c".to_owned(), option]).collect()
    });
    server.run(SQLALCHEMY).await;
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ca.path(), pair.cert.pem()).unwrap();
    let ping = async |options: &str, server: &Postgres| {
        let url = Secret::from(format!("{}?{options}", server.url("postgres")));
        let settings = Settings { store: Store::Postgres(url), ..open(server, sqlalchemy(), Mode::ReadOnly) };
        let store = users::open(&settings).await.map_err(|error| error.to_string())?;
        store.ping().await.map_err(|error| error.to_string())
    };
    let named = format!("sslmode=require&sslrootcert={}", ca.path().display());
    ping(&named, &server).await.unwrap();
    // Who connects how, the server knows.
    let client = server.client().await;
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'gatepass'";
    let store = {
        let url = Secret::from(format!("{}?{named}", server.url("postgres")));
        let settings =
            Settings { store: Store::Postgres(url), ..open(&server, sqlalchemy(), Mode::ReadOnly) };
        users::open(&settings).await.unwrap()
    };
    store.ping().await.unwrap();
    assert!(client.query_one(encrypted, &[]).await.unwrap().get::<_, i64>(0) > 0);
    let unknown = ping("sslmode=require", &server).await.unwrap_err();
    assert!(unknown.contains("sslrootcert") && !unknown.contains("hunter2"), "{unknown}");
    let by_name = Secret::from(server.url("postgres").replace("127.0.0.1", "localhost") + "?" + &named);
    let settings =
        Settings { store: Store::Postgres(by_name), ..open(&server, sqlalchemy(), Mode::ReadOnly) };
    let elsewhere = users::open(&settings).await.unwrap().ping().await.unwrap_err().to_string();
    assert!(elsewhere.contains("NotValidForName") || elsewhere.contains("not valid for name"), "{elsewhere}");
    let plain = Postgres::start();
    let refused = ping("sslmode=verify-full", &plain).await.unwrap_err();
    assert!(refused.contains("does not support TLS") && refused.contains("sslmode=disable"), "{refused}");
}
