//! What does the command line answer, on which stream, with which exit code? The real binary, each test in a folder of
//! its own.

mod explain;
mod import;
mod running;
mod tokens;
mod users;

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use gatepass::demo::{Ports, configuration};
use serde_json::Value;
use tempfile::TempDir;

use crate::world::said;

/// What a command said.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    /// It worked.
    #[track_caller]
    fn yes(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// It failed with `code`: one line of error, one of help, nothing on stdout.
    #[track_caller]
    fn no(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.contains("error: "), "{self:?}");
        assert!(self.err.contains("\nhelp: "), "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs the binary in `folder` with `input` on stdin. Nothing it says may be a panic's.
#[track_caller]
fn gatepass_in(folder: &Path, args: &[&str], input: &str) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gatepass"))
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that needs no input may have ended before it is written.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    // What is read from stdin is secret: that is what it is for.
    said::secret(if args.contains(&"--password-stdin") { "password" } else { "token" }, input.trim());
    said::printed(args, &output.stdout, &output.stderr);
    let said = Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    for word in ["panicked", "RUST_BACKTRACE", "not yet implemented"] {
        assert!(!said.err.contains(word) && !said.out.contains(word), "{args:?}: {said:?}");
    }
    said
}

/// A folder without a configuration.
#[track_caller]
fn gatepass(args: &[&str]) -> Said {
    gatepass_in(tempfile::tempdir().unwrap().path(), args, "")
}

/// The secret of every home.
const KEY: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

/// A folder with a configuration, a secret, and no gateway running.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports = Ports { gateway: unused_port(), admin: unused_port(), planner: unused_port() };
        // The cheapest cost there is: these tests are not about bcrypt.
        let text = format!("{}\n[passwords]\ncost = 10\n", configuration(ports));
        fs::write(folder.path().join("gateway.toml"), text).unwrap();
        said::secret("key", KEY);
        fs::write(folder.path().join("gatepass.secret"), format!("{KEY}\n")).unwrap();
        Self(folder)
    }

    #[track_caller]
    fn gatepass(&self, args: &[&str], input: &str) -> Said {
        gatepass_in(self.0.path(), args, input)
    }

    #[track_caller]
    fn with_ada() -> Self {
        let home = Self::new();
        let add =
            ["user", "add", "Ada@example.org", "--scopes", "event:write event:read", "--password-stdin"];
        let said = home.gatepass(&add, "correct horse\n").yes();
        assert!(said.out.starts_with("user ada@example.org added, id "), "{said:?}");
        home
    }

    #[track_caller]
    fn minted(&self, more: &[&str]) -> String {
        let said = self.gatepass(&[&["token", "mint", "--sub", "car:42"][..], more].concat(), "").yes();
        assert_eq!(said.out.lines().count(), 1, "{said:?}");
        said.out.trim_end().to_owned()
    }
}

fn unused_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

const COMMANDS: [&str; 24] = [
    "",
    "run",
    "demo",
    "init",
    "check",
    "explain",
    "user",
    "user add",
    "user list",
    "user show",
    "user passwd",
    "user disable",
    "user enable",
    "user delete",
    "user import",
    "user export",
    "hash",
    "token",
    "token mint",
    "token inspect",
    "token revoke",
    "healthcheck",
    "completions",
    "--version",
];

#[test]
fn every_command_has_help_with_an_example() {
    for words in COMMANDS.iter().filter(|words| !words.starts_with("--")) {
        let args: Vec<&str> = words.split_whitespace().chain(["--help"]).collect();
        let said = gatepass(&args).yes();
        assert!(said.out.contains("Example"), "{words}: {said:?}");
        assert!(said.out.contains("gatepass"), "{words}: {said:?}");
        assert_eq!(said.err, "", "{words}");
    }
    assert!(gatepass(&["--version"]).yes().out.starts_with("gatepass "));
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let said = gatepass(&["completions", shell]).yes();
        for word in ["healthcheck", "explain", "completions"] {
            assert!(said.out.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(gatepass(&["completions", "klingon"]).code, 2);
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_gatepass"))
        .args(["completions", "bash"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn wrong_arguments_are_code_2() {
    let wrong: [&[&str]; 9] = [
        &["frobnicate"],
        &["run", "--frobnicate"],
        &["explain", "GET"],
        &["explain", "G T", "/"],
        &["user", "add"],
        &["token", "mint"],
        &["token", "revoke"],
        &["token", "revoke", "x", "--user", "ada"],
        &["token", "mint", "--sub", "a", "--lifetime", "soon"],
    ];
    for args in wrong {
        let said = gatepass(args);
        assert_eq!(said.code, 2, "{args:?}: {said:?}");
        assert!(said.err.starts_with("error: ") && said.out.is_empty(), "{args:?}: {said:?}");
    }
}

#[test]
fn a_missing_configuration_says_what_to_do() {
    let needing: [&[&str]; 8] = [
        &[],
        &["run"],
        &["explain", "GET", "/"],
        &["user", "list"],
        &["token", "mint", "--sub", "a"],
        &["token", "revoke", "--login", "abc"],
        &["healthcheck"],
        &["hash", "--config", "nowhere.toml", "--password-stdin"],
    ];
    for args in needing {
        let said = gatepass(args).no(2);
        assert!(said.err.contains("there is no configuration file"), "{args:?}: {said:?}");
        assert!(said.err.contains("gatepass init"), "{args:?}: {said:?}");
    }
}

#[test]
fn a_broken_configuration_stops_every_command_that_reads_it() {
    let home = Home::new();
    fs::write(home.0.path().join("gateway.toml"), "[listen]\npubilc = []\n").unwrap();
    for args in [&["run"][..], &["user", "list"], &["hash", "--password-stdin"], &["healthcheck"]] {
        let said = home.gatepass(args, "correct horse\n").no(2);
        assert!(said.err.contains("pubilc") && said.err.contains("gatepass check"), "{args:?}: {said:?}");
    }
}

#[test]
fn nobody_is_healthy_when_nobody_listens() {
    let said = Home::new().gatepass(&["healthcheck"], "").no(1);
    assert!(said.err.contains("/readyz"), "{said:?}");
}

#[test]
fn the_demos_configuration_is_a_good_one() {
    let home = Home::new();
    let printed = gatepass(&["demo", "--print-config"]).yes().out;
    assert_eq!(printed, configuration(Ports::default()));
    fs::write(home.0.path().join("gateway.toml"), printed).unwrap();
    let said = home.gatepass(&["check", "gateway.toml"], "");
    assert_eq!(said.code, 0, "{said:?}");
}
