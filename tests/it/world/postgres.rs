//! Where does a test get a PostgreSQL of its own, and how does it hurt it?
//!
//! A real server on a free loopback port with a folder of its own. `initdb` is run once and its result copied, for it
//! takes as long as everything else. What was committed outlives the server, if not the machine. It refuses to run as root: then it runs as `nobody`.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// How long a server may take for anything.
const DEADLINE: Duration = Duration::from_secs(60);
/// Debian's `nobody`.
const NOBODY: u32 = 65534;
/// The superuser's password.
const PASSWORD: &str = "hunter2-of-postgres";

/// A running (or stopped, or paused) PostgreSQL. Ended when dropped.
pub(crate) struct Postgres {
    port: u16,
    folder: TempDir,
    options: Vec<String>,
    child: Option<Child>,
}

impl Postgres {
    /// Starts one, and waits until it answers.
    pub(crate) fn start() -> Self {
        Self::start_with(|_| Vec::new())
    }

    /// Starts one with more options (`-c NAME=VALUE`), which may be about files in its folder.
    pub(crate) fn start_with(options: impl Fn(&Path) -> Vec<String>) -> Self {
        super::said::secret("password", PASSWORD);
        let template = template();
        for _ in 0..10 {
            let folder = tempfile::tempdir().unwrap();
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
            copy(&template, &folder.path().join("data"));
            let options = options(folder.path());
            give(folder.path());
            let mut server = Self { port: super::redis::free_port(), folder, options, child: None };
            if server.try_start() {
                return server;
            }
        }
        panic!("postgres does not start");
    }

    /// The URL of a database of this server, as its superuser.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A connection of the test's own.
    pub(crate) async fn client(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url("postgres"), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Runs statements, as another application does.
    pub(crate) async fn run(&self, statements: &str) {
        self.client().await.batch_execute(statements).await.unwrap();
    }

    /// Ends it at once, with all its connections, and waits until it is gone.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let postmaster = Pid::from_child(&child);
            // A process that is paused does not hear that it is to end.
            let _ = kill_process(postmaster, Signal::CONT);
            for process in children(postmaster) {
                let _ = kill_process(process, Signal::CONT);
            }
            let _ = kill_process(postmaster, Signal::QUIT);
            child.wait().unwrap();
        }
    }

    /// Starts it again on the same port, with what it had.
    pub(crate) fn restart(&mut self) {
        self.stop();
        assert!(self.try_start(), "postgres does not start again");
    }

    /// Stops all its processes from running: connections stay open, and nothing is answered.
    pub(crate) fn pause(&self) {
        let postmaster = Pid::from_child(self.child.as_ref().expect("the server runs"));
        kill_process(postmaster, Signal::STOP).unwrap();
        for process in children(postmaster) {
            kill_process(process, Signal::STOP).unwrap();
        }
    }

    /// Lets them run on.
    pub(crate) fn resume(&self) {
        let postmaster = Pid::from_child(self.child.as_ref().expect("the server runs"));
        for process in children(postmaster) {
            kill_process(process, Signal::CONT).unwrap();
        }
        kill_process(postmaster, Signal::CONT).unwrap();
    }

    fn try_start(&mut self) -> bool {
        let mut command = Command::new(program("postgres"));
        command.arg("-D").arg(self.folder.path().join("data")).args(["-p", &self.port.to_string()]);
        for option in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "full_page_writes=off",
            "jit=off",
            "shared_buffers=16MB",
            "max_connections=80",
            "lc_messages=C",
            "logging_collector=off",
        ] {
            command.args(["-c", option]);
        }
        command.args(&self.options).current_dir(self.folder.path());
        let mut child = as_nobody(&mut command)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("postgres");
        let output = BufReader::new(child.stderr.take().unwrap());
        let (ready, became_ready) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = output.lines().map_while(Result::ok);
            if lines.any(|line| line.contains("ready to accept connections")) {
                let _ = ready.send(());
            }
            // Read to its end, so that the server never waits for its own log.
            lines.for_each(drop);
        });
        self.child = Some(child);
        let started = became_ready.recv_timeout(DEADLINE).is_ok();
        if !started {
            self.stop();
        }
        started
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The server's folder as `initdb` leaves it, made by the first test that needs one.
fn template() -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres-template");
    if kept.join("PG_VERSION").exists() {
        return kept;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let password = folder.path().join("password");
    fs::write(&password, PASSWORD).unwrap();
    give(folder.path());
    let mut command = Command::new(program("initdb"));
    command.args(["-N", "-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"]);
    command.args(["--wal-segsize=1", "--pwfile"]).arg(password).arg("-D").arg(folder.path().join("data"));
    let output =
        as_nobody(&mut command).current_dir(folder.path()).stdin(Stdio::null()).output().expect("initdb");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Others may be at it as well: whoever is first has made it.
    let near = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let copied = near.path().join("data");
    copy(&folder.path().join("data"), &copied);
    let _ = fs::rename(copied, &kept);
    assert!(kept.join("PG_VERSION").exists(), "{}", kept.display());
    kept
}

/// One of the server's programs, which Debian keeps out of the way.
fn program(name: &str) -> OsString {
    let named = std::env::var_os("GATEPASS_POSTGRES_BIN").map(|folder| Path::new(&folder).join(name));
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let there = versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.exists());
    named.or(there.max()).map_or_else(|| name.into(), Into::into)
}

fn as_nobody(command: &mut Command) -> &mut Command {
    if geteuid().is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}

/// Gives everything in `folder` to whom the server runs as.
fn give(folder: &Path) {
    if !geteuid().is_root() {
        return;
    }
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        chown(&next, Some(NOBODY), Some(NOBODY)).unwrap();
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { chown(path, Some(NOBODY), Some(NOBODY)).unwrap() }
        }
    }
}

/// Copies a folder of the server's, for its owner alone.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The processes that the postmaster started: one for each connection, and some of its own.
fn children(postmaster: Pid) -> Vec<Pid> {
    let pid = postmaster.as_raw_nonzero();
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}
