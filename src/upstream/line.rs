//! One connection to a server in the clear, spoken to without the engine.

use std::future::Future as _;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::{Buf as _, BytesMut};
use pingora::protocols::l4::socket::SocketAddr;
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncReadExt as _, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// What a usual answer fits in.
const USUAL: usize = 4 * 1024;
/// The least that is read at once of what does not.
const MORE: usize = 1024;
/// A buffer larger than this served a long body, and is not kept for the next answer.
const MOST_KEPT: usize = 16 * 1024;

/// A connection to a server, and what it has said that was not looked at yet.
pub struct Line {
    socket: Socket,
    /// Bytes read, and not passed on.
    pub buffer: BytesMut,
}

enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Line {
    /// Connects; how long that may take is the caller's to bound.
    pub(super) async fn connect(address: &SocketAddr) -> io::Result<Self> {
        let socket = match address {
            SocketAddr::Inet(address) => {
                let socket = TcpStream::connect(address).await?;
                // Requests are written whole; waiting for more to send only delays them.
                let _ = socket.set_nodelay(true);
                Socket::Tcp(socket)
            }
            SocketAddr::Unix(address) => {
                let path = address.as_pathname().ok_or(io::ErrorKind::InvalidInput)?;
                Socket::Unix(UnixStream::connect(path).await?)
            }
        };
        Ok(Self { socket, buffer: BytesMut::with_capacity(USUAL) })
    }

    /// Whether the server has neither ended it nor said anything unasked, as far as has been heard.
    pub(super) fn is_quiet(&self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let heard = match &self.socket {
            Socket::Tcp(socket) => socket.poll_read_ready(&mut cx),
            Socket::Unix(socket) => socket.poll_read_ready(&mut cx),
        };
        // What was heard may be what the last answer was read by: only the system knows.
        heard.is_pending() || self.is_silent()
    }

    /// The same, asked of the system: news of an end may not have come up here yet.
    pub fn is_silent(&self) -> bool {
        let mut byte = [0; 1];
        let found = recv(self.fd(), &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT);
        matches!(found, Err(rustix::io::Errno::WOULDBLOCK))
    }

    /// Reads what there is into the buffer; 0 once the server has ended its side.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match &mut self.socket {
            Socket::Tcp(socket) => pin!(socket.read_buf(&mut self.buffer)).poll(cx),
            Socket::Unix(socket) => pin!(socket.read_buf(&mut self.buffer)).poll(cx),
        }
    }

    /// Makes room for so many bytes.
    pub fn expect(&mut self, bytes: usize) {
        self.buffer.reserve(bytes);
    }

    /// Makes room for more of a head that is not here whole. Not for as much again with each piece: a head may come byte by
    /// byte.
    pub fn expect_more(&mut self) {
        self.buffer.reserve(MORE);
    }

    /// So many bytes of the buffer have been passed on.
    pub fn take(&mut self, bytes: usize) {
        if bytes == self.buffer.len() {
            // All of the room is free again.
            self.buffer.clear();
        } else {
            self.buffer.advance(bytes);
        }
    }

    /// Makes it ready for the next request.
    pub(super) fn rest(&mut self) {
        self.buffer.clear();
        if self.buffer.capacity() > MOST_KEPT {
            self.buffer = BytesMut::with_capacity(USUAL);
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(socket) => socket.as_fd(),
            Socket::Unix(socket) => socket.as_fd(),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.socket {
            Socket::Tcp(socket) => Pin::new(socket).poll_write(cx, buf),
            Socket::Unix(socket) => Pin::new(socket).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Tcp(socket) => Pin::new(socket).poll_shutdown(cx),
            Socket::Unix(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn a_head_that_comes_byte_by_byte_takes_no_more_room_than_another() {
        let (socket, mut server) = UnixStream::pair().unwrap();
        let mut line = Line { socket: Socket::Unix(socket), buffer: BytesMut::with_capacity(USUAL) };
        for read in 1..=3 * USUAL {
            server.write_all(b"x").await.unwrap();
            assert_eq!(std::future::poll_fn(|cx| line.poll_fill(cx)).await.unwrap(), 1);
            line.expect_more();
            assert!(line.buffer.capacity() <= 8 * USUAL, "{} after {read}", line.buffer.capacity());
        }
    }
}
