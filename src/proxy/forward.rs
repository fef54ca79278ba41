//! What does the upstream get? The request without what is ours to say, and with what we say.
//!
//! Runs in the hook behind Pingora's own `Connection` handling, so that nothing a client nominates there can remove
//! what is set here.

use bytes::Bytes;
use hashbrown::HashSet;
use http::{HeaderName, HeaderValue, header};
use pingora::http::RequestHeader;

use super::IdentitySettings;
use crate::access::{Identity, Permit};
use crate::token::Verified;

// Names as text: the engine keeps a spelling for each header, and makes it from a text without a copy.
const FORWARDED_FOR: &str = "X-Forwarded-For";
const FORWARDED_PROTO: &str = "X-Forwarded-Proto";
const FORWARDED_HOST: &str = "X-Forwarded-Host";
/// The request's identifier, in every answer and towards the upstream.
pub(super) const REQUEST_ID: &str = "X-Request-Id";

/// Headers by which clients try to speak for a proxy, beside everything that begins with `x-forwarded-`.
const FORGED: [&str; 18] = [
    "cf-connecting-ip",
    "fastly-client-ip",
    "forwarded",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-envoy-original-path",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-real-ip",
    "x-request-id",
    "x-rewrite-url",
];

/// Writes what the upstream gets.
pub(super) struct Forward {
    /// Every name a client must not set, lower case.
    ours: HashSet<Box<str>>,
    identity: Vec<(Bytes, Box<str>)>,
    /// Whether the client's own `Authorization` goes upstream, where the route does not say.
    passes_authorization: bool,
}

/// What the upstream is told about one request, beside who sent it.
pub(super) struct Facts<'r> {
    /// The client's address.
    pub(super) address: Option<HeaderValue>,
    /// Whether the client speaks TLS with us or with a proxy we trust.
    pub(super) https: bool,
    pub(super) request_id: &'r str,
    /// The route's own word on `forward_authorization`.
    pub(super) forward_authorization: Option<bool>,
    /// `host_header` of the upstream.
    pub(super) host: Option<&'r HeaderValue>,
}

impl Forward {
    pub(super) fn new(settings: &IdentitySettings) -> Self {
        let named = settings.headers.iter();
        let ours = FORGED.into_iter().chain(named.clone().map(|(name, _)| name.as_str())).map(Into::into);
        let identity =
            named.map(|(name, claim)| (Bytes::copy_from_slice(name.as_ref()), claim.as_str().into()));
        Self {
            ours: ours.collect(),
            identity: identity.collect(),
            passes_authorization: settings.forward_authorization,
        }
    }

    /// Turns the client's request into ours. Without a permit there is nothing to forward.
    pub(super) fn apply(
        &self,
        permit: &Permit,
        facts: Facts<'_>,
        request: &mut RequestHeader,
    ) -> pingora::Result<()> {
        self.strip(request);
        if !self.passes_authorization(&facts) {
            request.remove_header(&header::AUTHORIZATION);
        }
        if let Identity::Known(token) = permit.identity() {
            self.identify(token, request)?;
        }
        if let Some(host) = request.headers.get(header::HOST).cloned() {
            request.insert_header(FORWARDED_HOST, host)?;
        }
        if let Some(host) = facts.host {
            request.insert_header(header::HOST, host.clone())?;
        }
        if let Some(address) = facts.address {
            request.insert_header(FORWARDED_FOR, address)?;
        }
        request.insert_header(FORWARDED_PROTO, HeaderValue::from_static(proto(facts.https)))?;
        request.insert_header(REQUEST_ID, facts.request_id)
    }

    /// Whether the client's own `Authorization` goes upstream.
    pub(super) fn passes_authorization(&self, facts: &Facts<'_>) -> bool {
        facts.forward_authorization.unwrap_or(self.passes_authorization)
    }

    /// Writes the lines that are ours, for a request that goes past the engine; `host` is the client's `Host`. The same as
    /// [`Self::apply`] sets, but for the client's own lines.
    pub(super) fn write_ours(
        &self,
        head: &mut Vec<u8>,
        permit: &Permit,
        facts: &Facts<'_>,
        host: Option<&HeaderValue>,
    ) {
        let mut line = |name: &[u8], value: &[u8]| {
            head.extend_from_slice(name);
            head.extend_from_slice(b": ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        };
        if let Identity::Known(token) = permit.identity() {
            for (name, claim) in &self.identity {
                if let Some(value) = token.header(claim) {
                    line(name, value.as_bytes());
                }
            }
        }
        if let Some(host) = host {
            line(FORWARDED_HOST.as_bytes(), host.as_bytes());
        }
        if let Some(host) = facts.host {
            line(b"Host", host.as_bytes());
        }
        if let Some(address) = &facts.address {
            line(FORWARDED_FOR.as_bytes(), address.as_bytes());
        }
        line(FORWARDED_PROTO.as_bytes(), proto(facts.https).as_bytes());
        line(REQUEST_ID.as_bytes(), facts.request_id.as_bytes());
    }

    /// Removes what a client must not say, in all its spellings: a name with anything but letters, digits and `-` is
    /// one that some backend folds to another (nginx drops those too), and is removed whatever it is.
    fn strip(&self, request: &mut RequestHeader) {
        let forged: Vec<HeaderName> =
            request.headers.keys().filter(|name| self.is_ours(name.as_str())).cloned().collect();
        for name in forged {
            request.remove_header(&name);
        }
    }

    /// Whether no client may set this header; its name is in lower case.
    pub(super) fn is_ours(&self, name: &str) -> bool {
        name.bytes().fold(false, |odd, b| odd | !(b.is_ascii_alphanumeric() || b == b'-'))
            || name.starts_with("x-forwarded-")
            || self.ours.contains(name)
    }

    fn identify(&self, token: &Verified, request: &mut RequestHeader) -> pingora::Result<()> {
        for (name, claim) in &self.identity {
            if let Some(value) = token.header(claim) {
                request.insert_header(name.clone(), value.clone())?;
            }
        }
        Ok(())
    }
}

const fn proto(https: bool) -> &'static str {
    if https { "https" } else { "http" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward() -> Forward {
        Forward::new(&IdentitySettings {
            headers: vec![(HeaderName::from_static("x-auth-user"), "preferred_username".to_owned())],
            forward_authorization: false,
        })
    }

    #[test]
    fn forged_headers_go_in_every_spelling() {
        let forward = forward();
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        let forged = [
            "X-Auth-User",
            "x_auth_user",
            "X-Auth_User",
            "x.auth.user",
            "X-Forwarded-For",
            "X_Forwarded_For",
            "X-Forwarded-Anything",
            "Forwarded",
            "X-Real-IP",
            "X-Original-URL",
            "X-HTTP-Method-Override",
            "Transfer_Encoding",
            "Content_Length",
            "X-Request-Id",
        ];
        for name in forged {
            request.append_header(name, "admin").unwrap();
        }
        request.append_header("X-Harmless", "kept").unwrap();
        forward.strip(&mut request);
        let left: Vec<&str> = request.headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["x-harmless"]);
    }
}
