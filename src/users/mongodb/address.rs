//! What does a `mongodb://` URL say? Servers, a database, and how they are reached.
//!
//! What is wrong with it is told without a word of it: a password that was not percent-encoded looks like anything.

use std::net::IpAddr;
use std::time::Duration;

use mongodb::options::{ClientOptions, ConnectionString, HostInfo, ServerAddress, Tls};

use crate::secret::Secret;
use crate::users::StoreError;

/// How long a connection may take, and how long a server is looked for.
const CONNECT: Duration = Duration::from_secs(2);
/// Sign-ins that are looked up at the same time. Others wait.
const CONNECTIONS: u32 = 8;

/// What is wrong with a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// It names no database.
    #[error("the URL names no database")]
    NoDatabase,
    /// The driver cannot read it.
    #[error("this is not the URL of a MongoDB database")]
    Unreadable,
}

impl BadUrl {
    /// What to do about it.
    pub const fn help(self) -> &'static str {
        match self {
            Self::NoDatabase => "put the database behind the hosts: mongodb://host/DATABASE",
            Self::Unreadable => {
                "mongodb://user:password@host/DATABASE?option=value; `:`, `/`, `?`, `@` and `%` in user and password are \
                 percent-encoded (`@` is %40)"
            }
        }
    }
}

/// Whether the URL can be read and names a database; asks no server.
pub fn check(url: &str) -> Result<(), BadUrl> {
    read(url).map(drop)
}

fn read(url: &str) -> Result<(ConnectionString, String), BadUrl> {
    let read = ConnectionString::parse(url).map_err(|_| BadUrl::Unreadable)?;
    let database = read.default_database.clone().ok_or(BadUrl::NoDatabase)?;
    Ok((read, database))
}

/// A URL that was read.
pub(super) struct Address {
    url: Secret,
    pub(super) database: String,
    /// Whether whoever is in between reads passwords' hashes, or may answer in the server's place.
    exposed: Option<&'static str>,
}

impl Address {
    pub(super) fn read(url: &Secret) -> Result<Self, StoreError> {
        let text = std::str::from_utf8(url.expose()).unwrap_or_default();
        let told = |bad: BadUrl| StoreError::Failed(format!("{bad}: {}", bad.help()));
        let (read, database) = read(text).map_err(told)?;
        Ok(Self { url: url.clone(), database, exposed: exposed(&read) })
    }

    /// How to connect, with our own bounds. A name that stands for several servers is looked up now.
    pub(super) async fn options(&self) -> mongodb::error::Result<ClientOptions> {
        let text = std::str::from_utf8(self.url.expose()).unwrap_or_default();
        let mut options = ClientOptions::parse(text).await?;
        let within = |asked: Option<Duration>| asked.map_or(CONNECT, |asked| asked.min(CONNECT));
        options.connect_timeout = Some(within(options.connect_timeout));
        options.server_selection_timeout = Some(within(options.server_selection_timeout));
        options.max_pool_size = options.max_pool_size.or(Some(CONNECTIONS));
        options.app_name = options.app_name.or_else(|| Some("gatepass".to_owned()));
        Ok(options)
    }

    pub(super) fn advice(&self) -> Vec<String> {
        self.exposed.map(ToOwned::to_owned).into_iter().collect()
    }
}

fn exposed(read: &ConnectionString) -> Option<&'static str> {
    let HostInfo::HostIdentifiers(hosts) = &read.host_info else {
        // By DNS: then TLS is the default.
        return unchecked(read);
    };
    if hosts.iter().all(is_here) {
        return None;
    }
    match read.tls {
        Some(Tls::Enabled(_)) => unchecked(read),
        _ => Some(
            "the way to the MongoDB server is not encrypted, and password hashes go over it: add `tls=true` to the URL",
        ),
    }
}

fn unchecked(read: &ConnectionString) -> Option<&'static str> {
    let blind = "any server is taken for the MongoDB server: remove `tlsInsecure` and `tlsAllowInvalidCertificates` from \
                 the URL, and name its CA by `tlsCAFile`";
    match &read.tls {
        Some(Tls::Disabled) => {
            Some("the way to the MongoDB server is not encrypted: remove `tls=false` from the URL")
        }
        Some(Tls::Enabled(tls)) if tls.allow_invalid_certificates == Some(true) => Some(blind),
        _ => None,
    }
}

/// Whether it is on this machine.
fn is_here(server: &ServerAddress) -> bool {
    match server {
        ServerAddress::Tcp { host, .. } => {
            let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
            host == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        ServerAddress::Unix { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_database() {
        for good in [
            "mongodb://localhost/planner",
            "mongodb://u:p%40ss@a:1,b:2/planner?tls=true",
            "mongodb+srv://x.test/db",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["mongodb://localhost", "mongodb://localhost/", "mongodb://localhost/?tls=true"] {
            assert_eq!(check(bad), Err(BadUrl::NoDatabase), "{bad}");
        }
        for bad in [
            "mongodb://u:p@ss@host/db",
            "mongodb://u:p?ss@host/db",
            "mongodb://host:port/db",
            "mongodb://h/d?tls=7",
        ] {
            assert_eq!(check(bad), Err(BadUrl::Unreadable), "{bad}");
        }
    }

    #[test]
    fn an_open_way_is_told() {
        let told =
            |url: &str| Address::read(&Secret::from(url)).unwrap().exposed.unwrap_or("nothing").to_owned();
        for quiet in [
            "mongodb://localhost,127.0.0.2:7,[::1]:8/db",
            "mongodb://%2Ftmp%2Fmongodb.sock/db",
            "mongodb://db.test/db?tls=true",
            "mongodb+srv://db.test/db",
        ] {
            assert_eq!(told(quiet), "nothing", "{quiet}");
        }
        assert!(told("mongodb://localhost,db.test/db").contains("tls=true"));
        assert!(told("mongodb+srv://db.test/db?tls=false").contains("tls=false"));
        assert!(told("mongodb://db.test/db?tls=true&tlsInsecure=true").contains("any server"));
    }
}
