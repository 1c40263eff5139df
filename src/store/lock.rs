//! The lock on a directory: one operation at a time among all processes that use it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use super::dir::BackupDir;
use crate::error::{Error, Result};

const NAME: &str = ".snapdump.lock";

/// A lock that the operating system frees when the process dies, however it dies.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    file: File,
}

impl DirectoryLock {
    /// Takes the lock, or returns `None` at once when somebody has it.
    pub(crate) fn try_take(directory: &BackupDir) -> Result<Option<Self>> {
        let failed = |error| Error::io("could not lock the backup directory", error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
        let file = options.open(path(directory)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                // What a dead owner has left.
                file.set_len(0).map_err(failed)?;
                Ok(Some(Self { file }))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Writes down who has the lock, for those who ask in vain.
    pub(crate) fn sign(&mut self, owner: &[u8]) -> Result<()> {
        let failed = |error| Error::io("could not write the lock of the backup directory", error);
        self.file.rewind().map_err(failed)?;
        self.file.set_len(0).map_err(failed)?;
        self.file.write_all(owner).map_err(failed)
    }

    /// What the owner of the lock has written; nothing when it has not yet, or has no lock.
    pub(crate) fn owner(directory: &BackupDir) -> Vec<u8> {
        let mut text = Vec::new();
        let mut options = OpenOptions::new();
        // Neither another file by a link, nor a pipe that is waited for.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.read(true).custom_flags(flags.bits().cast_signed());
        if let Ok(file) = options.open(path(directory)) {
            // A text that cannot be read is as good as none.
            let _ = file.take(64 * 1024).read_to_end(&mut text);
        }
        text
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Nobody may take the last owner for the next one. Closing the file frees the lock.
        let _ = self.file.set_len(0);
    }
}

fn path(directory: &BackupDir) -> PathBuf {
    directory.path().join(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_the_lock_and_says_who() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = BackupDir::open(scratch.path()).unwrap();
        let mut first = DirectoryLock::try_take(&directory).unwrap().unwrap();
        first.sign(b"a longer owner").unwrap();
        first.sign(b"owner").unwrap();
        assert!(DirectoryLock::try_take(&directory).unwrap().is_none());
        assert_eq!(DirectoryLock::owner(&directory), b"owner");
        drop(first);
        assert_eq!(DirectoryLock::owner(&directory), b"");
        assert!(DirectoryLock::try_take(&directory).unwrap().is_some());
    }

    /// Neither a link to another file nor a pipe that nobody writes to is taken for the lock.
    #[test]
    fn a_lock_that_is_a_link_or_a_pipe_is_not_read() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = BackupDir::open(scratch.path()).unwrap();
        let secret = scratch.path().join("secret");
        std::fs::write(&secret, "secret").unwrap();
        std::os::unix::fs::symlink(&secret, path(&directory)).unwrap();
        assert_eq!(DirectoryLock::owner(&directory), b"");
        assert!(DirectoryLock::try_take(&directory).is_err());
        assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
        std::fs::remove_file(path(&directory)).unwrap();
        let made = std::process::Command::new("mkfifo").arg(path(&directory)).status().unwrap();
        assert!(made.success());
        assert_eq!(DirectoryLock::owner(&directory), b"");
    }
}
