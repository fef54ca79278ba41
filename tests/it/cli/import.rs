//! Users come over with their hashes, and go again without loss; what is wrong with a file is told, and never what is in it.

mod hostile;
mod interrupted;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{Home, Said};
use crate::world::said;

/// Of `battery staple`, made by the crate's own function and not by ours.
static HASH: LazyLock<String> = LazyLock::new(|| bcrypt::hash("battery staple", 4).unwrap());

impl Home {
    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    #[track_caller]
    fn import(&self, args: &[&str]) -> Said {
        self.gatepass(&[&["user", "import"], args].concat(), "")
    }

    /// Exports without a word of failure.
    #[track_caller]
    fn export(&self, name: &str) -> String {
        // The name says which format.
        self.gatepass(&["user", "export", "--output", name, "--force"], "").yes();
        self.read(name)
    }

    #[track_caller]
    fn listed(&self) -> Vec<Value> {
        let listed = self.gatepass(&["user", "list", "--format", "json"], "").yes().json();
        listed.as_array().unwrap().clone()
    }
}

#[test]
fn users_come_from_every_format() {
    let (home, hash) = (Home::new(), &*HASH);
    home.write(
        "users.csv",
        format!("login,password_hash,scopes,disabled,created,id,claim:team\nAda@example.org,{hash},b a,,2020-02-02T12:00:00Z,u-1,Sales\nbob,{hash},,true,,,\n"),
    );
    let said = home.import(&["users.csv"]).yes();
    assert_eq!(said.out, "2 added, 0 updated, 0 skipped (there already), 0 refused\n");
    home.write(
        "users.jsonl",
        format!("{}\n", json!({"login": "carol", "password_hash": hash, "email": "carol@x"})),
    );
    home.import(&["users.jsonl", "--scopes", "event:read"]).yes();
    home.write(".htpasswd", format!("# made by htpasswd -B\ndan:{}\n", hash.replace("$2b$", "$2y$")));
    home.import(&[".htpasswd", "--scopes", "event:read"]).yes();
    let listed = home.listed();
    assert_eq!(
        (&listed[0]["id"], &listed[0]["email"], &listed[0]["scopes"], &listed[0]["created"]),
        (&json!("u-1"), &json!("ada@example.org"), &json!(["a", "b"]), &json!("2020-02-02T12:00:00Z"))
    );
    assert_eq!((&listed[1]["login"], &listed[1]["disabled"]), (&json!("bob"), &json!(true)));
    assert_eq!((&listed[2]["email"], &listed[2]["scopes"]), (&json!("carol@x"), &json!(["event:read"])));
    assert_eq!((&listed[3]["login"], &listed[3]["email"]), (&json!("dan"), &Value::Null));
    assert!(listed.iter().all(|user| user["id"].as_str().is_some()));
    // The same again: they are there already.
    let again = home.import(&["users.csv"]).yes();
    assert_eq!(again.out, "0 added, 0 updated, 2 skipped (there already), 0 refused\n");
    let unknown = home.import(&["users.txt"]);
    assert!(unknown.no(2).err.contains("--from"));
}

#[test]
fn what_is_exported_and_imported_is_exported_the_same() {
    let (home, hash) = (Home::new(), &*HASH);
    let rows = [
        json!({"login": "ada@example.org", "password_hash": hash, "created": "2024-02-29T23:59:59.123Z",
            "claim:a": "=1+1", "claim:b": 7, "claim:c": "7", "claim:d": ["x", "y,z"], "claim:e": ""}),
        json!({"login": "bob", "password_hash": hash, "email": null, "created": null, "disabled": true,
            "claim:b": "text \"quoted\"", "claim:f": true, "claim:g": 0.1}),
        json!({"login": "b\u{fc}rgen", "password_hash": hash, "email": "B@X", "scopes": ["s:2", "s:1"],
            "claim:h": "zeile, ü", "id": "007"}),
    ];
    home.write("in.jsonl", rows.map(|row| row.to_string()).join("\n"));
    home.import(&["in.jsonl"]).yes();
    let (csv, jsonl) = (home.export("out.csv"), home.export("out.jsonl"));
    assert_eq!(home.read("in.jsonl").matches(hash.as_str()).count(), csv.matches(hash.as_str()).count());
    for name in ["out.csv", "out.jsonl"] {
        let mode = fs::metadata(home.0.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
        let other = Home::new();
        other.write(name, home.read(name));
        other.import(&[name]).yes();
        assert_eq!(
            (other.export("new.csv"), other.export("new.jsonl")),
            (csv.clone(), jsonl.clone()),
            "{name}"
        );
    }
    assert_eq!(home.gatepass(&["user", "export"], "").yes().out, csv);
    assert_eq!(home.gatepass(&["user", "export", "--format", "jsonl"], "").yes().out, jsonl);
    let there = home.gatepass(&["user", "export", "--output", "out.csv"], "").no(2);
    assert!(there.err.contains("already a file"), "{there:?}");
    assert!(there.err.contains("--force"), "{there:?}");
}

#[test]
fn an_export_says_what_it_holds() {
    let home = Home::with_ada();
    let said = home.gatepass(&["user", "export"], "").yes();
    assert!(said.err.contains("password hashes"), "{said:?}");
    assert!(said.out.starts_with("id,login,email,password_hash,scopes,disabled,created\n"), "{said:?}");
}

#[test]
fn a_rehearsal_checks_everything_and_writes_nothing() {
    let (home, hash) = (Home::with_ada(), &*HASH);
    home.write(
        "users.csv",
        format!("login,password_hash,id\nada@example.org,{hash},\nbob,{hash},1\nbob,{hash},2\ncarol,{hash},1\ndan,nothing,\n"),
    );
    let said = home.import(&["users.csv", "--dry-run", "--report", "report.csv"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(
        said.out,
        "nothing was written; it would be: 1 added, 0 updated, 2 skipped (there already), 2 refused\n"
    );
    assert_eq!(home.listed().len(), 1);
    let report = home.read("report.csv");
    assert_eq!(
        report.lines().collect::<std::collections::BTreeSet<_>>(),
        [
            "line,result,field,reason",
            "2,skipped,login,is somebody's already",
            "4,skipped,login,is somebody's already",
            "5,refused,id,is another user's",
            "6,refused,password_hash,is not a hash that can be checked: nobody could sign in with it",
        ]
        .into()
    );
    // What is written then is just that.
    let said = home.import(&["users.csv"]);
    assert_eq!(said.out, "1 added, 0 updated, 2 skipped (there already), 2 refused\n");
    assert!(said.err.contains("line 5: id is another user's"), "{said:?}");
}

#[test]
fn whoever_is_there_may_be_changed_or_end_it() {
    let (home, hash) = (Home::with_ada(), &*HASH);
    let before = home.export("before.jsonl");
    home.write(
        "users.csv",
        format!(
            "login,password_hash,scopes,disabled\nnew,{hash},,\nada@example.org,{hash},x,1\nlater,{hash},,\n"
        ),
    );
    let ends = home.import(&["users.csv", "--on-conflict", "fail"]);
    assert_eq!(ends.code, 1, "{ends:?}");
    assert!(ends.err.contains("line 3: there is already a user") && ends.err.contains("help: "), "{ends:?}");
    assert_eq!(ends.out, "1 added, 0 updated, 0 skipped (there already), 1 refused\n");
    assert_eq!(home.listed().len(), 2, "and nothing behind it");
    let changed = home.import(&["users.csv", "--on-conflict", "update"]).yes();
    assert_eq!(changed.out, "1 added, 2 updated, 0 skipped (there already), 0 refused\n");
    let ada = home.gatepass(&["user", "show", "ada@example.org", "--format", "json"], "").yes().json();
    assert_eq!((&ada["disabled"], &ada["scopes"]), (&json!(true), &json!(["x"])));
    let after = home.export("after.jsonl");
    let ada = after.lines().find(|line| line.contains("ada@")).unwrap();
    assert!(ada.contains(hash.as_str()) && !before.contains(hash.as_str()), "{ada}");
    // Only what the row says.
    home.write("some.csv", "login,disabled\nada@example.org,false\n");
    home.import(&["some.csv", "--on-conflict", "update"]).yes();
    let now = home.export("now.jsonl");
    assert_eq!(now, after.replacen("\"disabled\":true", "\"disabled\":false", 1));
    home.write("other.csv", "login,id\nada@example.org,other\n");
    let other = home.import(&["other.csv", "--on-conflict", "update"]);
    assert!(other.err.contains("line 2: id is not that of the user"), "{other:?}");
}

#[test]
fn plain_passwords_are_taken_only_if_that_is_meant() {
    let home = Home::new();
    let password = "correct horse battery";
    said::secret("password", password);
    home.write("users.csv", format!("login,password\nada,{password}\nbob,short\n"));
    let refused = home.import(&["users.csv"]);
    assert_eq!((refused.code, home.listed().len()), (1, 0), "{refused:?}");
    assert!(refused.err.contains("--hash-passwords") && !refused.err.contains(password), "{refused:?}");
    let said = home.import(&["users.csv", "--hash-passwords"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("line 3: password must have at least 8 characters"), "{said:?}");
    let exported = home.export("out.jsonl");
    let ada: Value = serde_json::from_str(&exported).unwrap();
    let hash = ada["password_hash"].as_str().unwrap();
    assert!(hash.starts_with("$2b$10$") && bcrypt::verify(password, hash).unwrap());
}
