//! Is the file still the one that was read?

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::clock::Clock;

/// The longest file that is read: hundreds of thousands of users.
const MOST: u64 = 16 * 1024 * 1024;
/// File systems count time in steps. What was changed this shortly before it was read may be changed once more within
/// the step, in seconds.
const STEP: i64 = 2;

/// What tells one state of a file from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }
}

/// A file that was read.
pub(super) struct Look {
    pub(super) stamp: Stamp,
    /// Whether the file cannot become another and still have the stamp.
    pub(super) lasting: bool,
    pub(super) bytes: Vec<u8>,
}

/// The file's stamp now. Errors are for people.
pub(super) async fn stamp(path: &Path) -> Result<Stamp, String> {
    blocking(path, |path| metadata(path).map(|found| Stamp::of(&found))).await
}

/// Who may do what with it.
pub(super) async fn mode(path: &Path) -> Result<u32, String> {
    blocking(path, |path| metadata(path).map(|found| found.mode())).await
}

/// Reads the whole file.
pub(super) async fn look(path: &Path) -> Result<Look, String> {
    blocking(path, |path| {
        // Before it is opened: who opens a pipe waits for its other end.
        metadata(path)?;
        let file = File::open(path).map_err(|error| told(&error))?;
        let before = file.metadata().map_err(|error| told(&error))?;
        let mut bytes = Vec::new();
        (&file).take(MOST + 1).read_to_end(&mut bytes).map_err(|error| told(&error))?;
        if bytes.len() as u64 > MOST {
            return Err(format!("is longer than {} MiB", MOST >> 20));
        }
        let after = file.metadata().map_err(|error| told(&error))?;
        let stamp = Stamp::of(&before);
        let now = i64::try_from(Clock::system().now().secs()).unwrap_or(i64::MAX);
        let lasting = stamp == Stamp::of(&after) && now.saturating_sub(before.ctime()) > STEP;
        Ok(Look { stamp, lasting, bytes })
    })
    .await
}

fn metadata(path: &Path) -> Result<Metadata, String> {
    let found = std::fs::metadata(path).map_err(|error| told(&error))?;
    if found.is_file() { Ok(found) } else { Err("is not a file".to_owned()) }
}

fn told(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file; `htpasswd -cB FILE LOGIN` makes one".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    job: impl FnOnce(&Path) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let path = path.to_owned();
    match tokio::task::spawn_blocking(move || job(&path)).await {
        Ok(done) => done,
        Err(_) => Err("the thread that read it was stopped".to_owned()),
    }
}
