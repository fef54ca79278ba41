//! The tour that `gatepass demo` prints, run by a shell as a newcomer would paste it.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::world::said;

const DEADLINE: Duration = Duration::from_secs(60);

/// The real binary's demo, and what it prints.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gatepass"))
            .arg("demo")
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        // Reads to the end, so that the demo's log never fills the pipe.
        std::thread::spawn(move || {
            // The tour shows its password to whoever began it.
            let mut over = false;
            for line in out.lines().map_while(Result::ok) {
                if over {
                    said::heard("stdout", line.as_bytes());
                }
                over |= line.contains("Ctrl-C ends it.");
                let _ = send.send(line);
            }
        });
        Self { child, lines }
    }

    /// What is printed up to the last line of the tour.
    fn tour(&self) -> String {
        let mut text = String::new();
        while !text.contains("Ctrl-C ends it.") {
            text.push_str(&self.lines.recv_timeout(DEADLINE).expect("the demo prints its tour"));
            text.push('\n');
        }
        text
    }

    /// Sends `signal`, and waits for the end.
    fn end(mut self, signal: Signal) -> i32 {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        // The last line is followed by the end of the stream when the process is gone.
        loop {
            match self.lines.recv_timeout(DEADLINE) {
                Ok(_) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("the demo does not end"),
            }
        }
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, when the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The statuses that `curl -i` showed, in order.
fn statuses(out: &str) -> Vec<&str> {
    out.lines().filter_map(|line| line.strip_prefix("HTTP/1.1 ")).map(|rest| &rest[..3]).collect()
}

#[test]
fn the_tour_goes_as_it_says() {
    let demo = Running::start(&["--port", "0", "--password", "it's a 'demo'"]);
    let tour = demo.tour();
    let (_, script) = tour.split_once("in another terminal:\n").unwrap();
    let (script, _) = script.split_once("Ctrl-C").unwrap();
    let out = Command::new("sh").args(["-c", script]).output().unwrap();
    let out = String::from_utf8(out.stdout).unwrap();
    assert_eq!(statuses(&out), ["401", "200", "204", "401", "200", "201", "200"], "{tour}\n{out}");
    assert!(out.contains("missing_token") && out.contains("revoked_login"), "{out}");
    assert!(out.contains(r#""creator":"grace@example.org""#), "{out}");
    assert!(out.contains(r#""x-auth-user":"grace@example.org""#) && !out.contains("somebody.else"), "{out}");
    assert!(out.contains(r#""authorization":false"#), "{out}");

    let folder = tour.lines().find_map(|line| line.strip_prefix("all of it is kept in ")).unwrap();
    let folder = PathBuf::from(folder.split(" and gone").next().unwrap());
    assert!(folder.join("gateway.toml").exists());
    assert_eq!(demo.end(Signal::TERM), 0);
    assert!(!folder.exists());
}

#[test]
fn ctrl_c_ends_it() {
    let demo = Running::start(&["--port", "0"]);
    demo.tour();
    assert_eq!(demo.end(Signal::INT), 0);
}

#[test]
fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output =
        Command::new(env!("CARGO_BIN_EXE_gatepass")).args(["demo", "--port", &port]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains(&format!("port {port} is taken")) && err.contains("help: "), "{err}");
}
