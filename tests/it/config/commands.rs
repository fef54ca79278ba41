//! Do `gatepass check` and `gatepass init` say and do what they promise? The real binary, in a folder of its own.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Desk, LEAST};
use crate::world::said;

/// Exit code, stdout, stderr.
fn gatepass(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_gatepass"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    said::printed(arguments, &output.stdout, &output.stderr);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn check_says_yes_no_or_that_there_is_nothing_to_read() {
    let desk = Desk::new();
    let folder = desk.folder.path();
    desk.write(
        "gateway.toml",
        format!("{LEAST}[[route]]\npath = \"/docs/**\"\naccess = \"public\"\n").as_bytes(),
    );
    let (code, out, err) = gatepass(folder, &["check"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(out, "gateway.toml is right: 1 route (public: /docs/**), 0 expectations met\n");

    desk.write("bad.toml", format!("{LEAST}lifetime = 30\nleeway = \"x\"\n").as_bytes());
    let (code, out, _) = gatepass(folder, &["check", "bad.toml"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("bad.toml:8:12") && out.ends_with("2 problems in bad.toml\n"), "{out}");

    let (code, out, _) = gatepass(folder, &["check", "absent.toml"]);
    assert_eq!(code, 2, "{out}");
    assert!(out.contains("there is no such file"), "{out}");
    assert_eq!(gatepass(folder, &["check", "--nonsense"]).0, 2);
}

#[test]
fn check_speaks_json() {
    let desk = Desk::new();
    desk.write("gateway.toml", format!("{LEAST}lifetime = 30\n").as_bytes());
    let (code, out, _) = gatepass(desk.folder.path(), &["check", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &answer["ok"]), (1, &serde_json::json!(false)));
    assert_eq!(answer["problems"][0]["line"], 8);
    assert_eq!(answer["problems"][0]["help"], "write: lifetime = \"30m\"");
}

#[test]
fn check_lists_what_becomes_public() {
    let desk = Desk::new();
    desk.write("old.toml", LEAST.as_bytes());
    desk.write(
        "gateway.toml",
        format!("{LEAST}[[route]]\npath = \"/docs/**\"\nmethods = [\"GET\"]\naccess = \"public\"\n")
            .as_bytes(),
    );
    let (code, out, _) = gatepass(desk.folder.path(), &["check", "--against", "old.toml"]);
    assert_eq!(code, 0, "{out}");
    assert!(
        out.contains("becomes public, compared with old.toml:\n  GET /docs/** (line 8; was authenticated)\n"),
        "{out}"
    );
    let (_, out, _) = gatepass(desk.folder.path(), &["check", "--against", "gateway.toml"]);
    assert!(out.contains("nothing becomes public"), "{out}");
}

#[test]
fn check_online_asks_the_upstreams_and_the_stores() {
    let desk = Desk::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    desk.write("gateway.toml", LEAST.replace("127.0.0.1:8000", &address).as_bytes());
    let (code, out, _) = gatepass(desk.folder.path(), &["check", "--online"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains(&format!("upstream `app`, {address}: accepts connections")), "{out}");
    assert!(out.contains("gatepass.db is not there yet"), "{out}");
    assert!(!desk.folder.path().join("gatepass.db").exists());

    drop(listener);
    let (code, out, _) = gatepass(desk.folder.path(), &["check", "--online"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains(&format!("error: upstream `app`, {address}: ")), "{out}");
}

#[test]
fn init_makes_a_gateway_that_checks_and_knows_its_user() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = gatepass(folder.path(), &["init", "--upstream", "http://127.0.0.1:8123"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let secret = folder.path().join("gatepass.secret");
    assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = fs::read_to_string(secret).unwrap();
    let config = fs::read_to_string(folder.path().join("gateway.toml")).unwrap();
    assert!(secret.trim().len() == 43 && !out.contains(secret.trim()) && !config.contains(secret.trim()));
    assert!(config.contains("servers = [\"http://127.0.0.1:8123\"]"), "{config}");

    let (code, checked, _) = gatepass(folder.path(), &["check", "--online"]);
    assert!(checked.contains("the user store: answers"), "{code} {checked}");
    let (code, user, err) = gatepass(folder.path(), &["user", "show", "admin"]);
    assert_eq!(code, 0, "{user} {err}");
    let password = out.lines().find_map(|line| line.trim().strip_prefix("password  ")).unwrap();
    assert_eq!(password.len(), 22, "{out}");
    assert!(!user.contains(password));

    let before = fs::read(folder.path().join("gatepass.secret")).unwrap();
    let (code, _, err) = gatepass(folder.path(), &["init"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("gateway.toml, gatepass.secret, gatepass.db are already here"), "{err}");
    assert_eq!(fs::read(folder.path().join("gatepass.secret")).unwrap(), before);
}

/// A password that nobody could read is no password: everything is taken back.
#[test]
fn init_takes_everything_back_when_the_password_cannot_be_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut closed = writer.try_clone().unwrap();
    assert!(closed.write_all(b"x").is_err());
    let status = Command::new(env!("CARGO_BIN_EXE_gatepass"))
        .arg("init")
        .current_dir(folder.path())
        .stdout(writer)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}
