//! The bytes of one connection, plain or TLS, over TCP or a Unix socket: what Pingora reads from and writes to.
//!
//! Writes are gathered until a flush, so that a head and a short body leave in one packet (and one TLS record).

use std::fmt;
use std::io;
use std::os::fd::RawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, TimingDigest,
    UniqueID, UniqueIDType,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufWriter, ReadBuf};

use super::Connection;
use super::frames::{Farewell, Frames};
use super::ration::Ration;
use super::socket::Socket;

/// Enough for a response head and a small body; larger writes go straight through.
const GATHER: usize = 4096;
/// How long, and for how many bytes, a client may go on sending after the last answer.
const LINGER: Duration = Duration::from_millis(500);
const LINGER_BYTES: usize = 256 * 1024;

/// A socket with gathered writes, as Pingora wants it.
///
/// However it ends, it is closed politely: closed at once under a client that still sends, the last answer would be
/// lost to a reset (RFC 9112 §9.6).
pub(in crate::proxy) struct Wire {
    /// Taken only by the drop.
    socket: Option<BufWriter<Socket>>,
    /// What was read to see whether the client is still there.
    ahead: Option<u8>,
    /// Whether the client has ended its side.
    heard_out: bool,
    connection: Arc<Connection>,
    /// Where in a WebSocket's frames we stand, once it is one.
    frames: Option<Frames>,
    /// What an h2 client may send that asks for nothing.
    ration: Option<Ration>,
}

impl Wire {
    pub(super) fn new(socket: Socket, connection: &Arc<Connection>) -> Self {
        let ration = socket.speaks_h2().then(|| Ration::new(connection.since));
        let socket = Some(BufWriter::with_capacity(GATHER, socket));
        Self {
            socket,
            ahead: None,
            heard_out: false,
            connection: Arc::clone(connection),
            frames: None,
            ration,
        }
    }

    const fn socket(&mut self) -> &mut BufWriter<Socket> {
        self.socket.as_mut().expect("the socket is there until the drop")
    }

    /// Notes whether the client is waited for; while a body is, by whom we are woken when it is late.
    fn listen(&self, polled: &Poll<io::Result<()>>, cx: &Context<'_>) {
        self.connection.flow.set_listening(polled.is_pending());
        if polled.is_pending() && self.connection.meter.is_uploading() {
            self.connection.waker.register(cx.waker());
        }
    }

    /// Ready once the client has ended its side, or broken it off, while we work for it. A client that goes on sending is
    /// not looked at until what it sent is wanted.
    pub(in crate::proxy) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(socket) = &mut self.socket else { return Poll::Ready(()) };
        socket.get_mut().poll_gone(&mut self.ahead, cx)
    }

    fn fd(&self) -> RawFd {
        self.socket.as_ref().map_or(-1, |socket| socket.get_ref().fd())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let (Some(socket), false) = (self.socket.take(), self.heard_out) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let between = self.frames.is_some_and(Frames::may_speak);
            let last_words = self.connection.farewell().filter(|_| between).map_or(&[][..], Farewell::frame);
            let mut rest = Box::pin(hear_out(socket, last_words));
            // What can be said at once is said now: at a shutdown the runtime may not live to run another task.
            if rest.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                runtime.spawn(rest);
            }
        }
    }
}

/// Says the last words and that nothing more will come, and listens for a while to what the client has not stopped
/// sending.
async fn hear_out(mut socket: BufWriter<Socket>, last_words: &'static [u8]) {
    let farewell = async {
        socket.write_all(last_words).await?;
        socket.shutdown().await?;
        let mut waste = [0; 4096];
        let mut wasted = 0;
        while wasted < LINGER_BYTES {
            match socket.read(&mut waste).await? {
                0 => break,
                read => wasted += read,
            }
        }
        Ok::<(), io::Error>(())
    };
    // Whatever goes wrong here, the connection ends.
    let _ = tokio::time::timeout(LINGER, farewell).await;
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.connection.flow.is_late() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buf.filled().len();
        let polled = if buf.remaining() > 0
            && let Some(byte) = self.ahead.take()
        {
            buf.put_slice(&[byte]);
            Poll::Ready(Ok(()))
        } else {
            Pin::new(self.socket()).poll_read(cx, buf)
        };
        self.listen(&polled, cx);
        if matches!(&polled, Poll::Ready(Ok(())) if buf.filled().len() == before && buf.remaining() > 0)
            || matches!(&polled, Poll::Ready(Err(_)))
        {
            self.heard_out = true;
        }
        let this = &mut *self;
        let read = &buf.filled()[before..];
        if this.connection.came(read).is_err() {
            let error = io::Error::new(io::ErrorKind::InvalidData, "the body's chunks are none");
            return Poll::Ready(Err(error));
        }
        if let Some(ration) = &mut this.ration
            && ration.pass(read, &this.connection.flow).is_err()
        {
            tracing::debug!(client = ?this.connection.client, "an h2 client sent too much that asks for nothing");
            this.heard_out = true;
            return Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into()));
        }
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(self.socket()).poll_write(cx, buf);
        self.connection.flow.set_stuck(polled.is_pending());
        if let Poll::Ready(Ok(taken)) = polled {
            self.connection.flow.wrote(taken);
            if self.connection.is_upgraded() {
                self.frames.get_or_insert(Frames::START).pass(&buf[..taken]);
            }
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(self.socket()).poll_flush(cx);
        self.connection.flow.set_stuck(polled.is_pending());
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.socket()).poll_shutdown(cx)
    }
}

#[async_trait]
impl Shutdown for Wire {
    async fn shutdown(&mut self) {
        // A client that is gone cannot be told; there is nothing else to do with the error.
        let _ = self.socket().shutdown().await;
    }
}

impl UniqueID for Wire {
    fn id(&self) -> UniqueIDType {
        self.fd()
    }
}

impl Ssl for Wire {
    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.socket.as_ref()?.get_ref().speaks_h2().then_some(ALPN::H2)
    }
}

impl GetTimingDigest for Wire {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        Vec::new()
    }
}

impl GetProxyDigest for Wire {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        None
    }
}

impl GetSocketDigest for Wire {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        None
    }
}

impl Peek for Wire {}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire(fd {})", self.fd())
    }
}
