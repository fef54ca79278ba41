//! Where does a test get a Redis of its own, and how does it hurt it?
//!
//! A real `redis-server` on a free loopback port, with a folder of its own and every write on disk before it is
//! answered (`appendfsync always`), so that a restart keeps what was written.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a server may take for anything.
const DEADLINE: Duration = Duration::from_secs(60);

/// A running (or stopped, or paused) Redis. Killed when dropped.
pub(crate) struct Redis {
    port: u16,
    folder: TempDir,
    password: Option<&'static str>,
    child: Option<Child>,
}

impl Redis {
    /// Starts one, and waits until it answers.
    pub(crate) fn start() -> Self {
        Self::start_with(None)
    }

    /// Starts one that asks for a password.
    pub(crate) fn start_with_password(password: &'static str) -> Self {
        Self::start_with(Some(password))
    }

    fn start_with(password: Option<&'static str>) -> Self {
        for _ in 0..10 {
            let mut redis = Self::absent();
            redis.password = password;
            if redis.try_restart() {
                return redis;
            }
        }
        panic!("redis-server does not start");
    }

    /// A place where there is none yet: [`Self::restart`] starts it.
    pub(crate) fn absent() -> Self {
        Self { port: free_port(), folder: tempfile::tempdir().unwrap(), password: None, child: None }
    }

    /// `redis://127.0.0.1:port`, with the password if it has one.
    pub(crate) fn url(&self) -> String {
        let password = self.password.map(|password| format!(":{password}@")).unwrap_or_default();
        format!("redis://{password}127.0.0.1:{}", self.port)
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Kills it (`SIGKILL`) and waits until it is gone.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again on the same port, with what it had on disk.
    pub(crate) fn restart(&mut self) {
        self.stop();
        assert!(self.try_restart(), "redis-server does not start again");
    }

    /// Starts it again on the same port, with nothing.
    pub(crate) fn restart_empty(&mut self) {
        self.stop();
        self.folder = tempfile::tempdir().unwrap();
        self.restart();
    }

    /// What is on disk now: a backup.
    pub(crate) fn backup(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(self.folder.path(), copy.path());
        copy
    }

    /// Starts it again on the same port, with what `backup` holds.
    pub(crate) fn restore(&mut self, backup: TempDir) {
        self.stop();
        self.folder = backup;
        self.restart();
    }

    /// Stops it from running (`SIGSTOP`): connections stay open, and nothing is answered.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it run on.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Forgets everything it holds.
    pub(crate) fn flush_all(&self) {
        assert_eq!(self.command("FLUSHALL"), "+OK");
    }

    /// Sends one command (no spaces within its words), and returns the reply's first line.
    pub(crate) fn command(&self, command: &str) -> String {
        self.try_command(command).unwrap()
    }

    /// How many connections it has, not counting the one that asks.
    pub(crate) fn connections(&self) -> usize {
        let list = self.lines_of("CLIENT LIST\r\nQUIT").unwrap();
        list.iter().filter(|line| line.starts_with("id=")).count() - 1
    }

    fn try_command(&self, command: &str) -> std::io::Result<String> {
        let lines = self.lines_of(&format!("{command}\r\nQUIT"))?;
        Ok(lines.into_iter().next().unwrap_or_default())
    }

    /// Every line the server sends until it closes the connection.
    fn lines_of(&self, commands: &str) -> std::io::Result<Vec<String>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(DEADLINE))?;
        let mut replies = BufReader::new(stream.try_clone()?).lines();
        if let Some(password) = self.password {
            write!(stream, "AUTH {password}\r\n")?;
            assert_eq!(replies.next().unwrap()?, "+OK");
        }
        write!(stream, "{commands}\r\n")?;
        replies.collect()
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("the server runs");
        kill_process(Pid::from_child(child), signal).unwrap();
    }

    /// Whether it started and answers; not if another took the port in the meantime.
    fn try_restart(&mut self) -> bool {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
        command.args(["--port", &self.port.to_string()]).arg("--dir").arg(self.folder.path());
        if let Some(password) = self.password {
            command.args(["--requirepass", password]);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("redis-server");
        let output = BufReader::new(child.stdout.take().unwrap());
        let (ready, became_ready) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = output.lines().map_while(Result::ok);
            if lines.any(|line| line.contains("Ready to accept connections")) {
                let _ = ready.send(());
            }
            // Read to its end, so that the server never waits for its own log.
            lines.for_each(drop);
        });
        self.child = Some(child);
        match became_ready.recv_timeout(DEADLINE) {
            Ok(()) => self.try_command("PING").is_ok_and(|reply| reply == "+PONG"),
            Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {
                self.stop();
                false
            }
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A free port below those the system gives out by itself: nobody's connection takes it while the server is stopped.
fn free_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let random = || RandomState::new().hash_one(0) % 12_000;
    let ports = std::iter::repeat_with(|| 20_000 + u16::try_from(random()).unwrap());
    ports.take(1_000).find(is_free).expect("a free port among a thousand")
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
