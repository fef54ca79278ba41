//! Is it told by whose rules a token was judged, and what is risky about an entry?

use serde_json::{Value, json};

use super::{Keeper, LEGACY, TUTORIAL, plain};
use crate::world::binary::gatepass;
use crate::world::tokens::{now, sign};
use crate::world::{ROUTES, SECRET, config_text, said};

/// A folder with a configuration that trusts one issuer, and what a command says in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(entry: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = config_text(([127, 0, 0, 1], 9).into(), &format!("{ROUTES}\n{entry}"));
        std::fs::write(dir.path().join("gatepass.secret"), SECRET).unwrap();
        std::fs::write(dir.path().join("gateway.toml"), text).unwrap();
        Self(dir)
    }

    fn say(&self, args: &[&str]) -> (String, String) {
        let output = gatepass().args(args).current_dir(self.0.path()).output().unwrap();
        said::printed(args, &output.stdout, &output.stderr);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    }
}

fn token(changes: &Value) -> String {
    let claims = crate::world::tokens::changed(json!({ "sub": "ada", "exp": now() + 900 }), changes);
    let token = sign(&plain(), &claims, LEGACY.as_bytes());
    said::secret("token", &token);
    token
}

#[test]
fn inspect_and_explain_name_the_issuer() {
    let keeper = Keeper::new();
    let folder = Folder::new(&keeper.entry("old-app", LEGACY, TUTORIAL));
    let (good, expired) = (token(&json!({})), token(&json!({ "exp": 1 })));
    let inspect = |token: &str| folder.say(&["token", "inspect", token]).1;
    assert!(inspect(&good).contains("a good token of the trusted issuer `old-app`"), "{}", inspect(&good));
    let judged = inspect(&expired);
    assert!(judged.contains("not a good token of the trusted issuer `old-app`: expired"), "{judged}");
    let explain = |token: &str| folder.say(&["explain", "GET", "/event/1", "--token", token]).0;
    let explained = explain(&good);
    assert!(explained.contains("judged as a token of the trusted issuer `old-app`"), "{explained}");
    assert!(
        explained.contains("allowed, authenticated") && explained.contains("x-auth-user: ada"),
        "{explained}"
    );
    let explained = explain(&expired);
    assert!(
        explained.contains("trusted issuer `old-app`") && explained.contains("denied, expired"),
        "{explained}"
    );
    // Whose it claims to be is not told of a token that anybody could have written.
    let forged =
        sign(&plain(), &json!({ "sub": "ada", "exp": now() + 900 }), b"another secret, of 32 bytes and more");
    assert!(!explain(&forged).contains("old-app"));
}

#[test]
fn check_warns_of_a_weak_secret_and_never_shows_it() {
    let keeper = Keeper::new();
    for weak in ["hunter2-hunter2", "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"] {
        let entry = keeper.entry("old-app", weak, TUTORIAL);
        let (out, err) = Folder::new(&entry).say(&["check", "gateway.toml"]);
        assert!(format!("{out}{err}").contains("weak_secret = true"), "{out}{err}");
        let (out, err) = Folder::new(&format!("{entry}weak_secret = true\n")).say(&["check", "gateway.toml"]);
        let told = format!("{out}{err}");
        assert!(told.contains("warning: ") && told.contains("whoever guesses it is any user"), "{told}");
        assert!(!told.contains(weak), "{told}");
    }
}
