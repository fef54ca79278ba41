//! Those who come: one who asks with a token, and 500 who sign in.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gatepass::clock;

/// How many sign in at once.
pub(crate) const CLIENTS: usize = 500;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// What the gateway says when its queue is full (`Retry-After`), and a millisecond more for each client before, so that
/// they do not all come back at once.
fn told_to_wait(number: usize) -> Duration {
    Duration::from_millis(1_000 + number as u64)
}

pub(crate) fn login(number: usize) -> String {
    format!("user{number}")
}

/// A kept-alive connection.
pub(crate) struct Client(TcpStream);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the gateway listens");
        stream.set_nodelay(true).expect("a TCP socket");
        Self(stream)
    }

    /// The status and the body.
    pub(crate) fn get(&mut self, path: &str, token: &str) -> (u16, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {token}\r\n\r\n"))
    }

    pub(crate) fn sign_in(&mut self, number: usize) -> (u16, String) {
        let form = format!("username={}&password={}", login(number), PASSWORD.replace(' ', "+"));
        let kind = "Content-Type: application/x-www-form-urlencoded";
        let length = form.len();
        self.ask(&format!(
            "POST /token HTTP/1.1\r\nHost: b\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{form}"
        ))
    }

    fn ask(&mut self, request: &str) -> (u16, String) {
        self.0.write_all(request.as_bytes()).expect("the gateway reads");
        let mut answer = Vec::new();
        let mut part = [0; 4096];
        loop {
            let read = self.0.read(&mut part).expect("the gateway answers");
            assert!(read > 0, "the gateway answers");
            answer.extend_from_slice(&part[..read]);
            let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.expect("a length").trim().parse().expect("a length");
            if answer.len() >= end + 4 + length {
                let body = String::from_utf8_lossy(&answer[end + 4..]).into_owned();
                return (head[9..12].parse().expect("a status"), body);
            }
        }
    }
}

/// How long requests with a token took, one after the other, the shortest first.
pub(crate) fn requests(gateway: SocketAddr, token: &str, during: Duration) -> Vec<Duration> {
    let mut client = Client::connect(gateway);
    let mut times = Vec::new();
    let end = clock::instant() + during;
    while clock::instant() < end {
        let began = clock::instant();
        assert_eq!(client.get("/api", token).0, 200);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times
}

/// What `percent` of them are at most.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

/// Clients that sign in until they are told to stop.
pub(crate) struct Flood {
    ended: Arc<AtomicBool>,
    began: Instant,
    clients: Vec<JoinHandle<(usize, Vec<Duration>)>>,
}

/// What came of it.
pub(crate) struct Told {
    pub(crate) signed_in_per_second: f64,
    /// How soon those who were told to wait were told so.
    pub(crate) refused: Vec<Duration>,
}

impl Flood {
    pub(crate) fn start(gateway: SocketAddr) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let client = |number| {
            let ended = Arc::clone(&ended);
            std::thread::Builder::new()
                .stack_size(64 * 1024)
                .spawn(move || sign_in(gateway, number, &ended))
                .expect("a thread")
        };
        let clients = (0..CLIENTS).map(client).collect();
        Self { ended, began: clock::instant(), clients }
    }

    pub(crate) fn stop(self) -> Told {
        self.ended.store(true, Ordering::Relaxed);
        let (mut signed_in, mut refused) = (0_u32, Vec::new());
        for client in self.clients {
            let (count, mut times) = client.join().expect("it signs in");
            signed_in += u32::try_from(count).expect("a small number");
            refused.append(&mut times);
        }
        // With those that were in the queue at the end, which were worked for as well.
        let signed_in_per_second = f64::from(signed_in) / self.began.elapsed().as_secs_f64();
        Told { signed_in_per_second, refused }
    }
}

/// Signs in again and again; how often, and how soon it was told to wait.
fn sign_in(gateway: SocketAddr, number: usize, ended: &AtomicBool) -> (usize, Vec<Duration>) {
    let mut client = Client::connect(gateway);
    let (mut signed_in, mut refused) = (0, Vec::new());
    while !ended.load(Ordering::Relaxed) {
        let began = clock::instant();
        match client.sign_in(number) {
            (200, _) => signed_in += 1,
            (503, _) => {
                refused.push(began.elapsed());
                std::thread::park_timeout(told_to_wait(number));
            }
            (other, body) => panic!("{other}: {body}"),
        }
    }
    (signed_in, refused)
}
