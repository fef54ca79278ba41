//! How is another application's file held open? Without changing it, and not beyond its replacement: a file that was put
//! into its place (a restored backup) is opened anew, because the old one knows nothing of who was disabled since.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::time::timeout;

use crate::sqlite;
use crate::users::Mode;

/// How long a statement waits for the application.
const BUSY: Duration = Duration::from_secs(2);
/// How long anybody waits for an answer.
const ANSWER: Duration = Duration::from_secs(5);

pub(super) struct File {
    path: PathBuf,
    mode: Mode,
    open: Arc<Mutex<Option<Open>>>,
}

struct Open {
    connection: Connection,
    /// Device and number of the file.
    identity: (u64, u64),
}

impl File {
    /// Opens the file at `path`; a text for people if that fails.
    pub(super) async fn open(path: PathBuf, mode: Mode) -> Result<Self, String> {
        let file = Self { path, mode, open: Arc::default() };
        file.ask(|_| Ok(())).await?;
        Ok(file)
    }

    /// Runs `job` where waiting for a disk holds nobody up.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, String> {
        let (path, mode, open) = (self.path.clone(), self.mode, Arc::clone(&self.open));
        let asked = sqlite::blocking(move || {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            let there = identity(&path);
            if open.as_ref().is_none_or(|open| there.as_ref().ok() != Some(&open.identity)) {
                *open = None;
                match connect(&path, mode) {
                    Ok(new) => *open = Some(new),
                    Err(why) => return Ok(Err(why)),
                }
            }
            Ok(match open.as_ref() {
                Some(open) => job(&open.connection).map_err(|error| Failure::Sqlite(path, error)),
                None => Err(Failure::Absent(path)),
            })
        });
        match timeout(ANSWER, asked).await {
            Ok(answer) => answer?.map_err(|failure| failure.to_string()),
            Err(_) => Err(format!("{} does not answer within {} s", self.path.display(), ANSWER.as_secs())),
        }
    }
}

/// Why nothing came of a question.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("there is no file {}: the application whose users these are makes it", .0.display())]
    Absent(PathBuf),
    #[error("{}: {}", .0.display(), told(.1))]
    Sqlite(PathBuf, rusqlite::Error),
}

fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    std::fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

fn connect(path: &Path, mode: Mode) -> Result<Open, Failure> {
    let identity = identity(path).map_err(|_| Failure::Absent(path.to_owned()))?;
    let access = match mode {
        Mode::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Mode::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let opened = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let opened = opened.and_then(|connection| {
        connection.busy_timeout(BUSY)?;
        // What is no database is told now, not to whoever signs in first.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
        Ok(connection)
    });
    let connection = opened.map_err(|error| Failure::Sqlite(path.to_owned(), error))?;
    Ok(Open { connection, identity })
}

/// What SQLite says, without the statement.
fn told(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message))
        | rusqlite::Error::SqlInputError { msg: message, .. } => message.clone(),
        other => other.to_string(),
    }
}
