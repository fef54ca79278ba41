//! Where does a test get a Redis of its own, and how does it hurt it?
//!
//! A real `redis-server` on a free loopback port, with a folder of its own and every write on disk before it is
//! answered (`appendfsync always`), so that a restart keeps what was written.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
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
    /// What its command line says beyond the usual; the last word counts.
    options: Vec<String>,
    /// Whether it is a sentinel, and what its file says at first.
    sentinel: Option<String>,
    child: Option<Child>,
}

impl Redis {
    /// Starts one, and waits until it answers.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one that asks for a password.
    pub(crate) fn start_with_password(password: &'static str) -> Self {
        Self::start_as(|redis| redis.password = Some(password))
    }

    /// Starts one with more options on its command line.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        Self::start_as(|redis| redis.options = options.iter().map(ToString::to_string).collect())
    }

    /// Starts one that speaks TLS at a second port, which comes back too, with the pair `cert.pem` and `key.pem` that lie in `folder`.
    pub(crate) fn start_with_tls(folder: &Path) -> (Self, u16) {
        let mut port = 0;
        let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let redis = Self::start_as(|redis| {
            port = free_port();
            redis.options = ["--tls-port", &port.to_string(), "--tls-auth-clients", "no"]
                .into_iter()
                .chain(["--tls-cert-file", &file("cert.pem"), "--tls-key-file", &file("key.pem")])
                .chain(["--tls-ca-cert-file", &file("cert.pem")])
                .map(ToOwned::to_owned)
                .collect();
        });
        (redis, port)
    }

    /// Starts one that copies this one.
    pub(crate) fn start_replica(&self) -> Self {
        Self::start_with(&["--replicaof", "127.0.0.1", &self.port.to_string()])
    }

    /// Starts a sentinel that watches this one as `people`, and decides alone.
    pub(crate) fn start_sentinel(&self) -> Self {
        let watched = format!(
            "sentinel monitor people 127.0.0.1 {} 1\nsentinel down-after-milliseconds people 500\n\
             sentinel failover-timeout people 5000\n",
            self.port
        );
        Self::start_as(|redis| redis.sentinel = Some(watched.clone()))
    }

    /// A port may be taken between being found free and being used: then another is tried.
    fn start_as(mut prepare: impl FnMut(&mut Self)) -> Self {
        for _ in 0..10 {
            let mut redis = Self::absent();
            prepare(&mut redis);
            if redis.try_restart() {
                return redis;
            }
        }
        panic!("redis-server does not start");
    }

    /// A place where there is none yet: [`Self::restart`] starts it.
    pub(crate) fn absent() -> Self {
        Self {
            port: free_port(),
            folder: tempfile::tempdir().unwrap(),
            password: None,
            options: Vec::new(),
            sentinel: None,
            child: None,
        }
    }

    /// `redis://127.0.0.1:port`, with the password if it has one.
    pub(crate) fn url(&self) -> String {
        super::said::secret("password", self.password.unwrap_or_default());
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
        let list = self.lines_of("CLIENT LIST").unwrap();
        list.iter().filter(|line| line.starts_with("id=")).count() - 1
    }

    /// Sends one command, and returns every line of the reply.
    pub(crate) fn ask(&self, command: &str) -> Vec<String> {
        self.lines_of(command).unwrap()
    }

    fn try_command(&self, command: &str) -> std::io::Result<String> {
        let lines = self.lines_of(command)?;
        Ok(lines.into_iter().next().unwrap_or_default())
    }

    /// Every line the server sends until it closes the connection. One that becomes a primary or a replica just then
    /// closes them all: it is asked again.
    fn lines_of(&self, commands: &str) -> std::io::Result<Vec<String>> {
        use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        let mut left = 20;
        loop {
            match self.lines_once(commands) {
                Err(error)
                    if left > 0
                        && matches!(
                            error.kind(),
                            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
                        ) =>
                {
                    left -= 1;
                }
                done => return done,
            }
        }
    }

    fn lines_once(&self, commands: &str) -> std::io::Result<Vec<String>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(DEADLINE))?;
        let mut replies = BufReader::new(stream.try_clone()?).lines();
        if let Some(password) = self.password {
            write!(stream, "AUTH {password}\r\n")?;
            assert_eq!(replies.next().ok_or(std::io::ErrorKind::UnexpectedEof)??, "+OK");
        }
        write!(stream, "{commands}\r\n")?;
        if self.sentinel.is_some() {
            // It knows no QUIT. Whoever has answered hangs up, for nothing more will come.
            stream.shutdown(Shutdown::Write)?;
            return replies.collect();
        }
        write!(stream, "QUIT\r\n")?;
        let mut lines = replies.collect::<std::io::Result<Vec<_>>>()?;
        match lines.pop().as_deref() {
            Some("+OK") => Ok(lines),
            // Closed before the answer to QUIT.
            _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("the server runs");
        kill_process(Pid::from_child(child), signal).unwrap();
    }

    /// Whether it started and answers; not if another took the port in the meantime.
    fn try_restart(&mut self) -> bool {
        // Another version than the system's can be named.
        let server = std::env::var_os("GATEPASS_REDIS_SERVER").unwrap_or_else(|| "redis-server".into());
        let mut command = Command::new(server);
        if let Some(watched) = &self.sentinel {
            let file = self.folder.path().join("sentinel.conf");
            if !file.exists() {
                std::fs::write(&file, watched).unwrap();
            }
            command.arg(file).args(["--sentinel", "--bind", "127.0.0.1"]);
        } else {
            command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]);
            command.args(["--appendfsync", "always"]);
        }
        command.args(["--port", &self.port.to_string()]).arg("--dir").arg(self.folder.path());
        command.args(&self.options);
        if let Some(password) = self.password {
            command.args(["--requirepass", password]);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("redis-server");
        let output = BufReader::new(child.stdout.take().unwrap());
        let (ready, became_ready) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = output.lines().map_while(Result::ok);
            if lines.any(|line| {
                ["Ready to accept connections", "Sentinel ID is"].iter().any(|at| line.contains(at))
            }) {
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
pub(super) fn free_port() -> u16 {
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

/// What only the faults do to it.
impl Redis {
    /// Takes in `count` revocations of nothing in particular, as a log that was born long ago has them.
    pub(crate) fn preload(&self, count: usize) {
        let head = "redis.call('HSET', '{gatepass}:head', 'incarnation', string.rep('5', 32), 'seq', '0', 'mark', \
                    string.rep('0', 16), 'version', '0', 'born', '1')";
        let each =
            "redis.call('SET', '{gatepass}:r:' .. string.sub(redis.sha1hex(i), 1, 32), '7 R 4000000000')";
        let script = format!("{head} for i = 1, {count} do {each} end return 'done'");
        assert_eq!(self.lines_of(&format!("EVAL \"{script}\" 0")).unwrap()[1], "done");
    }

    /// Asks for a password from now on, or (without one) no longer.
    pub(crate) fn ask_for_password(&mut self, password: Option<&'static str>) {
        let new = password.unwrap_or_default();
        assert_eq!(self.command(&format!("CONFIG SET requirepass \"{new}\"")), "+OK");
        self.password = password;
    }

    /// Copies everything from `other`, and goes on to; returns when it has caught up.
    pub(crate) fn replicate(&self, other: &Self) {
        assert_eq!(other.command("CONFIG SET repl-diskless-sync-delay 0"), "+OK");
        assert_eq!(self.command(&format!("REPLICAOF 127.0.0.1 {}", other.port)), "+OK");
        let deadline = gatepass::clock::instant() + DEADLINE;
        while other.lines_of("SET copied 1\r\nWAIT 1 1000").unwrap()[1] != ":1" {
            assert!(gatepass::clock::instant() < deadline, "the replica does not catch up");
        }
    }

    /// Copies no longer, and takes writes.
    pub(crate) fn promote(&self) {
        assert_eq!(self.command("REPLICAOF NO ONE"), "+OK");
    }
}
