//! How long may a client of the admin listener stay? Whatever it does or leaves undone, so long and no longer.
//!
//! Nobody authenticates here, and axum bounds neither the wait for a request nor that for an answer to be taken. A client
//! that comes often (Prometheus) just connects again.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;

/// A listener whose connections end after a time.
pub(super) struct Visits {
    pub(super) listener: TcpListener,
    pub(super) longest: Duration,
}

impl Listener for Visits {
    type Io = Visit;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visit, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (Visit { stream, end: Box::pin(tokio::time::sleep(self.longest)) }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection and its end.
pub(super) struct Visit {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
}

impl Visit {
    fn is_over(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        self.end.as_mut().poll(cx).map(|()| io::ErrorKind::TimedOut.into())
    }
}

macro_rules! while_it_lasts {
    ($visit:ident, $cx:ident, $call:expr) => {
        match $call {
            Poll::Pending => $visit.is_over($cx).map(Err),
            done => done,
        }
    };
}

impl AsyncRead for Visit {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while_it_lasts!(self, cx, Pin::new(&mut self.stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Visit {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        while_it_lasts!(self, cx, Pin::new(&mut self.stream).poll_write(cx, buf))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while_it_lasts!(self, cx, Pin::new(&mut self.stream).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
