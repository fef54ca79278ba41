//! Those who come: one who asks with a token, many who do so as fast as they can, and those who sign in.

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

/// How long requests with a token took, the shortest first: one every millisecond, or at once if the one before took
/// longer, counted from when it was due then.
pub(crate) fn requests(gateway: SocketAddr, token: &str, during: Duration) -> Vec<Duration> {
    const PACE: Duration = Duration::from_millis(1);
    let mut client = Client::connect(gateway);
    let mut times = Vec::new();
    let mut due = clock::instant();
    let end = due + during;
    while due < end {
        let mut began = due;
        while let Some(early) = due.checked_duration_since(clock::instant()).filter(|early| !early.is_zero())
        {
            std::thread::park_timeout(early);
            // Waking up late is no fault of the gateway's.
            began = clock::instant();
        }
        assert_eq!(client.get("/api", token).0, 200);
        times.push(began.elapsed());
        due += PACE;
    }
    times.sort_unstable();
    times
}

/// How long they took when so many clients ask, each as soon as it is answered.
pub(crate) fn many_requests(
    gateway: SocketAddr,
    token: &str,
    clients: usize,
    during: Duration,
) -> Vec<Duration> {
    let end = clock::instant() + during;
    let ask = || {
        let mut client = Client::connect(gateway);
        let mut times = Vec::new();
        while clock::instant() < end {
            let began = clock::instant();
            assert_eq!(client.get("/api", token).0, 200);
            times.push(began.elapsed());
        }
        times
    };
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(ask)).collect();
        clients.into_iter().flat_map(|client| client.join().expect("it asks")).collect()
    });
    times.sort_unstable();
    times
}

/// What `percent` of them are at most.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

/// Clients who keep signing in.
pub(crate) struct Flood {
    ended: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Told>>,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Told {
    /// When each sign-in was answered.
    signed_in: Vec<Instant>,
    /// How soon those who were told to wait were told so.
    pub(crate) refused: Vec<Duration>,
}

impl Told {
    /// Sign-ins a second, from the first to the last that were answered before `end`: what is under way at either end is
    /// no whole one.
    pub(crate) fn signed_in_per_second(&self, end: Instant) -> f64 {
        let within = || self.signed_in.iter().filter(|&&at| at <= end);
        match (within().min(), within().max()) {
            (Some(first), Some(last)) if first < last => {
                let count = u32::try_from(within().count() - 1).expect("a small number");
                f64::from(count) / last.duration_since(*first).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}

impl Flood {
    pub(crate) fn start(gateway: SocketAddr, clients: usize) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let client = |number| {
            let ended = Arc::clone(&ended);
            std::thread::Builder::new()
                .stack_size(64 * 1024)
                .spawn(move || sign_in(gateway, number, &ended))
                .expect("a thread")
        };
        let clients = (0..clients).map(client).collect();
        Self { ended, clients }
    }

    /// Waits for those in the queue, too.
    pub(crate) fn stop(self) -> Told {
        self.ended.store(true, Ordering::Relaxed);
        let mut told = Told::default();
        for client in self.clients {
            let one = client.join().expect("it signs in");
            told.signed_in.extend(one.signed_in);
            told.refused.extend(one.refused);
        }
        told
    }
}

/// Signs in again and again.
fn sign_in(gateway: SocketAddr, number: usize, ended: &AtomicBool) -> Told {
    let mut client = Client::connect(gateway);
    let mut told = Told::default();
    while !ended.load(Ordering::Relaxed) {
        let began = clock::instant();
        match client.sign_in(number) {
            (200, _) => told.signed_in.push(clock::instant()),
            (503, _) => {
                told.refused.push(began.elapsed());
                std::thread::park_timeout(told_to_wait(number));
            }
            (other, body) => panic!("{other}: {body}"),
        }
    }
    told
}
