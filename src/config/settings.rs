//! The whole configuration, typed.
use std::path::PathBuf;

use crate::identity::Scopes;
use crate::password::{NewHash, SchemeSet};
use crate::{accounts, answer, endpoint, proxy, revocation, route, throttle, token, upstream, users};

/// Everything a gateway is told by its file. Relative paths are already resolved against the file's folder.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it came from.
    pub path: PathBuf,
    /// `[listen]`.
    pub listen: proxy::ListenSettings,
    /// `[upstreams.*]`, in the order of the file.
    pub upstreams: Vec<upstream::Settings>,
    /// `[routing] default` and `upstream`: access and upstream index of a path that no route names.
    pub default_route: (route::Access, usize),
    /// `[routing] hosts`: the hosts that are served; none is all of them.
    pub hosts: Vec<route::Host>,
    /// `[[route]]`.
    pub routes: Vec<route::RouteSpec>,
    /// `[tokens]`.
    pub tokens: token::Settings,
    /// `[users]`.
    pub users: users::Settings,
    /// `account_check` and `on_down` of `[users]`.
    pub accounts: accounts::Settings,
    /// `[passwords]`.
    pub passwords: PasswordSettings,
    /// `[throttle]`.
    pub throttle: throttle::Settings,
    /// `[revocation]`.
    pub revocation: revocation::Settings,
    /// `[identity]`.
    pub identity: proxy::IdentitySettings,
    /// `[endpoints]`.
    pub endpoints: endpoint::Settings,
    /// `[cors]`.
    pub cors: proxy::CorsSettings,
    /// `[limits]`.
    pub limits: proxy::Limits,
    /// `[log]`.
    pub log: LogSettings,
    /// `[errors] body`.
    pub errors: answer::ErrorBody,
    /// `[[expect]]`.
    pub expect: Vec<Expect>,
}

/// `[passwords]`.
#[derive(Clone, Debug)]
pub struct PasswordSettings {
    /// `hash` and its costs: bcrypt of cost 12 by default.
    pub hash: NewHash,
    /// `verify`: the schemes of stored hashes that are verified.
    pub verify: SchemeSet,
    /// `deprecated`: the schemes whose hashes are replaced at a sign-in.
    pub deprecated: SchemeSet,
    /// `rehash`: whether hashes are replaced.
    pub rehash: bool,
    /// `truncate`: whether a password too long for bcrypt is cut off like its makers did.
    pub truncate: bool,
    /// `min_length`: the fewest characters of a new password.
    pub min_length: usize,
    /// `breached`: a file of passwords that nobody may choose.
    pub breached: Option<PathBuf>,
    /// `threads`: cores − 1, at least one, by default.
    pub threads: usize,
    /// `queue`: how many may wait.
    pub queue: usize,
}

/// `[log]`.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// `level` of the gateway's own log on stderr: `error`, `warn`, `info`, `debug`.
    pub level: String,
    /// `access`: whether one line a request goes to stdout.
    pub access: bool,
}

/// One `[[expect]]`.
#[derive(Clone, Debug)]
pub struct Expect {
    /// The method.
    pub method: http::Method,
    /// The path (with query, if any).
    pub target: String,
    /// `host`: the canonical host asked for, where routes depend on it.
    pub host: Option<route::Host>,
    /// Who asks.
    pub who: ExpectAs,
    /// The status expected of the gateway; 200 stands for "let through".
    pub then: u16,
    /// The line in the file.
    pub line: usize,
}

/// Who asks in an `[[expect]]`.
#[derive(Clone, Debug)]
pub enum ExpectAs {
    /// Nobody.
    Anonymous,
    /// Somebody with these scopes.
    Scopes(Scopes),
}
