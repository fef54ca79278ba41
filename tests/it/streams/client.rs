//! A client that holds a stream open, over TCP or TLS.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::raw::PATIENCE;
use crate::world::said;

pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// What a good handshake says beside its token.
pub(crate) const HANDSHAKE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A text frame from a client: masked with zeros.
pub(crate) const HELLO: &[u8] = b"\x81\x85\0\0\0\0hello";

/// One connection with an answer on it that does not end.
pub(crate) struct Client {
    wire: Box<dyn Wire>,
    seen: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) fn over(wire: impl Wire + 'static) -> Self {
        Self { wire: Box::new(wire), seen: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        said::told(bytes.as_ref());
        self.wire.write_all(bytes.as_ref()).await.unwrap();
        self.wire.flush().await.unwrap();
    }

    /// Sends a request with a token in `Authorization`.
    pub(crate) async fn ask(&mut self, method: &str, target: &str, fields: &str, token: &str) {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n{fields}\r\n"
        );
        self.send(request).await;
    }

    /// Reads until `what` has come, and forgets everything up to its end; what came before it, as text.
    pub(crate) async fn until(&mut self, what: &[u8]) -> String {
        let read = async {
            loop {
                if let Some(at) = self.seen.windows(what.len()).position(|w| w == what) {
                    let before = String::from_utf8_lossy(&self.seen[..at]).into_owned();
                    said::heard("stream", &self.seen[..at + what.len()]);
                    self.seen.drain(..at + what.len());
                    return before;
                }
                let read = self.wire.read_buf(&mut self.seen).await.unwrap_or(0);
                let seen = String::from_utf8_lossy(&self.seen);
                assert_ne!(read, 0, "it ended before {:?}: {seen}", String::from_utf8_lossy(what));
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("it comes in time")
    }

    /// The head of the answer.
    pub(crate) async fn head(&mut self) -> String {
        self.until(b"\r\n\r\n").await
    }

    /// Reads to the end within `patience`; the last bytes that came.
    pub(crate) async fn ends_within(mut self, patience: Duration) -> Vec<u8> {
        let read = async {
            // A reset is an end as well.
            while self.wire.read_buf(&mut self.seen).await.unwrap_or(0) > 0 {
                let most = self.seen.len().saturating_sub(1024);
                self.seen.drain(..most);
            }
            said::heard("stream", &self.seen);
            self.seen
        };
        tokio::time::timeout(patience, read).await.expect("it ends in time")
    }

    pub(crate) async fn ends(self) -> Vec<u8> {
        self.ends_within(PATIENCE).await
    }

    /// Whether a WebSocket still answers.
    pub(crate) async fn is_alive(&mut self) {
        self.send(HELLO).await;
        self.until(b"\x81\x02hi").await;
    }
}
