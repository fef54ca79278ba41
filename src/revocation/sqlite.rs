//! How is the log kept in a file, for one machine?
//!
//! One connection writes, one reads, both on threads that may wait. The reader looks twenty times a second whether
//! another connection has changed the file (`PRAGMA data_version`, which costs microseconds), so that what a command
//! writes is known to a running gateway at once. `synchronous = FULL`: what was acknowledged survives a power failure.

mod tables;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::Unavailable;
use super::log::{
    Appended, Batch, Change, Incarnation, Loaded, Mark, NewMark, Pages, Position, RevocationLog,
};
use super::register::Register;
use crate::clock::{self, Clock};
use crate::identity::Digest;
use crate::sqlite::blocking;

/// How often the reader looks.
const LOOK: Duration = Duration::from_millis(50);

/// The log in an SQLite file.
pub(crate) struct SqliteLog {
    writer: Arc<Mutex<Connection>>,
    reader: Arc<Mutex<Reader>>,
    clock: Clock,
}

struct Reader {
    connection: Connection,
    /// The file's change counter when it was last read, and where the log ended then.
    seen: Option<(i64, Position)>,
}

impl SqliteLog {
    /// Opens the file, making it (mode 0600) and the tables where absent.
    pub(crate) async fn open(path: PathBuf, clock: Clock) -> Result<Self, Unavailable> {
        let name = path.display().to_string();
        let (writer, connection) = blocking(move || {
            let writer = tables::open(&path)?;
            Ok((writer, tables::open(&path)?))
        })
        .await
        .map_err(|why| Unavailable(format!("{name}: {why}")))?;
        let reader = Reader { connection, seen: None };
        Ok(Self { writer: Arc::new(Mutex::new(writer)), reader: Arc::new(Mutex::new(reader)), clock })
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let writer = Arc::clone(&self.writer);
        blocking(move || job(&mut writer.lock().unwrap_or_else(PoisonError::into_inner)))
            .await
            .map_err(Unavailable)
    }

    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Reader) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let reader = Arc::clone(&self.reader);
        blocking(move || job(&mut reader.lock().unwrap_or_else(PoisonError::into_inner)))
            .await
            .map_err(Unavailable)
    }
}

impl Reader {
    /// What comes after `known`, or `None` if the file has not changed since that was its end.
    fn news(&mut self, known: Position) -> rusqlite::Result<Option<Batch>> {
        let asked = clock::instant();
        // Read before the log is: a change in between is then seen again, never missed.
        let counter = tables::change_counter(&self.connection)?;
        if self.seen == Some((counter, known)) {
            return Ok(None);
        }
        let batch = tables::read_after(&mut self.connection, known, asked)?;
        self.seen = Some((counter, batch.head));
        Ok(Some(batch))
    }
}

#[async_trait]
impl RevocationLog for SqliteLog {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    async fn append(&self, change: Change, floor: u64, marks: NewMark) -> Result<Appended, Unavailable> {
        let (now, mark) = (self.clock.now(), marks());
        let register =
            self.write(move |connection| tables::append(connection, change, floor, mark, now)).await?;
        Ok(Appended { register, mark, confirmed: Ok(()) })
    }

    async fn next_version(&self, floor: u64) -> Result<u64, Unavailable> {
        let now = self.clock.now();
        self.write(move |connection| tables::next_version(connection, floor, now)).await
    }

    async fn load(&self, pages: Pages<'_>) -> Result<Loaded, Unavailable> {
        let now = self.clock.now();
        let (send, mut receive) = mpsc::channel(4);
        let reading = self.read(move |reader| {
            // Nobody takes pages any more where the load was given up.
            let mut take = |page: Vec<Register>| _ = send.blocking_send(page);
            tables::load(&mut reader.connection, now, clock::instant(), &mut take)
        });
        let taking = async {
            while let Some(page) = receive.recv().await {
                pages(&page);
            }
        };
        tokio::join!(reading, taking).0
    }

    async fn follow(&self, known: Position, wait: Duration) -> Result<Batch, Unavailable> {
        let until = clock::instant() + wait;
        loop {
            let asked = clock::instant();
            if let Some(batch) = self.read(move |reader| reader.news(known)).await? {
                return Ok(batch);
            }
            let left = until.saturating_duration_since(clock::instant());
            if left.is_zero() {
                return Ok(Batch::nothing_new(known, asked));
            }
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }

    async fn write_back(&self, registers: &[(Register, Mark)]) -> Result<Option<Mark>, Unavailable> {
        let registers = registers.to_vec();
        self.write(move |connection| tables::write_back(connection, &registers)).await
    }

    async fn look(&self, digests: &[Digest]) -> Result<(Incarnation, Vec<Register>), Unavailable> {
        let digests = digests.to_vec();
        self.read(move |reader| tables::look(&mut reader.connection, &digests)).await
    }
}
