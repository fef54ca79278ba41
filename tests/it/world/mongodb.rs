//! Where does a test get a MongoDB server of its own, and how does it hurt it?
//!
//! SecantusDB, which speaks MongoDB's wire protocol, on a free loopback port, with a folder of its own and every write on
//! disk before it is answered. `GATEPASS_SECANTUSDB` names its program (`tests/run` installs it), else it is looked for
//! in the search path. Where `GATEPASS_TEST_MONGODB` names a real server (`mongodb://host:port`), everything that does not
//! hurt the server is asked of that one, each test in a database of its own.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mongodb::bson::doc;
use mongodb::options::ClientOptions;
use mongodb::{Client, Database};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::redis::free_port;

/// How long a server may take for anything.
const DEADLINE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// A running (or stopped, or paused) server. Killed when dropped.
pub(crate) struct Mongo {
    server: Server,
    /// The database of this test.
    name: String,
}

enum Server {
    Own {
        port: u16,
        folder: TempDir,
        child: Option<Child>,
    },
    /// Somebody's, by its URL.
    Named(String),
}

impl Mongo {
    /// A server that answers, and an empty database in it.
    pub(crate) async fn start() -> Self {
        match std::env::var("GATEPASS_TEST_MONGODB") {
            Ok(url) => Self { server: Server::Named(url), name: database() },
            Err(_) => Self::start_own().await,
        }
    }

    /// A server that can be hurt.
    pub(crate) async fn start_own() -> Self {
        // A port may be taken between being found free and being used: then another is tried.
        for _ in 0..10 {
            let mut mongo = Self::absent();
            if mongo.try_restart().await {
                return mongo;
            }
        }
        panic!("secantusd-py does not start");
    }

    /// A place where there is none yet: [`Self::restart`] starts it.
    pub(crate) fn absent() -> Self {
        let server = Server::Own { port: free_port(), folder: tempfile::tempdir().unwrap(), child: None };
        Self { server, name: database() }
    }

    /// The URL of the test's database.
    pub(crate) fn url(&self) -> String {
        match &self.server {
            Server::Own { port, .. } => format!("mongodb://127.0.0.1:{port}/{}", self.name),
            Server::Named(url) => match url.split_once('?') {
                Some((place, options)) => {
                    format!("{}/{}?{options}", place.trim_end_matches('/'), self.name)
                }
                None => format!("{}/{}", url.trim_end_matches('/'), self.name),
            },
        }
    }

    /// The test's database, as another application has it.
    pub(crate) async fn database(&self) -> Database {
        let mut options = ClientOptions::parse(self.url()).await.unwrap();
        options.server_selection_timeout = Some(Duration::from_secs(5));
        Client::with_options(options).unwrap().database(&self.name)
    }

    /// Kills it (`SIGKILL`) and waits until it is gone.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it (again) on the same port, with what it had on disk.
    pub(crate) async fn restart(&mut self) {
        self.stop();
        assert!(self.try_restart().await, "secantusd-py does not start");
    }

    /// Stops it from running (`SIGSTOP`): connections stay open, and nothing is answered.
    pub(crate) fn pause(&mut self) {
        self.signal(Signal::STOP);
    }

    /// Lets it run on.
    pub(crate) fn resume(&mut self) {
        self.signal(Signal::CONT);
    }

    fn signal(&mut self, signal: Signal) {
        let child = self.child().as_ref().expect("the server runs");
        kill_process(Pid::from_child(child), signal).unwrap();
    }

    fn child(&mut self) -> &mut Option<Child> {
        match &mut self.server {
            Server::Own { child, .. } => child,
            Server::Named(_) => panic!("a server that is not the test's is not stopped"),
        }
    }

    /// Whether it started and answers; not if another took the port in the meantime.
    async fn try_restart(&mut self) -> bool {
        let Server::Own { port, folder, child } = &mut self.server else { return true };
        let program = std::env::var_os("GATEPASS_SECANTUSDB").unwrap_or_else(|| "secantusd-py".into());
        let mut command = Command::new(&program);
        command.args([
            "--host",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--standalone",
            "--sync-on-commit",
        ]);
        command.args(["--cache-size", "64M", "--log-level", "WARNING", "--storage-path"]).arg(folder.path());
        // It looks for settings in the current folder and at home.
        command
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let started = command.spawn().unwrap_or_else(|error| {
            panic!(
                "{}: {error}; `tests/run rust` installs it, `pip install SecantusDB` and GATEPASS_SECANTUSDB=…/bin/secantusd-py do too",
                program.display()
            )
        });
        let started = child.insert(started);
        let deadline = gatepass::clock::instant() + DEADLINE;
        while TcpStream::connect(("127.0.0.1", *port)).is_err() {
            if started.try_wait().unwrap().is_some() {
                *child = None;
                return false;
            }
            assert!(gatepass::clock::instant() < deadline, "secantusd-py does not listen");
            tokio::time::sleep(PAUSE).await;
        }
        let answers = self.database().await.run_command(doc! { "ping": 1 }).await.is_ok();
        // Somebody else may be listening there.
        let still =
            |child: &mut Option<Child>| child.as_mut().is_some_and(|it| it.try_wait().unwrap().is_none());
        answers && still(self.child())
    }
}

impl Drop for Mongo {
    fn drop(&mut self) {
        match &self.server {
            Server::Own { .. } => self.stop(),
            Server::Named(_) => {
                let (url, name) = (self.url(), self.name.clone());
                let dropped = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(async {
                        Client::with_uri_str(url).await.unwrap().database(&name).drop().await.unwrap();
                    });
                });
                let _ = dropped.join();
            }
        }
    }
}

fn database() -> String {
    format!("gatepass_{}", gatepass::secret::random_id().replace('-', "_"))
}
