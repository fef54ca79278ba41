//! `[upstreams.NAME]`: which servers stand behind a name?

use super::problem::Span;
use super::reading::Reading;
use super::section::{At, Section};
use crate::route::Host;
use crate::upstream::{ServerAddress, Settings};
use toml::de::DeValue;

const SERVERS: &str = "[\"127.0.0.1:8000\"]";

/// All upstreams, in the order of the file.
pub(super) struct Upstreams {
    found: Vec<Settings>,
}

impl Upstreams {
    /// The index of the one called `name`.
    pub(super) fn index(&self, name: &str) -> Option<usize> {
        self.found.iter().position(|upstream| upstream.name == name)
    }

    /// The names.
    pub(super) fn names(&self) -> Vec<&str> {
        self.found.iter().map(|upstream| upstream.name.as_str()).collect()
    }

    /// What the upstream room wants to know.
    pub(super) fn into_settings(self) -> Vec<Settings> {
        self.found
    }
}

/// Reads every `[upstreams.NAME]`.
pub(super) fn read(reading: &mut Reading, top: &mut Section<'_>) -> Upstreams {
    let all = top.section(reading, "upstreams", "upstreams.*");
    let mut found = Vec::new();
    let entries = all.entries();
    if entries.is_empty() {
        let help = format!("say where requests go:\n[upstreams.app]\nservers = {SERVERS}");
        reading.problems.missing(all.header.clone(), "there is no upstream", help);
    }
    for (name, value) in entries {
        let DeValue::Table(table) = value.get_ref() else {
            let example = format!("[upstreams.app] on a line of its own, servers = {SERVERS} below");
            reading.wrong_type(value, "an upstream", &example);
            continue;
        };
        if !name.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            || name.value.is_empty()
        {
            let help = "letters, digits, `-`, `_` and `.`: it becomes a label of metrics";
            reading.problems.error(name.span.clone(), "this is no name for an upstream", help);
        }
        let title = format!("[upstreams.{}]", name.value);
        let section = Section::new("upstreams.*", title, value.span(), table);
        found.push(upstream(reading, &name, section));
    }
    Upstreams { found }
}

/// One upstream. A server that cannot be read is reported and left out: routes may still name the upstream.
fn upstream(reading: &mut Reading, name: &At<&str>, mut section: Section<'_>) -> Settings {
    section.need("servers", SERVERS);
    let mut servers: Vec<(ServerAddress, Span)> = Vec::new();
    if let Some(list) = section.strings(reading, "servers", SERVERS) {
        if list.value.is_empty() {
            let help = format!("at least one: servers = {SERVERS}");
            reading.problems.error(list.span, "there is no server in it", help);
        }
        for text in list.value {
            match parse_server(text.value) {
                Ok(server) => add(reading, &mut servers, server, text.span),
                Err(help) => reading.problems.error(text.span, "this is not the address of a server", help),
            }
        }
    }
    let host_header = section.string(reading, "host_header", "\"app.example.org\"");
    if let Some(host) = &host_header
        && Host::parse(host.value.as_bytes()).is_err()
    {
        let help = "a host name, with a port if need be: host_header = \"app.example.org\"";
        reading.problems.error(host.span.clone(), "this cannot be sent as `Host`", help);
    }
    section.finish(reading);
    Settings {
        name: name.value.to_owned(),
        servers: servers.into_iter().map(|(server, _)| server).collect(),
        host_header: host_header.map(|host| host.value.to_owned()),
    }
}

fn add(reading: &mut Reading, servers: &mut Vec<(ServerAddress, Span)>, server: ServerAddress, span: Span) {
    let server = match server {
        ServerAddress::Unix(path) => ServerAddress::Unix(reading.resolve(&path.to_string_lossy())),
        other => other,
    };
    match servers.iter().find(|(other, _)| *other == server) {
        Some((_, first)) => reading.problems.collision(
            span,
            (first.clone(), "the first one"),
            "this server is listed twice",
            "remove one of the two",
        ),
        None => servers.push((server, span)),
    }
}

/// Reads the address of a server; the error says what to write instead.
pub(crate) fn parse_server(text: &str) -> Result<ServerAddress, &'static str> {
    const FORMS: &str = "\"host:port\", \"http://host:port\", \"https://host\" or \"unix:/path\"";
    if let Some(path) = text.strip_prefix("unix:") {
        if path.is_empty() || path.starts_with("//") {
            return Err("a path behind `unix:`: \"unix:/run/app.sock\"");
        }
        return Ok(ServerAddress::Unix(path.into()));
    }
    let (rest, default, tls) = match text.split_once("://") {
        Some(("https", rest)) => (rest, Some(443), true),
        Some(("http", rest)) => (rest, Some(80), false),
        Some(_) => return Err(FORMS),
        None => (text, None, false),
    };
    let rest = if default.is_some() { rest.strip_suffix('/').unwrap_or(rest) } else { rest };
    if rest.contains('/') {
        return Err("without a path: requests keep their own");
    }
    if rest.contains('@') {
        return Err("without a user and password");
    }
    let (host, port) = split_port(rest).ok_or(FORMS)?;
    let port = port.or(default).ok_or("with its port: \"127.0.0.1:8000\"")?;
    Ok(if tls { ServerAddress::Tls { host, port } } else { ServerAddress::Tcp { host, port } })
}

/// A host (brackets of IPv6 taken off) and its port, if it has one.
fn split_port(text: &str) -> Option<(String, Option<u16>)> {
    let port_of = |port: &str| match port.parse::<u16>() {
        Ok(number) if number > 0 && port.bytes().all(|b| b.is_ascii_digit()) => Some(number),
        _ => None,
    };
    if let Some(rest) = text.strip_prefix('[') {
        let (address, after) = rest.split_once(']')?;
        address.parse::<std::net::Ipv6Addr>().ok()?;
        let port = if after.is_empty() { None } else { Some(port_of(after.strip_prefix(':')?)?) };
        return Some((address.to_owned(), port));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port_of(port)?)),
        None => (text, None),
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let good =
        !host.is_empty() && host.len() <= 253 && host.bytes().all(plain) && !host.starts_with(['-', '.']);
    good.then(|| (host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> ServerAddress {
        ServerAddress::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn addresses_of_servers() {
        assert_eq!(parse_server("127.0.0.1:8000"), Ok(tcp("127.0.0.1", 8000)));
        assert_eq!(parse_server("http://App:8000/"), Ok(tcp("app", 8000)));
        assert_eq!(parse_server("http://app"), Ok(tcp("app", 80)));
        assert_eq!(parse_server("[::1]:8000"), Ok(tcp("::1", 8000)));
        assert_eq!(parse_server("https://app"), Ok(ServerAddress::Tls { host: "app".to_owned(), port: 443 }));
        assert_eq!(parse_server("unix:/run/a.sock"), Ok(ServerAddress::Unix("/run/a.sock".into())));
    }

    #[test]
    fn what_is_no_server() {
        for bad in [
            "",
            "app",
            ":8000",
            "app:0",
            "app:99999",
            "app:+80",
            "ftp://app:21",
            "http://app/api",
            "http://u:p@app:1",
            "::1:8000",
            "[::1",
            "[x]:1",
            "unix:",
            "unix://run/x",
            "a b:1",
            "-a:1",
            "a:1:2",
        ] {
            assert!(parse_server(bad).is_err(), "{bad}");
        }
    }
}
