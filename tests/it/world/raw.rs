//! A client that sends exactly the bytes it is told, and reads what comes back.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::said;

/// No answer takes longer than this on the slowest machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let found = self.fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, v)| v.as_str()).collect()
    }

    pub(crate) fn value(&self, name: &str) -> &str {
        self.values(name).first().copied().unwrap_or_default()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or(serde_json::Value::Null)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One connection.
pub(crate) struct Raw<S = TcpStream> {
    stream: S,
    buffer: Vec<u8>,
    /// How the last request began.
    asked: Vec<u8>,
}

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.expect("the gateway accepts"))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self { stream, buffer: Vec::new(), asked: Vec::new() }
    }

    /// Sends bytes; an error means that the other side has closed, which the next read will show.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        said::told(bytes.as_ref());
        if let Some(line) = said::request_line(bytes.as_ref()) {
            self.asked = line.to_vec();
        }
        let _ = self.stream.write_all(bytes.as_ref()).await;
        let _ = self.stream.flush().await;
    }

    /// The next answer; `None` if the connection ended without one. `1xx` answers are returned as they come.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        self.answer_to("GET").await
    }

    /// The next answer to a request with this method: a `HEAD` has no body whatever its length says.
    pub(crate) async fn answer_to(&mut self, method: &str) -> Option<Answer> {
        let read = tokio::time::timeout(PATIENCE, self.read_answer(method)).await;
        read.expect("an answer, or the end of the connection, in time")
    }

    /// Sends and reads one answer.
    pub(crate) async fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Option<Answer> {
        let method = bytes.as_ref().split(|&b| b == b' ').next().map(<[u8]>::to_vec).unwrap_or_default();
        self.send(bytes).await;
        self.answer_to(&String::from_utf8_lossy(&method)).await
    }

    /// Whether the other side closes without sending anything more.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let mut byte = [0; 1];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut byte)).await;
        match read.expect("something, or the end of the connection, in time") {
            Ok(0) | Err(_) => self.buffer.is_empty(),
            Ok(_) => false,
        }
    }

    async fn fill(&mut self) -> Option<()> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(()),
        }
    }

    async fn read_answer(&mut self, method: &str) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            self.fill().await?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.drain(..end);
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let fields =
            lines.filter_map(|l| l.split_once(':')).map(|(n, v)| (n.to_owned(), v.trim().to_owned()));
        let mut answer = Answer { status, fields: fields.collect(), body: Vec::new() };
        if method == "HEAD" || status < 200 || status == 204 || status == 304 {
            said::answer(&self.asked, &head, b"");
            return Some(answer);
        }
        if answer.value("transfer-encoding").eq_ignore_ascii_case("chunked") {
            answer.body = self.read_chunks().await?;
        } else if let Ok(length) = answer.value("content-length").parse::<usize>() {
            while self.buffer.len() < length {
                self.fill().await?;
            }
            answer.body = self.buffer.drain(..length).collect();
        } else {
            while self.fill().await.is_some() {}
            answer.body = std::mem::take(&mut self.buffer);
        }
        said::answer(&self.asked, &head, &answer.body);
        Some(answer)
    }

    async fn read_chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = self.buffer.windows(2).position(|w| w == b"\r\n") {
                    break at;
                }
                self.fill().await?;
            };
            let size = usize::from_str_radix(std::str::from_utf8(&self.buffer[..end]).ok()?, 16).ok()?;
            while self.buffer.len() < end + 2 + size + 2 {
                self.fill().await?;
            }
            body.extend_from_slice(&self.buffer[end + 2..end + 2 + size]);
            self.buffer.drain(..end + 2 + size + 2);
            if size == 0 {
                return Some(body);
            }
        }
    }
}
