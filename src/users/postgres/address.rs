//! Where is the PostgreSQL server, and who may listen on the way? What the URL says, and what it leaves unsaid.
//!
//! Over a network the server proves who it is and everything is encrypted, unless the URL says otherwise: libpq's own
//! default, to encrypt if the other side feels like it, keeps nobody out. On this machine nothing is encrypted by default.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::secret::Secret;

pub(super) type Tls = MakeRustlsConnect;

/// A URL that was understood.
pub(in crate::users) struct Address {
    config: Config,
    tls: Option<SslMode>,
    ca: Option<PathBuf>,
}

/// Why a URL is not understood; nothing of it is repeated but names of its options.
#[derive(Debug, thiserror::Error)]
pub(in crate::users) enum BadAddress {
    #[error("it is not UTF-8")]
    Encoding,
    #[error(
        "a password in it may hold a character that has to be written in percent-encoding, or an option is not known"
    )]
    Form,
    #[error("it names no database")]
    NoDatabase,
    #[error("`sslmode` is disable, prefer, require, verify-ca or verify-full")]
    Mode,
    #[error("`sslrootcert` is the absolute path of a file, or system")]
    Root,
}

impl Address {
    /// Understands a URL.
    pub(in crate::users) fn parse(url: &Secret) -> Result<Self, BadAddress> {
        let url = std::str::from_utf8(url.expose()).map_err(|_| BadAddress::Encoding)?;
        let (place, options) = url.split_once('?').unwrap_or((url, ""));
        let (mut rest, mut tls, mut ca) = (Vec::new(), None, None);
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let pair = form_urlencoded::parse(option.as_bytes()).next().unwrap_or_default();
            match (&*pair.0, &*pair.1) {
                ("sslmode", "disable") => tls = Some(SslMode::Disable),
                ("sslmode", "allow" | "prefer") => tls = Some(SslMode::Prefer),
                ("sslmode", "require" | "verify-ca" | "verify-full") => tls = Some(SslMode::Require),
                ("sslmode", _) => return Err(BadAddress::Mode),
                ("sslrootcert", "system") => ca = None,
                ("sslrootcert", path) if path.starts_with('/') => ca = Some(PathBuf::from(path)),
                ("sslrootcert", _) => return Err(BadAddress::Root),
                _ => rest.push(option),
            }
        }
        let config: Config = format!("{place}?{}", rest.join("&")).parse().map_err(|_| BadAddress::Form)?;
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(BadAddress::NoDatabase);
        }
        Ok(Self { config, tls, ca })
    }

    /// Whether every host is this machine.
    fn is_local(&self) -> bool {
        let local = |host: &Host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => {
                name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
            }
        };
        let addresses = self.config.get_hostaddrs();
        if addresses.is_empty() {
            self.config.get_hosts().iter().all(local)
        } else {
            addresses.iter().all(std::net::IpAddr::is_loopback)
        }
    }

    /// Whether passwords and hashes may cross a network unencrypted.
    pub(in crate::users) fn is_exposed(&self) -> bool {
        !self.is_local() && matches!(self.tls, Some(SslMode::Disable | SslMode::Prefer))
    }

    /// What is needed to connect.
    pub(super) fn connect(self, connect: Duration, answer: Duration) -> Result<(Config, Tls), String> {
        let mode = self.tls.unwrap_or(if self.is_local() { SslMode::Disable } else { SslMode::Require });
        let tls = tls(mode, self.ca)?;
        let mut config = self.config;
        config.ssl_mode(mode).connect_timeout(connect);
        if config.get_application_name().is_none() {
            config.application_name("gatepass");
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host_path("/var/run/postgresql");
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(answer);
        }
        Ok((config, tls))
    }
}

/// TLS 1.2 and 1.3, with the CAs of `ca` alone if it is named. Chain and name are verified always.
fn tls(mode: SslMode, ca: Option<PathBuf>) -> Result<Tls, String> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = ca {
        let wrong = |why: &str| format!("{}: {why}", file.display());
        let certificates = CertificateDer::pem_file_iter(&file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| wrong(&error.to_string()))?;
        let (taken, _) = roots.add_parsable_certificates(certificates);
        if taken == 0 {
            return Err(wrong("holds no certificate of a CA"));
        }
    } else if mode != SslMode::Disable {
        let found = rustls_native_certs::load_native_certs();
        let found = found.map_err(|error| format!("the machine's CAs cannot be read: {error}"))?;
        roots.add_parsable_certificates(found);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Result<Address, BadAddress> {
        Address::parse(&Secret::from(url))
    }

    #[test]
    fn over_a_network_the_server_proves_who_it_is() {
        let mode = |url: &str| {
            let address = address(url).unwrap();
            let exposed = address.is_exposed();
            let (config, _) = address.connect(Duration::ZERO, Duration::ZERO).unwrap();
            (config.get_ssl_mode(), exposed)
        };
        assert_eq!(mode("postgres://me:p@db/app"), (SslMode::Require, false));
        assert_eq!(mode("postgres://me@db/app?sslmode=verify-ca"), (SslMode::Require, false));
        assert_eq!(mode("postgres://me@db/app?sslmode=disable&application_name=x"), (SslMode::Disable, true));
        assert_eq!(mode("postgres://me@10.0.0.7/app?sslmode=prefer"), (SslMode::Prefer, true));
        for local in ["localhost", "127.0.0.1:5433", "[::1]", "%2Fvar%2Frun"] {
            assert_eq!(mode(&format!("postgres://me@{local}/app")), (SslMode::Disable, false), "{local}");
        }
        assert_eq!(mode("postgres://me@/app?host=/var/run/postgresql"), (SslMode::Disable, false));
        assert_eq!(
            mode("postgres://me@localhost,db/app"),
            (SslMode::Require, false),
            "one of them is not here"
        );
        assert_eq!(mode("postgres://me@localhost/app?hostaddr=10.0.0.7"), (SslMode::Require, false));
    }

    #[test]
    fn a_bad_url_is_told_without_what_it_says() {
        for (url, part) in [
            ("postgres://me:hunter2@db/app?sslmode=maybe", "sslmode"),
            ("postgres://me:hunter2@db/app?sslrootcert=ca.pem", "absolute"),
            ("postgres://me:hunter2@db", "no database"),
            ("postgres://me:hunter2@db/", "no database"),
            ("postgres://me:hunter2@db:port/app", "percent"),
            ("postgres://me@db/app?hunter2=1", "option"),
        ] {
            let Err(bad) = address(url) else { panic!("{url} is taken") };
            let bad = bad.to_string();
            assert!(bad.contains(part) && !bad.contains("hunter2"), "{url}: {bad}");
        }
    }
}
