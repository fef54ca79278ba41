//! A gateway between a client and an upstream whose every byte is the test's to say.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use gatepass::clock::Clock;
use gatepass::server::Gateway;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::world::people::Stranger;
use crate::world::raw::{PATIENCE, Raw};
use crate::world::tokens::Mint;
use crate::world::{ROUTES, config_text, load, said};

/// Waits for what must come, on the slowest machine.
pub(super) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("{what} does not come"))
}

/// The gateway, and its log.
pub(super) struct Stand {
    _dir: tempfile::TempDir,
    gateway: Gateway,
    log: Log,
    pub(super) mint: Mint,
    pub(super) upstream: Upstream,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        said::heard("access", bytes);
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Stand {
    pub(super) async fn new() -> Self {
        Self::with("").await
    }

    /// With these sections beside the usual routes.
    pub(super) async fn with(more: &str) -> Self {
        Self::changed(more, |text, _| text).await
    }

    /// With a configuration that is changed first; told where the upstream listens.
    pub(super) async fn changed(more: &str, change: impl FnOnce(String, SocketAddr) -> String) -> Self {
        let upstream = Upstream::start().await;
        let text = change(config_text(upstream.address, &format!("{ROUTES}\n{more}")), upstream.address);
        let dir = tempfile::tempdir().unwrap();
        said::listen();
        let mut config = load(dir.path(), &text);
        config.log.access = true;
        let mint = Mint::new(&config.tokens);
        let log = Log::default();
        let gateway = Gateway::start_with(config, Clock::system(), log.clone()).await;
        Self { _dir: dir, gateway: gateway.expect("the gateway starts"), log, mint, upstream }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.gateway.public()[0]
    }

    pub(super) async fn client(&self) -> Raw {
        Raw::connect(self.address()).await
    }

    pub(super) async fn caller(&self) -> Caller {
        Caller { stream: TcpStream::connect(self.address()).await.unwrap(), seen: Vec::new() }
    }

    pub(super) fn stranger(&self) -> Stranger {
        Stranger::at(self.address())
    }

    /// The line of the access log about this path, which is asked for once.
    pub(super) async fn logged(&self, path: &str) -> serde_json::Value {
        let path = format!("\"path\":\"{path}\"");
        let read = async {
            loop {
                let log = self.log.0.lock().unwrap().clone();
                // The last line may be half written.
                let whole = log.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
                let text = String::from_utf8_lossy(&log[..whole]).into_owned();
                if let Some(line) = text.lines().find(|line| line.contains(&path)) {
                    return serde_json::from_str(line).unwrap();
                }
                tokio::task::yield_now().await;
            }
        };
        soon(&path, read).await
    }

    pub(super) async fn metrics(&self) -> String {
        Stranger::at(self.gateway.admin()).get("/metrics").await.text()
    }
}

/// The upstream, before anybody speaks to it.
pub(super) struct Upstream {
    listener: TcpListener,
    address: SocketAddr,
}

impl Upstream {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    /// The next new connection on which something is asked, and the head of that.
    pub(super) async fn next(&self) -> (Peer, String) {
        let accept = async {
            loop {
                let (stream, _) = self.listener.accept().await.unwrap();
                let mut peer = Peer { stream, seen: Vec::new() };
                // A health check connects, and says nothing.
                if let Some(head) = peer.head().await {
                    return (peer, head);
                }
            }
        };
        soon("a request on a new connection", accept).await
    }
}

/// One connection from the gateway.
pub(super) struct Peer {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Peer {
    async fn head(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.seen.windows(4).position(|four| four == b"\r\n\r\n") {
                return Some(String::from_utf8_lossy(&self.seen.drain(..at + 4).collect::<Vec<_>>()).into());
            }
            if self.stream.read_buf(&mut self.seen).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The next request's head on this connection.
    pub(super) async fn request(&mut self) -> String {
        soon("another request", self.head()).await.expect("the connection goes on")
    }

    /// So many bytes of a body.
    pub(super) async fn body(&mut self, length: usize) -> Vec<u8> {
        let read = async {
            while self.seen.len() < length {
                assert_ne!(self.stream.read_buf(&mut self.seen).await.unwrap(), 0, "the body ends");
            }
        };
        soon("the body", read).await;
        self.seen.drain(..length).collect()
    }

    pub(super) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        soon("room for an answer", self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Says it in pieces whose sizes have nothing to do with it.
    pub(super) async fn say_in_pieces(&mut self, bytes: &[u8]) {
        self.stream.set_nodelay(true).unwrap();
        let (mut rest, mut size) = (bytes, 1);
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(size.min(rest.len()));
            self.say(piece).await;
            tokio::task::yield_now().await;
            (rest, size) = (more, (size * 3 + 1) % 40_009);
        }
    }

    /// Waits until the gateway has ended the connection, having said nothing more.
    pub(super) async fn sees_the_end(mut self) {
        let read = soon("the end of the connection", self.stream.read_buf(&mut self.seen)).await;
        assert!(matches!(read, Ok(0) | Err(_)) && self.seen.is_empty(), "{:?}", self.seen);
    }
}

/// A client that sees what it is sent byte for byte.
pub(super) struct Caller {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Caller {
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        said::told(bytes.as_ref());
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads until this has come; everything up to its end.
    pub(super) async fn until(&mut self, what: &[u8]) -> Vec<u8> {
        let read = async {
            loop {
                if let Some(at) = self.seen.windows(what.len()).position(|window| window == what) {
                    let seen: Vec<u8> = self.seen.drain(..at + what.len()).collect();
                    said::heard("stream", &seen);
                    return seen;
                }
                let read = self.stream.read_buf(&mut self.seen).await.unwrap_or(0);
                assert_ne!(read, 0, "it ended: {:?}", String::from_utf8_lossy(&self.seen));
            }
        };
        soon("the answer", read).await
    }

    pub(super) async fn head(&mut self) -> String {
        String::from_utf8(self.until(b"\r\n\r\n").await).unwrap()
    }

    /// Reads to the end of the connection.
    pub(super) async fn rest(&mut self) -> Vec<u8> {
        let read = async { while self.stream.read_buf(&mut self.seen).await.unwrap_or(0) > 0 {} };
        soon("the end of the connection", read).await;
        said::heard("stream", &self.seen);
        std::mem::take(&mut self.seen)
    }
}

/// A request without a body.
pub(super) fn asks(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: gw.test\r\n\r\n")
}

/// An answer of this body.
pub(super) fn says(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A mebibyte in which no two places look alike for long.
pub(super) fn mebibyte() -> Vec<u8> {
    (0..1_u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect()
}
