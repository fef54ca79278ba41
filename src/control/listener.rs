//! The gateway's end of the socket: made for its owner alone, never taken from a gateway that is alive, removed at
//! the end.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::message::{Envelope, Listed, Problem, Reply, Request, Status};
use super::{DEADLINE, line};
use crate::identity::Digest;
use crate::revocation::{Revocations, Scope};
use crate::sessions::Sessions;

/// Connections served at once; more wait in the kernel's queue.
const AT_ONCE: usize = 32;

/// How long to hold back after a failed `accept` (out of file descriptors, as a rule).
const PAUSE: Duration = Duration::from_millis(100);

/// A bound control socket. The file is removed when this is dropped.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    file: OwnFile,
}

/// Binds the socket at `path`, mode 0600. A dead gateway's leftover is replaced; a socket that somebody listens on
/// (`AddrInUse`) or a file of another kind (`AlreadyExists`) is left alone. Needs a tokio runtime.
pub async fn bind(path: &Path) -> io::Result<Listener> {
    clear_leftover(path).await?;
    let socket = UnixListener::bind(path)?;
    let file = OwnFile::of(path)?;
    // Whoever slips in before the mode is set is found out by their user id when accepted.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(Listener { socket, file })
}

async fn clear_leftover(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "something that is not a socket is in the way",
        ));
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "a gateway listens on it already")),
    }
}

impl Listener {
    /// Answers until `stop`, then lets the connections it has end (their deadline bounds that). `on_revoked` hears of
    /// every revocation the store took.
    pub async fn serve(
        self,
        revocations: Arc<Revocations>,
        sessions: Arc<Sessions>,
        on_revoked: impl Fn(Scope) + Send + Sync + 'static,
        stop: impl Future<Output = ()>,
    ) {
        let on_revoked = Arc::new(on_revoked);
        let answer = move |request| {
            let (revocations, sessions) = (Arc::clone(&revocations), Arc::clone(&sessions));
            let on_revoked = Arc::clone(&on_revoked);
            async move { handle(request, &revocations, &sessions, &*on_revoked).await }
        };
        self.answer_with(answer, stop).await;
    }

    async fn answer_with<A, F>(self, answer: A, stop: impl Future<Output = ()>)
    where
        A: Fn(Request) -> F + Clone + Send + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        let Self { socket, file } = self;
        let mut stop = std::pin::pin!(stop);
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(_) = open.join_next() => {}
                accepted = socket.accept(), if open.len() < AT_ONCE => match accepted {
                    Ok((stream, _)) => {
                        open.spawn(connection(stream, answer.clone()));
                    }
                    Err(error) => {
                        log::warn!("the control socket cannot accept: {error}");
                        tokio::time::sleep(PAUSE).await;
                    }
                },
            }
        }
        // No new callers while the last ones are answered.
        drop((socket, file));
        while open.join_next().await.is_some() {}
    }
}

/// One connection: who is it, one line, one answer, within the deadline.
async fn connection<F>(stream: UnixStream, answer: impl Fn(Request) -> F)
where
    F: Future<Output = Reply>,
{
    match tokio::time::timeout(DEADLINE, exchange(stream, answer)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log::debug!("a control connection failed: {error}"),
        Err(_) => log::warn!("a control connection took too long and was closed"),
    }
}

async fn exchange<F>(mut stream: UnixStream, answer: impl Fn(Request) -> F) -> io::Result<()>
where
    F: Future<Output = Reply>,
{
    let caller = stream.peer_cred()?.uid();
    if caller != 0 && caller != rustix::process::geteuid().as_raw() {
        log::warn!("a control connection of user id {caller} was refused");
        return Ok(());
    }
    let reply = match line::read(&mut stream).await {
        Ok(line) => match Request::read(&line) {
            Ok(request) => answer(request).await,
            Err(problem) => Reply::Failed { problem },
        },
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Reply::Failed { problem: Problem::BadRequest(error.to_string()) }
        }
        Err(error) => return Err(error),
    };
    line::write(&mut stream, &Envelope::of(reply)).await
}

async fn handle(
    request: Request,
    revocations: &Revocations,
    sessions: &Sessions,
    on_revoked: &(impl Fn(Scope) + ?Sized),
) -> Reply {
    let done = match request {
        Request::Status {} => return Reply::Status(status(revocations)),
        Request::Sessions { user } => return list(sessions, &user).await,
        Request::Revoke(order) => match order.read() {
            Ok(revocation) => revocations.revoke(revocation).await.map(|()| on_revoked(revocation.scope)),
            Err(problem) => return Reply::Failed { problem },
        },
        Request::Lift(order) => match order.read() {
            Ok(revocation) => revocations.lift(revocation).await,
            Err(problem) => return Reply::Failed { problem },
        },
    };
    match done {
        Ok(()) => Reply::Done {},
        Err(error) => Reply::Failed { problem: Problem::Unavailable(error.to_string()) },
    }
}

async fn list(sessions: &Sessions, user: &str) -> Reply {
    let Some(user) = Digest::from_hex(user) else {
        return Reply::Failed {
            problem: Problem::BadRequest("`user` is not 32 hexadecimal digits".to_owned()),
        };
    };
    // What has been seen and is not written yet belongs to the answer.
    sessions.flush().await;
    match sessions.of_user(user).await {
        Ok(found) => Reply::Sessions { sessions: found.iter().map(Listed::from).collect() },
        Err(error) => Reply::Failed { problem: Problem::Unavailable(error.to_string()) },
    }
}

fn status(revocations: &Revocations) -> Status {
    Status {
        gatepass: env!("CARGO_PKG_VERSION").to_owned(),
        ready: revocations.is_ready(),
        store: revocations.store_name().to_owned(),
        store_up: revocations.store_up(),
        staleness_ms: u64::try_from(revocations.staleness().as_millis()).unwrap_or(u64::MAX),
        entries: revocations.entries(),
    }
}

/// The socket's file, known by more than its name: a successor's file of the same name is not ours to remove.
#[derive(Debug)]
struct OwnFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl OwnFile {
    fn of(path: &Path) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        Ok(Self { path: path.to_owned(), device: found.dev(), inode: found.ino() })
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        let ours = |found: &fs::Metadata| found.dev() == self.device && found.ino() == self.inode;
        if fs::symlink_metadata(&self.path).is_ok_and(|found| ours(&found)) {
            // What cannot be removed is found dead and replaced at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests;
