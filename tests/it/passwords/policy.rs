//! What may a new password be, at a sign-up and on the command line?

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::world::binary::gatepass;
use crate::world::recorder::Recorder;
use crate::world::{ROUTES, World, config_text, load, said};

/// A world in whose folder there is such a list.
async fn world(list: &Path, passwords: &str) -> World {
    let recorder = Recorder::start().await;
    let passwords = format!("{passwords}breached = {:?}\n", list.display().to_string());
    let text = config_text(recorder.address(), ROUTES).replace("cost = 10\n", &passwords);
    World::configured(recorder, &text).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_or_short_password_is_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("breached.txt");
    fs::write(&list, "letmein\nletmein-letmein\n").unwrap();
    let world = world(&list, "cost = 10\nmin_length = 12\n").await;
    for (email, password, rule) in [
        ("a@example.org", "letmein-letmein", "is on the list of breached passwords"),
        ("b@example.org", "eleven chrs", "must have at least 12 characters"),
        ("c@example.org", &"a".repeat(72), "must have at most 71 bytes"),
    ] {
        let answer = world.stranger().sign_up(email, password).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        assert!(answer.text().contains(rule), "{answer:?}");
    }
    assert_eq!(world.stranger().sign_up("d@example.org", "letmein-letmeout").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn argon2id_takes_a_whole_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("breached.txt");
    fs::write(&list, "5AB53598FBCC29331C2AB2FC93EDFD18AE74C987:10434004\r\n").unwrap();
    let world = world(&list, "hash = \"argon2id\"\nmemory = \"7MiB\"\niterations = 1\n").await;
    let long = "a whole sentence, ".repeat(50);
    assert_eq!(world.stranger().sign_up("ada@example.org", &long).await.status, 200);
    assert!(world.stranger().sign_in("ada@example.org", &long).await.1.is_some());
    assert!(world.stranger().sign_in("ada@example.org", &long[..long.len() - 1]).await.1.is_none());
    assert_eq!(world.stranger().sign_up("bob@example.org", "hunter2-letmein").await.status, 422);
    assert_eq!(world.stranger().sign_up("bob@example.org", &long.repeat(2)).await.status, 422);
}

/// Runs a command in `folder` with one line of input.
fn run(folder: &Path, arguments: &[&str], line: &str) -> (i32, String, String) {
    use std::io::Write as _;
    let mut command = gatepass();
    command.args(arguments).current_dir(folder);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may have ended without reading.
    let _ = writeln!(child.stdin.take().unwrap(), "{line}");
    let output = child.wait_with_output().unwrap();
    said::printed(arguments, &output.stdout, &output.stderr);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_line_hashes_with_the_configured_scheme_and_keeps_its_rules() {
    let folder = tempfile::tempdir().unwrap();
    let text = config_text("127.0.0.1:1".parse().unwrap(), "").replace(
        "cost = 10\n",
        "hash = \"argon2id\"\nmemory = \"7MiB\"\niterations = 1\nbreached = \"breached.txt\"\n",
    );
    fs::write(folder.path().join("breached.txt"), "letmein-letmein\n").unwrap();
    load(folder.path(), &text);
    let hash = ["hash", "--config", "gateway.toml", "--password-stdin"];
    let (code, out, err) = run(folder.path(), &hash, "correct horse battery");
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("$argon2id$v=19$m=7168,t=1,p=1$"), "{out}");
    let add = ["user", "add", "ada@example.org", "--password-stdin"];
    for command in [&hash[..], &add] {
        let (code, out, err) = run(folder.path(), command, "letmein-letmein");
        assert_ne!(code, 0, "{out}");
        assert!(
            err.contains("is on the list of breached passwords") && err.contains("choose another"),
            "{err}"
        );
        let (code, _, err) = run(folder.path(), command, "short");
        assert!(code != 0 && err.contains("8 characters to 1024 bytes"), "{err}");
    }
    fs::write(folder.path().join("breached.txt"), "\n").unwrap();
    let (code, _, err) = run(folder.path(), &hash, "correct horse battery");
    assert!(code != 0 && err.contains("breached.txt holds no password"), "{err}");
    let (code, _, err) = run(folder.path(), &["run"], "");
    assert!(code != 0 && err.contains("breached.txt holds no password"), "{err}");
}
