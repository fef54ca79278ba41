//! Read one HTTP/1.1 request head, whole and in time, and refuse what may be read in two ways (RFC 9112).
//!
//! Pingora would repair it: a space in the target becomes `%20`, a `Content-Length` beside a `Transfer-Encoding`
//! is dropped, a missing `Host` is passed on. We refuse, with an answer of our own, before Pingora sees a byte.

use std::pin::Pin;
use std::time::Duration;

use bytes::BytesMut;
use pingora::protocols::Stream;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, Sleep};

use super::super::Limits;
use super::chunks::Chunks;
use super::{Connection, Registry};
use crate::access::Reason;

mod vet;

pub(crate) use vet::MOST_FIELDS;
pub(super) use vet::{Vetted, vet};

/// What a typical head fits in.
const USUAL: usize = 4096;

/// A head that never became a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// `bad_framing`, `bad_target`, `bad_host`, `method_not_allowed`, `timeout` or `too_large`.
    pub(crate) reason: Reason,
    /// What is wrong with it, for the client and the log.
    pub(crate) detail: &'static str,
    /// Whether it began as a `HEAD`, whose answer has no body.
    pub(crate) to_head: bool,
}

impl Refused {
    /// Its body is announced as longer than any limit.
    pub(crate) const ENDLESS: Self = Self::new(Reason::TooLarge, "Content-Length is beyond any limit");

    pub(super) const fn new(reason: Reason, detail: &'static str) -> Self {
        Self { reason, detail, to_head: false }
    }

    /// The same for the head that begins with `bytes`.
    fn of(self, bytes: &[u8]) -> Self {
        Self { to_head: bytes.starts_with(b"HEAD "), ..self }
    }
}

/// Why there is no further head.
#[derive(Debug)]
pub(super) enum End {
    /// The client left, or was silent for too long between two requests, or we are shutting down.
    Closed,
    /// It sent something that is answered with an error.
    Refused(Refused),
}

/// Reads the heads of one connection.
pub(super) struct Reader {
    most: usize,
    head_time: Duration,
    idle_time: Duration,
    /// One timer for the connection's life. It is moved only when it must ring earlier, or has rung too early: a
    /// timer set anew for each request would be taken out of the wheel and put back each time.
    alarm: Pin<Box<Sleep>>,
    first: bool,
}

impl Reader {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            most: limits.head,
            head_time: limits.head_time,
            idle_time: limits.idle_time,
            alarm: Box::pin(tokio::time::sleep(limits.head_time)),
            first: true,
        }
    }

    /// The next head, with whatever of its body came with it, and where that body stands if it comes in chunks.
    pub(super) async fn read(
        &mut self,
        stream: &mut Stream,
        connection: &Connection,
        registry: &Registry,
    ) -> Result<(BytesMut, Option<Chunks>), End> {
        let mut buffer = BytesMut::with_capacity(USUAL);
        let patience = if std::mem::take(&mut self.first) { self.head_time } else { self.idle_time };
        let mut deadline = now() + patience;
        let mut begun = false;
        loop {
            self.fill(stream, &mut buffer, deadline, connection, registry).await?;
            if buffer.starts_with(b"\r\n") && !begun {
                // RFC 9112 §2.2: an empty line before a request line is ignored.
                let _ = buffer.split_to(2);
            }
            match vet(&buffer, self.most) {
                Vetted::Whole(chunks) => return Ok((buffer, chunks)),
                Vetted::Rewritten(rewritten, chunks) => return Ok((rewritten, chunks)),
                Vetted::Refused(refused) => return Err(End::Refused(refused.of(&buffer))),
                Vetted::Partial => {}
            }
            if !begun && !buffer.is_empty() {
                begun = true;
                deadline = now() + self.head_time;
            }
        }
    }

    /// Reads some bytes before `deadline`.
    async fn fill(
        &mut self,
        stream: &mut Stream,
        buffer: &mut BytesMut,
        deadline: Instant,
        connection: &Connection,
        registry: &Registry,
    ) -> Result<(), End> {
        if deadline < self.alarm.deadline() {
            self.alarm.as_mut().reset(deadline);
        }
        let waiting = buffer.is_empty();
        loop {
            tokio::select! {
                biased;
                read = stream.read_buf(buffer) => return match read {
                    Ok(0) | Err(_) => Err(End::Closed),
                    Ok(_) => Ok(()),
                },
                () = drained(connection, registry), if waiting => return Err(End::Closed),
                () = self.alarm.as_mut() => {
                    if now() < deadline {
                        self.alarm.as_mut().reset(deadline);
                    } else if waiting {
                        return Err(End::Closed);
                    } else {
                        let late = Refused::new(Reason::Timeout, "the request head did not arrive in time");
                        return Err(End::Refused(late.of(buffer)));
                    }
                }
            }
        }
    }
}

/// Resolves when the registry drains.
async fn drained(connection: &Connection, registry: &Registry) {
    std::future::poll_fn(|cx| {
        connection.waker.register(cx.waker());
        if registry.is_draining() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

fn now() -> Instant {
    crate::clock::instant().into()
}
