//! What does a gateway remember of the log when it is started again?
//!
//! A file that grows at its end, for gateways that share a log: the registers read, and how far. It is what a gateway
//! gives back to a Redis that has lost its data, also when the gateway itself was killed in the meantime. Written by
//! a thread of its own after the set in memory has it, forced to the disk, and never waited for; what does not get there
//! in time, the next rewrite puts there from memory. Read once, at start.

#[cfg(fuzzing)]
mod fuzz;
mod record;
#[cfg(fuzzing)]
pub use fuzz::read_journal;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::Unavailable;
use super::index::{Index, SHARDS};
use super::log::Position;
use super::register::Register;
use crate::clock::Clock;
use record::{Found, HEADER, Record};

/// Batches that may wait for the disk.
const QUEUE: usize = 256;
/// The file is rewritten when it is more than twice as long as it need be, and this much (in bytes).
const SLACK: u64 = 1024 * 1024;

/// Where registers go to be remembered.
pub(crate) struct Journal {
    queue: SyncSender<Vec<Record>>,
    state: Arc<State>,
}

struct State {
    /// Something did not find room in the queue: the file lacks it.
    behind: AtomicBool,
    /// Whether the last write succeeded.
    up: AtomicBool,
}

impl Journal {
    /// Opens the file (mode 0600, made where absent), joins what it holds into `index`, and starts the thread that
    /// writes. Reads the file: to be called where blocking is allowed. With it, how far the log had been read when that
    /// was last written down.
    pub(crate) fn open(
        path: &Path,
        index: &Arc<Index>,
        clock: Clock,
    ) -> Result<(Self, Option<Position>), Unavailable> {
        let named = |error: io::Error| Unavailable(format!("the journal {}: {error}", path.display()));
        let file = open_locked(path).map_err(named)?;
        let position = read(&file, path, index, &clock).map_err(named)?;
        let length = file.metadata().map_err(named)?.len();
        let state = Arc::new(State { behind: AtomicBool::new(false), up: AtomicBool::new(true) });
        let (queue, waiting) = sync_channel(QUEUE);
        let writer = Writer {
            path: path.to_owned(),
            file,
            length,
            position,
            index: Arc::clone(index),
            clock,
            state: Arc::clone(&state),
        };
        let thread = std::thread::Builder::new().name("journal".to_owned());
        thread.spawn(move || writer.run(&waiting)).map_err(named)?;
        Ok((Self { queue, state }, position))
    }

    /// Remembers registers that the set in memory has taken in. Never waits.
    pub(crate) fn note(&self, registers: &[Register]) {
        if !registers.is_empty() {
            self.send(registers.iter().copied().map(Record::Register).collect());
        }
    }

    /// Remembers how far the log has been read.
    pub(crate) fn note_position(&self, position: Position) {
        self.send(vec![Record::Position(position)]);
    }

    fn send(&self, records: Vec<Record>) {
        if self.queue.try_send(records).is_err() {
            self.state.behind.store(true, Ordering::Release);
        }
    }

    /// Whether the last write reached the disk.
    pub(crate) fn is_up(&self) -> bool {
        self.state.up.load(Ordering::Relaxed)
    }
}

/// Opens the file for this process alone.
fn open_locked(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "another gateway writes it; each needs one of its own",
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Joins what the file holds into `index`. A record that was not written to its end is cut off, so that the next one
/// begins where it should; one that does not add up is passed over.
fn read(file: &File, path: &Path, index: &Index, clock: &Clock) -> io::Result<Option<Position>> {
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(None);
    }
    let mut reader = BufReader::with_capacity(1 << 20, file);
    record::read_header(&mut reader)?;
    let now = clock.now();
    let (mut whole, mut spoilt, mut position) = (HEADER.len() as u64, 0_u64, None);
    loop {
        match Record::read(&mut reader)? {
            Found::End => break,
            Found::Record(Record::Register(register)) if !register.is_over(now) => {
                index.merge(register);
            }
            Found::Record(Record::Register(_)) => {}
            Found::Record(Record::Position(read)) => position = Some(read),
            Found::Spoilt => spoilt += 1,
        }
        whole += Record::LENGTH;
    }
    if spoilt > 0 {
        tracing::error!(
            "the journal {}: {spoilt} records do not add up and are lost: see to the disk",
            path.display()
        );
    }
    if whole < length {
        tracing::info!("the journal {}: its last record was not written to its end", path.display());
        file.set_len(whole)?;
    }
    Ok(position)
}

/// The thread's own state.
struct Writer {
    path: PathBuf,
    file: File,
    length: u64,
    position: Option<Position>,
    index: Arc<Index>,
    clock: Clock,
    state: Arc<State>,
}

impl Writer {
    /// Writes until nobody is left to send.
    fn run(mut self, waiting: &Receiver<Vec<Record>>) {
        while let Ok(first) = waiting.recv() {
            let batches = std::iter::once(first).chain(waiting.try_iter().take(QUEUE));
            let records: Vec<Record> = batches.flatten().collect();
            let written = self.take(&records);
            if self.state.up.swap(written.is_ok(), Ordering::Relaxed) != written.is_ok() {
                match &written {
                    Ok(()) => tracing::info!("the journal {} is written again", self.path.display()),
                    Err(error) => tracing::error!(
                        "the journal {} cannot be written: {error}; until it can, what only this gateway knows is lost with it",
                        self.path.display()
                    ),
                }
            }
            if written.is_err() {
                // What is in memory is all there at the next attempt.
                self.state.behind.store(true, Ordering::Release);
            }
        }
    }

    fn take(&mut self, records: &[Record]) -> io::Result<()> {
        let last = records.iter().rev().find_map(|record| match record {
            Record::Position(position) => Some(*position),
            Record::Register(_) => None,
        });
        self.position = last.or(self.position);
        // Taken before the set is read, which then has everything that was not queued until now.
        let behind = self.state.behind.swap(false, Ordering::AcqRel);
        let needed = (self.index.len() as u64 + 1) * Record::LENGTH;
        if behind || self.length == 0 || self.length > needed * 2 + SLACK {
            return self.rewrite();
        }
        let mut bytes = Vec::with_capacity(records.len() * usize::try_from(Record::LENGTH).unwrap_or(0));
        for record in records {
            record.write(&mut bytes)?;
        }
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Writes the whole set into a new file that takes the old one's place.
    fn rewrite(&mut self) -> io::Result<()> {
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        let name = PathBuf::from(name);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = open_locked(&name)?;
        let mut writer = BufWriter::with_capacity(1 << 20, file);
        writer.write_all(HEADER)?;
        let mut length = HEADER.len() as u64;
        let now = self.clock.now();
        for shard in 0..SHARDS {
            for register in self.index.all(shard, now) {
                Record::Register(register).write(&mut writer)?;
                length += Record::LENGTH;
            }
        }
        if let Some(position) = self.position {
            Record::Position(position).write(&mut writer)?;
            length += Record::LENGTH;
        }
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        std::fs::rename(&name, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        self.file = file;
        self.length = length;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
