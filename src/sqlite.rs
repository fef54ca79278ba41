//! How is an SQLite file of ours opened and asked? For its owner alone, safe against a power failure, by several at once,
//! and where nobody waits for it who must not.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Error, ErrorCode, Result, Row, ffi};

use crate::clock;

/// How long a statement waits for other connections, whichever process they are of.
const BUSY: Duration = Duration::from_secs(2);

/// The pause between two tries of what SQLite does not wait for by itself.
const PAUSE: Duration = Duration::from_millis(5);

/// Opens the file, making it (mode 0600) where absent. What was committed is there after a power failure.
pub(crate) fn open(path: &Path) -> Result<Connection> {
    // Made by us so that nobody else may read it, not even for a moment. An existing file is not opened here: closing
    // it again would drop the locks that other connections of this process hold on it.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            let code = ffi::Error::new(ffi::SQLITE_CANTOPEN);
            return Err(Error::SqliteFailure(code, Some(format!("cannot be created: {error}"))));
        }
        _ => {}
    }
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    write_ahead(&connection)?;
    connection.pragma_update(None, "synchronous", "full")?;
    Ok(connection)
}

/// Has readers and the writer not wait for each other. Of several who change a new file at once, all but one are told
/// that it is locked, without the wait of a statement: each reads before it writes, and would wait for the others.
fn write_ahead(connection: &Connection) -> Result<()> {
    let deadline = clock::instant() + BUSY;
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && clock::instant() < deadline => {}
            done => return done,
        }
        std::thread::park_timeout(PAUSE);
    }
}

/// Runs `job` where waiting for a disk holds nobody up. It is done even if nobody waits for it any more. The error is for
/// people.
pub(crate) async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T> + Send + 'static,
) -> std::result::Result<T, String> {
    match tokio::task::spawn_blocking(job).await {
        Ok(result) => result.map_err(|error| format!("SQLite: {error}")),
        Err(_) => Err("SQLite: the thread that asked it was stopped".into()),
    }
}

/// A file of ours that one connection asks, one question after the other.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Connection>>);

impl Shared {
    /// Opens the file as [`open`] does, and has `prepare` make its tables. The error is for people.
    pub(crate) async fn open(
        path: PathBuf,
        prepare: impl FnOnce(&Connection) -> Result<()> + Send + 'static,
    ) -> std::result::Result<Self, String> {
        let name = path.display().to_string();
        let opened = blocking(move || {
            let connection = open(&path)?;
            prepare(&connection)?;
            Ok(Self(Arc::new(Mutex::new(connection))))
        });
        opened.await.map_err(|why| format!("{name}: {why}"))
    }

    /// Does `job` when it is its turn. The error is for people.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, String> {
        let connection = Arc::clone(&self.0);
        blocking(move || job(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))).await
    }
}

/// An integer as SQLite has them: signed; ours stay below 2⁶³.
pub(crate) fn number(unsigned: u64) -> i64 {
    i64::try_from(unsigned).unwrap_or(i64::MAX)
}

/// The column `at`, which was written as [`number`] says.
pub(crate) fn unsigned(row: &Row<'_>, at: usize) -> Result<u64> {
    let signed: i64 = row.get(at)?;
    u64::try_from(signed).map_err(|_| Error::IntegralValueOutOfRange(at, signed))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn a_new_file_is_opened_by_many_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..50 {
            let path = folder.path().join(format!("{round}.db"));
            let start = Barrier::new(8);
            std::thread::scope(|scope| {
                let openers: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            start.wait();
                            open(&path).map(drop)
                        })
                    })
                    .collect();
                for opener in openers {
                    opener.join().unwrap().unwrap();
                }
            });
        }
    }

    #[test]
    fn it_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder.path().join("new.db")).unwrap();
        connection.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
        assert!(files.len() > 1, "the write-ahead log is a file beside it");
        for file in files {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        }
    }
}
