//! What does the URL of a Redis say?
//!
//! ```text
//! redis://[user[:password]@]host[:port][/database]
//! redis+sentinel://[user[:password]@]sentinel[:port],…/master-name[/database][?sentinel_password=…]
//! redis+cluster://[user[:password]@]node[:port],…
//! ```
//!
//! With `rediss` for TLS everywhere. User and password are those of the Redis servers; a `%` in them introduces two
//! hexadecimal digits.

use std::net::Ipv6Addr;

use crate::secret::Secret;

const REDIS: u16 = 6379;
const SENTINEL: u16 = 26379;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Who says where the primary is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Guide {
    /// It is the one host named.
    Fixed,
    /// The sentinels, of the master of this name.
    Sentinel(String),
    /// The nodes of a cluster.
    Cluster,
}

/// What the URL says.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(super) guide: Guide,
    pub(super) tls: bool,
    /// The server, the sentinels, or some nodes of the cluster.
    pub(super) hosts: Vec<Node>,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) sentinel_password: Option<Secret>,
    pub(super) database: u16,
}

impl Address {
    /// Reads a URL; the error says what is wrong with it, without repeating any of it.
    pub(crate) fn parse(url: &Secret) -> Result<Self, &'static str> {
        let url = std::str::from_utf8(url.expose()).map_err(|_| "it is not text")?;
        let (scheme, rest) = url.split_once("://").ok_or("it does not begin with redis://")?;
        let (tls, guide) = match scheme {
            "redis" => (false, Guide::Fixed),
            "rediss" => (true, Guide::Fixed),
            "redis+sentinel" => (false, Guide::Sentinel(String::new())),
            "rediss+sentinel" => (true, Guide::Sentinel(String::new())),
            "redis+cluster" => (false, Guide::Cluster),
            "rediss+cluster" => (true, Guide::Cluster),
            _ => return Err("no such scheme: redis, rediss, redis+sentinel, redis+cluster"),
        };
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, rest),
        };
        let (user, password) = credentials.map_or(Ok((None, None)), sign_in)?;
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let port = if matches!(guide, Guide::Sentinel(_)) { SENTINEL } else { REDIS };
        let hosts = hosts.split(',').map(|host| node(host, port)).collect::<Result<Vec<_>, _>>()?;
        let (guide, database) = match guide {
            Guide::Sentinel(_) => {
                let (master, database) = path.split_once('/').unwrap_or((path, ""));
                if master.is_empty() || !master.bytes().all(|b| b.is_ascii_graphic() && b != b'%') {
                    return Err("the master's name is missing behind the sentinels: /mymaster");
                }
                (Guide::Sentinel(master.to_owned()), database)
            }
            Guide::Cluster if !path.is_empty() => return Err("a cluster has no numbered databases"),
            Guide::Fixed if hosts.len() > 1 => {
                return Err("several hosts are for redis+sentinel:// and redis+cluster://");
            }
            Guide::Fixed | Guide::Cluster => (guide, path),
        };
        let database = match database {
            "" => 0,
            number => number.parse().map_err(|_| "the database is not a number")?,
        };
        let sentinel_password = match (query, &guide) {
            (None, _) => None,
            (Some(query), Guide::Sentinel(_)) => {
                let word = query.strip_prefix("sentinel_password=").filter(|word| !word.is_empty());
                Some(Secret::from(plain(word.ok_or("behind `?` only sentinel_password=… is known")?)?))
            }
            (Some(_), _) => return Err("nothing may follow behind `?`"),
        };
        Ok(Self { guide, tls, hosts, user, password, sentinel_password, database })
    }

    /// Whether the primary may become another.
    pub(crate) fn roves(&self) -> bool {
        self.guide != Guide::Fixed
    }

    /// Whether it is reached by TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.tls
    }
}

/// `user:password`, `:password`; a user alone would sign nobody in.
fn sign_in(text: &str) -> Result<(Option<String>, Option<Secret>), &'static str> {
    let (user, password) = text.split_once(':').ok_or("the user has no password")?;
    if password.is_empty() {
        return Err("the password is empty");
    }
    let user = (!user.is_empty()).then(|| plain(user)).transpose()?;
    Ok((user, Some(Secret::from(plain(password)?))))
}

fn node(text: &str, port: u16) -> Result<Node, &'static str> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, number)) if !number.ends_with(']') => {
            let number = number.parse().ok().filter(|number| *number > 0);
            (host, number.ok_or("the port is not a number from 1 to 65535")?)
        }
        _ => (text, port),
    };
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        let good = address.parse::<Ipv6Addr>().is_ok();
        return good.then(|| Node { host: address.to_owned(), port }).ok_or("not an IPv6 address");
    }
    if host.is_empty() {
        return Err("the host is missing");
    }
    if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        return Err("the host is not a name or an address");
    }
    Ok(Node { host: host.to_owned(), port })
}

/// The text with its `%xx` replaced by what they stand for.
fn plain(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "a `%` is not followed by two hexadecimal digits (itself it is %25)";
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        bytes.push(u8::from_str_radix(digits.ok_or(WRONG)?, 16).map_err(|_| WRONG)?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).map_err(|_| WRONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, &'static str> {
        Address::parse(&Secret::from(url))
    }

    fn hosts(url: &str) -> Vec<String> {
        parse(url).unwrap().hosts.iter().map(|node| format!("{} {}", node.host, node.port)).collect()
    }

    #[test]
    fn one_server() {
        assert_eq!(hosts("redis://h"), ["h 6379"]);
        assert_eq!(hosts("rediss://[::1]:7"), ["::1 7"]);
        let full = parse("redis://ann:p%40ss%3a@10.0.0.1:1/3").unwrap();
        assert_eq!((full.user.as_deref(), full.database, full.tls), (Some("ann"), 3, false));
        assert_eq!(full.password.unwrap().expose(), b"p@ss:");
        assert!(parse("rediss://:p@h").unwrap().tls);
        assert!(!parse("rediss://:p@h").unwrap().roves());
    }

    #[test]
    fn sentinels_and_nodes() {
        let url = "redis+sentinel://u:p@s1,s2:5,[::1]/mymaster/2?sentinel_password=q%20";
        assert_eq!(hosts(url), ["s1 26379", "s2 5", "::1 26379"]);
        let behind = parse(url).unwrap();
        assert_eq!((behind.guide, behind.database), (Guide::Sentinel("mymaster".into()), 2));
        assert_eq!(behind.sentinel_password.unwrap().expose(), b"q ");
        assert_eq!(hosts("rediss+cluster://h1:7000,h2"), ["h1 7000", "h2 6379"]);
        assert_eq!(parse("redis+cluster://h").unwrap().guide, Guide::Cluster);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (url, why) in [
            ("redis:h", "begin"),
            ("http://h", "scheme"),
            ("redis://", "host is missing"),
            ("redis://h:0", "port"),
            ("redis://h:x", "port"),
            ("redis://h/db", "database"),
            ("redis://a b", "host is not"),
            ("redis://[::/0", "port"),
            ("redis://[::x]", "IPv6"),
            ("redis://h1,h2", "several"),
            ("redis://u@h", "no password"),
            ("redis://u:@h", "empty"),
            ("redis://u:%4@h", "%25"),
            ("redis://u:%zz@h", "%25"),
            ("redis://u:%é@h", "%25"),
            ("redis://h?x=y", "follow"),
            ("redis+cluster://h/0", "databases"),
            ("redis+sentinel://h", "name"),
            ("redis+sentinel://h/m?password=x", "sentinel_password"),
            ("redis+sentinel://h,/m", "host is missing"),
        ] {
            let found = parse(url).unwrap_err();
            assert!(found.contains(why), "{url}: {found}");
        }
    }
}
