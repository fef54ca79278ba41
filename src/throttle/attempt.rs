//! Who tries to sign in, and from where, as far as it is counted?
//!
//! Only digests: people type passwords where the login belongs. All spellings of a login are one account, as they are
//! for the look-up, and one that nobody can have is an account like any other. An IPv6 client has a whole /64 to
//! choose addresses from, so that is one source; IPv4 written as IPv6 is IPv4.

use std::net::{IpAddr, Ipv6Addr};

use crate::identity::{Digest, LoginName};

/// One attempt to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub(super) account: Digest,
    pub(super) source: Digest,
    /// The account from the source.
    pub(super) pair: Digest,
    /// Whether the client has an address. Behind a Unix socket nobody has: what comes from there is one source, which
    /// has no counter of its own, for it would shut everybody out at once.
    pub(super) addressed: bool,
}

impl Attempt {
    pub(super) fn new(issuer: &str, login: &str, client: Option<IpAddr>) -> Self {
        let account = Digest::of_account(issuer, &LoginName::canonical(login));
        let source = Digest::of_source(issuer, &client.map_or_else(|| "unix".to_owned(), network));
        let pair = Digest::of_account_at(account, source);
        Self { account, source, pair, addressed: client.is_some() }
    }

    /// What has one counter alone.
    pub(super) const fn counted_as(digest: Digest) -> Self {
        Self { account: digest, source: digest, pair: digest, addressed: false }
    }
}

/// The one source that a client's address belongs to.
pub(super) fn network(client: IpAddr) -> String {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(client: &str) -> Attempt {
        Attempt::new("https://gw.test", "ada", Some(client.parse().unwrap()))
    }

    #[test]
    fn a_client_is_one_source_however_it_comes() {
        assert_eq!(from("192.0.2.1"), from("::ffff:192.0.2.1"));
        assert_ne!(from("192.0.2.1"), from("192.0.2.2"));
        assert_eq!(from("2001:db8:0:1::1"), from("2001:db8:0:1:ffff::2"));
        assert_ne!(from("2001:db8:0:1::1"), from("2001:db8:0:2::1"));
        assert_eq!(network("2001:db8::1:2".parse().unwrap()), "2001:db8::/64");
    }

    #[test]
    fn an_account_is_one_however_it_is_spelled() {
        let account = |login: &str| Attempt::new("https://gw.test", login, None).account;
        assert_eq!(account(" Ada@Example.ORG"), account("ada@example.org"));
        assert_ne!(account("ada"), account("bob"));
        let long = "x".repeat(5000);
        assert_ne!(account(&long), account(&format!("{long}y")), "what nobody can be called is counted too");
        assert_ne!(account("ada"), Attempt::new("https://other.test", "ada", None).account);
    }
}
