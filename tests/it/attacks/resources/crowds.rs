//! Many connections, many requests, many bad ones.

use std::net::{Ipv4Addr, SocketAddr};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, TcpStream};

use super::resident;
use crate::world::binary::Binary;
use crate::world::raw::{PATIENCE, Raw};
use crate::world::recorder::Recorder;
use crate::world::tokens::Mint;
use crate::world::{ROUTES, World, config_text, load};

const GET: &str = "GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n";

/// A gateway in a process of its own, and what it says.
struct Apart {
    gateway: Binary,
    mint: Mint,
    recorder: Recorder,
    dir: tempfile::TempDir,
}

async fn apart(more: &str) -> Apart {
    let (dir, recorder) = (tempfile::tempdir().unwrap(), Recorder::start().await);
    let config = load(dir.path(), &config_text(recorder.address(), more));
    let log = std::fs::File::create(dir.path().join("log")).unwrap();
    let gateway = Binary::run(&dir.path().join("gateway.toml")).logging_to(log);
    Apart { gateway, mint: Mint::new(&config.tokens), recorder, dir }
}

impl Apart {
    fn lines(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap();
        log.lines().map(str::to_owned).collect()
    }
}

/// A connection from this address.
async fn from(client: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((client, 0).into()).unwrap();
    socket.connect(to).await.expect("the gateway accepts")
}

#[tokio::test(flavor = "multi_thread")]
async fn g11_a_crowd_that_says_nothing_leaves_room_for_others() {
    // Both ends are this process's files, and half the limit is for everything else.
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let crowd = usize::try_from(files / 4).unwrap().clamp(10, 5_000);
    let limits = format!("connections_per_address = {crowd}\nhead_time = \"1h\"");
    let world = World::with(&format!("{ROUTES}\n[limits]\n{limits}\n")).await;
    let mut open = Vec::with_capacity(crowd);
    while open.len() < crowd {
        open.push(TcpStream::connect(world.address()).await.unwrap());
    }
    // As many again are turned away.
    for _ in 0..crowd {
        assert!(Raw::connect(world.address()).await.is_closed().await);
    }
    let other = Ipv4Addr::new(127, 0, 0, 2);
    for _ in 0..20 {
        let answer = Raw::over(from(other, world.address()).await).ask(GET).await;
        assert_eq!(answer.expect("an answer").status, 200);
    }
    drop(open);
}

#[tokio::test(flavor = "multi_thread")]
async fn g11_out_of_files_the_gateway_waits_and_recovers() {
    let apart = apart(&format!("{ROUTES}\n[limits]\nhead_time = \"1h\"\n")).await;
    let id = apart.gateway.id();
    let open = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count() as u64;
    let before = getrlimit(Resource::Nofile);
    let lower = |files: Option<u64>| {
        let limit = Rlimit { current: files, maximum: before.maximum };
        prlimit(Pid::from_raw(i32::try_from(id).unwrap()), Resource::Nofile, limit).expect("our own child");
    };
    lower(Some(open + 4));
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(TcpStream::connect(apart.gateway.public()).await.expect("the system's queue takes it"));
    }
    let deadline = gatepass::clock::instant() + PATIENCE;
    while !apart.lines().iter().any(|line| line.contains("could not be accepted")) {
        assert!(gatepass::clock::instant() < deadline, "it says nothing");
        tokio::task::yield_now().await;
    }
    // It does not spin: in the time of a hundred looks it has had little of a processor.
    let used = || {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        let fields: Vec<u64> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|f| f.parse().unwrap())
            .collect();
        fields[0] + fields[1]
    };
    let (start, began) = (used(), gatepass::clock::instant());
    let mut look = crate::world::frames::slowly(std::time::Duration::from_millis(20));
    for _ in 0..50 {
        look.tick().await;
    }
    let ticks = u128::from(used() - start);
    let share = ticks * 10 * 100 / began.elapsed().as_millis();
    assert!(share < 50, "{share} % of a processor for waiting");
    drop(crowd);
    lower(before.current);
    assert_eq!(Raw::connect(apart.gateway.public()).await.ask(GET).await.expect("an answer").status, 200);
    let said = apart.lines().iter().filter(|line| line.contains("could not be accepted")).count() as u128;
    let most = 10 * (began.elapsed().as_secs() + 10);
    assert!(said <= u128::from(most), "{said} lines");
}

#[tokio::test(flavor = "multi_thread")]
async fn g14_bad_requests_do_not_fill_our_own_log() {
    const MANY: usize = 5_000;
    let apart = apart(&format!("{ROUTES}\n[limits]\nconnections_per_address = 1\n")).await;
    let began = gatepass::clock::instant();
    let token = apart.mint.token("alice", "");
    let bad = &token[..token.len() - 2];
    let mut kept = Raw::connect(apart.gateway.public()).await;
    for _ in 0..MANY {
        let request = format!("GET /api/me HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {bad}\r\n\r\n");
        assert_eq!(kept.ask(request).await.expect("an answer").status, 401);
    }
    // While that connection is open, every other is one too many.
    for _ in 0..MANY / 5 {
        let mut one = TcpStream::connect(apart.gateway.public()).await.unwrap();
        let _ = one.read_u8().await;
    }
    // A line after the flood says how many it was.
    let deadline = gatepass::clock::instant() + PATIENCE;
    while !apart.lines().iter().any(|line| line.contains("were left out")) {
        assert!(gatepass::clock::instant() < deadline, "how many is never said");
        let mut one = TcpStream::connect(apart.gateway.public()).await.unwrap();
        let _ = one.read_u8().await;
    }
    drop(kept);
    let mut malformed = 0;
    while malformed < MANY / 5 {
        let answer = Raw::connect(apart.gateway.public()).await.ask("GET /a b HTTP/1.1\r\nX\r\n\r\n").await;
        // None: the one before has not gone yet.
        malformed += usize::from(answer.is_some_and(|answer| answer.status == 400));
    }
    let lines = apart.lines();
    let most = 10 * (usize::try_from(began.elapsed().as_secs()).unwrap() + 2);
    assert!(lines.len() <= most, "{} lines, of which the last is {:?}", lines.len(), lines.last());
    assert_eq!(apart.recorder.hits(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn g15_many_requests_on_one_connection_leave_nothing_behind() {
    const BATCH: usize = 100;
    let apart = apart(ROUTES).await;
    let token = apart.mint.token("alice", "");
    let wanted = [
        format!("GET /api/me HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n\r\n"),
        "GET /api/me HTTP/1.1\r\nHost: gw.test\r\n\r\n".to_owned(),
        "GET /public//x HTTP/1.1\r\nHost: gw.test\r\n\r\n".to_owned(),
    ];
    let mut kept = Raw::connect(apart.gateway.public()).await;
    let mut round = async |batches: usize| {
        for turn in 0..batches * BATCH {
            kept.ask(&wanted[turn % wanted.len()]).await.expect("an answer");
        }
    };
    round(20).await;
    let before = resident(apart.gateway.id());
    round(100).await;
    let after = resident(apart.gateway.id());
    assert!(after < before + 4_096, "from {before} kB to {after} kB");
}

#[tokio::test(flavor = "multi_thread")]
async fn g17_a_long_path_is_refused_or_matched_in_linear_time() {
    let usual = World::new().await;
    let long = |length: usize| {
        let path: String = "/a".repeat(length / 2);
        format!("GET {path} HTTP/1.1\r\nHost: gw.test\r\n\r\n")
    };
    assert_eq!(Raw::connect(usual.address()).await.ask(long(60_000)).await.expect("an answer").status, 431);
    let routes = format!("{ROUTES}\n[[route]]\npath = \"/a/{{x}}/a/{{y}}/**\"\naccess = \"public\"\n");
    let wide = World::with(&format!("{routes}\n[limits]\nhead = \"128KiB\"\n")).await;
    let mut took = Vec::new();
    for length in [6_000, 60_000] {
        let mut kept = Raw::connect(wide.address()).await;
        let mut best = std::time::Duration::MAX;
        for _ in 0..10 {
            let began = gatepass::clock::instant();
            assert_eq!(kept.ask(long(length)).await.expect("an answer").status, 200);
            best = best.min(began.elapsed());
        }
        took.push(best);
    }
    assert!(
        took[1] < took[0] * 40 + std::time::Duration::from_millis(20),
        "{took:?} for ten times the length"
    );
    // What is a pattern elsewhere is none here.
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("gateway.toml");
    let text = config_text(usual.address(), "[[route]]\npath = \"/(a{1000}){1000}\"\n");
    std::fs::write(dir.path().join("gatepass.secret"), crate::world::SECRET).unwrap();
    std::fs::write(&file, text).unwrap();
    assert!(gatepass::config::load(&file).is_err());
}

#[test]
fn g18_a_configuration_without_an_end_is_not_read_to_it() {
    let Err(report) = gatepass::config::load(std::path::Path::new("/dev/zero")) else {
        panic!("a configuration");
    };
    assert!(report.text.contains("larger than"), "{}", report.text);
}
