//! From the moment one gateway has said "revoked" to the moment three others refuse the token, over their public
//! listeners.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gatepass::clock::{self, Clock};
use gatepass::config::Config;
use gatepass::identity::{Claims, LoginId, Scopes, Subject};
use gatepass::server::Gateway;
use gatepass::token::{Grant, Issuer, KeyRing};

use super::server::Server;

const REVOCATIONS: usize = 1_000;
const GATEWAYS: usize = 4;

/// Measures, and prints a table.
pub(crate) fn run() {
    let redis = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let upstream = upstream();
    let configs: Vec<Config> =
        (0..GATEWAYS).map(|n| config(&folder.path().join(n.to_string()), upstream, &redis.url())).collect();
    let issuer = Issuer::new(&configs[0].tokens, Arc::new(KeyRing::new(&configs[0].tokens)), Clock::system());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let mut gateways = Vec::new();
    for config in configs {
        gateways.push(runtime.block_on(Gateway::start(config)).expect("the gateway starts"));
    }
    let addresses: Vec<SocketAddr> = gateways.iter().map(|gateway| gateway.public()[0]).collect();
    let mut seen: Vec<Duration> = (0..REVOCATIONS).map(|_| measure(&addresses, &token(&issuer))).collect();
    seen.sort();
    let at = |percent: usize| format!("{:.2} ms", seen[(seen.len() - 1) * percent / 100].as_secs_f64() * 1e3);
    println!("\n| revocations | gateways | p50 | p90 | p99 | worst |");
    println!("|---|---|---|---|---|---|");
    println!("| {REVOCATIONS} | {GATEWAYS} | {} | {} | {} | {} |", at(50), at(90), at(99), at(100));
    for gateway in gateways {
        runtime.block_on(gateway.shutdown());
    }
}

/// How long the last of the other gateways went on accepting `token` after the first had revoked it.
fn measure(addresses: &[SocketAddr], token: &str) -> Duration {
    let mut first = Client::connect(addresses[0]);
    let others: Vec<SocketAddr> = addresses[1..].to_vec();
    let ready = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let watching: Vec<_> = others
            .iter()
            .map(|address| {
                let ready = &ready;
                scope.spawn(move || {
                    let mut client = Client::connect(*address);
                    assert_eq!(client.get(token), 200, "good before");
                    ready.fetch_add(1, Ordering::SeqCst);
                    while client.get(token) == 200 {}
                    clock::instant()
                })
            })
            .collect();
        while ready.load(Ordering::SeqCst) < others.len() {
            std::thread::yield_now();
        }
        assert_eq!(first.revoke(token), 200, "the store took it");
        let revoked = clock::instant();
        let last: Option<Instant> =
            watching.into_iter().map(|client| client.join().expect("it watches")).max();
        last.expect("there are others").saturating_duration_since(revoked)
    })
}

/// A kept-alive connection.
pub(crate) struct Client(TcpStream);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the gateway listens");
        stream.set_nodelay(true).expect("a TCP socket");
        Self(stream)
    }

    pub(crate) fn get(&mut self, token: &str) -> u16 {
        self.ask(&format!("GET /api HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {token}\r\n\r\n"))
    }

    fn revoke(&mut self, token: &str) -> u16 {
        let form = format!("token={token}");
        self.ask(&format!(
            "POST /auth/revoke HTTP/1.1\r\nHost: b\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ))
    }

    /// The status of the answer, its body read; 0 where the connection was closed without one, as it is on a request
    /// under way when its token is revoked.
    fn ask(&mut self, request: &str) -> u16 {
        self.0.write_all(request.as_bytes()).expect("the gateway reads");
        let mut answer = Vec::new();
        let mut part = [0; 4096];
        loop {
            let read = self.0.read(&mut part).unwrap_or(0);
            if read == 0 {
                return 0;
            }
            answer.extend_from_slice(&part[..read]);
            let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.trim().parse().expect("a length"));
            if answer.len() >= end + 4 + length {
                return head[9..12].parse().expect("a status");
            }
        }
    }
}

pub(crate) fn token(issuer: &Issuer) -> String {
    let grant = Grant {
        subject: Subject::parse("ada").expect("a subject"),
        preferred_username: None,
        email: None,
        scopes: Scopes::default(),
        login: Some((LoginId::new(), 1)),
        client_id: "bench".into(),
        lifetime: None,
        claims: Claims::default(),
    };
    issuer.issue(grant).token
}

pub(crate) fn config(folder: &Path, upstream: SocketAddr, redis: &str) -> Config {
    std::fs::create_dir(folder).expect("a folder");
    std::fs::write(folder.join("gatepass.secret"), "0123456789abcdef0123456789abcdef-bench").expect("a file");
    let text = format!(
        r#"
        [listen]
        public = ["127.0.0.1:0"]
        admin = "127.0.0.1:0"
        [upstreams.app]
        servers = ["{upstream}"]
        [tokens]
        issuer = "https://bench.example"
        audience = "bench"
        secret = {{ file = "gatepass.secret" }}
        [revocation]
        store = "{redis}"
        [log]
        access = false
        level = "error"
        "#
    );
    let file = folder.join("gateway.toml");
    std::fs::write(&file, text).expect("a file");
    gatepass::config::load(&file).unwrap_or_else(|report| panic!("{}", report.text)).config
}

/// Something that answers every request with two bytes.
pub(crate) fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                while stream.read(&mut request).is_ok_and(|read| read > 0) {
                    if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}
