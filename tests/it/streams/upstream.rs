//! An upstream that never comes to an end: what it does stands in the last segment of the path.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The upstream, and the heads it was sent.
pub(crate) struct Stage {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Stage {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&heads);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(play(stream, Arc::clone(&all)));
            }
        });
        Self { address, heads, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The last head, in lower case.
    pub(crate) fn last(&self) -> String {
        self.heads.lock().unwrap().last().cloned().expect("a request reached the upstream")
    }

    pub(crate) fn hits(&self) -> usize {
        self.heads.lock().unwrap().len()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.task.abort();
    }
}

const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";

/// One connection; whatever goes wrong on it, it is over.
async fn play(mut stream: TcpStream, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let end = head.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8_lossy(&head[..end]).to_lowercase();
    heads.lock().unwrap().push(head.clone());
    let path = head.split(['?', ' ']).nth(1).unwrap_or_default();
    let _ = match path.rsplit('/').next().unwrap_or_default() {
        "echo" => echo(stream, format!("{SWITCHING}\r\n").as_bytes()).await,
        "chat" => echo(stream, format!("{SWITCHING}Sec-WebSocket-Protocol: chat\r\n\r\n").as_bytes()).await,
        // The 101 and half a frame.
        "half" => echo(stream, format!("{SWITCHING}\r\n\u{2}\u{64}half of it").as_bytes()).await,
        "events" => echo(stream, EVENTS).await,
        "download" => download(stream).await,
        // Takes everything and says nothing.
        _ => echo(stream, b"").await,
    };
}

const EVENTS: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n";

/// After `first`, answers whatever comes over an upgraded connection with a text frame.
async fn echo(mut stream: TcpStream, first: &[u8]) -> std::io::Result<()> {
    stream.write_all(first).await?;
    let upgraded = first.starts_with(b"HTTP/1.1 101");
    let mut waste = vec![0; 64 * 1024];
    while stream.read(&mut waste).await? > 0 {
        if upgraded {
            stream.write_all(b"\x81\x02hi").await?;
        }
    }
    Ok(())
}

async fn download(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n").await?;
    let much = vec![b'x'; 64 * 1024];
    loop {
        stream.write_all(&much).await?;
    }
}
