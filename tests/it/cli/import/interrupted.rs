//! An import that is ended in the middle leaves nothing by half, and goes on when it is run again.

use std::io::Read as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{HASH, Home};

#[test]
fn it_goes_on_where_it_ended() {
    let home = Home::new();
    let folder = home.0.path();
    let fifo = folder.join("users.csv");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut child = Command::new(env!("CARGO_BIN_EXE_gatepass"))
        .args(["user", "import", "users.csv"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = std::fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    let row = |n: usize| format!("user{n}@example.org,{}\n", *HASH);
    let header = "login,password_hash\n";
    let some: String = (0..1_200).map(row).collect();
    std::io::Write::write_all(&mut to, format!("{header}{some}").as_bytes()).unwrap();
    // Two batches are in the store, and the third is not whole.
    let deadline = gatepass::clock::instant() + std::time::Duration::from_secs(60);
    while home.listed().len() < 1_000 {
        assert!(gatepass::clock::instant() < deadline, "it does not come on");
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    // It reads on until it sees that, in a file as here.
    let mut sent = 1_200;
    while child.try_wait().unwrap().is_none() {
        assert!(gatepass::clock::instant() < deadline, "it does not end");
        if std::io::Write::write_all(&mut to, row(sent).as_bytes()).is_ok() {
            sent += 1;
        }
    }
    drop(to);
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{out} {err}");
    assert!(err.contains("interrupted") && err.contains("run the same command again"), "{err}");
    let there = home.listed().len();
    assert!(out.starts_with(&format!("{there} added, ")), "{out}, and {there} are there");
    std::fs::remove_file(&fifo).unwrap();
    let total = sent + 100;
    home.write("users.csv", format!("{header}{}", (0..total).map(row).collect::<String>()));
    let said = home.import(&["users.csv"]).yes();
    let (added, skipped) = (total - there, there);
    assert_eq!(said.out, format!("{added} added, 0 updated, {skipped} skipped (there already), 0 refused\n"));
}
