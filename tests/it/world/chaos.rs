//! How does a test come between a gateway and its Redis?
//!
//! A proxy for TCP whose manners can be changed while connections go through it. What it does not pass on it keeps, in
//! order, and passes on later, as a network does that comes back: nothing is lost from the middle of a stream.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::redis::free_port;

/// What it does with what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Passes everything on.
    Open,
    /// Is not there: connections are refused.
    Absent,
    /// Accepts, and closes.
    Closing,
    /// Accepts, and passes nothing on, either way.
    Silent,
    /// Passes replies on, but no requests.
    HoldsRequests,
    /// Passes requests on, but no replies.
    HoldsReplies,
    /// Passes everything on so much later, each way.
    Slow(Duration),
    /// Is a Redis that answers every command with this error.
    Says(&'static str),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Requests,
    Replies,
}

impl Manner {
    fn holds(self, way: Way) -> bool {
        match self {
            Self::Silent => true,
            Self::HoldsRequests => way == Way::Requests,
            Self::HoldsReplies => way == Way::Replies,
            _ => false,
        }
    }

    /// Whether a connection can outlive the change to this, or from it.
    fn keeps_connections(self) -> bool {
        !matches!(self, Self::Absent | Self::Closing | Self::Says(_))
    }
}

#[derive(Clone, Copy)]
struct State {
    manner: Manner,
    /// The port on loopback that new connections go to.
    to: u16,
    /// How often the connections have been cut.
    cuts: usize,
}

/// The proxy. Ends when dropped.
pub(crate) struct Chaos {
    port: u16,
    state: watch::Sender<State>,
    task: JoinHandle<()>,
}

impl Chaos {
    /// One before this port.
    pub(crate) fn before(to: u16) -> Self {
        let port = free_port();
        let (state, seen) = watch::channel(State { manner: Manner::Open, to, cuts: 0 });
        Self { port, state, task: tokio::spawn(serve(port, seen)) }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// From now on it does this.
    pub(crate) fn set(&self, manner: Manner) {
        self.state.send_modify(|state| {
            if !(manner.keeps_connections() && state.manner.keeps_connections()) {
                state.cuts += 1;
            }
            state.manner = manner;
        });
    }

    /// Cuts every connection; new ones go to this port.
    pub(crate) fn point_to(&self, port: u16) {
        self.state.send_modify(|state| {
            state.cuts += 1;
            state.to = port;
        });
    }

    /// Cuts every connection.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}

async fn serve(port: u16, mut state: watch::Receiver<State>) {
    loop {
        if state.wait_for(|state| state.manner != Manner::Absent).await.is_err() {
            return;
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("the port is ours");
        let connections = state.clone();
        let accept = async {
            loop {
                if let Ok(accepted) = listener.accept().await {
                    tokio::spawn(until_cut(accepted, connections.clone()));
                }
            }
        };
        tokio::select! {
            () = accept => {}
            _ = state.wait_for(|state| state.manner == Manner::Absent) => {}
        }
    }
}

async fn until_cut((stream, _): (TcpStream, SocketAddr), mut state: watch::Receiver<State>) {
    let now = *state.borrow();
    let _ = stream.set_nodelay(true);
    let pumps = state.clone();
    tokio::select! {
        () = converse(stream, now, pumps) => {}
        // Also when the proxy is dropped.
        _ = state.wait_for(|state| state.cuts != now.cuts) => {}
    }
}

async fn converse(stream: TcpStream, now: State, state: watch::Receiver<State>) {
    match now.manner {
        Manner::Absent | Manner::Closing => {}
        Manner::Says(error) => complain(stream, error).await,
        _ => {
            let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, now.to)).await else { return };
            let _ = server.set_nodelay(true);
            let ((from_client, to_client), (from_server, to_server)) =
                (stream.into_split(), server.into_split());
            tokio::join!(
                pump(from_client, to_server, Way::Requests, state.clone()),
                pump(from_server, to_client, Way::Replies, state),
            );
        }
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way, mut state: watch::Receiver<State>) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        let Ok(now) = state.wait_for(|state| !state.manner.holds(way)).await.map(|state| *state) else {
            return;
        };
        if let Manner::Slow(by) = now.manner {
            tokio::time::sleep(by).await;
        }
        // Dropping the half that writes tells the other side of the end.
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// Answers each command (an array of strings, as every client library sends it) with an error.
async fn complain(mut stream: TcpStream, error: &str) {
    let reply = format!("-{error}\r\n");
    let mut buffer = Vec::new();
    loop {
        while let Some(length) = command(&buffer) {
            buffer.drain(..length);
            if stream.write_all(reply.as_bytes()).await.is_err() {
                return;
            }
        }
        if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

/// How long the first command is, if all of it is there.
fn command(bytes: &[u8]) -> Option<usize> {
    let (words, mut at) = number(bytes, 0)?;
    for _ in 0..words {
        let (length, behind) = number(bytes, at)?;
        at = behind + length + 2;
    }
    (at <= bytes.len()).then_some(at)
}

/// The number in the line at `at`, behind its sign (`*` or `$`), and where the next line begins.
fn number(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let line = bytes.get(at..)?;
    let end = line.windows(2).position(|pair| pair == b"\r\n")?;
    let digits = std::str::from_utf8(line.get(1..end)?).ok()?;
    Some((digits.parse().ok()?, at + end + 2))
}
