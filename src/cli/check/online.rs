//! Does what the file names answer? The stores and every server of every upstream, each asked once.
//!
//! Nothing is made: a database that is not there yet is said to be made later, if its folder is there.

use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::time::{interval, timeout};

use crate::clock::Clock;
use crate::config::Config;
use crate::revocation::{self, Revocations};
use crate::upstream::ServerAddress;
use crate::users;

/// How long a revocation store may take to answer.
const STORE_TIME: Duration = Duration::from_secs(5);
/// How often its answer is looked for.
const LOOK: Duration = Duration::from_millis(20);

/// One thing that was asked.
#[derive(Debug)]
pub(super) struct Reached {
    /// In words.
    pub(super) what: String,
    /// How it went: what to say of it, or why it failed.
    pub(super) outcome: Result<String, String>,
}

/// Asks everything.
pub(super) async fn reach(config: &Config) -> Vec<Reached> {
    let mut found = vec![
        Reached { what: "the user store".to_owned(), outcome: users(&config.users).await },
        Reached { what: "the revocation store".to_owned(), outcome: revocations(&config.revocation).await },
    ];
    for upstream in &config.upstreams {
        for server in &upstream.servers {
            let what = format!("upstream `{}`, {}", upstream.name, name(server));
            found.push(Reached { what, outcome: connect(server, config.limits.connect_time).await });
        }
    }
    found
}

async fn users(settings: &users::Settings) -> Result<String, String> {
    if let (users::Store::Sqlite(file), None) = (&settings.store, &settings.fields)
        && let Some(later) = not_yet(file)?
    {
        return Ok(later);
    }
    let store = users::open(settings).await.map_err(|error| error.to_string())?;
    store.ping().await.map_err(|error| error.to_string())?;
    let advice = store.advice().await.map_err(|error| error.to_string())?;
    Ok(advice.iter().fold("answers".to_owned(), |said, advice| said + "; warning: " + advice))
}

async fn revocations(settings: &revocation::Settings) -> Result<String, String> {
    if let revocation::Store::Sqlite(file) = &settings.store
        && let Some(later) = not_yet(file)?
    {
        return Ok(later);
    }
    let log = Revocations::open(&settings.without_journal(), Clock::system())
        .await
        .map_err(|error| error.to_string())?;
    let answered = async {
        let mut look = interval(LOOK);
        while !log.store_up() {
            look.tick().await;
        }
    };
    match timeout(STORE_TIME, answered).await {
        Ok(()) => {
            let mut said = format!("{} answers", log.store_name());
            for advice in log.advice() {
                said = said + "; warning: " + &advice.text;
            }
            Ok(said)
        }
        Err(_) => Err(format!("{} does not answer within {} s", log.store_name(), STORE_TIME.as_secs())),
    }
}

/// What to say of a database that is not there yet; an error if it never can be.
fn not_yet(file: &Path) -> Result<Option<String>, String> {
    if file.exists() {
        return Ok(None);
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() {
        Ok(Some(format!("{} is not there yet; the first start makes it", file.display())))
    } else {
        Err(format!("there is no folder {}", folder.display()))
    }
}

fn name(server: &ServerAddress) -> String {
    match server {
        ServerAddress::Tcp { host, port } => format!("{host}:{port}"),
        ServerAddress::Tls { host, port } => format!("https://{host}:{port}"),
        ServerAddress::Unix(path) => format!("unix:{}", path.display()),
    }
}

/// A connection and no more: what a backend answers is its own affair.
async fn connect(server: &ServerAddress, within: Duration) -> Result<String, String> {
    let connected = async {
        match server {
            ServerAddress::Tcp { host, port } | ServerAddress::Tls { host, port } => {
                TcpStream::connect((host.as_str(), *port)).await.map(drop)
            }
            ServerAddress::Unix(path) => UnixStream::connect(path).await.map(drop),
        }
    };
    match timeout(within, connected).await {
        Ok(Ok(())) => Ok("accepts connections".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("does not accept a connection in time".to_owned()),
    }
}
