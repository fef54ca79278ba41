//! A connected socket, of whatever kind: plain or TLS, over TCP or a Unix socket.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

/// The socket.
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
    TlsUnix(Box<TlsStream<UnixStream>>),
}

impl Socket {
    pub(super) fn fd(&self) -> RawFd {
        match self {
            Self::Tcp(socket) => socket.as_raw_fd(),
            Self::Unix(socket) => socket.as_raw_fd(),
            Self::Tls(socket) => socket.get_ref().0.as_raw_fd(),
            Self::TlsUnix(socket) => socket.get_ref().0.as_raw_fd(),
        }
    }

    /// Whether the client chose HTTP/2 in the TLS handshake (RFC 7301).
    pub(super) fn speaks_h2(&self) -> bool {
        let chosen = match self {
            Self::Tls(socket) => socket.get_ref().1.alpn_protocol(),
            Self::TlsUnix(socket) => socket.get_ref().1.alpn_protocol(),
            Self::Tcp(_) | Self::Unix(_) => None,
        };
        chosen == Some(b"h2")
    }

    /// Ready once the other end has ended its side, or broken it off; what it says is left to be read, but for one byte
    /// that `ahead` has then.
    pub(super) fn poll_gone(&mut self, ahead: &mut Option<u8>, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Tcp(socket) => gone(socket, cx),
            Self::Unix(socket) => gone(socket, cx),
            Self::Tls(socket) => gone_within(socket, ahead, cx),
            Self::TlsUnix(socket) => gone_within(socket, ahead, cx),
        }
    }

    /// Whether it is encrypted.
    pub(super) const fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_) | Self::TlsUnix(_))
    }
}

macro_rules! each_socket {
    ($self:expr, $socket:ident => $call:expr) => {
        match $self.get_mut() {
            Self::Tcp($socket) => $call,
            Self::Unix($socket) => $call,
            Self::Tls($socket) => $call,
            Self::TlsUnix($socket) => $call,
        }
    };
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each_socket!(self, socket => Pin::new(socket).poll_read(cx, buf))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        each_socket!(self, socket => Pin::new(socket).poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each_socket!(self, socket => Pin::new(socket).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each_socket!(self, socket => Pin::new(socket).poll_shutdown(cx))
    }
}

/// Sockets that say when there is something to read.
trait Readable: AsFd {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    fn try_look<T>(&self, look: impl FnMut() -> io::Result<T>) -> io::Result<T>;
}

macro_rules! readable {
    ($($socket:ty),*) => {$(
        impl Readable for $socket {
            fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_read_ready(cx)
            }

            fn try_look<T>(&self, look: impl FnMut() -> io::Result<T>) -> io::Result<T> {
                self.try_io(Interest::READABLE, look)
            }
        }
    )*};
}

readable!(TcpStream, UnixStream);

/// Ready once the other end has ended its side.
fn gone(socket: &impl Readable, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        if ready!(socket.poll_readable(cx)).is_err() {
            return Poll::Ready(());
        }
        let mut byte = [0; 1];
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        match socket.try_look(|| recv(socket, &mut byte, flags).map_err(io::Error::from)) {
            Ok((_, 1)) => return Poll::Pending,
            // It was ready for what has been read since: asked again, it will say when it is.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => return Poll::Ready(()),
        }
    }
}

/// The same under TLS, where the end is announced in a record: from outside it looks like more to read.
fn gone_within(
    socket: &mut (impl AsyncRead + Unpin),
    ahead: &mut Option<u8>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    if ahead.is_some() {
        return Poll::Pending;
    }
    let mut byte = [0; 1];
    let mut room = ReadBuf::new(&mut byte);
    let read = ready!(Pin::new(socket).poll_read(cx, &mut room));
    *ahead = room.filled().first().copied();
    if read.is_ok() && ahead.is_some() { Poll::Pending } else { Poll::Ready(()) }
}
