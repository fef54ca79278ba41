//! Read one HTTP/1.1 request head, whole and in time, and refuse what may be read in two ways (RFC 9112).
//!
//! Pingora would repair it: a space in the target becomes `%20`, a `Content-Length` beside a `Transfer-Encoding`
//! is dropped, a missing `Host` is passed on. We refuse, with an answer of our own, before Pingora sees a byte.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::io::AsyncReadExt as _;

use super::super::Limits;
use super::alarm::Alarm;
use super::chunks::Chunks;
use super::wire::Wire;
use super::{Connection, Registry};
use crate::access::Reason;
use crate::clock;

mod vet;

pub(crate) use vet::MOST_FIELDS;
pub(super) use vet::{Vetted, vet};

/// What a typical head fits in.
const USUAL: usize = 4096;
/// What a long head took to be written is not kept while the connection is idle.
const MOST_KEPT: usize = 16 * 1024;

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
pub(in crate::proxy) struct Reader {
    most: usize,
    head_time: Duration,
    idle_time: Duration,
    first: bool,
    /// The head that was read last, with whatever of its body came with it.
    pub(in crate::proxy) buffer: BytesMut,
    pub(in crate::proxy) alarm: Alarm,
    /// What is being written on the straight way.
    pub(in crate::proxy) out: Vec<u8>,
}

impl Reader {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            most: limits.head,
            head_time: limits.head_time,
            idle_time: limits.idle_time,
            first: true,
            buffer: BytesMut::new(),
            alarm: Alarm::new(limits.head_time),
            out: Vec::new(),
        }
    }

    /// Reads the next head into the buffer; says where its body stands if it comes in chunks.
    pub(super) async fn read(
        &mut self,
        wire: &mut Wire,
        connection: &Connection,
        registry: &Registry,
    ) -> Result<Option<Chunks>, End> {
        self.buffer.clear();
        self.buffer.reserve(USUAL);
        if self.out.capacity() > MOST_KEPT {
            self.out = Vec::new();
        }
        let patience = if std::mem::take(&mut self.first) { self.head_time } else { self.idle_time };
        let mut due = clock::instant() + patience;
        let mut begun = false;
        loop {
            self.fill(wire, due, connection, registry).await?;
            if self.buffer.starts_with(b"\r\n") && !begun {
                // RFC 9112 §2.2: an empty line before a request line is ignored.
                let _ = self.buffer.split_to(2);
            }
            match vet(&self.buffer, self.most) {
                Vetted::Whole(chunks) => return Ok(chunks),
                Vetted::Rewritten(rewritten, chunks) => {
                    self.buffer = rewritten;
                    return Ok(chunks);
                }
                Vetted::Refused(refused) => return Err(End::Refused(refused.of(&self.buffer))),
                Vetted::Partial => {}
            }
            if !begun && !self.buffer.is_empty() {
                begun = true;
                due = clock::instant() + self.head_time;
            }
        }
    }

    /// Reads some bytes before `due`.
    async fn fill(
        &mut self,
        wire: &mut Wire,
        due: Instant,
        connection: &Connection,
        registry: &Registry,
    ) -> Result<(), End> {
        let waiting = self.buffer.is_empty();
        tokio::select! {
            biased;
            read = wire.read_buf(&mut self.buffer) => match read {
                Ok(0) | Err(_) => Err(End::Closed),
                Ok(_) => Ok(()),
            },
            () = drained(connection, registry), if waiting => Err(End::Closed),
            () = self.alarm.past(due) => {
                if waiting {
                    return Err(End::Closed);
                }
                let late = Refused::new(Reason::Timeout, "the request head did not arrive in time");
                Err(End::Refused(late.of(&self.buffer)))
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
