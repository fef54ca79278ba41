//! What does it look like when it runs? An event planner that knows nothing of passwords or tokens, the gateway in
//! front of it, and a user: in one process, on loopback, in a folder that is gone at the end.
//!
//! The gateway reads its configuration from a file like every other one; [`configuration`] is that file.

mod event;
mod file;
mod planner;
mod tour;

pub use file::{Ports, configuration};
pub use planner::router;

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::{self, Config};
use crate::identity::{Claims, LoginName, Scopes, UserId};
use crate::password::{Hasher, HasherSettings, NewPassword};
use crate::secret::{Secret, random_id};
use crate::server::Gateway;
use crate::users::{self, User};

/// Who is there to sign in.
const LOGIN: &str = "ada@example.org";

/// What they may do.
const SCOPES: &str = "event:read event:write";

/// How often free ports are looked for when somebody else takes them between the look and the start.
const TRIES: usize = 5;

/// What a demo is told.
#[derive(Debug, Default)]
pub struct Options {
    /// The gateway's port: 8080, or a free one if that is taken; 0 is any free one.
    pub port: Option<u16>,
    /// The demo user's password; a random one if absent.
    pub password: Option<Secret>,
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file or a socket.
    #[error("{what}: {error}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// What went wrong.
        error: io::Error,
    },
    /// The chosen port is in use.
    #[error("port {0} is taken")]
    PortTaken(u16),
    /// The password given breaks a rule.
    #[error("the password {0}")]
    Password(#[from] crate::password::PasswordRule),
    /// A part of the gateway did not start.
    #[error("{0}")]
    Start(String),
}

impl DemoError {
    const fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { what, error }
    }

    fn start(error: impl std::fmt::Display) -> Self {
        Self::Start(error.to_string())
    }
}

/// A demo that runs.
pub struct Demo {
    gateway: Gateway,
    planner: Planner,
    password: String,
    notes: Vec<String>,
    folder: TempDir,
}

/// The backend that runs.
struct Planner {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: JoinHandle<io::Result<()>>,
}

impl Demo {
    /// Starts backend and gateway on the current tokio runtime.
    pub async fn start(options: Options) -> Result<Self, DemoError> {
        let folder = tempfile::Builder::new()
            .prefix("gatepass-demo-")
            .tempdir()
            .map_err(DemoError::io("cannot make a temporary folder"))?;
        let password = match options.password {
            Some(given) => String::from_utf8_lossy(given.expose()).into_owned(),
            None => random_id(),
        };
        let new_password = NewPassword::parse(Secret::from(password.as_str()))?;
        write_secret(&folder.path().join(file::SECRET))?;

        let mut notes = Vec::new();
        let planner = Planner::start(options.port, &mut notes)?;
        let told = notes.len();
        let mut tries = TRIES;
        let mut user = Some(new_password);
        let gateway = loop {
            let ports = Ports { planner: planner.address.port(), ..ports(options.port, &mut notes)? };
            let config = written(folder.path(), ports)?;
            if let Some(password) = user.take() {
                create_user(&config, password).await?;
            }
            tries -= 1;
            match Gateway::start(config).await {
                Ok(gateway) => break gateway,
                Err(error) if tries == 0 => return Err(DemoError::start(error)),
                // Somebody took a port after we had seen it free: look again.
                Err(_) => notes.truncate(told),
            }
        };
        Ok(Self { gateway, planner, password, notes, folder })
    }

    /// Where the gateway answers.
    pub fn gateway(&self) -> Option<SocketAddr> {
        self.gateway.public().first().copied()
    }

    /// Where the gateway's metrics and health are.
    pub fn admin(&self) -> SocketAddr {
        self.gateway.admin()
    }

    /// Where the planner answers, without the gateway: for showing why nobody else should reach it.
    pub const fn planner(&self) -> SocketAddr {
        self.planner.address
    }

    /// The demo user's login and password.
    pub fn user(&self) -> (&str, &str) {
        (LOGIN, &self.password)
    }

    /// The folder everything is kept in; gone when the demo ends.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What to try, with the values of this run.
    pub fn tour(&self) -> String {
        tour::text(self)
    }

    /// Ends gateway and backend, and removes the folder.
    pub async fn shutdown(self) -> Result<(), DemoError> {
        self.gateway.shutdown().await;
        // A backend that has ended already has nothing left to be told.
        let _ = self.planner.stop.send(());
        self.planner.done.await.map_err(DemoError::start)?.map_err(DemoError::io("the planner failed"))?;
        self.folder.close().map_err(DemoError::io("cannot remove the temporary folder"))
    }
}

impl Planner {
    fn start(gateway_port: Option<u16>, notes: &mut Vec<String>) -> Result<Self, DemoError> {
        let what = "cannot start the planner";
        let preferred = if gateway_port == Some(0) { 0 } else { file::PLANNER };
        let listener = bound(preferred).or_else(|_| {
            notes.push(format!("port {} is taken: the planner has a free one", file::PLANNER));
            bound(0)
        });
        let listener = listener.map_err(DemoError::io(what))?;
        listener.set_nonblocking(true).map_err(DemoError::io(what))?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(DemoError::io(what))?;
        let address = listener.local_addr().map_err(DemoError::io(what))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = axum::serve(listener, router()).with_graceful_shutdown(async {
            // A sender that is gone means the same as a word from it.
            let _ = stopped.await;
        });
        Ok(Self { address, stop, done: tokio::spawn(serve.into_future()) })
    }
}

/// A listener on loopback.
fn bound(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
}

/// A port that was free a moment ago: the preferred one if it is.
fn free(preferred: u16) -> Result<u16, DemoError> {
    bound(preferred)
        .or_else(|_| bound(0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(DemoError::io("there is no free port"))
}

/// The gateway's ports: those asked for, the usual ones, or free ones.
fn ports(asked: Option<u16>, notes: &mut Vec<String>) -> Result<Ports, DemoError> {
    let usual = Ports::default();
    match asked {
        Some(0) => Ok(Ports { gateway: free(0)?, admin: 0, ..usual }),
        Some(port) => {
            drop(bound(port).map_err(|_| DemoError::PortTaken(port))?);
            Ok(Ports { gateway: port, admin: free(usual.admin)?, ..usual })
        }
        None => {
            let ports = Ports { gateway: free(usual.gateway)?, admin: free(usual.admin)?, ..usual };
            if ports.gateway != usual.gateway {
                notes.push(format!(
                    "port {} is taken: the gateway has a free one; --port chooses",
                    usual.gateway
                ));
            }
            Ok(ports)
        }
    }
}

/// Writes the configuration and reads it as any gateway would.
fn written(folder: &Path, ports: Ports) -> Result<Config, DemoError> {
    let path: PathBuf = folder.join("gateway.toml");
    fs::write(&path, configuration(ports)).map_err(DemoError::io("cannot write the configuration"))?;
    match config::load(&path) {
        Ok(loaded) => Ok(loaded.config),
        Err(report) => Err(DemoError::Start(report.text)),
    }
}

fn write_secret(path: &Path) -> Result<(), DemoError> {
    use std::io::Write as _;
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(format!("{}{}\n", random_id(), random_id()).as_bytes()))
        .map_err(DemoError::io("cannot write the secret"))
}

async fn create_user(config: &Config, password: NewPassword) -> Result<(), DemoError> {
    let hasher =
        Hasher::start(HasherSettings::of(config.passwords.hash)).map_err(DemoError::io("cannot hash"))?;
    let user = User {
        id: UserId::new(),
        login: LoginName::parse(LOGIN).map_err(DemoError::start)?,
        email: Some(LOGIN.to_owned()),
        password: hasher.hash(password).await.map_err(DemoError::start)?,
        scopes: Scopes::parse(SCOPES).map_err(DemoError::start)?,
        disabled: false,
        claims: Claims::default(),
        created: Some(Clock::system().now()),
    };
    let users = users::open(&config.users).await.map_err(DemoError::start)?;
    users.create(user).await.map_err(DemoError::start)?;
    Ok(())
}
