//! How does an answer come back? Its head as soon as it is there, its body as it comes.

use std::io;
use std::task::Poll;
use std::time::Duration;

use pingora::ErrorType;
use tokio::io::AsyncWriteExt as _;

use super::super::connection::{Reader, Wire};
use super::super::exchange::Exchange;
use super::Trouble;
use super::ask::{broken, late, upstream};
use super::response::{Body, Head};
use crate::clock;
use crate::upstream::Line;

/// What is read at once of a long body.
const PIECE: usize = 64 * 1024;

/// An answer on its way.
pub(super) struct Relay<'r> {
    pub(super) wire: &'r mut Wire,
    pub(super) reader: &'r mut Reader,
    pub(super) exchange: &'r mut Exchange,
    /// How long the upstream may be silent.
    pub(super) patience: Duration,
    pub(super) line: &'r mut Line,
}

impl Relay<'_> {
    /// Brings the body, behind the head in `reader.out` and with what has come of it; true if the server may be asked again
    /// on its connection.
    pub(super) async fn bring(&mut self, head: &Head) -> Result<bool, Trouble> {
        self.say_head().await?;
        let whole = match head.body {
            Body::None => true,
            Body::Length(length) => self.bring_bytes(length).await?,
            Body::Chunks(_) | Body::ToTheEnd => Box::pin(self.bring_rest(head.body)).await?,
        };
        self.flush().await?;
        // Whatever follows an answer unasked belongs to nobody.
        Ok(whole && head.keeps && self.line.buffer.is_empty())
    }

    async fn say_head(&mut self) -> Result<(), Trouble> {
        self.wire.write_all(&self.reader.out).await.map_err(|_| gone())
    }

    /// A body of so many bytes.
    async fn bring_bytes(&mut self, mut left: u64) -> Result<bool, Trouble> {
        loop {
            let piece = usize::try_from(left).unwrap_or(usize::MAX).min(self.line.buffer.len());
            self.pass(piece).await?;
            left -= piece as u64;
            if left == 0 {
                return Ok(true);
            }
            self.more(usize::try_from(left).unwrap_or(usize::MAX).min(PIECE)).await?;
            if self.line.buffer.is_empty() {
                return Err(upstream(ErrorType::ConnectionClosed, "in the middle of the answer"));
            }
        }
    }

    /// A body of no announced length.
    async fn bring_rest(&mut self, body: Body) -> Result<bool, Trouble> {
        let mut body = body;
        loop {
            if let Body::Chunks(chunks) = &mut body {
                let taken = chunks.take(&self.line.buffer).map_err(|_| {
                    upstream(ErrorType::InvalidHTTPHeader, "the chunks of the answer are none")
                })?;
                self.write(taken.bytes).await?;
                self.exchange.record.bytes += taken.data;
                if chunks.are_over() {
                    return Ok(true);
                }
            } else if !self.line.buffer.is_empty() {
                let size = format!("{:x}\r\n", self.line.buffer.len());
                self.wire.write_all(size.as_bytes()).await.map_err(|_| gone())?;
                self.pass(self.line.buffer.len()).await?;
                self.wire.write_all(b"\r\n").await.map_err(|_| gone())?;
            }
            self.more(PIECE).await?;
            if self.line.buffer.is_empty() {
                if !matches!(body, Body::ToTheEnd) {
                    return Err(upstream(ErrorType::ConnectionClosed, "in the middle of the answer"));
                }
                self.wire.write_all(b"0\r\n\r\n").await.map_err(|_| gone())?;
                return Ok(false);
            }
        }
    }

    /// Passes so many bytes of the body on.
    async fn pass(&mut self, bytes: usize) -> Result<(), Trouble> {
        self.write(bytes).await?;
        self.exchange.record.bytes += bytes;
        Ok(())
    }

    async fn write(&mut self, bytes: usize) -> Result<(), Trouble> {
        if bytes > 0 {
            self.wire.write_all(&self.line.buffer[..bytes]).await.map_err(|_| gone())?;
            self.line.take(bytes);
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Trouble> {
        self.wire.flush().await.map_err(|_| gone())
    }

    /// Reads more of the body, of which so much is expected; nothing if it has ended.
    async fn more(&mut self, expected: usize) -> Result<(), Trouble> {
        self.line.expect(expected);
        let ready = std::future::poll_fn(|cx| Poll::Ready(self.line.poll_fill(cx))).await;
        let read = match ready {
            Poll::Ready(read) => read,
            Poll::Pending => {
                // Whoever pauses has been heard: the client has all there is before more is waited for.
                self.flush().await?;
                self.wait().await?
            }
        };
        read.map(drop).map_err(|error| broken(ErrorType::ReadError, "reading the answer", error))
    }

    /// Waits for more of the body.
    async fn wait(&mut self) -> Result<io::Result<usize>, Trouble> {
        let mut due = None;
        std::future::poll_fn(|cx| {
            if let Poll::Ready(read) = self.line.poll_fill(cx) {
                return Poll::Ready(Ok(read));
            }
            if self.wire.poll_gone(cx).is_ready() {
                return Poll::Ready(Err(gone()));
            }
            let due = *due.get_or_insert_with(|| clock::instant() + self.patience);
            self.reader.alarm.poll_past(due, cx).map(|()| Err(late("the rest of the answer")))
        })
        .await
    }
}

const fn gone() -> Trouble {
    Trouble::ClientIsGone("the client left in the middle of its answer")
}
