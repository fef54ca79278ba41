//! The gateway that is measured: a process of its own, so that its memory is only its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use gatepass::clock::UnixTime;
use gatepass::identity::{Claims, LoginName, Scopes, UserId};
use gatepass::password::PasswordHash;
use gatepass::users::{SqliteUsers, User, UserStore as _};

use super::load::{CLIENTS, Client, PASSWORD, login};

/// Threads that hash.
pub(crate) const THREADS: f64 = 1.0;

/// A running gateway; killed when dropped.
pub(crate) struct Gateway {
    process: Child,
    pub(crate) public: SocketAddr,
    admin: SocketAddr,
}

impl Gateway {
    pub(crate) fn start(folder: &Path, cost: u32) -> Self {
        let file = folder.join("gateway.toml");
        std::fs::write(folder.join("gatepass.secret"), "0123456789abcdef0123456789abcdef-bench")
            .expect("a file");
        std::fs::write(&file, configuration(upstream(), cost)).expect("a file");
        people(folder, cost);
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .arg("serve")
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let mut lines = BufReader::new(process.stdout.take().expect("stdout is piped")).lines();
        let mut address = || lines.next().expect("a line").expect("a line").parse().expect("an address");
        let (public, admin) = (address(), address());
        Self { process, public, admin }
    }

    /// A token of the first user's.
    pub(crate) fn sign_in(&self) -> String {
        let (status, body) = Client::connect(self.public).sign_in(0);
        assert_eq!(status, 200, "{body}");
        let (_, rest) = body.split_once("\"access_token\":\"").expect("a token");
        rest.split('"').next().expect("its end").to_owned()
    }

    /// How many seconds one hash takes while nothing else happens: the least of a few.
    pub(crate) fn one_hash(&self) -> f64 {
        let spent = || self.metric("gatepass_password_hash_seconds_sum ");
        let one = |_| {
            let before = spent();
            assert_eq!(Client::connect(self.public).sign_in(0).0, 200);
            spent() - before
        };
        (0..9).map(one).fold(f64::INFINITY, f64::min)
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the line");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    fn metric(&self, name: &str) -> f64 {
        let (_, text) = Client::connect(self.admin).get("/metrics", "");
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("the metric");
        line.trim().parse().expect("a number")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration(upstream: SocketAddr, cost: u32) -> String {
    format!(
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
        [passwords]
        cost = {cost}
        threads = {THREADS}
        [limits]
        # One client asks all its requests on one connection.
        requests_per_connection = 4_294_967_295
        connections_per_address = 8192
        [log]
        access = false
        level = "error"
        "#
    )
}

/// Everybody who signs in, with one password.
fn people(folder: &Path, cost: u32) {
    let store = SqliteUsers::open(&folder.join("gatepass.db")).expect("a store");
    let hash = bcrypt::hash(PASSWORD, cost).expect("a cost there is");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for number in 0..CLIENTS {
        let user = User {
            id: UserId::new(),
            login: LoginName::parse(&login(number)).expect("a login"),
            email: None,
            password: PasswordHash::from_store(hash.clone()),
            scopes: Scopes::default(),
            disabled: false,
            claims: Claims::default(),
            created: Some(UnixTime::from_secs(1)),
        };
        runtime.block_on(store.create(user)).expect("the store takes it");
    }
}

/// Something that answers every request with two bytes.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
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

/// Serves what a configuration file says until nobody holds its stdin.
pub(crate) fn serve(file: &str) {
    let loaded = gatepass::config::load(Path::new(file)).unwrap_or_else(|report| panic!("{}", report.text));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let gateway =
        runtime.block_on(gatepass::server::Gateway::start(loaded.config)).expect("the gateway starts");
    println!("{}\n{}", gateway.public()[0], gateway.admin());
    let mut held = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut held);
}
