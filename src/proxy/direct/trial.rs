//! What do tests of the straight way stand on? A policy with real stores behind it, without any socket.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, Method};
use pingora::server::ShutdownWatch;
use tokio::sync::watch;

use super::super::connection::{Connection, Seat};
use super::super::exchange::{Exchange, Record};
use super::super::policy::{Parts, Policy};
use super::super::{CorsSettings, IdentitySettings, Limits};
use crate::answer::ErrorBody;
use crate::clock::Clock;
use crate::endpoint::{self, Endpoints};
use crate::login::SignUpRules;
use crate::login::trial::Trial;
use crate::observe::{AccessLog, Metrics};
use crate::route::{Access, RouteTable};
use crate::upstream::{self, ServerAddress, Timeouts, Upstreams};

/// A policy, and what it is made of.
pub(super) struct Ground {
    pub(super) policy: Arc<Policy>,
    pub(super) trial: Trial,
    _shutdown: watch::Sender<bool>,
}

impl Ground {
    /// Everybody is let in, and known if there is a token; the upstream is told of `X-Auth-User`.
    pub(super) async fn new(forward_authorization: bool, host_header: Option<&str>) -> Self {
        let trial = Trial::start().await;
        let (shutdown, watch) = watch::channel(false);
        let metrics = Arc::new(Metrics::new(&["default".into()], &["planner".into()]));
        let (logins, gate) = (Arc::clone(&trial.logins), Arc::clone(&trial.gate));
        let endpoints = Endpoints::new(
            &endpoints(),
            logins,
            gate,
            ErrorBody::OAuth,
            "https://gate.example",
            Arc::clone(&metrics),
        );
        let policy = Policy::new(Parts {
            clock: Clock::system(),
            routes: RouteTable::build(Vec::new(), (Access::Optional, 0)).unwrap(),
            gate: Arc::clone(&trial.gate),
            endpoints: Arc::new(endpoints),
            upstreams: upstreams(host_header, &watch).await,
            metrics,
            log: AccessLog::silent(),
            identity: IdentitySettings {
                headers: vec![(HeaderName::from_static("x-auth-user"), "sub".to_owned())],
                forward_authorization,
            },
            cors: CorsSettings { origins: Vec::new() },
            limits: Limits::default(),
            errors: ErrorBody::OAuth,
            trusted_proxies: Vec::new(),
            sign_in: None,
        });
        Self { policy: Arc::new(policy), trial, _shutdown: shutdown }
    }

    /// An exchange of nobody, asked with `method`.
    pub(super) fn exchange(&self, method: &Method) -> Exchange {
        let connection = Connection::of_nobody();
        let mut record = Record::on(&connection);
        record.method = method.clone();
        Exchange::begin(Arc::clone(&self.policy), Seat::on(connection), record)
    }
}

/// A runtime, for what has to wait once.
pub(super) fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// The fields of a head, in lower case, in their order; the first line is not one.
pub(super) fn fields(head: &[u8]) -> Vec<(String, Bytes)> {
    let end = head.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 2;
    let lines = head[..end].split(|&byte| byte == b'\n').skip(1).filter(|line| !line.is_empty());
    let fields = lines.map(|line| {
        let line = line.strip_suffix(b"\r").expect("a line ends with CRLF");
        let colon = line.iter().position(|&byte| byte == b':').expect("a colon");
        let name = std::str::from_utf8(&line[..colon]).unwrap().to_ascii_lowercase();
        (name, Bytes::copy_from_slice(line[colon + 1..].trim_ascii()))
    });
    fields.collect()
}

async fn upstreams(host_header: Option<&str>, shutdown: &ShutdownWatch) -> Upstreams {
    let settings = upstream::Settings {
        name: "planner".to_owned(),
        servers: vec![ServerAddress::Unix("/nonexistent/planner.sock".into())],
        host_header: host_header.map(str::to_owned),
    };
    let second = Duration::from_secs(1);
    let timeouts = Timeouts { connect: second, read: second, write: second, idle: second };
    Upstreams::start(&[settings], timeouts, shutdown, |_| Arc::new(|_, _| {})).await
}

fn endpoints() -> endpoint::Settings {
    let none = Vec::new;
    endpoint::Settings {
        token: vec!["/token".to_owned()],
        signup: none(),
        password: none(),
        logout: none(),
        revoke: none(),
        userinfo: none(),
        sessions: none(),
        metadata: none(),
        token_type: "Bearer".to_owned(),
        sign_up: SignUpRules::default(),
        signin: none(),
        signout: none(),
        page: None,
    }
}
