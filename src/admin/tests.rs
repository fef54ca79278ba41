//! Does the admin listener say what machines and people ask it, over a real socket?

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

struct Running {
    address: std::net::SocketAddr,
    ready: Arc<AtomicBool>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<io::Result<()>>,
}

async fn start() -> Running {
    start_for(LONGEST_VISIT).await
}

async fn start_for(longest: Duration) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ready = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&ready);
    let admin = Admin {
        metrics: Arc::new(Metrics::new(&[], &[])),
        ready: Arc::new(move || {
            if asked.load(Ordering::SeqCst) {
                Ok(())
            } else {
                Err("the revocations are not loaded".to_owned())
            }
        }),
        version: "1.2.3",
    };
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(serve_for(longest, listener, admin, async { drop(stopped.await) }));
    Running { address, ready, stop, served }
}

impl Running {
    async fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let head = answer.to_ascii_lowercase();
        assert!(head.contains("\r\ncache-control: no-store\r\n"), "{answer}");
        assert!(!head.contains("\r\nserver:"), "{answer}");
        answer
    }
}

#[track_caller]
fn is(answer: &str, status: u16, within: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(within), "{answer}");
}

#[tokio::test]
async fn health_and_readiness_differ() {
    let running = start().await;
    is(&running.ask("GET", "/healthz").await, 200, "\r\n\r\nok\n");
    is(&running.ask("GET", "/readyz").await, 503, "not ready: the revocations are not loaded\n");
    is(&running.ask("GET", "/").await, 200, "not ready");
    running.ready.store(true, Ordering::SeqCst);
    is(&running.ask("GET", "/readyz").await, 200, "ready\n");
}

#[tokio::test]
async fn metrics_are_in_the_exposition_format() {
    let running = start().await;
    let answer = running.ask("GET", "/metrics").await;
    is(&answer, 200, "\ngatepass_requests_in_flight 0\n");
    assert!(answer.contains("content-type: text/plain; version=0.0.4"), "{answer}");
}

#[tokio::test]
async fn only_reading_is_served() {
    let running = start().await;
    for path in ["/", "/metrics", "/healthz", "/readyz"] {
        let answer = running.ask("POST", path).await;
        is(&answer, 405, "\"error\":\"invalid_request\"");
        assert!(answer.contains("allow: GET"), "{answer}");
        let answer = running.ask("HEAD", path).await;
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }
    for path in ["/nothing", "/metrics/", "/api"] {
        is(&running.ask("GET", path).await, 404, "\"error\":\"not_found\"");
    }
}

#[tokio::test]
async fn no_client_stays_for_good() {
    let running = start_for(Duration::from_millis(300)).await;
    for sent in ["", "GET /healthz HT", "GET /healthz HTTP/1.1\r\nHost: admin\r\n\r\n"] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut heard)).await;
        ended.expect("the end, in time").unwrap();
        assert_eq!(heard.starts_with(b"HTTP/1.1 200"), sent.ends_with("\r\n\r\n"), "{sent:?}");
    }
}

#[tokio::test]
async fn it_ends_when_told() {
    let Running { stop, served, .. } = start().await;
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), served).await;
    ended.expect("within the deadline").unwrap().unwrap();
}
