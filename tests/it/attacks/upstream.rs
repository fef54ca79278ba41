//! An upstream that does not behave: it notes every head as soon as it is there, and does as it is told then.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it does about a head.
pub(super) enum Act {
    /// Says this, and goes on listening.
    Says(Vec<u8>),
    /// Says this, and hangs up.
    SaysLast(Vec<u8>),
}

type Playing = dyn Fn(&str) -> Act + Send + Sync;

/// The upstream. Ends when dropped.
pub(super) struct Actor {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Actor {
    pub(super) async fn playing(play: impl Fn(&str) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (all, play): (_, Arc<Playing>) = (Arc::clone(&heads), Arc::new(play));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&all), Arc::clone(&play)));
            }
        });
        Self { address, heads, task }
    }

    /// One that hears everything and says nothing.
    pub(super) async fn silent() -> Self {
        Self::playing(|_| Act::Says(Vec::new())).await
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The heads so far.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse(mut stream: TcpStream, heads: Arc<Mutex<Vec<String>>>, play: Arc<Playing>) {
    let mut buffer = Vec::new();
    while stream.read_buf(&mut buffer).await.is_ok_and(|read| read > 0) {
        while let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            // What is no head is the body of the one before.
            let head = String::from_utf8_lossy(&buffer.drain(..at + 4).collect::<Vec<u8>>()).into_owned();
            if !head.contains(" HTTP/1.1\r\n") {
                continue;
            }
            let act = play(&head);
            heads.lock().unwrap().push(head);
            let (said, last) = match act {
                Act::Says(bytes) => (bytes, false),
                Act::SaysLast(bytes) => (bytes, true),
            };
            if stream.write_all(&said).await.is_err() || last {
                return;
            }
        }
    }
}
