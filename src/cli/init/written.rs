//! What has been written so far? Removed again when it is dropped before it is kept.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Files this run has made.
#[derive(Debug, Default)]
pub(super) struct Written {
    paths: Vec<PathBuf>,
}

impl Written {
    /// Makes a file that was not there, with `mode` from its first moment on.
    pub(super) fn file(&mut self, path: &Path, mode: u32, text: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        self.paths.push(path.to_owned());
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    /// A database is about to be made at `path`.
    pub(super) fn database(&mut self, path: &Path) {
        self.paths.extend(super::database_files(path));
    }

    /// Everything went well.
    pub(super) fn keep(mut self) {
        self.paths.clear();
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        for path in self.paths.drain(..) {
            // A file that was never made cannot be removed, and that is no failure.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_is_not_kept_is_gone_and_what_is_there_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut written = Written::default();
        written.file(&path, 0o600, "x").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(written);
        assert!(!path.exists());

        fs::write(&path, "mine").unwrap();
        let mut written = Written::default();
        assert!(written.file(&path, 0o600, "x").is_err());
        drop(written);
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }

    #[test]
    fn what_is_kept_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut written = Written::default();
        written.file(&path, 0o600, "x").unwrap();
        written.keep();
        assert!(path.exists());
    }
}
