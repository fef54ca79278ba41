//! The gateway that is measured: a process of its own, so that its memory is only its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use gatepass::clock::UnixTime;
use gatepass::identity::{Claims, LoginName, Scopes, UserId};
use gatepass::password::PasswordHash;
use gatepass::users::{SqliteUsers, User, UserStore as _};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::load::{CLIENTS, Client, PASSWORD, login};

/// Threads that hash.
pub(crate) const THREADS: f64 = 1.0;

/// A running gateway; killed when dropped.
pub(crate) struct Gateway {
    process: Child,
    pub(crate) public: SocketAddr,
}

impl Gateway {
    /// One on all cores, or on that one alone.
    pub(crate) fn start(folder: &Path, cost: u32, core: Option<usize>) -> Self {
        let file = folder.join("gateway.toml");
        std::fs::write(folder.join("gatepass.secret"), "0123456789abcdef0123456789abcdef-bench")
            .expect("a file");
        std::fs::write(&file, configuration(upstream(), cost)).expect("a file");
        people(folder, cost);
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .arg("serve")
            .arg(file)
            .args(core.map(|core| core.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let mut lines = BufReader::new(process.stdout.take().expect("stdout is piped")).lines();
        let public = lines.next().expect("a line").expect("a line").parse().expect("an address");
        Self { process, public }
    }

    /// A token of the first user's.
    pub(crate) fn sign_in(&self) -> String {
        let (status, body) = Client::connect(self.public).sign_in(0);
        assert_eq!(status, 200, "{body}");
        let (_, rest) = body.split_once("\"access_token\":\"").expect("a token");
        rest.split('"').next().expect("its end").to_owned()
    }

    /// How many seconds one hash takes on a core of its own: the least of a few.
    pub(crate) fn one_hash(&self) -> f64 {
        let one = |_| {
            let before = self.hashed();
            assert_eq!(Client::connect(self.public).sign_in(0).0, 200);
            self.hashed() - before
        };
        (0..9).map(one).fold(f64::INFINITY, f64::min)
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the line");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// How many seconds the hash threads have had a core so far.
    pub(crate) fn hashed(&self) -> f64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("Linux");
        let read = |task: &std::fs::DirEntry, file| std::fs::read_to_string(task.path().join(file)).ok();
        let hashing = tasks
            .flatten()
            .filter(|task| read(task, "comm").is_some_and(|name| name.starts_with("gatepass-hash")));
        let nanos = hashing.map(|task| {
            let stat = read(&task, "schedstat").expect("it runs as long as the gateway");
            stat.split(' ').next().and_then(|text| text.parse::<f64>().ok()).expect("a number")
        });
        nanos.sum::<f64>() / 1e9
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

/// Serves what a configuration file says until nobody holds its stdin, on one core if one is named.
pub(crate) fn serve(file: &str, core: Option<&str>) {
    if let Some(core) = core {
        run_on(&[core.parse().expect("a core's number")]);
    }
    let loaded = gatepass::config::load(Path::new(file)).unwrap_or_else(|report| panic!("{}", report.text));
    let threads = std::thread::available_parallelism().expect("Linux").get();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let gateway =
        runtime.block_on(gatepass::server::Gateway::start(loaded.config)).expect("the gateway starts");
    println!("{}", gateway.public()[0]);
    let mut held = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut held);
}

/// The cores this program may use.
pub(crate) fn cores() -> Vec<usize> {
    let set = sched_getaffinity(None).expect("Linux");
    (0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect()
}

/// From now on this thread, and what it starts, runs on these cores only.
pub(crate) fn run_on(cores: &[usize]) {
    let mut set = CpuSet::new();
    for &core in cores {
        set.set(core);
    }
    sched_setaffinity(None, &set).expect("they are cores of this machine");
}
