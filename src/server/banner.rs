//! What the operator sees at start: where it listens, where it keeps things, and what is open to everybody.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::config::Config;
use crate::proxy::ListenAddress;
use crate::revocation::Store;
use crate::route::Access;

/// The banner, several lines, none of them secret.
pub(super) fn banner(config: &Config, public: &[SocketAddr], admin: SocketAddr) -> String {
    let mut text = format!("gatepass {} ({})\n", env!("CARGO_PKG_VERSION"), config.path.display());
    let scheme = if config.listen.tls.is_some() { "https" } else { "http" };
    for address in public {
        line(&mut text, "public", &format!("{scheme}://{address}"));
    }
    for address in &config.listen.public {
        if let ListenAddress::Unix(path) = address {
            line(&mut text, "public", &format!("unix:{}", path.display()));
        }
    }
    line(&mut text, "admin", &format!("http://{admin}"));
    line(&mut text, "control", &format!("unix:{}", config.listen.control.display()));
    for upstream in &config.upstreams {
        let servers: Vec<String> = upstream.servers.iter().map(ToString::to_string).collect();
        line(&mut text, "upstream", &format!("{} = {}", upstream.name, servers.join(", ")));
    }
    line(&mut text, "users", &config.users.store.place());
    let revocations = match &config.revocation.store {
        Store::Sqlite(path) => format!("sqlite:{}", path.display()),
        Store::Redis(_) => "redis".to_owned(),
    };
    line(&mut text, "revocation", &revocations);
    let open: Vec<&str> =
        config.routes.iter().filter(|r| r.access == Access::Public).map(|r| r.name.as_str()).collect();
    line(&mut text, "open to all", if open.is_empty() { "no route" } else { "" });
    for route in open {
        let _ = writeln!(text, "    {route}");
    }
    text
}

fn line(text: &mut String, label: &str, value: &str) {
    let _ = writeln!(text, "  {label:<12} {value}");
}
