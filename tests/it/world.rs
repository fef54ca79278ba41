//! A test's own world: a gateway in process on free ports, an upstream that records the exact bytes it is sent, and
//! the people who come.

pub(crate) mod binary;
pub(crate) mod chaos;
pub(crate) mod frames;
#[cfg(feature = "mongodb")]
pub(crate) mod mongodb;
pub(crate) mod people;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
pub(crate) mod raw;
pub(crate) mod recorder;
pub(crate) mod redis;
pub(crate) mod said;
pub(crate) mod tls;
pub(crate) mod tokens;

use std::net::SocketAddr;
use std::path::Path;

use gatepass::clock::Clock;
use gatepass::config::Config;
use gatepass::server::Gateway;

use people::Stranger;
use recorder::Recorder;
use tokens::Mint;

/// The gateway of one test, and everything around it.
pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) recorder: Recorder,
    pub(crate) gateway: Gateway,
    pub(crate) mint: Mint,
}

/// What most tests run under: `/`, `/public/**` and `/healthz` are open, everything else is protected.
pub(crate) const ROUTES: &str = r#"
[[route]]
path = "/"
access = "public"

[[route]]
path = "/public/**"
access = "public"

[[route]]
path = "/healthz"
access = "public"

[[route]]
path = "/maybe/**"
access = "optional"

[[route]]
path = "/api/admin"
scopes = ["admin"]

[[route]]
path = "/event/**"
methods = ["POST", "PUT", "DELETE"]
scopes = ["event:write"]

[[route]]
path = "/event/**"
methods = ["GET"]
"#;

/// A configuration file's text: everything but the routes is fixed, `more` is added at the end.
pub(crate) fn config_text(upstream: SocketAddr, more: &str) -> String {
    format!(
        r#"
[listen]
public = ["127.0.0.1:0"]
admin = "127.0.0.1:0"
control = "unix:gatepass.control"

[upstreams.planner]
servers = ["{upstream}"]

[tokens]
issuer = "https://gw.test"
audience = "planner"
lifetime = "30m"
max_lifetime = "24h"
secret = {{ file = "gatepass.secret" }}

[users]
store = "sqlite:gatepass.db"

[passwords]
cost = 10

[revocation]
store = "sqlite:gatepass.db"

[identity]
headers = {{ "X-Auth-User" = "sub", "X-Auth-Scopes" = "scope", "X-Auth-Email" = "email" }}

[endpoints]
token = ["/token", "/user/signin"]
signup = "/user/signup"
signup_scopes = ["event:read", "event:write"]

[log]
access = false
{more}
"#
    )
}

/// The secret of every world.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef-test-only";

/// Writes a configuration and its secret into `dir` and loads it as the gateway does.
pub(crate) fn load(dir: &Path, text: &str) -> Config {
    said::secret("key", SECRET);
    let secret = dir.join("gatepass.secret");
    std::fs::write(&secret, SECRET).expect("the secret can be written");
    let file = dir.join("gateway.toml");
    std::fs::write(&file, text).expect("the configuration can be written");
    match gatepass::config::load(&file) {
        Ok(loaded) => loaded.config,
        Err(report) => panic!("{}", report.text),
    }
}

impl World {
    /// A world with the usual routes.
    pub(crate) async fn new() -> Self {
        Self::with(ROUTES).await
    }

    /// A world with these routes and sections.
    pub(crate) async fn with(more: &str) -> Self {
        Self::around(Recorder::start().await, more).await
    }

    /// A world around this upstream.
    pub(crate) async fn around(recorder: Recorder, more: &str) -> Self {
        let text = config_text(recorder.address(), more);
        Self::configured(recorder, &text).await
    }

    /// A world with this configuration.
    pub(crate) async fn configured(recorder: Recorder, text: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        said::listen();
        let mut config = load(dir.path(), text);
        config.log.access = true;
        let mint = Mint::new(&config.tokens);
        let gateway = Gateway::start_with(config, Clock::system(), said::Ear("access")).await;
        let gateway = gateway.expect("the gateway starts");
        Self { dir, recorder, gateway, mint }
    }

    /// Where the gateway listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.gateway.public()[0]
    }

    /// Somebody without a token.
    pub(crate) fn stranger(&self) -> Stranger {
        Stranger::at(self.address())
    }

    /// Somebody with a fresh token of ours that holds these scopes.
    pub(crate) fn signed_in(&self, scopes: &str) -> Stranger {
        self.stranger().bearing(&self.mint.token("alice", scopes))
    }
}
