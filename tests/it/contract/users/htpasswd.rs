//! Users in an htpasswd file.

mod gateway;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use gatepass::identity::UserId;
use gatepass::users::{self, Mode, Settings, Store, StoreError, UserStore, all};

use super::suite::{Mount, Record, asked, promises, whose};

struct File {
    folder: tempfile::TempDir,
}

impl File {
    fn path(&self) -> PathBuf {
        self.folder.path().join("users")
    }

    fn settings(&self) -> Settings {
        Settings { store: Store::Htpasswd(self.path()), fields: None, mode: Mode::ReadOnly }
    }

    fn holds(&self, text: impl AsRef<[u8]>) {
        fs::write(self.path(), text).unwrap();
        fs::set_permissions(self.path(), fs::Permissions::from_mode(0o640)).unwrap();
    }
}

#[async_trait]
impl Mount for File {
    async fn new() -> Self {
        let file = Self { folder: tempfile::tempdir().unwrap() };
        file.holds("");
        file
    }

    async fn open(&self, _: Mode) -> Arc<dyn UserStore> {
        users::open(&self.settings()).await.unwrap()
    }

    async fn write(&self, records: Vec<Record>) -> Vec<UserId> {
        let mut text = fs::read_to_string(self.path()).unwrap();
        let mut ids = Vec::new();
        for record in records {
            let login = record.login.as_str().unwrap();
            writeln!(text, "{login}:{}", record.password.as_str().unwrap()).unwrap();
            ids.push(UserId::parse(&login.replace('\u{fc}', "=C3=BC")).unwrap());
        }
        self.holds(text);
        ids
    }

    async fn everything(&self) -> String {
        let changed = fs::metadata(self.path()).unwrap().modified().unwrap();
        format!("{changed:?} {}", fs::read_to_string(self.path()).unwrap())
    }
}

promises! { reading of File }

async fn logins(store: &dyn UserStore) -> Vec<String> {
    all(store).await.unwrap().iter().map(|user| user.login.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_taken_out_is_out_with_the_next_question() {
    let file = File::new().await;
    file.holds("ada:$2y$05$old\ngrace:$2y$05$x\n");
    let store = file.open(Mode::ReadOnly).await;
    assert_eq!(logins(&*store).await, ["ada", "grace"]);
    // The same length within the same moment, as often as one likes.
    for n in 0..30 {
        let (hash, login) = (format!("$2y$05${n:03}"), if n % 2 == 0 { "hazel" } else { "grace" });
        file.holds(format!("ada:{hash}\n{login}:$2y$05$x\n"));
        let ada = store.by_login(&asked("ada")).await.unwrap().unwrap();
        assert_eq!(ada.password.expose(), hash);
        assert_eq!(whose(&store, "grace").await.is_some(), n % 2 == 1, "{n}");
    }
    // Another file in its place.
    let other = file.folder.path().join("new");
    fs::write(&other, "hopper:x\n").unwrap();
    fs::rename(other, file.path()).unwrap();
    assert_eq!(logins(&*store).await, ["hopper"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_out_of_order_changes_nothing() {
    let file = File::new().await;
    file.holds("ada:one\ngrace:two\n");
    let store = file.open(Mode::ReadOnly).await;
    let long = vec![b'a'; 16 * 1024 * 1024 + 1];
    let out_of_order: [(&[u8], &str); 5] = [
        (b"ada:secret-three\nhunter2-and-no-colon\n", "line 2"),
        (b":secret-three\n", "line 1"),
        (b"# \nada:secret-three\n\xff:x\n", "line 3"),
        (b"ada:secret-three\0\n", "line 1"),
        (&long, "16 MiB"),
    ];
    for (bytes, told) in out_of_order {
        file.holds(bytes);
        let said = store.ping().await.unwrap_err().to_string();
        assert!(said.contains(told) && !said.contains("hunter2") && !said.contains("three"), "{said}");
        assert_eq!(logins(&*store).await, ["ada", "grace"], "{told}");
        assert_eq!(store.by_login(&asked("ada")).await.unwrap().unwrap().password.expose(), "one");
        assert!(users::open(&file.settings()).await.is_err(), "{told}: nothing to start with");
    }
    fs::remove_file(file.path()).unwrap();
    assert!(store.ping().await.unwrap_err().to_string().contains("no such file"));
    assert_eq!(logins(&*store).await, ["ada", "grace"]);
    fs::create_dir(file.path()).unwrap();
    assert!(store.ping().await.unwrap_err().to_string().contains("not a file"));
    fs::remove_dir(file.path()).unwrap();
    let told = users::open(&file.settings()).await.unwrap_err();
    assert!(matches!(&told, StoreError::Failed(text) if text.contains("htpasswd -cB")), "{told}");
    file.holds("hopper:three\n");
    store.ping().await.unwrap();
    assert_eq!(logins(&*store).await, ["hopper"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_written_is_waited_for() {
    let file = File::new().await;
    file.holds("ada:one\ngrace:two\n");
    let store = file.open(Mode::ReadOnly).await;
    let path = file.path();
    // As htpasswd(1) does it: emptied, and written a moment later.
    let writer = std::thread::spawn(move || {
        for _ in 0..100 {
            let mut text = fs::File::create(&path).unwrap();
            std::thread::yield_now();
            std::io::Write::write_all(&mut text, b"ada:one\ngrace:two\n").unwrap();
            std::thread::park_timeout(std::time::Duration::from_millis(1));
        }
    });
    while !writer.is_finished() {
        assert!(whose(&store, "grace").await.is_some());
    }
    writer.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_should_see_is_said() {
    let file = File::new().await;
    file.holds("ada:one\nada:two\n\u{7f}:x\n");
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o646)).unwrap();
    let store = file.open(Mode::ReadOnly).await;
    let advice = store.advice().await.unwrap();
    for told in ["chmod o-w", "chmod o-r", "remove line 2", "by line 3"] {
        assert!(advice.iter().any(|said| said.contains(told)), "{told}: {advice:?}");
    }
    assert_eq!(advice.len(), 4);
    assert_eq!(
        store.by_login(&asked("ada")).await.unwrap().unwrap().password.expose(),
        "one",
        "as Apache has it"
    );
}
