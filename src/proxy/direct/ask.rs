//! Which server takes the request, and what does it say first?
//!
//! A connection that was kept may have been ended by the server just now. Then the request goes to another connection, if
//! nothing of an answer has come and the request does the same when it is done twice (RFC 9110 §9.2.2), and no third time;
//! any other is sent once, on a connection that the system says is open.

use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use pingora::{Error, ErrorType};
use tokio::io::AsyncWriteExt as _;

use super::super::connection::{Reader, Wire};
use super::super::exchange::Exchange;
use super::super::failure;
use super::super::policy::Policy;
use super::relay::Relay;
use super::response::{Dressing, Head, receive};
use super::{Trouble, admitted};
use crate::clock;
use crate::upstream::{Line, Turn};

/// The longest head of an answer.
const MOST_HEAD: usize = 256 * 1024;

/// One request's way to its upstream and back.
pub(super) struct Journey<'j> {
    pub(super) policy: &'j Arc<Policy>,
    pub(super) wire: &'j mut Wire,
    /// Its `out` holds what the upstream gets, until it has begun to answer, and then what the client gets.
    pub(super) reader: &'j mut Reader,
    pub(super) exchange: &'j mut Exchange,
    /// How long the upstream is waited for, at each step.
    pub(super) patience: Duration,
    /// Whether the connection to the client ends with the answer.
    pub(super) closing: bool,
}

/// What a server did with a request.
enum Reply {
    /// It has begun to answer.
    Begun(Head),
    /// It had ended the connection before.
    Stale(Trouble),
}

impl Journey<'_> {
    /// Makes it.
    pub(super) async fn make(mut self) -> Result<(), Trouble> {
        let pool = self.policy.upstreams.pool(admitted(self.exchange)?.upstream);
        let (turn, mut line, head) = loop {
            let turn = pool.turn(&admitted(self.exchange)?.tried);
            let turn = turn.ok_or_else(|| Trouble::Upstream(failure::no_server()))?;
            self.exchange.record.server = Some(Arc::clone(turn.label()));
            match self.ask(&turn).await {
                Ok((line, head)) => break (turn, line, head),
                Err(Unasked::Never(trouble)) => return Err(trouble),
                Err(Unasked::Elsewhere(trouble)) => {
                    // Nothing was sent: another server, if there is one, may have it.
                    let tried = &mut admitted(self.exchange)?.tried;
                    tried.push(turn.address().clone());
                    if pool.turn(tried).is_none() {
                        return Err(trouble);
                    }
                }
            }
        };
        let Self { wire, reader, exchange, patience, .. } = self;
        if (Relay { wire, reader, exchange, patience, line: &mut line }).bring(&head).await? {
            turn.keep(line, clock::instant());
        }
        Ok(())
    }

    /// Asks one server, on a connection that is open or on a new one.
    async fn ask(&mut self, turn: &Turn) -> Result<(Line, Head), Unasked> {
        let repeatable = self.exchange.record.method.is_idempotent();
        while let Some(mut line) = turn.kept(clock::instant()) {
            if !repeatable && !line.is_silent() {
                continue;
            }
            match self.send(&mut line, true).await.map_err(Unasked::Never)? {
                Reply::Begun(head) => return Ok((line, head)),
                // Once, and on a connection that cannot be stale: what ends a connection would end them all.
                Reply::Stale(_) if repeatable => break,
                Reply::Stale(trouble) => return Err(Unasked::Never(trouble)),
            }
        }
        let mut line = turn.connect().await.map_err(|error| Unasked::Elsewhere(not_connected(&error)))?;
        match self.send(&mut line, false).await.map_err(Unasked::Never)? {
            Reply::Begun(head) => Ok((line, head)),
            Reply::Stale(trouble) => Err(Unasked::Never(trouble)),
        }
    }

    /// Sends the request, and waits for the head of the answer.
    async fn send(&mut self, line: &mut Line, kept: bool) -> Result<Reply, Trouble> {
        let due = clock::instant() + self.patience;
        let Self { reader, .. } = self;
        let sent = tokio::select! {
            biased;
            sent = line.write_all(&reader.out) => sent,
            () = reader.alarm.past(due) => return Err(upstream(ErrorType::WriteTimedout, "sending the request")),
        };
        if let Err(error) = sent {
            let trouble = broken(ErrorType::WriteError, "sending the request", error);
            return if kept { Ok(Reply::Stale(trouble)) } else { Err(trouble) };
        }
        let mut answering = false;
        loop {
            let read = std::future::poll_fn(|cx| {
                if let Poll::Ready(read) = line.poll_fill(cx) {
                    return Poll::Ready(Ok(read));
                }
                if self.wire.poll_gone(cx).is_ready() {
                    return Poll::Ready(Err(Trouble::ClientIsGone("the client left before it was answered")));
                }
                self.reader.alarm.poll_past(due, cx).map(|()| Err(late("the head of the answer")))
            });
            let trouble = match read.await? {
                Ok(0) => upstream(ErrorType::ConnectionClosed, "before the head of the answer"),
                Err(error) => broken(ErrorType::ReadError, "reading the head of the answer", error),
                Ok(_) => {
                    answering = true;
                    match self.receive(line).await? {
                        Some(begun) => return Ok(Reply::Begun(begun)),
                        // The alarm is not asked while there is always more to read.
                        None if clock::instant() >= due => return Err(late("the head of the answer")),
                        None => continue,
                    }
                }
            };
            // Nothing is known to have come of a request on a connection that had ended.
            return if kept && !answering { Ok(Reply::Stale(trouble)) } else { Err(trouble) };
        }
    }

    /// The head of the answer, once it is there; what announces it goes on at once.
    async fn receive(&mut self, line: &mut Line) -> Result<Option<Head>, Trouble> {
        loop {
            let dressing = Dressing { policy: self.policy, exchange: self.exchange, closing: self.closing };
            let head = receive(&line.buffer, &mut self.reader.out, dressing).map_err(Trouble::Upstream)?;
            let Some(head) = head else {
                if line.buffer.len() > MOST_HEAD {
                    return Err(upstream(ErrorType::InvalidHTTPHeader, "the head of the answer is too long"));
                }
                line.expect_more();
                return Ok(None);
            };
            line.take(head.length);
            if !head.is_informational() {
                self.answered(&head);
                return Ok(Some(head));
            }
            let told = async {
                self.wire.write_all(&self.reader.out).await?;
                self.wire.flush().await
            };
            told.await.map_err(|_| Trouble::ClientIsGone("the client left before it was answered"))?;
        }
    }

    /// Takes note of what the answer begins with.
    fn answered(&mut self, head: &Head) {
        let Exchange { record, seat, .. } = &mut *self.exchange;
        record.begun = Some(head.status);
        record.status = head.status;
        let now = clock::instant();
        record.upstream_answered = record.upstream_asked.map(|asked| now.saturating_duration_since(asked));
        if head.is_event_stream {
            // Its client may take it as slowly as it likes.
            seat.meter.set_lasting();
        }
    }
}

/// Why a server was not asked, or has not answered.
enum Unasked {
    /// Nothing was sent: another may be asked.
    Elsewhere(Trouble),
    /// The request may have been done: nobody else is asked.
    Never(Trouble),
}

fn not_connected(error: &io::Error) -> Trouble {
    let kind = match error.kind() {
        io::ErrorKind::ConnectionRefused => ErrorType::ConnectRefused,
        io::ErrorKind::TimedOut => ErrorType::ConnectTimedout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => ErrorType::ConnectNoRoute,
        _ => ErrorType::ConnectError,
    };
    let mut found = Error::explain(kind, error.to_string());
    found.as_up();
    Trouble::Upstream(found)
}

/// A trouble with the upstream, while this was done.
pub(super) fn upstream(kind: ErrorType, doing: &'static str) -> Trouble {
    let mut error = Error::explain(kind, doing);
    error.as_up();
    Trouble::Upstream(error)
}

/// The same, as the system says it.
pub(super) fn broken(kind: ErrorType, doing: &'static str, cause: io::Error) -> Trouble {
    let mut error = Error::because(kind, doing, cause);
    error.as_up();
    Trouble::Upstream(error)
}

/// The upstream is not waited for any longer.
pub(super) fn late(what: &'static str) -> Trouble {
    upstream(ErrorType::ReadTimedout, what)
}
