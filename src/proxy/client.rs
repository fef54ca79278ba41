//! Who is the client, and over what did it come? The peer says so, and those proxies in front of us that we trust.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

/// The client as the gateway believes in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client {
    /// Its address; nobody known behind a Unix socket without a trusted proxy.
    pub(super) address: Option<IpAddr>,
    /// Whether it speaks TLS with us or with a proxy we trust.
    pub(super) https: bool,
}

/// Resolves the client. `X-Forwarded-For` and `X-Forwarded-Proto` count only when the peer is a trusted proxy; the
/// former is read from right to left until the first address that is not one.
pub(super) fn resolve(peer: Option<IpAddr>, tls: bool, headers: &HeaderMap, trusted: &[IpNet]) -> Client {
    let direct = Client { address: peer, https: tls };
    let Some(peer) = peer else { return direct };
    if trusted.is_empty() || !is_trusted(peer, trusted) {
        return direct;
    }
    let mut address = peer;
    let hops = headers.get_all("x-forwarded-for").iter().rev();
    'lines: for line in hops {
        let Ok(line) = line.to_str() else { break };
        for hop in line.rsplit(',') {
            // What cannot be read was not written by a proxy of ours: what stands left of it is anybody's word.
            let Some(hop) = parse_hop(hop.trim()) else { break 'lines };
            address = hop;
            if !is_trusted(hop, trusted) {
                break 'lines;
            }
        }
    }
    let https = match headers.get_all("x-forwarded-proto").iter().next_back() {
        Some(proto) => proto.as_bytes().eq_ignore_ascii_case(b"https"),
        None => tls,
    };
    Client { address: Some(address), https }
}

/// An address as a header value; every address is one.
pub(super) fn address_value(address: IpAddr) -> Option<HeaderValue> {
    HeaderValue::from_str(&address.to_string()).ok()
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|net| net.contains(&address))
}

/// An address, with or without a port (`192.0.2.1:80`, `[2001:db8::1]:80`).
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = hop.parse::<IpAddr>().ok();
    bare.or_else(|| hop.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(peer: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        resolve(Some(peer.parse().unwrap()), false, &headers, &trusted).address.unwrap().to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(resolved("192.0.2.9", &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(resolved("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(resolved("10.0.0.1", &["203.0.113.5, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(resolved("10.0.0.1", &["203.0.113.5", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(resolved("10.0.0.1", &["203.0.113.5, garbage, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(resolved("10.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(resolved("10.0.0.1", &[]), "10.0.0.1");
    }
}
