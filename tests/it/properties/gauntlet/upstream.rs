//! An upstream that notes what it is sent, byte by byte, read strictly: what it cannot read is noted as garbled.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The header that carries a request's marker, and the one that carries it back.
pub(super) const MARKER: &str = "X-Case";
pub(super) const ECHO: &str = "X-Echo";

pub(super) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// One request as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) line: Vec<u8>,
    pub(super) fields: Fields,
    pub(super) body: Vec<u8>,
    pub(super) trailers: Fields,
    /// Whether the body came to its end.
    pub(super) complete: bool,
    /// Why it is no request at all.
    pub(super) garbled: Option<&'static str>,
}

impl Seen {
    /// The values of all headers and trailers that a CGI-style backend would call `name`.
    pub(super) fn folded(&self, name: &str) -> Vec<&[u8]> {
        let same = |field: &[u8]| field.iter().map(|&b| fold(b)).eq(name.bytes().map(fold));
        let all = self.fields.iter().chain(&self.trailers);
        all.filter(|(field, _)| same(field)).map(|(_, value)| value.as_slice()).collect()
    }

    /// Its marker, if it has exactly one.
    pub(super) fn marker(&self) -> Option<&str> {
        match self.folded(MARKER)[..] {
            [one] => std::str::from_utf8(one).ok(),
            _ => None,
        }
    }
}

/// A letter or digit in lower case; everything else is `_`.
pub(super) fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'_' }
}

#[derive(Default)]
struct Log {
    order: AtomicU64,
    seen: Mutex<BTreeMap<u64, Seen>>,
    /// Requests whose head is here and whose end is not.
    open: watch::Sender<usize>,
}

/// The upstream.
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    log: Arc<Log>,
    task: tokio::task::JoinHandle<()>,
}

impl Upstream {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Log::default());
        let all = Arc::clone(&log);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Reader { stream, buffer: Vec::new(), log: Arc::clone(&all) }.converse());
            }
        });
        Self { address, log, task }
    }

    /// Everything seen since it was last asked, in order, once nothing is half-way.
    pub(super) async fn take(&self) -> Vec<Seen> {
        let mut open = self.log.open.subscribe();
        let quiet = tokio::time::timeout(Duration::from_secs(60), open.wait_for(|open| *open == 0)).await;
        assert!(quiet.is_ok(), "a request upstream neither came to its end nor was given up");
        std::mem::take(&mut *self.log.seen.lock().unwrap()).into_values().collect()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection.
struct Reader {
    stream: TcpStream,
    buffer: Vec<u8>,
    log: Arc<Log>,
}

impl Reader {
    async fn converse(mut self) {
        while let Some(head) = self.until(b"\r\n\r\n").await {
            let order = self.log.order.fetch_add(1, Ordering::Relaxed);
            self.log.open.send_modify(|open| *open += 1);
            let mut seen = parse(&head);
            if seen.garbled.is_none() {
                seen.complete = self.body(&mut seen).await.is_some();
            }
            let answer = answer(&seen);
            let goes_on = seen.complete;
            self.log.seen.lock().unwrap().insert(order, seen);
            self.log.open.send_modify(|open| *open -= 1);
            if !goes_on || self.stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }

    async fn body(&mut self, seen: &mut Seen) -> Option<()> {
        let of = |name: &str| -> Vec<Vec<u8>> {
            let found = seen.fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()));
            found.map(|(_, value)| value.clone()).collect()
        };
        match (&of("content-length")[..], &of("transfer-encoding")[..]) {
            ([], []) => Some(()),
            ([length], []) => {
                let length = std::str::from_utf8(length).ok().and_then(|digits| digits.parse().ok());
                let Some(length) = length else { return garble(seen, "its length is no number") };
                seen.body = self.exactly(length).await?;
                Some(())
            }
            ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") => self.chunks(seen).await,
            _ => garble(seen, "it has two ends"),
        }
    }

    async fn chunks(&mut self, seen: &mut Seen) -> Option<()> {
        loop {
            let size = self.until(b"\r\n").await?;
            let digits = std::str::from_utf8(&size).unwrap_or_default();
            let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
            let Some(size) = usize::from_str_radix(digits, 16).ok().filter(|_| plain) else {
                return garble(seen, "a chunk has no size");
            };
            if size == 0 {
                break;
            }
            let chunk = self.exactly(size + 2).await?;
            let Some(data) = chunk.strip_suffix(b"\r\n") else {
                return garble(seen, "a chunk does not end where its size says");
            };
            seen.body.extend_from_slice(data);
        }
        loop {
            let line = self.until(b"\r\n").await?;
            if line.is_empty() {
                return Some(());
            }
            seen.trailers.push(field(&line).unwrap_or_default());
        }
    }

    async fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < length {
            self.fill().await?;
        }
        Some(self.buffer.drain(..length).collect())
    }

    /// Everything up to `end`, which is taken too.
    async fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.buffer, end) {
                let found = self.buffer[..at].to_vec();
                self.buffer.drain(..at + end.len());
                return Some(found);
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Option<()> {
        (self.stream.read_buf(&mut self.buffer).await.ok()? > 0).then_some(())
    }
}

fn garble(seen: &mut Seen, why: &'static str) -> Option<()> {
    seen.garbled = Some(why);
    None
}

fn parse(head: &[u8]) -> Seen {
    let mut lines = head.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = lines.next().unwrap_or_default().to_vec();
    let fields: Option<Fields> = lines.map(field).collect();
    let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
    let garbled = match (&words[..], &fields) {
        (_, None) => Some("a line is no header"),
        ([_, _, b"HTTP/1.1"], _) if !head.contains(&0) => None,
        _ => Some("the request line is none"),
    };
    Seen { line, fields: fields.unwrap_or_default(), garbled, ..Seen::default() }
}

fn field(line: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let at = line.iter().position(|&byte| byte == b':')?;
    let name = &line[..at];
    let good = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    good.then(|| (name.to_vec(), line[at + 1..].trim_ascii().to_vec()))
}

/// Its marker goes back, so that an answer cannot be taken for another's.
fn answer(seen: &Seen) -> Vec<u8> {
    let marker = seen.marker().unwrap_or("none");
    let body = if seen.line.starts_with(b"HEAD ") { "" } else { "{\"ok\":true}" };
    format!("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n{ECHO}: {marker}\r\n\r\n{body}").into_bytes()
}
