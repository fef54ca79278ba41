//! A gateway in front of an htpasswd file, while htpasswd(1) changes it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::world::recorder::Recorder;
use crate::world::{ROUTES, World, config_text};

const OLD: &str = "correct horse battery";
const NEW: &str = "battery staple horse";

fn htpasswd(file: &Path, options: &[&str], login: &str, password: &str) {
    let mut command = Command::new("htpasswd");
    command.args(options).arg(file).arg(login).stdin(Stdio::piped()).stderr(Stdio::null());
    let mut running = command.spawn().expect("htpasswd, which Debian has in apache2-utils");
    // Whoever removes a user asks for no password, and may be done already.
    let _ = writeln!(running.stdin.take().unwrap(), "{password}");
    assert!(running.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_htpasswd_changes_counts_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users");
    htpasswd(&file, &["-ciB", "-C", "5"], "Ada", OLD);
    htpasswd(&file, &["-iB", "-C", "5"], "grace", OLD);

    let recorder = Recorder::start().await;
    let store = format!("store = \"htpasswd:{}\"\n", file.display());
    let text =
        config_text(recorder.address(), ROUTES).replacen("store = \"sqlite:gatepass.db\"\n", &store, 1);
    let text: Vec<&str> = text.lines().filter(|line| !line.starts_with("signup")).collect();
    let world = World::configured(recorder, &text.join("\n")).await;
    let sign_in = async |login, password| world.stranger().sign_in(login, password).await.1;

    let ada = sign_in("Ada", OLD).await.expect("her password");
    assert_eq!(ada.get("/event/1").await.status, 200);
    assert_eq!(world.recorder.last().values("x-auth-user"), ["Ada"]);
    assert!(sign_in("ada", OLD).await.is_none(), "case matters");

    htpasswd(&file, &["-iB", "-C", "5"], "Ada", NEW);
    assert!(sign_in("Ada", OLD).await.is_none(), "the old password");
    assert!(sign_in("Ada", NEW).await.is_some(), "the new password");
    assert!(sign_in("grace", OLD).await.is_some());
    htpasswd(&file, &["-D"], "grace", "");
    assert!(sign_in("grace", OLD).await.is_none(), "nobody any more");
    htpasswd(&file, &["-iB", "-C", "5"], "hopper", NEW);
    assert!(sign_in("hopper", NEW).await.is_some(), "somebody new");

    // Out of order: everybody stays.
    std::fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(b"no colon\n").unwrap();
    assert!(sign_in("Ada", NEW).await.is_some());
}
