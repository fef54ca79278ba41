//! Which rule does this request fall under? The canonical path, the patterns, and the table that finds the route.
//!
//! Synchronous, without a socket: fuzzed and benchmarked as it stands.

mod canonical;
mod method;
mod pattern;
mod table;

pub use canonical::{BadTarget, Host, Target};
pub use method::{SERVED, is_served};
pub use pattern::{BadPattern, Pattern};
pub use table::{Found, Route, RouteProblem, RouteTable};

use std::time::Duration;

use http::Method;

use crate::identity::Scopes;
use crate::revocation::OnStale;

/// What is said of [`Found::LikeAnother`].
pub const LIKE_ANOTHER: &str = "but for upper and lower case it is under another route, which asks for more";

/// What a route asks of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing; a token is neither read nor believed.
    Public,
    /// A good token.
    Authenticated,
    /// Identity if there is a good token, 401 if there is a bad one.
    Optional,
    /// Nobody: 403.
    Denied,
}

impl Access {
    /// The word of the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Authenticated => "authenticated",
            Self::Optional => "optional",
            Self::Denied => "deny",
        }
    }
}

/// The scopes a route needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ScopeRule {
    /// None.
    #[default]
    None,
    /// Every one of them (`scopes`).
    All(Scopes),
    /// At least one of them (`any_scope`).
    Any(Scopes),
}

/// What a route says of answers that have no foreseeable end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamRules {
    /// `websocket`: whether a WebSocket handshake (RFC 6455 §4.1) goes upstream as one.
    pub websocket: bool,
    /// `token_query`: the query parameter in which a handshake may bring its token.
    pub token_query: Option<Box<str>>,
    /// `idle_timeout`: how long an open WebSocket or event stream may be silent.
    pub idle_timeout: Option<Duration>,
}

/// One `[[route]]`, typed.
#[derive(Clone, Debug)]
pub struct RouteSpec {
    /// The name in logs and metrics: `name`, or the pattern with its methods.
    pub name: String,
    /// `path`.
    pub pattern: Pattern,
    /// `host`: the canonical host (lower case, no port, no final dot) it is confined to.
    pub host: Option<Host>,
    /// `methods`, of those that are served; `None` is all of these.
    pub methods: Option<Vec<Method>>,
    /// `access`.
    pub access: Access,
    /// `scopes` or `any_scope`.
    pub scopes: ScopeRule,
    /// `upstream`: an index into the configured upstreams.
    pub upstream: usize,
    /// `timeout`: to the first byte of the upstream's answer.
    pub timeout: Option<Duration>,
    /// `body_limit`, in bytes.
    pub body_limit: Option<u64>,
    /// `forward_authorization`.
    pub forward_authorization: Option<bool>,
    /// `on_stale`.
    pub on_stale: Option<OnStale>,
    /// `websocket`, `token_query` and `idle_timeout`.
    pub streams: StreamRules,
    /// The line in the configuration file, for `explain` and diagnostics.
    pub line: usize,
}
