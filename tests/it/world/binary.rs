//! The gateway as its users have it: the real binary, in a process of its own.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::raw::PATIENCE;
use super::said::Listening;

/// A running `gatepass run`; killed when dropped.
pub(crate) struct Binary {
    child: Child,
    stdout: Listening<ChildStdout>,
    stderr: Box<dyn BufRead + Send>,
    banner: String,
}

/// The binary, ready for arguments.
pub(crate) fn gatepass() -> Command {
    Command::new(env!("CARGO_BIN_EXE_gatepass"))
}

impl Binary {
    /// Starts on `config` and reads the banner to its end.
    pub(crate) fn run(config: &Path) -> Self {
        Self::run_with(config, &[])
    }

    /// The same, with these environment variables.
    pub(crate) fn run_with(config: &Path, environment: &[(&str, &Path)]) -> Self {
        let mut child = gatepass()
            .envs(environment.iter().copied())
            .args(["run", "--config"])
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stderr =
            BufReader::new(Listening::to("stderr", child.stderr.take().expect("stderr is piped")));
        let mut banner = String::new();
        while !banner.contains("open to all") {
            let read = stderr.read_line(&mut banner).expect("the banner");
            assert!(read > 0, "the gateway ended: {banner}");
        }
        let stdout = Listening::to("stdout", child.stdout.take().expect("stdout is piped"));
        Self { child, stdout, stderr: Box::new(stderr), banner }
    }

    /// Goes on reading what it says, into this file: nobody has to wait for it, and it never has to wait.
    pub(crate) fn logging_to(mut self, mut file: File) -> Self {
        let mut stderr = std::mem::replace(&mut self.stderr, Box::new(io::empty()));
        std::thread::spawn(move || io::copy(&mut stderr, &mut file));
        self
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens, as its banner says.
    pub(crate) fn public(&self) -> SocketAddr {
        let line =
            self.banner.lines().find(|line| line.trim_start().starts_with("public")).expect("the line");
        let url = line.split_whitespace().last().expect("an address");
        url.split_once("://").expect("a URL").1.parse().expect("an address")
    }

    /// Sends a signal by its number.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("the process is there");
    }

    /// Waits for its end; what it wrote to stdout and, after the banner, to stderr.
    pub(crate) fn wait(mut self) -> (ExitStatus, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.stdout.read_to_string(&mut out).expect("stdout");
        self.stderr.read_to_string(&mut err).expect("stderr");
        let deadline = gatepass::clock::instant() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the process is ours") {
                return (status, out, err);
            }
            assert!(gatepass::clock::instant() < deadline, "it does not end");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // What it said and nobody read.
        let _ = io::copy(&mut self.stdout, &mut io::sink());
        let _ = io::copy(&mut self.stderr, &mut io::sink());
    }
}
