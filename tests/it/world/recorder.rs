//! An upstream that keeps the exact bytes of every request; no HTTP library, so that nothing is tidied up.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Recorded {
    /// `GET /path HTTP/1.1` without the version.
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1")
    }

    /// All values of a header, by its exact name without regard to case.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim()).collect()
    }

    /// All values of every header that folds to `name` as CGI-style backends fold it.
    pub(crate) fn folded(&self, name: &str) -> Vec<&str> {
        let fold = |text: &str| -> String {
            text.chars()
                .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
                .collect()
        };
        let wanted = fold(name);
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.filter(|(n, _)| fold(n) == wanted).map(|(_, v)| v.trim()).collect()
    }
}

type Answering = dyn Fn(&Recorded) -> Vec<u8> + Send + Sync;

/// The upstream.
pub(crate) struct Recorder {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Recorded>>>,
    task: tokio::task::JoinHandle<()>,
}

/// The usual answer.
pub(crate) fn plain(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

impl Recorder {
    /// An upstream that answers `{"ok":true}` to everything.
    pub(crate) async fn start() -> Self {
        Self::answering(|_| plain("{\"ok\":true}")).await
    }

    /// An upstream that answers as told; an empty answer closes the connection.
    pub(crate) async fn answering(answer: impl Fn(&Recorded) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (all, answer): (_, Arc<Answering>) = (Arc::clone(&seen), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&all), Arc::clone(&answer)));
            }
        });
        Self { address, seen, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything seen so far.
    pub(crate) fn seen(&self) -> Vec<Recorded> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests were seen.
    pub(crate) fn hits(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// The last request seen.
    pub(crate) fn last(&self) -> Recorded {
        self.seen.lock().unwrap().last().cloned().expect("a request reached the upstream")
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse(mut stream: TcpStream, seen: Arc<Mutex<Vec<Recorded>>>, answer: Arc<Answering>) {
    let mut buffer = Vec::new();
    while let Some(recorded) = read_request(&mut stream, &mut buffer).await {
        let reply = answer(&recorded);
        seen.lock().unwrap().push(recorded);
        if reply.is_empty() || stream.write_all(&reply).await.is_err() {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Recorded> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end);
    let mut recorded = Recorded { head, body: Vec::new() };
    let length = recorded.values("content-length").first().and_then(|l| l.parse::<usize>().ok());
    let chunked = !recorded.values("transfer-encoding").is_empty();
    if chunked {
        while !buffer.ends_with(b"0\r\n\r\n") {
            if stream.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        }
        recorded.body = std::mem::take(buffer);
    } else if let Some(length) = length {
        while buffer.len() < length {
            if stream.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        }
        recorded.body = buffer.drain(..length).collect();
    }
    Some(recorded)
}
